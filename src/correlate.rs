//! Correlations: windows over hits, after the merge, in event time.
//!
//! Files arrive in any order and overlap in time, so nothing can be said before all of them are
//! in. Then each group is swept in the order of time: the windows are exact and slide from event to
//! event, and windows that overlap make one burst, so that ten in ten minutes fires at ten and an
//! attack of an hour is one finding.

mod aggregate;
mod bursts;
mod pattern;
mod percentile;
mod sweep;
mod window;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::coverage::ProblemKind;
use crate::finding::GROUP_SEPARATOR;
use crate::interner::{Interner, Symbol};
use crate::rules::{Chained, Correlation, RuleKind, RuleSet};
use crate::seeded::SeededMap;
use crate::tally::{CorrelationEvent, CorrelationStore, EventPayload, Tally};
use bursts::Burst;
pub use bursts::{Actors, BurstKey, Bursts};
use sweep::{Sweep, nested_index, number};

/// Sweeps every correlation, those that watch others after those they watch, and tells of their
/// bursts together where one finding tells of them. Where rows could not be read back, or bursts belong
/// to too many groups, the coverage says so.
pub fn correlate(rules: &RuleSet, tally: &mut Tally) -> Vec<Bursts> {
    let mut found = BTreeMap::new();
    let mut series = std::mem::take(&mut tally.series);
    if let Err(error) = sweep_all(rules, &mut series, tally, &mut found) {
        tally.note_loss("what correlations found is not all of it", &error);
    }
    let found: Vec<Bursts> = found.into_values().collect();
    settle(rules, &found, tally);
    found
}

/// What a failure to read back groups of events means.
pub const FINDINGS_LOST: &str = "findings are missing from the report";

/// Makes the groups of events ready to be read, for the report. The coverage says so if some could not be
/// read back, or belong to a rule that is not in the set, which is a bug.
fn settle(rules: &RuleSet, bursts: &[Bursts], tally: &mut Tally) {
    if let Err(error) = tally.groups.settle() {
        tally.note_loss(FINDINGS_LOST, &error);
    }
    let groups = tally.groups.keys().map(|(key, _)| key.rule as usize);
    let found = groups.chain(bursts.iter().map(|bursts| bursts.key.correlation));
    let lost = found.filter(|rule| *rule >= rules.rules.len()).count();
    if lost > 0 {
        let what = format!("{lost} groups of events belong to no rule");
        tally.coverage.internal("findings", &what);
    }
}

/// Returns the bursts that other correlations watch.
fn sweep_all(
    rules: &RuleSet,
    series: &mut CorrelationStore,
    tally: &mut Tally,
    found: &mut BTreeMap<BurstKey, Bursts>,
) -> io::Result<Vec<Burst>> {
    let mut nested_index = NestedGroups::read(rules, series)?;
    let mut budget = LEAST_BUDGET + BUDGET_OF_ROW * series.rows();
    // bursts that other correlations watch
    let mut watched: Vec<Burst> = Vec::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        let RuleKind::Correlation(correlation) = &rule.kind else {
            continue;
        };
        let watchers: Vec<_> = rules.correlations_watching(place).collect();
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
        sweep.gather(measured, series, |burst| {
            bursts::take(found, correlation, &burst, tally);
            if sweep.is_watched {
                new.push(burst);
            }
        })?;
        let mut left_out = 0_usize;
        for burst in new {
            for (watcher, below, meant) in &watchers {
                let row = chained(&burst, watched.len(), *below);
                let row = row.ok_or_else(|| {
                    io::Error::other("a burst has no events (a bug in trailscan)")
                })?;
                let at = (*watcher, *below);
                let groups = nested_index.groups(at, meant, &burst, &watched, &mut tally.names);
                if groups.len() > budget {
                    left_out += 1;
                    continue;
                }
                budget -= groups.len();
                for group in &*groups {
                    let group = Symbol::from_number(group);
                    series.push(number(*watcher), group, row.clone());
                }
            }
            watched.push(burst);
        }
        if left_out > 0 {
            let what = format!(
                "{left_out} of its results belong to too many groups of the correlations that watch it \
                 and were not handed on, so what these found is not all of it: let them group by fields \
                 with fewer values"
            );
            tally
                .coverage
                .problem(&rule.name, ProblemKind::Bounded, what);
        }
    }
    Ok(watched)
}

