//! Runs rules on their own samples: what a rule must find, and near misses that it must not match.
//!
//! A case goes the way of real events from detection to correlation; only the reading of files is
//! left out, so that ten thousand copies of an event cost no more than looking at them.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::correlate::correlate;
use crate::derive::Organization;
use crate::detect::{Detection, Detector};
use crate::event::json::Raw;
use crate::event::{Event, Key};
use crate::history::History;
use crate::rules::explain::{Explained, explain};
use crate::rules::samples::{Case, Expect, Story};
use crate::rules::{Rule, RuleSet};
use crate::tally::{ObjectScan, Tally, Unreadable};

/// How many events of a story are explained where a rule got it wrong.
const MOST_EXPLAINED: usize = 3;

/// A rule set that is to be tried.
#[derive(Debug)]
pub struct RuleTester<'r> {
    rules: &'r RuleSet,
    organization: &'r Organization,
    detector: Detector<'r>,
}

/// How a rule did.
#[derive(Debug)]
pub struct TestOutcome {
    /// Cases that it must find, and near misses.
    pub hits: usize,
    pub misses: usize,
    pub failures: Vec<Failure>,
}

/// A case that went wrong.
#[derive(Debug)]
pub struct Failure {
    pub line: usize,
    pub expect: Expect,
    pub why: String,
    /// The rules that found something instead.
    pub found: BTreeSet<String>,
    /// Of a detection rule: its condition over the events of the case.
    pub explained: Vec<Explained>,
}

impl<'r> RuleTester<'r> {
    /// Prepares a rule set.
    pub fn new(rules: &'r RuleSet, organization: &'r Organization) -> Self {
        Self {
            rules,
            organization,
            detector: Detector::new(rules, organization),
        }
    }

    /// Tries every case of one rule.
    pub fn of(&self, rule: &Rule, cases: &[Case]) -> TestOutcome {
        let mut tried = TestOutcome {
            hits: 0,
            misses: 0,
            failures: Vec::new(),
        };
        for case in cases {
            match case.expect {
                Expect::Match => tried.hits += 1,
                Expect::Pass => tried.misses += 1,
            }
            let found = self.found(&case.story);
            if found.contains(&rule.name) != (case.expect == Expect::Match) {
                tried.failures.push(Failure {
                    line: case.line,
                    expect: case.expect,
                    why: case.why.clone(),
                    found,
                    explained: self.explained(rule, case),
                });
            }
        }
        tried
    }

    /// The names of the rules, silent ones included, that find something in a story.
    pub fn found(&self, story: &Story) -> BTreeSet<String> {
        let mut scanned = ObjectScan {
            object: "samples".to_owned(),
            ..ObjectScan::default()
        };
        let mut detection = Detection::new(&self.detector);
        let mut take = |event: &Event<'_>| {
            let record = u32::try_from(scanned.seen.len()).unwrap_or(u32::MAX);
            detection.take(event, record, &mut scanned);
        };
        match story {
            Story::Events(records) => records.iter().for_each(|record| take(&event(record))),
            Story::Repeat {
                event: record,
                times,
                every_seconds,
            } => {
                for stamps in copies(record, *times, *every_seconds) {
                    let mut copy = event(record);
                    copy.note(Key::EventId.as_str().into(), Raw::new(&stamps.0));
                    copy.note(Key::EventTime.as_str().into(), Raw::new(&stamps.1));
                    copy.finish();
                    take(&copy);
                }
            }
        }
        scanned.coverage.records.records = scanned.seen.len() as u64;
        scanned.coverage.records.evaluated = scanned.seen.len() as u64;
        let mut tally = Tally::default();
        tally.absorb(scanned, &Unreadable);
        let learning_days = self.organization.learning_days;
        History::default().settle(self.rules, &mut tally, learning_days);
        let bursts = correlate(self.rules, &mut tally);
        let matched = tally.matches.iter().enumerate();
        let places = matched
            .filter(|(_, events)| **events > 0)
            .map(|(place, _)| place);
        places
            .chain(bursts.iter().map(|bursts| bursts.key.correlation))
            .filter_map(|place| self.rules.rules.get(place))
            .map(|rule| rule.name.clone())
            .collect()
    }

    /// Why: the events that the rule found though it should not, or those that it did not find.
    fn explained(&self, rule: &Rule, case: &Case) -> Vec<Explained> {
        let records = match &case.story {
            Story::Events(records) => records.as_slice(),
            Story::Repeat { event, .. } => std::slice::from_ref(event),
        };
        records
            .iter()
            .filter_map(|record| explain(rule, &event(record), self.organization))
            .filter(|explained| explained.holds == (case.expect == Expect::Pass))
            .take(MOST_EXPLAINED)
            .collect()
    }
}

/// The record of that JSON text.
fn event(record: &str) -> Event<'_> {
    let mut event = Event::default();
    for (name, value) in Raw::new(record).members() {
        event.note(name, value);
    }
    event.finish();
    event
}

/// The id and time of each copy, as JSON. Copies of an event without a readable time have none.
fn copies(
    record: &str,
    times: u32,
    every_seconds: i64,
) -> impl Iterator<Item = (String, String)> + use<> {
    let start = event(record)
        .time()
        .and_then(|time| DateTime::<Utc>::from_timestamp(time, 0));
    (0..times).map(move |copy| {
        let after = Duration::try_seconds(every_seconds.saturating_mul(i64::from(copy)));
        let time = start
            .zip(after)
            .and_then(|(start, after)| start.checked_add_signed(after))
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .unwrap_or_default();
        (
            format!("\"00000000-0000-4000-8000-{copy:012x}\""),
            format!("\"{time}\""),
        )
    })
}
