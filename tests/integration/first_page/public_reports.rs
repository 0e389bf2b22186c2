//! Faults that people reported of other tools, made up again beside the checkout: each folder comes out as
//! its README says.

use serde_json::Value;

use crate::product::{self, Ran, shared_data};

/// Runs over the folder of a report, with the configuration that all suppose.
fn run(name: &str) -> Ran {
    let folder = shared_data(&format!("public-reports/{name}/in"));
    let config = shared_data("public-reports/trailscan.toml");
    product::run(folder, &["--config", config.to_str().unwrap()])
}

/// Level, rule, and count of each finding.
fn found(ran: &Ran) -> Vec<String> {
    let findings = ran.json("findings.json");
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("level"), text("rule"), one["count"])
    };
    let findings = findings["findings"].as_array().unwrap();
    findings.iter().map(line).collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn findings_are_those_that_their_readme_expects() {
    let omitted = "medium aws_cloudtrail_parameters_omitted 1";
    for (name, code, expected) in [
        (
            "09-identity-center-failures",
            1,
            vec![
                "high aws_signin_success_after_failures 7",
                "high aws_signin_success_after_failures_from_one_address 7",
                "medium aws_signin_console_failure_burst 6",
            ],
        ),
        (
            "11-omitted-policy",
            0,
            vec![
                omitted,
                omitted,
                omitted,
                "medium aws_iam_user_policy_attached 1",
                omitted,
                "medium aws_iam_inline_policy_written 1",
                omitted,
                "low aws_iam_policy_created 1",
                "informational aws_s3_bucket_access_changed 1",
                "informational aws_iam_policy_changed 4",
            ],
        ),
        (
            "12-selectors",
            1,
            vec!["high aws_cloudtrail_event_selectors_narrowed 4"],
        ),
        (
            "15-root-login-failures",
            1,
            vec![
                "high aws_signin_root_failure_burst 6",
                "low aws_signin_root_failure 6",
            ],
        ),
        (
            "16-refusal-codes",
            0,
            vec![
                "medium aws_iam_call_refused_burst 24",
                "low aws_iam_change_refused 24",
            ],
        ),
        ("26-lambda-rotation", 0, vec![]),
        (
            "34-unknown-callers",
            1,
            vec![
                "critical aws_s3_phi_outside_access 2",
                "critical aws_s3_phi_outside_access 1",
                "medium aws_s3_phi_no_tls_recorded 2",
                "medium aws_s3_phi_no_tls_recorded 1",
            ],
        ),
    ] {
        let ran = run(name);
        ran.assert_identities();
        assert_eq!(ran.code, code, "{name}: {}", ran.stdout);
        assert_eq!(found(&ran), expected, "{name}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn callers_are_named_by_their_own_account_and_a_shared_call_counts_once() {
    let ran = run("34-unknown-callers");
    let page = ran.file("report.html");
    assert!(page.contains("anonymous from 198.51.100.7"));
    assert!(page.contains("AWSAccount:444455556666:AIDAVENDORX"));
    let ran = run("24-shared-event");
    assert_eq!(ran.count("records", "duplicates"), 1);
    let findings = ran.json("findings.json");
    let actor = findings["findings"][0]["actor"].as_str().unwrap();
    assert!(actor.starts_with("AWSAccount:444455556666:"), "{actor}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn a_chain_that_ends_or_lies_elsewhere_is_not_proven() {
    let moved = [
        "--original-bucket",
        "clinic-logs-new",
        "--since",
        "2026-11-20T09:00:00Z",
    ];
    for (name, below, arguments) in [
        ("17-digest-bucket-changed", "clinic-logs-new", &moved[..]),
        ("38-masked-end-same-name", "aws-controltower-logs", &[]),
        ("38b-masked-end-other-name", "aws-controltower-logs", &[]),
    ] {
        let folder = shared_data(&format!("public-reports/{name}"));
        let out = tempfile::tempdir().unwrap();
        let ran = product::trailscan()
            .arg("verify")
            .arg(folder.join(below))
            .arg("--public-keys")
            .arg(folder.join("keys.json"))
            .args(arguments)
            .arg("--out")
            .arg(out.path().join("proof"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.status.code(), Some(3), "{name}: {said}");
        assert!(said.contains("NOT PROVEN"), "{name}: {said}");
    }
}
