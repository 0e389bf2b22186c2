//! Groups and bursts, as the tally and the correlations left them, told as findings.

use std::collections::BTreeSet;

use super::{plural, span, thousands};
use crate::correlate::{Actors, Bursts};
use crate::finding::Finding;
use crate::names::{NameId, Names};
use crate::rules::{Correlation, Measure, Rule, RuleKind, RuleSet};
use crate::sha256;
use crate::tally::{Group, GroupKey, New, Period, Tally};

/// Whom and what a finding is about, and when: what it is known by from report to report.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    rule: usize,
    actor: String,
    resource: String,
    period: Period,
}

impl Subject {
    /// The subject of a group, in words.
    pub(super) fn of(key: &GroupKey, names: &Names) -> Self {
        Self {
            rule: key.rule as usize,
            actor: names.text(key.actor).to_owned(),
            resource: names.text(key.resource).to_owned(),
            period: key.period,
        }
    }

    /// The hash that identifies the finding, however often its period is reviewed.
    fn id(&self, rule: &str, period: &str) -> String {
        let text = [rule, &self.actor, &self.resource, period].join("\u{1f}");
        let mut id = sha256::hex([text.as_bytes()]);
        id.truncate(16);
        id
    }
}

/// One group as a finding; nothing where its rule is gone.
pub(super) fn finding(
    rules: &RuleSet,
    subject: Subject,
    group: &Group,
    correlation: Option<String>,
    tally: &Tally,
) -> Option<Finding> {
    let rule = rules.rules.get(subject.rule)?;
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
    let period = subject.period.to_string();
    Some(Finding {
        id: subject.id(&rule.name, &period),
        rule: rule.name.clone(),
        rule_id: rule.id.clone(),
        title: rule.title.clone(),
        level: rule.level,
        actor: subject.actor,
        resource: subject.resource,
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

/// How many new values a finding names.
const MOST_NEW: usize = 10;

/// `first seen: network 198.51.100.0/24`.
pub(super) fn new(new: &New) -> String {
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

/// Several bursts of one rule, actor, resource and week are one finding.
pub(super) fn burst_findings(rules: &RuleSet, tally: &Tally, found: Vec<Bursts>) -> Vec<Finding> {
    let reported = found
        .into_iter()
        .filter(|bursts| rules.reports(bursts.key.correlation));
    let finding = |bursts: Bursts| {
        let rule = rules.rules.get(bursts.key.correlation);
        let said = rule.map(|rule| said(rule, &bursts));
        let subject = Subject {
            rule: bursts.key.correlation,
            actor: match bursts.key.actors {
                Actors::One(actor) => tally.names.text(actor).to_owned(),
                Actors::Several(actors) => plural(actors as u64, "principal"),
            },
            resource: bursts.key.resource,
            period: bursts.key.period,
        };
        finding(rules, subject, &bursts.events, said, tally)
    };
    reported.filter_map(finding).collect()
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
        text.push_str("; close to where the logs begin or end, beyond which nothing was looked at");
    }
    text
}

/// `14 events within 10 minutes; the rule fires at at least 5`.
fn threshold(correlation: &Correlation, peak: f64) -> String {
    let thresholds: Vec<String> = correlation
        .thresholds
        .iter()
        .map(|(comparison, number)| format!("{} {number}", comparison.as_str()))
        .collect();
    let what = measured(correlation);
    format!(
        "{peak} {what} within {}; the rule fires at {}",
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
