//! What could be seen, one story a reason, each with its near miss.

use super::*;
use crate::coverage::Hours;
use crate::trail::{Basic, Change, Class, Lookup, Selectors, Status, TrailChange};
use crate::window::Window;

const OWNER: &str = "111122223333";
const HOURS: Epoch = 10;

fn provenance() -> Provenance {
    Provenance {
        window: Window {
            since: Some(0),
            until: Some(HOURS * HOUR),
        },
        created: Some(HOURS * HOUR),
        ..Provenance::default()
    }
}

/// Reads were seen in us-east-1 in hour 2, writes in hours 2 and 6; in us-west-2 writes in hour 3.
fn coverage() -> Coverage {
    let mut coverage = Coverage::default();
    coverage.objects.read = 5;
    let hours = |all: &[Epoch]| all.iter().map(|hour| hour * HOUR).collect::<Hours>();
    let east = coverage.region(OWNER, "us-east-1");
    east.seen.insert(EventClass::ManagementRead, hours(&[2]));
    east.seen
        .insert(EventClass::ManagementWrite, hours(&[2, 6]));
    east.hour(2 * HOUR).events = 5;
    let west = coverage.region(OWNER, "us-west-2");
    west.seen.insert(EventClass::ManagementWrite, hours(&[3]));
    west.hour(3 * HOUR).events = 1;
    coverage
}

fn need(class: Class, proof: &[EventClass], place: RecordedIn) -> Requirement {
    Requirement {
        class,
        proof: proof.iter().cloned().collect(),
        place,
    }
}

fn reads() -> Requirement {
    need(
        Class::management(true),
        &[EventClass::ManagementRead],
        RecordedIn::Everywhere,
    )
}

fn writes() -> Requirement {
    need(
        Class::management(false),
        &[EventClass::ManagementWrite],
        RecordedIn::Everywhere,
    )
}

fn iam() -> Requirement {
    let class = Class::management(false).of(["iam.amazonaws.com"]);
    need(class, &[EventClass::ManagementWrite], RecordedIn::Global)
}

fn objects(bucket: &str) -> Requirement {
    let class = Class::data("AWS::S3::Object", true);
    let class = match bucket {
        "" => class,
        bucket => class.below(format!("arn:aws:s3:::{bucket}/")),
    };
    need(
        class,
        &[EventClass::DataRead("AWS::S3::Object".to_owned())],
        RecordedIn::Everywhere,
    )
}

fn trail(selectors: Selectors) -> Trail {
    Trail {
        name: "audit".to_owned(),
        arn: format!("arn:aws:cloudtrail:us-east-1:{OWNER}:trail/audit"),
        bucket: "logs".to_owned(),
        prefix: String::new(),
        home_region: "us-east-1".to_owned(),
        multi_region: true,
        organization: false,
        validation: false,
        selectors: Lookup::Answered(selectors),
        status: Lookup::Answered(Status {
            logging: true,
            ..Status::default()
        }),
        insights: Lookup::Answered(Vec::new()),
        asked: Some(HOURS * HOUR),
    }
}

fn write_only() -> Selectors {
    Selectors::basic([Basic {
        read_write_type: "WriteOnly".to_owned(),
        ..Basic::default()
    }])
}

fn stop(hours: Epoch, minutes: Epoch, change: Change) -> TrailChange {
    TrailChange {
        time: Some(hours * HOUR + minutes * 60),
        account: OWNER.to_owned(),
        region: "us-east-1".to_owned(),
        trail: "audit".to_owned(),
        event_name: String::new(),
        event_id: String::new(),
        change,
        unproven: false,
    }
}

