//! Days and weeks of a time zone.

use chrono::{
    DateTime, Datelike as _, Days, Duration, IsoWeek, NaiveDate, TimeZone as _, Utc, Weekday,
};
use chrono_tz::Tz;

/// The first moment of the week that begins with that Monday, and the first of the next. It has 167 or
/// 169 hours where the clocks of the zone change in it.
pub fn week(zone: Tz, monday: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let next = monday.checked_add_days(Days::new(7)).unwrap_or(monday);
    (start_of_day(zone, monday), start_of_day(zone, next))
}

/// The first moment of a day: midnight, or where the clocks skip midnight the moment they show next. Of
/// two midnights it is the first.
pub fn start_of_day(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(chrono::NaiveTime::MIN);
    // the longest gap so far skipped a whole day (Pacific/Apia, 2011-12-30)
    let minutes = (0..=26 * 60).map(|minutes| midnight + Duration::minutes(minutes));
    let mut there = minutes.filter_map(|local| zone.from_local_datetime(&local).earliest());
    there
        .next()
        .map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// The ISO week that the window is, if it is one in the zone.
pub fn iso_week(since: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> Option<IsoWeek> {
    let monday = since.with_timezone(&zone).date_naive();
    let is_week = monday.weekday() == Weekday::Mon && (since, until) == week(zone, monday);
    is_week.then(|| monday.iso_week())
}
