//! The calls of a chain in their order, with repeats of one call on one line.

use std::collections::HashMap;

use serde::Serialize;

use super::calls::Call;
use crate::event::time::Epoch;

/// Repeats of a call stand on one line while no longer pause lies between them, in seconds.
const PAUSE: Epoch = 15 * 60;

/// One call, or repeats of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub first: String,
    pub last: String,
    pub count: u64,
    pub outcome: &'static str,
    /// It changes something.
    pub writes: bool,
    /// It gave out credentials, created a user, or was a sign-in.
    pub gives_credentials: bool,
    /// The automation that made the call for its identity, by its user agent: Terraform, CloudFormation, …
    pub tool: &'static str,
    pub event_source: String,
    pub event_name: String,
    pub principal: String,
    pub access_key: String,
    pub source_ip: String,
    pub target: String,
    pub error_code: String,
    pub account: String,
    pub region: String,
    /// The first event, and where its record lies.
    pub event_id: String,
    pub object: String,
    pub record: u32,
}

/// Entries in the order of their first event.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) entries: Vec<Entry>,
    /// By what repeats have in common: the last entry, and the time of its last event.
    open: HashMap<([String; 7], &'static str), (usize, Epoch)>,
}

impl Timeline {
    /// Adds the next call in the order of time.
    pub(super) fn add(&mut self, call: &Call) {
        let line = &call.line;
        let time = call.time.unwrap_or(Epoch::MAX);
        let key = [
            &line.event_source,
            &line.event_name,
            &line.principal,
            &line.access_key,
            &line.source_ip,
            &line.error_code,
            &line.target,
        ]
        .map(Clone::clone);
        let key = (key, call.tool);
        if let Some((at, last)) = self.open.get_mut(&key)
            && time.saturating_sub(*last) <= PAUSE
            && let Some(entry) = self.entries.get_mut(*at)
        {
            *last = time;
            entry.last.clone_from(&line.time);
            entry.count += 1;
            return;
        }
        self.open.insert(key, (self.entries.len(), time));
        self.entries.push(Entry {
            first: line.time.clone(),
            last: line.time.clone(),
            count: 1,
            outcome: line.outcome,
            writes: call.writes,
            gives_credentials: call.gives_credentials(),
            tool: call.tool,
            event_source: line.event_source.clone(),
            event_name: line.event_name.clone(),
            principal: line.principal.clone(),
            access_key: line.access_key.clone(),
            source_ip: line.source_ip.clone(),
            target: line.target.clone(),
            error_code: line.error_code.clone(),
            account: line.account.clone(),
            region: line.region.clone(),
            event_id: line.event_id.clone(),
            object: line.object.clone(),
            record: line.record,
        });
    }
}
