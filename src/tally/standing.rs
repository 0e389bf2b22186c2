//! Which records of an object count, and which matches of its records.
//!
//! What a copy matches, its original matches as well: a copy is left out with all its matches. Another
//! account's record of the same call may say more of the caller than the first. It does not count as
//! another event, but each match that no earlier record of the call had stands. So no `sharedEventID`
//! hides a match, whatever it was written into, and a rule that matches all records of a call counts it
//! once.

use std::collections::BTreeSet;

use super::duplicates::Duplicates;
use super::scanned::{CorrelationHit, FoundEvidence, Hit, ObjectScan, Shared};
use crate::event::time::Epoch;

/// The kinds of matches, which are distinguished where they are filed.
#[derive(Hash)]
enum Kind {
    Rule,
    Silent,
    Base,
    Use,
}

/// Which records of one object count, and which of their matches. Records and matches come in file order.
#[derive(Debug, Default)]
pub(super) struct CountedRecords<'s> {
    /// The records that do not count, with all their matches.
    left_out: Vec<u32>,
    /// The records of calls that several accounts recorded.
    calls: Vec<(u32, &'s Shared)>,
    /// The group and the record of each match that an earlier record of the call had.
    repeated: BTreeSet<(u32, u32)>,
}

impl<'s> CountedRecords<'s> {
    /// Leaves out a record, with all its matches.
    pub(super) fn leave_out(&mut self, seen: u32) {
        self.left_out.push(seen);
    }

    /// Notes a record of a call that several accounts recorded.
    pub(super) fn of_call(&mut self, seen: u32, call: Option<&'s Shared>) {
        self.calls.extend(call.map(|call| (seen, call)));
    }

    /// True where a match counts.
    pub(super) fn hit(&mut self, hit: &Hit, scanned: &ObjectScan, known: &mut Duplicates) -> bool {
        let Some(call) = self.call(hit.seen) else {
            return self.counts(hit.seen);
        };
        let Some(group) = scanned.groups.get(hit.group as usize) else {
            return true;
        };
        // of a rule that finds what is new, another value is another match
        let of = (Kind::Rule, group.rule, scanned.names.text(group.value));
        let had = known.had_match(call, of, time(scanned, hit.seen));
        if had {
            self.repeated.insert((hit.group, hit.seen));
        }
        !had
    }

    /// True where evidence counts: where its match does, which [`CountedRecords::hit`] has decided.
    pub(super) fn evidence(&self, evidence: &FoundEvidence) -> bool {
        self.counts(evidence.seen) && !self.repeated.contains(&(evidence.group, evidence.seen))
    }

    /// True where a record counts, and is not another account's record of a call that counts already.
    pub(super) fn record(&self, seen: u32) -> bool {
        self.counts(seen)
    }

    /// True where an event counts for a correlation.
    pub(super) fn base(
        &self,
        base: &CorrelationHit,
        scanned: &ObjectScan,
        known: &mut Duplicates,
    ) -> bool {
        let Some(call) = self.call(base.seen) else {
            return self.counts(base.seen);
        };
        // a call counts once in each group of a correlation, and once for each value
        let texts = [base.group, base.value].map(|text| scanned.names.text(text));
        let of = (Kind::Base, base.correlation, base.place, texts);
        !known.had_match(call, of, time(scanned, base.seen))
    }

    /// True where a match of a silent rule counts.
    pub(super) fn silent(
        &self,
        (rule, seen): (u32, u32),
        scanned: &ObjectScan,
        known: &mut Duplicates,
    ) -> bool {
        match self.call(seen) {
            Some(call) => !known.had_match(call, (Kind::Silent, rule), time(scanned, seen)),
            None => self.counts(seen),
        }
    }

    /// True where the use of a right counts: a call that several accounts recorded used each action once.
    pub(super) fn usage(
        &self,
        (seen, action): (u32, &str),
        scanned: &ObjectScan,
        known: &mut Duplicates,
    ) -> bool {
        match self.call(seen) {
            Some(call) => !known.had_match(call, (Kind::Use, action), time(scanned, seen)),
            None => self.counts(seen),
        }
    }

    fn counts(&self, seen: u32) -> bool {
        self.left_out.is_empty() || self.left_out.binary_search(&seen).is_err()
    }

    fn call(&self, seen: u32) -> Option<&'s Shared> {
        let at = self.calls.binary_search_by_key(&seen, |(of, _)| *of);
        let (_, call) = self.calls.get(at.ok()?)?;
        Some(call)
    }
}

fn time(scanned: &ObjectScan, seen: u32) -> Option<Epoch> {
    scanned.seen.get(seen as usize)?.time
}
