//! What is filed under the ids of a run, in memory that does not grow with their number.
//!
//! All ids of a run are known to its end, whole: two different ids are never taken for one. The last
//! of them are in memory, the others in a temporary file, sorted; a Bloom filter says of nearly every
//! new id, without a look at the file, that it is not there. So an id costs a byte and a quarter of
//! memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher as _;
use std::io;

use fastbloom::BloomFilter;
use hashbrown::HashTable;

use super::spill::SpillFile;
use crate::event::time::Epoch;
use crate::seeded::Seeded;

/// The most entries that are held in memory: as many as a table of 65,536 buckets takes. Eight times as
/// many need no sorting in a busy week, but the table is then too large for the caches, which costs as
/// much.
const ROOM: usize = 7 << 13;

/// How many entries are read back at once: four kibibytes of them.
const PAGE: usize = 128;

/// How many entries are written at once.
const WRITTEN: usize = 16 * PAGE;

/// Bytes of an entry in the file.
const ENTRY: usize = 32;

/// Of one id; with [`HASHES`] one in 120 is a false hit.
const FILTER_BITS: usize = 10;

const HASHES: u32 = 6;

/// What is filed under an id. The order of the fields is that of entries with one id: contents are
/// numbers that differ from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) id: u128,
    pub(super) object: u32,
    pub(super) record: u32,
    pub(super) content: u64,
}

impl Entry {
    fn write(self, to: &mut Vec<u8>) {
        to.extend(self.id.to_be_bytes());
        to.extend(self.content.to_be_bytes());
        to.extend(self.object.to_be_bytes());
        to.extend(self.record.to_be_bytes());
    }

    fn read(bytes: &[u8; ENTRY]) -> Self {
        let (id, rest) = bytes.split_first_chunk().unwrap_or((&[0; 16], &[]));
        let (content, rest) = rest.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let (object, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let record = rest.first_chunk().unwrap_or(&[0; 4]);
        Self {
            id: u128::from_be_bytes(*id),
            content: u64::from_be_bytes(*content),
            object: u32::from_be_bytes(*object),
            record: u32::from_be_bytes(*record),
        }
    }
}

/// The ids so far, each with its entry.
#[derive(Debug)]
pub(super) struct Ids {
    buffer: IdBuffer,
    /// The times of their events.
    times: Option<Times>,
    /// In the order of their first times.
    spilled: Vec<SpilledRun>,
    spill: SpillFile,
    /// Why ids could not be read back, the first time.
    failure: Option<io::Error>,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            buffer: IdBuffer::default(),
            times: None,
            spilled: Vec::new(),
            spill: SpillFile::with_capacity(ROOM),
            failure: None,
        }
    }
}

/// The first and the last; an event without a time is before all others. A copy has the time of its
/// event, so it is looked for only where that may lie.
type Times = (Option<Epoch>, Option<Epoch>);

/// The hash of an id, for the table and for the filters.
#[inline]
fn hash_of(id: u128) -> u64 {
    Seeded.hash_one(id)
}

/// Entries in memory. The table of their places is a small part of what the entries would take in
/// it, and it is the table that every event looks at, wherever its id may lie in it.
#[derive(Debug, Default)]
struct IdBuffer {
    entries: Vec<Entry>,
    places: HashTable<u32>,
}

impl IdBuffer {
    fn find(&self, id: u128, hash: u64) -> Option<Entry> {
        let entry = |place: &u32| self.entries.get(*place as usize);
        let is = |place: &u32| entry(place).is_some_and(|entry| entry.id == id);
        self.places.find(hash, is).and_then(entry).copied()
    }

    fn insert(&mut self, entry: Entry, hash: u64) {
        let place = u32::try_from(self.entries.len()).expect("ids go to disk long before 2^32");
        let entries = &self.entries;
        let hash_at = |place: &u32| {
            let entry = entries.get(*place as usize);
            hash_of(entry.map_or(0, |entry| entry.id))
        };
        self.places.insert_unique(hash, place, hash_at);
        self.entries.push(entry);
    }

    /// Sorts the entries; they are found again only after [`IdBuffer::rebuild_index`].
    fn sort(&mut self) {
        self.places.clear();
        self.entries.sort_unstable();
    }

    fn rebuild_index(&mut self) {
        for entry in std::mem::take(self).entries {
            self.insert(entry, hash_of(entry.id));
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
    }
}

/// Entries in the file, sorted.
#[derive(Debug)]
struct SpilledRun {
    times: Times,
    /// The last time of it and of all before it.
    latest: Option<Epoch>,
    filter: BloomFilter<Seeded>,
    /// The first id of each page.
    pages: Vec<u128>,
    count: usize,
    /// Where they begin in the file.
    at: u64,
}

impl Ids {
    /// The entry of an id, of an event of that time.
    pub(super) fn find(&mut self, id: u128, time: Option<Epoch>) -> Option<Entry> {
        self.find_hashed(id, hash_of(id), time)
    }

