//! Which IAM actions a call needed, on which resource, and what its record says of condition keys.
//!
//! A call is not always named like the action that IAM asks for (`HeadObject` needs `s3:GetObject`). The
//! exceptions are data, in `permissions.toml`, with their sources.

mod facts;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::target;
use crate::event::{Event, Key};
use crate::partition::Partition;
use crate::policy::{Name, Pattern, Resource, Rest};
pub use facts::fact;

/// An action that a call needed, and on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// `s3:GetObject`
    pub action: String,
    pub resource: Resource,
}

/// Where the use of an action could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded<'t> {
    Management,
    /// In data events only; the word is that of `requires` in rules.
    Data(&'t str),
    /// Nowhere, with the reason.
    Never(&'t str),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    prefixes: BTreeMap<String, String>,
    actions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    resources: BTreeMap<String, String>,
    data_events: BTreeMap<String, String>,
    unrecorded: BTreeMap<String, String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("permissions.toml")).expect("the table is part of the program")
});

/// Where the use of an action could be seen. A pattern of actions is recorded as its first known one.
pub fn recorded(action: &str) -> Recorded<'static> {
    let is = |(known, _): &(&String, &String)| Pattern::action(known).may_match(action);
    if let Some((_, why)) = TABLE.unrecorded.iter().find(is) {
        return Recorded::Never(why);
    }
    match TABLE.data_events.iter().find(is) {
        Some((_, class)) => Recorded::Data(class),
        None => Recorded::Management,
    }
}

/// The actions that a pattern matches and that are recorded as data events only, each with its class.
pub fn data_events_of(pattern: &Pattern) -> Vec<(&'static str, &'static str)> {
    let events = TABLE.data_events.iter();
    let events = events.filter(|(action, _)| pattern.may_match(action));
    events
        .map(|(action, class)| (action.as_str(), class.as_str()))
        .collect()
}

/// The actions that a call needed. None for what is no call of a principal (a service's own event, a
/// sign-in) and for calls that need no permission.
pub fn of(event: &Event<'_>) -> Vec<Need> {
    let kind = event.text(Key::EventType);
    if !kind.is_empty() && kind != "AwsApiCall" {
        return Vec::new();
    }
    let source = event.text(Key::EventSource);
    let host = source.split(".amazonaws.com").next().unwrap_or(&source);
    let service = event.service();
    let prefix = TABLE.prefixes.get(host);
    let prefix = prefix.map_or(&*service, String::as_str);
    // a refusal names the action itself, and on what it was refused
    if let Some((action, resource)) = refused(event) {
        return vec![Need { action, resource }];
    }
    let name = event.text(Key::EventName);
    let call = without_version(&name);
    let need = |action: &str, resource: Resource| Need {
        action: format!("{prefix}:{action}"),
        resource,
    };
    let mut needs: Vec<Need> = match (prefix, call) {
        ("secretsmanager", "BatchGetSecretValue") => {
            let listed = event.at(Key::RequestParameters, &["secretIdList"]).items();
            let secrets =
                listed.map(|item| need("GetSecretValue", secret(event, &event.read(item))));
            std::iter::once(need(call, Resource::default()))
                .chain(secrets)
                .collect()
        }
        ("ssm", "GetParameters" | "DeleteParameters") => {
            let listed = event.at(Key::RequestParameters, &["names"]).items();
            listed
                .map(|item| need(call, parameter(event, &event.read(item))))
                .collect()
        }
        _ => {
            let resource = resource(event, prefix, call);
            let actions = actions(event, prefix, call);
            actions
                .iter()
                .map(|action| need(action, resource.clone()))
                .collect()
        }
    };
    if prefix == "s3" && matches!(call, "CopyObject" | "UploadPartCopy") {
        needs.push(need("GetObject", copied(event)));
    }
    needs
}

/// The call without the date or version that some services put behind its name: Lambda
/// (`Invoke20150331`, `GetFunction20150331v2`) and CloudFront (`CreateDistribution2020_05_31`).
fn without_version(name: &str) -> &str {
    let bare = name.strip_suffix("v2").unwrap_or(name);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let digits = name.len() - bare.len();
    if digits >= 8 { bare } else { name }
}

