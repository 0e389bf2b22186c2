//! Which events were read before.
//!
//! Two records are one event where they say the same under one `eventID`. An id alone proves nothing:
//! whoever can write into the bucket can put another record there under the id of an event that he
//! wants to hide. So records that say something else under a known id all count, and are named.
//!
//! Records are compared by the number of their bytes, which every record has. Where two of one id
//! differ in it, both are read again and compared as JSON values. One call that several accounts
//! recorded bears one `sharedEventID` in all their logs, and counts once where the records agree. They
//! need not say the same of the caller, so a match that only the later record has stands all the same.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher as _;
use std::io;

use super::event_ids::{Entry, Ids};
use super::scanned::{EvaluatedEvent, Shared};
use crate::event::time::Epoch;
use crate::finding::EventId;
use crate::seeded::Seeded;

/// In [`Entry::record`]: the record corrects another (it has an `addendum`).
const CORRECTS: u32 = 1 << 31;

/// In [`Entry::record`]: filed under its id alone, as the first of that id.
const FIRST: u32 = 1 << 30;

/// In [`Entry::record`]: the id is none of AWS's, and filed by its hash.
const HASHED: u32 = 1 << 29;

const RECORD: u32 = HASHED - 1;

/// Objects whose records were compared as values last.
const REMEMBERED: usize = 4;

/// How many objects may be read again, for each object that was read.
const READ_AGAIN: u64 = 2;

/// Of each record of an object, in their order, the number of its bytes and that of its value.
pub type Numbers = Vec<(u64, u64)>;

/// Reads objects again, to compare records as JSON values.
pub trait ReadAgain {
    /// The numbers of an object; `place` is what [`ObjectScan::place_of_bytes`](super::ObjectScan) held. `None`
    /// if it cannot be read.
    fn records(&self, place: &str) -> Option<Numbers>;
}

/// For whoever has no objects to read: records that differ in any byte are different ones.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable;

impl ReadAgain for Unreadable {
    fn records(&self, _place: &str) -> Option<Numbers> {
        None
    }
}

/// Where a record lies: its object's place in the order of the run, and its own in the object.
pub(super) type At = (u32, u32);

/// What a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    /// New, and the first of a call that several accounts record.
    FirstOfCall,
    /// A copy of that record.
    Copy(At),
    /// The same call in another account's log.
    SameCall,
}

/// Records of one object that say something else than others under their ids.
#[derive(Debug)]
pub(super) struct Conflicts {
    pub(super) count: u64,
    /// The first of them, its id where it is one of AWS's, and the other record of that id.
    pub(super) record: u32,
    pub(super) id: EventId,
    pub(super) other: At,
}

/// The records read so far.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    events: Ids,
    calls: Ids,
    conflicts: BTreeMap<u32, Conflicts>,
    remembered: VecDeque<(u32, Option<Numbers>)>,
    objects: u64,
    read_again: u64,
}

/// How to get at the objects of the records.
pub(super) struct Objects<'o> {
    pub(super) reader: &'o dyn ReadAgain,
    /// Where an object's bytes are.
    pub(super) place: &'o dyn Fn(u32) -> io::Result<String>,
}

impl Duplicates {
    /// Another object begins.
    pub(super) const fn begin(&mut self) {
        self.objects += 1;
    }

    /// Notes a record of that object.
    pub(super) fn note(
        &mut self,
        object: u32,
        seen: &EvaluatedEvent,
        shared: Option<&Shared>,
        objects: &Objects<'_>,
    ) -> Verdict {
        let (id, hashed) = match &seen.id {
            EventId::Guid(bytes) => (u128::from_be_bytes(*bytes), 0),
            EventId::Other(text) => (key((0u8, text)), HASHED),
            EventId::Missing => return Verdict::New,
        };
        let corrects = if seen.corrects { CORRECTS } else { 0 };
        let new = Entry {
            id,
            content: seen.content,
            object,
            record: (seen.record & RECORD) | hashed | corrects,
        };
        let as_first = Entry {
            record: new.record | FIRST,
            ..new
        };
        if let Some(first) = self.events.find_or_insert(as_first, seen.time) {
            if first.content == new.content {
                return Verdict::Copy(at(first));
            }
            if let Some(of) = self.is_known(new, first, seen.time, objects) {
                return Verdict::Copy(of);
            }
            conflict(&mut self.conflicts, new, first);
        }
        match shared {
            Some(shared) => self.of_call(shared, seen.time),
            None => Verdict::New,
        }
    }

