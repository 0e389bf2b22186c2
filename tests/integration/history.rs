//! Rules that find what is new: in one run over months, or week by week with a state file, in any
//! order, and again later, always the same.

use crate::product;

use std::fs;
use std::path::Path;

use product::{Ran, run};
use serde_json::json;

/// Mondays. The rule learns for 30 days, up to the fifth of them.
const WEEKS: [&str; 10] = [
    "2026-09-07",
    "2026-09-14",
    "2026-09-21",
    "2026-09-28",
    "2026-10-05",
    "2026-10-12",
    "2026-10-19",
    "2026-10-26",
    "2026-11-02",
    "2026-11-09",
];
const RULE: &str = "first_access";

/// It does not say what a trail must record, so that only learning decides what it could tell.
const TEXT: &str = "
title: First access
name: first_access
level: medium
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: GetObject
    trailscan.target|expand: '%phi_buckets%'
    trailscan.first_seen.target: true
  condition: selection
";

/// Who reads the patients' files in which weeks.
const READERS: [(&str, &[usize]); 4] = [
    ("anna", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    // never before the seventh week
    ("bert", &[6, 7, 9]),
    // seen while the rule learned, then not for six weeks
    ("carl", &[2, 8]),
    // for the first time in the last week, twice
    ("dora", &[9, 9]),
];

fn read(who: &str, week: usize, number: usize) -> serde_json::Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": format!("arn:aws:iam::111122223333:user/{who}"),
            "accountId": "111122223333",
            "userName": who,
        },
        "eventTime": format!("{}T10:{number:02}:00Z", WEEKS[week]),
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.10",
        "requestParameters": {"bucketName": "clinic-phi", "key": "a.pdf"},
        "eventID": format!("00000000-0000-4000-8000-{week:06}{number:06}"),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
    })
}

/// A folder with a configuration, and the logs of all weeks.
fn clinic() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = "[phi]\nbuckets = [\"clinic-phi\"]\n[history]\n";
    fs::write(folder.path().join("trailscan.toml"), config).unwrap();
    fs::write(folder.path().join("rule.yml"), TEXT).unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    for week in 0..WEEKS.len() {
        let readers = READERS
            .iter()
            .flat_map(|(who, weeks)| weeks.iter().map(move |seen| (who, *seen)));
        let readers = readers.filter(|(_, seen)| *seen == week).enumerate();
        let records: Vec<_> = readers
            .map(|(number, (who, week))| read(who, week, number))
            .collect();
        let log = folder.path().join(format!("logs/{week}.json"));
        fs::write(log, json!({ "Records": records }).to_string()).unwrap();
    }
    folder
}

fn scan(clinic: &Path, arguments: &[&str]) -> Ran {
    let config = clinic.join("trailscan.toml").display().to_string();
    let rule = clinic.join("rule.yml").display().to_string();
    let rules = ["--no-builtin-rules", "--rules", &rule];
    let always = [&rules[..], &["--config", &config, "--fail-on", "never"]].concat();
    run(clinic.join("logs"), &[&always, arguments].concat())
}

/// The run of one week.
fn week(clinic: &Path, week: usize, arguments: &[&str]) -> Ran {
    let until = WEEKS.get(week + 1).unwrap_or(&"2026-11-16");
    let window = ["--since", WEEKS[week], "--until", until];
    scan(clinic, &[&window[..], arguments].concat())
}

/// Who was new, how often, and in which week of the calendar.
fn new(ran: &Ran) -> Vec<String> {
    let findings = ran.json("findings.json");
    let all = findings["findings"].as_array().unwrap();
    let ours = all.iter().filter(|finding| finding["rule"] == RULE);
    let line = |finding: &serde_json::Value| {
        let actor = finding["actor"].as_str().unwrap();
        let who = actor.rsplit('/').next().unwrap();
        format!(
            "{} {who} {}",
            finding["period"].as_str().unwrap(),
            finding["count"]
        )
    };
    let mut lines: Vec<String> = ours.map(line).collect();
    lines.sort();
    lines
}

/// What is said of the rule.
fn said(ran: &Ran) -> (String, String) {
    let report = ran.json("run.json");
    let rules = report["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["name"] == RULE).unwrap();
    let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("reason"))
}

