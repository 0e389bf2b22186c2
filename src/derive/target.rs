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
    let source = event.text(Key::EventSource);
    let end = source.bytes().position(|byte| byte == b'.');
    let service = source.get(..end.unwrap_or(source.len()));
    let named: Cow<'a, str> = match service.unwrap_or_default() {
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
        ],
    )
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
        return match event.read(event.user().kind()).as_ref() {
            "Root" => Cow::Borrowed("root"),
            _ => identity::role(event),
        };
    }
    named
}

/// The secret's name, whether the caller typed a name, an ARN or a part of one: an ARN ends in six
/// random characters that are no part of the name (Secrets Manager user guide).
pub fn secret_name<'a>(event: &Event<'a>) -> Cow<'a, str> {
    if event.text(Key::EventSource) != "secretsmanager.amazonaws.com" {
        return EMPTY;
    }
    let typed = request(event, &["secretId", "secretIdList", "name"]);
    let typed = match typed.is_empty() {
        true => from_message(event),
        false => typed,
    };
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

/// The ARN in "… is not authorized to perform: X on resource: ARN …": a refused AssumeRole has no
/// request parameters, so this is the only place that names the role.
fn from_message<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let message = event.raw(Key::ErrorMessage);
    let ends = |c| matches!(c, ' ' | '"' | '\'' | '\n');
    // these are full of quotes, and nothing has to be decoded to find the ARN between them
    if let Some(text) = message.quoted()
        && escapes_only_what_ends_an_arn(text)
    {
        return Cow::Borrowed(arn_in(text, |c| ends(c) || c == '\\').unwrap_or_default());
    }
    part(event.read(message), |text| arn_in(text, ends)).unwrap_or_default()
}

fn arn_in(message: &str, ends: impl Fn(char) -> bool) -> Option<&str> {
    const BEFORE: &str = "on resource: ";
    static FIND: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(BEFORE));
    let at = FIND.find(message.as_bytes())?;
    let arn = message.get(at + BEFORE.len()..)?.split(ends).next()?;
    Some(arn.trim_end_matches(['.', ','])).filter(|arn| arn.starts_with("arn:"))
}

/// True for the inside of a JSON string in which only quotes and ends of lines are escaped.
fn escapes_only_what_ends_an_arn(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        match rest.get(at + 1..) {
            Some([b'"' | b'n', behind @ ..]) => rest = behind,
            _ => return false,
        }
    }
    true
}
