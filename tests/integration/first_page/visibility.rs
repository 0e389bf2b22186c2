//! A rule is "assessed" only where its events could be seen, and every rule asks the one place that
//! knows: refusals, sign-ins, selectors, policies, omitted parameters.

use std::fs;
use std::path::Path;

use crate::product::{self, Ran, run, samples, trailscan};
use serde_json::{Value, json};

/// Ten hours of one account, in one uncompressed log file.
const WINDOW: [&str; 4] = [
    "--since",
    "2026-11-20T10:00:00Z",
    "--until",
    "2026-11-20T20:00:00Z",
];

/// Runs the program over these records.
fn over(records: &[Value]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let log = folder
        .path()
        .join("111122223333_CloudTrail_us-east-1_20261120T1505Z_3feab0a1a22b3003.json");
    fs::write(&log, json!({"Records": records}).to_string()).unwrap();
    let config = samples("rules/trailscan.toml");
    let config = config.to_str().unwrap();
    let arguments = [&["--config", config, "--quiet"][..], &WINDOW].concat();
    run(folder.path(), &arguments)
}

/// A record of an IAM user, at so many minutes after three; `more` replaces members.
fn record(minute: usize, source: &str, name: &str, more: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEMALLOR",
            "arn": "arn:aws:iam::111122223333:user/mallory",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLEMALLORY01",
            "userName": "mallory",
        },
        "eventTime": format!("2026-11-20T15:{minute:02}:00Z"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.31.1",
        "requestParameters": null,
        "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{:012}", serial()),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    });
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

fn serial() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn has(ran: &Ran, rule: &str) -> bool {
    ran.findings()
        .iter()
        .any(|line| line.contains(&format!(" {rule} ")))
}

/// A rule's state in `run.json`.
fn state(ran: &Ran, rule: &str) -> Value {
    let run = ran.json("run.json");
    let rules = run["rules"].as_array().unwrap();
    let found = rules.iter().find(|one| one["name"] == rule);
    found.unwrap_or_else(|| panic!("no rule {rule}")).clone()
}

fn omitted() -> Value {
    json!({"requestParameters": {
        "omitted": true,
        "originalSize": 131_021,
        "reason": "requestParameters too large",
    }})
}

// ---- Identity Center ----

/// A step of an Identity Center sign-in; with `who` an account's hidden or missing names can be had.
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

// ---- omitted parameters ----

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
fn a_correlation_is_undecided_where_a_rule_that_it_watches_is() {
    // whether the bucket is one with ePHI stands in the parameters
    let ran = over(&[record(
        0,
        "s3.amazonaws.com",
        "DeleteObject",
        json!({
            "eventCategory": "Data",
            "managementEvent": false,
            "requestParameters": omitted()["requestParameters"],
        }),
    )]);
    let reason = state(&ran, "aws_s3_object_change_volume")["reason"].to_string();
    assert!(reason.contains("could not tell"), "{reason}");
}

// ---- refusals ----

#[test]
fn every_spelling_of_a_refusal_is_denied_and_counted_by_the_rules() {
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "VpceAccessDenied",
        "UnauthorizedOperation",
        "Client.UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
        "NotAuthorized",
        "ForbiddenException",
        "Client.AuthFailure",
        "OperationNotPermittedException",
        "InsufficientPrivilegesException",
        "403",
    ] {
        assert!(has(&twenty(code), "aws_iam_call_refused_burst"), "{code}");
    }
    assert!(!has(
        &twenty("ThrottlingException"),
        "aws_iam_call_refused_burst"
    ));
}

/// Twenty calls in less than ten minutes with this error.
fn twenty(code: &str) -> Ran {
    let call = |at| {
        let time = format!("2026-11-20T15:{:02}:{:02}Z", at / 3, at % 3);
        let more = json!({"errorCode": code, "errorMessage": "no", "eventTime": time});
        record(0, "sns.amazonaws.com", "Publish", more)
    };
    over(&(0..20).map(call).collect::<Vec<_>>())
}

