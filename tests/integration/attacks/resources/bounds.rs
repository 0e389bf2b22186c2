//! What callers and writers of logs choose is bounded in memory and in every output, with a count of the
//! rest; only `findings.csv` lists all findings.

use crate::product;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use product::{Ran, finish, run, samples, trailscan};

use super::{folder_of, record, run_with_key_rules};

/// Records of one second each, changed by `change`.
fn records(count: usize, name: &str, change: impl Fn(usize, String) -> String) -> Vec<String> {
    let source = match name {
        "PutEventSelectors" => "cloudtrail.amazonaws.com",
        _ => "iam.amazonaws.com",
    };
    (0..count)
        .map(|at| change(at, record(at, at, "x", source, name, "")))
        .collect()
}

fn with_request(record: &str, request: &str) -> String {
    record.replacen('{', &format!("{{\"requestParameters\":{request},"), 1)
}

/// The groups of places in coverage.json.
fn groups(ran: &Ran) -> Vec<serde_json::Value> {
    let coverage = ran.json("coverage.json");
    let views = coverage["visibility"]["views"].as_array().unwrap();
    let groups = views.iter().flat_map(|view| view.as_array().unwrap());
    groups.cloned().collect()
}

#[test]
fn findings_beyond_what_memory_holds_are_all_in_the_csv() {
    // two findings each; 32,768 are held in memory
    let count = 17_000;
    let records = records(count, "CreateAccessKey", |at, record| {
        let request = format!("{{\"userName\":\"user-{at}\"}}");
        with_request(&record, &request).replace("ops/x", &format!("ops/s{at}"))
    });
    let folder = folder_of(&records);
    let with = |jobs: &str| run_with_key_rules(folder.path(), jobs);
    let one = with("1");
    one.assert_identities();
    let csv = one.file("findings.csv");
    let ids = csv
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().0);
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), 2 * count);
    assert_eq!(csv.lines().count(), 1 + 2 * count);
    let findings = one.json("findings.json");
    let kept = findings["findings"].as_array().unwrap().len() as u64;
    let more = findings["more_findings"]["count"].as_u64().unwrap();
    assert_eq!(kept + more, 2 * count as u64);
    let two = with("2");
    for file in ["findings.json", "findings.csv", "report.html"] {
        assert!(one.file(file) == two.file(file), "{file} differs");
    }
}

#[test]
fn a_group_of_places_names_a_thousand_and_counts_the_rest_and_decides_the_same() {
    let of = |accounts: usize| {
        let records = records(accounts, "CreateAccessKey", |at, record| {
            record.replace("111122223333", &format!("{:012}", 100_000_000_000 + at))
        });
        let folder = folder_of(&records);
        run(folder.path(), &["--fail-on-unassessed", "low"])
    };
    let (few, many) = (of(990), of(1_200));
    assert_eq!(few.code, many.code);
    let named = |group: &serde_json::Value| group["places"].as_array().unwrap().len();
    assert!(
        groups(&few)
            .iter()
            .all(|group| group.get("more_places").is_none())
    );
    let groups = groups(&many);
    assert!(groups.iter().all(|group| named(group) <= 1_000));
    assert!(groups.iter().any(|group| {
        let more = group["more_places"].as_u64().unwrap_or_default();
        named(group) == 1_000 && more >= 200
    }));
    // the rules say the same of all of them
    let states = |ran: &Ran| {
        let rules = ran.json("run.json")["rules"].as_array().unwrap().clone();
        let states = rules.iter().map(|rule| rule["state"].clone());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states(&few), states(&many));
}

