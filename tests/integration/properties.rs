//! What must hold for any events in any order: the index leaves no rule out, and files are an
//! accident of delivery.

use crate::opinions;
use crate::product;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use opinions::{each_corpus, each_record};
use product::{Ran, run, samples, shared};
use serde_json::{Map, Value, json};
use trailscan::config::Config;
use trailscan::derive::{Organization, outcome};
use trailscan::event::Event;
use trailscan::rules::load::{self, RuleText};
use trailscan::rules::{Matcher, Placeholders, RuleKind, RuleSet};

/// Numbers that look random and are the same in every run (SplitMix64).
struct RandomNumbers(u64);

impl RandomNumbers {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

/// Our rules under the samples' configuration, and SigmaHQ's where they are at hand; and of each
/// what it asks for.
fn all_rules() -> (RuleSet, Organization, Vec<Wanted>) {
    let config = Config::load(Some(&samples("rules/trailscan.toml"))).unwrap();
    let mut texts = load::builtin();
    if let Some(folder) = shared("sigmahq/cloudtrail") {
        texts.extend(load::folder(&folder).unwrap());
    }
    let rules = load::load(&texts, &config.rules);
    assert_eq!(rules.rejected, []);
    let asked = texts
        .iter()
        .map(|text| wanted(text, &config.rules.placeholders))
        .filter(|parts| !parts.is_empty())
        .collect();
    (rules, config.organization, asked)
}

/// A rule's fields with the values it asks for: what its events are made of.
type Wanted = Vec<(String, Value)>;

fn wanted(rule: &RuleText, placeholders: &Placeholders) -> Wanted {
    let mut found = Vec::new();
    for document in rule.text.split("\n---") {
        let document: Value = yaml_serde::from_str(document).unwrap();
        for (name, part) in document["detection"].as_object().into_iter().flatten() {
            if name != "condition" {
                collect(part, &mut found);
            }
        }
    }
    for (_, value) in &mut found {
        let name = value.as_str().map(|text| text.trim_matches('%'));
        if let Some(list) = name.and_then(|name| placeholders.get(name)) {
            *value = list.first().unwrap().as_str().into();
        }
    }
    found
}

fn collect(part: &Value, found: &mut Wanted) {
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, found)),
        Value::Object(fields) => {
            for (key, values) in fields {
                let field = key.split('|').next().unwrap();
                // derived fields are not in the record: what they are derived from is
                if field.is_empty() || field.starts_with("trailscan.") {
                    continue;
                }
                match values {
                    Value::Array(values) => {
                        found.extend(values.iter().map(|value| (field.to_owned(), value.clone())));
                    }
                    value => found.push((field.to_owned(), value.clone())),
                }
            }
        }
        _ => {}
    }
}

/// The events of all samples of rules.
fn bases() -> Vec<Value> {
    let mut events = Vec::new();
    each_corpus(&mut |name, files| {
        if name.starts_with("samples/") {
            for (_, log) in files {
                let mut log: Value = serde_json::from_slice(log).unwrap();
                events.append(log["Records"].as_array_mut().unwrap());
            }
        }
    });
    events
}

/// An event that has most of what some rule asks for, or a sample's with a part of that; in both,
/// accidents happen.
fn event(dice: &mut RandomNumbers, rules: &[Wanted], bases: &[Value]) -> Value {
    let mut parts = dice.pick(rules);
    dice.shuffle(&mut parts);
    let mut event;
    if dice.one_in(2) {
        event = dice.pick(bases);
        parts.truncate(dice.below(3));
    } else {
        event = json!({ "eventVersion": "1.11", "eventType": "AwsApiCall" });
        parts.retain(|_| !dice.one_in(8));
        if dice.one_in(3) {
            parts.extend(dice.pick(rules).into_iter().take(2));
        }
    }
    for (field, value) in parts {
        let value = disguised(dice, value);
        put(dice, &mut event, &field, value);
    }
    event
}

/// The value as another writer might put it, or not quite the value.
fn disguised(dice: &mut RandomNumbers, value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.replace('*', dice.pick(&["", "x", "a\nb", "*", "é"])),
        other => other.to_string(),
    };
    let plain = match value {
        Value::String(_) => Value::from(text.clone()),
        other => other,
    };
    match dice.below(48) {
        0 => Value::Null,
        1 => json!([plain]),
        2 => json!([null, "other", plain]),
        3 => json!({ "inside": [{ "deeper": plain }] }),
        4 => text.to_uppercase().into(),
        5 => text.to_lowercase().into(),
        6 => format!("before {text}").into(),
        7 => format!("{text}/after").into(),
        8 => text.replacen('k', "\u{212a}", 1).into(),
        9 => json!([]),
        10 => json!(dice.below(3)),
        11 => json!(text == "true"),
        _ => plain,
    }
}

