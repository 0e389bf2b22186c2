//! Correlations: windows over hits, after the merge, in event time.
//!
//! Files arrive in any order and overlap in time, so nothing can be said before all of them are
//! in. Then each group is swept in the order of time: the windows are exact and slide from event to
//! event, and windows that overlap make one burst, so that ten in ten minutes fires at ten and an
//! attack of an hour is one finding.

mod bursts;
mod gauge;
mod pattern;
mod ranks;
mod sweep;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::finding::GROUP_SEPARATOR;
use crate::names::{NameId, Names};
use crate::rules::{Chained, Correlation, RuleKind, RuleSet};
use crate::seeded::SeededMap;
use crate::tally::{Row, Series, Tally, What};
use bursts::Burst;
pub use bursts::{Actors, BurstKey, Bursts};
use sweep::{Sweep, beneath, number};

/// Sweeps every correlation, those that watch others after those they watch, and tells of their
/// bursts together where one finding tells of them. Where rows could not be read back, the coverage
/// says so.
pub fn correlate(rules: &RuleSet, tally: &mut Tally) -> Vec<Bursts> {
    let mut found = BTreeMap::new();
    let mut series = std::mem::take(&mut tally.series);
    if let Err(error) = sweep_all(rules, &mut series, tally, &mut found) {
        tally.not_read_back("what correlations found is not all of it", &error);
    }
    let found: Vec<Bursts> = found.into_values().collect();
    note_unknown_rules(rules, &found, tally);
    found
}

/// Notes in the coverage that events or bursts belong to a rule that is not in the set: a bug, and their
/// findings would be missing without a word.
fn note_unknown_rules(rules: &RuleSet, bursts: &[Bursts], tally: &mut Tally) {
    let groups = tally.groups.iter().map(|(key, _)| key.rule as usize);
    let found = groups.chain(bursts.iter().map(|bursts| bursts.key.correlation));
    let lost = found.filter(|rule| *rule >= rules.rules.len()).count();
    if lost > 0 {
        let what = format!("{lost} groups of events belong to no rule");
        tally.coverage.internal("findings", &what);
    }
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
            proven_objects: tally.proven_objects(),
        };
        let measured = sweep.measure(series, &tally.names)?;
        sweep.gather(measured, series, |mut burst| {
            bursts::take(found, correlation, &mut burst, tally);
            if sweep.is_watched {
                new.push(burst);
            }
        })?;
        for burst in new {
            for (watcher, below, meant) in &watchers {
                let row = chained(&burst, watched.len(), *below);
                let row = row.ok_or_else(|| {
                    io::Error::other("a burst has no events (a bug in trailscan)")
                })?;
                for group in beneath.groups((*watcher, *below), meant, &burst, &mut tally.names) {
                    series.push(number(*watcher), group, row.clone());
                }
            }
            watched.push(burst);
        }
    }
    Ok(())
}

/// The groups of the events beneath correlations that others watch, by which these group them.
struct Beneath(SeededMap<(usize, usize), SeededMap<(u32, u32), NameId>>);

impl Beneath {
    /// Reads the rows that only say to which group an event belongs.
    fn read(rules: &RuleSet, series: &mut Series) -> io::Result<Self> {
        let mut found = Self(SeededMap::default());
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

/// A burst, by its place among all that are watched, as an event of the correlation that watches it:
/// it happened when it first fired. It is proven only if all its events are, and those that are not
/// come last.
fn chained(burst: &Burst, place: usize, below: usize) -> Option<Row> {
    Some(Row {
        time: burst.fired,
        place: number(below),
        value: burst.group,
        what: What::Burst(number(place)),
        object: burst.rows.iter().map(|row| row.object).max()?,
        ..burst.rows.last()?.clone()
    })
}

#[cfg(test)]
mod tests;
