//! The business calendar: when work is done, by IANA time zone, weekday and holiday.
//!
//! Sigma has no weekday, no zone and no range of hours, so the verdict reaches rules as fields.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Timelike as _, Weekday};
use chrono_tz::Tz;

use crate::event::time::{self, Epoch};

/// Open hours of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    pub zone: Tz,
    /// Per weekday from Monday: `[open, close)` in minutes after local midnight. A close at or
    /// before its open lies on the next day.
    pub hours: [Vec<(u32, u32)>; 7],
    /// Local dates on which nothing is open.
    pub holidays: BTreeSet<NaiveDate>,
}

/// Why a moment is inside or outside normal hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    Open,
    Weekend,
    Holiday,
    BeforeOpen,
    AfterClose,
}

impl Hours {
    /// The word in `trailscan.calendar.reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Weekend => "weekend",
            Self::Holiday => "holiday",
            Self::BeforeOpen => "before_open",
            Self::AfterClose => "after_close",
        }
    }
}

impl Calendar {
    /// The moment in the calendar's zone. UTC to local is never ambiguous.
    pub fn local(&self, time: Epoch) -> DateTime<Tz> {
        time::utc(time).with_timezone(&self.zone)
    }

    /// Whether the moment lies in open hours, and if not, why.
    pub fn hours(&self, time: Epoch) -> Hours {
        let local = self.local(time);
        let minute = local.hour() * 60 + local.minute();
        let today = local.date_naive();
        let yesterday = today - Duration::days(1);
        let over_midnight = self.of(yesterday).is_some_and(|spans| {
            spans
                .iter()
                .any(|(open, close)| close <= open && minute < *close)
        });
        if over_midnight {
            return Hours::Open;
        }
        if self.holidays.contains(&today) {
            return Hours::Holiday;
        }
        let spans = self.of(today).unwrap_or_default();
        let inside =
            |(open, close): &(u32, u32)| minute >= *open && (minute < *close || close <= open);
        if spans.iter().any(inside) {
            return Hours::Open;
        }
        match spans.iter().map(|(open, _)| *open).min() {
            None => Hours::Weekend,
            Some(open) if minute < open => Hours::BeforeOpen,
            Some(_) => Hours::AfterClose,
        }
    }

    /// The spans of a date; nothing on a holiday.
    fn of(&self, date: NaiveDate) -> Option<&[(u32, u32)]> {
        if self.holidays.contains(&date) {
            return None;
        }
        let day = date.weekday().num_days_from_monday() as usize;
        self.hours.get(day).map(Vec::as_slice)
    }
}

/// `08:00-18:00` in minutes after midnight; `22:00-06:00` runs over midnight; `00:00-24:00` is all day.
pub fn parse_span(text: &str) -> Option<(u32, u32)> {
    let minutes = |text: &str| -> Option<u32> {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let (open, close) = text.split_once('-')?;
    Some((minutes(open)?, minutes(close)?))
}

/// `monday` … `sunday`.
pub const fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clinic() -> Calendar {
        let day = vec![(8 * 60, 18 * 60)];
        Calendar {
            name: "clinic".into(),
            zone: chrono_tz::America::New_York,
            hours: [
                day.clone(),
                day.clone(),
                day.clone(),
                day.clone(),
                vec![(20 * 60, 2 * 60)],
                vec![],
                vec![],
            ],
            holidays: [NaiveDate::from_ymd_opt(2026, 11, 26).unwrap()].into(),
        }
    }

    fn at(text: &str) -> Hours {
        clinic().hours(time::parse(text).unwrap())
    }

    #[test]
    fn hours_follow_the_zone_through_the_change_of_clocks() {
        assert_eq!(
            at("2026-10-27T12:00:00Z"),
            Hours::Open,
            "8:00 in summer time"
        );
        assert_eq!(
            at("2026-11-03T12:59:00Z"),
            Hours::BeforeOpen,
            "7:59 in winter time"
        );
        assert_eq!(at("2026-11-03T13:00:00Z"), Hours::Open);
        assert_eq!(
            at("2026-11-03T23:00:00Z"),
            Hours::AfterClose,
            "the span is half open"
        );
    }

    #[test]
    fn weekends_holidays_and_nights_have_their_reasons() {
        assert_eq!(at("2026-11-21T15:00:00Z"), Hours::Weekend, "Saturday 10:00");
        assert_eq!(
            at("2026-11-26T15:00:00Z"),
            Hours::Holiday,
            "Thanksgiving, a Thursday"
        );
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_began() {
        assert_eq!(
            at("2026-11-21T06:59:00Z"),
            Hours::Open,
            "Saturday 01:59, Friday's shift"
        );
        assert_eq!(at("2026-11-21T07:00:00Z"), Hours::Weekend);
        assert_eq!(at("2026-11-20T15:00:00Z"), Hours::BeforeOpen);
    }

    #[test]
    fn spans_are_read_strictly() {
        assert_eq!(parse_span("08:00-18:30"), Some((480, 1110)));
        assert_eq!(parse_span("00:00-24:00"), Some((0, 1440)));
        assert_eq!(parse_span("8-18"), None);
        assert_eq!(parse_span("08:61-18:00"), None);
        assert_eq!(parse_span("08:00-25:00"), None);
    }
}
