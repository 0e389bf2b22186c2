//! Coverage end to end: sample trails whose settings change inside the window, saved as
//! coverage.json and as the terminal shows it; and, where MOTO_ENDPOINT names a server, the
//! settings as CloudTrail's own API tells them.

use crate::chain;
use crate::loopback;
use crate::product;

use aws_sdk_cloudtrail::types::{
    AdvancedEventSelector, AdvancedFieldSelector, DataResource, EventSelector, InsightSelector,
    InsightType, ReadWriteType,
};
use product::{FIXED_RULES, run_fixed, samples, trailscan};
use serde_json::Value;
use trailscan::source::discover;
use trailscan::trail::{Class, Lookup, Reach, Trail};

/// `trailscan coverage SOURCE ARGUMENTS`, with rules that do not grow: its exit code and what it prints.
fn coverage(source: &str, arguments: &[&str]) -> (i32, String, String) {
    let rules: &[&str] = match arguments.contains(&"--rules") {
        true => &[],
        false => &FIXED_RULES,
    };
    let mut command = trailscan();
    // after the samples' last week: nothing is still to come
    command.env("SOURCE_DATE_EPOCH", "1795478400");
    let output = command
        .args(["coverage", "--quiet", source])
        .args(arguments)
        .args(rules)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json(source: &str, arguments: &[&str]) -> Value {
    let (_, stdout, stderr) = coverage(source, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}\n{stderr}"))
}

/// The verdicts on a rule in a place: `FROM UNTIL state`.
fn verdicts(report: &Value, rule: &str, region: &str) -> Vec<String> {
    let rules = report["rules"].as_array().unwrap();
    let rule = rules.iter().find(|one| one["name"] == rule).unwrap();
    let view = usize::try_from(rule["view"].as_u64().unwrap()).unwrap();
    let groups = report["visibility"]["views"][view].as_array().unwrap();
    let here = |group: &&Value| {
        let mut places = group["places"].as_array().unwrap().iter();
        places.any(|place| place["region"] == region)
    };
    let text = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
    let runs = groups
        .iter()
        .find(here)
        .map(|group| group["runs"].as_array().unwrap());
    let runs = runs.into_iter().flatten();
    runs.map(|run| {
        format!(
            "{} {} {}",
            text(run, "from"),
            text(run, "until"),
            text(run, "state")
        )
    })
    .collect()
}

#[test]
fn a_week_in_which_the_trail_was_stopped_says_so_on_the_terminal() {
    let (code, stdout, _) = coverage("samples/trails/breach", &[]);
    assert_eq!(
        code, 0,
        "a stop is a finding of `run`, and all files were read"
    );
    insta::assert_snapshot!("breach_grid", stdout);
    let report = json("samples/trails/breach", &[]);
    assert_eq!(
        verdicts(&report, "aws_sts_assume_role_denied", "us-east-1"),
        [
            "2026-11-16T08:00:00Z 2026-11-19T14:00:00Z assessed",
            "2026-11-19T14:00:00Z 2026-11-19T17:00:00Z not_assessed",
            "2026-11-19T17:00:00Z 2026-11-22T23:00:00Z assessed",
        ]
    );
}

#[test]
fn a_copied_folder_is_judged_by_what_somebody_saved_of_its_trail() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
    let trail = format!(
        r#"{{"trailList": [{{"Name": "audit", "TrailARN": "{arn}", "S3BucketName": "logs",
            "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": true, "HasInsightSelectors": false}}]}}"#
    );
    let selectors = format!(
        r#"{{"TrailARN": "{arn}", "EventSelectors": [{{"ReadWriteType": "WriteOnly",
            "IncludeManagementEvents": true, "DataResources": []}}]}}"#
    );
    let (trail, selectors) = (
        file("trail.json", &trail),
        file("selectors.json", &selectors),
    );
    let status = file(
        "status.json",
        r#"{"IsLogging": true, "LatestDeliveryTime": 1795000000}"#,
    );
    let settings = [
        "--trail-settings",
        &trail,
        "--trail-settings",
        &selectors,
        "--trail-settings",
        &status,
    ];
    let (code, stdout, stderr) = coverage("samples/trails/quiet", &settings);
    assert_eq!(code, 0, "a standing blind spot: {stdout}{stderr}");
    assert!(
        stdout.contains("Trail audit: all Regions; logging; selectors known; no Insights"),
        "{stdout}"
    );
    assert!(stdout.contains("write-only trail: trail audit"), "{stdout}");
    assert!(
        stdout.contains("Trail settings come from saved CLI output"),
        "{stdout}"
    );
    // the report of a run says the same
    let ran = run_fixed("samples/trails/quiet", &settings);
    let reason = |report: &Value| {
        let rules = report["rules"].as_array().unwrap();
        let rule = rules
            .iter()
            .find(|rule| rule["name"] == "aws_sts_assume_role_denied");
        rule.unwrap()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let report = json("samples/trails/quiet", &settings);
    assert!(
        reason(&report).contains("trail audit"),
        "{}",
        reason(&report)
    );
    assert_eq!(reason(&ran.json("coverage.json")), reason(&report));

    let (code, _, stderr) = coverage("samples/trails/quiet", &settings[2..]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("no answer of describe-trails or get-trail"),
        "{stderr}"
    );
}

