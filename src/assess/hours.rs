//! Log coverage: account by account, Region by Region, hour by hour.
//!
//! An hour without files is not yet a gap: a quiet account has many. It is one where a trail was
//! stopped, where files could not be read, or where a digest names files that are not there; a
//! digest that names none proves that there were none; without digests nobody can tell.

mod times;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::coverage::{Coverage, HOUR, Hour, RegionCoverage, hour_of};
use crate::event::time::{DELIVERY_DELAY, Epoch};
use crate::provenance::Provenance;
use crate::trail;
use times::{Digests, Spans};

/// What can be said of one hour, the most telling first: of several hours taken together the first
/// that holds for any of them counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HourState {
    /// Files could not be read.
    Unread,
    /// A digest names log files of this time, and there are none.
    Missing,
    /// Logging was stopped for all of the hour or a part of it.
    Stopped,
    /// Events were read.
    Events,
    /// No files, and no valid digest that would tell whether there should be some.
    NoFiles,
    /// No events: files were read that hold none of this hour, or the digest names none.
    Quiet,
    /// Too near to the moment of the run: files may still arrive.
    Pending,
}

impl HourState {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Quiet,
        Self::NoFiles,
        Self::Pending,
        Self::Stopped,
        Self::Missing,
        Self::Unread,
    ];

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "files could not be read",
            Self::Missing => "the digest names files that are not there",
            Self::Stopped => "logging was stopped",
            Self::Events => "events",
            Self::NoFiles => "no files, and no valid digest to tell whether any were delivered",
            Self::Quiet => "no events: other files or a valid digest say so",
            Self::Pending => "files may still arrive",
        }
    }

    /// True where something is missing for certain.
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Unread | Self::Missing | Self::Stopped)
    }
}

/// The states of the window's hours, by account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourGrid {
    /// The window in whole hours, `[from, until)`.
    pub from: Epoch,
    pub until: Epoch,
    /// By account and Region.
    pub rows: Vec<HourRow>,
}

/// The hours of one account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRow {
    pub account: String,
    pub region: String,
    /// In order and without gaps, over the whole window.
    pub stretches: Vec<Stretch>,
    /// How many digests there are, and how many of them are not valid.
    pub digests: u64,
    pub invalid_digests: u64,
}

/// One account and Region, to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct RegionHours<'c> {
    pub account: &'c str,
    pub region: &'c str,
    pub coverage: &'c RegionCoverage,
    stops: &'c Spans,
    digests: &'c Digests,
    /// From when on files may still arrive.
    pending: Epoch,
    /// The window to the second, of which only what was asked for must be known.
    asked: (Epoch, Epoch),
}

/// What the hours of a window are judged by, in whole hours.
#[derive(Debug, Clone)]
pub(super) struct Grid<'c> {
    pub from: Epoch,
    pub until: Epoch,
    coverage: &'c Coverage,
    /// By account: the times in which a trail of it was stopped, inside the window.
    stops: BTreeMap<&'c str, Spans>,
    /// In the order of the rows.
    digests: Vec<Digests>,
    never: Spans,
    /// From when on files may still arrive.
    pub(super) pending: Epoch,
    asked: (Epoch, Epoch),
}

/// Hours `[from, until)` of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub from: Epoch,
    pub until: Epoch,
    pub state: HourState,
}

/// A time in which something is missing for certain, to the second where logging was stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap<'g> {
    pub row: RegionHours<'g>,
    pub from: Epoch,
    pub until: Epoch,
    pub state: HourState,
}

impl HourGrid {
    /// Judges every hour; what digests prove must be in `coverage` already. `None` if no hour is known.
    pub fn new(provenance: &Provenance, coverage: &Coverage) -> Option<Self> {
        let grid = Grid::new(provenance, coverage)?;
        let row = |row: RegionHours<'_>| HourRow {
            account: row.account.to_owned(),
            region: row.region.to_owned(),
            stretches: row.stretches(&grid),
            digests: row.digests.all,
            invalid_digests: row.digests.invalid,
        };
        Some(Self {
            from: grid.from,
            until: grid.until,
            rows: grid.rows().map(row).collect(),
        })
    }

    /// How many hours there are.
    pub const fn hours(&self) -> u64 {
        ((self.until - self.from) / HOUR).unsigned_abs()
    }
}

impl HourRow {
    /// The most telling state of a time; `None` outside of the window.
    pub fn state(&self, from: Epoch, until: Epoch) -> Option<HourState> {
        state_of(&self.stretches, from, until)
    }
}

