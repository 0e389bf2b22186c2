//! Where a rule's field lies in a record.

use super::Key;
use super::user_identity::{IssuerMember, UserMember};

/// A part of a record that is read once an event, because nearly every rule and table asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortcut {
    None,
    /// A member of `userIdentity`.
    User(UserMember),
    /// A member of `userIdentity.sessionContext.sessionIssuer`.
    Issuer(IssuerMember),
}

impl Shortcut {
    fn new(key: Key, rest: &[String]) -> Self {
        let names: Vec<&str> = rest.iter().map(String::as_str).collect();
        let issuer = |name: &str| IssuerMember::from_name(name).map(Self::Issuer);
        match (key, names.as_slice()) {
            (Key::UserIdentity, ["sessionContext", "sessionIssuer", name]) => issuer(name),
            (Key::UserIdentity, [name, ..]) => UserMember::from_name(name).map(Self::User),
            _ => None,
        }
        .unwrap_or(Self::None)
    }
}

/// Where a rule's field lies in a record, worked out once when the rule is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Path {
    /// A documented top-level key.
    Key(Key),
    /// A path below one.
    Below(Key, Vec<String>, Shortcut),
    /// A key AWS does not document, and what lies below it.
    Other(Vec<String>),
}

impl Path {
    /// Splits a dotted field name. `resources[].ARN` means what `resources.ARN` means.
    pub fn new(field: &str) -> Self {
        let mut parts = field
            .split('.')
            .map(|part| part.strip_suffix("[]").unwrap_or(part).to_owned());
        let first = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.collect();
        match (Key::from_name(&first), rest.is_empty()) {
            (Some(key), true) => Self::Key(key),
            (Some(key), false) => {
                let shortcut = Shortcut::new(key, &rest);
                Self::Below(key, rest, shortcut)
            }
            (None, _) => Self::Other(std::iter::once(first).chain(rest).collect()),
        }
    }
}
