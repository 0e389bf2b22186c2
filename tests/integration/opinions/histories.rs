//! Histories of one user and correlations over them, for every engine that has an opinion.

use serde_json::{Value, json};
use trailscan::derive::Organization;
use trailscan::rule_test::RuleTester;
use trailscan::rules::RuleSet;
use trailscan::rules::load::{RuleText, Settings, load};
use trailscan::rules::samples::Story;

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
pub const MEANT_ALIKE: [&str; 11] = [
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

/// Where they differ: what `not` means in a window the specification leaves open. rsigma-eval judges
/// when an event arrives and asks only what came before; pySigma's SQLite backend asks only what
/// follows. Ours asks for the timespan on both sides (src/correlate/pattern.rs), so whatever we find
/// they find as well.
pub const NOT_ALIKE: [&str; 2] = [
    "type: temporal, rules: [ida, idb], condition: ida and not idb",
    "type: temporal, rules: [ida, idb, idc], condition: ida and idb and not idc",
];

pub fn correlation(section: &str) -> String {
    format!(
        "{CALLS}---\ntitle: X\nid: idx\nlevel: low\ncorrelation: {{{section}, group-by: [userIdentity.userName], timespan: 60s}}\n"
    )
}

/// Events of one user with times that rise, from numbers that look random.
pub fn history(dice: &mut u64) -> Vec<(i64, Value)> {
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
    // SQL takes events of one second to be in no order, the others in the order of the rules
    times.dedup();
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

pub fn ours(rules: &RuleSet, history: &[(i64, Value)]) -> bool {
    let organization = Organization::default();
    let events = history.iter().map(|(_, event)| event.to_string()).collect();
    let found = RuleTester::new(rules, &organization).found(&Story::Events(events));
    let x = rules.rules.iter().find(|rule| rule.id == "idx").unwrap();
    found.contains(&x.name)
}

/// The rules of a correlation's text.
pub fn rules(text: &str) -> RuleSet {
    let file = RuleText {
        fault: None,
        file: "x.yml".into(),
        text: text.to_owned(),
    };
    let rules = load(&[file], &Settings::default());
    assert_eq!(rules.rejected, []);
    rules
}

/// Holds another engine's verdicts over all histories against ours.
pub fn compare(section: &str, histories: &[Vec<(i64, Value)>], theirs: &dyn Fn(usize) -> bool) {
    let rules = rules(&correlation(section));
    let (mut both, mut none, mut they) = (0, 0, 0);
    for (number, history) in histories.iter().enumerate() {
        match (ours(&rules, history), theirs(number)) {
            (true, true) => both += 1,
            (false, false) => none += 1,
            (false, true) if NOT_ALIKE.contains(&section) => they += 1,
            (we, they) => panic!("{section}: ours {we}, theirs {they}: {history:#?}"),
        }
    }
    println!("{section}: {both} fire, {none} do not, {they} fire for them alone");
    assert!(both > 20 && none > 20, "{section}: {both} {none}");
    assert_eq!(they > 0, NOT_ALIKE.contains(&section), "{section}");
}

/// The same in every run.
pub fn histories() -> Vec<Vec<(i64, Value)>> {
    let mut dice = 5;
    (0..400).map(|_| history(&mut dice)).collect()
}
