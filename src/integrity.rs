//! What digests say of logs, and what was found of both: the facts that a proof is drawn from.
//!
//! CloudTrail writes, once an hour for each account, Region and trail, a signed digest that names
//! the logs delivered in that hour with the SHA-256 of their content, and the digest before it
//! ([digest file structure](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html)).
//! Facts come in any order, one object at a time. A log is forgotten as soon as
//! one digest that names it is known and its content is what that digest says, so memory grows with
//! the hours of the window and not with its logs. Everything else (another content, several digests
//! or several files of one name) is kept for the proof, which weighs all of it together.

pub mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::time::Epoch;

/// SHA-256.
pub type Hash = [u8; 32];

/// The chain a digest belongs to: one for each trail, account, Region and place, and beside it one of
/// backfill digests, which AWS makes later for logs that an hour's digest missed. Two trails may have
/// one name (an account's and its organization's), so the place is part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chain {
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
    /// What stands before the account's folder where the digest lies.
    pub place: String,
    /// In a copy, what the digest says stands there, with its bucket; empty in a bucket, where both
    /// must be the same, and where the digest does not say.
    pub origin: String,
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
    pub standing: SignatureStatus,
    /// The fingerprint of the key it asks for.
    pub fingerprint: Arc<str>,
    /// Of the text of the signature that was stored with it, where there was one.
    pub signature: Option<Hash>,
    pub before: PreviousDigest,
    /// When it was written to its bucket, if the listing says.
    pub written: Option<Epoch>,
    /// How many logs of the window it names.
    pub named: u32,
    /// How many of them were found with the content it says, and are forgotten.
    pub matching: u32,
    /// The folders of the files it names, other than `CloudTrail`.
    pub kinds: BTreeSet<&'static str>,
}

/// What its own signature, or the lack of it, says of a digest. What its neighbours say is decided
/// when all are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureStatus {
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
    /// It could not be read; the text says why.
    Unread(String),
}

/// What a digest says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousDigest {
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
    /// Its bucket, if it is not that of its successor.
    pub elsewhere: Option<Box<str>>,
    /// The end of its hour, by its name.
    pub end: Option<Epoch>,
    pub sha256: Hash,
    /// Of the text of its signature.
    pub signature: Hash,
    /// The signature itself, kept where the successor has none of its own: the predecessor will
    /// have none either.
    pub witness: Option<Box<str>>,
}

/// What a digest says of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub chain: Arc<Chain>,
    /// The digest's name.
    pub digest: Arc<str>,
    pub sha256: Hash,
    /// The log's bucket, if it is not that of the digest.
    pub elsewhere: Option<Box<str>>,
}

/// A log as a digest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    pub log: Box<str>,
    pub sha256: Hash,
    /// As in [`Claim`].
    pub elsewhere: Option<Box<str>>,
}

/// What was found of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The SHA-256 of its inflated content.
    Content(Hash),
    /// It is not as CloudTrail writes logs; the text says in what.
    Damaged(Box<str>),
    /// It exists and could not be read; the text says why.
    Unread(Box<str>),
}

/// What one object shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A log of an account and Region without any digest.
    Undigested { account: String, region: String },
    Log {
        name: String,
        reading: Reading,
        /// The log lies in a folder for another kind of record than it holds; the text says which.
        misplaced_reason: Option<Box<str>>,
    },
    /// A log that was listed and is gone. A digest that names it shows that it is missing.
    Gone,
    Digest {
        chain: Arc<Chain>,
        name: Arc<str>,
        fact: Box<DigestFact>,
        claims: Vec<Naming>,
    },
}

/// A log whose content is what a digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub log: Box<str>,
    pub claim: Claim,
}

