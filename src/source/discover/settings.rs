//! What the trails record, asked from CloudTrail: GetEventSelectors, GetTrailStatus and
//! GetInsightSelectors for every trail that writes to what is read.
//!
//! None of it is needed to read logs, so nothing here stops a run: what is not answered goes out as
//! [`Lookup::Unknown`] with the permission to allow.

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types;

use crate::aws::{self, Fault, FaultKind};
use crate::coverage::Problem;
use crate::event::time::Epoch;
use crate::trail::{
    Advanced, Basic, DataResource, FieldSelector, Lookup, Selectors, Status, Trail,
};

/// A bucket and a prefix in it.
pub(super) type BucketPlace = (String, String);

/// The trails that write to one of the places, and what is not known of them, a sentence each.
///
/// `wanted` are trails of other accounts by their ARNs, `now` is the moment of the run.
pub async fn settings(
    client: &Client,
    places: &[BucketPlace],
    wanted: &[String],
    now: Epoch,
) -> (BTreeSet<Trail>, BTreeSet<String>) {
    let client = aws::with_short_timeouts(client);
    let mut unknown = BTreeSet::new();
    let writing = match writing(&client, places, wanted, now).await {
        Ok((writing, problems)) => {
            let problems = problems.into_iter().map(|problem| problem.what);
            unknown.extend(problems.map(|what| format!("{what}.")));
            writing
        }
        Err(fault) => {
            unknown.insert(match fault.kind {
                FaultKind::Denied => format!(
                    "What the trails record is not known: allow cloudtrail:DescribeTrails (AWS: {fault})."
                ),
                _ => format!(
                    "What the trails record is not known: CloudTrail could not be asked ({fault})."
                ),
            });
            return (BTreeSet::new(), unknown);
        }
    };
    let mut trails = BTreeSet::new();
    for (bucket, prefix) in unwritten(places, &writing) {
        unknown.insert(format!(
            "No trail that CloudTrail describes to these credentials writes to s3://{bucket}/{prefix}: \
             what was recorded there is known by the files alone."
        ));
    }
    for mut trail in writing {
        ask(&client, &mut trail).await;
        trails.insert(trail);
    }
    (trails, unknown)
}

/// The trails that write to one of the places, not asked for more yet, and what could not be described.
async fn writing(
    client: &Client,
    places: &[BucketPlace],
    wanted: &[String],
    now: Epoch,
) -> Result<(BTreeSet<Trail>, Vec<Problem>), Fault> {
    let (described, problems) = super::all(client, wanted).await?;
    let described = described.into_iter().map(|trail| of(trail, now));
    let writes = |trail: &Trail| {
        let mut places = places.iter();
        places.any(|(bucket, prefix)| trail.writes_to(bucket, prefix))
    };
    Ok((described.filter(writes).collect(), problems))
}

/// The places that none of the trails writes to.
fn unwritten<'p>(
    places: &'p [BucketPlace],
    trails: &BTreeSet<Trail>,
) -> impl Iterator<Item = &'p BucketPlace> {
    places.iter().filter(|(bucket, prefix)| {
        let mut trails = trails.iter();
        !trails.any(|trail| trail.writes_to(bucket, prefix))
    })
}

/// The trails that write to one of the places, each as every Region of those knows it: one Region
/// reports the status of a trail for that Region alone. And what is not known of them.
///
/// To be asked before digests are listed: what CloudTrail has delivered by then is in the listing.
pub async fn by_region(
    client: &Client,
    places: &[BucketPlace],
    wanted: &[String],
    regions: &BTreeSet<&str>,
    now: Epoch,
) -> (Vec<(String, Trail)>, BTreeSet<String>) {
    let client = aws::with_short_timeouts(client);
    let not_known =
        |why: String| format!("whether the newest digests are here is not known: {why}");
    let writing = match writing(&client, places, wanted, now).await {
        Ok((writing, _)) => writing,
        Err(fault) => {
            let why = match fault.kind {
                FaultKind::Denied => format!("allow cloudtrail:DescribeTrails (AWS: {fault})"),
                _ => format!("CloudTrail could not be asked ({fault})"),
            };
            return (Vec::new(), [not_known(why)].into());
        }
    };
    let (mut trails, mut unknown) = (Vec::new(), BTreeSet::new());
    for (bucket, prefix) in unwritten(places, &writing) {
        let why = format!(
            "no trail that CloudTrail describes to these credentials writes to s3://{bucket}/{prefix}"
        );
        unknown.insert(not_known(why));
    }
    for trail in &writing {
        let there = |region: &&&str| trail.multi_region || trail.home_region == **region;
        for region in regions.iter().filter(there) {
            let client = aws::cloudtrail_in(&client, region);
            let status = match client.get_trail_status().name(&trail.arn).send().await {
                Ok(answer) => status_of(answer),
                Err(error) => {
                    let fault = Fault::of(&error);
                    unknown.insert(not_known(match fault.kind {
                        FaultKind::Denied => {
                            format!("allow cloudtrail:GetTrailStatus (AWS: {fault})")
                        }
                        _ => format!(
                            "GetTrailStatus of trail {} in {region} failed ({fault})",
                            trail.name
                        ),
                    }));
                    continue;
                }
            };
            let trail = Trail {
                status: Lookup::Answered(status),
                ..trail.clone()
            };
            trails.push(((*region).to_owned(), trail));
        }
    }
    (trails, unknown)
}

