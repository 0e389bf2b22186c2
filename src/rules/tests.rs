//! Rules that are right, and rules that must be refused.

use super::*;
use crate::derive::Organization;
use crate::event::Event;
use crate::event::json::Raw;
use crate::rules::{Comparison, placeholders};
use crate::severity::Severity;

fn set_of(text: &str) -> RuleSet {
    set_with(text, &Settings::default())
}

fn set_with(text: &str, settings: &Settings) -> RuleSet {
    load(
        &[RuleText {
            fault: None,
            file: "rules/x.yml".into(),
            text: text.into(),
        }],
        settings,
    )
}

fn rule(detection: &str) -> String {
    format!(
        "title: T\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: low\ndetection:\n{detection}\n"
    )
}

fn event(text: &str) -> Event<'_> {
    Event::of(Raw::new(text))
}

#[track_caller]
fn hits(detection: &str, record: &str) -> bool {
    let set = set_of(&rule(detection));
    assert_eq!(set.rejected, [], "{detection}");
    let event = event(record);
    let organization = Organization::default();
    let mut found = Vec::new();
    set.matches(&event, &organization, |place| found.push(place));
    assert_eq!(
        found,
        set.matches_linear(&event, &organization),
        "index on = index off"
    );
    !found.is_empty()
}

#[track_caller]
fn refused(text: &str) -> String {
    let set = set_of(text);
    assert!(set.rules.is_empty(), "{text}");
    set.rejected.first().unwrap().reason.clone()
}

