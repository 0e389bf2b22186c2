//! Request parameters that CloudTrail omitted because they were too large.
//!
//! Over 100 KB CloudTrail writes
//! `{"omitted": true, "originalSize": 131021, "reason": "requestParameters too large"}` in their
//! place ([record contents](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html)).
//! What was requested is then unknown, which is not the same as absent.

use std::borrow::Cow;

use crate::event::json::Raw;
use crate::event::{Event, Key};

/// The members of the object that stands for omitted parameters. Older records say `truncated`.
const MEMBERS: [&str; 4] = ["omitted", "originalSize", "reason", "truncated"];

/// True where a notice stands in place of the request parameters: an object of nothing but
/// `MEMBERS`, or a sentence. Values may be written as text.
pub fn request(event: &Event<'_>) -> bool {
    is_notice(event.raw(Key::RequestParameters))
}

fn is_notice(raw: Raw<'_>) -> bool {
    // asked of every event, so that nearly all must be turned away by the first few bytes
    let text = raw.as_str();
    match text.as_bytes().first() {
        Some(b'{') => may_be_notice(text) && is_notice_object(raw),
        Some(b'"') => raw.string().is_some_and(says_too_large),
        _ => false,
    }
}

/// True where the first member of the object is one of [`MEMBERS`].
fn may_be_notice(text: &str) -> bool {
    let inside = text.get(1..).unwrap_or_default();
    let Some(key) = inside.trim_start().strip_prefix('"') else {
        return false;
    };
    let Some(first) = key.bytes().next() else {
        return false;
    };
    let begins = |name: &str| {
        let head = key.get(..name.len());
        name.bytes().next() == Some(first.to_ascii_lowercase())
            && head.is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    MEMBERS.iter().any(|name| begins(name))
}

fn is_notice_object(raw: Raw<'_>) -> bool {
    let mut says_so = false;
    for (name, value) in raw.members() {
        let is = |member: &str| name.eq_ignore_ascii_case(member);
        if !MEMBERS.iter().any(|member| is(member)) {
            return false;
        }
        let text = value.text().unwrap_or_default();
        says_so |= match is("reason") {
            true => says_too_large(text),
            false => !is("originalSize") && text.eq_ignore_ascii_case("true"),
        };
    }
    says_so
}

fn says_too_large(text: Cow<'_, str>) -> bool {
    let text = text.to_ascii_lowercase();
    ["too large", "omitted", "truncated"]
        .iter()
        .any(|word| text.contains(word))
}
