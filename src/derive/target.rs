//! What a call aimed at, also where the record hides it in `errorMessage`.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{identity, omitted, part};
use crate::event::json::Raw;
use crate::event::{Event, Key};

const EMPTY: Cow<'_, str> = Cow::Borrowed("");

/// The role, user, key, secret, bucket or trail. Empty where the record names none.
pub fn of<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let named: Cow<'a, str> = match event.service().as_ref() {
        "sts" => request(event, &["roleArn"]),
        "iam" => iam(event),
        "secretsmanager" => secret_name(event),
        "ssm" => request(event, &["name", "names", "documentName", "target"]),
        "kms" => kms_key(event),
        "s3" | "s3express" | "s3-authn-errors" => request(event, &["bucketName"]),
        "cloudtrail" => request(event, &["name", "trailName", "eventDataStore"]),
        _ => EMPTY,
    };
    if !named.is_empty() {
        return named;
    }
    let message = from_message(event);
    if !message.is_empty() {
        return message;
    }
    let resource = resource(event);
    if !resource.is_empty() {
        return resource;
    }
    request(
        event,
        &[
            "bucketName",
            "functionName",
            "dBInstanceIdentifier",
            "tableName",
            "instanceId",
            "groupId",
            "name",
            "roleArn",
            "snapshotId",
            "imageId",
            "dBSnapshotIdentifier",
            "dBClusterSnapshotIdentifier",
        ],
    )
}

/// What a call aimed at.
pub type Target<'a> = Cow<'a, str>;

/// All that a call aimed at where it names several: secrets, parameters, the buckets or the keys of a
/// copy, in their order and each once. Empty for other calls.
pub fn several<'a>(event: &Event<'a>) -> Vec<Target<'a>> {
    let name = event.text(Key::EventName);
    let mut all: Vec<Target<'a>> = match name.as_ref() {
        "BatchGetSecretValue" => {
            let listed = event.at(Key::RequestParameters, &["secretIdList"]).items();
            // an ARN may be typed without its last six characters: then the name is longer
            let named = listed.flat_map(|item| {
                let typed = event.read(item);
                let longer = part(typed.clone(), |typed| Some(typed.split_once(":secret:")?.1));
                [without_suffix(typed), longer.unwrap_or_default()]
            });
            named.collect()
        }
        "GetParameters" | "DeleteParameters" => {
            let listed = event.at(Key::RequestParameters, &["names"]).items();
            listed.map(|item| event.read(item)).collect()
        }
        "CopyObject" | "UploadPartCopy" => vec![of(event), copy_source(event)],
        "ReEncrypt" | "ReEncryptFrom" | "ReEncryptTo" => {
            let resources = event.raw(Key::Resources).items();
            resources
                .map(|item| event.read(event.get(item, "ARN")))
                .collect()
        }
        _ => return Vec::new(),
    };
    let mut seen = Vec::new();
    all.retain(|target| {
        let new = !target.is_empty() && !seen.contains(target);
        seen.extend(new.then(|| target.clone()));
        new
    });
    match all.len() {
        0 | 1 => Vec::new(),
        _ => all,
    }
}

/// The bucket that a copy reads from: `x-amz-copy-source` is `BUCKET/KEY`, with or without a slash before
/// it, URL encoded (S3 API reference, CopyObject), or the ARN of an access point, which names none.
fn copy_source<'a>(event: &Event<'a>) -> Target<'a> {
    let source = event.text_at(Key::RequestParameters, &["x-amz-copy-source"]);
    let bucket = part(source, |source| {
        let bare = source
            .strip_prefix('/')
            .or_else(|| source.strip_prefix("%2F"));
        let bucket = bare.unwrap_or(source).split(['/', '%', '?']).next();
        bucket.filter(|bucket| !bucket.starts_with("arn:"))
    });
    bucket.unwrap_or_default()
}

/// The first of these request parameters that holds text; of a list its first item.
fn request<'a, const N: usize>(event: &Event<'a>, names: &[&str; N]) -> Cow<'a, str> {
    let text = |value: Raw<'a>| match value.is_array() {
        true => value.items().next().map_or(EMPTY, |item| event.read(item)),
        false => event.read(value),
    };
    let values = event.members_of(Key::RequestParameters, names);
    let mut texts = values.into_iter().map(text);
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// The user, role, group or policy of an IAM call. A call on a user that names none is one on the
/// caller (IAM API reference, `UserName`).
fn iam<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let named = request(
        event,
        &[
            "userName",
            "roleName",
            "groupName",
            "instanceProfileName",
            "policyArn",
            "policyName",
            "sAMLProviderArn",
            "openIDConnectProviderArn",
        ],
    );
    let name = event.text(Key::EventName);
    let of_a_user = [
        "AccessKey",
        "LoginProfile",
        "MFADevice",
        "UserPolicy",
        "ChangePassword",
    ];
    if named.is_empty()
        && of_a_user.iter().any(|part| name.contains(part))
        && !omitted::request(event)
    {
        // a refused call has no parameters, and only the message says whom it was about
        let refused = user_in_message(event);
        if !refused.is_empty() {
            return refused;
        }
        return match event.read(event.user().kind()).as_ref() {
            "Root" => Cow::Borrowed("root"),
            _ => identity::role(event),
        };
    }
    named
}