    /// The record that a record with other bytes than the first of its id says the same as.
    ///
    /// What is known of an id with several records is filed under numbers made of the id and what is
    /// known, so that each look is one look however many records bear the id.
    fn is_known(
        &mut self,
        new: Entry,
        first: Entry,
        time: Option<Epoch>,
        objects: &Objects<'_>,
    ) -> Option<At> {
        let by_bytes = key((1u8, new.id, new.content));
        if let Some(known) = self.events.find(by_bytes, time) {
            return Some(at(known));
        }
        let by_value = |value: u64| key((2u8, new.id, value));
        let of_first = key((3u8, new.id));
        if self.events.find(of_first, time).is_none()
            && let Some(value) = self.value(first, objects)
        {
            let known = Entry {
                record: first.record & RECORD,
                ..first
            };
            self.events.insert(
                Entry {
                    id: of_first,
                    ..known
                },
                time,
            );
            self.events.insert(
                Entry {
                    id: by_value(value),
                    ..known
                },
                time,
            );
        }
        let value = self.value(new, objects);
        let known = value.and_then(|value| self.events.find(by_value(value), time));
        let of = known.map_or(new, |known| Entry {
            object: known.object,
            record: known.record & RECORD,
            ..new
        });
        self.events.insert(Entry { id: by_bytes, ..of }, time);
        if let (None, Some(value)) = (known, value) {
            self.events.insert(
                Entry {
                    id: by_value(value),
                    ..of
                },
                time,
            );
        }
        known.map(at)
    }

