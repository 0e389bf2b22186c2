//! A rule is "assessed" only where its events could be seen, and every rule asks the one place that
//! knows: refusals, sign-ins, selectors, policies, omitted parameters.

mod omitted;
mod partitions;
mod policies;
mod selectors;
mod sign_ins;

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
    write_log(folder.path(), records);
    over_folder(folder.path(), &[])
}

fn write_log(folder: &Path, records: &[Value]) {
    let name = "111122223333_CloudTrail_us-east-1_20261120T1505Z_3feab0a1a22b3003.json";
    fs::write(folder.join(name), json!({"Records": records}).to_string()).unwrap();
}

fn over_folder(folder: &Path, arguments: &[&str]) -> Ran {
    let config = samples("rules/trailscan.toml");
    let config = ["--config", config.to_str().unwrap(), "--quiet"];
    run(folder, &[&config[..], &WINDOW, arguments].concat())
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
            .to_lowercase()
            // who refused: the endpoint of a network, not the service
            .replace("vpceaccessdenied", "");
        for word in ["accessdenied", "unauthorized", "forbidden", "authfailure"] {
            assert!(!detection.contains(word), "{} has {word}", path.display());
        }
    });
}

// ---- the made-up inputs after public reports ----

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_public_reports_come_out_as_their_readme_says() {
    let folder = product::shared_data("public-reports");
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
