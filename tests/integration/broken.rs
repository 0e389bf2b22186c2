//! Every way a file can be broken: counted, named, never a panic, and never clean.

use crate::product;

use std::io::Write as _;

use product::{run, samples, shared_data};
use serde_json::Value;

fn manifest(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn our_broken_samples_give_the_counts_written_beside_them() {
    let expected = manifest(&samples("broken/EXPECTED.json"));
    for (file, expected) in expected.as_object().unwrap() {
        let ran = run(samples("broken").join(file), &[]);
        ran.assert_identities();
        let good = ran.count("records", "records") - ran.count("records", "bad");
        assert_eq!(
            (good, ran.count("records", "bad")),
            (
                expected["records"].as_u64().unwrap(),
                expected["bad"].as_u64().unwrap()
            ),
            "{file}: {expected} {}",
            ran.stdout
        );
    }
}

#[test]
fn a_folder_of_broken_files_is_read_to_its_end_and_exits_with_3() {
    let ran = run(samples("broken"), &[]);
    ran.assert_identities();
    assert_eq!(ran.code, 3);
    assert!(ran.count("objects", "broken") > 0 && ran.count("objects", "read") > 0);
    assert!(ran.stdout.contains("INCOMPLETE"), "{}", ran.stdout);
    let problems: Vec<Value> = ran.json("run.json")["coverage"]["problems"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        problems
            .iter()
            .all(|problem| !problem["object"].as_str().unwrap().is_empty()
                && !problem["what"].as_str().unwrap().is_empty())
    );
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn malformed_files_of_others_give_the_counts_of_their_manifest() {
    let folder = shared_data("malformed-made");
    let manifest = manifest(&folder.join("MANIFEST.dev.json"));
    for entry in manifest["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let path = folder.join(file);
        if !path.exists() {
            println!("SKIPPED: {file} is in the manifest but not here");
            continue;
        }
        // so that 3 means what could not be read, and not what these few records do not show
        let ran = run(path, &["--fail-on", "never"]);
        ran.assert_identities();
        let good = ran.count("records", "records") - ran.count("records", "bad");
        assert_eq!(
            good,
            entry["good_records"].as_u64().unwrap(),
            "{file}: {}\n{}",
            entry["what"],
            ran.stdout
        );
        // some of these records are one record, changed and left with its id
        let run = ran.json("run.json");
        let problems = run["coverage"]["problems"].as_array().unwrap().iter();
        let conflicts = problems
            .filter(|problem| problem["kind"] == "conflict")
            .count() as u64;
        let lost = ran.count("records", "bad") + ran.count("objects", "broken") + conflicts;
        assert_eq!(
            ran.code == 3,
            lost > 0,
            "{file}: exit {}\n{}",
            ran.code,
            ran.stdout
        );
    }
}

/// Large logs are read in pieces. One that turns out at its end not to be as CloudTrail writes them is
/// read again as a whole, and then nothing of it counts twice.
#[test]
fn a_large_log_tells_the_same_in_pieces_and_whole() {
    let filler = |n: usize| -> String {
        let word = |at: usize| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
        (0..90)
            .map(|at| format!("{:x}", word(91 * n + at)))
            .collect()
    };
    let record = |n: usize| {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/eve","accountId":"111122223333","userName":"eve"}},"eventTime":"2026-11-20T10:{:02}:{:02}Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{}","userAgent":"{}","requestParameters":{{"userName":"u{}"}},"eventID":"{n:08x}-0000-4000-8000-000000000000","eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#,
            n / 60 % 60,
            n % 60,
            n % 200,
            filler(n),
            n % 7
        )
    };
    let records: Vec<String> = (0..7_000).map(record).collect();
    let text = format!(r#"{{"Records":[{}]}}"#, records.join(","));
    assert!(text.len() > 9 << 20);
    let whole = text.clone().into_bytes();
    let results = [gzip(&text), gzip(&format!("{text}\n")), whole].map(|stored| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.json.gz"), stored).unwrap();
        let ran = run(folder.path(), &["--fail-on", "never"]);
        ran.assert_identities();
        assert_eq!(ran.count("records", "evaluated"), 7_000);
        let findings = ran.json("findings.json");
        assert!(
            findings["findings"]
                .as_array()
                .is_some_and(|found| found.len() >= 7)
        );
        findings["findings"].clone()
    });
    assert!(results[0] == results[1] && results[0] == results[2]);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
