//! What a policy in a request grants.

use serde_json::Value as Json;

use crate::event::json::Raw;
use crate::event::{Event, Key};
use crate::partition::Partition;
use crate::wildcard::Wildcard;

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
    let arn = event.text_at(Key::RequestParameters, &["policyArn"]);
    let managed = arn
        .split_once(":iam::aws:policy/")
        .map(|(_, path)| path.rsplit('/').next().unwrap_or(path));
    if managed.is_some_and(|name| ADMINISTRATOR.contains(&name)) {
        return true;
    }
    let statements = statements(event.at(Key::RequestParameters, &["policyDocument"]));
    let allowed: Vec<Statement> = statements
        .iter()
        .filter(|statement| allows(statement))
        .map(Statement::of)
        .collect();
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

/// What a statement is about.
struct Statement {
    actions: Set,
    resources: Set,
}

/// What patterns cover, or all that they do not cover.
struct Set {
    patterns: Vec<Wildcard>,
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
            patterns: texts(patterns).map(pattern).collect(),
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

    fn take(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(text)) != self.except
    }
}

/// A pattern of IAM's: `*` and `?`, any number of them side by side, without case. A policy variable
/// (`${aws:username}`) may be any text, and stands for the caller's own user or role more often than
/// not; `${*}` is a star that is no wildcard (IAM user guide, "Policy variables").
fn pattern(text: &str) -> Wildcard {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        let Some((variable, behind)) = after.split_once('}') else {
            rest = after;
            break;
        };
        // no resource has a character in its name that a policy would have to escape
        plain.push(match variable {
            "*" | "?" | "$" => '\u{0}',
            _ => '*',
        });
        rest = behind;
    }
    plain.push_str(rest);
    Wildcard::parse(&plain)
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

/// A member by its name, whatever the case; null where there is none.
fn member<'j>(object: &'j Json, name: &str) -> &'j Json {
    let mut members = object.as_object().into_iter().flatten();
    let found = members.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Json::Null, |(_, value)| value)
}

fn allows(statement: &Json) -> bool {
    member(statement, "Effect")
        .as_str()
        .is_some_and(|effect| effect.eq_ignore_ascii_case("Allow"))
}

/// A text, or the texts of a list.
fn texts(value: &Json) -> impl Iterator<Item = &str> {
    let list = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Json::as_str)
}

/// The statements of a document, which stands in a record as an object, as JSON text, or as URL
/// encoded JSON text. A lone statement needs no list (IAM user guide, "Statement").
fn statements(raw: Raw<'_>) -> Vec<Json> {
    let text = match raw.string() {
        Some(text) if text.trim_start().starts_with('%') => percent_decoded(&text),
        Some(text) => text.into_owned(),
        None => raw.as_str().to_owned(),
    };
    let document: Json = serde_json::from_str(&text).unwrap_or_default();
    match member(&document, "Statement") {
        Json::Array(list) => list.clone(),
        Json::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
