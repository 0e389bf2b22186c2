//! A bucket, listed and read: every form of prefix, only the days of the window, and what happens
//! when S3 says no.

use crate::loopback;

use std::fs;

use aws_sdk_s3::Client;
use chrono::{DateTime, Duration, Utc};
use loopback::{Answer, BUCKET, Memory, log};
use trailscan::aws::AwsOptions;
use trailscan::coverage::ProblemKind;
use trailscan::source::s3::{self, ListError};
use trailscan::source::{FetchError, Listing, Scope, local};

const ONE: &str = "111122223333";
const TWO: &str = "444455556666";
/// More than any object here.
const CAP: u64 = 1 << 20;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn all() -> Scope {
    Scope::all(time("2026-11-20T00:00:00Z"))
}

/// From that day, until now.
fn since(day: &str) -> Scope {
    Scope {
        since: Some(time(&format!("{day}T00:00:00Z"))),
        slack: Duration::hours(24),
        ..all()
    }
}

fn names(listing: &Listing) -> Vec<&str> {
    let objects = listing.objects.iter();
    objects.map(|object| object.name.as_str()).collect()
}

async fn client(memory: Memory) -> Client {
    loopback::aws(&loopback::serve(memory).await).await.s3()
}

/// An account trail and an organization trail in one bucket, and other services beside them.
fn keys() -> Vec<String> {
    let logs = [
        format!("AWSLogs/{}", log(ONE, "us-east-1", "20261110T1145")),
        format!("AWSLogs/{}", log(ONE, "eu-west-1", "20261110T1150")),
        format!("AWSLogs/{}", log(ONE, "us-east-1", "20261111T0005")),
        format!(
            "AWSLogs/o-abc123/{}",
            log(ONE, "us-east-1", "20261110T1145")
        ),
        format!(
            "AWSLogs/o-abc123/{}",
            log(TWO, "us-east-1", "20261110T1200")
        ),
    ];
    let others = [
        format!("AWSLogs/{ONE}/CloudTrail/"),
        format!("AWSLogs/{ONE}/CloudTrail-Digest/us-east-1/2026/11/10/digest.json.gz"),
        format!("AWSLogs/{ONE}/vpcflowlogs/us-east-1/2026/11/10/flow.log.gz"),
        "AWSLogs/readme.txt".to_owned(),
    ];
    logs.into_iter().chain(others).collect()
}

#[tokio::test]
async fn both_layouts_of_a_bucket_are_listed_and_other_services_left_alone() {
    let client = client(Memory::new(keys())).await;
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    let mut expected: Vec<_> = keys().into_iter().take(5).collect();
    expected.sort_by_key(|key| (key.contains("/2026/11/11/"), key.clone()));
    assert_eq!(names(&listing), expected, "by day, then by name");
    assert_eq!(listing.problems, []);
    let passed: Vec<_> = listing.store.passed_over.names().into_iter().collect();
    assert_eq!(
        passed,
        [
            "AWSLogs/111122223333/CloudTrail-Digest/",
            "AWSLogs/111122223333/vpcflowlogs/",
            "AWSLogs/readme.txt",
        ]
    );
}

#[tokio::test]
async fn every_prefix_names_what_a_copy_of_it_on_disk_would() {
    let root = tempfile::tempdir().unwrap();
    for key in keys().into_iter().take(5) {
        let path = root.path().join(BUCKET).join("audit/prod").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }
    let url = loopback::serve_folder(root.path()).await;
    let client = loopback::aws(&url).await.s3();
    let day = format!("audit/prod/AWSLogs/{ONE}/CloudTrail/us-east-1/2026/11/10");
    let mut counts = Vec::new();
    for prefix in [
        "",
        "audit",
        "audit/prod/",
        "audit/prod/AWSLogs",
        "audit/prod/AWSLogs/o-abc123/",
        &format!("audit/prod/AWSLogs/{ONE}"),
        &format!("audit/prod/AWSLogs/{ONE}/CloudTrail/"),
        &format!("audit/prod/AWSLogs/{ONE}/CloudTrail/us-east-1"),
        &format!("audit/prod/AWSLogs/{ONE}/CloudTrail/us-east-1/2026/"),
        &day,
    ] {
        for scope in [all(), since("2026-11-01"), since("2026-11-19")] {
            let bucket = s3::list(&client, BUCKET, prefix, &scope).await.unwrap();
            let folder = root.path().join(BUCKET).join(prefix);
            let folder = local::list(&folder, &scope).unwrap();
            assert_eq!(names(&bucket), names(&folder), "{prefix}");
            let keys = |listing: &Listing| {
                let objects = listing.objects.iter();
                objects.map(|object| object.key.clone()).collect::<Vec<_>>()
            };
            assert_eq!(keys(&bucket), keys(&folder), "{prefix}");
            counts.push(bucket.objects.len());
        }
    }
    let with_all: Vec<_> = counts.iter().step_by(3).collect();
    assert_eq!(with_all, [&5, &5, &5, &5, &2, &3, &3, &2, &2, &1]);
    let long_ago: Vec<_> = counts.iter().skip(2).step_by(3).collect();
    assert_eq!(long_ago, [&0; 10], "nothing was delivered since");
}

