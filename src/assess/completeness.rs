//! Whether the logs of the window are all there: what page one says of coverage, and what exit code 3
//! follows.
//!
//! In: the window, what was read of it, what valid digests prove, what the configuration expects. Out:
//! hours with and without logs, gaps, empty days, and the reasons why a run is incomplete. CloudTrail
//! writes no file when nothing happens, so an hour without a log is not a gap by itself; but it is not
//! seen either, unless a valid digest proves it quiet. A whole day without one file of an account that
//! delivers files is too long to pass as quiet.

mod days;

use serde::{Serialize, Serializer};

use super::hours::{Grid, HourState, RegionHours};
use crate::coverage::{Coverage, HOUR};
use crate::event::time::{Epoch, iso};
use crate::provenance::Provenance;
use crate::window::KnownWindow;
use crate::words::plural;
pub use days::Days;

/// The completeness of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// True if nothing speaks against it: `incomplete` is empty.
    pub complete: bool,
    /// Why the run is incomplete, one clause each.
    pub incomplete: Vec<String>,
    /// Log files that were read.
    pub logs_read: u64,
    /// The window `[from, until)`; `None` if no time is known.
    pub window: Option<KnownWindow>,
    /// Sums over all places.
    pub hours: Hours,
    /// By account and Region.
    pub places: Vec<PlaceHours>,
    /// Times in which something is missing for certain.
    pub gaps: Vec<Gap>,
    /// Whole days of the organization's time zone, by delivery, without one file of an account that has
    /// files in the window.
    pub empty_days: Vec<Days>,
    /// The same where the configuration says that the account is dormant.
    pub dormant_days: Vec<Days>,
    /// Accounts whose files do not say when they were delivered: their days are not judged.
    pub days_not_judged: Vec<String>,
}

/// Hours of the window, by what is known of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hours {
    pub all: u64,
    /// Events happened in them, or files were delivered.
    pub with_logs: u64,
    /// Without logs, and valid digests prove that none were delivered.
    pub proven_quiet: u64,
    /// Without logs, and so late that logs may still come.
    pub pending: u64,
    /// Without logs, and nothing proves them quiet.
    pub unknown: u64,
}

/// The hours of an account and Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceHours {
    pub account: String,
    pub region: String,
    #[serde(flatten)]
    pub hours: Hours,
}

/// A time in which something is missing for certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub account: String,
    pub region: String,
    #[serde(serialize_with = "time")]
    pub from: Epoch,
    #[serde(serialize_with = "time")]
    pub until: Epoch,
    pub state: HourState,
}

impl Completeness {
    /// Judges what was read; what digests prove must be in `coverage` already.
    pub fn new(provenance: &Provenance, coverage: &Coverage) -> Self {
        let mut all = Self {
            logs_read: coverage.objects.read,
            ..Self::default()
        };
        if let (Some(grid), Some(window)) = (
            Grid::new(provenance, coverage),
            provenance.known_window(coverage),
        ) {
            all.window = Some(window);
            all.places = grid.rows().map(|row| place(&grid, row)).collect();
            all.gaps = grid
                .gaps()
                .into_iter()
                .map(|gap| Gap {
                    account: gap.row.account.to_owned(),
                    region: gap.row.region.to_owned(),
                    from: gap.from,
                    until: gap.until,
                    state: gap.state,
                })
                .collect();
            all.find_empty_days(provenance, coverage, &grid, (window.from, window.until));
        }
        for PlaceHours { hours, .. } in &all.places {
            all.hours.add(*hours);
        }
        all.incomplete = all.reasons(provenance, coverage);
        all.complete = all.incomplete.is_empty();
        all
    }

