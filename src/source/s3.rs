//! A bucket: which of its objects to read, and reading one.
//!
//! What comes in is a client, a bucket and the prefix the user gave; what goes out is a
//! [`Plan`] that lists as a stream and, object by object, bytes as stored. A bucket of logs is too
//! large to be listed whole: `layout` finds the folders of accounts and Regions, and only the days
//! of the window are listed below them ([`delivery_days`](super::key::delivery_days)). Names are relative
//! to the prefix, so that a folder which is a copy of it gives the same names.

mod concurrency;
mod fetch;
mod layout;
mod lister;
mod pages;
mod plan;

pub use fetch::{Access, Fetcher, ListedObject, RetryPolicy, fetch};
pub use pages::Limits;
pub use plan::{Page, Pages, Plan};

use std::ops::RangeInclusive;

use aws_sdk_s3::Client;
use chrono::NaiveDate;

use super::{Listing, Scope, key};
use crate::aws::{self, Fault, FaultKind};
use crate::coverage::{Problem, ProblemKind};
use layout::{LogFolder, Search};
use lister::Lister;

/// Why nothing of a bucket could be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("there is no bucket `{0}`: check its name")]
    NoBucket(String),
    #[error(
        "listing s3://{bucket}/{prefix} was refused: allow s3:ListBucket on \
         arn:{partition}:s3:::{bucket} here and, in another account, in the bucket's policy; or \
         name a folder that may be listed: s3://{bucket}/[PREFIX/]AWSLogs/[o-ORGANIZATION/]ACCOUNT \
         (AWS: {fault})"
    )]
    Refused {
        bucket: String,
        prefix: String,
        partition: &'static str,
        fault: Fault,
    },
    #[error("bucket `{bucket}` is in {region} and was not reached there: set AWS_REGION={region}")]
    Elsewhere { bucket: String, region: String },
    #[error("there is nothing below s3://{bucket}/{prefix}: check the prefix")]
    Empty { bucket: String, prefix: String },
    #[error(
        "s3://{bucket}/{prefix} has AWSLogs, but no CloudTrail folder in it: check that the trail \
         writes to this prefix"
    )]
    NoTrail { bucket: String, prefix: String },
    #[error("s3://{bucket} cannot be listed: {fault}")]
    Failed { bucket: String, fault: Fault },
}

/// Finds the bucket's own Region and whether it may be listed; gives the client for it, which
/// [`plan()`] and [`fetch()`] then use.
///
/// # Errors
/// The bucket or the prefix does not exist, or its listing is not allowed.
pub async fn open(client: &Client, bucket: &str, prefix: &str) -> Result<Client, ListError> {
    let mut client = client.clone();
    for _ in 0..2 {
        let lister = Lister::new(&client, bucket, "", "", &Limits::default());
        match lister.first(&folder(prefix)).await {
            Ok(_) => return Ok(client),
            Err(fault) => match fault.kind {
                FaultKind::Elsewhere(region) => client = aws::s3_in(&client, &region),
                _ => return Err(lister.error(prefix, fault)),
            },
        }
    }
    let region = client.config().region().map(ToString::to_string);
    Err(ListError::Elsewhere {
        bucket: bucket.to_owned(),
        region: region.unwrap_or_default(),
    })
}

/// How a place is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOptions {
    /// Names begin with bucket and prefix, so that the plans of several places can be merged.
    pub whole_names: bool,
    /// Whether folders beside `AWSLogs` are searched for more of it. Where CloudTrail says that a trail
    /// writes to the place, other trails' folders beside it are not meant.
    pub beside: bool,
    pub limits: Limits,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            whole_names: false,
            beside: true,
            limits: Limits::default(),
        }
    }
}

/// [`plan_with`] the default options, but with whole names if they are asked for.
///
/// # Errors
/// Nothing could be listed at all.
pub async fn plan(
    client: &Client,
    bucket: &str,
    prefix: &str,
    whole_names: bool,
    scope: &Scope,
) -> Result<Plan, ListError> {
    let options = PlanOptions {
        whole_names,
        ..PlanOptions::default()
    };
    plan_with(client, bucket, prefix, &options, scope).await
}

