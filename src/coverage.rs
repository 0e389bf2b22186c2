//! What was read, and what was not: the counts behind "these are all the logs".
//!
//! Two identities hold in every run and are printed:
//! `listed = read + refused + archived + broken` and
//! `records = bad + outside + duplicates + evaluated`.

mod expected;
mod hours;
mod skipped;
mod undecided;
mod unproven;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bitcode::{Decode, Encode};
use serde::{Serialize, Serializer};

pub use crate::event::time::{DAY, HOUR};
use crate::event::time::{DELIVERY_DELAY, Epoch};
use crate::trail::{Trail, TrailChange};
pub use expected::{Acceptance, BlindSpot, Dormant, Expected};
pub use hours::{Hours, day_of, hour_of};
pub use skipped::{Passed, SkipReason, SkippedObjects, Store};
pub use undecided::Undecided;

/// Something that was not as it should be, with the object it concerns and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct Problem {
    /// The object's name, or the prefix or trail that could not be listed.
    pub object: String,
    pub kind: ProblemKind,
    /// One sentence for the reader.
    pub what: String,
}

/// What sort of problem; [`is_loss`](Self::is_loss) names those that leave the run incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Permission was missing.
    Refused,
    /// In an archive storage class.
    Archived,
    /// The object's bytes could not be read or are damaged: none of its records count.
    Broken,
    /// Single records of an otherwise sound object could not be read.
    BadRecords,
    /// Bytes after the last gzip member, which no reader can vouch for.
    TrailingBytes,
    /// A folder, prefix or trail could not be listed.
    Unlisted,
    /// What the run had set aside on disk could not be read back.
    NotReadBack,
    /// What lies beyond a limit of trailscan was not evaluated.
    Bounded,
    /// Records of one id differ: one may hide the other, or be a forgery. All of them count.
    Conflict,
    /// Bytes that are not UTF-8 were replaced; every record was still read.
    Repaired,
    /// Records or a digest lie where something else should; all records were evaluated.
    Misplaced,
    /// A file that need not be a log holds CloudTrail's records and others, which were not evaluated.
    NotCloudTrail,
    /// An invariant of trailscan does not hold: something that must be there was not found.
    Internal,
}

impl ProblemKind {
    /// True where the run cannot be called complete.
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::Repaired | Self::Misplaced | Self::NotCloudTrail)
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
    /// Digest files seen on the way.
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
    /// Log files that were read.
    pub objects: u64,
    pub events: u64,
    /// By the hour's start in seconds since 1970; hours with nothing are left out.
    #[serde(skip)]
    pub hours: BTreeMap<Epoch, Hour>,
    /// The hours in which each kind of event was seen.
    #[serde(skip)]
    pub seen: BTreeMap<EventClass, Hours>,
    /// The hours in which data events of an S3 bucket were seen, those that read apart. One event of
    /// every caller, call and hour is looked at, so a bucket may be missing; none is made up.
    #[serde(skip)]
    pub buckets: BTreeMap<(String, bool), Hours>,
    /// UTC days, by their start, on which log files were delivered, as the keys of the files say. Empty
    /// where keys do not follow CloudTrail's layout.
    #[serde(skip)]
    pub days: BTreeSet<Epoch>,
    /// By the rule's name: events whose request parameters were omitted, so that the rule could not
    /// decide them.
    #[serde(skip)]
    pub undecided: BTreeMap<String, Undecided>,
    /// What the digests say, by the beginning and end of their time.
    #[serde(skip)]
    pub digests: BTreeMap<(Epoch, Epoch), Digest>,
}

/// What one hour of an account and Region holds. Events are counted in the hour they happened,
/// files in the hour of their delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Hour {
    pub events: u64,
    /// Copies of events that were counted before.
    pub duplicates: u64,
    /// Log files that were read.
    pub objects: u64,
    /// Of these: delivered more than [`Hour::LATE`] after their newest event.
    pub late: u64,
    /// Log files that may not be read, or are archived.
    pub unread: u64,
    pub broken: u64,
}

impl Hour {
    /// Seconds from a file's newest event to its delivery that are still usual.
    pub const LATE: Epoch = DELIVERY_DELAY;
}

