//! What the facts prove: a value that the reports only format.
//!
//! *Valid* means: AWS signed it and it is unchanged. *Broken* means that something was changed,
//! removed or added: evidence of tampering, until somebody explains it. *Not proven* means that
//! nobody can tell, and why. Nothing below a digest that is not valid is valid.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Chain, Hash};
use crate::event::time::{Epoch, HOUR, iso};

/// What can be said of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Valid,
    NotProven,
    Broken,
}

impl State {
    /// The words of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotProven => "not proven",
            Self::Broken => "broken",
        }
    }
}

/// A state with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    pub state: State,
    /// How it was proven, or what is wrong.
    pub reason: String,
}

/// The integrity of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub digests: DigestCounts,
    pub logs: LogCounts,
    /// One entry a chain, in their order.
    pub chains: Vec<ChainProof>,
    /// Every log that is not valid, by name; under a digest that is not valid, the logs that match
    /// it are counted and not listed here.
    #[serde(skip)]
    pub objects: Vec<ObjectProof>,
    /// Logs that match a digest and that were weighed at the end; most are not kept.
    #[serde(skip)]
    pub matched: Vec<Matched>,
    /// Accounts and Regions without any digest: their logs are not proven and not listed.
    pub undigested: Vec<Undigested>,
    /// The keys that digests asked for, by fingerprint.
    pub keys: BTreeMap<String, KeyUse>,
    /// The buckets that the digests say they are in.
    pub buckets: BTreeSet<String>,
    /// What could not be checked and why, one sentence each.
    pub limits: Vec<String>,
    /// The logs are a copy: what is absent from it as a whole cannot be noticed.
    #[serde(skip)]
    pub copy: bool,
}

/// A log whose content is what a digest says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matched {
    pub object: String,
    pub digest: Arc<str>,
    /// That of the digest.
    pub state: State,
}

/// How many digests are what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DigestCounts {
    pub valid: u64,
    pub broken: u64,
    pub not_proven: u64,
}

/// How many logs are what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LogCounts {
    pub valid: u64,
    /// Not the content that a valid digest says.
    pub altered: u64,
    /// Named by a valid digest, and not there.
    pub missing: u64,
    /// There, and named by no digest of an hour that has one.
    pub unnamed: u64,
    /// Too new for their digest.
    pub pending: u64,
    /// Under a digest that is not valid, in an hour without one, or not to be read.
    pub not_proven: u64,
    /// Of a kind that no valid digest here names: Insight events and network activity.
    pub other_kinds: u64,
    /// Not there, and nobody can tell whether they should be.
    pub absent: u64,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainProof {
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
    /// What stands before the account's folder where its newest digest lies.
    pub place: String,
    /// The same of all its digests.
    #[serde(skip)]
    pub places: BTreeSet<String>,
    /// There is another chain of the same account, Region and trail in another place.
    #[serde(skip)]
    pub has_namesake: bool,
    /// In the order of their time.
    pub hours: Vec<HourProof>,
    /// Times without a digest.
    pub holes: Vec<DigestGap>,
}

/// One digest and the hour it speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HourProof {
    #[serde(serialize_with = "written")]
    pub start: Epoch,
    #[serde(serialize_with = "written")]
    pub end: Epoch,
    #[serde(serialize_with = "shared")]
    pub digest: Arc<str>,
    #[serde(serialize_with = "hex")]
    pub sha256: Hash,
    #[serde(flatten)]
    pub found: Judgement,
    pub logs: HourLogs,
}

/// The logs that one digest names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HourLogs {
    pub named: u32,
    pub matching: u32,
    pub altered: u32,
    pub missing: u32,
    pub unread: u32,
}

/// A time without a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestGap {
    #[serde(serialize_with = "written")]
    pub from: Epoch,
    #[serde(serialize_with = "written")]
    pub to: Epoch,
    pub kind: DigestGapKind,
    /// Logs that were delivered in it.
    pub logs: u64,
    #[serde(flatten)]
    pub found: Judgement,
}

/// Why there is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestGapKind {
    /// A later digest names one that is not there, or CloudTrail says that it wrote one.
    Missing,
    /// The digests end before they should.
    End,
    /// CloudTrail says that it wrote none after the last one here.
    NoneWritten,
    /// Validation, or logging, was switched off: the digest after it is the first of a new chain.
    Off,
    /// The digests are linked and leave this time out.
    LeftOut,
}

/// One log that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ObjectProof {
    pub object: String,
    pub fault: ObjectFault,
    pub state: State,
    pub reason: String,
    /// The digest that names it.
    #[serde(serialize_with = "maybe_hex")]
    pub digest: Option<Arc<str>>,
}

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectFault {
    Altered,
    Missing,
    Moved,
    Unnamed,
    Pending,
    Unread,
    /// Its digest is not valid, or its hour has none.
    Unproven,
    /// Not there, and nobody can tell whether it should be.
    Absent,
}

impl ObjectFault {
    /// The word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Moved => "moved",
            Self::Unnamed => "in no digest",
            Self::Pending => "pending",
            Self::Unread => "not read",
            Self::Unproven => "not proven",
            Self::Absent => "not found",
        }
    }
}

/// An account and Region without any digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undigested {
    pub account: String,
    pub region: String,
    pub logs: u64,
}

