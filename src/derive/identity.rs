//! Who made a call ([userIdentity](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html)).

use std::borrow::Cow;

use super::{Organization, part};
use crate::event::json::Raw;
use crate::event::{self, Event, Key, time};
use crate::partition::Partition;

/// What sort of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    Human,
    Workload,
    Service,
    Root,
    /// Another account.
    Foreign,
    Anonymous,
    Unknown,
}

impl PrincipalKind {
    /// The word in `trailscan.principal_kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Workload => "workload",
            Self::Service => "service",
            Self::Root => "root",
            Self::Foreign => "foreign",
            Self::Anonymous => "anonymous",
            Self::Unknown => "unknown",
        }
    }
}

/// The principal key: the role's ARN and the session's name, the user's ARN, the service's name.
/// Never empty for a record that names a caller in any way.
pub fn principal<'a>(event: &Event<'a>) -> Cow<'a, str> {
    match session(event) {
        Some(session) => Cow::Owned([&*caller(event), "/", &*session].concat()),
        None => caller(event),
    }
}

/// The name of a role's session, which stands behind the [`caller`] and a `/` in the principal key. The key
/// of whoever has none is that of the caller.
pub fn session<'a>(event: &Event<'a>) -> Option<Cow<'a, str>> {
    role_of_session(event)?;
    Some(session_name(event)).filter(|session| !session.is_empty())
}

/// The ARN of the role, where a session of one that is named made the call.
fn role_of_session<'a>(event: &Event<'a>) -> Option<Raw<'a>> {
    let role = event.session_issuer().arn();
    (event.user().kind().is_text("AssumedRole") && !role.is_empty_scalar()).then_some(role)
}

/// The principal by which findings are grouped: sessions whose names machines made up (an instance
/// id, an ECS task id) are one actor, their role.
pub fn actor<'a>(event: &Event<'a>) -> Cow<'a, str> {
    match is_actor_the_caller(event) {
        true => caller(event),
        false => principal(event),
    }
}

/// True where findings are grouped by [`caller`]: for all but sessions of people.
pub fn is_actor_the_caller(event: &Event<'_>) -> bool {
    session(event).is_none_or(|session| is_machine_made(&session) && !is_of_identity_center(event))
}

/// True for a role of a permission set, which IAM Identity Center gives to people, whatever their names
/// look like (Identity Center user guide, "Referencing permission sets").
fn is_of_identity_center(event: &Event<'_>) -> bool {
    role(event).starts_with("AWSReservedSSO_")
}

/// The caller without its session, for tables over time: few values, however many sessions.
pub fn caller<'a>(event: &Event<'a>) -> Cow<'a, str> {
    if let Some(role) = role_of_session(event) {
        return event.read(role);
    }
    let arn = event.read(event.user().arn());
    match event.read(event.user().kind()).as_ref() {
        "AssumedRole" => arn,
        "Root" if arn.is_empty() => Cow::Owned(format!(
            "arn:{}:iam::{}:root",
            Partition::of_region(&event.text(Key::AwsRegion)).name(),
            own_account(event)
        )),
        "IdentityCenterUser" => {
            let id = event.read(event.user().on_behalf_of().get("userId"));
            Cow::Owned(format!("identity-center:{id}"))
        }
        kind if is_anonymous(kind, event) => {
            Cow::Owned(format!("anonymous from {}", event.source_ip()))
        }
        _ if !arn.is_empty() => arn,
        kind => {
            let service = event.read(event.user().invoked_by());
            if !service.is_empty() {
                return service;
            }
            let name = [
                event.read(event.user().user_name()),
                event.read(event.user().principal_id()),
                event.source_ip(),
            ]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
            let account = own_account(event);
            let kind = if kind.is_empty() { "Unknown" } else { kind };
            Cow::Owned([kind, &account, &name].join(":"))
        }
    }
}

/// The caller's own account, which is not always the one whose log this is; where the record does not
/// say it (a federated user has none), the log's.
fn own_account<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let own = event.read(event.user().account_id());
    if own.is_empty() { event.account() } else { own }
}

