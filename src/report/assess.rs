//! What each rule could see, and what can therefore be said of each citation.

use std::collections::{BTreeMap, BTreeSet};

use super::visibility::{Judge, UndecidedAt, View, Visibility, sum, window};
use super::{Assessment, CitationState, Provenance, RuleState, State};
use crate::event::time::iso;
use crate::finding::Finding;
use crate::hipaa::CATALOGUE;
use crate::rules::{Need, RuleSet};
use crate::severity::Severity;
use crate::tally::{Learning, Tally};

/// Whether each rule could see its events, and where and when not. Rules that need the same share a
/// view; so do those that saw the same.
pub(super) fn rule_states(
    rules: &RuleSet,
    provenance: &Provenance,
    tally: &Tally,
    findings: &[Finding],
) -> (Visibility, Vec<RuleState>) {
    let coverage = &tally.coverage;
    let judge = Judge::new(provenance, coverage);
    let mut views: Vec<View> = Vec::new();
    let mut by_needs: BTreeMap<(BTreeSet<Need>, UndecidedAt), usize> = BTreeMap::new();
    let reporting = (0u32..).zip(&rules.rules).filter(|(_, rule)| !rule.silent);
    let mut states: Vec<RuleState> = reporting
        .map(|(place, rule)| {
            let undecided = UndecidedAt::of(coverage, &rules.with_watched(rule));
            let key = (rules.needs(rule), undecided);
            let view = *by_needs
                .entry(key)
                .or_insert_with_key(|(needs, undecided)| {
                    let view = judge.view(needs, undecided);
                    views
                        .iter()
                        .position(|known| *known == view)
                        .unwrap_or_else(|| {
                            views.push(view);
                            views.len() - 1
                        })
                });
            let seen = views.get(view).map_or(Assessment::Assessed, sum);
            let count = findings
                .iter()
                .filter(|finding| finding.rule == rule.name)
                .count() as u64;
            RuleState {
                name: rule.name.clone(),
                title: rule.title.clone(),
                level: rule.level,
                catalogue: rule.catalogue.clone(),
                citations: rule.citations.iter().map(|cited| cited.section).collect(),
                assessment: match (seen, tally.novelty.learning.get(&place)) {
                    (seen, Some(open)) => still_learning(seen, open),
                    (seen, None) => seen,
                },
                view,
                findings: count,
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let (from, until) = window(provenance, coverage).unzip();
    let visibility = Visibility { from, until, views };
    (visibility, states)
}

/// What can be said of a rule that must learn before it tells what is new.
fn still_learning(seen: Assessment, open: &Learning) -> Assessment {
    let date = |at| iso(at).chars().take(10).collect::<String>();
    let why = format!(
        "it learns what is usual before it tells what is new: of account {} it knows since {}, so it \
         tells from {} on (`run --state FILE` keeps what it learns)",
        open.account,
        date(open.begun),
        date(open.until)
    );
    match seen {
        Assessment::NotAssessed { .. } => seen,
        _ if open.wholly => Assessment::not(why),
        Assessment::Assessed => Assessment::partly(why),
        Assessment::Partly { reason } => Assessment::partly(format!("{reason}; {why}")),
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
            let saw = |wanted: fn(&Assessment) -> bool| {
                let all = speaking.iter();
                all.filter(|rule| wanted(&rule.assessment)).count()
            };
            let assessed = saw(|one| *one == Assessment::Assessed);
            let blind = saw(|one| matches!(one, Assessment::NotAssessed { .. }));
            let mut counts: BTreeMap<Severity, u64> = BTreeMap::new();
            for finding in findings.iter().filter(|finding| {
                finding
                    .citations
                    .iter()
                    .any(|cited| cited == citation.section)
            }) {
                *counts.entry(finding.level).or_default() += 1;
            }
            let state = match counts.is_empty() {
                false => State::FindingsOpen,
                true if blind == speaking.len() => State::NotAssessed,
                true if assessed < speaking.len() || !complete => State::PartlyCovered,
                true => State::NoFindings,
            };
            Some(CitationState {
                citation,
                state,
                rules: speaking.len(),
                rules_assessed: assessed,
                rules_partly: speaking.len() - assessed - blind,
                findings: counts,
            })
        })
        .collect()
}
