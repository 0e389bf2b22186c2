//! Where a rule's field lies in a record, and the way there.

use super::json::{Raw, Value};
use super::user_identity::{IssuerMember, SessionMember, UserMember};
use super::{Event, Key};

/// A part of a record that is read once an event, because nearly every rule and table asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortcut {
    None,
    /// A member of `userIdentity`.
    User(UserMember),
    /// A member of `userIdentity.sessionContext`, or what lies below it.
    Session(SessionMember),
    /// A member of `userIdentity.sessionContext.sessionIssuer`.
    Issuer(IssuerMember),
}

impl Shortcut {
    fn new(key: Key, rest: &[String]) -> Self {
        let names: Vec<&str> = rest.iter().map(String::as_str).collect();
        let issuer = |name: &str| IssuerMember::from_name(name).map(Self::Issuer);
        let session = |name: &str| SessionMember::from_name(name).map(Self::Session);
        match (key, names.as_slice()) {
            (Key::UserIdentity, ["sessionContext", "sessionIssuer", name]) => issuer(name),
            (Key::UserIdentity, [context @ "sessionContext", name, ..]) => {
                session(name).or_else(|| UserMember::from_name(context).map(Self::User))
            }
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

impl<'a> Event<'a> {
    /// [`Self::scalar_at`] for a path to a member of an object that lies at the end of a shortcut, or to
    /// a member of the session.
    pub fn scalar_below(&self, path: &Path) -> Option<&'a str> {
        let Path::Below(_, rest, shortcut) = path else {
            return None;
        };
        let (object, steps) = self.short(*shortcut)?;
        let found = match rest.get(steps..)? {
            [] if steps == 2 => object,
            [name] if !self.folded && object.is_object() => self.get(object, name),
            _ => return None,
        };
        (!found.is_object() && !found.is_array()).then_some(found.as_str())
    }
}

/// How many lists directly inside lists are entered: CloudTrail writes two at most, and a
/// hostile record must not overflow the stack.
pub(super) const LISTS_IN_LISTS: u32 = 64;

/// Calls `visit` with every value at the end of the rest of a path, until it answers true.
pub(super) fn descend<'a>(
    value: Raw<'a>,
    rest: &[String],
    folded: bool,
    lists: u32,
    visit: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if value.is_array() {
        return lists > 0
            && value
                .items()
                .any(|item| descend(item, rest, folded, lists - 1, visit));
    }
    let Some((first, deeper)) = rest.split_first() else {
        return !value.is_absent() && visit(value.value());
    };
    if !value.is_object() {
        return false;
    }
    if deeper.is_empty() && !folded {
        return descend(value.get(first), deeper, folded, lists, visit);
    }
    // a key written twice counts once, with its last value
    let mut found = Raw::default();
    let mut flat = Raw::default();
    for (name, member) in value.members() {
        if name == *first || (folded && name.eq_ignore_ascii_case(first)) {
            found = member;
        } else if !deeper.is_empty() && is_joined(&name, rest) {
            flat = member;
        }
    }
    if !flat.is_absent() {
        return descend(flat, &[], folded, lists, visit);
    }
    !found.is_absent() && descend(found, deeper, folded, lists, visit)
}

/// The twin of [`descend`] that asks for the key and not for its values.
pub(super) fn is_there(value: Raw<'_>, rest: &[String], folded: bool, lists: u32) -> bool {
    let Some((first, deeper)) = rest.split_first() else {
        return !value.is_absent();
    };
    if value.is_array() {
        return lists > 0
            && value
                .items()
                .any(|item| is_there(item, rest, folded, lists - 1));
    }
    let mut found = Raw::default();
    for (name, member) in value.members() {
        if name == *first || (folded && name.eq_ignore_ascii_case(first)) {
            found = member;
        } else if !deeper.is_empty() && is_joined(&name, rest) {
            return true;
        }
    }
    is_there(found, deeper, folded, lists)
}

/// True where the name is these parts with dots between them.
pub(super) fn is_joined(name: &str, parts: &[String]) -> bool {
    let mut rest = name;
    for (place, part) in parts.iter().enumerate() {
        let dot = if place > 0 {
            rest.strip_prefix('.')
        } else {
            Some(rest)
        };
        match dot.and_then(|rest| rest.strip_prefix(part.as_str())) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a path reaches, by a walk through all members, which knows no shortcut.
    fn by_walk(event: &Event<'_>, path: &str) -> Vec<String> {
        let Path::Below(key, rest, _) = Path::new(path) else {
            unreachable!("the paths of this test lie below a documented key");
        };
        let mut found = Vec::new();
        descend(
            event.raw(key),
            &rest,
            event.folded,
            LISTS_IN_LISTS,
            &mut |value| {
                found.extend(value.as_text().map(|text| text.into_owned()));
                false
            },
        );
        found
    }

    #[test]
    fn members_of_a_session_are_found_as_a_walk_finds_them() {
        let sessions = [
            r#"{"attributes":{"mfaAuthenticated":"true"},"ec2RoleDelivery":"1.0"}"#,
            r#"{"ec2RoleDelivery":"1.0","sessionIssuer":{"arn":"a"},"ec2RoleDelivery":"2.0"}"#,
            r#"{"\u0065c2RoleDelivery":"1.0","attributes":{"x":1,"mfaAuthenticated":false}}"#,
            r#"{"ec2RoleDelivery":["1.0","2.0"],"attributes":[{"mfaAuthenticated":"true"}]}"#,
            r#"[{"ec2RoleDelivery":"1.0"},{"attributes":{"mfaAuthenticated":"x"}}]"#,
            r#"{"attributes.mfaAuthenticated":"flat","attributes":{"mfaAuthenticated":"nested"}}"#,
            r#"{"ec2RoleDelivery":null,"attributes":"none"}"#,
            "{}",
            "null",
        ];
        let paths = [
            "userIdentity.sessionContext.ec2RoleDelivery",
            "userIdentity.sessionContext.attributes.mfaAuthenticated",
            "userIdentity.sessionContext.webIdFederationData.federatedProvider",
        ];
        let events = sessions.iter().flat_map(|session| {
            let inside = format!(r#"{{"type":"AssumedRole","sessionContext":{session}}}"#);
            let usual = format!(r#"{{"eventName":"A","userIdentity":{inside}}}"#);
            [usual.to_lowercase(), usual]
        });
        let mut reached = 0;
        for text in events {
            let event = Event::of(Raw::new(&text));
            for path in paths {
                let expected = by_walk(&event, path);
                let parsed = Path::new(path);
                let mut found = Vec::new();
                event.visit(&parsed, &mut |value| {
                    found.extend(value.as_text().map(|text| text.into_owned()));
                    false
                });
                assert_eq!(found, expected, "{path} {text}");
                if let Some(scalar) = event.scalar_below(&parsed) {
                    let scalar = Raw::new(scalar).text();
                    let scalar: Vec<_> = scalar.iter().map(|text| text.to_string()).collect();
                    assert_eq!(scalar, expected, "{path} {text}");
                }
                reached += expected.len();
            }
        }
        assert!(reached > 15, "{reached}");
    }
}
