//! Which environment (dev, staging, prod …) a caller and the target of a call belong to.
//!
//! Names decide before accounts: several environments may share one account.

use std::borrow::Cow;

use super::{Derived, Organization, identity, target};
use crate::event::json::Value;
use crate::event::{Event, Key};
use crate::wildcard::Wildcard;

/// The first environment that the target, the caller or the account of a call belongs to.
pub fn of_call(event: &Event<'_>, organization: &Organization) -> Option<String> {
    let candidates = [target::of(event), identity::role(event), event.account()];
    named(organization, &candidates).map(str::to_owned)
}

/// The environment of the caller: by the name of its role or user, else by its account.
pub fn of_principal<'o>(event: &Event<'_>, organization: &'o Organization) -> Option<&'o str> {
    if organization.environments.is_empty() || event.user().kind().is_text("AWSService") {
        return None;
    }
    let by_name = named(organization, &[identity::role(event)]);
    by_name.or_else(|| named(organization, &[event.read(event.user().account_id())]))
}

/// The environment of what a call was aimed at: by the name of the target, of a secret or of the resources
/// that the record lists, else by the account that they belong to.
pub fn of_target<'o>(event: &Event<'_>, organization: &'o Organization) -> Option<&'o str> {
    if organization.environments.is_empty() {
        return None;
    }
    let target = Derived::Target.value(event, organization);
    let target = target.as_ref().and_then(Value::as_text).unwrap_or_default();
    let secret = Derived::SecretName.value(event, organization);
    let secret = secret.as_ref().and_then(Value::as_text).unwrap_or_default();
    let arns: Vec<Cow<'_, str>> = {
        let resources = event.raw(Key::Resources).items();
        let arns = resources.map(|item| event.read(event.get(item, "ARN")));
        arns.filter(|arn| !arn.is_empty()).collect()
    };
    let names = [&*target, name_in(&target), &secret];
    named(organization, &names)
        .or_else(|| {
            let names: Vec<&str> = arns.iter().map(|arn| name_in(arn)).collect();
            named(organization, &names)
        })
        .or_else(|| {
            let owner = account_in(&target);
            let owner = owner.or_else(|| arns.iter().find_map(|arn| account_in(arn)));
            match owner {
                Some(owner) => named(organization, &[owner]),
                None => named(organization, &[event.account()]),
            }
        })
}

/// Whether the caller belongs to another environment than the target; `None` where either is unknown.
pub fn crossed(event: &Event<'_>, organization: &Organization) -> Option<bool> {
    let caller = of_principal(event, organization)?;
    Some(caller != of_target(event, organization)?)
}

/// The first environment that has one of these texts.
fn named<'o>(organization: &'o Organization, texts: &[impl AsRef<str>]) -> Option<&'o str> {
    let fits = |patterns: &[Wildcard]| {
        let mut texts = texts
            .iter()
            .map(AsRef::as_ref)
            .filter(|text| !text.is_empty());
        texts.any(|text| patterns.iter().any(|pattern| pattern.matches(text)))
    };
    let mut environments = organization.environments.iter();
    let found = environments.find(|(_, patterns)| fits(patterns));
    found.map(|(name, _)| name.as_str())
}

/// The name of the resource in an ARN: the bucket of an object, the role, the table. Any other text is
/// itself.
fn name_in(arn: &str) -> &str {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(service), Some(resource)) = (parts.next(), parts.nth(1), parts.nth(2))
    else {
        return arn;
    };
    match service {
        "s3" => resource.split('/').next().unwrap_or(resource),
        _ => resource.rsplit(['/', ':']).next().unwrap_or(resource),
    }
}

