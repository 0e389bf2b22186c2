//! A second opinion: rsigma-eval on every record that we have, with every rule that is plain Sigma.
//!
//! rsigma-eval shares our parser of YAML and conditions and nothing else. Where the two differ,
//! `opinions/differences.toml` says who is right and which sentence decides it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly and say what it skipped"
)]

mod opinions;
mod product;

use opinions::{Corpus, Matches, compare, corpora, print_matches, standard_rules};
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine};
use serde_json::{Value, json};
use trailscan::derive::Organization;
use trailscan::rules::RuleSet;
use trailscan::rules::load::{RuleText, Settings, load};
use trailscan::rules::samples::Story;
use trailscan::trial::Trial;

fn engine(text: &str) -> Engine {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    let mut engine = Engine::new();
    engine.add_collection(&collection).unwrap();
    engine
}

#[test]
fn rsigma_eval_matches_what_we_match() {
    let Some((rules, texts)) = standard_rules() else {
        return;
    };
    let corpora = corpora(&rules);
    print_matches(&corpora);
    let engines: Vec<(&String, Engine)> = texts
        .iter()
        .map(|(name, text)| (name, engine(text)))
        .collect();
    compare("rsigma-eval", &corpora, &|corpus: &Corpus| {
        let mut matches = Matches::new();
        for record in &corpus.records {
            let event = JsonEvent::borrow(&record.value);
            for (name, engine) in &engines {
                if !engine.evaluate(&event).is_empty() {
                    let places = matches.entry((*name).clone()).or_default();
                    places.insert(record.place.clone());
                }
            }
        }
        matches
    });
}

/// Three rules by id, which is what rsigma-eval 0.23 finds the rules of a correlation by.
const CALLS: &str = "\
title: A
id: ida
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
---
title: B
id: idb
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: B}, condition: s}
---
title: C
id: idc
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: C}, condition: s}
";

/// What both engines mean by a correlation, over histories of one user in the order of time.
const MEANT_ALIKE: [&str; 11] = [
    "type: event_count, rules: [ida], condition: {gte: 3}",
    "type: event_count, rules: [ida, idb], condition: {gt: 3}",
    "type: value_count, rules: [ida, idc], condition: {gte: 3, field: sourceIPAddress}",
    "type: value_sum, rules: [ida], condition: {gte: 25, field: requestParameters.n}",
    "type: temporal_ordered, rules: [ida, idb]",
    "type: temporal_ordered, rules: [idc, ida, idb]",
    "type: temporal, rules: [ida, idb], condition: ida and idb",
    "type: temporal, rules: [ida, idb, idc], condition: ida and (idb or idc)",
    "type: temporal, rules: [ida, idb, idc], condition: ida and idb and idc",
    "type: temporal, rules: [ida, idb, idc], condition: ida and idb or idc",
    "type: temporal_ordered, rules: [ida, idb, idc], condition: ida and idb and idc",
];

/// Where they differ. rsigma-eval judges when an event arrives, so `not` asks only what came before:
/// "a" fires although "b" follows a second later. Ours asks for the timespan on both sides
/// (src/correlate/pattern.rs), so whatever we find they find as well.
const NOT_ALIKE: [&str; 2] = [
    "type: temporal, rules: [ida, idb], condition: ida and not idb",
    "type: temporal, rules: [ida, idb, idc], condition: ida and idb and not idc",
];

fn correlation(section: &str) -> String {
    format!(
        "{CALLS}---\ntitle: X\nid: idx\nlevel: low\ncorrelation: {{{section}, group-by: [userIdentity.userName], timespan: 60s}}\n"
    )
}

/// Events of one user with times that rise, from numbers that look random.
fn history(dice: &mut u64) -> Vec<(i64, Value)> {
    let mut below = |end: u64| {
        *dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % end
    };
    let mut times: Vec<i64> = (0..below(12))
        .map(|_| 1_795_000_000 + i64::try_from(below(240)).unwrap())
        .collect();
    times.sort_unstable();
    let event = |time: i64| {
        let call = ["A", "B", "C"][usize::try_from(below(3)).unwrap()];
        let address = format!("192.0.2.{}", below(4));
        let text = chrono::DateTime::from_timestamp(time, 0).unwrap();
        let event = json!({
            "eventVersion": "1.11",
            "eventTime": text.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventName": call,
            "sourceIPAddress": address,
            "userIdentity": { "userName": "ana" },
            "requestParameters": { "n": below(20) },
        });
        (time, event)
    };
    times.into_iter().map(event).collect()
}

fn ours(rules: &RuleSet, history: &[(i64, Value)]) -> bool {
    let organization = Organization::default();
    let events = history.iter().map(|(_, event)| event.to_string()).collect();
    let found = Trial::new(rules, &organization).found(&Story::Events(events));
    let x = rules.rules.iter().find(|rule| rule.id == "idx").unwrap();
    found.contains(&x.name)
}

fn theirs(text: &str, history: &[(i64, Value)]) -> bool {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    assert_eq!(collection.errors, [""; 0]);
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).unwrap();
    history.iter().any(|(time, event)| {
        let found = engine.process_event_at(&JsonEvent::borrow(event), *time);
        found.iter().any(|result| result.is_correlation())
    })
}

#[test]
fn rsigma_eval_correlates_what_we_correlate() {
    let mut dice = 5;
    let histories: Vec<_> = (0..400).map(|_| history(&mut dice)).collect();
    for section in MEANT_ALIKE.iter().chain(&NOT_ALIKE) {
        let text = correlation(section);
        let file = RuleText {
            file: "x.yml".into(),
            text: text.clone(),
        };
        let rules = load(&[file], &Settings::default());
        assert_eq!(rules.rejected, []);
        let (mut both, mut none, mut they) = (0, 0, 0);
        for history in &histories {
            match (ours(&rules, history), theirs(&text, history)) {
                (true, true) => both += 1,
                (false, false) => none += 1,
                (false, true) if NOT_ALIKE.contains(section) => they += 1,
                (we, they) => panic!("{section}: ours {we}, theirs {they}: {history:#?}"),
            }
        }
        println!("{section}: {both} fire, {none} do not, {they} fire for rsigma-eval alone");
        assert!(both > 20 && none > 20, "{section}: {both} {none}");
        assert_eq!(they > 0, NOT_ALIKE.contains(section), "{section}");
    }
}
