//! Every way a file can be broken: counted, named, never a panic, and never clean.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and say what it skipped"
)]

mod product;

use product::{run, samples, shared};
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
fn malformed_files_of_others_give_the_counts_of_their_manifest() {
    let Some(folder) = shared("malformed-made") else {
        return;
    };
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
        let lost = ran.count("records", "bad") + ran.count("objects", "broken");
        assert_eq!(
            ran.code == 3,
            lost > 0,
            "{file}: exit {}\n{}",
            ran.code,
            ran.stdout
        );
    }
}