/// Puts a value at a dotted path; now and then a member on the way is a list.
fn put(dice: &mut RandomNumbers, event: &mut Value, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        if let Some(members) = event.as_object_mut() {
            members.insert(path.to_owned(), value);
        }
        return;
    };
    let mut below = match event.get(first) {
        Some(below) if below.is_object() => below.clone(),
        _ => Value::Object(Map::new()),
    };
    put(dice, &mut below, rest, value);
    if dice.one_in(10) {
        below = json!([{ "other": 1 }, below]);
    }
    event[first] = below;
}

/// All ways through the rules, which must agree: by the index, one by one, and by kind of event, with a
/// matcher that has seen the events before. The rules that matched.
fn all_ways(
    rules: &RuleSet,
    matcher: &mut Matcher<'_>,
    organization: &Organization,
    event: &Event<'_>,
) -> Vec<usize> {
    let mut with_index = Vec::new();
    rules.matches(event, organization, |place| with_index.push(place));
    with_index.sort_unstable();
    let without = rules.matches_linear(event, organization);
    let text: Vec<_> = event
        .members()
        .map(|(name, raw)| (name, raw.as_str()))
        .collect();
    assert_eq!(with_index, without, "{text:?}");
    let mut by_kind = Vec::new();
    matcher.matches(event, outcome::of(event), organization, &mut by_kind);
    by_kind.sort_unstable();
    assert_eq!(by_kind, without, "{text:?}");
    without
}

#[test]
fn the_index_leaves_out_no_rule_on_any_corpus() {
    let (rules, organization, _) = all_rules();
    let (mut records, mut matches) = (0, 0);
    let mut matcher = Matcher::new(&rules);
    each_corpus(&mut |_, files| {
        for (_, bytes) in files {
            each_record(bytes, &mut |_, event| {
                records += 1;
                matches += all_ways(&rules, &mut matcher, &organization, event).len();
            });
        }
    });
    println!("{records} records, {matches} matches");
    assert!(matches > 500);
}

#[test]
fn the_index_leaves_out_no_rule_on_made_up_events() {
    let (rules, organization, asked) = all_rules();
    let bases = bases();
    let mut dice = RandomNumbers(1);
    let mut matcher = Matcher::new(&rules);
    let (mut matches, mut matched_rules) = (0, BTreeSet::new());
    for _ in 0..200 {
        let events: Vec<Value> = (0..100).map(|_| event(&mut dice, &asked, &bases)).collect();
        let log = json!({ "Records": events }).to_string();
        let sound = each_record(log.as_bytes(), &mut |_, event| {
            let matched = all_ways(&rules, &mut matcher, &organization, event);
            matches += matched.len();
            matched_rules.extend(matched);
        });
        assert!(sound);
    }
    let detections = rules
        .rules
        .iter()
        .filter(|rule| matches!(rule.kind, RuleKind::Detection(_)));
    let detections = detections.count();
    println!(
        "20,000 events, {matches} matches of {} of {detections} rules",
        matched_rules.len()
    );
    assert!(matches > 5_000, "the events are too far from the rules");
    assert!(matched_rules.len() * 10 > detections * 9);
}

/// Everything a run says about what happened; where in the files it lay is left out.
fn said(ran: &Ran) -> Value {
    let mut findings = ran.json("findings.json")["findings"].take();
    for finding in findings.as_array_mut().unwrap() {
        for sample in finding["samples"].as_array_mut().unwrap() {
            let sample = sample.as_object_mut().unwrap();
            assert!(sample.remove("object").is_some());
            assert!(sample.remove("record").is_some());
        }
    }
    ran.assert_identities();
    json!([findings, ran.json("run.json")["coverage"]["records"]])
}

/// Deals records out over so many files, in the order given.
fn deal(folder: &Path, records: &[String], files: usize) {
    for (number, part) in records.chunks(records.len().div_ceil(files)).enumerate() {
        let log = format!("{{\"Records\":[{}]}}", part.join(","));
        fs::write(folder.join(format!("{number:04}.json")), log).unwrap();
    }
}

/// The texts of all records in a folder of logs.
fn records_below(folder: &Path) -> Vec<String> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            records.extend(records_below(&path));
            continue;
        }
        each_record(&fs::read(&path).unwrap(), &mut |_, event| {
            let members: Map<String, Value> = event
                .members()
                .map(|(name, raw)| (name.to_owned(), serde_json::from_str(raw.as_str()).unwrap()))
                .collect();
            records.push(Value::Object(members).to_string());
        });
    }
    records
}

