//! A partial tally: a contiguous range of objects, scanned and not yet counted.
//!
//! Whether a record counts depends on all records before it: it may be a copy of one of them. So a range
//! in the middle of the objects cannot be counted by itself and the result corrected afterwards: of each
//! copy one would have to know which group it was counted in and which sample it displaced. A partial tally
//! therefore keeps what each object holds, as compact as the state file does, and counting is left to
//! the [`Tally`](super::Tally), which costs little next to reading and matching. That makes `merge` exact
//! and cheap: adjacent ranges are put one behind the other, in any grouping, and the tally of all is the
//! tally of one pass over the same objects.

use std::io;
use std::ops::Range;

use super::ObjectScan;
use super::scan_store::ScanStore;
use crate::coverage::Coverage;

/// The scans of a contiguous range of objects.
#[derive(Debug)]
pub struct Partial {
    /// The places of its objects in the order of the run.
    range: Range<u64>,
    /// Of adjacent ranges, in order.
    stores: Vec<ScanStore>,
    /// What was listed and could not be handed out as an object.
    pub coverage: Coverage,
}

/// Two partial tallies do not belong together: objects are missing between them, or lie in both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "partial results of objects {} to {} and {} to {} are not adjacent",
    .left.start, .left.end, .right.start, .right.end
)]
pub struct NotAdjacent {
    pub left: Range<u64>,
    pub right: Range<u64>,
}

impl Partial {
    /// A range without objects, before the object with that place.
    pub fn new(first: u64) -> Self {
        Self {
            range: first..first,
            stores: Vec::new(),
            coverage: Coverage::default(),
        }
    }

    /// The places of its objects in the order of the run.
    pub const fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// Adds the object behind the last; returns the buffers of its scan for another.
    pub fn push(&mut self, scanned: ObjectScan) -> ObjectScan {
        let scanned = ObjectScan {
            sequence: self.range.end,
            ..scanned
        };
        self.range.end += 1;
        if self.stores.is_empty() {
            self.stores.push(ScanStore::default());
        }
        match self.stores.last_mut() {
            Some(store) => store.push(scanned),
            None => scanned,
        }
    }

    /// Puts the range that follows behind this one. Associative: ranges may be merged in any grouping.
    ///
    /// # Errors
    /// It does not begin where this one ends.
    pub fn merge(&mut self, next: Self) -> Result<(), NotAdjacent> {
        if self.range.end != next.range.start {
            return Err(NotAdjacent {
                left: self.range.clone(),
                right: next.range,
            });
        }
        self.range.end = next.range.end;
        self.stores.extend(next.stores);
        self.coverage.merge(next.coverage);
        Ok(())
    }

    /// The scans in their order; an error where one cannot be read back.
    pub fn into_scans(self) -> impl Iterator<Item = io::Result<ObjectScan>> {
        self.stores
            .into_iter()
            .flat_map(|mut store| (0..store.count()).map(move |index| store.take(index)))
    }
}
