//! Where logs come from: a folder, a file, standard input, or S3.
//!
//! What goes out is one stream of [`ObjectRef`]s in a fixed order, whatever the source, so that
//! a bucket and its copy on disk give the same report.

pub mod discover;
pub mod key;
pub mod local;
pub mod s3;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::coverage::{Problem, Store};
use crate::window::Window;
use key::{LogKey, LogKind};

/// What the user named as SOURCE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder or a single file.
    Local(PathBuf),
    /// `-`
    Stdin,
    /// `s3://bucket[/prefix]`
    S3 { bucket: String, prefix: String },
    /// Nothing: CloudTrail is asked where its trails write.
    Trails,
}

/// SOURCE was neither a path that exists, `-`, nor `s3://bucket[/prefix]`.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{0}` names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")]
    NoBucket(String),
    #[error("`{0}` is not a source: use a folder, a file, `-`, or s3://BUCKET[/PREFIX]")]
    Scheme(String),
}

impl Source {
    /// Reads the SOURCE argument. Existence is not checked here.
    pub fn parse(argument: Option<&str>) -> Result<Self, SourceError> {
        let Some(text) = argument else {
            return Ok(Self::Trails);
        };
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(SourceError::NoBucket(text.to_owned()));
            }
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        if text.contains("://") {
            return Err(SourceError::Scheme(text.to_owned()));
        }
        Ok(Self::Local(PathBuf::from(text)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Trails => f.write_str("the trails CloudTrail describes"),
        }
    }
}

/// One object to read: its place, and what its key says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The key in its bucket, or the path below the folder given: the name evidence is cited by.
    pub name: String,
    /// How to get it.
    pub place: ObjectLocation,
    /// What the key says, where it is CloudTrail's own form.
    pub key: Option<LogKey>,
    /// Bytes as stored, if the listing says.
    pub size: Option<u64>,
    /// The archive storage class it lies in, if the listing says: nobody can read it until it
    /// is restored, so it is counted and not asked for.
    pub archived: Option<String>,
    /// What changes when the object does, if the listing says: its ETag or time of writing.
    pub version: Option<Box<str>>,
    /// When it was written to its bucket, if the listing says, in seconds since 1970.
    pub written: Option<i64>,
}

/// How to get an object's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLocation {
    File(PathBuf),
    S3 { bucket: String, key: String },
    Stdin,
}

impl ObjectRef {
    /// True if the key says that the object is a log, or in a copy without folders the file's name.
    pub fn must_be_log(&self) -> bool {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_json = file.ends_with(".json") || file.ends_with(".json.gz");
        let by_name = || LogKey::parse(&key::from_file_name(file).filter(|_| is_json)?);
        let key = self.key.clone().or_else(by_name);
        key.is_some_and(|key| key.kind.holds_events())
    }

    /// Sorts objects by turn, then by name. Both a bucket and its copy on disk are read in this order,
    /// so that of two copies of an event the same one counts.
    pub fn order(&self) -> (ReadOrder, &str) {
        (ReadOrder::of(self.key.as_ref()), &self.name)
    }
}

/// When objects are read: those that a digest chain covers come first, day by day, then all others. So
/// a record that lies in a log which AWS signs is the one that counts, and a copy of it that somebody
/// put elsewhere is the duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadOrder {
    unchained: bool,
    day: Option<chrono::NaiveDate>,
}

impl ReadOrder {
    /// The turn of an object with that key; without one, of an object with another name.
    pub fn of(key: Option<&LogKey>) -> Self {
        Self::new(key.map(|key| key.kind), key.map(|key| key.day))
    }

    /// The turn of objects of that kind and day, where their keys say them.
    pub fn new(kind: Option<LogKind>, day: Option<chrono::NaiveDate>) -> Self {
        Self {
            unchained: !matches!(kind, Some(LogKind::Log | LogKind::Digest)),
            day,
        }
    }
}

/// How long after an hour's logs the digest that names them may be stamped.
const DIGEST_SLACK: chrono::Duration = chrono::Duration::hours(2);

/// What a run asks for. A listing leaves out what its key already rules out; everything else is
/// decided record by record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The window in event time, `[since, until)`; an open end takes everything on its side.
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// How late after its events a log may be delivered and still be listed.
    pub slack: chrono::Duration,
    /// The moment of the run: nothing was delivered after it.
    pub now: DateTime<Utc>,
    /// Twelve-digit accounts; none named means all.
    pub accounts: Vec<String>,
    /// Regions; none named means all.
    pub regions: Vec<String>,
    /// Whether digests are listed, too.
    pub digests: bool,
}

