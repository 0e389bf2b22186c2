//! Inputs that once took memory, time or the whole process: trail changes, callers, rule files, state
//! files.

mod bounds;
mod second;
mod state;

use crate::product;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use product::{Ran, finish, run, samples, trailscan};

/// A folder with one log of these records.
fn folder_of(records: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, records) in records.chunks(2_000).enumerate() {
        let text = format!("{{\"Records\":[{}]}}", records.join(","));
        std::fs::write(folder.path().join(format!("{number:05}.json")), text).unwrap();
    }
    folder
}

/// A record of `2026-11-16` plus so many seconds.
fn record(
    number: usize,
    second: usize,
    session: &str,
    source: &str,
    name: &str,
    more: &str,
) -> String {
    let (day, second) = (16 + second / 86_400, second % 86_400);
    let time = format!(
        "2026-11-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    );
    let account = "111122223333";
    format!(
        "{{\"eventVersion\":\"1.11\",\"eventTime\":\"{time}\",\"eventSource\":\"{source}\",\
         \"eventName\":\"{name}\",\"awsRegion\":\"us-east-1\",\"sourceIPAddress\":\"198.51.100.7\",\
         \"userAgent\":\"x\",\"userIdentity\":{{\"type\":\"AssumedRole\",\"accountId\":\"{account}\",\
         \"principalId\":\"AROAEXAMPLE:{session}\",\
         \"arn\":\"arn:aws:sts::{account}:assumed-role/ops/{session}\",\
         \"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"userName\":\"ops\",\
         \"arn\":\"arn:aws:iam::{account}:role/ops\",\"accountId\":\"{account}\"}}}}}},\
         \"recipientAccountId\":\"{account}\",\"eventType\":\"AwsApiCall\",\"readOnly\":false,\
         \"managementEvent\":true,\"eventID\":\"00000000-0000-4000-8000-{number:012x}\"{more}}}"
    )
}

#[test]
fn thousands_of_trail_changes_are_all_counted() {
    let calls = |names: &[&str]| {
        let count = 3_000;
        let records: Vec<String> = (0..count)
            .map(|at| {
                let trail = format!(
                    ",\"requestParameters\":{{\"name\":\"trail-{}\",\"isMultiRegionTrail\":true}}",
                    at / 4 % 50
                );
                let second = at * (6 * 86_400 / count);
                let name = names[at % names.len()];
                record(at, second, "x", "cloudtrail.amazonaws.com", name, &trail)
            })
            .collect();
        folder_of(&records)
    };
    let changes = calls(&[
        "StopLogging",
        "StartLogging",
        "UpdateTrail",
        "PutEventSelectors",
    ]);
    // what they cost is measured in `benches/growth.rs`
    let ran = run(changes.path(), &["--jobs", "1"]);
    ran.assert_identities();
    let coverage = ran.json("coverage.json");
    assert_eq!(coverage["changes"].as_array().unwrap().len(), 3_000);
}

/// `rules lint` and `run` with these rule files beside one that is sound.
fn refused(name: &str, text: &[u8]) -> (Ran, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let sound = "title: Sound\nname: sound\nlogsource: {product: aws, service: cloudtrail}\n\
                 level: low\ndetection:\n  s:\n    eventName: StopLogging\n  condition: s\n";
    std::fs::write(folder.path().join("sound.yml"), sound).unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let rules = folder.path().display().to_string();
    let ran = run(
        samples("trails/breach"),
        &["--no-builtin-rules", "--rules", &rules],
    );
    assert!(
        [0, 1, 3].contains(&ran.code),
        "{name}: {} {}",
        ran.code,
        ran.stderr
    );
    (ran, file, folder)
}

#[track_caller]
fn is_refused(name: &str, text: &[u8], line: usize, reason: &str) {
    let (ran, file, _folder) = refused(name, text);
    let run = ran.json("run.json");
    let rejected = run["rules_not_loaded"].as_array().unwrap();
    assert_eq!(rejected.len(), 1, "{name}: {rejected:?}");
    let problem = rejected[0].to_string();
    assert!(problem.contains(reason), "{name}: {problem}");
    assert!(
        problem.contains(file.file_name().unwrap().to_str().unwrap()),
        "{name}: {problem}"
    );
    assert_eq!(rejected[0]["origin"]["line"], line, "{name}: {problem}");
    assert_eq!(
        run["provenance"]["rules_in_use"], 1,
        "{name}: the sound one is in use"
    );
}

fn rule(detection: &str) -> String {
    format!(
        "title: T\nname: t\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: low\n\
         detection:\n{detection}\n"
    )
}

fn condition(text: &str) -> Vec<u8> {
    rule(&format!("  s:\n    eventName: x\n  condition: {text}")).into_bytes()
}

fn expression(pattern: &str) -> Vec<u8> {
    rule(&format!(
        "  s:\n    eventName|re: '{pattern}'\n  condition: s"
    ))
    .into_bytes()
}

#[test]
fn conditions_without_end_are_refused_by_file_and_line() {
    let nots = format!("{}s", "not ".repeat(10_000));
    is_refused("not.yml", &condition(&nots), 1, "condition is longer");
    is_refused(
        "deep.yml",
        &condition(&format!("{}s", "not ".repeat(1_500))),
        1,
        "nests",
    );
    let open = format!("{}s{}", "(".repeat(3_000), ")".repeat(3_000));
    is_refused("open.yml", &condition(&open), 1, "nests");
    let two = [condition("s"), b"---\n".to_vec(), condition(&nots)].concat();
    let text = String::from_utf8(two)
        .unwrap()
        .replacen("name: t", "name: first", 1);
    let (ran, _, _folder) = refused("second.yml", text.as_bytes());
    let run = ran.json("run.json");
    assert_eq!(
        run["rules_not_loaded"][0]["origin"]["line"], 10,
        "{}",
        run["rules_not_loaded"]
    );
}

#[test]
fn regular_expressions_are_bounded_in_length_depth_and_compiled_size() {
    is_refused(
        "long.yml",
        &expression(&r"\w".repeat(100_000)),
        1,
        "longer than",
    );
    is_refused(
        "size.yml",
        &expression("((a{1000}){1000}){1000}"),
        1,
        "regular expression",
    );
    is_refused(
        "class.yml",
        &expression(r"(\pL{1000}){1000}"),
        1,
        "regular expression",
    );
    let deep = format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000));
    is_refused("nest.yml", &expression(&deep), 1, "regular expression");
    let many: String = (0..600).fold(String::new(), |mut all, at| {
        writeln!(all, "    - 'a{at}.*b'").unwrap();
        all
    });
    let many = rule(&format!("  s:\n    eventName|re:\n{many}  condition: s"));
    is_refused("many.yml", many.as_bytes(), 1, "regular expressions");
}

