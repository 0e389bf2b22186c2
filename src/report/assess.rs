//! What each rule could see, and what can therefore be said of each citation.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assessment, CitationState, RuleState, State};
use crate::coverage::{Coverage, Sight};
use crate::finding::Finding;
use crate::hipaa::CATALOGUE;
use crate::rules::{Rule, RuleKind, RuleSet};
use crate::severity::Severity;

/// Whether each rule could see its events, judged by what was read: a kind of event that never
/// occurs in all the logs may not be recorded at all.
pub(super) fn rule_states(
    rules: &RuleSet,
    coverage: &Coverage,
    findings: &[Finding],
) -> Vec<RuleState> {
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

/// The state of every citation that some rule speaks to, never greener than its weakest part.
pub(super) fn citation_states(
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
