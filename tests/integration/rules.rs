//! Every rule that ships has events that it must find and near misses that it must not.
//!
//! `samples/rules/<service>/<rule>.jsonl` holds one case a line: `event`, `events` (a story of
//! several), or `repeat` (one event so many times). `trailscan rules test` tries them with the same
//! code as here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use trailscan::config::Config;
use trailscan::correlate::correlate;
use trailscan::derive::Derived;
use trailscan::detect::Detector;
use trailscan::event::Event;
use trailscan::event::json::Raw;
use trailscan::history::History;
use trailscan::pipeline::{self, Input, Options, Progress, Work};
use trailscan::provenance::Provenance;
use trailscan::report::Report;
use trailscan::rule_test::RuleTester;
use trailscan::rules::samples::{self, Case, Expect, Story};
use trailscan::rules::{RuleSet, load};
use trailscan::source::{Scope, local};

struct Quiet;

impl Progress for Quiet {
    fn listed(&self, _objects: u64) {}
    fn remark(&self, _: &trailscan::safe_text::TerminalText) {}
    fn object(&self, _bytes: u64, _events: u64) {}
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/rules")
}

fn rules_and_cases() -> (Config, RuleSet, BTreeMap<String, Vec<Case>>) {
    let config = Config::load(Some(&folder().join("trailscan.toml"))).unwrap();
    let rules = load::load(&load::builtin(), &config.rules);
    assert_eq!(rules.rejected, []);
    assert_eq!(rules.unconfigured, []);
    let files = samples::files(&folder()).unwrap();
    let cases = files
        .into_iter()
        .map(|(name, file)| (name, samples::cases(&file).unwrap()))
        .collect();
    (config, rules, cases)
}

#[test]
fn every_rule_finds_its_hits_and_passes_its_near_misses() {
    let (config, rules, cases) = rules_and_cases();
    let trial = RuleTester::new(&rules, &config.organization);
    let mut wrong = Vec::new();
    let mut count = 0;
    for rule in &rules.rules {
        let tried = trial.of(rule, &cases[&rule.name]);
        assert!(
            tried.hits > 0 && tried.misses > 0,
            "{} needs a hit and a near miss",
            rule.name
        );
        count += tried.hits + tried.misses;
        wrong.extend(tried.failures.iter().map(|failure| {
            format!(
                "{}:{}: expected {:?}, found {:?}: {}",
                rule.name, failure.line, failure.expect, failure.found, failure.why
            )
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let names: BTreeSet<&String> = rules.rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names, cases.keys().collect(), "samples of no rule");
    println!("{} rules, {count} cases", rules.rules.len());
}

/// The trial leaves out the reading of files; here the same stories come from one.
#[test]
fn a_story_in_a_log_file_is_found_as_in_a_trial() {
    let (config, rules, cases) = rules_and_cases();
    let trial = RuleTester::new(&rules, &config.organization);
    let detector = Detector::new(&rules, &config.organization);
    let scope = Scope::all(chrono::Utc::now());
    let options = Options {
        jobs: 1,
        max_object_mib: 64,
        ..Options::default()
    };
    for (name, cases) in &cases {
        let story = cases
            .iter()
            .find(|case| case.expect == Expect::Match && matches!(case.story, Story::Events(_)));
        let Some(Story::Events(events)) = story.map(|case| &case.story) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{{\"Records\":[{}]}}", events.join(","));
        std::fs::write(folder.path().join("log.json"), text).unwrap();
        let tree = local::walk(folder.path(), &scope).unwrap();
        let mut tally = pipeline::run(
            Input::Files(tree),
            Work::rules(&detector),
            &scope,
            &options,
            &Quiet,
        );
        assert!(
            tally.coverage.is_complete(),
            "{:?}",
            tally.coverage.problems
        );
        History::default().settle(&rules, &mut tally, None);
        let bursts = correlate(&rules, &mut tally);
        let of = |place: usize| rules.rules[place].name.clone();
        let matched = tally.matches.iter().enumerate();
        let mut found: BTreeSet<String> = matched
            .filter(|(_, events)| **events > 0)
            .map(|(rule, _)| of(rule))
            .collect();
        found.extend(bursts.iter().map(|bursts| of(bursts.key.correlation)));
        assert_eq!(found, trial.found(&Story::Events(events.clone())), "{name}");
        // the report must stand whatever was found
        let report = Report::new(Provenance::default(), &rules, tally, bursts);
        let in_report = |finding: &trailscan::finding::Finding| found.contains(&finding.rule);
        assert!(report.findings.iter().all(in_report));
    }
}

/// `rules lint` takes a value that a derived field never has for a mistake.
#[test]
fn derived_fields_say_all_the_words_they_use() {
    let (config, _, cases) = rules_and_cases();
    let stories = cases.values().flatten().map(|case| &case.story);
    let records = stories.flat_map(|story| match story {
        Story::Events(events) => events.as_slice(),
        Story::Repeat { event, .. } => std::slice::from_ref(event),
    });
    for record in records {
        let mut event = Event::default();
        for (name, value) in Raw::new(record).members() {
            event.note(name, value);
        }
        event.finish();
        for derived in Derived::ALL
            .iter()
            .filter(|field| !field.words().is_empty())
        {
            if let Some(value) = derived.value(&event, &config.organization) {
                let word = value.as_text().unwrap();
                assert!(derived.words().contains(&&*word), "{derived:?}: {word}");
            }
        }
    }
}
