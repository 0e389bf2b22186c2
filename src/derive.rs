//! Facts that a record implies but does not say, as fields a rule can match like any other.
//!
//! `trailscan.outcome`, `trailscan.calendar.after_hours` and the rest ([`Derived`]) keep rules
//! plain Sigma: an engine that does not know a field finds no match instead of refusing the rule.
//! Each is computed only when a rule asks.

pub mod access_keys;
pub mod calendar;
pub mod encryption;
pub mod identity;
pub mod omitted;
pub mod outcome;
pub mod policy;
pub mod sign_in;
pub mod target;

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{Datelike as _, SecondsFormat, Timelike as _};
use ipnet::IpNet;

use crate::event::json::Value;
use crate::event::{Event, Key, time};
use crate::trail::Change;
use crate::wildcard::Wildcard;
use access_keys::AccessKeys;
use calendar::{Calendar, Hours, weekday_name};
use encryption::Encryption;

/// What the organization told us in `trailscan.toml`, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    pub calendar: Option<Calendar>,
    /// Names or ARNs of roles and users that are programs.
    pub workload: Vec<Wildcard>,
    /// Per bucket pattern: the algorithms an upload may use (`AES256`, `aws:kms`, `aws:kms:dsse`).
    pub required_encryption: Vec<(Wildcard, Vec<String>)>,
    /// Per environment: accounts, principals and resources that belong to it.
    pub environments: Vec<(String, Vec<Wildcard>)>,
    /// When the access keys were made.
    pub access_keys: AccessKeys,
    /// How long a rule learns what is usual before it tells what is new; 30 days where nobody says.
    pub learning_days: Option<u16>,
}

