//! The same logs from a bucket and from a folder: the same findings, by the real program over the
//! real protocol.

use crate::loopback;
use crate::product;

use std::process::Command;

use product::{Ran, finish, run, samples};

const WEEK: [&str; 4] = ["--since", "2026-11-16", "--until", "2026-11-23"];

/// The program with the loopback server's credentials.
fn on_loopback(source: &str, url: &str) -> Command {
    let mut command = product::signed_in();
    command.args(["run", source, "--endpoint-url", url]);
    command
}

/// A folder whose only bucket is a copy of a sample trail.
fn bucket_of(trail: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let status = Command::new("cp")
        .arg("-r")
        .arg(samples("trails").join(trail))
        .arg(root.path().join("logs"))
        .status()
        .unwrap();
    assert!(status.success());
    root
}

fn same(bucket: &Ran, folder: &Ran) {
    bucket.assert_identities();
    assert_eq!(bucket.findings(), folder.findings());
    assert_eq!(bucket.file("findings.csv"), folder.file("findings.csv"));
    assert_eq!(bucket.code, folder.code);
    for what in ["records", "evaluated", "duplicates", "outside"] {
        assert_eq!(
            bucket.count("records", what),
            folder.count("records", what),
            "{what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_and_its_copy_on_disk_give_the_same_findings() {
    let root = bucket_of("breach");
    let url = loopback::serve_folder(root.path()).await;
    let folder = run(samples("trails/breach"), &WEEK);
    for source in [
        "s3://logs",
        "s3://logs/",
        "s3://logs/AWSLogs",
        "s3://logs/AWSLogs/111122223333/",
    ] {
        let mut command = on_loopback(source, &url);
        command.args(WEEK);
        let bucket = tokio::task::spawn_blocking(move || finish(command))
            .await
            .unwrap();
        same(&bucket, &folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_report_do_not_change_with_the_threads() {
    let root = bucket_of("breach");
    let url = loopback::serve_folder(root.path()).await;
    let mut reports = Vec::new();
    for jobs in ["1", "2", "7"] {
        let mut command = on_loopback("s3://logs", &url);
        command.args(WEEK).args(["--jobs", jobs]);
        let ran = tokio::task::spawn_blocking(move || finish(command));
        let ran = ran.await.unwrap();
        let files = ["run.json", "findings.json", "findings.csv", "report.html"];
        reports.push(files.map(|file| ran.file(file)));
    }
    assert!(reports[0] == reports[1] && reports[0] == reports[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_window_the_last_seven_days_are_read() {
    let root = bucket_of("breach");
    let url = loopback::serve_folder(root.path()).await;
    // the runner's clock stands at 2026-11-22T00:00:00Z
    let command = on_loopback("s3://logs", &url);
    let ran = tokio::task::spawn_blocking(move || finish(command))
        .await
        .unwrap();
    let provenance = &ran.json("run.json")["provenance"];
    assert_eq!(provenance["since"], "2026-11-15T00:00:00Z");
    assert_eq!(provenance["until"], "2026-11-22T00:00:00Z");
    assert!(ran.count("records", "evaluated") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let object = |minute: u32| {
        format!(
            "AWSLogs/{}",
            loopback::log(
                "111122223333",
                "us-east-1",
                &format!("20261120T11{minute:02}")
            )
        )
    };
    let keys: Vec<String> = (0..3).map(object).collect();
    let refused =
        loopback::Answer::Denied("User is not authorized to perform: kms:Decrypt on resource");
    let memory = loopback::Memory::new(keys.clone()).with(keys[1].clone(), refused);
    let url = loopback::serve(memory).await;
    let mut command = on_loopback(&format!("s3://{}", loopback::BUCKET), &url);
    command.args(WEEK);
    let ran = tokio::task::spawn_blocking(move || finish(command))
        .await
        .unwrap();
    ran.assert_identities();
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert_eq!(
        (
            ran.count("objects", "refused"),
            ran.count("objects", "broken")
        ),
        (1, 2),
        "the others hold no log"
    );
    assert!(ran.stdout.contains("kms:Decrypt"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_an_error_that_says_so() {
    let root = bucket_of("quiet");
    let url = loopback::serve_folder(root.path()).await;
    let command = on_loopback("s3://no-such-bucket", &url);
    let ran = tokio::task::spawn_blocking(move || finish(command))
        .await
        .unwrap();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no-such-bucket"), "{}", ran.stderr);
}
