//! Records that do not belong into the folder of their log.
//!
//! CloudTrail keeps Insight, network activity and aggregated events in folders of their own (AWS,
//! "Finding your CloudTrail log files"). Digests are not known to name those files, so whoever can
//! write to the bucket could put any other record there without a contradiction.

use crate::event::{Event, Key};
use crate::source::ObjectRef;
use crate::source::key::LogKind;

/// Records of one log that belong elsewhere.
#[derive(Debug, Default)]
pub(super) struct Misfiled {
    /// `None` for a log whose folder holds all kinds of record.
    kind: Option<LogKind>,
    count: u64,
    /// The number of the first, and the event's name.
    first: Option<(u32, String)>,
}

impl Misfiled {
    pub(super) fn of(object: &ObjectRef) -> Self {
        let kind = object.key.as_ref().map(|key| key.kind);
        Self {
            kind: kind.filter(|kind| !matches!(kind, LogKind::Log | LogKind::Digest)),
            ..Self::default()
        }
    }

    /// True if records of this log must be looked at.
    pub(super) const fn are_expected(&self) -> bool {
        self.kind.is_some()
    }

    /// Looks at a record.
    pub(super) fn note(&mut self, record: u32, event: &Event<'_>) {
        let Some(kind) = self.kind else { return };
        if belongs(kind, event) {
            return;
        }
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((record, event.text(Key::EventName).into_owned()));
        }
    }

    /// What is wrong, in words that follow "its folder": `None` if nothing is.
    pub(super) fn summary(&self) -> Option<String> {
        let (kind, (record, name)) = (self.kind?, self.first.as_ref()?);
        let what = match kind {
            LogKind::Insight => "Insight events",
            LogKind::NetworkActivity => "network activity events",
            _ => "aggregated events",
        };
        let called = match name.is_empty() {
            true => String::new(),
            false => format!(" ({name})"),
        };
        Some(format!(
            "its folder is for {what}, and {} of its records {} none: the first is record \
             {record}{called}",
            self.count,
            if self.count == 1 { "is" } else { "are" }
        ))
    }
}

/// True for a record of the kind that the folder is for (AWS, "CloudTrail record contents": an
/// Insight event has its name and source in `insightDetails`). What rules read as the name or the
/// source must be absent or a string: rules also match the members of a list.
fn belongs(kind: LogKind, event: &Event<'_>) -> bool {
    const CALL: [Key; 2] = [Key::EventName, Key::EventSource];
    let is_absent = |key: &Key| event.raw(*key).is_null();
    let is_string = |key: &Key| event.raw(*key).quoted().is_some();
    match kind {
        LogKind::Insight => {
            event.is(Key::EventType, "AwsCloudTrailInsight") && CALL.iter().all(is_absent)
        }
        LogKind::NetworkActivity => {
            event.is(Key::EventType, "AwsVpceEvents")
                && event.is(Key::EventCategory, "NetworkActivity")
                && CALL.iter().all(is_string)
        }
        LogKind::Aggregated => {
            let is_either = |key: &Key| is_absent(key) || is_string(key);
            event.is(Key::EventType, "AwsAggregatedEvent") && CALL.iter().all(is_either)
        }
        LogKind::Log | LogKind::Digest => true,
    }
}
