//! Records that other tools wrapped: LookupEvents rows, EventBridge, CloudWatch Logs, and what queues,
//! topics and streams carry of these (SQS, SNS, Kinesis, Firehose); and digests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::{Decoded, Visit, gunzip};
use crate::event::Event;
use crate::event::json::Raw;

/// How deep envelopes may lie in each other: CloudWatch Logs in Kinesis in SQS in SNS, and then some.
const DEEPEST: u32 = 8;

/// The most MiB that all payloads of one object may inflate to. A payload of CloudWatch Logs has at
/// most a few.
const MOST_UNWRAPPED: u64 = 256;

/// What an object that is no record itself turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// An envelope with records, which were delivered.
    Records,
    /// A CloudTrail digest.
    Digest,
    /// Nothing of CloudTrail's.
    Nothing,
}

/// Opens an object that is no record itself, and delivers the records in it.
pub(super) fn open(outer: &Event<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) -> Opened {
    if is_digest(outer) {
        return Opened::Digest;
    }
    let before = decoded.records;
    let mut opener = Opener {
        decoded,
        visit,
        others: 0,
    };
    opener.inside(outer, 0);
    let others = opener.others;
    match decoded.records == before {
        true => Opened::Nothing,
        false => {
            decoded.others += others;
            Opened::Records
        }
    }
}

/// True where the members are those of a digest.
pub(super) fn is_digest(outer: &Event<'_>) -> bool {
    !outer.other("digestStartTime").is_absent() && outer.other("logFiles").is_array()
}

struct Opener<'o, 'v> {
    decoded: &'o mut Decoded,
    visit: &'o mut Visit<'v>,
    /// What stood where a record may stand, and is none.
    others: u32,
}

impl Opener<'_, '_> {
    /// Looks for records in an object that is none.
    fn inside(&mut self, outer: &Event<'_>, depth: u32) {
        if depth == DEEPEST {
            return;
        }
        // EventBridge: the record is the event's `detail`
        let detail = outer.other("detail");
        if detail.is_object() {
            return self.value(detail, depth);
        }
        // LookupEvents: the record is a string, alone or in the API's own answer
        let row = outer.other("CloudTrailEvent");
        if !row.is_absent() {
            return self.text(row, true, depth);
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
        for row in rows.chain(messages) {
            self.text(row, true, depth);
        }
        // a message of SQS as Lambda and as ReceiveMessage spell it, SNS likewise, and the data of
        // Kinesis, of Firehose, and of a subscription of CloudWatch Logs
        let bodies = outer.other("Messages").items().map(|row| row.get("Body"));
        let payloads = [
            outer.other("body"),
            outer.other("Body"),
            outer.other("Message"),
            outer.other("Sns").get("Message"),
            outer.other("kinesis").get("data"),
            outer.other("awslogs").get("data"),
            outer.other("data"),
        ];
        for payload in payloads.into_iter().chain(bodies) {
            self.text(payload, false, depth);
        }
        // a list of records, however its name is spelled
        for (name, list) in outer.members() {
            if name.eq_ignore_ascii_case("Records") {
                list.items().for_each(|item| self.value(item, depth));
            }
        }
    }

    /// An object that may be a record, or an envelope of some.
    fn value(&mut self, raw: Raw<'_>, depth: u32) {
        if raw.is_object() {
            let event = Event::of(raw);
            if event.looks_like_a_record() {
                (self.visit)(self.decoded.records, &event);
                self.decoded.records += 1;
                return;
            }
            let before = self.decoded.records;
            self.inside(&event, depth + 1);
            if self.decoded.records > before {
                return;
            }
        }
        self.others += 1;
    }

    /// What is written as a JSON string. Where a record is `due`, an object that is no JSON is a bad
    /// record.
    fn text(&mut self, raw: Raw<'_>, due: bool, depth: u32) {
        let Some(text) = raw.string() else { return };
        if self.json(&text, due, depth) {
            return;
        }
        let inflated = self.payload(&text);
        if !inflated.is_some_and(|text| self.json(&text, due, depth)) {
            self.others += 1;
        }
    }

    /// Reads a text that begins as an object or list does; false where it does not. Such texts are
    /// rare, so serde_json checks all of it before anything is read from it.
    fn json(&mut self, text: &str, due: bool, depth: u32) -> bool {
        let raw = Raw::new(text);
        if !raw.is_object() && !raw.is_array() {
            return false;
        }
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) if raw.is_object() => self.value(raw, depth),
            Ok(_) => raw.items().for_each(|item| self.value(item, depth)),
            Err(_) if due && raw.is_object() => {
                let place = self.decoded.records;
                self.decoded
                    .bad
                    .push((place, "the wrapped record is not JSON"));
                self.decoded.records += 1;
            }
            Err(_) => self.others += 1,
        }
        true
    }

    /// The text of a payload in base64, inflated where it is gzip.
    fn payload(&mut self, text: &str) -> Option<String> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        if !gunzip::is_gzip(&bytes) {
            return String::from_utf8(bytes).ok();
        }
        let left = MOST_UNWRAPPED.checked_sub(self.decoded.unwrapped >> 20)?;
        let mut inflated = Vec::new();
        let read = gunzip::every_member(&bytes, &mut inflated, left);
        self.decoded.unwrapped += inflated.len() as u64;
        read.ok().and_then(|_| String::from_utf8(inflated).ok())
    }
}