#[test]
fn selectors_narrowed_inside_the_window_end_what_was_seen_until_they_are_widened() {
    let report = json("samples/trails/narrowed", &[]);
    assert_eq!(
        verdicts(&report, "aws_sts_assume_role_denied", "us-east-1"),
        [
            "2026-11-16T08:00:00Z 2026-11-17T09:00:00Z assessed",
            "2026-11-17T09:00:00Z 2026-11-17T10:00:00Z partly",
            "2026-11-17T10:00:00Z 2026-11-18T15:00:00Z not_assessed",
            "2026-11-18T15:00:00Z 2026-11-18T19:00:00Z assessed",
        ]
    );
    // writes were recorded all the time
    assert_eq!(
        verdicts(&report, "aws_iam_access_key_created", "us-east-1"),
        ["2026-11-16T08:00:00Z 2026-11-18T19:00:00Z assessed"]
    );
    let rules = report["rules"].as_array().unwrap();
    let reason = |name: &str| {
        let rule = rules.iter().find(|rule| rule["name"] == name).unwrap();
        rule["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        reason("aws_secretsmanager_secret_read_refused_repeatedly")
            .contains("GetSecretValue are reads"),
        "{}",
        reason("aws_secretsmanager_secret_read_refused_repeatedly")
    );
    let own = [
        "--no-builtin-rules",
        "--rules",
        "tests/integration/rules/kms",
    ];
    let mut report = json("samples/trails/narrowed", &own);
    report["provenance"] = Value::Null;
    let text = serde_json::to_string_pretty(&report).unwrap();
    insta::assert_snapshot!("narrowed_json", text);
    insta::assert_snapshot!("narrowed_grid", coverage("samples/trails/narrowed", &[]).1);
}

#[test]
fn a_run_writes_the_same_coverage_and_shows_it_in_the_page() {
    let ran = run_fixed(samples("trails/narrowed"), &[]);
    let mut written = ran.json("coverage.json");
    let mut printed = json(samples("trails/narrowed").to_str().unwrap(), &[]);
    for report in [&mut written, &mut printed] {
        // when it was made, and what the rules found
        report["provenance"]["created"] = Value::Null;
        for rule in report["rules"].as_array_mut().unwrap() {
            rule["findings"] = Value::Null;
        }
        for place in report["places"].as_array_mut().unwrap() {
            place["stretches"] = Value::Null;
        }
        report["notes"] = Value::Null;
    }
    assert_eq!(written, printed);
    let page = ran.file("report.html");
    assert!(page.contains("Hour by hour") && page.contains("Partly assessed: "));
    assert!(ran.stdout.contains("partly assessed"), "{}", ran.stdout);
    assert!(ran.stdout.contains("coverage.json"));
}

#[test]
fn a_filter_that_leaves_out_us_east_1_hides_iam_and_says_so() {
    let (code, stdout, stderr) = coverage("samples/trails/breach", &["--region", "us-west-2"]);
    // on the 19th, when logging was stopped, the one Region asked for has no file
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("on 1 whole day: 2026-11-19"), "{stdout}");
    assert!(stderr.contains("us-east-1"), "{stderr}");
    assert!(
        stdout.contains("--region excludes us-east-1, where IAM and most sign-ins are recorded")
    );
    let report = json("samples/trails/breach", &["--region", "us-west-2"]);
    let iam = verdicts(&report, "aws_iam_access_key_created", "us-east-1");
    assert!(
        iam.iter().all(|run| run.ends_with(" not_assessed")),
        "{iam:?}"
    );
    assert!(!iam.is_empty());
}