#[tokio::test]
async fn a_file_named_by_its_whole_key_is_one_object() {
    let client = client(Memory::new(keys())).await;
    let key = keys().remove(0);
    let listing = s3::list(&client, BUCKET, &key, &all()).await.unwrap();
    assert_eq!(names(&listing), [key.rsplit('/').next().unwrap()]);
}

#[tokio::test]
async fn a_week_of_a_long_year_lists_only_its_days() {
    let days = DateTime::from_timestamp(0, 0).unwrap() + Duration::days(20_454);
    let year = (0..365).map(|day| days + Duration::days(day));
    let delivered = year.map(|day| day.format("%Y%m%dT1200").to_string());
    let keys = delivered.map(|stamp| format!("AWSLogs/{}", log(ONE, "us-east-1", &stamp)));
    let memory = Memory::new(keys);
    let asked = memory.asked();
    let client = client(memory).await;

    let scope = Scope {
        until: Some(time("2026-05-10T00:00:00Z")),
        ..since("2026-05-03")
    };
    let listing = s3::list(&client, BUCKET, "", &scope).await.unwrap();
    // the eighth was delivered within the slack
    assert_eq!(listing.objects.len(), 8, "{:?}", names(&listing));
    let dates = |asked: &[String]| {
        let dated = asked
            .iter()
            .filter_map(|call| call.split_once("us-east-1/"));
        let mut dates: Vec<_> = dated.map(|(_, date)| date.to_owned()).collect();
        dates.sort();
        dates
    };
    // the Region, its year and month, and the days of the window that are there
    let above = ["", "2026/", "2026/05/"].map(str::to_owned);
    let days = (2..=11).map(|day| format!("2026/05/{day:02}/"));
    let listed: Vec<_> = above.into_iter().chain(days).collect();
    assert_eq!(dates(&asked.lock().unwrap()), listed);

    asked.lock().unwrap().clear();
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    assert_eq!(
        listing.objects.len(),
        365,
        "without a window its days are found"
    );
    let dates = dates(&asked.lock().unwrap());
    // the Region, its year, twelve months, and the days that are there
    assert_eq!(dates.len(), 1 + 1 + 12 + 365);
}

#[tokio::test]
async fn accounts_and_regions_that_nobody_asked_for_are_not_listed() {
    let memory = Memory::new(keys());
    let asked = memory.asked();
    let client = client(memory).await;
    let scope = Scope {
        accounts: vec![ONE.to_owned()],
        regions: vec!["eu-west-1".to_owned()],
        ..all()
    };
    let listing = s3::list(&client, BUCKET, "AWSLogs", &scope).await.unwrap();
    assert_eq!(names(&listing).len(), 1);
    let asked = asked.lock().unwrap().clone();
    let pruned = |call: &String| call.contains(TWO) || call.contains("us-east-1");
    assert!(!asked.iter().any(pruned), "{asked:?}");

    let scope = Scope {
        accounts: vec!["123456789012".to_owned()],
        ..all()
    };
    let listing = s3::list(&client, BUCKET, "", &scope).await.unwrap();
    assert_eq!(
        names(&listing),
        [""; 0],
        "an account that is not there is no error"
    );
}