/// The user that the message of a refused IAM call names: by name, or by an ARN, whose last part is the
/// name (IAM user guide, "Friendly names and paths").
pub(super) fn user_in_message<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let named = part(from_message(event), |text| {
        match text.split_once(":user/") {
            Some((_, path)) => path.rsplit('/').next(),
            None => Some(text).filter(|text| !text.starts_with("arn:")),
        }
    });
    named.unwrap_or_default()
}

/// The secret's name, whether the caller typed a name, an ARN or a part of one: an ARN ends in six
/// random characters that are no part of the name (Secrets Manager user guide).
pub fn secret_name<'a>(event: &Event<'a>) -> Cow<'a, str> {
    if !event.is_from("secretsmanager") {
        return EMPTY;
    }
    let typed = request(event, &["secretId", "secretIdList", "name"]);
    let typed = match typed.is_empty() {
        true => from_message(event),
        false => typed,
    };
    without_suffix(typed)
}

fn without_suffix(typed: Cow<'_, str>) -> Cow<'_, str> {
    let name = part(typed, |typed| {
        let Some((_, name)) = typed.split_once(":secret:") else {
            return Some(typed);
        };
        match name.rsplit_once('-') {
            Some((bare, tail)) if tail.len() == 6 => Some(bare),
            _ => Some(name),
        }
    });
    name.unwrap_or_default()
}

/// The key: `resources[0].ARN`, what the caller named, or the ARN in the refusal.
fn kms_key<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let resource = resource(event);
    if resource.is_empty() {
        request(event, &["keyId", "targetKeyId"])
    } else {
        resource
    }
}

fn resource<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let resources = event.raw(Key::Resources).items();
    let mut arns = resources.map(|item| event.read(event.get(item, "ARN")));
    arns.find(|arn| !arn.is_empty()).unwrap_or_default()
}

/// The ARN or name in "… is not authorized to perform: X on resource: ARN …": a refused AssumeRole has no
/// request parameters, so this is the only place that names the role. Some services name what was asked
/// for as the caller typed it, IAM with its kind before it (`user bob`).
pub(super) fn from_message<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let message = event.raw(Key::ErrorMessage);
    let ends = |c| matches!(c, ' ' | '"' | '\'' | '\n');
    // these are full of quotes, and nothing has to be decoded to find the name between them
    if let Some(text) = message.quoted()
        && escapes_only_what_ends_a_name(text)
    {
        return Cow::Borrowed(resource_in(text, |c| ends(c) || c == '\\').unwrap_or_default());
    }
    part(event.read(message), |text| resource_in(text, ends)).unwrap_or_default()
}

/// What stands behind "on resource: ", up to a character that `ends` it.
fn resource_in(message: &str, ends: impl Fn(char) -> bool) -> Option<&str> {
    const BEFORE: &str = "on resource: ";
    const KINDS: [&str; 8] = [
        "user", "role", "group", "policy", "instance", "secret", "key", "bucket",
    ];
    static FIND: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(BEFORE));
    let at = FIND.find(message.as_bytes())?;
    let behind = message.get(at + BEFORE.len()..)?;
    let behind = behind.trim_start_matches(&ends);
    let word = |text: &str| text.find(&ends).unwrap_or(text.len());
    let first = behind.get(..word(behind))?;
    let is_name = |text: &str| !matches!(text, "" | "*" | "because" | "with");
    let clean = |text: &str| -> usize { text.trim_end_matches(['.', ',']).len() };
    if KINDS.contains(&first)
        && let Some(rest) = behind.get(first.len()..)?.strip_prefix(' ')
        && let Some(second) = rest.get(..word(rest))
        && let Some(second) = second.get(..clean(second))
        && is_name(second)
    {
        return Some(second);
    }
    first.get(..clean(first)).filter(|name| is_name(name))
}

/// True for the inside of a JSON string in which only quotes and ends of lines are escaped.
fn escapes_only_what_ends_a_name(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        match rest.get(at + 1..) {
            Some([b'"' | b'n', behind @ ..]) => rest = behind,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::derive::tests::plain;

    #[test]
    fn a_refused_call_without_parameters_is_about_the_user_that_the_message_names() {
        let refused = |resource: &str| {
            format!(
                r#"{{"eventVersion":"1.11","eventSource":"iam.amazonaws.com","eventName":"CreateLoginProfile",
                "userIdentity":{{"type":"IAMUser","userName":"bert","arn":"arn:aws:iam::111122223333:user/bert"}},
                "errorCode":"AccessDenied","requestParameters":null,"errorMessage":"User: arn:aws:iam::111122223333:user/bert is not authorized to perform: iam:CreateLoginProfile on resource: {resource} because no identity-based policy allows it"}}"#
            )
        };
        for (resource, target) in [
            ("user alice", "alice"),
            ("arn:aws:iam::111122223333:user/staff/alice", "alice"),
            // nobody else is named
            ("*", "bert"),
        ] {
            assert_eq!(
                plain("trailscan.target", &refused(resource)),
                target,
                "{resource}"
            );
        }
    }

    #[test]
    fn snapshots_and_images_are_targets() {
        for (service, parameter, id) in [
            ("ec2", "snapshotId", "snap-0123456789abcdef0"),
            ("ec2", "imageId", "ami-0123456789abcdef0"),
            ("rds", "dBSnapshotIdentifier", "clinic-db-prod-1"),
        ] {
            let text = format!(
                r#"{{"eventVersion":"1.11","eventSource":"{service}.amazonaws.com","requestParameters":{{"{parameter}":"{id}"}}}}"#
            );
            assert_eq!(plain("trailscan.target", &text), id);
        }
    }
}
