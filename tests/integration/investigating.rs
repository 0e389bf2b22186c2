//! `trailscan investigate`: an attack is found whole from one of its events, and nothing of the bystanders.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::product::{samples, trailscan};

/// The answer as JSON, and the lines of timeline.csv.
fn investigate(trail: &str, arguments: &[&str]) -> Value {
    let mut command = trailscan();
    command
        .arg("investigate")
        .arg(samples(trail))
        .args(arguments);
    let done = command.args(["--format", "json"]).output().unwrap();
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

fn list<'v>(of: &'v Value, name: &str) -> &'v [Value] {
    of[name].as_array().unwrap()
}

fn texts(of: &[Value], name: &str) -> Vec<String> {
    of.iter()
        .map(|one| one[name].as_str().unwrap().to_owned())
        .collect()
}

/// The labels of the sample: event ids of the attack, of automation, and of containment.
fn label(name: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(samples("trails/incident-events.json")).unwrap();
    let labels: Value = serde_json::from_str(&text).unwrap();
    list(&labels, name)
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_leaked_key_is_followed_through_roles_an_instance_and_a_planted_user() {
    let found = investigate("trails/incident", &["--principal", "ci-deploy"]);
    let timeline = list(&found, "timeline");
    assert!(texts(timeline, "first").is_sorted());

    // event by event: repeats of one call stand on one line, so counts are compared as well
    let (attack, automation) = (label("attack"), label("automation"));
    let ids = |tool: bool| -> BTreeSet<String> {
        let entries = timeline
            .iter()
            .filter(|entry| (entry["tool"] == "") != tool);
        entries
            .map(|entry| entry["event_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(
        ids(false).is_subset(&attack),
        "a bystander is in the timeline"
    );
    assert!(ids(true).is_subset(&automation));
    let count = |tool: bool| -> u64 {
        let entries = timeline
            .iter()
            .filter(|entry| (entry["tool"] == "") != tool);
        entries.map(|entry| entry["count"].as_u64().unwrap()).sum()
    };
    assert_eq!(count(false), attack.len() as u64);
    assert_eq!(count(true), automation.len() as u64);
    assert_eq!(found["events"], attack.len() + automation.len());

    // every failed attempt as failed
    let outcome = |name: &str| -> Vec<&str> {
        let entries = timeline.iter().filter(|entry| entry["event_name"] == name);
        entries
            .map(|entry| entry["outcome"].as_str().unwrap())
            .collect()
    };
    for refused in [
        "StopLogging",
        "DeleteTrail",
        "PutEventSelectors",
        "ListUsers",
    ] {
        assert_eq!(outcome(refused), ["denied"], "{refused}");
    }
    assert_eq!(outcome("ConsoleLogin"), ["failed", "success"]);
    assert_eq!(
        outcome("AssumeRole"),
        ["denied", "denied", "success", "success"]
    );

    // who led to whom
    let parties = list(&found, "parties");
    let led = |principal: &str, key: &str| -> (String, String) {
        let party = parties.iter().find(|party| {
            let named = party["principal"].as_str().unwrap().ends_with(principal);
            named && party["access_key"].as_str().unwrap().starts_with(key)
        });
        let party = party.unwrap_or_else(|| panic!("{principal} {key}"));
        let parent = party["parent"].as_u64().map(|at| {
            parties[usize::try_from(at).unwrap()]["principal"]
                .as_str()
                .unwrap()
        });
        let call = party["origin"]["event_name"].as_str().unwrap_or_default();
        (parent.unwrap_or_default().to_owned(), call.to_owned())
    };
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    assert_eq!(
        led("aws-cli-1", ""),
        (
            "arn:aws:iam::111122223333:user/ci-deploy".to_owned(),
            "AssumeRole".to_owned()
        )
    );
    assert_eq!(
        led("aws-cli-2", ""),
        (
            role("pazpaz-support-role/aws-cli-1"),
            "AssumeRole".to_owned()
        )
    );
    let ops = role("pazpaz-ops-role/aws-cli-2");
    assert_eq!(
        led("svc-backup", "AKIAI8PLANTED"),
        (ops, "CreateAccessKey".to_owned())
    );

    // stolen from the instance, with the other explanation
    let observations = list(&found, "observations");
    assert_eq!(observations.len(), 1, "{observations:?}");
    let what = observations[0]["what"].as_str().unwrap();
    assert!(
        what.contains("i-0123456789abcdef0") && what.contains("2 networks"),
        "{what}"
    );
    assert!(
        observations[0]["otherwise"]
            .as_str()
            .unwrap()
            .contains("NAT")
    );

    // which data
    let touched = list(&found, "touched");
    let of = |name: &str| touched.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("pazpaz-attachments-prod")["reads"], 40);
    assert_eq!(of("pazpaz-attachments-prod")["objects"], 40);
    assert_eq!(of("pazpaz-attachments-prod")["prefixes"], 9);
    assert_eq!(of("pazpaz/jwt-secret")["reads"], 1);
    assert_eq!(
        (
            &of("pazpaz/db-master")["reads"],
            &of("pazpaz/db-master")["refused"]
        ),
        (&Value::from(0), &Value::from(1))
    );

    // what lasts, and who undid what
    let changes: Vec<&Value> = list(&found, "changes")
        .iter()
        .filter(|change| change["tool"] == "")
        .collect();
    let undone = |name: &str| -> (String, bool) {
        let change = changes
            .iter()
            .find(|change| change["event_name"] == name)
            .unwrap();
        let by = change["undone"]["principal"].as_str().unwrap_or_default();
        (
            by.rsplit('/').next().unwrap().to_owned(),
            change["undone"]["by_chain"] == true,
        )
    };
    for name in [
        "CreateUser",
        "CreateAccessKey",
        "CreateLoginProfile",
        "AttachUserPolicy",
        "ModifySnapshotAttribute",
    ] {
        assert_eq!(
            undone(name),
            ("noa.levi@example.com".to_owned(), false),
            "{name}"
        );
    }
    assert_eq!(undone("PutBucketPolicy"), ("ci-deploy".to_owned(), true));
    assert_eq!(
        undone("UpdateFunctionCode20150331v2"),
        (String::new(), false)
    );
    let contained: BTreeSet<String> = texts(list(&found, "containment"), "event_id")
        .into_iter()
        .collect();
    assert!(contained.is_subset(&label("containment")));
    assert_eq!(
        contained.len(),
        5,
        "all but the snapshot, which takes no rights from a caller"
    );
}

#[test]
fn one_address_joins_the_five_identities_of_the_breach() {
    let found = investigate("trails/breach", &["--ip", "198.51.100.77"]);
    let answer = found["answer"][0].as_str().unwrap();
    assert!(
        answer.starts_with("198.51.100.77 acted under five identities: "),
        "{answer}"
    );
    for name in [
        "user/contractor-dan",
        "user/ops-legacy",
        "user/talentbase-backend-prod",
        "role/pazpaz-backend-task-role",
        "_Developer_",
    ] {
        assert!(answer.contains(name), "{name} in {answer}");
    }
    let deletions = list(&found, "timeline")
        .iter()
        .filter(|entry| entry["event_name"] == "DeleteObject");
    assert_eq!(
        deletions
            .map(|entry| entry["count"].as_u64().unwrap())
            .sum::<u64>(),
        12_000
    );
}

#[test]
fn from_one_identity_the_others_at_its_address_are_pivots_and_not_its_timeline() {
    let found = investigate("trails/breach", &["--principal", "contractor-dan"]);
    assert_eq!(found["identities"].as_array().unwrap().len(), 1);
    assert!(list(&found, "timeline").iter().all(|entry| {
        entry["principal"]
            .as_str()
            .unwrap()
            .ends_with("contractor-dan")
    }));
    let pivots = list(&found, "pivots")
        .iter()
        .filter(|pivot| pivot["shares"] == "address");
    let others: BTreeSet<&str> = pivots
        .map(|pivot| pivot["principal"].as_str().unwrap())
        .collect();
    assert!(
        others.contains("arn:aws:iam::111122223333:user/talentbase-backend-prod"),
        "{others:?}"
    );
}

#[test]
fn a_finding_of_a_report_and_the_time_around_an_event_begin_an_investigation() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let ran = trailscan()
        .args(["run", "--quiet", "--format", "json", "--out"])
        .args([report.as_os_str(), samples("trails/incident").as_os_str()])
        .output()
        .unwrap();
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{ran:?}");
    let stored: Value =
        serde_json::from_slice(&std::fs::read(report.join("findings.json")).unwrap()).unwrap();
    let of_user = |finding: &&Value| {
        finding["actor"]
            .as_str()
            .unwrap()
            .ends_with("pazpaz-ops-role/aws-cli-2")
    };
    let finding = list(&stored, "findings").iter().find(of_user).unwrap();
    let id = finding["id"].as_str().unwrap();
    let found = investigate(
        "trails/incident",
        &["--finding", id, "--report", report.to_str().unwrap()],
    );
    let names = found["identities"].to_string();
    assert!(
        names.contains("pazpaz-ops-role") && names.contains("svc-backup"),
        "{names}"
    );
    assert!(
        !names.contains("ci-deploy"),
        "what led there is an origin, not part of the chain: {names}"
    );
    assert!(list(&found, "parties").iter().any(|party| {
        party["principal"].as_str().unwrap().ends_with("ci-deploy") && party["in_chain"] == false
    }));

    let event = list(&found, "timeline")
        .iter()
        .find(|entry| entry["event_name"] == "CreateUser")
        .unwrap();
    let around = investigate(
        "trails/incident",
        &["--around", event["event_id"].as_str().unwrap(), "5m"],
    );
    let times = texts(list(&around, "timeline"), "first");
    assert!(
        times
            .iter()
            .all(|time| ("2026-11-24T02:26:00Z".."2026-11-24T02:36:01Z").contains(&time.as_str())),
        "{times:?}"
    );
    assert!(texts(list(&around, "timeline"), "event_name").contains(&"CreateAccessKey".to_owned()));
}

#[test]
fn files_are_written_on_request_and_object_keys_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("case");
    let run = |more: &[&str]| {
        let mut command = trailscan();
        command
            .arg("investigate")
            .arg(samples("trails/incident"))
            .args(["--principal", "ci-deploy", "--out"])
            .arg(&out);
        command.args(more).output().unwrap()
    };
    let done = run(&[]);
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8(done.stdout).unwrap();
    insta::assert_snapshot!("the_answer_for_the_terminal", text);
    assert!(
        !text.contains("workspace-"),
        "object keys may name patients"
    );
    let json = std::fs::read_to_string(out.join("investigation.json")).unwrap();
    assert!(!json.contains("workspace-"));
    assert!(!out.join("objects.csv").exists());
    let csv = std::fs::read_to_string(out.join("timeline.csv")).unwrap();
    assert!(csv.starts_with("first,last,count,outcome,"));
    run(&["--objects"]);
    let objects = std::fs::read_to_string(out.join("objects.csv")).unwrap();
    assert_eq!(objects.lines().count(), 41);
}

#[test]
fn what_cannot_be_investigated_is_refused_with_what_to_do() {
    for (arguments, expected) in [
        (&["-", "--ip", "198.51.100.77"][..], "save it to a file"),
        (&["samples/trails/incident"], "nothing was asked for"),
        (
            &["samples/trails/incident", "--around", "none", "5m"],
            "no event in these logs has the ID",
        ),
        (
            &["samples/trails/incident", "--around", "none", "soon"],
            "15m, 24h or 7d",
        ),
        (
            &[
                "samples/trails/incident",
                "--finding",
                "x",
                "--report",
                "src",
            ],
            "findings.json",
        ),
    ] {
        let done = trailscan()
            .arg("investigate")
            .args(arguments)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
