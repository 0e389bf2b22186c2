//! Moments as they are typed.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc};

/// A moment as typed: so long ago, or a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Ago(Duration),
    At(DateTime<Utc>),
}

impl When {
    /// The moment itself.
    pub fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(ago) => now - ago,
            Self::At(at) => at,
        }
    }
}

pub(super) fn parse_when(text: &str) -> Result<When, String> {
    let wrong =
        || format!("`{text}` is not a time: use 7d, 24h, 30m, 2026-11-16, or 2026-11-16T08:00:00Z");
    let date = text.parse::<NaiveDate>().ok();
    let date = date.map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc());
    let time = DateTime::parse_from_rfc3339(text).ok();
    if let Some(at) = date.or(time.map(|time| time.to_utc())) {
        // beyond these, spans before and after cannot be computed; a log has no such time
        return match at.year() {
            1..=9999 => Ok(When::At(at)),
            _ => Err(format!(
                "`{text}` is not a time of a log: use a year from 0001 to 9999"
            )),
        };
    }
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text
        .strip_suffix(unit)
        .and_then(|digits| digits.parse().ok())
        .filter(|n| (0..=36_500).contains(n))
        .ok_or_else(wrong)?;
    let ago = match unit {
        'm' => Duration::minutes(number),
        'h' => Duration::hours(number),
        'd' => Duration::days(number),
        'w' => Duration::weeks(number),
        _ => return Err(wrong()),
    };
    Ok(When::Ago(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_and_nonsense_is_refused() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z")
            .unwrap()
            .to_utc();
        let at = |text: &str| parse_when(text).unwrap().at(now).to_rfc3339();
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
}
