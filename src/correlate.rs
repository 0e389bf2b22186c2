//! Correlations: windows over hits, after the merge, in event time.
//!
//! Files arrive in any order and overlap in time, so nothing can be said before all of them are
//! in. Then each group is sorted once and swept once: the windows are exact and slide from event to
//! event, and windows that overlap make one burst, so that ten in ten minutes fires at ten and an
//! attack of an hour is one finding.

mod gauge;
mod pattern;
mod ranks;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::coverage::Coverage;
use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::names::{NameId, Names};
use crate::rules::{Chained, Comparison, Correlation, RuleKind, RuleSet};
use crate::tally::{Row, Series, Tally};
use gauge::Gauge;
use pattern::Found;

/// A stretch of events over which a correlation's condition held.
#[derive(Debug)]
pub struct Burst {
    pub correlation: usize,
    /// The values of its `group-by` fields, joined.
    pub group: String,
    /// Its events, by time.
    pub rows: Vec<Row>,
    /// When the condition first held.
    pub fired: Epoch,
    /// The most that was measured in one window.
    pub peak: f64,
    /// Something is missing from it that may have happened before or after all that was read.
    pub at_the_edge: bool,
}

/// Sweeps every correlation, those that watch others after those they watch.
pub fn correlate(rules: &RuleSet, tally: &mut Tally) -> Vec<Burst> {
    let mut series = std::mem::take(&mut tally.series);
    let beneath = Beneath::take(rules, &mut series);
    let mut bursts = Vec::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        let RuleKind::Correlation(correlation) = &rule.kind else {
            continue;
        };
        let own = series.remove(&place).unwrap_or_default();
        // a rule is loaded after those it watches, so their bursts are complete by now
        for mut burst in sweep(place, correlation, own, &tally.names) {
            burst.at_the_edge = at_the_edge(correlation, &burst, &tally.coverage);
            for (watcher, watched, meant) in rules.watchers(place) {
                let row = chained(&burst, watched, &mut tally.names);
                let groups = series.entry(watcher).or_default();
                let found = beneath.groups((watcher, watched), meant, &burst, &mut tally.names);
                for group in found {
                    groups.entry(group).or_default().extend(row.clone());
                }
            }
            bursts.push(burst);
        }
    }
    bursts
}

/// The groups of the events beneath correlations that others watch, by which these group them.
struct Beneath(FxHashMap<(usize, usize), FxHashMap<(u32, u32), NameId>>);

impl Beneath {
    /// Takes the rows that only say to which group an event belongs out of the series.
    fn take(rules: &RuleSet, series: &mut BTreeMap<usize, Series>) -> Self {
        let mut found = Self(FxHashMap::default());
        for (place, groups) in series {
            let Some(RuleKind::Correlation(correlation)) =
                rules.rules.get(*place).map(|rule| &rule.kind)
            else {
                continue;
            };
            if !correlation.chained.contains(&Chained::Events) {
                continue;
            }
            #[allow(
                clippy::iter_over_hash_type,
                reason = "an event has one group, whatever the order"
            )]
            for (group, rows) in groups.iter_mut() {
                rows.retain(|row| {
                    let below = (row.place as usize).checked_sub(correlation.rules.len());
                    if let Some(below) = below {
                        let known = found.0.entry((*place, below)).or_default();
                        known.insert((row.object, row.record), *group);
                    }
                    below.is_none()
                });
            }
        }
        found
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
                let values: Vec<&str> = burst.group.split(GROUP_SEPARATOR).collect();
                let picked: Vec<&str> = places
                    .iter()
                    .filter_map(|place| values.get(*place).copied())
                    .collect();
                [names.id(&picked.join("\u{1f}"))].into()
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

/// True where the burst hangs on what did not happen, and a frame around it reaches beyond the events
/// that were read: what lies there is not known.
fn at_the_edge(correlation: &Correlation, burst: &Burst, coverage: &Coverage) -> bool {
    let condition = correlation.condition.as_ref();
    let lacks = condition.is_some_and(|condition| {
        let mut alternatives = condition.alternatives.iter();
        alternatives.any(|alternative| !alternative.lacks.is_empty())
    });
    let reaches = |known: Option<Epoch>, row: Option<&Row>| {
        known.zip(row).is_some_and(|(known, row)| {
            known.saturating_sub(row.time).saturating_abs() < correlation.timespan
        })
    };
    lacks
        && (reaches(coverage.first, burst.rows.first())
            || reaches(coverage.last, burst.rows.last()))
}

