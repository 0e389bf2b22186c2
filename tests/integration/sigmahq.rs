//! SigmaHQ's CloudTrail rules run as they are: all of them load, and each finds what it should.
//!
//! `samples/sigmahq/<rule>.jsonl` holds events of our own making, one case a line, for each rule:
//! what it must find, and near misses that differ in the one thing that decides.

use crate::opinions;
use crate::product;

use std::collections::BTreeSet;
use std::fs;

use opinions::{each_record, names, stem};
use product::{samples, shared_data};
use serde_json::{Value, json};
use trailscan::rules::RuleSet;
use trailscan::rules::load::{self, Settings};

fn sigmahq() -> RuleSet {
    let texts = load::folder(&shared_data("sigmahq/cloudtrail")).unwrap();
    load::load(&texts, &Settings::default())
}

/// The rules that match this one event.
fn matched(rules: &RuleSet, event: &Value) -> BTreeSet<String> {
    let log = json!({ "Records": [event] }).to_string();
    let mut found = None;
    assert!(each_record(log.as_bytes(), &mut |_, event| {
        found = Some(names(rules, event));
    }));
    found.unwrap_or_else(|| panic!("not read as a record: {event}"))
}

fn cases(rule: &str) -> Vec<Value> {
    let text = fs::read_to_string(samples("sigmahq").join(format!("{rule}.jsonl")));
    let text = text.unwrap_or_else(|error| panic!("{rule} has no cases: {error}"));
    let case = |line| serde_json::from_str(line).unwrap();
    text.lines().map(case).collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn all_of_sigmahqs_rules_load_unmodified() {
    let rules = sigmahq();
    assert_eq!(rules.rejected, []);
    assert_eq!(rules.unconfigured, []);
    assert_eq!(rules.rules.len(), 57);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn each_finds_its_hits_and_passes_its_near_misses() {
    let rules = sigmahq();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for rule in &rules.rules {
        let cases = cases(&rule.name);
        for expect in ["match", "pass"] {
            let has = cases.iter().any(|case| case["expect"] == expect);
            assert!(has, "{} has no case with `{expect}`", rule.name);
        }
        for case in &cases {
            let hit = matched(&rules, &case["event"]).contains(&rule.name);
            if hit != (case["expect"] == "match") {
                wrong.push(format!(
                    "{}: {} expected: {}",
                    rule.name, case["expect"], case["why"]
                ));
            }
        }
        tried += cases.len();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} rules, {tried} cases", rules.rules.len());
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn no_case_is_left_without_its_rule() {
    let rules = sigmahq();
    for entry in fs::read_dir(samples("sigmahq")).unwrap() {
        let name = stem(&entry.unwrap().path());
        assert!(rules.find(&name).is_some(), "{name}");
    }
}

/// The ways in which engines get these rules wrong, each as one event and the rules that find it.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_known_traps_are_seen_as_the_specification_and_our_semantics_say() {
    let rules = sigmahq();
    let call = |source: &str, name: &str, more: Value| {
        let mut event = json!({ "eventVersion": "1.11", "eventSource": source, "eventName": name });
        let members = event.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        event
    };
    for (why, rule, event, expected) in [
        (
            "missing equals null",
            "aws_cloudtrail_bucket_deleted",
            call("s3.amazonaws.com", "DeleteBucket", json!({})),
            true,
        ),
        (
            "an empty text is a value",
            "aws_cloudtrail_bucket_deleted",
            call("s3.amazonaws.com", "DeleteBucket", json!({"errorCode": ""})),
            false,
        ),
        (
            "a text test looks at every value below an object",
            "aws_disable_bucket_versioning",
            call(
                "s3.amazonaws.com",
                "PutBucketVersioning",
                json!({"requestParameters": {"a": [{"b": "is Suspended now"}]}}),
            ),
            true,
        ),
        (
            "and not at its keys",
            "aws_disable_bucket_versioning",
            call(
                "s3.amazonaws.com",
                "PutBucketVersioning",
                json!({"requestParameters": {"Suspended": "no"}}),
            ),
            false,
        ),
        (
            "case does not count",
            "aws_cloudtrail_console_login_success_without_mfa",
            call(
                "signin.amazonaws.com",
                "consolelogin",
                json!({"additionalEventData": {"MFAUsed": "nO"}, "responseElements": {"ConsoleLogin": "SUCCESS"}}),
            ),
            true,
        ),
        (
            "a boolean compares as its text",
            "aws_rds_public_db_restore",
            call(
                "rds.amazonaws.com",
                "RestoreDBInstanceFromDBSnapshot",
                json!({"responseElements": {"publiclyAccessible": true}}),
            ),
            true,
        ),
        (
            "of lists in lists any member counts",
            "aws_ecs_task_definition_cred_endpoint_query",
            call(
                "ecs.amazonaws.com",
                "RegisterTaskDefinition",
                json!({"requestParameters": {"containerDefinitions": [{"command": ["a"]}, {"command": ["b", "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]}]}}),
            ),
            true,
        ),
        (
            "a lone star asks for a value, and an empty list has none",
            "aws_new_lambda_layer_attached",
            call(
                "lambda.amazonaws.com",
                "UpdateFunctionConfiguration20150331v2",
                json!({"requestParameters": {"layers": []}}),
            ),
            false,
        ),
        (
            "a wildcard runs over line breaks",
            "aws_ec2_vm_export_failure",
            call(
                "ec2.amazonaws.com",
                "CreateInstanceExportTask",
                json!({"errorMessage": "one\ntwo"}),
            ),
            false,
        ),
        (
            "a rule runs as written: its filter is never true for a real record",
            "aws_update_login_profile",
            call(
                "iam.amazonaws.com",
                "UpdateLoginProfile",
                json!({"userIdentity": {"arn": "arn:aws:iam::111122223333:user/a"}, "requestParameters": {"userName": "a"}}),
            ),
            true,
        ),
    ] {
        assert_eq!(
            matched(&rules, &event).contains(rule),
            expected,
            "{why}: {event}"
        );
    }
}
