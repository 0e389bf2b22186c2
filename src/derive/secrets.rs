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
