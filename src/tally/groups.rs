//! All findings in the making. So many are held in memory; the others lie in a temporary file as sorted
//! runs, and the parts of a group are added up when they are read.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
use std::io;

use bitcode::{Buffer, Decode, Encode};

use super::group::{Group, GroupKey, StoredGroup};
use super::spill::SpillFile;
use crate::event::time::Epoch;
use crate::seeded::SeededMap;

/// The most groups that are held in memory. One takes about a kilobyte.
const ROOM: usize = 1 << 15;

/// How many groups of a run are read back at once.
const BLOCK: usize = 1 << 6;

/// Groups, each with a place that it keeps while an object is absorbed.
#[derive(Debug)]
pub struct Groups {
    places: SeededMap<GroupKey, usize>,
    unsettled: Vec<(GroupKey, Group)>,
    /// Parts of groups in the file, each run sorted by key.
    runs: Vec<Vec<Block>>,
    /// Whole groups in the file, once nothing is added any more.
    settled: Vec<Settled>,
    spill: SpillFile,
}

/// Bytes in the file.
#[derive(Debug, Clone, Copy)]
struct Block {
    at: u64,
    bytes: usize,
}

/// A whole group in the file.
#[derive(Debug)]
struct Settled {
    key: GroupKey,
    last: Option<Epoch>,
    block: Block,
}

/// A group as the file holds it.
#[derive(Encode, Decode)]
struct StoredEvent {
    key: GroupKey,
    group: StoredGroup,
}

impl Default for Groups {
    fn default() -> Self {
        Self::with_room(SpillFile::with_capacity(ROOM))
    }
}

impl Groups {
    fn with_room(spill: SpillFile) -> Self {
        Self {
            places: SeededMap::default(),
            unsettled: Vec::new(),
            runs: Vec::new(),
            settled: Vec::new(),
            spill,
        }
    }

    /// Makes room for the groups of another object. No place holds any more.
    pub(super) fn make_room(&mut self) {
        if self.spill.should_spill(self.unsettled.len()) {
            self.seal();
        }
    }

