//! The program as a user meets it: help, exit codes, and errors that say what to do.

use crate::product;

use product::{run, samples, trailscan};

fn said(arguments: &[&str]) -> (i32, String, String) {
    let output = trailscan().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn help_is_part_of_the_product() {
    insta::assert_snapshot!("help", said(&["--help"]).1);
    insta::assert_snapshot!("help_run", said(&["run", "--help"]).1);
    insta::assert_snapshot!("help_coverage", said(&["coverage", "--help"]).1);
    insta::assert_snapshot!("help_verify", said(&["verify", "--help"]).1);
}

#[test]
fn what_cannot_start_exits_with_2_and_names_the_thing() {
    for (arguments, named) in [
        (&["run", "no/such/folder"][..], "no/such/folder"),
        (&["run", "https://bucket"], "s3://BUCKET"),
        (
            &["run", "samples/trails/quiet", "--since", "yesterday"],
            "2026-11-16",
        ),
        (
            &[
                "run",
                "samples/trails/quiet",
                "--since",
                "1d",
                "--until",
                "2d",
            ],
            "window is empty",
        ),
        (
            &["run", "samples/trails/quiet", "--account", "12"],
            "twelve digits",
        ),
        (
            &["run", "samples/trails/quiet", "--fail-on", "urgent"],
            "critical",
        ),
        (
            &["run", "samples/trails/quiet", "--rules", "no/such/rules"],
            "no/such/rules",
        ),
        (
            &["run", "samples/trails/quiet", "--config", "no.toml"],
            "no.toml",
        ),
        (
            &["run", "samples/trails/quiet", "--no-builtin-rules"],
            "no rule",
        ),
        (
            &["run", "samples/trails/quiet", "--out", "Cargo.toml"],
            "Cargo.toml",
        ),
        (&["run", "samples/trails/quiet", "--jobs", "0"], "jobs"),
    ] {
        let (code, stdout, stderr) = said(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_exit_code_follows_fail_on_and_min_level() {
    let code = |arguments: &[&str]| run(samples("trails/breach"), arguments).code;
    assert_eq!(code(&["--fail-on", "critical"]), 1);
    assert_eq!(code(&["--fail-on", "never"]), 0);
    let quiet = run(samples("trails/seed"), &["--fail-on", "low"]);
    assert_eq!(quiet.code, 1);
    let high = run(
        samples("trails/breach"),
        &["--min-level", "high", "--quiet"],
    );
    assert_eq!(high.stdout, "");
    assert!(
        high.findings()
            .iter()
            .all(|line| line.starts_with("critical") || line.starts_with("high"))
    );
}

#[test]
fn only_the_formats_asked_for_are_written() {
    let ran = run(samples("trails/quiet"), &["--format", "csv"]);
    let mut names: Vec<String> = std::fs::read_dir(ran.folder.path().join("report"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["coverage.json", "findings.csv", "run.json"]);
}

#[test]
fn a_rule_that_cannot_be_used_is_named_in_the_report_and_fails_the_lint() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("mine.yml");
    std::fs::write(&rule, "title: Mine\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName|sounds: x}\n  condition: s\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let ran = run(samples("trails/quiet"), &["--rules", path]);
    assert!(ran.stdout.contains("1 NOT LOADED"), "{}", ran.stdout);
    assert!(
        ran.json("run.json")["rules_not_loaded"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("sounds")
    );
    let (code, stdout, _) = said(&["rules", "lint", "--rules", path]);
    assert_eq!(code, 1);
    assert!(stdout.contains("mine.yml:1"), "{stdout}");
    std::fs::write(&rule, "title: Mine\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName: ListBuckets}\n  condition: s\n").unwrap();
    assert_eq!(said(&["rules", "lint", "--rules", path]).0, 0);
}

#[test]
fn the_policy_and_the_configuration_are_printed_ready_to_use() {
    let (code, policy, _) = said(&["policy", "logs", "prod"]);
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(
        (code, &policy["Statement"][3]["Resource"]),
        (0, &"arn:aws:s3:::logs/prod/AWSLogs/*".into())
    );
    assert!(policy.to_string().contains("cloudtrail:ListPublicKeys"));
    let folder = tempfile::tempdir().unwrap();
    let init = || {
        trailscan()
            .current_dir(folder.path())
            .arg("init")
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(init(), Some(0));
    assert_eq!(init(), Some(2), "an existing one is not overwritten");
}
