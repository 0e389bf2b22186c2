//! Who called from where, with which key and agent: every combination once, with its counts.

use bitcode::{Decode, Encode};

use super::source_ip::{SourceIp, SourceIpId, SourceIpTable};
use crate::event::time::Epoch;
use crate::finding::Outcome;
use crate::interner::{Interner, Symbol, SymbolMap};
use crate::seeded::SeededMap;

/// What calls of one object have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Usage {
    /// The principal, with its session.
    pub principal: Symbol,
    pub source_ip: SourceIp,
    pub access_key: Symbol,
    pub user_agent: Symbol,
}

/// How often, with which outcome, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageCounts {
    pub events: u64,
    pub denied: u64,
    pub failed: u64,
    pub first: Option<Epoch>,
    pub last: Option<Epoch>,
}

impl UsageCounts {
    pub(super) fn add(&mut self, time: Option<Epoch>, outcome: Outcome) {
        self.merge(&Self {
            events: 1,
            denied: u64::from(outcome == Outcome::Denied),
            failed: u64::from(outcome == Outcome::Failed),
            first: time,
            last: time,
        });
    }

    /// Adds the counts of other events.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.denied += other.denied;
        self.failed += other.failed;
        // `None` is less than any time
        self.first = match (self.first, other.first) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.last = self.last.max(other.last);
    }
}

/// The combinations of a run. They are as many as callers have keys and addresses.
#[derive(Debug, Default)]
pub struct UsageTable(SeededMap<(Symbol, SourceIpId, Symbol, Symbol), UsageCounts>);

/// A combination in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow<'n> {
    pub principal: &'n str,
    pub source_ip: String,
    pub access_key: &'n str,
    pub user_agent: &'n str,
    pub counts: UsageCounts,
}

impl UsageTable {
    pub(super) fn add(
        &mut self,
        usage: &Usage,
        counts: &UsageCounts,
        own: &mut SymbolMap<'_>,
        names: &mut Interner,
        addresses: &mut SourceIpTable,
    ) {
        let principal = own.id(usage.principal, names);
        let source_ip = addresses.id(usage.source_ip.translated(own, names));
        let access_key = own.id(usage.access_key, names);
        let user_agent = own.id(usage.user_agent, names);
        let key = (principal, source_ip, access_key, user_agent);
        self.0.entry(key).or_default().merge(counts);
    }

    /// Every combination, sorted by principal, address, key and agent.
    pub fn rows<'n>(&self, names: &'n Interner, addresses: &SourceIpTable) -> Vec<UsageRow<'n>> {
        let rows = self
            .0
            .iter()
            .map(
                |((principal, source_ip, access_key, user_agent), counts)| UsageRow {
                    principal: names.text(*principal),
                    source_ip: addresses.get(*source_ip).text(names),
                    access_key: names.text(*access_key),
                    user_agent: names.text(*user_agent),
                    counts: *counts,
                },
            );
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by(|one, other| {
            let key = |row: &UsageRow<'n>| (row.principal, row.access_key, row.user_agent);
            (key(one), &one.source_ip).cmp(&(key(other), &other.source_ip))
        });
        rows
    }
}
