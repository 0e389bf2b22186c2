//! Whole days without a log file of an account.
//!
//! In: the hours in which files were delivered. Out: the days of the organization's time zone (UTC if
//! none is configured) that lie wholly in the window and in which no file was delivered. So a window of
//! whole days or weeks in that zone has no day that is only partly judged, whatever the zone's offset.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate, Weekday};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use super::Completeness;
use crate::assess::hours::{Grid, RegionHours};
use crate::coverage::{Coverage, DAY, HOUR, RegionCoverage, day_of, hour_of};
use crate::event::local::start_of_day;
use crate::event::time::{Epoch, iso, utc};
use crate::provenance::Provenance;

/// CloudTrail became available on 2013-11-13: no day before has logs. It bounds the days that a record
/// with an absurd time makes the window span.
const FIRST_DAY: Epoch = 1_384_300_800;

/// Days of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Days {
    pub account: String,
    pub count: u64,
    /// Runs of days `[from, until)`.
    #[serde(serialize_with = "times")]
    pub runs: Vec<(Epoch, Epoch)>,
    /// The zone whose days they are.
    #[serde(skip)]
    pub zone: Tz,
}

/// One day of a zone: 23 or 25 hours where its clocks change.
struct Day {
    from: Epoch,
    until: Epoch,
    weekday: Weekday,
}

impl Completeness {
    /// Looks for whole days of the organization's zone without a file of an account. Days that the window
    /// cuts, and days whose files may still arrive, do not count.
    pub(super) fn find_empty_days(
        &mut self,
        provenance: &Provenance,
        coverage: &Coverage,
        grid: &Grid<'_>,
        (from, until): (Epoch, Epoch),
    ) {
        let zone = provenance.zone();
        let days = whole_days(zone, from.max(FIRST_DAY), until.min(grid.pending));
        let mut by_account: BTreeMap<&str, Vec<RegionHours<'_>>> = BTreeMap::new();
        for row in grid.rows().filter(|row| !row.coverage.days.is_empty()) {
            by_account.entry(row.account).or_default().push(row);
        }
        for (account, regions) in &coverage.regions {
            let has_days = |one: &RegionCoverage| !one.days.is_empty();
            if !regions.values().any(has_days) && regions.values().any(|one| one.objects > 0) {
                self.days_not_judged.push(account.clone());
            }
            let in_window =
                |one: &RegionCoverage| one.days.range(day_of(from)..until).next().is_some();
            if !regions.values().any(in_window) {
                continue;
            }
            let delivered: BTreeSet<Epoch> = regions.values().flat_map(delivered).collect();
            let rows = by_account.remove(account.as_str()).unwrap_or_default();
            let (mut empty, mut dormant) = (Days::of(account, zone), Days::of(account, zone));
            for day in &days {
                let mut hours = delivered.range(hour_of(day.from)..day.until);
                let is_proven = || rows.iter().all(|row| row.is_proven(day.from, day.until));
                if hours.next().is_none() && !is_proven() {
                    match provenance.expected.is_dormant(account, day.weekday) {
                        true => dormant.push(day),
                        false => empty.push(day),
                    }
                }
            }
            self.empty_days.extend((empty.count > 0).then_some(empty));
            self.dormant_days
                .extend((dormant.count > 0).then_some(dormant));
        }
    }
}

/// The hours in which files were delivered. Of a UTC day whose files do not say the hour, all hours.
fn delivered(region: &RegionCoverage) -> impl Iterator<Item = Epoch> {
    region.days.iter().flat_map(|day| {
        let hours = region.hours.range(*day..day + DAY);
        let hours = hours.filter(|(_, hour)| hour.objects + hour.unread + hour.broken > 0);
        let known: Vec<Epoch> = hours.map(|(at, _)| *at).collect();
        let all = (0..DAY / HOUR).map(move |hour| day + hour * HOUR);
        let is_known = !known.is_empty();
        known.into_iter().chain(all.filter(move |_| !is_known))
    })
}

/// The days of a zone that lie wholly in `[from, until)`.
fn whole_days(zone: Tz, from: Epoch, until: Epoch) -> Vec<Day> {
    let mut days = Vec::new();
    let start = |date: NaiveDate| start_of_day(zone, date).timestamp();
    let mut date = utc(from).with_timezone(&zone).date_naive();
    let mut begin = start(date);
    while begin < until
        && let Some(next) = date.succ_opt()
    {
        let end = start(next);
        // a zone that changes sides of the date line skips a day
        if begin >= from && end <= until && begin < end {
            let weekday = date.weekday();
            days.push(Day {
                from: begin,
                until: end,
                weekday,
            });
        }
        (date, begin) = (next, end);
    }
    days
}

impl Days {
    fn of(account: &str, zone: Tz) -> Self {
        Self {
            account: account.to_owned(),
            count: 0,
            runs: Vec::new(),
            zone,
        }
    }

    fn push(&mut self, day: &Day) {
        self.count += 1;
        match self.runs.last_mut() {
            Some((_, end)) if *end == day.from => *end = day.until,
            _ => self.runs.push((day.from, day.until)),
        }
    }
}

fn times<S: Serializer>(runs: &[(Epoch, Epoch)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(runs.iter().map(|(from, until)| [iso(*from), iso(*until)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_zone_and_lie_wholly_in_the_window() {
        let at = |text: &str| crate::event::time::parse(text).unwrap();
        let days = |zone, from, until| {
            let days = whole_days(zone, at(from), at(until));
            let hours = days.iter().map(|day| (day.until - day.from) / HOUR);
            hours.collect::<Vec<_>>()
        };
        let new_york = chrono_tz::America::New_York;
        let week = ("2026-10-26T04:00:00Z", "2026-11-02T05:00:00Z");
        // the clocks go back on 1 November
        assert_eq!(days(new_york, week.0, week.1), [24, 24, 24, 24, 24, 24, 25]);
        assert_eq!(days(Tz::UTC, week.0, week.1), [24; 6]);
        assert_eq!(days(new_york, "2026-10-26T04:00:01Z", week.1).len(), 6);
        // half an hour
        let kolkata = chrono_tz::Asia::Kolkata;
        let day = ("2026-11-15T18:30:00Z", "2026-11-16T18:30:00Z");
        assert_eq!(days(kolkata, day.0, day.1), [24]);
        // 30 December 2011 was skipped
        let apia = ("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z");
        assert_eq!(days(chrono_tz::Pacific::Apia, apia.0, apia.1), [24, 24]);
    }

    #[test]
    fn files_that_do_not_say_their_hour_stand_for_their_day() {
        let mut region = RegionCoverage::default();
        region.days.extend([0, DAY]);
        region.hour(5 * HOUR).objects = 1;
        region.hour(6 * HOUR).events = 1;
        let hours: Vec<Epoch> = delivered(&region).map(|at| at / HOUR).collect();
        assert_eq!(hours, [5].into_iter().chain(24..48).collect::<Vec<_>>());
    }
}
