//! What is looked for: Sigma rules, loaded, checked, compiled and indexed.
//!
//! In: YAML (ours are built in, the user's come from folders), placeholders and what
//! the organization configured. Out: a [`RuleSet`] that matches events without allocating on a miss, and
//! the list of rules that could not be used, each with its file, line and reason: nothing is
//! skipped silently.

mod attack;
pub mod catalogue;
mod compile;
pub mod configured;
pub mod explain;
mod field;
mod first_seen;
mod index;
pub mod lint;
pub mod load;
mod matcher;
pub mod placeholders;
mod regexp;
mod requirements;
pub mod samples;
pub(crate) mod secret;
mod services;
mod specialize;
mod undecided;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::coverage::EventClass;
use crate::derive::Organization;
use crate::event::Event;
use crate::hipaa::Citation;
use crate::severity::Severity;
pub use field::Field;
pub use first_seen::FirstSeen;
use index::Index;
use matcher::Node;
pub use requirements::{RecordedIn, Requirement};
pub use specialize::Matcher;

/// Values for `|expand`, by name without the percent signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// A rule as meant.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Sigma's `name`, else the file's stem: what findings and commands call it.
    pub name: String,
    pub id: String,
    /// Names and ids that the rule had before it was renamed or split.
    pub aliases: Vec<String>,
    /// Those that are names: the ids of former findings follow from them.
    pub former_names: Vec<String>,
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
    pub requires: Vec<EventClass>,
    pub why: String,
    pub response: Vec<String>,
    /// Feeds correlations and reports nothing by itself.
    pub silent: bool,
    /// The fields that name who and what in a finding.
    pub actor: Option<Field>,
    pub resource: Option<Field>,
    /// It finds only what is new in this respect.
    pub first_seen: Option<FirstSeen>,
    /// The configuration keys that fill its placeholders.
    pub filled_by: Vec<String>,
    pub origin: Origin,
    pub kind: RuleKind,
}

impl Rule {
    /// True for its name and id, and for those that it had before.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// The file, as given; `builtin:` before our own.
    pub file: String,
    /// The line its document begins at, from 1.
    pub line: usize,
}

impl Origin {
    fn of(file: &load::RuleText, line: usize) -> Self {
        Self {
            file: file.file.clone(),
            line,
        }
    }
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
    /// Per watched rule, the field each `group-by` entry means (aliases resolved); then the same
    /// once more, for the base events of each watched rule.
    pub group_fields: Vec<Vec<Field>>,
    /// Per watched rule, how its bursts find their group where it is a correlation itself.
    pub chained: Vec<Chained>,
    /// The fields whose values are counted or added up.
    pub fields: Vec<Field>,
    /// Seconds.
    pub timespan: i64,
    /// All must hold.
    pub thresholds: Vec<(Comparison, f64)>,
    /// Of a temporal correlation: what decides instead of a threshold.
    pub condition: Option<Condition>,
    /// The base rules report by themselves as well.
    pub generate: bool,
}

/// How the burst of a watched correlation finds its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chained {
    /// It is no correlation: its events have the fields.
    Event,
    /// It groups by the same fields: their places among its own.
    Places(Vec<usize>),
    /// It groups by others: a burst belongs to each group that an event of it belongs to.
    Events,
}

/// A correlation's condition over the rules it watches (`a and not b`), as alternatives of which
/// one must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As written.
    pub text: String,
    pub alternatives: Vec<Alternative>,
}

impl Condition {
    /// What a temporal correlation without a condition means: every rule that it watches.
    pub fn all_of(names: &[String]) -> Self {
        let needs = (0..names.len()).filter_map(|place| u32::try_from(place).ok());
        Self {
            text: names.join(" and "),
            alternatives: vec![Alternative {
                needs: needs.collect(),
                lacks: Vec::new(),
            }],
        }
    }
}

