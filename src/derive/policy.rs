//! What a policy in a request grants.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::parameters::{member, texts};
use super::part;
use crate::event::json::Raw;
use crate::event::{Event, Key};
use crate::partition::Partition;
use crate::policy::{Pattern, percent_decoded};

/// AWS's own policies that give, or let their holder give himself, everything.
const ADMINISTRATOR: [&str; 3] = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];

/// The IAM calls that let their holder give anything to a user, role or group, or to himself through
/// it. To hold all of them on any of these is to be an administrator.
const DECISIVE: [(&str, &[&str]); 3] = [
    (
        "user",
        &[
            "AttachUserPolicy",
            "PutUserPolicy",
            "CreateAccessKey",
            "CreateLoginProfile",
        ],
    ),
    (
        "role",
        &[
            "AttachRolePolicy",
            "PutRolePolicy",
            "UpdateAssumeRolePolicy",
        ],
    ),
    (
        "group",
        &["AttachGroupPolicy", "PutGroupPolicy", "AddUserToGroup"],
    ),
];

/// Calls of services that have little in common, each on a resource of its own. To hold all of them is
/// to hold everything.
const EVERYTHING: [(&str, &str); 6] = [
    (
        "cloudtrail:StopLogging",
        "cloudtrail:{region}:{account}:trail/{name}",
    ),
    ("ec2:RunInstances", "ec2:{region}:{account}:instance/{name}"),
    (
        "kms:ScheduleKeyDeletion",
        "kms:{region}:{account}:key/{name}",
    ),
    (
        "organizations:LeaveOrganization",
        "organizations::{account}:root/{name}",
    ),
    ("s3:DeleteObject", "s3:::{name}/{name}"),
    (
        "secretsmanager:GetSecretValue",
        "secretsmanager:{region}:{account}:secret:{name}",
    ),
];

/// The name of a resource that no policy names in full: only a wildcard reaches it.
const UNNAMED: &str = "trailscan-probe-7d1f";

/// True where the call attaches one of AWS's administrator policies, or writes a document that allows
/// everything, all but a few actions or resources (`NotAction`, `NotResource`), or those IAM calls
/// that give the rest. Wildcards are read as IAM reads them (IAM user guide, "Action", "Resource",
/// "NotAction", "NotResource").
pub fn grants_admin(event: &Event<'_>) -> bool {
    if managed(event).is_some_and(|name| ADMINISTRATOR.contains(&&*name)) {
        return true;
    }
    let statements = statements(event.at(Key::RequestParameters, &["policyDocument"]));
    let inline = statements_in_inline_policy(event);
    let allowed: Vec<Statement> = statements
        .iter()
        .chain(&inline)
        .filter(|statement| allows(statement))
        .map(Statement::of)
        .collect();
    // most calls attach a policy by its name and write no document
    if allowed.is_empty() {
        return false;
    }
    let account = event.account();
    // IAM refuses a policy that names another partition than its own
    let partition = Partition::of_region(&event.text(Key::AwsRegion));
    let arn = |rest: &str| {
        let rest = rest
            .replace("{region}", partition.global_region())
            .replace("{account}", &account)
            .replace("{name}", UNNAMED);
        format!("arn:{}:{rest}", partition.name())
    };
    let decisive = |(kind, calls): &(&str, &[&str])| {
        let resource = arn(&format!("iam::{account}:{kind}/{UNNAMED}"));
        calls.iter().all(|call| {
            let action = format!("iam:{call}");
            let mut all = allowed.iter();
            all.any(|one| one.actions.take(&action) && one.resources.take(&resource))
        })
    };
    let actions: Vec<String> = EVERYTHING.iter().map(|(call, _)| (*call).into()).collect();
    let resources: Vec<String> = EVERYTHING.iter().map(|(_, rest)| arn(rest)).collect();
    let everything =
        |one: &Statement| one.actions.is_whole(&actions) && one.resources.is_whole(&resources);
    DECISIVE.iter().any(decisive) || allowed.iter().any(everything)
}

