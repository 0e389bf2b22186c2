//! Accounts and Regions as a report lists them: the states of their hours, and what was counted in them.

use super::Report;
use crate::assess::hours::HourRow;
use crate::coverage::{Hour, RegionCoverage};
use crate::event::time::Epoch;

/// One account and Region.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    pub hours: &'r HourRow,
    pub coverage: &'r RegionCoverage,
}

impl Row<'_> {
    /// The sums over `[from, until)`.
    pub fn sum(&self, from: Epoch, until: Epoch) -> Hour {
        let hours = self.coverage.hours.range(from..until);
        hours.fold(Hour::default(), |sum, (_, hour)| sum + *hour)
    }
}

impl Report {
    /// The rows, by account and Region; none if no hour is known.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let rows = self.hours.iter().flat_map(|grid| &grid.rows);
        rows.filter_map(|hours| {
            let regions = self.coverage.regions.get(&hours.account)?;
            let coverage = regions.get(&hours.region)?;
            Some(Row { hours, coverage })
        })
    }
}
