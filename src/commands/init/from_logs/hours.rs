//! When people work, and in which zone that would be office hours.

use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use crate::event::time::Epoch;

/// Zones that are tried, by the beginning of the Regions in use.
const ZONES: [(&str, &[Tz]); 12] = [
    (
        "us-",
        &[
            Tz::America__New_York,
            Tz::America__Chicago,
            Tz::America__Denver,
            Tz::America__Los_Angeles,
        ],
    ),
    ("ca-", &[Tz::America__Toronto, Tz::America__Vancouver]),
    ("sa-", &[Tz::America__Sao_Paulo]),
    ("eu-west-2", &[Tz::Europe__London]),
    (
        "eu-",
        &[Tz::Europe__London, Tz::Europe__Berlin, Tz::Europe__Helsinki],
    ),
    ("il-", &[Tz::Asia__Jerusalem]),
    ("me-", &[Tz::Asia__Dubai]),
    ("af-", &[Tz::Africa__Johannesburg]),
    (
        "ap-south",
        &[
            Tz::Asia__Kolkata,
            Tz::Asia__Singapore,
            Tz::Australia__Sydney,
        ],
    ),
    ("ap-northeast", &[Tz::Asia__Tokyo]),
    ("ap-east", &[Tz::Asia__Hong_Kong]),
    ("mx-", &[Tz::America__Mexico_City]),
];

/// When work usually begins, in minutes after midnight: what zones are compared by.
const USUAL_START: i64 = 8 * 60 + 15;

/// Share of the calls, in hundredths, that office hours hold.
const SHARE: u64 = 95;

/// The hours of the day in which people work.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Office {
    pub(super) zone: Tz,
    /// From and to, in minutes after midnight of the zone.
    pub(super) from: i64,
    pub(super) to: i64,
    /// The same in hours of UTC.
    pub(super) utc: (usize, usize),
    /// Weekdays, Monday first.
    pub(super) days: Vec<usize>,
    pub(super) calls: u64,
}

/// The shortest run of hours with nearly all calls, in the zone in which it begins most like office
/// hours. `None` without calls.
pub(super) fn office(
    hours: &[u64; 24],
    weekdays: &[u64; 7],
    regions: &[&str],
    at: Epoch,
) -> Option<Office> {
    let calls: u64 = hours.iter().sum();
    if calls == 0 {
        return None;
    }
    let within = |from: usize, length: usize| -> u64 {
        (from..from + length)
            .filter_map(|hour| hours.get(hour % 24))
            .sum()
    };
    let (length, from) = (1..=24)
        .flat_map(|length| (0..24).map(move |from| (length, from)))
        .find(|(length, from)| within(*from, *length) * 100 >= calls * SHARE)?;
    let (start, length_minutes) = (
        i64::try_from(from).ok()? * 60,
        i64::try_from(length).ok()? * 60,
    );
    let local = |zone: &Tz| (start + offset_minutes(*zone, at)).rem_euclid(24 * 60);
    let zones = ZONES
        .iter()
        .filter(|(prefix, _)| regions.iter().any(|region| region.starts_with(prefix)));
    let zones = zones.flat_map(|(_, zones)| zones.iter().copied());
    let zone = zones.min_by_key(|zone| {
        let apart = (local(zone) - USUAL_START).rem_euclid(24 * 60);
        apart.min(24 * 60 - apart)
    });
    let zone = zone.unwrap_or(Tz::UTC);
    let most = weekdays.iter().max().copied().unwrap_or_default();
    let days = weekdays.iter().enumerate();
    let days = days.filter(|(_, calls)| **calls * 10 >= most && **calls > 0);
    let from_local = local(&zone);
    Some(Office {
        zone,
        from: from_local,
        to: (from_local + length_minutes - 1).rem_euclid(24 * 60) + 1,
        utc: (from, (from + length) % 24),
        days: days.map(|(day, _)| day).collect(),
        calls,
    })
}

fn offset_minutes(zone: Tz, at: Epoch) -> i64 {
    let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    i64::from(offset.local_minus_utc()) / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_hours_are_found_across_midnight_and_in_the_zone_in_which_they_begin_in_the_morning() {
        // 2026-11-18, standard time: 08:00-17:00 in Los Angeles is 16:00-01:00 in UTC
        let at = 1_795_000_000;
        let mut hours = [0; 24];
        for hour in 16..25 {
            hours[hour % 24] = 50;
        }
        hours[5] = 3;
        let week = [100, 100, 100, 100, 53, 0, 4];
        let found = office(&hours, &week, &["us-west-2", "us-east-1"], at).unwrap();
        assert_eq!(found.zone, Tz::America__Los_Angeles);
        assert_eq!((found.from, found.to), (8 * 60, 17 * 60));
        assert_eq!((found.utc, &*found.days), ((16, 1), &[0, 1, 2, 3, 4][..]));
        assert_eq!(office(&[0; 24], &week, &[], at), None);
    }
}
