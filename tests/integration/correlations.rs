//! Correlations as a rule writer writes them, over events in any order: what each type counts, where
//! its window ends, what `not` means in it, how groups and chains find each other.

use crate::product;

use std::collections::BTreeSet;
use std::fs;

use product::run;
use serde_json::{Value, json};
use trailscan::derive::Organization;
use trailscan::rule_test::RuleTester;
use trailscan::rules::RuleSet;
use trailscan::rules::load::{RuleText, Settings, load};
use trailscan::rules::samples::Story;

/// Three detection rules: `a`, `b` and `c` find the calls A, B and C.
const CALLS: &str = "\
title: A
name: a
id: 00000000-0000-4000-8000-00000000000a
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
---
title: B
name: b
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: B}, condition: s}
---
title: C
name: c
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: C}, condition: s}
";

/// The calls and further documents.
fn texts(documents: &[&str]) -> Vec<RuleText> {
    let text = |(number, text): (usize, &&str)| RuleText {
        fault: None,
        file: format!("rules/{number}.yml"),
        text: (*text).to_owned(),
    };
    let all = [&[CALLS], documents].concat();
    all.iter().enumerate().map(text).collect()
}

/// A correlation called `x`, of all users apart, with this below `correlation:`.
fn correlation(section: &str) -> String {
    let section: Vec<&str> = section.split("; ").collect();
    let group = if section.iter().any(|line| line.starts_with("group-by")) {
        ""
    } else {
        "  group-by: [userIdentity.userName]\n"
    };
    format!(
        "title: X\nname: x\nlevel: low\ncorrelation:\n{group}  {}\n",
        section.join("\n  ")
    )
}

fn loaded(documents: &[&str]) -> RuleSet {
    let rules = load(&texts(documents), &Settings::default());
    assert_eq!(rules.rejected, []);
    rules
}

/// A call at a second of the day, by ana.
fn at(second: u32, call: &str) -> Value {
    by("ana", second, call)
}

fn by(user: &str, second: u32, call: &str) -> Value {
    let time = chrono::DateTime::from_timestamp(1_795_000_000 + i64::from(second), 0).unwrap();
    json!({
        "eventVersion": "1.11",
        "eventTime": time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventName": call,
        "eventSource": "s3.amazonaws.com",
        "userIdentity": { "type": "IAMUser", "userName": user },
    })
}

fn with(mut event: Value, more: Value) -> Value {
    let members = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(members);
    event
}

/// The correlations that find something; the same from either end.
fn found(rules: &RuleSet, events: &[Value]) -> BTreeSet<String> {
    let organization = Organization::default();
    let trial = RuleTester::new(rules, &organization);
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let found = trial.found(&Story::Events(texts.clone()));
    let backwards = texts.into_iter().rev().collect();
    assert_eq!(found, trial.found(&Story::Events(backwards)));
    let calls = ["a", "b", "c"];
    found
        .into_iter()
        .filter(|name| !calls.contains(&name.as_str()))
        .collect()
}

/// Whether the correlation finds something in these events.
#[track_caller]
fn fires(section: &str, events: &[Value]) -> bool {
    let document = correlation(section);
    found(&loaded(&[document.as_str()]), events).contains("x")
}

#[track_caller]
fn refused(section: &str, reason: &str) {
    let document = correlation(section);
    let rules = load(&texts(&[document.as_str()]), &Settings::default());
    let bad = rules
        .rejected
        .first()
        .unwrap_or_else(|| panic!("{section}"));
    assert!(bad.reason.contains(reason), "{section}: {}", bad.reason);
    assert_eq!(
        (bad.origin.file.as_str(), bad.origin.line),
        ("rules/1.yml", 1)
    );
}