#[test]
fn one_run_over_months_learns_and_tells() {
    let clinic = clinic();
    let ran = scan(clinic.path(), &[]);
    assert_eq!(new(&ran), ["2026-W43 bert 1", "2026-W46 dora 2"]);
    let (state, reason) = said(&ran);
    assert_eq!(state, "partly");
    assert!(
        reason.contains("starts 2026-09-07; new activity is reported from 2026-10-07"),
        "{reason}"
    );
    let html = ran.file("report.html");
    assert!(html.contains("first seen: target clinic-phi"));
    // what a rule matched is what was new, whatever was looked at
    for jobs in ["1", "3"] {
        let again = scan(clinic.path(), &["--jobs", jobs]);
        assert!(
            again.file("findings.json") == ran.file("findings.json"),
            "{jobs} threads"
        );
    }
}

#[test]
fn week_by_week_the_state_file_carries_the_history() {
    let clinic = clinic();
    let state = clinic.path().join("state").display().to_string();
    let remembering = ["--state", &*state];
    let weekly: Vec<Ran> = (0..WEEKS.len())
        .map(|number| week(clinic.path(), number, &remembering))
        .collect();
    let reported: Vec<_> = weekly.iter().map(new).collect();
    let mut expected = vec![Vec::<String>::new(); WEEKS.len()];
    expected[6] = vec!["2026-W43 bert 1".to_owned()];
    expected[9] = vec!["2026-W46 dora 2".to_owned()];
    assert_eq!(reported, expected);
    for (number, ran) in weekly.iter().enumerate() {
        let (state, reason) = said(ran);
        let expected = if number < 5 {
            "not_assessed"
        } else {
            "assessed"
        };
        assert_eq!(state, expected, "week {number}: {reason}");
    }
    // without it a week alone can tell nothing, and says so
    let alone = week(clinic.path(), 6, &[]);
    assert_eq!(new(&alone), [""; 0]);
    assert!(
        said(&alone).1.contains("--state FILE"),
        "{:?}",
        said(&alone)
    );
    // a past week's report is what it was
    for number in [6, 9, 0] {
        let again = week(clinic.path(), number, &remembering);
        for file in ["findings.json", "run.json"] {
            assert!(
                again.file(file) == weekly[number].file(file),
                "week {number}: {file}"
            );
        }
    }
    // and `coverage` knows who has learned
    let coverage = |arguments: &[&str]| {
        let mut command = product::trailscan();
        let config = clinic.path().join("trailscan.toml");
        command.arg("coverage").arg(clinic.path().join("logs"));
        let rule = clinic.path().join("rule.yml");
        command.arg("--no-builtin-rules").arg("--rules").arg(rule);
        command
            .args(["--since", WEEKS[7], "--config"])
            .arg(config)
            .args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(coverage(&[]).contains("still learning"));
    assert!(!coverage(&remembering).contains("still learning"));
}

#[test]
fn weeks_that_come_in_any_order_end_in_the_same_knowledge() {
    let clinic = clinic();
    let state = clinic.path().join("state").display().to_string();
    let remembering = ["--state", &*state, "--incremental"];
    for number in [9, 3, 6, 0, 8, 1, 7, 2, 5, 4] {
        week(clinic.path(), number, &remembering);
    }
    let again = |number| new(&week(clinic.path(), number, &remembering));
    assert_eq!(again(6), ["2026-W43 bert 1"]);
    assert_eq!(again(8), [""; 0]);
    assert_eq!(again(9), ["2026-W46 dora 2"]);
    // cached scans hold for another window as well
    let all = scan(clinic.path(), &remembering);
    assert_eq!(new(&all), ["2026-W43 bert 1", "2026-W46 dora 2"]);
}

#[test]
fn how_long_a_rule_learns_is_configured() {
    let clinic = clinic();
    let config = clinic.path().join("trailscan.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + "learning_days = 10\n").unwrap();
    let all = scan(clinic.path(), &[]);
    let expected = ["2026-W39 carl 1", "2026-W43 bert 1", "2026-W46 dora 2"];
    assert_eq!(new(&all), expected);
}

#[test]
fn a_rule_that_was_renamed_keeps_its_history_under_its_old_name() {
    let clinic = clinic();
    let state = clinic.path().join("state").display().to_string();
    for number in 0..WEEKS.len() - 1 {
        week(clinic.path(), number, &["--state", &state]);
    }
    let renamed = |alias: &str| {
        let text = TEXT.replace("name: first_access", "name: first_read");
        fs::write(clinic.path().join("rule.yml"), text + alias).unwrap();
        let ran = week(clinic.path(), WEEKS.len() - 1, &["--state", &state]);
        let findings = ran.json("findings.json")["findings"].clone();
        findings.as_array().unwrap().len()
    };
    // under the old name anna, bert and carl are known, and only dora is new
    assert_eq!(renamed("trailscan: {aliases: [first_access]}\n"), 1);
}
