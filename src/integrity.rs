//! What digests say of logs, and what was found of both: the facts that a proof is drawn from.
//!
//! CloudTrail writes, once an hour for each account, Region and trail, a signed digest that names
//! the logs delivered in that hour with the SHA-256 of their content, and the digest before it
//! (facts, section 3). Facts come in any order, one object at a time, and a log is kept only until
//! the digest that names it has been met, or the other way round: so memory grows with the hours
//! of the window and not with its logs. [`merge`](Integrity::merge) is associative and commutative.

pub mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::time::Epoch;

/// SHA-256.
pub type Hash = [u8; 32];

/// The chain a digest belongs to: one a trail, account and Region, and beside it one of backfill
/// digests, which AWS makes later for logs that an hour's digest missed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chain {
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
}

/// One digest as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestFact {
    /// The time of delivery that it speaks for, `[start, end)`.
    pub start: Epoch,
    pub end: Epoch,
    /// The bucket it says it is in.
    pub bucket: Arc<str>,
    /// Of its inflated content.
    pub sha256: Hash,
    pub standing: Standing,
    /// The fingerprint of the key it asks for.
    pub fingerprint: Arc<str>,
    /// Of the text of the signature that was stored with it, where there was one.
    pub signature: Option<Hash>,
    pub before: Before,
    /// When it was written to its bucket, where the listing told.
    pub written: Option<Epoch>,
    /// How many logs of the window it names.
    pub named: u32,
    pub met: Met,
}

/// What its own signature, or the lack of it, says of a digest. What its neighbours say is decided
/// when all are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its signature is right.
    Signed,
    /// Its signature is there and wrong, or it was taken from it; it lies elsewhere than it says; it
    /// cannot be read as a digest. The text says which.
    Bad(String),
    /// There is no key of that fingerprint.
    NoKey,
    /// It came without its metadata, which a copy to disk loses. The text is what AWS signed: the
    /// next digest holds the signature too.
    Unsigned(Box<str>),
    /// It could not be had; the text says why.
    Unread(String),
}

/// What a digest says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing: the first after validation or logging was switched on.
    Start,
    Digest(Previous),
    /// It could not be read.
    Unknown,
}

/// The digest before, as its successor describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its name in [`Integrity::digests`].
    pub name: Box<str>,
    /// The end of its hour, by its name.
    pub end: Option<Epoch>,
    pub sha256: Hash,
    /// Of the text of its signature.
    pub signature: Hash,
    /// The signature itself, kept where the successor has none of its own: the predecessor will
    /// have none either.
    pub witness: Option<Box<str>>,
}

/// How the logs that a digest names were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    pub matching: u32,
    /// Another content, or damaged.
    pub altered: u32,
    /// There, and could not be read.
    pub unread: u32,
}

/// What a digest says of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub chain: Arc<Chain>,
    /// The digest's name.
    pub digest: Arc<str>,
    pub sha256: Hash,
}

/// What was found of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The SHA-256 of its inflated content.
    Content(Hash),
    /// It is not as CloudTrail writes logs; the text says in what.
    Damaged(Box<str>),
    /// It is there and could not be had; the text says why.
    Unread(Box<str>),
}

/// What one object teaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A log of an account and Region without any digest.
    Undigested {
        account: String,
        region: String,
    },
    Log {
        name: String,
        reading: Reading,
    },
    Digest {
        chain: Arc<Chain>,
        name: Arc<str>,
        fact: Box<DigestFact>,
        claims: Vec<(Box<str>, Hash)>,
    },
}

/// A log that a digest names and that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub log: Box<str>,
    pub claim: Claim,
    /// Nothing where the content is what the digest says.
    pub fault: Option<Fault>,
}

/// Why a log is not what its digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its content has another hash.
    Differs(Hash),
    Damaged(Box<str>),
    Unread(Box<str>),
}

/// The facts of a run. Names of logs and digests are those the digests use: `bucket/key`, or the
/// part of the key from the account on where a copy is checked.
#[derive(Debug, Default)]
pub struct Integrity {
    pub digests: BTreeMap<Arc<Chain>, BTreeMap<Arc<str>, DigestFact>>,
    /// Logs that were named and not met.
    pub claims: BTreeMap<Box<str>, Vec<Claim>>,
    /// Logs that were met and not named.
    pub readings: BTreeMap<Box<str>, Reading>,
    /// How many logs there were of accounts and Regions without any digest: nothing else can be
    /// said of them, so their names are not kept.
    pub undigested: BTreeMap<(String, String), u64>,
    /// Logs that are not what their digest says.
    pub faulty: Vec<Settled>,
    /// Logs that were met and named since the last [`take_settled`](Self::take_settled).
    settled: Vec<Settled>,
}

