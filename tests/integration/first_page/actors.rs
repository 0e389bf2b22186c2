//! Who did it: findings name the callers, addresses, accounts, Regions and access keys of their events,
//! and show the events that say most.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::product::{self, Ran, run, samples, shared_data};

/// A record of a call by an IAM user on a bucket with ePHI of the sample configuration.
fn record(number: usize, event: &Value) -> Value {
    let second = number % 60;
    let minute = number / 60 % 60;
    let hour = 10 + number / 3_600;
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/clerk", "userName": "clerk",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
        "eventTime": format!("2026-11-18T{hour:02}:{minute:02}:{second:02}Z"),
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.31.1",
        "requestParameters": {"bucketName": "talentbase-prod-uploads", "key": "cv/1.pdf"},
        "responseElements": null,
        "requestID": format!("r{number}"),
        "eventID": format!("00000000-0000-4000-8000-{number:012x}"),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::talentbase-prod-uploads/cv/1.pdf"}],
    });
    merge(&mut record, event);
    record
}

/// Sets members, those of objects one by one; `null` takes a member away.
fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().unwrap() {
        match value {
            Value::Null => {
                into.as_object_mut().unwrap().remove(name);
            }
            Value::Object(_) if into[name].is_object() => merge(&mut into[name], value),
            _ => into[name] = value.clone(),
        }
    }
}

fn write(folder: &Path, name: &str, records: &[Value]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, json!({ "Records": records }).to_string()).unwrap();
}

/// Runs over these records in so many files, with the sample configuration.
fn scan(records: &[Value], files: usize, arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    for (number, part) in records.chunks(records.len().div_ceil(files)).enumerate() {
        write(folder.path(), &format!("{number:04}.json"), part);
    }
    let config = samples("rules/trailscan.toml").display().to_string();
    run(folder.path(), &[&["--config", &config], arguments].concat())
}

fn finding(ran: &Ran, rule: &str) -> Value {
    let mut findings = ran.json("findings.json");
    let all = findings["findings"].as_array_mut().unwrap();
    let of_rule = |finding: &&mut Value| finding["rule"] == rule;
    let found = all.iter_mut().find(of_rule).map(Value::take);
    found.unwrap_or_else(|| panic!("no {rule}: {:?}", ran.findings()))
}

