//! What a file is follows from its key and its content, and whatever record it holds is evaluated.
#![allow(clippy::string_slice, reason = "a test may fail loudly")]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::chain;
use crate::product::{Ran, run, shared};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Where CloudTrail puts a log, an insight and a digest.
const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0315Z_Abcdefgh12345678.json.gz";
const DIGEST: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261120T031728Z.json.gz";

fn record(number: usize) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": "2026-11-20T03:11:09Z", "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging", "awsRegion": "us-east-1", "eventID": format!("0000000{number}-0000-4000-8000-000000000000"),
        "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory",
            "userName": "mallory", "accountId": "111122223333" },
        "requestParameters": { "name": "trail" }, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": "111122223333", "eventCategory": "Management", "readOnly": false,
    })
}

fn log(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn digest() -> String {
    json!({ "digestStartTime": "2026-11-20T02:17:28Z", "digestEndTime": "2026-11-20T03:17:28Z", "logFiles": [],
        "previousDigestS3Bucket": null }).to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn put(folder: &Path, key: &str, bytes: &[u8]) {
    let path = folder.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The run over one file of that key.
fn ran(key: &str, bytes: &[u8]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), key, bytes);
    let ran = run(folder.path(), &[]);
    ran.assert_identities();
    ran
}

fn problems(ran: &Ran) -> Vec<Value> {
    let coverage = ran.json("coverage.json");
    coverage["problems"].as_array().unwrap().clone()
}

fn is_complete(ran: &Ran) -> bool {
    ran.json("coverage.json")["complete"] == true
}

/// A log in which something else stands as well: every record is evaluated, and the log is named.
fn assert_all_evaluated(what: &str, bytes: &[u8], records: u64) {
    let ran = ran(LOG, bytes);
    assert_eq!(
        ran.count("records", "evaluated"),
        records,
        "{what}: {}",
        ran.stderr
    );
    assert_eq!(ran.count("objects", "read"), 1, "{what}");
    assert_eq!(ran.code, 3, "{what}: {}", ran.stderr);
    let problems = problems(&ran);
    assert_eq!(problems.len(), 1, "{what}: {problems:?}");
    assert_eq!(problems[0]["object"], LOG, "{what}");
}

#[test]
fn no_document_beside_the_records_makes_a_log_vanish() {
    let two = log(&[record(1), record(2)]);
    let lines = |parts: &[&str]| parts.join("\n");
    let foreign = r#"{"hello":"world"}"#;
    let one = record(3).to_string();
    for (what, text, records) in [
        ("a digest behind", two.clone() + &digest(), 2),
        ("a digest before", digest() + &two, 2),
        (
            "a digest on a line of its own",
            lines(&[&two, &digest()]),
            2,
        ),
        ("a digest between", lines(&[&two, &digest(), &one]), 3),
        (
            "a digest behind single records",
            lines(&[&record(1).to_string(), &one, &digest()]),
            2,
        ),
        ("something else behind", two.clone() + foreign, 2),
        ("something else before", lines(&[foreign, &two]), 2),
        ("an empty object", two.clone() + "{}", 2),
        (
            "a list with a digest",
            format!("[{},{}]", record(1), digest()),
            1,
        ),
        (
            "a digest among the records",
            format!("{{\"Records\":[{},{}]}}", record(1), digest()),
            1,
        ),
        (
            "something else among the records",
            format!("{{\"Records\":[{},{foreign}]}}", record(1)),
            1,
        ),
        (
            "a damaged line behind",
            lines(&[&record(1).to_string(), &one, "{\"hello\":\"wor", foreign]),
            2,
        ),
        (
            "a digest's members beside the records",
            format!("{{\"digestStartTime\":\"x\",\"logFiles\":[],{}", &two[1..]),
            2,
        ),
        (
            "a digest's members behind the records",
            format!(
                "{},\"digestStartTime\":\"x\",\"logFiles\":[]}}",
                &two[..two.len() - 1]
            ),
            2,
        ),
    ] {
        if what == "a damaged line behind" {
            let ran = ran(LOG, &gzip(&text));
            assert_eq!(ran.count("records", "evaluated"), records, "{what}");
            assert_eq!(ran.code, 3);
            continue;
        }
        assert_all_evaluated(what, &gzip(&text), records);
    }
    let members = [gzip(&two), gzip(&digest())].concat();
    assert_all_evaluated("a digest in another gzip member", &members, 2);
}

#[test]
fn however_the_list_is_called_its_records_are_evaluated() {
    let (one, two) = (record(1).to_string(), record(2).to_string());
    for text in [
        format!("{{\"Records\":[{one}],\"Records\":[{two}]}}"),
        format!("{{\"records\":[{one},{two}]}}"),
        format!("{{\"RECORDS\":[{one},{two}]}}"),
        format!("{{\"Rec\\u006frds\":[{one},{two}]}}"),
        format!("{{\"Records\":[{one}]}}{{\"Records\":[]}}{{\"Records\":[{two}]}}"),
    ] {
        let ran = ran(LOG, &gzip(&text));
        assert_eq!(ran.count("records", "evaluated"), 2, "{text}");
        assert_eq!(ran.code, 1, "{text}");
    }
    let ran = ran(
        LOG,
        &gzip(&format!("{{\"Records\":[{one}],\"Records\":null}}")),
    );
    assert_eq!((ran.code, ran.count("objects", "broken")), (3, 1));
}

#[test]
fn a_log_whose_content_is_something_else_is_broken() {
    for text in [
        digest(),
        digest() + &digest(),
        "{\"hello\":1}".to_owned(),
        "hello".to_owned(),
        log(&[notification()]),
        String::new(),
    ] {
        let ran = ran(LOG, &gzip(&text));
        assert_eq!(
            (ran.code, ran.count("objects", "broken")),
            (3, 1),
            "{text}: {}",
            ran.stderr
        );
        assert_eq!(problems(&ran)[0]["object"], LOG);
    }
    assert_eq!(ran(LOG, b"").count("objects", "broken"), 1);
}

#[test]
fn records_under_a_digests_key_are_evaluated_and_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), DIGEST, &gzip(&log(&[record(1)])));
    let other = tempfile::tempdir().unwrap();
    let keys = chain::Writer::new(other.path()).keys(other.path());
    let keys = keys.to_str().unwrap();
    for (arguments, codes) in [
        (&[][..], [0, 1]),
        (&["--verify", "--public-keys", keys][..], [3, 4]),
    ] {
        let ran = run(folder.path(), arguments);
        ran.assert_identities();
        assert!(
            codes.contains(&ran.code),
            "{arguments:?} {}: {}",
            ran.code,
            ran.stderr
        );
        assert_eq!(
            ran.count("records", "evaluated"),
            1,
            "{arguments:?}: {}",
            ran.stderr
        );
        let problems = problems(&ran);
        assert!(
            problems.iter().any(|problem| problem["object"] == DIGEST),
            "{arguments:?} {problems:?}"
        );
    }
}

