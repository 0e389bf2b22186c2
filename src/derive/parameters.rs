//! Request parameters as a JSON tree, for the few calls whose shape differs from service to service.
//!
//! Member names are compared without case: services write `cidrIp`, `CidrIpv4` and `cIDRIP`, and some
//! exports fold every name to lower case.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::event::json::{Raw, Value};
use crate::event::{Event, Key};

/// How deep a tree is read. CloudTrail nests half as deep.
const DEPTH: usize = 32;

/// The request parameters of a call; null where it has none.
pub(super) fn of(event: &Event<'_>) -> Json {
    json(event.raw(Key::RequestParameters), DEPTH)
}

/// A value of a record as a tree. Unlike `serde_json::from_str` it reads text with lone surrogates, which
/// would otherwise hide all the rest.
fn json(raw: Raw<'_>, depth: usize) -> Json {
    match raw.value() {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(value),
        Value::Number(text) => {
            serde_json::from_str(&text).unwrap_or(Json::String(text.into_owned()))
        }
        Value::Text(text) => Json::String(text.into_owned()),
        Value::Nested(nested) => match depth.checked_sub(1) {
            None => Json::Null,
            Some(depth) if nested.is_array() => {
                nested.items().map(|one| json(one, depth)).collect()
            }
            Some(depth) => {
                let members = nested.members();
                let members = members.map(|(name, value)| (name.into_owned(), json(value, depth)));
                Json::Object(members.collect::<Map<_, _>>())
            }
        },
    }
}

/// A member by its name, whatever the case; null where there is none.
pub(super) fn member<'j>(object: &'j Json, name: &str) -> &'j Json {
    let mut members = object.as_object().into_iter().flatten();
    let found = members.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Json::Null, |(_, value)| value)
}

/// A member of a member, and so on.
pub(super) fn at<'j>(object: &'j Json, path: &[&str]) -> &'j Json {
    path.iter().fold(object, |value, name| member(value, name))
}

/// A text, or the texts of a list.
pub(super) fn texts(value: &Json) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Json::as_str)
}

/// A scalar as text: accounts and ports are written as texts and as numbers.
pub(super) fn text(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        Json::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The items of a list; a lone value is a list of one. EC2 writes lists as `{"items": [...]}`.
pub(super) fn list(value: &Json) -> &[Json] {
    let items = member(value, "items");
    let value = if items.is_null() { value } else { items };
    match value {
        Json::Array(items) => items,
        Json::Null => &[],
        one => std::slice::from_ref(one),
    }
}
