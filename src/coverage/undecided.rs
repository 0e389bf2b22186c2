//! Events that a rule could not decide, because the record omits the request parameters.

use std::collections::BTreeSet;

use bitcode::{Decode, Encode};

use super::Hours;
use crate::event::time::Epoch;

/// When a rule could not decide an event, and which calls these were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Undecided {
    pub hours: Hours,
    /// The first [`Undecided::MOST_CALLS`] names in the order of the alphabet.
    pub calls: BTreeSet<String>,
}

impl Undecided {
    /// How many calls are named.
    pub const MOST_CALLS: usize = 8;

    /// Adds an event.
    pub fn insert(&mut self, hour: Epoch, call: &str) {
        self.hours.insert(hour);
        if !self.calls.contains(call) {
            self.name([call.to_owned()]);
        }
    }

    /// Adds what another part of the run could not decide.
    pub fn merge(&mut self, other: Self) {
        self.hours.extend(&other.hours);
        self.name(other.calls);
    }

    fn name(&mut self, calls: impl IntoIterator<Item = String>) {
        self.calls.extend(calls);
        while self.calls.len() > Self::MOST_CALLS {
            self.calls.pop_last();
        }
    }
}
