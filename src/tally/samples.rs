//! Which events of a finding its report shows as evidence.
//!
//! The report shows at most [`Finding::MOST_SAMPLES`] events: the first and the last, one event for each
//! distinct call with its outcome, access key and source address, then the earliest of the rest. The
//! choice is a function of the set of events, so it does not depend on the order in which they come or
//! on how they are split over files and workers.
//!
//! It can be made from a bounded number of events: the earliest [`Finding::MOST_SAMPLES`], the latest,
//! and for each of the three traits the earliest event of the [`Finding::MOST_SAMPLES`] values that
//! appear first. What of this one part of the set does not need, the whole set does not need either.

use crate::event::time::Epoch;
use crate::finding::{Finding, Outcome};
use crate::interner::Symbol;

use super::group::Evidence;
use super::source_ip::SourceIpId;

/// Events that are kept before those that are no longer needed are dropped.
const ROOM: usize = 64;

/// What makes an event worth showing beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    pub call: Symbol,
    pub outcome: Outcome,
    pub access_key: Symbol,
    pub source_ip: SourceIpId,
}

impl Traits {
    /// How many traits are distinguished.
    const COUNT: usize = 3;

    /// Each trait as a number.
    const fn values(&self) -> [u64; Self::COUNT] {
        [
            (self.call.index() as u64) << 8 | self.outcome as u64,
            self.access_key.index() as u64,
            self.source_ip.number() as u64,
        ]
    }
}

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleDecision {
    /// It will not be shown, whatever comes.
    No,
    /// It is the latest so far and nothing else: [`Samples::keep_latest`].
    Latest,
    /// [`Samples::keep`].
    Sample,
}

/// The events that the evidence of one finding is chosen from.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Sorted, each once; at least the events that the choice needs, but for the latest.
    kept: Vec<Evidence>,
    /// The latest event, where it is later than all that are kept for another reason.
    latest: Option<Box<Evidence>>,
    /// Traits that add nothing to what is kept from that time on.
    known: Option<(Traits, Option<Epoch>)>,
}

impl Samples {
    /// Whether an event of that time and those traits can be among those shown.
    pub fn would_keep(&mut self, time: Option<Epoch>, traits: Traits) -> SampleDecision {
        let Some(tenth) = self.cutoff() else {
            return SampleDecision::Sample;
        };
        if time <= tenth {
            return SampleDecision::Sample;
        }
        let is_known = |(known, since): (Traits, Option<Epoch>)| known == traits && time >= since;
        if !self.known.is_some_and(is_known) {
            if self.is_new(time, traits) {
                return SampleDecision::Sample;
            }
            self.known = Some((traits, time));
        }
        let last = self.latest.as_deref().or(self.kept.last());
        match last.is_none_or(|last| time >= last.time) {
            true => SampleDecision::Latest,
            false => SampleDecision::No,
        }
    }

    /// The time of the last of the earliest events, once there are as many as are shown.
    pub fn cutoff(&self) -> Option<Option<Epoch>> {
        self.kept
            .get(Finding::MOST_SAMPLES - 1)
            .map(|tenth| tenth.time)
    }

    /// True where a value of one of the traits is among the first, and no earlier event has it.
    fn is_new(&self, time: Option<Epoch>, traits: Traits) -> bool {
        let wanted = traits.values();
        let mut open = [true; Traits::COUNT];
        let mut first_values: [FirstValues; Traits::COUNT] = Default::default();
        for earlier in self.kept.iter().take_while(|kept| kept.time < time) {
            let values = earlier.traits().values();
            for (((value, wanted), open), first_values) in values
                .iter()
                .zip(&wanted)
                .zip(&mut open)
                .zip(&mut first_values)
            {
                first_values.add(*value);
                *open &= value != wanted && !first_values.is_full();
            }
            if open == [false; Traits::COUNT] {
                return false;
            }
        }
        true
    }

    /// Keeps an event that is [wanted](Self::would_keep) as a sample.
    pub fn keep(&mut self, evidence: Evidence) {
        let Err(place) = self.kept.binary_search(&evidence) else {
            return;
        };
        self.kept.insert(place, evidence);
        if self.kept.len() >= ROOM {
            let needed = self.needed();
            let mut needed = needed.iter();
            self.kept.retain(|_| needed.next() == Some(&true));
        }
    }

    /// Keeps an event that is [wanted](Self::would_keep) as the latest.
    pub fn keep_latest(&mut self, evidence: Evidence) {
        match &mut self.latest {
            Some(latest) if **latest < evidence => **latest = evidence,
            Some(_) => {}
            None => self.latest = Some(Box::new(evidence)),
        }
    }

