//! The result of scanning one object: small, and independent of the buffer it was read from.

use std::collections::BTreeSet;

use bitcode::{Decode, Encode};

use super::group::Period;
use super::record_store::MatchedRecord;
use super::source_ip::SourceIp;
use super::usage::Usage;
use super::uses::Use;
use crate::coverage::{Coverage, Problem};
use crate::event::time::Epoch;
use crate::finding::{EventId, Outcome};
use crate::integrity::Evidence;
use crate::interner::{Interner, Symbol};

/// The result of scanning one object. Its events, texts and facts refer to each other by index.
#[derive(Debug, Default, Encode, Decode)]
pub struct ObjectScan {
    /// The object's place in the order of the run.
    pub sequence: u64,
    /// The object's name.
    pub object: String,
    /// Where its bytes are, for whoever must read them again: `s3://BUCKET/KEY` or a path. Empty where
    /// they cannot be read twice.
    #[bitcode(skip)]
    pub place_of_bytes: String,
    /// Counts and problems of this object alone; records are counted as if none were a duplicate.
    pub coverage: Coverage,
    /// The account and Region of the object's key, for the objects' own count.
    pub place: Option<(String, String)>,
    /// When its key says it was delivered, else the time of its newest event: the hour it is counted in.
    pub stamp: Option<Epoch>,
    /// It was delivered later than is usual.
    pub late: bool,
    /// Its key says where it belongs.
    pub has_key: bool,
    /// The texts that everything below names.
    pub names: Interner,
    /// One entry per evaluated record, in file order.
    pub seen: Vec<EvaluatedEvent>,
    /// Of these: Insight records, by their place in `seen`.
    pub insights: Vec<u32>,
    /// Of these: what lies outside of what is asked for and does not count, by its place in `seen`;
    /// filled by [`ObjectScan::restrict_to_window`].
    pub outside: Vec<u32>,
    /// Of these: calls that several accounts recorded, by their place in `seen`.
    pub shared: Vec<(u32, Shared)>,
    /// The activity rows that `seen` points into, each once.
    pub rows: Vec<Activity>,
    /// The details of events that are kept as evidence.
    pub facts: Vec<EvidenceFields>,
    /// Whom and what rules that report found, each once.
    pub groups: Vec<FindingKey>,
    /// Matches of rules that report.
    pub hits: Vec<Hit>,
    /// Of each group the events that may be shown, and perhaps some more.
    pub evidence: Vec<FoundEvidence>,
    /// Matches of rules that do not: the rule, and the event in `seen`.
    pub silent: Vec<(u32, u32)>,
    /// Matches of rules of either kind that correlations watch.
    pub bases: Vec<CorrelationHit>,
    /// The rights that were used, where policies are known.
    pub uses: Vec<Use>,
    /// The matched records, for detectors that keep records.
    pub records: Vec<MatchedRecord>,
    /// Who called from where, each combination once, for detectors that keep this.
    pub usages: Vec<Usage>,
    /// Of each entry of `seen` the place of its combination in `usages`.
    pub usage_of: Vec<u32>,
    /// What the object proves, if logs are checked against digests. It is not cached: that an
    /// object was sound in an earlier run says nothing of what lies there today.
    #[bitcode(skip)]
    pub integrity: Option<Evidence>,
}

/// A place in a list as a number. No list of an object has more entries than the object has bytes, of
/// which there are less than 4 GiB (`--max-object-mib`).
///
/// # Panics
/// It does not fit. A number that stands for another place would change what is reported.
pub fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a list has fewer than 2^32 entries")
}

/// Buffers of an object with more events are not reused: almost all objects are smaller.
const MOST_LEFT: usize = 1 << 11;

impl ObjectScan {
    /// Nothing, in the room that this has taken: making it anew for every object would cost more than
    /// filling it.
    #[must_use]
    pub fn recycle(mut self) -> Self {
        if self.seen.capacity() > MOST_LEFT {
            return Self::default();
        }
        self.names.clear();
        self.seen.clear();
        self.shared.clear();
        self.rows.clear();
        self.facts.clear();
        self.groups.clear();
        self.hits.clear();
        self.evidence.clear();
        self.silent.clear();
        self.bases.clear();
        self.uses.clear();
        Self {
            names: self.names,
            seen: self.seen,
            shared: self.shared,
            rows: self.rows,
            facts: self.facts,
            groups: self.groups,
            hits: self.hits,
            evidence: self.evidence,
            silent: self.silent,
            bases: self.bases,
            uses: self.uses,
            ..Self::default()
        }
    }

