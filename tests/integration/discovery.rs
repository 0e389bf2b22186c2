//! `trailscan run` without a SOURCE: CloudTrail is asked where its trails write, and every place is
//! read once, in the views that an account has of its own trails and of its organization's.

use crate::loopback;
use crate::product;

use loopback::cloud::{Cloud, Trail};
use loopback::{Answer, BUCKET, Memory, log};
use product::Ran;

const ONE: &str = "111122223333";
const TWO: &str = "444455556666";
const ORGANIZATION: &str = "o-abc1234567";
const ROLE: &str = "arn:aws:iam::111122223333:role/auditor";

/// A log with one event, so that an object read twice or not at all shows in the counts.
fn event(key: &str) -> Answer {
    let parts: Vec<_> = key.split('/').collect();
    let at = parts.iter().position(|part| part.starts_with("CloudTrail"));
    let (account, region) = (parts[at.unwrap() - 1], parts[at.unwrap() + 1]);
    let text = format!(
        r#"{{"Records":[{{"eventVersion":"1.08","eventTime":"2026-11-20T11:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"{region}","eventID":"{key}","recipientAccountId":"{account}"}}]}}"#
    );
    Answer::Body(text.into_bytes())
}

fn bucket(keys: &[String]) -> Memory {
    let keys = keys.iter();
    keys.fold(Memory::new([""; 0]), |memory, key| {
        memory.with(key.clone(), event(key))
    })
}

fn key(prefix: &str, account: &str, region: &str) -> String {
    format!("{prefix}AWSLogs/{}", log(account, region, "20261120T1105"))
}

fn of_organization(account: &str, region: &str) -> String {
    key("", account, region).replace("AWSLogs/", &format!("AWSLogs/{ORGANIZATION}/"))
}

async fn ran(url: &str, arguments: &[&str]) -> Ran {
    let mut command = product::signed_in();
    command.args(["run", "--endpoint-url", url, "--since", "2026-11-20"]);
    // the code is to tell what could be read, not what a handful of records do not show
    command.args(["--fail-on", "never"]);
    command.args(arguments);
    tokio::task::spawn_blocking(move || product::finish(command))
        .await
        .unwrap()
}

/// The keys that were fetched, sorted: each as often as it was.
fn fetched(asked: &[String]) -> Vec<&str> {
    let gets = asked.iter().filter_map(|call| call.strip_prefix("GET "));
    let mut gets: Vec<_> = gets.collect();
    gets.sort_unstable();
    gets
}