#[test]
fn no_rule_has_its_own_list_of_refusals() {
    fn each(folder: &Path, look: &mut dyn FnMut(&Path)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => each(&path, look),
                false => look(&path),
            }
        }
    }
    each(&product::root().join("rules"), &mut |path| {
        let text = fs::read_to_string(path).unwrap();
        let detection = text.split("\ndetection:").nth(1).unwrap_or_default();
        let detection = detection
            .split("\nfalsepositives:")
            .next()
            .unwrap()
            .to_lowercase();
        for word in ["accessdenied", "unauthorized", "forbidden", "authfailure"] {
            assert!(!detection.contains(word), "{} has {word}", path.display());
        }
    });
}

// ---- selectors ----

fn narrowed(request: Value) -> bool {
    let more = json!({"requestParameters": request});
    let ran = over(&[record(
        0,
        "cloudtrail.amazonaws.com",
        "PutEventSelectors",
        more,
    )]);
    has(&ran, "aws_cloudtrail_event_selectors_narrowed")
}

fn advanced(selectors: &[Value]) -> Value {
    let with = |fields: &Value| {
        let mut all = vec![json!({"field": "eventCategory", "equals": ["Management"]})];
        all.extend(fields.as_array().unwrap().iter().cloned());
        json!({"name": "s", "fieldSelectors": all})
    };
    let selectors: Vec<Value> = selectors.iter().map(with).collect();
    json!({"trailName": "audit", "advancedEventSelectors": selectors})
}

#[test]
fn every_way_of_narrowing_selectors_is_a_match() {
    for field in [
        json!({"field": "readOnly", "equals": ["false"]}),
        json!({"field": "readOnly", "equals": ["true"]}),
        json!({"field": "readOnly", "equals": [false]}),
        json!({"field": "readOnly", "equals": ["false"], "startsWith": null}),
        json!({"field": "eventSource", "notEquals": ["iam.amazonaws.com"]}),
        json!({"field": "eventSource", "equals": ["kms.amazonaws.com"]}),
        json!({"field": "eventName", "notStartsWith": ["Delete"]}),
        json!({"field": "userIdentity.arn", "notEquals": ["arn:aws:iam::111122223333:user/mallory"]}),
        json!({"field": "sessionCredentialFromConsole", "equals": ["true"]}),
        json!({"field": "eventType", "notEquals": ["AwsServiceEvent"]}),
    ] {
        assert!(narrowed(advanced(&[json!([field])])), "{field}");
    }
    for basic in [
        json!([{"readWriteType": "WriteOnly", "includeManagementEvents": true}]),
        json!([{"readWriteType": "All", "includeManagementEvents": false}]),
        json!([{"readWriteType": "All", "includeManagementEvents": true,
            "excludeManagementEventSources": ["rdsdata.amazonaws.com"]}]),
    ] {
        assert!(
            narrowed(json!({"trailName": "audit", "eventSelectors": basic})),
            "{basic}"
        );
    }
}

