//! The object that the tally is adding, in the tally's own ids.

use super::group::{CallOrigin, SampleTexts};
use super::scanned::{Activity, Caller, EvaluatedEvent, EvidenceFields, FindingKey};
use super::source_ip::SourceIpId;
use crate::interner::{Interner, Symbol, SymbolMap};

/// A group of the object at hand: its place among ours, once it has one, and the last account and
/// Region and the last caller that were noted in it.
pub(super) struct Found<'s> {
    pub(super) group: &'s FindingKey,
    pub(super) place: Option<usize>,
    pub(super) at: Option<[Symbol; 2]>,
    pub(super) caller: Option<Caller>,
}

impl<'s> Found<'s> {
    pub(super) const fn new(group: &'s FindingKey) -> Self {
        Self {
            group,
            place: None,
            at: None,
            caller: None,
        }
    }
}

/// The object at hand, and its names as ours.
pub(super) struct Own<'s> {
    pub(super) object: u32,
    pub(super) seen: &'s [EvaluatedEvent],
    pub(super) rows: &'s [Activity],
    pub(super) facts: &'s [EvidenceFields],
    pub(super) texts: &'s Interner,
    pub(super) names: SymbolMap<'s>,
}

impl<'s> Own<'s> {
    pub(super) fn event(&self, seen: u32) -> Option<(&'s EvaluatedEvent, &'s Activity)> {
        let seen = self.seen.get(seen as usize)?;
        Some((seen, self.rows.get(seen.row as usize)?))
    }

    pub(super) fn texts(&mut self, fact: &EvidenceFields, to: &mut Interner) -> SampleTexts {
        let mut id = |id| self.names.id(id, to);
        SampleTexts {
            principal: id(fact.principal),
            target: id(fact.target),
            user_agent: id(fact.user_agent),
            error_code: id(fact.error_code),
            error_message: id(fact.error_message),
        }
    }

    pub(super) fn origin(
        &mut self,
        row: &Activity,
        source_ip: SourceIpId,
        access_key: Symbol,
        to: &mut Interner,
    ) -> CallOrigin {
        let mut id = |id| self.names.id(id, to);
        CallOrigin {
            event_source: id(row.source),
            account: id(row.account),
            region: id(row.region),
            source_ip,
            access_key: id(access_key),
        }
    }
}
