//! The groups that rules found in one object, each once, and which of their events are evidence.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::event::time::Epoch;
use crate::finding::Finding;
use crate::seeded::Seeded;
use crate::tally::{FoundGroup, GroupNames, Horizons, Scanned, number};

/// Where each group stands, and the times of its earliest events.
///
/// The earliest events of a group in the whole run are among the earliest of each object: whatever
/// was delivered twice counts once in either, so that no event can come into the first ten of all
/// without being among the first ten of its own object.
#[derive(Debug, Default)]
pub(super) struct FoundGroups {
    places: HashTable<(u64, u32)>,
    earliest: Vec<Earliest>,
    horizons: Arc<Horizons>,
    /// Every event is wanted: which of them are the earliest that count is decided later.
    all: bool,
}

/// The times and places of a group's earliest events.
#[derive(Debug)]
struct Earliest {
    /// Later ones are no evidence, whatever this object holds.
    horizon: Epoch,
    events: Vec<(Option<Epoch>, u32)>,
}

impl FoundGroups {
    /// Where it is asked how early evidence must be.
    pub(super) fn within(&mut self, horizons: Arc<Horizons>) {
        self.horizons = horizons;
    }

    /// Wants every event as evidence, for lessons that are kept: another window begins elsewhere.
    pub(super) const fn want_all(&mut self) {
        self.all = true;
    }

    /// Forgets the groups of the last object.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.earliest.clear();
    }

    /// The place of a group, and whether the event in `scanned.seen` is among its earliest so far.
    pub(super) fn hit(
        &mut self,
        group: FoundGroup,
        seen: u32,
        scanned: &mut Scanned,
    ) -> (u32, bool) {
        let hash = Seeded.hash_one(group);
        let groups = &scanned.groups;
        let same = |(known, place): &(u64, u32)| {
            *known == hash && groups.get(*place as usize) == Some(&group)
        };
        let place = match self.places.find(hash, same) {
            Some((_, place)) => *place,
            None => {
                let place = number(groups.len());
                self.places
                    .insert_unique(hash, (hash, place), |(hash, _)| *hash);
                scanned.groups.push(group);
                let horizon = self.horizons.of(GroupNames {
                    rule: group.rule,
                    period: group.period,
                    actor: scanned.names.text(group.actor),
                    resource: scanned.names.text(group.resource),
                    value: scanned.names.text(group.value),
                });
                self.earliest.push(Earliest {
                    horizon,
                    events: Vec::new(),
                });
                place
            }
        };
        if self.all {
            return (place, true);
        }
        let earliest = self.earliest.get_mut(place as usize);
        let earliest = earliest.expect("every group has its earliest events");
        (place, is_early(earliest, seen, scanned))
    }
}

/// How many events of one group are remembered where very many share one second; more are kept as
/// evidence all the same.
const MOST_REMEMBERED: usize = 64;

/// True where the event is among the earliest, of which it is then one. Events of one time are all
/// kept: their ids decide later. A record that stands in the object twice takes one place.
fn is_early(earliest: &mut Earliest, seen: u32, scanned: &Scanned) -> bool {
    let event = |seen: u32| scanned.seen.get(seen as usize);
    let own = event(seen).expect("the event is among those seen");
    if own.time.is_some_and(|time| time > earliest.horizon) {
        return false;
    }
    let earliest = &mut earliest.events;
    let full = earliest.len() >= Finding::MOST_SAMPLES;
    let latest = earliest.last().map(|(time, _)| *time);
    if full && latest.is_some_and(|latest| own.time > latest) {
        return false;
    }
    if earliest.len() >= MOST_REMEMBERED && latest == Some(own.time) {
        return true;
    }
    let is_copy = |(time, known): &(Option<Epoch>, u32)| {
        *time == own.time && event(*known).is_some_and(|known| known.id == own.id)
    };
    if earliest.iter().any(is_copy) {
        return true;
    }
    let place = earliest.partition_point(|(time, _)| *time <= own.time);
    earliest.insert(place, (own.time, seen));
    // the last of those that share a time with the tenth stay
    while earliest.len() > Finding::MOST_SAMPLES
        && earliest
            .get(Finding::MOST_SAMPLES - 1)
            .map(|(time, _)| time)
            != earliest.last().map(|(time, _)| time)
    {
        earliest.pop();
    }
    true
}
