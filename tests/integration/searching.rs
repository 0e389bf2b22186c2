//! `trailscan search`: which events fit, in which order, and what is never shown.

use serde_json::Value;

use crate::product::{samples, trailscan};

/// The exit code, standard output and standard error of a search.
fn search(source: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = trailscan();
    let source = if source == "-" {
        source.into()
    } else {
        samples(source)
    };
    command.arg("search").arg(source).args(arguments);
    let done = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn refused_calls_of_a_user_come_in_the_order_of_time_in_every_format() {
    let asked = [
        "--principal",
        "contractor-dan",
        "--outcome",
        "denied",
        "--service",
        "sts",
    ];
    let with = |more: &[&str]| search("trails/breach", &[&asked, more].concat());
    let (code, count, _) = with(&["--count"]);
    assert_eq!(code, 0);
    let count: usize = count.trim().parse().unwrap();
    assert!(count > 3);

    let (_, jsonl, notes) = with(&["--format", "jsonl"]);
    let found = lines(&jsonl);
    assert_eq!(found.len(), count);
    assert!(notes.contains(&format!("{count} events of")), "{notes}");
    let times: Vec<&str> = found
        .iter()
        .map(|line| line["time"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());
    for line in &found {
        assert_eq!(line["event_name"], "AssumeRole");
        assert_eq!(line["outcome"], "denied");
        assert_eq!(
            line["principal"],
            "arn:aws:iam::111122223333:user/contractor-dan"
        );
        // the role that was asked for stands in the error message alone
        assert!(line["target"].as_str().unwrap().contains(":role/"));
    }

    let (_, csv, _) = with(&["--format", "csv"]);
    assert_eq!(csv.lines().count(), count + 1);
    assert!(csv.starts_with("time,outcome,event_source,event_name,principal,"));
    let (_, table, notes) = with(&["--limit", "2"]);
    assert_eq!(table.lines().count(), 2);
    assert!(table.starts_with(times[0]));
    assert!(
        notes.contains(&format!("{} more are not shown", count - 2)),
        "{notes}"
    );
    // whoever works at it, and however many
    let (_, one, _) = with(&["--format", "jsonl", "--jobs", "1"]);
    assert_eq!(jsonl, one);
}

#[test]
fn a_key_leads_to_the_call_that_issued_it_and_a_session_token_is_never_shown() {
    let (_, raw, _) = search(
        "trails/breach",
        &[
            "--event-name",
            "AssumeRole",
            "--outcome",
            "success",
            "--format",
            "raw",
        ],
    );
    let issued = lines(&raw);
    let credentials = |record: &Value| record["responseElements"]["credentials"].clone();
    let tokens = issued
        .iter()
        .filter(|record| !credentials(record)["sessionToken"].is_null());
    assert!(tokens.clone().count() > 0, "the sample holds tokens");
    for record in tokens {
        assert_eq!(credentials(record)["sessionToken"], "(secret, not shown)");
    }
    let key = credentials(&issued[0])["accessKeyId"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, with_key, _) = search(
        "trails/breach",
        &["--access-key", &key, "--format", "jsonl"],
    );
    let names: Vec<Value> = lines(&with_key)
        .iter()
        .map(|line| line["event_name"].clone())
        .collect();
    assert!(names.contains(&Value::from("AssumeRole")), "{names:?}");
}

#[test]
fn a_detection_of_sigma_and_options_are_asked_for_together() {
    let where_alone = ["--where", "eventName: ConsoleLogin", "--count"];
    let (_, sign_ins, _) = search("trails/breach", &where_alone);
    let whole =
        "a: {eventName: ConsoleLogin}\nb: {eventName|startswith: Console}\ncondition: 1 of them";
    let (_, same, _) = search("trails/breach", &["--where", whole, "--count"]);
    assert_eq!(sign_ins, same);
    let (_, network, _) = search(
        "trails/breach",
        &[&where_alone[..], &["--ip", "198.51.100.0/24"]].concat(),
    );
    let [all, some] = [sign_ins, network].map(|count| count.trim().parse::<u64>().unwrap());
    assert!(some < all, "{some} of {all}");
}

#[test]
fn an_empty_question_and_a_wrong_one_are_refused_with_what_was_expected() {
    for (arguments, expected) in [
        (&[][..], "nothing was asked for"),
        (
            &["--where", "ConsoleLogin"],
            "a Sigma detection is a mapping",
        ),
        (&["--where", "_a: {x: 1}\ncondition: _a"], "begins with `_`"),
        (
            &["--where", "eventName|nonsense: x"],
            "the search cannot be made",
        ),
        (&["--ip", "a.b.c.d"], "198.51.100.0/24"),
    ] {
        let (code, _, error) = search("trails/breach", arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn what_was_not_read_is_named_and_gives_3() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder
            .path()
            .join("111122223333_CloudTrail_us-east-1_20261116T0805Z_a.json.gz"),
        "cut",
    )
    .unwrap();
    let mut command = trailscan();
    let done = command
        .arg("search")
        .arg(folder.path())
        .args(["--text", "x"])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(3));
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(
        error.contains("_CloudTrail_us-east-1_20261116T0805Z_a.json.gz"),
        "{error}"
    );
}
