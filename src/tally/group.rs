//! Findings in the making.

use std::collections::BTreeSet;

use bitcode::{Decode, Encode};
use chrono::Datelike as _;

use super::calls::Calls;
use super::name_set::NameSet;
use super::samples::{Samples, Traits};
use super::source_ip::{SourceIpId, SourceIps};
use crate::event::time::{self, DAY, Epoch};
use crate::finding::{CallCount, EventId, Outcome};
use crate::interner::{Interner, Symbol};

/// What findings are grouped by. The names are the tally's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct GroupKey {
    pub rule: u32,
    pub actor: Symbol,
    pub resource: Symbol,
    pub period: Period,
    /// Of rules that find what is new: what may be, until history has decided.
    pub value: Symbol,
    /// Of rules that find what is new, until history has decided: its events are not proven.
    pub unproven: bool,
}

/// An ISO week in UTC, or "undated".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Period(Option<i64>);

impl Period {
    /// The week that a time lies in.
    pub fn of(time: Option<Epoch>) -> Self {
        // 1970-01-01 was a Thursday
        Self(time.map(|time| (time.div_euclid(DAY) + 3).div_euclid(7)))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => f.write_str("undated"),
            Some(week) => {
                let week = time::utc((week * 7 - 3) * DAY).iso_week();
                write!(f, "{}-W{:02}", week.year(), week.week())
            }
        }
    }
}

/// A finding in the making.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub count: u64,
    pub first: Option<Epoch>,
    pub last: Option<Epoch>,
    pub calls: Calls,
    pub accounts: BTreeSet<Symbol>,
    pub regions: BTreeSet<Symbol>,
    pub source_ips: SourceIps,
    /// Who called, without the sessions that machines name.
    pub actors: NameSet,
    pub access_keys: NameSet,
    pub samples: Samples,
}

impl Group {
    /// Counts one event.
    #[inline]
    pub fn add(&mut self, time: Option<Epoch>, call: Symbol, outcome: Outcome) {
        self.count += 1;
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        self.calls.add(call, outcome);
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
        self.calls.merge(other.calls);
        self.accounts.extend(other.accounts);
        self.regions.extend(other.regions);
        self.source_ips.extend(&other.source_ips);
        self.actors.extend(&other.actors);
        self.access_keys.extend(&other.access_keys);
        self.samples.merge(other.samples);
    }

    /// Notes who called and from where.
    pub fn note(&mut self, actor: Symbol, origin: &CallOrigin) {
        self.actors.insert(actor);
        self.accounts.insert(origin.account);
        self.regions.insert(origin.region);
        self.source_ips.insert(origin.source_ip);
        self.access_keys.insert(origin.access_key);
    }
}

/// A group as a file keeps it.
#[derive(Debug, Encode, Decode)]
pub(super) struct StoredGroup {
    count: u64,
    first: Option<Epoch>,
    last: Option<Epoch>,
    calls: Vec<(Symbol, CallCount)>,
    accounts: Vec<Symbol>,
    regions: Vec<Symbol>,
    source_ips: Vec<u32>,
    actors: Vec<u32>,
    access_keys: Vec<u32>,
    samples: Vec<Evidence>,
}

impl Group {
    /// The group as a file keeps it.
    pub(super) fn stored(&self) -> StoredGroup {
        StoredGroup {
            count: self.count,
            first: self.first,
            last: self.last,
            calls: self.calls.iter().copied().collect(),
            accounts: self.accounts.iter().copied().collect(),
            regions: self.regions.iter().copied().collect(),
            source_ips: self.source_ips.numbers().collect(),
            actors: self.actors.numbers().collect(),
            access_keys: self.access_keys.numbers().collect(),
            samples: self.samples.all().cloned().collect(),
        }
    }
}

impl From<StoredGroup> for Group {
    fn from(stored: StoredGroup) -> Self {
        Self {
            count: stored.count,
            first: stored.first,
            last: stored.last,
            calls: stored.calls.into_iter().collect(),
            accounts: stored.accounts.into_iter().collect(),
            regions: stored.regions.into_iter().collect(),
            source_ips: stored.source_ips.into_iter().collect(),
            actors: stored.actors.into_iter().collect(),
            access_keys: stored.access_keys.into_iter().collect(),
            samples: stored.samples.into_iter().collect(),
        }
    }
}

/// Where a call was made, and with which key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct CallOrigin {
    pub event_source: Symbol,
    pub account: Symbol,
    pub region: Symbol,
    pub source_ip: SourceIpId,
    /// The id of the access key. It identifies the credentials and is no secret.
    pub access_key: Symbol,
}

/// What a sample says beyond what its row says already.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct SampleTexts {
    pub principal: Symbol,
    pub target: Symbol,
    pub user_agent: Symbol,
    pub error_code: Symbol,
    pub error_message: Symbol,
}

impl SampleTexts {
    const fn ids(&self) -> [Symbol; 5] {
        [
            self.principal,
            self.target,
            self.user_agent,
            self.error_code,
            self.error_message,
        ]
    }

    /// The texts, in the order of the fields.
    pub fn texts<'n>(&self, names: &'n Interner) -> [&'n str; 5] {
        self.ids().map(|id| names.text(id))
    }
}

/// What else is known of an event that stands as evidence.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub enum Details {
    /// Nothing: it belongs to a rule of great volume.
    #[default]
    None,
    Interned(Box<SampleTexts>),
    /// The texts themselves, one behind the other, and where each ends. The latest event of a finding
    /// changes with nearly every object: to intern its texts would fill the memory with texts that
    /// nothing refers to.
    Owned(Box<(String, [usize; 5])>),
}

impl Details {
    /// Keeps copies of these texts, which are those of [`SampleTexts`] in its order.
    pub fn owned(texts: [&str; 5]) -> Self {
        let mut ends = [0; 5];
        let mut end = 0;
        for (text, at) in texts.iter().zip(&mut ends) {
            end += text.len();
            *at = end;
        }
        Self::Owned(Box::new((texts.concat(), ends)))
    }

    /// The texts, in the order of [`SampleTexts`]; `None` where nothing is known.
    pub fn texts<'n>(&'n self, names: &'n Interner) -> Option<[&'n str; 5]> {
        match self {
            Self::None => None,
            Self::Interned(interned) => Some(interned.texts(names)),
            Self::Owned(owned) => {
                let (all, ends) = &**owned;
                let mut from = 0;
                Some(ends.map(|to| {
                    let text = all.get(from..to).unwrap_or_default();
                    from = to;
                    text
                }))
            }
        }
    }
}

/// An event as evidence. Ordered by time, then by id, then by where it lies.
#[derive(Debug, Clone, Encode, Decode)]
pub struct Evidence {
    pub time: Option<Epoch>,
    pub event_id: EventId,
    /// The object's place in the order of the run.
    pub object: u32,
    pub record: u32,
    pub call: Symbol,
    pub outcome: Outcome,
    pub actor: Symbol,
    pub origin: CallOrigin,
    pub details: Details,
}

impl Evidence {
    /// What makes it worth showing beside others.
    pub const fn traits(&self) -> Traits {
        Traits {
            call: self.call,
            outcome: self.outcome,
            access_key: self.origin.access_key,
            source_ip: self.origin.source_ip,
        }
    }

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