#[test]
fn missing_null_and_json_null_are_one() {
    let null = "  s:\n    errorCode: null\n  condition: s";
    assert!(hits(null, r#"{"eventName":"X","eventVersion":"1"}"#));
    assert!(hits(null, r#"{"eventName":"X","errorCode":null}"#));
    assert!(!hits(
        null,
        r#"{"eventName":"X","errorCode":"AccessDenied"}"#
    ));
    let list = "  s:\n    errorCode: [null, Success]\n  condition: s";
    assert!(hits(list, r#"{"eventName":"X","eventVersion":"1"}"#));
    assert!(hits(list, r#"{"eventName":"X","errorCode":"Success"}"#));
}

#[test]
fn exists_tests_the_key_only() {
    let exists = "  s:\n    requestParameters.a|exists: true\n  condition: s";
    assert!(hits(
        exists,
        r#"{"eventName":"X","requestParameters":{"a":null}}"#
    ));
    assert!(!hits(
        exists,
        r#"{"eventName":"X","requestParameters":null}"#
    ));
    let absent = "  s:\n    requestParameters.a|exists: false\n  condition: s";
    assert!(hits(
        absent,
        r#"{"eventName":"X","requestParameters":{"b":1}}"#
    ));
}

#[test]
fn text_numbers_and_booleans_compare_as_text() {
    let rule =
        "  s:\n    requestParameters.a: 'false'\n    requestParameters.b: 443\n  condition: s";
    assert!(hits(
        rule,
        r#"{"eventName":"X","requestParameters":{"a":false,"b":"443"}}"#
    ));
    assert!(hits(
        rule,
        r#"{"eventName":"X","requestParameters":{"a":"False","b":443}}"#
    ));
    assert!(!hits(
        rule,
        r#"{"eventName":"X","requestParameters":{"a":false,"b":"0443"}}"#
    ));
}

#[test]
fn lists_and_objects_are_looked_into() {
    let any = "  s:\n    requestParameters.layers|contains: bad\n  condition: s";
    assert!(hits(
        any,
        r#"{"eventName":"X","requestParameters":{"layers":["good","a bad one"]}}"#
    ));
    let all =
        "  s:\n    requestParameters|contains|all: ['\"Allow\"', 'arn:aws:s3:::']\n  condition: s";
    let policy = r#"{"eventName":"X","requestParameters":{"doc":"{\"Effect\":\"Allow\",\n\"Resource\":\"arn:aws:s3:::b\"}"}}"#;
    assert!(hits(all, policy));
    let key = "  s:\n    requestParameters|contains: doc\n  condition: s";
    assert!(!hits(key, policy), "values, not keys");
}

#[test]
fn the_index_finds_a_rule_by_any_member_of_a_list() {
    let rule = "  s:\n    eventName: X\n    eventSource: s\n  condition: s";
    for (name, source) in [
        (r#""x""#, r#""S""#),
        (r#"["Y","X"]"#, r#""s""#),
        (r#"{"a":"X"}"#, r#""s""#),
        (r#""X""#, r#"["s"]"#),
    ] {
        let record = format!(r#"{{"eventVersion":"1","eventName":{name},"eventSource":{source}}}"#);
        assert!(hits(rule, &record), "{record}");
    }
}

#[test]
fn a_lone_star_means_present() {
    let star = "  s:\n    requestParameters.a|contains: '*'\n  condition: s";
    assert!(hits(
        star,
        "{\"eventName\":\"X\",\"requestParameters\":{\"a\":\"x\\ny\"}}"
    ));
    for empty in ["[]", "null", "{}"] {
        assert!(
            !hits(
                star,
                &format!(r#"{{"eventName":"X","requestParameters":{{"a":{empty}}}}}"#)
            ),
            "{empty}"
        );
    }
}

#[test]
fn modifiers_do_what_their_names_say() {
    let record = r#"{"eventName":"CreateUser","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.1","eventTime":"2026-11-20T23:05:00Z","requestParameters":{"n":10,"b":"eyJrZXkiOiJzZWNyZXQifQ==","w":"cmd /c dir","u":"CreateUser"}}"#;
    for (item, expected) in [
        ("eventName|startswith: create", true),
        ("eventName|endswith: USER", true),
        ("eventName|cased: createuser", false),
        ("eventName|re: ^Create", true),
        ("eventName|re: ^create", false),
        ("eventName|re|i: ^create", true),
        ("sourceIPAddress|cidr: 198.51.100.0/24", true),
        (
            "sourceIPAddress|cidr: ['2001:db8::/32', 192.0.2.0/24]",
            false,
        ),
        ("requestParameters.n|gte: 10", true),
        ("requestParameters.n|lt: 10", false),
        ("eventTime|hour: 23", true),
        ("eventTime|hour|gte: 22", true),
        ("eventName|neq: DeleteUser", true),
        ("errorCode|neq: AccessDenied", true),
        ("eventName|fieldref: requestParameters.u", true),
        ("requestParameters.b|base64offset|contains: secret", true),
        ("requestParameters.w|windash|contains: ' -c '", true),
        ("userAgent|contains|all: [cli, aws]", true),
        ("eventName: Create*r", true),
        ("eventName: 'Create\\*'", false),
    ] {
        assert_eq!(
            hits(&format!("  s:\n    {item}\n  condition: s"), record),
            expected,
            "{item}"
        );
    }
}

#[test]
fn conditions_keywords_and_selectors() {
    let record = r#"{"eventName":"X","requestParameters":{"note":"find THIS here"}}"#;
    for (detection, expected) in [
        ("  k: [this]\n  condition: k", true),
        ("  k:\n    '|all': [find, here]\n  condition: k", true),
        (
            "  sel_a: {eventName: X}\n  sel_b: {eventName: Y}\n  condition: 1 of sel_*",
            true,
        ),
        (
            "  sel_a: {eventName: X}\n  sel_b: {eventName: Y}\n  condition: all of sel_*",
            false,
        ),
        (
            "  sel_a: {eventName: X}\n  _off: {eventName: Y}\n  condition: all of them",
            true,
        ),
        (
            "  a: {eventName: X}\n  b: {eventName: X}\n  condition: a and not b",
            false,
        ),
        (
            "  a: [{eventName: Y}, {eventName: X}]\n  condition: a",
            true,
        ),
        (
            "  a: {eventName: X}\n  b: {eventName: Y}\n  condition: [b, a]",
            true,
        ),
        ("  x_sel_y: {eventName: X}\n  condition: 1 of *sel*", true),
    ] {
        assert_eq!(hits(detection, record), expected, "{detection}");
    }
}

#[test]
fn rules_that_cannot_be_used_are_refused_with_a_reason() {
    for (text, reason) in [
        (
            rule("  s: {eventName|sounds: x}\n  condition: s"),
            "Unknown modifier",
        ),
        (rule("  s: {eventName: x}\n  condition: t"), "not there"),
        (
            rule("  s: {eventName: x}\n  condition: 1 of t*"),
            "selects nothing",
        ),
        (rule("  s: {eventName: []}\n  condition: s"), "empty list"),
        (
            rule("  s: {eventName: {a: b}}\n  condition: s"),
            "holds a mapping",
        ),
        (
            rule("  s: {eventName: x}\n  timeframe: 5m\n  condition: s"),
            "correlation rule",
        ),
        (
            rule("  s: {eventName|re: '('}\n  condition: s"),
            "regular expression",
        ),
        (
            rule("  s: {sourceIPAddress|cidr: 10.0.0.1/8}\n  condition: s"),
            "bits set",
        ),
        (
            rule("  s: {trailscan.nonsense: x}\n  condition: s"),
            "not a derived field",
        ),
        (
            "title: T\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n"
                .into(),
            "not CloudTrail",
        ),
        ("just text".into(), "not a mapping"),
        ("a: [".into(), "not YAML"),
    ] {
        let why = refused(&text);
        assert!(why.contains(reason), "{why} / {reason}");
    }
}

#[test]
fn placeholders_are_filled_or_the_rule_is_not_assessed() {
    let text = rule("  s: {requestParameters.bucketName|expand: '%phi_buckets%'}\n  condition: s");
    let waiting = set_of(&text);
    assert_eq!(
        waiting.unconfigured.first().unwrap().missing,
        ["phi.buckets"]
    );
    let mut settings = Settings::default();
    settings
        .placeholders
        .insert("phi_buckets".into(), vec!["phi-*".into()]);
    let set = set_with(&text, &settings);
    let hit = set.matches_linear(
        &event(r#"{"eventName":"X","requestParameters":{"bucketName":"phi-1"}}"#),
        &Organization::default(),
    );
    assert_eq!(hit, [0]);
    let hours = set_of(&rule(
        "  s: {trailscan.calendar.after_hours: true}\n  condition: s",
    ));
    assert_eq!(hours.unconfigured.first().unwrap().missing, ["calendar"]);
}

#[test]
fn documents_collections_correlations_and_filters_of_one_file() {
    let set = set_of(
        "action: global\nlogsource: {product: aws, service: cloudtrail}\nlevel: high\n---\n\
         title: A\nname: a\ndetection: {s: {eventName: X}, condition: s}\n---\n\
         title: B\nname: b\ndetection: {s: {eventName: Y}, condition: s}\n---\n\
         title: C\nname: c\nlevel: medium\ncorrelation: {type: event_count, rules: [a], group-by: [awsRegion], timespan: 10m, condition: {gte: 2.5}}\n---\n\
         title: F\nlogsource: {product: aws, service: cloudtrail}\nfilter: {rules: [b], selection: {userAgent: scanner}, condition: not selection}\n",
    );
    assert_eq!(set.rejected, []);
    let names: Vec<_> = set.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(set.rules[0].silent, "the correlation does not generate");
    assert_eq!(set.rules[1].level, Severity::High);
    assert_eq!(set.rules[1].origin.line, 9);
    let RuleKind::Correlation(c) = &set.rules[2].kind else {
        panic!()
    };
    assert_eq!((c.thresholds[0], c.timespan), ((Comparison::Gte, 2.5), 600));
    let matched = |record: &str| set.matches_linear(&event(record), &Organization::default());
    assert_eq!(
        matched(r#"{"eventName":"Y","userAgent":"scanner"}"#),
        Vec::<usize>::new()
    );
    assert_eq!(matched(r#"{"eventName":"Y","userAgent":"x"}"#), [1]);
}

#[test]
fn a_setting_for_a_rule_that_is_not_there_is_named() {
    let mut settings = Settings::default();
    for name in ["aws_iam_access_key_created", "aws_iam_acces_key_deleted"] {
        let off = Override {
            enabled: Some(false),
            ..Override::default()
        };
        settings.overrides.insert(name.into(), off);
    }
    let set = load(&builtin(), &settings);
    // one that is switched off is there all the same
    assert_eq!(set.unmatched, ["aws_iam_acces_key_deleted"]);
}

#[test]
fn the_rules_we_ship_all_load() {
    let mut settings = Settings {
        configured: configured::all_keys().collect(),
        ..Settings::default()
    };
    for (name, _) in placeholders::BUILT_IN {
        settings.placeholders.insert(name.into(), vec!["x".into()]);
    }
    let set = load(&builtin(), &settings);
    assert_eq!(set.rejected, []);
    assert_eq!(set.unconfigured, []);
    assert!(
        !set.rules.is_empty(),
        "zero rules must never look like a clean run"
    );
    for rule in &set.rules {
        assert!(!rule.citations.is_empty(), "{} cites nothing", rule.name);
    }
}

#[test]
fn a_rule_names_every_key_that_it_waits_for_and_a_fault_comes_first() {
    let text = rule(
        "  s:\n    a|expand: '%phi_secrets%'\n    b|expand: ['%phi_secrets%/*', '%my_list%']\n    c|cidr|expand: '%trusted_networks%'\n    trailscan.calendar.after_hours: true\n  condition: s",
    );
    let set = set_of(&text);
    assert_eq!(set.rejected, []);
    assert_eq!(
        set.unconfigured[0].missing,
        [
            "phi.secrets",
            "placeholders.my_list",
            "placeholders.trusted_networks",
            "calendar"
        ]
    );
    let faulty = rule("  s:\n    a|expand: '%phi_secrets%'\n    b|re: '('\n  condition: s");
    assert!(refused(&faulty).contains("regular expression"));
}
