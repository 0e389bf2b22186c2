//! Where a report goes when nobody says: `report/` and the window, so that each week has its own.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::event::local::{iso_week, start_of_day};
use crate::source::Scope;

/// The folder that reports are collected in.
const REPORTS: &str = "report";

/// `report/2026-W47` for an ISO week, `report/2026-11-01_2026-12-01`, or `report/all` without a window,
/// which is known before anything is read. Weeks and days are those of the zone, as in `--since` and
/// `--week`.
pub(in crate::commands) fn of_run(scope: &Scope, zone: Tz) -> PathBuf {
    Path::new(REPORTS).join(window(scope.since, scope.until, zone))
}

/// The same of `verify`, whose files are no report of a run.
pub(in crate::commands) fn of_proof(scope: &Scope, zone: Tz) -> PathBuf {
    let window = window(scope.since, scope.until, zone);
    Path::new(REPORTS).join(format!("{window}-integrity"))
}

fn window(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>, zone: Tz) -> String {
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let mut ends = since.into_iter().chain(until);
    let is_whole = ends.all(|at| start_of_day(zone, day(at)) == at);
    // times of day are those of UTC, which needs no word
    let name = |at: DateTime<Utc>| match is_whole {
        true => day(at).format("%Y-%m-%d").to_string(),
        false => at.format("%Y-%m-%dT%H%M%SZ").to_string(),
    };
    match (since, until) {
        (None, None) => "all".to_owned(),
        (Some(since), None) => format!("from-{}", name(since)),
        (None, Some(until)) => format!("until-{}", name(until)),
        (Some(since), Some(until)) => match iso_week(since, until, zone) {
            Some(week) => format!("{:04}-W{:02}", week.year(), week.week()),
            None => format!("{}_{}", name(since), name(until)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_names_its_folder() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let utc = |since, until| window(since, until, Tz::UTC);
        let (monday, next) = (at("2026-11-16T00:00:00Z"), at("2026-11-23T00:00:00Z"));
        assert_eq!(utc(monday, next), "2026-W47");
        assert_eq!(
            utc(at("2026-12-28T00:00:00Z"), at("2027-01-04T00:00:00Z")),
            "2026-W53"
        );
        assert_eq!(
            utc(monday, at("2026-11-24T00:00:00Z")),
            "2026-11-16_2026-11-24"
        );
        assert_eq!(
            utc(at("2026-11-17T00:00:00Z"), at("2026-11-24T00:00:00Z")),
            "2026-11-17_2026-11-24"
        );
        assert_eq!(
            utc(at("2026-11-16T08:00:05Z"), next),
            "2026-11-16T080005Z_2026-11-23T000000Z"
        );
        assert_eq!(utc(None, None), "all");
        assert_eq!(utc(monday, None), "from-2026-11-16");
        assert_eq!(utc(None, next), "until-2026-11-23");
        // a week of New York, and one of UTC, which is none there
        let zone = chrono_tz::America::New_York;
        let (monday_there, next_there) = (at("2026-11-16T05:00:00Z"), at("2026-11-23T05:00:00Z"));
        assert_eq!(window(monday_there, next_there, zone), "2026-W47");
        assert_eq!(
            window(monday, next, zone),
            "2026-11-16T000000Z_2026-11-23T000000Z"
        );
    }
}
