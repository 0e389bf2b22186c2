//! Forged or planted logs and digests must never pass as "signed by AWS".

mod second;
mod unproven;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chain::{WINDOW, Writer, edit, gunzip, gzip, side};
use crate::product::{Ran, finish, shared_data, trailscan};

/// A rule that sees what the writer writes, so that nothing but integrity decides the exit code.
const RULE: &str = "title: Instances listed\nid: 7d7d0a59-6a39-4cf7-8b8b-2d0d6e1d0c11\n\
    name: instances_listed\nlogsource: {product: aws, service: cloudtrail}\n\
    detection: {s: {eventName: DescribeInstances}, condition: s}\nlevel: informational\n\
    trailscan: {requires: [management_read]}\n";

const SIGNED: &str = "as AWS signed them";

/// A folder with a chain, and what is done to it.
struct Attack {
    root: TempDir,
    writer: Writer,
    now: &'static str,
}

/// How `verify`, `run --verify` and `coverage --verify` ended.
struct Ended {
    verify: Ran,
    run: Ran,
    coverage: Ran,
}

impl Attack {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let writer = Writer::hours(&root.path().join("bucket"), 6);
        Self {
            root,
            writer,
            now: "2026-11-22T00:00:00Z",
        }
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Ran {
        let keys = self.writer.keys(self.root.path());
        let rules = self.root.path().join("rules");
        fs::create_dir_all(&rules).unwrap();
        fs::write(rules.join("rule.yml"), RULE).unwrap();
        let mut command = trailscan();
        let now: chrono::DateTime<chrono::Utc> = self.now.parse().unwrap();
        command.env("SOURCE_DATE_EPOCH", now.timestamp().to_string());
        command.arg(name).arg(self.root.path().join("bucket"));
        command.arg("--public-keys").arg(keys);
        if name != "verify" {
            command
                .args(["--verify", "--no-builtin-rules", "--rules"])
                .arg(rules);
        }
        if name == "run" {
            command.args(["--fail-on", "never"]);
        }
        command.args(arguments);
        finish(command)
    }

    fn ended(&self, arguments: &[&str]) -> Ended {
        let run = self.command("run", arguments);
        // every log whose events count is in the proof, once
        let logs = &run.json("integrity.json")["logs"];
        let found: u64 = [
            "valid",
            "altered",
            "unnamed",
            "pending",
            "not_proven",
            "other_kinds",
        ]
        .map(|what| logs[what].as_u64().unwrap_or(0))
        .iter()
        .sum();
        assert_eq!(found, run.count("objects", "listed"), "{logs}");
        for chain in run.json("integrity.json")["chains"].as_array().unwrap() {
            for hole in chain["holes"].as_array().unwrap() {
                let (from, to) = (hole["from"].as_str().unwrap(), hole["to"].as_str().unwrap());
                assert!(from <= to, "{hole}");
            }
        }
        Ended {
            run,
            verify: self.command("verify", arguments),
            coverage: self.command("coverage", arguments),
        }
    }

    /// All three commands end with that code and name the file; nothing is called signed.
    fn assert_found(&self, code: i32, named: &str) -> Ended {
        self.assert_found_in(&WINDOW, code, named)
    }

    fn assert_found_in(&self, window: &[&str], code: i32, named: &str) -> Ended {
        let ended = self.ended(window);
        for ran in [&ended.verify, &ended.run, &ended.coverage] {
            assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
            assert!(
                ran.file("integrity.json").contains(named),
                "{named} is not named"
            );
        }
        let said = [&ended.verify.stdout, &ended.run.stdout];
        assert!(said.iter().all(|text| text.contains(named)), "{}", said[0]);
        assert!(!ended.run.stdout.contains(SIGNED), "{}", ended.run.stdout);
        assert!(!ended.run.file("report.html").contains(SIGNED));
        ended
    }

    fn path(&self, key: &str) -> PathBuf {
        self.writer.path(key)
    }

    /// Copies a digest to a path, with or without the signature that lies beside it.
    fn copy_digest(&self, hour: usize, to: &Path, signed: bool) {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(self.writer.digest_path(hour), to).unwrap();
        if signed {
            fs::copy(self.writer.side_path(hour), side(to)).unwrap();
        }
    }
}

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

/// A digest's text with one more log.
fn name_in(digest: &Path, key: &str, hash: &str) {
    let entry = json!({"s3Bucket": crate::chain::BUCKET, "s3Object": key, "hashValue": hash,
        "hashAlgorithm": "SHA-256", "newestEventTime": null, "oldestEventTime": null});
    edit(digest, "\"logFiles\":[", &format!("\"logFiles\":[{entry},"));
}