/// Rules of which each must find something, and rules of which none may. Places among the rules
/// watched, ascending; at least one is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    pub needs: Vec<u32>,
    pub lacks: Vec<u32>,
}

impl Correlation {
    /// The place of a rule among those it watches.
    pub fn watches(&self, rule: usize) -> Option<usize> {
        self.rules.iter().position(|watched| *watched == rule)
    }
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

impl Measure {
    /// It looks at which rules found something, not at how much.
    pub const fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    /// It looks at the values of a field.
    pub const fn needs_field(self) -> bool {
        !self.is_temporal() && !matches!(self, Self::EventCount)
    }
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

impl Unconfigured {
    /// What somebody can do about it: `set calendar in trailscan.toml`.
    pub fn how_to_enable(&self) -> String {
        format!("set {} in trailscan.toml", self.missing.join(", "))
    }
}

/// All rules of a run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub rules: Vec<Rule>,
    pub rejected: Vec<Rejected>,
    pub unconfigured: Vec<Unconfigured>,
    /// Names and ids below `[rules]` in the configuration that no rule has: most likely a slip of the
    /// pen, and what it was to change stays unchanged.
    pub unmatched: Vec<String>,
    /// Settings below `[rules]` that their rule has no use for, such as the threshold of a rule that
    /// does not count: key and why.
    pub unusable_settings: Vec<String>,
    /// Settings below `[rules]` that stand under a former name of their rule, and apply: one sentence
    /// each, which begins with the key.
    pub remarks: Vec<String>,
    /// Aliases that cannot be: another rule has the name.
    pub alias_faults: Vec<Rejected>,
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
    pub fn correlations_watching(
        &self,
        rule: usize,
    ) -> impl Iterator<Item = (usize, usize, &Correlation)> {
        self.correlations().filter_map(move |(at, correlation)| {
            Some((at, correlation.watches(rule)?, correlation))
        })
    }

    /// The correlations that use the events of a detection rule: those that watch it, and those
    /// that watch one of these and group its bursts by their events. For the latter the place is
    /// that of what they watch, counted on behind all that they watch.
    pub fn correlations_fed_by(&self, rule: usize) -> Vec<(usize, usize, &Correlation)> {
        let mut found: Vec<_> = self.correlations_watching(rule).collect();
        for (at, correlation) in self.correlations() {
            let watched = correlation
                .rules
                .iter()
                .zip(&correlation.chained)
                .enumerate();
            for (place, (below, chained)) in watched {
                if *chained == Chained::Events && self.depends_on(*below, rule) {
                    found.push((at, correlation.rules.len() + place, correlation));
                }
            }
        }
        found
    }

    fn correlations(&self) -> impl Iterator<Item = (usize, &Correlation)> {
        let rules = self.rules.iter().enumerate();
        rules.filter_map(|(at, rule)| match &rule.kind {
            RuleKind::Correlation(correlation) => Some((at, correlation)),
            RuleKind::Detection(_) => None,
        })
    }

    /// True where a correlation watches the rule, or another that does. A rule is loaded after those
    /// it watches, so this ends.
    fn depends_on(&self, correlation: usize, rule: usize) -> bool {
        match self.rules.get(correlation).map(|above| &above.kind) {
            Some(RuleKind::Correlation(above)) => {
                let mut below = above.rules.iter();
                below.any(|below| *below == rule || self.depends_on(*below, rule))
            }
            _ => false,
        }
    }

    /// The rule of that name or id, or else the first that was called so before.
    pub fn find(&self, name: &str) -> Option<&Rule> {
        let mut rules = self.rules.iter();
        let now = rules
            .clone()
            .find(|rule| rule.name == name || rule.id == name);
        now.or_else(|| rules.find(|rule| rule.is_called(name)))
    }

    /// Whether matches of this rule are findings of their own. False for rules that only feed a
    /// correlation.
    pub fn reports(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| !rule.silent)
    }
}
