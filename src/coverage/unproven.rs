//! What is known of logs that nothing proves.

use super::Coverage;
use crate::event::time::Epoch;

impl Coverage {
    /// Marks the coverage of an object as not proven. That its records are of some kind does not show
    /// that a trail records that kind.
    pub fn mark_unproven(&mut self) {
        self.seen.clear();
        for region in self.regions.values_mut().flat_map(|all| all.values_mut()) {
            region.seen.clear();
            region.buckets.clear();
        }
        let changes = std::mem::take(&mut self.changes).into_iter();
        self.changes = changes
            .map(|mut change| {
                change.unproven = true;
                change
            })
            .collect();
    }

    /// The first and the last hour with events of an account.
    pub fn span(&self, account: &str) -> Option<(Epoch, Epoch)> {
        let regions = self.regions.get(account)?.values();
        let hours = regions.flat_map(|region| &region.hours);
        let hours = hours.filter(|(_, hour)| hour.events > 0);
        let (mut first, mut last) = (None, None);
        for (at, _) in hours {
            first = Some(first.map_or(*at, |first: Epoch| first.min(*at)));
            last = last.max(Some(*at));
        }
        first.zip(last)
    }
}
