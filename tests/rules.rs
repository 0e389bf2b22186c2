//! Every rule that ships has events that it must find and near misses that it must not.
//!
//! `samples/rules/<service>/<rule>.jsonl` holds one case a line: `event`, `events` (a story of
//! several), or `repeat` (one event so many times). A case runs through the whole program but for
//! the files: detection, tally, correlation, report.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and say what it skipped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use trailscan::config::Config;
use trailscan::correlate::correlate;
use trailscan::detect::Detector;
use trailscan::pipeline::{self, Options, Progress};
use trailscan::report::{Provenance, Report};
use trailscan::rules::{RuleSet, load};
use trailscan::source::{Scope, local};

struct Quiet;

impl Progress for Quiet {
    fn object(&self, _bytes: u64, _events: u64) {}
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/rules")
}

/// The names of the rules, silent ones included, that found something in these events.
fn found(events: &[Value], rules: &RuleSet, config: &Config) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let text = serde_json::json!({ "Records": events }).to_string();
    std::fs::write(folder.path().join("log.json"), text).unwrap();
    let scope = Scope::all(chrono::Utc::now());
    let listing = local::list(folder.path(), &scope).unwrap();
    let detector = Detector::new(rules, &config.organization);
    let options = Options {
        jobs: 1,
        max_object_mib: 64,
    };
    let mut tally = pipeline::run(&listing, None, &detector, &scope, &options, &Quiet);
    assert!(
        tally.coverage.is_complete(),
        "{:?}",
        tally.coverage.problems
    );
    let bursts = correlate(rules, &mut tally);
    let name = |place: usize| rules.rules[place].name.clone();
    let mut names: BTreeSet<String> = tally.matches.keys().map(|rule| name(*rule)).collect();
    names.extend(bursts.iter().map(|burst| name(burst.correlation)));
    // the report must stand whatever was found
    let report = Report::new(Provenance::default(), rules, tally, bursts);
    assert!(
        report
            .findings
            .iter()
            .all(|finding| names.contains(&finding.rule))
    );
    names
}

/// The events of a case. Repeated ones get their own ids and times.
fn events(case: &Value) -> Vec<Value> {
    if let Some(repeat) = case.get("repeat") {
        let times = repeat["times"].as_i64().unwrap();
        let every = repeat["every_seconds"].as_i64().unwrap();
        let start: chrono::DateTime<chrono::Utc> = repeat["event"]["eventTime"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let copy = |n: i64| {
            let mut event = repeat["event"].clone();
            event["eventID"] = format!("00000000-0000-4000-8000-{n:012x}").into();
            let time = start + chrono::Duration::seconds(n * every);
            event["eventTime"] = time
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                .into();
            event
        };
        return (0..times).map(copy).collect();
    }
    match case.get("events") {
        Some(list) => list.as_array().unwrap().clone(),
        None => vec![case["event"].clone()],
    }
}

fn cases(rule: &str, service: &str) -> Vec<Value> {
    let file = samples().join(service).join(format!("{rule}.jsonl"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_rule_finds_its_hits_and_passes_its_near_misses() {
    let config = Config::load(Some(&samples().join("trailscan.toml"))).unwrap();
    let rules = load::load(&load::builtin(), &config.rules);
    assert_eq!(rules.rejected, []);
    assert_eq!(rules.unconfigured, []);
    let mut wrong = Vec::new();
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &rules.rules {
        let service = rule.origin.file.rsplit('/').nth(1).unwrap();
        let (mut hits, mut misses) = (0, 0);
        for case in cases(&rule.name, service) {
            let expected = case["expect"] == "match";
            let names = found(&events(&case), &rules, &config);
            if names.contains(&rule.name) != expected {
                wrong.push(format!(
                    "{}: expected {}, found {names:?}: {}",
                    rule.name, case["expect"], case["why"]
                ));
            }
            *(if expected { &mut hits } else { &mut misses }) += 1;
        }
        assert!(
            hits > 0 && misses > 0,
            "{} needs a hit and a near miss",
            rule.name
        );
        tried.insert(&rule.name, hits + misses);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "{} rules, {} cases",
        tried.len(),
        tried.values().sum::<usize>()
    );
}
