//! The short way to an object and the SDK's: the same bytes, the same metadata, the same faults.

use crate::loopback;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider, StalledStreamProtectionConfig};
use loopback::faulty::{Fault, Requests, spoil};
use loopback::{Answer, BUCKET, Memory, log};
use trailscan::aws::Aws;
use trailscan::source::s3::{Access, Fetcher, ListedObject, RetryPolicy};
use trailscan::source::{FetchError, Fetched};

const CAP: u64 = 1 << 20;
/// Above any count of requests here.
const ALWAYS: u32 = u32::MAX;

/// Who waits for little, so that a fault that stays is soon named.
fn patience() -> RetryPolicy {
    RetryPolicy {
        attempts: 2,
        slow_downs: 2,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
        ..RetryPolicy::default()
    }
}

/// The short way and the SDK's, with the same client.
fn both(client: &Client) -> [Fetcher; 2] {
    let buckets = || {
        let access = Access {
            client: client.clone(),
            kms_key: None,
        };
        [(BUCKET.to_owned(), access)].into()
    };
    [
        Fetcher::new(buckets(), patience()),
        Fetcher::through_sdk(buckets(), patience()),
    ]
}

/// What came of a read, in words.
async fn read(fetcher: &Fetcher, key: &str) -> Result<Fetched, String> {
    let read = fetcher
        .fetch(BUCKET, key, ListedObject::default(), CAP)
        .await;
    read.map_err(|error| format!("{error:?}"))
}

