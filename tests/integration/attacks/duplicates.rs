//! Records that hide others: under their `eventID`, or under a `sharedEventID`.

mod matches;

use std::fs;
use std::path::Path;
use std::slice::from_ref;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chain::{Writer, gzip};
use crate::loopback::{self, BUCKET, Memory};
use crate::product::{self, Ran, run, shared, shared_data};

const ID: &str = "a150ec6a-7b27-4b35-80ca-dde11f3575fe";
const ACCOUNT: &str = "111122223333";

/// A call of an administrator that every rule set finds, under that id.
fn stop_logging() -> Value {
    json!({
        "eventVersion": "1.11", "eventID": ID, "eventTime": "2026-11-20T10:30:00Z",
        "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.66", "userAgent": "aws-cli",
        "requestParameters": {"name": "main/trail", "first": 1.5, "second": {"x": "1", "y": [1, "é"]}},
        "responseElements": null, "readOnly": false, "eventType": "AwsApiCall",
        "managementEvent": true, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "userName": "mallory",
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/mallory"), "accountId": ACCOUNT},
    })
}

/// What somebody puts in its place.
fn harmless() -> Value {
    let mut record = stop_logging();
    record["eventName"] = "DescribeTrails".into();
    record["readOnly"] = true.into();
    record
}

/// The key of a log that was delivered at that minute.
fn key(account: &str, folder: &str, minute: u32) -> String {
    format!(
        "AWSLogs/{account}/{folder}/us-east-1/2026/11/20/\
         {account}_{folder}_us-east-1_20261120T10{minute}Z_AAAAAAAAAAAAAAAA.json.gz"
    )
}

fn text(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn put(root: &Path, key: &str, text: &str) {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, gzip(text.as_bytes())).unwrap();
}