/// The facts of a run. Names of logs and digests say where these lie: `bucket/key`, or the path below
/// the root of a copy, with the folders that CloudTrail gives.
#[derive(Debug, Default)]
pub struct Integrity {
    pub digests: BTreeMap<Arc<Chain>, BTreeMap<Arc<str>, DigestFact>>,
    /// What digests name and is not settled.
    pub claims: BTreeMap<Box<str>, Vec<Claim>>,
    /// Logs that were found and are not settled; several files may have one name in a copy.
    pub readings: BTreeMap<Box<str>, Vec<Reading>>,
    /// Logs with records that do not belong into their folder, and which records.
    pub misplaced: BTreeMap<Box<str>, Box<str>>,
    /// How many logs there were of accounts and Regions without any digest: nothing else can be
    /// said of them, so their names are not kept.
    pub undigested: BTreeMap<(String, String), u64>,
    /// How many logs were found. The proof must count each once.
    pub found: u64,
    /// Logs that were settled since the last [`take_settled`](Self::take_settled).
    settled: Vec<Settled>,
}

impl Integrity {
    /// Adds the evidence of one object.
    pub fn absorb(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Undigested { account, region } => {
                self.found += 1;
                *self.undigested.entry((account, region)).or_default() += 1;
            }
            Evidence::Log {
                name,
                reading,
                misplaced_reason,
            } => {
                self.found += 1;
                let name: Box<str> = name.into();
                if let Some(misplaced_reason) = misplaced_reason {
                    self.misplaced.insert(name.clone(), misplaced_reason);
                }
                self.read(name, reading);
            }
            Evidence::Gone => {}
            Evidence::Digest {
                chain,
                name,
                fact,
                claims,
            } => {
                let name = self.digest(&chain, name, *fact);
                for naming in claims {
                    let claim = Claim {
                        chain: Arc::clone(&chain),
                        digest: Arc::clone(&name),
                        sha256: naming.sha256,
                        elsewhere: naming.elsewhere,
                    };
                    self.claim(naming.log, claim);
                }
            }
        }
    }

    /// Adds the facts of another worker or run.
    pub fn merge(&mut self, other: Self) {
        let mut renamed: BTreeMap<(Arc<Chain>, Arc<str>), Arc<str>> = BTreeMap::new();
        for (chain, digests) in other.digests {
            for (name, fact) in digests {
                let kept = self.digest(&chain, Arc::clone(&name), fact);
                if kept != name {
                    renamed.insert((Arc::clone(&chain), name), kept);
                }
            }
        }
        for (log, claims) in other.claims {
            for mut claim in claims {
                let digest = (Arc::clone(&claim.chain), Arc::clone(&claim.digest));
                if let Some(kept) = renamed.get(&digest) {
                    claim.digest = Arc::clone(kept);
                }
                self.claim(log.clone(), claim);
            }
        }
        for (log, readings) in other.readings {
            for reading in readings {
                self.read(log.clone(), reading);
            }
        }
        for (place, logs) in other.undigested {
            *self.undigested.entry(place).or_default() += logs;
        }
        self.misplaced.extend(other.misplaced);
        self.found += other.found;
        self.settled.extend(other.settled);
    }

    /// What signed digests name and nobody seen: logs, and digests of which the hour ends after
    /// `since`. Names in other digests are ignored: they may name anything.
    pub fn wanted(&self, since: Option<Epoch>) -> BTreeSet<&str> {
        let after = |end: Option<Epoch>| match (since, end) {
            (Some(since), Some(end)) => end > since,
            _ => true,
        };
        let previous = self.digests.values().flat_map(|digests| {
            let facts = digests.values();
            let signed = facts.filter(|fact| fact.standing == SignatureStatus::Signed);
            signed.filter_map(|fact| match &fact.before {
                PreviousDigest::Digest(previous)
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
            digest.is_some_and(|digest| digest.standing == SignatureStatus::Signed)
        };
        let logs = self.claims.iter();
        let logs = logs
            .filter(|(log, claims)| !self.readings.contains_key(*log) && claims.iter().any(signed));
        logs.map(|(log, _)| &**log).chain(previous).collect()
    }

    /// Hands out the logs that were settled since the last time, in the order in which they were.
    pub fn take_settled(&mut self) -> Vec<Settled> {
        std::mem::take(&mut self.settled)
    }

    /// The logs that were settled since the last [`take_settled`](Self::take_settled), in the order in
    /// which they were.
    pub fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// The logs that digests name and that were not found, or were settled by another digest before.
    pub fn never_read(&self) -> BTreeSet<Box<str>> {
        let logs = self.claims.keys();
        let unmet = logs.filter(|log| !self.readings.contains_key(*log));
        unmet.cloned().collect()
    }

    /// Takes back that a log was settled by a digest, because another digest names it too: both are
    /// then weighed together.
    pub fn restore(&mut self, log: Box<str>, digest: &str, sha256: Hash) {
        for (chain, digests) in &mut self.digests {
            let Some((name, fact)) = digests.get_key_value(digest) else {
                continue;
            };
            if fact.matching == 0 {
                continue;
            }
            let claim = Claim {
                chain: Arc::clone(chain),
                digest: Arc::clone(name),
                sha256,
                elsewhere: None,
            };
            if let Some(fact) = digests.get_mut(digest) {
                fact.matching -= 1;
            }
            self.claims.entry(log.clone()).or_default().push(claim);
            let reading = Reading::Content(sha256);
            self.readings.entry(log).or_default().push(reading);
            return;
        }
    }

    /// Takes back what was settled of logs that a further digest names, as far as it is still here.
    pub fn restore_settled(&mut self) {
        let unmet = self.never_read();
        let settled = std::mem::take(&mut self.settled).into_iter();
        let (again, settled): (Vec<_>, Vec<_>) = settled.partition(|one| unmet.contains(&one.log));
        self.settled = settled;
        for one in again {
            self.restore(one.log, &one.claim.digest, one.claim.sha256);
        }
    }

    /// Adds a digest and returns the name it is kept under. Two files of one name are two digests:
    /// neither stands for what the other names.
    fn digest(&mut self, chain: &Arc<Chain>, name: Arc<str>, fact: DigestFact) -> Arc<str> {
        let digests = self.digests.entry(Arc::clone(chain)).or_default();
        let mut own = Arc::clone(&name);
        let mut copy = 1;
        while let Some(known) = digests.get_mut(&own) {
            if known.is_same(&fact) {
                known.matching += fact.matching;
                return own;
            }
            copy += 1;
            own = format!("{name} (file {copy} of this name)").into();
        }
        digests.insert(Arc::clone(&own), fact);
        own
    }

    fn claim(&mut self, log: Box<str>, claim: Claim) {
        let alone = !self.claims.contains_key(&log);
        let matches = |readings: &Vec<Reading>| *readings == [Reading::Content(claim.sha256)];
        if alone && self.readings.get(&log).is_some_and(matches) {
            self.readings.remove(&log);
            self.settle(log, claim);
            return;
        }
        let claims = self.claims.entry(log).or_default();
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }

    fn read(&mut self, log: Box<str>, reading: Reading) {
        let alone = !self.readings.contains_key(&log);
        let expected = self.claims.get(&log).and_then(|claims| match &**claims {
            [claim] => Some(Reading::Content(claim.sha256)),
            _ => None,
        });
        if alone
            && expected.as_ref() == Some(&reading)
            && let Some(claim) = self.claims.remove(&log).and_then(|mut claims| claims.pop())
        {
            self.settle(log, claim);
            return;
        }
        self.readings.entry(log).or_default().push(reading);
    }

    fn settle(&mut self, log: Box<str>, claim: Claim) {
        let digests = self.digests.entry(Arc::clone(&claim.chain)).or_default();
        if let Some(digest) = digests.get_mut(&claim.digest) {
            digest.matching += 1;
        }
        self.settled.push(Settled { log, claim });
    }
}

impl DigestFact {
    /// True if both describe the same content with the same signature.
    fn is_same(&self, other: &Self) -> bool {
        let of = |fact: &Self| (fact.sha256, fact.signature, fact.standing.clone());
        of(self) == of(other)
    }
}
