//! Records that pass for a copy, or for the same call, and hide what a rule finds in another.

use std::fs;
use std::path::Path;
use std::slice::from_ref;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    ACCOUNT, caller, conflicts, counts, key, logs, of_two_accounts, owner, put, stop_logging, text,
};
use crate::chain::Writer;
use crate::product::{Ran, run};

/// A rule with that detection.
fn rule(name: &str, detection: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nlevel: high\n\
         logsource: {{product: aws, service: cloudtrail}}\ndetection: {detection}\n---\n"
    )
}

/// A run with these rules alone.
fn with_rules(source: &Path, rules: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("rules.yml"),
        rules.trim_end_matches("---\n"),
    )
    .unwrap();
    let rules = folder.path().display().to_string();
    run(source, &["--no-builtin-rules", "--rules", &rules])
}

/// How many events each finding has, with the name of its rule.
fn found(ran: &Ran) -> Vec<(String, u64)> {
    let findings = ran.json("findings.json");
    let findings = findings["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = findings
        .map(|one| {
            let rule = one["rule"].as_str().unwrap();
            (rule.to_owned(), one["count"].as_u64().unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The planted copy has the same id and lies before or after the real record. As JSON values the two
/// are equal for many readers, but the rule finds only the real one.
#[test]
fn a_copy_that_a_rule_can_tell_apart_is_a_conflict_and_hides_nothing() {
    let real = stop_logging().to_string();
    let number = rule("x", "{s: {requestParameters.first: 1.5}, condition: s}");
    let keyword = rule(
        "x",
        "{s: {eventName: StopLogging}, f: {requestParameters|contains: benign}, \
         condition: s and not f}",
    );
    for (rules, from, to) in [
        (&number, r#""first":1.5"#, r#""first":15e-1"#),
        (&number, r#""first":1.5"#, r#""first":1.50"#),
        (&keyword, r#""name":"#, r#""name":"benign","name":"#),
        (&keyword, r#""x":"1""#, r#""x":"benign","x":"1""#),
    ] {
        let planted = real.replace(from, to);
        assert_ne!(planted, real);
        let [real, planted] = [&real, &planted].map(|record| format!("{{\"Records\":[{record}]}}"));
        for minute in [20, 40] {
            let root = logs(&[
                ("CloudTrail", minute, planted.clone()),
                ("CloudTrail", 30, real.clone()),
            ]);
            let ran = with_rules(root.path(), rules);
            assert_eq!(found(&ran), [("x".to_owned(), 1)], "{to} at {minute}");
            assert_eq!((counts(&ran), conflicts(&ran).len()), ((2, 0), 1), "{to}");
            assert_eq!(ran.code, 3, "{}", ran.stdout);
        }
    }
}

/// The caller's record of a call that root made into another account.
fn by_root() -> Value {
    let mut record = caller();
    record["userIdentity"] = json!({
        "type": "Root", "principalId": "444455556666", "accountId": "444455556666",
        "arn": "arn:aws:iam::444455556666:root", "accessKeyId": "",
    });
    record
}

/// The other account's record of it, which does not say that it was root.
fn of_owner() -> Value {
    let mut record = owner();
    record["userIdentity"] = json!({
        "type": "AWSAccount", "principalId": "444455556666", "accountId": "444455556666",
    });
    record
}

/// Both records in one file, in that order.
fn in_one_file(records: &[Value; 2]) -> TempDir {
    logs(&[("CloudTrail", 30, text(records))])
}

#[test]
fn a_rule_that_matches_only_the_second_record_of_a_call_finds_it() {
    let root_used = |ran: &Ran| {
        let found = found(ran);
        found.contains(&("aws_iam_root_activity".to_owned(), 1))
    };
    let apart = of_two_accounts(&of_owner(), &by_root());
    let together = run(in_one_file(&[of_owner(), by_root()]).path(), &[]);
    let reversed = run(in_one_file(&[by_root(), of_owner()]).path(), &[]);
    // the rule that matches both records names the caller of the first
    let of_root = |ran: &Ran| {
        let all = ran.findings().into_iter();
        all.filter(|one| one.contains("root_activity"))
            .collect::<Vec<_>>()
    };
    for ran in [&apart, &together, &reversed] {
        assert!(root_used(ran), "{}", ran.stdout);
        assert_eq!((counts(ran), conflicts(ran).len()), ((1, 1), 0));
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert_eq!(of_root(ran), of_root(&apart));
    }
}

#[test]
fn a_planted_record_of_another_account_hides_no_signed_call_of_root() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = folder.path().join("bucket");
    let mut writer = Writer::hours(&bucket, 2);
    let real = text(from_ref(&by_root()));
    let signed = key(ACCOUNT, "CloudTrail", 30);
    put(&bucket, &signed, &real);
    let log = (signed, trailscan::sha256::hex([real.as_bytes()]));
    let (start, end) = ("2026-11-20T02:17:28Z", "2026-11-20T03:17:28Z");
    writer.digest(start.parse().unwrap(), end.parse().unwrap(), &[log], None);
    let mut planted = of_owner();
    planted["recipientAccountId"] = "777788889999".into();
    let place = key(ACCOUNT, "CloudTrail", 10).replace("us-east-1", "eu-west-1");
    put(&bucket, &place, &text(from_ref(&planted)));
    let keys = writer.keys(folder.path()).display().to_string();
    let ran = run(&bucket, &["--verify", "--public-keys", &keys]);
    assert_eq!(counts(&ran).1, 1);
    assert!(found(&ran).contains(&("aws_iam_root_activity".to_owned(), 1)));
}

/// Both records match `both` and `watched`, and only root's matches `root` and `watched_root`. Correlations
/// watch two of the rules, which then report nothing themselves.
fn rules_of_both() -> String {
    let correlation = |name: &str, of: &str, group: &str, least: u32| {
        format!(
            "title: {name}\nname: {name}\nlevel: high\ncorrelation:\n  type: event_count\n  \
             rules: [{of}]\n  group-by: [{group}]\n  timespan: 1h\n  \
             condition: {{gte: {least}}}\n---\n"
        )
    };
    [
        rule("both", "{s: {eventName: DeleteBucketPolicy}, condition: s}"),
        rule("root", "{s: {userIdentity.type: Root}, condition: s}"),
        rule(
            "watched",
            "{s: {eventName: DeleteBucketPolicy}, condition: s}",
        ),
        rule(
            "watched_root",
            "{s: {userIdentity.type: Root}, condition: s}",
        ),
        correlation("one_call", "watched", "sourceIPAddress", 1),
        correlation("two_calls", "watched", "sourceIPAddress", 2),
        correlation("by_root", "watched_root", "sourceIPAddress", 1),
        correlation("by_arn", "watched", "userIdentity.arn", 1),
    ]
    .concat()
}

#[test]
fn what_both_records_of_a_call_match_counts_once_for_rules_and_correlations() {
    let third = {
        let mut record = of_owner();
        record["eventID"] = "5f7ad9a7-67a0-4d5e-a2b2-06f4b4ac8c25".into();
        record["recipientAccountId"] = "777788889999".into();
        record
    };
    let expected = ["both", "by_arn", "by_root", "one_call", "root"];
    let expected = expected.map(|rule| (rule.to_owned(), 1));
    for records in [
        vec![of_owner(), by_root()],
        vec![by_root(), of_owner()],
        vec![of_owner(), third.clone(), by_root()],
        vec![of_owner(), by_root(), by_root(), third],
    ] {
        let many = records.len() as u64;
        let ran = with_rules(
            logs(&[("CloudTrail", 30, text(&records))]).path(),
            &rules_of_both(),
        );
        assert_eq!(found(&ran), expected, "{}", ran.stdout);
        assert_eq!((counts(&ran), conflicts(&ran).len()), ((1, many - 1), 0));
    }
}

#[test]
fn a_rule_that_matches_the_second_record_finds_it_from_remembered_objects() {
    let root = logs(&[
        ("CloudTrail", 20, text(from_ref(&of_owner()))),
        ("CloudTrail", 30, text(from_ref(&by_root()))),
    ]);
    let state = root.path().with_extension("state").display().to_string();
    let whole = run(root.path(), &[]);
    for _ in 0..2 {
        let ran = run(root.path(), &["--incremental", "--state", &state]);
        assert_eq!((ran.code, ran.findings()), (1, whole.findings()));
        assert_eq!(counts(&ran), (1, 1));
    }
}