/// A line for each group: its Regions, and its runs as hours with the first letter of the verdict.
fn drawn(provenance: &Provenance, coverage: &Coverage, needs: &[Requirement]) -> Vec<String> {
    let changed = changed(coverage);
    let judge = VisibilityAssessor::new(provenance, coverage, &changed, &[]);
    let view = judge.view(&needs.iter().cloned().collect(), &UndecidedAt::default());
    let line = |group: &Group| {
        let regions: Vec<&str> = group.places.iter().map(|one| one.region.as_str()).collect();
        let runs = group.runs.iter().map(|run| {
            let verdict = match run.verdict {
                Assessment::Assessed => 'a',
                Assessment::Partly { .. } => 'p',
                Assessment::NotAssessed { .. } => 'n',
            };
            format!("{}-{}{verdict}", run.from / HOUR, run.until / HOUR)
        });
        format!(
            "{}: {}",
            regions.join(" "),
            runs.collect::<Vec<_>>().join(" ")
        )
    };
    let mut lines: Vec<String> = view.0.iter().map(line).collect();
    lines.sort();
    lines
}

fn assess(provenance: &Provenance, coverage: &Coverage, needs: &[Requirement]) -> Assessment {
    let changed = changed(coverage);
    let judge = VisibilityAssessor::new(provenance, coverage, &changed, &[]);
    sum(&judge.view(&needs.iter().cloned().collect(), &UndecidedAt::default()))
}

