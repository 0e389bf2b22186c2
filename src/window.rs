//! The window that a run is asked for, in event time, and its words: sentences with the zone, the ISO
//! week, the name of a folder.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::coverage::{HOUR, hour_of};
use crate::event::local::{iso_week, start_of_day};
use crate::event::time::{Epoch, iso, utc};
use crate::finding::iso_time;

/// The window `[since, until)`; an end that is `None` was not asked for and takes everything on its side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    #[serde(serialize_with = "iso_time")]
    pub since: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub until: Option<Epoch>,
}

/// A window with both ends, to the second: `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KnownWindow {
    #[serde(serialize_with = "time")]
    pub from: Epoch,
    #[serde(serialize_with = "time")]
    pub until: Epoch,
    /// Whether the beginning and the end were asked for. If not, the window begins with the first event
    /// and ends with the last.
    pub from_asked: bool,
    pub until_asked: bool,
}

impl Window {
    /// The same in whole seconds.
    pub fn new(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Self {
        let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
        Self {
            since: seconds(since),
            until: seconds(until),
        }
    }

    /// True if a beginning or an end was asked for.
    pub fn is_asked(self) -> bool {
        self.since.or(self.until).is_some()
    }

    /// True if that time lies in the window.
    pub fn holds(self, time: Epoch) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }

    /// Both ends: those asked for, else the times of the first and the last event. With a beginning and no
    /// end it goes up to the run. `None` if no time is known.
    pub fn known(
        self,
        first: Option<Epoch>,
        last: Option<Epoch>,
        run: Option<Epoch>,
    ) -> Option<KnownWindow> {
        let from = self.since.or(first)?;
        let last = last.map(|last| last + 1);
        let now = self.since.and(run).max(last);
        let until = self.until.or(now)?;
        (from < until).then_some(KnownWindow {
            from,
            until,
            from_asked: self.since.is_some(),
            until_asked: self.is_asked(),
        })
    }

