//! Rules that print credentials, rules and records whose cost grew with their square (their time is measured
//! in `benches/growth.rs`), and names of state files that SQLite interprets.

use crate::product;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use product::{Ran, finish, run, samples, trailscan};
use rusqlite::Connection;

use super::{folder_of, record};

const MARK: &str = "EXAMPLE-CREDENTIAL";

fn rule(more: &str) -> String {
    format!(
        "title: T\nname: t0\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: high\n\
         detection:\n  s:\n    eventName: GetBucketAcl\n  condition: s\n{more}"
    )
}

fn correlation(name: &str, watched: &[String], kind: &str, more: &str) -> String {
    format!(
        "---\ntitle: {name}\nname: {name}\nlevel: high\ncorrelation:\n  type: {kind}\n  \
         rules: [{}]\n  timespan: 1d\n{more}",
        watched.join(", ")
    )
}

const COUNT: &str = "  group-by: [awsRegion]\n  condition: {gte: 1}\n";

/// Records of GetBucketAcl with credentials in them.
fn with_credentials() -> tempfile::TempDir {
    let more = format!(
        ",\"requestParameters\":{{\"password\":\"{MARK}-1\",\"bucketName\":\"b\"}},\
         \"responseElements\":{{\"credentials\":{{\"secretAccessKey\":\"{MARK}-2\",\
         \"sessionToken\":\"{MARK}-3\",\"note\":\"n\"}}}}"
    );
    let one = |at| record(at, at, "x", "s3.amazonaws.com", "GetBucketAcl", &more);
    folder_of(&(0..3).map(one).collect::<Vec<_>>())
}

/// A run with one rule file, beside a sound one.
fn with_rules(source: &Path, text: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.yml");
    std::fs::write(&file, text).unwrap();
    // a run needs a rule that it can use
    let sound = rule("").replace("t0", "sound");
    std::fs::write(folder.path().join("sound.yml"), sound).unwrap();
    let rules = folder.path().display().to_string();
    let mut arguments = vec!["--jobs", "1", "--no-builtin-rules", "--rules", &rules];
    arguments.extend(more);
    let ran = run(source, &arguments);
    assert!(
        [0, 1, 3].contains(&ran.code),
        "{}: {}",
        ran.code,
        ran.stderr
    );
    ran
}

/// What a run says of the rules it does not use: line and reason of each.
fn refused(ran: &Ran) -> Vec<(u64, String)> {
    let run = ran.json("run.json");
    let rules = run["rules_not_loaded"].as_array().unwrap();
    let line = |one: &serde_json::Value| one["origin"]["line"].as_u64().unwrap();
    let reason = |one: &serde_json::Value| one["reason"].as_str().unwrap().to_owned();
    rules.iter().map(|one| (line(one), reason(one))).collect()
}

#[test]
fn a_finding_never_names_groups_or_counts_by_a_credential() {
    let source = with_credentials();
    let state = tempfile::tempdir().unwrap();
    let state = state.path().join("state");
    let actor = "trailscan:\n  actor: responseElements.credentials.sessionToken\n";
    let resource = "trailscan:\n  resource: responseElements.credentials[].SECRETACCESSKEY\n";
    let t0 = ["t0".to_owned()];
    let group = "  group-by: [requestParameters.password]\n  condition: {gte: 1}\n";
    let alias = "  group-by: [a]\n  aliases:\n    a:\n      t0: requestParameters.password\n  \
                 condition: {gte: 1}\n";
    let values = "  group-by: [awsRegion]\n  \
                  condition: {field: responseElements.credentials.sessionToken, gte: 1}\n";
    for (text, line) in [
        (rule(actor), 1),
        (rule(resource), 1),
        (rule("") + &correlation("c", &t0, "event_count", group), 10),
        (rule("") + &correlation("c", &t0, "event_count", alias), 10),
        (rule("") + &correlation("c", &t0, "value_count", values), 10),
    ] {
        let state_name = state.display().to_string();
        let ran = with_rules(
            source.path(),
            &text,
            &["--incremental", "--state", &state_name],
        );
        let refused = refused(&ran);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].0, line, "{refused:?}");
        assert!(
            refused[0].1.contains("password, key or token"),
            "{refused:?}"
        );
        assert!(!ran.stdout.contains(MARK) && !ran.stderr.contains(MARK));
        let report = std::fs::read_dir(ran.folder.path().join("report")).unwrap();
        for file in report
            .map(|file| file.unwrap().path())
            .chain([state.clone()])
        {
            let bytes = std::fs::read(&file).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(MARK), "{}", file.display());
        }
    }
}

