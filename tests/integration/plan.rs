//! `trailscan run --dry-run`: what a run would read, without reading it, in memory that does not
//! grow with the bucket.

use crate::loopback;
use crate::product;

use std::process::{Command, Output};

use loopback::organization::Organization;
use loopback::{Answer, BUCKET, Memory, log};
use trailscan::source::s3::Fetcher;

const WEEK: [&str; 4] = [
    "--since",
    "2026-11-16T00:00:00Z",
    "--until",
    "2026-11-23T00:00:00Z",
];

fn dry_run(source: &str, url: &str) -> Command {
    let mut command = product::signed_in();
    command.args([
        "run",
        source,
        "--dry-run",
        "--endpoint-url",
        url,
        "--jobs",
        "2",
    ]);
    command.args(WEEK);
    command
}

/// Exit code, standard output, standard error.
fn said(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

async fn ran(mut command: Command) -> (i32, String, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    said(output.await.unwrap())
}

/// Two accounts, and one archived object.
fn bucket() -> Memory {
    let key = |account: &str, region: &str, stamp: &str| {
        format!("AWSLogs/{}", log(account, region, stamp))
    };
    let (one, two) = ("111122223333", "444455556666");
    Memory::new([
        key(one, "us-east-1", "20261116T0005"),
        key(one, "us-east-1", "20261117T0005"),
        key(one, "us-east-1", "20261117T0010"),
        key(one, "eu-west-1", "20261118T0010"),
        key(two, "us-east-1", "20261118T0015"),
        key(two, "us-east-1", "20261001T0015"),
    ])
    .with(
        key(two, "us-east-1", "20261119T0015"),
        Answer::Class("GLACIER"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_accounts_regions_and_days_and_reads_nothing() {
    let memory = bucket();
    let asked = memory.asked();
    let url = loopback::serve(memory).await;
    let (code, plan, stderr) = ran(dry_run(&format!("s3://{BUCKET}"), &url)).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    // macOS bears fewer
    let reads = format!("{} reads", Fetcher::AT_ONCE);
    insta::assert_snapshot!("plan", plan.replace(&reads, "512 reads"));
    let gets = |call: &&String| call.starts_with("GET");
    assert_eq!(asked.lock().unwrap().iter().filter(gets).count(), 0);
    // all but the one that found the bucket
    let lists = asked.lock().unwrap().len() - 1;
    assert!(plan.contains(&format!("{lists} LIST")), "{plan}");
}

#[test]
fn a_folder_is_planned_as_its_bucket_is_but_costs_no_requests() {
    let trail = product::samples("trails/breach");
    let mut command = product::trailscan();
    command.args(["run", &trail.display().to_string(), "--dry-run"]);
    let (code, plan, stderr) = said(command.args(WEEK).output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(plan.contains("111122223333  us-east-1"), "{plan}");
    assert!(plan.contains("Time "), "{plan}");
    assert!(!plan.contains("LIST"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_what_cannot_all_be_listed_says_so() {
    let closed = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/18/";
    let url = loopback::serve(bucket().closed(closed)).await;
    let (code, plan, stderr) = ran(dry_run(&format!("s3://{BUCKET}"), &url)).await;
    assert_eq!(code, 3, "{plan}");
    assert!(stderr.contains(closed), "{stderr}");
    assert!(stderr.contains("s3:ListBucket"), "{stderr}");
}

/// The plan as printed, and the most memory it took, in MiB, as the system tells.
#[cfg(target_os = "linux")]
async fn measured(organization: Organization) -> (String, u64) {
    let url = loopback::serve(organization).await;
    let mut command = dry_run(&format!("s3://{BUCKET}"), &url);
    let run = move || {
        // a file, because nobody empties a pipe while the child is watched
        let folder = tempfile::tempdir().unwrap();
        let printed = folder.path().join("plan");
        let stdout = std::fs::File::create(&printed).unwrap();
        let mut child = command.stdout(stdout).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            most = most.max(kib.unwrap_or(0) / 1024);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        (std::fs::read_to_string(printed).unwrap(), most)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_objects_of_a_plan() {
    let small = Organization {
        accounts: 4,
        logs_a_day: 10,
    };
    let large = Organization {
        logs_a_day: 300,
        ..small
    };
    let (_, least) = measured(small).await;
    let (plan, most) = measured(large).await;
    let objects = trailscan::words::thousands(large.in_a_week());
    assert!(plan.contains(&format!(" {objects} objects")), "{plan}");
    // 160,000 more objects held in memory would be 80 MiB and more
    assert!(most <= least + 30, "{least} MiB became {most} MiB");
}

/// A week of a hundred accounts.
#[cfg(target_os = "linux")]
#[ignore = "takes minutes: run it to measure"]
#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_a_large_organization_is_planned_in_little_memory() {
    let organization = Organization {
        accounts: 100,
        logs_a_day: 286,
    };
    let (plan, most) = measured(organization).await;
    let end: Vec<_> = plan.lines().rev().take(12).collect();
    println!("{}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
    println!("{most} MiB at most");
    assert!(organization.in_a_week() > 3_400_000);
    let objects = trailscan::words::thousands(organization.in_a_week());
    assert!(plan.contains(&format!(" {objects} objects")));
    assert!(most < 250, "{most} MiB");
}