#[test]
fn ten_in_ten_minutes_fire_at_ten_wherever_the_minutes_begin() {
    let ten = "type: event_count; rules: [a]; timespan: 10m; condition: {gte: 10}";
    let burst = |many: u32, from: u32, step: u32| -> Vec<Value> {
        (0..many).map(|n| at(from + n * step, "A")).collect()
    };
    assert!(fires(ten, &burst(10, 0, 60)));
    assert!(
        fires(ten, &burst(10, 555, 1)),
        "over the edge of a bucket of ten minutes"
    );
    assert!(!fires(ten, &burst(9, 0, 60)));
    let reach = |last: u32| [burst(9, 0, 1), vec![at(last, "A")]].concat();
    assert!(fires(ten, &reach(600)), "both ends of the window are in it");
    assert!(!fires(ten, &reach(601)));
    let of_two = [burst(5, 0, 1), (0..5).map(|n| by("ben", n, "A")).collect()].concat();
    assert!(!fires(ten, &of_two), "each group for itself");
    let nobody = with(at(0, "A"), json!({ "userIdentity": {} }));
    assert!(
        !fires(ten, &vec![nobody; 12]),
        "an event without the field is in no group"
    );
    let anybody =
        "type: event_count; group-by: []; rules: [a]; timespan: 10m; condition: {gte: 10}";
    assert!(fires(anybody, &of_two));
    let both = "type: event_count; rules: [a, b]; timespan: 10m; condition: {gte: 10}";
    let mixed: Vec<Value> = (0..10)
        .map(|n| at(n, if n % 2 == 0 { "A" } else { "B" }))
        .collect();
    assert!(fires(both, &mixed));
}

#[test]
fn thresholds_of_every_kind() {
    let three: Vec<Value> = (0..3).map(|n| at(n, "A")).collect();
    for (condition, expected) in [
        ("{gte: 3}", true),
        ("{gt: 2}", true),
        ("{gt: 3}", false),
        ("{eq: 3}", true),
        ("{neq: 3}", false),
        ("{lte: 3, gt: 2}", true),
        ("{lt: 3, gt: 1}", false),
        ("{gte: 2.5}", true),
        ("{gte: 3.5}", false),
        ("{gt: -1}", true),
    ] {
        let rule = format!("type: event_count; rules: [a]; timespan: 1m; condition: {condition}");
        assert_eq!(fires(&rule, &three), expected, "{condition}");
    }
    let low = "type: value_sum; rules: [a]; timespan: 1m; condition: {lt: -5, field: requestParameters.n}";
    let number = |n: Value| with(at(0, "A"), json!({ "requestParameters": { "n": n } }));
    assert!(fires(low, &[number(json!(-6))]));
    assert!(!fires(low, &[number(json!(-5))]));
}

#[test]
fn every_unit_of_time() {
    for (timespan, seconds) in [
        ("30s", 30),
        ("2m", 120),
        ("1h", 3_600),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1M", 2_629_746),
        ("1y", 31_556_952),
    ] {
        let rule =
            format!("type: event_count; rules: [a]; timespan: {timespan}; condition: {{gte: 2}}");
        assert!(fires(&rule, &[at(0, "A"), at(seconds, "A")]), "{timespan}");
        assert!(
            !fires(&rule, &[at(0, "A"), at(seconds + 1, "A")]),
            "{timespan}"
        );
    }
}

