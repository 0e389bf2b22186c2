//! `rules tune`: filters that are proposed with their proof, or refused with a reason.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::product::{Ran, run, trailscan};

const RULE: &str = "title: Key created\nname: key_created\nid: 7f1b0b5a-0f3f-4f0e-9d4e-0c8f6a4f0a09\n\
                    logsource: {product: aws, service: cloudtrail}\nlevel: medium\n\
                    detection: {call: {eventName: [CreateAccessKey, GetObject]}, condition: call}\n";

/// A key that a session of a role made for a user, from an address.
fn created(session: &str, user: &str, address: &str, number: u32) -> Value {
    let role = "arn:aws:iam::111122223333:role/deploy";
    json!({
        "eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey",
        "eventTime": format!("2026-11-18T15:{:02}:00Z", number % 60), "awsRegion": "us-east-1",
        "userIdentity": {
            "type": "AssumedRole", "accountId": "111122223333", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/deploy/{session}"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role, "userName": "deploy"}},
        },
        "sourceIPAddress": address, "userAgent": "Terraform/1.9",
        "requestParameters": {"userName": user},
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "recipientAccountId": "111122223333",
    })
}

/// A folder with the rule, its samples and the logs.
fn desk(records: &[Value], hit: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("samples/rules")).unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    write("r.yml", RULE.to_owned());
    write("logs/a.json", json!({ "Records": records }).to_string());
    let case = json!({"expect": "match", "event": hit});
    write("samples/rules/key_created.jsonl", case.to_string());
    folder
}

fn report(desk: &Path, more: &[&str]) -> Ran {
    let rules = desk.join("r.yml").display().to_string();
    let arguments = [
        &[
            "--no-builtin-rules",
            "--rules",
            &rules,
            "--fail-on",
            "never",
        ],
        more,
    ]
    .concat();
    run(desk.join("logs"), &arguments)
}

fn findings(ran: &Ran) -> Vec<Value> {
    ran.json("findings.json")["findings"]
        .as_array()
        .unwrap()
        .clone()
}

