//! Coverage never says more than it knows, and exit codes say what a scheduler must know.

mod exit_codes;
mod zone_days;

use std::fs;
use std::path::Path;

use crate::chain;
use crate::loopback;
use crate::product::{Ran, finish, run, samples, signed_in, trailscan};

const ACCOUNT: &str = "111122223333";
/// The window of `samples/trails/quiet`.
const WEEK: [&str; 4] = [
    "--since",
    "2026-11-09T00:00:00Z",
    "--until",
    "2026-11-16T00:00:00Z",
];
/// Runs only rules that see all of their events in the quiet week.
const ROLES: [&str; 3] = ["--no-builtin-rules", "--rules", "rules/sts"];

/// A copy of a sample trail without those days of November.
fn without(trail: &str, days: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&samples("trails").join(trail), folder.path());
    for region in ["us-east-1", "us-west-2"] {
        let month = format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/11");
        for day in days {
            let day = folder.path().join(&month).join(day);
            if day.exists() {
                fs::remove_dir_all(day).unwrap();
            }
        }
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A run after the samples' last week: nothing is still to come.
fn later(source: &Path, arguments: &[&str]) -> Ran {
    let mut command = trailscan();
    command
        .env("SOURCE_DATE_EPOCH", "1795478400")
        .arg("run")
        .arg(source)
        .args(arguments);
    finish(command)
}

/// The text of the page without its markup, in one line.
fn text(ran: &Ran) -> String {
    let page = ran.file("report.html");
    let body = page.split("<body>").nth(1).unwrap();
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same up to the second section.
fn page_one(ran: &Ran) -> String {
    let text = text(ran);
    let first = text.find("HIPAA activity review").unwrap();
    let end = text.find("Basis of the findings");
    text.get(first..end.unwrap()).unwrap().to_owned()
}

#[track_caller]
fn holds(text: &str, part: &str) {
    assert!(text.contains(part), "lacks `{part}`: {text}");
}

#[track_caller]
fn lacks(text: &str, part: &str) {
    assert!(!text.contains(part), "has `{part}`: {text}");
}

#[test]
fn five_of_seven_days_deleted_is_incomplete_everywhere() {
    let folder = without("quiet", &["10", "11", "12", "13", "14"]);
    for window in [&WEEK[..], &[]] {
        let ran = run(
            folder.path(),
            &[window, &["--fail-on", "critical"]].concat(),
        );
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        let first = page_one(&ran);
        holds(&first, "INCOMPLETE");
        holds(
            &first,
            "5 whole days without a log file of account 111122223333",
        );
        lacks(&first, "Complete");
        lacks(&first, "assessed for every account, Region and hour");
        holds(&first, "5 whole days without a file");
        holds(&text(&ran), "5 days (2026-11-10 to 2026-11-14)");
        holds(&ran.stdout, "INCOMPLETE: 5 whole days without a log file");
        holds(
            &ran.stdout,
            "2026-11-10 to 2026-11-14 (America/New_York, by delivery)",
        );
        for file in ["run.json", "findings.json", "coverage.json"] {
            assert_eq!(ran.json(file)["complete"], false, "{file}");
        }
        let coverage = ran.json("coverage.json");
        assert_eq!(coverage["completeness"]["empty_days"][0]["count"], 5);
        // no rule was assessed on those days, and no citation is called clean
        let rules = coverage["rules"].as_array().unwrap();
        assert!(rules.iter().all(|rule| rule["state"] != "assessed"));
        let findings = ran.json("findings.json");
        let citations = findings["citations"].as_array().unwrap();
        assert!(citations.iter().all(|one| one["state"] != "no_findings"));
    }
}

#[test]
fn the_window_asked_for_counts_up_to_the_run_and_not_to_the_last_event() {
    // the logs end on the 15th; the run is on the 22nd, and 7 days are asked for
    let ran = run(samples("trails/quiet"), &["--since", "7d"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    holds(&page_one(&ran), "INCOMPLETE");
    holds(&page_one(&ran), "up to the moment of this run");
    holds(
        &ran.stdout,
        "window 2026-11-15T00:00:00Z to 2026-11-22T00:00:00Z (the requested window)",
    );
    holds(&ran.stdout, "2026-11-16 to 2026-11-20");
    // a window without one log says nothing of the period
    let ran = run(
        samples("trails/quiet"),
        &["--since", "2026-11-17", "--until", "2026-11-19"],
    );
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    holds(&ran.stdout, "INCOMPLETE: no log file was found to read");
}

#[test]
fn the_headline_says_hours_with_logs_of_the_hours_in_the_window_by_place() {
    let ran = run(samples("trails/quiet"), &WEEK);
    let first = page_one(&ran);
    holds(&first, "20 of 20 log files read");
    holds(&first, "the requested window");
    holds(&first, "20 of 336 hours with logs (2 account-Regions)");
    holds(&first, "0 proven quiet by digests");
    holds(&first, "316 without a log, and not proven quiet");
    holds(&first, "0 confirmed gaps");
    holds(&first, "0 whole days without a file");
    holds(&first, "All files read");
    lacks(&first, "Complete");
    holds(
        &first,
        "assessed wherever logs exist; 316 of 336 hours (2 account-Regions × 168) have no log and no \
         digest proves them quiet",
    );
    for line in [
        "111122223333 us-east-1: 19 of 168 hours with logs, 0 proven quiet by digests, 149 neither",
        "111122223333 us-west-2: 1 of 168 hours with logs, 0 proven quiet by digests, 167 neither",
        "20 of 336 hours have logs",
    ] {
        holds(&ran.stdout, line);
    }
    // without a window it is said that the events set it
    let ran = run(samples("trails/quiet"), &[]);
    holds(&page_one(&ran), "first to last event; no window was given");
    holds(&ran.stdout, "(first to last event; no window was given)");
    let output = trailscan()
        .args(["coverage", "--quiet", "samples/trails/quiet"])
        .args(WEEK)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    holds(
        &stdout,
        "rules assessed wherever logs exist; 316 of 336 hours",
    );
    lacks(&stdout, "for every account, Region and hour");
}

#[test]
fn the_first_and_the_last_day_of_a_window_count_only_when_they_are_whole() {
    let folder = without("quiet", &["09", "15"]);
    let beside = tempfile::tempdir().unwrap();
    let config = beside.path().join("utc.toml");
    fs::write(&config, "").unwrap();
    let run_utc = |window: &[&str]| {
        let config = ["--config", config.to_str().unwrap()];
        run(folder.path(), &[window, &ROLES, &config].concat())
    };
    // the 9th and the 15th are cut by the window
    let cut = [
        "--since",
        "2026-11-09T00:00:01Z",
        "--until",
        "2026-11-15T23:59:59Z",
    ];
    assert_eq!(run_utc(&cut).code, 0);
    let ran = run_utc(&WEEK);
    assert_eq!(ran.code, 3);
    holds(
        &ran.stdout,
        "2 whole days: 2026-11-09, 2026-11-15 (UTC, by delivery)",
    );
}

#[test]
fn a_dormant_account_or_weekday_excuses_its_days_and_no_others() {
    // 14 and 15 November 2026 are a Saturday and a Sunday
    let weekend = without("quiet", &["14", "15"]);
    let midweek = without("quiet", &["11", "14", "15"]);
    let beside = tempfile::tempdir().unwrap();
    let config = beside.path().join("clinic.toml");
    let arguments = [&WEEK[..], &ROLES, &["--config", config.to_str().unwrap()]].concat();
    let run_with = |folder: &Path, text: &str| {
        fs::write(&config, text).unwrap();
        run(folder, &arguments)
    };
    let dormant = "[[dormant]]\naccount = \"111122223333\"\nweekdays = [\"sat\", \"sunday\"]\n";
    assert_eq!(run_with(weekend.path(), "").code, 3);
    let ran = run_with(weekend.path(), dormant);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    holds(
        &text(&ran),
        "the configuration says that it is dormant then",
    );
    let ran = run_with(midweek.path(), dormant);
    assert_eq!(ran.code, 3, "a Wednesday is no weekend");
    holds(&ran.stdout, "1 whole day: 2026-11-11");
    let always = "[[dormant]]\naccount = \"111122223333\"\n";
    assert_eq!(run_with(midweek.path(), always).code, 0);
    let other = "[[dormant]]\naccount = \"444455556666\"\n";
    assert_eq!(run_with(weekend.path(), other).code, 3);
    let wrong = "[[dormant]]\naccount = \"1111\"\n";
    let ran = run_with(weekend.path(), wrong);
    assert_eq!(ran.code, 2);
    holds(
        &ran.stderr,
        "`1111` is not an account ID: write twelve digits",
    );
}

#[test]
fn days_are_judged_only_where_keys_follow_cloudtrails_layout() {
    let folder = without("quiet", &["10", "11", "12", "13", "14"]);
    let flat = tempfile::tempdir().unwrap();
    let days = folder
        .path()
        .join(format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11"));
    let mut count = 0;
    for day in fs::read_dir(days).unwrap() {
        for log in fs::read_dir(day.unwrap().path()).unwrap() {
            count += 1;
            let to = flat.path().join(format!("{count}.json.gz"));
            fs::copy(log.unwrap().path(), to).unwrap();
        }
    }
    let ran = run(flat.path(), &[&WEEK[..], &ROLES].concat());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    lacks(&page_one(&ran), "Complete");
    holds(
        &text(&ran),
        "Days without a log file are not judged for account",
    );
}

/// Three days of digests: three logs in the first and the last hour, none between.
fn three_days(root: &Path) -> chain::Writer {
    let mut writer = chain::Writer::new(&root.join("bucket"));
    for hour in 0..72 {
        writer.hour(if hour == 0 || hour == 71 { 3 } else { 0 });
    }
    writer
}

const DAYS: [&str; 4] = [
    "--since",
    "2026-11-20T00:17:28Z",
    "--until",
    "2026-11-23T00:17:28Z",
];

#[test]
fn valid_digests_prove_an_empty_day_quiet_and_unproven_ones_do_not() {
    let root = tempfile::tempdir().unwrap();
    let writer = three_days(root.path());
    let keys = writer.keys(root.path());
    let bucket = root.path().join("bucket");
    let without = later(&bucket, &[&DAYS[..], &ROLES].concat());
    assert_eq!(without.code, 3, "{}", without.stdout);
    holds(&without.stdout, "2 whole days: 2026-11-20 to 2026-11-21");
    let keys = keys.to_str().unwrap();
    let verify = ["--verify", "--public-keys", keys];
    let all = [&DAYS[..], &ROLES, &verify].concat();
    let ran = later(&bucket, &all);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let first = page_one(&ran);
    holds(&first, "0 whole days without a file");
    holds(&first, "0 without a log, and not proven quiet");
    holds(&first, "Coverage Complete");
    holds(&first, "assessed for every account, Region and hour");
    holds(&ran.stdout, "proven quiet by digests, 0 neither");
    // one digest of the second day gone: the chain shows the gap
    fs::remove_file(writer.digest_path(30)).unwrap();
    let ran = later(&bucket, &all);
    assert!(ran.code >= 3, "{}", ran.stdout);
    holds(&ran.stdout, "1 whole day: 2026-11-21");
    // a key that is not theirs proves nothing
    let other = chain::key_file(
        &writer.signer.fingerprint(),
        &chain::Signer::other().pkcs1(),
    );
    let path = root.path().join("other.json");
    fs::write(&path, other.to_string()).unwrap();
    let verify = ["--verify", "--public-keys", path.to_str().unwrap()];
    let ran = later(&bucket, &[&DAYS[..], &ROLES, &verify].concat());
    holds(&ran.stdout, "2 whole days: 2026-11-20 to 2026-11-21");
    lacks(&page_one(&ran), "Complete");
}

#[test]
fn three_hours_of_stopped_logging_are_three_hours_everywhere_and_red() {
    let ran = later(&samples("trails/breach"), &[]);
    assert_eq!(ran.code, 1, "a stop is a finding, and the run is complete");
    let first = page_one(&ran);
    holds(&first, "LOGGING WAS STOPPED for 3 hours");
    holds(&first, "Coverage Logging stopped");
    holds(&first, "2 confirmed gaps");
    lacks(&first, "Complete");
    holds(
        &ran.file("report.html"),
        "<p class=\"figure words alert\">Logging stopped",
    );
    let page = text(&ran);
    for region in ["us-east-1", "us-west-2"] {
        holds(
            &page,
            &format!(
                "{ACCOUNT} {region} : Thu 19 Nov 2026, 14:00:00 to 17:00:00 UTC – 3 hours, logging was stopped"
            ),
        );
        holds(
            &ran.stdout,
            &format!(
                "gap: {ACCOUNT} {region} from 2026-11-19T14:00:00Z to 2026-11-19T17:00:00Z (3 hours)"
            ),
        );
    }
    // the activity section does not say 15:00 to 17:00 beside it
    lacks(&page, "Thu 19 Nov 2026, 15:00 to 17:00");
    let coverage = ran.json("coverage.json");
    for place in coverage["places"].as_array().unwrap() {
        let stretches = place["stretches"].as_array().unwrap();
        let stopped: Vec<_> = stretches
            .iter()
            .filter(|one| one["state"] == "stopped")
            .map(|one| {
                (
                    one["from"].as_str().unwrap(),
                    one["until"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(stopped, [("2026-11-19T14:00:00Z", "2026-11-19T17:00:00Z")]);
    }
    let rules = coverage["rules"].as_array().unwrap();
    let rule = rules
        .iter()
        .find(|rule| rule["name"] == "aws_sts_assume_role_denied");
    holds(
        rule.unwrap()["reason"].as_str().unwrap(),
        "was stopped from 2026-11-19T14:00:00Z to 2026-11-19T17:00:00Z",
    );
}

#[test]
fn a_stop_that_begins_within_an_hour_is_said_to_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let call = |id: &str, time: &str, name: &str| {
        serde_json::json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": time, "eventSource": "cloudtrail.amazonaws.com",
            "eventName": name, "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT, "readOnly": false,
            "eventCategory": "Management", "eventType": "AwsApiCall",
            "requestParameters": {"name": "audit"},
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/a")},
        })
    };
    let records = serde_json::json!({"Records": [
        call("a", "2026-11-19T12:00:00Z", "LookupEvents"),
        call("b", "2026-11-19T14:20:05Z", "StopLogging"),
        call("c", "2026-11-19T16:40:00Z", "StartLogging"),
        call("d", "2026-11-19T18:00:00Z", "LookupEvents"),
    ]});
    let day = folder
        .path()
        .join(format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/19"));
    fs::create_dir_all(&day).unwrap();
    let name = format!("{ACCOUNT}_CloudTrail_us-east-1_20261119T1805Z_AAAAAAAAAAAAAAAA.json.gz");
    fs::write(day.join(name), chain::gzip(records.to_string().as_bytes())).unwrap();
    let ran = later(folder.path(), &["--fail-on", "never"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    for text in [&ran.stdout, &page_one(&ran)] {
        holds(
            text,
            "LOGGING WAS STOPPED for 2 hours 19 minutes 55 seconds",
        );
    }
    holds(
        &text(&ran),
        "14:20:05 to 16:40:00 UTC – 2 hours 19 minutes 55 seconds, logging was stopped",
    );
    holds(
        &ran.stdout,
        "from 2026-11-19T14:20:05Z to 2026-11-19T16:40:00Z (2 hours 19 minutes 55 seconds)",
    );
    holds(
        &ran.file("coverage.json"),
        "stopped from 2026-11-19T14:20:05Z to 2026-11-19T16:40:00Z",
    );
}

/// On S3 the window ends at the run, and a bucket whose logs ended some days ago is not complete.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_empty_days_is_incomplete_for_the_last_seven_days() {
    let memory = loopback::Memory::copy_of(&samples("trails/quiet"));
    let url = loopback::serve(memory).await;
    let run = |arguments: &[&str]| {
        let mut command = signed_in();
        command
            .args(["run", "s3://logs", "--endpoint-url", &url])
            .args(arguments);
        command
    };
    let commands = [run(&["--since", "7d"]), run(&[])];
    for command in commands {
        let ran = tokio::task::spawn_blocking(|| finish(command))
            .await
            .unwrap();
        assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
        holds(&ran.stdout, "2026-11-16 to 2026-11-20");
        holds(&page_one(&ran), "INCOMPLETE");
    }
    let command = run(&[&WEEK[..], &ROLES].concat());
    let ran = tokio::task::spawn_blocking(|| finish(command))
        .await
        .unwrap();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}
