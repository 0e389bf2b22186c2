//! What one report shows of the review: its decisions, exceptions, carried matters and sign-off.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::exception::Validity;
use super::{Carried, Decided, ExceptionState, ReviewState, SignedPeriod};
use crate::event::time;
use crate::finding::Finding;
use crate::ledger::entry::Matter;
use crate::severity::Severity;
use crate::words::plural;

/// A finding as far as the review looks at it. `findings.json` holds them in this form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    #[serde(flatten)]
    pub matter: Matter,
    pub rule_id: String,
    pub actors: BTreeSet<String>,
    pub more_actors: u64,
    pub accounts: BTreeSet<String>,
    pub count: u64,
}

impl From<&Finding> for Candidate {
    fn from(finding: &Finding) -> Self {
        Self {
            matter: Matter {
                id: finding.id.clone(),
                rule: finding.rule.clone(),
                level: finding.level,
                title: finding.title.clone(),
                actor: finding.actor.clone(),
                resource: finding.resource.clone(),
                period: finding.period.clone(),
                last: finding.last.map(time::iso),
            },
            rule_id: finding.rule_id.clone(),
            actors: finding.actors.clone(),
            more_actors: finding.more_actors,
            accounts: finding.accounts.clone(),
            count: finding.count,
        }
    }
}

/// The report that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'r> {
    pub period: &'r str,
    pub report: &'r str,
    pub rule_set_sha256: &'r str,
    pub config_sha256: &'r str,
    pub today: NaiveDate,
}

/// An exception, and what it hides in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExceptionUse {
    #[serde(flatten)]
    pub state: ExceptionState,
    pub validity: Validity,
    pub findings: u64,
    pub events: u64,
}

/// What one report shows of the review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReviewView {
    /// The head of the ledger.
    pub ledger_head: String,
    /// By finding id: the decision that holds.
    pub decisions: BTreeMap<String, Decided>,
    /// By finding id: the exception that hides it.
    pub hidden: BTreeMap<String, String>,
    pub exceptions: Vec<ExceptionUse>,
    pub carried: Vec<Carried>,
    /// Matters of earlier periods that were closed since the last signature.
    pub closed: Vec<Carried>,
    pub signed: Option<SignedPeriod>,
    /// What a reader must know, one sentence each.
    pub notices: Vec<String>,
}

impl ReviewView {
    /// What the state of the review means for a report with these findings.
    pub fn new(state: &ReviewState, about: Subject<'_>, findings: &[Candidate]) -> Self {
        let mut hidden = BTreeMap::new();
        let mut exceptions = Vec::new();
        for one in &state.exceptions {
            let validity = one.validity(about.today);
            let (mut count, mut events) = (0, 0);
            let patterns = one.patterns();
            for finding in findings
                .iter()
                .filter(|one| validity.holds() && patterns.cover(one))
            {
                count += 1;
                events += finding.count;
                let id = finding.matter.id.clone();
                hidden.entry(id).or_insert_with(|| one.id.clone());
            }
            exceptions.push(ExceptionUse {
                state: one.clone(),
                validity,
                findings: count,
                events,
            });
        }
        let ids: BTreeSet<&str> = findings.iter().map(|one| &*one.matter.id).collect();
        let in_report = |id: &str| ids.contains(id);
        let decisions = ids
            .iter()
            .filter_map(|id| Some(((*id).to_owned(), state.decision(id)?.clone())))
            .collect();
        let signed = state.signed.get(about.period).cloned();
        let after = state.before(about.period).map_or(0, |one| one.line);
        let until = signed.as_ref().map_or(u64::MAX, |one| one.line);
        let earlier = |carried: &Carried| {
            let theirs = super::monday(&carried.matter.period);
            let own = super::monday(about.period);
            theirs.zip(own).is_none_or(|(theirs, own)| theirs <= own)
        };
        let mut view = Self {
            ledger_head: state.head.clone(),
            decisions,
            hidden,
            exceptions,
            carried: state.open(&in_report, about.today),
            closed: state.closed(&in_report, (after, until), about.today),
            signed,
            notices: Vec::new(),
        };
        view.carried.retain(earlier);
        view.closed.retain(earlier);
        view.notices = view.notices(state, about, findings);
        view
    }

    /// Of a ledger that cannot be used: nothing is decided, nothing is hidden, and the reader is warned.
    pub fn unusable(why: String) -> Self {
        Self {
            notices: vec![why],
            ..Self::default()
        }
    }