    /// Adds what another keeps.
    pub fn merge(&mut self, other: Self) {
        for evidence in other
            .kept
            .into_iter()
            .chain(other.latest.map(|latest| *latest))
        {
            match self.would_keep(evidence.time, evidence.traits()) {
                SampleDecision::Sample => self.keep(evidence),
                SampleDecision::Latest => self.keep_latest(evidence),
                SampleDecision::No => {}
            }
        }
    }

    /// All events that are kept, which are all that must be kept elsewhere.
    pub(super) fn all(&self) -> impl Iterator<Item = &Evidence> {
        self.kept.iter().chain(self.behind())
    }

    /// The latest event that is not among those kept.
    fn behind(&self) -> Option<&Evidence> {
        let latest = self.latest.as_deref();
        latest.filter(|latest| self.kept.last().is_none_or(|kept| kept < latest))
    }

    /// Per kept event: the choice needs it.
    fn needed(&self) -> Vec<bool> {
        let mut first_values: [FirstValues; Traits::COUNT] = Default::default();
        let is_last = |at: usize| at + 1 == self.kept.len() && self.behind().is_none();
        let needed = self.kept.iter().enumerate().map(|(at, kept)| {
            let values = kept.traits().values();
            let mut is_first = false;
            for (value, first_values) in values.iter().zip(&mut first_values) {
                is_first |= first_values.add(*value);
            }
            is_first || at < Finding::MOST_SAMPLES || is_last(at)
        });
        needed.collect()
    }

    /// The events to show, in the order of time.
    pub fn shown(&self) -> Vec<&Evidence> {
        let needed = self.needed();
        let kept = self.kept.iter().zip(needed);
        let kept = kept.filter_map(|(kept, needed)| needed.then_some(kept));
        let all: Vec<&Evidence> = kept.chain(self.behind()).collect();
        if all.len() <= Finding::MOST_SAMPLES {
            return all;
        }
        let mut choice = SampleSelection::new(&all);
        choice.take(0);
        choice.take(all.len() - 1);
        // the traits take turns, so that one with many values leaves room for the others
        let mut found = true;
        while found {
            found = false;
            for one in 0..Traits::COUNT {
                if let Some(at) = choice.first_unshown(one) {
                    found = true;
                    choice.take(at);
                }
            }
        }
        for at in 0..all.len() {
            choice.take(at);
        }
        let mut shown = choice.shown;
        shown.sort_unstable();
        shown
            .iter()
            .filter_map(|at| all.get(*at).copied())
            .collect()
    }
}