    /// Leaves out what is not asked for of an object that was scanned whole: `holds` tells of a
    /// record's time, account and Region whether it counts. The result is that of a scan which left
    /// those records out, but for one thing: event classes are recorded by the hour, and an
    /// hour that the window cuts in two keeps all of them.
    pub fn restrict_to_window(&mut self, holds: impl Fn(Option<Epoch>, &str, &str) -> bool) {
        let mut hours: BTreeSet<(&str, &str, Option<Epoch>)> = BTreeSet::new();
        let mut first = None;
        let records = &mut self.coverage.records;
        for (at, seen) in (0u32..).zip(&self.seen) {
            let Some(row) = self.rows.get(seen.row as usize) else {
                // its account and Region are not known; the tally reports it
                continue;
            };
            let (account, region) = (self.names.text(row.account), self.names.text(row.region));
            if holds(seen.time, account, region) {
                hours.insert((account, region, row.hour));
                first = first.or(Some((account, region)));
            } else {
                self.outside.push(at);
                records.outside += 1;
                records.evaluated -= 1;
                records.undated -= u64::from(seen.time.is_none());
                records.insight -= u64::from(self.insights.binary_search(&at).is_ok());
            }
        }
        if self.outside.is_empty() {
            return;
        }
        if !self.has_key {
            self.place = first.map(|(account, region)| (account.to_owned(), region.to_owned()));
        }
        self.coverage.narrow(&hours);
        self.coverage
            .changes
            .retain(|change| holds(change.time, &change.account, &change.region));
    }

    /// True where every number in it points to something: of what comes out of a file this is not certain.
    pub fn has_valid_indices(&self) -> bool {
        let seen = |at: u32| (at as usize) < self.seen.len();
        let fact = |at: u32| (at as usize) < self.facts.len();
        let group = |at: u32| (at as usize) < self.groups.len();
        let names = |ids: &[Symbol]| ids.iter().all(|id| id.index() < self.names.count());
        let row =
            |row: &Activity| names(&[row.account, row.region, row.source, row.name, row.caller]);
        let has_texts = |fact: &EvidenceFields| {
            names(&[
                fact.principal,
                fact.target,
                fact.access_key,
                fact.user_agent,
                fact.error_code,
                fact.error_message,
            ]) && fact.source_ip.name().is_none_or(|name| names(&[name]))
        };
        let of = |group: &FindingKey| names(&[group.actor, group.resource, group.value]);
        let caller = |caller: &Caller| {
            let address = caller.source_ip.name();
            names(&[caller.name, caller.access_key]) && address.is_none_or(|name| names(&[name]))
        };
        let has_row = |seen: &EvaluatedEvent| (seen.row as usize) < self.rows.len();
        self.seen.iter().all(has_row)
            && self.rows.iter().all(row)
            && self.facts.iter().all(has_texts)
            && self.groups.iter().all(of)
            && (self.hits.iter())
                .all(|hit| seen(hit.seen) && group(hit.group) && caller(&hit.caller))
            && (self.evidence.iter())
                .all(|one| seen(one.seen) && group(one.group) && fact(one.fact))
            && self.silent.iter().all(|(_, at)| seen(*at))
            && (self.uses.iter()).all(|used| seen(used.seen) && names(&used.right.names()))
            && (self.bases.iter()).all(|base| {
                seen(base.seen)
                    && base.fact.is_none_or(fact)
                    && caller(&base.caller)
                    && names(&[base.group, base.value, base.actor, base.resource])
            })
    }

    /// Gives the object another name: where a source begins decides what its objects are called.
    pub fn rename(&mut self, name: &str) {
        let problems = std::mem::take(&mut self.coverage.problems);
        let renamed = problems.into_iter().map(|problem| Problem {
            object: name.to_owned(),
            ..problem
        });
        self.coverage.problems = renamed.collect();
        if !self.coverage.foreign.is_empty() {
            self.coverage.foreign = BTreeSet::from([name.to_owned()]);
        }
        name.clone_into(&mut self.object);
    }
}

