//! The sample trails, end to end: the stories they tell must come out, whatever the number of
//! threads, and nothing else.

use crate::product;

use product::{run, run_fixed, samples};
use trailscan::source::{ObjectLocation, Scope, local};

#[test]
fn the_breach_is_found_with_all_its_parts() {
    let ran = run_fixed(samples("trails/breach"), &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    ran.assert_identities();
    insta::assert_snapshot!("breach_findings", ran.findings().join("\n"));
    insta::assert_snapshot!(
        "breach_terminal",
        ran.stdout
            .replace(&ran.folder.path().display().to_string(), "OUT")
    );
    // 12,000 single deletes and three batches, of which each removes 1 to 1,000 objects
    let findings = ran.json("findings.json");
    let volume = findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "aws_s3_object_change_volume")
        .unwrap();
    assert_eq!(volume["count"], 12_003);
    assert_eq!(volume["calls"]["DeleteObjects"]["succeeded"], 3);
}

#[test]
fn a_quiet_week_has_no_findings_and_says_what_was_read() {
    let ran = run_fixed(samples("trails/quiet"), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let register = ["informational aws_iam_policy_changed"];
    let rules = ran.findings();
    let rules = rules.iter().map(|one| one.split(" arn:").next().unwrap());
    assert_eq!(rules.collect::<Vec<_>>(), register, "and nothing to decide");
    assert!(
        ran.stdout.starts_with(
            "All log files found were read; 20 of 310 hours have logs: no findings and 1 informational; "
        ),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_trail_without_data_events_leaves_rules_not_assessed() {
    let ran = run(samples("trails/seed"), &[]);
    let run_json = ran.json("run.json");
    let not_assessed: Vec<_> = run_json["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["state"] == "not_assessed")
        .map(|rule| rule["catalogue"].as_str().unwrap())
        .collect();
    for id in ["A08", "A17", "A21"] {
        assert!(
            not_assessed.contains(&id),
            "{id} must not look clean: {not_assessed:?}"
        );
    }
    for id in ["A01", "A04", "A10"] {
        assert!(
            !not_assessed.contains(&id),
            "{id} is assessed: {not_assessed:?}"
        );
    }
}

#[test]
fn without_a_configuration_the_rules_that_need_one_are_named() {
    let mut command = product::trailscan();
    let elsewhere = tempfile::tempdir().unwrap();
    command
        .current_dir(elsewhere.path())
        .arg("run")
        .arg(samples("trails/quiet"));
    let ran = product::finish(command);
    let run_json = ran.json("run.json");
    let waiting = run_json["rules_not_configured"].as_array().unwrap();
    let after_hours = waiting
        .iter()
        .find(|rule| rule["rule"] == "aws_secretsmanager_secret_read_after_hours")
        .unwrap();
    assert_eq!(after_hours["missing"][0], "calendar");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let one = run_fixed(samples("trails/breach"), &["--jobs", "1"]);
    for jobs in ["2", "7"] {
        let many = run_fixed(samples("trails/breach"), &["--jobs", jobs]);
        for file in [
            "report.html",
            "findings.json",
            "findings.csv",
            "coverage.json",
            "run.json",
        ] {
            assert!(
                one.file(file) == many.file(file),
                "{file} differs with {jobs} threads"
            );
        }
    }
}

#[test]
fn a_window_an_account_and_a_region_select_records() {
    let ran = run_fixed(
        samples("trails/breach"),
        &["--since", "2026-11-17", "--until", "2026-11-18"],
    );
    ran.assert_identities();
    assert!(ran.count("records", "outside") > 0);
    assert!(
        ran.count("objects", "listed") < 69,
        "files of other days are not even read"
    );
    assert_eq!(ran.code, 1);
    let on_other_days = |line: &String| line.contains("ops-legacy") || line.contains("maya.cohen");
    assert!(
        !ran.findings().iter().any(on_other_days),
        "{:?}",
        ran.findings()
    );
    let west = run_fixed(samples("trails/breach"), &["--region", "us-west-2"]);
    assert!(west.stderr.contains("us-east-1"), "{}", west.stderr);
    let foreign = run_fixed(samples("trails/breach"), &["--account", "444455556666"]);
    assert_eq!(foreign.count("records", "evaluated"), 0);
}

#[test]
fn standard_input_and_single_files_are_sources_too() {
    use std::io::Write as _;
    use std::process::Stdio;
    let log = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-20T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","awsRegion":"us-east-1","eventID":"1","userIdentity":{"type":"IAMUser","userName":"a","arn":"arn:aws:iam::111122223333:user/a"},"requestParameters":{"accessKeyId":"AKIAEXAMPLE"},"readOnly":false,"managementEvent":true}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let mut child = product::trailscan()
        .args(["run", "-", "--out"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(log.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("Access key deleted"), "{stdout}");
    let file = folder.path().join("one.txt");
    std::fs::write(&file, log).unwrap();
    let findings = run(&file, &[]).findings();
    let deleted = |one: &&String| one.contains("aws_iam_access_key_deleted");
    let count = findings.iter().filter(deleted).count();
    assert_eq!(count, 1, "by content, not by name");
}

#[test]
fn no_session_token_reaches_an_output() {
    let ran = run(samples("trails/breach"), &[]);
    for file in [
        "report.html",
        "findings.json",
        "findings.csv",
        "coverage.json",
        "run.json",
    ] {
        let text = ran.file(file).to_lowercase();
        assert!(
            !text.contains("sessiontoken") && !text.contains("iqojb3jpz2lux"),
            "{file}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_report_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let ran = run_fixed(samples("trails/quiet"), &[]);
    let report = ran.folder.path().join("report");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&report), 0o700);
    for entry in std::fs::read_dir(&report).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

/// `trailscan verify` of the signed trail, of which `change` may change a copy.
fn verified(change: impl Fn(&std::path::Path)) -> product::Ran {
    let folder = tempfile::tempdir().unwrap();
    let everything = Scope::all("2026-11-30T00:00:00Z".parse().unwrap());
    let listing = local::list(&samples("trails/signed"), &everything).unwrap();
    for object in &listing.objects {
        let ObjectLocation::File(path) = &object.place else {
            panic!("no file");
        };
        let copy = folder.path().join(&object.name);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(path, &copy).unwrap();
        let side = |path: &std::path::Path| format!("{}{}", path.display(), local::SIDE_FILE);
        // logs have none
        drop(std::fs::copy(side(path), side(&copy)));
    }
    change(folder.path());
    let mut command = product::trailscan();
    command.arg("verify").arg(folder.path());
    command.args(["--original-bucket", "pazpaz-cloudtrail-logs"]);
    command.arg("--public-keys");
    command.arg(samples("trails/signed-public-keys.json"));
    product::finish(command)
}

#[test]
fn the_signed_trail_is_proven_log_by_log_and_a_change_of_it_is_seen() {
    let ran = verified(|_| {});
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("Integrity valid: 5 of 5 digests valid, 7 of 7 logs valid"),
        "{}",
        ran.stdout
    );
    // of an hour in which nothing was delivered
    let digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/23/\
        111122223333_CloudTrail-Digest_us-east-1_pazpaz-iam-audit_us-east-1_20261123T171728Z.json.gz";
    let ran = verified(|root| std::fs::remove_file(root.join(digest)).unwrap());
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("2026-11-23T16:17:28Z to 2026-11-23T17:17:28Z"),
        "{}",
        ran.stdout
    );
}
