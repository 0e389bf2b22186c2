//! Digests and logs in buckets: the same proof over the real protocol as from a folder, with keys
//! that CloudTrail gives, and every log read once.

use crate::chain;
use crate::loopback;
use crate::product;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use chain::{BUCKET, WINDOW, Writer, gunzip, gzip};
use chrono::{DateTime, Duration};
use loopback::cloud::{Cloud, Trail};
use product::{Ran, finish, trailscan};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Six hours in a bucket, and the folder they were uploaded from.
struct Stage {
    folder: TempDir,
    writer: Writer,
    s3: Client,
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    buckets: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::hours(&folder.path().join("bucket"), 6);
        let keys = writer.api_keys();
        Self::of(folder, writer, keys).await
    }

    async fn of(folder: TempDir, writer: Writer, keys: Vec<Value>) -> Self {
        Self::telling(folder, writer, keys, Vec::new()).await
    }

    /// Six hours of a trail with that status. Each digest was written 8 minutes after its hour.
    async fn with_status(status: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::hours(&folder.path().join("bucket"), 6);
        let keys = writer.api_keys();
        let stage = Self::telling(folder, writer, keys, vec![("us-east-1", status)]).await;
        for hour in &stage.writer.hours {
            let path = stage.buckets.path().join(BUCKET).join(&hour.digest);
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified((hour.end + Duration::minutes(8)).into())
                .unwrap();
        }
        stage
    }

    async fn telling(
        folder: TempDir,
        writer: Writer,
        keys: Vec<Value>,
        statuses: Vec<(&'static str, Value)>,
    ) -> Self {
        let buckets = tempfile::tempdir().unwrap();
        let files = s3s_fs::FileSystem::new(buckets.path()).unwrap();
        let mut trail = Trail::named("main_trail");
        trail.bucket = BUCKET;
        let cloud = Cloud::over(files, &[trail], keys).telling(statuses);
        let asked = cloud.asked();
        let url = cloud.serve().await;
        let s3 = loopback::aws(&url).await.s3();
        let stage = Self {
            folder,
            writer,
            s3,
            url,
            asked,
            buckets,
        };
        stage.upload(BUCKET, |_| true).await;
        stage.asked.lock().unwrap().clear();
        stage
    }

    /// Puts the folder into a bucket.
    async fn upload(&self, bucket: &str, wanted: impl Fn(&str) -> bool) {
        let root = self.folder.path().join("bucket");
        chain::upload(&self.s3, bucket, &root, wanted).await;
    }

    /// Replaces an object.
    async fn put(&self, key: &str, body: Vec<u8>, beside: &Path) {
        chain::put(&self.s3, BUCKET, key, body, beside).await;
    }

    async fn delete(&self, key: &str) {
        let delete = self.s3.delete_object().bucket(BUCKET).key(key);
        delete.send().await.unwrap();
    }

    fn command(&self, what: &str, source: &str, arguments: &[&str]) -> Command {
        let mut command = trailscan();
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        command.arg(what);
        if !source.is_empty() {
            command.arg(source);
        }
        command.args(["--endpoint-url", &self.url]).args(arguments);
        command
    }

    async fn ran(&self, what: &str, source: &str, arguments: &[&str]) -> Ran {
        let command = self.command(what, source, arguments);
        let ran = tokio::task::spawn_blocking(move || finish(command));
        ran.await.unwrap()
    }

    async fn verified(&self) -> Ran {
        let source = format!("s3://{BUCKET}");
        self.ran("verify", &source, &WINDOW).await
    }

    /// How often each log was downloaded.
    fn downloads(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for asked in self.asked.lock().unwrap().drain(..) {
            if asked.starts_with("GET ") && asked.contains("/CloudTrail/us-east-1/") {
                *counts.entry(asked).or_default() += 1;
            }
        }
        counts
    }
}

