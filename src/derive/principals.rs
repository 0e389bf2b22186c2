//! What the configuration and the record say of the caller beyond its kind: the group that it belongs to,
//! whether it acts on itself, whether it signed in with MFA, and how old its session is.

use std::borrow::Cow;

use super::{Organization, identity, sign_in, target};
use crate::event::{Event, Key, time};

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
    Some(identity::session_age(event)? > hours * time::HOUR)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::PrincipalGroup;
    use crate::derive::Organization;
    use crate::derive::tests::{ask, plain};
    use crate::wildcard::Wildcard;

    fn user(name: &str) -> Json {
        json!({"type": "IAMUser", "userName": name, "arn": format!("arn:aws:iam::111122223333:user/{name}"), "accountId": "111122223333"})
    }

    fn session(role: &str, name: &str) -> Json {
        json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}"), "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": role, "arn": format!("arn:aws:iam::111122223333:role/{role}")}, "attributes": {}}})
    }

    fn record(caller: &Json, more: &Json) -> String {
        let mut record = json!({"eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "recipientAccountId": "111122223333", "userIdentity": caller});
        for (name, value) in more.as_object().unwrap() {
            record[name] = value.clone();
        }
        record.to_string()
    }

    #[test]
    fn the_first_group_that_names_the_caller_counts() {
        let members = |list: &[&str]| list.iter().map(|text| Wildcard::parse(text)).collect();
        let organization = Organization {
            groups: vec![
                (
                    PrincipalGroup::Terminated,
                    members(&["leaver.smith", "arn:aws:iam::111122223333:user/left"]),
                ),
                (PrincipalGroup::BreakGlass, members(&["break-glass-*"])),
                (
                    PrincipalGroup::Admins,
                    members(&[
                        "ops-admin",
                        "AWSReservedSSO_AdministratorAccess*",
                        "break-glass-*",
                    ]),
                ),
                (PrincipalGroup::Automation, members(&["terraform-*"])),
            ],
            ..Default::default()
        };
        let mut by_source = session("Admin", "x");
        by_source["sessionContext"]["sourceIdentity"] = json!("leaver.smith");
        for (caller, expected) in [
            (user("leaver.smith"), "terminated"),
            (user("left"), "terminated"),
            (session("Admin", "leaver.smith"), "terminated"),
            (
                session("Admin", "leaver.smith@clinic.example"),
                "terminated",
            ),
            (by_source, "terminated"),
            (
                json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "leaver.smith"}}),
                "terminated",
            ),
            (session("Admin", "leaver.smithson"), ""),
            (session("break-glass-1", "dana"), "break_glass"),
            (
                session(
                    "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
                    "dana",
                ),
                "admins",
            ),
            (user("ops-admin"), "admins"),
            // whoever takes a role chooses the session's name
            (session("reader", "ops-admin"), ""),
            (session("terraform-prod", "ci"), "automation"),
            (user("dana"), ""),
            (
                json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}),
                "",
            ),
        ] {
            let text = record(&caller, &json!({"eventName": "ListUsers"}));
            assert_eq!(
                ask("trailscan.principal_group", &text, &organization),
                expected,
                "{caller}"
            );
            assert_eq!(plain("trailscan.principal_group", &text), "", "{caller}");
        }
        let sign_in = record(
            &json!({"type": "IAMUser", "userName": "leaver.smith"}),
            &json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}),
        );
        assert_eq!(
            ask("trailscan.principal_group", &sign_in, &organization),
            "terminated"
        );
    }

    #[test]
    fn iam_calls_on_the_caller_differ_from_those_on_others() {
        let root = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"});
        for (caller, more, expected) in [
            (
                user("alice"),
                json!({"eventName": "AttachUserPolicy", "requestParameters": {"userName": "alice"}}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "AttachUserPolicy", "requestParameters": {"userName": "Alice"}}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "AttachUserPolicy", "requestParameters": {"userName": "bob"}}),
                "false",
            ),
            (
                user("alice"),
                json!({"eventName": "AddUserToGroup", "requestParameters": {"userName": "alice", "groupName": "g"}}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "CreateAccessKey", "requestParameters": null}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "CreateVirtualMFADevice", "requestParameters": {"virtualMFADeviceName": "alice"}}),
                "",
            ),
            (
                root.clone(),
                json!({"eventName": "CreateAccessKey", "requestParameters": null}),
                "true",
            ),
            (
                root,
                json!({"eventName": "CreateAccessKey", "requestParameters": {"userName": "bob"}}),
                "false",
            ),
            (
                session("deploy", "s"),
                json!({"eventName": "PutRolePolicy", "requestParameters": {"roleName": "deploy"}}),
                "true",
            ),
            (
                session("deploy", "s"),
                json!({"eventName": "PutRolePolicy", "requestParameters": {"roleName": "other"}}),
                "false",
            ),
            // a role is not the user of its name
            (
                session("deploy", "s"),
                json!({"eventName": "PutUserPolicy", "requestParameters": {"userName": "deploy"}}),
                "false",
            ),
            (
                session("deploy", "s"),
                json!({"eventName": "CreateAccessKey", "requestParameters": null}),
                "",
            ),
            (
                user("alice"),
                json!({"eventName": "AttachGroupPolicy", "requestParameters": {"groupName": "alice"}}),
                "",
            ),
            // a refused call has its target in the message only
            (
                user("alice"),
                json!({"eventName": "AttachUserPolicy", "errorCode": "AccessDenied", "requestParameters": null,
                "errorMessage": "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: iam:AttachUserPolicy on resource: user alice because no identity-based policy allows it"}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "CreateAccessKey", "errorCode": "AccessDenied", "requestParameters": null,
                "errorMessage": "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: iam:CreateAccessKey on resource: arn:aws:iam::111122223333:user/bob"}),
                "false",
            ),
            (
                session("deploy", "s"),
                json!({"eventName": "PutRolePolicy", "errorCode": "AccessDenied", "requestParameters": null,
                "errorMessage": "User: x is not authorized to perform: iam:PutRolePolicy on resource: arn:aws:iam::111122223333:role/deploy"}),
                "true",
            ),
            (
                user("alice"),
                json!({"eventName": "CreateAccessKey", "errorCode": "AccessDenied", "requestParameters": null, "errorMessage": "no"}),
                "",
            ),
            (
                user("alice"),
                json!({"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "requestParameters": {"userName": "alice"}}),
                "",
            ),
        ] {
            assert_eq!(
                plain("trailscan.on_self", &record(&caller, &more)),
                expected,
                "{caller} {more}"
            );
        }
    }

    #[test]
    fn a_second_factor_is_read_from_sessions_and_sign_ins() {
        let attribute = |value: Json| {
            let mut caller = session("Admin", "dana");
            caller["sessionContext"]["attributes"]["mfaAuthenticated"] = value;
            record(&caller, &json!({}))
        };
        let sign_in = |used: &str| {
            record(
                &user("dana"),
                &json!({"eventName": "ConsoleLogin", "additionalEventData": {"MFAUsed": used}}),
            )
        };
        for (text, expected) in [
            (attribute(json!("true")), "true"),
            (attribute(json!("false")), "false"),
            (attribute(json!(true)), "true"),
            (attribute(json!(false)), "false"),
            (attribute(Json::Null), ""),
            (sign_in("Yes"), "true"),
            (sign_in("YES"), "true"),
            (sign_in("No"), "false"),
            (sign_in("maybe"), ""),
            (record(&user("dana"), &json!({})), ""),
        ] {
            assert_eq!(plain("trailscan.mfa", &text), expected, "{text}");
        }
    }

    #[test]
    fn a_session_is_over_the_limit_after_its_last_hour() {
        let over = |made: &str, limit: Option<u16>| {
            let mut caller = session("Admin", "dana");
            caller["sessionContext"]["attributes"]["creationDate"] = json!(made);
            let text = record(&caller, &json!({"eventTime": "2026-11-20T12:00:00Z"}));
            let organization = Organization {
                session_max_hours: limit,
                ..Default::default()
            };
            ask("trailscan.session_over_limit", &text, &organization)
        };
        assert_eq!(over("2026-11-20T00:00:00Z", Some(12)), "false");
        assert_eq!(over("2026-11-19T23:59:59Z", Some(12)), "true");
        assert_eq!(over("", Some(12)), "");
        assert_eq!(over("2026-11-19T23:59:59Z", None), "");
    }
}
