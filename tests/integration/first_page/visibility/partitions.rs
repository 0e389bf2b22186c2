//! Event selectors and global Regions of every partition, not only of the main one.

use std::fs;

use super::{record, state};
use crate::product::run;
use serde_json::{Value, json};

/// The Region that records IAM, another Region, and the partition in ARNs.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("us-east-1", "us-west-2", "aws"),
    ("cn-north-1", "cn-northwest-1", "aws-cn"),
    ("us-gov-west-1", "us-gov-east-1", "aws-us-gov"),
    ("us-iso-east-1", "us-iso-west-1", "aws-iso"),
    ("us-isob-east-1", "us-isob-west-1", "aws-iso-b"),
    ("us-isof-south-1", "us-isof-east-1", "aws-iso-f"),
    ("eusc-de-east-1", "eusc-de-east-2", "aws-eusc"),
];

/// `run.json` of one log in each Region, of a trail whose data events are those of `arn` alone.
fn with_selector((global, other, partition): (&str, &str, &str), arn: &str) -> crate::product::Ran {
    let folder = tempfile::tempdir().unwrap();
    for region in [global, other] {
        let day = format!("logs/AWSLogs/111122223333/CloudTrail/{region}/2026/11/20");
        let day = folder.path().join(day);
        fs::create_dir_all(&day).unwrap();
        let name = format!("111122223333_CloudTrail_{region}_20261120T1505Z_3feab0a1a22b3003.json");
        let more = json!({"awsRegion": region});
        let call = record(0, "sts.amazonaws.com", "GetCallerIdentity", more);
        fs::write(day.join(name), json!({"Records": [call]}).to_string()).unwrap();
    }
    let trail = format!("arn:{partition}:cloudtrail:{global}:111122223333:trail/audit");
    let answers = [
        json!({"Trail": {"Name": "audit", "TrailARN": trail, "S3BucketName": "logs",
            "HomeRegion": global, "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
            "HasCustomEventSelectors": true, "HasInsightSelectors": false}}),
        json!({"TrailARN": trail, "EventSelectors": [{"ReadWriteType": "All",
            "IncludeManagementEvents": true, "DataResources":
            [{"Type": "AWS::S3::Object", "Values": [arn]}]}]}),
        json!({"IsLogging": true, "LatestDeliveryTime": 1_795_478_400, "StartLoggingTime": 1_700_000_000}),
    ];
    let settings = folder.path().join("settings.json");
    fs::write(&settings, answers.map(|one| one.to_string()).join("\n")).unwrap();
    let config = folder.path().join("trailscan.toml");
    fs::write(&config, "[phi]\nbuckets = [\"clinic-files\"]\n").unwrap();
    run(
        folder.path().join("logs"),
        &[
            "--quiet",
            "--config",
            config.to_str().unwrap(),
            "--trail-settings",
            settings.to_str().unwrap(),
        ],
    )
}

/// The state of a rule, and why it is not assessed.
fn verdict(ran: &crate::product::Ran, rule: &str) -> (Value, String) {
    let rule = state(ran, rule);
    (rule["state"].clone(), rule["reason"].to_string())
}

#[test]
fn selectors_of_a_bucket_are_understood_in_every_partition() {
    for place in PARTITIONS {
        let of = |arn: &str| {
            let arn = format!("arn:{}{arn}", place.2);
            verdict(&with_selector(place, &arn), "aws_s3_phi_mass_delete")
        };
        // saved answers have no date, so that is as good as it gets without such an event
        for arn in [":s3:::clinic-files/", ":s3:::clinic", ":s3"] {
            let (state, why) = of(arn);
            assert_eq!(state, "partly", "{place:?} {arn}: {why}");
            assert!(why.contains("trail audit records them"), "{place:?}: {why}");
        }
        let (state, why) = of(":s3:::clinic-files/images/");
        assert_eq!(state, "partly", "{place:?}: {why}");
        assert!(why.contains("a part of bucket clinic-files"), "{why}");
        let (state, why) = of(":s3:::other/");
        assert_eq!(state, "not_assessed", "{place:?}: {why}");
        assert!(
            why.contains("no data events of bucket clinic-files"),
            "{why}"
        );
    }
}

#[test]
fn iam_is_looked_for_in_the_global_region_of_every_partition() {
    for place in PARTITIONS {
        let ran = with_selector(place, &format!("arn:{}:s3", place.2));
        let coverage = ran.json("coverage.json");
        let rules = coverage["rules"].as_array().unwrap();
        let rule = rules
            .iter()
            .find(|one| one["name"] == "aws_iam_access_key_created")
            .unwrap();
        let view = usize::try_from(rule["view"].as_u64().unwrap()).unwrap();
        let groups = coverage["visibility"]["views"][view].as_array().unwrap();
        let places = groups
            .iter()
            .flat_map(|group| group["places"].as_array().unwrap());
        let regions: Vec<&Value> = places.map(|place| &place["region"]).collect();
        assert_eq!(regions, [place.0], "{place:?}");
    }
}
