//! Sign-ins at Identity Center and as root.

use super::{has, over, record};
use serde_json::{Value, json};

/// A step of an Identity Center sign-in; `who` hides or omits an account's names.
fn step(minute: usize, name: &str, result: &str, who: Value) -> Value {
    record(
        minute,
        "signin.amazonaws.com",
        name,
        json!({
            "userIdentity": {"type": "IdentityCenterUser", "accountId": "111122223333"},
            "eventType": "AwsServiceEvent",
            "additionalEventData": who,
            "serviceEventDetails": {name: result},
            "sourceIPAddress": format!("203.0.113.{minute}"),
        }),
    )
}

#[test]
fn failed_identity_center_sign_ins_fail_and_a_burst_of_them_is_found() {
    let dana = json!({"UserName": "dana@clinic.example", "CredentialType": "PASSWORD"});
    for name in ["CredentialVerification", "UserAuthentication"] {
        let steps = |result: &str| -> Vec<Value> {
            (0..5)
                .map(|at| step(at, name, result, dana.clone()))
                .collect()
        };
        let failed = over(&steps("Failure"));
        assert_eq!(
            failed.findings(),
            ["medium aws_signin_console_failure_burst dana@clinic.example → 111122223333: 5"],
            "{name}"
        );
        let succeeded = over(&steps("Success"));
        assert_eq!(succeeded.findings(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn identity_center_guesses_at_hidden_names_are_found_by_address_and_across_addresses() {
    let hidden = json!({"UserName": "HIDDEN_DUE_TO_SECURITY_REASONS"});
    let many = |one_address: bool| -> Vec<Value> {
        let one = |at| {
            let mut step = step(at, "CredentialVerification", "Failure", hidden.clone());
            if one_address {
                step["sourceIPAddress"] = "203.0.113.1".into();
            }
            step
        };
        (0..5).map(one).collect()
    };
    let across = over(&many(false));
    assert!(has(&across, "aws_signin_console_failure_burst_by_account"));
    assert!(!has(&across, "aws_signin_console_failure_burst_by_address"));
    let from_one = over(&many(true));
    assert!(has(
        &from_one,
        "aws_signin_console_failure_burst_by_address"
    ));
    assert!(!has(
        &from_one,
        "aws_signin_console_failure_burst_by_account"
    ));
}

fn root(minute: usize, name: &str, more: Value) -> Value {
    let mut members = json!({
        "userIdentity": {"type": "Root", "principalId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"},
        "eventType": "AwsConsoleSignIn",
        "sourceIPAddress": format!("203.0.113.{minute}"),
    });
    for (name, value) in more.as_object().unwrap() {
        members[name] = value.clone();
    }
    record(minute, "signin.amazonaws.com", name, members)
}

#[test]
fn failed_root_sign_ins_are_attempts_and_guessing_is_found_across_addresses() {
    let failure = json!({"responseElements": {"ConsoleLogin": "Failure"},
        "errorMessage": "Failed authentication"});
    let one = over(&[root(0, "ConsoleLogin", failure.clone())]);
    assert!(!has(&one, "aws_iam_root_activity"));
    assert!(has(&one, "aws_signin_root_failure"));
    assert!(!has(&one, "aws_signin_root_failure_burst"));
    let request = json!({"responseElements": {"PasswordRecoveryRequested": "Success"}});
    let recovery = over(&[root(0, "PasswordRecoveryRequested", request)]);
    assert!(!has(&recovery, "aws_iam_root_activity"));
    assert!(has(&recovery, "aws_signin_root_failure"));
    let guesses: Vec<Value> = (0..5)
        .map(|at| root(at, "ConsoleLogin", failure.clone()))
        .collect();
    let guessed = over(&guesses);
    assert!(!has(&guessed, "aws_iam_root_activity"));
    assert!(has(&guessed, "aws_signin_root_failure_burst"));
    let success = json!({"responseElements": {"ConsoleLogin": "Success"}});
    let signed_in = over(&[root(0, "ConsoleLogin", success)]);
    assert!(has(&signed_in, "aws_iam_root_activity"));
    assert!(!has(&signed_in, "aws_signin_root_failure"));
}

#[test]
fn root_by_assume_root_is_stated_as_that() {
    let call = record(
        0,
        "sts.amazonaws.com",
        "AssumeRoot",
        json!({"requestParameters": {"targetPrincipal": "444455556666",
            "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}}),
    );
    let session = record(
        1,
        "s3.amazonaws.com",
        "DeleteBucketPolicy",
        json!({"userIdentity": {"type": "Root", "principalId": "444455556666",
            "arn": "arn:aws:iam::444455556666:root", "accountId": "444455556666",
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {"attributes": {"mfaAuthenticated": "false"}, "assumedRoot": "true"}},
            "recipientAccountId": "444455556666"}),
    );
    let ran = over(&[call, session]);
    assert!(!has(&ran, "aws_iam_root_activity"), "{:?}", ran.findings());
    let of = |rule: &str| {
        let findings = ran.findings();
        findings
            .into_iter()
            .find(|line| line.contains(rule))
            .unwrap()
    };
    assert!(of("aws_sts_root_assumed").contains("→ 444455556666"));
    assert!(of("aws_iam_assumed_root_activity").contains("→ 444455556666"));
}
