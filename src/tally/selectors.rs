//! How many event selectors of trail changes the tally keeps.

use super::Tally;
use crate::coverage::{Coverage, ProblemKind};
use crate::trail::{Change, SelectorBudget, TrailChange};

impl Tally {
    /// Leaves selectors of trail changes out that are beyond what is kept, and says so. What lies beyond
    /// depends on the order of the objects alone.
    pub(super) fn bound_selectors(&mut self, coverage: &mut Coverage) {
        let changes = std::mem::take(&mut coverage.changes);
        let changes = changes.into_iter().map(|change| TrailChange {
            change: self.selectors.bounded(change.change),
            ..change
        });
        coverage.changes = changes.collect();
        let mut changes = coverage.changes.iter();
        if changes.any(|one| one.change == Change::SelectorsBeyondBound) {
            let what = format!(
                "they hold event selectors with more than {} values in all: those of further changes are \
                 not kept, so from then on it is not known which events these trails recorded",
                SelectorBudget::MOST_OF_ALL
            );
            self.coverage
                .problem("changes of trails", ProblemKind::Bounded, what);
        }
    }
}