    /// The place of the group of that key, made where it is not there yet.
    pub(super) fn place(&mut self, key: GroupKey) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.unsettled.push((key, Group::default()));
            self.unsettled.len() - 1
        })
    }

    pub(super) fn at(&mut self, place: usize) -> Option<&mut (GroupKey, Group)> {
        self.unsettled.get_mut(place)
    }

    /// Adds a group, or what it holds to the group of that key.
    fn put(&mut self, key: GroupKey, group: Group) {
        self.make_room();
        let place = self.place(key);
        if let Some((_, known)) = self.at(place) {
            known.merge(group);
        }
    }

    /// Puts the groups in memory into the file. Where it cannot take them they stay, and so do all that
    /// come after them.
    fn seal(&mut self) {
        let mut order: Vec<&(GroupKey, Group)> = self.unsettled.iter().collect();
        order.sort_unstable_by_key(|(key, _)| *key);
        let mut run = Vec::new();
        let mut buffer = Buffer::new();
        for groups in order.chunks(BLOCK) {
            let filed = groups.iter().map(|(key, group)| StoredEvent {
                key: *key,
                group: group.stored(),
            });
            let filed: Vec<StoredEvent> = filed.collect();
            let bytes = buffer.encode(&filed);
            let Some(at) = self.spill.append(bytes) else {
                return;
            };
            let bytes = bytes.len();
            run.push(Block { at, bytes });
        }
        self.runs.push(run);
        self.unsettled.clear();
        self.places.clear();
    }

    /// Passes every group, whole. The groups stay.
    ///
    /// # Errors
    /// Groups could not be read back; some may be missing.
    pub fn each(&mut self, mut tell: impl FnMut(&GroupKey, &Group)) -> io::Result<()> {
        if !self.runs.is_empty() {
            self.seal();
            if self.unsettled.is_empty() {
                return self.merged(|key, group| {
                    tell(&key, &group);
                    Ok(())
                });
            }
            self.bring_back()?;
        }
        self.unsettled
            .iter()
            .for_each(|(key, group)| tell(key, group));
        Ok(())
    }

    /// Brings all groups back into memory: the file takes no more.
    fn bring_back(&mut self) -> io::Result<()> {
        let mut all = Self::with_room(SpillFile::with_capacity(usize::MAX));
        self.merged(|key, group| {
            all.put(key, group);
            Ok(())
        })?;
        for (key, group) in std::mem::take(&mut self.unsettled) {
            all.put(key, group);
        }
        *self = all;
        Ok(())
    }

    /// Passes the groups in the file by their keys, the parts of each added up.
    fn merged(&self, mut tell: impl FnMut(GroupKey, Group) -> io::Result<()>) -> io::Result<()> {
        let mut buffer = Buffer::new();
        let mut sources: Vec<Source<'_>> = self.runs.iter().map(|run| Source::new(run)).collect();
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (place, source) in sources.iter_mut().enumerate() {
            let head = source.head(&self.spill, &mut buffer)?;
            heads.extend(head.map(|key| Reverse((key, place))));
        }
        let mut current: Option<(GroupKey, Group)> = None;
        while let Some(mut first) = heads.peek_mut() {
            let Reverse((_, place)) = *first;
            let missing = || io::Error::other("a sorted group is missing (a bug in trailscan)");
            let source = sources.get_mut(place).ok_or_else(missing)?;
            let filed = source.groups.pop().ok_or_else(missing)?;
            let group = filed.group.into();
            match &mut current {
                Some((key, known)) if *key == filed.key => known.merge(group),
                _ => {
                    if let Some((key, whole)) = current.replace((filed.key, group)) {
                        tell(key, whole)?;
                    }
                }
            }
            match source.head(&self.spill, &mut buffer)? {
                Some(key) => *first = Reverse((key, place)),
                None => {
                    PeekMut::pop(first);
                }
            }
        }
        current.map_or(Ok(()), |(key, whole)| tell(key, whole))
    }

    /// Gives every group the key that `change` returns for it, or drops it where it returns `None`.
    /// Groups of one key become one.
    ///
    /// # Errors
    /// Groups could not be read back; some may be missing.
    pub fn rewrite(
        &mut self,
        mut change: impl FnMut(&GroupKey, &Group) -> Option<GroupKey>,
    ) -> io::Result<()> {
        let mut all = Self::default();
        if !self.runs.is_empty() {
            self.seal();
            self.merged(|key, group| {
                if let Some(key) = change(&key, &group) {
                    all.put(key, group);
                }
                Ok(())
            })?;
        }
        for (key, group) in std::mem::take(&mut self.unsettled) {
            if let Some(key) = change(&key, &group) {
                all.put(key, group);
            }
        }
        *self = all;
        Ok(())
    }

    /// Makes every group one that [`get`](Self::get) reads by its place, for nothing is added any more.
    ///
    /// # Errors
    /// Groups could not be read back; some may be missing.
    pub fn settle(&mut self) -> io::Result<()> {
        if self.runs.is_empty() {
            return Ok(());
        }
        self.seal();
        if !self.unsettled.is_empty() {
            return self.bring_back();
        }
        let mut whole = SpillFile::with_capacity(ROOM);
        let mut settled = Vec::new();
        let mut buffer = Buffer::new();
        self.merged(|key, group| {
            let bytes = buffer.encode(&group.stored());
            let at = whole.append(bytes);
            let at = at.ok_or_else(|| io::Error::other("the disk is full"))?;
            let bytes = bytes.len();
            settled.push(Settled {
                key,
                last: group.last,
                block: Block { at, bytes },
            });
            Ok(())
        })?;
        self.runs = Vec::new();
        self.places = SeededMap::default();
        self.spill = whole;
        self.settled = settled;
        Ok(())
    }

    /// Every group's key and the time of its last event, after [`settle`](Self::settle), in the order of
    /// their places.
    pub fn keys(&self) -> impl Iterator<Item = (&GroupKey, Option<Epoch>)> {
        let settled = self.settled.iter();
        let settled = settled.map(|settled| (&settled.key, settled.last));
        let unsettled = self.unsettled.iter().map(|(key, group)| (key, group.last));
        settled.chain(unsettled)
    }

    /// The key of the group at that place among [`keys`](Self::keys).
    pub fn key(&self, place: usize) -> Option<&GroupKey> {
        match self.settled.get(place) {
            Some(settled) => Some(&settled.key),
            None => {
                let unsettled = self.unsettled.get(place.checked_sub(self.settled.len())?)?;
                Some(&unsettled.0)
            }
        }
    }

    /// The group at that place among [`keys`](Self::keys).
    ///
    /// # Errors
    /// It could not be read back.
    pub fn get(&self, place: usize, reader: &mut GroupReader) -> io::Result<Cow<'_, Group>> {
        let missing = || io::Error::other("a group is missing (a bug in trailscan)");
        if let Some(Settled { block, .. }) = self.settled.get(place) {
            let GroupReader { buffer, bytes } = reader;
            bytes.resize(block.bytes, 0);
            self.spill.read(block.at, bytes)?;
            let stored: StoredGroup = buffer.decode(bytes).map_err(io::Error::other)?;
            return Ok(Cow::Owned(stored.into()));
        }
        let unsettled = place.checked_sub(self.settled.len());
        let unsettled = unsettled.and_then(|place| self.unsettled.get(place));
        let (_, group) = unsettled.ok_or_else(missing)?;
        Ok(Cow::Borrowed(group))
    }
}

