//! Damage inside a record makes it a bad record, by its number: the fast walk takes for JSON what
//! serde_json takes for JSON.
//!
//! `GRAMMAR_ROUNDS=20` makes twenty times as many damaged records.
//!
//! On purpose more is taken than serde_json takes into its `Value`: numbers of any size and nesting of
//! any depth, a lone surrogate, and bytes that are not UTF-8, which are replaced and counted
//! (`what_is_taken_on_purpose`). `IgnoredAny`, the oracle here, checks the grammar alone.
#![allow(clippy::string_slice, reason = "a test may fail loudly")]

use std::fs;

use crate::product::{run, samples};
use crate::slow::damage::{RandomNumbers, accident};
use serde::de::IgnoredAny;
use serde_json::Value;
use trailscan::decode::{Content, DecodeError, Decoded, Decoder};
use trailscan::event::Key;

const FIRST: &str =
    r#"{"eventVersion":"1.11","eventName":"First","eventSource":"s3.amazonaws.com"}"#;
const LAST: &str = r#"{"eventVersion":"1.11","eventName":"Last","eventSource":"s3.amazonaws.com"}"#;

/// Records of real shape: those of the samples, and some with much nesting and many escapes.
fn records() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["rules/iam", "rules/s3", "rules/kms", "rules/cloudtrail"] {
        for entry in fs::read_dir(samples(folder)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            found.extend(text.lines().map(str::to_owned));
        }
    }
    found.push(r#"{"eventVersion":"1.08","eventName":"PutBucketPolicy","requestParameters":{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","*"]},"Action":["s3:*"],"Resource":["x","y"],"Condition":{}},{"Effect":"Deny","NotAction":[],"n":[1,-2.5e-3,0,true,false,null,[[],[{}]]]}]},"Host":["b.s3.amazonaws.com"]},"additionalEventData":{"bytesTransferredIn":83.0,"x":{"y":{"z":{"q":{}}}}},"responseElements":null,"readOnly":false}"#.to_owned());
    found.push(r#"{"eventVersion":"1.08","eventName":"PutRolePolicy","requestParameters":{"policyDocument":"{\n \"Statement\": [{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"C:\\\\x\\u00e9\"}]}","roleName":"r\/s"},"userAgent":"a \"quoted\" one"}"#.to_owned());
    assert!(found.len() > 50, "{}", found.len());
    found
}

fn read(decoder: &mut Decoder, text: &[u8]) -> (Vec<(u32, String)>, Result<Decoded, DecodeError>) {
    let mut names = Vec::new();
    let decoded = decoder.decode(text, &mut |at, event| {
        names.push((at, event.text(Key::EventName).into_owned()));
    });
    (names, decoded)
}

/// What is wrong with what the walk says of a log whose records begin with one good one and end with
/// another.
fn wrong(decoder: &mut Decoder, log: &str) -> Option<String> {
    let (names, decoded) = read(decoder, log.as_bytes());
    let oracle = serde_json::from_str::<IgnoredAny>(log);
    match (decoded, oracle) {
        (Err(_), Err(_)) => None,
        (Err(error), Ok(_)) => Some(format!("a sound log is refused: {error}")),
        (Ok(decoded), oracle) => {
            let (Some((0, first)), Some((_, last))) = (names.first(), names.last()) else {
                return Some(format!("the first record is lost: {names:?}"));
            };
            if first != "First" || last != "Last" {
                return Some(format!("a good record is lost: {names:?}"));
            }
            let damaged = decoded.bad.len() - decoded.strangers as usize;
            let all = names.len() + decoded.bad.len() == decoded.records as usize;
            match oracle {
                _ if !all => Some(format!("{names:?} {decoded:?}")),
                Ok(_) if damaged > 0 => Some(format!("good records are lost: {:?}", decoded.bad)),
                Ok(_) => {
                    let value: Value = serde_json::from_str(log).ok()?;
                    let many = value["Records"].as_array()?.len();
                    (many != decoded.records as usize).then(|| format!("{many} are {decoded:?}"))
                }
                Err(error) if damaged == 0 => Some(format!("damage is not found: {error}")),
                Err(_) => None,
            }
        }
    }
}

#[test]
fn the_walk_and_serde_json_agree_on_damaged_records() {
    let rounds: usize = std::env::var("GRAMMAR_ROUNDS").map_or(1, |text| text.parse().unwrap());
    let records = records();
    let mut dice = RandomNumbers::new(rounds as u64);
    let mut decoder = Decoder::new(8);
    let (mut bad, mut sound) = (0, 0);
    for round in 0..12_000 * rounds {
        let record = &records[dice.below(records.len())];
        let mut bytes = record.clone().into_bytes();
        let mut what = Vec::new();
        for _ in 0..=dice.below(2) {
            what.push(accident(&mut dice, &mut bytes));
        }
        let record = String::from_utf8_lossy(&bytes);
        let log = format!("{{\"Records\":[{FIRST},{record},{LAST}]}}");
        if let Some(why) = wrong(&mut decoder, &log) {
            panic!("round {round}, {what:?}: {why}\n{log}");
        }
        match serde_json::from_str::<IgnoredAny>(&record).is_ok() {
            true => sound += 1,
            false => bad += 1,
        }
    }
    assert!(
        bad > 4_000 * rounds && sound > 500 * rounds,
        "{bad} bad, {sound} sound"
    );
}

/// Each byte lost or in another's place, each mark doubled: nothing is left to chance.
#[test]
fn the_walk_and_serde_json_agree_on_every_lost_byte() {
    let records = records();
    let mut decoder = Decoder::new(8);
    for record in &records[records.len() - 2..] {
        for at in 0..record.len() {
            let (front, back) = (&record[..at], &record[at + 1..]);
            let byte = &record[at..=at];
            let mut damaged = vec![
                format!("{front}{back}"),
                format!("{front}{byte}{byte}{back}"),
            ];
            for other in [
                "{", "}", "[", "]", ":", ",", "\"", "\\", " ", "\n", "\t", "\u{1}", "0", "x", "é",
            ] {
                damaged.push(format!("{front}{other}{back}"));
            }
            for damaged in damaged {
                let log = format!("{{\"Records\":[{FIRST},{damaged},{LAST}]}}");
                if let Some(why) = wrong(&mut decoder, &log) {
                    panic!("{why}\n{log}");
                }
            }
        }
    }
}

#[test]
fn damage_inside_request_parameters_is_a_bad_record_by_number() {
    let record = |inside: &str| {
        format!(
            r#"{{"eventVersion":"1.11","eventName":"PutUserPolicy","requestParameters":{inside},"readOnly":false}}"#
        )
    };
    for inside in [
        r#"{"userName":"a" "policyName":"b"}"#,
        r#"{"userName":"a""policyName":"b"}"#,
        r#"{"a":{"b":1}{"c":2}}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":1,}"#,
        r#"{"a":{"b":tru}}"#,
        r#"{"a":["b":1]}"#,
        r#"{"a":{"b","c":1}}"#,
        r#"{"a":{"b":1,"c"}}"#,
        r#"{"a":{"b":01}}"#,
        r#"{"a":"\x"}"#,
        "{\"a\":\"b\tc\"}",
        // a quote is lost behind one value and before another: two members become one
        r#"{"a":"b,"c":d"}"#,
    ] {
        // in one line as CloudTrail writes it, pretty, and as lines
        for (front, between, back) in [
            ("{\"Records\":[", ",", "]}"),
            ("{ \"Records\": [\n", ",\n", "\n] }\n"),
            ("", "\n", "\n"),
        ] {
            let log = [front, FIRST, between, &record(inside), between, LAST, back].concat();
            let (names, decoded) = read(&mut Decoder::new(8), log.as_bytes());
            let decoded = decoded.unwrap();
            let good: Vec<_> = names
                .iter()
                .map(|(at, name)| (*at, name.as_str()))
                .collect();
            assert_eq!(good, [(0, "First"), (2, "Last")], "{log}");
            assert_eq!(
                (
                    decoded.records,
                    decoded.bad.len(),
                    decoded.bad.iter().next().unwrap().0
                ),
                (3, 1, 1),
                "{log}"
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let log = format!(
        "{{\"Records\":[{FIRST},{},{LAST}]}}",
        record(r#"{"userName":"a" "policyName":"b"}"#)
    );
    fs::write(folder.path().join("a.json"), log).unwrap();
    let ran = run(folder.path(), &[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    ran.assert_identities();
    assert_eq!(
        (
            ran.count("records", "bad"),
            ran.count("records", "evaluated")
        ),
        (1, 2)
    );
    let problems = ran.json("coverage.json")["problems"].to_string();
    assert!(problems.contains("the first is record 1"), "{problems}");
}

#[test]
fn what_is_taken_on_purpose() {
    let deep = format!("{}{}", "[".repeat(9_000), "]".repeat(9_000));
    for inside in ["1e999", "\"\\ud800\"", "\"\\udc00\\ud800\"", &deep] {
        for space in ["", " "] {
            let log = format!(
                "{{\"Records\":[{FIRST},{{\"eventName\":{space}\"A\",\"requestParameters\":{{\"a\":{inside}}}}},{LAST}]}}"
            );
            let (names, decoded) = read(&mut Decoder::new(8), log.as_bytes());
            let decoded = decoded.unwrap();
            assert_eq!(
                (names.len(), decoded.bad.len(), decoded.content),
                (3, 0, Content::Log)
            );
            assert!(serde_json::from_str::<Value>(&log).is_err());
        }
    }
}
