//! Request parameters that CloudTrail omitted: a finding, and rules that could not tell.

use super::{has, over, over_folder, record, state, write_log};
use crate::product::Ran;
use serde_json::{Value, json};

fn omitted() -> Value {
    json!({"requestParameters": {
        "omitted": true,
        "originalSize": 131_021,
        "reason": "requestParameters too large",
    }})
}

#[test]
fn omitted_parameters_are_a_finding_and_leave_the_rules_that_need_them_undecided_for_that_hour() {
    let ran = over(&[
        record(0, "iam.amazonaws.com", "CreatePolicyVersion", omitted()),
        record(1, "iam.amazonaws.com", "PutRolePolicy", omitted()),
    ]);
    let omissions = ran.findings();
    let of_rule = |line: &&String| line.contains("medium aws_cloudtrail_parameters_omitted ");
    assert_eq!(omissions.iter().filter(of_rule).count(), 2, "{omissions:?}");
    for rule in [
        "aws_iam_admin_rights_granted",
        "aws_iam_admin_rights_granted_to_self",
    ] {
        let state = state(&ran, rule);
        assert_eq!(state["state"], "partly", "{rule}: {state}");
        let reason = state["reason"].as_str().unwrap();
        assert!(reason.contains("could not tell"), "{rule}: {reason}");
        assert!(reason.contains("PutRolePolicy"), "{rule}: {reason}");
        assert!(
            rule.ends_with("self") || reason.contains("CreatePolicyVersion"),
            "{rule}: {reason}"
        );
        assert!(
            reason.contains("2026-11-20T15:00:00Z to 2026-11-20T16:00:00Z"),
            "{rule}: {reason}"
        );
    }
    // what the parameters do not decide is as it was
    let reason = state(&ran, "aws_iam_access_key_deleted")["reason"].to_string();
    assert!(!reason.contains("could not tell"), "{reason}");
}

#[test]
fn a_call_with_its_parameters_or_one_that_was_refused_leaves_nothing_undecided() {
    let document = r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let whole = json!({"requestParameters": {"roleName": "r", "policyDocument": document}});
    let mut refused = omitted();
    refused["errorCode"] = "AccessDenied".into();
    for more in [whole, refused] {
        let ran = over(&[record(0, "iam.amazonaws.com", "PutRolePolicy", more)]);
        let reason = state(&ran, "aws_iam_admin_rights_granted")["reason"].to_string();
        assert!(!reason.contains("could not tell"), "{reason}");
    }
}

#[test]
fn an_incremental_run_knows_what_an_earlier_one_could_not_decide() {
    let folder = tempfile::tempdir().unwrap();
    write_log(
        folder.path(),
        &[record(0, "iam.amazonaws.com", "PutRolePolicy", omitted())],
    );
    let state_folder = tempfile::tempdir().unwrap();
    let file = state_folder.path().join("state.db");
    let arguments = ["--state", file.to_str().unwrap(), "--incremental"];
    let first = over_folder(folder.path(), &arguments);
    let second = over_folder(folder.path(), &arguments);
    let rule = "aws_iam_admin_rights_granted";
    assert_eq!(state(&first, rule), state(&second, rule));
    let reason = state(&second, rule)["reason"].to_string();
    assert!(reason.contains("could not tell"), "{reason}");
}

#[test]
fn omitted_parameters_are_recognized_in_every_spelling() {
    for request in [
        json!({"omitted": "true", "originalSize": "131021", "reason": "requestParameters too large"}),
        json!({"reason": "requestParameters too large", "originalSize": 131_021, "omitted": true}),
        json!({"truncated": true}),
        json!("requestParameters too large"),
    ] {
        let ran = over(&[record(
            0,
            "iam.amazonaws.com",
            "PutGroupPolicy",
            json!({"requestParameters": request}),
        )]);
        assert!(has(&ran, "aws_cloudtrail_parameters_omitted"), "{request}");
        let state = state(&ran, "aws_iam_admin_rights_granted");
        let reason = state["reason"].to_string();
        assert!(reason.contains("could not tell"), "{request}: {reason}");
    }
}

#[test]
fn a_user_is_not_named_as_the_target_where_the_parameters_that_name_it_were_omitted() {
    let ran = over(&[record(0, "iam.amazonaws.com", "PutUserPolicy", omitted())]);
    let findings = ran.findings();
    let attached = findings
        .iter()
        .find(|line| line.contains("aws_iam_user_policy_attached"))
        .unwrap();
    assert!(!attached.contains("→ mallory:"), "{attached}");
}

#[test]
fn a_correlation_is_undecided_where_a_rule_that_it_watches_or_the_group_of_an_event_is() {
    let object = |name: &str, error: Value| {
        let more = json!({
            "eventCategory": "Data",
            "managementEvent": false,
            "requestParameters": omitted()["requestParameters"],
            "errorCode": error,
        });
        over(&[record(0, "s3.amazonaws.com", name, more)])
    };
    let reason = |ran: &Ran, rule: &str| state(ran, rule)["reason"].to_string();
    // which bucket it was stands in the parameters
    let deleted = object("DeleteObject", Value::Null);
    let of = reason(&deleted, "aws_s3_object_change_volume");
    assert!(of.contains("could not tell"), "{of}");
    // so does whether an upload asked for encryption
    let refused = object("PutObject", "AccessDenied".into());
    let of = reason(&refused, "aws_s3_upload_refused_no_encryption_burst");
    assert!(of.contains("could not tell"), "{of}");
    let of = reason(&refused, "aws_s3_object_change_volume");
    assert!(!of.contains("could not tell"), "{of}");
}

#[test]
fn a_rule_that_passes_over_omitted_parameters_is_undecided_as_well() {
    let list = json!({
        "eventCategory": "Data",
        "managementEvent": false,
        "readOnly": true,
        "requestParameters": omitted()["requestParameters"],
        "resources": [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::pazpaz-attachments-prod"}],
    });
    let ran = over(&[record(0, "s3.amazonaws.com", "ListObjects", list)]);
    assert!(!has(&ran, "aws_s3_whole_bucket_listed"));
    let of = state(&ran, "aws_s3_whole_bucket_listed")["reason"].to_string();
    assert!(of.contains("could not tell"), "{of}");
    // the rule about omissions is decided by them
    let of = state(&ran, "aws_cloudtrail_parameters_omitted")["reason"].to_string();
    assert!(!of.contains("could not tell"), "{of}");
}