macro_rules! derived {
    ($($variant:ident = $name:literal,)*) => {
        /// A derived field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Derived { $($variant,)* }

        impl Derived {
            /// Every derived field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The field of that name.
            pub fn from_field(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The name rules use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

derived! {
    Outcome = "trailscan.outcome",
    Principal = "trailscan.principal",
    PrincipalKind = "trailscan.principal_kind",
    Role = "trailscan.role",
    SessionName = "trailscan.session_name",
    SessionAgeHours = "trailscan.session_age_hours",
    Target = "trailscan.target",
    SecretName = "trailscan.secret_name",
    LocalTime = "trailscan.local_time",
    AfterHours = "trailscan.calendar.after_hours",
    CalendarReason = "trailscan.calendar.reason",
    CalendarWeekday = "trailscan.calendar.weekday",
    CalendarHour = "trailscan.calendar.hour",
    CalendarName = "trailscan.calendar.name",
    Encryption = "trailscan.encryption",
    EncryptionCheck = "trailscan.encryption_check",
    Tls = "trailscan.tls",
    Environment = "trailscan.environment",
    KeyKind = "trailscan.key_kind",
    PolicyGrantsAdmin = "trailscan.policy_grants_admin",
    PolicyPublic = "trailscan.policy_public",
    Omitted = "trailscan.omitted",
    SelectorsNarrowed = "trailscan.selectors_narrowed",
    SignInUser = "trailscan.sign_in_user",
    RequestBytes = "trailscan.request_bytes",
    ResponseBytes = "trailscan.response_bytes",
    KeyAgeDays = "trailscan.key_age_days",
    SourceNetwork = "trailscan.source_network",
}

/// A part of a text, borrowed where the text is.
fn part<'a>(text: Cow<'a, str>, pick: impl Fn(&str) -> Option<&str>) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => pick(text).map(Cow::Borrowed),
        Cow::Owned(text) => pick(&text).map(|part| Cow::Owned(part.to_owned())),
    }
}

impl Derived {
    /// The key of `trailscan.toml` without which this field has no value.
    pub const fn needs(self) -> Option<&'static str> {
        match self {
            Self::LocalTime
            | Self::AfterHours
            | Self::CalendarReason
            | Self::CalendarWeekday
            | Self::CalendarHour
            | Self::CalendarName => Some("calendar"),
            Self::EncryptionCheck => Some("s3.required_encryption"),
            Self::Environment => Some("environments"),
            Self::KeyAgeDays => Some("iam.access_keys"),
            _ => None,
        }
    }

    /// True where the value may come from the request parameters. Where they were omitted it is missing
    /// or comes from elsewhere in the record, perhaps in another spelling.
    pub const fn reads_request(self) -> bool {
        matches!(
            self,
            Self::Target
                | Self::SecretName
                | Self::Encryption
                | Self::EncryptionCheck
                | Self::Environment
                | Self::PolicyGrantsAdmin
                | Self::PolicyPublic
                | Self::Omitted
                | Self::SelectorsNarrowed
        )
    }

    /// Every value the field can have, where they are few; none where it can be any text.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Outcome => &["success", "denied", "failed"],
            Self::PrincipalKind => &[
                "human",
                "workload",
                "service",
                "root",
                "foreign",
                "anonymous",
                "unknown",
            ],
            Self::KeyKind => &["long_lived", "temporary", "none"],
            Self::AfterHours
            | Self::PolicyGrantsAdmin
            | Self::PolicyPublic
            | Self::Omitted
            | Self::SelectorsNarrowed => &["true", "false"],
            _ => &[],
        }
    }

    /// Sets the target of a call that names several, for the fields that say what a call aimed at.
    pub fn set_target<'a>(
        event: &Event<'a>,
        target: &target::Target<'a>,
        organization: &Organization,
    ) {
        // an upload is encrypted in the bucket that it is written to, whichever bucket is asked about
        Self::EncryptionCheck.value(event, organization);
        let text = |text: &Cow<'a, str>| Some(Value::Text(text.clone()));
        event.set_remembered(Self::Target as usize, text(target));
        let secret = event
            .is_from("secretsmanager")
            .then(|| text(target))
            .flatten();
        event.set_remembered(Self::SecretName as usize, secret);
    }

    /// The field's value for one event; nothing where the event implies none.
    pub fn value<'a>(self, event: &Event<'a>, organization: &Organization) -> Option<Value<'a>> {
        event.remembered(self as usize, || self.derive(event, organization))
    }

    fn derive<'a>(self, event: &Event<'a>, organization: &Organization) -> Option<Value<'a>> {
        let text = |text: Cow<'a, str>| (!text.is_empty()).then_some(Value::Text(text));
        let word = |word: &'static str| Some(Value::Text(Cow::Borrowed(word)));
        match self {
            Self::Outcome => word(outcome::of(event).as_str()),
            Self::Principal => text(identity::principal(event)),
            Self::PrincipalKind => word(identity::kind(event, organization).as_str()),
            Self::Role => text(identity::role(event)),
            Self::SessionName => text(identity::session_name(event)),
            Self::SessionAgeHours => {
                identity::session_age(event).map(|seconds| number(seconds / 3_600))
            }
            Self::Target => text(target::of(event)),
            Self::SecretName => text(target::secret_name(event)),
            Self::Encryption => {
                encryption::applied(event).and_then(|applied| word(applied.as_str()))
            }
            Self::EncryptionCheck => {
                // rules that ask for the one ask for the other as well
                let applied = Self::Encryption.value(event, organization)?;
                let applied = Encryption::of_word(&applied.as_text()?)?;
                let target = Self::Target.value(event, organization);
                let bucket = target.as_ref().and_then(Value::as_text).unwrap_or_default();
                word(encryption::check(applied, &bucket, organization))
            }
            Self::Tls => text(tls(event)?),
            Self::Environment => {
                environment(event, organization).map(|name| Value::Text(name.into()))
            }
            Self::KeyKind => word(identity::key_kind(event).as_str()),
            // of parameters that were omitted nobody knows whether they granted anything
            Self::PolicyGrantsAdmin => {
                (!omitted::request(event)).then(|| Value::Bool(policy::grants_admin(event)))
            }
            Self::PolicyPublic => {
                (!omitted::request(event)).then(|| Value::Bool(policy::is_public(event)))
            }
            Self::Omitted => Some(Value::Bool(omitted::request(event))),
            Self::SelectorsNarrowed => selectors_narrowed(event).map(Value::Bool),
            Self::SignInUser => text(sign_in::user(event)),
            Self::RequestBytes => transferred(event, "bytesTransferredIn"),
            Self::ResponseBytes => transferred(event, "bytesTransferredOut"),
            Self::KeyAgeDays => organization.access_keys.age_days(event).map(number),
            Self::SourceNetwork => source_network(event),
            Self::LocalTime
            | Self::AfterHours
            | Self::CalendarReason
            | Self::CalendarWeekday
            | Self::CalendarHour
            | Self::CalendarName => self.calendar(organization.calendar.as_ref()?, event.time()?),
        }
    }

    fn calendar<'a>(self, calendar: &Calendar, time: time::Epoch) -> Option<Value<'a>> {
        let local = calendar.local(time);
        let owned = |text: String| Some(Value::Text(Cow::Owned(text)));
        match self {
            Self::LocalTime => owned(local.to_rfc3339_opts(SecondsFormat::Secs, false)),
            Self::AfterHours => Some(Value::Bool(calendar.hours(time) != Hours::Open)),
            Self::CalendarReason => Some(Value::Text(calendar.hours(time).as_str().into())),
            Self::CalendarWeekday => Some(Value::Text(weekday_name(local.weekday()).into())),
            Self::CalendarHour => Some(number(i64::from(local.hour()))),
            _ => owned(calendar.name.clone()),
        }
    }
}

