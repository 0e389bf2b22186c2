//! Turns the groups of the tally and the bursts of the correlations into findings.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::overflow::{Fold, Overflow};
use crate::correlate::{Actors, Bursts};
use crate::event::time::Epoch;
use crate::finding::Finding;
use crate::interner::Symbol;
use crate::rules::{Correlation, Measure, Rule, RuleKind, RuleSet};
use crate::severity::Severity;
use crate::sha256;
use crate::tally::{Group, GroupReader, New, Period, Tally};
use crate::words::{exact_duration, plural, thousands};

/// Findings that are not made yet, and what they are made from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'t> {
    pub(super) rules: &'t RuleSet,
    pub(super) tally: &'t Tally,
    pub(super) bursts: &'t [Bursts],
}

/// A finding that is not made yet. There may be millions, so it is small.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The rule's place in the rule set.
    pub(super) rule: usize,
    pub(super) level: Severity,
    last: Option<Epoch>,
    of: FindingSource,
}

/// What it is made of, by its place in the tally or among the bursts.
#[derive(Clone, Copy)]
enum FindingSource {
    Group(usize),
    Bursts(usize),
}

/// What identifies a finding beside its rule.
struct About<'t> {
    actor: Cow<'t, str>,
    resource: &'t str,
    period: Period,
}

/// Everything that was found, in the order of [`Finding::order`].
pub(super) fn found(from: Sources<'_>) -> Vec<Found> {
    let one = |rule: usize, last, of| {
        let level = from.rules.rules.get(rule)?.level;
        from.rules.reports(rule).then_some(Found {
            rule,
            level,
            last,
            of,
        })
    };
    let groups = from.tally.groups.keys().enumerate();
    let groups = groups.filter_map(|(place, (key, last))| {
        one(key.rule as usize, last, FindingSource::Group(place))
    });
    let bursts = from.bursts.iter().enumerate();
    let bursts = bursts.filter_map(|(place, bursts)| {
        one(
            bursts.key.correlation,
            bursts.events.last,
            FindingSource::Bursts(place),
        )
    });
    let mut found: Vec<Found> = groups.chain(bursts).collect();
    found.sort_by(|a, b| from.compare(a, b));
    found
}

/// Findings that are made.
pub(super) struct BuiltFindings {
    /// Those that are kept in full, in the report's order.
    pub(super) findings: Vec<Finding>,
    pub(super) folded: Overflow,
    /// How many there are of both.
    pub(super) count: usize,
    /// Why some could not be made.
    pub(super) failure: Option<io::Error>,
}

