//! `aws cloudtrail validate-logs` on the same buckets: whatever it finds is found here too, and a
//! file that it calls invalid is never called valid. Runs where AWS_CLI names its program (`pip
//! install awscli`); S3 is moto where MOTO_ENDPOINT names it, else a server in process.

use crate::chain;
use crate::loopback;
use crate::product;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use aws_sdk_s3::Client;
use chain::{Signer, Writer, edit, gunzip, gzip, gzip_at, side};
use flate2::Compression;
use loopback::cloud::{Cloud, Trail};
use product::{Ran, finish, trailscan};

/// What is done to five hours of two logs each, and how either ends: validate-logs knows 0 and 1.
struct Case {
    what: &'static str,
    does: fn(&mut Writer),
    theirs: i32,
    ours: i32,
}

const fn case(what: &'static str, does: fn(&mut Writer), theirs: i32, ours: i32) -> Case {
    Case {
        what,
        does,
        theirs,
        ours,
    }
}

fn rewrite(path: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    fs::write(path, change(fs::read(path).unwrap())).unwrap();
}

fn remove(writer: &Writer, hours: &[usize]) {
    for hour in hours {
        fs::remove_file(writer.digest_path(*hour)).unwrap();
    }
}

const CASES: [Case; 22] = [
    case("nothing", |_| {}, 0, 0),
    case(
        "a log compressed again",
        |w| {
            let path = w.log_path(2, 1);
            rewrite(&path, |_| gzip_at(&gunzip(&path), Compression::none()));
        },
        0,
        0,
    ),
    case(
        "a log altered",
        |w| edit(&w.log_path(2, 1), "DescribeInstances", "RunInstances"),
        1,
        4,
    ),
    case(
        "a log deleted",
        |w| fs::remove_file(w.log_path(2, 1)).unwrap(),
        1,
        4,
    ),
    case(
        "a log cut",
        |w| {
            rewrite(&w.log_path(2, 1), |mut bytes| {
                bytes.truncate(bytes.len() / 2);
                bytes
            });
        },
        1,
        4,
    ),
    case(
        "the checksum of a log cut off",
        |w| {
            rewrite(&w.log_path(2, 1), |mut bytes| {
                bytes.truncate(bytes.len() - 8);
                bytes
            });
        },
        0,
        4,
    ),
    case(
        "a log that is no gzip",
        |w| rewrite(&w.log_path(2, 1), |_| b"nothing".to_vec()),
        1,
        4,
    ),
    case(
        "a log not compressed",
        |w| {
            let path = w.log_path(2, 1);
            rewrite(&path, |_| gunzip(&path));
        },
        1,
        4,
    ),
    case(
        "records in a second gzip member",
        |w| {
            rewrite(&w.log_path(2, 1), |bytes| {
                let planted = gzip(br#"{"Records":[{"eventName":"Planted"}]}"#);
                [bytes, planted].concat()
            });
        },
        0,
        4,
    ),
    case(
        "a log planted in an hour that has its digest",
        |w| drop(w.log("2026-11-20T02:40:00Z".parse().unwrap())),
        0,
        4,
    ),
    case(
        "a log renamed",
        |w| {
            let path = w.log_path(2, 1);
            let to = path
                .to_string_lossy()
                .replace("_0000000000000006", "_ffffffffffffffff");
            assert_ne!(to, path.to_string_lossy());
            fs::rename(&path, to).unwrap();
        },
        1,
        4,
    ),
    case("a digest deleted", |w| remove(w, &[2]), 1, 4),
    case("two digests in a row deleted", |w| remove(w, &[1, 2]), 1, 4),
    case("the newest digest deleted", |w| remove(w, &[4]), 0, 4),
    case("the oldest digest deleted", |w| remove(w, &[0]), 1, 4),
    case(
        "a digest altered",
        |w| edit(&w.digest_path(2), "tomorrow", "yesterday"),
        1,
        4,
    ),
    case(
        "a digest and its log altered together",
        |w| {
            let (log, digest) = (w.log_path(2, 1), w.digest_path(2));
            let hash = |path: &Path| trailscan::sha256::hex([&*gunzip(path)]);
            let before = hash(&log);
            edit(&log, "DescribeInstances", "RunInstances");
            edit(&digest, &before, &hash(&log));
        },
        1,
        4,
    ),
    case(
        "a digest without its signature",
        |w| fs::remove_file(w.side_path(2)).unwrap(),
        1,
        4,
    ),
    case(
        "the newest digest signed with another key",
        |w| {
            w.signer = Signer::other();
            w.hour(2);
            let aws = Signer::new().fingerprint();
            edit(w.digest_path(5).as_path(), &w.signer.fingerprint(), &aws);
            w.signer = Signer::new();
        },
        1,
        4,
    ),
    case(
        "a digest renamed",
        |w| {
            let path = w.digest_path(2);
            let to = path.to_string_lossy().replace("T031728Z", "T031729Z");
            fs::rename(side(&path), side(Path::new(&to))).unwrap();
            fs::rename(&path, to).unwrap();
        },
        1,
        4,
    ),
    case(
        "a digest replaced by another that AWS signed",
        |w| {
            let twin = tempfile::tempdir().unwrap();
            let mut other = Writer::new(twin.path());
            other.bucket.clone_from(&w.bucket);
            (0..2).for_each(|_| other.hour(2));
            other.hour(1);
            fs::copy(other.digest_path(2), w.digest_path(2)).unwrap();
            fs::copy(other.side_path(2), w.side_path(2)).unwrap();
        },
        0,
        4,
    ),
    case(
        "validation off for two hours",
        |w| {
            w.skip(2);
            w.restart();
            w.hour(2);
        },
        0,
        3,
    ),
];

/// The servers, and what was said of one bucket.
struct Stage {
    s3: Client,
    s3_url: String,
    trail_url: String,
}

impl Stage {
    async fn new(buckets: &Path) -> Self {
        let keys = Writer::new(buckets).api_keys();
        let files = s3s_fs::FileSystem::new(buckets).unwrap();
        let trail_url = Cloud::over(files, &[Trail::named("main_trail")], keys)
            .serve()
            .await;
        let s3_url = std::env::var("MOTO_ENDPOINT").unwrap_or_else(|_| trail_url.clone());
        let s3 = loopback::aws(&s3_url).await.s3();
        Self {
            s3,
            s3_url,
            trail_url,
        }
    }

    fn at(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL_S3", &self.s3_url)
            .env("AWS_ENDPOINT_URL_CLOUDTRAIL", &self.trail_url);
        command
    }

    /// Its exit code, and the files that it calls invalid.
    fn theirs(&self, cli: &str, bucket: &str, until: &str) -> (i32, BTreeSet<String>) {
        let mut command = self.at(cli);
        command.args(["cloudtrail", "validate-logs", "--trail-arn"]);
        command.arg("arn:aws:cloudtrail:us-east-1:111122223333:trail/main_trail");
        command.args(["--s3-bucket", bucket, "--verbose"]);
        command.args(["--start-time", "2026-11-20T00:17:28Z", "--end-time", until]);
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let bad = text.lines().filter(|line| line.contains("INVALID:"));
        let bad = bad.filter_map(|line| line.split('\t').nth(1)?.strip_prefix("s3://"));
        (
            output.status.code().unwrap(),
            bad.map(str::to_owned).collect(),
        )
    }

    fn ours(&self, bucket: &str, keys: &Path, until: &str) -> Ran {
        let mut command = trailscan();
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        command.args(["verify", &format!("s3://{bucket}"), "--public-keys"]);
        command.arg(keys).args(["--endpoint-url", &self.s3_url]);
        command.args(["--since", "2026-11-20T00:17:28Z", "--until", until]);
        finish(command)
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs the AWS CLI and AWS_CLI: .ci/run")]
async fn whatever_validate_logs_finds_is_found() {
    let cli = product::tool("AWS_CLI");
    let buckets = tempfile::tempdir().unwrap();
    let stage = Stage::new(buckets.path()).await;
    for (number, case) in CASES.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = format!("opinion-{number}");
        let mut writer = Writer::new(&folder.path().join("bucket"));
        writer.bucket.clone_from(&bucket);
        (0..5).for_each(|_| writer.hour(2));
        (case.does)(&mut writer);
        let until = writer.hours.last().unwrap().end;
        let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let root = folder.path().join("bucket");
        chain::upload(&stage.s3, &bucket, &root, |_| true).await;
        let keys = writer.keys(folder.path());
        let (theirs, ours) = tokio::task::block_in_place(|| {
            std::thread::scope(|threads| {
                let theirs = threads.spawn(|| stage.theirs(&cli, &bucket, &until));
                let ours = stage.ours(&bucket, &keys, &until);
                (theirs.join().unwrap(), ours)
            })
        });
        let what = case.what;
        let context = format!("{what}: {}{}", ours.stdout, ours.stderr);
        assert_eq!((theirs.0, ours.code), (case.theirs, case.ours), "{context}");
        let proof = ours.json("integrity.json");
        let chains = proof["chains"].as_array().unwrap().iter();
        let hours = chains.flat_map(|chain| chain["hours"].as_array().unwrap());
        let valid: BTreeSet<&str> = hours
            .chain(proof["objects"].as_array().unwrap())
            .filter(|one| one["state"] == "valid")
            .filter_map(|one| one["object"].as_str().or(one["digest"].as_str()))
            .collect();
        for bad in &theirs.1 {
            assert!(
                !valid.contains(bad.as_str()),
                "{what}: {bad} is valid: {context}"
            );
        }
        println!(
            "{what}: validate-logs {}, trailscan {}",
            theirs.0, ours.code
        );
    }
}
