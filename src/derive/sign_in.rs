//! Sign-ins: whether one failed, and for which user.

use std::borrow::Cow;

use super::part;
use crate::event::json::Raw;
use crate::event::{Event, Key};

/// What AWS writes instead of a name that belongs to no user: it may be a mistyped password.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// True where a sign-in event says that the sign-in failed. The console writes the result into
/// `responseElements` (`"ConsoleLogin": "Failure"`), Identity Center into `serviceEventDetails`
/// (`"CredentialVerification": "Failure"`), and `aws login` into `additionalEventData.success`
/// ([sign-in events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html)).
pub fn failed(event: &Event<'_>) -> bool {
    if !is_sign_in(event) {
        return false;
    }
    let failure = |value: Raw<'_>| {
        let text = value.text();
        text.is_some_and(|text| {
            text.eq_ignore_ascii_case("Failure") || text.eq_ignore_ascii_case("Failed")
        })
    };
    let any_failure = |key: Key| event.raw(key).members().any(|(_, value)| failure(value));
    any_failure(Key::ResponseElements)
        || any_failure(Key::ServiceEventDetails)
        || event
            .text_at(Key::AdditionalEventData, &["success"])
            .eq_ignore_ascii_case("false")
}

/// The user of a sign-in event, by name where the record has one, else by Identity Center's id;
/// `root` for the root user. Empty where the record names nobody, and for all other events.
pub fn user<'a>(event: &Event<'a>) -> Cow<'a, str> {
    if !is_sign_in(event) {
        return Cow::Borrowed("");
    }
    if event.text_at(Key::UserIdentity, &["type"]) == "Root" {
        return Cow::Borrowed("root");
    }
    let names = [
        event.text_at(Key::UserIdentity, &["userName"]),
        event.text_at(Key::AdditionalEventData, &["UserName"]),
        event.text_at(Key::UserIdentity, &["onBehalfOf", "userId"]),
    ];
    let named = names.into_iter().find_map(|name| {
        part(name, |name| {
            (!name.is_empty() && name != HIDDEN).then_some(name)
        })
    });
    named.unwrap_or_default()
}

fn is_sign_in(event: &Event<'_>) -> bool {
    event.is(Key::EventSource, "signin.amazonaws.com")
        || event.is(Key::EventSource, "sso.amazonaws.com")
}
