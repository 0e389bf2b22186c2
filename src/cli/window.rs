//! Moments and weeks as they are typed.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use crate::event::local::{start_of_day, week};

/// A moment as typed: so long ago, a date, or a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Ago(Duration),
    /// The start of a day, in a zone that is known later.
    Day(NaiveDate),
    At(DateTime<Utc>),
}

impl When {
    /// The moment itself; days are those of `zone`.
    pub fn at(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Ago(ago) => now - ago,
            Self::Day(date) => start_of_day(zone, date),
            Self::At(at) => at,
        }
    }
}

/// `--week` as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Week {
    /// The ISO week that begins with this Monday.
    From(NaiveDate),
    /// The ISO week before the one in which the run takes place.
    Last,
}

impl Week {
    /// The week's first moment and the first of the next week.
    pub fn window(self, now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        let monday = match self {
            Self::From(monday) => monday,
            Self::Last => {
                let today = now.with_timezone(&zone).date_naive();
                today.week(Weekday::Mon).first_day() - Duration::days(7)
            }
        };
        week(zone, monday)
    }
}

pub(super) fn parse_week(text: &str) -> Result<Week, String> {
    if text.eq_ignore_ascii_case("last") {
        return Ok(Week::Last);
    }
    let wrong = || format!("`{text}` is not an ISO week: use 2026-W47, or last");
    let (year, week) = text
        .split_once("-W")
        .or_else(|| text.split_once("-w"))
        .ok_or_else(wrong)?;
    let is_number =
        |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(year, 4) || !is_number(week, 2) {
        return Err(wrong());
    }
    let (year, number) = (year.parse().ok(), week.parse().ok());
    let (year, number): (i32, u32) = year.zip(number).ok_or_else(wrong)?;
    if !(1..=9998).contains(&year) {
        return Err(wrong());
    }
    NaiveDate::from_isoywd_opt(year, number, Weekday::Mon)
        .map(Week::From)
        .ok_or_else(|| {
            let last =
                NaiveDate::from_ymd_opt(year, 12, 28).map_or(52, |day| day.iso_week().week());
            format!("`{text}` is not an ISO week: {year} has weeks 01 to {last}")
        })
}

/// A time such as `15m`, `24h` or `7d`.
///
/// # Errors
/// It is none.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| format!("`{text}` is not a length of time: use 15m, 24h or 7d"))
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: i64 = text
        .strip_suffix(unit)
        .and_then(|digits| digits.parse().ok())
        .filter(|n| (0..=36_500).contains(n))?;
    match unit {
        'm' => Some(Duration::minutes(number)),
        'h' => Some(Duration::hours(number)),
        'd' => Some(Duration::days(number)),
        'w' => Some(Duration::weeks(number)),
        _ => None,
    }
}

pub(super) fn parse_when(text: &str) -> Result<When, String> {
    let wrong =
        || format!("`{text}` is not a time: use 7d, 24h, 30m, 2026-11-16, or 2026-11-16T08:00:00Z");
    let date = text.parse::<NaiveDate>().ok();
    let date = date.map(|date| (date.year(), When::Day(date)));
    let time = DateTime::parse_from_rfc3339(text).ok();
    let time = time.map(|time| time.to_utc());
    if let Some((year, when)) = date.or(time.map(|time| (time.year(), When::At(time)))) {
        // beyond these, spans before and after cannot be computed; a log has no such time
        return match year {
            1..=9999 => Ok(when),
            _ => Err(format!(
                "`{text}` is not a time of a log: use a year from 0001 to 9999"
            )),
        };
    }
    span(text).map(When::Ago).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::local::iso_week;

    #[test]
    fn times_are_read_in_every_form_and_nonsense_is_refused() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z")
            .unwrap()
            .to_utc();
        let at = |text: &str| parse_when(text).unwrap().at(now, Tz::UTC).to_rfc3339();
        assert_eq!(at("7d"), "2026-11-15T12:00:00+00:00");
        assert_eq!(at("24h"), "2026-11-21T12:00:00+00:00");
        assert_eq!(at("2026-11-16"), "2026-11-16T00:00:00+00:00");
        assert_eq!(at("2026-11-16T08:00:00-05:00"), "2026-11-16T13:00:00+00:00");
        for text in [
            "",
            "7",
            "d",
            "-1d",
            "yesterday",
            "2026-13-01",
            "99999999999d",
            "7é",
        ] {
            assert!(parse_when(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_and_weeks_are_those_of_the_zone_through_the_change_of_clocks() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T03:00:00Z")
            .unwrap()
            .to_utc();
        let new_york = chrono_tz::America::New_York;
        let window = |text: &str, zone| {
            let (since, until) = parse_week(text).unwrap().window(now, zone);
            assert!(iso_week(since, until, zone).is_some());
            let hours = (until - since).num_hours();
            (since.format("%FT%TZ").to_string(), hours)
        };
        assert_eq!(
            window("2026-W47", Tz::UTC),
            ("2026-11-16T00:00:00Z".into(), 168)
        );
        assert_eq!(
            window("2026-W47", new_york),
            ("2026-11-16T05:00:00Z".into(), 168)
        );
        // clocks go back on 1 November, and forward on 8 March
        assert_eq!(
            window("2026-W44", new_york),
            ("2026-10-26T04:00:00Z".into(), 169)
        );
        assert_eq!(
            window("2026-w10", new_york),
            ("2026-03-02T05:00:00Z".into(), 167)
        );
        // it is Monday in UTC and still Sunday in New York
        assert_eq!(window("last", Tz::UTC).0, "2026-11-16T00:00:00Z");
        assert_eq!(window("LAST", new_york).0, "2026-11-09T05:00:00Z");
        // a week of UTC is none of New York
        let (since, until) = parse_week("2026-W47").unwrap().window(now, Tz::UTC);
        assert_eq!(iso_week(since, until, new_york), None);
        // midnight, or a whole day, that the clocks skip
        let day = |zone: Tz, date: &str| {
            let at = start_of_day(zone, date.parse().unwrap());
            at.format("%FT%TZ").to_string()
        };
        assert_eq!(
            day(chrono_tz::America::Havana, "2026-03-08"),
            "2026-03-08T05:00:00Z"
        );
        assert_eq!(
            day(chrono_tz::Pacific::Apia, "2011-12-30"),
            "2011-12-30T10:00:00Z"
        );
        assert_eq!(day(new_york, "2026-03-08"), "2026-03-08T05:00:00Z");
        for wrong in [
            "2026-W54", "2026-W00", "2027-W53", "2026-47", "W47", "2026-W7", "", "0000-W01",
        ] {
            let error = parse_week(wrong).unwrap_err();
            assert!(error.contains("ISO week"), "{error}");
        }
        assert!(parse_week("2026-W53").is_ok());
        assert!(parse_week("2027-W53").unwrap_err().contains("01 to 52"));
    }
}
