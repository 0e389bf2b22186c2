//! What is said: the [`Report`], a value that renderers only format.
//!
//! The words follow the auditor's: "no findings in the covered data", never "pass"; a rule that
//! could not see its events is "not assessed"; nothing is greener than its weakest part.

pub mod activity;
mod assess;
pub mod completeness;
pub mod csv;
mod findings;
pub mod folded;
pub mod grid;
pub mod html;
mod identity;
pub mod integrity;
pub mod json;
pub mod notes;
pub mod outlook;
pub mod terminal;
mod visibility;
pub mod visible;
pub mod window;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::correlate::Bursts;
use crate::coverage::{Coverage, Expected};
use crate::event::time::{DAY, Epoch, HOUR, MINUTE};
use crate::finding::{Finding, iso_time};
use crate::hipaa::Citation;
use crate::integrity::proof::Proof;
use crate::rules::{Rejected, RuleSet, Unconfigured};
use crate::severity::Severity;
use crate::tally::Tally;
use activity::ActivityTables;
use completeness::Completeness;
use folded::Folded;
pub use visibility::{Group, Place, Run, View, Visibility};

const FINDINGS_LOST: &str = "findings are missing from the report";

/// Everything a run has to say.
#[derive(Debug, Serialize)]
pub struct Report {
    pub provenance: Provenance,
    pub coverage: Coverage,
    /// Whether the logs of the window are all there.
    pub completeness: Completeness,
    /// What rules could see, hour by hour.
    #[serde(skip)]
    pub visibility: Visibility,
    /// What the digests prove; nothing where nobody asked.
    pub integrity: Option<Proof>,
    /// By citation, in the catalogue's order; only those some rule speaks to.
    pub citations: Vec<CitationState>,
    /// In the order of [`Finding::order`], those below `min_level` left out, and those in `folded`.
    pub findings: Vec<Finding>,
    /// Those beyond what is kept in full.
    #[serde(skip)]
    pub folded: Folded,
    /// How many were left out.
    pub left_out: usize,
    /// The most severe level of all, those left out included.
    pub worst: Option<Severity>,
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
    /// The files that the configuration names, with the SHA-256 of what they hold.
    pub config_files: Vec<(String, String)>,
    /// What the configuration says to expect of the logs.
    #[serde(skip)]
    pub expected: Expected,
    /// The zone of the business calendar.
    pub time_zone: Option<String>,
    /// Whether our own rules were in use, and the files or folders that were added.
    pub builtin_rules: bool,
    pub rule_paths: Vec<String>,
    /// Findings below this level are left out.
    pub min_level: Severity,
    pub rule_set_sha256: String,
    pub rules_in_use: usize,
    /// The command that makes the report again, quoted for a shell. It is in run.json once.
    #[serde(skip)]
    pub command: String,
    /// What the run has to say of its own state, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// Whether the events that a rule is about could be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Assessment {
    Assessed,
    /// Some of them could not, or not always, or not everywhere.
    Partly {
        reason: String,
    },
    NotAssessed {
        reason: String,
    },
}

impl Assessment {
    fn partly(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Partly { reason }
    }

    fn not(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::NotAssessed { reason }
    }

    /// Why not all of them could be seen.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Assessed => None,
            Self::Partly { reason } | Self::NotAssessed { reason } => Some(reason),
        }
    }
}

