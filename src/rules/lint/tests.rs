//! Whether a condition can hold is worked out through every join.

use super::*;
use crate::rules::load::{self, RuleText, Settings};

fn warnings(text: &str) -> Vec<String> {
    let texts = [RuleText {
        fault: None,
        file: "rules/x.yml".into(),
        text: text.into(),
    }];
    let set = load::load(&texts, &Settings::default());
    assert_eq!(set.rejected, [], "{text}");
    lint(&set).into_iter().map(|warning| warning.what).collect()
}

fn rule(detection: &str) -> String {
    format!(
        "title: T\nname: t\nid: 7f1b0b5a-0f3f-4f0e-9d4e-0c8f6a4f0a01\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: low\ndetection:\n{detection}\n"
    )
}

#[track_caller]
fn verdict(detection: &str) -> &'static str {
    let found = warnings(&rule(detection));
    let says = |words: &str| found.iter().any(|what| what.contains(words));
    match found.len() {
        0 => "sound",
        _ if says("can never match") => "never",
        _ if says("matches every record") => "always",
        _ => "open",
    }
}

#[test]
fn what_is_never_true_stays_so_through_and_or_not_and_n_of() {
    let with = |condition: &str| {
        verdict(&format!(
            "  call: {{eventName: DeleteUser}}\n  dead_a: {{status: ok}}\n  dead_b: {{outcome: ok}}\n  condition: {condition}"
        ))
    };
    assert_eq!(with("call"), "sound");
    assert_eq!(with("call and dead_a"), "never");
    assert_eq!(with("call or dead_a"), "open");
    assert_eq!(with("dead_a or dead_b"), "never");
    assert_eq!(with("call and not dead_a"), "open");
    assert_eq!(with("not dead_a"), "always");
    assert_eq!(with("not (call and dead_a)"), "always");
    assert_eq!(with("1 of dead_*"), "never");
    assert_eq!(with("2 of them"), "never");
    assert_eq!(with("1 of them"), "open");
}

#[test]
fn a_field_that_no_record_has_is_null_and_not_there() {
    assert_eq!(verdict("  s: {status: null}\n  condition: s"), "always");
    assert_eq!(
        verdict("  s: {status|exists: false}\n  condition: s"),
        "always"
    );
    assert_eq!(
        verdict("  s: {status|exists: true}\n  condition: s"),
        "never"
    );
    assert_eq!(verdict("  s: {status|neq: ok}\n  condition: s"), "always");
}

#[test]
fn one_wrong_value_among_others_is_named_and_does_not_condemn_the_rule() {
    let list = |key: &str| {
        verdict(&format!(
            "  s:\n    {key}: [ec2.amazonaws.com, vpc.amazonaws.com]\n    eventName: DeleteVpc\n  condition: s"
        ))
    };
    assert_eq!(list("eventSource"), "open");
    assert_eq!(list("eventSource|endswith"), "sound");
    assert_eq!(
        verdict("  s: {eventSource: '*.amazonaws.com'}\n  condition: s"),
        "sound"
    );
    assert_eq!(
        verdict(
            "  a: {eventSource: iam.amazonaws.com, eventName: UpdateSAMLProvider}\n  b: {eventSource: sts.amazonaws.com, eventName: AssumeRoleWithSAML}\n  condition: 1 of them"
        ),
        "sound"
    );
    assert_eq!(
        verdict(
            "  a: {eventSource: iam.amazonaws.com, eventName: UpdateSAMLProvider}\n  b: {eventSource: iam.amazonaws.com, eventName: AssumeRoleWithSAML}\n  condition: 1 of them"
        ),
        "open"
    );
}

#[test]
fn values_that_only_look_odd_are_left_alone() {
    for detection in [
        "  s: {requestParameters.policyDocument|contains: 'responseElements'}\n  condition: s",
        "  s: {requestParameters.key: 'requestParameters.json file'}\n  condition: s",
        "  s: {eventName: X, trailscan.outcome: [denied, failed]}\n  condition: s",
        "  s: {requestParameters.functionName|fieldref: userIdentity.arn}\n  condition: s",
        "  s: {userIdentity.arn|fieldref|endswith: requestParameters.userName}\n  condition: s",
    ] {
        assert_eq!(verdict(detection), "sound", "{detection}");
    }
}

#[test]
fn a_correlation_that_groups_by_no_field_of_cloudtrail_is_named() {
    let base = rule("  s: {eventName: X}\n  condition: s");
    let text = format!(
        "{base}---\ntitle: C\nname: c\nid: 7f1b0b5a-0f3f-4f0e-9d4e-0c8f6a4f0a02\nlevel: low\ncorrelation:\n  type: event_count\n  rules: [t]\n  group-by: [src_ip]\n  timespan: 5m\n  condition: {{gte: 3}}\n"
    );
    assert_eq!(
        warnings(&text),
        ["the rule can never match: it groups by `src_ip`, and CloudTrail has no field `src_ip`"]
    );
}
