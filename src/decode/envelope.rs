//! Records that other tools wrapped: LookupEvents rows, EventBridge, CloudWatch Logs; and digests.

use serde::de::IgnoredAny;

use super::{Content, Decoded, Visit};
use crate::event::Event;
use crate::event::json::Raw;

/// Opens an object that is no record itself. True where it was CloudTrail's all the same.
pub(super) fn open(outer: &Event<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) -> bool {
    if !outer.other("digestStartTime").is_absent() && outer.other("logFiles").is_array() {
        decoded.content = Content::Digest;
        return true;
    }
    // EventBridge: the record is the event's `detail`
    let detail = outer.other("detail");
    if detail.is_object() {
        return deliver(detail.as_str(), decoded, visit);
    }
    // LookupEvents: the record is a string, alone or in the API's own answer
    let row = outer.other("CloudTrailEvent");
    if !row.is_absent() {
        return text_of(row, decoded, visit);
    }
    let rows = outer
        .other("Events")
        .items()
        .map(|row| row.get("CloudTrailEvent"));
    // CloudWatch Logs: a subscription's `logEvents`, or the answer of FilterLogEvents
    let messages = ["logEvents", "events"]
        .into_iter()
        .flat_map(|list| outer.other(list).items())
        .map(|row| row.get("message"));
    let mut known = false;
    for text in rows.chain(messages) {
        known |= text_of(text, decoded, visit);
    }
    known
}

/// A record written as a JSON string.
fn text_of(raw: Raw<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) -> bool {
    match raw.string() {
        Some(text) if text.trim_start().starts_with('{') => deliver(&text, decoded, visit),
        _ => false,
    }
}

/// These are rare, so serde_json checks the whole text before anything is read from it.
fn deliver(text: &str, decoded: &mut Decoded, visit: &mut Visit<'_>) -> bool {
    let sound = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let event = Event::of(Raw::new(text));
    if sound && !event.looks_like_a_record() {
        return false;
    }
    if sound {
        visit(decoded.records, &event);
    } else {
        decoded
            .bad
            .push((decoded.records, "the wrapped record is not JSON"));
    }
    decoded.records += 1;
    true
}