impl Scope {
    /// Everything there is.
    pub fn all(now: DateTime<Utc>) -> Self {
        Self {
            since: None,
            until: None,
            slack: chrono::Duration::zero(),
            now,
            accounts: Vec::new(),
            regions: Vec::new(),
            digests: false,
        }
    }

    /// The window in whole seconds.
    pub fn window(&self) -> Window {
        Window::new(self.since, self.until)
    }

    /// True where the account was asked for.
    pub fn holds_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|one| one == account)
    }

    /// True where the Region was asked for.
    pub fn holds_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|one| one == region)
    }

    /// True if a Region's folder was asked for. A folder may spell the Region in upper case; its
    /// records decide.
    pub fn lists_region(&self, folder: &str) -> bool {
        let mut regions = self.regions.iter();
        self.regions.is_empty() || regions.any(|one| one.eq_ignore_ascii_case(folder))
    }

    /// True where a record of that time (seconds since 1970) lies in the window. An undated record
    /// is outside of none.
    pub fn holds_time(&self, time: Option<i64>) -> bool {
        time.is_none_or(|time| self.window().holds(time))
    }

    /// True where a record counts.
    pub fn holds(&self, time: Option<i64>, account: &str, region: &str) -> bool {
        self.holds_time(time) && self.holds_account(account) && self.holds_region(region)
    }

    /// True where an object of that key may hold what is asked for. A key that says nothing may.
    pub fn may_hold(&self, key: Option<&LogKey>) -> bool {
        key.is_none_or(|key| {
            // a digest speaks for the hour before its stamp
            let slack = match key.kind {
                LogKind::Digest => self.slack + DIGEST_SLACK,
                _ => self.slack,
            };
            self.holds_account(&key.account)
                && self.lists_region(&key.region)
                && key::may_hold(key.delivered, self.since, self.until, slack)
        })
    }
}

/// What a small source holds, all at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects to read, in [`ObjectRef::order`], each once.
    pub objects: Vec<ObjectRef>,
    /// What could not be listed.
    pub problems: Vec<Problem>,
    /// What was found, and what of it was passed over. Names as in [`ObjectRef::name`], folders with
    /// a `/` at the end.
    pub store: Store,
}

/// What S3 keeps beside an object's bytes (`x-amz-meta-…`), by name without that prefix.
pub type Metadata = BTreeMap<String, String>;

/// An object as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    /// Of a file: what stands in the file beside it ([`local::SIDE_FILE`]).
    pub metadata: Metadata,
}

impl From<Vec<u8>> for Fetched {
    fn from(bytes: Vec<u8>) -> Self {
        let metadata = Metadata::new();
        Self { bytes, metadata }
    }
}

/// Why an object's bytes could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// Permission was missing (HTTP 403, a file's mode); the text says what to allow.
    #[error("{0}")]
    Refused(String),
    /// In an archive storage class: it must be restored before anyone can read it.
    #[error("archived in storage class {0}: restore it to read it")]
    Archived(String),
    /// There is no such object (any more).
    #[error("deleted between listing and reading")]
    Gone,
    /// Everything else: time-outs after all retries, I/O errors.
    #[error("{0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_source_is_recognized() {
        let s3 = |bucket: &str, prefix: &str| Source::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        assert_eq!(Source::parse(None).unwrap(), Source::Trails);
        assert_eq!(Source::parse(Some("-")).unwrap(), Source::Stdin);
        assert_eq!(Source::parse(Some("s3://b")).unwrap(), s3("b", ""));
        assert_eq!(Source::parse(Some("s3://b/p/q/")).unwrap(), s3("b", "p/q/"));
        assert_eq!(
            Source::parse(Some("logs/x")).unwrap(),
            Source::Local("logs/x".into())
        );
        assert!(Source::parse(Some("s3://")).is_err());
        assert!(Source::parse(Some("https://b")).is_err());
    }

    #[test]
    fn a_scope_rules_out_by_key_and_keeps_what_has_none() {
        let key = LogKey::parse(
            "111122223333/CloudTrail/us-east-1/2026/11/10/\
             111122223333_CloudTrail_us-east-1_20261110T1145Z_7xgocspSowgK0Gto.json.gz",
        );
        assert!(key.is_some());
        let now = DateTime::UNIX_EPOCH + chrono::Duration::days(30_000);
        let all = Scope::all(now);
        assert!(all.may_hold(key.as_ref()));
        let other_account = Scope {
            accounts: vec!["444455556666".to_owned()],
            ..all.clone()
        };
        assert!(!other_account.may_hold(key.as_ref()));
        assert!(other_account.may_hold(None), "decided by its records");
        let later = Scope {
            since: Some(now),
            ..all
        };
        assert!(!later.may_hold(key.as_ref()));
    }
}