#[test]
fn values_are_counted_and_added_up() {
    let number = |second: u32, n: Value| {
        with(
            at(second, "A"),
            json!({ "requestParameters": { "n": n, "m": n } }),
        )
    };
    let numbers = |list: &[i64]| -> Vec<Value> {
        (0..)
            .zip(list)
            .map(|(second, n)| number(second, json!(n)))
            .collect()
    };
    let rule = |measure: &str, condition: &str| {
        format!(
            "type: {measure}; rules: [a]; timespan: 1m; condition: {{field: requestParameters.n, {condition}}}"
        )
    };
    for (measure, condition, events, expected) in [
        ("value_count", "gte: 3", numbers(&[1, 2, 1, 3]), true),
        ("value_count", "gte: 3", numbers(&[1, 2, 1, 2]), false),
        ("value_sum", "gte: 60", numbers(&[10, 20, 30]), true),
        ("value_sum", "gte: 61", numbers(&[10, 20, 30]), false),
        ("value_avg", "gte: 20", numbers(&[10, 20, 30]), true),
        ("value_avg", "gt: 20", numbers(&[20, 20, 20]), false),
        (
            "value_percentile",
            "percentile: 90, gte: 90",
            (1..=100).map(|n| number(n / 2, json!(n))).collect(),
            true,
        ),
        (
            "value_percentile",
            "percentile: 90, gt: 100",
            (1..=100).map(|n| number(n / 2, json!(n))).collect(),
            false,
        ),
        ("value_percentile", "gte: 30", numbers(&[10, 20, 30]), false),
        (
            "value_percentile",
            "percentile: 99.5, gte: 30",
            numbers(&[10, 20, 30]),
            true,
        ),
        // what is no number counts for nothing, and spoils nothing
        (
            "value_sum",
            "gte: 60",
            [
                numbers(&[10, 20, 30]),
                vec![
                    number(9, json!("NaN")),
                    number(9, json!("inf")),
                    number(9, json!(null)),
                ],
            ]
            .concat(),
            true,
        ),
    ] {
        // the window before the first has something enormous
        let rule = rule(measure, condition);
        assert_eq!(fires(&rule, &events), expected, "{rule}");
    }
    let pairs = "type: value_count; rules: [a]; timespan: 1m; condition: {field: [requestParameters.n, eventSource], gte: 2}";
    assert!(fires(pairs, &numbers(&[1, 2])));
    assert!(!fires(pairs, &numbers(&[1, 1])));
}

#[test]
fn rules_together_and_in_their_order() {
    let both = "type: temporal; rules: [a, b]; timespan: 5m";
    assert!(fires(both, &[at(300, "A"), at(0, "B")]));
    assert!(!fires(both, &[at(301, "A"), at(0, "B")]));
    assert!(!fires(both, &[at(0, "A"), at(1, "A")]), "one rule twice");
    assert!(!fires(both, &[at(0, "A"), by("ben", 1, "B")]), "two users");
    let ordered = "type: temporal_ordered; rules: [a, b]; timespan: 5m";
    assert!(fires(ordered, &[at(0, "A"), at(300, "B")]));
    assert!(!fires(ordered, &[at(300, "A"), at(0, "B")]));
    assert!(!fires(ordered, &[at(0, "A"), at(301, "B")]));
    // an early B is no hindrance
    assert!(fires(ordered, &[at(0, "B"), at(10, "A"), at(20, "B")]));
    let two = "type: temporal; rules: [a, b, c]; timespan: 5m; condition: {gte: 2}";
    assert!(fires(two, &[at(0, "C"), at(9, "B")]));
    assert!(!fires(two, &[at(0, "C"), at(9, "C")]));
}

#[test]
fn a_condition_over_rules() {
    let rule = |condition: &str| {
        format!("type: temporal; rules: [a, b, c]; timespan: 5m; condition: {condition}")
    };
    for (condition, calls, expected) in [
        ("a and b and c", "ABC", true),
        ("a and b and c", "AB", false),
        ("a and (b or c)", "CA", true),
        ("a and (b or c)", "CB", false),
        ("a and b and not c", "AB", true),
        ("a and b and not c", "ACB", false),
        ("a AND b AND NOT c", "BA", true),
        ("a and b AND NOT(c)", "BCA", false),
        ("1 of them", "C", true),
        ("2 of them", "CC", false),
        ("2 of them", "CA", true),
        ("all of them", "CAB", true),
        ("a and not 1 of (b, c)", "A", false),
        ("a and not (b or c)", "A", true),
        ("a and not (b or c)", "AC", false),
        ("(a and not b) or c", "ABC", true),
    ] {
        if condition.contains("(b, c)") {
            refused(&rule(condition), "");
            continue;
        }
        let events: Vec<Value> = (0..)
            .zip(calls.chars())
            .map(|(second, call)| at(second, &call.to_string()))
            .collect();
        assert_eq!(
            fires(&rule(condition), &events),
            expected,
            "{condition}: {calls}"
        );
    }
    // the rules are those of the condition where none are listed, and may go by their ids
    let bare = "type: temporal; timespan: 5m; condition: a and not b";
    assert!(fires(bare, &[at(0, "A")]));
    let by_id = "type: temporal; rules: [00000000-0000-4000-8000-00000000000a, b]; timespan: 5m; condition: 00000000-0000-4000-8000-00000000000a and b";
    assert!(fires(by_id, &[at(0, "A"), at(1, "B")]));
    assert!(!fires(by_id, &[at(0, "A")]));
}

