//! Findings in the making.

use std::collections::BTreeSet;

use bitcode::{Decode, Encode};
use chrono::Datelike as _;
use rustc_hash::FxHashMap;

use super::source_ip::{SourceIpId, SourceIps};
use crate::event::time::{self, Epoch};
use crate::finding::{CallCount, EventId, Finding, Outcome};
use crate::names::NameId;

/// What findings are grouped by. The names are the tally's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    pub rule: u32,
    pub actor: NameId,
    pub resource: NameId,
    pub period: Period,
    /// Of rules that find what is new: what may be, until history has decided.
    pub value: NameId,
}

/// An ISO week in UTC, or "undated".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Period(Option<i64>);

impl Period {
    /// The week that a time lies in.
    pub fn of(time: Option<Epoch>) -> Self {
        // 1970-01-01 was a Thursday
        Self(time.map(|time| (time.div_euclid(86_400) + 3).div_euclid(7)))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => f.write_str("undated"),
            Some(week) => {
                let week = time::utc((week * 7 - 3) * 86_400).iso_week();
                write!(f, "{}-W{:02}", week.year(), week.week())
            }
        }
    }
}

/// Groups, each with a place that it keeps.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    places: FxHashMap<GroupKey, usize>,
    groups: Vec<(GroupKey, Group)>,
}

impl Groups {
    /// The place of the group of that key, made where it is not there yet.
    pub(super) fn place(&mut self, key: GroupKey) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.groups.push((key, Group::default()));
            self.groups.len() - 1
        })
    }

    pub(super) fn at(&mut self, place: usize) -> Option<&mut (GroupKey, Group)> {
        self.groups.get_mut(place)
    }

    /// Takes the groups out that `wanted` holds for.
    pub fn take(&mut self, wanted: impl Fn(&GroupKey) -> bool) -> Vec<(GroupKey, Group)> {
        let all = std::mem::take(self).groups;
        let (taken, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|(key, _)| wanted(key));
        for (key, group) in left {
            self.put(key, group);
        }
        taken
    }

    /// Adds a group, or what it holds to the group of that key.
    pub fn put(&mut self, key: GroupKey, group: Group) {
        let place = self.place(key);
        if let Some((_, known)) = self.at(place) {
            known.merge(group);
        }
    }

    /// Every group, in the order in which they were first met.
    pub fn iter(&self) -> impl Iterator<Item = &(GroupKey, Group)> {
        self.groups.iter()
    }
}

/// A finding in the making.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub count: u64,
    pub first: Option<Epoch>,
    pub last: Option<Epoch>,
    /// Few: the names of calls that one rule matches.
    pub calls: Vec<(NameId, CallCount)>,
    pub accounts: BTreeSet<NameId>,
    pub regions: BTreeSet<NameId>,
    pub source_ips: SourceIps,
    /// The earliest events in order, at most [`Finding::MOST_SAMPLES`]. Most groups have one: a tree would
    /// make room for eleven.
    pub samples: Vec<Evidence>,
}

impl Group {
    /// Counts one event.
    #[inline]
    pub fn add(&mut self, time: Option<Epoch>, call: NameId, outcome: Outcome) {
        self.count += 1;
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        match self.calls.iter_mut().find(|(known, _)| *known == call) {
            Some((_, count)) => count.add(outcome),
            None => {
                let mut count = CallCount::default();
                count.add(outcome);
                // most groups have one
                if self.calls.is_empty() {
                    self.calls.reserve_exact(1);
                }
                self.calls.push((call, count));
            }
        }
    }

    /// Adds what another group holds.
    pub fn merge(&mut self, other: Self) {
        if self.count == 0 {
            *self = other;
            return;
        }
        self.count += other.count;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        for (call, count) in other.calls {
            match self.calls.iter_mut().find(|(known, _)| *known == call) {
                Some((_, known)) => known.merge(count),
                None => self.calls.push((call, count)),
            }
        }
        self.accounts.extend(other.accounts);
        self.regions.extend(other.regions);
        self.source_ips.extend(&other.source_ips);
        other
            .samples
            .into_iter()
            .for_each(|sample| self.keep(sample));
    }

    /// True where an event of that time may be among the earliest.
    pub fn wants(&self, time: Option<Epoch>) -> bool {
        self.samples.len() < Finding::MOST_SAMPLES
            || self.samples.last().is_some_and(|last| last.time >= time)
    }

    /// The time of the latest event that is shown, where no later one ever will be.
    pub fn latest_shown(&self) -> Option<Epoch> {
        let last = self.samples.last()?;
        last.time
            .filter(|_| self.samples.len() >= Finding::MOST_SAMPLES)
    }

    /// Keeps an event as evidence where it is among the earliest.
    pub fn keep(&mut self, evidence: Evidence) {
        let Err(place) = self.samples.binary_search(&evidence) else {
            return;
        };
        if place < Finding::MOST_SAMPLES {
            self.samples.truncate(Finding::MOST_SAMPLES - 1);
            if self.samples.len() == self.samples.capacity() {
                self.samples.reserve_exact(self.samples.len().max(1));
            }
            self.samples.insert(place, evidence);
        }
    }
}

/// What a sample says beyond what its row says already.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Told {
    pub event_source: NameId,
    pub account: NameId,
    pub region: NameId,
    pub principal: NameId,
    pub target: NameId,
    pub source_ip: SourceIpId,
    pub user_agent: NameId,
    pub error_code: NameId,
    pub error_message: NameId,
}

/// An event as evidence. Ordered by time, then by id, then by where it lies.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub time: Option<Epoch>,
    pub event_id: EventId,
    /// The object's place in the order of the run.
    pub object: u32,
    pub record: u32,
    pub call: NameId,
    pub outcome: Outcome,
    pub actor: NameId,
    /// What else is told of it; nothing for rules of great volume.
    pub told: Option<Box<Told>>,
}

impl Evidence {
    fn order(&self) -> (Option<Epoch>, &EventId, u32, u32) {
        (self.time, &self.event_id, self.object, self.record)
    }
}

impl PartialEq for Evidence {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Evidence {}

impl PartialOrd for Evidence {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Evidence {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_iso_weeks() {
        let week = |text: &str| Period::of(time::parse(text)).to_string();
        assert_eq!(week("2026-11-22T23:59:59Z"), "2026-W47");
        assert_eq!(week("2026-11-23T00:00:00Z"), "2026-W48");
        assert_eq!(week("2027-01-01T00:00:00Z"), "2026-W53");
        assert_eq!(week("1969-12-28T23:59:59Z"), "1969-W52");
        assert_eq!(Period::of(None).to_string(), "undated");
    }
}
