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