fn number<'a>(value: i64) -> Value<'a> {
    Value::Number(Cow::Owned(value.to_string()))
}

/// The TLS version of the call; `none` for a direct S3 call that recorded neither version nor
/// cipher. AWS does not document that; in public logs every direct S3 call has both, so a finding says "no
/// TLS recorded". No value for calls that a service or the console made.
fn tls<'a>(event: &Event<'a>) -> Option<Cow<'a, str>> {
    let version = event.text_at(Key::TlsDetails, &["tlsVersion"]);
    if !version.is_empty() {
        return Some(version);
    }
    if !event
        .at(Key::AdditionalEventData, &["CipherSuite"])
        .is_null()
    {
        return Some(Cow::Borrowed("unknown"));
    }
    let direct = event.is_from("s3")
        && event.at(Key::UserIdentity, &["invokedBy"]).is_null()
        && event.raw(Key::SessionCredentialFromConsole).is_null()
        && event.text_at(Key::UserIdentity, &["type"]) != "AWSService";
    direct.then_some(Cow::Borrowed("none"))
}

/// Whether a call that sets a trail's event selectors leaves out management events, in whole or in
/// part. `None` for other calls, and where the record does not hold the selectors.
fn selectors_narrowed(event: &Event<'_>) -> Option<bool> {
    if !event.is(Key::EventSource, "cloudtrail.amazonaws.com") {
        return None;
    }
    let request = serde_json::from_str(event.raw(Key::RequestParameters).as_str()).ok()?;
    match Change::of(&event.text(Key::EventName), &request)? {
        (_, Change::Selectors(selectors)) => Some(!selectors?.takes_all_management()),
        _ => None,
    }
}

/// The network of the caller's address: 24 bits of IPv4, 48 of IPv6, what one site or one provider's
/// customer usually has. Nothing where a service called, whose name stands for the address.
fn source_network<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    let text = event.source_ip();
    let address: IpAddr = text.parse().ok()?;
    let network = match (address, text.rsplit_once('.')) {
        // the usual form, quickly
        (IpAddr::V4(_), Some((site, _))) => [site, ".0/24"].concat(),
        _ => {
            let address = address.to_canonical();
            let bits = if address.is_ipv4() { 24 } else { 48 };
            IpNet::new(address, bits).ok()?.trunc().to_string()
        }
    };
    Some(Value::Text(Cow::Owned(network)))
}

/// What an S3 data event says went over the wire, in bytes (S3 user guide, "CloudTrail log file
/// entries": `additionalEventData`). Other services say nothing of the kind.
fn transferred<'a>(event: &Event<'a>, way: &str) -> Option<Value<'a>> {
    let bytes = event.text_at(Key::AdditionalEventData, &[way]);
    // some records write a fraction where there is none: 83.0
    let whole = bytes.strip_suffix(".0").unwrap_or(&bytes);
    whole
        .parse::<u64>()
        .ok()
        .map(|bytes| Value::Number(Cow::Owned(bytes.to_string())))
}

fn environment<'o>(event: &Event<'_>, organization: &'o Organization) -> Option<String> {
    let candidates = [target::of(event), identity::role(event), event.account()];
    let fits = |patterns: &'o [Wildcard]| {
        patterns.iter().any(|pattern| {
            candidates
                .iter()
                .any(|text| !text.is_empty() && pattern.matches(text))
        })
    };
    organization
        .environments
        .iter()
        .find(|(_, patterns)| fits(patterns))
        .map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests;