    /// Files an entry for an event of that time. Its id must not be there.
    pub(super) fn insert(&mut self, entry: Entry, time: Option<Epoch>) {
        self.insert_hashed(entry, hash_of(entry.id), time);
    }

    /// The entry of that id, of an event of that time. Where there is none, files the one given.
    pub(super) fn find_or_insert(&mut self, entry: Entry, time: Option<Epoch>) -> Option<Entry> {
        let hash = hash_of(entry.id);
        let known = self.find_hashed(entry.id, hash, time);
        if known.is_none() {
            self.insert_hashed(entry, hash, time);
        }
        known
    }

    /// True where nothing had to be set aside: then no id is there twice.
    pub(super) const fn are_in_memory(&self) -> bool {
        self.spilled.is_empty()
    }

    #[inline]
    fn find_hashed(&mut self, id: u128, hash: u64, time: Option<Epoch>) -> Option<Entry> {
        let buffer = self.buffer.find(id, hash);
        buffer.or_else(|| self.find_in_runs(id, hash, time))
    }

    #[inline]
    fn insert_hashed(&mut self, entry: Entry, hash: u64, time: Option<Epoch>) {
        self.buffer.insert(entry, hash);
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        if self.spill.should_spill(self.buffer.entries.len()) {
            self.spill_run();
        }
    }

    /// Why some ids could not be looked for, which then count as not there.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Calls `visit` with every entry, by id. One id is there several times where its events lie far
    /// apart.
    ///
    /// # Errors
    /// They could not be read back.
    pub(super) fn each_sorted(&mut self, visit: &mut dyn FnMut(Entry)) -> io::Result<()> {
        self.buffer.sort();
        let mut runs = Vec::new();
        for spilled in &self.spilled {
            runs.push(SortedRun {
                spilled: Some(spilled),
                next: 0,
                page: Vec::new().into_iter(),
            });
        }
        let buffer = std::mem::take(&mut self.buffer).entries;
        runs.push(SortedRun {
            spilled: None,
            next: 0,
            page: buffer.into_iter(),
        });
        let mut heads = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            heads.extend(run.take(&self.spill)?.map(|entry| Reverse((entry, at))));
        }
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((entry, at)) = *head;
            let next = match runs.get_mut(at) {
                Some(run) => run.take(&self.spill)?,
                None => None,
            };
            match next {
                Some(next) => *head = Reverse((next, at)),
                None => {
                    std::collections::binary_heap::PeekMut::pop(head);
                }
            }
            visit(entry);
        }
        Ok(())
    }

    fn find_in_runs(&mut self, id: u128, hash: u64, time: Option<Epoch>) -> Option<Entry> {
        // there may be a thousand, and of few do the times reach this far
        let begun = self.spilled.partition_point(|one| one.times.0 <= time);
        let begun = self.spilled.get(..begun).unwrap_or_default();
        for spilled in begun.iter().rev().take_while(|one| one.latest >= time) {
            if time > spilled.times.1 || !spilled.filter.contains_hash(hash) {
                continue;
            }
            match spilled.find(id, &self.spill) {
                Ok(Some(entry)) => return Some(entry),
                Ok(None) => {}
                Err(error) => {
                    self.failure.get_or_insert(error);
                }
            }
        }
        None
    }

    /// Puts the entries in memory into the file. Where it cannot take them they stay, and so do all
    /// that come after them.
    fn spill_run(&mut self) {
        self.buffer.sort();
        let entries = &self.buffer.entries;
        let at = self.spill.end();
        for entries in entries.chunks(WRITTEN) {
            let mut bytes = Vec::with_capacity(entries.len() * ENTRY);
            entries.iter().for_each(|entry| entry.write(&mut bytes));
            if self.spill.append(&bytes).is_none() {
                self.buffer.rebuild_index();
                return;
            }
        }
        let bits = BloomFilter::with_num_bits(entries.len() * FILTER_BITS);
        let mut filter = bits.hasher(Seeded).hashes(HASHES);
        for entry in entries {
            filter.insert_hash(hash_of(entry.id));
        }
        let times = self.times.take().unwrap_or_default();
        let place = self.spilled.partition_point(|one| one.times.0 <= times.0);
        let spilled = SpilledRun {
            times,
            latest: None,
            filter,
            pages: entries.iter().step_by(PAGE).map(|entry| entry.id).collect(),
            count: entries.len(),
            at,
        };
        self.spilled.insert(place, spilled);
        let mut latest = None;
        for one in &mut self.spilled {
            latest = latest.max(one.times.1);
            one.latest = latest;
        }
        self.buffer.clear();
    }

    #[cfg(test)]
    pub(super) fn on(spill: SpillFile) -> Self {
        Self {
            spill,
            ..Self::default()
        }
    }
}

