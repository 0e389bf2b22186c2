//! Where an account's trails write, asked from CloudTrail itself.
//!
//! What goes out are places to list, each once, however many trails write to it. DescribeTrails
//! shows the trails of one Region and the copies ("shadows") of multi-region and organization
//! trails; a single-region trail elsewhere is known to ListTrails only and then described by its
//! ARN ([DescribeTrails](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html),
//! [ListTrails](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html)).

mod saved;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

pub use saved::{SavedError, saved};
pub use settings::{by_region, settings};

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::Trail;
use serde::Serialize;

use crate::aws::{Fault, FaultKind};
use crate::coverage::{Problem, ProblemKind};

/// The other way to say where logs are.
const ALTERNATIVE: &str = "name the bucket: trailscan run s3://BUCKET";

/// A bucket and prefix that CloudTrail writes to, and the trail that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailPlace {
    pub name: String,
    pub arn: String,
    pub bucket: String,
    /// The trail's S3KeyPrefix, empty where it has none: `AWSLogs` lies below it.
    pub prefix: String,
    pub home_region: String,
    pub multi_region: bool,
    pub organization: bool,
    /// Log file validation: there are digests to verify.
    pub validation: bool,
    /// The ARN of the KMS key that encrypts the logs.
    pub kms_key: Option<String>,
    /// The ARNs of further trails that write to the same place. What the flags above say holds for
    /// any of them.
    pub also: Vec<String>,
}

/// What CloudTrail knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trails {
    /// By bucket and prefix.
    pub places: Vec<TrailPlace>,
    /// Trails that may exist and were not seen.
    pub problems: Vec<Problem>,
}

/// Why there is no place to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    #[error(
        "no trail writes logs to S3 as seen from {region}: {ALTERNATIVE}, or set AWS_REGION to the \
         trail's home Region"
    )]
    NoTrails { region: String },
    #[error("there is no trail `{wanted}`{}: {ALTERNATIVE}", among(.known))]
    Unknown { wanted: String, known: Vec<String> },
    #[error(
        "asking CloudTrail for its trails was refused: allow cloudtrail:DescribeTrails, or \
         {ALTERNATIVE} (AWS: {0})"
    )]
    Refused(Fault),
    #[error("CloudTrail did not list its trails: {0}; or {ALTERNATIVE}")]
    Failed(Fault),
}

fn among(trails: &[String]) -> String {
    match trails {
        [] => String::new(),
        trails => format!(" among {}", trails.join(", ")),
    }
}

impl TrailPlace {
    /// The trails that write here, by name: `trail audit`, `trails audit, second`.
    pub fn trails(&self) -> String {
        let also = self.also.iter().map(|arn| name_of(arn));
        let names: Vec<_> = std::iter::once(&*self.name).chain(also).collect();
        let s = if names.len() > 1 { "s" } else { "" };
        format!("trail{s} {}", names.join(", "))
    }
}

/// The name at the end of a trail's ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

/// Asks CloudTrail for the trails of the account and organization: all of them, or those that are
/// wanted by name or ARN. A trail of an organization is seen by every member; its ARN names the
/// management account.
///
/// # Errors
/// It refuses, does not answer, knows of none, or not of one that is wanted.
pub async fn trails(client: &Client, wanted: &[String]) -> Result<Trails, DiscoverError> {
    let (mut described, mut problems) =
        all(client, wanted)
            .await
            .map_err(|fault| match fault.kind {
                FaultKind::Denied => DiscoverError::Refused(fault),
                _ => DiscoverError::Failed(fault),
            })?;
    for one in wanted {
        if !described.iter().any(|trail| is(trail, one)) {
            let names = described.iter().filter_map(Trail::trail_arn);
            let mut known: Vec<_> = names.map(str::to_owned).collect();
            known.sort();
            known.dedup();
            return Err(DiscoverError::Unknown {
                wanted: one.clone(),
                known,
            });
        }
    }
    if !wanted.is_empty() {
        described.retain(|trail| wanted.iter().any(|one| is(trail, one)));
        // a trail that was named was seen: others are nobody's concern
        problems.clear();
    }
    let places = places(described);
    if places.is_empty() {
        let region = client.config().region().map(ToString::to_string);
        return Err(DiscoverError::NoTrails {
            region: region.unwrap_or_default(),
        });
    }
    Ok(Trails { places, problems })
}

