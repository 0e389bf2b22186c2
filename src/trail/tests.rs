//! What trails see, one story a reason, each with its near miss.

use serde_json::json;

use super::selectors::tests::{assume_role, basic, in_bucket, object};
use super::*;

const OWNER: &str = "111122223333";
const HOME: &str = "us-east-1";
const MONDAY: Epoch = 1_794_787_200; // 2026-11-16T00:00:00Z
const HOUR: Epoch = 3_600;
const SUNDAY: Epoch = MONDAY + 7 * 24 * HOUR;

fn trail(selectors: Selectors) -> Trail {
    Trail {
        name: "audit".to_owned(),
        arn: format!("arn:aws:cloudtrail:{HOME}:{OWNER}:trail/audit"),
        bucket: "logs".to_owned(),
        prefix: String::new(),
        home_region: HOME.to_owned(),
        multi_region: true,
        organization: false,
        validation: true,
        selectors: Lookup::Answered(selectors),
        status: Lookup::Answered(Status {
            logging: true,
            started: Some(MONDAY - 1_000 * HOUR),
            ..Status::default()
        }),
        insights: Lookup::Answered(Vec::new()),
        asked: Some(SUNDAY),
    }
}

fn change(hours: Epoch, event_name: &str, request: &serde_json::Value) -> TrailChange {
    let (trail, change) = Change::of(event_name, request).unwrap();
    TrailChange {
        time: Some(MONDAY + hours * HOUR),
        account: OWNER.to_owned(),
        region: HOME.to_owned(),
        trail,
        event_name: event_name.to_owned(),
        event_id: String::new(),
        change,
        unproven: false,
    }
}

/// What the trail saw so many hours after Monday began.
fn saw(trail: &Trail, changes: &[TrailChange], class: &Class, hours: Epoch) -> TrailVisibility {
    let timeline = Timeline::new(trail, changes, SUNDAY);
    timeline.sees(class, OWNER, HOME, MONDAY + hours * HOUR)
}

fn describe(sees: TrailVisibility) -> String {
    match sees {
        TrailVisibility::No(why)
        | TrailVisibility::Unknown(why)
        | TrailVisibility::Partly(why)
        | TrailVisibility::ByToday(why) => why,
        TrailVisibility::Yes => "yes".to_owned(),
    }
}