#[test]
fn event_selectors_of_all_changes_are_bounded_and_the_report_says_so() {
    let selector = |at: usize| {
        let values: Vec<String> = (0..450)
            .map(|n| format!("\"arn:aws:s3:::b{at}-{n}/\""))
            .collect();
        format!(
            "{{\"trailName\":\"t\",\"advancedEventSelectors\":[{{\"name\":\"x\",\"fieldSelectors\":[\
             {{\"field\":\"eventCategory\",\"equals\":[\"Data\"]}},\
             {{\"field\":\"resources.ARN\",\"startsWith\":[{}]}}]}}]}}",
            values.join(",")
        )
    };
    let changes = |count| {
        let records = records(count, "PutEventSelectors", |at, record| {
            with_request(&record, &selector(at))
        });
        let folder = folder_of(&records);
        run(folder.path(), &["--jobs", "1"])
    };
    let is_bounded = |ran: &Ran| {
        ran.assert_identities();
        let coverage = ran.json("coverage.json");
        let problems = coverage["problems"].as_array().unwrap().clone();
        let mut problems = problems.iter().map(|one| one["what"].as_str().unwrap());
        problems.any(|what| what.contains("more than 100000 values"))
    };
    assert!(!is_bounded(&changes(200)));
    let beyond = changes(240);
    assert!(is_bounded(&beyond));
    assert_eq!(beyond.code, 3, "{}", beyond.stderr);
    let coverage = beyond.json("coverage.json");
    assert_eq!(coverage["changes"].as_array().unwrap().len(), 240);
}

#[test]
fn a_log_of_brackets_alone_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder_of(&records(3, "CreateAccessKey", |_, record| record));
    std::fs::copy(
        sound.path().join("00000.json"),
        folder.path().join("a.json"),
    )
    .unwrap();
    let file = std::fs::File::create(folder.path().join("b.json.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let text = "[],".repeat(1 << 20);
    gzip.write_all(b"{\"Records\":[").unwrap();
    for _ in 0..10 {
        gzip.write_all(text.as_bytes()).unwrap();
    }
    gzip.write_all(b"[]]}").unwrap();
    gzip.finish().unwrap();
    let ran = run(folder.path(), &["--jobs", "1"]);
    ran.assert_identities();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let problems = ran.json("coverage.json")["problems"].to_string();
    assert!(
        problems.contains("more brackets, colons and commas"),
        "{problems}"
    );
    assert!(ran.json("run.json")["coverage"]["records"]["evaluated"] == 3);
}

/// Every result of the upper correlation is about all events of the lower one's.
#[test]
fn a_correlation_regrouped_by_chosen_values_counts_all_events_of_each_result() {
    let count = 1_500;
    let records = records(count, "CreateAccessKey", |at, record| {
        let request = format!("{{\"userName\":\"user-{at}\"}}");
        with_request(&record, &request)
            .replace("198.51.100.7", &format!("10.0.{}.{}", at / 250, at % 250))
    });
    let folder = folder_of(&records);
    let rules = tempfile::tempdir().unwrap();
    let text = "title: T\nname: t0\nlogsource: {product: aws, service: cloudtrail}\nlevel: high\n\
         detection:\n  s:\n    eventName: CreateAccessKey\n  condition: s\n\
         ---\ntitle: C\nname: c1\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [t0]\n  \
         group-by: [awsRegion]\n  timespan: 1d\n  condition: {gte: 2}\n\
         ---\ntitle: D\nname: c2\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [c1]\n  \
         group-by: [requestParameters.userName]\n  timespan: 1d\n  condition: {gte: 1}\n";
    std::fs::write(rules.path().join("r.yml"), text).unwrap();
    let rules = rules.path().display().to_string();
    let ran = run(
        folder.path(),
        &["--jobs", "1", "--no-builtin-rules", "--rules", &rules],
    );
    let findings = ran.json("findings.json");
    let findings = findings["findings"].as_array().unwrap();
    assert_eq!(findings.len(), count);
    for one in findings {
        assert_eq!((&one["rule"], &one["count"]), (&"c2".into(), &count.into()));
        assert_eq!(one["more_source_ips"], count - 20);
    }
}

#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_is_an_error_that_names_the_file() {
    let limited = |source: &Path, blocks: u32| {
        let program = trailscan().get_program().to_owned();
        let mut command = std::process::Command::new("sh");
        command
            .arg("-c")
            .arg(format!("ulimit -f {blocks}; exec \"$0\" \"$@\""))
            .arg(program)
            .arg("run")
            .arg(source);
        finish(command)
    };
    let ran = limited(&samples("trails/breach"), 2);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("File too large"), "{}", ran.stderr);
    assert!(ran.stderr.contains("report"), "{}", ran.stderr);
}
