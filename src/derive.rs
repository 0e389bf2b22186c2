//! Facts that a record implies but does not say, as fields a rule can match like any other.
//!
//! `trailscan.outcome`, `trailscan.calendar.after_hours` and the rest ([`Derived`]) keep rules
//! plain Sigma: an engine that does not know a field finds no match instead of refusing the rule.
//! Each is computed only when a rule asks.

pub mod access_keys;
pub mod calendar;
pub mod encryption;
pub mod environment;
pub mod identity;
pub mod network;
pub mod objects;
pub mod omitted;
pub mod outcome;
mod parameters;
pub mod permissions;
pub mod policy;
pub mod principals;
pub mod secrets;
pub mod sharing;
pub mod sign_in;
pub mod target;

use std::borrow::Cow;

use chrono::{Datelike as _, SecondsFormat, Timelike as _};
use ipnet::IpNet;

use crate::event::json::Value;
use crate::event::{Event, Key, time};
use crate::trail::Change;
use crate::wildcard::Wildcard;
use access_keys::AccessKeys;
use calendar::{Calendar, Hours, weekday_name};
use encryption::Encryption;
use principals::PrincipalGroup;

/// The organization as `trailscan.toml` describes it, ready for lookups.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    pub calendar: Option<Calendar>,
    /// Names or ARNs of roles and users that are programs.
    pub workload: Vec<Wildcard>,
    /// The members of the groups of principals, in the order in which the groups are tried.
    pub groups: Vec<(PrincipalGroup, Vec<Wildcard>)>,
    /// Accounts besides that of a record that may have access.
    pub trusted: Vec<Wildcard>,
    /// Networks that calls may come from.
    pub allowed_networks: Vec<IpNet>,
    /// By name or ARN of a role or user: the secrets and parameters that it may read.
    pub allowed_secrets: Vec<(Wildcard, Vec<Wildcard>)>,
    /// The most hours that a session may last.
    pub session_max_hours: Option<u16>,
    /// Per bucket pattern: the algorithms an upload may use (`AES256`, `aws:kms`, `aws:kms:dsse`).
    pub required_encryption: Vec<(Wildcard, Vec<String>)>,
    /// Per environment: accounts, principals and resources that belong to it.
    pub environments: Vec<(String, Vec<Wildcard>)>,
    /// When the access keys were made.
    pub access_keys: AccessKeys,
    /// How many days a rule learns what is usual before it reports new activity; default 30.
    pub learning_days: Option<u16>,
}

