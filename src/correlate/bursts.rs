//! Bursts, and as one finding tells of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::interner::Symbol;
use crate::rules::Correlation;
use crate::tally::{CallOrigin, CorrelationEvent, Group, Period, SampleDecision, Tally};

/// A stretch of events over which a correlation's condition held.
#[derive(Debug)]
pub(super) struct Burst {
    pub(super) correlation: usize,
    /// The values of its `group-by` fields, joined.
    pub(super) group: Symbol,
    /// When the condition first held.
    pub(super) fired: Epoch,
    /// The most that was measured in one window.
    pub(super) peak: f64,
    /// Its events, and who did what in them, by the numbers of their names. Bursts that contain the
    /// same ones share them.
    pub(super) events: Arc<Group>,
    pub(super) actors: Arc<RoaringBitmap>,
    pub(super) resources: Arc<RoaringBitmap>,
    /// Who made the last call, from where: nearly always who made the next.
    pub(super) last: Option<(Symbol, CallOrigin)>,
    /// The event that came last.
    pub(super) latest: Option<CorrelationEvent>,
    /// The highest number of an object that one of its events lies in: proven objects have lower numbers
    /// than all others.
    pub(super) newest_object: u32,
    /// Where another correlation watches this one: its events, by time, but for those of the bursts that
    /// it contains, and the places of these among all watched bursts.
    pub(super) rows: Vec<CorrelationEvent>,
    pub(super) below: Vec<u32>,
}

impl Burst {
    /// A burst without events.
    pub(super) fn new(correlation: usize, group: Symbol, fired: Epoch, peak: f64) -> Self {
        Self {
            correlation,
            group,
            fired,
            peak,
            events: Arc::default(),
            actors: Arc::default(),
            resources: Arc::default(),
            last: None,
            latest: None,
            newest_object: 0,
            rows: Vec::new(),
            below: Vec::new(),
        }
    }

    /// Adds an event.
    pub(super) fn add(&mut self, row: &CorrelationEvent, is_watched: bool) {
        let Some(action) = row.action() else { return };
        let group = Arc::make_mut(&mut self.events);
        group.add(Some(row.time), action.call, action.outcome);
        let caller = (action.caller, action.origin);
        if self.last != Some(caller) {
            self.last = Some(caller);
            group.note(action.caller, &action.origin);
        }
        match group.samples.would_keep(Some(row.time), action.traits()) {
            SampleDecision::No => {}
            SampleDecision::Latest => group.samples.keep_latest(row.evidence(action)),
            SampleDecision::Sample => group.samples.keep(row.evidence(action)),
        }
        insert(&mut self.actors, action.actor);
        insert(&mut self.resources, action.resource);
        if is_watched {
            self.latest = Some(row.clone());
            self.newest_object = self.newest_object.max(row.object);
            self.rows.push(row.clone());
        }
    }

    /// Adds all events of a burst of a watched correlation, which stands at that place among the watched
    /// ones.
    pub(super) fn contain(&mut self, place: u32, below: &Self, is_watched: bool) {
        add_up(&mut self.events, &below.events);
        unite(&mut self.actors, &below.actors);
        unite(&mut self.resources, &below.resources);
        if is_watched {
            self.latest.clone_from(&below.latest);
            self.newest_object = self.newest_object.max(below.newest_object);
            self.below.push(place);
        }
    }
}

fn insert(ids: &mut Arc<RoaringBitmap>, id: Symbol) {
    if !ids.contains(id.number()) {
        Arc::make_mut(ids).insert(id.number());
    }
}

/// Adds what another group holds; an empty group shares it.
fn add_up(group: &mut Arc<Group>, other: &Arc<Group>) {
    if group.count == 0 {
        *group = Arc::clone(other);
    } else {
        Arc::make_mut(group).merge(Group::clone(other));
    }
}

/// Adds the ids of another set; an empty set shares them.
pub(super) fn unite(ids: &mut Arc<RoaringBitmap>, other: &Arc<RoaringBitmap>) {
    if ids.is_empty() {
        *ids = Arc::clone(other);
    } else if !Arc::ptr_eq(ids, other) {
        *Arc::make_mut(ids) |= &**other;
    }
}

/// All bursts of one correlation, actor, resource and week.
#[derive(Debug)]
pub struct Bursts {
    pub key: BurstKey,
    /// Their events; findings about the same ones share them.
    pub events: Arc<Group>,
    /// How many bursts.
    pub count: usize,
    /// The most that was measured in one window.
    pub peak: f64,
    /// Something is missing from one of them that may have happened before or after all that was read.
    pub at_the_edge: bool,
}

/// What one finding about bursts is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BurstKey {
    /// The correlation's place in the rule set.
    pub correlation: usize,
    pub actors: Actors,
    /// The one resource of all events; where there are several, what the correlation groups by.
    pub resource: String,
    /// The week of the first event.
    pub period: Period,
}

/// Who acts in a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actors {
    One(Symbol),
    /// So many.
    Several(usize),
}

/// Adds a burst to those that one finding reports together.
pub(super) fn take(
    found: &mut BTreeMap<BurstKey, Bursts>,
    correlation: &Correlation,
    burst: &Burst,
    tally: &Tally,
) {
    let key = key(correlation, burst, tally);
    let bursts = found.entry(key.clone()).or_insert_with(|| Bursts {
        key,
        events: Arc::default(),
        count: 0,
        peak: 0.0,
        at_the_edge: false,
    });
    bursts.count += 1;
    bursts.peak = bursts.peak.max(burst.peak);
    bursts.at_the_edge |= at_the_edge(correlation, burst, tally.proven_times());
    add_up(&mut bursts.events, &burst.events);
}

fn key(correlation: &Correlation, burst: &Burst, tally: &Tally) -> BurstKey {
    let only = |ids: &RoaringBitmap| {
        let first = ids.min().filter(|_| ids.len() == 1);
        first.map(Symbol::from_number)
    };
    let grouped = || {
        let values = tally.names.text(burst.group).split(GROUP_SEPARATOR);
        let named = correlation.group_by.iter().zip(values);
        let values = named
            .filter(|(name, _)| name.as_str() != "trailscan.principal")
            .map(|(_, value)| value);
        values.collect::<Vec<_>>().join(", ")
    };
    let several = usize::try_from(burst.actors.len()).unwrap_or(usize::MAX);
    BurstKey {
        correlation: burst.correlation,
        actors: only(&burst.actors).map_or(Actors::Several(several), Actors::One),
        resource: match only(&burst.resources) {
            Some(resource) => tally.names.text(resource).to_owned(),
            None => grouped(),
        },
        period: Period::of(burst.events.first),
    }
}

/// True where the burst hangs on what did not happen, and a frame around it reaches beyond the events
/// that were read, or that are proven: what lies there is not known.
fn at_the_edge(
    correlation: &Correlation,
    burst: &Burst,
    (first, last): (Option<Epoch>, Option<Epoch>),
) -> bool {
    let condition = correlation.condition.as_ref();
    let lacks = condition.is_some_and(|condition| {
        let mut alternatives = condition.alternatives.iter();
        alternatives.any(|alternative| !alternative.lacks.is_empty())
    });
    let reaches = |known: Option<Epoch>, time: Option<Epoch>| {
        known.zip(time).is_some_and(|(known, time)| {
            known.saturating_sub(time).saturating_abs() < correlation.timespan
        })
    };
    lacks && (reaches(first, burst.events.first) || reaches(last, burst.events.last))
}
