//! Which fields of a record may hold a credential, and records shown without their credentials.
//!
//! A few calls return or take credentials: AssumeRole returns a session token, CreateAccessKey a secret
//! key, GenerateDataKey a plaintext key. CloudTrail omits most of them, and not all of them. A rule may
//! test such a field, but no report, state file or terminal may show its value.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::event::Event;
use crate::event::json::{Raw, Value};

/// What stands where the value of such a field would.
pub(super) const MASK: &str = "(secret, not shown)";

/// How a name ends, in lower case and without separators, whose value may be a credential.
const ENDINGS: [&str; 17] = [
    "token",
    "password",
    "passwd",
    "passworddata",
    "passphrase",
    "secret",
    "secretkey",
    "secretaccesskey",
    "secretstring",
    "secretbinary",
    "secretvalue",
    "plaintext",
    "privatekey",
    "privatekeydata",
    "keymaterial",
    "samlassertion",
    "apikeyvalue",
];

/// The shortest text that is compared with credentials found elsewhere in the record: shorter ones,
/// such as `true`, are equal by chance.
const LEAST_TEXT: usize = 6;

/// How many levels of a record are searched for credentials. CloudTrail's own records have few.
const MOST_LEVELS: usize = 100;

/// True if a member of this name may hold a credential.
pub(super) fn is_secret(name: &str) -> bool {
    let separators = ['-', '_', ' '];
    let plain = name.replace(separators, "").to_ascii_lowercase();
    // a member whose name has dots is a path in itself
    let mut parts = plain.split('.').map(|part| part.trim_end_matches("[]"));
    parts.any(|part| ENDINGS.iter().any(|ending| part.ends_with(ending)))
}

/// A JSON value in text, with a mask in place of every credential. A text without one stays as it is.
pub(crate) fn masked(raw: &Raw<'_>) -> String {
    let text = raw.as_str();
    let Ok(mut value) = serde_json::from_str::<Json>(text) else {
        // deeper than any record of CloudTrail, so its members are not known
        return MASK.to_owned();
    };
    if !mask(&mut value) {
        return text.to_owned();
    }
    value.to_string()
}

/// Masks every credential below; true if there was one.
fn mask(value: &mut Json) -> bool {
    let mut found = false;
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                if is_secret(name) {
                    *member = Json::from(MASK);
                    found = true;
                } else {
                    found |= mask(member);
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                found |= mask(item);
            }
        }
        _ => {}
    }
    found
}

/// The texts of a record that may be credentials.
pub(super) fn texts(event: &Event<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    gather(Raw::new(event.whole()), false, MOST_LEVELS, &mut found);
    found
}

fn gather(raw: Raw<'_>, secret: bool, levels: usize, found: &mut BTreeSet<String>) {
    let Some(levels) = levels.checked_sub(1) else {
        return;
    };
    if raw.is_array() {
        raw.items()
            .for_each(|item| gather(item, secret, levels, found));
    } else if raw.is_object() {
        for (name, member) in raw.members() {
            gather(member, secret || is_secret(&name), levels, found);
        }
    } else if secret {
        let text = match raw.value() {
            Value::Text(text) if text.len() >= LEAST_TEXT => text,
            _ => return,
        };
        found.insert(text.into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_known_by_the_names_of_their_fields() {
        for name in [
            "sessionToken",
            "SECRETACCESSKEY",
            "masterUserPassword",
            "secret_access_key",
            "secretString",
            "client-secret",
            "privateKeyPlaintext",
            "keyMaterial",
            "credentials.sessionToken",
            "token[]",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "accessKeyId",
            "secretId",
            "keyId",
            "passwordResetRequired",
            "ciphertextBlob",
            "bucketName",
            "tokenCode",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn nested_values_are_shown_without_their_credentials() {
        let text = r#"{"b": 1.50, "a":[{"password":{"x":"y"}}]}"#;
        let shown = masked(&Raw::new(text));
        assert!(shown.contains(MASK) && !shown.contains("\"y\""), "{shown}");
        let text = r#"{"b": 1.50, "a":[]}"#;
        assert_eq!(masked(&Raw::new(text)), text);
    }
}
