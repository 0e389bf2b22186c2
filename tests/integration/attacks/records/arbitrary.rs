//! Records of any shape: no value that a caller may choose stops a run or hides a record.
//!
//! `ARBITRARY_ROUNDS=20` makes twenty times as many records.

use std::fmt::Write as _;
use std::fs;

use super::calls::calls;
use crate::opinions::each_corpus;
use crate::product::{Ran, run, samples, shared};
use crate::slow::damage::RandomNumbers;
use serde_json::{Map, Value, json};
use trailscan::config::Config;
use trailscan::decode::Decoder;
use trailscan::derive::Derived;
use trailscan::event::Event;
use trailscan::event::json::Raw;
use trailscan::rules::load;

/// The run came to its end, and everything was read.
fn assert_complete(ran: &Ran) {
    assert!(
        [0, 1, 3].contains(&ran.code),
        "{}: {}",
        ran.code,
        ran.stderr
    );
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let coverage = ran.json("coverage.json");
    // the records are random, their ids are not
    let problems = coverage["problems"].as_array().unwrap();
    let others = problems.iter().filter(|one| one["kind"] != "conflict");
    assert_eq!(others.count(), 0, "{problems:?}");
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
    assert!(events.len() > 100);
    events
}

/// Names that some code asks for below the first level.
const NAMES: [&str; 52] = [
    "Statement",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "Principal",
    "AWS",
    "Condition",
    "policyDocument",
    "policy",
    "bucketPolicy",
    "assumeRolePolicyDocument",
    "policyArn",
    "roleArn",
    "secretId",
    "keyId",
    "bucketName",
    "key",
    "type",
    "arn",
    "accountId",
    "sessionContext",
    "sessionIssuer",
    "attributes",
    "creationDate",
    "eventSelectors",
    "advancedEventSelectors",
    "items",
    "Policy",
    "NotPrincipal",
    "StringEquals",
    "aws:SourceArn",
    "aws:SourceIp",
    "add",
    "group",
    "userId",
    "AccessControlPolicy",
    "AccessControlList",
    "Grant",
    "Grantee",
    "Owner",
    "ID",
    "URI",
    "Rule",
    "Destination",
    "Account",
    "Expiration",
    "Days",
    "ipRanges",
    "cidrIp",
    "fromPort",
    "ipProtocol",
];

