//! What is said: the [`Report`], a value that renderers only format.
//!
//! The words follow the auditor's: "no findings in the covered data", never "pass"; a rule that
//! could not see its events is "not assessed"; nothing is greener than its weakest part.

pub mod activity;
pub mod csv;
pub mod html;
pub mod json;
pub mod terminal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::correlate::Burst;
use crate::coverage::{Coverage, Sight};
use crate::event::time::Epoch;
use crate::finding::{Finding, Sample, iso_time};
use crate::hipaa::{CATALOGUE, Citation};
use crate::rules::{Correlation, Measure, Rejected, Rule, RuleKind, RuleSet, Unconfigured};
use crate::severity::Severity;
use crate::tally::{Group, GroupKey, Row, Tally, period};
use activity::ActivityTables;

/// Everything a run has to say.
#[derive(Debug, Serialize)]
pub struct Report {
    pub provenance: Provenance,
    pub coverage: Coverage,
    /// By citation, in the catalogue's order; only those some rule speaks to.
    pub citations: Vec<CitationState>,
    /// In the order of [`Finding::order`].
    pub findings: Vec<Finding>,
    /// Every rule in use that reports, by name.
    pub rules: Vec<RuleState>,
    pub rejected: Vec<Rejected>,
    pub unconfigured: Vec<Unconfigured>,
    pub activity: ActivityTables,
}

/// Where the report comes from: enough to make it again.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Provenance {
    pub version: &'static str,
    pub organization: String,
    pub source: String,
    /// The window `[since, until)` in event time; nothing where all was read.
    #[serde(serialize_with = "iso_time")]
    pub since: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub until: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub created: Option<Epoch>,
    /// The accounts and Regions asked for; empty means all.
    pub accounts: Vec<String>,
    pub regions: Vec<String>,
    /// The configuration file and the SHA-256 of its text.
    pub config: Option<(String, String)>,
    /// The zone of the business calendar.
    pub time_zone: Option<String>,
    pub rule_set_sha256: String,
    pub rules_in_use: usize,
}

/// Whether a rule could see the events it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Assessment {
    Assessed,
    NotAssessed { reason: String },
}

/// A rule as the report lists it.
#[derive(Debug, Clone, Serialize)]
pub struct RuleState {
    pub name: String,
    pub title: String,
    pub level: Severity,
    pub catalogue: String,
    pub citations: Vec<&'static str>,
    #[serde(flatten)]
    pub assessment: Assessment,
    pub findings: u64,
}

/// What can be said of one citation.
#[derive(Debug, Clone, Serialize)]
pub struct CitationState {
    #[serde(flatten)]
    pub citation: &'static Citation,
    pub state: State,
    pub rules: usize,
    pub rules_assessed: usize,
    pub findings: BTreeMap<Severity, u64>,
}

/// The states of a citation. There is no "compliant".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    FindingsOpen,
    /// No findings, but part of the data or of the rules is missing.
    PartlyCovered,
    NoFindings,
    NotAssessed,
}

impl State {
    /// The words of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FindingsOpen => "findings open",
            Self::PartlyCovered => "no findings, partly covered",
            Self::NoFindings => "no findings in the covered data",
            Self::NotAssessed => "not assessed",
        }
    }
}

impl Report {
    /// Draws the report from what a run learnt. `least` leaves out findings below that level.
    pub fn new(
        provenance: Provenance,
        rules: &RuleSet,
        mut tally: Tally,
        bursts: Vec<Burst>,
        least: Severity,
    ) -> Self {
        let groups = std::mem::take(&mut tally.groups)
            .into_iter()
            .filter(|(key, _)| rules.reports(key.rule));
        let mut findings: Vec<Finding> = groups
            .filter_map(|(key, group)| finding(rules, &key, group, None))
            .collect();
        findings.extend(burst_findings(rules, &tally, bursts));
        findings.retain(|finding| finding.level >= least);
        findings.sort_by_cached_key(Finding::order);
        let states = rule_states(rules, &tally.coverage, &findings);
        Self {
            provenance: Provenance {
                rule_set_sha256: rules.hash.clone(),
                rules_in_use: states.len(),
                ..provenance
            },
            citations: citation_states(&states, &findings, tally.coverage.is_complete()),
            rules: states,
            rejected: rules.rejected.clone(),
            unconfigured: rules.unconfigured.clone(),
            activity: ActivityTables::new(tally.activity),
            coverage: tally.coverage,
            findings,
        }
    }