/// A folder with those logs, each with its folder in the account, minute and text.
fn logs(logs: &[(&str, u32, String)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (folder, minute, text) in logs {
        put(root.path(), &key(ACCOUNT, folder, *minute), text);
    }
    root
}

fn conflicts(ran: &Ran) -> Vec<Value> {
    let run = ran.json("run.json");
    let problems = run["coverage"]["problems"].as_array().unwrap().iter();
    let conflicts = problems.filter(|problem| problem["kind"] == "conflict");
    conflicts.cloned().collect()
}

/// How often each event was evaluated and left out as a copy.
fn counts(ran: &Ran) -> (u64, u64) {
    ran.assert_identities();
    (
        ran.count("records", "evaluated"),
        ran.count("records", "duplicates"),
    )
}

fn finds_stop_logging(ran: &Ran) -> bool {
    ran.file("findings.json").contains("StopLogging")
}

#[test]
fn a_planted_record_hides_no_event_wherever_it_lies() {
    let (real, planted) = (text(&[stop_logging()]), text(&[harmless()]));
    for (why, root) in [
        (
            "before",
            logs(&[
                ("CloudTrail", 20, planted.clone()),
                ("CloudTrail", 30, real.clone()),
            ]),
        ),
        (
            "after",
            logs(&[
                ("CloudTrail", 30, real.clone()),
                ("CloudTrail", 40, planted.clone()),
            ]),
        ),
        (
            "in another folder",
            logs(&[
                ("CloudTrail-Insight", 10, planted),
                ("CloudTrail", 30, real),
            ]),
        ),
        (
            "in one file",
            logs(&[("CloudTrail", 30, text(&[harmless(), stop_logging()]))]),
        ),
    ] {
        let ran = run(root.path(), &["--fail-on", "critical"]);
        assert!(finds_stop_logging(&ran), "{why}: {}", ran.stdout);
        assert_eq!(counts(&ran), (2, 0), "{why}");
        let [conflict] = &conflicts(&ran)[..] else {
            panic!("{why}: {:?}", conflicts(&ran));
        };
        let what = conflict["what"].as_str().unwrap();
        assert!(
            what.contains(ID) && what.contains("2026/11/20"),
            "{why}: {what}"
        );
        assert_eq!(ran.code, 3, "{why}: {}", ran.stdout);
        assert!(
            ran.stdout
                .contains("INCOMPLETE: records with one event id differ"),
            "{why}"
        );
        assert!(
            ran.stdout.contains("event id of another record"),
            "{why}: {}",
            ran.stdout
        );
        assert!(
            ran.file("report.html")
                .contains("event id of another record"),
            "{why}"
        );
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_planted_insight_file_of_the_attack_hides_nothing() {
    let attack = shared_data("attacks/F20-suppression");
    let keys = attack.join("keys.json").display().to_string();
    let verify = ["--verify", "--public-keys", &keys, "--fail-on", "critical"];
    let before = run(attack.join("before"), &verify);
    assert!(conflicts(&before).is_empty(), "{}", before.stdout);
    let after = run(attack.join("after"), &verify);
    assert!(finds_stop_logging(&after), "{}", after.stdout);
    assert_eq!(conflicts(&after).len(), 1);
    assert!(
        [3, 4].contains(&after.code),
        "{}: {}",
        after.code,
        after.stdout
    );
}

/// The same record in other spellings: keys the other way round, white space, escapes.
fn spellings() -> [String; 3] {
    let plain = stop_logging().to_string();
    let reversed = {
        let mut members: Vec<String> = stop_logging()
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| format!("{}:{value}", json!(key)))
            .collect();
        members.reverse();
        format!("{{{}}}", members.join(","))
    };
    let nested = plain.replace(
        r#"{"x":"1","y":[1,"é"]}"#,
        r#"{"y":[1,"\u00e9"],"x":"\u0031"}"#,
    );
    assert_ne!(nested, plain);
    [
        reversed.replace(r#""main/trail""#, r#""main\/trail""#),
        nested,
        serde_json::to_string_pretty(&stop_logging()).unwrap(),
    ]
}

#[test]
fn the_spelling_of_a_record_does_not_make_it_another() {
    let real = text(&[stop_logging()]);
    let alone = run(
        logs(&[("CloudTrail", 30, real.clone())]).path(),
        &["--fail-on", "critical"],
    );
    for spelling in spellings() {
        let other = format!("{{\"Records\": [{spelling}]}}");
        let both = format!("{{\"Records\": [{},{spelling}]}}", stop_logging());
        for root in [
            logs(&[
                ("CloudTrail", 20, other.clone()),
                ("CloudTrail", 30, real.clone()),
            ]),
            logs(&[("CloudTrail", 30, real.clone()), ("CloudTrail", 40, other)]),
            logs(&[("CloudTrail", 30, both)]),
        ] {
            let ran = run(root.path(), &["--fail-on", "critical"]);
            assert_eq!(counts(&ran), (1, 1), "{spelling}");
            assert!(conflicts(&ran).is_empty(), "{spelling}");
            assert_eq!((ran.code, ran.findings()), (alone.code, alone.findings()));
        }
    }
}

#[test]
fn a_copy_that_another_tool_wrapped_is_a_copy() {
    let row = json!({"Events": [{"EventId": ID, "CloudTrailEvent": stop_logging().to_string()}]});
    let detail = json!({"detail-type": "AWS API Call via CloudTrail", "detail": stop_logging()});
    let root = logs(&[("CloudTrail", 30, text(&[stop_logging()]))]);
    fs::write(root.path().join("lookup.json"), row.to_string()).unwrap();
    fs::write(root.path().join("bridge.json"), detail.to_string()).unwrap();
    let ran = run(root.path(), &[]);
    assert_eq!((counts(&ran), conflicts(&ran).len()), ((1, 2), 0));
}

#[test]
fn an_addendum_is_a_correction_and_no_conflict() {
    let mut corrected = stop_logging();
    corrected["sourceIPAddress"] = "198.51.100.7".into();
    let without_reason = corrected.clone();
    corrected["addendum"] = json!({"reason": "UPDATED_DATA", "updatedFields": "sourceIPAddress"});
    let first = text(&[stop_logging()]);
    let with = |second: &Value| {
        logs(&[
            ("CloudTrail", 20, first.clone()),
            ("CloudTrail", 30, text(from_ref(second))),
        ])
    };
    let ran = run(with(&corrected).path(), &["--fail-on", "critical"]);
    assert_eq!(
        (counts(&ran), conflicts(&ran).len(), ran.code),
        ((2, 0), 0, 1)
    );
    let ran = run(with(&without_reason).path(), &["--fail-on", "critical"]);
    assert_eq!(
        (counts(&ran), conflicts(&ran).len(), ran.code),
        ((2, 0), 1, 3)
    );
}

/// Three records under one id, two of them twice in other spellings, in several files.
fn many() -> Vec<(&'static str, u32, String)> {
    let mut third = stop_logging();
    third["eventName"] = "DeleteTrail".into();
    let [reversed, ..] = spellings();
    let pretty = serde_json::to_string_pretty(&harmless()).unwrap();
    vec![
        ("CloudTrail", 10, text(&[harmless()])),
        (
            "CloudTrail",
            20,
            format!("{{\"Records\": [{},{reversed}]}}", stop_logging()),
        ),
        ("CloudTrail", 30, format!("{{\"Records\": [{pretty}]}}")),
        (
            "CloudTrail",
            40,
            text(&[third.clone(), stop_logging(), third]),
        ),
    ]
}

#[test]
fn three_records_under_one_id_all_count() {
    let root = logs(&many());
    let ran = run(root.path(), &["--jobs", "1"]);
    assert_eq!(counts(&ran), (3, 4));
    assert!(finds_stop_logging(&ran) && ran.file("findings.json").contains("DeleteTrail"));
    let named: Vec<_> = conflicts(&ran)
        .iter()
        .map(|one| one["object"].to_string())
        .collect();
    assert!(
        named.len() == 2 && named[0].contains("T1020Z") && named[1].contains("T1040Z"),
        "{named:?}"
    );
    let again = run(root.path(), &["--jobs", "4"]);
    for file in ["findings.json", "findings.csv", "run.json"] {
        assert!(ran.file(file) == again.file(file), "{file}");
    }
}

#[test]
fn a_later_run_that_remembers_says_the_same() {
    let root = logs(&many()[..2]);
    let state = root.path().with_extension("state").display().to_string();
    let incremental = ["--incremental", "--state", &state];
    run(root.path(), &incremental);
    for (folder, minute, text) in &many()[2..] {
        put(root.path(), &key(ACCOUNT, folder, *minute), text);
    }
    let whole = run(root.path(), &[]);
    for _ in 0..2 {
        let ran = run(root.path(), &incremental);
        assert_eq!((counts(&ran), ran.code), ((3, 4), whole.code));
        for file in ["findings.json", "findings.csv"] {
            assert!(ran.file(file) == whole.file(file), "{file}");
        }
        assert_eq!(conflicts(&ran), conflicts(&whole));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_it_is_as_in_a_folder() {
    let root = logs(&many());
    let url = loopback::serve(Memory::copy_of(root.path())).await;
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = product::signed_in();
        let source = format!("s3://{BUCKET}");
        command.args(["run", &source, "--endpoint-url", &url, "--jobs", "2"]);
        product::finish(command)
    });
    let (ran, folder) = (ran.await.unwrap(), run(root.path(), &[]));
    assert_eq!(
        (counts(&ran), conflicts(&ran)),
        ((3, 4), conflicts(&folder))
    );
}

#[test]
fn a_copy_outside_of_what_is_signed_is_not_the_one_that_is_cited() {
    let root = tempfile::tempdir().unwrap();
    let bucket = root.path().join("bucket");
    let mut writer = Writer::hours(&bucket, 2);
    let real = text(&[stop_logging()]);
    let (start, end) = ("2026-11-20T02:17:28Z", "2026-11-20T03:17:28Z");
    let signed = key(ACCOUNT, "CloudTrail", 30);
    put(&bucket, &signed, &real);
    let log = (signed.clone(), trailscan::sha256::hex([real.as_bytes()]));
    writer.digest(start.parse().unwrap(), end.parse().unwrap(), &[log], None);
    let planted = [
        "AWSLogs/a.json.gz",
        &key(ACCOUNT, "CloudTrail-Insight", 10),
        "0.json.gz",
    ];
    planted.iter().for_each(|key| put(&bucket, key, &real));
    let keys = writer.keys(root.path()).display().to_string();
    let ran = run(&bucket, &["--verify", "--public-keys", &keys]);
    assert_eq!(counts(&ran).1, 3);
    let findings = ran.json("findings.json");
    let findings = findings["findings"].as_array().unwrap();
    let samples = findings
        .iter()
        .flat_map(|one| one["samples"].as_array().unwrap());
    let cited: Vec<_> = samples
        .filter(|sample| sample["event_id"] == ID)
        .map(|sample| sample["object"].as_str().unwrap())
        .collect();
    assert!(
        !cited.is_empty() && cited.iter().all(|object| *object == signed),
        "{cited:?}"
    );
}

/// A call into another account as its owner's log has it.
fn owner() -> Value {
    json!({
        "eventVersion": "1.11", "eventID": "121f7305-e164-4982-95c0-e0b73abb1e85",
        "sharedEventID": "f78e1ffa-d9cf-4a0c-849a-b16681866856",
        "eventTime": "2026-11-20T10:30:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteBucketPolicy", "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7", "requestParameters": {"bucketName": "a", "Host": "b"},
        "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        "userIdentity": {"type": "AWSAccount", "principalId": "AROAX:job-7", "accountId": "444455556666"},
    })
}

/// As the caller's log has it.
fn caller() -> Value {
    let mut record = owner();
    record["eventID"] = "c4b11609-cef6-45c9-b031-98c45f952f9c".into();
    record["recipientAccountId"] = "444455556666".into();
    record["userIdentity"] = json!({
        "type": "AssumedRole", "principalId": "AROAX:job-7", "accountId": "444455556666",
        "arn": "arn:aws:sts::444455556666:assumed-role/vendor/job-7",
    });
    record
}

fn of_two_accounts(owner: &Value, caller: &Value) -> Ran {
    let root = tempfile::tempdir().unwrap();
    put(
        root.path(),
        &key(ACCOUNT, "CloudTrail", 35),
        &text(from_ref(owner)),
    );
    put(
        root.path(),
        &key("444455556666", "CloudTrail", 35),
        &text(from_ref(caller)),
    );
    run(root.path(), &[])
}

#[test]
fn a_call_that_two_accounts_recorded_counts_once() {
    let ran = of_two_accounts(&owner(), &caller());
    assert_eq!((counts(&ran), conflicts(&ran).len()), ((1, 1), 0));
    // some records do not tell the owner who called
    let mut redacted = owner();
    redacted["userIdentity"] = json!({"type": "AWSAccount", "accountId": "444455556666"});
    let ran = of_two_accounts(&redacted, &caller());
    assert_eq!((counts(&ran), conflicts(&ran).len()), ((1, 1), 0));
    if let Some(upload) = shared("public-reports/24-shared-event/in") {
        let ran = run(upload, &[]);
        assert_eq!((counts(&ran), conflicts(&ran).len()), ((1, 1), 0));
    }
}

#[test]
fn a_chosen_shared_id_hides_no_call() {
    for (member, value) in [
        ("eventName", json!("GetBucketPolicy")),
        ("eventSource", json!("sns.amazonaws.com")),
        ("eventTime", json!("2026-11-20T10:30:01Z")),
        ("awsRegion", json!("eu-west-1")),
        ("errorCode", json!("AccessDenied")),
        ("sourceIPAddress", json!("192.0.2.1")),
        ("requestParameters", json!({"bucketName": "c", "Host": "b"})),
        ("requestParameters", Value::Null),
        ("recipientAccountId", json!("444455556666")),
        (
            "userIdentity",
            json!({"type": "AWSAccount", "principalId": "AROAX:job-7", "accountId": "777788889999"}),
        ),
        (
            "userIdentity",
            json!({"type": "AWSAccount", "principalId": "AROAX:job-8", "accountId": "444455556666"}),
        ),
        ("eventType", json!("AwsCloudTrailInsight")),
    ] {
        let mut other = owner();
        other[member] = value;
        let ran = of_two_accounts(&other, &caller());
        assert_eq!(
            (counts(&ran), conflicts(&ran).len()),
            ((2, 0), 0),
            "{other}"
        );
    }
}

#[test]
fn no_table_has_a_hash_that_callers_know() {
    for name in ["Cargo.toml", "src"] {
        let output = std::process::Command::new("grep")
            .args(["-rnE", "rustc.hash|FxHash|FxBuild|fnv|FixedState"])
            .arg(product::root().join(name))
            .output()
            .unwrap();
        let found = String::from_utf8(output.stdout).unwrap();
        assert!(found.is_empty(), "{found}");
    }
}