#[test]
fn a_selector_that_adds_narrows_nothing() {
    let all = json!([]);
    let writes = json!([{"field": "readOnly", "equals": ["false"]}]);
    let reads = json!([{"field": "readOnly", "equals": ["true"]}]);
    assert!(!narrowed(advanced(&[all.clone()])));
    assert!(!narrowed(advanced(&[all.clone(), writes.clone()])));
    assert!(!narrowed(advanced(&[writes.clone(), reads])));
    assert!(narrowed(advanced(&[writes.clone(), writes])));
    let kms = json!([{"field": "eventSource", "equals": ["kms.amazonaws.com"]}]);
    let rest = json!([{"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}]);
    assert!(!narrowed(advanced(&[kms, rest])));
    let data = json!({"readWriteType": "ReadOnly", "includeManagementEvents": false,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]});
    let basic = json!([{"readWriteType": "All", "includeManagementEvents": true}, data]);
    assert!(!narrowed(
        json!({"trailName": "audit", "eventSelectors": basic})
    ));
}

// ---- administrator rights ----

#[test]
fn administrator_rights_are_read_as_iam_reads_them() {
    let granted = |statement: Value| {
        let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let more = json!({"requestParameters": {"roleName": "r", "policyDocument": document}});
        has(
            &over(&[record(0, "iam.amazonaws.com", "PutRolePolicy", more)]),
            "aws_iam_admin_rights_granted",
        )
    };
    let allow = |of: &str, actions: Value, on: &str, resources: Value| json!([{"Effect": "Allow", of: actions, on: resources}]);
    for (of, actions, on, resources) in [
        ("Action", json!("**"), "Resource", json!("**")),
        ("Action", json!("*:*"), "Resource", json!("arn:aws:*")),
        ("Action", json!("iam:**"), "Resource", json!("*")),
        (
            "Action",
            json!("IAM:*"),
            "Resource",
            json!("arn:aws:iam::111122223333:*"),
        ),
        (
            "Action",
            json!("iam:?*"),
            "Resource",
            json!("arn:aws:iam::*:role/*"),
        ),
        (
            "Action",
            json!("iam:*"),
            "Resource",
            json!("arn:aws:iam::*:user/${aws:username}"),
        ),
        (
            "Action",
            json!("*"),
            "NotResource",
            json!("arn:aws:s3:::audit/*"),
        ),
        (
            "Action",
            json!(["*"]),
            "NotResource",
            json!(["arn:aws:iam::*"]),
        ),
        ("NotAction", json!("s3:*"), "Resource", json!("*")),
        (
            "NotAction",
            json!(["iam:*", "organizations:*"]),
            "Resource",
            json!("*"),
        ),
        (
            "NotAction",
            json!("s3:*"),
            "NotResource",
            json!("arn:aws:s3:::audit"),
        ),
    ] {
        let statement = allow(of, actions, on, resources);
        assert!(granted(statement.clone()), "{statement}");
    }
    for (of, actions, on, resources) in [
        ("Action", json!("s3:**"), "Resource", json!("*")),
        (
            "Action",
            json!(["iam:Get*", "iam:List*"]),
            "Resource",
            json!("*"),
        ),
        (
            "Action",
            json!("*"),
            "Resource",
            json!("arn:aws:s3:::reports/*"),
        ),
        (
            "Action",
            json!("iam:*AccessKey*"),
            "Resource",
            json!("arn:aws:iam::*:user/${aws:username}"),
        ),
        (
            "Action",
            json!("iam:*"),
            "Resource",
            json!("arn:aws:iam::111122223333:role/reports"),
        ),
        ("Action", json!("*"), "NotResource", json!("**")),
        ("NotAction", json!("**"), "Resource", json!("*")),
        (
            "NotAction",
            json!("s3:*"),
            "Resource",
            json!("arn:aws:s3:::reports/*"),
        ),
    ] {
        let statement = allow(of, actions, on, resources);
        assert!(!granted(statement.clone()), "{statement}");
    }
    let own = json!([{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]);
    assert!(!granted(own));
}

// ---- root ----

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

// ---- the made-up inputs after public reports ----

#[test]
fn the_public_reports_come_out_as_their_readme_says() {
    let Some(folder) = product::shared("public-reports") else {
        return;
    };
    let config = folder.join("trailscan.toml");
    let of = |report: &str| {
        let source = folder.join(report).join("in");
        let arguments = ["--config", config.to_str().unwrap(), "--quiet"];
        run(source, &arguments)
    };
    let center = of("09-identity-center-failures");
    assert!(has(&center, "aws_signin_console_failure_burst"));
    let policy = of("11-omitted-policy");
    assert!(has(&policy, "aws_cloudtrail_parameters_omitted"));
    assert!(
        state(&policy, "aws_iam_admin_rights_granted")["reason"]
            .to_string()
            .contains("could not tell")
    );
    let selectors = of("12-selectors").findings();
    assert!(
        selectors
            .iter()
            .any(|line| line.contains("event_selectors_narrowed") && line.ends_with(": 4")),
        "{selectors:?}"
    );
    let root = of("15-root-login-failures");
    assert!(!has(&root, "aws_iam_root_activity"));
    assert!(has(&root, "aws_signin_root_failure_burst"));
    assert!(has(&of("16-refusal-codes"), "aws_iam_call_refused_burst"));
}

#[test]
fn rules_and_their_samples_are_sound() {
    for arguments in [&["rules", "lint", "--strict"][..], &["rules", "test"]] {
        let output = trailscan().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}