/// Makes the findings of that level and above.
pub(super) fn make(from: Sources<'_>, found: &[Found], least: Severity) -> BuiltFindings {
    let mut fold = Fold::default();
    let mut last = BuildCache::default();
    let (mut findings, mut count, mut failure) = (Vec::new(), 0, None);
    for one in found.iter().filter(|one| one.level >= least) {
        match from.finding(one, &mut last) {
            Ok(Some(finding)) => {
                count += 1;
                findings.extend(fold.take(one.rule, finding));
            }
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
    }
    BuiltFindings {
        findings,
        folded: fold.folded,
        count,
        failure,
    }
}

impl<'t> Sources<'t> {
    /// The order of every report; that of [`Finding::order`].
    fn compare(self, one: &Found, other: &Found) -> Ordering {
        let name = |found: &Found| self.rules.rules.get(found.rule).map(|rule| &*rule.name);
        (other.level, other.last)
            .cmp(&(one.level, one.last))
            .then_with(|| name(one).cmp(&name(other)))
            .then_with(|| {
                let (Some(one), Some(other)) = (self.about(one), self.about(other)) else {
                    return Ordering::Equal;
                };
                (one.actor.cmp(&other.actor))
                    .then_with(|| one.resource.cmp(other.resource))
                    .then_with(|| one.period.to_string().cmp(&other.period.to_string()))
            })
    }

    fn about(self, found: &Found) -> Option<About<'t>> {
        let text = |id| self.tally.names.text(id);
        Some(match found.of {
            FindingSource::Group(place) => {
                let key = self.tally.groups.key(place)?;
                About {
                    actor: text(key.actor).into(),
                    resource: text(key.resource),
                    period: key.period,
                }
            }
            FindingSource::Bursts(place) => {
                let key = &self.bursts.get(place)?.key;
                About {
                    actor: match key.actors {
                        Actors::One(actor) => text(actor).into(),
                        Actors::Several(actors) => plural(actors as u64, "principal").into(),
                    },
                    resource: &key.resource,
                    period: key.period,
                }
            }
        })
    }

    /// Makes a finding; `None` if its rule is gone. `last` is kept from one to the next.
    ///
    /// # Errors
    /// Its events could not be read back.
    pub(super) fn finding(
        self,
        found: &Found,
        last: &mut BuildCache,
    ) -> io::Result<Option<Finding>> {
        let tally = self.tally;
        let (Some(rule), Some(about)) = (self.rules.rules.get(found.rule), self.about(found))
        else {
            return Ok(None);
        };
        let (group, parties, correlation) = match found.of {
            FindingSource::Group(place) => {
                let group = tally.groups.get(place, &mut last.reader)?;
                let key = tally.groups.key(place);
                let new = key.and_then(|key| tally.novelty.new.get(key)).map(new);
                let parties = Parties::of(&group, tally);
                (group, parties, new)
            }
            FindingSource::Bursts(place) => {
                let Some(bursts) = self.bursts.get(place) else {
                    return Ok(None);
                };
                let parties = last.parties(&bursts.events, tally);
                let group = Cow::Borrowed(&*bursts.events);
                (group, parties, Some(threshold_words(rule, bursts)))
            }
        };
        let text = |id: &Symbol| tally.names.text(*id).to_owned();
        let texts = |ids: &mut dyn Iterator<Item = &Symbol>| -> BTreeSet<String> {
            ids.map(text).filter(|text| !text.is_empty()).collect()
        };
        let period = about.period.to_string();
        Ok(Some(Finding {
            id: about.id(&rule.name, &period),
            aliases: (rule.former_names.iter())
                .map(|name| about.id(name, &period))
                .collect(),
            rule: rule.name.clone(),
            rule_id: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level,
            actor: about.actor.into_owned(),
            resource: about.resource.to_owned(),
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
            more_source_ips: parties.source_ips.1 as u64,
            source_ips: parties.source_ips.0,
            actors: parties.actors.0,
            more_actors: parties.actors.1 as u64,
            access_keys: parties.access_keys.0,
            more_access_keys: parties.access_keys.1 as u64,
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
        }))
    }
}

impl About<'_> {
    /// The hash that identifies the finding, however often its period is reviewed.
    fn id(&self, rule: &str, period: &str) -> String {
        let text = [rule, &self.actor, self.resource, period].join("\u{1f}");
        let mut id = sha256::hex([text.as_bytes()]);
        id.truncate(16);
        id
    }
}

/// Who called, from where and with which keys: the first of each and how many more there are.
#[derive(Clone)]
struct Parties {
    source_ips: (BTreeSet<String>, usize),
    actors: (BTreeSet<String>, usize),
    access_keys: (BTreeSet<String>, usize),
}

impl Parties {
    /// Those of a group. There may be thousands, of which a few are shown.
    fn of(group: &Group, tally: &Tally) -> Self {
        let (source_ips, names) = (&group.source_ips, &tally.names);
        Self {
            source_ips: source_ips.first(Finding::MOST_ADDRESSES, &tally.source_ips, names),
            actors: group.actors.first(Finding::MOST_ACTORS, names),
            access_keys: group.access_keys.first(Finding::MOST_ACCESS_KEYS, names),
        }
    }
}

/// What is kept from one finding to the next.
#[derive(Default)]
pub(super) struct BuildCache {
    /// Of the last finding about bursts, whose events thousands may share.
    parties: Option<(Arc<Group>, Parties)>,
    reader: GroupReader,
}

impl BuildCache {
    fn parties(&mut self, events: &Arc<Group>, tally: &Tally) -> Parties {
        match &self.parties {
            Some((known, parties)) if Arc::ptr_eq(known, events) => parties.clone(),
            _ => {
                let parties = Parties::of(events, tally);
                self.parties = Some((Arc::clone(events), parties.clone()));
                parties
            }
        }
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

/// `14 events in 10 minutes at most (fires at at least 5), 2 times`.
fn threshold_words(rule: &Rule, bursts: &Bursts) -> String {
    let RuleKind::Correlation(correlation) = &rule.kind else {
        return String::new();
    };
    let mut text = match &correlation.condition {
        Some(condition) => format!(
            "{} within {}",
            condition.text,
            exact_duration(correlation.timespan)
        ),
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
    let what = measure_words(correlation);
    format!(
        "{peak} {what} within {}; threshold: {}",
        exact_duration(correlation.timespan),
        thresholds.join(" and ")
    )
}

fn measure_words(correlation: &Correlation) -> &'static str {
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
