//! The exit code of every command that reads logs: one rule for all of them.

use super::Exit;
use crate::integrity::proof::State;

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
    pub(super) const fn exit(self) -> Exit {
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
        assert_eq!(all(Some(State::Broken)).exit(), Exit::Broken);
        assert_eq!(all(Some(State::NotProven)).exit(), Exit::Incomplete);
        assert_eq!(all(None).exit(), Exit::Incomplete);
        let read = |integrity| Outcome {
            incomplete: false,
            unassessed: false,
            ..all(integrity)
        };
        assert_eq!(read(Some(State::NotProven)).exit(), Exit::Incomplete);
        assert_eq!(read(Some(State::Valid)).exit(), Exit::Findings);
        let clean = Outcome {
            integrity: Some(State::Valid),
            ..Outcome::default()
        };
        assert_eq!(clean.exit(), Exit::Done);
        let blind = Outcome {
            unassessed: true,
            ..clean
        };
        assert_eq!(blind.exit(), Exit::Incomplete);
    }
}
