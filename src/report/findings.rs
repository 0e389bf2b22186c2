//! Groups and bursts, as the tally and the correlations left them, told as findings.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::correlate::{Actors, Bursts};
use crate::event::time::Epoch;
use crate::finding::Finding;
use crate::names::NameId;
use crate::rules::{Correlation, Measure, Rule, RuleKind, RuleSet};
use crate::severity::Severity;
use crate::sha256;
use crate::tally::{Group, GroupKey, New, Period, Tally};
use crate::words::{plural, span, thousands};

/// A finding that is not made yet: what it is sorted by, and what it is made of.
pub(super) struct Found<'t> {
    /// The rule's place in the rule set.
    pub(super) rule: usize,
    pub(super) level: Severity,
    name: &'t str,
    last: Option<Epoch>,
    actor: Cow<'t, str>,
    resource: &'t str,
    period: Period,
    of: Of<'t>,
}

enum Of<'t> {
    Group(&'t GroupKey, &'t Group),
    Bursts(&'t Bursts),
}

/// Everything that was found, in the order of [`Finding::order`].
pub(super) fn found<'t>(
    rules: &'t RuleSet,
    tally: &'t Tally,
    bursts: &'t [Bursts],
) -> Vec<Found<'t>> {
    let groups = tally.groups.iter().filter_map(|(key, group)| {
        let place = key.rule as usize;
        let rule = rules.rules.get(place).filter(|_| rules.reports(place))?;
        Some(Found {
            rule: place,
            level: rule.level,
            name: &rule.name,
            last: group.last,
            actor: tally.names.text(key.actor).into(),
            resource: tally.names.text(key.resource),
            period: key.period,
            of: Of::Group(key, group),
        })
    });
    let bursts = bursts.iter().filter_map(|bursts| {
        let place = bursts.key.correlation;
        let rule = rules.rules.get(place).filter(|_| rules.reports(place))?;
        Some(Found {
            rule: place,
            level: rule.level,
            name: &rule.name,
            last: bursts.events.last,
            actor: match bursts.key.actors {
                Actors::One(actor) => tally.names.text(actor).into(),
                Actors::Several(actors) => plural(actors as u64, "principal").into(),
            },
            resource: &bursts.key.resource,
            period: bursts.key.period,
            of: Of::Bursts(bursts),
        })
    });
    let mut found: Vec<Found<'t>> = groups.chain(bursts).collect();
    found.sort_by(Found::compare);
    found
}

