//! How often each call of a finding was made.

use crate::finding::{CallCount, Outcome};
use crate::interner::Symbol;
use crate::seeded::SeededMap;

/// From this many calls on they are found by an index. Most findings have one or two, but whoever
/// writes records chooses the names.
const INDEXED: usize = 16;

/// Calls with their counts, in the order in which they first came.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    counts: Vec<(Symbol, CallCount)>,
    /// Where each call stands; none while there are few.
    index: Option<Box<SeededMap<Symbol, usize>>>,
}

impl Calls {
    /// Counts one call.
    #[inline]
    pub(super) fn add(&mut self, call: Symbol, outcome: Outcome) {
        if let Some(count) = self.count(call) {
            count.add(outcome);
        }
    }

    /// Adds the counts of another.
    pub(super) fn merge(&mut self, other: Self) {
        for (call, count) in other.counts {
            if let Some(known) = self.count(call) {
                known.merge(count);
            }
        }
    }

    /// Every call and its count.
    pub fn iter(&self) -> impl Iterator<Item = &(Symbol, CallCount)> {
        self.counts.iter()
    }

    /// The count of a call, made if there is none yet.
    #[inline]
    fn count(&mut self, call: Symbol) -> Option<&mut CallCount> {
        let place = match &self.index {
            None => self.counts.iter().position(|(known, _)| *known == call),
            Some(index) => index.get(&call).copied(),
        };
        let place = place.unwrap_or_else(|| self.insert(call));
        self.counts.get_mut(place).map(|(_, count)| count)
    }

    fn insert(&mut self, call: Symbol) -> usize {
        let place = self.counts.len();
        // most findings have one
        if place == 0 {
            self.counts.reserve_exact(1);
        }
        self.counts.push((call, CallCount::default()));
        match &mut self.index {
            Some(index) => {
                index.insert(call, place);
            }
            None if place + 1 >= INDEXED => {
                let places = self.counts.iter().enumerate();
                let index = places.map(|(place, (call, _))| (*call, place)).collect();
                self.index = Some(Box::new(index));
            }
            None => {}
        }
        place
    }
}

impl FromIterator<(Symbol, CallCount)> for Calls {
    fn from_iter<I: IntoIterator<Item = (Symbol, CallCount)>>(counts: I) -> Self {
        let counts = counts.into_iter().collect();
        let mut calls = Self::default();
        calls.merge(Self {
            counts,
            index: None,
        });
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_alike_with_and_without_an_index() {
        let mut calls = Calls::default();
        let mut other = Calls::default();
        for round in 0..3_u32 {
            for number in 0..40 {
                calls.add(Symbol::from_number(number), Outcome::Success);
                other.add(
                    Symbol::from_number(number + 20 * (round % 2)),
                    Outcome::Success,
                );
            }
        }
        calls.merge(other);
        let counts: Vec<u64> = calls.iter().map(|(_, count)| count.succeeded).collect();
        let expected = [vec![5; 20], vec![6; 20], vec![1; 20]].concat();
        assert_eq!(counts, expected);
    }
}