    /// The seconds in which logging was stopped anywhere: overlapping times count once.
    pub fn stopped(&self) -> Epoch {
        let stopped = |gap: &&Gap| gap.state == HourState::Stopped;
        let mut times: Vec<(Epoch, Epoch)> = self
            .gaps
            .iter()
            .filter(stopped)
            .map(|gap| (gap.from, gap.until))
            .collect();
        times.sort_unstable();
        let mut end = Epoch::MIN;
        let mut sum = 0;
        for (from, until) in times {
            sum += (until - from.max(end)).max(0);
            end = end.max(until);
        }
        sum
    }

    fn reasons(&self, provenance: &Provenance, coverage: &Coverage) -> Vec<String> {
        let mut reasons = Vec::new();
        let asked = provenance.window.is_asked();
        let others = coverage.objects.foreign + coverage.objects.digests;
        if coverage.has_only_conflicts() {
            let what = "records with one event id differ, which may be a forgery";
            reasons.push(what.to_owned());
        } else if !coverage.is_complete() {
            reasons.push("not all logs could be read".to_owned());
        } else if self.logs_read == 0 && (asked || others == 0) {
            // with other files and no period asked for, nothing is left unread
            reasons.push("no log file was found to read".to_owned());
        } else if self.hours.with_logs == 0 && self.hours.unknown > 0 {
            reasons.push("no log file of the window was found".to_owned());
        }
        let absent = |account: &&String| {
            let dormant = |one: &&crate::coverage::Dormant| one.account == **account;
            let mut expected = provenance.expected.dormant.iter();
            !coverage.regions.contains_key(*account)
                && !expected.any(|one| dormant(&one) && one.weekdays.is_empty())
        };
        let absent: Vec<&str> = provenance
            .accounts
            .iter()
            .filter(absent)
            .map(String::as_str)
            .collect();
        if self.logs_read > 0 && !absent.is_empty() {
            reasons.push(format!(
                "no log file of account {} was found",
                absent.join(", ")
            ));
        }
        let days: u64 = self.empty_days.iter().map(|one| one.count).sum();
        let regions = match provenance.regions.is_empty() {
            true => "",
            false => " in the requested Regions",
        };
        match self.empty_days.as_slice() {
            [] => {}
            [one] => reasons.push(format!(
                "{} without a log file of account {}{regions}",
                plural(days, "whole day"),
                one.account
            )),
            all => reasons.push(format!(
                "{} without a log file of {}{regions}",
                plural(days, "whole day"),
                plural(all.len() as u64, "account")
            )),
        }
        let missing = |gap: &Gap| gap.state == HourState::Missing;
        if self.gaps.iter().any(missing) {
            reasons.push("digests name log files that are not there".to_owned());
        }
        reasons
    }
}

impl Hours {
    const fn add(&mut self, other: Self) {
        self.all += other.all;
        self.with_logs += other.with_logs;
        self.proven_quiet += other.proven_quiet;
        self.pending += other.pending;
        self.unknown += other.unknown;
    }
}

fn place(grid: &Grid<'_>, row: RegionHours<'_>) -> PlaceHours {
    let (from, until) = (grid.from, grid.until);
    let inside = row.coverage.hours.range(from..until);
    let with_logs = inside
        .clone()
        .filter(|(_, hour)| hour.events + hour.objects > 0)
        .count() as u64;
    // an hour of a file without events of that hour is quiet too, and counted above
    let by_files = inside
        .filter(|(at, hour)| hour.objects > 0 && row.state(**at) == HourState::Quiet)
        .count() as u64;
    let (mut quiet, mut pending) = (0, 0);
    for one in row.stretches(grid) {
        let hours = ((one.until - one.from) / HOUR).unsigned_abs();
        match one.state {
            HourState::Quiet => quiet += hours,
            HourState::Pending => pending += hours,
            _ => {}
        }
    }
    let all = grid.hours();
    let proven_quiet = quiet - by_files;
    PlaceHours {
        account: row.account.to_owned(),
        region: row.region.to_owned(),
        hours: Hours {
            all,
            with_logs,
            proven_quiet,
            pending,
            unknown: all.saturating_sub(with_logs + proven_quiet + pending),
        },
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn time<S: Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}