/// A trail as described, before anything else is asked.
fn of(trail: types::Trail, now: Epoch) -> Trail {
    let unknown = || "not asked".to_owned();
    Trail {
        name: trail.name.unwrap_or_default(),
        arn: trail.trail_arn.unwrap_or_default(),
        bucket: trail.s3_bucket_name.unwrap_or_default(),
        prefix: trail
            .s3_key_prefix
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned(),
        home_region: trail.home_region.unwrap_or_default(),
        multi_region: trail.is_multi_region_trail.unwrap_or(false),
        organization: trail.is_organization_trail.unwrap_or(false),
        validation: trail.log_file_validation_enabled.unwrap_or(false),
        selectors: Lookup::Unknown(unknown()),
        status: Lookup::Unknown(unknown()),
        insights: Lookup::Unknown(unknown()),
        asked: Some(now),
    }
}

/// Asks in the trail's own Region, by its ARN: a name alone means another trail elsewhere.
async fn ask(client: &Client, trail: &mut Trail) {
    let client = aws::cloudtrail_in(client, &trail.home_region);
    let arn = &trail.arn;
    let selectors = client.get_event_selectors().trail_name(arn).send();
    let status = client.get_trail_status().name(arn).send();
    let insights = client.get_insight_selectors().trail_name(arn).send();
    let (selectors, status, insights) = tokio::join!(selectors, status, insights);
    let name = trail.name.clone();
    trail.selectors = match selectors {
        Ok(answer) => Lookup::Answered(selected(
            answer.event_selectors.unwrap_or_default(),
            answer.advanced_event_selectors.unwrap_or_default(),
        )),
        Err(error) => unanswered(
            &Fault::of(&error),
            "GetEventSelectors",
            &name,
            "event selectors",
        ),
    };
    trail.status = match status {
        Ok(answer) => Lookup::Answered(status_of(answer)),
        Err(error) => unanswered(&Fault::of(&error), "GetTrailStatus", &name, "status"),
    };
    trail.insights = match insights {
        Ok(answer) => {
            let kinds = answer.insight_selectors.unwrap_or_default().into_iter();
            let kinds = kinds.filter_map(|one| one.insight_type);
            Lookup::Answered(kinds.map(|kind| kind.as_str().to_owned()).collect())
        }
        Err(error) => match Fault::of(&error) {
            // CloudTrail's way to say that there are none
            fault if fault.code == "InsightNotEnabledException" => Lookup::Answered(Vec::new()),
            fault => unanswered(&fault, "GetInsightSelectors", &name, "Insights"),
        },
    };
}

fn status_of(answer: GetTrailStatusOutput) -> Status {
    let time = |time: Option<DateTime>| time.as_ref().map(DateTime::secs);
    let error = |error: Option<String>| error.filter(|error| !error.is_empty());
    Status {
        logging: answer.is_logging.unwrap_or(false),
        started: time(answer.start_logging_time),
        stopped: time(answer.stop_logging_time),
        delivered: time(answer.latest_delivery_time),
        delivery_error: error(answer.latest_delivery_error),
        digest_delivered: time(answer.latest_digest_delivery_time),
        digest_error: error(answer.latest_digest_delivery_error),
    }
}

fn unanswered<T>(fault: &Fault, call: &str, trail: &str, what: &str) -> Lookup<T> {
    Lookup::Unknown(match fault.kind {
        FaultKind::Denied => format!(
            "the {what} of trail {trail} are not known: allow cloudtrail:{call} (AWS: {fault})"
        ),
        _ => format!("the {what} of trail {trail} are not known: {call} failed ({fault})"),
    })
}

/// The answer as selectors. A trail that nobody configured has none in it.
fn selected(
    basic: Vec<types::EventSelector>,
    advanced: Vec<types::AdvancedEventSelector>,
) -> Selectors {
    if !advanced.is_empty() {
        let selectors = advanced.into_iter().map(|one| Advanced {
            field_selectors: one.field_selectors.into_iter().map(field).collect(),
        });
        return Selectors::advanced(selectors);
    }
    if basic.is_empty() {
        return Selectors::of_a_new_trail();
    }
    Selectors::basic(basic.into_iter().map(|one| {
        let silent = Basic::default();
        let status_of = one.read_write_type.map(|kind| kind.as_str().to_owned());
        let resources = one.data_resources.unwrap_or_default().into_iter();
        Basic {
            read_write_type: status_of.unwrap_or(silent.read_write_type),
            include_management_events: one
                .include_management_events
                .unwrap_or(silent.include_management_events),
            data_resources: resources
                .map(|resource| DataResource {
                    kind: resource.r#type.unwrap_or_default(),
                    values: resource.values.unwrap_or_default(),
                })
                .collect(),
            exclude_management_event_sources: one
                .exclude_management_event_sources
                .unwrap_or_default(),
        }
    }))
}

fn field(selector: types::AdvancedFieldSelector) -> FieldSelector {
    FieldSelector {
        field: selector.field,
        equals: selector.equals.unwrap_or_default(),
        starts_with: selector.starts_with.unwrap_or_default(),
        ends_with: selector.ends_with.unwrap_or_default(),
        not_equals: selector.not_equals.unwrap_or_default(),
        not_starts_with: selector.not_starts_with.unwrap_or_default(),
        not_ends_with: selector.not_ends_with.unwrap_or_default(),
    }
}
