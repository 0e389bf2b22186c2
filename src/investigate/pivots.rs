//! Others that share an address, a key or an agent with a chain.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::chain::is_address;
use crate::tally::{UsageCounts, UsageRow};

/// What is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shares {
    /// An access key of the chain, from another address or agent.
    AccessKey,
    Address,
    UserAgent,
}

/// A principal outside of the chain that shares something with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pivot {
    pub shares: Shares,
    pub value: String,
    pub principal: String,
    pub events: u64,
    pub refused: u64,
    /// The addresses of these calls, the first ones by spelling.
    pub source_ips: Vec<String>,
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// How many principals in all logs have this value: what few have tells most.
    pub principals_with_it: usize,
}

/// An agent that more principals have tells nothing.
const MOST_WITH_AGENT: usize = 5;

/// How many addresses of a pivot are named.
const MOST_ADDRESSES: usize = 5;

/// The pivots, the rarest first. `is_chain` tells which combinations the chain itself used.
pub(super) fn pivots(
    usages: &[UsageRow<'_>],
    is_chain: &dyn Fn(&UsageRow<'_>) -> bool,
) -> Vec<Pivot> {
    let mut own: BTreeSet<(Shares, &str)> = BTreeSet::new();
    let mut with: BTreeMap<(Shares, &str), BTreeSet<&str>> = BTreeMap::new();
    let values = |row: &'_ UsageRow<'_>| -> [(Shares, String); 3] {
        [
            (Shares::AccessKey, row.access_key.to_owned()),
            (Shares::Address, row.source_ip.clone()),
            (Shares::UserAgent, row.user_agent.to_owned()),
        ]
    };
    fn value<'r>(row: &'r UsageRow<'_>, shares: Shares) -> &'r str {
        match shares {
            Shares::AccessKey => row.access_key,
            Shares::Address => &row.source_ip,
            Shares::UserAgent => row.user_agent,
        }
    }
    let says = |shares: Shares, value: &str| match shares {
        Shares::Address => is_address(value),
        // services name themselves here
        Shares::UserAgent => !value.is_empty() && !value.ends_with(".amazonaws.com"),
        Shares::AccessKey => !value.is_empty(),
    };
    const ALL: [Shares; 3] = [Shares::AccessKey, Shares::Address, Shares::UserAgent];
    for row in usages {
        let chain = is_chain(row);
        for shares in ALL {
            let value = value(row, shares);
            if says(shares, value) {
                with.entry((shares, value))
                    .or_default()
                    .insert(row.principal);
                if chain {
                    own.insert((shares, value));
                }
            }
        }
    }
    let mut found: BTreeMap<(Shares, String, &str), (UsageCounts, BTreeSet<&str>)> =
        BTreeMap::new();
    for row in usages.iter().filter(|row| !is_chain(row)) {
        for (shares, value) in values(row) {
            if own.contains(&(shares, value.as_str())) {
                let counts = found.entry((shares, value, row.principal)).or_default();
                counts.0.merge(&row.counts);
                counts.1.insert(&row.source_ip);
            }
        }
    }
    let mut pivots: Vec<Pivot> = found
        .into_iter()
        .map(|((shares, value, principal), (counts, addresses))| Pivot {
            source_ips: addresses
                .iter()
                .take(MOST_ADDRESSES)
                .map(|ip| (*ip).to_owned())
                .collect(),
            principals_with_it: with.get(&(shares, value.as_str())).map_or(0, BTreeSet::len),
            shares,
            value,
            principal: principal.to_owned(),
            events: counts.events,
            refused: counts.denied + counts.failed,
            first: counts.first,
            last: counts.last,
        })
        .filter(|pivot| {
            pivot.shares != Shares::UserAgent || pivot.principals_with_it <= MOST_WITH_AGENT
        })
        .collect();
    pivots.sort_by(|one, other| {
        let key = |pivot: &Pivot| {
            (
                pivot.principals_with_it,
                pivot.shares,
                std::cmp::Reverse(pivot.events),
            )
        };
        let text = |pivot: &Pivot| (pivot.value.clone(), pivot.principal.clone());
        key(one)
            .cmp(&key(other))
            .then_with(|| text(one).cmp(&text(other)))
    });
    pivots
}
