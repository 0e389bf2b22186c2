//! One chain of digests never vouches for another.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chain::{self, BUCKET, Writer};
use crate::loopback;
use crate::loopback::cloud::{Cloud, Trail};
use crate::product::{Ran, finish, shared_data, signed_in, trailscan};

const ORGANIZATION: &str = "AWSLogs/o-abc/";

/// An account's trail, and its organization's of the same name, which begins half an hour later.
fn two_trails(offset: &str) -> (TempDir, Writer, Writer) {
    let root = tempfile::tempdir().unwrap();
    let own = Writer::hours(&root.path().join("bucket"), 6);
    let mut organization = Writer::new(&root.path().join("bucket"));
    organization.front = ORGANIZATION.to_owned();
    organization.start_at(offset);
    for _ in 0..6 {
        organization.hour(3);
    }
    (root, own, organization)
}

fn verify(root: &TempDir, writer: &Writer, arguments: &[&str]) -> Ran {
    let keys = writer.keys(root.path());
    verify_with(&root.path().join("bucket"), &keys, arguments)
}

fn verify_with(folder: &Path, keys: &Path, arguments: &[&str]) -> Ran {
    let mut command = trailscan();
    command
        .arg("verify")
        .arg(folder)
        .arg("--public-keys")
        .arg(keys)
        .args(arguments);
    let ran = finish(command);
    for chain in ran.json("integrity.json")["chains"].as_array().unwrap() {
        for hole in chain["holes"].as_array().unwrap() {
            let (from, to) = (hole["from"].as_str().unwrap(), hole["to"].as_str().unwrap());
            assert!(from < to, "{hole}");
        }
    }
    ran
}

fn assert_ends(ran: &Ran, code: i32, says: &str) {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(says), "{says}: {}", ran.stdout);
    assert!(!ran.stdout.contains("it was added"), "{}", ran.stdout);
}

