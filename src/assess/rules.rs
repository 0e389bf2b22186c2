//! What each rule could see, and what can therefore be said of each citation.

use std::collections::{BTreeMap, BTreeSet};

use super::completeness::Completeness;
use super::visibility::{UndecidedAt, View, Visibility, VisibilityAssessor, changed, sum};
use super::{Assessment, CitationState, RuleState, State};
use crate::coverage::{Acceptance, BlindSpot};
use crate::event::time::{iso, utc};
use crate::hipaa::CATALOGUE;
use crate::provenance::Provenance;
use crate::rules::{Requirement, Rule, RuleSet};
use crate::severity::Severity;
use crate::tally::{Learning, Tally};
use crate::window::KnownWindow;

/// Whether each rule could see its events, and where and when not. Rules that need the same share a
/// view; so do those that saw the same.
pub(super) fn rule_states(
    rules: &RuleSet,
    (provenance, completeness): (&Provenance, &Completeness),
    tally: &Tally,
    counts: &BTreeMap<usize, u64>,
) -> (Visibility, Vec<RuleState>) {
    let coverage = &tally.coverage;
    let changed = changed(coverage);
    let judge = VisibilityAssessor::new(provenance, coverage, &changed, &completeness.empty_days);
    let accepted = accepted_now(provenance);
    let mut views: BTreeMap<View, usize> = BTreeMap::new();
    let mut sums: Vec<Assessment> = Vec::new();
    let mut by_needs: BTreeMap<(BTreeSet<Requirement>, UndecidedAt), usize> = BTreeMap::new();
    let reporting = (0u32..).zip(&rules.rules).filter(|(_, rule)| !rule.silent);
    let mut states: Vec<RuleState> = reporting
        .map(|(place, rule)| {
            let needs = rules.needs(rule);
            let undecided = UndecidedAt::of(coverage, &rules.with_watched(rule));
            let key = (needs.clone(), undecided.clone());
            let view = *by_needs
                .entry(key)
                .or_insert_with_key(|(needs, undecided)| {
                    let view = judge.view(needs, undecided);
                    let next = views.len();
                    *views.entry(view).or_insert_with_key(|view| {
                        sums.push(sum(view));
                        next
                    })
                });
            let seen = sums.get(view).cloned().unwrap_or(Assessment::Assessed);
            let count = counts.get(&(place as usize)).copied();
            let assessment = match (seen, tally.novelty.learning.get(&place)) {
                (seen, Some(open)) => still_learning(seen, open),
                (seen, None) => seen,
            };
            let learns = tally.novelty.learning.contains_key(&place);
            let ours = |one: &&&Acceptance| concerns(&one.spot, rule, &needs);
            let ours: Vec<&Acceptance> = accepted.iter().filter(ours).copied().collect();
            RuleState {
                name: rule.name.clone(),
                id: rule.id.clone(),
                aliases: rule.aliases.clone(),
                title: rule.title.clone(),
                level: rule.level,
                catalogue: rule.catalogue.clone(),
                citations: rule.citations.iter().map(|cited| cited.section).collect(),
                is_about_phi: rules.is_about_phi(rule),
                accepted: (assessment != Assessment::Assessed
                    && covers(&ours, &judge, (&needs, &undecided), learns))
                .then(|| in_words(&ours)),
                assessment,
                view,
                findings: count.unwrap_or_default(),
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let hours = provenance.known_window(coverage).map(KnownWindow::hours);
    let (from, until) = hours.unzip();
    let mut views: Vec<(View, usize)> = views.into_iter().collect();
    views.sort_by_key(|(_, place)| *place);
    let views = views.into_iter().map(|(view, _)| view).collect();
    let visibility = Visibility { from, until, views };
    (visibility, states)
}

/// The acceptances of the configuration that hold on the day of the run.
fn accepted_now(provenance: &Provenance) -> Vec<&Acceptance> {
    let today = provenance.created.map(|now| utc(now).date_naive());
    let all = provenance.expected.accepted.iter();
    all.filter(|one| today.is_some_and(|today| one.holds_on(today)))
        .collect()
}

/// True if the acceptance is about the rule or one of the kinds of event that it needs.
fn concerns(spot: &BlindSpot, rule: &Rule, needs: &BTreeSet<Requirement>) -> bool {
    match spot {
        BlindSpot::Rule(name) => rule.is_called(name),
        BlindSpot::Kind(..) => needs.iter().any(|need| is_kind(spot, need)),
    }
}

fn is_kind(spot: &BlindSpot, need: &Requirement) -> bool {
    match spot {
        BlindSpot::Rule(_) => true,
        BlindSpot::Kind(_, sights) => sights.iter().any(|sight| need.proof.contains(sight)),
    }
}

/// True if nothing of what the rule could not see is outside the acceptances, each of which concerns the
/// rule.
fn covers(
    accepted: &[&Acceptance],
    judge: &VisibilityAssessor<'_>,
    (needs, undecided): (&BTreeSet<Requirement>, &UndecidedAt),
    learns: bool,
) -> bool {
    let whole = |one: &&Acceptance| matches!(one.spot, BlindSpot::Rule(_)) && one.covers_all();
    if accepted.is_empty() || accepted.iter().any(whole) {
        return !accepted.is_empty();
    }
    let left = judge.view_of(needs, undecided, &|need, place| {
        let mut ours = accepted
            .iter()
            .filter(|one| one.covers(&place.account, &place.region));
        !ours.any(|one| match need {
            Some(need) => is_kind(&one.spot, need),
            None => matches!(one.spot, BlindSpot::Rule(_)),
        })
    });
    !learns && (left.0.is_empty() || sum(&left) == Assessment::Assessed)
}

/// `reason (accepted until 2026-12-31)`.
fn in_words(accepted: &[&Acceptance]) -> String {
    let one = |one: &&Acceptance| format!("{} (accepted until {})", one.reason, one.until);
    accepted.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What can be said of a rule that must learn before it tells what is new.
fn still_learning(seen: Assessment, open: &Learning) -> Assessment {
    let date = |at| iso(at).chars().take(10).collect::<String>();
    let why = format!(
        "still learning: history for account {} starts {}; new activity is reported from {} (`run --state \
         FILE` keeps the history)",
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
pub(super) fn citation_states(rules: &[RuleState], complete: bool) -> Vec<CitationState> {
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
            for rule in speaking.iter().filter(|rule| rule.findings > 0) {
                *counts.entry(rule.level).or_default() += rule.findings;
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