/// The name of the AWS managed policy that a call attaches to a user, role, group or permission set.
fn managed<'a>(event: &Event<'a>) -> Option<Cow<'a, str>> {
    let names = ["policyArn", "managedPolicyArn"];
    let arns = event.members_of(Key::RequestParameters, &names);
    let mut arns = arns.into_iter().map(|arn| event.read(arn));
    arns.find_map(|arn| {
        part(arn, |arn| {
            let (_, path) = arn.split_once(":iam::aws:policy/")?;
            Some(path.rsplit('/').next().unwrap_or(path))
        })
    })
}

/// The statements of the inline policy of a permission set (Identity Center API reference,
/// PutInlinePolicyToPermissionSet).
fn statements_in_inline_policy(event: &Event<'_>) -> Vec<Json> {
    statements(event.at(Key::RequestParameters, &["inlinePolicy"]))
}

/// The verbs that the names of actions begin with, and ends that they have: to hold one of each is to hold
/// a whole service.
const ANY_ACTION: [&str; 6] = [
    "CreateProbe",
    "DeleteProbes",
    "GetProbeById",
    "ListProbeData",
    "PutProbeX",
    "TagProbeQ",
];

/// AWS's own policies that give a whole service and do not have `FullAccess` in their names (AWS managed
/// policy reference).
const WHOLE_SERVICE: [&str; 2] = ["DatabaseAdministrator", "SecretsManagerReadWrite"];

/// True where the call attaches one of AWS's policies that give a whole service, or writes a document of
/// an identity that allows every action or every action of a service, on whatever resource. Wildcards are
/// read as IAM reads them (IAM user guide, "Action", "NotAction"). [`grants_admin`] implies it.
pub fn grants_wildcard(event: &Event<'_>) -> bool {
    let whole = |name: &str| name.contains("FullAccess") || WHOLE_SERVICE.contains(&name);
    let statements = statements(event.at(Key::RequestParameters, &["policyDocument"]));
    let inline = statements_in_inline_policy(event);
    // a statement with a principal is part of a resource's policy, whose actions are those of one service
    let mut allowed = statements
        .iter()
        .chain(&inline)
        .filter(|statement| allows(statement) && member(statement, "Principal").is_null());
    managed(event).is_some_and(|name| whole(&name))
        || allowed.any(takes_a_whole_service)
        || grants_admin(event)
}

/// True for a statement on all actions, or on all of some service.
fn takes_a_whole_service(statement: &Json) -> bool {
    let actions = Statement::of(statement).actions;
    if actions.except {
        return true;
    }
    let written = texts(member(statement, "Action"));
    let mut services = written.map(|action| {
        let service = action.split_once(':').map_or("", |(service, _)| service);
        // a pattern of services covers one that nobody names
        service.replace(['*', '?'], "x")
    });
    let takes_all = |service: &str| {
        let mut probes = ANY_ACTION.iter();
        probes.all(|action| actions.take(&format!("{service}:{action}")))
    };
    services.any(|service| takes_all(&service))
}

/// What a statement is about.
struct Statement {
    actions: Set,
    resources: Set,
}

/// What patterns cover, or all that they do not cover.
struct Set {
    patterns: Vec<Pattern>,
    except: bool,
}

impl Statement {
    fn of(statement: &Json) -> Self {
        Self {
            actions: Set::of(statement, "Action", "NotAction"),
            resources: Set::of(statement, "Resource", "NotResource"),
        }
    }
}

impl Set {
    /// The set that one of two members gives; `None` if neither is there.
    fn of(statement: &Json, of: &str, except: &str) -> Self {
        let excepted = member(statement, except);
        let is_excepted = !excepted.is_null();
        let patterns = match is_excepted {
            true => excepted,
            false => member(statement, of),
        };
        Self {
            patterns: texts(patterns).map(Pattern::action).collect(),
            except: is_excepted,
        }
    }

    /// True where the set holds all of these; of a set of exceptions, where it leaves any of them, for
    /// what it leaves is all but what it names.
    fn is_whole(&self, probes: &[String]) -> bool {
        match self.except {
            true => probes.iter().any(|probe| self.take(probe)),
            false => probes.iter().all(|probe| self.take(probe)),
        }
    }

    /// True where it may hold the text: a policy variable stands for the caller's own user or role more
    /// often than not.
    fn take(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.may_match(text)) != self.except
    }
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

/// True for a statement that allows something.
pub(super) fn allows(statement: &Json) -> bool {
    member(statement, "Effect")
        .as_str()
        .is_some_and(|effect| effect.eq_ignore_ascii_case("Allow"))
}

