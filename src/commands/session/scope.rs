//! The window and the moment of a run.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Datelike as _, Duration, Utc};
use chrono_tz::Tz;

use super::Request;
use crate::source::{Scope, Source};
use crate::window::local_time;

/// How late after its events a log may be delivered and still be read: AWS promises no time
/// ([log files](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html)).
const SLACK: Duration = Duration::hours(24);

/// How far back S3 is read without `--since`.
const DEFAULT_DAYS: i64 = 7;

/// What is read. Dates and weeks are those of the zone.
///
/// # Errors
/// The window is empty.
pub(super) fn resolve(
    request: &Request<'_>,
    source: &Source,
    now: DateTime<Utc>,
    zone: Tz,
) -> anyhow::Result<Scope> {
    let selection = request.selection;
    let week = selection.week.map(|week| week.window(now, zone));
    let until = selection.until.map(|when| when.at(now, zone));
    let until = until.or(week.map(|(_, end)| end));
    let remote = matches!(source, Source::S3 { .. } | Source::Trails);
    let default = remote.then(|| until.unwrap_or(now) - Duration::days(DEFAULT_DAYS));
    let since = selection.since.map(|when| when.at(now, zone));
    let since = since.or(week.map(|(first, _)| first)).or(default);
    let until = until.or(remote.then_some(now));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let [since, until] = [since, until].map(|at| local_time(at, zone));
        bail!("the window is empty: --since {since} is not before --until {until}");
    }
    Ok(Scope {
        since,
        until,
        slack: match request.only_digests {
            true => Duration::zero(),
            false => SLACK,
        },
        now,
        accounts: selection.account.clone(),
        regions: selection.region.clone(),
        digests: request.verify,
    })
}

/// The moment of the run; `SOURCE_DATE_EPOCH` sets it for reports that can be compared byte by byte
/// (reproducible-builds.org).
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks the clock"
)]
pub(super) fn now() -> anyhow::Result<DateTime<Utc>> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .filter(|now| (1970..=9998).contains(&now.year()))
            .with_context(|| {
                format!("SOURCE_DATE_EPOCH: `{text}` is not a number of seconds since 1970")
            }),
        Err(_) => Ok(Utc::now()),
    }
}