#[test]
fn yaml_without_end_is_refused_before_it_is_parsed() {
    let deep = format!("title: T\ndetection: {}\n", "[".repeat(100_000));
    is_refused("flow.yml", deep.as_bytes(), 2, "nests");
    let deep = format!("title: T\ndetection:\n  {}x\n", "- ".repeat(100_000));
    is_refused("block.yml", deep.as_bytes(), 3, "nests");
    let mut laughs = "title: T\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{below}]").unwrap();
    }
    is_refused("laughs.yml", laughs.as_bytes(), 1, "repetition limit");
    let (many, often) = ("x, ".repeat(5_000), "*a, ".repeat(10_000));
    let laughs = format!("title: T\na: &a [{many}]\nb: [{often}]\n");
    is_refused("wide.yml", laughs.as_bytes(), 1, "aliases");
    let large = rule(&format!(
        "  s:\n    eventName: {}\n  condition: s",
        "x".repeat(2 << 20)
    ));
    is_refused("large.yml", large.as_bytes(), 1, "larger than");
    is_refused("file.yml", &vec![b' '; 17 << 20], 1, "larger than");
}

#[test]
fn a_file_that_is_not_utf_8_refuses_itself_alone() {
    is_refused("latin.yml", b"title: T\n# caf\xe9\n", 2, "UTF-8");
}