impl Found<'_> {
    /// The order of every report; that of [`Finding::order`].
    fn compare(&self, other: &Self) -> Ordering {
        (other.level, other.last)
            .cmp(&(self.level, self.last))
            .then_with(|| self.name.cmp(other.name))
            .then_with(|| self.actor.cmp(&other.actor))
            .then_with(|| self.resource.cmp(other.resource))
            .then_with(|| self.period.to_string().cmp(&other.period.to_string()))
    }

    /// The hash that identifies the finding, however often its period is reviewed.
    fn id(&self, rule: &str, period: &str) -> String {
        let text = [rule, &self.actor, self.resource, period].join("\u{1f}");
        let mut id = sha256::hex([text.as_bytes()]);
        id.truncate(16);
        id
    }

    /// Makes the finding; `None` if its rule is gone.
    pub(super) fn finding(&self, rules: &RuleSet, tally: &Tally) -> Option<Finding> {
        let rule = rules.rules.get(self.rule)?;
        let (group, correlation) = match self.of {
            Of::Group(key, group) => (group, tally.novelty.new.get(key).map(new)),
            Of::Bursts(bursts) => (&bursts.events, Some(said(rule, bursts))),
        };
        let text = |id: &NameId| tally.names.text(*id).to_owned();
        let texts = |ids: &mut dyn Iterator<Item = &NameId>| -> BTreeSet<String> {
            ids.map(text).filter(|text| !text.is_empty()).collect()
        };
        // there may be thousands, of which a few are shown
        let (source_ips, more_source_ips) =
            group
                .source_ips
                .first(Finding::MOST_ADDRESSES, &tally.source_ips, &tally.names);
        let (actors, more_actors) = group.actors.first(Finding::MOST_ACTORS, &tally.names);
        let (access_keys, more_access_keys) = group
            .access_keys
            .first(Finding::MOST_ACCESS_KEYS, &tally.names);
        let period = self.period.to_string();
        Some(Finding {
            id: self.id(&rule.name, &period),
            rule: rule.name.clone(),
            rule_id: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level,
            actor: self.actor.clone().into_owned(),
            resource: self.resource.to_owned(),
            period,
            count: group.count,
            first: group.first,
            last: group.last,
            calls: group
                .calls
                .iter()
                .map(|(name, count)| (text(name), *count))
                .collect(),
            accounts: texts(&mut group.accounts.iter()),
            regions: texts(&mut group.regions.iter()),
            more_source_ips: more_source_ips as u64,
            source_ips,
            actors,
            more_actors: more_actors as u64,
            access_keys,
            more_access_keys: more_access_keys as u64,
            samples: group
                .samples
                .shown()
                .into_iter()
                .map(|evidence| tally.sample(evidence))
                .collect(),
            citations: rule
                .citations
                .iter()
                .map(|cited| cited.section.to_owned())
                .collect(),
            attack: rule.attack.clone(),
            correlation,
            why: if rule.why.is_empty() {
                rule.description.clone()
            } else {
                rule.why.clone()
            },
            response: rule.response.clone(),
            false_positives: rule.false_positives.clone(),
        })
    }
}

/// How many new values a finding names.
const MOST_NEW: usize = 10;

/// `first seen: network 198.51.100.0/24`.
fn new(new: &New) -> String {
    let named: Vec<&str> = new
        .values
        .iter()
        .map(String::as_str)
        .take(MOST_NEW)
        .collect();
    let what = new.what.replace('_', " ");
    match new.values.len() {
        0 => "first seen: the principal itself".to_owned(),
        all if all > MOST_NEW => {
            let more = thousands((all - MOST_NEW) as u64);
            format!("first seen: {what} {} and {more} more", named.join(", "))
        }
        _ => format!("first seen: {what} {}", named.join(", ")),
    }
}

/// `14 events in 10 minutes at the most (fires at at least 5), 2 times`.
fn said(rule: &Rule, bursts: &Bursts) -> String {
    let RuleKind::Correlation(correlation) = &rule.kind else {
        return String::new();
    };
    let mut text = match &correlation.condition {
        Some(condition) => format!("{} within {}", condition.text, span(correlation.timespan)),
        None => threshold(correlation, bursts.peak),
    };
    if bursts.count > 1 {
        text.push_str(&format!("; {} times in this period", bursts.count));
    }
    if bursts.at_the_edge {
        text.push_str(
            "; near the edge of the scanned period; earlier or later events may be missing",
        );
    }
    text
}

/// `14 events within 10 minutes; threshold: at least 5`.
fn threshold(correlation: &Correlation, peak: f64) -> String {
    let thresholds: Vec<String> = correlation
        .thresholds
        .iter()
        .map(|(comparison, number)| format!("{} {number}", comparison.as_str()))
        .collect();
    let what = measured(correlation);
    format!(
        "{peak} {what} within {}; threshold: {}",
        span(correlation.timespan),
        thresholds.join(" and ")
    )
}

fn measured(correlation: &Correlation) -> &'static str {
    match correlation.measure {
        Measure::EventCount => "events",
        Measure::ValueCount => "different values",
        Measure::Temporal => "of the watched rules together",
        Measure::TemporalOrdered => "of the watched rules in order",
        Measure::ValueSum => "in all",
        Measure::ValueAvg => "on average",
        Measure::ValuePercentile(_) => "at the percentile",
    }
}
