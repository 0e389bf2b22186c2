//! A bucket: which of its objects to read, and reading one.
//!
//! What comes in is a client, a bucket and the prefix the user gave; what goes out is a
//! [`Listing`] and, object by object, bytes as stored. A bucket of logs is too large to be listed
//! whole: `layout` finds the folders of accounts and Regions, and only the days of the window are
//! listed below them (facts, 2.2). Names are relative to the prefix, so that a folder which is a
//! copy of it gives the same names.

mod fetch;
mod layout;
mod lister;

pub use fetch::fetch;

use aws_sdk_s3::Client;

use super::{Listing, Scope, key};
use crate::aws::{self, Fault, FaultKind};
use crate::coverage::{Problem, ProblemKind};
use lister::Lister;

/// Why nothing of a bucket could be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("there is no bucket `{0}`: check its name")]
    NoBucket(String),
    #[error(
        "listing s3://{bucket}/{prefix} was refused: allow s3:ListBucket on \
         arn:{partition}:s3:::{bucket} (AWS: {fault})"
    )]
    Refused {
        bucket: String,
        prefix: String,
        partition: &'static str,
        fault: Fault,
    },
    #[error("bucket `{bucket}` is in {region} and was not reached there: pass --region {region}")]
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
/// [`list`] and [`fetch()`] then use.
///
/// # Errors
/// The bucket or the prefix does not exist, or its listing is not allowed.
pub async fn open(client: &Client, bucket: &str, prefix: &str) -> Result<Client, ListError> {
    let mut client = client.clone();
    for _ in 0..2 {
        let lister = Lister::new(&client, bucket);
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

/// Lists the log objects below a prefix that may hold what the scope asks for.
///
/// The prefix is a folder, with or without `/` at its end, anywhere in CloudTrail's layout (facts,
/// 2.1) or above it; or it names one object. Below a prefix without that layout everything is
/// listed, and its content decides. Objects in an archive storage class are listed as
/// [`archived`](super::ObjectRef::archived). A folder that cannot be listed is a problem; the rest
/// goes on.
///
/// # Errors
/// Nothing could be listed at all.
pub async fn list(
    client: &Client,
    bucket: &str,
    prefix: &str,
    scope: &Scope,
) -> Result<Listing, ListError> {
    let lister = Lister::new(client, bucket);
    let root = folder(prefix);
    let failed = |fault| lister.error(prefix, fault);
    if lister.first(&root).await.map_err(failed)?.is_none() {
        return one_object(&lister, prefix).await;
    }
    let found = layout::find(&lister, &root, scope).await;
    let mut listing = Listing {
        problems: found.problems,
        passed_by: found.passed_by,
        ..Listing::default()
    };
    let folders = match found.outcome {
        layout::Outcome::Regions(regions) => {
            let dates = dates(scope);
            let planned = |region: &layout::RegionFolder| region.planned(&dates);
            regions.iter().flat_map(planned).collect()
        }
        layout::Outcome::Flat => {
            listing.passed_by.clear();
            vec![root.clone()]
        }
        layout::Outcome::NoTrail if listing.problems.is_empty() => {
            return Err(ListError::NoTrail {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        layout::Outcome::NoTrail => Vec::new(),
    };
    let pages = lister::concurrently(folders, |folder| {
        let (lister, root) = (lister.clone(), root.clone());
        async move { lister.objects(&folder, &root).await }
    });
    for (objects, problem) in pages.await {
        let wanted = |object: &super::ObjectRef| scope.may_hold(object.key.as_ref());
        listing.objects.extend(objects.into_iter().filter(wanted));
        listing.problems.extend(problem);
    }
    listing.sort();
    listing.objects.dedup_by(|a, b| a.name == b.name);
    Ok(listing)
}

/// A prefix below which there is nothing may be the key of one object.
async fn one_object(lister: &Lister, prefix: &str) -> Result<Listing, ListError> {
    let failed = |fault| lister.error(prefix, fault);
    let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
    match lister.first(prefix).await.map_err(failed)? {
        Some(object) if object.key() == Some(prefix) => Ok(Listing {
            objects: lister
                .object_ref(&object, &folder(parent))
                .into_iter()
                .collect(),
            ..Listing::default()
        }),
        _ => Err(ListError::Empty {
            bucket: lister.bucket().to_owned(),
            prefix: prefix.to_owned(),
        }),
    }
}

/// The date folders to list below a Region; one empty name, the Region itself, without a window.
fn dates(scope: &Scope) -> Vec<String> {
    let Some(since) = scope.since else {
        return vec![String::new()];
    };
    let until = scope.until.map_or(scope.now, |until| until.min(scope.now));
    key::date_folders(&key::delivery_days(since, until, scope.slack, scope.now))
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
