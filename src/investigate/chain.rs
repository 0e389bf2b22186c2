//! Which calls belong together, by the credentials that one call gave to another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::calls::{Call, ISSUES, SELECTED};
use super::report::identity;
use crate::rules::load::RuleText;
use crate::tally::UsageRow;

/// A call that gave out credentials, or created a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub time: String,
    pub event_name: String,
    pub event_id: String,
    pub issuer: String,
    pub issuer_key: String,
    pub source_ip: String,
    pub keys: Vec<String>,
    /// The session or user that it began.
    pub began: String,
    /// Its place among the records, for [`Chain::read`].
    instances: Vec<String>,
    session: String,
    selected: bool,
}

/// The chain, as far as the first pass can tell: enough to decide of every event.
#[derive(Debug, Default)]
pub struct Chain {
    issues: Vec<Issue>,
    /// Of each issue: it was made by the chain.
    own: Vec<bool>,
    /// Access keys that the chain issued.
    keys: BTreeSet<String>,
    /// Principals that the chain created.
    created: BTreeSet<String>,
    /// Instances that the chain entered.
    instances: BTreeSet<String>,
    /// Addresses that the chain used, AWS's own left out.
    addresses: BTreeSet<String>,
    /// Keys with which the events were made that were asked for.
    asked_keys: BTreeSet<String>,
}

impl Chain {
    /// Adds a record of the first pass.
    pub(super) fn read(&mut self, call: &Call, rules: &[u32]) {
        let selected = rules.contains(&SELECTED);
        if selected {
            self.note_address(&call.line.source_ip);
            if !call.line.access_key.is_empty() {
                self.asked_keys.insert(call.line.access_key.clone());
            }
        }
        if rules.contains(&ISSUES) && call.succeeded() {
            self.issues.push(Issue {
                time: call.line.time.clone(),
                event_name: call.line.event_name.clone(),
                event_id: call.line.event_id.clone(),
                issuer: call.line.principal.clone(),
                issuer_key: call.line.access_key.clone(),
                source_ip: call.line.source_ip.clone(),
                keys: call.issued.clone(),
                began: call.began.clone(),
                instances: call.instances.clone(),
                session: call.session.clone(),
                selected,
            });
        }
    }

    fn note_address(&mut self, address: &str) {
        if is_address(address) {
            self.addresses.insert(address.to_owned());
        }
    }

    /// Follows the credentials until nothing is added. `usages` says which addresses a key was used from.
    pub(super) fn close(&mut self, usages: &[UsageRow<'_>]) {
        let mut by_key: BTreeMap<&str, Vec<&UsageRow<'_>>> = BTreeMap::new();
        let mut by_principal: BTreeMap<&str, Vec<&UsageRow<'_>>> = BTreeMap::new();
        for row in usages {
            by_key.entry(row.access_key).or_default().push(row);
            by_principal.entry(row.principal).or_default().push(row);
        }
        self.own = vec![false; self.issues.len()];
        loop {
            let mut grew = false;
            for at in 0..self.issues.len() {
                let Some(issue) = self
                    .issues
                    .get(at)
                    .filter(|_| self.own.get(at) == Some(&false))
                else {
                    continue;
                };
                let by_chain = issue.selected
                    || self.holds_caller(
                        &issue.issuer,
                        &issue.issuer_key,
                        &issue.session,
                        &issue.source_ip,
                    );
                if !by_chain {
                    continue;
                }
                let issue = issue.clone();
                if let Some(own) = self.own.get_mut(at) {
                    *own = true;
                }
                grew = true;
                self.note_address(&issue.source_ip);
                for key in &issue.keys {
                    for row in by_key.get(key.as_str()).into_iter().flatten() {
                        self.note_address(&row.source_ip);
                    }
                    self.keys.insert(key.clone());
                }
                // a user that was created belongs to the chain; a role that was assumed has other sessions
                if issue.event_name == "CreateUser" && !issue.began.is_empty() {
                    for row in by_principal.get(issue.began.as_str()).into_iter().flatten() {
                        self.note_address(&row.source_ip);
                    }
                    self.created.insert(issue.began);
                }
                self.instances.extend(issue.instances);
            }
            if !grew {
                break;
            }
        }
    }

    /// True if calls of that caller belong to the chain, whether they were asked for or not.
    fn holds_caller(&self, principal: &str, key: &str, session: &str, address: &str) -> bool {
        (!key.is_empty() && self.keys.contains(key))
            || self.created.contains(identity(principal).as_ref())
            || (self.instances.contains(session) && self.addresses.contains(address))
    }

    /// True if a call belongs to the chain; `selected` if it was asked for.
    pub(super) fn holds(&self, call: &Call, selected: bool) -> bool {
        let line = &call.line;
        selected
            || self.holds_caller(
                &line.principal,
                &line.access_key,
                &call.session,
                &line.source_ip,
            )
    }

    /// A rule for the events of the chain that were not asked for; `None` if there can be none.
    pub fn rule(&self) -> Option<RuleText> {
        let mut selections = Vec::new();
        if !self.keys.is_empty() {
            selections.push(json!({ "userIdentity.accessKeyId": self.keys }));
        }
        if !self.created.is_empty() {
            selections.push(json!({ "userIdentity.arn": self.created }));
            // a failed sign-in names the user without an ARN
            let names = self
                .created
                .iter()
                .filter_map(|arn| arn.rsplit_once(":user/"));
            let names = names.map(|(_, path)| path.rsplit('/').next().unwrap_or(path));
            let names: Vec<&str> = names.collect();
            selections.push(json!({ "eventName": "ConsoleLogin", "userIdentity.userName": names }));
        }
        if !self.instances.is_empty() && !self.addresses.is_empty() {
            selections.push(json!({
                "trailscan.session_name": self.instances,
                "sourceIPAddress": self.addresses,
            }));
        }
        if selections.is_empty() {
            return None;
        }
        let rule = json!({
            "title": "chain",
            "name": "chain",
            "level": "informational",
            "logsource": { "product": "aws", "service": "cloudtrail" },
            "detection": { "selection": selections, "condition": "selection" },
        });
        Some(RuleText::new("chain", rule.to_string()))
    }

    /// How the credentials of a caller came about: the call that issued the key, or that created the user.
    pub fn origin(&self, principal: &str, key: &str) -> Option<&Issue> {
        let issued = |issue: &&Issue| !key.is_empty() && issue.keys.iter().any(|one| one == key);
        let created = |issue: &&Issue| issue.event_name == "CreateUser" && issue.began == principal;
        let issues = &self.issues;
        issues
            .iter()
            .find(issued)
            .or_else(|| issues.iter().find(created))
    }

    /// Access keys that the chain issued.
    pub const fn keys(&self) -> &BTreeSet<String> {
        &self.keys
    }

    /// Addresses that the chain used, AWS's own left out.
    pub const fn addresses(&self) -> &BTreeSet<String> {
        &self.addresses
    }

    /// Instances that the chain entered.
    pub const fn instances(&self) -> &BTreeSet<String> {
        &self.instances
    }

    /// True for a key of an event that was asked for.
    pub fn asked_key(&self, key: &str) -> bool {
        self.asked_keys.contains(key)
    }
}

/// True for an address, false for the name of a service and `AWS Internal`.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}