impl<'c> Grid<'c> {
    /// `None` if no hour is known.
    pub(super) fn new(provenance: &Provenance, coverage: &'c Coverage) -> Option<Self> {
        let window = provenance.known_window(coverage)?;
        let (from, until) = window.hours();
        let asked = (window.from, window.until);
        let regions = coverage.regions.values().flatten();
        Some(Self {
            from,
            until,
            coverage,
            stops: stops(coverage, asked),
            digests: regions
                .map(|(_, region)| Digests::new(&region.digests))
                .collect(),
            never: Spans::default(),
            pending: provenance
                .created
                .map_or(Epoch::MAX, |now| now - DELIVERY_DELAY),
            asked,
        })
    }

    /// The rows, by account and Region.
    pub(super) fn rows(&self) -> impl Iterator<Item = RegionHours<'_>> {
        let accounts = self.coverage.regions.iter();
        let rows = accounts.flat_map(move |(account, regions)| {
            let stops = self.stops.get(account.as_str()).unwrap_or(&self.never);
            let regions = regions.iter();
            regions.map(move |(region, coverage)| (account, region, coverage, stops))
        });
        rows.zip(&self.digests).map(
            |((account, region, coverage, stops), digests)| RegionHours {
                account,
                region,
                coverage,
                stops,
                digests,
                pending: self.pending,
                asked: self.asked,
            },
        )
    }

    /// Everything that is missing for certain, row by row.
    pub(super) fn gaps(&self) -> Vec<Gap<'_>> {
        let mut gaps = Vec::new();
        for row in self.rows() {
            let all = row.stretches(self).into_iter();
            for Stretch { from, until, state } in all.filter(|one| one.state.is_gap()) {
                let gap = |(from, until)| Gap {
                    row,
                    from,
                    until,
                    state,
                };
                match state {
                    HourState::Stopped => gaps.extend(row.stops_in(from, until).map(gap)),
                    _ => gaps.push(gap((from, until))),
                }
            }
        }
        gaps
    }

    /// How many hours there are.
    pub(super) const fn hours(&self) -> u64 {
        ((self.until - self.from) / HOUR).unsigned_abs()
    }
}

impl RegionHours<'_> {
    /// What was counted in an hour.
    fn counts(&self, hour: Epoch) -> Hour {
        self.coverage.hours.get(&hour).copied().unwrap_or_default()
    }

    /// What can be said of an hour.
    pub(super) fn state(&self, hour: Epoch) -> HourState {
        let counts = self.counts(hour);
        if counts.unread + counts.broken > 0 {
            HourState::Unread
        } else if self.is_stopped(hour, counts.events > 0) {
            HourState::Stopped
        } else if counts.events > 0 {
            HourState::Events
        } else {
            match self.by_digests(hour) {
                Some(state) => state,
                None if counts.objects > 0 => HourState::Quiet,
                None if hour + HOUR > self.pending => HourState::Pending,
                None => HourState::NoFiles,
            }
        }
    }

    /// True if logging was stopped in an hour. An hour that a stop cuts has events of the time before or
    /// behind it, the calls that stopped and started the trail among them; events in the middle of a stop
    /// come from another trail, which went on.
    fn is_stopped(&self, hour: Epoch, events: bool) -> bool {
        let mut here = self.stops.overlapping(hour, hour + HOUR);
        here.any(|(from, until)| {
            // the call that stopped it is an event of its hour
            let (first, last) = (hour_of(from) + HOUR, hour_of(until));
            let cut = hour < first || hour >= last;
            let mut inside = self.coverage.hours.range(first..last.max(first));
            !events || (cut && !inside.any(|(_, hour)| hour.events > 0))
        })
    }

    /// The stops inside `[from, until)`, cut to it.
    fn stops_in(&self, from: Epoch, until: Epoch) -> impl Iterator<Item = (Epoch, Epoch)> {
        let here = self.stops.overlapping(from, until);
        here.map(move |(begin, end)| (begin.max(from), end.min(until)))
    }

    /// True if valid digests speak for all of `[from, until)` and no digest misses a file in it.
    pub(super) fn is_proven(&self, from: Epoch, until: Epoch) -> bool {
        self.digests.prove(from, until)
    }

    /// What the digests say of an hour without events, where they speak for all of it. Only a valid one
    /// proves that nothing was delivered.
    fn by_digests(&self, hour: Epoch) -> Option<HourState> {
        // of an hour that the window cuts, only what is asked for must be known
        let (asked_from, asked_until) = self.asked;
        let until = asked_until.min(hour + HOUR);
        let (known, missing) = self.digests.of_hour(hour, asked_from.max(hour), until);
        match (missing, known) {
            (true, _) => Some(HourState::Missing),
            (false, true) => Some(HourState::Quiet),
            (false, false) => None,
        }
    }

    /// The hours of the window as runs of one state. Only hours at which something changes are looked
    /// at: a record that claims to be of the year 9999 must not cost a walk through all of them.
    pub(super) fn stretches(&self, grid: &Grid<'_>) -> Vec<Stretch> {
        let digests = self.coverage.digests.keys();
        let digests = digests.flat_map(|(from, until)| [*from, *until]);
        let stops = self.stops.iter().flat_map(|(from, until)| [from, until]);
        let edges = self
            .coverage
            .hours
            .keys()
            .copied()
            .chain(digests)
            .chain(stops);
        let edges = edges.chain([self.pending, grid.from]).map(hour_of);
        let mut begins: BTreeSet<Epoch> = BTreeSet::new();
        for hour in edges.filter(|hour| *hour < grid.until) {
            begins.extend([
                hour.max(grid.from),
                (hour + HOUR).clamp(grid.from, grid.until),
            ]);
        }
        begins.insert(grid.until);
        let begins: Vec<Epoch> = begins.into_iter().collect();
        let mut all: Vec<Stretch> = Vec::new();
        for pair in begins.windows(2) {
            let &[from, until] = pair else { continue };
            let state = self.state(from);
            match all.last_mut() {
                Some(last) if last.state == state => last.until = until,
                _ => all.push(Stretch { from, until, state }),
            }
        }
        all
    }
}