fn logs(ran: &Ran, what: &str) -> u64 {
    let logs = &ran.json("integrity.json")["logs"];
    logs[what].as_u64().unwrap_or(0)
}

fn insight() -> Value {
    json!({"eventVersion": "1.09", "eventTime": "2026-11-20T02:30:00Z", "awsRegion": "us-east-1",
        "eventID": "insight-1", "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight",
        "recipientAccountId": "111122223333", "sharedEventID": "insight-shared",
        "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances", "insightType": "ApiCallRateInsight"}})
}

fn network() -> Value {
    json!({"eventVersion": "1.09", "eventTime": "2026-11-20T02:31:00Z", "awsRegion": "us-east-1",
        "eventID": "network-1", "eventType": "AwsVpceEvents", "eventCategory": "NetworkActivity",
        "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "errorCode": "VpceAccessDenied",
        "recipientAccountId": "111122223333", "userIdentity": {"type": "AWSAccount"}})
}

#[test]
fn the_untouched_chain_passes_all_three_commands() {
    let ended = Attack::new().ended(&WINDOW);
    for ran in [&ended.verify, &ended.run, &ended.coverage] {
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
    assert!(
        ended
            .run
            .stdout
            .contains("All log files found were read, as AWS signed them")
    );
}

#[test]
fn a_management_event_in_a_folder_without_digests_is_evaluated_and_named() {
    for folder in ["CloudTrail-Insight", "CloudTrail-NetworkActivity"] {
        let mut attack = Attack::new();
        let when = at("2026-11-20T02:30:00Z");
        let record = attack.writer.record(when);
        let (key, _) = attack.writer.file(folder, when, &record);
        let ended = attack.assert_found(4, &key);
        assert_eq!(ended.run.count("records", "evaluated"), 19, "{folder}");
        let problem = ended.run.json("run.json")["coverage"]["problems"][0].clone();
        assert_eq!(
            (&problem["kind"], &problem["object"]),
            (&"misplaced".into(), &key.into())
        );
        assert!(
            problem["what"]
                .as_str()
                .unwrap()
                .contains("DescribeInstances")
        );
        assert_eq!(logs(&ended.run, "unnamed"), 1);
    }
}

#[test]
fn a_record_that_only_calls_itself_an_insight_is_none() {
    let mut attack = Attack::new();
    let when = at("2026-11-20T02:30:00Z");
    let mut record = attack.writer.record(when);
    record["eventType"] = "AwsCloudTrailInsight".into();
    record["eventCategory"] = "Insight".into();
    let (key, _) = attack.writer.file("CloudTrail-Insight", when, &record);
    attack.assert_found(4, &key);
    let mut attack = Attack::new();
    let (key, _) = attack
        .writer
        .file("CloudTrail-NetworkActivity", when, &insight());
    attack.assert_found(4, &key);
}

#[test]
fn kinds_that_no_digest_names_are_counted_apart_and_are_no_fault() {
    let mut attack = Attack::new();
    let when = at("2026-11-20T02:30:00Z");
    attack.writer.file("CloudTrail-Insight", when, &insight());
    attack
        .writer
        .file("CloudTrail-NetworkActivity", when, &network());
    let ended = attack.ended(&WINDOW);
    for ran in [&ended.verify, &ended.run, &ended.coverage] {
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(logs(&ended.run, "other_kinds"), 2);
    let said = "18 of 20 as AWS signed them, 2 of a kind without digests";
    assert!(ended.run.stdout.contains(said), "{}", ended.run.stdout);
    let page = ended.run.file("report.html");
    assert!(page.contains("18 of 20 log files are what AWS signed."));
    assert!(!page.contains("The logs are what AWS signed."));
}

#[test]
fn a_kind_that_some_digest_names_is_doubted_like_any_other() {
    let mut attack = Attack::new();
    let when = at("2026-11-20T06:30:00Z");
    let named = attack
        .writer
        .file("CloudTrail-NetworkActivity", when, &network());
    attack.writer.digest(
        at("2026-11-20T06:17:28Z"),
        at("2026-11-20T07:17:28Z"),
        &[named],
        None,
    );
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T07:17:28Z"];
    let ended = attack.ended(&window);
    assert_eq!(ended.verify.code, 0, "{}", ended.verify.stdout);
    assert_eq!(logs(&ended.run, "valid"), 19);
    let planted = at("2026-11-20T02:30:00Z");
    let (key, _) = attack
        .writer
        .file("CloudTrail-NetworkActivity", planted, &network());
    attack.assert_found_in(&window, 4, &key);
}

#[test]
fn an_unsigned_copy_of_a_digest_under_another_path_vouches_for_nothing() {
    for place in ["backup/AWSLogs", "AWSLogs/old", "zz"] {
        let mut attack = Attack::new();
        // the planted log lies beside the real ones, or beside the copied digest
        for beside in [false, true] {
            let (key, hash) = attack.writer.log(at("2026-11-20T02:40:00Z"));
            let tail = attack.writer.hours[2].digest.replacen("AWSLogs", place, 1);
            let copy = attack.path(&tail);
            attack.copy_digest(2, &copy, false);
            name_in(&copy, &key, &hash);
            let mut planted = key.clone();
            if beside {
                planted = key.replacen("AWSLogs", place, 1);
                let to = attack.path(&planted);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(attack.path(&key), to).unwrap();
            }
            let named = if beside { &tail } else { &planted };
            let ended = attack.assert_found(4, named);
            assert_eq!(logs(&ended.run, "valid"), 18, "{place}");
            let proof = ended.run.file("integrity.json");
            assert!(proof.contains(&tail) && proof.contains(&planted), "{place}");
            fs::remove_file(attack.path(&planted)).unwrap();
        }
    }
}

#[test]
fn a_digest_in_the_folders_of_another_account_region_or_organization_was_moved() {
    for (from, to) in [
        ("111122223333", "444455556666"),
        ("us-east-1/2026", "eu-west-1/2026"),
        ("AWSLogs/", "AWSLogs/o-exampleorg/"),
        ("T031728Z", "T231728Z"),
        ("_main_trail_", "_other_trail_"),
    ] {
        let attack = Attack::new();
        let key = attack.writer.hours[2].digest.replace(from, to);
        attack.copy_digest(2, &attack.path(&key), true);
        let ended = attack.assert_found_in(&[], 4, &key);
        assert!(
            ended.run.stdout.contains("it was moved here"),
            "{}",
            ended.run.stdout
        );
    }
}

#[test]
fn a_digest_that_says_it_is_of_another_account_is_bad() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&root.path().join("bucket"));
    writer.hour(3);
    writer.said_account = Some("444455556666");
    writer.hour(3);
    let digest = writer.hours[1].digest.clone();
    let now = "2026-11-22T00:00:00Z";
    let attack = Attack { root, writer, now };
    let ended = attack.assert_found_in(&[], 4, &digest);
    assert!(
        ended
            .verify
            .stdout
            .contains("it says it is of account 444455556666")
    );
}

