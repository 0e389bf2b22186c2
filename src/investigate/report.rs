//! The answer as a value.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::calls::{Call, SELECTED};
use super::chain::{Chain, is_address};
use super::changes::{Change, Changes, Containment};
use super::pivots::{Pivot, Shares, pivots};
use super::text::short;
use super::timeline::{Entry, Timeline};
use super::touched::{Touched, TouchedTable};
use crate::tally::UsageRow;
use crate::words::plural;

/// What one caller did with one set of credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Party {
    pub principal: String,
    pub access_key: String,
    /// Its calls are part of the chain; else it only gave credentials to one that is.
    pub in_chain: bool,
    pub events: u64,
    pub refused: u64,
    pub failed: u64,
    pub first: String,
    pub last: String,
    /// Addresses, or names of services, and user agents, each with its events.
    pub source_ips: BTreeMap<String, u64>,
    pub user_agents: BTreeMap<String, u64>,
    /// The session comes from a sign-in to the console.
    pub from_console: bool,
    /// The call that issued the key or created the user.
    pub origin: Option<Step>,
    /// The place of the party that made that call.
    pub parent: Option<usize>,
}

/// A call that led from one party to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub time: String,
    pub event_name: String,
    pub event_id: String,
    pub source_ip: String,
}

/// An answer that another explanation fits as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    pub what: String,
    pub otherwise: String,
}

/// The whole answer. Member names are those of investigation.json.
#[derive(Debug, Default, Serialize)]
pub struct Investigation {
    pub schema_version: u32,
    /// What was asked for, as typed.
    pub question: String,
    pub source: String,
    /// The answer in sentences, the most telling first.
    pub answer: Vec<String>,
    pub events: u64,
    pub refused: u64,
    pub failed: u64,
    pub first: String,
    pub last: String,
    /// Principals of the chain, without sessions.
    pub identities: Vec<String>,
    pub source_ips: BTreeMap<String, u64>,
    pub parties: Vec<Party>,
    pub timeline: Vec<Entry>,
    pub touched: Vec<Touched>,
    pub changes: Vec<Change>,
    pub containment: Vec<Containment>,
    pub pivots: Vec<Pivot>,
    pub observations: Vec<Observation>,
    /// What the logs cannot tell.
    pub limits: Vec<String>,
    /// Object keys by bucket. They may name patients: they are written only on request.
    #[serde(skip)]
    pub objects: BTreeMap<String, BTreeSet<String>>,
}

/// Gathers the answer from the records of the last pass, in the order of time.
#[derive(Debug)]
pub(crate) struct Gathering<'c> {
    chain: &'c Chain,
    parties: Vec<Party>,
    places: BTreeMap<(String, String), usize>,
    timeline: Timeline,
    touched: TouchedTable,
    changes: Changes,
    own_usages: BTreeSet<(String, String, String, String)>,
    events: u64,
    refused: u64,
    failed: u64,
    first: String,
    last: String,
}

impl<'c> Gathering<'c> {
    pub(crate) fn new(chain: &'c Chain) -> Self {
        Self {
            chain,
            parties: Vec::new(),
            places: BTreeMap::new(),
            timeline: Timeline::default(),
            touched: TouchedTable::default(),
            changes: Changes::default(),
            own_usages: BTreeSet::new(),
            events: 0,
            refused: 0,
            failed: 0,
            first: String::new(),
            last: String::new(),
        }
    }

    /// Adds a record of the last pass.
    pub(super) fn add(&mut self, call: &Call, rules: &[u32]) {
        if !self.chain.holds(call, rules.contains(&SELECTED)) {
            let (chain, parties) = (self.chain, &self.parties);
            let is_chains = |kind: &str, value: &str| match kind {
                "accessKeyId" => {
                    chain.keys().contains(value)
                        || parties.iter().any(|party| party.access_key == value)
                }
                "userName" | "roleName" => parties
                    .iter()
                    .any(|party| party.in_chain && is_named(&party.principal, value)),
                "instanceId" => chain.instances().contains(value),
                _ => false,
            };
            self.changes.others(call, is_chains);
            return;
        }
        let line = &call.line;
        self.events += 1;
        self.refused += u64::from(line.outcome == "denied");
        self.failed += u64::from(line.outcome == "failed");
        if self.first.is_empty() {
            self.first.clone_from(&line.time);
        }
        if !line.time.is_empty() {
            self.last.clone_from(&line.time);
        }
        self.own_usages.insert((
            line.principal.clone(),
            line.source_ip.clone(),
            line.access_key.clone(),
            line.user_agent.clone(),
        ));
        let at = self.party(&line.principal, &line.access_key);
        if let Some(party) = self.parties.get_mut(at) {
            party.in_chain = true;
            party.events += 1;
            party.refused += u64::from(line.outcome == "denied");
            party.failed += u64::from(line.outcome == "failed");
            if party.first.is_empty() {
                party.first.clone_from(&line.time);
            }
            party.last.clone_from(&line.time);
            *party.source_ips.entry(line.source_ip.clone()).or_default() += 1;
            *party
                .user_agents
                .entry(line.user_agent.clone())
                .or_default() += 1;
            party.from_console |= call.from_console;
        }
        self.timeline.add(call);
        self.touched.add(call);
        self.changes.own(call);
    }

    fn party(&mut self, principal: &str, access_key: &str) -> usize {
        let key = (principal.to_owned(), access_key.to_owned());
        let parties = &mut self.parties;
        *self.places.entry(key).or_insert_with(|| {
            parties.push(Party {
                principal: principal.to_owned(),
                access_key: access_key.to_owned(),
                ..Party::default()
            });
            parties.len() - 1
        })
    }