/// A public key of CloudTrail, as far as the digests asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeyUse {
    pub regions: BTreeSet<String>,
    /// How many digests ask for it.
    pub digests: u64,
    /// False where no key of that fingerprint was at hand.
    pub at_hand: bool,
}

impl Proof {
    /// The weakest of all: what the exit code follows. Logs that are too new weaken nothing.
    pub fn state(&self) -> State {
        let holes = self.chains.iter().flat_map(|chain| &chain.holes);
        let digests = match self.digests {
            DigestCounts { broken: 1.., .. } => State::Broken,
            DigestCounts {
                not_proven: 1.., ..
            } => State::NotProven,
            _ => State::Valid,
        };
        let logs = match self.logs {
            LogCounts { altered: 1.., .. }
            | LogCounts { missing: 1.., .. }
            | LogCounts { unnamed: 1.., .. } => State::Broken,
            LogCounts {
                not_proven: 1.., ..
            }
            | LogCounts { absent: 1.., .. } => State::NotProven,
            _ => State::Valid,
        };
        let nothing = match self.digests.total() {
            0 => State::NotProven,
            _ => State::Valid,
        };
        holes
            .map(|hole| hole.found.state)
            .fold(digests.max(logs).max(nothing), State::max)
    }

    /// One sentence.
    pub fn verdict(&self) -> String {
        let (d, l) = (self.digests, self.logs);
        let of = |valid: u64, all: u64, noun: &str| format!("{valid} of {all} {noun} valid");
        let counts = format!(
            "{}, {}",
            of(d.valid, d.total(), "digests"),
            of(l.valid, l.total() - l.pending - l.other_kinds, "logs")
        );
        let counts = format!("{counts}{}", l.beside());
        let front = match self.state() {
            State::Broken => "BROKEN",
            State::NotProven if d.total() == 0 => {
                return "NOT PROVEN: no digest was found".to_owned();
            }
            State::NotProven => "NOT PROVEN",
            State::Valid => "valid",
        };
        format!("{front}: {counts}")
    }

    /// What may be said of the logs that were read, to follow "all logs found were read": "as AWS
    /// signed them" stands for the logs that are proven, and for no other. `listed` is how many logs the
    /// run found, those that are in no proof included; of a run that is not complete only a count is
    /// said.
    pub fn said_of_logs(&self, listed: u64, complete: bool) -> String {
        let logs = self.logs;
        let all = logs.found().max(listed);
        match self.state() {
            State::NotProven => ", their integrity is NOT PROVEN".to_owned(),
            State::Broken => ", their integrity is BROKEN".to_owned(),
            State::Valid if all == 0 => String::new(),
            State::Valid if logs.valid == 0 => format!(", none of them proven{}", logs.beside()),
            State::Valid if logs.valid == all && complete => ", as AWS signed them".to_owned(),
            State::Valid => format!(
                ", {} of {all} as AWS signed them{}",
                logs.valid,
                logs.beside()
            ),
        }
    }

    /// The hours of the holes in that state, to the nearest.
    pub fn hours_without(&self, state: State) -> i64 {
        let holes = self.chains.iter().flat_map(|chain| &chain.holes);
        let seconds: i64 = holes
            .filter(|hole| hole.found.state == state)
            .map(|hole| hole.to - hole.from)
            .sum();
        (seconds + HOUR / 2) / HOUR
    }
}

impl DigestCounts {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.valid + self.broken + self.not_proven
    }
}

impl LogCounts {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.found() + self.missing + self.absent
    }

    /// Those that were found. A run in which this is not the number of logs that were read, or
    /// could not be read, is a bug.
    pub const fn found(self) -> u64 {
        self.valid + self.altered + self.unnamed + self.pending + self.not_proven + self.other_kinds
    }

    /// Those that no digest can prove yet or at all, in words that follow a count.
    fn beside(self) -> String {
        let mut text = String::new();
        if self.pending > 0 {
            text.push_str(&format!(", {} pending", self.pending));
        }
        if self.other_kinds > 0 {
            text.push_str(&format!(", {} of a kind without digests", self.other_kinds));
        }
        text
    }
}

impl ChainProof {
    /// The owner of the chain, in a few words.
    pub fn title(&self) -> String {
        let backfill = if self.backfill { ", backfill" } else { "" };
        let place = match (self.has_namesake, &*self.place) {
            (false, _) => String::new(),
            (true, "") => ", at the top of the copy".to_owned(),
            (true, place) => format!(", below {place}"),
        };
        format!(
            "{} {} (trail {}{backfill}{place})",
            self.account, self.region, self.trail
        )
    }

    /// How many of its digests are in that state.
    pub fn count(&self, state: State) -> u64 {
        let hours = self.hours.iter();
        hours.filter(|hour| hour.found.state == state).count() as u64
    }

    /// An empty proof of a chain.
    pub fn of(chain: &Chain) -> Self {
        Self {
            account: chain.account.clone(),
            region: chain.region.clone(),
            trail: chain.trail.clone(),
            home_region: chain.home_region.clone(),
            backfill: chain.backfill,
            place: chain.place.clone(),
            places: BTreeSet::from([chain.place.clone()]),
            has_namesake: false,
            hours: Vec::new(),
            holes: Vec::new(),
        }
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn written<S: serde::Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}

fn shared<S: serde::Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn maybe_hex<S: serde::Serializer>(text: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(to)
}

fn hex<S: serde::Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::sha256::written(hash))
}
