//! What is known of events that are called benign, and the Sigma mapping that matches them and as little
//! else as possible.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::derive::{identity, outcome, target};
use crate::event::{Event, Key};

/// Facts of the events of one finding, or of one record.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) sources: BTreeSet<String>,
    pub(super) calls: BTreeSet<String>,
    pub(super) principals: Principals,
    pub(super) targets: BTreeSet<String>,
    pub(super) outcomes: BTreeSet<String>,
    pub(super) regions: BTreeSet<String>,
    pub(super) accounts: BTreeSet<String>,
    /// Empty unless all are known.
    pub(super) addresses: BTreeSet<String>,
    pub(super) keys: BTreeSet<String>,
    pub(super) agents: BTreeSet<String>,
}

/// Who called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Principals {
    #[default]
    Unknown,
    /// These principal keys and no other.
    Exact(BTreeSet<String>),
    /// Sessions of these roles whose names machines made.
    SessionsOf(BTreeSet<String>),
}

/// What a mapping names beside the caller, the call, its target and place. Each step is narrower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extra {
    pub(super) key: bool,
    pub(super) address: bool,
    pub(super) agent: bool,
}

impl Extra {
    /// From the one that outlasts most changes to the one that outlasts least.
    pub(super) const STEPS: [Self; 5] = [
        Self::new(false, false, false),
        Self::new(true, false, false),
        Self::new(false, true, false),
        Self::new(true, true, false),
        Self::new(true, true, true),
    ];

    const fn new(key: bool, address: bool, agent: bool) -> Self {
        Self {
            key,
            address,
            agent,
        }
    }
}

