//! The activity rows of one object, each once.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::derive::identity;
use crate::event::{Event, Key};
use crate::finding::Outcome;
use crate::seeded::{Seeded, SeededMap};
use crate::tally::{Activity, ObjectScan, number};

/// Where each row stands, by the hash of its parts.
#[derive(Debug, Default)]
pub(super) struct Rows {
    places: HashTable<KnownRow>,
    /// The first row of each kind.
    kinds: SeededMap<u32, u32>,
}

#[derive(Debug)]
struct KnownRow {
    hash: u64,
    place: u32,
    kind: Option<u32>,
}

impl Rows {
    /// Forgets the rows of the last object.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.kinds.clear();
    }

    /// The row of an event, whose kind may have a number ([`Matcher`](crate::rules::Matcher)). A row
    /// is found by the hash of its parts and compared before it is believed; nothing is allocated for
    /// one that is there. Events of different kinds have different rows, even where these say the same.
    pub(super) fn of(
        &mut self,
        event: &Event<'_>,
        kind: Option<u32>,
        outcome: Outcome,
        scanned: &mut ObjectScan,
    ) -> u32 {
        let (account, region) = (event.account(), event.text(Key::AwsRegion));
        let caller = identity::caller(event);
        // the kind says it for nearly every event
        let named = || [event.text(Key::EventSource), event.text(Key::EventName)];
        let unnamed = match kind {
            Some(_) => None,
            None => Some(named()),
        };
        let hour = event
            .time()
            .map(|time| time - time.rem_euclid(crate::event::time::HOUR));
        let (rows, names) = (&mut scanned.rows, &mut scanned.names);
        // all of one object are nearly always of one account and Region: those of another have it in
        // their hash, so that rows which differ in nothing else do not collide
        let is_first = rows
            .first()
            .is_none_or(|row| names.is(row.account, &account) && names.is(row.region, &region));
        let elsewhere = (!is_first).then_some((&account, &region));
        let hash = Seeded.hash_one((kind, &unnamed, &caller, hour, elsewhere));
        let known = self.places.find(hash, |known| {
            known.hash == hash
                && known.kind == kind
                && rows.get(known.place as usize).is_some_and(|row| {
                    let is = |id, text: &str| names.is(id, text);
                    row.hour == hour
                        && is(row.caller, &caller)
                        && is(row.account, &account)
                        && is(row.region, &region)
                        && unnamed.as_ref().is_none_or(|[source, name]| {
                            row.outcome == outcome && is(row.source, source) && is(row.name, name)
                        })
                })
        });
        if let Some(known) = known {
            return known.place;
        }
        let place = number(rows.len());
        let new = KnownRow { hash, place, kind };
        self.places.insert_unique(hash, new, |known| known.hash);
        let alike = kind.and_then(|kind| self.kinds.get(&kind));
        let alike = alike.and_then(|place| rows.get(*place as usize)).copied();
        let (source, name) = match alike {
            Some(alike) => (alike.source, alike.name),
            None => {
                let [source, name] = named();
                if let Some(kind) = kind {
                    self.kinds.insert(kind, place);
                }
                (names.id(&source), names.id(&name))
            }
        };
        // nearly all of one object are of one account and Region
        let last = rows.last().map(Activity::place);
        let [mut last_account, mut last_region] = last.unwrap_or_default();
        rows.push(Activity {
            account: names.intern_hint(&mut last_account, &account),
            region: names.intern_hint(&mut last_region, &region),
            source,
            name,
            caller: names.id(&caller),
            outcome,
            hour,
        });
        place
    }
}