impl FromIterator<Evidence> for Samples {
    /// From `Samples::all`: sorted, each once.
    fn from_iter<I: IntoIterator<Item = Evidence>>(events: I) -> Self {
        Self {
            kept: events.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The values of one trait that appear first.
#[derive(Debug, Clone, Copy, Default)]
struct FirstValues {
    values: [u64; Finding::MOST_SAMPLES],
    count: usize,
}

impl FirstValues {
    /// True where the value is new and among the first.
    fn add(&mut self, value: u64) -> bool {
        let known = self.values.get(..self.count).unwrap_or_default();
        if known.contains(&value) {
            return false;
        }
        match self.values.get_mut(self.count) {
            Some(free) => {
                *free = value;
                self.count += 1;
                true
            }
            None => false,
        }
    }

    const fn is_full(&self) -> bool {
        self.count >= Finding::MOST_SAMPLES
    }
}

/// Events chosen from a sorted list, by their places in it.
struct SampleSelection {
    values: Vec<[u64; Traits::COUNT]>,
    shown: Vec<usize>,
}

impl SampleSelection {
    fn new(all: &[&Evidence]) -> Self {
        Self {
            values: all.iter().map(|one| one.traits().values()).collect(),
            shown: Vec::with_capacity(Finding::MOST_SAMPLES),
        }
    }

    /// Chooses an event, while there is room.
    fn take(&mut self, at: usize) {
        if self.shown.len() < Finding::MOST_SAMPLES && !self.shown.contains(&at) {
            self.shown.push(at);
        }
    }

    /// The first event with a value of that trait that no chosen event has; `None` if there is none, or
    /// no room. The last event does not stand for its values: when something began says more.
    fn first_unshown(&self, one: usize) -> Option<usize> {
        if self.shown.len() >= Finding::MOST_SAMPLES {
            return None;
        }
        let value = |at: usize| self.values.get(at).and_then(|values| values.get(one));
        let last = self.values.len().saturating_sub(1);
        (0..=last).find(|at| {
            let own = value(*at);
            let mut shown = self.shown.iter();
            shown.all(|shown| shown != at && (*shown == last || value(*shown) != own))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::EventId;
    use crate::interner::Interner;
    use crate::tally::{CallOrigin, SourceIp, SourceIpTable};

    struct Maker {
        names: Interner,
        source_ips: SourceIpTable,
    }

    impl Maker {
        fn new() -> Self {
            Self {
                names: Interner::default(),
                source_ips: SourceIpTable::default(),
            }
        }

        fn event(&mut self, time: Epoch, call: u64, key: u64, address: u64) -> Evidence {
            let mut name = |text: String| self.names.id(&text);
            let (call, access_key) = (name(format!("call {call}")), name(format!("key {key}")));
            let address = SourceIp::V4(u32::try_from(address).unwrap());
            Evidence {
                time: Some(time),
                event_id: EventId::parse(&format!("e{time}")),
                object: 0,
                record: u32::try_from(time).unwrap(),
                call,
                outcome: Outcome::Success,
                actor: Interner::EMPTY,
                origin: CallOrigin {
                    access_key,
                    source_ip: self.source_ips.id(address),
                    ..CallOrigin::default()
                },
                details: super::super::group::Details::None,
            }
        }
    }

    fn offer(samples: &mut Samples, evidence: &Evidence) {
        match samples.would_keep(evidence.time, evidence.traits()) {
            SampleDecision::Sample => samples.keep(evidence.clone()),
            SampleDecision::Latest => samples.keep_latest(evidence.clone()),
            SampleDecision::No => {}
        }
    }

    fn times(samples: &Samples) -> Vec<Epoch> {
        samples
            .shown()
            .iter()
            .map(|one| one.time.unwrap())
            .collect()
    }

    #[test]
    fn a_rare_call_among_thousands_is_shown_and_so_are_the_first_and_the_last() {
        let mut maker = Maker::new();
        let mut samples = Samples::default();
        for time in 0..12_078 {
            let call = u64::from(time >= 78);
            offer(
                &mut samples,
                &maker.event(time, call, 0, u64::from(time == 5_000)),
            );
        }
        assert_eq!(times(&samples), [0, 1, 2, 3, 4, 5, 6, 78, 5_000, 12_077]);
        assert!(samples.kept.len() < ROOM);
    }

    #[test]
    fn many_values_of_one_trait_leave_room_for_the_others() {
        let mut maker = Maker::new();
        let mut samples = Samples::default();
        for time in 0..1_000u32 {
            let own = u64::from(time);
            let (call, key) = (u64::from(time == 900), u64::from(time == 950));
            offer(
                &mut samples,
                &maker.event(Epoch::from(time), call, key, own),
            );
        }
        let shown = times(&samples);
        assert!(shown.contains(&900) && shown.contains(&950), "{shown:?}");
    }

    #[test]
    fn the_choice_depends_on_the_set_of_events_alone() {
        let mut random = 11u64;
        let mut dice = |sides: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % sides
        };
        for round in 0..300 {
            let mut maker = Maker::new();
            let (calls, keys, addresses) = (1 + dice(12), 1 + dice(30), 1 + dice(60));
            let count = 1 + dice(400);
            let mut events: Vec<Evidence> = (0..count)
                .map(|number| {
                    // several events share a second
                    let time = Epoch::try_from(dice(count)).unwrap();
                    let mut event = maker.event(time, dice(calls), dice(keys), dice(addresses));
                    event.event_id = EventId::parse(&format!("e{number}"));
                    event
                })
                .collect();
            let mut whole = Samples::default();
            events.iter().for_each(|event| offer(&mut whole, event));
            let expected: Vec<String> = whole
                .shown()
                .iter()
                .map(|one| one.event_id.to_string())
                .collect();
            // another order, in parts that are merged, some events in two of them
            for at in (1..events.len()).rev() {
                events.swap(at, usize::try_from(dice(at as u64 + 1)).unwrap());
            }
            let mut parts = vec![Samples::default(); 1 + usize::try_from(dice(5)).unwrap()];
            let sides = parts.len() as u64;
            for event in &events {
                let part = usize::try_from(dice(sides)).unwrap();
                offer(&mut parts[part], event);
                if dice(10) == 0 {
                    offer(&mut parts[0], event);
                }
            }
            let mut merged = Samples::default();
            parts.into_iter().for_each(|part| merged.merge(part));
            let found: Vec<String> = merged
                .shown()
                .iter()
                .map(|one| one.event_id.to_string())
                .collect();
            assert_eq!(found, expected, "round {round}");
        }
    }
}
