//! Forgeries of the second round: shapes that a check of text alone lets pass, and what a proof must
//! not claim.

use super::*;

const LATER: &str = "2026-11-20T06:40:00Z";

#[test]
fn a_name_that_is_no_string_makes_no_record_an_insight_or_a_network_activity_event() {
    for (folder, base, member) in [
        ("CloudTrail-Insight", insight(), "eventName"),
        ("CloudTrail-Insight", insight(), "eventSource"),
        ("CloudTrail-NetworkActivity", network(), "eventName"),
        ("CloudTrail-NetworkActivity", network(), "eventSource"),
    ] {
        for value in [json!(["DescribeInstances"]), json!({"a": "x"})] {
            let mut attack = Attack::new();
            let mut record = base.clone();
            record[member] = value;
            let when = at("2026-11-20T02:30:00Z");
            let (key, _) = attack.writer.file(folder, when, &record);
            let ended = attack.assert_found(4, &key);
            assert_eq!(logs(&ended.verify, "unnamed"), 1, "{folder} {member}");
        }
    }
    // null is as good as absent
    let mut attack = Attack::new();
    let mut record = insight();
    record["eventName"] = Value::Null;
    let when = at("2026-11-20T02:30:00Z");
    attack.writer.file("CloudTrail-Insight", when, &record);
    assert_eq!(attack.ended(&WINDOW).verify.code, 0);
}

#[test]
fn verify_counts_and_names_a_log_in_the_digest_folder_as_run_does() {
    for name in ["planted.json.gz", "111122223333_CloudTrail_us-east-1_x.gz"] {
        let attack = Attack::new();
        let key = format!("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/{name}");
        let record = attack.writer.record(at("2026-11-20T02:30:00Z"));
        let body = json!({"Records": [record]}).to_string();
        fs::write(attack.path(&key), gzip(body.as_bytes())).unwrap();
        let ended = attack.assert_found(4, &key);
        for ran in [&ended.verify, &ended.run] {
            assert_eq!(logs(ran, "unnamed"), 1, "{}", ran.stdout);
        }
        assert!(ended.verify.stderr.contains("its content is a log"));
    }
}

#[test]
fn a_chain_that_restarts_inside_the_window_proves_nothing_of_the_time_before() {
    // digests and logs of the first hours were removed: what is left begins with a first digest
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&root.path().join("bucket"));
    writer.start_at("2026-11-20T03:17:28Z");
    (0..3).for_each(|_| writer.hour(3));
    let first = writer.hours[0].digest.clone();
    let now = "2026-11-22T00:00:00Z";
    let mut attack = Attack { root, writer, now };
    let ended = attack.assert_found(3, &first);
    for ran in [&ended.verify, &ended.run] {
        assert!(
            ran.stdout
                .contains("nothing proves what was delivered until then"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains("--since 2026-11-20T03:17:28Z"));
        assert!(!ran.stdout.contains("nothing was delivered"));
    }
    // a whole hour before it may have had a digest, a part of one had none of its own
    let until = ["--until", "2026-11-20T06:17:28Z"];
    for (since, code) in [("02:17:28", 3), ("02:17:29", 0), ("03:17:28", 0)] {
        let since = format!("2026-11-20T{since}Z");
        let ran = attack.command("verify", &["--since", &since, until[0], until[1]]);
        assert_eq!(ran.code, code, "{since}: {}", ran.stdout);
        assert_eq!(
            ran.stdout.contains("before that cannot be proven"),
            since.contains("02:17:29"),
            "{}",
            ran.stdout
        );
    }
    // a log that is left of that time is not proven either
    let (key, _) = attack.writer.log(at("2026-11-20T01:20:00Z"));
    let ended = attack.assert_found(3, &key);
    assert_eq!(logs(&ended.run, "not_proven"), 1);
}

#[test]
fn a_log_in_the_folder_of_another_day_than_its_stamp_is_not_pending() {
    let window = [WINDOW[0], WINDOW[1], "--until", LATER];
    let mut attack = Attack::new();
    attack.now = LATER;
    let (key, _) = attack.writer.log(at("2026-11-20T06:30:00Z"));
    assert_eq!(logs(&attack.ended(&window).run, "pending"), 1);
    let moved = key.replace("/2026/11/20/", "/2026/11/19/");
    fs::create_dir_all(attack.path(&moved).parent().unwrap()).unwrap();
    fs::rename(attack.path(&key), attack.path(&moved)).unwrap();
    let ended = attack.assert_found_in(&window, 3, &moved);
    for ran in [&ended.verify, &ended.run] {
        assert_eq!((logs(ran, "pending"), logs(ran, "not_proven")), (0, 1));
    }
}
