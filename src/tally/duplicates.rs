//! Which events were met before, by `eventID`.
//!
//! All ids of a run are known to its end, whole: two different events are never taken for one. The
//! last of them are in memory, the others in a temporary file, sorted; a Bloom filter says of nearly
//! every new id, without a look at the file, that it is not there. So an event costs a byte and a
//! quarter of memory.

use std::hash::{BuildHasher as _, BuildHasherDefault};
use std::io;

use fastbloom::BloomFilter;
use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashSet, FxHasher};

use super::spill::Spill;
use crate::event::time::Epoch;
use crate::finding::EventId;

/// The most ids that are held in memory: as many as a table of 65,536 buckets takes.
const ROOM: usize = 7 << 13;

/// How many ids are read back at once: four kibibytes of them.
const PAGE: usize = 256;

/// How many ids are written at once.
const WRITTEN: usize = 16 * PAGE;

const ID: usize = size_of::<u128>();

/// Of one id; with [`HASHES`] one in 120 is looked for in vain.
const FILTER_BITS: usize = 10;

const HASHES: u32 = 6;

type Hasher = BuildHasherDefault<FxHasher>;

/// The ids met so far.
#[derive(Debug)]
pub(super) struct Duplicates {
    young: Young,
    /// The times of their events.
    times: Option<Times>,
    /// In the order of their first times.
    sealed: Vec<Sealed>,
    spill: Spill,
    others: FxHashSet<Box<str>>,
    /// Why ids could not be read back, the first time.
    failure: Option<io::Error>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self {
            young: Young::default(),
            times: None,
            sealed: Vec::new(),
            spill: Spill::beyond(ROOM),
            others: FxHashSet::default(),
            failure: None,
        }
    }
}

/// The first and the last; an event without a time is before all others. A copy has the time of its
/// event, so it is looked for only where that may lie.
type Times = (Option<Epoch>, Option<Epoch>);

/// Ids in memory. The table of their places is a third of what the ids would take in it, and it is the
/// table that every event looks at, wherever its id may lie in it.
#[derive(Debug, Default)]
struct Young {
    ids: Vec<u128>,
    places: HashTable<u32>,
}

impl Young {
    /// Adds an id; false where it was there.
    fn insert(&mut self, id: u128) -> bool {
        let known = |place: &u32| self.ids.get(*place as usize).copied().unwrap_or_default();
        let hash = FxBuildHasher.hash_one(id);
        if self.places.find(hash, |place| known(place) == id).is_some() {
            return false;
        }
        let place = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let hash_at = |place: &u32| FxBuildHasher.hash_one(known(place));
        self.places.insert_unique(hash, place, hash_at);
        self.ids.push(id);
        true
    }

    /// Sorts the ids; they are found again only after [`Young::find_again`].
    fn sort(&mut self) {
        self.places.clear();
        self.ids.sort_unstable();
    }

    fn find_again(&mut self) {
        for id in std::mem::take(self).ids {
            self.insert(id);
        }
    }

    fn clear(&mut self) {
        self.ids.clear();
        self.places.clear();
    }
}

/// Ids in the file, sorted.
#[derive(Debug)]
struct Sealed {
    times: Times,
    /// The last time of it and of all before it.
    latest: Option<Epoch>,
    filter: BloomFilter<Hasher>,
    /// The first id of each page.
    pages: Vec<u128>,
    count: usize,
    /// Where they begin in the file.
    at: u64,
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
        if !self.young.insert(id) || self.is_sealed(id, time) {
            return false;
        }
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        if self.spill.is_due(self.young.ids.len()) {
            self.seal();
        }
        true
    }

    /// Why it could not be told of some events whether they were met before, which then count as new.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    fn is_sealed(&mut self, id: u128, time: Option<Epoch>) -> bool {
        // there may be a thousand, and of few do the times reach this far
        let begun = self.sealed.partition_point(|one| one.times.0 <= time);
        let begun = self.sealed.get(..begun).unwrap_or_default();
        for sealed in begun.iter().rev().take_while(|one| one.latest >= time) {
            if time > sealed.times.1 || !sealed.filter.contains(&id) {
                continue;
            }
            match sealed.holds(id, &self.spill) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    self.failure.get_or_insert(error);
                }
            }
        }
        false
    }

    /// Puts the ids in memory into the file. Where it cannot take them they stay, and so do all that
    /// come after them.
    fn seal(&mut self) {
        self.young.sort();
        let ids = &self.young.ids;
        let at = self.spill.end();
        for ids in ids.chunks(WRITTEN) {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
            if self.spill.append(&bytes).is_none() {
                self.young.find_again();
                return;
            }
        }
        let bits = BloomFilter::with_num_bits(ids.len() * FILTER_BITS);
        let mut filter = bits.hasher(Hasher::default()).hashes(HASHES);
        filter.extend(ids);
        let times = self.times.take().unwrap_or_default();
        let place = self.sealed.partition_point(|one| one.times.0 <= times.0);
        let sealed = Sealed {
            times,
            latest: None,
            filter,
            pages: ids.iter().step_by(PAGE).copied().collect(),
            count: ids.len(),
            at,
        };
        self.sealed.insert(place, sealed);
        let mut latest = None;
        for one in &mut self.sealed {
            latest = latest.max(one.times.1);
            one.latest = latest;
        }
        self.young.clear();
    }
}