impl std::ops::Add for Hour {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            duplicates: self.duplicates + other.duplicates,
            objects: self.objects + other.objects,
            late: self.late + other.late,
            unread: self.unread + other.unread,
            broken: self.broken + other.broken,
        }
    }
}

/// What a digest says of its time in an account and Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct Digest {
    pub state: DigestState,
    /// How many log files it says were delivered, and how many of these are not there.
    pub logs: u64,
    pub missing: u64,
}

/// What is known of a digest; of two for the same time the better one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum DigestState {
    Invalid,
    Unchecked,
    Valid,
}

/// The coverage of a whole run. `merge` is associative and commutative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Coverage {
    pub objects: ObjectCounts,
    /// What the source's listings showed; of the whole run, never of one object.
    #[bitcode(skip)]
    pub store: Store,
    pub records: RecordCounts,
    /// Compressed and inflated bytes read.
    pub bytes_stored: u64,
    pub bytes_inflated: u64,
    /// First and last `eventTime` evaluated.
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// Per account, per Region.
    pub regions: BTreeMap<String, BTreeMap<String, RegionCoverage>>,
    /// Which kinds of event were seen at all: what [`EventClass`] names.
    pub seen: BTreeSet<EventClass>,
    /// Changes of trails that were seen.
    pub changes: BTreeSet<TrailChange>,
    /// The trails that write to what was read, where CloudTrail could be asked.
    pub trails: BTreeSet<Trail>,
    /// Why nothing, or not all, is known of the trails; one sentence each.
    pub trails_unknown: BTreeSet<String>,
    pub problems: BTreeSet<Problem>,
    /// Names of files that are no CloudTrail logs: the first [`Coverage::MOST_NAMED`] of those counted.
    pub foreign: BTreeSet<String>,
}

/// A kind of event that a trail may or may not record (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-events.html>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum EventClass {
    /// Management events that change something: on by default.
    ManagementWrite,
    /// Management events that only read: AssumeRole, GetSecretValue and kms:Decrypt among them.
    ManagementRead,
    /// KMS calls, which a trail may exclude.
    Kms,
    /// Console sign-in events, recorded only in the Region of the sign-in endpoint.
    SignIn,
    /// Data events of one resource type (`AWS::S3::Object`) that change something.
    DataWrite(String),
    /// Data events of one resource type that only read.
    DataRead(String),
}

impl EventClass {
    /// What a word of a rule's `requires` stands for; nothing for any other word.
    pub fn of(word: &str) -> Option<Vec<Self>> {
        Some(match word.split_once(':') {
            None => vec![match word {
                "management_write" => Self::ManagementWrite,
                "management_read" => Self::ManagementRead,
                "kms" => Self::Kms,
                "sign_in" => Self::SignIn,
                _ => return None,
            }],
            Some((_, "")) => return None,
            Some(("data_write", kind)) => vec![Self::DataWrite(kind.to_owned())],
            Some(("data_read", kind)) => vec![Self::DataRead(kind.to_owned())],
            Some(("data", kind)) => vec![
                Self::DataWrite(kind.to_owned()),
                Self::DataRead(kind.to_owned()),
            ],
            Some(_) => return None,
        })
    }
}

/// The word that `requires` has for it.
impl fmt::Display for EventClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ManagementWrite => f.write_str("management_write"),
            Self::ManagementRead => f.write_str("management_read"),
            Self::Kms => f.write_str("kms"),
            Self::SignIn => f.write_str("sign_in"),
            Self::DataWrite(kind) => write!(f, "data_write:{kind}"),
            Self::DataRead(kind) => write!(f, "data_read:{kind}"),
        }
    }
}

impl Serialize for EventClass {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl RegionCoverage {
    fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        self.events += other.events;
        for (hour, theirs) in other.hours {
            let ours = self.hours.entry(hour).or_default();
            *ours = *ours + theirs;
        }
        for (sight, hours) in other.seen {
            self.seen.entry(sight).or_default().extend(&hours);
        }
        for (bucket, hours) in other.buckets {
            self.buckets.entry(bucket).or_default().extend(&hours);
        }
        self.days.extend(other.days);
        for (rule, theirs) in other.undecided {
            self.undecided.entry(rule).or_default().merge(theirs);
        }
        for (time, digest) in other.digests {
            self.digest(time, digest);
        }
    }

