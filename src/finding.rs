//! What a rule found: the border types between detection and report.

use std::collections::{BTreeMap, BTreeSet};

use bitcode::{Decode, Encode};
use serde::Serialize;

use crate::event::time::Epoch;
use crate::severity::Severity;
use crate::sha256;

/// `eventID`: a GUID in every real record, kept small.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum EventId {
    /// Its sixteen bytes in the order in which they are written.
    Guid([u8; 16]),
    /// Hand-made and anonymized records hold other texts.
    Other(Box<str>),
    /// The record has none: it can never be a duplicate.
    Missing,
}

impl EventId {
    /// Reads an `eventID`.
    pub fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self::Missing;
        }
        Self::guid(text.as_bytes()).map_or_else(|| Self::Other(text.into()), Self::Guid)
    }

    /// Only the lower-case form with hyphens, so that what is printed is what was read.
    fn guid(text: &[u8]) -> Option<[u8; 16]> {
        let text: &[u8; 36] = text.try_into().ok()?;
        #[rustfmt::skip]
        let &[
            a0, a1, a2, a3, a4, a5, a6, a7, b'-', b0, b1, b2, b3, b'-', c0, c1, c2, c3, b'-',
            d0, d1, d2, d3, b'-', e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, ea, eb,
        ] = text else {
            return None;
        };
        // one after another they are read by vectors
        #[rustfmt::skip]
        let digits = [
            a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, c0, c1, c2, c3,
            d0, d1, d2, d3, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, ea, eb,
        ];
        let values = digits.map(hex);
        if values.iter().fold(0, |all, value| all | value) > 15 {
            return None;
        }
        let mut bytes = [0; 16];
        let (pairs, _) = values.as_chunks();
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = high << 4 | low;
        }
        Some(bytes)
    }
}

/// The value of a lower-case hexadecimal digit; 255 for what is none.
const fn hex(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    match (number, letter) {
        (..10, _) => number,
        (_, ..6) => letter + 10,
        _ => u8::MAX,
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guid(bytes) => {
                let digits = sha256::written(bytes);
                for part in [0..8, 8..12, 12..16, 16..20, 20..32] {
                    if part.start > 0 {
                        f.write_str("-")?;
                    }
                    f.write_str(digits.get(part).unwrap_or_default())?;
                }
                Ok(())
            }
            Self::Other(text) => f.write_str(text),
            Self::Missing => Ok(()),
        }
    }
}

/// One event as evidence: where it lies, and the facts a reviewer asks for first.
/// No parameter or response values: those may be confidential and stay in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sample {
    /// Seconds since 1970; nothing for an undated record.
    #[serde(serialize_with = "iso_time")]
    pub time: Option<Epoch>,
    pub event_id: String,
    /// The object's name below the source, and the record's place in it, from 0.
    pub object: String,
    pub record: u32,
    pub event_source: String,
    pub event_name: String,
    pub account: String,
    pub region: String,
    pub principal: String,
    pub target: String,
    pub source_ip: String,
    /// The id of the access key of the call. It identifies the credentials; it is no secret.
    pub access_key: String,
    pub user_agent: String,
    pub outcome: String,
    pub error_code: String,
    pub error_message: String,
}

/// Times are seconds inside and RFC 3339 outside.
pub fn iso_time<S: serde::Serializer>(time: &Option<Epoch>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.serialize_str(&crate::event::time::iso(*time)),
        None => to.serialize_none(),
    }
}

/// Between the values of a group.
pub const GROUP_SEPARATOR: char = '\u{1f}';

/// The three outcomes of a call that matter to a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Success,
    /// Refused for want of permission.
    Denied,
    /// Any other error, a failed sign-in among them.
    Failed,
}

