//! The window that a report speaks about: its bounds, and how they are said with their zone.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Provenance, Report};
use crate::coverage::{Coverage, HOUR, hour_of};
use crate::event::local::iso_week;
use crate::event::time::{Epoch, utc};

/// The window to the second, `[from, until)`: the one asked for, else from the first event to the last.
/// With a beginning and no end it goes up to the run. `None` if no time is known.
pub(super) fn exact(provenance: &Provenance, coverage: &Coverage) -> Option<(Epoch, Epoch)> {
    let from = provenance.since.or(coverage.first)?;
    let last = coverage.last.map(|last| last + 1);
    let now = provenance.since.and(provenance.created).max(last);
    let until = provenance.until.or(now)?;
    (from < until).then_some((from, until))
}

/// The same in whole hours.
pub(super) fn window(provenance: &Provenance, coverage: &Coverage) -> Option<(Epoch, Epoch)> {
    let (from, until) = exact(provenance, coverage)?;
    Some((hour_of(from), hour_of(until + HOUR - 1)))
}

/// The organization's time zone; UTC if none is configured.
pub(super) fn zone(provenance: &Provenance) -> Tz {
    let zone = provenance.time_zone.as_deref();
    zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC)
}

/// `2026-11-16 00:00 EST`: a moment as the zone's clocks show it, with their abbreviation.
pub fn local_time(at: DateTime<Utc>, zone: Tz) -> String {
    let there = at.with_timezone(&zone);
    let clock = match there.format("%S").to_string().as_str() {
        "00" => "%H:%M",
        _ => "%H:%M:%S",
    };
    there.format(&format!("%Y-%m-%d {clock} %Z")).to_string()
}

/// `2026-W47, 2026-11-16 00:00 EST up to 2026-11-23 00:00 EST (America/New_York)`.
pub fn in_words(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>, zone: Tz) -> String {
    let at = |time| local_time(time, zone);
    let ends = match (since, until) {
        (None, None) => return format!("all (times of {})", zone.name()),
        (Some(since), None) => format!("from {}", at(since)),
        (None, Some(until)) => format!("up to {}", at(until)),
        (Some(since), Some(until)) => {
            let week = week(since, until, zone).map(|week| format!("{week}, "));
            format!(
                "{}{} up to {}",
                week.unwrap_or_default(),
                at(since),
                at(until)
            )
        }
    };
    format!("{ends} ({})", zone.name())
}

/// `2026-W47` where the window is an ISO week of the zone.
pub fn week(since: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> Option<String> {
    let week = iso_week(since, until, zone)?;
    Some(format!("{:04}-W{:02}", week.year(), week.week()))
}

impl Report {
    /// True if a window was asked for.
    pub fn has_window(&self) -> bool {
        self.provenance.since.or(self.provenance.until).is_some()
    }

    /// The window in words: dates and times are those of the configured zone, else of UTC.
    pub fn window(&self) -> String {
        let (since, until, zone) = self.bounds();
        in_words(since, until, zone)
    }

    /// The ISO week that the window is, with its zone: `2026-W47 (America/New_York)`.
    pub fn week(&self) -> Option<String> {
        let (since, until, zone) = self.bounds();
        week(since?, until?, zone).map(|week| format!("{week} ({})", zone.name()))
    }

    fn bounds(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Tz) {
        let from = &self.provenance;
        let moment = |at: Option<Epoch>| at.map(utc);
        (moment(from.since), moment(from.until), zone(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_said_with_its_zone_and_its_week() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let (since, until) = (at("2026-10-26T04:00:00Z"), at("2026-11-02T05:00:00Z"));
        assert_eq!(
            in_words(since, until, chrono_tz::America::New_York),
            "2026-W44, 2026-10-26 00:00 EDT up to 2026-11-02 00:00 EST (America/New_York)"
        );
        assert_eq!(
            in_words(at("2026-11-16T00:00:05Z"), None, Tz::UTC),
            "from 2026-11-16 00:00:05 UTC (UTC)"
        );
        assert_eq!(in_words(None, None, Tz::UTC), "all (times of UTC)");
    }
}
