//! What is said: the [`Report`], a value that renderers only format. What it says of hours and rules is
//! decided in [`assess`](crate::assess).
//!
//! The words follow the auditor's: "no findings in the covered data", never "pass"; a rule that
//! could not see its events is "not assessed"; nothing is greener than its weakest part.

pub mod activity;
pub mod csv;
pub mod document;
pub mod estimate;
mod findings;
mod headline;
pub mod html;
mod identity;
pub mod integrity;
pub mod json;
pub mod notes;
pub mod output;
pub mod overflow;
pub mod pdf;
pub mod privileges;
mod reviewed;
pub mod rows;
pub mod sheet;
pub mod stored;
pub mod terminal;
pub mod text;
pub mod visible;
pub mod xlsx;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::assess::completeness::Completeness;
use crate::assess::hours::HourGrid;
use crate::assess::privileges::Privileges;
use crate::assess::{Assessed, Assessment, CitationState, RuleState, Visibility};
use crate::correlate::{Bursts, FINDINGS_LOST};
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::integrity::proof::Proof;
use crate::provenance::Provenance;
use crate::review::ReviewView;
use crate::rules::{Rejected, RuleSet, Unconfigured};
use crate::severity::Severity;
use crate::tally::Tally;
use crate::words::{plural, thousands, upper_first};
use activity::ActivityTables;
use overflow::Overflow;

/// Everything a run has to say.
#[derive(Debug, Serialize)]
pub struct Report {
    pub provenance: Provenance,
    pub coverage: Coverage,
    /// Whether the logs of the window are all there.
    pub completeness: Completeness,
    /// The state of every hour; `None` if no hour is known.
    #[serde(skip)]
    pub hours: Option<HourGrid>,
    /// What rules could see, hour by hour.
    #[serde(skip)]
    pub visibility: Visibility,
    /// What the digests prove; `None` if nobody asked.
    pub integrity: Option<Proof>,
    /// By citation, in the catalogue's order; only those some rule speaks to.
    pub citations: Vec<CitationState>,
    /// In the order of [`Finding::order`], those below `min_level` left out, and those in `folded`.
    pub findings: Vec<Finding>,
    /// Those beyond what is kept in full.
    #[serde(skip)]
    pub folded: Overflow,
    /// How many were left out.
    pub left_out: usize,
    /// The most severe level of all, those left out included.
    pub worst: Option<Severity>,
    /// Every rule in use that reports, by name.
    pub rules: Vec<RuleState>,
    pub rejected: Vec<Rejected>,
    pub unconfigured: Vec<Unconfigured>,
    pub activity: ActivityTables,
    /// What people decided; `None` without a ledger. The id does not cover it.
    #[serde(skip)]
    pub review: Option<ReviewView>,
    /// Granted and used rights; `None` if no policies are configured.
    #[serde(skip)]
    pub privileges: Option<Privileges>,
}

impl Report {
    /// Draws the report from what a run learned.
    pub fn new(
        provenance: Provenance,
        rules: &RuleSet,
        mut tally: Tally,
        bursts: Vec<Bursts>,
    ) -> Self {
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
            tally.note_loss(FINDINGS_LOST, &error);
        }
        let left_out = all - made.count;
        // what is said of rules and citations does not depend on which findings are shown
        let assessed = Assessed::new(&provenance, rules, &tally, &counts);
        Self {
            provenance: Provenance {
                rule_set_sha256: rules.hash.clone(),
                rules_in_use: assessed.rules.len(),
                ..provenance
            },
            citations: assessed.citations,
            visibility: assessed.visibility,
            rules: assessed.rules,
            hours: assessed.hours,
            rejected: rules.rejected.clone(),
            unconfigured: rules.unconfigured.clone(),
            activity: ActivityTables::new(&tally.activity, &tally.names),
            coverage: tally.coverage,
            completeness: assessed.completeness,
            integrity: None,
            review: None,
            privileges: None,
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
        let was = |aliases: &[String]| aliases.iter().any(|alias| alias == name);
        rules.any(|rule| rule.name == name || rule.id == name || was(&rule.aliases))
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
            .to_decide()
            .into_iter()
            .partition(|(level, _)| *level == Severity::Informational);
        let informational: usize = info.iter().map(|(_, count)| count).sum();
        let decided: usize = levels.iter().map(|(_, count)| count).sum();
        let settled = self.settled();
        let words = |(level, count): &(Severity, usize)| format!("{count} {level}");
        let levels: Vec<String> = levels.iter().map(words).collect();
        let mut found = if self.coverage.records.evaluated == 0 {
            "no event was evaluated".to_owned()
        } else if levels.is_empty() {
            match settled {
                None => "no findings".to_owned(),
                Some(_) => "nothing left to decide".to_owned(),
            }
        } else {
            let count = plural(decided as u64, "finding");
            format!("{count} to decide ({})", levels.join(", "))
        };
        if informational > 0 {
            found = format!("{found} and {informational} informational");
        }
        if let Some(settled) = settled {
            found = format!("{found} ({settled})");
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