macro_rules! derived {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A derived field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Derived { $($(#[$doc])* $variant,)* }

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
    /// The widest principal to whom a call gives access, see [`sharing::Reach`].
    SharedWith = "trailscan.shared_with",
    /// Whether a call grants every action, or every action of a service: [`policy::grants_wildcard`].
    PolicyGrantsWildcard = "trailscan.policy_grants_wildcard",
    /// Whether an IAM call acts on its caller: [`principals::on_self`].
    OnSelf = "trailscan.on_self",
    /// Whether the caller proved a second factor: [`principals::mfa`].
    Mfa = "trailscan.mfa",
    /// Which ports a call opens to all addresses of the internet: [`network::opened`].
    NetworkOpened = "trailscan.network_opened",
    /// Whether a call came from one of `networks.allowed`: [`network::is_allowed`].
    NetworkAllowed = "trailscan.network_allowed",
    /// The first group of `principals.*` that the caller belongs to: [`principals::group`].
    PrincipalGroup = "trailscan.principal_group",
    /// Whether `secrets.allow` lets the caller read the secret: [`secrets::scope`].
    SecretScope = "trailscan.secret_scope",
    /// The environment of the caller: [`environment::of_principal`].
    PrincipalEnvironment = "trailscan.principal_environment",
    /// The environment of the target: [`environment::of_target`].
    TargetEnvironment = "trailscan.target_environment",
    /// Whether these two differ: [`environment::crossed`].
    EnvironmentCrossed = "trailscan.environment_crossed",
    /// After how many days a lifecycle configuration deletes objects: [`objects::lifecycle_days`].
    LifecycleDays = "trailscan.lifecycle_days",
    /// The first segment of an object's key: [`objects::prefix`].
    ObjectPrefix = "trailscan.object_prefix",
    /// Whether the session is older than `session.max_hours`: [`principals::session_over_limit`].
    SessionOverLimit = "trailscan.session_over_limit",
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
            Self::Environment
            | Self::PrincipalEnvironment
            | Self::TargetEnvironment
            | Self::EnvironmentCrossed => Some("environments"),
            Self::NetworkAllowed => Some("networks.allowed"),
            Self::SecretScope => Some("secrets.allow"),
            Self::SessionOverLimit => Some("session.max_hours"),
            Self::KeyAgeDays => Some("iam.access_keys"),
            _ => None,
        }
    }

    /// The key of `trailscan.toml` without which this field never has that value.
    pub fn word_needs(self, word: &str) -> Option<&'static str> {
        let mut groups = PrincipalGroup::ALL.iter();
        match self {
            Self::PrincipalGroup => groups
                .find(|group| group.as_str() == word)
                .map(|group| group.needs()),
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
                | Self::SharedWith
                | Self::PolicyGrantsWildcard
                | Self::OnSelf
                | Self::NetworkOpened
                | Self::SecretScope
                | Self::TargetEnvironment
                | Self::EnvironmentCrossed
                | Self::LifecycleDays
                | Self::ObjectPrefix
        )
    }

    /// True where no event of the same source, name, caller's type, outcome, kind of credentials and
    /// `readOnly` as this one has another value.
    pub fn is_decided_by_call(self, event: &Event<'_>) -> bool {
        let kind = event.user().kind();
        match self {
            Self::Outcome | Self::KeyKind => true,
            Self::PrincipalKind => kind.is_text("Root") || kind.is_text("AWSService"),
            Self::NetworkOpened => !network::is_opening(&event.text(Key::EventName)),
            Self::SharedWith => event.text(Key::ReadOnly) == "true",
            _ => false,
        }
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
            Self::SharedWith => &["public", "foreign", "trusted", "own"],
            Self::NetworkOpened => &["admin", "other"],
            Self::PrincipalGroup => &["terminated", "break_glass", "admins", "automation"],
            Self::SecretScope => &["inside", "outside"],
            Self::AfterHours
            | Self::PolicyGrantsAdmin
            | Self::PolicyPublic
            | Self::Omitted
            | Self::SelectorsNarrowed
            | Self::PolicyGrantsWildcard
            | Self::OnSelf
            | Self::Mfa
            | Self::NetworkAllowed
            | Self::EnvironmentCrossed
            | Self::SessionOverLimit => &["true", "false"],
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
        event.set_derived(Self::Target as usize, text(target));
        let secret = event
            .is_from("secretsmanager")
            .then(|| text(target))
            .flatten();
        event.set_derived(Self::SecretName as usize, secret);
        for field in [
            Self::SecretScope,
            Self::TargetEnvironment,
            Self::EnvironmentCrossed,
        ] {
            event.forget(field as usize);
        }
    }

    /// The field's value for one event; `None` if the event implies none.
    pub fn value<'a>(self, event: &Event<'a>, organization: &Organization) -> Option<Value<'a>> {
        event.derived_cache(self as usize, || self.derive(event, organization))
    }

    fn derive<'a>(self, event: &Event<'a>, organization: &Organization) -> Option<Value<'a>> {
        let text = |text: Cow<'a, str>| (!text.is_empty()).then_some(Value::Text(text));
        let word = |word: &'static str| Some(Value::Text(Cow::Borrowed(word)));
        let owned = |name: &str| Some(Value::Text(Cow::Owned(name.to_owned())));
        match self {
            Self::Outcome => word(outcome::of(event).as_str()),
            Self::Principal => text(identity::principal(event)),
            Self::PrincipalKind => word(identity::kind(event, organization).as_str()),
            Self::Role => text(identity::role(event)),
            Self::SessionName => text(identity::session_name(event)),
            Self::SessionAgeHours => {
                identity::session_age(event).map(|seconds| number(seconds / time::HOUR))
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
                environment::of_call(event, organization).map(|name| Value::Text(name.into()))
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
            Self::RequestBytes => objects::transferred(event, "bytesTransferredIn"),
            Self::ResponseBytes => objects::transferred(event, "bytesTransferredOut"),
            Self::KeyAgeDays => organization.access_keys.age_days(event).map(number),
            Self::SourceNetwork => network::of_source(event),
            Self::SharedWith => {
                sharing::widest(event, organization).and_then(|reach| word(reach.as_str()))
            }
            Self::PolicyGrantsWildcard => {
                (!omitted::request(event)).then(|| Value::Bool(policy::grants_wildcard(event)))
            }
            Self::OnSelf => principals::on_self(event).map(Value::Bool),
            Self::Mfa => principals::mfa(event).map(Value::Bool),
            Self::NetworkOpened => network::opened(event).and_then(word),
            Self::NetworkAllowed => network::is_allowed(event, organization).map(Value::Bool),
            Self::PrincipalGroup => {
                principals::group(event, organization).and_then(|group| word(group.as_str()))
            }
            Self::SecretScope => secrets::scope(event, organization).and_then(word),
            Self::PrincipalEnvironment => {
                environment::of_principal(event, organization).and_then(owned)
            }
            Self::TargetEnvironment => environment::of_target(event, organization).and_then(owned),
            Self::EnvironmentCrossed => environment::crossed(event, organization).map(Value::Bool),
            Self::LifecycleDays => objects::lifecycle_days(event).map(number),
            Self::ObjectPrefix => text(objects::prefix(event)),
            Self::SessionOverLimit => {
                principals::session_over_limit(event, organization).map(Value::Bool)
            }
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
        (_, Change::Selectors(selectors)) => Some(!selectors?.selects_all_management()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