impl SpilledRun {
    fn find(&self, id: u128, spill: &SpillFile) -> io::Result<Option<Entry>> {
        let pages = self.pages.partition_point(|first| *first <= id);
        let Some(page) = pages.checked_sub(1) else {
            return Ok(None);
        };
        let mut bytes = [0; PAGE * ENTRY];
        let entries = self.page(page, spill, &mut bytes)?;
        let found = entries.binary_search_by_key(&id, |entry| Entry::read(entry).id);
        Ok(found.ok().and_then(|at| entries.get(at)).map(Entry::read))
    }

    /// The entries of a page, read into `bytes`; none behind the last.
    fn page<'b>(
        &self,
        page: usize,
        spill: &SpillFile,
        bytes: &'b mut [u8; PAGE * ENTRY],
    ) -> io::Result<&'b [[u8; ENTRY]]> {
        let from = page * PAGE;
        let count = self.count.saturating_sub(from).min(PAGE);
        let bytes = bytes.get_mut(..count * ENTRY).unwrap_or_default();
        if count > 0 {
            spill.read(self.at + (from * ENTRY) as u64, bytes)?;
        }
        Ok(bytes.as_chunks::<ENTRY>().0)
    }
}

/// Sorted entries on their way out: those in memory, or page after page of the file.
struct SortedRun<'i> {
    spilled: Option<&'i SpilledRun>,
    /// The next page.
    next: usize,
    page: std::vec::IntoIter<Entry>,
}

impl SortedRun<'_> {
    fn take(&mut self, spill: &SpillFile) -> io::Result<Option<Entry>> {
        if let Some(entry) = self.page.next() {
            return Ok(Some(entry));
        }
        let Some(spilled) = self.spilled else {
            return Ok(None);
        };
        let mut bytes = [0; PAGE * ENTRY];
        let entries = spilled.page(self.next, spill, &mut bytes)?;
        self.next += 1;
        self.page = entries
            .iter()
            .map(Entry::read)
            .collect::<Vec<_>>()
            .into_iter();
        Ok(self.page.next())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn entry(n: u64) -> Entry {
        // looks random, as ids do
        let high = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Entry {
            id: u128::from(high) << 64 | u128::from(n),
            object: 1,
            record: 2,
            content: n,
        }
    }

    fn is_new(ids: &mut Ids, n: u64, time: Option<Epoch>) -> bool {
        match ids.find(entry(n).id, time) {
            Some(known) => {
                assert_eq!(known, entry(n));
                false
            }
            None => {
                ids.insert(entry(n), time);
                true
            }
        }
    }

    #[test]
    fn ids_are_found_wherever_they_lie() {
        let (mut ids, mut twin) = (Ids::on(SpillFile::with_capacity(1_000)), HashSet::new());
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
            assert_eq!(is_new(&mut ids, n, time), twin.insert(n), "{n}");
        }
        assert!(ids.spilled.len() > 20 && ids.buffer.entries.len() < 1_000);
        assert!(ids.take_failure().is_none());
        for n in 0..3_000 {
            assert!(is_new(
                &mut ids,
                100_000 + n,
                Some(i64::try_from(n).unwrap())
            ));
        }
        let mut all = Vec::new();
        ids.each_sorted(&mut |entry| all.push(entry)).unwrap();
        assert_eq!(all.len(), twin.len() + 3_000);
        assert!(all.is_sorted());
    }

    #[test]
    fn ids_are_found_in_whatever_order_their_times_come() {
        let (mut ids, mut twin) = (Ids::on(SpillFile::with_capacity(500)), Vec::new());
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
                assert!(is_new(&mut ids, event.0, event.1), "{event:?}");
                twin.push(event);
                let (copy, time) = twin[dice(twin.len() as u64) as usize];
                assert!(!is_new(&mut ids, copy, time), "{copy} at {time:?}");
            }
        }
        assert!(ids.spilled.len() > 30);
        assert!(ids.spilled.is_sorted_by_key(|one| one.times.0));
    }

    #[test]
    fn without_a_temporary_file_all_ids_stay_in_memory() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let file = std::fs::File::open(readable.path()).unwrap();
        let mut ids = Ids::on(SpillFile::on(file, 1_000));
        for n in 0..5_000 {
            assert!(is_new(&mut ids, n, Some(1)));
        }
        assert!(ids.spilled.is_empty());
        assert!((0..5_000).all(|n| !is_new(&mut ids, n, Some(1))));
        assert!(ids.take_failure().is_none(), "nothing was lost");
    }

    #[test]
    fn a_file_that_cannot_be_read_back_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        let mut ids = Ids::on(SpillFile::on(file.try_clone().unwrap(), 1_000));
        for n in 0..2_500 {
            assert!(is_new(&mut ids, n, Some(1)));
        }
        file.set_len(0).unwrap();
        assert!(is_new(&mut ids, 3, Some(1)), "nobody knows");
        assert!(ids.take_failure().is_some());
        assert!(ids.each_sorted(&mut |_| {}).is_err());
    }
}