/// One evaluated record.
#[derive(Debug, Clone, Encode, Decode)]
pub struct EvaluatedEvent {
    pub record: u32,
    /// Its row in [`ObjectScan::rows`].
    pub row: u32,
    pub id: EventId,
    pub time: Option<Epoch>,
    /// The number of its bytes ([`ContentKey::bytes`](crate::event::content::ContentKey::bytes)).
    pub content: u64,
    /// It has an `addendum` with a reason: AWS corrects an earlier record by it, or delivers it late.
    pub corrects: bool,
}

/// A call that CloudTrail recorded in several accounts, under one `sharedEventID`. Records of one call
/// differ in `eventID`, `recipientAccountId` and in how much they say of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Shared {
    pub id: u128,
    /// The number of all that they must agree in to be one call. The id alone proves nothing.
    pub says: u64,
    /// The number of the caller's `principalId`; zero where the record does not tell it.
    pub caller: u32,
    /// The number of the caller's names: ARN, role, user. Zero where the record gives only ids, as the
    /// record of another account does.
    pub names: u32,
    /// The number of the account that the log belongs to.
    pub recipient: u32,
}

/// What events of one object have in common that are alike in all of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Activity {
    pub account: Symbol,
    pub region: Symbol,
    pub source: Symbol,
    pub name: Symbol,
    /// Role or user, without the session.
    pub caller: Symbol,
    pub outcome: Outcome,
    /// The hour's start in seconds since 1970; nothing for undated records.
    pub hour: Option<Epoch>,
}

impl Activity {
    /// The account and the Region.
    pub const fn place(&self) -> [Symbol; 2] {
        [self.account, self.region]
    }
}

/// The facts a reviewer asks for first, beside those of the event's activity row. Request and
/// response values stay in the log: they hold session tokens and may hold PHI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct EvidenceFields {
    pub principal: Symbol,
    pub target: Symbol,
    pub source_ip: SourceIp,
    /// The id of the access key: it identifies the credentials and is no secret.
    pub access_key: Symbol,
    pub user_agent: Symbol,
    pub error_code: Symbol,
    pub error_message: Symbol,
}

impl EvidenceFields {
    /// The texts of a sample that its row does not say, in the order of [`SampleTexts`](super::SampleTexts).
    pub fn texts<'n>(&self, names: &'n Interner) -> [&'n str; 5] {
        [
            self.principal,
            self.target,
            self.user_agent,
            self.error_code,
            self.error_message,
        ]
        .map(|id| names.text(id))
    }
}

/// Whom and what a rule that reports found in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct FindingKey {
    /// The rule's place in the rule set.
    pub rule: u32,
    /// Who and on what: what findings are grouped by.
    pub actor: Symbol,
    pub resource: Symbol,
    pub period: Period,
    /// Of rules that find what is new: what may be.
    pub value: Symbol,
}

/// A rule that reports matched an event.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Hit {
    /// In [`ObjectScan::groups`].
    pub group: u32,
    /// The event, in [`ObjectScan::seen`].
    pub seen: u32,
    pub caller: Caller,
}

/// Who made a call, from where, and with which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Caller {
    /// The principal, without the session where a machine named it.
    pub name: Symbol,
    pub source_ip: SourceIp,
    pub access_key: Symbol,
}

/// An event that stands as evidence for a group.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct FoundEvidence {
    /// In [`ObjectScan::groups`].
    pub group: u32,
    /// The event, in [`ObjectScan::seen`].
    pub seen: u32,
    /// Its facts, in [`ObjectScan::facts`].
    pub fact: u32,
}

/// An event as one correlation sees it.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct CorrelationHit {
    /// The correlation's place in the rule set, and the rule's place among those it watches.
    pub correlation: u32,
    pub place: u32,
    /// The event, in [`ObjectScan::seen`].
    pub seen: u32,
    /// Its facts, in [`ObjectScan::facts`]; nothing for rules of great volume.
    pub fact: Option<u32>,
    /// The values of its `group-by` fields, joined by
    /// [`GROUP_SEPARATOR`](crate::finding::GROUP_SEPARATOR).
    pub group: Symbol,
    /// The values of the condition's `field`, where it has one.
    pub value: Symbol,
    /// Who and on what, as the correlation's own finding names them.
    pub actor: Symbol,
    pub resource: Symbol,
    pub caller: Caller,
}