fn value(dice: &mut RandomNumbers, depth: usize) -> Value {
    match dice.below(if depth == 0 { 8 } else { 12 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => dice
            .pick(
                &[
                    json!(0),
                    json!(-1),
                    json!(1e300),
                    json!(u64::MAX),
                    json!(i64::MIN),
                ]
                .each_ref(),
            )
            .clone(),
        3..7 => text(dice).into(),
        // JSON in a string, as policies stand in records, or URL encoded
        7 => {
            let inner = value(dice, depth.saturating_sub(1)).to_string();
            match dice.below(3) {
                0 => inner.into(),
                1 => inner
                    .bytes()
                    .fold(String::new(), |mut all, byte| {
                        let _ = write!(all, "%{byte:02X}");
                        all
                    })
                    .into(),
                _ => format!(" {inner} x").into(),
            }
        }
        8 | 9 => (0..dice.below(4)).map(|_| value(dice, depth - 1)).collect(),
        _ => {
            let mut members = Map::new();
            for _ in 0..dice.below(5) {
                let name = match dice.below(4) {
                    0 => text(dice),
                    _ => dice.pick(&NAMES).to_owned(),
                };
                members.insert(name, value(dice, depth - 1));
            }
            members.into()
        }
    }
}

fn text(dice: &mut RandomNumbers) -> String {
    let words = [
        "",
        "*",
        "Allow",
        "Deny",
        ":",
        ":::::",
        "::::::/",
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:s3:::",
        "arn",
        "/",
        "//",
        "a/b/c/",
        "%",
        "%%%",
        "%2",
        "%C3%28",
        "[]",
        "1",
        "true",
        "{}",
        "null",
        "\"",
        "{\"Statement\":7}",
        "[{\"Statement\":[[]]}]",
        "9999-12-31T23:59:59Z",
        "0000-00-00T00:00:00Z",
        "-271821-04-20T00:00:00Z",
        "2026-11-20T24:60:60Z",
        "2026-11-20T03:11:09Z",
        "é\u{301}",
        "\u{202e}",
        "\u{0}",
        "😀",
        "198.51.100.7, 192.0.2.1",
        ",",
        "::1",
        "1.2.3.4.5",
        "AWS Internal",
        "Root",
        "AssumedRole",
        "AWSService",
        "AWSAccount",
        "Success",
        "200",
        "AccessDenied",
        "User: x is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k because",
        "on resource: ",
    ];
    match dice.below(8) {
        0 => (0..dice.below(40))
            .map(|_| dice.pick(&['a', 'é', ':', '/', '*', '-', '\u{2028}', '.']))
            .collect(),
        1 => dice.pick(&words).to_owned() + dice.pick(&words),
        _ => dice.pick(&words).to_owned(),
    }
}

/// Puts another value somewhere into a record.
fn change(dice: &mut RandomNumbers, at: &mut Value) {
    let goes_on = dice.below(4) > 0;
    match at {
        Value::Object(members) if goes_on && !members.is_empty() => {
            let place = dice.below(members.len());
            let below = members.values_mut().nth(place).unwrap();
            change(dice, below);
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let place = dice.below(items.len());
            change(dice, &mut items[place]);
        }
        other => *other = value(dice, 4),
    }
}

/// A sample's record, in which some values are any JSON.
fn record(dice: &mut RandomNumbers, bases: &[Value]) -> Value {
    let mut record = bases[dice.below(bases.len())].clone();
    for _ in 0..=dice.below(4) {
        change(dice, &mut record);
    }
    if !record.is_object() {
        record = json!({ "eventName": record });
    }
    if dice.below(3) == 0 {
        // of those whose documents are read
        let names = [
            "policyDocument",
            "policy",
            "bucketPolicy",
            "policyText",
            "assumeRolePolicyDocument",
            "policyArn",
            "eventSelectors",
            "advancedEventSelectors",
            "roleArn",
            "secretId",
        ];
        let mut parameters = Map::new();
        parameters.insert(dice.pick(&names).to_owned(), value(dice, 4));
        record["requestParameters"] = parameters.into();
    }
    record
}

#[test]
fn every_derived_field_and_rule_takes_records_of_any_shape() {
    let rounds: usize = std::env::var("ARBITRARY_ROUNDS").map_or(1, |text| text.parse().unwrap());
    let config = Config::load(Some(&samples("rules/trailscan.toml"))).unwrap();
    let rules = load::load(&load::builtin(), &config.rules);
    let mut bases = bases();
    // each as often as a third of all records are calls of these shapes, changed in some places
    let calls = calls();
    let copies = bases.len() / (2 * calls.len()) + 1;
    bases.extend(std::iter::repeat_n(calls, copies).flatten());
    let mut dice = RandomNumbers::new(18);
    let mut decoder = Decoder::new(64);
    let (mut seen, mut matched) = (0, 0);
    let mut valued = std::collections::BTreeSet::new();
    for _ in 0..15_000 * rounds {
        let text = record(&mut dice, &bases).to_string();
        let mut ask = |event: &Event<'_>| {
            seen += 1;
            for field in Derived::ALL {
                if field.value(event, &config.organization).is_some() {
                    valued.insert(*field);
                }
            }
            rules.matches(event, &config.organization, |_| matched += 1);
        };
        // byte by byte, and by the marks of the walk
        ask(&Event::of(Raw::new(&text)));
        let log = format!("{{\"Records\":[{text}]}}");
        let decoded = decoder
            .decode(log.as_bytes(), &mut |_, event| ask(event))
            .unwrap();
        assert!(
            decoded.bad.len() == decoded.strangers as usize,
            "{text} {decoded:?}"
        );
    }
    assert!(
        seen > 25_000 * rounds && matched > 1_000,
        "{seen} {matched}"
    );
    let never = Derived::ALL.iter().filter(|field| !valued.contains(field));
    assert_eq!(never.collect::<Vec<_>>(), [&Derived::ALL[0]; 0]);
}