    /// Leads every party back to the one that gave it its credentials.
    fn lead_back(&mut self) {
        let mut at = 0;
        // parents are added behind
        while let Some(party) = self.parties.get(at) {
            let issue = self
                .chain
                .origin(&party.principal, &party.access_key)
                .cloned();
            if let Some(issue) = issue {
                let parent = self.party(&issue.issuer, &issue.issuer_key);
                if let Some(party) = self.parties.get_mut(at) {
                    party.parent = Some(parent).filter(|parent| *parent != at);
                    party.origin = Some(Step {
                        time: issue.time,
                        event_name: issue.event_name,
                        event_id: issue.event_id,
                        source_ip: issue.source_ip,
                    });
                }
            }
            at += 1;
        }
    }

    /// The answer. `phi` are patterns of names that hold ePHI.
    pub(crate) fn finish(mut self, usages: &[UsageRow<'_>], phi: &[String]) -> Investigation {
        self.lead_back();
        let own = &self.own_usages;
        let is_chain = |row: &UsageRow<'_>| {
            own.contains(&(
                row.principal.to_owned(),
                row.source_ip.clone(),
                row.access_key.to_owned(),
                row.user_agent.to_owned(),
            ))
        };
        let pivots = pivots(usages, &is_chain);
        let (touched, objects) = self.touched.finish(phi);
        let chain = self.parties.iter().filter(|party| party.in_chain);
        let identities: BTreeSet<String> = chain
            .clone()
            .map(|party| identity(&party.principal).into_owned())
            .collect();
        let mut source_ips: BTreeMap<String, u64> = BTreeMap::new();
        for (address, events) in chain.flat_map(|party| &party.source_ips) {
            *source_ips.entry(address.clone()).or_default() += events;
        }
        let mut answer = Investigation {
            schema_version: 1,
            events: self.events,
            refused: self.refused,
            failed: self.failed,
            first: self.first,
            last: self.last,
            identities: identities.into_iter().collect(),
            source_ips,
            observations: observations(&self.parties, usages),
            parties: self.parties,
            timeline: self.timeline.entries,
            touched,
            objects,
            changes: self.changes.made,
            containment: self.changes.contained,
            pivots,
            ..Investigation::default()
        };
        answer.answer = super::text::answer(&answer);
        answer
    }
}

/// The principal without its session. A failed sign-in names the user without an ARN.
pub(super) fn identity(principal: &str) -> Cow<'_, str> {
    if let Some(user) = principal.strip_prefix("IAMUser:")
        && let Some((account, name)) = user.split_once(':')
    {
        return Cow::Owned(format!("arn:aws:iam::{account}:user/{name}"));
    }
    // a role's path may have several parts: the session is the last one
    if principal.contains(":role/")
        && let Some((role, _)) = principal.rsplit_once('/')
        && !role.ends_with(":role")
    {
        return Cow::Borrowed(role);
    }
    Cow::Borrowed(principal)
}

/// True if that name is the user or role of a principal.
fn is_named(principal: &str, name: &str) -> bool {
    let of = identity(principal);
    of.rsplit(['/', ':']).next() == Some(name) || principal == name
}

/// Sessions of roles that were used from several networks, by calls of the chain and others, and what
/// else that may mean.
fn observations(parties: &[Party], usages: &[UsageRow<'_>]) -> Vec<Observation> {
    let mut sessions: BTreeMap<&str, bool> = BTreeMap::new();
    for party in parties {
        if party.in_chain && party.principal.contains(":role/") {
            *sessions.entry(&party.principal).or_default() |= party.from_console;
        }
    }
    let mut found = Vec::new();
    for (principal, from_console) in sessions {
        let rows = usages
            .iter()
            .filter(|row| row.principal == principal && is_address(&row.source_ip));
        let mut networks: BTreeMap<String, u64> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for row in rows {
            *networks.entry(network(&row.source_ip)).or_default() += row.counts.events;
            keys.insert(row.access_key);
        }
        if networks.len() < 2 {
            continue;
        }
        let list: Vec<String> = networks
            .iter()
            .take(5)
            .map(|(network, events)| format!("{network}: {}", plural(*events, "call")))
            .collect();
        let list = list.join(", ");
        let used = format!(
            "The session {} was used from {} networks ({list}) with {}",
            short(principal),
            networks.len(),
            plural(keys.len() as u64, "access key")
        );
        let (what, otherwise) = match from_console {
            true => (
                format!("{used}, in the console."),
                "A console session that moves between networks is ordinary: the console and a person's network \
                 may both change the address. This alone does not show stolen credentials.",
            ),
            false => (
                format!(
                    "{used}: this fits credentials that were taken from where they were issued."
                ),
                "It also fits a machine whose traffic leaves by several addresses (NAT gateways, a VPN, IPv4 \
                 beside IPv6), or a session name that several programs use: compare with your own networks.",
            ),
        };
        found.push(Observation {
            what,
            otherwise: otherwise.to_owned(),
        });
    }
    found
}

/// The network of an address: its first two bytes, of IPv6 the first 32 bits.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V4(v4)) => {
            let [one, two, ..] = v4.octets();
            format!("{one}.{two}.0.0/16")
        }
        Ok(std::net::IpAddr::V6(v6)) => {
            let [one, two, ..] = v6.segments();
            format!("{one:x}:{two:x}::/32")
        }
        Err(_) => address.to_owned(),
    }
}

impl Pivot {
    /// What is shared, in words.
    pub const fn what(&self) -> &'static str {
        match self.shares {
            Shares::AccessKey => "access key",
            Shares::Address => "address",
            Shares::UserAgent => "user agent",
        }
    }
}