#[test]
fn what_lacks_has_a_place_in_an_order() {
    let rule = |condition: &str| {
        format!("type: temporal_ordered; rules: [a, b, c]; timespan: 5m; condition: {condition}")
    };
    for (condition, calls, expected) in [
        ("a and c and not b", &[(0, "A"), (100, "C")][..], true),
        (
            "a and c and not b",
            &[(0, "A"), (50, "B"), (100, "C")],
            false,
        ),
        (
            "a and c and not b",
            &[(0, "A"), (100, "C"), (150, "B")],
            true,
        ),
        ("a and c and not b", &[(0, "C"), (100, "A")], false),
        (
            "a and b and not c",
            &[(0, "A"), (100, "B"), (300, "C")],
            false,
        ),
        (
            "a and b and not c",
            &[(0, "A"), (100, "B"), (301, "C")],
            true,
        ),
        (
            "b and c and not a",
            &[(0, "A"), (100, "B"), (200, "C")],
            false,
        ),
        (
            "b and c and not a",
            &[(0, "A"), (100, "B"), (301, "C")],
            true,
        ),
    ] {
        let events: Vec<Value> = calls
            .iter()
            .map(|(second, call)| at(*second, call))
            .collect();
        assert_eq!(
            fires(&rule(condition), &events),
            expected,
            "{condition}: {calls:?}"
        );
    }
}

#[test]
fn groups_by_fields_that_rules_call_differently() {
    let event = |second: u32, call: &str, parameters: Value| {
        with(at(second, call), json!({ "requestParameters": parameters }))
    };
    let same = [
        event(0, "A", json!({ "source": "x" })),
        event(1, "B", json!({ "target": "x" })),
    ];
    let other = [
        event(0, "A", json!({ "source": "x" })),
        event(1, "B", json!({ "target": "y" })),
    ];
    // by the names of the rules, whether they are watched by name or by id
    for (rules, alias) in [
        ("a", "a"),
        ("a", "00000000-0000-4000-8000-00000000000a"),
        ("00000000-0000-4000-8000-00000000000a", "a"),
    ] {
        let rule = format!(
            "type: temporal; rules: [{rules}, b]; group-by: [host]; aliases: {{host: {{{alias}: requestParameters.source, b: requestParameters.target}}}}; timespan: 5m"
        );
        assert!(fires(&rule, &same), "{rule}");
        assert!(!fires(&rule, &other), "{rule}");
    }
    refused(
        "type: temporal; rules: [a, b]; group-by: [host]; aliases: {host: {c: eventName}}; timespan: 5m",
        "`c`, which it does not watch",
    );
}