/// How often bursts may be handed on to groups of the correlations that watch them: so often in any case,
/// and so often for each row. A correlation over two others, each with a `group-by` of its own, may
/// otherwise hand on the square of its rows.
const LEAST_BUDGET: u64 = 100_000;
const BUDGET_OF_ROW: u64 = 10;

/// The groups of one watching correlation, by the numbers of their names.
type GroupIds = Arc<RoaringBitmap>;

/// The groups of the events of correlations that other correlations watch and group by.
#[derive(Default)]
struct NestedGroups {
    /// By the watching correlation and the place of what it watches, then by object and record.
    events: SeededMap<(usize, usize), SeededMap<(u32, u32), Symbol>>,
    /// The groups of watched bursts that other bursts contain, each worked out once.
    bursts: SeededMap<((usize, usize), u32), GroupIds>,
}

impl NestedGroups {
    /// Reads the rows that only say to which group an event belongs.
    fn read(rules: &RuleSet, series: &mut CorrelationStore) -> io::Result<Self> {
        let mut found = Self::default();
        for (place, rule) in rules.rules.iter().enumerate() {
            let RuleKind::Correlation(correlation) = &rule.kind else {
                continue;
            };
            if !correlation.chained.contains(&Chained::Events) {
                continue;
            }
            series.for_each_sorted(number(place), |group, row| {
                if let Some(below) = nested_index(correlation, row) {
                    let known = found.events.entry((place, below)).or_default();
                    known.insert((row.object, row.record), group);
                }
            })?;
        }
        Ok(found)
    }

    /// The groups that a burst belongs to where another correlation, at its place, watches it.
    fn groups(
        &mut self,
        watcher: (usize, usize),
        meant: &Correlation,
        burst: &Burst,
        watched: &[Burst],
        names: &mut Interner,
    ) -> GroupIds {
        match meant.chained.get(watcher.1) {
            Some(Chained::Places(places)) => {
                let values: Vec<&str> = names.text(burst.group).split(GROUP_SEPARATOR).collect();
                let picked: Vec<&str> = places
                    .iter()
                    .filter_map(|place| values.get(*place).copied())
                    .collect();
                let picked = picked.join("\u{1f}");
                Arc::new([names.id(&picked).number()].into())
            }
            Some(Chained::Events) => self.of_events(watcher, burst, watched),
            _ => GroupIds::default(),
        }
    }

    /// The groups of the events of a burst. Bursts that contain the same ones share the answer: there may
    /// be as many bursts as events, and each may contain all events.
    fn of_events(&mut self, watcher: (usize, usize), burst: &Burst, watched: &[Burst]) -> GroupIds {
        let known = self.events.get(&watcher);
        let group = |row: &CorrelationEvent| known?.get(&(row.object, row.record)).copied();
        let own = burst.rows.iter().filter_map(group);
        let mut all = Arc::new(own.map(Symbol::number).collect::<RoaringBitmap>());
        for below in &burst.below {
            let groups = match self.bursts.get(&(watcher, *below)) {
                Some(groups) => Arc::clone(groups),
                None => {
                    let Some(inner) = watched.get(*below as usize) else {
                        continue;
                    };
                    let groups = self.of_events(watcher, inner, watched);
                    self.bursts.insert((watcher, *below), Arc::clone(&groups));
                    groups
                }
            };
            bursts::unite(&mut all, &groups);
        }
        all
    }
}

/// A burst, by its place among all that are watched, as an event of the correlation that watches it:
/// it happened when it first fired. It is proven only if all its events are, and those that are not
/// come last.
fn chained(burst: &Burst, place: usize, below: usize) -> Option<CorrelationEvent> {
    Some(CorrelationEvent {
        time: burst.fired,
        place: number(below),
        value: burst.group,
        what: EventPayload::Burst(number(place)),
        object: burst.newest_object,
        ..burst.latest.clone()?
    })
}

#[cfg(test)]
mod tests;
