//! What one object taught: small, and without a word of the buffer it was read from.

use super::Period;
use crate::coverage::Coverage;
use crate::event::time::Epoch;
use crate::finding::{EventId, Outcome};
use crate::integrity::Evidence;
use crate::names::{NameId, Names};

/// What one object taught us. Its events, texts and facts point into each other by number.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The object's place in the order of the run.
    pub sequence: u64,
    /// The object's name.
    pub object: String,
    /// Counts and problems of this object alone; records are counted as if none were a duplicate.
    pub coverage: Coverage,
    /// The account and Region of the object's key, for the objects' own count.
    pub place: Option<(String, String)>,
    /// The day its key says it was delivered, in days since 1970.
    pub delivered: Option<i64>,
    /// The texts that everything below names.
    pub names: Names,
    /// One entry per evaluated record, in file order.
    pub seen: Vec<Seen>,
    /// The activity rows that `seen` points into, each once.
    pub rows: Vec<Activity>,
    /// What is told of events that stand as evidence.
    pub facts: Vec<Fact>,
    /// Whom and what rules that report found, each once.
    pub groups: Vec<FoundGroup>,
    /// Matches of rules that report.
    pub hits: Vec<Hit>,
    /// Of each group the earliest events, and perhaps some more.
    pub evidence: Vec<FoundEvidence>,
    /// Matches of rules that do not: the rule, and the event in `seen`.
    pub silent: Vec<(u32, u32)>,
    /// Matches of rules of either kind that correlations watch.
    pub bases: Vec<BaseHit>,
    /// What the object proves, where logs are held against digests.
    pub integrity: Option<Evidence>,
}

/// One evaluated record.
#[derive(Debug, Clone)]
pub struct Seen {
    pub record: u32,
    /// Its row in [`Scanned::rows`].
    pub row: u32,
    pub id: EventId,
    pub time: Option<Epoch>,
}

/// A cell of the activity cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Activity {
    pub account: NameId,
    pub region: NameId,
    pub source: NameId,
    pub name: NameId,
    /// Role or user, without the session.
    pub caller: NameId,
    pub outcome: Outcome,
    /// The hour's start in seconds since 1970; nothing for undated records.
    pub hour: Option<Epoch>,
}

/// The facts a reviewer asks for first, beside those of the event's activity row. Request and
/// response values stay in the log: they hold session tokens and may hold PHI.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    pub principal: NameId,
    pub target: NameId,
    pub source_ip: NameId,
    pub user_agent: NameId,
    pub error_code: NameId,
    pub error_message: NameId,
}

/// Whom and what a rule that reports found in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FoundGroup {
    /// The rule's place in the rule set.
    pub rule: u32,
    /// Who and on what: what findings are grouped by.
    pub actor: NameId,
    pub resource: NameId,
    pub period: Period,
}

/// A rule that reports matched an event.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    /// In [`Scanned::groups`].
    pub group: u32,
    /// The event, in [`Scanned::seen`].
    pub seen: u32,
    pub source_ip: NameId,
}

/// An event that stands as evidence for a group.
#[derive(Debug, Clone, Copy)]
pub struct FoundEvidence {
    /// In [`Scanned::groups`].
    pub group: u32,
    /// The event, in [`Scanned::seen`].
    pub seen: u32,
    /// Its facts, in [`Scanned::facts`].
    pub fact: u32,
}

/// An event as one correlation sees it.
#[derive(Debug, Clone, Copy)]
pub struct BaseHit {
    /// The correlation's place in the rule set, and the rule's place among those it watches.
    pub correlation: u32,
    pub place: u32,
    /// The event, in [`Scanned::seen`].
    pub seen: u32,
    /// Its facts, in [`Scanned::facts`]; nothing for rules of great volume.
    pub fact: Option<u32>,
    /// The values of its `group-by` fields, joined by
    /// [`GROUP_SEPARATOR`](crate::finding::GROUP_SEPARATOR).
    pub group: NameId,
    /// The values of the condition's `field`, where it has one.
    pub value: NameId,
    /// Who and on what, as the correlation's own finding names them.
    pub actor: NameId,
    pub resource: NameId,
}