fn reason(provenance: &Provenance, coverage: &Coverage, needs: &[Requirement]) -> String {
    assess(provenance, coverage, needs)
        .reason()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn without_trail_settings_only_event_classes_seen_in_logs_count_as_recorded() {
    let (from, coverage) = (provenance(), coverage());
    assert_eq!(
        drawn(&from, &coverage, &[writes()]),
        ["us-east-1 us-west-2: 0-10a"]
    );
    assert_eq!(
        drawn(&from, &coverage, &[reads()]),
        ["us-east-1: 0-10a", "us-west-2: 0-10n"]
    );
    assert_eq!(
        reason(&from, &coverage, &[reads()]),
        "no management read event (such as AssumeRole, GetSecretValue and kms:Decrypt) was found, and the logs cannot show whether they are recorded (in us-west-2)"
    );
    // what belongs to no Region is looked for in one
    assert_eq!(assess(&from, &coverage, &[iam()]), Assessment::Assessed);
    assert!(matches!(
        assess(&from, &coverage, &[objects("")]),
        Assessment::NotAssessed { .. }
    ));
    // two kinds of event, one of them seen
    assert!(matches!(
        assess(&from, &coverage, &[iam(), objects("")]),
        Assessment::Partly { .. }
    ));
    // a rule that does not say what it needs is judged by whether anything was read
    assert_eq!(assess(&from, &coverage, &[]), Assessment::Assessed);
    assert!(matches!(
        assess(&from, &Coverage::default(), &[]),
        Assessment::NotAssessed { .. }
    ));
}

#[test]
fn without_answers_a_change_of_a_trail_ends_what_was_proven_before_it() {
    let mut coverage = coverage();
    coverage.changes.insert(stop(5, 0, Change::Selectors(None)));
    let from = provenance();
    assert_eq!(
        drawn(&from, &coverage, &[writes()]),
        ["us-east-1: 0-10a", "us-west-2: 0-5a 5-10n"]
    );
    assert_eq!(
        drawn(&from, &coverage, &[reads()]),
        ["us-east-1: 0-5a 5-10n", "us-west-2: 0-5n 5-10n"]
    );
    // what the change set is the reason, not the proof
    coverage.changes = [stop(5, 0, Change::Selectors(Some(write_only())))].into();
    assert_eq!(
        drawn(&from, &coverage, &[reads()]),
        ["us-east-1: 0-5a 5-10n", "us-west-2: 0-5n 5-10n"]
    );
    let why = reason(&from, &coverage, &[reads()]);
    assert!(
        why.contains("write-only trail: trail audit excludes"),
        "{why}"
    );
    assert!(
        why.contains("what it recorded before is not known, and no management read event"),
        "{why}"
    );
}

#[test]
fn the_call_that_stops_a_trail_does_not_prove_that_it_went_on() {
    let mut coverage = coverage();
    let region = coverage.region(OWNER, "us-east-1");
    region
        .seen
        .get_mut(&EventClass::ManagementWrite)
        .unwrap()
        .insert(7 * HOUR);
    coverage.changes.insert(stop(7, 0, Change::Stopped));
    let from = provenance();
    assert_eq!(drawn(&from, &coverage, &[iam()]), ["us-east-1: 0-7a 7-10n"]);
    coverage.trails = [trail(Selectors::of_a_new_trail())].into();
    assert_eq!(drawn(&from, &coverage, &[iam()]), ["us-east-1: 0-7a 7-10n"]);
    // an event of the hour after it does
    let region = coverage.region(OWNER, "us-east-1");
    region
        .seen
        .get_mut(&EventClass::ManagementWrite)
        .unwrap()
        .insert(8 * HOUR);
    assert_eq!(drawn(&from, &coverage, &[iam()]), ["us-east-1: 0-7a 7-10p"]);
}

#[test]
fn without_answers_a_stop_after_which_nothing_was_read_is_a_hole_and_the_hour_of_it_is_partly_seen()
{
    let mut coverage = coverage();
    coverage.changes.insert(stop(3, 30, Change::Stopped));
    coverage.changes.insert(stop(6, 0, Change::Started));
    let from = provenance();
    assert_eq!(
        drawn(&from, &coverage, &[iam()]),
        ["us-east-1: 0-3a 3-4p 4-6n 6-10a"]
    );
    assert!(
        reason(&from, &coverage, &[iam()]).starts_with(
            "logging of trail audit was stopped from 1970-01-01T03:30:00Z to 1970-01-01T06:00:00Z (in the hours from 1970-01-01T03:00:00Z to 1970-01-01T06:00:00Z)"
        ),
        "{}",
        reason(&from, &coverage, &[iam()])
    );
}

#[test]
fn data_events_of_one_bucket_do_not_prove_those_of_another() {
    let mut coverage = coverage();
    let east = coverage.region(OWNER, "us-east-1");
    let data = EventClass::DataRead("AWS::S3::Object".to_owned());
    east.seen.insert(data, [HOUR].into_iter().collect());
    east.buckets
        .insert(("phi".to_owned(), true), [HOUR].into_iter().collect());
    east.buckets
        .insert(("other".to_owned(), false), [HOUR].into_iter().collect());
    coverage.regions.get_mut(OWNER).unwrap().remove("us-west-2");
    let from = provenance();
    assert_eq!(
        assess(&from, &coverage, &[objects("phi")]),
        Assessment::Assessed
    );
    assert!(
        reason(&from, &coverage, &[objects("other")]).contains("no data event of bucket other")
    );
    assert!(matches!(
        assess(&from, &coverage, &[objects("")]),
        Assessment::Partly { .. }
    ));
    // and CloudTrail's answer does prove it, quiet or not
    let all = Selectors::basic([Basic {
        data_resources: vec![crate::trail::DataResource {
            kind: "AWS::S3::Object".to_owned(),
            values: vec!["arn:aws:s3".to_owned()],
        }],
        ..Basic::default()
    }]);
    coverage.trails = [trail(all)].into();
    assert_eq!(
        assess(&from, &coverage, &[objects("other")]),
        Assessment::Assessed
    );
}

#[test]
fn what_cloudtrail_says_counts_for_quiet_places_too() {
    let mut coverage = coverage();
    coverage.trails = [trail(Selectors::of_a_new_trail())].into();
    let from = provenance();
    assert_eq!(
        drawn(&from, &coverage, &[reads()]),
        ["us-east-1 us-west-2: 0-10a"]
    );
    coverage.trails = [trail(write_only())].into();
    // in us-east-1 reads were seen all the same
    assert_eq!(
        drawn(&from, &coverage, &[reads()]),
        ["* us-west-2: 0-10n", "us-east-1: 0-10p"]
    );
    assert!(
        reason(&from, &coverage, &[reads()])
            .contains("such events were read although write-only trail")
    );
    assert_eq!(assess(&from, &coverage, &[writes()]), Assessment::Assessed);
    // of two trails the better one counts
    let second = Trail {
        name: "second".to_owned(),
        ..trail(Selectors::of_a_new_trail())
    };
    coverage.trails.insert(second);
    assert_eq!(assess(&from, &coverage, &[reads()]), Assessment::Assessed);
}

#[test]
fn a_single_region_trail_leaves_every_other_region_unseen_but_sees_iam() {
    let mut coverage = coverage();
    coverage.regions.get_mut(OWNER).unwrap().remove("us-west-2");
    coverage.trails = [Trail {
        multi_region: false,
        ..trail(Selectors::of_a_new_trail())
    }]
    .into();
    let from = provenance();
    assert_eq!(
        drawn(&from, &coverage, &[writes()]),
        ["*: 0-10n", "us-east-1: 0-10a"]
    );
    assert_eq!(
        reason(&from, &coverage, &[writes()]),
        "single-region trail: audit records us-east-1 only (in every other Region)"
    );
    assert_eq!(assess(&from, &coverage, &[iam()]), Assessment::Assessed);
    let sign_in = need(
        Class::management(false).of(["signin.amazonaws.com"]),
        &[EventClass::SignIn],
        RecordedIn::SignIn,
    );
    assert_eq!(
        drawn(&from, &coverage, &[sign_in]),
        ["*: 0-10n", "us-east-1: 0-10a"]
    );
    // with a home elsewhere it sees no IAM at all
    let elsewhere = Trail {
        home_region: "eu-west-1".to_owned(),
        arn: format!("arn:aws:cloudtrail:eu-west-1:{OWNER}:trail/audit"),
        multi_region: false,
        ..trail(Selectors::of_a_new_trail())
    };
    let mut europe = Coverage::default();
    europe.objects.read = 1;
    europe.region(OWNER, "eu-west-1").hour(0).events = 1;
    europe.trails = [elsewhere].into();
    assert_eq!(
        reason(&from, &europe, &[iam()]),
        "single-region trail: audit records eu-west-1 only"
    );
}

#[test]
fn accounts_that_no_known_trail_records_are_judged_by_their_files() {
    let mut coverage = coverage();
    coverage.trails = [trail(write_only())].into();
    let other = coverage.region("444455556666", "us-east-1");
    other
        .seen
        .insert(EventClass::ManagementRead, [HOUR].into_iter().collect());
    let judge_lines = drawn(&provenance(), &coverage, &[reads()]);
    assert!(
        judge_lines.contains(&"us-east-1: 0-10a".to_owned()),
        "{judge_lines:?}"
    );
}

#[test]
fn a_filter_on_regions_hides_iam() {
    let coverage = coverage();
    let west = Provenance {
        regions: vec!["us-west-2".to_owned()],
        ..provenance()
    };
    assert_eq!(
        reason(&west, &coverage, &[iam()]),
        "--region excludes us-east-1, where IAM and most sign-ins are recorded"
    );
    let both = Provenance {
        regions: vec!["us-west-2".to_owned(), "us-east-1".to_owned()],
        ..provenance()
    };
    assert_eq!(assess(&both, &coverage, &[iam()]), Assessment::Assessed);
}

#[test]
fn hours_whose_files_could_not_be_read_are_partly_assessed() {
    let mut coverage = coverage();
    coverage.region(OWNER, "us-east-1").hour(5 * HOUR).broken = 1;
    assert_eq!(
        drawn(&provenance(), &coverage, &[writes()]),
        ["us-east-1: 0-4a 4-6p 6-10a", "us-west-2: 0-10a"]
    );
    assert_eq!(
        reason(&provenance(), &coverage, &[writes()]),
        "log files of this time could not be read (in us-east-1, in the hours from 1970-01-01T04:00:00Z to 1970-01-01T06:00:00Z)"
    );
}

#[test]
fn settings_asked_long_after_the_window_count_where_the_logs_agree() {
    let mut coverage = coverage();
    let late = Trail {
        asked: Some(1_000 * HOUR),
        ..trail(Selectors::of_a_new_trail())
    };
    coverage.trails = [late].into();
    let from = provenance();
    // seen in one Region: the trail's selectors are the same in all
    assert_eq!(assess(&from, &coverage, &[reads()]), Assessment::Assessed);
    let kms = need(
        Class::management(true).of(["kms.amazonaws.com"]),
        &[EventClass::Kms, EventClass::ManagementRead],
        RecordedIn::Everywhere,
    );
    assert!(
        reason(&from, &coverage, std::slice::from_ref(&kms))
            .contains("by the selectors of 1970-02-11T16:00:00Z, but none was read")
    );
}