/// The texts of a JSON array or the keys of an object.
fn texts(value: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(list) => list.iter().filter_map(text).collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

impl Facts {
    /// The facts of a finding as `findings.json` has it: sets that are complete, or nothing.
    /// `has_target` says that its resource is the target of its events.
    pub(super) fn of_finding(finding: &Value, has_target: bool) -> Self {
        let whole = |list: &str, more: &str| match finding[more].as_u64() {
            Some(0) => texts(&finding[list]),
            _ => BTreeSet::new(),
        };
        let samples = finding["samples"].as_array().map_or(&[][..], Vec::as_slice);
        let is_all = finding["count"].as_u64() == Some(samples.len() as u64);
        let of_samples = |name: &str| -> BTreeSet<String> {
            let values = samples.iter().filter_map(|sample| sample[name].as_str());
            values
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let only_if =
            |known: bool, set: BTreeSet<String>| if known { set } else { BTreeSet::new() };
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        // the sessions that machines name are left out of the callers' names: the evidence has them
        let principals_of_samples = of_samples("principal");
        let has_sessions = |role: &String| {
            let session = format!("{role}/");
            principals_of_samples
                .iter()
                .any(|one| one.starts_with(&session))
        };
        let actors = whole("actors", "more_actors");
        let principals = match actors.iter().filter(|role| has_sessions(role)).count() {
            _ if actors.is_empty() => Principals::Unknown,
            0 => Principals::Exact(actors),
            count if count == actors.len() => Principals::SessionsOf(actors),
            _ => Principals::Unknown,
        };
        let targets = match has_target {
            true => [text("resource")]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect(),
            false => only_if(is_all, of_samples("target")),
        };
        let mut outcomes = BTreeSet::new();
        for counts in finding["calls"]
            .as_object()
            .into_iter()
            .flat_map(|calls| calls.values())
        {
            for (name, outcome) in [
                ("succeeded", "success"),
                ("denied", "denied"),
                ("failed", "failed"),
            ] {
                if counts[name].as_u64() > Some(0) {
                    outcomes.insert(outcome.to_owned());
                }
            }
        }
        Self {
            // every call of a finding has a sample as long as there is room for all
            sources: only_if(
                texts(&finding["calls"]) == of_samples("event_name"),
                of_samples("event_source"),
            ),
            calls: texts(&finding["calls"]),
            principals,
            targets,
            outcomes,
            regions: texts(&finding["regions"]),
            accounts: texts(&finding["accounts"]),
            addresses: whole("source_ips", "more_source_ips"),
            keys: whole("access_keys", "more_access_keys"),
            agents: only_if(is_all, of_samples("user_agent")),
        }
    }

    /// The facts of one record.
    pub(super) fn of_event(event: &Event<'_>) -> Self {
        let one = |text: std::borrow::Cow<'_, str>| -> BTreeSet<String> {
            (!text.is_empty())
                .then(|| text.into_owned())
                .into_iter()
                .collect()
        };
        let principal = identity::principal(event);
        let principals = match identity::session(event) {
            Some(_) if identity::is_actor_the_caller(event) => {
                Principals::SessionsOf(one(identity::caller(event)))
            }
            _ if principal.is_empty() => Principals::Unknown,
            _ => Principals::Exact(one(principal)),
        };
        Self {
            sources: one(event.text(Key::EventSource)),
            calls: one(event.text(Key::EventName)),
            principals,
            targets: one(target::of(event)),
            outcomes: one(outcome::of(event).as_str().into()),
            regions: one(event.text(Key::AwsRegion)),
            accounts: one(event.text(Key::RecipientAccountId)),
            addresses: one(event.source_ip()),
            keys: one(event.read(event.user().access_key_id())),
            agents: one(event.text(Key::UserAgent)),
        }
    }

    /// True if AWS vouches for who called: the caller of a refused sign-in is whatever was typed, and an
    /// anonymous caller is whoever has the address.
    pub(super) fn is_caller_proven(&self) -> bool {
        let typed = self
            .sources
            .iter()
            .any(|source| source.starts_with("signin."))
            && self.outcomes.iter().any(|outcome| outcome != "success");
        let sound = |one: &String| one.starts_with("arn:") || one.ends_with(".amazonaws.com");
        match &self.principals {
            Principals::Unknown => false,
            Principals::SessionsOf(roles) => roles.iter().all(|role| role.starts_with("arn:")),
            Principals::Exact(all) => !typed && all.iter().all(sound),
        }
    }

    /// The fields of the mapping with their values, as Sigma writes them. `None` if it would rest on
    /// what any caller may choose.
    pub(super) fn mapping(&self, extra: Extra) -> Option<Vec<(&'static str, BTreeSet<String>)>> {
        let mut fields = Vec::new();
        let mut add = |name: &'static str, values: &BTreeSet<String>| {
            if !values.is_empty() {
                fields.push((name, values.iter().map(|value| literal(value)).collect()));
            }
        };
        add("eventSource", &self.sources);
        add("eventName", &self.calls);
        match &self.principals {
            Principals::Unknown => {}
            Principals::Exact(all) => add("trailscan.principal", all),
            Principals::SessionsOf(roles) => {
                add("trailscan.principal|startswith", &sessions_of(roles));
            }
        }
        add("trailscan.target", &self.targets);
        if self.outcomes.len() < 3 {
            add("trailscan.outcome", &self.outcomes);
        }
        add("awsRegion", &self.regions);
        add("recipientAccountId", &self.accounts);
        // ids of temporary keys never come again
        if extra.key && self.keys.iter().all(|key| key.starts_with("AKIA")) {
            add("userIdentity.accessKeyId", &self.keys);
        }
        let has_address = extra.address && !self.addresses.is_empty();
        if has_address {
            add("sourceIPAddress", &self.addresses);
        }
        if extra.agent {
            add("userAgent", &self.agents);
        }
        (self.is_caller_proven() || has_address).then_some(fields)
    }

    /// Whether all (`Some(true)`), some (`Some(false)`) or none of these events can be matched by the
    /// mapping of `other` with that extra.
    pub(super) fn falls_under(&self, other: &Self, extra: Extra) -> Option<bool> {
        let who = |facts: &Self| match &facts.principals {
            Principals::Unknown => BTreeSet::new(),
            Principals::Exact(all) => all.clone(),
            Principals::SessionsOf(roles) => sessions_of(roles),
        };
        let mut pairs = vec![
            (self.sources.clone(), other.sources.clone()),
            (self.calls.clone(), other.calls.clone()),
            (who(self), who(other)),
            (self.targets.clone(), other.targets.clone()),
            (self.outcomes.clone(), other.outcomes.clone()),
            (self.regions.clone(), other.regions.clone()),
            (self.accounts.clone(), other.accounts.clone()),
        ];
        if extra.address {
            pairs.push((self.addresses.clone(), other.addresses.clone()));
        }
        let mut whole = true;
        for (own, wanted) in pairs.iter().filter(|(_, wanted)| !wanted.is_empty()) {
            // what is not known may be anything
            if own.is_empty() || !own.is_subset(wanted) {
                whole = false;
            }
            if !own.is_empty() && own.is_disjoint(wanted) {
                return None;
            }
        }
        Some(whole)
    }
}