#[test]
fn configuration_and_saved_answers_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let source = samples("trails/breach").display().to_string();
    std::fs::write(path("deep.toml"), format!("a = {}", "[".repeat(100_000))).unwrap();
    std::fs::write(path("large.toml"), "# x\n".repeat(5 << 20)).unwrap();
    std::fs::write(path("deep.json"), "[".repeat(100_000)).unwrap();
    let deep_keys = format!("{{\"PublicKeyList\":{}", "[".repeat(100_000));
    std::fs::write(path("keys.json"), deep_keys).unwrap();
    for (arguments, why) in [
        (vec!["--config", "deep.toml"], "deep.toml"),
        (vec!["--config", "large.toml"], "larger than"),
        (vec!["--trail-settings", "deep.json"], "deep.json"),
        (vec!["--verify", "--public-keys", "keys.json"], "keys.json"),
    ] {
        let mut command = trailscan();
        command.args(["run", &source]);
        for argument in &arguments {
            match argument.starts_with("--") {
                true => command.arg(argument),
                false => command.arg(path(argument)),
            };
        }
        let ran = finish(command);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{arguments:?}: {}", ran.stderr);
    }
}

/// Runs with the two rules that find each access key that somebody creates for another user, and no other.
fn run_with_key_rules(folder: &Path, jobs: &str) -> Ran {
    let [created, for_other] = ["created", "created_for_other"].map(|what| {
        let root = env!("CARGO_MANIFEST_DIR");
        format!("{root}/rules/iam/aws_iam_access_key_{what}.yml")
    });
    let jobs = ["--jobs", jobs, "--no-builtin-rules"];
    let rules = ["--rules", &created, "--rules", &for_other];
    run(folder, &[&jobs[..], &rules].concat())
}

#[test]
fn beyond_a_bound_findings_are_a_line_of_the_csv_and_a_count() {
    let count = 5_000;
    let records: Vec<String> = (0..count)
        .map(|at| {
            let session = format!("s{at}");
            let user = format!(",\"requestParameters\":{{\"userName\":\"user-{at}\"}}");
            let second = at * 100;
            record(
                at,
                second,
                &session,
                "iam.amazonaws.com",
                "CreateAccessKey",
                &user,
            )
        })
        .collect();
    let folder = folder_of(&records);
    let with = |jobs: &str| run_with_key_rules(folder.path(), jobs);
    let ran = with("1");
    let json = ran.json("findings.json");
    let kept = json["findings"].as_array().unwrap();
    let more = json["more_findings"]["count"].as_u64().unwrap();
    let of_rule = |rule: &str| kept.iter().filter(|one| one["rule"] == rule).count();
    assert_eq!(of_rule("aws_iam_access_key_created_for_other"), 2_000);
    let csv = ran.file("findings.csv");
    let lines: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(lines.len(), kept.len() + usize::try_from(more).unwrap());
    // the CSV has all of them in the report's order: levels never rise
    let rank = |line: &&str| {
        let levels = ["critical", "high", "medium", "low", "informational"];
        let level = line.split(',').nth(1).unwrap();
        levels.iter().position(|known| *known == level).unwrap()
    };
    assert!(lines.iter().map(rank).is_sorted());
    for at in 0..count {
        assert!(csv.contains(&format!("/s{at},")), "the finding of s{at}");
    }
    // the first page counts all of them
    let all = format!("{} findings to decide", thousands(lines.len()));
    let verdict = ran.json("run.json")["verdict"].to_string();
    assert!(verdict.contains(&all), "{verdict}");
    assert!(
        ran.file("report.html")
            .contains("findings.csv holds all of them")
    );
    let citations = json["citations"].as_array().unwrap();
    let counts = citations
        .iter()
        .filter_map(|one| one["findings"]["high"].as_u64());
    assert!(counts.max().unwrap() >= 5_000, "counts are of all findings");
    // which ones are folded does not depend on threads
    let other = with("2");
    for file in ["findings.json", "findings.csv", "report.html"] {
        assert!(ran.file(file) == other.file(file), "{file} differs");
    }
}

fn thousands(count: usize) -> String {
    format!("{},{:03}", count / 1_000, count % 1_000)
}