/// What `rules tune` prints: exit code, filter and message.
fn tune(desk: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = trailscan();
    command
        .current_dir(desk)
        .args([
            "rules",
            "tune",
            "key_created",
            "--no-builtin-rules",
            "--rules",
            "r.yml",
        ])
        .args(["--samples", "samples/rules"])
        .args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_filter_silences_the_benign_finding_and_nothing_else_and_says_so() {
    let mut records: Vec<Value> = (1..=12)
        .map(|n| created("i-0123456789abcdef0", "svc*", "10.0.0.7", n))
        .collect();
    records.push(created("i-0123456789abcdef0", "admin", "10.0.0.7", 20));
    // the same call in the week before is another finding
    let mut earlier = created("i-0aaaaaaaaaaaaaaa0", "svc*", "10.0.0.7", 21);
    earlier["eventTime"] = json!("2026-11-11T15:00:00Z");
    records.push(earlier);
    let hit = created("i-0123456789abcdef0", "someone", "203.0.113.9", 1);
    let desk = desk(&records, &hit);
    let ran = report(desk.path(), &[]);
    let all = findings(&ran);
    assert_eq!(all.len(), 3);
    let benign = all.iter().find(|one| one["count"] == 12).unwrap();
    let id = benign["id"].as_str().unwrap();
    let folder = ran.folder.path().join("report").display().to_string();
    let (code, filter, message) = tune(desk.path(), &["--benign", id, "--report", &folder]);
    assert_eq!(code, 0, "{message}");
    for line in [
        "12 events; 10 read again and tried",
        "#   the hit of samples/rules/key_created.jsonl (1)",
        "# Besides it silences 1 finding:",
        "trailscan.principal|startswith: \"arn:aws:iam::111122223333:role/deploy/\"",
        "trailscan.target: \"svc\\\\*\"",
    ] {
        assert!(filter.contains(line), "{line}\n{filter}");
    }
    for chosen in ["userAgent", "sourceIPAddress", "i-0123456789abcdef0"] {
        let fields = filter.split("filter:").nth(1).unwrap();
        assert!(!fields.contains(chosen), "{filter}");
    }
    // the engine takes the file as it was printed
    fs::write(desk.path().join("filter.yml"), &filter).unwrap();
    let path = desk.path().join("filter.yml").display().to_string();
    let left = findings(&report(desk.path(), &["--rules", &path]));
    let left: Vec<&str> = left
        .iter()
        .map(|one| one["resource"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["admin"]);
    // a finding that is not there, and one of another rule, are refused
    let (code, _, message) = tune(desk.path(), &["--benign", "0123", "--report", &folder]);
    assert!(
        code == 2 && message.contains("has no finding 0123"),
        "{message}"
    );
}

#[test]
fn what_must_stay_narrows_the_filter_to_an_address_with_a_warning_and_then_refuses_it() {
    let benign = created("anna@clinic.example", "svc", "10.0.0.7", 1);
    let desk = desk(&[], &created("bert@clinic.example", "svc", "10.0.0.7", 2));
    let file = |name: &str, record: &Value| {
        let text = json!({ "Records": [record] }).to_string();
        fs::write(desk.path().join(name), text).unwrap();
    };
    file("benign.json", &benign);
    // the same person from elsewhere must still be found
    file(
        "elsewhere.json",
        &created("anna@clinic.example", "svc", "198.51.100.9", 3),
    );
    let events = ["--events", "benign.json"];
    let (code, filter, message) = tune(desk.path(), &events);
    assert_eq!(code, 0, "{message}");
    assert!(!filter.contains("sourceIPAddress"), "{filter}");
    let (code, filter, message) = tune(
        desk.path(),
        &[&events[..], &["--keep", "elsewhere.json"]].concat(),
    );
    assert_eq!(code, 0, "{message}");
    assert!(filter.contains("sourceIPAddress: \"10.0.0.7\""), "{filter}");
    assert!(
        filter.contains("# Warning: it names source addresses"),
        "{filter}"
    );
    // nothing tells an event from itself
    let (code, filter, message) = tune(
        desk.path(),
        &[&events[..], &["--keep", "benign.json"]].concat(),
    );
    assert_eq!((code, filter.as_str()), (2, ""));
    assert!(
        message
            .contains("every filter that silences the benign events also silences benign.json:0"),
        "{message}"
    );
    // a caller whom nobody proves may only be named by the address
    let mut anonymous = benign;
    anonymous["eventName"] = json!("GetObject");
    anonymous["eventSource"] = json!("s3.amazonaws.com");
    anonymous["userIdentity"] =
        json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"});
    anonymous["requestParameters"] = json!({"bucketName": "site"});
    file("benign.json", &anonymous);
    let (code, filter, message) = tune(desk.path(), &events);
    assert_eq!(code, 0, "{message}");
    assert!(
        filter.contains("# Warning: it names source addresses"),
        "{filter}"
    );
    anonymous.as_object_mut().unwrap().remove("sourceIPAddress");
    file("benign.json", &anonymous);
    let (code, _, message) = tune(desk.path(), &events);
    assert!(
        code == 2 && message.contains("what any caller may choose"),
        "{message}"
    );
}

#[test]
fn a_filter_for_a_rule_that_counts_names_the_rules_that_it_watches() {
    let records: Vec<Value> = (1..=6)
        .map(|n| created("i-0123456789abcdef0", "svc", "10.0.0.7", n))
        .collect();
    let desk = desk(&records, &created("x", "y", "10.0.0.1", 1));
    let text = RULE.replace("key_created", "one_key")
        + "trailscan: {silent: true}\n---\ntitle: Many keys\nname: key_created\nlevel: high\n\
           correlation: {type: event_count, rules: [one_key], group-by: [trailscan.principal], \
           timespan: 1h, condition: {gte: 5}}\n";
    fs::write(desk.path().join("r.yml"), text).unwrap();
    let hit = json!({"expect": "match", "repeat": {"event": created("dora@clinic.example", "y", "10.0.0.1", 1), "times": 5, "every_seconds": 60}});
    fs::write(
        desk.path().join("samples/rules/key_created.jsonl"),
        hit.to_string(),
    )
    .unwrap();
    let ran = report(desk.path(), &[]);
    let all = findings(&ran);
    assert_eq!(all.len(), 1);
    let folder = ran.folder.path().join("report").display().to_string();
    let id = all[0]["id"].as_str().unwrap();
    let (code, filter, message) = tune(desk.path(), &["--benign", id, "--report", &folder]);
    assert_eq!(code, 0, "{message}");
    assert!(filter.contains("    - \"one_key\"\n"), "{filter}");
    fs::write(desk.path().join("filter.yml"), &filter).unwrap();
    let path = desk.path().join("filter.yml").display().to_string();
    assert_eq!(
        findings(&report(desk.path(), &["--rules", &path])),
        [json!(null); 0]
    );
}