/// Finds what to list below a prefix to get the log objects that may hold what the scope asks for.
///
/// The prefix is a folder, with or without `/` at its end, anywhere in CloudTrail's layout
/// ([log files](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html))
/// or above it; or it names one object. Below a prefix without that layout everything is
/// listed, and its content decides. Objects in an archive storage class are listed as
/// [`archived`](super::ObjectRef::archived). A folder that cannot be listed is a problem; the rest
/// goes on. What is found and not read is counted in [`Plan::store`] and in the pages.
///
/// # Errors
/// Nothing could be listed at all.
pub async fn plan_with(
    client: &Client,
    bucket: &str,
    prefix: &str,
    options: &PlanOptions,
    scope: &Scope,
) -> Result<Plan, ListError> {
    let front = |root: &str| match options.whole_names {
        true => format!("s3://{bucket}/{root}"),
        false => String::new(),
    };
    let limits = &options.limits;
    let root = folder(prefix);
    let lister = Lister::new(client, bucket, &root, &front(&root), limits);
    let mut plan = Plan::default();
    plan.counts(&lister);
    let failed = |fault| lister.error(prefix, fault);
    if lister.first(&root).await.map_err(failed)?.is_none() {
        // a prefix below which there is nothing may be the key of one object
        let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent = folder(parent);
        let parent = Lister::new(client, bucket, &parent, &front(&parent), limits);
        plan.counts(&parent);
        let object = parent.first(prefix).await.map_err(failed)?;
        let Some(object) = object.filter(|object| object.key() == Some(prefix)) else {
            return Err(ListError::Empty {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        };
        plan.store.found = 1;
        plan.object(parent.object_ref(prefix, &object));
        return Ok(plan);
    }
    let days = days(scope);
    let search = Search {
        scope,
        days: days.as_ref(),
        beside: options.beside,
    };
    let found = layout::find(&lister, search).await;
    plan.problems = found.problems;
    match found.outcome {
        layout::Outcome::Dates(folders, loose) => {
            plan.store = found.store;
            for folder in folders {
                plan.folder(&lister, folder);
            }
            loose.into_iter().for_each(|object| plan.object(object));
        }
        // listed as a stream, because nobody knows how many there are; the stream counts them again
        layout::Outcome::Flat => plan.folder(&lister, LogFolder::whole(root, None)),
        layout::Outcome::NoTrail if plan.problems.is_empty() => {
            return Err(ListError::NoTrail {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        layout::Outcome::NoTrail => plan.store = found.store,
    }
    plan.sort();
    Ok(plan)
}

/// The whole listing of a small place: [`plan()`], carried out.
///
/// # Errors
/// Nothing could be listed at all.
pub async fn list(
    client: &Client,
    bucket: &str,
    prefix: &str,
    scope: &Scope,
) -> Result<Listing, ListError> {
    let plan = plan(client, bucket, prefix, false, scope).await?;
    Ok(plan.collect(scope).await)
}

/// The delivery days to list; nothing without a window.
fn days(scope: &Scope) -> Option<RangeInclusive<NaiveDate>> {
    let since = scope.since?;
    let until = scope.until.map_or(scope.now, |until| until.min(scope.now));
    // the digest of an hour comes after it
    let slack = match scope.digests {
        true => scope.slack + super::DIGEST_SLACK,
        false => scope.slack,
    };
    Some(key::delivery_days(since, until, slack, scope.now))
}

/// A folder's prefix: nothing for the whole bucket, else with one `/` at its end.
fn folder(prefix: &str) -> String {
    match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

/// What to say of a folder below the first that could not be listed.
fn unlisted(lister: &Lister, folder: &str, fault: &Fault) -> Problem {
    let bucket = lister.bucket();
    let what = match fault.kind {
        FaultKind::Denied => format!(
            "listing was refused: allow s3:ListBucket on arn:{}:s3:::{bucket} for this prefix \
             (AWS: {fault})",
            lister.partition()
        ),
        _ => format!("listing failed: {fault}"),
    };
    Problem {
        object: format!("s3://{bucket}/{folder}"),
        kind: ProblemKind::Unlisted,
        what,
    }
}