/// What S3 tells of a new object.
fn notification() -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-20T03:11:09.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AIDAEXAMPLE" },
        "requestParameters": { "sourceIPAddress": "198.51.100.7" }, "responseElements": {},
        "s3": { "bucket": { "name": "b" }, "object": { "key": "k" } },
    })
}

fn sqs(body: &str) -> Value {
    json!({ "messageId": "1", "receiptHandle": "r", "body": body, "attributes": {}, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:q", "awsRegion": "us-east-1" })
}

fn sns(message: &str) -> Value {
    json!({ "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
        "Message": message })
}

fn kinesis(data: &[u8]) -> Value {
    json!({ "kinesis": { "partitionKey": "p", "data": STANDARD.encode(data) }, "eventSource": "aws:kinesis",
        "eventVersion": "1.0", "eventID": "shardId-0:1", "eventName": "aws:kinesis:record",
        "awsRegion": "us-east-1" })
}

fn subscription(record: &Value) -> String {
    json!({ "messageType": "DATA_MESSAGE", "logGroup": "g",
        "logEvents": [{ "id": "1", "timestamp": 1, "message": record.to_string() }] })
    .to_string()
}

fn bridge(record: &Value) -> Value {
    json!({ "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
        "account": "111122223333", "region": "us-east-1", "resources": [], "detail": record })
}

#[test]
fn what_stands_under_records_and_is_no_record_is_counted_named_and_not_evaluated() {
    let dynamo = json!({ "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "dynamodb": {} });
    let config = json!({ "configurationItemVersion": "1.3", "resourceType": "AWS::IAM::Role", "awsRegion": "us-east-1",
        "ARN": "arn:aws:iam::111122223333:role/x", "configuration": {} });
    let topic =
        json!({ "EventSource": "aws:sns", "EventVersion": "1.0", "Sns": { "Message": "hello" } });
    let stranger = [
        notification(),
        dynamo,
        config,
        topic,
        sqs("hello"),
        sqs(&log(&[notification()])),
        kinesis(b"hello"),
        kinesis(&gzip("hello")),
        bridge(&json!({ "detail": {} })),
        json!({}),
    ];
    for stranger in stranger {
        // alone: no log at all
        let alone = ran("a.json", log(std::slice::from_ref(&stranger)).as_bytes());
        assert!(is_complete(&alone), "{stranger}: {}", alone.stderr);
        assert_eq!(alone.count("objects", "foreign"), 1, "{stranger}");
        assert_eq!(alone.count("records", "records"), 0);
        assert_eq!(alone.json("coverage.json")["foreign"], json!(["a.json"]));
        // among records: counted, and named by number
        let records = [record(1), stranger.clone()];
        let mixed = ran("a.json", log(&records).as_bytes());
        assert!(is_complete(&mixed), "{stranger}: {}", mixed.stderr);
        assert_eq!(
            (
                mixed.count("records", "bad"),
                mixed.count("records", "evaluated")
            ),
            (1, 1)
        );
        let problems = problems(&mixed);
        assert!(
            problems[0]["what"]
                .as_str()
                .unwrap()
                .contains("record 1: it is not a CloudTrail record")
        );
        // in CloudTrail's own log it is a loss
        assert_eq!(ran(LOG, &gzip(&log(&records))).code, 3, "{stranger}");
    }
}

#[test]
fn records_that_queues_topics_and_streams_carry_are_evaluated() {
    let one = record(1).to_string();
    for (carrier, many) in [
        (log(&[sqs(&one)]), 1),
        (log(&[sqs(&bridge(&record(1)).to_string()), sqs(&record(2).to_string())]), 2),
        (log(&[sqs(&log(&[record(1), record(2)]))]), 2),
        (log(&[sqs(&sns(&one).to_string())]), 1),
        (log(&[sqs(&sns(&sqs(&one).to_string()).to_string())]), 1),
        (sns(&bridge(&record(1)).to_string()).to_string(), 1),
        (log(&[json!({ "EventSource": "aws:sns", "Sns": sns(&one) })]), 1),
        (json!({ "Messages": [{ "Body": one }, { "Body": record(2).to_string() }] }).to_string(), 2),
        (log(&[kinesis(&gzip(&subscription(&record(1))))]), 1),
        (log(&[kinesis(one.as_bytes())]), 1),
        (json!({ "awslogs": { "data": STANDARD.encode(gzip(&subscription(&record(1)))) } }).to_string(), 1),
        (json!({ "records": [{ "recordId": "1", "data": STANDARD.encode(gzip(&subscription(&record(1)))) }] }).to_string(), 1),
        (log(&[sqs(&STANDARD.encode(gzip(&subscription(&record(1)))))]), 1),
        (log(&[bridge(&record(1))]), 1),
    ] {
        let ran = ran("a.json", carrier.as_bytes());
        assert_eq!(ran.count("records", "evaluated"), many, "{carrier}: {}", ran.stderr);
        assert_eq!(ran.code, 1, "{carrier}: {}", ran.stderr);
    }
}

/// Ever deeper envelopes end, and so does a payload that inflates without end.
#[test]
fn envelopes_are_opened_to_a_bound() {
    let mut text = record(1).to_string();
    for _ in 0..13 {
        text = sqs(&text).to_string();
    }
    let ran_deep = ran("a.json", text.as_bytes());
    assert_eq!(ran_deep.count("objects", "foreign"), 1);
    let bomb = STANDARD.encode(gzip(&" ".repeat(40 << 20)));
    let bombs: Vec<Value> = (0..9).map(|_| sqs(&bomb)).collect();
    let ran_bombs = ran("a.json", log(&bombs).as_bytes());
    assert_eq!(ran_bombs.count("objects", "foreign"), 1);
}

#[test]
fn files_that_are_no_logs_are_named_and_empty_ones_are_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), LOG, &gzip(&log(&[record(1)])));
    put(
        folder.path(),
        "AWSLogs/111122223333/Config/ConfigWritabilityCheckFile",
        b"",
    );
    put(
        folder.path(),
        "AWSLogs/111122223333/notes/empty.json.gz",
        &gzip(""),
    );
    for number in 0..70 {
        put(folder.path(), &format!("other/{number:02}.txt"), b"hello");
    }
    let ran = run(folder.path(), &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    ran.assert_identities();
    assert_eq!(
        (
            ran.count("objects", "foreign"),
            ran.count("objects", "listed")
        ),
        (72, 1)
    );
    let coverage = ran.json("coverage.json");
    assert_eq!(coverage["foreign"].as_array().unwrap().len(), 50);
    assert_eq!(
        coverage["foreign"][0],
        "AWSLogs/111122223333/Config/ConfigWritabilityCheckFile"
    );
    assert_eq!(problems(&ran), Vec::<Value>::new());
    let html = run(folder.path(), &["--format", "html"]).file("report.html");
    assert!(html.contains("ConfigWritabilityCheckFile") && html.contains(" and 22 more"));
    if let Some(reported) = shared("public-reports/04b-lza-copy/in") {
        let ran = run(reported, &[]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert_eq!(ran.count("objects", "broken"), 0);
    }
}
