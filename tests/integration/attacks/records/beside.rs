//! No record vanishes because it stands beside others: it is evaluated, counted, or the file is damaged.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::chain;
use crate::product::{Ran, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use trailscan::decode::{Content, Decoder};

const FOLDER: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20";
/// The name that CloudTrail gives a log.
const FILE: &str = "111122223333_CloudTrail_us-east-1_20261120T0315Z_Abcdefgh12345678.json.gz";

fn record(number: usize) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": "2026-11-20T03:11:09Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances", "awsRegion": "us-east-1",
        "eventID": format!("0000000{number}-0000-4000-8000-000000000000"),
        "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "userName": "a",
            "accountId": "111122223333" },
        "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333",
        "eventCategory": "Management", "readOnly": true,
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn put(folder: &Path, key: &str, bytes: &[u8]) {
    let path = folder.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, gzip(bytes)).unwrap();
}

/// The run over one log.
fn ran(text: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &format!("{FOLDER}/{FILE}"), text.as_bytes());
    let ran = run(folder.path(), &[]);
    ran.assert_identities();
    ran
}

fn problems(ran: &Ran) -> Vec<Value> {
    let coverage = ran.json("coverage.json");
    coverage["problems"].as_array().unwrap().clone()
}

#[test]
fn a_member_whose_key_is_no_json_makes_the_log_damaged() {
    let [one, two] = [1, 2].map(|number| record(number).to_string());
    for text in [
        format!(r#"{{"a" "Records":[{one}],"Records":[{two}]}}"#),
        format!(r#"{{"Records":[{one}],"a"b"Records":[{two}]}}"#),
        format!(r#"{{"Records":[{one}], "a"b"Records":[{two}]}}"#),
        format!("{{\"a\n\":1,\"Records\":[{one}]}}"),
        format!("{{\"a\\x\" : 1,\"Records\":[{one}]}}"),
    ] {
        let ran = ran(&text);
        assert_eq!((ran.code, ran.count("objects", "broken")), (3, 1), "{text}");
        let problems = problems(&ran);
        assert!(problems[0]["object"].as_str().unwrap().ends_with(FILE));
    }
    // an escape is JSON
    let ran = ran(&format!(r#"{{"a\"b\u0041" : 1, "Records":[{one}]}}"#));
    assert_eq!((ran.code, ran.count("records", "evaluated")), (0, 1));
}

#[test]
fn records_beside_the_list_of_records_are_evaluated() {
    let wrapped = record(2).to_string();
    for (name, value) in [
        ("records", json!([record(2)])),
        ("detail", record(2)),
        ("Events", json!([{ "CloudTrailEvent": wrapped }])),
        ("logEvents", json!([{ "message": wrapped }])),
        ("CloudTrailEvent", json!(wrapped)),
        ("body", json!(wrapped)),
    ] {
        for first in [vec![], vec![record(1)]] {
            let ran = ran(&json!({ "Records": first, name: value }).to_string());
            let all = first.len() as u64 + 1;
            assert_eq!(ran.count("records", "evaluated"), all, "{name}");
            assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        }
    }
    for first in [vec![], vec![record(1)]] {
        let mut itself = record(2);
        itself["Records"] = json!(first);
        let ran = ran(&itself.to_string());
        let all = first.len() as u64 + 1;
        assert_eq!((ran.code, ran.count("records", "evaluated")), (0, all));
    }
}

#[test]
fn what_stands_beside_the_list_where_records_may_stand_is_counted() {
    for (name, value) in [
        ("records", json!([{ "hello": "world" }])),
        ("detail", json!({ "hello": "world" })),
        ("CloudTrailEvent", json!(7)),
        ("logEvents", json!([{ "message": "hello" }])),
        ("events", json!([record(2)])),
    ] {
        let ran = ran(&json!({ "Records": [record(1)], name: value }).to_string());
        assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
        let what = problems(&ran)[0]["what"].to_string();
        assert!(
            what.contains("beside its records it holds 1 more value"),
            "{name}: {what}"
        );
    }
}

#[test]
fn an_envelope_hides_no_record_whatever_its_form() {
    let [one, two] = [1, 2].map(|number| record(number).to_string());
    let (rows, second) = (json!({ "CloudTrailEvent": one }), record(2));
    let mut both = record(2);
    both["CloudTrailEvent"] = json!(one);
    for envelope in [
        json!({ "Events": [rows, { "CloudTrailEvent": second }] }),
        json!({ "Events": [rows, second] }),
        json!({ "Events": [rows, two] }),
        json!({ "Events": [both] }),
        json!({ "CloudTrailEvent": one, "Events": [{ "CloudTrailEvent": two }] }),
        json!({ "CloudTrailEvent": [record(1), record(2)] }),
        json!({ "detail": record(1), "CloudTrailEvent": two }),
        json!({ "detail": record(1), "records": [second] }),
        json!({ "logEvents": [{ "message": one }, { "message": second }] }),
        json!({ "logEvents": [{ "message": one }, two] }),
        json!({ "logEvents": [{ "message": one }, second] }),
        json!({ "logEvents": { "message": one, "CloudTrailEvent": two } }),
        json!({ "events": [{ "message": one }, { "message": second }] }),
        json!({ "Messages": [{ "Body": record(1) }, { "Body": two }] }),
    ] {
        let ran = ran(&envelope.to_string());
        assert_eq!(ran.count("records", "evaluated"), 2, "{envelope}");
        assert_eq!(ran.code, 0, "{envelope}: {}", ran.stderr);
    }
    let twice = format!(r#"{{"detail":{one},"detail":{two}}}"#);
    assert_eq!(ran(&twice).count("records", "evaluated"), 2);
    for envelope in [
        json!({ "Events": [rows, { "CloudTrailEvent": 7 }] }),
        json!({ "Events": [rows, 7] }),
        json!({ "detail": record(1), "CloudTrailEvent": null }),
    ] {
        let ran = ran(&envelope.to_string());
        assert_eq!(
            (ran.code, ran.count("records", "evaluated")),
            (3, 1),
            "{envelope}"
        );
        let what = problems(&ran)[0]["what"].to_string();
        assert!(what.contains("it holds 1 more value"), "{envelope}: {what}");
    }
}

#[test]
fn the_members_of_a_digest_hide_no_record_and_an_unknown_digest_is_named_in_the_proof() {
    let digest = json!({ "digestStartTime": "2026-11-20T00:17:28Z", "logFiles": [] });
    let mut envelope = digest.clone();
    envelope["detail"] = record(1);
    envelope["records"] = json!([record(2)]);
    let ran_log = ran(&envelope.to_string());
    assert_eq!(
        (ran_log.code, ran_log.count("records", "evaluated")),
        (3, 2)
    );
    let elsewhere = |content: &Value| {
        let folder = tempfile::tempdir().unwrap();
        put(
            folder.path(),
            "x/foo.json.gz",
            content.to_string().as_bytes(),
        );
        let other = tempfile::tempdir().unwrap();
        let keys = chain::Writer::new(other.path()).keys(other.path());
        let ran = run(
            folder.path(),
            &["--verify", "--public-keys", keys.to_str().unwrap()],
        );
        ran.assert_identities();
        ran
    };
    let ran_records = elsewhere(&envelope);
    assert_eq!(ran_records.count("records", "evaluated"), 2);
    assert_ne!(ran_records.code, 0);
    let ran_digest = elsewhere(&digest);
    assert_eq!(ran_digest.count("objects", "digests"), 1);
    let problems = problems(&ran_digest);
    assert!(
        problems
            .iter()
            .any(|problem| problem["object"] == "x/foo.json.gz"
                && problem["what"].to_string().contains("proves nothing")),
        "{problems:?}"
    );
}

#[test]
fn of_a_million_bad_records_only_the_first_are_kept() {
    let many = 1_000_000;
    let log = format!("{{\"Records\":[{}[]]}}", "[],".repeat(many - 1));
    let decoded = Decoder::new(64)
        .decode(log.as_bytes(), &mut |_, _| {})
        .unwrap();
    assert_eq!(decoded.content, Content::Log);
    assert_eq!((decoded.records as usize, decoded.bad.len()), (many, many));
    let places: Vec<u32> = decoded.bad.iter().map(|(place, _)| place).collect();
    assert_eq!(places, (0..1_000).collect::<Vec<_>>());
    let ran = ran(&log);
    let problems = problems(&ran)[0]["what"].to_string();
    let said = "1000000 of 1000000 records cannot be read, the first is record 0";
    assert!(problems.contains(said), "{problems}");
}

#[test]
fn a_file_with_the_name_of_a_log_is_one_in_a_copy_without_folders() {
    let utf16: Vec<u8> = json!({ "Records": [record(1)] })
        .to_string()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let digest = json!({ "digestStartTime": "x", "logFiles": [] }).to_string();
    let sound = json!({ "Records": [record(2)] }).to_string();
    for content in [
        &b""[..],
        b"<html>AccessDenied</html>",
        &[&[0xff, 0xfe], &utf16[..]].concat(),
        digest.as_bytes(),
        br#"{"hello":"world"}"#,
    ] {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), FILE, content);
        put(folder.path(), "b.json", sound.as_bytes());
        put(folder.path(), "c.txt", content);
        let ran = run(folder.path(), &[]);
        ran.assert_identities();
        let what = String::from_utf8_lossy(content);
        assert_eq!(
            (ran.code, ran.count("objects", "broken")),
            (3, 1),
            "{what}: {}",
            ran.stderr
        );
        assert_eq!(problems(&ran)[0]["object"], FILE, "{what}");
        assert_eq!(ran.count("records", "evaluated"), 1, "{what}");
    }
}
