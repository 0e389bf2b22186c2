//! Which rights principals used, for those whose policies are known.

use std::collections::BTreeMap;

use bitcode::{Decode, Encode};

use super::Tally;
use super::current::Own;
use super::scanned::ObjectScan;
use super::standing::CountedRecords;
use crate::event::time::Epoch;
use crate::finding::Outcome;
use crate::interner::{Interner, Symbol};

/// What a principal's documents say of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Grant {
    Allowed,
    /// By an explicit deny.
    Denied,
    NotAllowed,
    /// It depends on what the record does not say, or on policies that are not known.
    Undecided,
    /// No document is known.
    NoDocument,
}

/// An event of an object that used a right, or tried to.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Use {
    /// The event, in [`ObjectScan::seen`].
    pub seen: u32,
    pub right: Right,
}

/// The right that an event used; events that are alike in all of this are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Right {
    /// The principal's place among those whose policies are known.
    pub principal: u32,
    /// The role session; empty where sessions are not asked for.
    pub session: Symbol,
    pub action: Symbol,
    /// As a policy would name it; empty if the record names none.
    pub resource: Symbol,
    pub outcome: Outcome,
    pub grant: Grant,
    /// The place of the statement that allows or denies the call, among those of the principal.
    pub statement: Option<u32>,
    /// Who refused it, as the message says.
    pub refused_by: Symbol,
}

impl Right {
    /// The names in it.
    pub const fn names(&self) -> [Symbol; 4] {
        [self.session, self.action, self.resource, self.refused_by]
    }
}

/// How often a right was used, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UseCount {
    pub calls: u64,
    pub first: Option<Epoch>,
    pub last: Option<Epoch>,
}

impl UseCount {
    /// Adds calls.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

/// All rights that were used.
#[derive(Debug, Default)]
pub struct Uses {
    pub counts: BTreeMap<Right, UseCount>,
    /// There were more resources or rights than are kept apart.
    pub is_folded: bool,
    /// The resources that are kept apart, by principal, session, action and statement.
    resources: BTreeMap<(u32, Symbol, Symbol, Option<u32>), u32>,
}

impl Uses {
    /// The most resources of one action that are kept apart: callers choose their names.
    pub const MOST_RESOURCES: u32 = 100;
    /// The most rights that are kept apart.
    const MOST_RIGHTS: usize = 200_000;

    fn add(&mut self, mut right: Right, count: UseCount) {
        if !self.counts.contains_key(&right) {
            let of = (
                right.principal,
                right.session,
                right.action,
                right.statement,
            );
            let known = self.resources.entry(of).or_default();
            if *known >= Self::MOST_RESOURCES {
                right.resource = Interner::EMPTY;
                self.is_folded = true;
            }
            *known += 1;
            if self.counts.len() >= Self::MOST_RIGHTS {
                self.resources.clear();
                right.resource = Interner::EMPTY;
                right.action = Interner::EMPTY;
                right.session = Interner::EMPTY;
                self.is_folded = true;
            }
        }
        self.counts.entry(right).or_default().add(count);
    }
}

impl Tally {
    /// Counts the rights that the events of an object used; returns how many point to nothing.
    pub(super) fn count_uses(
        &mut self,
        scanned: &ObjectScan,
        standing: &CountedRecords<'_>,
        own: &mut Own<'_>,
    ) -> u64 {
        let mut dangling = 0;
        for used in &scanned.uses {
            let action = scanned.names.text(used.right.action);
            if !standing.usage((used.seen, action), scanned, &mut self.event_ids_seen) {
                continue;
            }
            let Some((seen, _)) = own.event(used.seen) else {
                dangling += 1;
                continue;
            };
            let mut id = |id| own.names.id(id, &mut self.names);
            let right = Right {
                session: id(used.right.session),
                action: id(used.right.action),
                resource: id(used.right.resource),
                refused_by: id(used.right.refused_by),
                ..used.right
            };
            let count = UseCount {
                calls: 1,
                first: seen.time,
                last: seen.time,
            };
            self.uses.add(right, count);
        }
        dangling
    }
}
