//! The exit code of every command that reads logs: one rule for all of them.

use super::Exit;
use super::session::Scan;
use crate::cli::FailOn;
use crate::integrity::proof::{Proof, State};
use crate::report::Report;

/// What a command found, as far as its exit code depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What the digests prove; `None` if they were not asked for.
    pub(super) integrity: Option<State>,
    /// The run is incomplete, by [`Completeness`](crate::assess::completeness::Completeness).
    pub(super) incomplete: bool,
    /// There are findings at or above the level that fails the run.
    pub(super) findings: bool,
    /// A rule at or above the level of `--fail-on-unassessed` had a blind spot that is not accepted.
    pub(super) unassessed: bool,
}

impl Outcome {
    /// The outcome of a command that makes a report.
    pub(super) fn of_report(report: &Report, fail_on: FailOn, fail_on_unassessed: FailOn) -> Self {
        let at_least = |least: FailOn, level| least.0.is_some_and(|least| level >= least);
        let mut blind = report.blind_spots();
        Self {
            integrity: report.integrity.as_ref().map(Proof::state),
            incomplete: !report.completeness.complete,
            findings: report.worst.is_some_and(|worst| at_least(fail_on, worst)),
            unassessed: blind.any(|rule| at_least(fail_on_unassessed, rule.level)),
        }
    }

    /// The outcome of a command that reads logs and makes no report: incomplete if anything is unread.
    pub(super) fn of_scan(scan: &Scan) -> Self {
        Self {
            integrity: scan.proof.as_ref().map(Proof::state),
            incomplete: !scan.tally.coverage.is_complete(),
            ..Self::default()
        }
    }

    /// The exit code; the first line that holds decides.
    ///
    /// | what | code |
    /// |---|--:|
    /// | integrity asked for, and broken | 4 |
    /// | integrity asked for, and not proven (a gap in the digest chain among the reasons) | 3 |
    /// | incomplete | 3 |
    /// | unassessed | 3 |
    /// | findings | 1 |
    /// | anything else, stopped logging and accepted blind spots among it | 0 |
    pub(super) const fn verdict(self) -> Exit {
        match self {
            Self {
                integrity: Some(State::Broken),
                ..
            } => Exit::Broken,
            Self {
                integrity: Some(State::NotProven),
                ..
            }
            | Self {
                incomplete: true, ..
            }
            | Self {
                unassessed: true, ..
            } => Exit::Incomplete,
            Self { findings: true, .. } => Exit::Findings,
            _ => Exit::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_was_found_decides() {
        let all = |integrity| Outcome {
            integrity,
            incomplete: true,
            findings: true,
            unassessed: true,
        };
        assert_eq!(all(Some(State::Broken)).verdict(), Exit::Broken);
        assert_eq!(all(Some(State::NotProven)).verdict(), Exit::Incomplete);
        assert_eq!(all(None).verdict(), Exit::Incomplete);
        let read = |integrity| Outcome {
            incomplete: false,
            unassessed: false,
            ..all(integrity)
        };
        assert_eq!(read(Some(State::NotProven)).verdict(), Exit::Incomplete);
        assert_eq!(read(Some(State::Valid)).verdict(), Exit::Findings);
        let clean = Outcome {
            integrity: Some(State::Valid),
            ..Outcome::default()
        };
        assert_eq!(clean.verdict(), Exit::Done);
        let blind = Outcome {
            unassessed: true,
            ..clean
        };
        assert_eq!(blind.verdict(), Exit::Incomplete);
    }
}