/// The actions that a call of that name needs.
fn actions<'t>(event: &Event<'_>, prefix: &str, call: &'t str) -> Vec<Cow<'t, str>> {
    let own = || vec![Cow::Borrowed(call)];
    let Some(table) = TABLE.actions.get(prefix) else {
        return own();
    };
    let mut actions = table.get(call).map_or_else(
        || {
            let verb = |(known, _): &(&String, &Vec<String>)| {
                known
                    .strip_suffix('*')
                    .is_some_and(|verb| call.starts_with(verb))
            };
            let by_verb = table.iter().find(verb);
            by_verb.map_or_else(own, |(_, actions)| {
                actions.iter().map(|a| a.clone().into()).collect()
            })
        },
        |actions| {
            actions
                .iter()
                .map(|action| Cow::Owned(action.clone()))
                .collect()
        },
    );
    let conditional = format!("{call}?");
    for (key, more) in table.range(conditional.clone()..) {
        let Some(parameter) = key.strip_prefix(&conditional) else {
            break;
        };
        if event
            .at(Key::RequestParameters, &[parameter])
            .is_empty_scalar()
            || event.at(Key::RequestParameters, &[parameter]).is_null()
        {
            continue;
        }
        for action in more {
            match action.strip_prefix('+') {
                Some(added) => actions.push(Cow::Owned(added.to_owned())),
                None => actions = vec![Cow::Owned(action.clone())],
            }
        }
    }
    actions
}

/// The action and resource in "… is not authorized to perform: ACTION on resource: RESOURCE".
fn refused(event: &Event<'_>) -> Option<(String, Resource)> {
    let message = event.text(Key::ErrorMessage);
    let (_, behind) = message.split_once("is not authorized to perform: ")?;
    let action = behind.split([' ', '\n', ',']).next()?;
    let (service, name) = action.split_once(':')?;
    let is_word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    if !is_word(service) || !is_word(name) {
        return None;
    }
    let named = target::from_message(event);
    let resource = match named.starts_with("arn:") {
        true => Resource::arn(named),
        false if service == "secretsmanager" && !named.is_empty() => secret(event, &named),
        false => resource(event, service, name),
    };
    Some((action.to_owned(), resource))
}