#[test]
fn explain_shows_a_mark_instead_of_credentials() {
    let source = with_credentials();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.yml");
    let text = format!(
        "title: T\nname: t0\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: high\n\
         detection:\n  a:\n    responseElements.credentials.sessionToken|contains: CREDENTIAL\n  \
         b:\n    responseElements.credentials: x\n  c:\n    - '{MARK}*'\n  d:\n    \
         requestParameters.bucketName|fieldref: requestParameters.password\n  \
         condition: a and c and not b and not d\n"
    );
    // the value that the rule itself asks for is no secret of the record
    let text = text.replace(&format!("'{MARK}*'"), "'EXAMPLE-CRED*'");
    std::fs::write(&file, text).unwrap();
    for format in ["text", "json"] {
        let output = trailscan()
            .args(["rules", "explain", "t0"])
            .arg(format!("{}#0", source.path().join("00000.json").display()))
            .args(["--no-builtin-rules", "--format", format, "--rules"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text} {:?}", output.stderr);
        assert!(!text.contains(MARK), "{text}");
        assert!(text.matches("(secret, not shown)").count() >= 4, "{text}");
    }
}

#[test]
fn correlations_over_correlations_are_bounded_in_depth_and_doubling() {
    let records: Vec<String> = (0..10)
        .map(|at| record(at, at, "x", "s3.amazonaws.com", "GetBucketAcl", ""))
        .collect();
    let source = folder_of(&records);
    let names = |level: usize| [format!("a{level}"), format!("b{level}")];
    let mut text = rule("");
    for name in names(1) {
        text += &correlation(&name, &["t0".to_owned()], "event_count", COUNT);
    }
    for level in 2..25 {
        for name in names(level) {
            let both = "  group-by: [awsRegion]\n";
            text += &correlation(&name, &names(level - 1), "temporal", both);
        }
    }
    let ran = with_rules(source.path(), &text, &[]);
    let refused = refused(&ran);
    let is = |reason: &str| refused.iter().any(|(_, why)| why.contains(reason));
    assert!(is("one event may count 512 times"), "{refused:?}");
    // what lies below the limit works
    let found = ran.findings();
    assert!(found.iter().any(|one| one.contains(" a9 ")), "{found:?}");

    let mut text = rule("");
    let mut below = "t0".to_owned();
    for level in 0..12 {
        let name = format!("c{level}");
        text += &correlation(&name, &[below], "event_count", COUNT);
        below = name;
    }
    let ran = with_rules(source.path(), &text, &[]);
    let refused = self::refused(&ran);
    assert!(refused[0].1.contains("more than 10 levels"), "{refused:?}");
    assert!(
        refused[1].1.contains("`c10`, which is not loaded"),
        "{refused:?}"
    );
}

#[test]
fn correlations_in_reverse_order_are_linked() {
    let source = folder_of(&[record(0, 0, "x", "s3.amazonaws.com", "GetBucketAcl", "")]);
    let chain = |count: usize| {
        let mut text = rule("");
        for at in 0..count {
            let next = match at + 1 {
                next if next < count => format!("c{next}"),
                _ => "t0".to_owned(),
            };
            text += &correlation(&format!("c{at}"), &[next], "event_count", COUNT);
        }
        text
    };
    let ran = with_rules(source.path(), &chain(2_000), &[]);
    assert_eq!(refused(&ran).len(), 1_990);
    let ran = with_rules(source.path(), &chain(10), &[]);
    assert_eq!(refused(&ran), []);
    assert!(ran.findings().iter().any(|one| one.contains(" c0 ")));
}

#[test]
fn long_patterns_are_refused_and_brackets_in_quotes_do_not_hide_depth() {
    let source = samples("trails/breach");
    let with = |pattern: &str| rule("").replace("GetBucketAcl", pattern);
    let long = with(&format!("'*{}b*'", "a".repeat(9_000)));
    let ones = with(&format!("'*{}b*'", "a?".repeat(300)));
    let quoted = format!("title: T\nd:\n {}\n", "{']':".repeat(100_000));
    for (text, reason) in [
        (long, "longer than 8192 bytes"),
        (ones, "more than 256 `?`"),
        (quoted, "brackets around quoted texts"),
    ] {
        let ran = with_rules(&source, &text, &[]);
        let refused = refused(&ran);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].1.contains(reason), "{refused:?}");
    }
}