/// True where nobody signed the request. Services spell it `anonymous` or `ANONYMOUS_PRINCIPAL`, as the
/// account, as the principal or as the type; a name that a person chose is none of these.
fn is_anonymous(kind: &str, event: &Event<'_>) -> bool {
    const NAMED: [&str; 10] = [
        "Root",
        "IAMUser",
        "AssumedRole",
        "Role",
        "FederatedUser",
        "AWSService",
        "IdentityCenterUser",
        "SAMLUser",
        "WebIdentityUser",
        "Directory",
    ];
    if NAMED.contains(&kind) {
        return false;
    }
    let user = event.user();
    event::is_anonymous(kind)
        || event::is_anonymous(&event.read(user.account_id()))
        || event::is_anonymous(&event.read(user.principal_id()))
}

/// The role's or user's name.
pub fn role<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let issuer = event.read(event.session_issuer().user_name());
    if !issuer.is_empty() {
        return issuer;
    }
    let name = event.read(event.user().user_name());
    if !name.is_empty() {
        return name;
    }
    // `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` where the issuer is missing
    match event
        .read(event.user().arn())
        .split('/')
        .collect::<Vec<_>>()
        .as_slice()
    {
        [head, role, _] if head.ends_with(":assumed-role") => Cow::Owned((*role).to_owned()),
        _ => Cow::Borrowed(""),
    }
}

/// The name of a role session: what stands behind the last `/` of its ARN.
pub fn session_name<'a>(event: &Event<'a>) -> Cow<'a, str> {
    if !event.user().kind().is_text("AssumedRole") {
        return Cow::Borrowed("");
    }
    let user = event.user();
    part(event.read(user.arn()), |arn| behind_last(arn, b'/'))
        .or_else(|| part(event.read(user.principal_id()), |id| behind_last(id, b':')))
        .unwrap_or_default()
}

fn behind_last(text: &str, byte: u8) -> Option<&str> {
    let at = memchr::memrchr(byte, text.as_bytes())?;
    text.get(at + 1..)
}

/// Seconds since the session's credentials were made.
pub fn session_age(event: &Event<'_>) -> Option<i64> {
    let made = event.user().session_context();
    let made = event.read(made.at(&["attributes", "creationDate"]));
    Some(event.time()? - time::parse(&made)?)
}

/// True for the session names that AWS's services, SDKs and pipelines make up, each anew: an instance's
/// id (EC2, EKS nodes, hybrid nodes), a task's id (ECS), a name with a UUID at its end (CodeBuild, Systems
/// Manager Automation, EKS Pod Identity: `eks-CLUSTER-POD-UUID`), with a time (the SDKs), or 32 letters
/// (Step Functions).
#[inline]
pub fn is_machine_made(session: &str) -> bool {
    if session.len() == 32 && all(session, |byte| byte.is_ascii_alphabetic()) {
        let upper = |byte: &u8| byte.is_ascii_uppercase();
        return (4..=28).contains(&session.as_bytes().iter().filter(|byte| upper(byte)).count());
    }
    // all others end in a digit, and most names that people have do not
    let ends_in_a_digit = |last: &u8| last.is_ascii_hexdigit() || *last == b'-';
    if !session.as_bytes().last().is_some_and(ends_in_a_digit) {
        return false;
    }
    let hex = |text: &str, least: usize| {
        text.len() >= least && all(text, |byte| byte.is_ascii_hexdigit())
    };
    let digits =
        |text: &str, least: usize| text.len() >= least && all(text, |byte| byte.is_ascii_digit());
    let hex_with_hyphens = |text: &str, least: usize| {
        text.len() >= least
            && all(text, |byte| byte.is_ascii_hexdigit() | (byte == b'-'))
            && text.bytes().filter(|byte| *byte != b'-').count() >= least
    };
    let behind_last = behind_last(session, b'-').unwrap_or(session);
    let instance = session.strip_prefix("i-");
    let instance = instance.or_else(|| session.strip_prefix("mi-"));
    instance.is_some_and(|id| hex(id, 8))
        || digits(behind_last, 9)
        || hex_with_hyphens(session, 32)
        || ends_in_a_uuid(session)
}

