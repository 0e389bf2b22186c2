//! Which events were met before, by `eventID`.
//!
//! Logs are delivered nearly in time order, so only the last days' ids are kept whole. Of older
//! days eight bytes an event remain: enough to know a late copy again (two different ids share them
//! once in 2^64), at a third of the memory.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::event::time::Epoch;
use crate::finding::EventId;

/// How many days of event time before the newest are kept whole. A log is rarely delivered more
/// than a day after its events.
const OPEN_DAYS: i64 = 2;

/// The ids met so far.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    /// By the day of the event's time; undated events share a day of their own.
    open: BTreeMap<i64, FxHashSet<u128>>,
    /// Sorted fingerprints of the days that were closed.
    closed: BTreeMap<i64, Vec<u64>>,
    others: FxHashSet<Box<str>>,
    newest: Option<i64>,
}

impl Duplicates {
    /// Notes an event; false where its id was met before. An event without an id is always new.
    pub(super) fn is_new(&mut self, id: &EventId, time: Option<Epoch>) -> bool {
        let bytes = match id {
            EventId::Guid(bytes) => bytes,
            EventId::Other(text) => return self.others.insert(text.clone()),
            EventId::Missing => return true,
        };
        let id = u128::from_be_bytes(*bytes);
        let day = time.map_or(i64::MAX, |time| time.div_euclid(86_400));
        if !self.closed.is_empty() && self.is_closed(day) {
            return self.is_new_in_closed(day, id);
        }
        self.open.entry(day).or_default().insert(id)
    }

    fn is_closed(&self, day: i64) -> bool {
        self.newest.is_some_and(|newest| day < newest - OPEN_DAYS)
    }

    fn is_new_in_closed(&mut self, day: i64, id: u128) -> bool {
        let known = self.closed.entry(day).or_default();
        match known.binary_search(&fingerprint(id)) {
            Ok(_) => false,
            Err(place) => {
                known.insert(place, fingerprint(id));
                true
            }
        }
    }

    /// Tells up to which day logs were delivered; what is older than the open days is closed.
    pub(super) fn delivered(&mut self, day: i64) {
        if self.newest.is_some_and(|newest| newest >= day) {
            return;
        }
        self.newest = Some(day);
        while let Some(entry) = self.open.first_entry() {
            let day = *entry.key();
            if day >= self.newest.unwrap_or(day) - OPEN_DAYS {
                return;
            }
            let mut prints: Vec<u64> = entry.remove().into_iter().map(fingerprint).collect();
            let known = self.closed.entry(day).or_default();
            prints.append(known);
            prints.sort_unstable();
            *known = prints;
        }
    }
}

fn fingerprint(id: u128) -> u64 {
    FxBuildHasher.hash_one(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> EventId {
        EventId::parse(&format!("00000000-0000-4000-8000-{n:012x}"))
    }

    #[test]
    fn copies_are_known_again_also_long_after_their_day_was_closed() {
        let mut met = Duplicates::default();
        let noon = |day: i64| Some(day * 86_400 + 43_200);
        for day in 0..30 {
            met.delivered(day);
            for n in 0..50 {
                let number = u64::try_from(day).unwrap() * 1_000 + n;
                assert!(met.is_new(&id(number), noon(day)));
                assert!(!met.is_new(&id(number), noon(day)), "at once");
            }
        }
        assert_eq!(met.open.len(), 3, "memory does not grow with the window");
        assert!(!met.is_new(&id(5_007), noon(5)), "a copy 24 days late");
        assert!(met.is_new(&id(5_999), noon(5)), "an event 24 days late");
        assert!(!met.is_new(&id(5_999), noon(5)), "and its copy");
    }

    #[test]
    fn nothing_is_closed_where_no_key_tells_a_delivery() {
        let mut met = Duplicates::default();
        for day in 0..30 {
            assert!(met.is_new(&id(day), Some(i64::try_from(day).unwrap() * 86_400)));
        }
        assert_eq!(met.open.len(), 30);
        assert!(met.is_new(&EventId::Missing, None) && met.is_new(&EventId::Missing, None));
        assert!(
            met.is_new(&id(77), None) && !met.is_new(&id(77), None),
            "undated"
        );
    }
}