    /// The number of a record's value; `None` if its object cannot be read again, or is another
    /// by now.
    fn value(&mut self, of: Entry, objects: &Objects<'_>) -> Option<u64> {
        let known = self.remembered.iter();
        let known = known
            .enumerate()
            .find(|(_, (object, _))| *object == of.object);
        let known = known.map(|(place, _)| place);
        let records = match known.and_then(|place| self.remembered.remove(place)) {
            Some((_, records)) => records,
            None => self.read(of.object, objects),
        };
        // the one that was asked for last is forgotten last
        self.remembered.push_back((of.object, records));
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_front();
        }
        let (_, records) = self.remembered.back()?;
        let (bytes, value) = records.as_ref()?.get((of.record & RECORD) as usize)?;
        (*bytes == of.content).then_some(*value)
    }

    fn read(&mut self, object: u32, objects: &Objects<'_>) -> Option<Numbers> {
        // so that a run takes a few times as long at most, whatever anybody planted
        if self.read_again >= READ_AGAIN * self.objects + 16 {
            return None;
        }
        self.read_again += 1;
        let place = (objects.place)(object).ok();
        objects
            .reader
            .records(&place.filter(|place| !place.is_empty())?)
    }

    /// Whether another account has recorded the call.
    fn of_call(&mut self, shared: &Shared, time: Option<Epoch>) -> Verdict {
        let new = Entry {
            id: shared.id,
            content: shared.says,
            object: shared.caller,
            record: shared.recipient,
        };
        let of_names = key((5u8, shared.id));
        let Some(known) = self.calls.find(new.id, time) else {
            self.calls.insert(new, time);
            if shared.names != 0 {
                self.file(of_names, shared.names, time);
            }
            return Verdict::FirstOfCall;
        };
        // the record of some accounts does not name the caller
        let callers = [known.object, new.object];
        let same_caller = callers[0] == callers[1] || callers.contains(&0);
        let names = self.calls.find(of_names, time);
        let names = [names.map_or(0, |known| known.object), shared.names];
        let same_caller = same_caller && (names[0] == names[1] || names.contains(&0));
        match known.content == new.content && same_caller && known.record != new.record {
            true => Verdict::SameCall,
            false => Verdict::New,
        }
    }

    /// Notes a match of a record of that call. True where an earlier record of the call had it, too, and
    /// the two do not name two callers: a finding names the callers of its own events.
    pub(super) fn had_match(
        &mut self,
        call: &Shared,
        of: impl std::hash::Hash,
        time: Option<Epoch>,
    ) -> bool {
        let of = key((4u8, call.id, call.says, of));
        let named = |names: u32| key((6u8, of, names));
        let had = match call.names {
            0 => self.calls.find(of, time).is_some(),
            names => {
                let known = [names, 0].map(|names| self.calls.find(named(names), time));
                known.iter().any(Option::is_some)
            }
        };
        if !had {
            if self.calls.find(of, time).is_none() {
                self.file(of, 0, time);
            }
            self.file(named(call.names), 0, time);
        }
        had
    }

    /// Files a number with the calls, under one that is no id.
    fn file(&mut self, id: u128, number: u32, time: Option<Epoch>) {
        let entry = Entry {
            id,
            content: 0,
            object: number,
            record: 0,
        };
        self.calls.insert(entry, time);
    }

    /// Why some records could not be compared; they then count.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.events
            .take_failure()
            .or_else(|| self.calls.take_failure())
    }

    /// The conflicts of all objects, by object. Records of one id whose times lie far apart are found
    /// only now: a copy has the time of its event, so nobody looks for it elsewhere.
    ///
    /// # Errors
    /// What was set aside could not be read back.
    pub(super) fn finish(self) -> io::Result<BTreeMap<u32, Conflicts>> {
        let (mut events, mut conflicts) = (self.events, self.conflicts);
        if events.are_in_memory() {
            return Ok(conflicts);
        }
        let mut of_one_id: Option<Entry> = None;
        events.each_sorted(&mut |entry| {
            if entry.record & FIRST == 0 {
                return;
            }
            match of_one_id {
                // what corrects a record is compared with none
                Some(first) if first.id == entry.id && first.record & CORRECTS == 0 => {
                    conflict(&mut conflicts, entry, first);
                }
                _ => of_one_id = Some(entry),
            }
        })?;
        Ok(conflicts)
    }
}

/// Notes that a record says something else than an earlier one of its id. A correction does so rightly.
fn conflict(conflicts: &mut BTreeMap<u32, Conflicts>, new: Entry, other: Entry) {
    if (new.record | other.record) & CORRECTS != 0 {
        return;
    }
    let (object, record) = at(new);
    let conflicts = conflicts.entry(object).or_insert_with(|| Conflicts {
        count: 0,
        record: u32::MAX,
        id: EventId::Missing,
        other: (0, 0),
    });
    conflicts.count += 1;
    if record < conflicts.record {
        conflicts.record = record;
        conflicts.id = match new.record & HASHED {
            0 => EventId::Guid(new.id.to_be_bytes()),
            _ => EventId::Missing,
        };
        conflicts.other = at(other);
    }
}

const fn at(entry: Entry) -> At {
    (entry.object, entry.record & RECORD)
}

