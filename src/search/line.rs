//! What is shown of an event that was found.

use serde::Serialize;

use crate::derive::{identity, outcome, target};
use crate::event::json::Raw;
use crate::event::time::iso;
use crate::event::{Event, Key};
use crate::rules::secret;
use crate::tally::StoredRecord;

/// The columns of CSV, and the members of JSON.
pub const COLUMNS: [&str; 18] = [
    "time",
    "outcome",
    "event_source",
    "event_name",
    "principal",
    "source_ip",
    "target",
    "access_key",
    "account",
    "region",
    "error_code",
    "error_message",
    "user_agent",
    "read_only",
    "event_id",
    "object",
    "record",
    "principal_type",
];

/// The facts of one event, in the order of [`COLUMNS`]. None of them can hold a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Event time in UTC; empty for a record without one.
    pub time: String,
    pub outcome: &'static str,
    pub event_source: String,
    pub event_name: String,
    /// Who called: the ARN of the user, or of the role with the session behind it.
    pub principal: String,
    pub source_ip: String,
    /// What the call was about, as far as the record says.
    pub target: String,
    pub access_key: String,
    /// The account in whose log the event stands.
    pub account: String,
    pub region: String,
    pub error_code: String,
    pub error_message: String,
    pub user_agent: String,
    pub read_only: String,
    pub event_id: String,
    /// The log, and the record's place in it from 0: `trailscan rules explain RULE OBJECT#RECORD`.
    pub object: String,
    pub record: u32,
    pub principal_type: String,
}

impl Line {
    /// The facts of a record that was read from `object`.
    pub fn new(found: &StoredRecord, object: String) -> Self {
        Self::of(&Event::of(Raw::new(&found.text)), object, found.record)
    }

    /// The facts of an event, which is record `record` of `object`.
    pub fn of(event: &Event<'_>, object: String, record: u32) -> Self {
        let text = |key| event.text(key).into_owned();
        Self {
            time: event.time().map(iso).unwrap_or_default(),
            outcome: outcome::of(event).as_str(),
            event_source: text(Key::EventSource),
            event_name: text(Key::EventName),
            principal: identity::principal(event).into_owned(),
            source_ip: event.source_ip().into_owned(),
            target: target::of(event).into_owned(),
            access_key: event
                .text_at(Key::UserIdentity, &["accessKeyId"])
                .into_owned(),
            account: event.account().into_owned(),
            region: text(Key::AwsRegion),
            error_code: text(Key::ErrorCode),
            error_message: text(Key::ErrorMessage),
            user_agent: text(Key::UserAgent),
            read_only: text(Key::ReadOnly),
            event_id: text(Key::EventId),
            object,
            record,
            principal_type: event.text_at(Key::UserIdentity, &["type"]).into_owned(),
        }
    }

    /// The cells, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [String; 18] {
        [
            self.time.clone(),
            self.outcome.to_owned(),
            self.event_source.clone(),
            self.event_name.clone(),
            self.principal.clone(),
            self.source_ip.clone(),
            self.target.clone(),
            self.access_key.clone(),
            self.account.clone(),
            self.region.clone(),
            self.error_code.clone(),
            self.error_message.clone(),
            self.user_agent.clone(),
            self.read_only.clone(),
            self.event_id.clone(),
            self.object.clone(),
            self.record.to_string(),
            self.principal_type.clone(),
        ]
    }
}

/// `s3` for `s3.amazonaws.com`.
pub fn short_source(source: &str) -> &str {
    source.strip_suffix(".amazonaws.com").unwrap_or(source)
}

/// An ARN from its resource on: `user/alice`, `role/app/session`.
pub fn short_principal(principal: &str) -> &str {
    match principal.strip_prefix("arn:") {
        Some(rest) => rest.splitn(5, ':').nth(4).unwrap_or(principal),
        None => principal,
    }
}

/// A record in one line of JSON, with a mask in place of every credential.
pub fn record_line(found: &StoredRecord) -> String {
    let masked = secret::masked(&Raw::new(&found.text));
    match masked.contains(['\n', '\r']) {
        false => masked,
        // a log that was printed for people
        true => match serde_json::from_str::<serde_json::Value>(&masked) {
            Ok(value) => value.to_string(),
            Err(_) => masked.replace(['\n', '\r'], " "),
        },
    }
}