/// A rule as the report lists it.
#[derive(Debug, Clone, Serialize)]
pub struct RuleState {
    pub name: String,
    #[serde(skip)]
    pub id: String,
    pub title: String,
    pub level: Severity,
    pub catalogue: String,
    pub citations: Vec<&'static str>,
    #[serde(flatten)]
    pub assessment: Assessment,
    /// Its place in [`Visibility::views`].
    pub view: usize,
    /// Why its whole blind spot is accepted and until when, if the configuration says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
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
    pub rules_partly: usize,
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
    /// Draws the report from what a run learnt.
    pub fn new(
        provenance: Provenance,
        rules: &RuleSet,
        mut tally: Tally,
        bursts: Vec<Bursts>,
    ) -> Self {
        if let Err(error) = tally.groups.settle() {
            tally.not_read_back(FINDINGS_LOST, &error);
        }
        let is_unknown = |rule: usize| rule >= rules.rules.len();
        let groups = tally.groups.keys().map(|(key, _)| key.rule as usize);
        let found = groups.chain(bursts.iter().map(|bursts| bursts.key.correlation));
        let lost = found.filter(|rule| is_unknown(*rule)).count();
        if lost > 0 {
            let what = format!("{lost} groups of events belong to no rule");
            tally.coverage.internal("findings", &what);
        }
        let from = findings::Sources {
            rules,
            tally: &tally,
            bursts: &bursts,
        };
        let found = findings::found(from);
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        for one in &found {
            *counts.entry(one.rule).or_default() += 1;
        }
        let worst = found.iter().map(|one| one.level).max();
        let all = found.len();
        let made = findings::make(from, &found, provenance.min_level);
        drop(found);
        if let Some(error) = made.failure {
            tally.not_read_back(FINDINGS_LOST, &error);
        }
        let left_out = all - made.count;
        let completeness = Completeness::new(&provenance, &tally.coverage);
        // what is said of rules and citations does not depend on which findings are shown
        let about = (&provenance, &completeness);
        let (visibility, states) = assess::rule_states(rules, about, &tally, &counts);
        let citations = assess::citation_states(&states, completeness.complete);
        Self {
            provenance: Provenance {
                rule_set_sha256: rules.hash.clone(),
                rules_in_use: states.len(),
                ..provenance
            },
            citations,
            visibility,
            rules: states,
            rejected: rules.rejected.clone(),
            unconfigured: rules.unconfigured.clone(),
            activity: ActivityTables::new(&tally.activity, &tally.names),
            coverage: tally.coverage,
            completeness,
            integrity: None,
            worst,
            left_out,
            findings: made.findings,
            folded: made.folded,
        }
    }

    /// How many findings there are, those that are not kept in full included.
    pub fn count(&self) -> usize {
        self.findings.len() + self.folded.count()
    }

    /// Says that there is no configuration and how many rules wait for one; `None` if there is one.
    pub fn without_configuration(&self) -> Option<String> {
        let waiting = match self.unconfigured.len() as u64 {
            0 => "no rule waits for one".to_owned(),
            1 => "1 rule waits for one and is not assessed".to_owned(),
            count => format!(
                "{} rules wait for one and are not assessed",
                thousands(count)
            ),
        };
        let is_missing = self.provenance.config.is_none();
        is_missing.then(|| format!("No configuration was found: {waiting}."))
    }