#[tokio::test]
async fn listing_goes_on_over_every_page() {
    let delivered = (0..60).map(|minute| format!("20261110T12{minute:02}"));
    let keys = delivered.map(|stamp| format!("AWSLogs/{}", log(ONE, "us-east-1", &stamp)));
    let accounts = (0..9).map(|n| {
        format!(
            "AWSLogs/{}",
            log(&format!("{n}11122223333"), "us-east-1", "20261110T1200")
        )
    });
    let client = client(Memory::new(keys.chain(accounts)).page(7)).await;
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    assert_eq!(listing.objects.len(), 60 + 9 - 1, "one key is both");
}

#[tokio::test]
async fn a_flat_copy_is_listed_whole() {
    let client = client(Memory::new(["copies/a.json.gz", "copies/b/c.json"])).await;
    let listing = s3::list(&client, BUCKET, "copies", &since("2026-11-01")).await;
    let listing = listing.unwrap();
    assert_eq!(names(&listing), ["a.json.gz", "b/c.json"]);
    assert!(listing.objects[0].key.is_none(), "its content decides");
    assert!(listing.store.passed_over.is_empty());
}

/// Insight and network activity events lie beside the logs; a copy on disk is read the same.
#[tokio::test]
async fn all_folders_of_events_are_listed_as_they_are_on_disk() {
    let of = |kind: &str, stamp: &str| {
        let name = format!("CloudTrail{kind}");
        let key = log(ONE, "us-east-1", stamp).replace("CloudTrail", &name);
        format!("AWSLogs/{key}")
    };
    let keys = [
        of("", "20261110T1145"),
        of("-Insight", "20261110T1200"),
        of("-NetworkActivity", "20261110T1210"),
        of("-NetworkActivity", "20261112T1210"),
        of("-Aggregated", "20261110T1220"),
    ];
    let root = tempfile::tempdir().unwrap();
    for key in &keys {
        let path = root.path().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }
    let client = client(Memory::new(keys)).await;
    for (scope, count) in [(all(), 4), (since("2026-11-12"), 1)] {
        let bucket = s3::list(&client, BUCKET, "", &scope).await.unwrap();
        let folder = local::list(root.path(), &scope).unwrap();
        assert_eq!(names(&bucket), names(&folder));
        assert_eq!(bucket.objects.len(), count);
        let (theirs, ours) = (&bucket.store.passed_over, &folder.store.passed_over);
        assert_eq!(theirs.names(), ours.names());
        let passed: Vec<_> = bucket.store.passed_over.names().into_iter().collect();
        assert_eq!(passed, ["AWSLogs/111122223333/CloudTrail-Aggregated/"]);
    }
}

/// However many folders are listed at once and whatever the pages, the order is one.
#[tokio::test]
async fn objects_come_by_day_and_then_by_name_whatever_the_pages() {
    let mut keys = Vec::new();
    for account in [ONE, TWO] {
        for region in ["us-east-1", "us-east-2", "us-east"] {
            for day in 8..12 {
                for minute in 0..5 {
                    let stamp = format!("202611{day:02}T1{minute}00");
                    keys.push(format!("AWSLogs/{}", log(account, region, &stamp)));
                }
            }
        }
    }
    let mut expected = keys.clone();
    expected.sort_by_key(|key| {
        let day = key.split('/').nth(6).unwrap().to_owned();
        (day, key.clone())
    });
    for page in [1000, 2] {
        let client = client(Memory::new(keys.clone()).page(page)).await;
        for scope in [all(), since("2026-11-01")] {
            let listing = s3::list(&client, BUCKET, "", &scope).await.unwrap();
            assert_eq!(names(&listing), expected);
        }
    }
}