    /// How many findings stand at each level, most severe first; levels without any left out.
    pub fn by_level(&self) -> Vec<(Severity, usize)> {
        let count = |level| {
            self.findings
                .iter()
                .filter(|finding| finding.level == level)
                .count()
        };
        Severity::DESCENDING
            .into_iter()
            .map(|level| (level, count(level)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The most severe finding's level.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// The rules that could not see their events, with the reason.
    pub fn not_assessed(&self) -> impl Iterator<Item = (&RuleState, &str)> {
        self.rules.iter().filter_map(|rule| match &rule.assessment {
            Assessment::NotAssessed { reason } => Some((rule, reason.as_str())),
            Assessment::Assessed => None,
        })
    }

    /// One sentence: what needs a decision, and whether the logs were complete.
    pub fn verdict(&self) -> String {
        let levels: Vec<String> = self
            .by_level()
            .iter()
            .map(|(level, count)| format!("{count} {level}"))
            .collect();
        let found = if levels.is_empty() {
            "No findings in the covered data".to_owned()
        } else {
            format!(
                "{} to decide: {}",
                plural(self.findings.len() as u64, "finding"),
                levels.join(", ")
            )
        };
        let whole = if self.coverage.is_complete() {
            "all logs found were read"
        } else {
            "INCOMPLETE: not all logs could be read"
        };
        format!("{found}; {whole}.")
    }
}

/// `1 finding`, `2 findings`, with thousands marked.
pub fn plural(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", thousands(count))
}

/// `12,003`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The hash that identifies a finding, however often its period is reviewed.
fn finding_id(rule: &str, key: &GroupKey) -> String {
    let text = [rule, &key.actor, &key.resource, &key.period].join("\u{1f}");
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    hash.as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn finding(
    rules: &RuleSet,
    key: &GroupKey,
    group: Group,
    correlation: Option<String>,
) -> Option<Finding> {
    let rule = rules.rules.get(key.rule)?;
    let addresses = group.source_ips.len();
    Some(Finding {
        id: finding_id(&rule.name, key),
        rule: rule.name.clone(),
        title: rule.title.clone(),
        level: rule.level,
        actor: key.actor.clone(),
        resource: key.resource.clone(),
        period: key.period.clone(),
        count: group.count,
        first: group.first,
        last: group.last,
        calls: group.calls,
        accounts: group.accounts,
        regions: group.regions,
        source_ips: group
            .source_ips
            .into_iter()
            .take(Finding::MOST_ADDRESSES)
            .collect(),
        more_source_ips: addresses.saturating_sub(Finding::MOST_ADDRESSES) as u64,
        samples: group.samples.into_iter().collect(),
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

/// Several bursts of one rule, actor, resource and week are one finding.
fn burst_findings(rules: &RuleSet, tally: &Tally, bursts: Vec<Burst>) -> Vec<Finding> {
    let mut groups: BTreeMap<GroupKey, (Group, Vec<Burst>)> = BTreeMap::new();
    for burst in bursts
        .into_iter()
        .filter(|burst| rules.reports(burst.correlation))
    {
        let key = burst_key(rules, &burst);
        let (group, members) = groups.entry(key).or_default();
        for row in &burst.rows {
            let sample = row
                .sample
                .as_deref()
                .cloned()
                .unwrap_or_else(|| bare_sample(row, tally));
            group.add(Some(row.time), &row.call, Some(&sample));
        }
        members.push(burst);
    }
    groups
        .into_iter()
        .filter_map(|(key, (group, bursts))| {
            let said = rules.rules.get(key.rule).map(|rule| said(rule, &bursts));
            finding(rules, &key, group, said)
        })
        .collect()
}

/// Who and on what: the one actor and resource of all its events; where there are several, their
/// number, and for the resource what the correlation groups by.
fn burst_key(rules: &RuleSet, burst: &Burst) -> GroupKey {
    let distinct = |of: fn(&Row) -> &str| -> BTreeSet<&str> { burst.rows.iter().map(of).collect() };
    let only = |set: &BTreeSet<&str>| {
        set.first()
            .filter(|_| set.len() == 1)
            .map(|text| (*text).to_owned())
    };
    let actors = distinct(|row| &row.actor);
    let grouped = match rules.rules.get(burst.correlation).map(|rule| &rule.kind) {
        Some(RuleKind::Correlation(correlation)) => {
            let named = correlation.group_by.iter().zip(&burst.group);
            let values = named
                .filter(|(name, _)| name.as_str() != "trailscan.principal")
                .map(|(_, value)| value.as_str());
            values.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    GroupKey {
        rule: burst.correlation,
        actor: only(&actors).unwrap_or_else(|| plural(actors.len() as u64, "principal")),
        resource: only(&distinct(|row| &row.resource)).unwrap_or(grouped),
        period: period(burst.rows.first().map(|row| row.time)),
    }
}

/// `14 events in 10 minutes at the most (fires at at least 5), 2 times`.
fn said(rule: &Rule, bursts: &[Burst]) -> String {
    let RuleKind::Correlation(correlation) = &rule.kind else {
        return String::new();
    };
    let peak = bursts.iter().map(|burst| burst.peak).fold(0.0, f64::max);
    let thresholds: Vec<String> = correlation
        .thresholds
        .iter()
        .map(|(comparison, number)| format!("{} {number}", comparison.as_str()))
        .collect();
    let what = measured(correlation);
    let mut text = format!(
        "{peak} {what} within {}; the rule fires at {}",
        span(correlation.timespan),
        thresholds.join(" and ")
    );
    if bursts.len() > 1 {
        text.push_str(&format!("; {} times in this period", bursts.len()));
    }
    text
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

/// `10 minutes`, `24 hours`.
pub fn span(seconds: Epoch) -> String {
    let (unit, name) = match seconds {
        s if s % 86_400 == 0 && s > 86_400 => (86_400, "day"),
        s if s % 3_600 == 0 => (3_600, "hour"),
        s if s % 60 == 0 => (60, "minute"),
        _ => (1, "second"),
    };
    plural((seconds / unit).unsigned_abs(), name)
}

/// What can be said of an event whose rule keeps no samples.
fn bare_sample(row: &Row, tally: &Tally) -> Sample {
    Sample {
        time: Some(row.time),
        event_id: row.event_id.to_string(),
        object: tally.objects.get(&row.object).cloned().unwrap_or_default(),
        record: row.record,
        event_name: row.call.name.clone(),
        principal: row.actor.clone(),
        outcome: row.call.outcome.as_str().to_owned(),
        ..Sample::default()
    }
}

/// Whether each rule could see its events, judged by what was read: a kind of event that never
/// occurs in all the logs may not be recorded at all.
fn rule_states(rules: &RuleSet, coverage: &Coverage, findings: &[Finding]) -> Vec<RuleState> {
    let mut states: Vec<RuleState> = rules
        .rules
        .iter()
        .filter(|rule| !rule.silent)
        .map(|rule| {
            let count = findings
                .iter()
                .filter(|finding| finding.rule == rule.name)
                .count() as u64;
            let missing: Vec<String> = required(rules, rule)
                .difference(&coverage.seen)
                .map(|sight| unseen(sight).to_owned())
                .collect();
            let assessment = if missing.is_empty() || count > 0 {
                Assessment::Assessed
            } else {
                Assessment::NotAssessed {
                    reason: missing.join("; "),
                }
            };
            RuleState {
                name: rule.name.clone(),
                title: rule.title.clone(),
                level: rule.level,
                catalogue: rule.catalogue.clone(),
                citations: rule.citations.iter().map(|cited| cited.section).collect(),
                assessment,
                findings: count,
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    states
}

/// What a rule must see; a correlation must see what the rules it watches must.
fn required(rules: &RuleSet, rule: &Rule) -> BTreeSet<Sight> {
    let mut all: BTreeSet<Sight> = rule.requires.iter().cloned().collect();
    if let RuleKind::Correlation(correlation) = &rule.kind {
        for watched in correlation
            .rules
            .iter()
            .filter_map(|place| rules.rules.get(*place))
        {
            all.extend(required(rules, watched));
        }
    }
    all
}

fn unseen(sight: &Sight) -> String {
    match sight {
        Sight::ManagementWrite => "no management event that changes anything was read".to_owned(),
        Sight::ManagementRead => "no read-only management event was read: a trail that records only writes never shows AssumeRole, GetSecretValue or kms:Decrypt".to_owned(),
        Sight::Kms => "no KMS event was read: the trail may exclude kms.amazonaws.com".to_owned(),
        Sight::SignIn => "no sign-in event was read: they are recorded only in the Region of the sign-in endpoint".to_owned(),
        Sight::Data(kind) => format!("no data event of {kind} was read: the trail may not record them"),
    }
}

fn citation_states(
    rules: &[RuleState],
    findings: &[Finding],
    complete: bool,
) -> Vec<CitationState> {
    CATALOGUE
        .iter()
        .filter_map(|citation| {
            let speaking: Vec<&RuleState> = rules
                .iter()
                .filter(|rule| rule.citations.contains(&citation.section))
                .collect();
            if speaking.is_empty() {
                return None;
            }
            let assessed = speaking
                .iter()
                .filter(|rule| rule.assessment == Assessment::Assessed)
                .count();
            let mut counts: BTreeMap<Severity, u64> = BTreeMap::new();
            for finding in findings.iter().filter(|finding| {
                finding
                    .citations
                    .iter()
                    .any(|cited| cited == citation.section)
            }) {
                *counts.entry(finding.level).or_default() += 1;
            }
            let state = match (counts.is_empty(), assessed) {
                (false, _) => State::FindingsOpen,
                (true, 0) => State::NotAssessed,
                (true, some) if some < speaking.len() || !complete => State::PartlyCovered,
                (true, _) => State::NoFindings,
            };
            Some(CitationState {
                citation,
                state,
                rules: speaking.len(),
                rules_assessed: assessed,
                findings: counts,
            })
        })
        .collect()
}
