//! Events as correlations keep them.

use bitcode::{Decode, Encode};

use super::group::{CallOrigin, Details, Evidence, SampleTexts};
use super::samples::Traits;
use crate::event::time::Epoch;
use crate::finding::{EventId, Outcome};
use crate::interner::Symbol;

/// An event as a correlation keeps it: small, for a volume rule may have tens of millions.
#[derive(Debug, Clone, Encode, Decode)]
pub struct CorrelationEvent {
    pub time: Epoch,
    /// Which of the watched rules it was.
    pub place: u32,
    pub value: Symbol,
    pub event_id: EventId,
    /// The object's place in the order of the run.
    pub object: u32,
    pub record: u32,
    pub what: EventPayload,
}

/// What a row stands for.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub enum EventPayload {
    Event(Action),
    /// The burst of a watched correlation, by its place among all such bursts.
    Burst(u32),
}

/// Who did what to what, and how it ended.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Action {
    pub actor: Symbol,
    pub resource: Symbol,
    /// Who called, whatever the rule calls its actor.
    pub caller: Symbol,
    /// The call's name and outcome.
    pub call: Symbol,
    pub outcome: Outcome,
    pub origin: CallOrigin,
    /// The rest of its sample; nothing for rules of great volume.
    pub texts: Option<SampleTexts>,
}

impl Action {
    /// What makes the event worth showing beside others.
    pub const fn traits(&self) -> Traits {
        Traits {
            call: self.call,
            outcome: self.outcome,
            access_key: self.origin.access_key,
            source_ip: self.origin.source_ip,
        }
    }
}

impl CorrelationEvent {
    /// What happened; nothing for a row that stands for a burst, whose events have rows of their own.
    pub const fn action(&self) -> Option<&Action> {
        match &self.what {
            EventPayload::Event(action) => Some(action),
            EventPayload::Burst(_) => None,
        }
    }

    /// The event as evidence.
    #[inline]
    pub fn evidence(&self, action: &Action) -> Evidence {
        Evidence {
            time: Some(self.time),
            event_id: self.event_id.clone(),
            object: self.object,
            record: self.record,
            call: action.call,
            outcome: action.outcome,
            actor: action.caller,
            origin: action.origin,
            details: match action.texts {
                Some(texts) => Details::Interned(Box::new(texts)),
                None => Details::None,
            },
        }
    }
}
