//! What the configuration and the record say of the caller beyond its kind: the group that it belongs to,
//! whether it acts on itself, whether it signed in with MFA, and how old its session is.

use std::borrow::Cow;

use super::{Organization, identity, sign_in, target};
use crate::event::{Event, Key};

/// A group of principals that the configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalGroup {
    /// People who have left.
    Terminated,
    /// Identities for emergencies.
    BreakGlass,
    Admins,
    /// Deployment pipelines.
    Automation,
}

impl PrincipalGroup {
    /// The groups in the order in which they are tried.
    pub const ALL: &'static [Self] = &[
        Self::Terminated,
        Self::BreakGlass,
        Self::Admins,
        Self::Automation,
    ];

    /// The word in `trailscan.principal_group`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::BreakGlass => "break_glass",
            Self::Admins => "admins",
            Self::Automation => "automation",
        }
    }

    /// The key of `trailscan.toml` that lists the members.
    pub const fn needs(self) -> &'static str {
        match self {
            Self::Terminated => "principals.terminated",
            Self::BreakGlass => "principals.break_glass",
            Self::Admins => "principals.admins",
            Self::Automation => "principals.automation",
        }
    }
}

/// The first group that the caller belongs to, by the name or ARN of its role or user. A person who has
/// left is also known by the name of a role session, by `sourceIdentity` and by the user id of Identity
/// Center. Other groups are not: whoever assumes a role chooses the session's name.
pub fn group(event: &Event<'_>, organization: &Organization) -> Option<PrincipalGroup> {
    if organization.groups.is_empty() {
        return None;
    }
    let names = [
        identity::role(event),
        event.read(event.user().arn()),
        event.read(event.session_issuer().arn()),
    ];
    let of_person = || {
        let source = &["sessionContext", "sourceIdentity"];
        [
            identity::session_name(event),
            event.text_at(Key::UserIdentity, source),
            event.text_at(Key::UserIdentity, &["onBehalfOf", "userId"]),
            sign_in::user(event),
        ]
    };
    let found = organization.groups.iter().find(|(group, members)| {
        let is_member =
            |name: &str| !name.is_empty() && members.iter().any(|pattern| pattern.matches(name));
        let is_person = |name: &Cow<'_, str>| {
            // an e-mail address stands for the name before the @
            let local = name.split_once('@').map_or("", |(local, _)| local);
            is_member(name) || is_member(local)
        };
        names.iter().any(|name| is_member(name))
            || (*group == PrincipalGroup::Terminated && of_person().iter().any(is_person))
    });
    found.map(|(group, _)| *group)
}

/// IAM calls whose user is the caller where the request names none (IAM API reference, `UserName`: "If you
/// do not specify a user name, IAM determines the user name implicitly").
const ON_CALLER: [&str; 19] = [
    "ChangePassword",
    "CreateAccessKey",
    "CreateLoginProfile",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteLoginProfile",
    "DeleteServiceSpecificCredential",
    "DeleteSigningCertificate",
    "GetLoginProfile",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "ListServiceSpecificCredentials",
    "ListSigningCertificates",
    "ResetServiceSpecificCredential",
    "UpdateAccessKey",
    "UpdateServiceSpecificCredential",
    "UpdateSigningCertificate",
    "UploadSigningCertificate",
];

/// Whether an IAM call acts on its caller: on the user, or on the role whose session made the call.
/// `None` for other services, and for calls that act on no user and no role.
pub fn on_self(event: &Event<'_>) -> Option<bool> {
    if !event.is_from("iam") {
        return None;
    }
    let kind = event.read(event.user().kind());
    let own = identity::role(event);
    let is_own = |of: &str, name: &str| {
        // IAM keeps no two names that differ by case only
        kind == of && !own.is_empty() && own.eq_ignore_ascii_case(name)
    };
    let [user, role] = event.members_of(Key::RequestParameters, &["userName", "roleName"]);
    let (user, role) = (event.read(user), event.read(role));
    if !user.is_empty() {
        return Some(is_own("IAMUser", &user));
    }
    if !role.is_empty() {
        return Some(is_own("AssumedRole", &role));
    }
    let refused = !event.text(Key::ErrorCode).is_empty();
    if refused && !event.raw(Key::RequestParameters).is_object() {
        // only the message names what a refused call was aimed at
        let named = target::from_message(event);
        let (before, name) = named.rsplit_once('/').unwrap_or(("", &named));
        let of_role = before.contains(":role");
        return (!name.is_empty() && !before.contains(":group") && !before.contains(":policy"))
            .then(|| is_own(if of_role { "AssumedRole" } else { "IAMUser" }, name));
    }
    let on_caller = ON_CALLER.contains(&&*event.text(Key::EventName));
    (on_caller && ["IAMUser", "Root"].contains(&&*kind)).then_some(true)
}

/// Whether the caller proved a second factor: by the session (`mfaAuthenticated`, a text or a boolean) or
/// by a console sign-in (`MFAUsed`, which AWS writes as `Yes` and `YES`). `None` where the record does not
/// say: most calls with an access key. A sign-in through an identity provider says `No` whatever the
/// provider asked for (CloudTrail user guide, "AWS Management Console sign-in events").
pub fn mfa(event: &Event<'_>) -> Option<bool> {
    let used = event.text_at(Key::AdditionalEventData, &["MFAUsed"]);
    let attribute = ["sessionContext", "attributes", "mfaAuthenticated"];
    let said = match used.is_empty() {
        true => event.text_at(Key::UserIdentity, &attribute),
        false => used,
    };
    let is = |words: [&str; 2]| words.iter().any(|word| said.eq_ignore_ascii_case(word));
    match (is(["yes", "true"]), is(["no", "false"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Whether the session's credentials are older than `session.max_hours`; `None` where the record does not
/// say when they were made.
pub fn session_over_limit(event: &Event<'_>, organization: &Organization) -> Option<bool> {
    let hours = i64::from(organization.session_max_hours?);
    Some(identity::session_age(event)? > hours * 3_600)
}
