//! The groups that rules found in one object, each once, and which of their events may be shown.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::event::time::Epoch;
use crate::finding::{EventId, Finding};
use crate::seeded::Seeded;
use crate::tally::{
    Activity, Caller, EvaluatedEvent, FindingKey, FoundEvidence, GroupNames, ObjectScan,
    SampleCutoffs, SourceIp, number,
};

/// Where each group stands, and which of its events may be shown.
///
/// Whatever the choice among all events of a run needs of an object's events
/// ([`Samples`](crate::tally::Samples)), the choice among those of the object needs as well: an event
/// that was delivered twice counts once in either.
#[derive(Debug, Default)]
pub(super) struct FoundGroups {
    places: HashTable<(u64, u32)>,
    groups: Vec<Candidates>,
    cutoffs: Arc<SampleCutoffs>,
    /// Every event is wanted: which of them are shown is decided later.
    all: bool,
}

/// What is known of a group's events in this object.
#[derive(Debug)]
struct Candidates {
    /// Later ones are not among the earliest, whatever this object holds.
    cutoff: Epoch,
    /// The times and places of the earliest events.
    earliest: Vec<(Option<Epoch>, u32)>,
    /// The earliest event of each value of each trait, for the values that appear first.
    first_values: Vec<First>,
    latest: Option<(Option<Epoch>, u32)>,
    /// The evidence that was kept only because its event was the latest.
    latest_evidence: Option<usize>,
}

/// The earliest event with a value of a trait.
#[derive(Debug, Clone, Copy)]
struct First {
    /// Which trait, and its value.
    value: (u8, u64),
    time: Option<Epoch>,
    seen: u32,
}

/// Whether an event may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvidenceDecision {
    No,
    /// Only because it is the latest so far: it takes the place of the one before.
    Latest,
    Yes,
}

impl FoundGroups {
    /// Where it is asked how early evidence must be.
    pub(super) fn with_cutoffs(&mut self, cutoffs: Arc<SampleCutoffs>) {
        self.cutoffs = cutoffs;
    }

    /// Keeps every event as evidence, for cached scans: a later window may begin elsewhere.
    pub(super) const fn want_all(&mut self) {
        self.all = true;
    }

    /// Forgets the groups of the last object.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.groups.clear();
    }

    /// The place of a group, and whether the event in `scanned.seen` may be shown as evidence for it.
    pub(super) fn hit(
        &mut self,
        group: FindingKey,
        seen: u32,
        caller: Caller,
        scanned: &mut ObjectScan,
    ) -> (u32, EvidenceDecision) {
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
                let cutoff = self.cutoffs.of(GroupNames {
                    rule: group.rule,
                    period: group.period,
                    actor: scanned.names.text(group.actor),
                    resource: scanned.names.text(group.resource),
                    value: scanned.names.text(group.value),
                });
                self.groups.push(Candidates::new(cutoff));
                place
            }
        };
        if self.all {
            return (place, EvidenceDecision::Yes);
        }
        let group = self.groups.get_mut(place as usize);
        let group = group.expect("every group has its candidates");
        let wanted = group.offer(seen, caller, scanned);
        (place, wanted)
    }

    /// Keeps the evidence of an event that is wanted.
    pub(super) fn keep(
        &mut self,
        wanted: EvidenceDecision,
        evidence: FoundEvidence,
        scanned: &mut ObjectScan,
    ) {
        let kept = &mut scanned.evidence;
        let group = self.groups.get_mut(evidence.group as usize);
        if let (EvidenceDecision::Latest, Some(group)) = (wanted, group) {
            let before = group.latest_evidence.and_then(|at| kept.get_mut(at));
            if let Some(before) = before {
                *before = evidence;
                return;
            }
            group.latest_evidence = Some(kept.len());
        }
        kept.push(evidence);
    }
}

/// How many events of one group are remembered where very many share one second; more are kept as
/// evidence all the same.
const MOST_REMEMBERED: usize = 64;

impl Candidates {
    const fn new(cutoff: Epoch) -> Self {
        Self {
            cutoff,
            earliest: Vec::new(),
            first_values: Vec::new(),
            latest: None,
            latest_evidence: None,
        }
    }