/// The specification's own example: many failures on a host, then a success of one of its users.
#[test]
fn a_chain_groups_by_its_own_fields() {
    let many = "title: M\nname: many\nlevel: low\ncorrelation: {type: event_count, rules: [a], group-by: [sourceIPAddress], timespan: 5m, condition: {gte: 3}}\n";
    let then = "title: T\nname: then\nlevel: low\ncorrelation: {type: temporal_ordered, rules: [many, b], group-by: [userIdentity.userName], timespan: 10m}\n";
    let from = |event: Value, host: &str| with(event, json!({ "sourceIPAddress": host }));
    let failures = |users: [&str; 3], host: &str| -> Vec<Value> {
        (0..)
            .zip(users)
            .map(|(second, user)| from(by(user, second, "A"), host))
            .collect()
    };
    let events = |users: [&str; 3], last: &str| {
        [
            failures(users, "192.0.2.1"),
            vec![from(by(last, 60, "B"), "192.0.2.9")],
        ]
        .concat()
    };
    // a correlation may stand before what it watches, in another file
    for documents in [[many, then], [then, many]] {
        let rules = loaded(&documents);
        assert_eq!(
            found(&rules, &events(["ana", "ben", "cleo"], "ben")),
            ["many", "then"].map(str::to_owned).into()
        );
        assert_eq!(
            found(&rules, &events(["ana", "ben", "cleo"], "dora")),
            ["many".to_owned()].into()
        );
        let early = [
            vec![by("ana", 1, "B")],
            failures(["ana", "ana", "ana"], "192.0.2.1"),
        ]
        .concat();
        assert_eq!(
            found(&rules, &early),
            ["many".to_owned()].into(),
            "it happens when it first fires"
        );
    }
    // by the same field, under another name
    let same = "title: T\nname: then\nlevel: low\ncorrelation: {type: temporal_ordered, rules: [many, b], group-by: [host], aliases: {host: {many: sourceIPAddress, b: sourceIPAddress}}, timespan: 10m}\n";
    let rules = loaded(&[many, same]);
    let on = |host: &str| {
        [
            failures(["ana", "ben", "cleo"], "192.0.2.1"),
            vec![from(by("dora", 60, "B"), host)],
        ]
        .concat()
    };
    assert!(found(&rules, &on("192.0.2.1")).contains("then"));
    assert!(!found(&rules, &on("192.0.2.2")).contains("then"));
    // three of a chain, each with fields of its own
    let top = "title: U\nname: top\nlevel: low\ncorrelation: {type: temporal, rules: [then, c], group-by: [awsRegion], timespan: 1h}\n";
    let rules = loaded(&[many, then, top]);
    let story = |region: &str| -> Vec<Value> {
        let mut events = events(["ana", "ben", "cleo"], "ben");
        events.push(with(by("dora", 90, "C"), json!({ "awsRegion": region })));
        let first = events[0].clone();
        events[1] = with(events[1].clone(), json!({ "awsRegion": "eu-west-1" }));
        events[0] = first;
        events
    };
    assert!(found(&rules, &story("eu-west-1")).contains("top"));
    assert!(!found(&rules, &story("us-east-1")).contains("top"));
}