#[tokio::test]
async fn two_trails_in_one_bucket_are_one_stream_and_no_object_comes_twice() {
    let below = |prefix: &str, stamp: &str| {
        let key = log(ONE, "us-east-1", stamp);
        format!("{prefix}AWSLogs/{key}")
    };
    let keys = [
        below("", "20261110T1145"),
        below("prod/", "20261109T1145"),
        below("prod/", "20261111T1145"),
    ];
    let client = client(Memory::new(keys)).await;
    let scope = since("2026-11-01");
    let plan = async |prefix: &str| {
        s3::plan(&client, BUCKET, prefix, true, &scope)
            .await
            .unwrap()
    };
    let mut both = plan("").await;
    both.merge(plan("prod").await);
    // the same place again, by way of a folder in it
    both.merge(plan("prod/AWSLogs").await);
    let listing = both.collect(&scope).await;
    let whole = |prefix, stamp| format!("s3://logs/{}", below(prefix, stamp));
    assert_eq!(
        names(&listing),
        [
            whole("prod/", "20261109T1145"),
            whole("", "20261110T1145"),
            whole("prod/", "20261111T1145"),
        ]
    );
}

#[tokio::test]
async fn where_the_requester_pays_only_an_offer_to_pay_is_answered() {
    let url = loopback::serve(Memory::new(keys()).paid_by_requesters()).await;
    let refused = loopback::aws(&url).await.s3();
    let error = s3::open(&refused, BUCKET, "").await.unwrap_err();
    assert!(matches!(error, ListError::Refused { .. }), "{error}");
    let paying = AwsOptions {
        request_payer: true,
        ..loopback::options(&url)
    };
    let client = loopback::aws_with(&paying).await.s3();
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    assert_eq!(listing.objects.len(), 5);
    assert!(s3::fetch(&client, BUCKET, &keys()[0], CAP).await.is_ok());
}

#[tokio::test]
async fn several_trails_are_found_below_a_prefix_and_other_folders_are_named() {
    let key = |prefix: &str| format!("{prefix}AWSLogs/{}", log(ONE, "us-east-1", "20261110T1145"));
    let keys = [
        key("prod/"),
        key("org/dev/"),
        "elb/logs/2026/x.gz".to_owned(),
        "notes.txt".to_owned(),
    ];
    let client = client(Memory::new(keys)).await;
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    assert_eq!(names(&listing), [key("org/dev/"), key("prod/")]);
    let passed: Vec<_> = listing.store.passed_over.names().into_iter().collect();
    assert_eq!(passed, ["elb/logs/2026/x.gz", "notes.txt"]);
}

#[tokio::test]
async fn a_folder_that_may_not_be_listed_is_a_problem_and_the_rest_goes_on() {
    let closed = format!("AWSLogs/{ONE}/CloudTrail/us-east-1/2026/11/11/");
    let account = format!("AWSLogs/o-abc123/{TWO}/");
    let memory = Memory::new(keys()).closed(&closed).closed(&account);
    let client = client(memory).await;
    let scope = since("2026-11-10");
    let listing = s3::list(&client, BUCKET, "", &scope).await.unwrap();
    assert_eq!(listing.objects.len(), 3);
    let problems: Vec<_> = listing
        .problems
        .iter()
        .map(|one| one.object.as_str())
        .collect();
    assert_eq!(
        problems,
        [
            format!("s3://logs/{closed}"),
            format!("s3://logs/{account}")
        ]
    );
    for problem in &listing.problems {
        assert_eq!(problem.kind, ProblemKind::Unlisted);
        assert!(problem.what.contains("s3:ListBucket on arn:aws:s3:::logs"));
    }
}

