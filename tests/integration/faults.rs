//! What a network and a busy server do to a read, each fault by a real server: tried again where
//! that makes sense, else named.

use crate::loopback;
use crate::product;

use std::time::Duration;

use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use loopback::faulty::{Fault, Requests, spoil};
use loopback::{Answer, BUCKET, Memory, log};
use trailscan::source::FetchError;
use trailscan::source::s3::{Access, Fetcher, ListedObject, RetryPolicy};

const CAP: u64 = 1 << 20;
const KEY: &str = "an-object-of-thirty-two-bytes-ok";
/// Above any count of requests here.
const ALWAYS: u32 = u32::MAX;

/// A fetcher with little patience, and short time-outs instead of the program's long ones.
async fn fetcher(url: &str) -> Fetcher {
    let client = loopback::aws(url).await.s3();
    let short = Duration::from_millis(400);
    let timeouts = TimeoutConfig::builder()
        .read_timeout(short)
        .operation_attempt_timeout(short * 4);
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(short);
    let config = client.config().to_builder();
    let config = config
        .timeout_config(timeouts.build())
        .stalled_stream_protection(stalled.build());
    let access = Access {
        client: aws_sdk_s3::Client::from_conf(config.build()),
        kms_key: None,
    };
    let patience = RetryPolicy {
        attempts: 3,
        slow_downs: 5,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(50),
        ..RetryPolicy::default()
    };
    Fetcher::new([(BUCKET.to_owned(), access)].into(), patience)
}

/// As a listing would tell of it.
const fn as_listed() -> ListedObject<'static> {
    ListedObject {
        size: Some(KEY.len() as u64),
        version: None,
    }
}

