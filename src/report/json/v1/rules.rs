//! Rules: which could see their events, and which could not be used.

use super::{List, Severity, view};
use crate::assess::{self, Assessment};
use crate::rules;

/// Whether a rule could see the events that it needs.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assessed {
    /// It could see all of them.
    Assessed,
    /// It could not see some of them, at some times or in some places.
    Partly,
    /// It could see none of them.
    NotAssessed,
}

impl From<&Assessment> for Assessed {
    fn from(assessment: &Assessment) -> Self {
        match assessment {
            Assessment::Assessed => Self::Assessed,
            Assessment::Partly { .. } => Self::Partly,
            Assessment::NotAssessed { .. } => Self::NotAssessed,
        }
    }
}

view! {
    /// A rule in use.
    RuleState<'r> of rule: &'r assess::RuleState {
        /// The name of the rule: the name of its file.
        name: &'r str = &rule.name,
        title: &'r str = &rule.title,
        level: Severity = rule.level.into(),
        /// The number of a built-in rule in the catalog; empty for other rules.
        catalogue: &'r str = &rule.catalogue,
        /// Sections of 45 CFR part 164.
        citations: &'r [&'r str] = &rule.citations,
        state: Assessed = (&rule.assessment).into(),
        /// Why it could not see all of its events.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'r str> = rule.assessment.reason(),
        /// The index of its view in `visibility.views` of coverage.json, from 0.
        view: usize = rule.view,
        /// Why the configuration accepts its blind spots, and until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<&'r str> = rule.accepted.as_deref(),
        /// How many findings it has.
        findings: u64 = rule.findings,
    }
}

view! {
    /// A rule that could not be loaded.
    Rejected<'r> of bad: &'r rules::Rejected {
        origin: RuleOrigin<'r> = (&bad.origin).into(),
        /// The title or name of the rule, if it could be read.
        rule: &'r str = &bad.rule,
        reason: &'r str = &bad.reason,
    }
}

view! {
    /// Where a rule is written.
    RuleOrigin<'r> of origin: &'r rules::Origin {
        /// The file; `builtin:` precedes those of built-in rules.
        file: &'r str = &origin.file,
        /// The line at which the rule begins, from 1.
        line: usize = origin.line,
    }
}

view! {
    /// A rule that needs settings which the configuration does not have.
    Unconfigured<'r> of waiting: &'r rules::Unconfigured {
        rule: &'r str = &waiting.rule,
        title: &'r str = &waiting.title,
        /// The keys of trailscan.toml that are missing.
        missing: &'r [String] = &waiting.missing,
    }
}

/// The rules in use.
pub(super) type RuleStates<'r> = List<'r, RuleState<'r>, [assess::RuleState]>;