#[test]
fn of_two_logs_of_one_name_neither_hides_behind_the_other() {
    // the real one is read first, or last
    for front in ["00/AWSLogs", "zz/AWSLogs"] {
        let attack = Attack::new();
        let key = &attack.writer.hours[2].logs[1];
        let twin = key.replacen("AWSLogs", front, 1);
        let text = String::from_utf8(gunzip(&attack.path(key))).unwrap();
        let text = text
            .replace("DescribeInstances", "RunInstances")
            .replace("main_trail", "x");
        fs::create_dir_all(attack.path(&twin).parent().unwrap()).unwrap();
        fs::write(attack.path(&twin), gzip(text.as_bytes())).unwrap();
        let ended = attack.assert_found(3, &twin);
        assert_eq!(logs(&ended.run, "valid"), 18);
        assert_eq!(ended.run.count("records", "evaluated"), 19);
        // and where the real one is gone, too
        fs::remove_file(attack.path(key)).unwrap();
        let ended = attack.assert_found(4, &twin);
        assert_eq!(
            (logs(&ended.run, "valid"), logs(&ended.run, "missing")),
            (17, 1)
        );
    }
}

#[test]
fn files_of_one_name_in_a_copy_without_folders_are_all_named() {
    let attack = Attack::new();
    let flat = attack.root.path().join("flat");
    fs::create_dir(&flat).unwrap();
    for hour in 0..6 {
        let logs = (0..3).map(|log| attack.writer.log_path(hour, log));
        for path in logs.chain([
            attack.writer.digest_path(hour),
            attack.writer.side_path(hour),
        ]) {
            fs::rename(&path, flat.join(path.file_name().unwrap())).unwrap();
        }
    }
    let bucket = attack.root.path().join("bucket");
    fs::remove_dir_all(&bucket).unwrap();
    fs::rename(&flat, &bucket).unwrap();
    assert_eq!(attack.ended(&WINDOW).verify.code, 0);
    // a log and a digest of the same names, in a folder that says nothing
    let name = |path: PathBuf| path.file_name().unwrap().to_owned();
    let (log, digest) = (attack.writer.log_path(2, 1), attack.writer.digest_path(2));
    let (log, digest) = (name(log), name(digest));
    let below = bucket.join("CloudTrail");
    fs::create_dir(&below).unwrap();
    let text = String::from_utf8(gunzip(&bucket.join(&log))).unwrap();
    let fake = gzip(
        text.replace("DescribeInstances", "RunInstances")
            .replace("main", "x")
            .as_bytes(),
    );
    fs::write(below.join(&log), fake).unwrap();
    let ended = attack.assert_found(4, log.to_str().unwrap());
    assert_eq!(
        (logs(&ended.run, "valid"), logs(&ended.run, "unnamed")),
        (18, 1)
    );
    fs::remove_file(below.join(&log)).unwrap();
    let below = bucket.join("CloudTrail-Digest");
    fs::create_dir(&below).unwrap();
    fs::copy(bucket.join(&digest), below.join(&digest)).unwrap();
    edit(&below.join(&digest), "tomorrow", "yesterday");
    let ended = attack.ended(&WINDOW);
    assert!(ended.verify.code >= 3, "{}", ended.verify.stdout);
    assert!(
        ended.verify.stdout.contains("file 2 of this name"),
        "{}",
        ended.verify.stdout
    );
}

