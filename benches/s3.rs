//! Small objects from a bucket that answers each GET 40 ms late, against the same objects on disk:
//! wall time, how full the line of requests is kept, and what neither could take less than.
//!
//! 10,000 objects of about 8 KB (`OBJECTS=n`, `DELAY_MS=n`); the server is `support/server.rs`, in
//! this process. Run: `cargo bench --bench s3`; with `-- --test` once, with a few objects.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of the generator"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/job.rs"]
mod job;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use job::Job;
use measure::Took;
use server::{BUCKET, Seen, Server};
use tokio::runtime::Runtime;
use trailscan::aws::{Aws, AwsOptions};
use trailscan::pipeline::{self, Input};
use trailscan::report::Report;
use trailscan::source::s3::{self, Access, Fetcher};

/// Worker threads, as many as the bar is set for.
const JOBS: usize = 2;

/// Records of a file of about 8 KB.
const RECORDS: u64 = 31;

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let count = corpus::number("OBJECTS", if test { 20 } else { 10_000 });
    let delay = Duration::from_millis(corpus::number("DELAY_MS", 40));
    let rounds = if test { 1 } else { 5 };
    let mut dice = corpus::RandomNumbers::new(7);
    let mut objects = BTreeMap::new();
    for _ in 0..count {
        let object = corpus::object(&mut dice, RECORDS);
        objects.insert(object.key, object.stored);
    }
    let stored: usize = objects.values().map(Vec::len).sum();
    println!(
        "{} objects, {:.1} KB each, {} ms late",
        objects.len(),
        stored as f64 / objects.len() as f64 / 1e3,
        delay.as_millis()
    );
    let folder = tempfile::tempdir().expect("a place for the objects");
    write(folder.path(), &objects);
    let paths: Vec<String> = objects
        .keys()
        .map(|key| format!("{BUCKET}/{key}"))
        .collect();
    let files = measure::files(folder.path());
    let server = Server::start(objects, delay);
    let runtime = pipeline::runtime().expect("a runtime");
    let job = Job::new();
    let address = server.url.trim_start_matches("http://");
    let mut rows = Vec::new();
    let at_once = Fetcher::AT_ONCE.min(paths.len());
    for _ in 0..rounds {
        let (there, disk) = measure::time(|| job.run(folder.path(), JOBS));
        server.seen();
        let (fetched, bucket) = measure::time(|| from_bucket(&job, &runtime, &server.url));
        assert_eq!(fetched.coverage.records, there.coverage.records);
        let seen = server.seen();
        let ((), sockets) = measure::time(|| bare::get_all(address, &paths, at_once));
        let ((), reading) = measure::time(|| read(&files));
        rows.push(Row {
            disk,
            bucket,
            seen,
            sockets,
            reading,
        });
    }
    tell(&rows, delay);
}

/// What one round of the bench took.
struct Row {
    disk: Took,
    bucket: Took,
    /// What the server saw of the run from the bucket.
    seen: Seen,
    /// Getting the objects with bare sockets.
    sockets: Took,
    /// Reading the files, without a look at them.
    reading: Took,
}

fn tell(rows: &[Row], delay: Duration) {
    let of = |value: fn(&Row) -> f64| measure::median(rows.iter().map(value).collect());
    let ms = |value: fn(&Row) -> Duration| measure::median_ms(rows.iter().map(value));
    let disk = ms(|row| row.disk.wall);
    println!(
        "  from disk {disk:8.0} ms, {:8.0} ms of CPU on {JOBS} threads",
        ms(|row| row.disk.cpu)
    );
    println!(
        "  from S3   {:8.0} ms, {:8.0} ms of CPU, {:.0} ms of it the server's",
        ms(|row| row.bucket.wall),
        ms(|row| row.bucket.cpu),
        ms(|row| row.seen.cpu)
    );
    println!(
        "  a GET takes {:.0} µs of CPU beyond what reading the file takes",
        of(|row| {
            let fetching = row.bucket.cpu.saturating_sub(row.seen.cpu).as_secs_f64();
            1e6 * (fetching - row.disk.cpu.as_secs_f64()) / row.seen.gets as f64
        })
    );
    println!(
        "  S3 takes {:.2} × the time of disk",
        of(|row| row.bucket.wall.as_secs_f64() / row.disk.wall.as_secs_f64())
    );
    let gets = of(|row| row.seen.gets as f64);
    println!(
        "  {gets:.0} GETs and {:.0} LISTs; under way in the mean {:.0}, at most {:.0} of {} allowed: {:.0} % busy",
        of(|row| row.seen.lists as f64),
        of(|row| mean(&row.seen)),
        of(|row| row.seen.most as f64),
        Fetcher::AT_ONCE,
        of(|row| 100.0 * mean(&row.seen) / Fetcher::AT_ONCE as f64)
    );
    // no client can be quicker: what has to be done beside the run from disk shares its cores, before
    // the first answer there is nothing to run on, and there are as many delays as turns for everybody
    let (sockets, reading) = (ms(|row| row.sockets.cpu), ms(|row| row.reading.cpu));
    println!(
        "  bare sockets take {:.0} ms, {sockets:.0} ms of CPU with the server's; reading the files {reading:.0} ms of CPU",
        ms(|row| row.sockets.wall)
    );
    let first = 1e3 * delay.as_secs_f64();
    let least = first + disk + (sockets - reading) / JOBS as f64;
    println!(
        "  so S3 cannot take less than {least:.0} ms on {JOBS} cores, {:.2} × the time of disk,",
        least / disk
    );
    let turns = (gets / Fetcher::AT_ONCE as f64).ceil() * first;
    println!(
        "  nor less than {turns:.0} ms with {} requests at once, {:.2} ×",
        Fetcher::AT_ONCE,
        turns / disk
    );
}

/// Reads every file, and does nothing with it.
fn read(files: &[PathBuf]) {
    let mut bytes = Vec::new();
    for path in files {
        bytes.clear();
        let mut file = std::fs::File::open(path).expect("a file");
        file.read_to_end(&mut bytes).expect("its bytes");
    }
}

/// GETs under way from the first to the last.
fn mean(seen: &Seen) -> f64 {
    seen.busy.as_secs_f64() / seen.span.as_secs_f64()
}

fn write(root: &Path, objects: &BTreeMap<String, Vec<u8>>) {
    for (key, stored) in objects {
        let path = root.join(key);
        std::fs::create_dir_all(path.parent().unwrap_or(root)).expect("room");
        std::fs::write(path, stored).expect("room");
    }
}

/// As `trailscan run s3://logs` does it.
fn from_bucket(job: &Job, runtime: &Runtime, url: &str) -> Report {
    let options = AwsOptions {
        endpoint_url: Some(url.to_owned()),
        ..AwsOptions::default()
    };
    let credentials = Credentials::new("bench", "bench", None, None, "bench");
    let input = runtime.block_on(async {
        let provider = SharedCredentialsProvider::new(credentials);
        let aws = Aws::with_credentials(&options, provider).await;
        let client = s3::open(&aws.s3(), BUCKET, "").await.expect("a bucket");
        let plan = s3::plan(&client, BUCKET, "", false, &Job::scope()).await;
        let access = Access {
            client,
            kms_key: None,
        };
        Input::Bucket {
            runtime: runtime.handle().clone(),
            plan: plan.expect("a listing"),
            buckets: [(BUCKET.to_owned(), access)].into(),
        }
    });
    job.scan(input, JOBS)
}
