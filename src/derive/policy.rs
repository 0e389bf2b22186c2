//! What a policy in a request grants.

use serde_json::Value as Json;

use crate::event::json::Raw;
use crate::event::{Event, Key};

/// AWS's own policies that give, or let their holder give himself, everything.
const ADMINISTRATOR: [&str; 3] = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];

/// True where the call attaches one of AWS's administrator policies, or writes a document that
/// allows every action, or all of IAM, on every resource. `NotAction` allows all it does not name.
pub fn grants_admin(event: &Event<'_>) -> bool {
    let arn = event.text_at(Key::RequestParameters, &["policyArn"]);
    let managed = arn
        .split_once(":iam::aws:policy/")
        .map(|(_, path)| path.rsplit('/').next().unwrap_or(path));
    if managed.is_some_and(|name| ADMINISTRATOR.contains(&name)) {
        return true;
    }
    statements(event.at(Key::RequestParameters, &["policyDocument"]))
        .iter()
        .any(|statement| {
            let everything = |action: &str| {
                matches!(action, "*" | "*:*") || action.eq_ignore_ascii_case("iam:*")
            };
            allows(statement)
                && texts(&statement["Resource"]).any(|resource| resource == "*")
                && (texts(&statement["Action"]).any(everything)
                    || !statement["NotAction"].is_null())
        })
}

/// True where a bucket policy in the request allows everybody, without any condition.
pub fn is_public(event: &Event<'_>) -> bool {
    let names = [
        "bucketPolicy",
        "policy",
        "policyText",
        "policyDocument",
        "assumeRolePolicyDocument",
    ];
    names
        .iter()
        .flat_map(|name| statements(event.at(Key::RequestParameters, &[name])))
        .any(|statement| {
            let principal = &statement["Principal"];
            let everybody = |value: &Json| texts(value).any(|text| text == "*");
            allows(&statement)
                && (everybody(principal) || everybody(&principal["AWS"]))
                && statement["Condition"]
                    .as_object()
                    .is_none_or(serde_json::Map::is_empty)
        })
}

fn allows(statement: &Json) -> bool {
    statement["Effect"]
        .as_str()
        .is_some_and(|effect| effect.eq_ignore_ascii_case("Allow"))
}

/// A text, or the texts of a list.
fn texts(value: &Json) -> impl Iterator<Item = &str> {
    let list = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Json::as_str)
}

/// The statements of a document, which stands in a record as an object, as JSON text, or as URL
/// encoded JSON text. A lone statement needs no list (IAM user guide, "Statement").
fn statements(raw: Raw<'_>) -> Vec<Json> {
    let text = match raw.string() {
        Some(text) if text.trim_start().starts_with('%') => percent_decoded(&text),
        Some(text) => text.into_owned(),
        None => raw.as_str().to_owned(),
    };
    let mut document: Json = serde_json::from_str(&text).unwrap_or_default();
    // what is no object has no statements; to index it for writing would panic
    match document.get_mut("Statement").map(Json::take) {
        Some(Json::Array(list)) => list,
        Some(Json::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