    /// How many findings stand at each level, most severe first; levels without any left out.
    pub fn by_level(&self) -> Vec<(Severity, usize)> {
        let mut counts = self.folded.levels.clone();
        for finding in &self.findings {
            *counts.entry(finding.level).or_default() += 1;
        }
        let count = |level| counts.get(&level).copied().unwrap_or_default();
        Severity::DESCENDING
            .into_iter()
            .map(|level| (level, count(level)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The rules that could not see any of their events, with the reason.
    pub fn not_assessed(&self) -> impl Iterator<Item = (&RuleState, &str)> {
        self.rules.iter().filter_map(|rule| match &rule.assessment {
            Assessment::NotAssessed { reason } => Some((rule, reason.as_str())),
            Assessment::Assessed | Assessment::Partly { .. } => None,
        })
    }

    /// The rules that could see some of their events, with the reason.
    pub fn partly_assessed(&self) -> impl Iterator<Item = (&RuleState, &str)> {
        self.rules.iter().filter_map(|rule| match &rule.assessment {
            Assessment::Partly { reason } => Some((rule, reason.as_str())),
            Assessment::Assessed | Assessment::NotAssessed { .. } => None,
        })
    }

    /// True if a rule in use, or one that waits for configuration, has that name or id.
    pub fn names_rule(&self, name: &str) -> bool {
        let mut rules = self.rules.iter();
        let mut waiting = self.unconfigured.iter();
        rules.any(|rule| rule.name == name || rule.id == name)
            || waiting.any(|rule| rule.rule == name)
    }

    /// The rules that could not see all of their events, those left out whose whole blind spot is
    /// accepted.
    pub fn blind_spots(&self) -> impl Iterator<Item = &RuleState> {
        let blind = |rule: &&RuleState| rule.assessment != Assessment::Assessed;
        let rules = self.rules.iter().filter(blind);
        rules.filter(|rule| rule.accepted.is_none())
    }

    /// The rules whose whole blind spot is accepted, with the reason.
    pub fn accepted(&self) -> impl Iterator<Item = (&RuleState, &str)> {
        let rules = self.rules.iter();
        rules.filter_map(|rule| Some((rule, rule.accepted.as_deref()?)))
    }

    /// One sentence: whether the logs were complete, what needs a decision, and what rules could not see.
    pub fn verdict(&self) -> String {
        // what is informational is evidence: nobody has to decide it
        let (info, levels): (Vec<_>, Vec<_>) = self
            .by_level()
            .into_iter()
            .partition(|(level, _)| *level == Severity::Informational);
        let informational: usize = info.iter().map(|(_, count)| count).sum();
        let decided = self.count() - informational;
        let words = |(level, count): &(Severity, usize)| format!("{count} {level}");
        let levels: Vec<String> = levels.iter().map(words).collect();
        let mut found = if self.coverage.records.evaluated == 0 {
            "no event was evaluated".to_owned()
        } else if levels.is_empty() {
            "no findings".to_owned()
        } else {
            let count = plural(decided as u64, "finding");
            format!("{count} to decide ({})", levels.join(", "))
        };
        if informational > 0 {
            found = format!("{found} and {informational} informational");
        }
        let hidden = match (self.left_out as u64, self.provenance.min_level) {
            (0, _) => String::new(),
            (count, least) => format!(" ({} below {least} left out)", plural(count, "finding")),
        };
        let proof = self.integrity.as_ref();
        let (listed, complete) = (self.coverage.objects.listed, self.completeness.complete);
        let proven = proof.map(|proof| proof.said_of_logs(listed, complete));
        let proven = proven.unwrap_or_default();
        let whole = upper_first(&self.completeness.headline(&proven));
        format!("{whole}: {found}{hidden}{}.", self.unseen())
    }

    /// `; 7 rules had blind spots, 2 rules not configured`.
    fn unseen(&self) -> String {
        let counts = [
            (self.blind_spots().count(), "had blind spots"),
            (self.accepted().count(), "had accepted blind spots"),
            (self.unconfigured.len(), "not configured"),
            (self.rejected.len(), "NOT LOADED"),
        ];
        let clause =
            |(count, what): (usize, &str)| format!("{} {what}", plural(count as u64, "rule"));
        let clauses = counts.into_iter().filter(|(count, _)| *count > 0);
        let clauses: Vec<String> = clauses.map(clause).collect();
        match clauses.is_empty() {
            true => String::new(),
            false => format!("; {}", clauses.join(", ")),
        }
    }
}

/// The text with its first letter in upper case.
pub(crate) fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
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

/// `10 minutes`, `24 hours`.
pub fn span(seconds: Epoch) -> String {
    let (unit, name) = match seconds {
        s if s % DAY == 0 && s > DAY => (DAY, "day"),
        s if s % HOUR == 0 => (HOUR, "hour"),
        s if s % MINUTE == 0 => (MINUTE, "minute"),
        _ => (1, "second"),
    };
    plural((seconds / unit).unsigned_abs(), name)
}

/// `3 hours`, `2 hours 20 minutes`: to the second, in as many units as that takes.
pub fn lasting(seconds: Epoch) -> String {
    let units = [
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (1, "second"),
    ];
    let mut rest = seconds.saturating_abs();
    let mut parts = Vec::new();
    for (unit, name) in units {
        // up to two days, hours say more
        if rest >= unit && (unit < DAY || rest >= 2 * unit) {
            parts.push(plural((rest / unit).unsigned_abs(), name));
            rest %= unit;
        }
    }
    match parts.is_empty() {
        true => plural(0, "second"),
        false => parts.join(" "),
    }
}