impl Sealed {
    fn holds(&self, id: u128, spill: &Spill) -> io::Result<bool> {
        let pages = self.pages.partition_point(|first| *first <= id);
        let Some(page) = pages.checked_sub(1) else {
            return Ok(false);
        };
        let from = page * PAGE;
        let mut bytes = [0; PAGE * ID];
        let bytes = bytes
            .get_mut(..(self.count - from).min(PAGE) * ID)
            .unwrap_or_default();
        spill.read(self.at + (from * ID) as u64, bytes)?;
        let (ids, _) = bytes.as_chunks::<ID>();
        Ok(ids.binary_search(&id.to_be_bytes()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn id(n: u64) -> EventId {
        // looks random, as ids do
        let high = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        EventId::parse(&format!(
            "{:08x}-{:04x}-4000-8000-{n:012x}",
            high >> 32,
            high & 0xffff
        ))
    }

    fn small(spill: Spill) -> Duplicates {
        Duplicates {
            spill,
            ..Duplicates::default()
        }
    }

    #[test]
    fn copies_are_known_again_wherever_their_ids_lie() {
        let (mut met, mut twin) = (small(Spill::beyond(1_000)), HashSet::new());
        let mut random = 7u64;
        for n in 0..30_000u64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // some come twice: at once, soon, or after very many others
            let n = match random >> 60 {
                0 => n.saturating_sub(1),
                1 => n.saturating_sub((random >> 33) % 500),
                2 => (random >> 33) % (n + 1),
                _ => n,
            };
            let time = (n % 97 != 0).then(|| i64::try_from(n / 3).unwrap());
            assert_eq!(met.is_new(&id(n), time), twin.insert(n), "{n}");
        }
        assert!(met.sealed.len() > 20 && met.young.ids.len() < 1_000);
        assert!(met.take_failure().is_none());
        for n in 0..3_000 {
            assert!(met.is_new(&id(100_000 + n), Some(i64::try_from(n).unwrap())));
        }
    }

    #[test]
    fn copies_are_known_again_in_whatever_order_their_times_come() {
        let (mut met, mut twin) = (small(Spill::beyond(500)), Vec::new());
        let mut random = 7u64;
        let mut dice = move |sides: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % sides
        };
        for _ in 0..60 {
            // some days lie far apart, and some stretches reach over many others
            let (from, length) = (dice(1_000_000), [50, 2_000, 400_000][dice(3) as usize]);
            for _ in 0..300 {
                let event = (twin.len() as u64, i64::try_from(from + dice(length)).ok());
                assert!(met.is_new(&id(event.0), event.1), "{event:?}");
                twin.push(event);
                let (copy, time) = twin[dice(twin.len() as u64) as usize];
                assert!(!met.is_new(&id(copy), time), "{copy} at {time:?}");
            }
        }
        assert!(met.sealed.len() > 30);
        assert!(met.sealed.is_sorted_by_key(|one| one.times.0));
    }

    #[test]
    fn events_without_an_id_are_new_and_other_texts_are_ids_too() {
        let mut met = Duplicates::default();
        assert!(met.is_new(&EventId::Missing, None) && met.is_new(&EventId::Missing, None));
        let other = EventId::parse("made by hand");
        assert!(met.is_new(&other, None) && !met.is_new(&other, Some(5)));
    }

    #[test]
    fn where_no_file_can_be_had_all_ids_stay_in_memory() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let mut met = small(Spill::on(
            std::fs::File::open(readable.path()).unwrap(),
            1_000,
        ));
        for n in 0..5_000 {
            assert!(met.is_new(&id(n), Some(1)));
        }
        assert!(met.sealed.is_empty());
        assert!((0..5_000).all(|n| !met.is_new(&id(n), Some(1))));
        assert!(met.take_failure().is_none(), "nothing was lost");
    }

    #[test]
    fn a_file_that_cannot_be_read_back_is_no_secret() {
        let file = tempfile::tempfile().unwrap();
        let mut met = small(Spill::on(file.try_clone().unwrap(), 1_000));
        for n in 0..2_500 {
            assert!(met.is_new(&id(n), Some(1)));
        }
        file.set_len(0).unwrap();
        assert!(met.is_new(&id(3), Some(1)), "nobody knows");
        assert!(met.take_failure().is_some());
    }
}
