//! 0, 1, 2, 3 and 4, and blind spots that change none of them unless they are asked for.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use super::{ROLES, WEEK, holds, lacks, later, page_one, text, without};
use crate::chain;
use crate::product::{Ran, run, samples, trailscan};

/// The rule of failed decryptions and the two that count them.
const FAILED_DECRYPTIONS: [&str; 7] = [
    "--no-builtin-rules",
    "--rules",
    "rules/kms/aws_kms_decrypt_failed.yml",
    "--rules",
    "rules/kms/aws_kms_decrypt_failed_burst.yml",
    "--rules",
    "rules/kms/aws_kms_decrypt_failed_spread.yml",
];

#[test]
fn a_quiet_week_with_blind_spots_ends_with_0_and_says_how_many() {
    let ran = run(samples("trails/quiet"), &WEEK);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    // the register of changes has a line, which nobody has to decide
    holds(&ran.stdout, "no findings and 1 informational; ");
    holds(&ran.stdout, " rules had blind spots");
    holds(&page_one(&ran), "no findings and 1 informational; ");
    holds(&page_one(&ran), " partly assessed");
    // the same of `coverage`
    let code = |arguments: &[&str]| {
        let mut command = trailscan();
        command.args(["coverage", "--quiet", "samples/trails/quiet"]);
        command.args(WEEK).args(arguments);
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on-unassessed", "low"]), 3);
}

#[test]
fn blind_spots_fail_a_run_only_where_they_are_asked_for_by_level() {
    let quiet = |level: &str| run(samples("trails/quiet"), &["--fail-on-unassessed", level]).code;
    assert_eq!(quiet("low"), 3);
    assert_eq!(quiet("high"), 3);
    let kms = |level: &str| {
        let kms = [&FAILED_DECRYPTIONS[..], &["--fail-on-unassessed", level]].concat();
        run(samples("trails/quiet"), &kms).code
    };
    assert_eq!(
        (kms("medium"), kms("critical")),
        (3, 0),
        "by the level of the rule"
    );
    assert_eq!(quiet("never"), 0);
    assert_eq!(quiet("urgent"), 2);
    let roles = [&ROLES[..], &["--fail-on-unassessed", "low"]].concat();
    assert_eq!(run(samples("trails/quiet"), &roles).code, 0);
    // it wins over findings, as every 3 does
    let breach = ["--fail-on-unassessed", "high"];
    assert_eq!(later(&samples("trails/breach"), &breach).code, 3);
    assert_eq!(later(&samples("trails/breach"), &[]).code, 1);
}

/// Settings of a trail that records management events and no data events.
fn no_data_events(folder: &Path) -> String {
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
    let path = folder.join("trail.json");
    let text = format!(
        r#"{{"trailList": [{{"Name": "audit", "TrailARN": "{arn}", "S3BucketName": "logs",
            "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": true, "HasInsightSelectors": false}}]}}
            {{"TrailARN": "{arn}", "EventSelectors": [{{"ReadWriteType": "All",
            "IncludeManagementEvents": true, "DataResources": []}}]}}
            {{"IsLogging": true, "LatestDeliveryTime": 1795000000}}"#
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_trail_without_data_events_is_a_standing_blind_spot_and_no_incomplete_run() {
    let folder = tempfile::tempdir().unwrap();
    let settings = no_data_events(folder.path());
    let settings = [
        "--trail-settings",
        settings.as_str(),
        "--fail-on",
        "critical",
    ];
    let ran = run(samples("trails/quiet"), &[&WEEK[..], &settings].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    holds(&ran.stdout, "rules had blind spots");
    holds(&text(&ran), "records no data events");
    // five days deleted are another matter
    let short = without("quiet", &["10", "11", "12", "13", "14"]);
    let ran = run(short.path(), &[&WEEK[..], &settings].concat());
    assert_eq!(ran.code, 3, "{}", ran.stdout);
}

/// The quiet week with a configuration, failing on every blind spot.
fn accepting(folder: &Path, config: &str, arguments: &[&str]) -> Ran {
    let file = folder.join("clinic.toml");
    fs::write(&file, config).unwrap();
    let all = [
        "--config",
        file.to_str().unwrap(),
        "--fail-on-unassessed",
        "low",
    ];
    run(
        samples("trails/quiet"),
        &[&WEEK[..], &all, arguments].concat(),
    )
}

#[test]
fn accepted_blind_spots_are_shown_as_accepted_until_their_day_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let kms = FAILED_DECRYPTIONS;
    let accepting = |config: &str| accepting(folder.path(), config, &kms);
    let accept = |what: &str, until: &str| {
        format!(
            "[[accepted_blind_spots]]\n{what}\nreason = \"no keys there\"\nuntil = \"{until}\"\n"
        )
    };
    assert_eq!(accepting("").code, 3);
    // by kind, in the one Region where it is not seen
    let west = "kind = \"kms\"\nregion = \"us-west-2\"";
    let ran = accepting(&accept(west, "2026-12-31"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    holds(&ran.stdout, "no findings; 2 rules had accepted blind spots");
    lacks(&ran.stdout, "2 rules had blind spots");
    holds(&page_one(&ran), "2 accepted blind spots");
    holds(&text(&ran), "no keys there (accepted until 2026-12-31)");
    let states = ran.json("coverage.json");
    assert_eq!(
        states["rules"][0]["accepted"],
        "no keys there (accepted until 2026-12-31)"
    );
    assert_eq!(
        states["rules"][0]["state"], "partly",
        "it is not called assessed"
    );
    // another Region, another kind, another account
    for what in [
        "kind = \"kms\"\nregion = \"us-east-1\"",
        "kind = \"data:AWS::S3::Object\"",
        "kind = \"kms\"\naccount = \"444455556666\"",
    ] {
        assert_eq!(accepting(&accept(what, "2026-12-31")).code, 3, "{what}");
    }
    // by rule: the other one counts
    let one = "rule = \"aws_kms_decrypt_failed_burst\"";
    let ran = accepting(&accept(one, "2026-12-31"));
    assert_eq!(ran.code, 3);
    holds(
        &ran.stdout,
        "no findings; 1 rule had blind spots, 1 rule had accepted blind spots",
    );
    // the run is on 22 November: the last day counts, the day after it does not
    assert_eq!(accepting(&accept(west, "2026-11-22")).code, 0);
    let ran = accepting(&accept(west, "2026-11-21"));
    assert_eq!(ran.code, 3);
    for text in [&ran.stdout, &page_one(&ran)] {
        holds(
            text,
            "The blind spot of kind kms was accepted until 2026-11-21 (no keys there): it counts again.",
        );
    }
    // a rule that is not there is named, a reason must be given
    let ran = accepting(&accept("rule = \"aws_kms_decrypt_faild\"", "2026-12-31"));
    holds(
        &ran.stdout,
        "names rule aws_kms_decrypt_faild, which is not in use",
    );
    let ran = accepting("[[accepted_blind_spots]]\nkind = \"kms\"\nuntil = \"2026-12-31\"\n");
    assert_eq!(ran.code, 2);
    holds(&ran.stderr, "reason");
}

#[test]
fn an_accepted_blind_spot_does_not_excuse_an_empty_day() {
    let folder = without("quiet", &["10", "11", "12", "13", "14"]);
    let file = folder.path().join("clinic.toml");
    fs::write(
        &file,
        "[[accepted_blind_spots]]\nkind = \"kms\"\nreason = \"r\"\nuntil = \"2026-12-31\"\n",
    )
    .unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let ran = run(folder.path(), &[&WEEK[..], &config].concat());
    assert_eq!(ran.code, 3);
}

#[test]
fn a_log_that_was_not_read_integrity_that_is_not_proven_and_broken_keep_their_codes() {
    let folder = without("quiet", &[]);
    let day = folder
        .path()
        .join("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/12");
    let log = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    let ran = run(folder.path(), &WEEK);
    assert_eq!(ran.code, 3);
    holds(&ran.stdout, "INCOMPLETE: not all logs could be read");
    // integrity asked for, and no digest is there
    let keys = samples("trails/signed-public-keys.json");
    let verify = ["--verify", "--public-keys", keys.to_str().unwrap()];
    let ran = run(samples("trails/quiet"), &[&WEEK[..], &verify].concat());
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    // a digest missing from the chain, then a log changed
    let root = tempfile::tempdir().unwrap();
    let writer = chain::Writer::hours(&root.path().join("bucket"), 6);
    let keys = writer.keys(root.path());
    let verify = ["--verify", "--public-keys", keys.to_str().unwrap()];
    let arguments = [&chain::WINDOW[..], &ROLES, &verify].concat();
    let ran = later(&root.path().join("bucket"), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    chain::edit(
        &writer.log_path(2, 1),
        "DescribeInstances",
        "DescribeImages",
    );
    assert_eq!(later(&root.path().join("bucket"), &arguments).code, 4);
    // an account that was asked for by name and is not there
    let ran = run(
        samples("trails/quiet"),
        &["--account", "111122223333,444455556666"],
    );
    assert_eq!(ran.code, 3);
    holds(&ran.stdout, "no log file of account 444455556666 was found");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trailscan();
    command
        .args(["run", "samples/trails/quiet", "--out"])
        .arg(folder.path().join("report"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(folder.path().join("report/report.html").is_file());
}