fn texts(list: &Value, member: &str) -> Vec<String> {
    let text = |one: &Value| one[member].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

#[test]
fn the_worst_event_of_the_breach_is_high_and_names_who_did_it_from_where_with_which_key() {
    let ran = run(samples("trails/breach"), &[]);
    let mass = finding(&ran, "aws_s3_phi_mass_delete");
    let user = "arn:aws:iam::111122223333:user/talentbase-backend-prod";
    assert_eq!(mass["level"], "high");
    assert_eq!(mass["actor"], user);
    assert_eq!(mass["resource"], "talentbase-prod-uploads");
    assert!(
        ran.stdout.contains("Mass deletion on a bucket with ePHI"),
        "above \"and … more\""
    );
    for rule in ["aws_s3_phi_mass_delete", "aws_s3_object_change_volume"] {
        let finding = finding(&ran, rule);
        assert_eq!(finding["actor"], user, "{rule}");
        assert_eq!(finding["actors"], json!([user]), "{rule}");
        assert_eq!(finding["accounts"], json!(["111122223333"]), "{rule}");
        assert_eq!(finding["regions"], json!(["us-east-1"]), "{rule}");
        assert_eq!(
            finding["access_keys"],
            json!(["AKIAI66NEWKEYEXAMPLE"]),
            "{rule}"
        );
        assert!(
            !finding["source_ips"].as_array().unwrap().is_empty(),
            "{rule}"
        );
        let first = &finding["samples"][0];
        assert_eq!(first["account"], "111122223333", "{rule}");
        assert_eq!(first["event_source"], "s3.amazonaws.com", "{rule}");
        assert_eq!(first["access_key"], "AKIAI66NEWKEYEXAMPLE", "{rule}");
        assert_ne!(first["source_ip"], "", "{rule}");
    }
    let page = ran.file("report.html");
    assert!(!page.contains("source address not recorded"));
    assert!(page.contains("AKIAI66NEWKEYEXAMPLE"));
}

#[test]
fn a_correlation_over_several_callers_names_them_all() {
    let records: Vec<Value> = (0..1_200)
        .map(|number| {
            let (user, region) = (number % 3, ["us-east-1", "eu-west-1"][number % 2]);
            record(
                number,
                &json!({
                    "eventName": "DeleteObject", "readOnly": false, "awsRegion": region,
                    "sourceIPAddress": format!("198.51.100.{}", 10 + user),
                    "userIdentity": {
                        "arn": format!("arn:aws:iam::111122223333:user/u{user}"),
                        "userName": format!("u{user}"),
                        "accessKeyId": format!("AKIAIOSFODNN{user}EXAMPLE"),
                    },
                }),
            )
        })
        .collect();
    let ran = scan(&records, 7, &["--jobs", "3"]);
    let found = finding(&ran, "aws_s3_phi_mass_delete");
    assert_eq!(found["count"], 1_200);
    assert_eq!(found["actor"], "3 principals");
    let users = ["u0", "u1", "u2"].map(|user| format!("arn:aws:iam::111122223333:user/{user}"));
    assert_eq!(found["actors"], json!(users));
    assert_eq!(
        found["source_ips"],
        json!(["198.51.100.10", "198.51.100.11", "198.51.100.12"])
    );
    assert_eq!(found["regions"], json!(["eu-west-1", "us-east-1"]));
    assert_eq!(found["access_keys"].as_array().unwrap().len(), 3);
    let shown = texts(&found["samples"], "principal");
    for user in users {
        assert!(
            shown.contains(&user),
            "{user} is not in the evidence: {shown:?}"
        );
    }
}

#[test]
fn more_callers_and_keys_than_a_page_holds_are_counted() {
    let records: Vec<Value> = (0..1_100)
        .map(|number| {
            let user = number % 50;
            let change = json!({
                "eventName": "DeleteObject", "readOnly": false,
                "userIdentity": {
                    "arn": format!("arn:aws:iam::111122223333:user/u{user:02}"),
                    "accessKeyId": format!("AKIAIOSFODNN{user:02}EXAMP"),
                },
            });
            record(number, &change)
        })
        .collect();
    let ran = scan(&records, 3, &[]);
    let found = finding(&ran, "aws_s3_phi_mass_delete");
    for (list, more) in [
        ("actors", "more_actors"),
        ("access_keys", "more_access_keys"),
    ] {
        assert_eq!(found[list].as_array().unwrap().len(), 20);
        assert_eq!(found[more], 30);
    }
    assert!(ran.file("findings.csv").contains("; and 30 more"));
}

#[test]
fn evidence_shows_the_rare_call_the_new_address_and_the_other_key_among_thousands() {
    let records: Vec<Value> = (0..3_000)
        .map(|number| {
            let change = match number {
                1_500 => json!({"eventName": "DeleteObject", "readOnly": false}),
                1_700 => json!({"errorCode": "AccessDenied", "errorMessage": "Access Denied"}),
                1_900 => json!({"sourceIPAddress": "203.0.113.9"}),
                2_100 => json!({"userIdentity": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE"}}),
                _ => json!({}),
            };
            record(number, &change)
        })
        .collect();
    let one = scan(&records, 1, &["--jobs", "1"]);
    let found = finding(&one, "aws_s3_long_lived_key_on_phi_bucket");
    assert_eq!(found["count"], 3_000);
    assert_eq!(
        found["access_keys"],
        json!(["AKIAI44QH8DHBEXAMPLE", "AKIAIOSFODNN7EXAMPLE"])
    );
    let shown = |finding: &Value| texts(&finding["samples"], "event_id");
    let expected = [0, 1, 2, 3, 4, 1_500, 1_700, 1_900, 2_100, 2_999]
        .map(|number| format!("00000000-0000-4000-8000-{number:012x}"));
    assert_eq!(shown(&found), expected);
    // the last event has all its details like every other
    assert_eq!(found["samples"][9]["user_agent"], "aws-cli/2.31.1");
    assert_eq!(found["samples"][9]["target"], "talentbase-prod-uploads");
    // any order, any number of files and threads
    let mut turned = records.clone();
    turned.reverse();
    turned.rotate_left(1_234);
    for (files, jobs) in [(1, "1"), (40, "1"), (40, "5")] {
        let other = scan(&turned, files, &["--jobs", jobs]);
        let other = finding(&other, "aws_s3_long_lived_key_on_phi_bucket");
        assert_eq!(shown(&other), expected, "{files} files, {jobs} threads");
    }
}

#[test]
fn an_incremental_run_shows_the_same_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    for part in 0..6 {
        let records: Vec<Value> = (0..200)
            .map(|number| {
                let number = part * 200 + number;
                let call = if number == 777 {
                    "DeleteObject"
                } else {
                    "GetObject"
                };
                record(number, &json!({"eventName": call}))
            })
            .collect();
        write(&logs, &format!("{part}.json"), &records);
    }
    let state = folder.path().join("state").display().to_string();
    let config = samples("rules/trailscan.toml").display().to_string();
    let arguments = ["--config", &config, "--incremental", "--state", &state];
    let whole = run(&logs, &["--config", &config]);
    let expected = finding(&whole, "aws_s3_long_lived_key_on_phi_bucket");
    assert_eq!(texts(&expected["samples"], "event_name")[8], "DeleteObject");
    for _ in 0..2 {
        let ran = run(&logs, &arguments);
        let found = finding(&ran, "aws_s3_long_lived_key_on_phi_bucket");
        assert_eq!(found["samples"], expected["samples"]);
    }
    // part of what is remembered
    let window = ["--until", "2026-11-18T10:14:00Z"];
    let remembered = run(&logs, &[&arguments[..], &window[..]].concat());
    let anew = run(&logs, &[&["--config", &config][..], &window[..]].concat());
    let of = |ran: &Ran| finding(ran, "aws_s3_long_lived_key_on_phi_bucket");
    assert_eq!(of(&remembered)["samples"], of(&anew)["samples"]);
    assert_eq!(of(&anew)["samples"][9]["time"], "2026-11-18T10:13:59Z");
}

#[test]
fn an_event_that_was_delivered_twice_is_shown_once() {
    let records: Vec<Value> = (0..400).map(|number| record(number, &json!({}))).collect();
    let twice: Vec<Value> = records
        .iter()
        .chain(records.iter().rev())
        .cloned()
        .collect();
    let (once, twice) = (scan(&records, 5, &[]), scan(&twice, 9, &[]));
    let of = |ran: &Ran| {
        let found = finding(ran, "aws_s3_long_lived_key_on_phi_bucket");
        texts(&found["samples"], "event_id")
    };
    assert_eq!(of(&once), of(&twice));
}

#[test]
fn access_keys_and_rule_ids_stand_in_json_and_csv_and_secrets_do_not() {
    let assume = record(
        1,
        &json!({
            "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "readOnly": false,
            "managementEvent": true, "eventCategory": "Management",
            "requestParameters": {"bucketName": null, "key": null, "userName": "other"},
            "responseElements": {"accessKey": {
                "accessKeyId": "AKIAI44QH8DHBEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/SECRET",
                "sessionToken": "TOKENTOKEN",
            }},
        }),
    );
    let ran = scan(&[assume], 1, &[]);
    let found = finding(&ran, "aws_iam_access_key_created_for_other");
    assert_eq!(found["samples"][0]["access_key"], "AKIAIOSFODNN7EXAMPLE");
    let rules = product::root().join("rules/iam/aws_iam_access_key_created_for_other.yml");
    let rule = fs::read_to_string(rules).unwrap();
    let id = rule
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap();
    assert_eq!(found["rule_id"], id);
    let csv = ran.file("findings.csv");
    assert!(
        csv.contains("AKIAIOSFODNN7EXAMPLE") && csv.contains(id),
        "{csv}"
    );
    assert!(csv.lines().next().unwrap().contains("rule,rule_id,title"));
    for file in ["findings.json", "findings.csv", "report.html", "run.json"] {
        let text = ran.file(file);
        assert!(
            !text.contains("SECRET") && !text.contains("TOKENTOKEN"),
            "{file}"
        );
    }
}

#[test]
fn without_recipient_account_the_account_is_that_of_the_key_or_the_caller() {
    let old = |number: usize| {
        let gone = json!({"recipientAccountId": null, "eventName": "DeleteObject", "readOnly": false,
            "userIdentity": {"accountId": "444455556666"}});
        record(number, &gone)
    };
    let records: Vec<Value> = (0..1_100).map(old).collect();
    let config = samples("rules/trailscan.toml").display().to_string();
    for (name, account) in [
        (
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/18/111122223333_CloudTrail_us-east-1_20261118T1105Z_AbCdEfGhIjKlMnOp.json.gz",
            "111122223333",
        ),
        ("a.json", "444455556666"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), name, &records);
        let ran = run(folder.path(), &["--config", &config]);
        let coverage = ran.json("run.json")["coverage"]["regions"].clone();
        let accounts: Vec<&String> = coverage.as_object().unwrap().keys().collect();
        assert_eq!(accounts, [account], "no phantom account");
        let found = finding(&ran, "aws_s3_phi_mass_delete");
        assert_eq!(found["accounts"], json!([account]));
    }
}

#[test]
fn rules_see_the_services_of_china() {
    let change = json!({
        "eventSource": "cloudtrail.amazonaws.com.cn", "eventName": "StopLogging", "readOnly": false,
        "awsRegion": "cn-north-1", "managementEvent": true, "eventCategory": "Management",
        "userIdentity": {"arn": "arn:aws-cn:iam::111122223333:user/clerk"},
        "requestParameters": {"bucketName": null, "key": null, "name": "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/audit"},
        "resources": null,
    });
    let ran = scan(&[record(1, &change)], 1, &[]);
    let found = finding(&ran, "aws_cloudtrail_trail_stopped");
    assert_eq!(
        found["resource"],
        "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/audit"
    );
    assert_eq!(found["actor"], "arn:aws-cn:iam::111122223333:user/clerk");
}

#[test]
fn of_several_secrets_or_buckets_the_one_that_made_the_rule_match_is_the_resource() {
    let secrets = json!({
        "eventTime": "2026-11-18T03:00:00Z",
        "eventSource": "secretsmanager.amazonaws.com", "eventName": "BatchGetSecretValue",
        "managementEvent": true, "eventCategory": "Management", "resources": null,
        "requestParameters": {"bucketName": null, "key": null, "secretIdList": [
            "website/theme",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:pazpaz/jwt-secret-AbCdEf",
        ]},
    });
    let copy = json!({
        "eventName": "CopyObject", "readOnly": false,
        "requestParameters": {
            "bucketName": "somewhere-else", "x-amz-copy-source": "talentbase-prod-uploads/cv/1.pdf",
        },
    });
    let ran = scan(&[record(1, &secrets), record(2, &copy)], 1, &[]);
    let phi = finding(&ran, "aws_secretsmanager_phi_secret_read_after_hours");
    assert_eq!(phi["resource"], "pazpaz/jwt-secret");
    assert_eq!(phi["count"], 1);
    let any = finding(&ran, "aws_secretsmanager_secret_read_after_hours");
    assert_eq!(
        any["resource"], "website/theme",
        "any secret makes that rule match"
    );
    let bucket = finding(&ran, "aws_s3_long_lived_key_on_phi_bucket");
    assert_eq!(bucket["resource"], "talentbase-prod-uploads");
    assert_eq!(bucket["samples"][0]["target"], "talentbase-prod-uploads");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_public_reports_about_callers_come_out_as_they_should() {
    let folder = shared_data("public-reports");
    let config = folder.join("trailscan.toml").display().to_string();
    let actors = |name: &str| -> Vec<String> {
        let ran = run(folder.join(name).join("in"), &["--config", &config]);
        texts(&ran.json("findings.json")["findings"], "actor")
    };
    let shared_event = actors("24-shared-event");
    assert!(
        shared_event
            .iter()
            .any(|actor| actor.starts_with("AWSAccount:444455556666:")),
        "{shared_event:?}"
    );
    let rotation = run(folder.join("26-lambda-rotation/in"), &["--config", &config]);
    assert!(
        !rotation
            .findings()
            .iter()
            .any(|line| line.contains("workload_session_read_after_hours")),
        "{:?}",
        rotation.findings()
    );
    let activity =
        run(folder.join("34-unknown-callers/in"), &["--config", &config]).file("report.html");
    assert!(activity.contains("anonymous from 198.51.100.7"));
    assert!(activity.contains("AWSAccount:444455556666:AIDAVENDORX"));
    assert!(!activity.contains("ANONYMOUS_PRINCIPAL"));
}
