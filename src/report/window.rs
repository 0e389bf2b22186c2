//! The window that a report speaks about.

use super::Provenance;
use crate::coverage::{Coverage, HOUR, hour_of};
use crate::event::time::Epoch;

/// The window to the second, `[from, until)`: the one asked for, else from the first event to the last.
/// With a beginning and no end it goes up to the run. `None` if no time is known.
pub(super) fn exact(provenance: &Provenance, coverage: &Coverage) -> Option<(Epoch, Epoch)> {
    let from = provenance.since.or(coverage.first)?;
    let last = coverage.last.map(|last| last + 1);
    let now = provenance.since.and(provenance.created).max(last);
    let until = provenance.until.or(now)?;
    (from < until).then_some((from, until))
}

/// The same in whole hours.
pub(super) fn window(provenance: &Provenance, coverage: &Coverage) -> Option<(Epoch, Epoch)> {
    let (from, until) = exact(provenance, coverage)?;
    Some((hour_of(from), hour_of(until + HOUR - 1)))
}