impl Outcome {
    /// The word in `trailscan.outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// One rule, one actor, one resource, one period, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Hash of rule, actor, resource and period: the same however often the period is reviewed.
    pub id: String,
    /// The ids that it had when its rule had other names; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    pub rule: String,
    /// The rule's Sigma `id`; empty for a rule without one.
    pub rule_id: String,
    pub title: String,
    pub level: Severity,
    pub actor: String,
    pub resource: String,
    /// The ISO week (UTC) the events lie in, `2026-W47`; `undated` for records without a time.
    pub period: String,
    pub count: u64,
    #[serde(serialize_with = "iso_time")]
    pub first: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub last: Option<Epoch>,
    /// Calls by name, with how many of them were refused or failed.
    pub calls: BTreeMap<String, CallCount>,
    pub accounts: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    /// Addresses the calls came from; at most [`Finding::MOST_ADDRESSES`], the rest are counted.
    pub source_ips: BTreeSet<String>,
    pub more_source_ips: u64,
    /// The principals of the calls; at most [`Finding::MOST_ACTORS`], the rest are counted.
    pub actors: BTreeSet<String>,
    pub more_actors: u64,
    /// The ids of the access keys of the calls; at most [`Finding::MOST_ACCESS_KEYS`], the rest are
    /// counted.
    pub access_keys: BTreeSet<String>,
    pub more_access_keys: u64,
    /// In the order of time, at most [`Finding::MOST_SAMPLES`]: the first and the last event, one for
    /// each call with its outcome, access key and address, then the earliest.
    pub samples: Vec<Sample>,
    /// CFR citations, in the catalogue's order.
    pub citations: Vec<String>,
    pub attack: Vec<String>,
    /// What a correlation saw: "12 in 10 minutes, threshold 5".
    pub correlation: Option<String>,
    pub why: String,
    pub response: Vec<String>,
    pub false_positives: Vec<String>,
}

impl Finding {
    pub const MOST_SAMPLES: usize = 10;
    pub const MOST_ADDRESSES: usize = 20;
    pub const MOST_ACTORS: usize = 20;
    pub const MOST_ACCESS_KEYS: usize = 20;

    /// The order of every report: most severe first, then most recent, then by name.
    pub fn order(&self) -> impl Ord + use<> {
        (
            std::cmp::Reverse(self.level),
            std::cmp::Reverse(self.last),
            self.rule.clone(),
            self.actor.clone(),
            self.resource.clone(),
            self.period.clone(),
        )
    }

    /// How many objects were changed, at least and at most, where the calls are object changes and
    /// batches are among them: each `DeleteObjects` names 1 to 1,000 keys, and CloudTrail does not
    /// say how many.
    pub fn objects_range(&self) -> Option<(u64, u64)> {
        const SINGLE: [&str; 5] = [
            "PutObject",
            "CopyObject",
            "CompleteMultipartUpload",
            "PostObject",
            "DeleteObject",
        ];
        let batches = self.calls.get("DeleteObjects")?.succeeded;
        let mut single = 0;
        for (name, count) in self
            .calls
            .iter()
            .filter(|(name, _)| *name != "DeleteObjects")
        {
            if !SINGLE.contains(&name.as_str()) {
                return None;
            }
            single += count.succeeded;
        }
        (batches > 0).then_some((single + batches, single + batches * 1_000))
    }
}

impl CallCount {
    /// Counts one call.
    pub const fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.succeeded += 1,
            Outcome::Denied => self.denied += 1,
            Outcome::Failed => self.failed += 1,
        }
    }

    /// Adds the calls of another count.
    pub const fn merge(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.denied += other.denied;
        self.failed += other.failed;
    }
}

/// How often one call was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct CallCount {
    pub succeeded: u64,
    /// Refused for want of permission.
    pub denied: u64,
    /// Any other error.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_printed_as_it_was_read() {
        for text in [
            "a150ec6a-7b27-4b35-80ca-dde11f3575fe",
            "e17",
            "A150EC6A-7B27-4B35-80CA-DDE11F3575FE",
            "",
        ] {
            assert_eq!(EventId::parse(text).to_string(), text);
        }
        assert!(matches!(
            EventId::parse("00000000-0000-4000-8000-000000000001"),
            EventId::Guid(_)
        ));
    }

    /// The slow twin: one digit at a time.
    fn slow(text: &[u8]) -> Option<[u8; 16]> {
        let hyphens = [8, 13, 18, 23];
        if text.len() != 36 || hyphens.iter().any(|at| text[*at] != b'-') {
            return None;
        }
        let mut digits = (0..36).filter(|at| !hyphens.contains(at));
        let value = digits.try_fold(0u128, |value, at| {
            let digit = match text[at] {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            Some(value << 4 | u128::from(digit))
        });
        value.map(u128::to_be_bytes)
    }

    #[test]
    fn digits_read_at_once_say_what_one_after_the_other_says_whatever_byte_stands_where() {
        let id = b"a150ec6a-7b27-4b35-80ca-dde11f3575fe";
        for at in 0..id.len() {
            for byte in 0..=u8::MAX {
                let mut text = *id;
                text[at] = byte;
                assert_eq!(EventId::guid(&text), slow(&text), "{byte} at {at}");
            }
            assert_eq!(EventId::guid(&id[..at]), None);
        }
        assert_eq!(EventId::guid(&[&id[..], b"0"].concat()), None);
    }
}
