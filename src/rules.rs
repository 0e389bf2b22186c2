//! What is looked for: Sigma rules, loaded, checked, compiled and indexed.
//!
//! In: YAML (ours are built in, the user's come from folders), placeholders and what the
//! organization told us. Out: a [`RuleSet`] that matches events without allocating on a miss, and
//! the list of rules that could not be used, each with its file, line and reason: nothing is
//! skipped silently.

mod compile;
mod dispatch;
pub mod explain;
mod field;
mod index;
pub mod lint;
pub mod load;
mod matcher;
mod regexp;
pub mod samples;
mod services;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::coverage::Sight;
use crate::derive::Organization;
use crate::event::Event;
use crate::hipaa::Citation;
use crate::severity::Severity;
pub use dispatch::Matcher;
pub use field::Field;
use index::Index;
use matcher::Node;

/// Values for `|expand`, by name without the percent signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// A rule as meant.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Sigma's `name`, else the file's stem: what findings and commands call it.
    pub name: String,
    pub id: String,
    pub title: String,
    pub description: String,
    pub level: Severity,
    /// The rule itself says its level; where it does not, it counts as medium.
    pub states_level: bool,
    pub status: String,
    pub author: String,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    pub citations: Vec<&'static Citation>,
    /// ATT&CK technique ids, upper case.
    pub attack: Vec<String>,
    /// The catalogue's number, for our own rules.
    pub catalogue: String,
    /// What a trail must record for the rule to see its events.
    pub requires: Vec<Sight>,
    pub why: String,
    pub response: Vec<String>,
    /// Feeds correlations and reports nothing by itself.
    pub silent: bool,
    /// The fields that name who and what in a finding.
    pub actor: Option<Field>,
    pub resource: Option<Field>,
    pub origin: Origin,
    pub kind: RuleKind,
}

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// The file, as given; `builtin:` before our own.
    pub file: String,
    /// The line its document begins at, from 1.
    pub line: usize,
}

/// The two kinds of rule that report.
#[derive(Debug, Clone)]
pub enum RuleKind {
    Detection(Node),
    Correlation(Correlation),
}

/// A correlation as meant (Sigma specification 2.1, "Correlation rules").
#[derive(Debug, Clone)]
pub struct Correlation {
    pub measure: Measure,
    /// Places in the rule set of the rules it watches, in the order written.
    pub rules: Vec<usize>,
    pub group_by: Vec<String>,
    /// Per watched rule, the field each `group-by` entry means (aliases resolved).
    pub group_fields: Vec<Vec<Field>>,
    /// The fields whose values are counted or added up.
    pub fields: Vec<Field>,
    /// Seconds.
    pub timespan: i64,
    /// All must hold.
    pub thresholds: Vec<(Comparison, f64)>,
    /// The base rules report by themselves as well.
    pub generate: bool,
}

/// What a correlation measures over its window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
    ValueSum,
    ValueAvg,
    ValuePercentile(f64),
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
}

impl Comparison {
    /// True where `left` stands so to `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Eq => left == right,
            Self::Neq => left != right,
        }
    }

    /// The sign, for a reader.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lt => "fewer than",
            Self::Lte => "at most",
            Self::Gt => "more than",
            Self::Gte => "at least",
            Self::Eq => "exactly",
            Self::Neq => "not",
        }
    }
}

/// A rule that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rejected {
    pub origin: Origin,
    /// The rule's title or name, where it could be read.
    pub rule: String,
    pub reason: String,
}

/// A rule that is sound but lacks configuration: "not assessed", by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unconfigured {
    pub rule: String,
    pub title: String,
    /// The keys of `trailscan.toml` that are missing.
    pub missing: Vec<String>,
}

/// All rules of a run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub rules: Vec<Rule>,
    pub rejected: Vec<Rejected>,
    pub unconfigured: Vec<Unconfigured>,
    /// SHA-256 over every rule text in use: the same texts give the same hash.
    pub hash: String,
    index: Index,
}

impl RuleSet {
    /// Calls `found` with the place of every detection rule that matches the event. For many events
    /// a [`Matcher`] is faster.
    pub fn matches(
        &self,
        event: &Event<'_>,
        organization: &Organization,
        mut found: impl FnMut(usize),
    ) {
        self.candidates(event, |place, node| {
            if node.matches(event, organization) {
                found(place);
            }
        });
    }

    /// Calls `candidate` with every detection rule that the event may match, and its condition.
    fn candidates<'s>(&'s self, event: &Event<'_>, mut candidate: impl FnMut(usize, &'s Node)) {
        self.index.candidates(event, |place| {
            if let Some(RuleKind::Detection(node)) = self.rules.get(place).map(|rule| &rule.kind) {
                candidate(place, node);
            }
        });
    }

    /// The slow twin of [`Self::matches`]: every rule, without the index.
    pub fn matches_linear(&self, event: &Event<'_>, organization: &Organization) -> Vec<usize> {
        (0..self.rules.len())
            .filter(|rule| self.matches_rule(*rule, event, organization))
            .collect()
    }

    fn matches_rule(&self, rule: usize, event: &Event<'_>, organization: &Organization) -> bool {
        match self.rules.get(rule).map(|rule| &rule.kind) {
            Some(RuleKind::Detection(node)) => node.matches(event, organization),
            _ => false,
        }
    }

    /// The correlations that watch a rule, each with the rule's place among those it watches.
    pub fn watchers(&self, rule: usize) -> impl Iterator<Item = (usize, usize, &Correlation)> {
        self.rules
            .iter()
            .enumerate()
            .filter_map(move |(at, watcher)| match &watcher.kind {
                RuleKind::Correlation(correlation) => correlation
                    .rules
                    .iter()
                    .position(|watched| *watched == rule)
                    .map(|place| (at, place, correlation)),
                RuleKind::Detection(_) => None,
            })
    }

    /// The rule of that name or id.
    pub fn find(&self, name: &str) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.name == name || rule.id == name)
    }

    /// Drops every rule below `level`, but for those that a kept correlation watches.
    pub fn reports(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| !rule.silent)
    }
}