#[test]
fn thousands_of_event_names_are_all_in_one_finding() {
    let records: Vec<String> = (0..30_000)
        .map(|at| {
            let name = format!("Get{at}");
            record(at, at, "x", "s3.amazonaws.com", &name, "")
        })
        .collect();
    let source = folder_of(&records);
    let text = rule("").replace("GetBucketAcl", "'Get*'");
    let ran = with_rules(source.path(), &text, &[]);
    let findings = ran.json("findings.json");
    let calls = findings["findings"][0]["calls"].as_object().unwrap();
    assert_eq!(calls.len(), 30_000);
}

#[test]
fn more_selectors_than_cloudtrail_accepts_are_not_kept_and_the_report_says_so() {
    let mut selectors = String::new();
    for at in 0..300 {
        let comma = if at > 0 { "," } else { "" };
        write!(
            selectors,
            "{comma}{{\"name\":\"x\",\"fieldSelectors\":[\
             {{\"field\":\"eventCategory\",\"equals\":[\"Data\"]}},\
             {{\"field\":\"resources.ARN\",\"startsWith\":[\"arn:aws:s3:::b{at}/\"]}}]}}"
        )
        .unwrap();
    }
    let request = format!(
        ",\"requestParameters\":{{\"trailName\":\"t\",\"advancedEventSelectors\":[{selectors}]}}"
    );
    let one = |at| {
        let name = "PutEventSelectors";
        record(at, at, "x", "cloudtrail.amazonaws.com", name, &request)
    };
    let source = folder_of(&(0..20).map(one).collect::<Vec<_>>());
    let ran = run(source.path(), &["--jobs", "1"]);
    ran.assert_identities();
    let coverage = ran.file("coverage.json");
    assert!(coverage.contains("PutEventSelectors"), "{coverage}");
}

/// `trailscan run` with this state file, in a folder of its own.
fn with_state(folder: &Path, state: &str) -> Ran {
    let mut command: Command = trailscan();
    command
        .current_dir(folder)
        .arg("run")
        .arg(samples("trails/quiet"))
        .args(["--incremental", "--state", state]);
    finish(command)
}

#[test]
fn names_that_sqlite_interprets_are_no_state_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file:x", "FILE:x?mode=memory", ":memory:"] {
        let ran = with_state(folder.path(), name);
        assert_eq!(ran.code, 2, "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("cannot name a state file"),
            "{}",
            ran.stderr
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    // as a path it is a name like any other
    let ran = with_state(folder.path(), "./file:x");
    assert_ne!(ran.code, 2, "{}", ran.stderr);
    assert!(folder.path().join("file:x").metadata().unwrap().len() > 0);
    assert!(!folder.path().join("x").exists());
}

#[test]
fn a_state_file_counted_to_the_end_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let sound = with_state(folder.path(), "s");
    for age in [i64::MAX, i64::MIN, -1] {
        let connection = Connection::open(&path).unwrap();
        connection
            .execute("UPDATE learnt SET age = ?1, fingerprint = 'x'", [age])
            .unwrap();
        drop(connection);
        let ran = with_state(folder.path(), "s");
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert_eq!(ran.code, sound.code, "{}", ran.stderr);
        let again = with_state(folder.path(), "s");
        assert!(!again.stderr.contains("re-reading"), "{}", again.stderr);
    }
}
