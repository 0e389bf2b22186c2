//! What an engineer meets: flags, profiles, policies, closed pipes, limits, and errors in plain words.

mod configuration;
mod terminal;
mod window;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::loopback::script::{self, Asked, Sent};
use crate::loopback::{self, BUCKET, Memory, log};
use crate::product::{samples, trailscan};

fn said(mut command: Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A run over the sample breach in a folder of its own, which holds that configuration; none if it is empty.
fn breach_under(config: &str) -> (TempDir, Command) {
    let folder = tempfile::tempdir().unwrap();
    if !config.is_empty() {
        fs::write(folder.path().join("trailscan.toml"), config).unwrap();
    }
    let mut command = trailscan();
    command
        .current_dir(folder.path())
        .arg("run")
        .arg(samples("trails/breach"));
    (folder, command)
}

fn typed(arguments: &[&str]) -> (i32, String, String) {
    let mut command = trailscan();
    command.args(arguments);
    said(command)
}

/// A dry run of a bucket that only the login `test` may list.
async fn with_profile(profile: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let key = log("111122223333", "us-east-1", "20261120T1100");
    let url = loopback::serve(Memory::new([format!("AWSLogs/{key}")])).await;
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let credentials = "[good]\naws_access_key_id = test\naws_secret_access_key = test\n";
    let credentials = file("credentials", credentials);
    let config = file(
        "config",
        "[profile empty]\nregion = us-east-1\n[profile good]\nregion = us-east-1\n",
    );
    let mut command = trailscan();
    command
        .args([
            "run",
            &format!("s3://{BUCKET}"),
            "--dry-run",
            "--endpoint-url",
            &url,
        ])
        .args(["--since", "2026-11-16", "--until", "2026-11-23"])
        .args(profile)
        .env("AWS_CONFIG_FILE", config)
        .env("AWS_SHARED_CREDENTIALS_FILE", credentials)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-east-1")
        .envs(environment.iter().copied());
    let answer = tokio::task::spawn_blocking(move || said(command))
        .await
        .unwrap();
    drop(home);
    answer
}

const OTHER_LOGIN: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "another"),
    ("AWS_SECRET_ACCESS_KEY", "another"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_that_is_named_wins_over_keys_in_the_environment() {
    let (code, plan, stderr) = with_profile(&["--profile", "good"], &OTHER_LOGIN).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(plan.contains("1 object"), "{plan}");
    // without the flag the environment holds, as it always did
    let (code, _, stderr) = with_profile(&[], &OTHER_LOGIN).await;
    assert_eq!(code, 2, "{stderr}");
    let right = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    assert_eq!(with_profile(&[], &right).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_does_not_exist_or_holds_nothing_starts_nothing() {
    for profile in ["nobody", "empty"] {
        let right = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let (code, stdout, stderr) = with_profile(&["--profile", profile], &right).await;
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains(&format!("AWS profile `{profile}` cannot be used")),
            "{stderr}"
        );
        assert!(stderr.contains("aws configure list-profiles"), "{stderr}");
    }
}

/// What IAM demands of a policy's grammar (IAM User Guide, "Grammar of the IAM JSON policy language").
fn assert_iam_takes(policy: &Value, partition: &str) {
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for statement in statements {
        let sid = statement["Sid"].as_str().unwrap();
        assert!(sid.chars().all(|c| c.is_ascii_alphanumeric()) && ids.insert(sid));
        assert_eq!(statement["Effect"], "Allow");
        let resource = statement["Resource"].as_str().unwrap();
        let arn: Vec<&str> = resource.splitn(6, ':').collect();
        let is_arn = arn.len() == 6 && arn[0] == "arn" && arn[1] == partition && !arn[2].is_empty();
        assert!(resource == "*" || is_arn, "{resource}");
        for key in statement.as_object().unwrap().keys() {
            let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
            assert!(known.contains(&key.as_str()), "{key}");
        }
    }
}

#[test]
fn a_policy_is_one_that_iam_takes_as_printed_in_every_partition() {
    let policy = |arguments: &[&str]| {
        let (code, stdout, stderr) = typed(&[&["policy"], arguments].concat());
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    let plain = policy(&["logs"]);
    assert_iam_takes(&plain, "aws");
    assert!(!plain.to_string().contains("kms"), "{plain}");
    for (arguments, partition, service) in [
        (
            &[
                "logs",
                "--kms-key",
                "arn:aws:kms:us-east-1:111122223333:key/12-ab",
            ][..],
            "aws",
            "s3.*.amazonaws.com",
        ),
        (
            &[
                "logs",
                "--kms-key",
                "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/12-ab",
            ],
            "aws-us-gov",
            "s3.*.amazonaws.com",
        ),
        (
            &[
                "arn:aws-cn:s3:::logs",
                "--kms-key",
                "arn:aws-cn:kms:cn-north-1:111122223333:key/12-ab",
            ],
            "aws-cn",
            "s3.*.amazonaws.com.cn",
        ),
        (
            &[
                "arn:aws-iso-b:s3:::logs",
                "--kms-key",
                "arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/12-ab",
            ],
            "aws-iso-b",
            "s3.*.sc2s.sgov.gov",
        ),
    ] {
        let policy = policy(arguments);
        assert_iam_takes(&policy, partition);
        let statements = policy["Statement"].as_array().unwrap();
        let decrypt = statements
            .iter()
            .find(|one| one["Action"] == "kms:Decrypt")
            .unwrap();
        assert_eq!(
            decrypt["Condition"]["StringLike"]["kms:ViaService"],
            service
        );
    }
    assert_iam_takes(&policy(&["logs", "--partition", "aws-cn"]), "aws-cn");
    // IAM would take these for patterns
    let odd = policy(&["logs", "a*b/${c}"]).to_string();
    assert!(
        odd.contains("arn:aws:s3:::logs/a${*}b/${$}{c}/AWSLogs/*"),
        "{odd}"
    );
    for wrong in [
        &["policy", "*"][..],
        &["policy", "s3://logs"],
        &["policy", "logs", "--kms-key", "TRAIL-KEY-ARN"],
        &[
            "policy",
            "logs",
            "--kms-key",
            "arn:aws:kms:us-east-1:111122223333:alias/x",
        ],
        &["policy", "arn:aws:s3:::logs", "--partition", "aws-cn"],
    ] {
        let (code, stdout, stderr) = typed(wrong);
        assert_eq!((code, stdout.as_str()), (2, ""), "{wrong:?}: {stderr}");
    }
}

#[test]
fn a_closed_pipe_is_no_error_anywhere() {
    let quiet = samples("trails/quiet").display().to_string();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("report").display().to_string();
    for (arguments, codes) in [
        (&["completions", "bash"][..], &[0][..]),
        (&["completions", "zsh"], &[0]),
        (&["rules", "list"], &[0]),
        (&["rules", "list", "--format", "json"], &[0]),
        (&["policy", "logs"], &[0]),
        (&["--help"], &[0]),
        (&["run", "--help"], &[0]),
        (&["run", &quiet, "--out", &out], &[0, 1, 3]),
        (&["run", &quiet, "--dry-run"], &[0]),
        (&["coverage", &quiet], &[0, 1, 3]),
        (&["coverage", &quiet, "--format", "json"], &[0, 1, 3]),
    ] {
        // the reader goes away at once, or after a line
        for lines in [0, 1] {
            let mut child = trailscan()
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut reader = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            for _ in 0..lines {
                reader.read_line(&mut line).unwrap();
            }
            drop(reader);
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code().unwrap();
            assert!(codes.contains(&code), "{arguments:?}: {code} {stderr}");
            assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
            assert!(!stderr.contains("pipe"), "{arguments:?}: {stderr}");
        }
    }
}

#[test]
fn more_threads_than_any_machine_has_are_refused() {
    let quiet = samples("trails/quiet").display().to_string();
    for jobs in ["0", "257", "5000", "65535", "65536", "-1", "many"] {
        let jobs = format!("--jobs={jobs}");
        let (code, _, stderr) = typed(&["run", &quiet, &jobs]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("use 1 to 256"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_more_threads_are_started_than_there_is_work() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("log.json");
    fs::write(&pipe, "{\"Records\":[]}").unwrap();
    let mut child = trailscan()
        .args(["run", pipe.to_str().unwrap(), "--jobs", "256", "--out"])
        .arg(folder.path().join("report"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let tasks = format!("/proc/{}/task", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(fs::read_dir(&tasks).map_or(0, Iterator::count));
    }
    // the runtime, the loading of rules and the tables of the report have a few of their own
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(most <= 8 + 3 * processors, "{most} threads");
}

#[test]
fn a_mistyped_command_or_flag_brings_a_suggestion() {
    for (arguments, meant) in [
        (&["rn"][..], "'run'"),
        (&["rnu"], "'run'"),
        (&["runn"], "'run'"),
        (&["inti"], "'init'"),
        (&["rules", "ls"], "'list'"),
        (&["verfy"], "verify"),
        (&["completion", "bash"], "completions"),
        (&["rules", "lst"], "list"),
        (&["run", "--incremetal"], "--incremental"),
    ] {
        let (code, _, stderr) = typed(arguments);
        assert_eq!(code, 2, "{stderr}");
        assert!(
            stderr.contains("similar") && stderr.contains(meant),
            "{stderr}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_aws_is_said_in_plain_words() {
    let page = "<html><body>502 Bad gateway</body></html>";
    for sent in [
        Sent::Status(404, page.to_owned()),
        Sent::Status(400, "no".to_owned()),
        Sent::Status(403, String::new()),
        Sent::Whole(page.as_bytes().to_vec()),
        Sent::Whole(Vec::new()),
        Sent::Whole(b"{\"not\": \"xml\"} ListBucketResult>".to_vec()),
    ] {
        let answer = sent.clone();
        let (url, _) = script::serve(move |_: &Asked| answer.clone()).await;
        let mut command = crate::product::signed_in();
        command.args([
            "run",
            &format!("s3://{BUCKET}"),
            "--dry-run",
            "--endpoint-url",
            &url,
        ]);
        let (code, _, stderr) = tokio::task::spawn_blocking(move || said(command))
            .await
            .unwrap();
        assert_eq!(code, 2, "{sent:?}: {stderr}");
        for raw in [
            "unhandled",
            "offset",
            "Error {",
            "service error",
            "response error",
            "XmlDecode",
        ] {
            assert!(!stderr.contains(raw), "{sent:?}: {stderr}");
        }
        let plain = ["--endpoint-url", "cut short", "allow s3:ListBucket"];
        assert!(
            plain.iter().any(|words| stderr.contains(words)),
            "{sent:?}: {stderr}"
        );
    }
}

#[test]
fn extreme_dates_end_in_an_answer_and_never_in_a_panic() {
    let quiet = samples("trails/quiet").display().to_string();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("report").display().to_string();
    let dates = [
        "0001-01-01",
        "9999-12-31",
        "+262142-12-31",
        "-262143-01-01",
        "0000-01-01",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "36500d",
        "36500w",
    ];
    for date in dates {
        for flag in ["--since", "--until"] {
            for command in ["run", "coverage"] {
                let window = format!("{flag}={date}");
                let began = std::time::Instant::now();
                let (code, _, stderr) = typed(&[command, &quiet, "--out", &out, &window]);
                assert!(
                    (0..=3).contains(&code),
                    "{command} {window}: {code} {stderr}"
                );
                assert!(!stderr.contains("panicked"), "{command} {window}: {stderr}");
                let seconds = began.elapsed().as_secs();
                assert!(seconds < 30, "{command} {window}: {seconds} s");
            }
        }
    }
    for epoch in ["8210266876799", "-8334601228800", "253402300800", "x"] {
        let mut command = trailscan();
        command
            .args(["run", &quiet, "--out", &out])
            .env("SOURCE_DATE_EPOCH", epoch);
        let (code, _, stderr) = said(command);
        assert_eq!(code, 2, "{epoch}: {stderr}");
        assert!(stderr.contains("SOURCE_DATE_EPOCH"), "{stderr}");
    }
}

#[test]
fn a_number_of_threads_that_polars_cannot_use_is_an_error_and_no_panic() {
    let quiet = samples("trails/quiet").display().to_string();
    let out = tempfile::tempdir().unwrap();
    for threads in ["0", "-1", "many", "99999999"] {
        let mut command = trailscan();
        command
            .args(["run", &quiet, "--out"])
            .arg(out.path().join("report"));
        let (code, _, stderr) = said({
            command.env("POLARS_MAX_THREADS", threads);
            command
        });
        assert_eq!(code, 2, "{threads}: {stderr}");
        assert!(stderr.contains("POLARS_MAX_THREADS"), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn few_open_files_end_in_an_error_and_no_panic() {
    let quiet = samples("trails/quiet").display().to_string();
    let out = tempfile::tempdir().unwrap();
    let twelve = Command::new("/bin/sh")
        .args(["-c", "ulimit -n 12; exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_trailscan"), "run", &quiet, "--out"])
        .arg(out.path().join("report"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&twelve.stderr);
    assert_eq!(twelve.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("ulimit -n"), "{stderr}");
    for (most, source) in (4..16).flat_map(|most| [(most, quiet.as_str()), (most, "s3://logs")]) {
        let mut command = Command::new("/bin/sh");
        let limited = format!("ulimit -n {most}; exec \"$@\"");
        command.args([
            "-c",
            &limited,
            "sh",
            env!("CARGO_BIN_EXE_trailscan"),
            "run",
            source,
            "--out",
        ]);
        command.arg(out.path().join("report"));
        command.args(["--endpoint-url", "http://127.0.0.1:9"]);
        command.env_clear().env("SOURCE_DATE_EPOCH", "1795305600");
        command
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "x");
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{most} {source}: {stderr}");
        // the loader itself may find no file left
        let code = output.status.code().unwrap();
        assert!(
            [0, 1, 2, 3, 127].contains(&code),
            "{most} {source}: {code} {stderr}"
        );
    }
}
