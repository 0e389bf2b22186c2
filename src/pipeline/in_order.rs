//! What comes in any order, handed on in order.

use std::collections::BTreeMap;

/// An accumulator that gets each thing when all things before it have come.
#[derive(Debug)]
pub(super) struct InOrder<A, T> {
    accumulator: A,
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<A, T> InOrder<A, T> {
    /// Begins with thing 0.
    pub(super) const fn new(accumulator: A) -> Self {
        Self {
            accumulator,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Accepts a thing with its number, and adds to the accumulator all things that can follow now.
    pub(super) fn push(&mut self, number: u64, thing: T, mut add: impl FnMut(&mut A, T)) {
        self.waiting.insert(number, thing);
        while let Some(thing) = self.waiting.remove(&self.next) {
            add(&mut self.accumulator, thing);
            self.next += 1;
        }
    }

    /// The accumulator as it stands.
    pub(super) const fn accumulator(&self) -> &A {
        &self.accumulator
    }

    /// The same, to be changed.
    pub(super) const fn accumulator_mut(&mut self) -> &mut A {
        &mut self.accumulator
    }

    /// The accumulator, and how many things it got.
    pub(super) fn finish(self) -> (A, u64) {
        (self.accumulator, self.next)
    }
}
