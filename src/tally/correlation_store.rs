//! The rows of all correlations, by group and time.
//!
//! A volume rule may have tens of millions. The last are in memory as they came, the others in a
//! temporary file in sorted runs, which are merged whenever they are asked for. What lies in the file
//! are numbers and event ids, no text of a log.

use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
use std::io;

use bitcode::{Buffer, Decode, Encode};

use super::correlation_event::{CorrelationEvent, EventPayload};
use super::spill::SpillFile;
use crate::event::time::Epoch;
use crate::interner::Symbol;

/// The most rows that are held in memory.
const ROOM: usize = 1 << 15;

/// How many rows of a run are read back at once.
const BLOCK: usize = 1 << 8;

/// The rows of all correlations.
#[derive(Debug)]
pub struct CorrelationStore {
    buffer: Vec<StoredEvent>,
    /// How many rows there are, those in the file included.
    rows: u64,
    /// The young rows as they are sorted, by their places; of those that have come since, nothing.
    order: Vec<(Key, u32)>,
    runs: Vec<Vec<Block>>,
    spill: SpillFile,
}

impl Default for CorrelationStore {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            rows: 0,
            order: Vec::new(),
            runs: Vec::new(),
            spill: SpillFile::with_capacity(ROOM),
        }
    }
}

/// A row and where it belongs.
#[derive(Debug, Clone, Encode, Decode)]
struct StoredEvent {
    /// The correlation's place in the rule set.
    correlation: u32,
    group: Symbol,
    row: CorrelationEvent,
}

/// What rows are sorted by: correlation, group and time; rule, object, record and burst. No two rows of
/// a group are equal in all of it. Two numbers compare faster than seven.
type Key = [u128; 2];

impl StoredEvent {
    const fn key(&self) -> Key {
        let row = &self.row;
        let burst = match row.what {
            EventPayload::Event(_) => 0,
            EventPayload::Burst(burst) => burst.saturating_add(1),
        };
        // from the earliest time to the latest
        let time = row.time.cast_unsigned() ^ Epoch::MIN.cast_unsigned();
        [
            joined(self.correlation, self.group.index() as u32) << 64 | time as u128,
            joined(row.place, row.object) << 64 | joined(row.record, burst),
        ]
    }
}

const fn joined(high: u32, low: u32) -> u128 {
    (high as u128) << 32 | low as u128
}

/// Sorted rows of one correlation in the file.
#[derive(Debug, Clone, Copy)]
struct Block {
    correlation: u32,
    at: u64,
    bytes: usize,
}

impl CorrelationStore {
    /// How many rows were added.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row to a group of a correlation.
    pub fn push(&mut self, correlation: u32, group: Symbol, row: CorrelationEvent) {
        self.rows += 1;
        if self.spill.should_spill(self.buffer.len()) {
            self.spill_run();
        }
        if self.buffer.is_empty() {
            // no page of it takes memory before it is used
            self.buffer.reserve_exact(ROOM);
        }
        self.buffer.push(StoredEvent {
            correlation,
            group,
            row,
        });
    }

    /// Puts the rows in memory into the file. Where it cannot take them they stay, and so do all that
    /// come after them.
    fn spill_run(&mut self) {
        self.sort();
        let mut run = Vec::new();
        let buffer = &self.buffer;
        let sorted = self.order.iter();
        let row = |at: u32| {
            buffer
                .get(at as usize)
                .expect("the order names rows in memory")
        };
        let rows: Vec<&StoredEvent> = sorted.map(|(_, at)| row(*at)).collect();
        let (mut block, mut room) = (Vec::with_capacity(BLOCK), Buffer::new());
        for rows in rows.chunk_by(|a, b| a.correlation == b.correlation) {
            for rows in rows.chunks(BLOCK) {
                block.clear();
                block.extend(rows.iter().copied().cloned());
                let bytes = room.encode(&block);
                let Some(at) = self.spill.append(bytes) else {
                    return;
                };
                run.push(Block {
                    correlation: rows.first().map_or(0, |first| first.correlation),
                    at,
                    bytes: bytes.len(),
                });
            }
        }
        self.runs.push(run);
        self.buffer.clear();
        self.order.clear();
    }