    /// Whether an event may be shown, of which it is then one.
    fn offer(&mut self, seen: u32, caller: Caller, scanned: &ObjectScan) -> EvidenceDecision {
        let own = scanned.seen.get(seen as usize);
        let own = own.expect("the event is among those seen");
        // none of these may be left out: each notes the event
        let is_early = is_early(self, seen, own, scanned);
        let mut is_wanted = is_early;
        for value in traits(scanned.rows.get(own.row as usize), caller) {
            is_wanted |= is_first(&mut self.first_values, value, seen, own, scanned);
        }
        // a copy is not later than its original, which counts instead of it
        let is_later = |(time, known): (Option<Epoch>, u32)| is_before((time, known), own, scanned);
        let is_latest = self.latest.is_none_or(is_later);
        if is_latest {
            self.latest = Some((own.time, seen));
        }
        match (is_wanted, is_latest) {
            (true, _) => EvidenceDecision::Yes,
            (false, true) => EvidenceDecision::Latest,
            (false, false) => EvidenceDecision::No,
        }
    }
}

/// What makes an event worth showing beside others, as [`Traits`](crate::tally::Traits) has it.
fn traits(row: Option<&Activity>, caller: Caller) -> [(u8, u64); 3] {
    /// Above every IPv4 address.
    const NAMED: u64 = 1 << 32;
    let call = row.map_or(0, |row| (row.name.index() as u64) << 8 | row.outcome as u64);
    let source_ip = match caller.source_ip {
        SourceIp::V4(address) => u64::from(address),
        SourceIp::Named(name) => NAMED | name.index() as u64,
    };
    [
        (0, call),
        (1, caller.access_key.index() as u64),
        (2, source_ip),
    ]
}

/// True where an event of the object, of that time and place, comes before another: by time, then by
/// id, as evidence is ordered.
fn is_before(
    (time, seen): (Option<Epoch>, u32),
    other: &EvaluatedEvent,
    scanned: &ObjectScan,
) -> bool {
    let id = || -> Option<&EventId> { Some(&scanned.seen.get(seen as usize)?.id) };
    time < other.time || (time == other.time && id() < Some(&other.id))
}

/// True where no earlier event has the value, and the value is among the first of its trait.
fn is_first(
    first_values: &mut Vec<First>,
    value: (u8, u64),
    seen: u32,
    own: &EvaluatedEvent,
    scanned: &ObjectScan,
) -> bool {
    let new = First {
        value,
        time: own.time,
        seen,
    };
    let is_earlier = |known: &First| {
        let known = scanned.seen.get(known.seen as usize);
        known.is_some_and(|known| is_before((own.time, seen), known, scanned))
    };
    if let Some(known) = first_values.iter_mut().find(|known| known.value == value) {
        let is_earlier = is_earlier(known);
        if is_earlier {
            *known = new;
        }
        return is_earlier;
    }
    let of_the_trait = |known: &&mut First| known.value.0 == value.0;
    if first_values.iter_mut().filter(of_the_trait).count() < Finding::MOST_SAMPLES {
        first_values.push(new);
        return true;
    }
    let last = first_values
        .iter_mut()
        .filter(of_the_trait)
        .reduce(|last, known| {
            let known_seen = scanned.seen.get(known.seen as usize);
            match known_seen.is_some_and(|seen| is_before((last.time, last.seen), seen, scanned)) {
                true => known,
                false => last,
            }
        });
    match last {
        Some(last) if is_earlier(last) => {
            *last = new;
            true
        }
        _ => false,
    }
}

/// True where the event is among the earliest, of which it is then one. Events of one time are all
/// kept: their ids decide later. A record that stands in the object twice takes one place.
fn is_early(
    candidates: &mut Candidates,
    seen: u32,
    own: &EvaluatedEvent,
    scanned: &ObjectScan,
) -> bool {
    let event = |seen: u32| scanned.seen.get(seen as usize);
    if own.time.is_some_and(|time| time > candidates.cutoff) {
        return false;
    }
    let earliest = &mut candidates.earliest;
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