/// What the principal keys of sessions of these roles begin with.
fn sessions_of(roles: &BTreeSet<String>) -> BTreeSet<String> {
    roles.iter().map(|role| format!("{role}/")).collect()
}

/// The text as Sigma takes it literally: its wildcards and escapes are escaped.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The mappings as a YAML list. Values are JSON strings, which YAML reads as they are.
pub(super) fn yaml(mappings: &[Vec<(&'static str, BTreeSet<String>)>]) -> String {
    let mut out = String::new();
    for mapping in mappings {
        for (at, (field, values)) in mapping.iter().enumerate() {
            let mark = if at == 0 { "-" } else { " " };
            let text = |value: &String| Value::from(value.as_str()).to_string();
            let _ = match values.len() {
                1 => writeln!(
                    out,
                    "    {mark} {field}: {}",
                    values.iter().map(text).collect::<String>()
                ),
                _ => {
                    let _ = writeln!(out, "    {mark} {field}:");
                    values
                        .iter()
                        .try_for_each(|value| writeln!(out, "        - {}", text(value)))
                }
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding() -> Value {
        json!({
            "actor": "arn:aws:iam::111122223333:role/app", "resource": "clinic*",
            "actors": ["arn:aws:iam::111122223333:role/app"], "more_actors": 0, "count": 12,
            "calls": {"GetObject": {"succeeded": 12, "denied": 0, "failed": 0}},
            "regions": ["us-east-1"], "accounts": ["111122223333"],
            "source_ips": ["10.0.0.1"], "more_source_ips": 3,
            "access_keys": [], "more_access_keys": 0,
            "samples": [{"event_name": "GetObject", "event_source": "s3.amazonaws.com", "user_agent": "x",
                "principal": "arn:aws:iam::111122223333:role/app/i-1"}],
        })
    }

    #[test]
    fn a_mapping_names_what_is_known_of_every_event_and_nothing_that_a_caller_may_choose_alone() {
        let facts = Facts::of_finding(&finding(), true);
        let mapping = facts.mapping(Extra::STEPS[4]).unwrap();
        let fields: Vec<&str> = mapping.iter().map(|(field, _)| *field).collect();
        // the addresses and programs of twelve events are not all in one sample
        assert_eq!(
            fields,
            [
                "eventSource",
                "eventName",
                "trailscan.principal|startswith",
                "trailscan.target",
                "trailscan.outcome",
                "awsRegion",
                "recipientAccountId"
            ]
        );
        assert!(yaml(&[mapping]).contains("trailscan.target: \"clinic\\\\*\""));
        let mut anonymous = finding();
        anonymous["actor"] = json!("anonymous from 198.51.100.7");
        anonymous["actors"] = json!(["anonymous from 198.51.100.7"]);
        let facts = Facts::of_finding(&anonymous, true);
        assert!(
            Extra::STEPS
                .iter()
                .all(|step| facts.mapping(*step).is_none())
        );
        anonymous["more_source_ips"] = json!(0);
        let facts = Facts::of_finding(&anonymous, true);
        assert!(facts.mapping(Extra::STEPS[0]).is_none());
        assert!(facts.mapping(Extra::STEPS[2]).is_some());
    }
}
