//! One CloudTrail record, borrowed from the inflated buffer.
//!
//! The names are those of AWS's page "CloudTrail record contents". A record is never copied and
//! never parsed whole: `decode` notes where each top-level value lies, the dozen hot ones are read
//! by name, and everything else is looked up on demand.

mod account;
pub mod content;
pub mod json;
pub mod local;
mod path;
mod shape;
pub mod time;
pub mod user_identity;

use std::borrow::Cow;
use std::cell::RefCell;

pub use account::{UNKNOWN_ACCOUNT, is_anonymous};
use json::{Raw, Value};
use path::{LISTS_IN_LISTS, descend, is_joined, is_there};
pub use path::{Path, Shortcut};
use time::{Epoch, TimeReader};
use user_identity::{Session, SessionContext, SessionIssuer, UserIdentity};

/// Declares the known top-level keys once: the variant, its spelling, and the table between them.
macro_rules! keys {
    ($($variant:ident = $name:literal,)*) => {
        /// A top-level key of a CloudTrail record (eventVersion 1.0 to 1.11).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key { $($variant,)* }

        impl Key {
            /// Every key, in the order AWS documents them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key of that exact spelling.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The key of that exact spelling, as it stands in a log.
            pub fn from_quoted(key: &str) -> Option<Self> {
                match key { $(concat!("\"", $name, "\"") => Some(Self::$variant),)* _ => None }
            }

            /// How CloudTrail spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

keys! {
    EventVersion = "eventVersion",
    UserIdentity = "userIdentity",
    EventTime = "eventTime",
    EventSource = "eventSource",
    EventName = "eventName",
    AwsRegion = "awsRegion",
    SourceIpAddress = "sourceIPAddress",
    UserAgent = "userAgent",
    ErrorCode = "errorCode",
    ErrorMessage = "errorMessage",
    RequestParameters = "requestParameters",
    ResponseElements = "responseElements",
    AdditionalEventData = "additionalEventData",
    RequestId = "requestID",
    EventId = "eventID",
    ReadOnly = "readOnly",
    Resources = "resources",
    EventType = "eventType",
    ApiVersion = "apiVersion",
    ManagementEvent = "managementEvent",
    RecipientAccountId = "recipientAccountId",
    SharedEventId = "sharedEventID",
    VpcEndpointId = "vpcEndpointId",
    VpcEndpointAccountId = "vpcEndpointAccountId",
    ServiceEventDetails = "serviceEventDetails",
    EventCategory = "eventCategory",
    Addendum = "addendum",
    SessionCredentialFromConsole = "sessionCredentialFromConsole",
    EdgeDeviceDetails = "edgeDeviceDetails",
    TlsDetails = "tlsDetails",
    InsightDetails = "insightDetails",
    EventContext = "eventContext",
}

/// One record. See the module's own words.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// What stands here counts only where `present` says so: records follow each other by the
    /// million, and clearing this table would cost more than filling it.
    fields: [Raw<'a>; Key::ALL.len()],
    /// One bit a key.
    present: u32,
    /// Keys that AWS does not document: envelopes, exports, newer versions.
    others: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// The export spelled every key in lower case (Athena, Panther): nested keys are then
    /// compared without case as well.
    folded: bool,
    /// No escape stands anywhere in it: its texts are what stands between their quotes.
    plain: bool,
    /// The whole record, as it stands in the buffer.
    whole: &'a str,
    time: Option<Epoch>,
    times: TimeReader,
    /// Nearly every rule and table asks for these, so they are read at once.
    user: UserIdentity<'a>,
    session: Session<'a>,
    /// The `userIdentity` that they were read from.
    caller: &'a str,
    remembered: RefCell<Vec<(usize, Option<Value<'a>>)>>,
}

impl<'a> Event<'a> {
    /// A record that no walk has read: its members, read byte by byte.
    pub fn of(raw: Raw<'a>) -> Self {
        let mut event = Self::default();
        event.note_whole(raw.as_str());
        for (name, value) in raw.members() {
            event.note(name, value);
        }
        event.finish();
        event
    }

    /// Makes room for the next record.
    pub fn clear(&mut self) {
        self.present = 0;
        self.others.clear();
        self.folded = false;
        self.plain = false;
        self.whole = "";
        self.time = None;
        self.user.clear();
        self.session.clear();
        self.caller = "";
        self.remembered.get_mut().clear();
    }

    /// Notes one member of the record. A key that stands twice keeps its last value, as
    /// serde_json, jq and Athena do; a rule sees what those readers see.
    #[inline]
    pub fn note(&mut self, name: Cow<'a, str>, value: Raw<'a>) {
        match Key::from_name(&name) {
            Some(key) => self.set(key, value),
            None => self.others.push((name, value)),
        }
    }

    /// Notes the value of a documented key.
    #[inline]
    pub fn set(&mut self, key: Key, value: Raw<'a>) {
        if let Some(slot) = self.fields.get_mut(key as usize) {
            *slot = value;
            self.present |= 1 << key as u32;
        }
    }

    /// Notes that no backslash stands in the record. Whoever does not know says nothing.
    pub const fn note_plain(&mut self, plain: bool) {
        self.plain = plain;
    }

    /// Notes the text of the whole record.
    pub const fn note_whole(&mut self, text: &'a str) {
        self.whole = text;
    }

    /// True for a record of an export that spells every key in lower case.
    pub const fn is_folded(&self) -> bool {
        self.folded
    }

    /// The text of the whole record, by which copies are compared; empty where nobody noted it.
    pub const fn whole(&self) -> &'a str {
        self.whole
    }

    /// Ends the noting: recognises lower-case exports, reads the time and who called.
    pub fn finish(&mut self) {
        if self.raw(Key::EventName).is_absent() && self.raw(Key::EventVersion).is_absent() {
            for (name, value) in std::mem::take(&mut self.others) {
                let lower = |key: &&Key| {
                    key.as_str().eq_ignore_ascii_case(&name)
                        && !name.contains(|c: char| c.is_ascii_uppercase())
                };
                match Key::ALL.iter().find(lower) {
                    Some(key) => {
                        self.folded = true;
                        self.set(*key, value);
                    }
                    None => self.others.push((name, value)),
                }
            }
        }
        let time = self.text(Key::EventTime);
        self.time = self.times.parse(&time);
        let caller = self.raw(Key::UserIdentity);
        if self.folded || !std::ptr::eq(caller.as_str(), self.caller) {
            self.user.clear();
            self.user.read(caller, self.folded);
            let session = self.user.session_context();
            self.session.read(session, self.folded);
        }
    }

    /// Where a walk that meets `userIdentity` notes its members, and those of its session.
    pub const fn caller(&mut self) -> (&mut UserIdentity<'a>, &mut Session<'a>) {
        (&mut self.user, &mut self.session)
    }

    /// Notes a `userIdentity` whose members the walk has noted.
    pub fn set_caller(&mut self, value: Raw<'a>) {
        self.caller = value.as_str();
        self.set(Key::UserIdentity, value);
    }

    /// The value of a documented key, unread.
    pub fn raw(&self, key: Key) -> Raw<'a> {
        match self.fields.get(key as usize) {
            Some(value) if self.present & (1 << key as u32) != 0 => *value,
            _ => Raw::default(),
        }
    }

    /// The documented keys that the record has, one bit a key.
    pub const fn keys(&self) -> u32 {
        self.present
    }

    /// The value of an undocumented key, unread.
    pub fn other(&self, name: &str) -> Raw<'a> {
        self.others
            .iter()
            .rfind(|(key, _)| key == name)
            .map_or(Raw::default(), |(_, value)| *value)
    }

    /// True where a documented key holds that very text.
    pub fn is(&self, key: Key, text: &str) -> bool {
        self.raw(key).is_text(text)
    }

    /// A documented key's scalar as text; empty where it is absent, null or nested.
    #[inline]
    pub fn text(&self, key: Key) -> Cow<'a, str> {
        self.read(self.raw(key))
    }

    /// A scalar of this record as text; empty where it is absent, null or nested.
    #[inline]
    pub fn read(&self, raw: Raw<'a>) -> Cow<'a, str> {
        match self.plain {
            true => Cow::Borrowed(raw.unescaped().unwrap_or_default()),
            false => raw.text().unwrap_or_default(),
        }
    }

    /// The content of a string of this record in which no escape stands.
    #[inline]
    pub fn plain_text(&self, raw: Raw<'a>) -> Option<&'a str> {
        match self.plain {
            true => raw.quoted(),
            false => raw.plain(),
        }
    }

    /// `eventTime` in seconds; `None` if it is missing or unreadable ("undated").
    pub const fn time(&self) -> Option<Epoch> {
        self.time
    }

    /// `userIdentity`.
    pub const fn user(&self) -> &UserIdentity<'a> {
        &self.user
    }

    /// `userIdentity.sessionContext.sessionIssuer`.
    pub const fn session_issuer(&self) -> &SessionIssuer<'a> {
        &self.session.issuer
    }

    /// `userIdentity.sessionContext`, as AWS spells its members.
    pub const fn session_context(&self) -> &SessionContext<'a> {
        &self.session.context
    }

    /// A member below a documented key, by plain path (`userIdentity.sessionContext.attributes`).
    pub fn at(&self, key: Key, path: &[&str]) -> Raw<'a> {
        if self.folded {
            return path.iter().fold(self.raw(key), |value, name| {
                value
                    .members()
                    .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                    .last()
                    .map_or(Raw::default(), |(_, found)| found)
            });
        }
        path.iter()
            .fold(self.raw(key), |value, name| self.get(value, name))
    }

    /// The members of these names below a documented key, in one pass; absent where there are none.
    pub fn members_of<const N: usize>(&self, key: Key, names: &[&str; N]) -> [Raw<'a>; N] {
        match self.folded {
            true => names.map(|name| self.at(key, &[name])),
            false => self.named(self.raw(key), names),
        }
    }

    /// The member of that name in an object of this record.
    pub fn get(&self, object: Raw<'a>, name: &str) -> Raw<'a> {
        let [found] = self.named(object, &[name]);
        found
    }

    /// [`Raw::named`] of an object in this record.
    pub fn named<const N: usize>(&self, object: Raw<'a>, names: &[&str; N]) -> [Raw<'a>; N] {
        object.named(names, self.plain || object.is_plain())
    }

    /// `at`, as text; empty where there is no scalar.
    pub fn text_at(&self, key: Key, path: &[&str]) -> Cow<'a, str> {
        self.read(self.at(key, path))
    }

    /// Calls `visit` with every value that the path reaches, until it answers true; answers whether
    /// it did. Lists are entered at every level, as CloudTrail nests them
    /// (`requestParameters.ipPermissions.items.ipRanges.items.cidrIp`). A list at the end of the
    /// path is visited item by item. Nothing is visited where the path leads nowhere.
    pub fn visit(&self, path: &Path, visit: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        let (root, rest) = match path {
            Path::Key(key) => (self.raw(*key), &[][..]),
            Path::Below(key, rest, shortcut) => match self.short(*shortcut) {
                Some((value, steps)) => (value, rest.get(steps..).unwrap_or_default()),
                None => (self.raw(*key), rest.as_slice()),
            },
            Path::Other(parts) => {
                // a flat key that itself holds dots wins over a nested one
                let flat = self.other(&parts.join("."));
                match (flat.is_absent(), parts.split_first()) {
                    (true, Some((first, rest))) => (self.other(first), rest),
                    _ => (flat, &[][..]),
                }
            }
        };
        descend(root, rest, self.folded, LISTS_IN_LISTS, visit)
    }

    /// The scalar at the end of a path that leads to one place at most: a documented key, a
    /// shortcut, or a member of the object under a documented key. As it stands there, and empty where
    /// nothing does; `None` if the path must be walked or something nested lies there.
    #[inline]
    pub fn scalar_at(&self, path: &Path) -> Option<&'a str> {
        let found = match path {
            Path::Key(key) => self.raw(*key),
            Path::Below(key, rest, shortcut) => match (self.short(*shortcut), rest.as_slice()) {
                // an export may have flattened the way there, which only a walk tells
                (Some(_), _) if matches!(shortcut, Shortcut::Session(_)) => return None,
                (Some((raw, steps)), _) if steps == rest.len() => raw,
                (None, [name]) if !self.folded && !self.raw(*key).is_array() => {
                    self.get(self.raw(*key), name)
                }
                _ => return None,
            },
            Path::Other(_) => return None,
        };
        (!found.is_object() && !found.is_array()).then_some(found.as_str())
    }

    /// What lies at the end of a shortcut, and how many steps of the path it saves. An odd record
    /// may hold a list of identities or of issuers, which is walked like any other list.
    fn short(&self, shortcut: Shortcut) -> Option<(Raw<'a>, usize)> {
        if !self.raw(Key::UserIdentity).is_object() {
            return None;
        }
        match shortcut {
            Shortcut::None => None,
            Shortcut::User(member) => Some((self.user().get(member), 1)),
            Shortcut::Session(member) => match self.has_plain_session() {
                true => Some((self.session_context().get(member), 2)),
                false => Some((self.user().session_context(), 1)),
            },
            Shortcut::Issuer(member) => {
                let issuer = self.session_issuer();
                issuer.is_plain.then(|| (issuer.get(member), 3))
            }
        }
    }

    /// True where the members of the session are what a path below it leads to.
    const fn has_plain_session(&self) -> bool {
        self.session.issuer.is_plain && !self.folded
    }

    /// Every member of the record, unread: the documented keys as AWS spells them, then the others.
    pub fn members(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        let documented = Key::ALL.iter().map(|key| (key.as_str(), self.raw(*key)));
        let others = self
            .others
            .iter()
            .map(|(name, value)| (name.as_ref(), *value));
        documented
            .filter(|(_, value)| !value.is_absent())
            .chain(others)
    }

    /// Every scalar of the record, at any depth.
    pub fn leaves(&self) -> impl Iterator<Item = Raw<'a>> + '_ {
        let others = self.others.iter().map(|(_, value)| *value);
        Key::ALL
            .iter()
            .map(|key| self.raw(*key))
            .chain(others)
            .flat_map(Raw::leaves)
    }

    /// True where the key at the end of the path is there, whatever its value (`exists`).
    pub fn has(&self, path: &Path) -> bool {
        let (root, rest) = match path {
            Path::Key(key) => (self.raw(*key), &[][..]),
            Path::Below(key, rest, ..) => (self.raw(*key), rest.as_slice()),
            Path::Other(parts) => match parts.split_first() {
                Some((first, rest)) => {
                    let mut flat = self.others.iter();
                    if !rest.is_empty() && flat.any(|(name, _)| is_joined(name, parts)) {
                        return true;
                    }
                    (self.other(first), rest)
                }
                None => return false,
            },
        };
        is_there(root, rest, self.folded, LISTS_IN_LISTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event<'_> {
        Event::of(Raw::new(text))
    }

    fn all(event: &Event<'_>, field: &str) -> Vec<String> {
        let mut seen = Vec::new();
        event.visit(&Path::new(field), &mut |value| {
            seen.push(value.as_text().unwrap_or_default().into_owned());
            false
        });
        seen
    }

    #[test]
    fn paths_cross_lists_of_objects_at_every_level() {
        let event = event(
            r#"{"eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"ipPermissions":
            {"items":[{"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"},{"cidrIp":"10.0.0.0/8"}]}},
            {"ipRanges":{"items":[{"cidrIp":"192.0.2.0/24"}]}}]}},
            "resources":[{"ARN":"arn:aws:s3:::b"},{"accountId":"111122223333"}]}"#,
        );
        assert_eq!(
            all(
                &event,
                "requestParameters.ipPermissions.items.ipRanges.items.cidrIp"
            ),
            ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24"]
        );
        assert_eq!(all(&event, "resources[].ARN"), ["arn:aws:s3:::b"]);
        assert!(event.has(&Path::new("resources.accountId")));
        assert!(!event.has(&Path::new("resources.type")));
    }

    #[test]
    fn the_last_of_two_equal_keys_wins_as_in_serde_json() {
        let text = r#"{"eventName":"A","eventSource":"s","eventName":"B","requestParameters":{"x":1,"x":2}}"#;
        let event = event(text);
        let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            event.text(Key::EventName),
            oracle["eventName"].as_str().unwrap()
        );
        assert_eq!(all(&event, "requestParameters.x"), ["2"]);
    }

    #[test]
    fn lower_case_exports_are_read_at_every_depth() {
        let event = event(
            r#"{"eventversion":"1.08","eventname":"X","eventtime":"2023-07-10T12:20:00Z",
            "useridentity":{"sessioncontext":{"attributes":{"mfaauthenticated":"true"}}}}"#,
        );
        assert_eq!(event.text(Key::EventName), "X");
        assert_eq!(event.time(), Some(1_688_991_600));
        assert_eq!(
            all(
                &event,
                "userIdentity.sessionContext.attributes.mfaAuthenticated"
            ),
            ["true"]
        );
    }

    #[test]
    fn null_is_visited_as_null_and_a_missing_key_is_not_visited() {
        let event =
            event(r#"{"eventID":"1","eventName":"X","requestParameters":null,"errorCode":5}"#);
        assert!(
            event.visit(&Path::new("requestParameters"), &mut |value| value
                == Value::Null)
        );
        assert!(!event.visit(&Path::new("responseElements"), &mut |_| true));
        assert!(event.has(&Path::new("requestParameters")));
        assert_eq!(event.text(Key::ErrorCode), "5");
    }

    #[test]
    fn a_flat_key_with_dots_wins_over_a_nested_one() {
        let event =
            event(r#"{"eventID":"1","requestParameters":{"a.b":"flat","a":{"b":"nested"}}}"#);
        assert_eq!(all(&event, "requestParameters.a.b"), ["flat"]);
    }

    #[test]
    fn every_key_reads_its_own_spelling() {
        for key in Key::ALL {
            assert_eq!(Key::from_name(key.as_str()), Some(*key));
        }
    }
}