/// Who decided on a refusal, as its message says ("… because no identity-based policy allows …").
pub fn refused_by(event: &Event<'_>) -> &'static str {
    const DECIDERS: [(&str, &str); 8] = [
        ("service control policy", "service control policy"),
        ("resource control policy", "resource control policy"),
        ("permissions boundary", "permissions boundary"),
        ("session policy", "session policy"),
        ("VPC endpoint policy", "VPC endpoint policy"),
        ("resource-based policy", "resource policy"),
        ("explicit deny in an identity-based policy", "explicit deny"),
        (
            "no identity-based policy allows",
            "no identity policy allows it",
        ),
    ];
    let message = event.text(Key::ErrorMessage);
    let decider = DECIDERS.iter().find(|(words, _)| message.contains(words));
    decider.map_or("", |(_, decider)| decider)
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:` of the call.
fn arn(event: &Event<'_>, service: &str, rest: &str) -> String {
    let region = event.text(Key::AwsRegion);
    let partition = Partition::of_region(&region).name();
    match service {
        "iam" => format!("arn:{partition}:iam::{}:{rest}", event.account()),
        _ => format!(
            "arn:{partition}:{service}:{region}:{}:{rest}",
            event.account()
        ),
    }
}

/// What a call was about.
fn resource(event: &Event<'_>, service: &str, call: &str) -> Resource {
    let parameter_text = |name: &str| event.text_at(Key::RequestParameters, &[name]);
    match service {
        "s3" => return bucket_or_object(event, call),
        "secretsmanager" => {
            let typed = parameter_text("secretId");
            let typed = if typed.is_empty() {
                parameter_text("name")
            } else {
                typed
            };
            return match typed.is_empty() {
                true => Resource::default(),
                false => secret(event, &typed),
            };
        }
        "logs" => {
            let group = parameter_text("logGroupName");
            if !group.is_empty() {
                let stream = parameter_text("logStreamName");
                let rest = format!("log-group:{group}:log-stream:{stream}");
                return Resource::arn(arn(event, service, &rest));
            }
        }
        "sqs" => {
            let url = parameter_text("queueUrl");
            let mut parts = url.rsplit('/');
            if let (Some(queue), Some(account)) = (parts.next(), parts.next()) {
                let whole = arn(event, service, queue);
                return Resource::arn(whole.replacen(&*event.account(), account, 1));
            }
        }
        _ => {}
    }
    // what CloudTrail says of the resource is as good as the request, and always an ARN
    let listed = event.raw(Key::Resources).items();
    let arns = listed.map(|item| event.read(event.get(item, "ARN")));
    let own = |arn: &Cow<'_, str>| is_of(arn, service) || (service == "sts" && is_of(arn, "iam"));
    let names: Vec<Name> = arns.filter(own).map(|arn| exact(&arn)).collect();
    if !names.is_empty() {
        return Resource { names };
    }
    for (key, rest) in TABLE.resources.range(format!("{service}:")..) {
        let Some(parameter) = key
            .strip_prefix(service)
            .and_then(|key| key.strip_prefix(':'))
        else {
            break;
        };
        let value = parameter_text(parameter);
        if value.is_empty() {
            continue;
        }
        if value.starts_with("arn:") {
            return Resource::arn(value);
        }
        let value = value.strip_prefix('/').unwrap_or(&value);
        return match rest.strip_suffix("{below}") {
            Some(before) => {
                let below = format!("{before}{}/", value.trim_end_matches('/'));
                Resource::named(arn(event, service, &below), Rest::Below)
            }
            None => Resource::arn(arn(event, service, &rest.replace("{}", value))),
        };
    }
    let parameters = event.raw(Key::RequestParameters).members();
    let mut arns = parameters.map(|(_, value)| event.read(value));
    let own = |arn: &Cow<'_, str>| is_of(arn, service) || (service == "sts" && is_of(arn, "iam"));
    arns.find(own).map_or_else(Resource::default, Resource::arn)
}

fn exact(arn: &str) -> Name {
    Name {
        text: arn.to_owned(),
        rest: Rest::Nothing,
    }
}

/// True for an ARN of that service.
fn is_of(arn: &str, service: &str) -> bool {
    let mut fields = arn.split(':');
    fields.next() == Some("arn") && fields.nth(1) == Some(service)
}

/// The secret that was typed by name, ARN or ARN without its last characters, which are random
/// (Secrets Manager user guide, "What's in a Secrets Manager secret").
fn secret(event: &Event<'_>, typed: &str) -> Resource {
    if !typed.starts_with("arn:") {
        let whole = arn(event, "secretsmanager", &format!("secret:{typed}"));
        return Resource::named(whole, Rest::SecretSuffix);
    }
    let suffix = typed.rsplit_once('-').map_or("", |(_, tail)| tail);
    let without = Name {
        text: typed.to_owned(),
        rest: Rest::SecretSuffix,
    };
    match suffix.len() == 6 && suffix.chars().all(|c| c.is_ascii_alphanumeric()) {
        // a name may end in a hyphen and six letters itself: random ones are hardly ever all small
        true if suffix.chars().all(|c| c.is_ascii_lowercase()) => Resource {
            names: vec![exact(typed), without],
        },
        true => Resource::arn(typed),
        false => Resource {
            names: vec![without],
        },
    }
}

fn parameter(event: &Event<'_>, typed: &str) -> Resource {
    match typed.starts_with("arn:") {
        true => Resource::arn(typed),
        false => {
            let bare = typed.strip_prefix('/').unwrap_or(typed);
            Resource::arn(arn(event, "ssm", &format!("parameter/{bare}")))
        }
    }
}

/// The bucket, the object, or for a batch delete, whose keys are not recorded, all objects of a bucket.
fn bucket_or_object(event: &Event<'_>, call: &str) -> Resource {
    let bucket = event.text_at(Key::RequestParameters, &["bucketName"]);
    if bucket.is_empty() || bucket.starts_with("arn:") {
        return Resource::default();
    }
    let partition = Partition::of_region(&event.text(Key::AwsRegion)).name();
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let key = event.text_at(Key::RequestParameters, &["key"]);
    match key.is_empty() {
        true if matches!(call, "DeleteObjects" | "PostObject") => {
            Resource::named(format!("{arn}/"), Rest::Below)
        }
        true => Resource::arn(arn),
        false => Resource::arn(format!("{arn}/{key}")),
    }
}

/// What a copy reads: `x-amz-copy-source` is `BUCKET/KEY`, with or without a slash before it.
fn copied(event: &Event<'_>) -> Resource {
    let source = event.text_at(Key::RequestParameters, &["x-amz-copy-source"]);
    let source = crate::policy::percent_decoded(&source);
    let bare = source.strip_prefix('/').unwrap_or(&source);
    let partition = Partition::of_region(&event.text(Key::AwsRegion)).name();
    match bare.split_once('/') {
        Some((bucket, _)) if !bucket.is_empty() && !bucket.starts_with("arn:") => {
            Resource::arn(format!("arn:{partition}:s3:::{bare}"))
        }
        _ => Resource::default(),
    }
}

#[cfg(test)]
mod tests;