/// The statements of a document, which stands in a record as an object, as JSON text, or as URL
/// encoded JSON text. A lone statement needs no list (IAM user guide, "Statement").
fn statements(raw: Raw<'_>) -> Vec<Json> {
    match raw.string() {
        Some(text) => statements_in_text(&text),
        None => statements_in_text(raw.as_str()),
    }
}

/// [`statements`] of a document that stands in a tree.
pub(super) fn statements_of(document: &Json) -> Vec<Json> {
    match document {
        Json::String(text) => statements_in_text(text),
        document => statements_in(document),
    }
}

fn statements_in_text(text: &str) -> Vec<Json> {
    let decoded;
    let text = match text.trim_start().starts_with('%') {
        true => {
            decoded = percent_decoded(text);
            &decoded
        }
        false => text,
    };
    statements_in(&serde_json::from_str(text).unwrap_or_default())
}

fn statements_in(document: &Json) -> Vec<Json> {
    match member(document, "Statement") {
        Json::Array(list) => list.clone(),
        Json::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::tests::plain;

    fn grants(parameters: &Json) -> [String; 2] {
        let record = json!({"eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "eventName": "PutRolePolicy", "recipientAccountId": "111122223333", "requestParameters": parameters});
        let text = record.to_string();
        [
            "trailscan.policy_grants_wildcard",
            "trailscan.policy_grants_admin",
        ]
        .map(|field| plain(field, &text))
    }

    #[test]
    fn whole_services_differ_from_single_actions() {
        let allow = |action: Json| json!({"policyDocument": json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::b/*"}}).to_string()});
        for (action, expected) in [
            (json!("s3:*"), "true"),
            (json!("S3:**"), "true"),
            (json!("secretsmanager:?*"), "true"),
            (json!(["s3:GetObject", "secretsmanager:*"]), "true"),
            (json!("*"), "true"),
            (json!("*:*"), "true"),
            (json!("s*:*"), "true"),
            (
                json!([
                    "s3:Get*",
                    "s3:List*",
                    "s3:Put*",
                    "s3:Create*",
                    "s3:Delete*",
                    "s3:Tag*"
                ]),
                "true",
            ),
            (json!("s3:Get*"), "false"),
            (json!(["s3:Get*", "s3:List*", "s3:Describe*"]), "false"),
            (json!("s3:*Object"), "false"),
            (json!(["s3:GetObject", "kms:Decrypt"]), "false"),
            (json!([]), "false"),
            (Json::Null, "false"),
        ] {
            let [wildcard, admin] = grants(&allow(action.clone()));
            assert_eq!(
                (wildcard.as_str(), admin.as_str()),
                (expected, "false"),
                "{action}"
            );
        }
        let document = |statement: Json| json!({"policyDocument": json!({"Statement": [statement]}).to_string()});
        for (parameters, expected) in [
            (
                document(
                    json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b"}),
                ),
                ["true", "false"],
            ),
            (
                document(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})),
                ["false", "false"],
            ),
            (
                document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
                ["true", "true"],
            ),
            // the trust policy of a role names who may take it
            (
                document(
                    json!({"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "111122223333"}}),
                ),
                ["false", "false"],
            ),
            (
                json!({"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}),
                ["true", "false"],
            ),
            (
                json!({"policyArn": "arn:aws:iam::aws:policy/SecretsManagerReadWrite"}),
                ["true", "false"],
            ),
            (
                json!({"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
                ["true", "true"],
            ),
            (
                json!({"policyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}),
                ["false", "false"],
            ),
            (
                json!({"policyArn": "arn:aws:iam::111122223333:policy/AmazonS3FullAccess"}),
                ["false", "false"],
            ),
            // permission sets of Identity Center
            (
                json!({"managedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
                ["true", "true"],
            ),
            (
                json!({"managedPolicyArn": "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"}),
                ["false", "false"],
            ),
            (
                json!({"inlinePolicy": r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#}),
                ["true", "true"],
            ),
            (
                json!({"inlinePolicy": r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#}),
                ["true", "false"],
            ),
            (
                json!({"omitted": true, "originalSize": 131021, "reason": "requestParameters too large"}),
                ["", ""],
            ),
        ] {
            assert_eq!(grants(&parameters), expected, "{parameters}");
        }
    }
}
