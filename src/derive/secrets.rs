//! Whether a secret or parameter is one that its reader may read, by `secrets.allow`.

use std::borrow::Cow;

use super::{Derived, Organization, identity};
use crate::event::json::Value;
use crate::event::{Event, Key};

/// Whether the secret or SSM parameter of a call is one that the configuration allows its caller: `inside`
/// or `outside`. `None` where the call names no secret, or no entry names the caller.
pub fn scope(event: &Event<'_>, organization: &Organization) -> Option<&'static str> {
    if organization.allowed_secrets.is_empty() {
        return None;
    }
    let name = name(event, organization)?;
    let callers = [
        identity::role(event),
        event.read(event.user().arn()),
        event.read(event.session_issuer().arn()),
    ];
    let mut entries = organization.allowed_secrets.iter().filter(|(caller, _)| {
        let mut callers = callers.iter().filter(|name| !name.is_empty());
        callers.any(|name| caller.matches(name))
    });
    let bare = name.strip_prefix('/').unwrap_or(&name);
    let first = entries.next()?;
    let mut allowed = std::iter::once(first)
        .chain(entries)
        .flat_map(|(_, secrets)| secrets);
    // `/clinic/db` is a parameter's name, and `clinic/db` the end of its ARN
    match allowed.any(|secret| secret.matches(&name) || secret.matches(bare)) {
        true => Some("inside"),
        false => Some("outside"),
    }
}

/// The name of the secret or parameter. Of a call that names several, the one that is asked about.
fn name<'a>(event: &Event<'a>, organization: &Organization) -> Option<Cow<'a, str>> {
    let of = |field: Derived| match field.value(event, organization) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    if event.is_from("secretsmanager") {
        return of(Derived::SecretName);
    }
    if !event.is_from("ssm") || !event.text(Key::EventName).contains("Parameter") {
        return None;
    }
    let path = event.text_at(Key::RequestParameters, &["path"]);
    let named = if path.is_empty() {
        of(Derived::Target)?
    } else {
        path
    };
    let behind = named
        .split_once(":parameter/")
        .map(|(_, name)| name.to_owned());
    Some(behind.map_or(named, Cow::Owned))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::Organization;
    use crate::derive::tests::{ask, plain};
    use crate::wildcard::Wildcard;

    #[test]
    fn a_secret_lies_inside_or_outside_of_what_its_reader_may_read() {
        let entry = |caller: &str, secrets: &[&str]| {
            (
                Wildcard::parse(caller),
                secrets.iter().map(|text| Wildcard::parse(text)).collect(),
            )
        };
        let organization = Organization {
            allowed_secrets: vec![
                entry(
                    "execution-role",
                    &["pazpaz/database-url*", "pazpaz/redis-url*"],
                ),
                entry("task-role*", &["pazpaz/jwt-secret*", "clinic/config"]),
                entry(
                    "arn:aws:iam::111122223333:role/task-role-2",
                    &["pazpaz/extra"],
                ),
            ],
            ..Default::default()
        };
        let read = |role: &str, call: &str, parameters: &Json| {
            let (service, name) = call.split_once(':').unwrap();
            json!({"eventVersion": "1.11", "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "requestParameters": parameters,
                "userIdentity": {"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s"),
                    "sessionContext": {"sessionIssuer": {"userName": role, "arn": format!("arn:aws:iam::111122223333:role/{role}")}}}})
            .to_string()
        };
        let secret = |id: &str| json!({"secretId": id});
        let get = "secretsmanager:GetSecretValue";
        for (role, call, parameters, expected) in [
            (
                "execution-role",
                get,
                secret("pazpaz/database-url"),
                "inside",
            ),
            (
                "execution-role",
                get,
                secret(
                    "arn:aws:secretsmanager:us-east-1:111122223333:secret:pazpaz/redis-url-AbCdEf",
                ),
                "inside",
            ),
            (
                "execution-role",
                get,
                secret("pazpaz/jwt-secret"),
                "outside",
            ),
            ("task-role", get, secret("pazpaz/jwt-secret"), "inside"),
            ("task-role-2", get, secret("pazpaz/jwt-secret"), "inside"),
            ("task-role-2", get, secret("pazpaz/extra"), "inside"),
            ("task-role-3", get, secret("pazpaz/extra"), "outside"),
            ("somebody", get, secret("pazpaz/jwt-secret"), ""),
            ("task-role", get, Json::Null, ""),
            (
                "task-role",
                "ssm:GetParameter",
                json!({"name": "/clinic/config", "withDecryption": true}),
                "inside",
            ),
            (
                "task-role",
                "ssm:GetParameter",
                json!({"name": "arn:aws:ssm:us-east-1:111122223333:parameter/clinic/config"}),
                "inside",
            ),
            (
                "task-role",
                "ssm:GetParametersByPath",
                json!({"path": "/clinic/other"}),
                "outside",
            ),
            (
                "task-role",
                "ssm:StartSession",
                json!({"target": "i-1"}),
                "",
            ),
            (
                "task-role",
                "s3:GetObject",
                json!({"bucketName": "pazpaz"}),
                "",
            ),
        ] {
            let text = read(role, call, &parameters);
            assert_eq!(
                ask("trailscan.secret_scope", &text, &organization),
                expected,
                "{text}"
            );
            assert_eq!(plain("trailscan.secret_scope", &text), "");
        }
        // a refused read has its secret in the message only
        let refused = read("task-role", get, &Json::Null).replace(
            "\"eventVersion\"",
            r#""errorCode":"AccessDeniedException","errorMessage":"User: x is not authorized to perform: secretsmanager:GetSecretValue on resource: pazpaz/other because no policy","eventVersion""#,
        );
        assert_eq!(
            ask("trailscan.secret_scope", &refused, &organization),
            "outside"
        );
    }
}