/// The most telling state of a time, out of the stretches of a row; `None` outside of the window.
fn state_of(stretches: &[Stretch], from: Epoch, until: Epoch) -> Option<HourState> {
    let first = stretches.partition_point(|one| one.until <= from);
    let here = stretches.iter().skip(first);
    here.take_while(|one| one.from < until)
        .map(|one| one.state)
        .min()
}

/// The stops of every account with logs, cut to the window.
fn stops(coverage: &Coverage, (from, until): (Epoch, Epoch)) -> BTreeMap<&str, Spans> {
    let all = trail::stops(&coverage.changes, &coverage.trails);
    let cut = |stop: &trail::Stop| {
        let times = (stop.from.max(from), stop.until.unwrap_or(until).min(until));
        (times.0 < times.1).then_some(times)
    };
    // a trail of the organization stops for every account
    let (shared, own): (Vec<_>, Vec<_>) = all.iter().partition(|stop| stop.organization);
    let shared: Vec<(Epoch, Epoch)> = shared.into_iter().filter_map(cut).collect();
    let mut by_account: BTreeMap<&str, Vec<(Epoch, Epoch)>> = BTreeMap::new();
    for stop in own {
        by_account
            .entry(&stop.account)
            .or_default()
            .extend(cut(stop));
    }
    let accounts = coverage.regions.keys().map(String::as_str);
    accounts
        .map(|account| {
            let own = by_account.remove(account).unwrap_or_default();
            let times = own.into_iter().chain(shared.iter().copied());
            (account, Spans::new(times.collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::{Digest, DigestState};
    use crate::trail::{Change, TrailChange};
    use crate::window::Window;

    const ACCOUNT: &str = "111122223333";

    fn provenance(hours: Epoch) -> Provenance {
        Provenance {
            window: Window {
                since: Some(0),
                until: Some(hours * HOUR),
            },
            created: Some(1_000 * HOUR),
            ..Provenance::default()
        }
    }

    /// Hour 2 has a file with events; what else, the story tells.
    fn coverage(tell: impl FnOnce(&mut RegionCoverage)) -> Coverage {
        let mut coverage = Coverage::default();
        let region = coverage.region(ACCOUNT, "us-east-1");
        *region.hour(2 * HOUR) = Hour {
            events: 9,
            objects: 1,
            ..Hour::default()
        };
        tell(region);
        coverage
    }

    fn states(coverage: &Coverage, hours: Epoch) -> Vec<HourState> {
        let grid = Grid::new(&provenance(hours), coverage).unwrap();
        let row = grid.rows().next().unwrap();
        (0..hours).map(|hour| row.state(hour * HOUR)).collect()
    }

    fn digest(region: &mut RegionCoverage, from: Epoch, logs: u64, state: DigestState) {
        let digest = Digest {
            state,
            logs,
            missing: logs.saturating_sub(1),
        };
        region.digest((from, from + HOUR), digest);
    }

    #[test]
    fn without_digests_an_hour_without_files_tells_nothing() {
        use HourState::{Events, NoFiles, Quiet};
        assert_eq!(
            states(&coverage(|_| {}), 4),
            [NoFiles, NoFiles, Events, NoFiles]
        );
        // a file came, and all its events are of the hour before
        let later = coverage(|region| region.hour(3 * HOUR).objects = 1);
        assert_eq!(states(&later, 4), [NoFiles, NoFiles, Events, Quiet]);
    }

    #[test]
    fn a_digest_that_names_no_file_proves_a_quiet_hour_and_one_that_does_a_gap() {
        use HourState::{Events, Missing, NoFiles, Quiet};
        let states_with = |logs, state| {
            let coverage = coverage(|region| {
                // digests begin when the trail did, not with the hour
                for hour in 0..4 {
                    let logs = if hour == 3 {
                        logs
                    } else {
                        u64::from(hour == 2)
                    };
                    digest(region, hour * HOUR + 1_200, logs, state);
                }
            });
            states(&coverage, 5)
        };
        assert_eq!(
            states_with(0, DigestState::Valid),
            [NoFiles, Quiet, Events, Quiet, NoFiles]
        );
        assert_eq!(
            states_with(2, DigestState::Valid),
            [NoFiles, Quiet, Events, Missing, Missing]
        );
        assert_eq!(
            states_with(0, DigestState::Unchecked)[3],
            NoFiles,
            "a digest that is not proven proves nothing"
        );
        assert_eq!(states_with(0, DigestState::Invalid)[3], NoFiles);
    }

    #[test]
    fn unread_files_stopped_logging_and_pending_files_have_different_states() {
        use HourState::{Events, NoFiles, Pending, Stopped, Unread};
        let mut coverage = coverage(|region| region.hour(5 * HOUR).broken = 1);
        let change = |hour, change| TrailChange {
            time: Some(hour * HOUR + 60),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            trail: match change {
                Change::Started => "audit".to_owned(),
                _ => format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"),
            },
            event_name: String::new(),
            event_id: String::new(),
            change,
            unproven: false,
        };
        coverage.changes.insert(change(2, Change::Stopped));
        coverage.changes.insert(change(4, Change::Started));
        assert_eq!(
            states(&coverage, 7),
            [NoFiles, NoFiles, Stopped, Stopped, Stopped, Unread, NoFiles],
            "the hour of the call that stopped it is a part of the stop"
        );
        let now = Provenance {
            created: Some(6 * HOUR + 300),
            ..provenance(7)
        };
        let grid = Grid::new(&now, &coverage).unwrap();
        let row = grid.rows().next().unwrap();
        assert_eq!(row.state(6 * HOUR), Pending);
        let stretches = row.stretches(&grid);
        assert_eq!(stretches.len(), 4);
        assert_eq!(
            (stretches[1].state, stretches[1].until - stretches[1].from),
            (Stopped, 3 * HOUR)
        );
        let gaps = grid.gaps();
        assert_eq!(
            (gaps[0].state, gaps[0].from, gaps[0].until),
            (Stopped, 2 * HOUR + 60, 4 * HOUR + 60),
            "to the second"
        );
        // another trail went on
        coverage.region(ACCOUNT, "us-east-1").hour(3 * HOUR).events = 1;
        assert_eq!(states(&coverage, 5)[2..], [Events, Events, Stopped]);
        coverage
            .region(ACCOUNT, "us-east-1")
            .hours
            .remove(&(3 * HOUR));
        // another account's trail is another matter
        let other = TrailChange {
            account: "444455556666".to_owned(),
            trail: "audit".to_owned(),
            ..change(2, Change::Stopped)
        };
        coverage.changes = [other].into();
        assert_eq!(states(&coverage, 4)[3], NoFiles);
    }

    #[test]
    fn an_absurd_window_costs_no_walk_through_its_hours() {
        let mut coverage = coverage(|_| {});
        coverage.first = Some(0);
        coverage.last = Some(253_402_297_199);
        let open = Provenance {
            created: Some(9 * HOUR),
            ..Provenance::default()
        };
        let grid = Grid::new(&open, &coverage).unwrap();
        let row = grid.rows().next().unwrap();
        let stretches = row.stretches(&grid);
        let states: Vec<_> = stretches.iter().map(|one| one.state).collect();
        use HourState::{Events, NoFiles, Pending};
        assert_eq!(states, [NoFiles, Events, NoFiles, Pending]);
        assert_eq!(state_of(&stretches, 0, 3 * HOUR), Some(Events));
        assert_eq!(state_of(&stretches, 0, 2 * HOUR), Some(NoFiles));
        assert_eq!(state_of(&stretches, -HOUR, 0), None);
    }
}
