//! `trailscan verify` against `aws cloudtrail validate-logs` on the same bucket: 2,000 logs under 50
//! hours of signed digests, on a server in this process that answers at once, then 40 ms late.
//!
//! `AWS_CLI` names the `aws` to compare with (`pip install awscli`); without it trailscan is timed
//! alone. `HOURS=n`, `LOGS=n` for another chain, `ENDPOINT=URL` for another server as well (moto);
//! `ENDPOINT_PID=n` is its process, and its CPU time is printed: the server can be the limit.
//! Run: `cargo bench --bench verify`; with `-- --test` once, on a short chain.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, may fail loudly, and uses its part of the tests' servers"
)]

#[path = "../tests/integration/chain/mod.rs"]
mod chain;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "../tests/integration/loopback/mod.rs"]
mod loopback;
#[path = "support/measure.rs"]
mod measure;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chain::Writer;
use loopback::cloud::{Cloud, Trail};
use s3s::dto::{
    GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
};
use s3s::{S3, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;

const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main_trail";

/// A server over a folder that answers each call so much later.
struct Late(FileSystem, Duration);

/// What `async fn` in the [`S3`] trait stands for.
type Reply<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

macro_rules! late {
    ($($call:ident: $input:ty => $output:ty,)*) => {
        impl S3 for Late {
            $(fn $call<'a, 'b>(&'a self, request: S3Request<$input>) -> Reply<'b, $output>
            where
                'a: 'b,
                Self: 'b,
            {
                Box::pin(async move {
                    tokio::time::sleep(self.1).await;
                    self.0.$call(request).await
                })
            })*
        }
    };
}

late! {
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
    get_object: GetObjectInput => GetObjectOutput,
    head_bucket: HeadBucketInput => HeadBucketOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    list_objects: ListObjectsInput => ListObjectsOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
}

/// Both programs on one server.
struct Stage<'s> {
    bucket: &'s str,
    until: &'s str,
    keys: &'s Path,
    out: &'s Path,
    s3: &'s str,
    cloudtrail: &'s str,
}

impl Stage<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL_S3", self.s3)
            .env("AWS_ENDPOINT_URL_CLOUDTRAIL", self.cloudtrail)
            .stdout(Stdio::null());
        command
    }

    fn ours(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_trailscan"));
        command.args(["verify", &format!("s3://{}", self.bucket), "--public-keys"]);
        command
            .arg(self.keys)
            .args(["--quiet", "--endpoint-url", self.s3, "--out"]);
        command.arg(self.out);
        command.args(["--since", chain::WINDOW[1], "--until", self.until]);
        command
    }

    fn theirs(&self, cli: &str) -> Command {
        let mut command = self.command(cli);
        command.args(["cloudtrail", "validate-logs", "--trail-arn", TRAIL]);
        command.args(["--s3-bucket", self.bucket, "--start-time", chain::WINDOW[1]]);
        command.args(["--end-time", self.until]);
        command
    }
}

/// The seconds of so many runs, and those of the server's CPU in them; every one must find all sound.
fn seconds(
    rounds: u32,
    server: Option<&str>,
    mut command: impl FnMut() -> Command,
) -> (f64, Option<f64>) {
    let (walls, cpus): (Vec<f64>, Vec<Option<f64>>) = (0..rounds)
        .map(|_| {
            let (began, before) = (Instant::now(), server.and_then(measure::cpu_of));
            let status = command().status().unwrap();
            assert!(status.success(), "{status}");
            let wall = began.elapsed().as_secs_f64();
            let after = server.and_then(measure::cpu_of);
            (
                wall,
                after.zip(before).map(|(after, before)| after - before),
            )
        })
        .unzip();
    let cpus: Option<Vec<f64>> = cpus.into_iter().collect();
    (measure::median(walls), cpus.map(measure::median))
}

/// `6.80 s`, and what of it the server's CPU was busy.
fn in_words((wall, server): (f64, Option<f64>)) -> String {
    match server {
        Some(server) => format!("{wall:7.2} s (the server's CPU {server:.2} s)"),
        None => format!("{wall:7.2} s"),
    }
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let hours = corpus::number("HOURS", if test { 2 } else { 50 });
    let logs = corpus::number("LOGS", if test { 2 } else { 40 });
    let cli = std::env::var("AWS_CLI").ok();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&folder.path().join("bucket"));
    (0..hours).for_each(|_| writer.hour(u32::try_from(logs).unwrap()));
    let until = writer.hours.last().unwrap().end;
    let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let keys = writer.keys(folder.path());
    println!("{} logs under {hours} digests", hours * logs);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut servers: Vec<(String, String, Option<String>)> = Vec::new();
    let mut cloudtrail = String::new();
    for delay in [0, 40] {
        let buckets = folder.path().join(format!("late-{delay}"));
        std::fs::create_dir_all(&buckets).unwrap();
        let url = runtime.block_on(async {
            let files = Late(
                FileSystem::new(&buckets).unwrap(),
                Duration::from_millis(delay),
            );
            let cloud = Cloud::over(files, &[Trail::named("main_trail")], writer.api_keys());
            let url = cloud.serve().await;
            let there = loopback::serve_folder(&buckets).await;
            let s3 = loopback::aws(&there).await.s3();
            chain::upload(&s3, &writer.bucket, &folder.path().join("bucket"), |_| true).await;
            url
        });
        cloudtrail.clone_from(&url);
        let own = std::process::id().to_string();
        servers.push((format!("in process, {delay} ms late"), url, Some(own)));
    }
    if let Ok(url) = std::env::var("ENDPOINT") {
        runtime.block_on(async {
            let s3 = loopback::aws(&url).await.s3();
            chain::upload(&s3, &writer.bucket, &folder.path().join("bucket"), |_| true).await;
        });
        servers.push((url.clone(), url, std::env::var("ENDPOINT_PID").ok()));
    }
    for (what, url, pid) in &servers {
        let stage = Stage {
            bucket: &writer.bucket,
            until: &until,
            keys: &keys,
            out: &folder.path().join("out"),
            s3: url,
            cloudtrail: &cloudtrail,
        };
        let rounds = if test { 1 } else { 5 };
        let ours = seconds(rounds, pid.as_deref(), || stage.ours());
        print!("{what:24}: trailscan verify {}", in_words(ours));
        match &cli {
            Some(cli) => {
                let theirs = seconds(1, pid.as_deref(), || stage.theirs(cli));
                println!(
                    ", validate-logs {}: {:.0} ×",
                    in_words(theirs),
                    theirs.0 / ours.0
                );
            }
            None => println!(" (AWS_CLI names no `aws` to compare with)"),
        }
    }
}