#[test]
fn a_trail_says_in_one_sentence_why_it_could_not_see() {
    let write_only = trail(basic(
        json!([{"readWriteType": "WriteOnly", "excludeManagementEventSources": ["kms.amazonaws.com"],
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::phi/"]}]}]),
    ));
    let describe = |class: &Class| describe(saw(&write_only, &[], class, 5));
    assert_eq!(
        describe(&assume_role()),
        "write-only trail: trail audit excludes management read events, and AssumeRole is a read"
    );
    assert_eq!(
        describe(&Class::management(false).of(["kms.amazonaws.com"])),
        "trail audit excludes events of kms.amazonaws.com"
    );
    assert_eq!(
        describe(&in_bucket("other")),
        "trail audit records no data events of bucket other"
    );
    assert_eq!(describe(&in_bucket("phi")), "yes");
    assert_eq!(
        describe(&object(false)),
        "trail audit records data events of AWS::S3::Object for some resources only"
    );
}

#[test]
fn stopped_logging_is_a_hole_from_the_stop_to_the_start() {
    let trail = trail(Selectors::of_a_new_trail());
    let name = json!({"name": trail.arn});
    let changes = [
        change(62, "StopLogging", &name),
        change(65, "StartLogging", &json!({"name": "audit"})),
    ];
    let at = |hours| saw(&trail, &changes, &assume_role(), hours);
    assert_eq!(at(61), TrailVisibility::Yes, "it ran before it was stopped");
    assert_eq!(
        at(63),
        TrailVisibility::No(
            "logging of trail audit was stopped from 2026-11-18T14:00:00Z to 2026-11-18T17:00:00Z"
                .to_owned()
        )
    );
    assert_eq!(at(65), TrailVisibility::Yes);
    // another trail's stop is none of ours, and a name means a trail of that Region
    let other = [change(62, "StopLogging", &json!({"name": "other"}))];
    assert_eq!(
        saw(&trail, &other, &assume_role(), 63),
        TrailVisibility::Yes
    );
    let elsewhere = TrailChange {
        region: "eu-west-1".to_owned(),
        ..change(62, "StopLogging", &json!({"name": "audit"}))
    };
    assert_eq!(
        saw(&trail, &[elsewhere], &assume_role(), 63),
        TrailVisibility::Yes
    );
    // a start that follows no stop does not say what was before
    let started = [change(62, "StartLogging", &name)];
    assert!(
        matches!(
            saw(&trail, &started, &assume_role(), 1),
            TrailVisibility::Yes
        ),
        "the status knows of an earlier start"
    );
    let unknown = Trail {
        status: Lookup::Unknown("not allowed".to_owned()),
        ..trail.clone()
    };
    assert!(matches!(
        saw(&unknown, &started, &assume_role(), 1),
        TrailVisibility::Unknown(_)
    ));
    assert_eq!(
        saw(&unknown, &started, &assume_role(), 62),
        TrailVisibility::Yes
    );
}

#[test]
fn the_status_tells_of_stops_that_no_event_shows() {
    let stopped = |started, stopped, logging| Trail {
        status: Lookup::Answered(Status {
            logging,
            started,
            stopped,
            ..Status::default()
        }),
        ..trail(Selectors::of_a_new_trail())
    };
    let now = stopped(Some(MONDAY - 9 * HOUR), Some(MONDAY + 50 * HOUR), false);
    assert_eq!(saw(&now, &[], &assume_role(), 49), TrailVisibility::Yes);
    assert!(matches!(
        saw(&now, &[], &assume_role(), 51),
        TrailVisibility::No(_)
    ));
    let again = stopped(Some(MONDAY + 60 * HOUR), Some(MONDAY + 50 * HOUR), true);
    assert!(matches!(
        saw(&again, &[], &assume_role(), 55),
        TrailVisibility::No(_)
    ));
    assert_eq!(saw(&again, &[], &assume_role(), 60), TrailVisibility::Yes);
    assert_eq!(
        saw(&stopped(None, None, false), &[], &assume_role(), 5),
        TrailVisibility::No("trail audit is stopped".to_owned())
    );
}

#[test]
fn before_the_last_change_of_selectors_nothing_is_known_and_after_it_they_are() {
    // today's selectors are those of the change
    let write_only = json!([{"readWriteType": "WriteOnly", "includeManagementEvents": true}]);
    let trail = trail(basic(write_only.clone()));
    let changes = [
        change(
            30,
            "PutEventSelectors",
            &json!({"trailName": "audit", "eventSelectors": [{"readWriteType": "All"}]}),
        ),
        change(
            100,
            "PutEventSelectors",
            &json!({"trailName": "audit", "eventSelectors": write_only}),
        ),
    ];
    let at = |hours| saw(&trail, &changes, &assume_role(), hours);
    assert_eq!(
        at(29),
        TrailVisibility::Unknown(
            "the event selectors of trail audit were changed at 2026-11-17T06:00:00Z: what it recorded before is not known"
                .to_owned()
        )
    );
    assert_eq!(at(30), TrailVisibility::Yes, "by the event's own selectors");
    assert!(matches!(at(101), TrailVisibility::No(_)));
    // a record that does not hold them leaves them unknown
    let omitted =
        json!({"omitted": true, "originalSize": 149_893, "reason": "requestParameters too large"});
    let change = TrailChange {
        trail: "audit".to_owned(),
        ..change(30, "PutEventSelectors", &omitted)
    };
    assert!(matches!(
        saw(&trail, &[change], &assume_role(), 31),
        TrailVisibility::Unknown(_)
    ));
}

#[test]
fn a_trail_made_or_deleted_inside_the_window_sees_from_its_start_to_its_end() {
    let trail = trail(Selectors::of_a_new_trail());
    let changes = [
        change(
            10,
            "CreateTrail",
            &json!({"name": "audit", "isMultiRegionTrail": true}),
        ),
        change(12, "StartLogging", &json!({"name": "audit"})),
        change(90, "DeleteTrail", &json!({"name": "audit"})),
    ];
    let at = |hours| describe(saw(&trail, &changes, &assume_role(), hours));
    assert_eq!(
        at(9),
        "trail audit was only created at 2026-11-16T10:00:00Z"
    );
    assert_eq!(at(11), "trail audit was created but not started");
    assert_eq!(at(12), "yes");
    assert_eq!(at(91), "trail audit was deleted at 2026-11-19T18:00:00Z");
    assert_eq!(
        describe(saw(&trail, &changes, &object(true), 12)),
        "trail audit records no data events of AWS::S3::Object"
    );
}

#[test]
fn a_single_region_trail_sees_its_region_and_an_organization_trail_every_account() {
    let single = Trail {
        multi_region: false,
        ..trail(Selectors::of_a_new_trail())
    };
    let sees =
        |trail: &Trail, changes: &[TrailChange], account: &str, region: &str, hours: Epoch| {
            let timeline = Timeline::new(trail, changes, SUNDAY);
            describe(timeline.sees(&assume_role(), account, region, MONDAY + hours * HOUR))
        };
    assert_eq!(sees(&single, &[], OWNER, HOME, 0), "yes");
    assert_eq!(
        sees(&single, &[], OWNER, "eu-west-1", 0),
        "single-region trail: audit records us-east-1 only"
    );
    assert_eq!(
        sees(&single, &[], "444455556666", HOME, 0),
        "trail audit records account 111122223333 only"
    );
    let organization = Trail {
        organization: true,
        ..trail(Selectors::of_a_new_trail())
    };
    assert_eq!(
        sees(&organization, &[], "444455556666", "eu-west-1", 0),
        "yes"
    );
    // made multi-region inside the window: before that nothing is known of other Regions
    let changes = [change(
        40,
        "UpdateTrail",
        &json!({"name": "audit", "isMultiRegionTrail": true}),
    )];
    let grown = trail(Selectors::of_a_new_trail());
    assert!(sees(&grown, &changes, OWNER, "eu-west-1", 39).contains("before is not known"));
    assert_eq!(sees(&grown, &changes, OWNER, "eu-west-1", 40), "yes");
    assert_eq!(sees(&grown, &changes, OWNER, HOME, 39), "yes");
    // and moved to another bucket
    let moved = [change(
        40,
        "UpdateTrail",
        &json!({"name": "audit", "s3BucketName": "elsewhere"}),
    )];
    assert_eq!(
        sees(&grown, &moved, OWNER, HOME, 41),
        "trail audit writes to bucket elsewhere since 2026-11-17T16:00:00Z"
    );
    assert!(sees(&grown, &moved, OWNER, HOME, 39).contains("where it wrote before is not known"));
}

#[test]
fn settings_of_today_prove_little_of_a_week_long_past() {
    let late = Trail {
        asked: Some(SUNDAY + 30 * 24 * HOUR),
        ..trail(Selectors::of_a_new_trail())
    };
    assert!(matches!(
        saw(&late, &[], &assume_role(), 5),
        TrailVisibility::ByToday(_)
    ));
    assert!(matches!(
        saw(&late, &[], &object(true), 5),
        TrailVisibility::No(_)
    ));
    // but what an event of the window set is known
    let set = [change(
        3,
        "PutEventSelectors",
        &json!({"trailName": "audit", "eventSelectors": [{"readWriteType": "All"}]}),
    )];
    assert_eq!(saw(&late, &set, &assume_role(), 5), TrailVisibility::Yes);
}

#[test]
fn what_could_not_be_asked_is_unknown_with_its_reason() {
    let refused = Trail {
        selectors: Lookup::Unknown("asking was refused".to_owned()),
        ..trail(Selectors::of_a_new_trail())
    };
    assert_eq!(
        saw(&refused, &[], &assume_role(), 5),
        TrailVisibility::Unknown("asking was refused".to_owned())
    );
}

#[test]
fn a_trail_is_known_by_the_place_it_writes_to() {
    let writes = |ours: &str, bucket: &str, prefix: &str| {
        let trail = Trail {
            prefix: ours.to_owned(),
            ..trail(Selectors::of_a_new_trail())
        };
        trail.writes_to(bucket, prefix)
    };
    assert!(writes("prod", "logs", "prod/"));
    assert!(writes("prod", "logs", ""));
    assert!(writes("prod", "logs", "prod/AWSLogs/111122223333"));
    assert!(writes("", "logs", "AWSLogs"));
    assert!(!writes("prod", "logs", "production"));
    assert!(!writes("prod", "logs2", "prod"));
}

#[test]
fn calls_that_change_no_trail_are_none() {
    assert_eq!(Change::of("DescribeTrails", &json!({})), None);
    assert_eq!(Change::of("LookupEvents", &json!(null)), None);
    let trail = trail(Selectors::of_a_new_trail());
    let timeline = Timeline::new(&trail, &[], SUNDAY);
    assert_eq!(timeline.moments().len(), 1, "the status's own start");
}
