//! Rules against event after event: what the source and the name of a call decide, they decide
//! once.
//!
//! Of the hundreds of rules, most ask for another service or another call, and of the few that are
//! left most ask for nothing else. So the first event of each pair of `eventSource` and `eventName`
//! finds out what is left of every rule, and the next ones are held against that.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::RuleSet;
use super::matcher::{Known, Node};
use crate::derive::Organization;
use crate::event::{Event, Key};

/// How many pairs are remembered. AWS has about ten thousand; an account uses some hundreds, and
/// invented names must not fill the memory.
const MOST_PAIRS: usize = 16_384;

/// One worker's way to match events. See the module's own words.
#[derive(Debug)]
pub struct Matcher<'r> {
    set: &'r RuleSet,
    pairs: HashTable<Pair>,
}

/// What is left of the rules for calls of one name.
#[derive(Debug)]
struct Pair {
    hash: u64,
    /// The values as they stand in the log, quotes included.
    source: Box<str>,
    name: Box<str>,
    /// Rules in the order of the rule set; with nothing where nothing is left to ask.
    left: Vec<(usize, Option<Node>)>,
}

impl<'r> Matcher<'r> {
    /// Nothing is known yet.
    pub fn new(set: &'r RuleSet) -> Self {
        Self {
            set,
            pairs: HashTable::new(),
        }
    }

    /// Adds the place of every detection rule that matches the event. The organization must be the
    /// same at every call.
    pub fn matches(
        &mut self,
        event: &Event<'_>,
        organization: &Organization,
        found: &mut Vec<usize>,
    ) {
        let (source, name) = (event.raw(Key::EventSource), event.raw(Key::EventName));
        let nested = |value: crate::event::json::Raw<'_>| value.is_object() || value.is_array();
        if nested(source) || nested(name) {
            return self
                .set
                .matches(event, organization, |place| found.push(place));
        }
        let (source, name) = (source.as_str(), name.as_str());
        let hash = FxBuildHasher.hash_one((source, name));
        let same =
            |pair: &Pair| pair.hash == hash && *pair.name == *name && *pair.source == *source;
        if let Some(pair) = self.pairs.find(hash, same) {
            return pair.matches(event, organization, found);
        }
        if self.pairs.len() >= MOST_PAIRS {
            return self
                .set
                .matches(event, organization, |place| found.push(place));
        }
        let mut left = Vec::new();
        self.set.candidates(event, |place, node| {
            match node.given_the_call(event, organization) {
                Known::Holds(true) => left.push((place, None)),
                Known::Holds(false) => {}
                Known::Asks(node) => left.push((place, Some(node.ordered()))),
            }
        });
        let pair = Pair {
            hash,
            source: source.into(),
            name: name.into(),
            left,
        };
        pair.matches(event, organization, found);
        self.pairs.insert_unique(hash, pair, |pair| pair.hash);
    }
}

impl Pair {
    fn matches(&self, event: &Event<'_>, organization: &Organization, found: &mut Vec<usize>) {
        for (place, node) in &self.left {
            if node
                .as_ref()
                .is_none_or(|node| node.matches(event, organization))
            {
                found.push(*place);
            }
        }
    }
}
