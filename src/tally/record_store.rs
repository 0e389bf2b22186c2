//! The records that a search matched, as they stand in their logs, in the order of time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io;

use bitcode::{Decode, Encode};

use super::spill::SpillFile;
use crate::event::time::Epoch;

/// The most bytes of records that are held in memory.
const ROOM: usize = 64 << 20;

/// A record of one object that some rule matched, for detectors that keep records.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MatchedRecord {
    /// The event, in [`ObjectScan::seen`](super::ObjectScan).
    pub seen: u32,
    /// The places of the rules that matched, ascending.
    pub rules: Vec<u32>,
    /// The record as it stands in the log. It may hold credentials: mask it before it is shown.
    pub text: String,
}

/// A record and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    pub time: Option<Epoch>,
    /// The object's place in the order of the run.
    pub object: u32,
    /// The record's place in the object, from 0.
    pub record: u32,
    /// The places of the rules that matched.
    pub rules: Vec<u32>,
    /// See [`MatchedRecord::text`].
    pub text: String,
}

/// Records in the order of time, those without a time last. Beyond a limit only the first ones are
/// kept; what memory has no room for lies in a temporary file.
#[derive(Debug)]
pub struct RecordStore {
    limit: usize,
    /// How many were matched, kept or not.
    count: u64,
    kept: BinaryHeap<Entry>,
    /// Bytes of the texts in memory.
    held: usize,
    spill: SpillFile,
}

impl Default for RecordStore {
    fn default() -> Self {
        Self {
            limit: usize::MAX,
            count: 0,
            kept: BinaryHeap::new(),
            held: 0,
            spill: SpillFile::with_capacity(ROOM),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Undated records come last.
    key: (Epoch, u32, u32),
    time: Option<Epoch>,
    rules: Vec<u32>,
    text: Text,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Text {
    Held(String),
    Spilled { at: u64, length: usize },
}

impl RecordStore {
    /// Keeps only the first `limit` records in the order of time.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many records were matched, kept or not.
    pub const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn insert(
        &mut self,
        time: Option<Epoch>,
        object: u32,
        record: u32,
        of: MatchedRecord,
    ) {
        self.count += 1;
        let key = (time.unwrap_or(Epoch::MAX), object, record);
        if self.kept.len() >= self.limit {
            match self.kept.peek() {
                Some(last) if key < last.key => {
                    if let Some(Entry {
                        text: Text::Held(text),
                        ..
                    }) = self.kept.pop()
                    {
                        self.held -= text.len();
                    }
                }
                _ => return,
            }
        }
        self.held += of.text.len();
        self.kept.push(Entry {
            key,
            time,
            rules: of.rules,
            text: Text::Held(of.text),
        });
        if self.spill.should_spill(self.held) {
            self.spill_texts();
        }
    }

    fn spill_texts(&mut self) {
        let mut entries = std::mem::take(&mut self.kept).into_vec();
        for entry in &mut entries {
            if let Text::Held(text) = &entry.text
                && let Some(at) = self.spill.append(text.as_bytes())
            {
                let length = text.len();
                self.held -= length;
                entry.text = Text::Spilled { at, length };
            }
        }
        self.kept = entries.into();
    }

    /// Ends the gathering.
    pub fn finish(self) -> SortedRecords {
        SortedRecords {
            entries: self.kept.into_sorted_vec(),
            spill: self.spill,
        }
    }
}

/// The records that were kept, in the order of time.
#[derive(Debug)]
pub struct SortedRecords {
    entries: Vec<Entry>,
    spill: SpillFile,
}

impl SortedRecords {
    /// Reads them one by one.
    ///
    /// # Errors
    /// Of a record: it cannot be read back from the temporary file.
    pub fn iter(&self) -> impl Iterator<Item = io::Result<StoredRecord>> {
        self.entries.iter().map(|entry| {
            let text = match &entry.text {
                Text::Held(text) => text.clone(),
                Text::Spilled { at, length } => {
                    let mut bytes = vec![0; *length];
                    self.spill.read(*at, &mut bytes)?;
                    String::from_utf8(bytes).map_err(io::Error::other)?
                }
            };
            let (_, object, record) = entry.key;
            Ok(StoredRecord {
                time: entry.time,
                object,
                record,
                rules: entry.rules.clone(),
                text,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(limit: usize, room: usize) -> RecordStore {
        RecordStore {
            limit,
            spill: SpillFile::with_capacity(room),
            ..RecordStore::default()
        }
    }

    fn filled(mut store: RecordStore) -> (u64, Vec<(Option<Epoch>, String)>) {
        let times = [Some(30), None, Some(10), Some(20), Some(10)];
        for (at, time) in (0u32..).zip(times) {
            let of = MatchedRecord {
                seen: at,
                rules: vec![0],
                text: format!("record {at}"),
            };
            store.insert(time, at, 0, of);
        }
        let count = store.count();
        let store = store.finish();
        let records = store.iter().map(|record| {
            let record = record.unwrap();
            (record.time, record.text)
        });
        (count, records.collect())
    }

    #[test]
    fn records_come_in_the_order_of_time_in_memory_and_from_the_file() {
        let expected = [
            (Some(10), "record 2"),
            (Some(10), "record 4"),
            (Some(20), "record 3"),
            (Some(30), "record 0"),
            (None, "record 1"),
        ]
        .map(|(time, text)| (time, text.to_owned()));
        for room in [usize::MAX, 1, 20] {
            assert_eq!(filled(store(usize::MAX, room)), (5, expected.to_vec()));
        }
    }

    #[test]
    fn a_limit_keeps_the_first_ones_and_counts_all() {
        for room in [usize::MAX, 1] {
            let (count, records) = filled(store(2, room));
            assert_eq!(count, 5);
            assert_eq!(records.len(), 2);
            assert!(records.iter().all(|(time, _)| *time == Some(10)));
        }
    }
}