/// A number to file something under that is no id.
fn key(what: impl std::hash::Hash) -> u128 {
    let half = |salt: u8| u128::from(Seeded.hash_one((salt, &what)));
    half(0) << 64 | half(1)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;

    use super::super::spill::SpillFile;
    use super::*;

    /// Objects by their place, each with the numbers of its records; counts how often they are read.
    #[derive(Default)]
    struct FakeStore {
        objects: HashMap<String, Vec<(u64, u64)>>,
        read: Cell<u64>,
    }

    impl ReadAgain for FakeStore {
        fn records(&self, place: &str) -> Option<Numbers> {
            self.read.set(self.read.get() + 1);
            self.objects.get(place).cloned()
        }
    }

    impl FakeStore {
        fn put(&mut self, object: u32, records: &[(u64, u64)]) {
            self.objects.insert(object.to_string(), records.to_vec());
        }

        fn note(&self, duplicates: &mut Duplicates, object: u32, seen: &EvaluatedEvent) -> Verdict {
            self.shared(duplicates, object, seen, None)
        }

        fn shared(
            &self,
            duplicates: &mut Duplicates,
            object: u32,
            seen: &EvaluatedEvent,
            shared: Option<&Shared>,
        ) -> Verdict {
            let objects = Objects {
                reader: self,
                place: &|object| Ok(object.to_string()),
            };
            duplicates.note(object, seen, shared, &objects)
        }
    }

    fn seen(id: u8, record: u32, content: u64) -> EvaluatedEvent {
        EvaluatedEvent {
            record,
            row: 0,
            id: EventId::Guid([id; 16]),
            time: Some(i64::from(id)),
            content,
            corrects: false,
        }
    }

    #[test]
    fn records_of_one_id_are_copies_where_their_values_are_equal() {
        let (mut store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        // the bytes and the value of each record: the third says the same as the first
        store.put(0, &[(10, 1)]);
        store.put(1, &[(20, 2), (30, 1), (40, 2), (50, 3)]);
        assert_eq!(
            store.note(&mut duplicates, 0, &seen(9, 0, 10)),
            Verdict::New
        );
        assert_eq!(store.read.get(), 0);
        for _ in 0..3 {
            assert_eq!(
                store.note(&mut duplicates, 1, &seen(9, 0, 10)),
                Verdict::Copy((0, 0))
            );
        }
        assert_eq!(store.read.get(), 0, "equal bytes are equal values");
        assert_eq!(
            store.note(&mut duplicates, 1, &seen(9, 0, 20)),
            Verdict::New
        );
        assert_eq!(
            store.note(&mut duplicates, 1, &seen(9, 1, 30)),
            Verdict::Copy((0, 0))
        );
        assert_eq!(
            store.note(&mut duplicates, 1, &seen(9, 2, 40)),
            Verdict::Copy((1, 0))
        );
        assert_eq!(
            store.note(&mut duplicates, 1, &seen(9, 3, 50)),
            Verdict::New
        );
        assert_eq!(
            store.note(&mut duplicates, 2, &seen(9, 7, 30)),
            Verdict::Copy((0, 0))
        );
        assert_eq!(
            store.note(&mut duplicates, 2, &seen(9, 8, 20)),
            Verdict::Copy((1, 0))
        );
        assert_eq!(store.read.get(), 2, "each object is read again once");
        let conflicts = duplicates.finish().unwrap();
        let [(1, conflict)] = &conflicts.iter().collect::<Vec<_>>()[..] else {
            panic!("{conflicts:?}");
        };
        assert_eq!(
            (conflict.count, conflict.record, conflict.other),
            (2, 0, (0, 0))
        );
        assert_eq!(conflict.id, EventId::Guid([9; 16]));
    }

    #[test]
    fn what_cannot_be_read_again_or_has_changed_is_another_record() {
        let (mut store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        store.put(0, &[(11, 1)]);
        store.put(1, &[(20, 1)]);
        assert_eq!(
            store.note(&mut duplicates, 0, &seen(9, 0, 10)),
            Verdict::New
        );
        assert_eq!(
            store.note(&mut duplicates, 1, &seen(9, 0, 20)),
            Verdict::New
        );
        assert_eq!(
            store.note(&mut duplicates, 2, &seen(9, 0, 21)),
            Verdict::New
        );
        assert_eq!(duplicates.finish().unwrap().len(), 2);
    }

    #[test]
    fn planted_records_make_a_run_read_a_few_times_as_much_at_the_most() {
        let (mut store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        for object in 0..=200 {
            store.put(object, &[(u64::from(object), 1)]);
        }
        for object in 0..200u8 {
            duplicates.begin();
            let one = seen(object, 0, u64::from(object));
            store.note(&mut duplicates, u32::from(object), &one);
        }
        // the ids of all the others, again and again
        for round in 0..20u32 {
            duplicates.begin();
            for object in 0..200u8 {
                let one = seen(object, u32::from(object), u64::from(1_000 + round));
                store.note(&mut duplicates, 200 + round, &one);
            }
        }
        assert!(store.read.get() <= 2 * 220 + 16, "{}", store.read.get());
    }

    #[test]
    fn records_of_one_id_are_named_however_far_apart_they_lie() {
        let (store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        duplicates.events = Ids::on(SpillFile::with_capacity(50));
        let planted = EvaluatedEvent {
            time: Some(1_000_000),
            ..seen(9, 5, 2)
        };
        assert_eq!(store.note(&mut duplicates, 0, &seen(9, 3, 1)), Verdict::New);
        for id in 10..200 {
            assert_eq!(
                store.note(&mut duplicates, 1, &seen(id, 0, 1)),
                Verdict::New
            );
        }
        assert_eq!(store.note(&mut duplicates, 2, &planted), Verdict::New);
        let conflicts = duplicates.finish().unwrap();
        let [(2, conflict)] = &conflicts.iter().collect::<Vec<_>>()[..] else {
            panic!("{conflicts:?}");
        };
        assert_eq!((conflict.record, conflict.other), (5, (0, 3)));
    }

    #[test]
    fn a_correction_counts_and_is_no_conflict() {
        let (store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        let corrects = |content| EvaluatedEvent {
            corrects: true,
            ..seen(9, 0, content)
        };
        assert_eq!(store.note(&mut duplicates, 0, &seen(9, 0, 1)), Verdict::New);
        assert_eq!(store.note(&mut duplicates, 1, &corrects(2)), Verdict::New);
        assert_eq!(
            store.note(&mut duplicates, 2, &corrects(2)),
            Verdict::Copy((1, 0))
        );
        assert!(duplicates.finish().unwrap().is_empty());
    }

    #[test]
    fn records_without_an_id_are_new_and_other_texts_are_ids_too() {
        let (store, mut duplicates) = (FakeStore::default(), Duplicates::default());
        let with = |id: &str| EvaluatedEvent {
            id: EventId::parse(id),
            ..seen(9, 0, 1)
        };
        for _ in 0..2 {
            assert_eq!(store.note(&mut duplicates, 0, &with("")), Verdict::New);
        }
        assert_eq!(
            store.note(&mut duplicates, 0, &with("by hand")),
            Verdict::New
        );
        assert_eq!(
            store.note(&mut duplicates, 1, &with("by hand")),
            Verdict::Copy((0, 0))
        );
    }

    #[test]
    fn a_shared_id_counts_once_only_where_the_records_agree() {
        let call = Shared {
            id: 7,
            says: 1,
            caller: 5,
            names: 3,
            recipient: 1,
        };
        let owner = Shared {
            recipient: 2,
            ..call
        };
        for (other, verdict) in [
            (owner, Verdict::SameCall),
            (Shared { caller: 0, ..owner }, Verdict::SameCall),
            (Shared { caller: 6, ..owner }, Verdict::New),
            (Shared { names: 0, ..owner }, Verdict::SameCall),
            (Shared { names: 4, ..owner }, Verdict::New),
            (Shared { says: 2, ..owner }, Verdict::New),
            (Shared { id: 8, ..owner }, Verdict::FirstOfCall),
            (call, Verdict::New),
        ] {
            let (store, mut duplicates) = (FakeStore::default(), Duplicates::default());
            let [one, two] = [(1, 1), (2, 2)].map(|(id, content)| EvaluatedEvent {
                time: Some(5),
                ..seen(id, 0, content)
            });
            let first = store.shared(&mut duplicates, 0, &one, Some(&call));
            assert_eq!(first, Verdict::FirstOfCall);
            assert_eq!(
                store.shared(&mut duplicates, 1, &two, Some(&other)),
                verdict,
                "{other:?}"
            );
            assert_eq!(store.note(&mut duplicates, 2, &two), Verdict::Copy((1, 0)));
            assert!(duplicates.finish().unwrap().is_empty());
        }
    }
}