#[test]
fn what_a_correlation_watches_is_silent_unless_it_generates() {
    let document = |generate: &str| {
        correlation(&format!(
            "type: temporal; rules: [a, b]; timespan: 5m{generate}"
        ))
    };
    let silent = |document: &str| -> Vec<bool> {
        let rules = loaded(&[document]);
        ["a", "b", "c"]
            .iter()
            .map(|name| rules.find(name).unwrap().silent)
            .collect()
    };
    assert_eq!(silent(&document("")), [true, true, false]);
    assert_eq!(silent(&document("; generate: true")), [false, false, false]);
    assert_eq!(
        silent(&format!("{}generate: true\n", document(""))),
        [false, false, false]
    );
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_reason() {
    for (section, reason) in [
        (
            "type: sum; rules: [a]; timespan: 5m; condition: {gte: 1}",
            "sum",
        ),
        (
            "type: event_count; rules: [nobody]; timespan: 5m; condition: {gte: 1}",
            "`nobody`, which is not loaded",
        ),
        (
            "type: event_count; rules: []; timespan: 5m; condition: {gte: 1}",
            "watches no rule",
        ),
        (
            "type: event_count; rules: [a, a]; timespan: 5m; condition: {gte: 1}",
            "twice",
        ),
        (
            "type: event_count; rules: [4711]; timespan: 5m; condition: {gte: 1}",
            "`rules` takes texts",
        ),
        ("type: event_count; rules: [a]; timespan: 5m", "condition"),
        ("type: event_count; rules: [a]; condition: {gte: 1}", "time"),
        (
            "type: event_count; rules: [a]; timespan: 0m; condition: {gte: 1}",
            "zero",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5 minutes; condition: {gte: 1}",
            "5 minutes",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5m; condition: {gte: many}",
            "not a number",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5m; condition: {atleast: 3}",
            "`atleast`",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5m; condition: a and b",
            "`temporal` and `temporal_ordered` only",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5m; window: tumbling; condition: {gte: 1}",
            "`window`",
        ),
        (
            "type: event_count; rules: [a]; group_by: [x]; timespan: 5m; condition: {gte: 1}",
            "`group_by`",
        ),
        (
            "type: value_count; rules: [a]; timespan: 5m; condition: {gte: 1}",
            "needs a `field`",
        ),
        (
            "type: value_median; rules: [a]; timespan: 5m; condition: {gte: 1, field: x}",
            "not in Sigma 2.1",
        ),
        (
            "type: value_percentile; rules: [a]; timespan: 5m; condition: {gte: 1, field: x, percentile: 101}",
            "at most 100",
        ),
        (
            "type: event_count; rules: [a]; timespan: 5m; condition: {gte: 1, field: eventName}",
            "`field` is for",
        ),
        (
            "type: value_sum; rules: [a]; timespan: 5m; condition: {gte: 1, field: x, percentile: 5}",
            "`percentile` is for",
        ),
        (
            "type: temporal; rules: [a, b]; timespan: 5m; condition: a and b and d",
            "`d`, which it does not watch",
        ),
        (
            "type: temporal; rules: [a, b, c]; timespan: 5m; condition: a and b",
            "does not name `c`",
        ),
        (
            "type: temporal; rules: [a, b]; timespan: 5m; condition: not a or b",
            "must need an event",
        ),
        (
            "type: temporal; rules: [a, b]; timespan: 5m; condition: a and b and not a",
            "never hold",
        ),
        (
            "type: temporal; rules: [a, b]; timespan: 5m; generate: maybe",
            "`generate`",
        ),
        (
            "type: temporal; rules: [a, b]; group-by: [trailscan.nonsense]; timespan: 5m",
            "not a derived field",
        ),
    ] {
        refused(section, reason);
    }
}

/// The finding of a correlation carries the events that made it, and says where absence could not
/// be known.
#[test]
fn a_finding_carries_its_events_and_owns_up_to_the_edge_of_the_logs() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    let logs = folder.path().join("logs");
    fs::create_dir_all(&rules).unwrap();
    fs::create_dir_all(&logs).unwrap();
    fs::write(rules.join("calls.yml"), CALLS).unwrap();
    fs::write(
        rules.join("x.yml"),
        correlation("type: temporal; rules: [a, b]; timespan: 5m; condition: a and not b"),
    )
    .unwrap();
    let events = [
        at(1_000, "A"),
        at(1_100, "B"),
        at(2_000, "A"),
        at(2_100, "A"),
        by("ben", 1_050, "A"),
        at(0, "C"),
        at(9_000, "A"),
    ];
    let events: Vec<Value> = (0..)
        .zip(events)
        .map(|(n, event)| with(event, json!({ "eventID": format!("e{n}") })))
        .collect();
    fs::write(
        logs.join("1.json"),
        json!({ "Records": events }).to_string(),
    )
    .unwrap();
    let ran = run(
        &logs,
        &["--rules", rules.to_str().unwrap(), "--no-builtin-rules"],
    );
    let findings = ran.json("findings.json")["findings"].take();
    let of_x = |finding: &&Value| finding["rule"] == "x";
    let said: Vec<(String, String)> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(of_x)
        .map(|finding| {
            let samples = finding["samples"].as_array().unwrap().iter();
            let ids: Vec<&str> = samples
                .map(|sample| sample["event_id"].as_str().unwrap())
                .collect();
            (
                ids.join(" "),
                finding["correlation"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let edge = "; near the edge of the scanned period; earlier or later events may be missing";
    assert_eq!(
        said,
        [
            (
                "e2 e3 e6".to_owned(),
                format!("a and not b within 5 minutes; 2 times in this period{edge}")
            ),
            ("e4".to_owned(), "a and not b within 5 minutes".to_owned()),
        ]
    );
}
