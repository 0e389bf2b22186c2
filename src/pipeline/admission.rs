//! Which records of a log are looked at, and how many were not.

use super::misfiled::Misfiled;
use crate::event::time::Epoch;
use crate::event::{Event, Key};
use crate::source::{ObjectRef, Scope};

/// The records of one log, as far as they do not depend on what is looked for.
#[derive(Debug)]
pub(super) struct Admission<'s> {
    scope: &'s Scope,
    object: &'s ObjectRef,
    /// Records that do not belong into the log's folder.
    pub(super) misfiled: Misfiled,
    /// The newest event, inside the window or not: it shows how late the file was delivered.
    pub(super) newest: Option<Epoch>,
    pub(super) outside: u64,
    pub(super) evaluated: u64,
    /// Of the evaluated: those without a time, and Insight records.
    pub(super) undated: u64,
    pub(super) insights: u64,
}

impl<'s> Admission<'s> {
    /// No record yet.
    pub(super) fn new(scope: &'s Scope, object: &'s ObjectRef) -> Self {
        Self {
            scope,
            object,
            misfiled: Misfiled::of(object),
            newest: None,
            outside: 0,
            evaluated: 0,
            undated: 0,
            insights: 0,
        }
    }

    /// Forgets all records.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.scope, self.object);
    }

    /// Counts a record; true if it is in the scope.
    pub(super) fn admit(&mut self, record: u32, event: &Event<'_>) -> bool {
        if let Some(key) = &self.object.key {
            event.note_log_account(&key.account);
        }
        self.newest = self.newest.max(event.time());
        if self.misfiled.are_expected() {
            self.misfiled.note(record, event);
        }
        if self.is_outside(event) {
            self.outside += 1;
            return false;
        }
        self.evaluated += 1;
        self.undated += u64::from(event.time().is_none());
        self.insights += u64::from(is_insight(event));
        true
    }

    fn is_outside(&self, event: &Event<'_>) -> bool {
        let scope = self.scope;
        !scope.holds_time(event.time())
            || (!scope.accounts.is_empty() && !scope.holds_account(&event.account()))
            || (!scope.regions.is_empty() && !scope.holds_region(&event.text(Key::AwsRegion)))
    }
}

/// True for a record that CloudTrail Insights wrote.
fn is_insight(event: &Event<'_>) -> bool {
    event.is(Key::EventType, "AwsCloudTrailInsight")
}