fn counts(ran: &Ran, of: &str) -> Vec<(String, u64)> {
    let counts = ran.json("integrity.json")[of].clone();
    let counts = counts.as_object().unwrap().iter();
    let counts = counts.map(|(what, count)| (what.clone(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn assert_counts(ran: &Ran, of: &str, expected: &[(&str, u64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(what, count)| ((*what).to_owned(), *count))
        .collect();
    assert_eq!(counts(ran, of), expected, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_verified_with_the_keys_that_cloudtrail_gives() {
    let stage = Stage::new().await;
    let ran = stage.verified().await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("6 of 6 digests valid, 18 of 18 logs valid")
    );
    // not every caller may ask whether more digests were written
    assert!(ran.stdout.contains("allow cloudtrail:GetTrailStatus"));
    assert_eq!(stage.downloads().values().sum::<u32>(), 18);
    // the keys that were asked for are enough to do it again from a copy, offline
    let mut offline = trailscan();
    offline
        .arg("verify")
        .arg(stage.folder.path().join("bucket"));
    offline
        .arg("--public-keys")
        .arg(ran.folder.path().join("report/public-keys.json"));
    offline.args(WINDOW);
    let offline = finish(offline);
    assert_eq!(offline.code, 0, "{}{}", offline.stdout, offline.stderr);
    let objects = |ran: &Ran| {
        ran.json("integrity.json")["objects"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(objects(&offline), objects(&ran));
    // and so is a trail that CloudTrail names
    let named = stage.ran("verify", "", &WINDOW).await;
    assert_eq!(named.code, 0, "{}{}", named.stdout, named.stderr);
    assert!(
        named.stdout.contains("trail main_trail"),
        "{}",
        named.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_a_bucket_is_found() {
    let stage = Stage::new().await;
    let (key, path) = (&stage.writer.hours[1].logs[0], stage.writer.log_path(1, 0));
    let text = String::from_utf8(gunzip(&path)).unwrap();
    let altered = gzip(text.replace("DescribeInstances", "RunInstances").as_bytes());
    stage.put(key, altered, &path).await;
    stage.delete(&stage.writer.hours[2].logs[1]).await;
    let ran = stage.verified().await;
    assert_eq!(ran.code, 4);
    assert_counts(
        &ran,
        "logs",
        &[("altered", 1), ("missing", 1), ("valid", 16)],
    );
    assert_counts(&ran, "digests", &[("valid", 6)]);

    let stage = Stage::new().await;
    for hour in [1, 2, 5] {
        stage.delete(&stage.writer.hours[hour].digest).await;
    }
    let ran = stage.verified().await;
    assert_eq!(ran.code, 4);
    assert_counts(&ran, "logs", &[("not_proven", 9), ("valid", 9)]);
    for hole in [
        "2026-11-20T01:17:28Z to 2026-11-20T03:17:28Z",
        "05:17:28Z to 2026-11-20T06:17:28Z",
    ] {
        assert!(ran.stdout.contains(hole), "{hole}: {}", ran.stdout);
    }
}

/// A status with times as CloudTrail writes them.
fn status(times: &[(&str, &str)]) -> Value {
    let mut status = json!({"IsLogging": true, "LatestDigestDeliveryError": ""});
    for (what, time) in times {
        let time: DateTime<chrono::Utc> = time.parse().unwrap();
        status[*what] = time.timestamp().into();
    }
    status
}

/// Until an hour in which no digest is due yet.
const OPEN: [&str; 4] = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T08:00:00Z"];

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_digest_is_missed_when_cloudtrail_says_that_it_wrote_one() {
    let newest = status(&[("LatestDigestDeliveryTime", "2026-11-20T06:25:28Z")]);
    let source = format!("s3://{BUCKET}");
    for removed in [5..6, 3..6] {
        let stage = Stage::with_status(newest.clone()).await;
        for hour in removed.clone() {
            let hour = &stage.writer.hours[hour];
            // no log is left to tell of the hour
            for key in hour.logs.iter().chain([&hour.digest]) {
                stage.delete(key).await;
            }
        }
        let ran = stage.ran("verify", &source, &OPEN).await;
        assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
        let missing = "the newest digest is missing: CloudTrail wrote digests after the last one \
                       here, the last at 2026-11-20T06:25:28Z (GetTrailStatus)";
        assert!(ran.stdout.contains(missing), "{}", ran.stdout);
        let chain = &ran.json("integrity.json")["chains"][0];
        let left = &stage.writer.hours[removed.start - 1];
        let from = left.end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        assert_eq!(chain["holes"][0]["from"], from.as_str());
        assert_eq!(chain["holes"][0]["kind"], "missing");
    }
    // with all of them gone, too
    let stage = Stage::with_status(newest.clone()).await;
    for hour in &stage.writer.hours {
        stage.delete(&hour.digest).await;
    }
    let ran = stage.ran("verify", &source, &OPEN).await;
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    let removed = "no digest is here, and CloudTrail wrote some, the last at 2026-11-20T06:25:28Z";
    assert!(ran.stdout.contains(removed), "{}", ran.stdout);
    let whole = [&OPEN[..], &["--verify"]].concat();
    let ran = stage.ran("run", &source, &whole).await;
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.file("report.html").contains(removed));
    // of a place that the digests lie beside nothing is missed
    let logs = format!("{source}/AWSLogs/111122223333/CloudTrail");
    let ran = stage.ran("verify", &logs, &OPEN).await;
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    // a window that ends before says nothing of it
    let stage = Stage::with_status(newest).await;
    let ran = stage.verified().await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_cloudtrail_wrote_no_further_digest_nothing_was_removed() {
    let source = format!("s3://{BUCKET}");
    let mut stopped = status(&[
        ("LatestDigestDeliveryTime", "2026-11-20T06:25:28Z"),
        ("StartLoggingTime", "2026-11-19T00:00:00Z"),
        ("StopLoggingTime", "2026-11-20T06:10:00Z"),
    ]);
    stopped["IsLogging"] = false.into();
    let mut refused = status(&[("LatestDigestDeliveryTime", "2026-11-20T06:25:28Z")]);
    refused["LatestDigestDeliveryError"] = "AccessDenied".into();
    for (status, why) in [
        (stopped, "was stopped at 2026-11-20T06:10:00Z"),
        (refused, "S3 refused the next one: AccessDenied"),
    ] {
        let mut stage = Stage::with_status(status).await;
        // a log of the hour without a digest does not turn it into a theft
        let (key, _) = stage.writer.log("2026-11-20T07:01:00Z".parse().unwrap());
        let path = stage.writer.path(&key);
        stage.put(&key, fs::read(&path).unwrap(), &path).await;
        let ran = stage.ran("verify", &source, &OPEN).await;
        assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(why), "{}", ran.stdout);
        let hole = &ran.json("integrity.json")["chains"][0]["holes"][0];
        assert_eq!(hole["kind"], "none_written");
        assert_eq!(hole["logs"], 1);
    }
    let later = status(&[("LatestDigestDeliveryTime", "2026-11-21T00:25:28Z")]);
    let stage = Stage::with_status(later).await;
    let ran = stage.ran("verify", &source, &OPEN).await;
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("a later --until"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_a_digest_without_its_signature_was_rewritten() {
    let stage = Stage::new().await;
    let (key, path) = (&stage.writer.hours[2].digest, stage.writer.digest_path(2));
    stage
        .put(key, fs::read(&path).unwrap(), Path::new("/nowhere"))
        .await;
    let ran = stage.verified().await;
    assert_eq!(ran.code, 4);
    assert!(ran.stdout.contains("somebody rewrote it"), "{}", ran.stdout);
    assert_counts(&ran, "logs", &[("not_proven", 3), ("valid", 15)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_verified_as_a_copy_and_as_nothing_else() {
    let stage = Stage::new().await;
    stage.upload("archive", |_| true).await;
    let ran = stage.ran("verify", "s3://archive", &WINDOW).await;
    assert_eq!(ran.code, 4);
    assert!(ran.stdout.contains("it was moved here"), "{}", ran.stdout);
    let args = [&WINDOW[..], &["--original-bucket", BUCKET]].concat();
    let ran = stage.ran("verify", "s3://archive", &args).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_counts(&ran, "logs", &[("valid", 18)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_permission_for_the_keys_the_report_says_what_to_allow() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::hours(&folder.path().join("bucket"), 6);
    let stage = Stage::of(folder, writer, Vec::new()).await;
    let ran = stage.verified().await;
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("allow cloudtrail:ListPublicKeys"),
        "{}",
        ran.stdout
    );
    assert_counts(&ran, "digests", &[("not_proven", 6)]);
    assert_counts(&ran, "logs", &[("not_proven", 18)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_followed_to_where_the_trail_wrote_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&folder.path().join("bucket"));
    for (bucket, front) in [
        ("old-logs", "AWSLogs/"),
        ("old-logs", "AWSLogs/"),
        (BUCKET, "first/AWSLogs/"),
        (BUCKET, "first/AWSLogs/"),
        (BUCKET, "AWSLogs/"),
        (BUCKET, "AWSLogs/"),
    ] {
        (writer.bucket, writer.front) = (bucket.to_owned(), front.to_owned());
        writer.hour(3);
    }
    let keys = writer.api_keys();
    let old: Vec<String> = writer.hours[..2]
        .iter()
        .flat_map(|hour| hour.logs.iter().chain([&hour.digest]).cloned())
        .collect();
    let stage = Stage::of(folder, writer, keys).await;
    for key in &old {
        stage.delete(key).await;
    }
    let source = format!("s3://{BUCKET}/AWSLogs");
    let alone = stage.ran("verify", &source, &WINDOW).await;
    assert_eq!(alone.code, 3, "{}", alone.stdout);
    assert!(
        alone.stdout.contains("bucket old-logs, which was not read"),
        "{}",
        alone.stdout
    );
    assert_counts(&alone, "logs", &[("valid", 12)]);
    stage
        .upload("old-logs", |name| old.iter().any(|key| key == name))
        .await;
    let ran = stage.ran("verify", &source, &WINDOW).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_counts(&ran, "logs", &[("valid", 18)]);
    let buckets = ran.json("integrity.json")["buckets"].clone();
    assert_eq!(buckets, serde_json::json!(["old-logs", BUCKET]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_verifies_in_the_same_pass_and_reads_every_log_once() {
    let stage = Stage::new().await;
    let source = format!("s3://{BUCKET}");
    let plain = stage.ran("run", &source, &WINDOW).await;
    stage.asked.lock().unwrap().clear();
    let arguments = [&WINDOW[..], &["--verify"]].concat();
    let ran = stage.ran("run", &source, &arguments).await;
    assert_eq!(ran.code, plain.code, "{}{}", ran.stdout, ran.stderr);
    assert!(stage.downloads().values().all(|count| *count == 1));
    ran.assert_identities();
    assert_eq!(ran.findings(), plain.findings());
    assert_eq!(
        ran.count("records", "evaluated"),
        plain.count("records", "evaluated")
    );
    assert!(
        ran.stdout
            .contains("Integrity: valid: 6 of 6 digests valid, 18 of 18 logs valid")
    );
    let args = &ran.json("run.json")["integrity"];
    assert_eq!(
        (&args["state"], &args["logs"]["valid"]),
        (&"valid".into(), &18.into())
    );
    let page = ran.file("report.html");
    assert!(page.contains("The logs are what AWS signed."));
    assert!(page.contains("18 of 18 log files valid"));
    assert!(
        plain
            .file("report.html")
            .contains("Log-file integrity was not checked in this run.")
    );
    assert!(plain.json("run.json")["integrity"].is_null());

    // an altered log is found by both, and a run says so in its verdict and exit code
    let (key, path) = (&stage.writer.hours[1].logs[0], stage.writer.log_path(1, 0));
    let text = String::from_utf8(gunzip(&path)).unwrap();
    let altered = gzip(text.replace("DescribeInstances", "RunInstances").as_bytes());
    stage.put(key, altered, &path).await;
    let ran = stage.ran("run", &source, &arguments).await;
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("their integrity is BROKEN"),
        "{}",
        ran.stdout
    );
    assert_counts(&ran, "logs", &[("altered", 1), ("valid", 17)]);
    assert_eq!(stage.ran("run", &source, &WINDOW).await.code, plain.code);
}
