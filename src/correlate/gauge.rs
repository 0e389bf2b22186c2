//! What a window measures, kept up to date as rows enter and leave.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::event::time::Epoch;
use crate::names::{NameId, Names};
use crate::rules::{Correlation, Measure};
use crate::tally::Row;

/// The measurements of one window.
pub(super) struct Gauge<'n> {
    names: &'n Names,
    measure: Measure,
    count: u64,
    values: FxHashMap<NameId, u64>,
    /// Ordered numbers, for the percentile.
    numbers: BTreeMap<OrderedNumber, u64>,
    sum: f64,
    /// How many values the sum has.
    summed: u64,
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
    pub(super) fn new(correlation: &Correlation, names: &'n Names) -> Self {
        Self {
            names,
            measure: correlation.measure,
            count: 0,
            values: FxHashMap::default(),
            numbers: BTreeMap::new(),
            sum: 0.0,
            summed: 0,
            places: BTreeMap::new(),
            chains: vec![None; correlation.rules.len()],
            timespan: correlation.timespan,
        }
    }

    pub(super) fn enter(&mut self, row: &Row) {
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
            Measure::ValueSum | Measure::ValueAvg => {
                if let Some(number) = self.number(row) {
                    self.sum += number;
                    self.summed += 1;
                }
            }
            Measure::ValuePercentile(_) => {
                if let Some(number) = self.number(row) {
                    *self.numbers.entry(OrderedNumber(number)).or_default() += 1;
                }
            }
        }
    }

    pub(super) fn leave(&mut self, row: &Row) {
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
            Measure::ValueSum | Measure::ValueAvg => {
                if let Some(number) = self.number(row) {
                    self.sum -= number;
                    self.summed -= 1;
                    if self.summed == 0 {
                        // fractions leave crumbs
                        self.sum = 0.0;
                    }
                }
            }
            Measure::ValuePercentile(_) => {
                if let Some(number) = self.number(row) {
                    take_one(&mut self.numbers, &OrderedNumber(number));
                }
            }
        }
    }

    fn number(&self, row: &Row) -> Option<f64> {
        let number: Option<f64> = self.names.text(row.value).trim().parse().ok();
        // `infinity` would outlast its window
        number.filter(|number| number.is_finite())
    }

    /// What the window that ends at `now` measures; nothing where there is nothing to measure.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(super) fn read(&self, now: Epoch) -> Option<f64> {
        match self.measure {
            Measure::EventCount => Some(self.count as f64),
            Measure::ValueCount => Some(self.values.len() as f64),
            Measure::Temporal => Some(self.places.len() as f64),
            Measure::TemporalOrdered => {
                let in_time = |start: &&Option<Epoch>| {
                    start.is_some_and(|start| now.saturating_sub(start) <= self.timespan)
                };
                Some(self.chains.iter().take_while(in_time).count() as f64)
            }
            Measure::ValueSum => (self.summed > 0).then_some(self.sum),
            Measure::ValueAvg => (self.summed > 0).then(|| self.sum / self.summed as f64),
            Measure::ValuePercentile(percentile) => {
                let numbers: u64 = self.numbers.values().sum();
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