#[test]
fn a_log_stamped_in_the_future_is_not_awaited() {
    let mut attack = Attack::new();
    attack.now = "2026-11-20T06:40:00Z";
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T06:40:00Z"];
    let (key, _) = attack.writer.log(at("2026-11-20T18:00:00Z"));
    // its event lies in the window: only the stamp is of the future
    edit(&attack.path(&key), "T18:00:00Z", "T05:00:00Z");
    let run = attack.command("run", &window);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stdout.contains(&key) && run.stdout.contains("later than this run"));
    assert!(!run.stdout.contains(SIGNED), "{}", run.stdout);
    assert_eq!((logs(&run, "pending"), logs(&run, "not_proven")), (0, 1));
    let all = attack.assert_found_in(&[], 3, &key);
    assert_eq!(logs(&all.verify, "pending"), 0);
}

#[test]
fn pending_needs_a_digest_that_is_not_due_yet_and_is_counted_on_page_one() {
    let mut attack = Attack::new();
    attack.now = "2026-11-20T06:40:00Z";
    attack.writer.log(at("2026-11-20T06:30:00Z"));
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T06:40:00Z"];
    let ended = attack.ended(&window);
    for ran in [&ended.verify, &ended.run, &ended.coverage] {
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
    let said = "18 of 19 as AWS signed them, 1 pending";
    assert!(ended.run.stdout.contains(said), "{}", ended.run.stdout);
    assert!(
        ended
            .run
            .file("report.html")
            .contains("1 pending: their digest is not due yet")
    );
    assert!(
        ended
            .verify
            .stdout
            .contains("18 of 18 logs valid, 1 pending")
    );
    // the same log when its digest is overdue, by the clock
    attack.now = "2026-11-20T09:30:00Z";
    assert!(attack.ended(&window).run.code >= 3);
    // and where the newest digest is proven by nobody
    attack.now = "2026-11-20T06:40:00Z";
    for hour in 0..6 {
        fs::remove_file(attack.writer.side_path(hour)).unwrap();
    }
    assert_eq!(attack.ended(&window).run.code, 3);
}

#[test]
fn an_unsigned_digest_of_an_invented_trail_proves_nothing_that_it_names() {
    let mut attack = Attack::new();
    let real = attack.writer.hours.len();
    let planted = attack.writer.log(at("2026-11-20T02:40:00Z"));
    let key = planted.0.clone();
    attack.writer.trail = "another";
    attack.writer.restart();
    let hour = attack.writer.hours[2].clone();
    attack.writer.digest(hour.start, hour.end, &[planted], None);
    fs::remove_file(attack.writer.side_path(real)).unwrap();
    let ended = attack.ended(&WINDOW);
    for ran in [&ended.verify, &ended.run, &ended.coverage] {
        assert!(ran.code >= 3, "{}", ran.stdout);
    }
    assert!(!ended.run.stdout.contains(SIGNED));
    assert!(ended.run.file("integrity.json").contains(&key));
    assert_eq!(logs(&ended.run, "valid"), 18);
}

#[test]
fn a_digest_that_is_replayed_in_another_hour_is_found() {
    let attack = Attack::new();
    let to = attack.writer.digest_path(3);
    fs::remove_file(side(&to)).unwrap();
    attack.copy_digest(1, &to, true);
    let ended = attack.assert_found(4, "it was moved here");
    assert_eq!(logs(&ended.run, "valid"), 15);
}

#[test]
fn a_log_that_two_digests_name_counts_once_whatever_comes_first() {
    for signed in [true, false] {
        let mut attack = Attack::new();
        let (key, real) = (
            attack.writer.hours[1].logs[0].clone(),
            attack.writer.hours.len(),
        );
        let hash = trailscan::sha256::hex([&gunzip(&attack.path(&key))[..]]);
        let late = attack.writer.log(at("2026-11-20T01:40:00Z"));
        let hour = attack.writer.hours[1].clone();
        attack.writer.restart();
        let named = [(key, hash), late];
        attack.writer.digest(
            hour.start,
            hour.end,
            &named,
            Some("2026-11-21T00:00:00.000Z"),
        );
        if !signed {
            fs::remove_file(attack.writer.side_path(real)).unwrap();
        }
        let ended = attack.ended(&WINDOW);
        assert_eq!(
            ended.verify.code,
            if signed { 0 } else { 3 },
            "{}",
            ended.verify.stdout
        );
        let counts = (logs(&ended.run, "valid"), logs(&ended.run, "not_proven"));
        assert_eq!(counts, if signed { (19, 0) } else { (18, 1) });
        let objects = ended.run.json("integrity.json")["objects"].clone();
        assert_eq!(objects.as_array().unwrap().len(), 19, "{objects}");
    }
    // the second digest lies in the folder of the day after, behind the log
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&root.path().join("bucket"));
    writer.start_at("2026-11-20T22:17:28Z");
    writer.hour(3);
    writer.hour(3);
    let key = writer.hours[0].logs[0].clone();
    let hash = trailscan::sha256::hex([&gunzip(&writer.path(&key))[..]]);
    let late = writer.log(at("2026-11-20T22:40:00Z"));
    let (start, end) = (writer.hours[1].start, writer.hours[1].end);
    writer.restart();
    writer.digest(
        start,
        end,
        &[(key, hash), late],
        Some("2026-11-21T01:00:00.000Z"),
    );
    let now = "2026-11-22T00:00:00Z";
    let attack = Attack { root, writer, now };
    let ended = attack.ended(&["--until", "2026-11-21T00:17:28Z"]);
    assert_eq!(ended.verify.code, 0, "{}", ended.verify.stdout);
    assert_eq!(
        (logs(&ended.run, "valid"), logs(&ended.run, "missing")),
        (7, 0)
    );
}