/// The account of an ARN that names one.
fn account_in(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let account = parts.nth(4).filter(|account| !account.is_empty())?;
    arn.starts_with("arn:").then_some(account)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::tests::{ask, event};
    use crate::derive::{Derived, Organization, target};
    use crate::wildcard::Wildcard;

    fn organization() -> Organization {
        let patterns = |list: &[&str]| list.iter().map(|text| Wildcard::parse(text)).collect();
        Organization {
            environments: vec![
                ("dev".into(), patterns(&["*-dev", "444455556666"])),
                (
                    "prod".into(),
                    patterns(&["*-prod", "prod/*", "111122223333"]),
                ),
            ],
            ..Default::default()
        }
    }

    fn record(account: &str, role: &str, service: &str, more: &Json) -> String {
        let mut record = json!({"eventVersion": "1.11", "eventSource": format!("{service}.amazonaws.com"), "eventName": "X",
            "userIdentity": {"type": "AssumedRole", "accountId": account, "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/s"),
                "sessionContext": {"sessionIssuer": {"userName": role, "arn": format!("arn:aws:iam::{account}:role/{role}")}}}});
        for (name, value) in more.as_object().unwrap() {
            record[name] = value.clone();
        }
        record.to_string()
    }

    #[test]
    fn names_decide_before_accounts() {
        let bucket = |name: &str| json!({"requestParameters": {"bucketName": name}, "recipientAccountId": "111122223333"});
        // a caller of an account that belongs to no environment, whose role does
        let dev = |service: &str, more: Json| record("777788889999", "app-dev", service, &more);
        for (text, of_caller, of_target, crossed) in [
            (
                record("111122223333", "app-dev", "s3", &bucket("files-prod")),
                "dev",
                "prod",
                "true",
            ),
            (
                record("111122223333", "app-dev", "s3", &bucket("files-dev")),
                "dev",
                "dev",
                "false",
            ),
            (
                record("111122223333", "app", "s3", &bucket("files")),
                "prod",
                "prod",
                "false",
            ),
            (
                record("444455556666", "app", "s3", &bucket("files")),
                "dev",
                "prod",
                "true",
            ),
            (
                record("777788889999", "app", "s3", &bucket("files")),
                "",
                "prod",
                "",
            ),
            (
                dev(
                    "secretsmanager",
                    json!({"requestParameters": {"secretId": "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-AbCdEf"}}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "secretsmanager",
                    json!({"requestParameters": {"secretId": "test/db"}, "recipientAccountId": "777788889999"}),
                ),
                "dev",
                "",
                "",
            ),
            (
                dev(
                    "sts",
                    json!({"requestParameters": {"roleArn": "arn:aws:iam::777788889999:role/team/app-prod"}}),
                ),
                "dev",
                "prod",
                "true",
            ),
            // a refused call names the role in its message
            (
                dev(
                    "sts",
                    json!({"errorCode": "AccessDenied", "requestParameters": null,
                "errorMessage": "User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::777788889999:role/app-prod"}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "sts",
                    json!({"requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/x"}}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "dynamodb",
                    json!({"requestParameters": {"tableName": "patients-prod"}}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "rds",
                    json!({"requestParameters": {"dBInstanceIdentifier": "db-prod"}}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "kms",
                    json!({"resources": [{"ARN": "arn:aws:kms:us-east-1:111122223333:key/1"}]}),
                ),
                "dev",
                "prod",
                "true",
            ),
            (
                dev(
                    "x",
                    json!({"resources": [{"ARN": "arn:aws:s3:::files-prod/a/b"}]}),
                ),
                "dev",
                "prod",
                "true",
            ),
        ] {
            let organization = organization();
            let ask_for = |field: &str| ask(field, &text, &organization);
            assert_eq!(
                ask_for("trailscan.principal_environment"),
                of_caller,
                "{text}"
            );
            assert_eq!(ask_for("trailscan.target_environment"), of_target, "{text}");
            assert_eq!(ask_for("trailscan.environment_crossed"), crossed, "{text}");
            for field in [
                "trailscan.principal_environment",
                "trailscan.target_environment",
                "trailscan.environment_crossed",
            ] {
                assert_eq!(ask(field, &text, &Organization::default()), "");
            }
        }
    }

    #[test]
    fn of_several_targets_each_has_its_environment_and_scope() {
        let text = record(
            "777788889999",
            "app-dev",
            "secretsmanager",
            &json!({"eventName": "BatchGetSecretValue",
            "requestParameters": {"secretIdList": ["one-dev", "two-prod"]}}),
        );
        let mut organization = organization();
        organization.allowed_secrets =
            vec![(Wildcard::parse("app-dev"), vec![Wildcard::parse("one-*")])];
        let event = event(&text);
        let value = |field: Derived| {
            field
                .value(&event, &organization)
                .and_then(|value| value.as_text().map(|text| text.into_owned()))
        };
        let fields = [
            Derived::TargetEnvironment,
            Derived::EnvironmentCrossed,
            Derived::SecretScope,
        ];
        let first = fields.map(value);
        assert_eq!(first.map(Option::unwrap), ["dev", "false", "inside"]);
        let targets = target::several(&event);
        Derived::set_target(&event, &targets[1], &organization);
        assert_eq!(
            fields.map(value).map(Option::unwrap),
            ["prod", "true", "outside"]
        );
    }
}
