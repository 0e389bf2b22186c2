//! What tells whether two records are of one call.

use crate::event::content::ContentKey;
use crate::event::json::Raw;
use crate::event::{Event, Key};
use crate::finding::{EventId, Outcome};
use crate::tally::Shared;

/// True where the record has an `addendum` with a reason: AWS writes one into a record that it delivers
/// late or corrects ([record contents](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html)).
#[inline]
pub(super) fn corrects(event: &Event<'_>) -> bool {
    let addendum = event.raw(Key::Addendum);
    !addendum.is_absent() && !event.text_at(Key::Addendum, &["reason"]).is_empty()
}

/// What a call that several accounts recorded is known by; nothing for any other record. Insight
/// records bear a `sharedEventID` too, which joins the start and the end
/// ([Insights events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html)).
#[inline]
pub(super) fn shared(event: &Event<'_>, outcome: Outcome, key: &ContentKey) -> Option<Shared> {
    if event.raw(Key::SharedEventId).is_absent() || event.is(Key::EventType, "AwsCloudTrailInsight")
    {
        return None;
    }
    of_several_accounts(event, outcome, key)
}

fn of_several_accounts(event: &Event<'_>, outcome: Outcome, key: &ContentKey) -> Option<Shared> {
    let id = match EventId::parse(&event.text(Key::SharedEventId)) {
        EventId::Guid(bytes) => u128::from_be_bytes(bytes),
        EventId::Other(text) => {
            u128::from(key.of((0u8, &text))) << 64 | u128::from(key.of((1u8, &text)))
        }
        EventId::Missing => return None,
    };
    // whoever chooses a shared id must not hide a call by it: the records agree in all that rules look
    // at first, and one of them has no more to say than who called
    let texts = [
        Key::EventSource,
        Key::EventName,
        Key::EventTime,
        Key::EventType,
        Key::AwsRegion,
        Key::SourceIpAddress,
        Key::ErrorCode,
    ];
    let texts = texts.map(|text| event.text(text));
    let caller = event.text_at(Key::UserIdentity, &["accountId"]);
    let asked = value(event.raw(Key::RequestParameters), key);
    let half = |text: &str| (key.bytes(text) >> 32) as u32;
    let principal = event.text_at(Key::UserIdentity, &["principalId"]);
    Some(Shared {
        id,
        says: key.of((texts, caller, asked, outcome)),
        caller: match &*principal {
            "" => 0,
            principal => half(principal).max(1),
        },
        names: names(event, key),
        recipient: half(&event.account()),
    })
}

/// The number of all that a finding names the caller by; zero where the record gives only ids. Whoever
/// copies the ids of a caller could give them another name.
fn names(event: &Event<'_>, key: &ContentKey) -> u32 {
    let user = event.user();
    let issuer = event.session_issuer();
    let names = [
        user.arn(),
        issuer.arn(),
        issuer.user_name(),
        user.user_name(),
    ]
    .map(|name| event.read(name));
    let kind = event.read(user.kind());
    match &*kind == "AWSAccount" && names.iter().all(|name| name.is_empty()) {
        true => 0,
        false => ((key.of((kind, names)) >> 32) as u32).max(1),
    }
}

/// The number of a JSON value, absent ones as null.
fn value(raw: Raw<'_>, key: &ContentKey) -> u64 {
    match raw.is_null() {
        true => 0,
        false => key.value(raw.as_str()),
    }
}
