//! A trail: what it records, where, and what was done to it.
//!
//! In: CloudTrail's answers about a trail and the events that changed one. Out: for any moment of a
//! window, whether the trail could see a class of events, with the reason in one sentence. Pure
//! values: asking is `source`'s affair, finding the changes `pipeline`'s.

mod change;
mod class;
mod selectors;
mod stops;
mod timeline;

#[cfg(test)]
mod tests;

use bitcode::{Decode, Encode};
use serde::Serialize;

use crate::event::time::Epoch;
use crate::finding::iso_time;
use crate::partition::Partition;

pub use change::{Change, SelectorBudget, TrailChange};
pub use class::{Category, Class};
pub use selectors::{Advanced, Basic, DataResource, FieldSelector, Obstacle, Reach, Selectors};
pub use stops::{Stop, stops};
pub use timeline::{Timeline, TrailVisibility};

/// An answer of CloudTrail's, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum Lookup<T> {
    Answered(T),
    /// One sentence: what was not answered and what to allow.
    Unknown(String),
}

/// A trail as CloudTrail describes it (DescribeTrails, GetEventSelectors, GetTrailStatus,
/// GetInsightSelectors).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct Trail {
    pub name: String,
    pub arn: String,
    pub bucket: String,
    /// S3KeyPrefix, empty where it has none.
    pub prefix: String,
    pub home_region: String,
    pub multi_region: bool,
    pub organization: bool,
    /// Log file validation: it writes digests.
    pub validation: bool,
    pub selectors: Lookup<Selectors>,
    pub status: Lookup<Status>,
    /// The kinds of Insight events that it records.
    pub insights: Lookup<Vec<String>>,
    /// When CloudTrail was asked; `None` if the answers were saved by somebody else.
    #[serde(serialize_with = "iso_time")]
    pub asked: Option<Epoch>,
}

/// Whether a trail is logging, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct Status {
    pub logging: bool,
    /// The last StartLogging and the last StopLogging.
    #[serde(serialize_with = "iso_time")]
    pub started: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub stopped: Option<Epoch>,
    /// The last delivery to S3, and the error of S3's where the last try failed.
    #[serde(serialize_with = "iso_time")]
    pub delivered: Option<Epoch>,
    pub delivery_error: Option<String>,
    /// The same of digests.
    #[serde(serialize_with = "iso_time")]
    pub digest_delivered: Option<Epoch>,
    pub digest_error: Option<String>,
}

impl Trail {
    /// The account that owns the trail, out of its ARN.
    pub fn owner(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// True where the trail's logs lie below that place of a bucket, or that place below them.
    pub fn writes_to(&self, bucket: &str, prefix: &str) -> bool {
        let (ours, theirs) = (self.prefix.trim_matches('/'), prefix.trim_matches('/'));
        let below = |inner: &str, outer: &str| {
            outer.is_empty()
                || inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.bucket == bucket && (below(ours, theirs) || below(theirs, ours))
    }

    /// True where an event of that account is recorded by this trail at all.
    pub fn holds_account(&self, account: &str) -> bool {
        self.organization || self.owner() == account
    }
}

/// The Region that records what belongs to no Region, IAM above all, for accounts of that Region
/// ([global service events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events)).
pub fn global_region(region: &str) -> &'static str {
    Partition::of_region(region).global_region()
}