impl Integrity {
    /// Takes up what one object taught.
    pub fn absorb(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Undigested { account, region } => {
                *self.undigested.entry((account, region)).or_default() += 1;
            }
            Evidence::Log { name, reading } => self.read(name.into(), reading),
            Evidence::Digest {
                chain,
                name,
                fact,
                claims,
            } => {
                self.digest(&chain, &name, *fact);
                for (log, sha256) in claims {
                    let (chain, digest) = (Arc::clone(&chain), Arc::clone(&name));
                    let claim = Claim {
                        chain,
                        digest,
                        sha256,
                    };
                    self.claim(log, claim);
                }
            }
        }
    }

    /// Adds what another worker or run learnt.
    pub fn merge(&mut self, other: Self) {
        for (chain, digests) in other.digests {
            for (name, fact) in digests {
                self.digest(&chain, &name, fact);
            }
        }
        for (log, claims) in other.claims {
            for claim in claims {
                self.claim(log.clone(), claim);
            }
        }
        for (log, reading) in other.readings {
            self.read(log, reading);
        }
        for (place, logs) in other.undigested {
            *self.undigested.entry(place).or_default() += logs;
        }
        self.faulty.extend(other.faulty);
        self.settled.extend(other.settled);
    }

    /// What signed digests name and nobody met: logs, and digests of which the hour ends after
    /// `since`. What others name is not sought: they may name anything.
    pub fn wanted(&self, since: Option<Epoch>) -> BTreeSet<&str> {
        let after = |end: Option<Epoch>| match (since, end) {
            (Some(since), Some(end)) => end > since,
            _ => true,
        };
        let previous = self.digests.values().flat_map(|digests| {
            let facts = digests.values();
            let signed = facts.filter(|fact| fact.standing == Standing::Signed);
            signed.filter_map(|fact| match &fact.before {
                Before::Digest(previous)
                    if after(previous.end) && !digests.contains_key(&*previous.name) =>
                {
                    Some(&*previous.name)
                }
                _ => None,
            })
        });
        let signed = |claim: &Claim| {
            let digest = self.digests.get(&claim.chain);
            let digest = digest.and_then(|digests| digests.get(&claim.digest));
            digest.is_some_and(|digest| digest.standing == Standing::Signed)
        };
        let logs = self.claims.iter();
        let logs = logs.filter(|(_, claims)| claims.iter().any(signed));
        logs.map(|(log, _)| &**log).chain(previous).collect()
    }

    /// Hands out the logs that were settled since the last time, in the order in which they were.
    pub fn take_settled(&mut self) -> Vec<Settled> {
        std::mem::take(&mut self.settled)
    }

    /// The same digest may be met twice (asked for again with more keys): the better standing holds.
    fn digest(&mut self, chain: &Arc<Chain>, name: &Arc<str>, fact: DigestFact) {
        let digests = self.digests.entry(Arc::clone(chain)).or_default();
        match digests.get_mut(name) {
            None => {
                digests.insert(Arc::clone(name), fact);
            }
            Some(known) => {
                let met = known.met.plus(fact.met);
                if fact.standing.rank() < known.standing.rank() {
                    *known = fact;
                }
                known.met = met;
            }
        }
    }

    fn claim(&mut self, log: Box<str>, claim: Claim) {
        match self.readings.remove(&log) {
            Some(reading) => self.settle(log, claim, &reading),
            None => {
                let claims = self.claims.entry(log).or_default();
                if !claims.contains(&claim) {
                    claims.push(claim);
                }
            }
        }
    }

    fn read(&mut self, log: Box<str>, reading: Reading) {
        match self.claims.remove(&log) {
            Some(claims) => {
                for claim in claims {
                    self.settle(log.clone(), claim, &reading);
                }
            }
            None => {
                self.readings.insert(log, reading);
            }
        }
    }

    fn settle(&mut self, log: Box<str>, claim: Claim, reading: &Reading) {
        let fault = match reading {
            Reading::Content(found) if *found == claim.sha256 => None,
            Reading::Content(found) => Some(Fault::Differs(*found)),
            Reading::Damaged(what) => Some(Fault::Damaged(what.clone())),
            Reading::Unread(why) => Some(Fault::Unread(why.clone())),
        };
        let digests = self.digests.entry(Arc::clone(&claim.chain)).or_default();
        if let Some(digest) = digests.get_mut(&claim.digest) {
            let count = match &fault {
                None => &mut digest.met.matching,
                Some(Fault::Differs(_) | Fault::Damaged(_)) => &mut digest.met.altered,
                Some(Fault::Unread(_)) => &mut digest.met.unread,
            };
            *count += 1;
        }
        let settled = Settled { log, claim, fault };
        if settled.fault.is_some() {
            self.faulty.push(settled.clone());
        }
        self.settled.push(settled);
    }
}

impl Standing {
    const fn rank(&self) -> u8 {
        match self {
            Self::Signed => 0,
            Self::Bad(_) => 1,
            Self::NoKey => 2,
            Self::Unsigned(_) => 3,
            Self::Unread(_) => 4,
        }
    }
}

impl Met {
    const fn plus(self, other: Self) -> Self {
        Self {
            matching: self.matching + other.matching,
            altered: self.altered + other.altered,
            unread: self.unread + other.unread,
        }
    }

    /// All of them.
    pub const fn total(self) -> u32 {
        self.matching + self.altered + self.unread
    }
}