/// Every trail that can be seen, and those wanted by ARN; with what may have been missed.
async fn all(client: &Client, wanted: &[String]) -> Result<(Vec<Trail>, Vec<Problem>), Fault> {
    let mut described = describe(client, Vec::new()).await?;
    let mut problems = Vec::new();
    let known: BTreeSet<_> = described.iter().filter_map(Trail::trail_arn).collect();
    let elsewhere = listed(client).await.map(|arns| {
        let unknown = arns.into_iter().filter(|arn| !known.contains(arn.as_str()));
        unknown.collect::<Vec<_>>()
    });
    let elsewhere = match elsewhere {
        Ok(arns) if arns.is_empty() => Ok(Vec::new()),
        Ok(arns) => describe(client, arns).await,
        Err(fault) => Err(fault),
    };
    match elsewhere {
        Ok(trails) => described.extend(trails),
        Err(fault) => problems.push(Problem {
            object: "trails of other Regions".to_owned(),
            kind: ProblemKind::Unlisted,
            what: format!(
                "trails that record one other Region only were not seen: allow \
                 cloudtrail:ListTrails and cloudtrail:DescribeTrails (AWS: {fault})"
            ),
        }),
    }
    let strangers: Vec<_> = wanted
        .iter()
        .filter(|wanted| is_arn(wanted) && !described.iter().any(|trail| is(trail, wanted)))
        .cloned()
        .collect();
    if !strangers.is_empty() {
        // of another account, which no listing shows; the caller reports an answer without it
        let answer = describe(client, strangers).await;
        described.extend(answer.unwrap_or_default());
    }
    Ok((described, problems))
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// True for the trail of that name or ARN.
fn is(trail: &Trail, wanted: &str) -> bool {
    let own = if is_arn(wanted) {
        trail.trail_arn()
    } else {
        trail.name()
    };
    own == Some(wanted)
}

async fn describe(client: &Client, arns: Vec<String>) -> Result<Vec<Trail>, Fault> {
    let names = (!arns.is_empty()).then_some(arns);
    let request = client.describe_trails().include_shadow_trails(true);
    let answer = request.set_trail_name_list(names).send().await;
    let answer = answer.map_err(|error| Fault::of(&error))?;
    Ok(answer.trail_list.unwrap_or_default())
}

/// The ARNs of all trails of all Regions.
async fn listed(client: &Client) -> Result<Vec<String>, Fault> {
    let mut arns = Vec::new();
    let mut next = None;
    loop {
        let request = client.list_trails().set_next_token(next);
        let page = request.send().await.map_err(|error| Fault::of(&error))?;
        let trails = page.trails.unwrap_or_default();
        arns.extend(trails.into_iter().filter_map(|trail| trail.trail_arn));
        next = page.next_token;
        if next.is_none() {
            return Ok(arns);
        }
    }
}

/// One place for every bucket and prefix; of several trails, the first by ARN names it.
fn places(mut trails: Vec<Trail>) -> Vec<TrailPlace> {
    trails.sort_by(|a, b| a.trail_arn.cmp(&b.trail_arn));
    trails.dedup_by(|a, b| a.trail_arn.is_some() && a.trail_arn == b.trail_arn);
    let mut places: BTreeMap<(String, String), TrailPlace> = BTreeMap::new();
    for trail in trails {
        let Some(bucket) = trail.s3_bucket_name else {
            continue;
        };
        let prefix = trail.s3_key_prefix.unwrap_or_default();
        let prefix = prefix.trim_matches('/').to_owned();
        let place = TrailPlace {
            name: trail.name.unwrap_or_default(),
            arn: trail.trail_arn.unwrap_or_default(),
            home_region: trail.home_region.unwrap_or_default(),
            multi_region: trail.is_multi_region_trail.unwrap_or(false),
            organization: trail.is_organization_trail.unwrap_or(false),
            validation: trail.log_file_validation_enabled.unwrap_or(false),
            kms_key: trail.kms_key_id,
            also: Vec::new(),
            bucket,
            prefix,
        };
        let at = (place.bucket.clone(), place.prefix.clone());
        match places.get_mut(&at) {
            None => {
                places.insert(at, place);
            }
            Some(first) => {
                first.multi_region |= place.multi_region;
                first.organization |= place.organization;
                first.validation |= place.validation;
                first.kms_key = first.kms_key.take().or(place.kms_key);
                first.also.push(place.arn);
            }
        }
    }
    places.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(name: &str, bucket: &str, prefix: Option<&str>) -> Trail {
        Trail::builder()
            .name(name)
            .trail_arn(format!(
                "arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"
            ))
            .s3_bucket_name(bucket)
            .set_s3_key_prefix(prefix.map(str::to_owned))
            .build()
    }

    #[test]
    fn trails_that_write_to_one_place_are_one_place() {
        let mut organization = trail("b-organization", "logs", None);
        organization.is_organization_trail = Some(true);
        organization.log_file_validation_enabled = Some(true);
        let places = places(vec![
            organization,
            trail("a-account", "logs", Some("")),
            trail("c-other", "logs", Some("prod/")),
            trail("a-account", "logs", None),
        ]);
        let names: Vec<_> = places.iter().map(|place| place.name.as_str()).collect();
        assert_eq!(names, ["a-account", "c-other"]);
        assert!(places[0].organization && places[0].validation);
        assert_eq!(places[0].also.len(), 1, "a shadow is the same trail");
        assert_eq!(places[1].prefix, "prod");
    }

    #[test]
    fn a_trail_without_a_bucket_is_no_place() {
        assert!(places(vec![Trail::builder().name("lake").build()]).is_empty());
    }
}
