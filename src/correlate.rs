//! Correlations: windows over hits, after the merge, in event time.
//!
//! Files arrive in any order and overlap in time, so nothing can be said before all of them are
//! in. Then each group is sorted once and swept once: the windows are exact and slide from event to
//! event, and windows that overlap make one burst, so that ten in ten minutes fires at ten and an
//! attack of an hour is one finding.

mod bursts;
mod gauge;
mod pattern;
mod ranks;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustc_hash::FxHashMap;

use crate::coverage::Coverage;
use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::names::{NameId, Names};
use crate::rules::{Chained, Correlation, RuleKind, RuleSet};
use crate::tally::{Group, Row, Series, Tally, What};
pub use bursts::{Actors, BurstKey, Bursts};
use sweep::Sweep;

/// A stretch of events over which a correlation's condition held.
#[derive(Debug)]
struct Burst {
    correlation: usize,
    /// The values of its `group-by` fields, joined.
    group: NameId,
    /// When the condition first held.
    fired: Epoch,
    /// The most that was measured in one window.
    peak: f64,
    /// Its events, and who did what in them.
    events: Group,
    actors: BTreeSet<NameId>,
    resources: BTreeSet<NameId>,
    /// The last that was added.
    last: Option<Row>,
    /// All of them by time, where another correlation watches this one.
    rows: Vec<Row>,
}

impl Burst {
    /// Adds an event.
    fn add(&mut self, row: &Row, is_watched: bool) {
        let Some(deed) = row.deed() else { return };
        let group = &mut self.events;
        group.add(Some(row.time), deed.call, deed.outcome);
        if let Some(told) = &deed.told {
            group.accounts.insert(told.account);
            group.regions.insert(told.region);
            group.source_ips.insert(told.source_ip);
        }
        if group.wants(Some(row.time)) {
            group.keep(row.evidence(deed));
        }
        self.actors.insert(deed.actor);
        self.resources.insert(deed.resource);
        if is_watched {
            self.rows.push(row.clone());
        }
        self.last = Some(row.clone());
    }
}

/// Sweeps every correlation, those that watch others after those they watch, and tells of their
/// bursts together where one finding tells of them. Where rows could not be read back, the coverage
/// says so.
pub fn correlate(rules: &RuleSet, tally: &mut Tally) -> Vec<Bursts> {
    let mut found = BTreeMap::new();
    let mut series = std::mem::take(&mut tally.series);
    if let Err(error) = sweep_all(rules, &mut series, tally, &mut found) {
        tally.not_read_back("what correlations found is not all of it", &error);
    }
    found.into_values().collect()
}

fn sweep_all(
    rules: &RuleSet,
    series: &mut Series,
    tally: &mut Tally,
    found: &mut BTreeMap<BurstKey, Bursts>,
) -> io::Result<()> {
    let beneath = Beneath::read(rules, series)?;
    // bursts that other correlations watch
    let mut watched: Vec<Burst> = Vec::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        let RuleKind::Correlation(correlation) = &rule.kind else {
            continue;
        };
        let watchers: Vec<_> = rules.watchers(place).collect();
        let mut new = Vec::new();
        let sweep = Sweep {
            place,
            correlation,
            // a rule is loaded after those it watches, so their bursts are complete by now
            watched: &watched,
            is_watched: !watchers.is_empty(),
        };
        let measured = sweep.measure(series, &tally.names)?;
        sweep.gather(measured, series, |burst| {
            bursts::take(found, correlation, &burst, tally);
            if !watchers.is_empty() {
                new.push(burst);
            }
        })?;
        for burst in new {
            for (watcher, below, meant) in &watchers {
                let row = chained(&burst, watched.len(), *below);
                let groups = beneath.groups((*watcher, *below), meant, &burst, &mut tally.names);
                for (group, row) in groups.into_iter().zip(std::iter::repeat(row)) {
                    let row = row.into_iter();
                    row.for_each(|row| series.push(number(*watcher), group, row));
                }
            }
            watched.push(burst);
        }
    }
    Ok(())
}

/// A rule's place as rows tell it.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The groups of the events beneath correlations that others watch, by which these group them.
struct Beneath(FxHashMap<(usize, usize), FxHashMap<(u32, u32), NameId>>);

impl Beneath {
    /// Reads the rows that only say to which group an event belongs.
    fn read(rules: &RuleSet, series: &mut Series) -> io::Result<Self> {
        let mut found = Self(FxHashMap::default());
        for (place, rule) in rules.rules.iter().enumerate() {
            let RuleKind::Correlation(correlation) = &rule.kind else {
                continue;
            };
            if !correlation.chained.contains(&Chained::Events) {
                continue;
            }
            series.each(number(place), |group, row| {
                if let Some(below) = beneath(correlation, row) {
                    let known = found.0.entry((place, below)).or_default();
                    known.insert((row.object, row.record), group);
                }
            })?;
        }
        Ok(found)
    }

    /// The groups that a burst belongs to where another correlation, at its place, watches it.
    fn groups(
        &self,
        watcher: (usize, usize),
        meant: &Correlation,
        burst: &Burst,
        names: &mut Names,
    ) -> BTreeSet<NameId> {
        match meant.chained.get(watcher.1) {
            Some(Chained::Places(places)) => {
                let values: Vec<&str> = names.text(burst.group).split(GROUP_SEPARATOR).collect();
                let picked: Vec<&str> = places
                    .iter()
                    .filter_map(|place| values.get(*place).copied())
                    .collect();
                let picked = picked.join("\u{1f}");
                [names.id(&picked)].into()
            }
            Some(Chained::Events) => {
                let known = self.0.get(&watcher);
                let group = |row: &Row| known?.get(&(row.object, row.record)).copied();
                burst.rows.iter().filter_map(group).collect()
            }
            _ => BTreeSet::new(),
        }
    }
}

/// Of a row that only says to which group an event belongs: the place of the correlation, among the
/// watched ones, that it lies beneath.
fn beneath(correlation: &Correlation, row: &Row) -> Option<usize> {
    (row.place as usize).checked_sub(correlation.rules.len())
}

/// True where the burst hangs on what did not happen, and a frame around it reaches beyond the events
/// that were read: what lies there is not known.
fn at_the_edge(correlation: &Correlation, burst: &Burst, coverage: &Coverage) -> bool {
    let condition = correlation.condition.as_ref();
    let lacks = condition.is_some_and(|condition| {
        let mut alternatives = condition.alternatives.iter();
        alternatives.any(|alternative| !alternative.lacks.is_empty())
    });
    let reaches = |known: Option<Epoch>, time: Option<Epoch>| {
        known.zip(time).is_some_and(|(known, time)| {
            known.saturating_sub(time).saturating_abs() < correlation.timespan
        })
    };
    lacks
        && (reaches(coverage.first, burst.events.first)
            || reaches(coverage.last, burst.events.last))
}

/// A burst, by its place among all that are watched, as an event of the correlation that watches it:
/// it happened when it first fired.
fn chained(burst: &Burst, place: usize, below: usize) -> Option<Row> {
    Some(Row {
        time: burst.fired,
        place: number(below),
        value: burst.group,
        what: What::Burst(number(place)),
        ..burst.last.clone()?
    })
}

#[cfg(test)]
mod tests;