    /// Brings the young rows into order, without moving one.
    fn sort(&mut self) {
        if self.order.len() == self.buffer.len() {
            return;
        }
        self.order.clear();
        let keys = self.buffer.iter().map(StoredEvent::key);
        self.order.extend(keys.zip(0..));
        self.order.sort_unstable();
    }

    /// Tells every row of a correlation with the name of its group: group after group, and in each by
    /// time, rule and place in the logs. The rows stay.
    ///
    /// # Errors
    /// Rows could not be read back; some may be missing.
    pub fn for_each_sorted(
        &mut self,
        correlation: u32,
        mut tell: impl FnMut(Symbol, &CorrelationEvent),
    ) -> io::Result<()> {
        self.sort();
        let own = |(key, _): &(Key, u32)| (key[0] >> 96) as u32;
        let from = self.order.partition_point(|row| own(row) < correlation);
        let to = self.order.partition_point(|row| own(row) <= correlation);
        let order = self.order.get(from..to).unwrap_or_default();
        let mut sources: Vec<Source<'_>> = Vec::with_capacity(self.runs.len() + 1);
        for run in &self.runs {
            let blocks = run.iter().filter(|block| block.correlation == correlation);
            sources.push(Source {
                blocks: blocks.rev().copied().collect(),
                rows: Rows::Read(Vec::new()),
                next: 0,
            });
        }
        sources.push(Source {
            blocks: Vec::new(),
            rows: Rows::IdBuffer(&self.buffer, order),
            next: 0,
        });
        let mut room = Buffer::new();
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (place, source) in sources.iter_mut().enumerate() {
            let head = source.head(&self.spill, &mut room)?;
            heads.extend(head.map(|key| Reverse((key, place))));
        }
        while let Some(mut first) = heads.peek_mut() {
            let Reverse((_, place)) = *first;
            let missing = || io::Error::other("a sorted row is missing (a bug in trailscan)");
            let source = sources.get_mut(place).ok_or_else(missing)?;
            let filed = source.rows.get(source.next).ok_or_else(missing)?;
            tell(filed.group, &filed.row);
            source.next += 1;
            match source.head(&self.spill, &mut room)? {
                Some(key) => *first = Reverse((key, place)),
                None => {
                    PeekMut::pop(first);
                }
            }
        }
        Ok(())
    }
}

/// Sorted rows of one correlation, from the file or from memory.
struct Source<'s> {
    /// The blocks that are left, the next one last.
    blocks: Vec<Block>,
    rows: Rows<'s>,
    next: usize,
}

enum Rows<'s> {
    Read(Vec<StoredEvent>),
    /// In that order.
    IdBuffer(&'s [StoredEvent], &'s [(Key, u32)]),
}

impl Rows<'_> {
    fn get(&self, at: usize) -> Option<&StoredEvent> {
        match self {
            Self::Read(rows) => rows.get(at),
            Self::IdBuffer(rows, order) => rows.get(order.get(at)?.1 as usize),
        }
    }
}