#[test]
fn a_run_over_records_of_any_shape_evaluates_them_all() {
    let bases = bases();
    let mut dice = RandomNumbers::new(19);
    let folder = tempfile::tempdir().unwrap();
    for file in 0..4 {
        let mut records = Vec::new();
        for number in 0..1_500 {
            let mut record = record(&mut dice, &bases);
            record["eventVersion"] = "1.11".into();
            record["eventSource"] = match dice.below(4) {
                0 => "cloudtrail.amazonaws.com".into(),
                _ => record["eventSource"].take(),
            };
            if dice.below(9) > 0 {
                record["eventID"] = format!("{file:08x}-0000-4000-8000-{number:012x}").into();
            }
            records.push(record);
        }
        let log = json!({ "Records": records }).to_string();
        fs::write(folder.path().join(format!("{file}.json")), log).unwrap();
    }
    let config = samples("rules/trailscan.toml");
    let ran = run(
        folder.path(),
        &["--config", config.to_str().unwrap(), "--jobs", "1"],
    );
    assert_complete(&ran);
    ran.assert_identities();
    assert_eq!(ran.count("objects", "broken"), 0, "{}", ran.stderr);
    assert_eq!(
        (ran.count("records", "records"), ran.count("records", "bad")),
        (6_000, 0)
    );
}

/// A policy document in a record, as any JSON: the run goes on, and the record is evaluated.
#[test]
fn a_policy_document_that_is_no_object_stops_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let documents = [
        json!("[]"),
        json!("1"),
        json!("true"),
        json!("null"),
        json!("\"x\""),
        json!(true),
        json!(1),
        json!([]),
        json!([1]),
        json!({}),
        json!("{\"Statement\":1}"),
        json!("%5B%5D"),
        json!("[{\"Statement\":{}}]"),
    ];
    let calls = [
        ("PutUserPolicy", "policyDocument"),
        ("CreatePolicy", "policyDocument"),
        ("PutBucketPolicy", "bucketPolicy"),
        ("PutKeyPolicy", "policy"),
        ("UpdateAssumeRolePolicy", "policyDocument"),
        ("CreateRole", "assumeRolePolicyDocument"),
    ];
    let mut records = Vec::new();
    for (call, name) in calls {
        for document in &documents {
            let number = records.len();
            records.push(json!({
                "eventVersion": "1.11", "eventTime": "2026-11-20T03:11:09Z", "eventSource": "iam.amazonaws.com",
                "eventName": call, "awsRegion": "us-east-1", "eventID": format!("0-{number}"),
                "userIdentity": { "type": "IAMUser", "userName": "mallory", "accountId": "111122223333" },
                "requestParameters": { name: document },
            }));
        }
    }
    let many = records.len() as u64;
    fs::write(
        folder.path().join("a.json"),
        json!({ "Records": records }).to_string(),
    )
    .unwrap();
    let ran = run(folder.path(), &[]);
    assert_complete(&ran);
    assert_eq!(ran.count("records", "evaluated"), many);
    if let Some(attack) = shared("attacks/F01-policy-panic") {
        let ran = run(attack.join("0.json"), &[]);
        assert_complete(&ran);
        assert_eq!(ran.count("records", "bad"), 0);
    }
}

#[test]
fn a_status_of_success_is_no_error_and_the_first_of_several_addresses_is_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let record = |number: u8, code: &str, address: &str| {
        json!({
            "eventVersion": "1.11", "eventTime": "2026-11-20T03:11:09Z", "eventSource": "iam.amazonaws.com",
            "eventName": "AttachUserPolicy", "awsRegion": "us-east-1", "eventID": format!("0-{number}"),
            "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory",
                "userName": "mallory", "accountId": "111122223333" },
            "requestParameters": { "userName": "mallory", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess" },
            "sourceIPAddress": address, "errorCode": code,
        })
    };
    let records = [
        record(1, "200", "198.51.100.7, 192.0.2.10"),
        record(2, "204", "198.51.100.7"),
        record(3, "403", "203.0.113.9"),
    ];
    fs::write(
        folder.path().join("a.json"),
        json!({ "Records": records }).to_string(),
    )
    .unwrap();
    let ran = run(folder.path(), &[]);
    let findings = ran.json("findings.json");
    let granted = findings["findings"].as_array().unwrap().iter();
    let granted: Vec<_> = granted
        .filter(|finding| {
            finding["rule"]
                .as_str()
                .unwrap()
                .ends_with("admin_rights_granted")
        })
        .collect();
    assert_eq!(granted.len(), 1, "{findings:#}");
    let samples = granted[0]["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 2, "{samples:#?}");
    for sample in samples {
        assert_eq!(sample["source_ip"], "198.51.100.7");
        assert_eq!(sample["outcome"], "success");
    }
}