/// A burst as an event of the correlation that watches it: it happened when it first fired.
fn chained(burst: &Burst, watched: usize, names: &mut Names) -> Option<Row> {
    let last = burst.rows.last()?;
    Some(Row {
        time: burst.fired,
        place: u32::try_from(watched).unwrap_or(u32::MAX),
        value: names.id(&burst.group),
        parts: Some(burst.rows.clone().into_boxed_slice()),
        ..last.clone()
    })
}

/// All bursts of one correlation, by group and time.
fn sweep(place: usize, correlation: &Correlation, series: Series, names: &Names) -> Vec<Burst> {
    let groups: BTreeMap<&str, Vec<Row>> = series
        .into_iter()
        .map(|(group, rows)| (names.text(group), rows))
        .collect();
    let mut bursts = Vec::new();
    for (group, mut rows) in groups {
        rows.sort_by_key(|row| (row.time, row.place, row.object, row.record));
        let found = match &correlation.condition {
            Some(condition) => {
                pattern::windows(condition, correlation.measure, correlation.timespan, &rows)
            }
            None => Found {
                windows: windows(correlation, &rows, names),
                evidence: vec![true; rows.len()],
            },
        };
        for window in found.windows {
            let inside = window.from..=window.to;
            let inside = rows
                .get(inside.clone())
                .into_iter()
                .flatten()
                .zip(found.evidence.get(inside).into_iter().flatten());
            let rows = inside.filter(|(_, evidence)| **evidence);
            bursts.push(Burst {
                correlation: place,
                group: group.to_owned(),
                rows: rows.flat_map(|(row, _)| events(row)).cloned().collect(),
                fired: window.fired,
                peak: window.peak,
                at_the_edge: false,
            });
        }
    }
    bursts
}

/// The events a row stands for: itself, or those of the burst that it is.
fn events(row: &Row) -> &[Row] {
    row.parts.as_deref().unwrap_or(std::slice::from_ref(row))
}

/// A maximal run of overlapping windows in which the condition holds: first and last row.
struct Window {
    from: usize,
    to: usize,
    fired: Epoch,
    peak: f64,
}

impl Window {
    /// Takes its place behind windows that end before it; one that it overlaps grows instead.
    fn join(self, found: &mut Vec<Self>) {
        match found.last_mut() {
            Some(last) if last.to >= self.from => {
                last.to = self.to;
                last.peak = last.peak.max(self.peak);
            }
            _ => found.push(self),
        }
    }
}

/// One pass with two hands: each row in turn ends a window that reaches `timespan` back, both ends
/// included.
fn windows(correlation: &Correlation, rows: &[Row], names: &Names) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut gauge = Gauge::new(correlation, rows, names);
    let mut from = 0;
    let upper = |(comparison, _): &(Comparison, f64)| {
        !matches!(comparison, Comparison::Gt | Comparison::Gte)
    };
    let bounded = correlation.thresholds.iter().any(upper);
    for (to, row) in rows.iter().enumerate() {
        gauge.enter(row);
        while let Some(oldest) = rows
            .get(from)
            .filter(|oldest| row.time.saturating_sub(oldest.time) > correlation.timespan)
        {
            gauge.leave(oldest);
            from += 1;
        }
        // events of the same second belong to the same windows
        if rows.get(to + 1).is_some_and(|next| next.time == row.time) {
            continue;
        }
        // "at most two" is said of windows that no other event can join
        let first = rows.get(from).map_or(row.time, |first| first.time);
        let grows = |next: &Row| next.time.saturating_sub(first) <= correlation.timespan;
        if bounded && rows.get(to + 1).is_some_and(grows) {
            continue;
        }
        let Some(measured) = gauge.read(row.time) else {
            continue;
        };
        if !correlation
            .thresholds
            .iter()
            .all(|(comparison, number)| comparison.holds(measured, *number))
        {
            continue;
        }
        Window {
            from,
            to,
            fired: row.time,
            peak: measured,
        }
        .join(&mut found);
    }
    found
}

#[cfg(test)]
mod tests;