impl Source<'_> {
    /// The key of its next row; `room` is for reading it.
    fn head(&mut self, spill: &SpillFile, room: &mut Buffer) -> io::Result<Option<Key>> {
        loop {
            if let Some(filed) = self.rows.get(self.next) {
                return Ok(Some(filed.key()));
            }
            let Some(block) = self.blocks.pop() else {
                return Ok(None);
            };
            let mut bytes = vec![0; block.bytes];
            spill.read(block.at, &mut bytes)?;
            self.rows = Rows::Read(room.decode(&bytes).map_err(io::Error::other)?);
            self.next = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;

    use super::super::correlation_event::Action;
    use super::super::group::{CallOrigin, SampleTexts};
    use super::super::source_ip::{SourceIp, SourceIpTable};
    use super::*;
    use crate::finding::{EventId, Outcome};
    use crate::interner::Interner;

    fn small(spill: SpillFile) -> CorrelationStore {
        CorrelationStore {
            spill,
            ..CorrelationStore::default()
        }
    }

    type Expected = BTreeMap<u32, Groups>;

    fn action(name: Symbol, in_full: bool) -> Action {
        let read_groups = SampleTexts {
            principal: name,
            target: name,
            user_agent: name,
            error_code: name,
            error_message: name,
        };
        Action {
            actor: name,
            resource: name,
            caller: name,
            call: name,
            outcome: Outcome::Denied,
            origin: CallOrigin {
                event_source: name,
                account: name,
                region: name,
                source_ip: SourceIpTable::default().id(SourceIp::Named(name)),
                access_key: name,
            },
            texts: in_full.then_some(read_groups),
        }
    }

    /// Its time and id, and what else it says, in words.
    fn words(row: &CorrelationEvent) -> (Epoch, String) {
        (row.time, format!("{} {:?}", row.event_id, row.what))
    }

    /// Rows of three correlations with seven groups each, and what must be read back.
    fn filled(mut series: CorrelationStore, rows: u32) -> (CorrelationStore, Expected) {
        let mut names = Interner::default();
        type Sorted = Vec<(Epoch, u32, String)>;
        let mut twin: BTreeMap<(u32, Symbol), Sorted> = BTreeMap::new();
        let mut random = 7u64;
        for record in 0..rows {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let dice = |sides: u64| u32::try_from((random >> 40) % sides).unwrap();
            let (correlation, group) = (dice(3), names.id(&format!("g{}", dice(7))));
            let row = CorrelationEvent {
                time: Epoch::from(dice(5_000)),
                place: 0,
                value: Interner::EMPTY,
                event_id: match record % 5 {
                    0 => EventId::Missing,
                    1 => EventId::parse(&format!("made by hand {record}")),
                    _ => EventId::Guid(u128::from(record).to_be_bytes()),
                },
                object: 1,
                record,
                what: match record % 3 {
                    0 => EventPayload::Burst(record),
                    _ => EventPayload::Event(action(group, record % 3 == 1)),
                },
            };
            let known = twin.entry((correlation, group)).or_default();
            let (time, words) = words(&row);
            known.push((time, record, words));
            series.push(correlation, group, row);
        }
        let mut read_groups = Expected::new();
        for ((correlation, group), mut rows) in twin {
            rows.sort();
            let rows = rows.into_iter().map(|(time, _, id)| (time, id)).collect();
            read_groups
                .entry(correlation)
                .or_default()
                .push((group, rows));
        }
        (series, read_groups)
    }

    type Groups = Vec<(Symbol, Vec<(Epoch, String)>)>;

    fn read_groups(series: &mut CorrelationStore, correlation: u32) -> io::Result<Groups> {
        let mut read_groups = Groups::new();
        series.for_each_sorted(correlation, |group, row| match read_groups.last_mut() {
            Some((known, rows)) if *known == group => rows.push(words(row)),
            _ => read_groups.push((group, vec![words(row)])),
        })?;
        Ok(read_groups)
    }

    #[test]
    fn groups_come_whole_and_in_order_wherever_their_rows_lie() {
        for rows in [0, 1, 699, 700, 701, 20_000] {
            let (mut series, expected) = filled(small(SpillFile::with_capacity(700)), rows);
            assert_eq!(series.runs.len(), rows.saturating_sub(1) as usize / 700);
            for _ in 0..2 {
                for correlation in 0..4 {
                    let expected = expected.get(&correlation).cloned().unwrap_or_default();
                    assert_eq!(read_groups(&mut series, correlation).unwrap(), expected);
                }
            }
        }
    }

    #[test]
    fn without_a_temporary_file_all_rows_stay_in_memory() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let spill = SpillFile::on(File::open(readable.path()).unwrap(), 700);
        let (mut series, expected) = filled(small(spill), 5_000);
        assert_eq!((series.runs.len(), series.buffer.len()), (0, 5_000));
        assert_eq!(read_groups(&mut series, 1).unwrap(), expected[&1]);
    }

    #[test]
    fn rows_that_cannot_be_read_back_are_no_secret() {
        let file = tempfile::tempfile().unwrap();
        let (mut series, _) = filled(small(SpillFile::on(file.try_clone().unwrap(), 700)), 5_000);
        file.set_len(100).unwrap();
        assert!(read_groups(&mut series, 1).is_err());
    }
}
