//! Bursts, and as one finding tells of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::names::NameId;
use crate::rules::Correlation;
use crate::tally::{CallOrigin, Group, Period, Row, Tally, Wanted};

/// A stretch of events over which a correlation's condition held.
#[derive(Debug)]
pub(super) struct Burst {
    pub(super) correlation: usize,
    /// The values of its `group-by` fields, joined.
    pub(super) group: NameId,
    /// When the condition first held.
    pub(super) fired: Epoch,
    /// The most that was measured in one window.
    pub(super) peak: f64,
    /// Its events, and who did what in them.
    pub(super) events: Group,
    pub(super) actors: BTreeSet<NameId>,
    pub(super) resources: BTreeSet<NameId>,
    /// Who made the last call, from where: nearly always who made the next.
    pub(super) last: Option<(NameId, CallOrigin)>,
    /// All of them by time, where another correlation watches this one.
    pub(super) rows: Vec<Row>,
}

impl Burst {
    /// Adds an event.
    pub(super) fn add(&mut self, row: &Row, is_watched: bool) {
        let Some(deed) = row.deed() else { return };
        let group = &mut self.events;
        group.add(Some(row.time), deed.call, deed.outcome);
        let caller = (deed.caller, deed.origin);
        if self.last != Some(caller) {
            self.last = Some(caller);
            group.note(deed.caller, &deed.origin);
        }
        match group.samples.wants(Some(row.time), deed.traits()) {
            Wanted::No => {}
            Wanted::Latest => group.samples.keep_latest(row.evidence(deed)),
            Wanted::Sample => group.samples.keep(row.evidence(deed)),
        }
        self.actors.insert(deed.actor);
        self.resources.insert(deed.resource);
        if is_watched {
            self.rows.push(row.clone());
        }
    }
}

/// All bursts of one correlation, actor, resource and week.
#[derive(Debug)]
pub struct Bursts {
    pub key: BurstKey,
    /// Their events.
    pub events: Group,
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
    One(NameId),
    /// So many.
    Several(usize),
}

/// Adds a burst to those that are told together with it, to which its sums go over.
pub(super) fn take(
    found: &mut BTreeMap<BurstKey, Bursts>,
    correlation: &Correlation,
    burst: &mut Burst,
    tally: &Tally,
) {
    let key = key(correlation, burst, tally);
    let bursts = found.entry(key.clone()).or_insert_with(|| Bursts {
        key,
        events: Group::default(),
        count: 0,
        peak: 0.0,
        at_the_edge: false,
    });
    bursts.count += 1;
    bursts.peak = bursts.peak.max(burst.peak);
    bursts.at_the_edge |= at_the_edge(correlation, burst, tally.proven_times());
    bursts.events.merge(std::mem::take(&mut burst.events));
}

fn key(correlation: &Correlation, burst: &Burst, tally: &Tally) -> BurstKey {
    let only = |ids: &BTreeSet<NameId>| ids.first().copied().filter(|_| ids.len() == 1);
    let grouped = || {
        let values = tally.names.text(burst.group).split(GROUP_SEPARATOR);
        let named = correlation.group_by.iter().zip(values);
        let values = named
            .filter(|(name, _)| name.as_str() != "trailscan.principal")
            .map(|(_, value)| value);
        values.collect::<Vec<_>>().join(", ")
    };
    BurstKey {
        correlation: burst.correlation,
        actors: only(&burst.actors).map_or(Actors::Several(burst.actors.len()), Actors::One),
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
