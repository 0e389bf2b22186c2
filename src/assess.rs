//! What can be said of what was read: whether the logs of the window are all there, what each hour holds,
//! which rules could see their events, and what follows for each citation.
//!
//! In: the final tally, the rules and the provenance. Out: finished values ([`Assessed`]), which the
//! renderers of the report only format. Nothing here writes into the coverage. A reason is a
//! part of its verdict, so its sentence is written here.

pub mod completeness;
pub mod hours;
pub mod privileges;
mod rules;
mod visibility;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::hipaa::Citation;
use crate::provenance::Provenance;
use crate::rules::RuleSet;
use crate::severity::Severity;
use crate::tally::Tally;
use completeness::Completeness;
use hours::HourGrid;
pub use visibility::{Group, Place, Run, View, Visibility};

/// Everything that is assessed of a run.
#[derive(Debug, Clone)]
pub struct Assessed {
    pub completeness: Completeness,
    /// The state of every hour; `None` if no hour is known.
    pub hours: Option<HourGrid>,
    pub visibility: Visibility,
    /// Every rule in use that reports, by name.
    pub rules: Vec<RuleState>,
    /// In the catalogue's order; only those some rule speaks to.
    pub citations: Vec<CitationState>,
}

impl Assessed {
    /// Assesses what was read; what digests prove must be in its coverage already. `findings` is how many
    /// findings each rule has, by its place in the rule set, whether or not they are shown.
    pub fn new(
        provenance: &Provenance,
        rules: &RuleSet,
        tally: &Tally,
        findings: &BTreeMap<usize, u64>,
    ) -> Self {
        let completeness = Completeness::new(provenance, &tally.coverage);
        let about = (provenance, &completeness);
        let (visibility, states) = rules::rule_states(rules, about, tally, findings);
        Self {
            hours: HourGrid::new(provenance, &tally.coverage),
            citations: rules::citation_states(&states, completeness.complete),
            completeness,
            visibility,
            rules: states,
        }
    }
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
    /// Names and ids that the rule had before.
    #[serde(skip)]
    pub aliases: Vec<String>,
    pub title: String,
    pub level: Severity,
    pub catalogue: String,
    pub citations: Vec<&'static str>,
    /// It looks at what the configuration names under `phi`.
    #[serde(skip)]
    pub is_about_phi: bool,
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