#[tokio::test(flavor = "multi_thread")]
async fn several_trails_into_one_bucket_are_read_once_each_object() {
    let mut keys = vec![
        key("", ONE, "us-east-1"),
        key("", ONE, "eu-west-1"),
        key("prod/", ONE, "us-east-1"),
    ];
    let trails = [
        Trail::named("all-regions"),
        // the copy of a trail, as other Regions show it
        Trail::named("all-regions"),
        Trail::named("second-into-the-same-place"),
        Trail {
            prefix: Some("prod"),
            ..Trail::named("with-a-prefix")
        },
        Trail {
            home: "eu-west-1",
            here: false,
            ..Trail::named("one-other-region")
        },
    ];
    let cloud = Cloud::new(bucket(&keys), &trails, None);
    let asked = cloud.asked();
    let ran = ran(&cloud.serve().await, &[]).await;
    ran.assert_identities();
    keys.sort_unstable();
    assert_eq!(fetched(&asked.lock().unwrap()), keys, "{}", ran.stderr);
    assert_eq!(ran.count("records", "evaluated"), 3);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // CloudTrail does not tell this caller what its trails record: that is named, and stops nothing
    let coverage = ran.json("coverage.json");
    let notes = coverage["notes"].to_string();
    for call in ["GetEventSelectors", "GetTrailStatus", "GetInsightSelectors"] {
        assert!(
            notes.contains(&format!("allow cloudtrail:{call}")),
            "{notes}"
        );
    }
    assert_eq!(
        coverage["trails"].as_array().unwrap().len(),
        4,
        "{}",
        coverage["trails"]
    );
    let source = ran.json("run.json")["provenance"]["source"].to_string();
    for name in [
        "second-into-the-same-place",
        "with-a-prefix",
        "one-other-region",
    ] {
        assert!(source.contains(name), "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_is_chosen_by_name_or_arn() {
    let keys = [key("a/", ONE, "us-east-1"), key("b/", ONE, "us-east-1")];
    let prefixed = |name, prefix| Trail {
        prefix: Some(prefix),
        ..Trail::named(name)
    };
    let stranger = Trail {
        account: TWO,
        here: false,
        listed: false,
        ..prefixed("theirs", "b")
    };
    let trails = [prefixed("ours", "a"), stranger.clone()];
    let cloud = Cloud::new(bucket(&keys), &trails, None);
    let asked = cloud.asked();
    let url = cloud.serve().await;
    let chosen = async |trails: &[&str]| {
        asked.lock().unwrap().clear();
        let arguments: Vec<_> = trails.iter().flat_map(|one| ["--trail", one]).collect();
        let ran = ran(&url, &arguments).await;
        let asked = asked.lock().unwrap();
        (ran.code, ran.stderr.clone(), fetched(&asked).join(" "))
    };
    let arn = stranger.arn();
    assert_eq!(chosen(&["ours"]).await.2, keys[0]);
    assert_eq!(chosen(&[&arn]).await.2, keys[1], "of another account");
    assert_eq!(chosen(&["ours", &arn]).await.2, keys.join(" "));
    let (code, stderr, read) = chosen(&["their"]).await;
    assert_eq!((code, read.as_str()), (2, ""));
    assert!(stderr.contains("no trail `their` among"), "{stderr}");
    assert!(stderr.contains("trail/ours"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_read_whole_by_its_management_and_delegated_accounts() {
    let keys = [
        key("", ONE, "us-east-1"),
        of_organization(ONE, "us-east-1"),
        of_organization(TWO, "eu-west-1"),
    ];
    // the delegated account sees the same trail: its ARN is the management account's
    for listed in [true, false] {
        let trail = Trail {
            organization: true,
            listed,
            ..Trail::named("organization")
        };
        let cloud = Cloud::new(bucket(&keys), &[trail], None);
        let ran = ran(&cloud.serve().await, &[]).await;
        assert_eq!(ran.count("records", "evaluated"), 3, "{}", ran.stderr);
        let regions = &ran.json("run.json")["coverage"]["regions"];
        assert_eq!(regions[TWO]["eu-west-1"]["events"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_may_list_only_its_own_folder_learns_how_to_name_it() {
    let keys = [
        of_organization(ONE, "us-east-1"),
        of_organization(TWO, "us-east-1"),
    ];
    let own = format!("AWSLogs/{ORGANIZATION}/{TWO}/");
    let trail = Trail {
        organization: true,
        ..Trail::named("organization")
    };
    let memory = bucket(&keys).open_only(&own);
    let cloud = Cloud::new(memory, &[trail], None);
    let asked = cloud.asked();
    let url = cloud.serve().await;
    let refused = ran(&url, &[]).await;
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("s3:ListBucket"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("AWSLogs/[o-ORGANIZATION/]ACCOUNT"),
        "{}",
        refused.stderr
    );
    asked.lock().unwrap().clear();
    let named = ran(&url, &[&format!("s3://{BUCKET}/{own}")]).await;
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert_eq!(fetched(&asked.lock().unwrap()), [&keys[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_listed_is_named_and_the_others_are_read() {
    let keys = [key("", ONE, "us-east-1")];
    let gone = Trail {
        bucket: "deleted-since",
        ..Trail::named("old")
    };
    let cloud = Cloud::new(bucket(&keys), &[Trail::named("audit"), gone], None);
    let ran = ran(&cloud.serve().await, &[]).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.count("records", "evaluated"), 1);
    let run = ran.json("run.json");
    let problem = &run["coverage"]["problems"][0];
    assert_eq!(problem["object"], "s3://deleted-since/");
    assert!(
        problem["what"].to_string().contains("trail old"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_as_a_role_happens_only_when_asked_for() {
    let keys = [key("", ONE, "us-east-1")];
    let cloud = Cloud::new(bucket(&keys), &[Trail::named("audit")], Some(ROLE));
    let asked = cloud.asked();
    let url = cloud.serve().await;
    let own = ran(&url, &[]).await;
    assert_eq!(own.code, 2, "the bucket knows the role only");
    let role = ran(&url, &["--assume-role", ROLE]).await;
    assert_eq!(role.code, 0, "{}", role.stderr);
    assert_eq!(fetched(&asked.lock().unwrap()), [&keys[0]]);
    let other = "arn:aws:iam::111122223333:role/other";
    let other = ran(&url, &["--assume-role", other]).await;
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("sts:AssumeRole"), "{}", other.stderr);
    let mistyped = ran(&url, &["--assume-role", "auditor"]).await;
    assert!(
        mistyped.stderr.contains("is not the ARN of a role"),
        "{}",
        mistyped.stderr
    );
}
