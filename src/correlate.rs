//! Correlations: windows over hits, after the merge, in event time.
//!
//! Files arrive in any order and overlap in time, so nothing can be said before all of them are
//! in. Then each group is sorted once and swept once: the windows are exact and slide from event to
//! event, and windows that overlap make one burst, so that ten in ten minutes fires at ten and an
//! attack of an hour is one finding.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::names::{NameId, Names};
use crate::rules::{Correlation, Measure, RuleKind, RuleSet};
use crate::tally::{Row, Series, Tally};

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
}

/// Sweeps every correlation, those that watch others after those they watch.
pub fn correlate(rules: &RuleSet, tally: &mut Tally) -> Vec<Burst> {
    let mut series = std::mem::take(&mut tally.series);
    let mut bursts = Vec::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        let RuleKind::Correlation(correlation) = &rule.kind else {
            continue;
        };
        let own = series.remove(&place).unwrap_or_default();
        // a rule is loaded after those it watches, so their bursts are complete by now
        for burst in sweep(place, correlation, own, &tally.names) {
            for (watcher, watched, meant) in rules.watchers(place) {
                let row = chained(&burst, watched, &mut tally.names);
                let groups = series.entry(watcher).or_default();
                let group = regrouped(correlation, &burst.group, meant);
                let group = tally.names.id(&group);
                groups.entry(group).or_default().extend(row);
            }
            bursts.push(burst);
        }
    }
    bursts
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

/// The group a burst belongs to where another correlation groups by other fields.
fn regrouped(own: &Correlation, group: &str, watcher: &Correlation) -> String {
    let values: Vec<&str> = group.split(GROUP_SEPARATOR).collect();
    let value = |name: &String| {
        let place = own.group_by.iter().position(|known| known == name)?;
        values.get(place).copied()
    };
    let picked: Vec<&str> = watcher
        .group_by
        .iter()
        .map(|name| value(name).unwrap_or_default())
        .collect();
    picked.join("\u{1f}")
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
        for window in windows(correlation, &rows, names) {
            let inside = rows.get(window.from..=window.to).unwrap_or_default();
            bursts.push(Burst {
                correlation: place,
                group: group.to_owned(),
                rows: inside.iter().flat_map(events).cloned().collect(),
                fired: window.fired,
                peak: window.peak,
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

/// One pass with two hands: each row in turn ends a window that reaches `timespan` back, both ends
/// included.
fn windows(correlation: &Correlation, rows: &[Row], names: &Names) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut gauge = Gauge::new(correlation, names);
    let mut from = 0;
    for (to, row) in rows.iter().enumerate() {
        gauge.enter(row);
        while let Some(oldest) = rows
            .get(from)
            .filter(|oldest| row.time - oldest.time > correlation.timespan)
        {
            gauge.leave(oldest);
            from += 1;
        }
        // events of the same second belong to the same windows
        if rows.get(to + 1).is_some_and(|next| next.time == row.time) {
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
        match found.last_mut() {
            Some(last) if last.to >= from => {
                last.to = to;
                last.peak = last.peak.max(measured);
            }
            _ => found.push(Window {
                from,
                to,
                fired: row.time,
                peak: measured,
            }),
        }
    }
    found
}

/// What a window measures, kept up to date as rows enter and leave.
struct Gauge<'n> {
    names: &'n Names,
    measure: Measure,
    count: u64,
    values: FxHashMap<NameId, u64>,
    /// Ordered numbers, for the percentile.
    numbers: BTreeMap<OrderedNumber, u64>,
    sum: f64,
    places: BTreeMap<u32, u64>,
    /// Per watched rule: the latest start of a sequence that has got so far.
    chains: Vec<Option<Epoch>>,
    timespan: Epoch,
}

struct OrderedNumber(f64);

impl PartialEq for OrderedNumber {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl PartialOrd for OrderedNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for OrderedNumber {}

impl Ord for OrderedNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'n> Gauge<'n> {
    fn new(correlation: &Correlation, names: &'n Names) -> Self {
        Self {
            names,
            measure: correlation.measure,
            count: 0,
            values: FxHashMap::default(),
            numbers: BTreeMap::new(),
            sum: 0.0,
            places: BTreeMap::new(),
            chains: vec![None; correlation.rules.len()],
            timespan: correlation.timespan,
        }
    }

    fn enter(&mut self, row: &Row) {
        self.count += 1;
        match self.measure {
            Measure::EventCount => {}
            Measure::ValueCount => {
                if row.value != Names::EMPTY {
                    *self.values.entry(row.value).or_default() += 1;
                }
            }
            Measure::Temporal => *self.places.entry(row.place).or_default() += 1,
            Measure::TemporalOrdered => {
                let start = match row.place.checked_sub(1) {
                    None => Some(row.time),
                    Some(before) => self.chains.get(before as usize).copied().flatten(),
                };
                if let Some(slot) = self.chains.get_mut(row.place as usize) {
                    *slot = (*slot).max(start);
                }
            }
            Measure::ValueSum | Measure::ValueAvg | Measure::ValuePercentile(_) => {
                if let Some(number) = self.number(row) {
                    self.sum += number;
                    *self.numbers.entry(OrderedNumber(number)).or_default() += 1;
                }
            }
        }
    }

    fn leave(&mut self, row: &Row) {
        self.count -= 1;
        match self.measure {
            Measure::EventCount | Measure::TemporalOrdered => {}
            Measure::ValueCount => {
                if let Some(count) = self.values.get_mut(&row.value) {
                    *count -= 1;
                    if *count == 0 {
                        self.values.remove(&row.value);
                    }
                }
            }
            Measure::Temporal => take_one(&mut self.places, &row.place),
            Measure::ValueSum | Measure::ValueAvg | Measure::ValuePercentile(_) => {
                if let Some(number) = self.number(row) {
                    self.sum -= number;
                    take_one(&mut self.numbers, &OrderedNumber(number));
                }
            }
        }
    }

    fn number(&self, row: &Row) -> Option<f64> {
        self.names.text(row.value).trim().parse().ok()
    }

    /// What the window that ends at `now` measures; nothing where there is nothing to measure.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn read(&self, now: Epoch) -> Option<f64> {
        let numbers: u64 = self.numbers.values().sum();
        match self.measure {
            Measure::EventCount => Some(self.count as f64),
            Measure::ValueCount => Some(self.values.len() as f64),
            Measure::Temporal => Some(self.places.len() as f64),
            Measure::TemporalOrdered => {
                let in_time = |start: &&Option<Epoch>| {
                    start.is_some_and(|start| now - start <= self.timespan)
                };
                Some(self.chains.iter().take_while(in_time).count() as f64)
            }
            Measure::ValueSum => (numbers > 0).then_some(self.sum),
            Measure::ValueAvg => (numbers > 0).then(|| self.sum / numbers as f64),
            Measure::ValuePercentile(percentile) => {
                // the nearest rank
                let rank = (percentile / 100.0 * numbers as f64).ceil().max(1.0);
                let mut passed = 0.0;
                self.numbers.iter().find_map(|(number, count)| {
                    passed += *count as f64;
                    (passed >= rank).then_some(number.0)
                })
            }
        }
    }
}

fn take_one<K: Ord>(map: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = map.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
