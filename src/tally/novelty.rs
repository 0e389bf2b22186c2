//! What history said, once it was asked.

use std::collections::{BTreeMap, BTreeSet};

use super::group::GroupKey;
use crate::event::time::Epoch;

/// What is new, and which rules have not learned yet what is.
#[derive(Debug, Default)]
pub struct Novelty {
    /// By the group that it made.
    pub new: BTreeMap<GroupKey, New>,
    /// By the rule's place in the rule set; rules that have learned are left out.
    pub learning: BTreeMap<u32, Learning>,
}

/// What was new.
#[derive(Debug, Default)]
pub struct New {
    /// In what respect: the word behind `trailscan.first_seen.`
    pub what: &'static str,
    /// The values; empty where the actor itself is new.
    pub values: BTreeSet<String>,
}

/// A rule that has to learn what is usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learning {
    /// The account that it knows for the shortest time, and since when.
    pub account: String,
    pub begun: Epoch,
    /// From then on it tells what is new in that account.
    pub until: Epoch,
    /// It was still learning during all of this run.
    pub wholly: bool,
}

impl Novelty {
    /// Notes what a group is about.
    pub fn add(&mut self, group: GroupKey, what: &'static str, value: &str) {
        let new = self.new.entry(group).or_default();
        new.what = what;
        if !value.is_empty() {
            new.values.insert(value.to_owned());
        }
    }
}
