//! What a window measures, kept up to date as rows enter and leave.

use std::collections::BTreeMap;

use super::percentile::FenwickTree;
use super::window::Point;
use crate::event::time::Epoch;
use crate::interner::{Interner, Symbol};
use crate::rules::{Correlation, Measure};
use crate::seeded::SeededMap;

/// The measurements of one window.
pub(super) struct WindowAggregate<'n> {
    names: &'n Interner,
    measure: Measure,
    count: u64,
    values: SeededMap<Symbol, u64>,
    /// For the percentile.
    tree: FenwickTree,
    sum: f64,
    /// How many values the sum has.
    summed: u64,
    places: BTreeMap<u32, u64>,
    /// Per watched rule: the latest start of a sequence that has got so far.
    chains: Vec<Option<Epoch>>,
    timespan: Epoch,
}

impl<'n> WindowAggregate<'n> {
    /// Nothing has entered yet of these rows.
    pub(super) fn new(correlation: &Correlation, rows: &[Point], names: &'n Interner) -> Self {
        let tree = match correlation.measure {
            Measure::ValuePercentile(_) => {
                FenwickTree::new(rows.iter().filter_map(|row| number(row, names)).collect())
            }
            _ => FenwickTree::default(),
        };
        Self {
            names,
            measure: correlation.measure,
            count: 0,
            values: SeededMap::default(),
            tree,
            sum: 0.0,
            summed: 0,
            places: BTreeMap::new(),
            chains: vec![None; correlation.rules.len()],
            timespan: correlation.timespan,
        }
    }

    pub(super) fn push(&mut self, row: &Point) {
        self.count += 1;
        match self.measure {
            Measure::EventCount => {}
            Measure::ValueCount => {
                if row.value != Interner::EMPTY {
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
                if let Some(number) = number(row, self.names) {
                    self.sum += number;
                    self.summed += 1;
                }
            }
            Measure::ValuePercentile(_) => {
                if let Some(number) = number(row, self.names) {
                    self.tree.insert(number);
                }
            }
        }
    }

    pub(super) fn pop(&mut self, row: &Point) {
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
                if let Some(number) = number(row, self.names) {
                    self.sum -= number;
                    self.summed -= 1;
                    if self.summed == 0 {
                        // fractions leave crumbs
                        self.sum = 0.0;
                    }
                }
            }
            Measure::ValuePercentile(_) => {
                if let Some(number) = number(row, self.names) {
                    self.tree.remove(number);
                }
            }
        }
    }

    /// What the window that ends at `now` measures; `None` if there is nothing to measure.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(super) fn value(&self, now: Epoch) -> Option<f64> {
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
                // the nearest rank; the specification names no other
                let rank = (percentile * self.tree.count() as f64 / 100.0).ceil();
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 1 to the count"
                )]
                self.tree.nth((rank as u64).max(1))
            }
        }
    }
}

fn number(row: &Point, names: &Interner) -> Option<f64> {
    let number: Option<f64> = names.text(row.value).trim().parse().ok();
    // `infinity` would outlast its window
    number.filter(|number| number.is_finite())
}

fn take_one<K: Ord>(map: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = map.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            map.remove(key);
        }
    }
}