async fn spoilt(fault: Fault) -> (Fetcher, Requests) {
    let url = loopback::serve(Memory::new([KEY])).await;
    let (url, requests) = spoil(&url, &[(KEY.to_owned(), fault)]).await;
    (fetcher(&url).await, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_borne_and_one_that_stays_is_named() {
    type Make = fn(u32) -> Fault;
    let faults: [(Make, &str); 5] = [
        (Fault::Cut, "broke off after 16 bytes"),
        (Fault::Reset, "broke off after 16 bytes"),
        (Fault::Short, "it had 16 bytes and the listing said 32"),
        (Fault::Silent, "timeout"),
        (Fault::Stalled, "broke off after 16 bytes"),
    ];
    for (fault, named) in faults {
        let (fetcher, requests) = spoilt(fault(2)).await;
        let bytes = fetcher.fetch(BUCKET, KEY, as_listed(), CAP).await;
        assert_eq!(bytes.unwrap().bytes, KEY.as_bytes(), "{named}");
        assert_eq!(requests.lock().unwrap()[KEY], 3, "{named}");

        let (fetcher, requests) = spoilt(fault(ALWAYS)).await;
        let error = fetcher
            .fetch(BUCKET, KEY, as_listed(), CAP)
            .await
            .unwrap_err();
        let error = match error {
            FetchError::Failed(what) => what,
            other => panic!("{named}: {other:?}"),
        };
        assert!(error.contains(named), "{error}");
        assert!(error.contains("given up after 3 attempts"), "{error}");
        assert_eq!(requests.lock().unwrap()[KEY], 3, "{named}");
    }
}

/// What stands behind the announced length is not the object's.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_beyond_the_announced_length_are_not_taken() {
    let (fetcher, _) = spoilt(Fault::Long(ALWAYS)).await;
    let bytes = fetcher.fetch(BUCKET, KEY, as_listed(), CAP).await.unwrap();
    assert_eq!(bytes.bytes, KEY.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_the_one_listed_is_not_taken_for_it() {
    let url = loopback::serve(Memory::new([KEY])).await;
    let fetcher = fetcher(&url).await;
    let listed = ListedObject {
        version: Some("\"11111111111111111111111111111111\""),
        ..as_listed()
    };
    let error = fetcher.fetch(BUCKET, KEY, listed, CAP).await.unwrap_err();
    assert!(error.to_string().contains("replaced since"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_waited_for_longer_than_a_broken_one() {
    let memory = Memory::default()
        .with("busy", Answer::SlowDown(5))
        .with("busier", Answer::SlowDown(ALWAYS));
    let asked = memory.asked();
    let fetcher = fetcher(&loopback::serve(memory).await).await;
    let busy = fetcher
        .fetch(BUCKET, "busy", ListedObject::default(), CAP)
        .await;
    assert_eq!(busy.unwrap().bytes, b"busy");
    assert_eq!(asked.lock().unwrap().len(), 6);
    let error = fetcher
        .fetch(BUCKET, "busier", ListedObject::default(), CAP)
        .await;
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("SlowDown"), "{error}");
    assert!(error.contains("given up after 6 attempts"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_slows_down_to_what_the_server_bears() {
    let keys: Vec<String> = (0..1_500).map(|n| format!("object-{n}")).collect();
    let memory = Memory::new(keys.clone()).bearing(16);
    let asked = memory.asked();
    let url = loopback::serve(memory).await;
    let patient = RetryPolicy {
        attempts: 3,
        slow_downs: 50,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(50),
        ..RetryPolicy::default()
    };
    let access = Access {
        client: loopback::aws(&url).await.s3(),
        kms_key: None,
    };
    let fetcher = Fetcher::new([(BUCKET.to_owned(), access)].into(), patient);
    let fetcher = std::sync::Arc::new(fetcher);
    let mut reads = tokio::task::JoinSet::new();
    for key in keys {
        let fetcher = fetcher.clone();
        reads.spawn(async move {
            fetcher
                .fetch(BUCKET, &key, ListedObject::default(), CAP)
                .await
        });
    }
    while let Some(read) = reads.join_next().await {
        read.unwrap().unwrap();
    }
    assert_eq!(asked.lock().unwrap().len(), 1_500, "each was answered once");
    let now = fetcher.immediately();
    assert!(now <= 32, "{now} at once, where the server bears 16");
}

/// One bucket with a log for every fault, read by the real program.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_every_fault_reads_the_rest_and_names_each() {
    let key = |minute: u32| {
        let stamp = format!("20261120T11{minute:02}");
        format!("AWSLogs/{}", log("111122223333", "us-east-1", &stamp))
    };
    let event = |minute: u32| {
        format!(
            r#"{{"Records":[{{"eventVersion":"1.08","eventTime":"2026-11-20T11:{minute:02}:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","eventID":"e{minute}","recipientAccountId":"111122223333"}}]}}"#
        )
    };
    let mut memory = Memory::new([""; 0]);
    for minute in 0..12 {
        memory = memory.with(key(minute), Answer::Body(event(minute).into_bytes()));
    }
    let kms = "User is not authorized to perform: kms:Decrypt on the resource";
    let memory = memory
        .with(key(20), Answer::Denied("Access Denied"))
        .with(key(21), Answer::Denied(kms))
        .with(key(22), Answer::Gone)
        .with(key(23), Answer::Class("DEEP_ARCHIVE"))
        .with(key(24), Answer::SlowDown(2));
    let url = loopback::serve(memory).await;
    let faults = [
        (key(0), Fault::Cut(2)),
        (key(1), Fault::Reset(2)),
        (key(2), Fault::Short(2)),
        (key(3), Fault::Cut(ALWAYS)),
        (key(4), Fault::Short(ALWAYS)),
        (key(5), Fault::Reset(ALWAYS)),
    ];
    let (url, _) = spoil(&url, &faults).await;
    let mut command = product::signed_in();
    let week = ["--since", "2026-11-16", "--until", "2026-11-23"];
    let source = format!("s3://{BUCKET}");
    command.args(["run", &source, "--endpoint-url", &url]);
    command.args(week);
    let ran = tokio::task::spawn_blocking(move || product::finish(command))
        .await
        .unwrap();
    ran.assert_identities();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let objects = ["listed", "read", "refused", "archived", "broken"];
    let counts = objects.map(|what| ran.count("objects", what));
    // the object that was only slow holds its own key, which is no log
    assert_eq!(counts, [17, 9, 2, 1, 5], "{}", ran.stdout);
    assert_eq!(ran.count("records", "evaluated"), 9);
    let run = ran.json("run.json");
    let problems = run["coverage"]["problems"].as_array().unwrap();
    let said = |minute: u32| {
        let of = |problem: &&serde_json::Value| problem["object"] == key(minute);
        let problem = problems.iter().find(of).unwrap();
        problem["what"].as_str().unwrap().to_owned()
    };
    for (minute, what) in [
        (3, "broke off"),
        (4, "and the listing said"),
        (5, "broke off"),
        (20, r#""Action":"s3:GetObject""#),
        (21, r#""Action":"kms:Decrypt""#),
        (22, "deleted between listing and reading"),
        (23, "archived in storage class DEEP_ARCHIVE"),
        (24, "is not"),
    ] {
        let said = said(minute);
        assert!(said.contains(what), "{minute}: {said}");
    }
    assert_eq!(problems.len(), 8);
}