    /// What is known of the hour that a moment lies in, to be added to.
    pub fn hour(&mut self, at: Epoch) -> &mut Hour {
        self.hours.entry(hour_of(at)).or_default()
    }

    /// True if events of that hour were read.
    pub fn has_events(&self, hour: Epoch) -> bool {
        self.hours.get(&hour).is_some_and(|hour| hour.events > 0)
    }

    /// Notes what a digest says of the time `[from, until)`.
    pub fn digest(&mut self, time: (Epoch, Epoch), digest: Digest) {
        let ours = self.digests.entry(time).or_insert(digest);
        *ours = (*ours).max(digest);
    }
}

impl Coverage {
    /// How many files that are no logs are named.
    pub const MOST_NAMED: usize = 50;

    /// Counts and names a file that is no log.
    pub fn foreign(&mut self, name: &str) {
        self.objects.foreign += 1;
        self.name_foreign([name.to_owned()]);
    }

    /// Keeps the first names of all, whatever order they come in.
    fn name_foreign(&mut self, names: impl IntoIterator<Item = String>) {
        self.foreign.extend(names);
        while self.foreign.len() > Self::MOST_NAMED {
            self.foreign.pop_last();
        }
    }

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

    /// True where everything was read, and records with one event id differ.
    pub fn has_only_conflicts(&self) -> bool {
        let mut kinds = self.problems.iter().map(|problem| problem.kind);
        let conflict = |kind| kind == ProblemKind::Conflict;
        kinds.clone().any(conflict) && kinds.all(|kind| conflict(kind) || !kind.is_loss())
    }

    /// Removes what one object says about hours outside the window; `hours` are those inside it, each
    /// with its account and Region.
    pub fn narrow(&mut self, hours: &BTreeSet<(&str, &str, Option<i64>)>) {
        for (account, regions) in &mut self.regions {
            for (region, found) in regions {
                let counts = |hour: Epoch| hours.contains(&(&**account, &**region, Some(hour)));
                for set in found.seen.values_mut().chain(found.buckets.values_mut()) {
                    set.retain(counts);
                }
                found.seen.retain(|_, set| !set.is_empty());
                found.buckets.retain(|_, set| !set.is_empty());
                for undecided in found.undecided.values_mut() {
                    undecided.hours.retain(counts);
                }
                found.undecided.retain(|_, one| !one.hours.is_empty());
            }
        }
        self.regions.retain(|_, regions| {
            regions.retain(|_, found| *found != RegionCoverage::default());
            !regions.is_empty()
        });
        // of records without a time nobody knows what they were
        if !hours.iter().any(|(_, _, hour)| hour.is_none()) {
            let regions = self.regions.values().flat_map(BTreeMap::values);
            self.seen = regions.flat_map(|one| one.seen.keys().cloned()).collect();
        }
    }

    /// Adds what another worker or run learned.
    pub fn merge(&mut self, other: Self) {
        self.store.merge(other.store);
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
                self.region(&account, &region).merge(theirs);
            }
        }
        self.seen.extend(other.seen);
        self.changes.extend(other.changes);
        self.trails.extend(other.trails);
        self.trails_unknown.extend(other.trails_unknown);
        self.problems.extend(other.problems);
        self.name_foreign(other.foreign);
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

    /// Notes that something was not found which must be there. It is a bug, and what the run says may be
    /// less than the whole.
    pub fn internal(&mut self, object: &str, what: &str) {
        let what = format!(
            "{what}, which is a bug in trailscan: some of what was found is missing, please report it"
        );
        self.problem(object, ProblemKind::Internal, what);
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
        let place = coverage.region("111122223333", "us-east-1");
        place.hour(3_700).events = n;
        place.days.insert(i64::try_from(n).unwrap() * DAY);
        let data = EventClass::DataRead(format!("type-{n}"));
        place.seen.entry(data).or_default().insert(3_600);
        let undecided = place.undecided.entry("a rule".to_owned()).or_default();
        undecided.insert(3_600, &format!("Call{n}"));
        let digest = Digest {
            state: DigestState::Unchecked,
            logs: n,
            missing: 0,
        };
        place.digest((0, 3_600), digest);
        coverage.problem(&format!("object-{n}"), ProblemKind::Broken, "cut");
        coverage
            .seen
            .insert(EventClass::DataRead(format!("type-{n}")));
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
