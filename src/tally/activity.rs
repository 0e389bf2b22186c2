//! How much happened, by hour, by caller and by call.

use std::collections::BTreeMap;

use crate::event::time::Epoch;
use crate::finding::Outcome;
use crate::interner::Symbol;
use crate::seeded::SeededMap;

/// What the tables of activity are drawn from: one sum for each line that a table may have, so that
/// it is small whatever the logs hold.
#[derive(Debug, Default)]
pub struct ActivitySums {
    /// By the hour's start; undated records are in none.
    pub hours: BTreeMap<Epoch, Sum>,
    /// By role or user, without the session.
    pub callers: SeededMap<Symbol, Sum>,
    /// By service and call.
    pub calls: SeededMap<(Symbol, Symbol), Sum>,
}

/// Events, and how many of them were refused or failed otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub events: u64,
    pub denied: u64,
    pub failed: u64,
}

impl ActivitySums {
    /// Counts events of one hour, caller, call and outcome.
    pub fn add(
        &mut self,
        hour: Option<Epoch>,
        caller: Symbol,
        call: (Symbol, Symbol),
        outcome: Outcome,
        events: u64,
    ) {
        if let Some(hour) = hour {
            self.hours.entry(hour).or_default().add(outcome, events);
        }
        self.callers.entry(caller).or_default().add(outcome, events);
        self.calls.entry(call).or_default().add(outcome, events);
    }
}

impl Sum {
    fn add(&mut self, outcome: Outcome, events: u64) {
        self.events += events;
        match outcome {
            Outcome::Success => {}
            Outcome::Denied => self.denied += events,
            Outcome::Failed => self.failed += events,
        }
    }
}