/// Runs the program over the records as one file and over several deals; all must say the same.
/// The rules of the findings, one each.
fn any_deal_says_the_same(mut records: Vec<String>, arguments: &[&str]) -> Vec<String> {
    let findings_of = |records: &[String], files: usize, jobs: &str| {
        let folder = tempfile::tempdir().unwrap();
        deal(folder.path(), records, files);
        said(&run(
            folder.path(),
            &[arguments, &["--jobs", jobs]].concat(),
        ))
    };
    let one_pass = findings_of(&records, 1, "1");
    let mut dice = RandomNumbers(7);
    for (files, jobs) in [(1, "1"), (13, "2"), (200, "4")] {
        dice.shuffle(&mut records);
        let dealt = findings_of(&records, files, jobs);
        let same = one_pass == dealt;
        assert!(same, "{files} files: {one_pass:#}\n{dealt:#}");
    }
    let rule = |finding: &Value| finding["rule"].as_str().unwrap().to_owned();
    one_pass[0].as_array().unwrap().iter().map(rule).collect()
}

#[test]
fn the_week_of_the_breach_reads_the_same_in_any_order_and_split() {
    let records = records_below(&samples("trails/breach"));
    assert!(records.len() > 13_000);
    let findings = any_deal_says_the_same(records, &[]);
    assert!(findings.len() > 20, "{findings:?}");
}

/// Conditions over rules, in every form that looks at more than one event.
const CONDITIONS: &str = "\
title: Creates
name: creates
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName|startswith: [Create, Put]}, condition: s}
---
title: Deletes
name: deletes
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName|startswith: [Delete, Stop]}, condition: s}
---
title: Reads
name: reads
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName|startswith: [Get, List, Describe]}, condition: s}
---
title: Without
name: without
correlation: {type: temporal, rules: [creates, deletes, reads], group-by: [sourceIPAddress], timespan: 5m, condition: (creates or reads) and not deletes}
---
title: In order
name: in_order
correlation: {type: temporal_ordered, rules: [creates, reads, deletes], group-by: [sourceIPAddress], timespan: 20m, condition: creates and deletes and not reads}
---
title: Few
name: few
correlation: {type: event_count, rules: [deletes], group-by: [sourceIPAddress], timespan: 30m, condition: {gte: 2, lte: 4}}
---
title: Chain
name: chain
correlation: {type: temporal, rules: [few, in_order], group-by: [userIdentity.userName], timespan: 2h, condition: few or in_order, generate: true}
";

#[test]
fn made_up_events_read_the_same_in_any_order_and_split() {
    let (_, _, asked) = all_rules();
    let bases = bases();
    let mut dice = RandomNumbers(3);
    let start: chrono::DateTime<chrono::Utc> = "2026-11-18T09:00:00Z".parse().unwrap();
    let record = |number: u64| {
        let mut event = event(&mut dice, &asked, &bases);
        let after = chrono::Duration::seconds(i64::try_from(dice.next() % 90_000).unwrap());
        event["eventTime"] = (start + after)
            .format("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
            .into();
        // one event in twenty is delivered twice
        let number = if dice.one_in(20) { number / 2 } else { number };
        event["eventID"] = format!("00000000-0000-4000-8000-{number:012x}").into();
        let user = dice.pick(&["ana", "ben", "backup"]);
        let address = dice.pick(&["198.51.100.7", "203.0.113.9", "192.0.2.4"]);
        event["sourceIPAddress"] = address.into();
        event["recipientAccountId"] = "111122223333".into();
        if event["userIdentity"].is_null() {
            event["userIdentity"] = json!({ "type": "IAMUser", "userName": user,
                "arn": format!("arn:aws:iam::111122223333:user/{user}"), "accountId": "111122223333" });
        }
        event
    };
    let mut events: Vec<Value> = (0..3_000).map(record).collect();
    // the two copies of a delivery are equal
    let mut known = BTreeMap::new();
    for event in &mut events {
        let id = event["eventID"].to_string();
        *event = known.entry(id).or_insert_with(|| event.clone()).clone();
    }
    let records = events.iter().map(Value::to_string).collect();
    let conditions = tempfile::tempdir().unwrap();
    fs::write(conditions.path().join("conditions.yml"), CONDITIONS).unwrap();
    let rules = shared("sigmahq/cloudtrail");
    let rules = rules.as_deref().map(|folder| folder.display().to_string());
    let config = samples("rules/trailscan.toml").display().to_string();
    let own = conditions.path().display().to_string();
    let mut arguments = vec!["--config", config.as_str(), "--rules", &own];
    if let Some(rules) = &rules {
        arguments.extend(["--rules", rules]);
    }
    let findings = any_deal_says_the_same(records, &arguments);
    println!("{} findings", findings.len());
    assert!(findings.len() > 100);
    for rule in ["without", "in_order", "few", "chain"] {
        let count = findings.iter().filter(|found| *found == rule).count();
        println!("{rule}: {count}");
        assert!(count > 0, "{rule}");
    }
}
