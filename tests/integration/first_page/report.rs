//! A report identifies itself and can be made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::chain::Writer;
use crate::loopback::cloud::{Cloud, Trail};
use crate::loopback::{Answer, Memory, log};
use crate::product::{root, run, samples, signed_in, trailscan};

fn json_in(folder: &Path, name: &str) -> Value {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The id of the report in a folder, which is the same in each of its files.
fn id(folder: &Path) -> String {
    let id = json_in(folder, "run.json")["report_id"].clone();
    assert_eq!(json_in(folder, "findings.json")["report_id"], id);
    let id = id.as_str().unwrap().to_owned();
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains(&format!("<title>Activity review {id}")));
    assert_eq!(id.len(), 12);
    id
}

fn of(arguments: &[&str]) -> String {
    let ran = run(samples("trails/breach"), arguments);
    assert_ne!(ran.code, 2, "{}", ran.stderr);
    id(&ran.folder.path().join("report"))
}

#[test]
fn the_id_follows_from_what_the_report_says() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("other.toml");
    let own = fs::read_to_string(root().join(".trailscan.toml")).unwrap();
    let samples_in = format!("\"{}/", root().join("samples").display());
    let own = own.replace("\"samples/", &samples_in);
    fs::write(&config, format!("{own}\n# another text\n")).unwrap();
    let settings = folder.path().join("trail.json");
    let trail = json!({"trailList": [{"Name": "t", "S3BucketName": "logs", "HomeRegion": "us-east-1",
        "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "IsMultiRegionTrail": true}]});
    fs::write(&settings, trail.to_string()).unwrap();
    let mut ids = vec![of(&[])];
    assert_eq!(of(&["--jobs", "1", "--fail-on", "never"]), ids[0]);
    for arguments in [
        &["--min-level", "high"][..],
        &["--since", "2026-11-16"],
        &["--since", "2026-11-19"],
        &["--region", "us-east-1"],
        &["--config", config.to_str().unwrap()],
        &["--trail-settings", settings.to_str().unwrap()],
        &[
            "--verify",
            "--public-keys",
            "samples/trails/signed-public-keys.json",
        ],
    ] {
        let id = of(arguments);
        assert!(!ids.contains(&id), "{arguments:?} gave an id twice");
        ids.push(id);
    }
}

#[test]
fn the_id_does_not_follow_from_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["1795305600", "1795999999"].map(|now| {
        let out = folder.path().join(now);
        let mut command = trailscan();
        command
            .args(["run", "samples/trails/breach", "--out"])
            .arg(&out);
        command.env("SOURCE_DATE_EPOCH", now).output().unwrap();
        id(&out)
    });
    assert_eq!(one, other);
}

/// Runs the command that a report names, in a shell, and gives the folder of the report that it made.
fn again(report: &Path, working: &Path, environment: &[(&str, &str)]) -> (PathBuf, Output) {
    let command = json_in(report, "run.json")["command"].clone();
    let command = command.as_str().unwrap();
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    let escaped = command
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let escaped = escaped.replace('"', "&quot;");
    assert!(page.contains(&escaped), "{command}");
    let program = Path::new(env!("CARGO_BIN_EXE_trailscan"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let ran = Command::new("sh")
        .args(["-c", command])
        .env_clear()
        .env("PATH", path)
        .env("SOURCE_DATE_EPOCH", "1795305600")
        .envs(environment.iter().copied())
        .current_dir(working)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let made = fs::read_dir(working.join("report"));
    let mut made = made.unwrap_or_else(|_| panic!("{command}: {said}"));
    let folder = made.next().unwrap().unwrap().path();
    assert!(made.next().is_none(), "{command}");
    (folder, ran)
}

/// Makes a report of a folder and makes it again.
fn twice(
    working: &Path,
    source: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> String {
    let first = working.join("first");
    let mut command = trailscan();
    command
        .current_dir(working)
        .envs(environment.iter().copied());
    command.arg("run").args(arguments).arg("--out").arg(&first);
    command.arg("--").arg(source);
    let ran = command.output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_ne!(ran.status.code(), Some(2), "{error}");
    let (second, repeated) = again(&first, working, &[]);
    let error = String::from_utf8_lossy(&repeated.stderr).into_owned();
    assert_eq!(repeated.status.code(), ran.status.code(), "{error}");
    assert_eq!(id(&second), id(&first));
    let files = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(files(&second), files(&first));
    let command = json_in(&first, "run.json")["command"].clone();
    command.as_str().unwrap().to_owned()
}

#[test]
fn the_command_has_every_option_that_matters() {
    let working = tempfile::tempdir().unwrap();
    let logs = working.path().join("it's a \"copy\"; $(rm -rf x) `id`");
    let writer = Writer::hours(&logs, 6);
    let keys = writer.keys(working.path());
    let rules = working.path().join("my rules");
    fs::create_dir(&rules).unwrap();
    fs::write(
        rules.join("list.yml"),
        "title: List\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName|contains: e}\n  condition: s\n",
    )
    .unwrap();
    let settings = working.path().join("set tings.json");
    let trail = json!({"trailList": [{"Name": "t", "S3BucketName": "trail-logs", "HomeRegion": "us-east-1",
        "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "IsMultiRegionTrail": true}]});
    fs::write(&settings, trail.to_string()).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let run = twice(
        working.path(),
        &logs,
        &[
            "--verify",
            "--public-keys",
            &text(&keys),
            "--original-bucket",
            "trail-logs",
            "--trail-settings",
            &text(&settings),
            "--rules",
            &text(&rules),
            "--no-builtin-rules",
            "--account",
            "111122223333",
            "--region",
            "us-east-1,eu-west-1",
            "--since",
            "2026-11-20T00:17:28Z",
            "--until",
            "36h",
            "--min-level",
            "low",
            "--fail-on",
            "low",
            "--format",
            "html,json",
            "--max-object-mib",
            "7",
            "--state",
            "the state",
        ],
        &[],
    );
    for option in ["--jobs", "--out", "--quiet", "--until 36h"] {
        assert!(!run.contains(option), "{option}");
    }
}

#[test]
fn the_command_names_what_the_environment_and_the_folder_named() {
    let working = tempfile::tempdir().unwrap();
    let config = working.path().join("my config.toml");
    fs::copy(root().join("samples/rules/trailscan.toml"), &config).unwrap();
    for side in ["access-keys.json", "credential-report.csv"] {
        drop(fs::copy(
            root().join("samples/rules").join(side),
            working.path().join(side),
        ));
    }
    let path = config.to_str().unwrap();
    let run = twice(
        working.path(),
        &samples("trails/breach"),
        &["--incremental"],
        &[("TRAILSCAN_CONFIG", path)],
    );
    assert!(run.contains("--config"), "{run}");
    // what is read again or not changes nothing in the report
    assert!(!run.contains("--incremental"), "{run}");
}

#[cfg(unix)]
#[test]
fn a_shell_reads_any_name_as_it_was() {
    use std::os::unix::ffi::OsStrExt as _;
    for name in [
        &b"-x"[..],
        b"--verify",
        b"a\nb",
        b"\x1b[2J%s\\n",
        "\u{202e}\u{200b}é".as_bytes(),
    ] {
        let working = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(name);
        fs::create_dir(working.path().join(name)).unwrap();
        let sample = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-20T11:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"us-east-1","eventID":"1","recipientAccountId":"111122223333"}]}"#;
        fs::write(working.path().join(name).join("a.json"), sample).unwrap();
        twice(working.path(), Path::new(name), &[], &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_discovered_trails_discovers_them_again() {
    let key = format!(
        "AWSLogs/{}",
        log("111122223333", "us-east-1", "20261120T1105")
    );
    let event = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-20T11:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","eventID":"1","recipientAccountId":"111122223333"}]}"#;
    let memory = Memory::new([""; 0]).with(key, Answer::Body(event.into()));
    let url = Cloud::new(memory, &[Trail::named("main"), Trail::named("other")], None)
        .serve()
        .await;
    tokio::task::spawn_blocking(move || {
        let working = tempfile::tempdir().unwrap();
        let first = working.path().join("first");
        let mut command = signed_in();
        command.current_dir(working.path());
        command.args([
            "run",
            "--endpoint-url",
            &url,
            "--trail",
            "main",
            "--since",
            "7d",
        ]);
        let ran = command.arg("--out").arg(&first).output().unwrap();
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_ne!(ran.status.code(), Some(2), "{error}");
        let login = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        let (second, repeated) = again(&first, working.path(), &login);
        let error = String::from_utf8_lossy(&repeated.stderr).into_owned();
        assert_eq!(repeated.status.code(), ran.status.code(), "{error}");
        assert_eq!(id(&second), id(&first));
    })
    .await
    .unwrap();
}

/// What a run remembers decides what is new, and so what the report says.
#[test]
fn two_reports_that_differ_by_what_was_remembered_have_two_ids() {
    let working = tempfile::tempdir().unwrap();
    fs::write(
        working.path().join("trailscan.toml"),
        "[history]\nlearning_days = 30\n",
    )
    .unwrap();
    fs::write(
        working.path().join("new.yml"),
        "title: New\nname: new_caller\nlevel: medium\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s:\n    eventName: ListBuckets\n    trailscan.first_seen.principal: true\n  condition: s\n",
    )
    .unwrap();
    let event = |who: &str, day: &str| {
        json!({"eventVersion": "1.08", "eventTime": format!("{day}T11:00:00Z"),
            "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "us-east-1",
            "eventID": format!("{who}{day}"), "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": who,
                "arn": format!("arn:aws:iam::111122223333:user/{who}")}})
    };
    for (file, events) in [
        (
            "before",
            vec![event("anna", "2026-09-07"), event("anna", "2026-10-10")],
        ),
        (
            "week",
            vec![event("anna", "2026-11-17"), event("bert", "2026-11-18")],
        ),
    ] {
        let text = json!({"Records": events}).to_string();
        fs::write(working.path().join(format!("{file}.json")), text).unwrap();
    }
    let run = |source: &str, out: &str, state: &str| {
        let mut command = trailscan();
        command.current_dir(working.path());
        command.args(["run", source, "--rules", "new.yml", "--no-builtin-rules"]);
        let ran = command
            .args(["--out", out, "--state", state])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_ne!(ran.status.code(), Some(2), "{error}");
        id(&working.path().join(out))
    };
    run("before.json", "first", "learned");
    let learned = run("week.json", "one", "learned");
    assert_ne!(run("week.json", "two", "empty"), learned);
    let command = json_in(&working.path().join("one"), "run.json")["command"].clone();
    let command = command.as_str().unwrap();
    assert!(command.contains("--state learned"), "{command}");
    // the command finds the same, whatever the run itself added to what is remembered
    let one = working.path().join("one");
    let (second, ran) = again(&one, working.path(), &[]);
    let error = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(id(&second), learned, "{error}");
    // and what the run itself added changes nothing of its own report
    assert_eq!(run("week.json", "three", "learned"), learned);
}

#[test]
fn without_out_each_window_has_its_own_folder() {
    let working = tempfile::tempdir().unwrap();
    let quiet = samples("trails/quiet");
    let signed = samples("trails/signed");
    let keys = samples("trails/signed-public-keys.json");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (quiet, signed, keys) = (text(&quiet), text(&signed), text(&keys));
    let week = ["--since", "2026-11-16", "--until", "2026-11-23"];
    for (arguments, folder) in [
        ([&["run", &quiet][..], &week].concat(), "2026-W47"),
        (vec!["run", &quiet], "all"),
        (
            vec![
                "run",
                &quiet,
                "--since",
                "2026-11-16",
                "--until",
                "2026-12-01",
            ],
            "2026-11-16_2026-12-01",
        ),
        (
            vec!["run", &quiet, "--since", "2026-11-17"],
            "from-2026-11-17",
        ),
        (
            [&["verify", &signed, "--public-keys", &keys][..], &week].concat(),
            "2026-W47-integrity",
        ),
        (
            vec!["coverage", &signed, "--verify", "--public-keys", &keys],
            "all-integrity",
        ),
    ] {
        let mut command = trailscan();
        let ran = command
            .args(&arguments)
            .current_dir(working.path())
            .output();
        let ran = ran.unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let folder = Path::new("report").join(folder);
        assert!(
            working.path().join(&folder).is_dir(),
            "{arguments:?}: {said}"
        );
        if arguments[0] != "coverage" {
            assert!(said.contains(folder.to_str().unwrap()), "{said}");
        }
    }
    let folders = fs::read_dir(working.path().join("report")).unwrap();
    assert_eq!(folders.count(), 6);
}