    /// `2026-W47, 2026-11-16 00:00 EST up to 2026-11-23 00:00 EST (America/New_York)`.
    pub fn in_words(self, zone: Tz) -> String {
        let at = |time| local_time(utc(time), zone);
        let ends = match (self.since, self.until) {
            (None, None) => return format!("all (times of {})", zone.name()),
            (Some(since), None) => format!("from {}", at(since)),
            (None, Some(until)) => format!("up to {}", at(until)),
            (Some(since), Some(until)) => {
                let week = self.week(zone).map(|week| format!("{week}, "));
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

    /// The window in UTC, for those who repeat the run.
    pub fn in_utc(self) -> String {
        let since = self.since.map(iso);
        let until = self.until.map(iso);
        match (since, until) {
            (None, None) => "everything that was found".to_owned(),
            (since, until) => format!(
                "{} up to {}, by the time of the event",
                since.as_deref().unwrap_or("the first event"),
                until.map_or_else(
                    || "the last event".to_owned(),
                    |until| format!("and not including {until}")
                )
            ),
        }
    }

    /// `2026-W47` if the window is an ISO week of the zone.
    pub fn week(self, zone: Tz) -> Option<String> {
        let week = iso_week(utc(self.since?), utc(self.until?), zone)?;
        Some(format!("{:04}-W{:02}", week.year(), week.week()))
    }

    /// `2026-W47` for an ISO week, `2026-11-01_2026-12-01`, `from-2026-11-16`, or `all`. Weeks and days are
    /// those of the zone; times of day are those of UTC.
    pub fn file_name(self, zone: Tz) -> String {
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let (since, until) = (self.since.map(utc), self.until.map(utc));
        let mut ends = since.into_iter().chain(until);
        let is_whole = ends.all(|at| start_of_day(zone, day(at)) == at);
        let name = |at: DateTime<Utc>| match is_whole {
            true => day(at).format("%Y-%m-%d").to_string(),
            false => at.format("%Y-%m-%dT%H%M%SZ").to_string(),
        };
        match (since, until) {
            (None, None) => "all".to_owned(),
            (Some(since), None) => format!("from-{}", name(since)),
            (None, Some(until)) => format!("until-{}", name(until)),
            (Some(since), Some(until)) => self
                .week(zone)
                .unwrap_or_else(|| format!("{}_{}", name(since), name(until))),
        }
    }
}

impl KnownWindow {
    /// Where the window comes from.
    pub const fn origin(self) -> &'static str {
        match (self.from_asked, self.until_asked) {
            (true, _) => "the requested window",
            (false, true) => "first event to the given end; no start was given",
            (false, false) => "first to last event; no window was given",
        }
    }

    /// The whole hours that hold the window, `[from, until)`.
    pub const fn hours(self) -> (Epoch, Epoch) {
        (hour_of(self.from), hour_of(self.until + HOUR - 1))
    }
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

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn time<S: Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(since: Option<&str>, until: Option<&str>) -> Window {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        Window::new(since.map(at), until.map(at))
    }

    #[test]
    fn a_window_is_said_with_its_zone_and_its_week() {
        let week = window(Some("2026-10-26T04:00:00Z"), Some("2026-11-02T05:00:00Z"));
        assert_eq!(
            week.in_words(chrono_tz::America::New_York),
            "2026-W44, 2026-10-26 00:00 EDT up to 2026-11-02 00:00 EST (America/New_York)"
        );
        assert_eq!(
            window(Some("2026-11-16T00:00:05Z"), None).in_words(Tz::UTC),
            "from 2026-11-16 00:00:05 UTC (UTC)"
        );
        assert_eq!(Window::default().in_words(Tz::UTC), "all (times of UTC)");
        assert_eq!(Window::default().in_utc(), "everything that was found");
        assert_eq!(
            week.in_utc(),
            "2026-10-26T04:00:00Z up to and not including 2026-11-02T05:00:00Z, by the time of the event"
        );
    }

    #[test]
    fn a_window_names_its_folder() {
        let (monday, next) = (Some("2026-11-16T00:00:00Z"), Some("2026-11-23T00:00:00Z"));
        let utc = |since, until| window(since, until).file_name(Tz::UTC);
        assert_eq!(utc(monday, next), "2026-W47");
        let last = (Some("2026-12-28T00:00:00Z"), Some("2027-01-04T00:00:00Z"));
        assert_eq!(utc(last.0, last.1), "2026-W53");
        let tuesday = Some("2026-11-24T00:00:00Z");
        assert_eq!(utc(monday, tuesday), "2026-11-16_2026-11-24");
        assert_eq!(
            utc(Some("2026-11-17T00:00:00Z"), tuesday),
            "2026-11-17_2026-11-24"
        );
        assert_eq!(
            utc(Some("2026-11-16T08:00:05Z"), next),
            "2026-11-16T080005Z_2026-11-23T000000Z"
        );
        assert_eq!(utc(None, None), "all");
        assert_eq!(utc(monday, None), "from-2026-11-16");
        assert_eq!(utc(None, next), "until-2026-11-23");
        // a week of New York, and one of UTC, which is none there
        let zone = chrono_tz::America::New_York;
        let there = window(Some("2026-11-16T05:00:00Z"), Some("2026-11-23T05:00:00Z"));
        assert_eq!(there.file_name(zone), "2026-W47");
        assert_eq!(
            window(monday, next).file_name(zone),
            "2026-11-16T000000Z_2026-11-23T000000Z"
        );
    }

    #[test]
    fn open_ends_are_those_of_the_events_or_the_run() {
        let ends = |window: Window, run| {
            let known = window.known(Some(10), Some(20), run);
            known.map(|known| (known.from, known.until, known.from_asked, known.until_asked))
        };
        let since = Window {
            since: Some(5),
            until: None,
        };
        assert_eq!(
            ends(Window::default(), Some(90)),
            Some((10, 21, false, false))
        );
        assert_eq!(ends(since, Some(90)), Some((5, 90, true, true)));
        assert_eq!(ends(since, None), Some((5, 21, true, true)));
        let until = Window {
            since: None,
            until: Some(15),
        };
        assert_eq!(ends(until, Some(90)), Some((10, 15, false, true)));
        assert_eq!(Window::default().known(None, None, Some(90)), None);
        assert!(until.holds(14) && !until.holds(15) && since.holds(5) && !since.holds(4));
        let known = since.known(None, None, Some(HOUR + 1)).unwrap();
        assert_eq!(known.hours(), (0, 2 * HOUR));
    }
}