fn chains(ran: &Ran) -> Vec<Value> {
    ran.json("integrity.json")["chains"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn two_trails_of_one_name_are_two_chains() {
    // their digests end at other seconds, or at the same
    for offset in ["2026-11-20T00:44:03Z", "2026-11-20T00:17:28Z"] {
        let (root, own, _) = two_trails(offset);
        let ran = verify(&root, &own, &[]);
        assert_ends(&ran, 0, "12 of 12 digests valid, 36 of 36 logs valid");
        assert_eq!(chains(&ran).len(), 2);
        assert!(
            ran.stdout.contains("below AWSLogs/o-abc/"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_end_of_one_chain_is_missed_though_another_of_its_name_goes_on() {
    for offset in ["2026-11-20T00:44:03Z", "2026-11-20T00:17:28Z"] {
        let (root, own, organization) = two_trails(offset);
        for hour in 3..6 {
            for key in organization.hours[hour]
                .logs
                .iter()
                .chain([&organization.hours[hour].digest])
            {
                fs::remove_file(organization.path(key)).unwrap();
            }
        }
        let ran = verify(&root, &own, &[]);
        assert_ends(&ran, 3, "there is no digest after 2026-11-20T03:");
        // with its logs left, nobody but AWS is said to have put them there
        let (root, own, organization) = two_trails(offset);
        for hour in 3..6 {
            fs::remove_file(organization.digest_path(hour)).unwrap();
        }
        let ran = verify(&root, &own, &[]);
        assert_ends(&ran, 4, "there is no digest after 2026-11-20T03:");
        assert_eq!(ran.json("integrity.json")["logs"]["not_proven"], 9);
        assert_eq!(ran.json("integrity.json")["logs"]["valid"], 27);
    }
}

#[test]
fn a_digest_missing_in_one_chain_is_not_covered_by_the_other() {
    for offset in ["2026-11-20T00:44:03Z", "2026-11-20T00:17:28Z"] {
        let (root, own, organization) = two_trails(offset);
        fs::remove_file(organization.digest_path(2)).unwrap();
        let ran = verify(&root, &own, &[]);
        assert_ends(&ran, 4, "is missing");
        assert_eq!(ran.json("integrity.json")["logs"]["valid"], 33);
        assert_eq!(ran.json("integrity.json")["logs"]["not_proven"], 3);
        // a whole chain
        for hour in [0, 1, 3, 4, 5] {
            fs::remove_file(organization.digest_path(hour)).unwrap();
        }
        let ran = verify(&root, &own, &[]);
        assert_ends(&ran, 3, "lie in another place");
        assert_eq!(ran.json("integrity.json")["logs"]["valid"], 18);
    }
}

#[test]
fn trails_of_one_name_copied_into_one_folder_stay_apart() {
    // from the account's folder on, both have the same keys
    let (root, own, organization) = two_trails("2026-11-20T00:44:03Z");
    let merged = root.path().join("merged");
    for (writer, hours) in [(&own, 6), (&organization, 3)] {
        for hour in writer.hours.iter().take(hours) {
            for key in hour.logs.iter().chain([&hour.digest]) {
                let to = merged.join(key.strip_prefix(&writer.front).unwrap());
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(writer.path(key), &to).unwrap();
                if key.contains("Digest") {
                    fs::copy(chain::side(&writer.path(key)), chain::side(&to)).unwrap();
                }
            }
        }
    }
    let ran = verify_with(&merged, &own.keys(root.path()), &[]);
    assert_ends(&ran, 3, "there is no digest after 2026-11-20T03:44:03Z");
    assert_eq!(chains(&ran).len(), 2);
}

/// A trail that was given another bucket after three hours, each bucket in a folder of its name.
fn moved_trail() -> (TempDir, Writer, Writer) {
    let root = tempfile::tempdir().unwrap();
    let mut old = Writer::new(&root.path().join("copy/old-logs"));
    "old-logs".clone_into(&mut old.bucket);
    for _ in 0..3 {
        old.hour(3);
    }
    let mut new = Writer::following(&root.path().join("copy/new-logs"), &old);
    "new-logs".clone_into(&mut new.bucket);
    for _ in 0..3 {
        new.hour(3);
    }
    (root, old, new)
}

#[test]
fn a_chain_that_goes_on_in_a_bucket_which_was_not_copied_is_not_proven() {
    let (root, old, new) = moved_trail();
    let keys = new.keys(root.path());
    let copy = root.path().join("copy");
    let since = ["--since", "2026-11-20T00:17:28Z"];
    let bucket = ["--original-bucket", "new-logs"];
    for arguments in [&since[..], &[&since[..], &bucket].concat()] {
        let ran = verify_with(&copy.join("new-logs"), &keys, arguments);
        assert_ends(
            &ran,
            3,
            "the chain continues in bucket old-logs, which this copy does not hold",
        );
        assert_eq!(ran.json("integrity.json")["logs"]["valid"], 9);
        assert_eq!(chains(&ran)[0]["holes"][0]["state"], "not_proven");
    }
    // with both, side by side, it is one chain
    let both = verify_with(&copy, &keys, &since);
    assert_ends(&both, 0, "6 of 6 digests valid, 18 of 18 logs valid");
    assert_eq!(chains(&both).len(), 1);
    // a digest that is missing in the old bucket is missed there
    fs::remove_file(old.digest_path(1)).unwrap();
    assert_ends(&verify_with(&copy, &keys, &since), 4, "is missing");
    // and one that is missing in the new one is not excused
    fs::remove_file(new.digest_path(1)).unwrap();
    assert_eq!(verify_with(&copy.join("new-logs"), &keys, &since).code, 4);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_public_reports_come_out_as_their_readme_says() {
    let reports = shared_data("public-reports");
    let arguments = [
        "--original-bucket",
        "clinic-logs-new",
        "--since",
        "2026-11-20T09:00:00Z",
    ];
    let folder = reports.join("17-digest-bucket-changed");
    let ran = verify_with(
        &folder.join("clinic-logs-new"),
        &folder.join("keys.json"),
        &arguments,
    );
    assert_ends(&ran, 3, "NOT PROVEN");
    for report in ["38-masked-end-same-name", "38b-masked-end-other-name"] {
        let folder = reports.join(report);
        let bucket = folder.join("aws-controltower-logs");
        for arguments in [&[][..], &["--until", "2026-11-20T15:17:28Z"]] {
            let ran = verify_with(&bucket, &folder.join("keys.json"), arguments);
            assert!(ran.code >= 3, "{report} {arguments:?}: {}", ran.stdout);
            assert!(!ran.stdout.contains("it was added"), "{}", ran.stdout);
        }
        assert_eq!(
            verify_with(&bucket, &folder.join("keys.json"), &[]).code,
            3,
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_the_chain_of_an_organization_is_not_that_of_an_account() {
    let (root, own, organization) = two_trails("2026-11-20T00:44:03Z");
    let buckets = tempfile::tempdir().unwrap();
    let files = s3s_fs::FileSystem::new(buckets.path()).unwrap();
    let mut trail = Trail::named("main_trail");
    trail.bucket = BUCKET;
    let written: chrono::DateTime<chrono::Utc> = "2026-11-20T06:25:28Z".parse().unwrap();
    let status = json!({"IsLogging": true, "LatestDigestDeliveryError": "",
        "LatestDigestDeliveryTime": written.timestamp()});
    let cloud = Cloud::over(files, &[trail], own.api_keys()).telling(vec![("us-east-1", status)]);
    let url = cloud.serve().await;
    let client = loopback::aws(&url).await.s3();
    let folder = root.path().join("bucket");
    // nothing is left of what the trail of the account wrote
    chain::upload(&client, BUCKET, &folder, |name| {
        name.starts_with(ORGANIZATION)
    })
    .await;
    let verify = |window: &[&str]| {
        let mut command = signed_in();
        command.arg("verify").arg(format!("s3://{BUCKET}"));
        command.args(["--endpoint-url", &url]).args(window);
        tokio::task::spawn_blocking(move || finish(command))
    };
    let open = [
        "--since",
        "2026-11-20T00:17:28Z",
        "--until",
        "2026-11-20T06:44:03Z",
    ];
    let ran = verify(&open).await.unwrap();
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    let gone = "no digest is here, and CloudTrail wrote some, the last at 2026-11-20T06:25:28Z";
    assert!(ran.stdout.contains(gone), "{}", ran.stdout);
    assert_eq!(ran.json("integrity.json")["logs"]["valid"], 18);
    // with the account's chain, and without the end of the organization's
    for key in own
        .hours
        .iter()
        .flat_map(|hour| hour.logs.iter().chain([&hour.digest]))
    {
        let path = own.path(key);
        chain::put(&client, BUCKET, key, fs::read(&path).unwrap(), &path).await;
    }
    let short = [open[0], open[1], "--until", "2026-11-20T06:17:28Z"];
    let ran = verify(&short).await.unwrap();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for hour in &organization.hours[4..] {
        for key in hour.logs.iter().chain([&hour.digest]) {
            client
                .delete_object()
                .bucket(BUCKET)
                .key(key)
                .send()
                .await
                .unwrap();
        }
    }
    let ran = verify(&short).await.unwrap();
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("there is no digest after 2026-11-20T04:44:03Z"),
        "{}",
        ran.stdout
    );
}
