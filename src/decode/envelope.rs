//! Records that other tools wrapped: LookupEvents rows, EventBridge, CloudWatch Logs, and what queues,
//! topics and streams carry of these (SQS, SNS, Kinesis, Firehose); and digests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::{Decoded, Visit, gunzip};
use crate::event::Event;
use crate::event::json::Raw;

/// How deep envelopes may lie in each other: CloudWatch Logs in Kinesis in SQS in SNS, of which some
/// take two levels, and then some.
const DEEPEST: u32 = 12;

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

/// Opens an object that is no record itself, and delivers the records in it. An object with a
/// digest's members may hold records, too.
pub(super) fn open(outer: &Event<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) -> Opened {
    let before = decoded.records;
    let others = inside(outer, decoded, visit);
    match decoded.records == before {
        true if is_digest(outer) => Opened::Digest,
        true => Opened::Nothing,
        false => {
            decoded.others += others + u32::from(is_digest(outer));
            Opened::Records
        }
    }
}

/// Delivers what stands beside the list `Records` of a document: whatever would be read as records
/// without that list, and the record that the document itself may be.
pub(super) fn beside(document: &Event<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) {
    if document.looks_like_a_record() {
        visit(decoded.records, document);
        decoded.records += 1;
    }
    let others = inside(document, decoded, visit);
    decoded.others += others;
    decoded.digests += u32::from(is_digest(document));
}

/// Delivers the records in an object; answers how many values stand where a record may stand, and are
/// none.
fn inside(outer: &Event<'_>, decoded: &mut Decoded, visit: &mut Visit<'_>) -> u32 {
    let mut opener = Opener {
        decoded,
        visit,
        others: 0,
    };
    opener.inside(outer, 0);
    opener.others
}

/// True where the members are those of a digest.
fn is_digest(outer: &Event<'_>) -> bool {
    !outer.other("digestStartTime").is_absent() && outer.other("logFiles").is_array()
}

struct Opener<'o, 'v> {
    decoded: &'o mut Decoded,
    visit: &'o mut Visit<'v>,
    /// What stood where a record may stand, and is none.
    others: u32,
}

impl Opener<'_, '_> {
    /// Looks for records in the members of an object: in each of them, also where a key stands twice.
    fn inside(&mut self, outer: &Event<'_>, depth: u32) {
        if depth == DEEPEST {
            return;
        }
        for (name, value) in outer.members() {
            match name {
                // LookupEvents: the record is a string
                "CloudTrailEvent" => self.wrapped(value, true, depth),
                // the answers of LookupEvents and of SQS ReceiveMessage
                "Events" | "Messages" => self.list(value, None, depth),
                // CloudWatch Logs: a subscription, or the answer of FilterLogEvents
                "logEvents" => self.list(value, Some("message"), depth),
                "events" if value.is_array() => value.items().for_each(|row| self.row(row, depth)),
                "events" => self.row(value, depth),
                // EventBridge; a message of SQS as Lambda and as ReceiveMessage spell it; SNS likewise;
                // the data of Kinesis, of Firehose, and of a subscription of CloudWatch Logs
                "detail" | "body" | "Body" | "Message" | "Sns" | "kinesis" | "awslogs" | "data" => {
                    self.wrapped(value, false, depth);
                }
                // a list of records, however its name is spelled
                _ if name.eq_ignore_ascii_case("Records") => self.list(value, None, depth),
                _ => {}
            }
        }
    }

    /// A member that wraps a record, in whatever form. Where one is `due`, a number or null is counted.
    fn wrapped(&mut self, raw: Raw<'_>, due: bool, depth: u32) {
        if raw.quoted().is_some() {
            self.text(raw, due, depth);
        } else if raw.is_array() {
            self.list(raw, None, depth);
        } else if raw.is_object() {
            self.value(raw, None, depth);
        } else {
            self.others += u32::from(due);
        }
    }

    /// The items of a list, each a record or an envelope. An object may wrap a record as its member
    /// `within`. What is no list is read as its only item.
    fn list(&mut self, raw: Raw<'_>, within: Option<&str>, depth: u32) {
        let mut item = |item: Raw<'_>| match item.quoted() {
            Some(_) => self.text(item, false, depth),
            None => self.value(item, within, depth),
        };
        match raw.is_array() {
            true => raw.items().for_each(item),
            false => item(raw),
        }
    }

    /// A row of FilterLogEvents. Many files have a list of that name: what has no message is counted.
    fn row(&mut self, row: Raw<'_>, depth: u32) {
        match row.is_object() && row.get("message").is_absent() {
            true => self.others += 1,
            false => self.list(row, Some("message"), depth),
        }
    }

    /// An object that may be a record, or an envelope of some, or both.
    fn value(&mut self, raw: Raw<'_>, within: Option<&str>, depth: u32) {
        let before = (self.decoded.records, self.others);
        if raw.is_object() {
            let event = Event::of(raw);
            if event.looks_like_a_record() {
                (self.visit)(self.decoded.records, &event);
                self.decoded.records += 1;
            }
            let records = event.members().filter(|(name, _)| within == Some(*name));
            for (_, record) in records {
                self.wrapped(record, true, depth);
            }
            self.inside(&event, depth + 1);
        }
        if before == (self.decoded.records, self.others) {
            self.others += 1;
        }
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
            Ok(_) if raw.is_object() => self.value(raw, None, depth),
            Ok(_) => raw.items().for_each(|item| self.value(item, None, depth)),
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