#[tokio::test]
async fn a_listing_that_is_slowed_down_goes_on_and_one_that_always_is_says_so() {
    let slow = client(Memory::new(keys()).slow_to_list(3)).await;
    let listing = s3::list(&slow, BUCKET, "", &all()).await.unwrap();
    assert_eq!(listing.objects.len(), 5);
    assert_eq!(listing.problems, []);
    let never = client(Memory::new(keys()).slow_to_list(u32::MAX)).await;
    let config = never.config().to_builder();
    let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
    let never = Client::from_conf(config.retry_config(once).build());
    let error = s3::list(&never, BUCKET, "", &all()).await.unwrap_err();
    assert!(matches!(error, ListError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("SlowDown"), "{error}");
}

#[tokio::test]
async fn a_bucket_that_cannot_be_listed_says_what_to_do() {
    let refused = client(Memory::new(keys()).closed("")).await;
    let error = s3::open(&refused, BUCKET, "").await.unwrap_err();
    assert!(matches!(error, ListError::Refused { .. }));
    assert!(
        error
            .to_string()
            .contains("allow s3:ListBucket on arn:aws:s3:::logs")
    );

    let client = client(Memory::new(["AWSLogs/111122223333/Config/us-east-1/x.gz"])).await;
    let error = s3::open(&client, "other", "").await.unwrap_err();
    assert_eq!(error, ListError::NoBucket("other".to_owned()));
    let error = s3::list(&client, BUCKET, "AWSLog", &all())
        .await
        .unwrap_err();
    assert!(matches!(error, ListError::Empty { .. }), "{error}");
    let error = s3::list(&client, BUCKET, "", &all()).await.unwrap_err();
    assert!(matches!(error, ListError::NoTrail { .. }), "{error}");
}

#[tokio::test]
async fn a_bucket_in_another_region_is_followed_there() {
    let client = client(Memory::new(keys()).in_region("eu-west-1")).await;
    let error = s3::list(&client, BUCKET, "", &all()).await.unwrap_err();
    assert!(
        error.to_string().contains("AWS_REGION=eu-west-1"),
        "{error}"
    );
    let there = s3::open(&client, BUCKET, "").await.unwrap();
    let listing = s3::list(&there, BUCKET, "", &all()).await.unwrap();
    assert_eq!(listing.objects.len(), 5);
    assert!(s3::fetch(&there, BUCKET, &keys()[0], CAP).await.is_ok());
}

#[tokio::test]
async fn the_listing_shows_archived_objects_unless_a_copy_is_restored() {
    let key = |minute: u32| {
        format!(
            "AWSLogs/{}",
            log(ONE, "us-east-1", &format!("20261110T11{minute:02}"))
        )
    };
    let memory = Memory::default()
        .page(1000)
        .with(key(10), Answer::Class("GLACIER"))
        .with(key(20), Answer::Class("DEEP_ARCHIVE"))
        .with(key(30), Answer::Restored("GLACIER"))
        .with(key(40), Answer::Class("GLACIER_IR"))
        .with(key(50), Answer::Tier);
    let client = client(memory).await;
    let listing = s3::list(&client, BUCKET, "", &all()).await.unwrap();
    let archived: Vec<_> = listing
        .objects
        .iter()
        .map(|one| one.archived.as_deref())
        .collect();
    assert_eq!(
        archived,
        [Some("GLACIER"), Some("DEEP_ARCHIVE"), None, None, None]
    );
    // the archive tiers of intelligent tiering show only when one reads
    let error = s3::fetch(&client, BUCKET, &key(50), CAP).await.unwrap_err();
    assert!(matches!(error, FetchError::Archived(_)), "{error}");
}

#[tokio::test]
async fn bytes_come_as_stored_and_no_more_than_the_cap() {
    let memory = Memory::new(["whole"]).with("slow at first", Answer::SlowDown(2));
    let client = client(memory).await;
    let fetch = async |key: &str, cap| s3::fetch(&client, BUCKET, key, cap).await;
    // served with a Content-Encoding, which nobody undoes
    assert_eq!(fetch("whole", 5).await.unwrap().bytes, b"whole");
    assert_eq!(
        fetch("slow at first", CAP).await.unwrap().bytes,
        b"slow at first"
    );
    let error = fetch("whole", 4).await.unwrap_err().to_string();
    assert!(error.contains("larger than 4 bytes"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_which_statement_to_add() {
    let kms = "User: arn:aws:iam::111122223333:user/auditor is not authorized to perform: \
        kms:Decrypt on the resource associated with this ciphertext";
    let memory = Memory::default()
        .with("object", Answer::Denied("Access Denied"))
        .with("key", Answer::Denied(kms));
    let client = client(memory).await;
    let refusal = async |key: &str| match s3::fetch(&client, BUCKET, key, CAP).await {
        Err(FetchError::Refused(what)) => what,
        other => panic!("no refusal: {other:?}"),
    };
    let what = refusal("object").await;
    assert!(
        what.contains(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*""#),
        "{what}"
    );
    let what = refusal("key").await;
    assert!(what.contains(r#""Action":"kms:Decrypt""#), "{what}");
    let gone = s3::fetch(&client, BUCKET, "gone", CAP).await.unwrap_err();
    assert_eq!(gone.to_string(), "deleted between listing and reading");
}