    /// True if somebody decided the finding, or an exception hides it.
    pub fn is_settled(&self, id: &str) -> bool {
        self.decisions.contains_key(id) || self.hidden.contains_key(id)
    }

    /// The findings that need a decision and have none, most severe first.
    pub fn undecided<'f>(&self, findings: &'f [Candidate]) -> Vec<&'f Candidate> {
        let needs = |one: &&Candidate| {
            one.matter.level > Severity::Informational && !self.is_settled(&one.matter.id)
        };
        let mut undecided: Vec<&Candidate> = findings.iter().filter(needs).collect();
        undecided.sort_by_key(|one| std::cmp::Reverse(one.matter.level));
        undecided
    }

    /// `2 hidden by exceptions, 3 decided`; `None` if there is neither. Counts what needs a decision.
    pub fn counts(&self, levels: impl Fn(&str) -> Option<Severity>) -> Option<String> {
        let needs = |id: &&String| levels(id).is_some_and(|level| level > Severity::Informational);
        let hidden = self.hidden.keys().filter(needs).count();
        let decided = self.decisions.keys().filter(needs);
        let decided = decided.filter(|id| !self.hidden.contains_key(*id)).count();
        let counts = [(decided, "decided"), (hidden, "hidden by exceptions")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn notices(
        &self,
        state: &ReviewState,
        about: Subject<'_>,
        findings: &[Candidate],
    ) -> Vec<String> {
        let mut notices = Vec::new();
        for one in &self.exceptions {
            let (id, scope, on) = (
                &one.state.id,
                one.state.scope(),
                one.state.exception.expires,
            );
            let renewed = self
                .exceptions
                .iter()
                .any(|other| other.validity.holds() && other.state.is_renewal_of(&one.state));
            match one.validity {
                Validity::Expired if !renewed => notices.push(format!(
                    "Exception {id} ({scope}) expired on {on}: its findings count again."
                )),
                Validity::Ending if !renewed => {
                    notices.push(format!("Exception {id} ({scope}) expires on {on}."));
                }
                _ => {}
            }
        }
        let overdue = self.carried.iter().filter(|one| one.is_overdue).count() as u64;
        if overdue > 0 {
            notices.push(format!(
                "{} of earlier periods {} overdue.",
                plural(overdue, "open matter"),
                if overdue == 1 { "is" } else { "are" }
            ));
        }
        if let Some(before) = state.before(about.period) {
            let period = &before.signature.period;
            for (what, then, now) in [
                (
                    "rule set",
                    &before.signature.rule_set_sha256,
                    about.rule_set_sha256,
                ),
                (
                    "configuration",
                    &before.signature.config_sha256,
                    about.config_sha256,
                ),
            ] {
                if then != now {
                    notices.push(format!("The {what} differs from that of {period}."));
                }
            }
        }
        if let Some(signed) = &self.signed
            && signed.signature.report != about.report
            && signed.addenda.iter().all(|one| one.report != about.report)
        {
            let difference = Difference::new(&signed.signature, findings);
            notices.push(format!(
                "{} was signed as report {}, and this report is {}: {}. To record that, run: \
                 trailscan review addendum",
                about.period,
                signed.signature.report,
                about.report,
                difference.in_words()
            ));
        }
        notices
    }
}

/// How a later report of a signed period differs from the signed one.
#[derive(Debug)]
pub struct Difference<'f> {
    /// `None` if the signature does not list the findings.
    pub new: Option<Vec<&'f Candidate>>,
    /// The ids of findings that are gone.
    pub gone: Vec<String>,
}

impl<'f> Difference<'f> {
    /// Compares by finding ids.
    pub fn new(signed: &crate::ledger::entry::Signature, findings: &'f [Candidate]) -> Self {
        let Some(ids) = &signed.finding_ids else {
            return Self {
                new: None,
                gone: Vec::new(),
            };
        };
        let then: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let now: BTreeSet<&str> = findings.iter().map(|one| &*one.matter.id).collect();
        let new = findings.iter();
        let gone = then.iter().filter(|id| !now.contains(*id));
        Self {
            new: Some(new.filter(|one| !then.contains(&*one.matter.id)).collect()),
            gone: gone.map(|id| (*id).to_owned()).collect(),
        }
    }

    /// `2 new findings, 1 gone`.
    pub fn in_words(&self) -> String {
        match &self.new {
            None => "the signature lists too many findings to compare them".to_owned(),
            Some(new) => format!(
                "{}, {} gone",
                plural(new.len() as u64, "new finding"),
                self.gone.len()
            ),
        }
    }
}
