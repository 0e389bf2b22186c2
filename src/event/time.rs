//! `eventTime`, and the one way times are written in a report.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeZone as _, Utc};

/// Seconds since 1970-01-01T00:00:00Z: CloudTrail's own precision.
pub type Epoch = i64;

/// Seconds in a minute.
pub const MINUTE: Epoch = 60;

/// Seconds in an hour.
pub const HOUR: Epoch = 60 * MINUTE;

/// Seconds in a day.
pub const DAY: Epoch = 24 * HOUR;

/// The longest that CloudTrail usually takes from a call to the delivery of its log file: about five
/// minutes on average, and within ten in all real logs seen (CloudTrail User Guide, "How CloudTrail
/// works").
pub const DELIVERY_DELAY: Epoch = 15 * MINUTE;

/// Reads an `eventTime`: `YYYY-MM-DDTHH:MM:SSZ` (what CloudTrail writes), RFC 3339 with a
/// fraction or an offset, and `YYYY-MM-DD HH:MM:SS` in UTC (what Athena exports hold).
/// Nothing for anything else, leap seconds included: CloudTrail has none.
pub fn parse(text: &str) -> Option<Epoch> {
    if let Some(time) = parse_plain(text.as_bytes()) {
        return Some(time);
    }
    if text.get(17..19)? == "60" {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .ok()
        .map(|time| time.and_utc().timestamp())
}

/// Reads one `eventTime` after another. Most are of the hour of the last, which is then not read again.
#[derive(Debug, Clone)]
pub struct TimeReader {
    hour: [u8; 13],
    begins: Epoch,
}

impl Default for TimeReader {
    fn default() -> Self {
        Self {
            hour: *b"1970-01-01T00",
            begins: 0,
        }
    }
}

impl TimeReader {
    /// What [`parse`] reads.
    #[inline]
    pub fn parse(&mut self, text: &str) -> Option<Epoch> {
        let plain = text.as_bytes().split_first_chunk();
        let Some((hour, &[b':', n1, n2, b':', s1, s2, b'Z'])) = plain else {
            return parse(text);
        };
        if *hour == self.hour {
            let (minute, second) = (two(n1, n2)?, two(s1, s2)?);
            return (minute < 60 && second < 60).then(|| self.begins + minute * MINUTE + second);
        }
        let time = parse(text)?;
        (self.hour, self.begins) = (*hour, time - time.rem_euclid(HOUR));
        Some(time)
    }
}

fn two(a: u8, b: u8) -> Option<i64> {
    (a.is_ascii_digit() && b.is_ascii_digit())
        .then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
}

/// The fixed form, by hand: it stands in every record.
fn parse_plain(text: &[u8]) -> Option<Epoch> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'Z',
    ] = text
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // days since the epoch in the proleptic Gregorian calendar, with the year begun in March
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
            - 1
            - 719_468;
    Some(days * DAY + hour * HOUR + minute * MINUTE + second)
}

/// The instant as chrono knows it; the epoch itself for a time no calendar holds.
pub fn utc(time: Epoch) -> DateTime<Utc> {
    Utc.timestamp_opt(time, 0).single().unwrap_or_default()
}

/// `2026-11-20T03:11:09Z`.
pub fn iso(time: Epoch) -> String {
    utc(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_real_logs_and_exports_are_read() {
        let noon = 1_688_991_600;
        assert_eq!(parse("2023-07-10T12:20:00Z"), Some(noon));
        assert_eq!(parse("2023-07-10T12:20:00.123Z"), Some(noon));
        assert_eq!(parse("2023-07-10T14:20:00+02:00"), Some(noon));
        assert_eq!(parse("2023-07-10 12:20:00"), Some(noon));
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(253_402_300_799));
        assert_eq!(iso(noon), "2023-07-10T12:20:00Z");
    }

    #[test]
    fn one_time_after_another_reads_as_each_alone() {
        let mut reader = TimeReader::default();
        let hours = [
            "1970-01-01T00",
            "2023-07-10T12",
            "2023-07-10T13",
            "2023-02-29T00",
            "x",
        ];
        let rests = [
            ":20:00Z",
            ":59:59Z",
            ":60:00Z",
            ":00:60Z",
            ":2x:00Z",
            ":20:00.5Z",
            ":20Z",
            "",
        ];
        for text in hours
            .iter()
            .flat_map(|hour| rests.map(|rest| format!("{hour}{rest}")))
        {
            assert_eq!(reader.parse(&text), parse(&text), "{text}");
            assert_eq!(reader.parse(&text), parse(&text), "{text} again");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2023-13-45T99:99:99Z",
            "2023-07-10T23:59:60Z",
            "0000-00-00T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1688991600",
            "2023-07-10T12:20:00",
            "Jul 10, 2023 12:24:29 PM",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_fast_form_agrees_with_chrono_on_every_day() {
        for day in (-25_000..60_000).step_by(7) {
            let time = day * 86_400 + 3_661;
            assert_eq!(parse(&iso(time)), Some(time));
        }
    }
}