#[test]
fn a_log_outside_of_cloudtrails_folders_is_never_proven() {
    for name in [
        "planted.json.gz",
        "AWSLogs/111122223333/CloudTrail-Other/us-east-1/2026/11/20/x.json.gz",
    ] {
        let attack = Attack::new();
        let record = attack.writer.record(at("2026-11-20T02:30:00Z"));
        let body = json!({"Records": [record]}).to_string();
        fs::create_dir_all(attack.path(name).parent().unwrap()).unwrap();
        fs::write(attack.path(name), gzip(body.as_bytes())).unwrap();
        attack.assert_found(3, name);
    }
}

#[test]
fn one_verdict_holds_for_run_verify_and_coverage() {
    let attack = Attack::new();
    for hour in 0..6 {
        fs::remove_file(attack.writer.side_path(hour)).unwrap();
    }
    attack.assert_found(3, "NOT PROVEN");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_attacks_that_once_succeeded_do_not() {
    let folder = shared_data("attacks/F20-suppression");
    let ran = |command: &str, what: &Path, keys: &Path, arguments: &[&str]| {
        let mut program = trailscan();
        program
            .arg(command)
            .arg(what)
            .arg("--public-keys")
            .arg(keys)
            .args(arguments);
        finish(program)
    };
    let keys = folder.join("keys.json");
    let critical = ["--verify", "--fail-on", "critical"];
    for (command, arguments) in [("verify", &[][..]), ("run", &critical)] {
        let ended = ran(command, &folder.join("after"), &keys, arguments);
        assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stdout.contains("_CloudTrail-Insight_"),
            "{}",
            ended.stdout
        );
        assert!(!ended.stdout.contains(SIGNED), "{}", ended.stdout);
    }
    let folder = shared_data("attacks/F12-coverage-exit");
    let rules = folder.join("rules");
    let arguments = [
        "--verify",
        "--no-builtin-rules",
        "--rules",
        rules.to_str().unwrap(),
    ];
    let ended = ran(
        "coverage",
        &folder.join("copy"),
        &folder.join("keys.json"),
        &arguments,
    );
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
}