#[test]
fn broken_files_late_files_and_duplicates_stand_in_their_hours() {
    let folder = tempfile::tempdir().unwrap();
    let days = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/18";
    let from = samples("trails/narrowed").join(days);
    let into = folder.path().join(days);
    std::fs::create_dir_all(&into).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&from)
        .unwrap()
        .map(|one| one.unwrap().file_name())
        .collect();
    names.sort();
    for name in &names {
        std::fs::copy(from.join(name), into.join(name)).unwrap();
    }
    // the first once more, delivered in the hour after; and one cut in its middle
    let first = names[0].to_str().unwrap();
    let bytes = std::fs::read(from.join(first)).unwrap();
    let copy = "111122223333_CloudTrail_us-east-1_20261118T0920Z_AAAAAAAAAAAAAAAA.json.gz";
    std::fs::write(into.join(copy), &bytes).unwrap();
    let cut = "111122223333_CloudTrail_us-east-1_20261118T1105Z_BBBBBBBBBBBBBBBB.json.gz";
    std::fs::write(into.join(cut), &bytes[..bytes.len() / 2]).unwrap();
    let report = json(folder.path().to_str().unwrap(), &[]);
    let hours = report["places"][0]["hours"].as_array().unwrap();
    let at = |hour: &str| {
        let hour = format!("2026-11-18T{hour}:00:00Z");
        hours.iter().find(|one| one["hour"] == hour).unwrap()
    };
    assert_eq!(at("08")["duplicates"], at("08")["events"]);
    assert_eq!(
        (&at("09")["objects"], &at("09")["late"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&at("11")["broken"], &at("11")["events"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        (&at("20")["objects"], &at("20")["late"]),
        (&1.into(), &1.into()),
        "two hours late"
    );
    let stretches = report["places"][0]["stretches"].as_array().unwrap();
    assert!(stretches.iter().any(|one| one["state"] == "unread"));
    let writes = verdicts(&report, "aws_iam_access_key_created", "us-east-1");
    assert!(
        writes.contains(&"2026-11-18T10:00:00Z 2026-11-18T12:00:00Z partly".to_owned()),
        "{writes:?}"
    );
}

/// A client for moto, or `None` if there is none.
/// Hours of three logs, of none, of none and of three whose logs somebody deleted; signed throughout.
#[test]
fn digests_tell_a_quiet_hour_from_one_whose_logs_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let bucket = root.path().join("bucket");
    let mut writer = chain::Writer::new(&bucket);
    for logs in [3, 0, 0, 3, 3] {
        writer.hour(logs);
    }
    for log in 0..3 {
        std::fs::remove_file(writer.log_path(3, log)).unwrap();
    }
    let keys = writer.keys(root.path());
    let until = writer.hours.last().unwrap().end;
    let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let window = ["--since", "2026-11-20T00:17:28Z", "--until", &until];
    let stretches = |report: &Value| -> Vec<String> {
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let all = report["places"][0]["stretches"].as_array().unwrap().iter();
        all.map(|one| {
            let hours = [text(one, "from"), text(one, "until")]
                .map(|time| time.get(11..13).unwrap().to_owned());
            format!("{}-{} {}", hours[0], hours[1], text(one, "state"))
        })
        .collect()
    };
    let source = bucket.to_str().unwrap();
    let report = json(source, &window);
    assert_eq!(
        stretches(&report),
        [
            "00-01 events",
            "01-04 no_files",
            "04-05 events",
            "05-06 no_files"
        ],
        "without digests a quiet hour is not known"
    );
    assert_eq!(report["places"][0]["digests"], serde_json::json!([]));

    let out = root.path().join("proof");
    let out = out.to_str().unwrap();
    let keys = keys.to_str().unwrap();
    let verify = [
        &window[..],
        &["--verify", "--public-keys", keys, "--out", out],
    ]
    .concat();
    let report = json(source, &verify);
    let digests = report["places"][0]["digests"].as_array().unwrap();
    assert_eq!(digests.len(), 5);
    assert!(digests.iter().all(|digest| digest["state"] == "valid"));
    let shown = stretches(&report);
    assert_eq!(
        shown,
        [
            "00-01 events",
            "01-03 quiet",
            "03-04 missing",
            "04-05 events",
            "05-06 quiet"
        ]
    );
    let (code, grid, _) = coverage(source, &verify);
    assert_eq!(code, 4, "three logs that were signed are not there: {grid}");
    assert!(root.path().join("proof/integrity.json").is_file());
    let (code, _, stderr) = coverage(source, &["--public-keys", keys]);
    assert_eq!(code, 2);
    assert!(stderr.contains("add --verify"), "{stderr}");

    // a run says the same, and its page draws it
    let ran = run_fixed(source, &verify[..verify.len() - 2]);
    assert_eq!(stretches(&ran.json("coverage.json")), shown);
    assert!(
        ran.file("report.html")
            .contains("the digest names files that are not there")
    );
}

async fn moto() -> (aws_sdk_cloudtrail::Client, aws_sdk_s3::Client, String) {
    let url = product::tool("MOTO_ENDPOINT");
    let aws = loopback::aws(&url).await;
    (aws.cloudtrail(), aws.s3(), url)
}

const NOW: i64 = 1_795_478_400;

async fn asked(client: &aws_sdk_cloudtrail::Client, bucket: &str) -> Trail {
    let places = [(bucket.to_owned(), String::new())];
    let (trails, unknown) = discover::settings(client, &places, &[], NOW).await;
    assert_eq!(unknown.len(), 0, "{unknown:?}");
    assert_eq!(trails.len(), 1, "{trails:?}");
    trails.into_iter().next().unwrap()
}

async fn made(client: &aws_sdk_cloudtrail::Client, s3: &aws_sdk_s3::Client, bucket: &str) {
    s3.create_bucket().bucket(bucket).send().await.unwrap();
    let trail = client.create_trail().name(bucket).s3_bucket_name(bucket);
    trail.is_multi_region_trail(true).send().await.unwrap();
    client.start_logging().name(bucket).send().await.unwrap();
}

fn reach(trail: &Trail, class: &Class) -> Reach {
    match &trail.selectors {
        Lookup::Answered(selectors) => selectors.reach(class),
        Lookup::Unknown(why) => panic!("{why}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs moto and MOTO_ENDPOINT: .ci/run")]
async fn cloudtrail_tells_basic_and_advanced_selectors_status_and_insights() {
    let (client, s3, url) = moto().await;
    let bucket = "coverage-settings";
    made(&client, &s3, bucket).await;
    let new = asked(&client, bucket).await;
    assert!(new.multi_region && !new.organization);
    assert_eq!(reach(&new, &Class::management(true)), Reach::All);
    assert_eq!(new.insights, Lookup::Answered(Vec::new()));
    let Lookup::Answered(status) = &new.status else {
        panic!("{new:?}");
    };
    assert!(status.logging && status.started.is_some());

    assert_saved_alike(&url, new);

    let objects = DataResource::builder()
        .r#type("AWS::S3::Object")
        .values("arn:aws:s3:::phi/")
        .build();
    let basic = EventSelector::builder()
        .read_write_type(ReadWriteType::WriteOnly)
        .include_management_events(true)
        .data_resources(objects)
        .build();
    let put = client
        .put_event_selectors()
        .trail_name(bucket)
        .event_selectors(basic);
    put.send().await.unwrap();
    let narrow = asked(&client, bucket).await;
    assert!(matches!(
        reach(&narrow, &Class::management(true)),
        Reach::None(_)
    ));
    assert_eq!(reach(&narrow, &Class::management(false)), Reach::All);
    let phi = Class::data("AWS::S3::Object", false);
    assert_eq!(
        reach(&narrow, &phi.clone().below("arn:aws:s3:::phi/")),
        Reach::All
    );
    assert!(matches!(
        reach(&narrow, &phi.clone().below("arn:aws:s3:::other/")),
        Reach::None(_)
    ));

    assert_saved_alike(&url, narrow);

    let field = |name: &str, equals: &str| {
        AdvancedFieldSelector::builder()
            .field(name)
            .equals(equals)
            .build()
            .unwrap()
    };
    let not_kms = AdvancedFieldSelector::builder()
        .field("eventSource")
        .not_equals("kms.amazonaws.com")
        .build()
        .unwrap();
    let management = AdvancedEventSelector::builder()
        .field_selectors(field("eventCategory", "Management"))
        .field_selectors(not_kms)
        .build()
        .unwrap();
    let put = client.put_event_selectors().trail_name(bucket);
    put.advanced_event_selectors(management)
        .send()
        .await
        .unwrap();
    let insight = InsightSelector::builder()
        .insight_type(InsightType::ApiCallRateInsight)
        .build();
    let put = client
        .put_insight_selectors()
        .trail_name(bucket)
        .insight_selectors(insight);
    put.send().await.unwrap();
    client.stop_logging().name(bucket).send().await.unwrap();
    let advanced = asked(&client, bucket).await;
    assert_eq!(
        reach(
            &advanced,
            &Class::management(true).of(["sts.amazonaws.com"])
        ),
        Reach::All
    );
    assert!(matches!(
        reach(
            &advanced,
            &Class::management(true).of(["kms.amazonaws.com"])
        ),
        Reach::None(_)
    ));
    assert_eq!(
        advanced.insights,
        Lookup::Answered(vec!["ApiCallRateInsight".to_owned()])
    );
    let Lookup::Answered(status) = &advanced.status else {
        panic!("{advanced:?}");
    };
    assert!(!status.logging && status.stopped.is_some());
    assert_saved_alike(&url, advanced);
    // other tests begin with a server that has no trail
    client.delete_trail().name(bucket).send().await.unwrap();
}

/// What the AWS CLI prints of a trail, saved and read again, says what CloudTrail tells us itself.
/// Needs AWS_CLI, as its caller needs MOTO_ENDPOINT.
fn assert_saved_alike(url: &str, live: Trail) {
    let cli = product::tool("AWS_CLI");
    let folder = tempfile::tempdir().unwrap();
    let answer = |command: &str, about: &str| {
        let output = std::process::Command::new(&cli)
            .args(["--endpoint-url", url, "--output", "json", "cloudtrail"])
            .args([command, about, &live.name])
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .output()
            .unwrap();
        let path = folder.path().join(format!("{command}.json"));
        assert!(output.status.success(), "{command}");
        std::fs::write(&path, output.stdout).unwrap();
        path
    };
    let mut files = vec![
        answer("get-trail", "--name"),
        answer("get-event-selectors", "--trail-name"),
        answer("get-trail-status", "--name"),
    ];
    // of a trail without Insights AWS answers with an error, and its description tells it
    if live.insights != Lookup::Answered(Vec::new()) {
        files.push(answer("get-insight-selectors", "--trail-name"));
    }
    // neither knows when the other asked, and moto delivers all the time
    let timeless = |mut trail: Trail| {
        trail.asked = None;
        if let Lookup::Answered(status) = &mut trail.status {
            status.delivered = None;
        }
        trail
    };
    let saved = discover::saved(&files).unwrap();
    let saved: Vec<_> = saved.into_iter().map(timeless).collect();
    assert_eq!(saved, [timeless(live)]);
}

/// Puts the quiet sample into a bucket, each key as `name` writes it.
async fn uploaded(s3: &aws_sdk_s3::Client, bucket: &str, name: impl Fn(&str) -> String) {
    let root = samples("trails/quiet");
    let everything = trailscan::source::Scope::all("2026-11-30T00:00:00Z".parse().unwrap());
    for object in trailscan::source::local::list(&root, &everything)
        .unwrap()
        .objects
    {
        let body = std::fs::read(root.join(&object.name)).unwrap();
        let body = aws_sdk_s3::primitives::ByteStream::from(body);
        let put = s3.put_object().bucket(bucket).key(name(&object.name));
        put.body(body).send().await.unwrap();
    }
}

/// `trailscan coverage` of a bucket, in the week after the sample's.
async fn printed(url: &str, bucket: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = trailscan();
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("SOURCE_DATE_EPOCH", "1794787200");
    command.args(["coverage", "--quiet", "--endpoint-url", url]);
    command.args([
        "--since",
        "2026-11-09T00:00:00Z",
        "--until",
        "2026-11-16T00:00:00Z",
    ]);
    command.arg(format!("s3://{bucket}")).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs moto and MOTO_ENDPOINT: .ci/run")]
async fn a_bucket_that_belongs_to_a_trail_is_judged_by_what_the_trail_records() {
    let (client, s3, url) = moto().await;
    let bucket = "coverage-of-a-bucket";
    made(&client, &s3, bucket).await;
    // moto's trails belong to its own account
    uploaded(&s3, bucket, |key| {
        key.replace("111122223333", "123456789012")
    })
    .await;
    let (code, stdout, stderr) = printed(&url, bucket, &[]).await;
    client.delete_trail().name(bucket).send().await.unwrap();
    assert_eq!(code, 0, "no data events by default: {stdout}{stderr}");
    assert!(stdout.contains("records no data events"), "{stdout}");
    assert!(
        stdout.contains(
            "Trail coverage-of-a-bucket: all Regions; logging; selectors known; no Insights"
        ),
        "{stdout}"
    );
    // the records' own account is none of the trail's: it is judged by its files
    assert!(stdout.contains("111122223333 us-east-1"), "{stdout}");
}

/// The trail of an organization records its members' events, whosever account it is in itself.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs moto and MOTO_ENDPOINT: .ci/run")]
async fn members_of_an_organization_are_judged_by_its_trail() {
    let (client, s3, url) = moto().await;
    let bucket = "coverage-of-an-organization";
    s3.create_bucket().bucket(bucket).send().await.unwrap();
    let trail = client.create_trail().name(bucket).s3_bucket_name(bucket);
    let trail = trail
        .is_multi_region_trail(true)
        .is_organization_trail(true);
    trail.send().await.unwrap();
    client.start_logging().name(bucket).send().await.unwrap();
    uploaded(&s3, bucket, |key| {
        key.replace("AWSLogs/", "AWSLogs/o-abc1234567/")
    })
    .await;
    let (_, stdout, stderr) = printed(&url, bucket, &[]).await;
    let (_, report, _) = printed(&url, bucket, &["--format", "json"]).await;
    client.delete_trail().name(bucket).send().await.unwrap();
    assert!(
        stdout.contains(
            "Trail coverage-of-an-organization: of the organization, all Regions; logging"
        ),
        "{stdout}{stderr}"
    );
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["places"][0]["account"], "111122223333");
    // management events are recorded by default; data events are not, and the files hold some
    let whole = "2026-11-09T00:00:00Z 2026-11-16T00:00:00Z";
    let of = |rule: &str| verdicts(&report, rule, "us-east-1");
    assert_eq!(
        of("aws_iam_access_key_created"),
        [format!("{whole} assessed")]
    );
    assert_eq!(of("aws_s3_upload_unencrypted"), [format!("{whole} partly")]);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(ci_tools), ignore = "needs moto and MOTO_ENDPOINT: .ci/run")]
async fn a_bucket_of_no_trail_and_a_cloudtrail_that_does_not_answer_lower_the_coverage_and_stop_nothing()
 {
    let (client, _, _) = moto().await;
    let places = [("nobody-writes-here".to_owned(), "prod".to_owned())];
    let (trails, unknown) = discover::settings(&client, &places, &[], NOW).await;
    assert!(trails.is_empty());
    let why = unknown.first().unwrap();
    assert!(
        why.starts_with("No trail that CloudTrail describes")
            && why.contains("s3://nobody-writes-here/prod"),
        "{why}"
    );
    // a port on which nobody listens
    let gone = loopback::aws("http://127.0.0.1:9").await.cloudtrail();
    let (trails, unknown) = discover::settings(&gone, &places, &[], NOW).await;
    assert!(trails.is_empty());
    assert!(
        unknown
            .first()
            .unwrap()
            .starts_with("What the trails record is not known"),
        "{unknown:?}"
    );
}