/// Keys that no trail writes and every bucket may hold; the server checks the signature of each.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_is_found_by_either_way() {
    let keys = [
        &log("111122223333", "us-east-1", "20261120T1145"),
        "with space/and+plus",
        "a//b///c",
        "%2F is no slash, %25 no sign",
        "question?x-id=ListBuckets&and#mark",
        "ünïcödé/日本語/😀",
        "~tilde!*'();:@,$[]{}|^`<>\"\\",
        "trailing.",
    ];
    let client = loopback::aws(&loopback::serve(Memory::new(keys)).await)
        .await
        .s3();
    for fetcher in both(&client) {
        for key in keys {
            let fetched = read(&fetcher, key).await.unwrap();
            assert_eq!(fetched.bytes, key.as_bytes());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_the_same_by_either_way() {
    let memory = Memory::default().with("digest", Answer::Noted);
    let client = loopback::aws(&loopback::serve(memory).await).await.s3();
    let [short, sdk] = both(&client);
    let read = read(&short, "digest").await.unwrap();
    let noted = [
        ("signature", "00ff"),
        ("signature-algorithm", "SHA256withRSA"),
    ];
    let noted = noted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read.metadata, noted.into());
    assert_eq!(Ok(read), self::read(&sdk, "digest").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_read_the_same_by_either_way() {
    let kms = "User is not authorized to perform: kms:Decrypt on resource: \
        arn:aws:kms:us-east-1:111122223333:key/1 <because> \"no\" policy & so on";
    let refused = [
        ("denied", Answer::Denied("Access Denied")),
        ("key", Answer::Denied(kms)),
        ("gone", Answer::Gone),
        ("cold", Answer::Class("DEEP_ARCHIVE")),
        ("tier", Answer::Tier),
        ("slow", Answer::SlowDown(ALWAYS)),
    ];
    let memory = refused
        .iter()
        .cloned()
        .fold(Memory::new(["sound"]), |memory, (key, answer)| {
            memory.with(key, answer)
        });
    let client = loopback::aws(&loopback::serve(memory).await).await.s3();
    let [short, sdk] = both(&client);
    for key in refused.iter().map(|(key, _)| *key).chain(["none", "sound"]) {
        assert_eq!(read(&short, key).await, read(&sdk, key).await, "{key}");
    }
    let FetchError::Refused(what) = short
        .fetch(BUCKET, "key", ListedObject::default(), CAP)
        .await
        .unwrap_err()
    else {
        panic!("no refusal");
    };
    assert!(
        what.contains("key/1 <because> \"no\" policy & so on"),
        "{what}"
    );
}

/// Neither by a redirect to another Region nor by one who is not known.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_read_at_all_says_the_same_by_either_way() {
    let elsewhere = Memory::new(["key"]).in_region("eu-west-1");
    let elsewhere = loopback::serve(elsewhere).await;
    let paid = loopback::serve(Memory::new(["key"]).paid_by_requesters()).await;
    for url in [elsewhere, paid, "http://127.0.0.1:1".to_owned()] {
        let [short, sdk] = both(&loopback::aws(&url).await.s3());
        let said = read(&short, "key").await;
        assert!(said.is_err(), "{url}");
        assert_eq!(said, read(&sdk, "key").await, "{url}");
    }
}

/// The same client with short time-outs instead of the program's long ones.
async fn with_short_timeouts(url: &str) -> Client {
    let short = Duration::from_millis(400);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(short)
        .read_timeout(short);
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(short);
    let config = loopback::aws(url).await.s3().config().to_builder();
    let config = config.timeout_config(timeouts.build());
    Client::from_conf(config.stalled_stream_protection(stalled.build()).build())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_answer_is_named_the_same_by_either_way() {
    const KEY: &str = "an-object-of-thirty-two-bytes-ok";
    type Make = fn(u32) -> Fault;
    let faults: [(Make, bool); 6] = [
        (Fault::Cut, true),
        (Fault::Reset, true),
        (Fault::Short, true),
        (Fault::Long, true),
        (Fault::Silent, true),
        // the SDK says how many bytes a second it wanted, where no byte came
        (Fault::Stalled, false),
    ];
    for (fault, in_words) in faults {
        let url = loopback::serve(Memory::new([KEY])).await;
        let (url, requests): (_, Requests) = spoil(&url, &[(KEY.to_owned(), fault(ALWAYS))]).await;
        let [short, sdk] = both(&with_short_timeouts(&url).await);
        let (ours, asked) = (read(&short, KEY).await, requests.lock().unwrap()[KEY]);
        let theirs = read(&sdk, KEY).await;
        assert_eq!(requests.lock().unwrap()[KEY], 2 * asked, "{ours:?}");
        match in_words {
            true => assert_eq!(ours, theirs),
            false => {
                for said in [ours, theirs] {
                    let said = said.unwrap_err();
                    assert!(said.contains("broke off after 16 bytes"), "{said}");
                }
            }
        }
    }
}

/// Once credentials end, the next read asks for others; until then nobody asks.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_end_are_asked_for_again_by_either_way() {
    let url = loopback::serve(Memory::new(["key"])).await;
    // nearer than the margin before the end, and an hour away
    for (seconds, renewed) in [(5, true), (3_600, false)] {
        for way in 0..2 {
            let ends = SystemTime::now() + Duration::from_secs(seconds);
            let signed_out = Arc::new(AtomicBool::new(false));
            let asked = Arc::clone(&signed_out);
            let provider = provide_credentials_fn(move || {
                let user = if asked.load(Ordering::SeqCst) {
                    "nobody"
                } else {
                    "test"
                };
                async move { Ok(Credentials::new(user, "test", None, Some(ends), "test")) }
            });
            let provider = SharedCredentialsProvider::new(provider);
            let aws = Aws::with_credentials(&loopback::options(&url), provider).await;
            let fetcher = &both(&aws.s3())[way];
            assert_eq!(read(fetcher, "key").await.unwrap().bytes, b"key");
            signed_out.store(true, Ordering::SeqCst);
            let refused = read(fetcher, "key").await.is_err();
            assert_eq!(refused, renewed, "way {way}, {seconds} s");
        }
    }
}

/// Missing credentials are reported by the SDK, whichever way comes first.
#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_either_way_says_so() {
    let url = loopback::serve(Memory::new(["key"])).await;
    let provider = provide_credentials_fn(|| async {
        Err(CredentialsError::not_loaded("nobody is logged in"))
    });
    let provider = SharedCredentialsProvider::new(provider);
    let aws = Aws::with_credentials(&loopback::options(&url), provider).await;
    let [short, sdk] = both(&aws.s3());
    let said = read(&short, "key").await;
    assert_eq!(said, read(&sdk, "key").await);
    assert!(said.unwrap_err().contains("aws sso login"));
}
