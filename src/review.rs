//! The state of the review: what the lines of a ledger add up to.
//!
//! In: a [`Ledger`] whose chain holds. Out: the last decision on each finding, the open matters of earlier
//! periods, the exceptions, the signed periods. [`ReviewView`] is what one report shows of it.

pub mod exception;
pub mod people;
pub mod register;
pub mod view;

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use serde::Serialize;

use crate::event::time::{self, Epoch};
use crate::ledger::entry::{Addendum, Approval, Decision, Disposition, Matter, Signature};
use crate::ledger::{Entry, Ledger, Line};
use crate::severity::Severity;
pub use exception::ExceptionState;
pub use people::People;
pub use view::{Candidate, ReviewView, Subject};

/// How many findings a signature or an addendum lists one by one; the rest are counted.
pub const MOST_LISTED: usize = 1_000;

/// How many finding ids a signature lists.
pub const MOST_IDS: usize = 5_000;

/// `[review]` and `[people]` of the configuration.
#[derive(Debug, Clone)]
pub struct ReviewSettings {
    /// The ledger, if the configuration names one.
    pub ledger: Option<std::path::PathBuf>,
    /// How many days after its end a period is to be signed; an undecided finding is due as many days
    /// after the signature.
    pub due_days: u16,
    pub people: People,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        Self {
            ledger: None,
            due_days: 7,
            people: People::default(),
        }
    }
}

/// A decision with its person and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    pub decision: Decision,
    pub by: String,
    pub time: String,
    pub reason: String,
    pub ticket: String,
    pub owner: String,
    pub due: Option<NaiveDate>,
    /// The line of the ledger.
    pub line: u64,
}

/// A finding that the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tracked {
    matter: Matter,
    /// When it is due if nobody decided it: it was undecided when its period was signed.
    due: Option<NaiveDate>,
}

/// A signed period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedPeriod {
    pub signature: Signature,
    pub reviewer: String,
    pub time: String,
    pub line: u64,
    /// The hash of the line.
    pub hash: String,
    pub approval: Option<Approved>,
    pub addenda: Vec<Addendum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approved {
    pub approval: Approval,
    pub approver: String,
    pub time: String,
}

/// A matter of an earlier period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub matter: Matter,
    /// The last decision; `None` for one that was left undecided when its period was signed.
    pub decided: Option<Decided>,
    pub due: Option<NaiveDate>,
    /// Days since its last event; `None` if that has no time.
    pub age: Option<i64>,
    pub is_overdue: bool,
}

/// What the lines of a ledger add up to.
#[derive(Debug, Default)]
pub struct ReviewState {
    /// The hash of the last line.
    pub head: String,
    pub lines: u64,
    /// By finding id, in the order of the ledger.
    decisions: BTreeMap<String, Vec<Decided>>,
    tracked: BTreeMap<String, Tracked>,
    pub exceptions: Vec<ExceptionState>,
    /// By period.
    pub signed: BTreeMap<String, SignedPeriod>,
}

impl ReviewState {
    /// Adds up the lines of a ledger whose chain holds.
    pub fn new(ledger: &Ledger) -> Self {
        let mut state = Self {
            head: ledger.head().to_owned(),
            lines: ledger.chain.lines.len() as u64,
            ..Self::default()
        };
        for (line, hash) in ledger.chain.lines.iter().zip(&ledger.chain.hashes) {
            state.add(line, hash);
        }
        state
    }

    fn add(&mut self, line: &Line, hash: &str) {
        match &line.entry {
            Entry::Head(_) | Entry::Bundle(_) => {}
            Entry::Disposition(said) => {
                self.track(&said.finding, None);
                let decisions = self.decisions.entry(said.finding.id.clone());
                decisions.or_default().push(decided(line, said));
            }
            Entry::Exception(exception) => {
                self.exceptions.push(ExceptionState::new(line, exception));
            }
            Entry::Revocation(revocation) => {
                for one in &mut self.exceptions {
                    if one.id == revocation.exception {
                        one.revoked = line.day();
                    }
                }
            }
            Entry::Signature(signature) => {
                for matter in &signature.undecided {
                    self.track(matter, Some(signature.undecided_due));
                }
                let signed = SignedPeriod {
                    signature: (**signature).clone(),
                    reviewer: line.by.clone(),
                    time: line.time.clone(),
                    line: line.n,
                    hash: hash.to_owned(),
                    approval: None,
                    addenda: Vec::new(),
                };
                // the commands write one signature a period; the first one counts
                let period = signature.period.clone();
                self.signed.entry(period).or_insert(signed);
            }
            Entry::Approval(approval) => {
                if let Some(signed) = self.signed.get_mut(&approval.period)
                    && signed.hash == approval.signature
                    && signed.approval.is_none()
                {
                    signed.approval = Some(Approved {
                        approval: approval.clone(),
                        approver: line.by.clone(),
                        time: line.time.clone(),
                    });
                }
            }
            Entry::Addendum(addendum) => {
                // what is informational is evidence: nobody has to decide it
                let needs = |matter: &&Matter| matter.level > Severity::Informational;
                for matter in addendum.new.iter().filter(needs) {
                    self.track(matter, Some(addendum.due));
                }
                if let Some(signed) = self.signed.get_mut(&addendum.period) {
                    signed.addenda.push(addendum.clone());
                }
            }
        }
    }

