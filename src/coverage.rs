//! What was read, and what was not: the counts behind "these are all the logs".
//!
//! Two identities hold in every run and are printed (design, section 1):
//! `listed = read + refused + archived + broken` and
//! `records = bad + outside + duplicates + evaluated`.

use std::collections::{BTreeMap, BTreeSet};

use bitcode::{Decode, Encode};
use serde::Serialize;

/// Something that was not as it should be, with the object it concerns and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct Problem {
    /// The object's name, or the prefix or trail that could not be listed.
    pub object: String,
    pub kind: ProblemKind,
    /// One sentence for the reader.
    pub what: String,
}

/// What sort of problem. Everything but `Repaired` means that something was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Permission was missing.
    Refused,
    /// In an archive storage class.
    Archived,
    /// The object's bytes could not be had or made no sense: none of its records count.
    Broken,
    /// Single records of an otherwise sound object could not be read.
    BadRecords,
    /// Bytes after the last gzip member, which no reader can vouch for.
    TrailingBytes,
    /// A folder, prefix or trail could not be listed.
    Unlisted,
    /// Bytes that are not UTF-8 were replaced; every record was still read.
    Repaired,
}

impl ProblemKind {
    /// True where the run cannot be called complete.
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::Repaired)
    }
}

/// How many objects went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct ObjectCounts {
    /// Log files that should be read; digest and foreign files stand apart.
    pub listed: u64,
    pub read: u64,
    pub refused: u64,
    pub archived: u64,
    pub broken: u64,
    /// Digest files met on the way.
    pub digests: u64,
    /// Files that are no CloudTrail logs.
    pub foreign: u64,
}

/// How many records went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct RecordCounts {
    pub records: u64,
    pub bad: u64,
    /// Outside the window, or of an account or Region that was not asked for.
    pub outside: u64,
    pub duplicates: u64,
    pub evaluated: u64,
    /// Of the evaluated: no readable `eventTime`, so no window and no calendar applies.
    pub undated: u64,
    /// Of the evaluated: Insight records, which describe no single call.
    pub insight: u64,
}

/// What one account and Region contributed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct RegionCoverage {
    pub objects: u64,
    pub events: u64,
    /// Events per hour, keyed by the hour's start in seconds since 1970.
    #[serde(skip)]
    pub hours: BTreeMap<i64, u64>,
}

/// The coverage of a whole run. `merge` is associative and commutative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Coverage {
    pub objects: ObjectCounts,
    pub records: RecordCounts,
    /// Compressed and inflated bytes read.
    pub bytes_stored: u64,
    pub bytes_inflated: u64,
    /// First and last `eventTime` evaluated.
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// Per account, per Region.
    pub regions: BTreeMap<String, BTreeMap<String, RegionCoverage>>,
    /// Which kinds of event were met at all: what [`Sight`] names.
    pub seen: BTreeSet<Sight>,
    pub problems: BTreeSet<Problem>,
}

/// A kind of event that a trail may or may not record (facts, section 4.0).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Encode, Decode)]
pub enum Sight {
    /// Management events that change something: on by default.
    ManagementWrite,
    /// Management events that only read: AssumeRole, GetSecretValue and kms:Decrypt among them.
    ManagementRead,
    /// KMS calls, which a trail may exclude.
    Kms,
    /// Console sign-in events, recorded only in the Region of the sign-in endpoint.
    SignIn,
    /// Data events of one resource type (`AWS::S3::Object`).
    Data(String),
}

impl Coverage {
    /// True where both identities hold. A run in which they do not is a bug.
    pub const fn identities_hold(&self) -> bool {
        let o = &self.objects;
        let r = &self.records;
        o.listed == o.read + o.refused + o.archived + o.broken
            && r.records == r.bad + r.outside + r.duplicates + r.evaluated
    }

    /// True where nothing was lost.
    pub fn is_complete(&self) -> bool {
        !self.problems.iter().any(|problem| problem.kind.is_loss())
    }

    /// Leaves out what one object told of hours that do not count; `hours` are those that do, each
    /// with its account and Region.
    pub fn narrow(&mut self, hours: &BTreeSet<(&str, &str, Option<i64>)>) {
        if hours.is_empty() {
            self.seen.clear();
        }
    }

    /// Adds what another worker or run learnt.
    pub fn merge(&mut self, other: Self) {
        let (a, b) = (&mut self.objects, other.objects);
        a.listed += b.listed;
        a.read += b.read;
        a.refused += b.refused;
        a.archived += b.archived;
        a.broken += b.broken;
        a.digests += b.digests;
        a.foreign += b.foreign;
        let (a, b) = (&mut self.records, other.records);
        a.records += b.records;
        a.bad += b.bad;
        a.outside += b.outside;
        a.duplicates += b.duplicates;
        a.evaluated += b.evaluated;
        a.undated += b.undated;
        a.insight += b.insight;
        self.bytes_stored += other.bytes_stored;
        self.bytes_inflated += other.bytes_inflated;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        for (account, regions) in other.regions {
            for (region, theirs) in regions {
                let ours = self.region(&account, &region);
                ours.objects += theirs.objects;
                ours.events += theirs.events;
                for (hour, events) in theirs.hours {
                    *ours.hours.entry(hour).or_default() += events;
                }
            }
        }
        self.seen.extend(other.seen);
        self.problems.extend(other.problems);
    }

    /// The entry of one account and Region, made where it is not there yet.
    pub fn region(&mut self, account: &str, region: &str) -> &mut RegionCoverage {
        if !self.regions.contains_key(account) {
            self.regions.insert(account.to_owned(), BTreeMap::new());
        }
        self.regions
            .entry(account.to_owned())
            .or_default()
            .entry(region.to_owned())
            .or_default()
    }

    /// Notes a problem.
    pub fn problem(&mut self, object: &str, kind: ProblemKind, what: impl Into<String>) {
        self.problems.insert(Problem {
            object: object.to_owned(),
            kind,
            what: what.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u64) -> Coverage {
        let mut coverage = Coverage {
            objects: ObjectCounts {
                listed: n + 1,
                read: n,
                broken: 1,
                ..Default::default()
            },
            records: RecordCounts {
                records: 3 * n,
                bad: n,
                evaluated: 2 * n,
                ..Default::default()
            },
            first: Some(100 - i64::try_from(n).unwrap()),
            last: Some(i64::try_from(n).unwrap()),
            ..Default::default()
        };
        coverage
            .region("111122223333", "us-east-1")
            .hours
            .insert(3_600, n);
        coverage.problem(&format!("object-{n}"), ProblemKind::Broken, "cut");
        coverage.seen.insert(Sight::Data(format!("type-{n}")));
        coverage
    }

    #[test]
    fn merging_is_associative_and_commutative_and_keeps_the_identities() {
        let merged = |order: [u64; 3]| {
            let mut all = Coverage::default();
            for n in order {
                all.merge(sample(n));
            }
            all
        };
        let mut right = sample(2);
        right.merge(sample(3));
        let mut nested = sample(1);
        nested.merge(right);
        assert_eq!(merged([1, 2, 3]), merged([3, 1, 2]));
        assert_eq!(merged([1, 2, 3]), nested);
        assert!(nested.identities_hold());
        assert!(!nested.is_complete());
    }
}