/// Buffers for [`Groups::get`].
#[derive(Default)]
pub struct GroupReader {
    buffer: Buffer,
    bytes: Vec<u8>,
}

/// A run that is read.
struct Source<'r> {
    blocks: std::slice::Iter<'r, Block>,
    /// The groups of the block at hand that are left, the next one last.
    groups: Vec<StoredEvent>,
}

impl<'r> Source<'r> {
    fn new(run: &'r [Block]) -> Self {
        Self {
            blocks: run.iter(),
            groups: Vec::new(),
        }
    }

    /// The key of its next group.
    fn head(&mut self, spill: &SpillFile, buffer: &mut Buffer) -> io::Result<Option<GroupKey>> {
        if self.groups.is_empty()
            && let Some(block) = self.blocks.next()
        {
            let mut bytes = vec![0; block.bytes];
            spill.read(block.at, &mut bytes)?;
            self.groups = buffer.decode(&bytes).map_err(io::Error::other)?;
            self.groups.reverse();
        }
        Ok(self.groups.last().map(|filed| filed.key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;

    use super::super::group::{Details, Evidence, Period, SampleTexts};
    use super::super::samples::SampleDecision;
    use super::super::source_ip::{SourceIp, SourceIpTable};
    use super::*;
    use crate::finding::{EventId, Outcome};
    use crate::interner::{Interner, Symbol};
    use crate::tally::CallOrigin;

    /// All that a report takes from a group, in words.
    fn words(group: &Group, names: &Interner) -> String {
        let mut group = group.clone();
        let calls: BTreeMap<usize, _> = (group.calls.iter())
            .map(|(call, count)| (call.index(), *count))
            .collect();
        group.calls = Default::default();
        // an event is the same whether its texts are interned or its own
        let shown = group.samples.shown();
        let shown: Vec<_> = (shown.into_iter())
            .map(|one| {
                let texts = one.details.texts(names);
                (one.time, one.event_id.clone(), one.record, one.actor, texts)
            })
            .collect();
        let shown = format!("{shown:?}");
        group.samples = Default::default();
        format!("{group:?} {calls:?} {shown}")
    }

    /// Counts random events in groups that hold so many in memory.
    fn filled(mut groups: Groups, events: u32) -> (Groups, Interner) {
        let mut names = Interner::default();
        let mut source_ips = SourceIpTable::default();
        let mut random = 5_u64;
        for record in 0..events {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let dice = |sides: u64, shift: u32| u32::try_from((random >> shift) % sides).unwrap();
            if record % 50 == 0 {
                groups.make_room();
            }
            let mut name = |what: &str, number| names.id(&format!("{what}{number}"));
            let key = GroupKey {
                rule: dice(3, 30),
                actor: name("actor", dice(90, 34)),
                resource: name("resource", dice(3, 41)),
                period: Period::of(Some(0)),
                value: Interner::EMPTY,
                unproven: dice(2, 38) == 1,
            };
            let (call, actor) = (name("call", dice(7, 37)), name("caller", dice(9, 44)));
            let origin = CallOrigin {
                source_ip: source_ips.id(SourceIp::V4(dice(40, 40))),
                access_key: name("key", dice(5, 47)),
                ..CallOrigin::default()
            };
            let time = Some(i64::from(dice(5_000, 33)));
            let texts_of = SampleTexts {
                principal: actor,
                target: Symbol::default(),
                user_agent: call,
                error_code: Symbol::default(),
                error_message: Symbol::default(),
            };
            let evidence = |details| Evidence {
                time,
                event_id: EventId::parse(&format!("e{record}")),
                object: 3,
                record,
                call,
                outcome: Outcome::Denied,
                actor,
                origin,
                details,
            };
            let place = groups.place(key);
            let (_, group) = groups.at(place).unwrap();
            group.add(time, call, Outcome::Denied);
            group.note(actor, &origin);
            let interned = evidence(Details::Interned(Box::new(texts_of)));
            match group.samples.would_keep(time, interned.traits()) {
                SampleDecision::No => {}
                SampleDecision::Sample => group.samples.keep(interned),
                SampleDecision::Latest => {
                    let texts = texts_of.texts(&names);
                    let owned = evidence(Details::owned(texts));
                    group.samples.keep_latest(owned);
                }
            }
        }
        (groups, names)
    }

    type Whole = BTreeMap<GroupKey, String>;

    fn each((groups, names): &mut (Groups, Interner)) -> io::Result<Whole> {
        let mut whole = Whole::new();
        groups.each(|key, group| {
            let words = words(group, names);
            assert!(whole.insert(*key, words).is_none(), "{key:?} twice");
        })?;
        Ok(whole)
    }

    fn settled((mut groups, names): (Groups, Interner)) -> io::Result<Whole> {
        groups.settle()?;
        let keys = groups.keys().enumerate();
        let mut reader = GroupReader::default();
        let whole = keys.map(|(place, (key, last))| {
            let group = groups.get(place, &mut reader)?;
            assert_eq!((groups.key(place), group.last), (Some(key), last));
            Ok((*key, words(&group, &names)))
        });
        whole.collect()
    }

    fn small(room: usize) -> Groups {
        Groups::with_room(SpillFile::with_capacity(room))
    }

    #[test]
    fn groups_are_whole_wherever_their_parts_lie() {
        for events in [0, 10, 4_000] {
            let expected = each(&mut filled(Groups::default(), events)).unwrap();
            for room in [20, 70, 150] {
                let mut some = filled(small(room), events);
                assert_eq!(some.0.runs.len() > 1, events > 1_000, "{room}");
                assert!(each(&mut some).unwrap() == expected, "{room}");
                assert!(settled(some).unwrap() == expected, "{room}");
                let [some, all] = [small(room), Groups::default()].map(|groups| {
                    let mut some = filled(groups, events);
                    let change = |key: &GroupKey, _: &Group| (key.rule != 1).then_some(*key);
                    some.0.rewrite(change).unwrap();
                    settled(some).unwrap()
                });
                assert!(some == all && all.len() <= expected.len(), "{room}");
            }
        }
    }

    #[test]
    fn groups_of_one_new_key_become_one() {
        let [some, all] = [small(20), Groups::default()].map(|groups| {
            let mut some = filled(groups, 2_000);
            let change = |key: &GroupKey, _: &Group| {
                Some(GroupKey {
                    rule: 0,
                    unproven: false,
                    ..*key
                })
            };
            some.0.rewrite(change).unwrap();
            settled(some).unwrap()
        });
        assert!(some == all && all.keys().all(|key| key.rule == 0 && !key.unproven));
    }

    #[test]
    fn without_a_temporary_file_all_groups_stay_in_memory() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let spill = SpillFile::on(File::open(readable.path()).unwrap(), 20);
        let mut some = filled(Groups::with_room(spill), 2_000);
        assert!(some.0.runs.is_empty() && some.0.unsettled.len() > 20);
        let expected = each(&mut filled(Groups::default(), 2_000)).unwrap();
        assert!(each(&mut some).unwrap() == expected);
        assert!(settled(some).unwrap() == expected);
    }

    #[test]
    fn groups_that_cannot_be_read_back_are_an_error() {
        let file = tempfile::tempfile().unwrap();
        let spill = SpillFile::on(file.try_clone().unwrap(), 20);
        let mut some = filled(Groups::with_room(spill), 2_000);
        file.set_len(100).unwrap();
        assert!(each(&mut some).is_err());
        assert!(some.0.rewrite(|key, _| Some(*key)).is_err());
        assert!(settled(some).is_err());
    }
}