    fn track(&mut self, matter: &Matter, due: Option<NaiveDate>) {
        let tracked = self.tracked.entry(matter.id.clone());
        let tracked = tracked.or_insert_with(|| Tracked {
            matter: matter.clone(),
            due: None,
        });
        tracked.due = tracked.due.or(due);
    }

    /// What the ledger knows of a finding.
    pub fn matter(&self, id: &str) -> Option<&Matter> {
        self.tracked.get(id).map(|tracked| &tracked.matter)
    }

    /// The ids of all findings that the ledger knows.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.tracked.keys().map(String::as_str)
    }

    /// Everything that was decided about a finding, the oldest first.
    pub fn decisions(&self, id: &str) -> &[Decided] {
        self.decisions.get(id).map_or(&[], Vec::as_slice)
    }

    /// The decision that holds; `None` if there is none or the last one was taken back.
    pub fn decision(&self, id: &str) -> Option<&Decided> {
        let last = self.decisions(id).last();
        last.filter(|last| last.decision != Decision::Reopened)
    }

    /// The open matters that are not in the report: those of other periods. Most urgent first.
    pub fn open(&self, in_report: &dyn Fn(&str) -> bool, today: NaiveDate) -> Vec<Carried> {
        let others = (self.tracked.values()).filter(|tracked| !in_report(&tracked.matter.id));
        let mut open: Vec<Carried> = others
            .filter(|tracked| !self.is_closed(&tracked.matter.id))
            .map(|tracked| self.carried(tracked, today))
            .collect();
        open.sort_by(|a, b| {
            let key = |one: &Carried| (one.due.is_none(), one.due, one.matter.id.clone());
            (b.matter.level.cmp(&a.matter.level)).then_with(|| key(a).cmp(&key(b)))
        });
        open
    }

    /// Matters of earlier periods that were closed behind line `after` and not behind `until`.
    pub fn closed(
        &self,
        in_report: &dyn Fn(&str) -> bool,
        (after, until): (u64, u64),
        today: NaiveDate,
    ) -> Vec<Carried> {
        let was_carried = |tracked: &&Tracked| {
            let decisions = self.decisions(&tracked.matter.id);
            let is_late = |one: &Decided| one.decision.closes() && one.line > after;
            let open_before =
                tracked.due.is_some() || decisions.iter().any(|one| !one.decision.closes());
            let last = decisions.last();
            open_before && last.is_some_and(|last| is_late(last) && last.line < until)
        };
        let others = (self.tracked.values()).filter(|tracked| !in_report(&tracked.matter.id));
        others
            .filter(was_carried)
            .map(|tracked| self.carried(tracked, today))
            .collect()
    }

    fn is_closed(&self, id: &str) -> bool {
        self.decision(id).is_some_and(|one| one.decision.closes())
    }

    fn carried(&self, tracked: &Tracked, today: NaiveDate) -> Carried {
        let decided = self.decision(&tracked.matter.id).cloned();
        let due = decided.as_ref().and_then(|one| one.due).or(tracked.due);
        let closed = decided.as_ref().is_some_and(|one| one.decision.closes());
        Carried {
            age: age(tracked.matter.last.as_deref(), today),
            is_overdue: !closed && due.is_some_and(|due| due < today),
            matter: tracked.matter.clone(),
            decided,
            due,
        }
    }

    /// The ISO weeks without a signature: between the first and the last signed one, and behind it if
    /// they should have been signed by today.
    pub fn missing_weeks(&self, today: NaiveDate, due_days: u16) -> Vec<String> {
        let mondays: Vec<NaiveDate> = self.signed.keys().filter_map(|one| monday(one)).collect();
        let (Some(first), Some(last)) = (mondays.iter().min(), mondays.iter().max()) else {
            return Vec::new();
        };
        let mut missing = Vec::new();
        let mut week = *first;
        while let Some(next) = week.checked_add_days(Days::new(7)) {
            let due = next.checked_add_days(Days::new(due_days.into()));
            if week > *last && due.is_none_or(|due| due >= today) {
                break;
            }
            if !mondays.contains(&week) {
                let iso = week.iso_week();
                missing.push(format!("{}-W{:02}", iso.year(), iso.week()));
            }
            week = next;
        }
        missing
    }

    /// The last period that was signed before this one began.
    pub fn before(&self, period: &str) -> Option<&SignedPeriod> {
        let own = monday(period);
        let earlier = |one: &&SignedPeriod| {
            let theirs = monday(&one.signature.period);
            one.signature.period != period
                && own.zip(theirs).is_none_or(|(own, theirs)| theirs < own)
        };
        self.signed
            .values()
            .filter(earlier)
            .max_by_key(|one| one.line)
    }
}

fn decided(line: &Line, said: &Disposition) -> Decided {
    Decided {
        decision: said.disposition,
        by: line.by.clone(),
        time: line.time.clone(),
        reason: said.reason.clone(),
        ticket: said.ticket.clone(),
        owner: said.owner.clone(),
        due: said.due,
        line: line.n,
    }
}

/// The Monday of `2026-W47`; `None` for a period that is not an ISO week.
pub fn monday(period: &str) -> Option<NaiveDate> {
    let (year, week) = period.split_once("-W")?;
    NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)
}

/// Days from a time to that day.
pub fn age(time: Option<&str>, today: NaiveDate) -> Option<i64> {
    let at: Epoch = time::parse(time?)?;
    Some((today - time::utc(at).date_naive()).num_days())
}

/// A name as it is compared: without regard to case and blanks.
pub fn same_person(one: &str, other: &str) -> bool {
    let folded = |name: &str| {
        let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    folded(one) == folded(other)
}
