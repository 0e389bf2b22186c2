//! The whole way over AWS's own protocols, played by moto: a trail is made, found again by
//! discovery, listed and read. Runs where MOTO_ENDPOINT names a server that was just started
//! (`moto_server -p 5555`).

use crate::loopback;
use crate::product;

use aws_sdk_s3::primitives::ByteStream;
use loopback::log;
use trailscan::source::{Scope, discover, s3};

const BUCKET: &str = "trail-logs-111122223333";

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs moto and MOTO_ENDPOINT: .ci/run")]
async fn a_trail_is_discovered_listed_and_read() {
    let url = product::tool("MOTO_ENDPOINT");
    let aws = loopback::aws(&url).await;
    let (bucket, trails) = (aws.s3(), aws.cloudtrail());

    bucket.create_bucket().bucket(BUCKET).send().await.unwrap();
    let keys = ["20261110T1145", "20261111T0005", "20261118T2355"]
        .map(|stamp| format!("prod/AWSLogs/{}", log("123456789012", "us-east-1", stamp)));
    for key in &keys {
        let put = bucket.put_object().bucket(BUCKET).key(key);
        let body = ByteStream::from(key.clone().into_bytes());
        let put = put.content_encoding("gzip").body(body).send();
        put.await.unwrap();
    }
    let none = discover::trails(&trails, &[]).await.unwrap_err();
    assert!(none.to_string().contains("trailscan run s3://"), "{none}");
    for (name, multi_region) in [("audit", true), ("second", false)] {
        let trail = trails.create_trail().name(name).s3_bucket_name(BUCKET);
        let trail = trail.s3_key_prefix("prod");
        let trail = trail.is_multi_region_trail(multi_region);
        let trail = trail.enable_log_file_validation(true);
        trail.send().await.unwrap();
    }

    let found = discover::trails(&trails, &[]).await.unwrap();
    assert_eq!(found.problems, []);
    let [place] = found.places.as_slice() else {
        panic!("two trails write to one place: {found:?}");
    };
    assert_eq!((place.name.as_str(), place.also.len()), ("audit", 1));
    assert_eq!((&*place.bucket, &*place.prefix), (BUCKET, "prod"));
    assert!(place.multi_region && place.validation && !place.organization);

    let scope = Scope {
        since: "2026-11-11T00:00:00Z".parse().ok(),
        until: "2026-11-12T00:00:00Z".parse().ok(),
        ..Scope::all("2026-11-20T00:00:00Z".parse().unwrap())
    };
    let open = s3::open(&bucket, &place.bucket, &place.prefix).await;
    let client = open.unwrap();
    let listing = s3::list(&client, &place.bucket, &place.prefix, &scope).await;
    let listing = listing.unwrap();
    let [object] = listing.objects.as_slice() else {
        panic!("one log of three was delivered in the window: {listing:?}");
    };
    assert_eq!(format!("prod/{}", object.name), keys[1]);
    let bytes = s3::fetch(&client, BUCKET, &keys[1], 1 << 20).await.unwrap();
    assert_eq!(bytes.bytes, keys[1].as_bytes());
    let gone = s3::fetch(&client, BUCKET, "prod/gone", 1 << 20).await;
    assert!(gone.unwrap_err().to_string().contains("deleted"));
    let other = s3::open(&client, "no-such-bucket", "").await.unwrap_err();
    assert_eq!(other, s3::ListError::NoBucket("no-such-bucket".to_owned()));

    run_without_a_source(&url, &bucket).await;
    a_trail_of_another_region(&url).await;
    the_credential_report_is_made_and_read(&aws).await;
}

/// IAM's query protocol, signed as for AWS.
async fn the_credential_report_is_made_and_read(aws: &trailscan::aws::Aws) {
    let report = aws.credential_report().await.unwrap();
    let mut keys = trailscan::derive::access_keys::AccessKeys::default();
    keys.add(&report.as_printed()).unwrap();
}

/// `trailscan run` finds the trail by itself, and the bucket gives what its copy on disk gives.
async fn run_without_a_source(url: &str, bucket: &aws_sdk_s3::Client) {
    let root = product::samples("trails/breach");
    let everything = Scope::all("2026-11-30T00:00:00Z".parse().unwrap());
    for object in trailscan::source::local::list(&root, &everything)
        .unwrap()
        .objects
    {
        let body = ByteStream::from(std::fs::read(root.join(&object.name)).unwrap());
        let key = format!("prod/{}", object.name);
        bucket
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }
    let week = [
        "--since",
        "2026-11-16T00:00:00Z",
        "--until",
        "2026-11-23T00:00:00Z",
        "--account",
        "111122223333",
    ];
    let folder = product::run(&root, &week);
    let role = "arn:aws:iam::123456789012:role/auditor";
    for further in [&[][..], &["--trail", "second"], &["--assume-role", role]] {
        let mut command = product::signed_in();
        command.args(["run", "--endpoint-url", url]).args(week);
        command.args(further);
        let ran = tokio::task::spawn_blocking(move || product::finish(command))
            .await
            .unwrap();
        ran.assert_identities();
        let said = format!("{further:?} {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.findings(), folder.findings(), "{said}");
        let run = ran.json("run.json");
        let source = run["provenance"]["source"].as_str().unwrap();
        assert!(source.contains("second"), "{source}");
    }
}

/// An organization's trail at home in another Region is seen here as its copy, once. (A trail of one
/// other Region only is played in discovery.rs: moto lists the trails of the caller's Region.)
async fn a_trail_of_another_region(url: &str) {
    let here = loopback::aws(url).await;
    let there = loopback::options(url);
    let there = trailscan::aws::AwsOptions {
        region: Some("eu-west-1".to_owned()),
        ..there
    };
    let there = loopback::aws_with(&there).await;
    let bucket = "trail-logs-eu";
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place);
    let create = there.s3().create_bucket().bucket(bucket);
    let create = create.create_bucket_configuration(place.build());
    create.send().await.unwrap();
    let trail = there.cloudtrail().create_trail().name("europe");
    let trail = trail.s3_bucket_name(bucket).is_organization_trail(true);
    let trail = trail.is_multi_region_trail(true);
    trail.send().await.unwrap();
    let found = discover::trails(&here.cloudtrail(), &["europe".to_owned()]).await;
    let places = found.unwrap().places;
    let [place] = places.as_slice() else {
        panic!("one was asked for: {places:?}");
    };
    assert_eq!((&*place.bucket, &*place.home_region), (bucket, "eu-west-1"));
    assert!(place.organization && place.multi_region);
    let all = discover::trails(&here.cloudtrail(), &[]).await.unwrap();
    assert_eq!(all.places.len(), 2);
    let unknown = discover::trails(&here.cloudtrail(), &["asia".to_owned()]).await;
    let unknown = unknown.unwrap_err().to_string();
    assert!(unknown.contains("no trail `asia` among"), "{unknown}");
}