/// True for `NAME-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn ends_in_a_uuid(session: &str) -> bool {
    const LENGTH: usize = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".len();
    let from = session.len().checked_sub(LENGTH);
    let tail = from.and_then(|from| session.as_bytes().get(from..));
    tail.is_some_and(|tail| {
        tail.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

/// True where a program holds the session: AWS says for which resource it gave the credentials out
/// (`inScopeOf`: Lambda and others; `ec2RoleDelivery`: an instance), or a cluster or a pipeline vouched
/// for it, or the session has a name that only a service gives.
fn is_machine_session(event: &Event<'_>) -> bool {
    /// Sessions that always have this name: Glue's jobs and crawlers, API Gateway, Firehose.
    const NAMES: [&str; 4] = [
        "GlueJobRunnerSession",
        "AWS-Crawler",
        "BackplaneAssumeRoleSession",
        "AWSFirehoseToS3",
    ];
    /// Identity providers of programs: EKS (IAM roles for service accounts), GitHub, GitLab, Terraform
    /// Cloud, Buildkite, CircleCI, Azure Pipelines.
    const PROVIDERS: [&str; 7] = [
        "oidc.eks.",
        "token.actions.githubusercontent.com",
        "gitlab.com",
        "app.terraform.io",
        "agent.buildkite.com",
        "oidc.circleci.com",
        "vstoken.dev.azure.com",
    ];
    let user = event.user();
    let scope = user.in_scope_of();
    let named = |name| !event.read(scope.get(name)).is_empty();
    if !scope.is_absent()
        && ["issuerType", "credentialsIssuedTo", "sourceArn"]
            .into_iter()
            .any(named)
    {
        return true;
    }
    let context = event.session_context();
    if !event.read(context.ec2_role_delivery()).is_empty() {
        return true;
    }
    let provider = context.web_id_federation_data().get("federatedProvider");
    let provider = event.read(provider);
    if PROVIDERS.iter().any(|known| provider.contains(known)) {
        return true;
    }
    let session = session_name(event);
    NAMES.contains(&&*session) || (is_machine_made(&session) && !is_of_identity_center(event))
}

/// Whether all bytes are like that. None is skipped, because what comes next is anybody's guess, and a
/// wrong guess costs more than to look at the rest.
fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & is(byte))
}

/// What sort of caller this is; programs are distinguished by configuration, by the names that
/// services give their sessions, and by `invokedBy`.
pub fn kind(event: &Event<'_>, organization: &Organization) -> PrincipalKind {
    let is_workload = |text: &str| {
        !text.is_empty()
            && organization
                .workload
                .iter()
                .any(|pattern| pattern.matches(text))
    };
    let known = || {
        !organization.workload.is_empty()
            && (is_workload(&role(event))
                || is_workload(&event.read(event.user().arn()))
                || is_workload(&event.read(event.session_issuer().arn())))
    };
    match event.read(event.user().kind()).as_ref() {
        "Root" => PrincipalKind::Root,
        "AWSService" => PrincipalKind::Service,
        kind if is_anonymous(kind, event) => PrincipalKind::Anonymous,
        "AWSAccount" => PrincipalKind::Foreign,
        "AssumedRole" | "Role" => {
            if role(event).starts_with("AWSServiceRoleFor") {
                PrincipalKind::Service
            } else if known() || is_machine_session(event) || called_by_service(event) {
                PrincipalKind::Workload
            } else {
                PrincipalKind::Human
            }
        }
        "IAMUser" | "FederatedUser" | "IdentityCenterUser" | "SAMLUser" | "Directory" => {
            if known() {
                PrincipalKind::Workload
            } else {
                PrincipalKind::Human
            }
        }
        "WebIdentityUser" => {
            let name = event.read(event.user().user_name());
            let program = name.starts_with("system:serviceaccount:") || name.starts_with("repo:");
            if program || known() {
                PrincipalKind::Workload
            } else {
                PrincipalKind::Human
            }
        }
        _ if called_by_service(event) => PrincipalKind::Service,
        _ => PrincipalKind::Unknown,
    }
}

fn called_by_service(event: &Event<'_>) -> bool {
    !event.read(event.user().invoked_by()).is_empty()
}

/// What sort of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// An access key of a user or of root.
    LongLived,
    /// Of a session.
    Temporary,
    None,
}

impl KeyKind {
    /// The word in `trailscan.key_kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LongLived => "long_lived",
            Self::Temporary => "temporary",
            Self::None => "none",
        }
    }
}

/// What sort of credentials made a call, by the beginning of the access key's id (IAM user guide,
/// "Unique identifiers").
pub fn key_kind(event: &Event<'_>) -> KeyKind {
    match event.read(event.user().access_key_id()).get(..4) {
        Some("AKIA") => KeyKind::LongLived,
        Some("ASIA") => KeyKind::Temporary,
        _ => KeyKind::None,
    }
}
