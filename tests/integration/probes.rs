//! What Sigma 2.1 says and what engines get wrong of it: for each modifier, value, condition form and
//! shape of data one rule, an event that it finds and one that it nearly finds.
//!
//! The tables follow the feature tables of the project's Sigma study (sections 1.1 to 1.4), which
//! name for each row the engines that fail it.

use serde_json::{Value, json};
use trailscan::derive::{Organization, outcome};
use trailscan::event::Event;
use trailscan::event::json::Raw;
use trailscan::rules::load::{RuleText, Settings, load};
use trailscan::rules::{Matcher, RuleSet};

/// A rule with that detection section, in YAML, indented by two.
fn rule(detection: &str) -> String {
    format!(
        "title: Probe\nname: probe\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n{detection}\n"
    )
}

/// A rule with one selection of one line.
fn line(item: &str) -> String {
    rule(&format!("  s:\n    {item}\n  condition: s"))
}

fn loaded(text: &str) -> RuleSet {
    let text = RuleText {
        fault: None,
        file: "probe.yml".into(),
        text: text.into(),
    };
    let mut settings = Settings::default();
    let list = vec!["ana".to_owned(), "be*".to_owned()];
    settings.placeholders.insert("people".into(), list);
    let networks = vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()];
    settings.placeholders.insert("networks".into(), networks);
    load(&[text], &settings)
}

/// Whether the rule finds a record: as the program looks, with the index, and without it.
fn finds(rules: &RuleSet, record: &Value) -> bool {
    let text = record.to_string();
    let event = Event::of(Raw::new(&text));
    let organization = Organization::default();
    let mut found = Vec::new();
    rules.matches(&event, &organization, |place| found.push(place));
    assert_eq!(
        found,
        rules.matches_linear(&event, &organization),
        "{record}"
    );
    // the second time the kind of the event is known
    let mut matcher = Matcher::new(rules);
    for _ in 0..2 {
        let mut as_run = Vec::new();
        matcher.matches(&event, outcome::of(&event), &organization, &mut as_run);
        assert_eq!(found, as_run, "{record}");
    }
    !found.is_empty()
}

/// A record with these members.
fn record(members: Value) -> Value {
    let mut record =
        json!({ "eventVersion": "1.11", "eventName": "Probe", "eventSource": "s3.amazonaws.com" });
    let members = members.as_object().unwrap().clone();
    record.as_object_mut().unwrap().extend(members);
    record
}

/// A record with this as `requestParameters.v`.
fn with(value: Value) -> Value {
    record(json!({ "requestParameters": { "v": value } }))
}

/// Each rule must find every record of the first list and none of the second.
#[track_caller]
fn probe(rule: &str, hits: &[Value], misses: &[Value]) {
    let rules = loaded(rule);
    assert_eq!(rules.rejected, [], "{rule}");
    assert_eq!(rules.unconfigured, [], "{rule}");
    assert!(!hits.is_empty() && !misses.is_empty());
    for hit in hits {
        assert!(finds(&rules, hit), "not found: {rule}{hit}");
    }
    for miss in misses {
        assert!(!finds(&rules, miss), "found: {rule}{miss}");
    }
}

/// The rule must be refused, and the reason says so much.
#[track_caller]
fn refused(rule: &str, reason: &str) {
    let rules = loaded(rule);
    assert_eq!(rules.rules.len(), 0, "{rule}");
    let bad = rules.rejected.first().unwrap_or_else(|| panic!("{rule}"));
    assert!(bad.reason.contains(reason), "{rule}{}", bad.reason);
    assert_eq!(
        (bad.origin.file.as_str(), bad.origin.line),
        ("probe.yml", 1)
    );
}

/// `requestParameters.v` with these modifiers and this value in YAML, and what it finds.
#[track_caller]
fn values(modifiers: &str, value: &str, hits: &[Value], misses: &[Value]) {
    let rule = line(&format!("requestParameters.v{modifiers}: {value}"));
    let records = |values: &[Value]| values.iter().cloned().map(with).collect::<Vec<_>>();
    probe(&rule, &records(hits), &records(misses));
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}

#[test]
fn equality_takes_no_notice_of_case() {
    values(
        "",
        "CreateUser",
        &texts(&["createuser", "CREATEUSER"]),
        &texts(&["CreateUsers", ""]),
    );
    values("", "ÉCOLE", &texts(&["école"]), &texts(&["ecole"]));
    values(
        "|cased",
        "CreateUser",
        &texts(&["CreateUser"]),
        &texts(&["createuser"]),
    );
    values(
        "|contains|cased",
        "User",
        &texts(&["CreateUser"]),
        &texts(&["createuser"]),
    );
}

#[test]
fn parts_of_a_text() {
    values(
        "|contains",
        "min",
        &texts(&["admin", "MINimum", "min"]),
        &texts(&["mi", "m-in"]),
    );
    values(
        "|startswith",
        "ad",
        &texts(&["Admin", "ad"]),
        &texts(&["bad"]),
    );
    values(
        "|endswith",
        "in",
        &texts(&["admIN", "in"]),
        &texts(&["inn"]),
    );
    // a wildcard inside the value keeps its place
    values(
        "|startswith",
        "'a*c'",
        &texts(&["abcd", "acd"]),
        &texts(&["xabc", "ab"]),
    );
    values(
        "|endswith",
        "'a?c'",
        &texts(&["xxabc"]),
        &texts(&["abcd", "xxac"]),
    );
    values(
        "|contains",
        "'a*c'",
        &texts(&["xaXcx", "x a\nc"]),
        &texts(&["xcax"]),
    );
}

#[test]
fn all_asks_for_each_value() {
    values(
        "|contains|all",
        "[Allow, 'arn:aws']",
        &[json!("Allow on arn:aws:s3"), json!(["Allow", "arn:aws:s3"])],
        &[
            json!("Allow"),
            json!("arn:aws:s3"),
            json!(["Allow", "Deny"]),
        ],
    );
    values("|all", "[a, b]", &[json!(["b", "a"])], &texts(&["a", "b"]));
    // one value is the same with and without it
    values("|contains|all", "[a]", &texts(&["xa"]), &texts(&["x"]));
}

#[test]
fn exists_asks_for_the_key_and_nothing_else() {
    let there = line("requestParameters.v|exists: true");
    let empty = record(json!({ "requestParameters": {} }));
    let null = record(json!({ "requestParameters": null }));
    let values = [json!(null), json!(""), json!([]), json!(0), json!({})];
    let with_key: Vec<Value> = values.into_iter().map(with).collect();
    let in_list = record(json!({ "requestParameters": [{ "w": 1 }, { "v": null }] }));
    let with_key = [with_key, vec![in_list]].concat();
    let without = [empty, null, record(json!({}))];
    probe(&there, &with_key, &without);
    probe(
        &line("requestParameters.v|exists: false"),
        &without,
        &with_key,
    );
    probe(
        &line("errorCode|exists: false"),
        &[record(json!({}))],
        &[
            record(json!({ "errorCode": null })),
            record(json!({ "errorCode": "X" })),
        ],
    );
    // a key that itself holds dots is a key
    let dotted = record(json!({ "requestParameters": { "a.b": 1 } }));
    probe(
        &line("requestParameters.a.b|exists: true"),
        &[dotted],
        &[record(json!({}))],
    );
    let dotted = record(json!({ "mine.own": 1 }));
    probe(
        &line("mine.own|exists: true"),
        &[dotted, record(json!({"mine": {"own": 2}}))],
        &[record(json!({ "mine": 3 }))],
    );
    refused(&line("errorCode|exists: maybe"), "true or false");
}

#[test]
fn neq_is_the_opposite_of_any_and_true_of_what_is_missing() {
    let missing = record(json!({}));
    let not = line("requestParameters.v|neq: [a, b]");
    probe(
        &not,
        &[with(json!("c")), missing.clone(), with(json!(null))],
        &[with(json!("A")), with(json!(["c", "b"]))],
    );
    probe(
        &line("requestParameters.v|contains|neq: adm"),
        &[with(json!("user")), missing],
        &[with(json!("ADMIN"))],
    );
}

#[test]
fn numbers_are_compared_as_numbers() {
    for (modifier, hits, misses) in [
        (
            "|lt",
            [json!(9), json!(-1), json!(9.5)],
            [json!(10), json!(11), json!("x")],
        ),
        (
            "|lte",
            [json!(10), json!(9), json!("9")],
            [json!(10.1), json!("11"), json!(null)],
        ),
        (
            "|gt",
            [json!(11), json!("10.5"), json!(1e3)],
            [json!(10), json!(true), json!("")],
        ),
        (
            "|gte",
            [json!(10), json!(10.0), json!("10")],
            [json!(9), json!(9.99), json!("ten")],
        ),
    ] {
        values(modifier, "10", &hits, &misses);
    }
    values(
        "|gte",
        "1.5",
        &[json!(1.5), json!([0, 2])],
        &[json!(1.4), json!([0, 1])],
    );
    values(
        "|gt",
        "'5'",
        &[json!(6)],
        &[json!("infinity"), json!("-inf"), json!(5)],
    );
    refused(&line("requestParameters.v|gt: many"), "not a number");
}

#[test]
fn regular_expressions_keep_the_case_unless_flagged() {
    values(
        "|re",
        "'^a.c$'",
        &texts(&["abc"]),
        &texts(&["ABC", "xabc", "a\nc"]),
    );
    values("|re|i", "'^a.c$'", &texts(&["ABC"]), &texts(&["AB"]));
    values("|re|s", "'^a.c$'", &texts(&["a\nc"]), &texts(&["A\nc"]));
    values("|re|m", "'^b$'", &texts(&["a\nb\nc"]), &texts(&["abc"]));
    values(
        "|re|i|m|s",
        "'^B.C$'",
        &texts(&["a\nb\nc"]),
        &texts(&["abc d"]),
    );
    values(
        "|re",
        "['x\\d', 'y{2}']",
        &texts(&["ax1", "yy"]),
        &texts(&["xx", "y"]),
    );
    values(
        "|re|all",
        "['a+', 'b+']",
        &texts(&["ab"]),
        &texts(&["a", "b"]),
    );
    values("|re|neq", "'^a'", &texts(&["ba"]), &texts(&["ab"]));
    refused(
        &line("requestParameters.v|re: 'a(?=b)'"),
        "regular expression",
    );
}

#[test]
fn networks_of_both_families() {
    values(
        "|cidr",
        "[192.0.2.0/24, 10.0.0.0/8]",
        &texts(&["192.0.2.255", "10.200.1.1"]),
        &texts(&["192.0.3.0", "11.0.0.1", "cloudtrail.amazonaws.com", ""]),
    );
    values(
        "|cidr",
        "'2001:db8::/32'",
        &texts(&["2001:db8::1", "2001:0DB8:0:0::ff"]),
        &texts(&["2001:db9::1", "192.0.2.1"]),
    );
    values(
        "|cidr",
        "192.0.2.7",
        &texts(&["192.0.2.7"]),
        &texts(&["192.0.2.8"]),
    );
    values(
        "|cidr|neq",
        "192.0.2.0/24",
        &texts(&["198.51.100.1"]),
        &texts(&["192.0.2.1"]),
    );
    refused(&line("sourceIPAddress|cidr: 192.0.2.1/24"), "192.0.2.0/24");
    refused(&line("sourceIPAddress|cidr: nowhere"), "not a network");
}

/// The reference values are those of Python's base64 and codecs.
#[test]
fn encodings() {
    values(
        "|base64",
        "secret",
        &texts(&["c2VjcmV0"]),
        &texts(&["C2VJCMV0", "xc2VjcmV0"]),
    );
    // the three places in which a text can begin, and a fourth text that is not it
    values(
        "|base64offset|contains",
        "secret",
        &texts(&[
            "eHNlY3JldA==",
            "eHhzZWNyZXQ=",
            "eHh4c2VjcmV0",
            "c2VjcmV0eQ==",
        ]),
        &texts(&["c2VjcmE=", "eHNlY3JlcA=="]),
    );
    values(
        "|wide|base64offset|contains",
        "ab",
        &texts(&["YQBiAA==", "eGEAYgA="]),
        &texts(&["YWI="]),
    );
    values(
        "|utf16le|base64",
        "ab",
        &texts(&["YQBiAA=="]),
        &texts(&["AGEAYg=="]),
    );
    values(
        "|utf16be|base64",
        "ab",
        &texts(&["AGEAYg=="]),
        &texts(&["YQBiAA=="]),
    );
    values(
        "|utf16|base64",
        "ab",
        &texts(&["//5hAGIA"]),
        &texts(&["YQBiAA=="]),
    );
    values(
        "|wide|base64",
        "'é亀'",
        &texts(&["6QCATg=="]),
        &texts(&["w6nkuoA="]),
    );
    values("|wide", "ab", &texts(&["a\0b\0"]), &texts(&["ab"]));
    refused(
        &line("requestParameters.v|base64: 'a*'"),
        "wildcards cannot be encoded",
    );
}

#[test]
fn dashes_and_slashes_of_flags_stand_for_each_other() {
    values(
        "|windash|contains",
        "' -exec '",
        &texts(&[
            "x -exec y",
            "x /exec y",
            "x –exec y",
            "x —exec y",
            "x ―exec y",
        ]),
        &texts(&["x exec y", "x_-exec_y"]),
    );
    values(
        "|windash|contains",
        "' /c '",
        &texts(&["cmd -c dir"]),
        &texts(&["cmd c dir"]),
    );
    values(
        "|windash|contains",
        "aws-cli",
        &texts(&["my aws-cli/2"]),
        &texts(&["my aws/cli"]),
    );
}

#[test]
fn placeholders_are_filled_or_the_rule_waits() {
    values(
        "|expand",
        "'%people%'",
        &texts(&["ANA", "ben"]),
        &texts(&["carl", "%people%"]),
    );
    values(
        "|expand",
        "'x-%people%-y'",
        &texts(&["x-ana-y"]),
        &texts(&["ana"]),
    );
    values(
        "|contains|expand",
        "'%people%'",
        &texts(&["diana"]),
        &texts(&["carl"]),
    );
    values(
        "|cidr|expand",
        "'%networks%'",
        &texts(&["192.0.2.3", "2001:db8::9"]),
        &texts(&["192.0.3.3"]),
    );
    let waits = loaded(&line("requestParameters.v|expand: '%nobody%'"));
    assert_eq!((waits.rules.len(), waits.rejected.len()), (0, 0));
    assert_eq!(waits.unconfigured[0].missing, ["placeholders.nobody"]);
    // without the modifier it is a text like any other
    values("", "'%people%'", &texts(&["%people%"]), &texts(&["ana"]));
}

#[test]
fn fields_compared_with_each_other() {
    let of = |a: Value, b: Value| record(json!({ "requestParameters": { "v": a, "w": b } }));
    let same = line("requestParameters.v|fieldref: requestParameters.w");
    probe(
        &same,
        &[
            of(json!("Ana"), json!("ana")),
            of(json!(1), json!("1")),
            of(json!(["x", "y"]), json!(["y"])),
        ],
        &[
            of(json!("ana"), json!("ben")),
            of(json!(null), json!(null)),
            of(json!("a"), json!([])),
        ],
    );
    let other = line("requestParameters.v|fieldref|neq: requestParameters.w");
    probe(
        &other,
        &[of(json!("ana"), json!("ben"))],
        &[of(json!("ana"), json!("Ana"))],
    );
    let cased = line("requestParameters.v|fieldref|cased: requestParameters.w");
    probe(
        &cased,
        &[of(json!("ana"), json!("ana"))],
        &[of(json!("ana"), json!("Ana"))],
    );
    for (how, hit, miss) in [
        ("startswith", "ana", "na"),
        ("endswith", "na", "an"),
        ("contains", "n", "b"),
    ] {
        let rule = line(&format!(
            "requestParameters.v|fieldref|{how}: requestParameters.w"
        ));
        probe(
            &rule,
            &[of(json!("Ana"), json!(hit))],
            &[of(json!("Ana"), json!(miss))],
        );
    }
    refused(&line("requestParameters.v|fieldref: [a, b]"), "one field");
}

#[test]
fn parts_of_a_time_in_utc() {
    let at = |time: &str| record(json!({ "eventTime": time }));
    for (part, number, other) in [
        ("minute", 5, 6),
        ("hour", 23, 22),
        ("day", 30, 29),
        ("week", 53, 1),
        ("month", 12, 1),
        ("year", 2026, 2027),
    ] {
        let time = at("2026-12-30T23:05:59Z");
        probe(
            &line(&format!("eventTime|{part}: {number}")),
            std::slice::from_ref(&time),
            &[at("2027-02-03T04:06:07Z"), at("no time")],
        );
        probe(
            &line(&format!("eventTime|{part}|neq: {other}")),
            std::slice::from_ref(&time),
            &[at(&format!(
                "20{}",
                match part {
                    "minute" => "26-12-30T23:06:59Z",
                    "hour" => "26-12-30T22:05:59Z",
                    "day" => "26-12-29T23:05:59Z",
                    "week" => "26-01-01T23:05:59Z",
                    "month" => "26-01-30T23:05:59Z",
                    _ => "27-12-30T23:05:59Z",
                }
            ))],
        );
    }
    probe(
        &line("eventTime|hour|gte: 22"),
        &[at("2026-12-30T22:00:00Z")],
        &[at("2026-12-30T21:59:59Z")],
    );
    probe(
        &line("eventTime|lt|hour: 7"),
        &[at("2026-12-30T06:59:59Z")],
        &[at("2026-12-30T07:00:00Z")],
    );
    probe(
        &line("eventTime|hour: [1, 2]"),
        &[at("2026-12-30T02:00:00Z")],
        &[at("2026-12-30T03:00:00Z")],
    );
    // an offset in the value is applied
    probe(
        &line("eventTime|hour: 22"),
        &[at("2026-12-30T23:05:59+01:00")],
        &[at("2026-12-30T22:05:59+01:00")],
    );
}

#[test]
fn modifiers_that_are_unknown_or_idle_are_refused() {
    refused(&line("eventName|sounds: x"), "Unknown modifier");
    refused(&line("eventName|re|contains: x"), "cannot stand together");
    refused(&line("eventName|i: x"), "needs `re`");
    refused(&line("eventName|contains|contains: x"), "stands twice");
}

#[test]
fn wildcards_and_their_escapes() {
    values(
        "",
        "'a*a?b'",
        &texts(&["aXaYb", "aXXaYb"]),
        &texts(&["aXaYYb"]),
    );
    values(
        "",
        "'a*d'",
        &texts(&["a\nb\nd", "ad"]),
        &texts(&["a\nb\nde"]),
    );
    values(
        "",
        "'a?c'",
        &texts(&["abc", "aéc", "a\nc"]),
        &texts(&["ac", "abbc"]),
    );
    values("", r"'a\*c'", &texts(&["a*c"]), &texts(&["abc"]));
    values("", r"'a\?c'", &texts(&["a?c"]), &texts(&["abc"]));
    values(
        "",
        r"'a\\*'",
        &texts(&[r"a\", r"a\b"]),
        &texts(&["ab", "a*"]),
    );
    values("", r"'a\\\*'", &texts(&[r"a\*"]), &texts(&[r"a\b"]));
    values("", r"'a\b'", &texts(&[r"a\b"]), &texts(&["ab"]));
    // a lone star is any value that is there
    values(
        "",
        "'*'",
        &[
            json!("x\ny"),
            json!(""),
            json!(0),
            json!(["x"]),
            json!({"a": 1}),
        ],
        &[json!(null), json!([]), json!({}), json!([null])],
    );
}

#[test]
fn empty_null_and_missing() {
    let missing = record(json!({}));
    let no_object = record(json!({ "requestParameters": null }));
    let empty = line("requestParameters.v: ''");
    probe(
        &empty,
        &[with(json!(""))],
        &[missing.clone(), with(json!(null)), with(json!("x"))],
    );
    let null = line("requestParameters.v: null");
    probe(
        &null,
        &[missing.clone(), no_object.clone(), with(json!(null))],
        &[with(json!("")), with(json!("null")), with(json!(0))],
    );
    let either = line("requestParameters.v: [null, ok]");
    probe(
        &either,
        &[missing, no_object, with(json!("OK"))],
        &[with(json!("no"))],
    );
    let code = line("errorCode: null");
    probe(
        &code,
        &[record(json!({})), record(json!({ "errorCode": null }))],
        &[record(json!({ "errorCode": "" }))],
    );
}

#[test]
fn numbers_and_booleans_compare_with_texts_by_value() {
    values(
        "",
        "443",
        &[json!(443), json!("443")],
        &[json!("443.0"), json!("0443"), json!(4430)],
    );
    values("", "'443'", &[json!(443)], &[json!(44)]);
    values(
        "",
        "012345678901",
        &[json!("012345678901")],
        &[json!("12345678901"), json!(12_345_678_901_u64)],
    );
    values(
        "",
        "9007199254740993",
        &[json!(9_007_199_254_740_993_u64)],
        &[json!(9_007_199_254_740_992_u64)],
    );
    values("", "1.0", &[json!(1.0)], &[json!(1.5), json!("1.00")]);
    values(
        "",
        "true",
        &[json!(true), json!("True")],
        &[json!("yes"), json!(1), json!(false)],
    );
    values("", "'false'", &[json!(false)], &[json!(0), json!(null)]);
}

#[test]
fn lists_and_objects_in_the_data() {
    values(
        "",
        "b",
        &[json!(["a", "B"]), json!([["b"]])],
        &[json!(["a"]), json!("[\"b\"]")],
    );
    let path = line("requestParameters.ipPermissions.items.ipRanges.items.cidrIp: 0.0.0.0/0");
    let permissions = |cidr: &str| {
        record(json!({ "requestParameters": { "ipPermissions": { "items": [
            { "ipRanges": {} },
            { "ipRanges": { "items": [{ "cidrIp": "10.0.0.0/8" }, { "cidrIp": cidr }] } },
        ] } } }))
    };
    probe(
        &path,
        &[permissions("0.0.0.0/0")],
        &[permissions("0.0.0.0/1")],
    );
    let resources = |arn: &str| record(json!({ "resources": [{ "type": "x" }, { "ARN": arn }] }));
    for name in ["resources[].ARN", "resources.ARN"] {
        let rule = line(&format!("{name}|contains: ':key/'"));
        probe(
            &rule,
            &[resources("arn:aws:kms:eu-west-1:111122223333:key/1")],
            &[resources("arn:aws:s3:::b")],
        );
    }
    refused(&line("resources[0].ARN: x"), "any member");
    // an object under a text test: any value below it, and no key
    values(
        "|contains",
        "bad",
        &[json!({ "a": [{ "b": "a bad one" }] })],
        &[json!({ "bad": "good" })],
    );
    values(
        "|contains",
        "'\"Allow\"'",
        &[json!({ "policy": "{\"Effect\":\"Allow\"}" })],
        &[json!({ "Effect": "Allow" })],
    );
    // a flat key that holds dots wins
    let flat = record(json!({ "requestParameters": { "a.b": "x", "a": { "b": "y" } } }));
    probe(
        &line("requestParameters.a.b: x"),
        std::slice::from_ref(&flat),
        &[record(
            json!({ "requestParameters": { "a": { "b": "y" } } }),
        )],
    );
}

#[test]
fn lists_and_maps_in_the_rule() {
    let record_of = |v: &str, w: &str| record(json!({ "requestParameters": { "v": v, "w": w } }));
    let and = rule("  s:\n    requestParameters.v: a\n    requestParameters.w: b\n  condition: s");
    probe(
        &and,
        &[record_of("a", "b")],
        &[record_of("a", "x"), record_of("x", "b")],
    );
    let or =
        rule("  s:\n    - requestParameters.v: a\n    - requestParameters.w: b\n  condition: s");
    probe(
        &or,
        &[record_of("a", "x"), record_of("x", "b")],
        &[record_of("x", "x")],
    );
    for (detection, reason) in [
        (
            "  s: {eventName: {a: b}}\n  condition: s",
            "holds a mapping",
        ),
        (
            "  s: {eventName: [a, {b: c}]}\n  condition: s",
            "more than plain values",
        ),
        ("  s: [a, {eventName: b}]\n  condition: s", "mixes"),
        ("  s: [[a]]\n  condition: s", "list of lists"),
        ("  s: {eventName: []}\n  condition: s", "empty list"),
        ("  s: {}\n  condition: s", "empty"),
        ("  s: []\n  condition: s", "empty"),
        ("  s:\n  condition: s", "empty"),
        ("  s: {443: a}\n  condition: s", "not text"),
        (
            "  s: {eventName: a, eventName: b}\n  condition: s",
            "duplicate",
        ),
        ("  s: {eventName: !x a}\n  condition: s", "plain value"),
    ] {
        refused(&rule(detection), reason);
    }
}

#[test]
fn keywords_are_parts_of_any_value() {
    let note = |note: Value| record(json!({ "additionalEventData": { "a": [{ "note": note }] } }));
    probe(
        &rule("  k: [needle, 4711]\n  condition: k"),
        &[note(json!("a NEEDLE here")), note(json!(147_112))],
        &[note(json!("need"))],
    );
    probe(
        &rule("  k: needle\n  condition: k"),
        &[note(json!("needles"))],
        &[record(json!({ "needle": "x" }))],
    );
    probe(
        &rule("  k:\n    '|all': [one, two]\n  condition: k"),
        &[
            note(json!("two one")),
            record(json!({ "errorMessage": "one", "userAgent": "two" })),
        ],
        &[note(json!("one"))],
    );
    probe(
        &rule("  k:\n    '|re': 'n\\d+'\n  condition: k"),
        &[note(json!("xn12"))],
        &[note(json!("N12"))],
    );
    probe(
        &rule("  k: ['q*z']\n  condition: k"),
        &[note(json!("xqXzx"))],
        &[note(json!("xzx"))],
    );
}

#[test]
fn conditions() {
    let name = |name: &str| record(json!({ "eventName": name }));
    let selections = "  sel_a: {eventName: [A, AB, AX]}\n  sel_b: {eventName: [B, AB]}\n  _off: {eventName: Z}\n  x_mid_y: {eventName: X}\n  filter: {eventName: AX}\n";
    for (condition, hits, misses) in [
        ("sel_a and not filter", vec!["A", "AB"], vec!["AX", "B"]),
        ("sel_a or sel_b", vec!["A", "B"], vec!["X"]),
        ("sel_a and sel_b", vec!["AB"], vec!["A", "B"]),
        ("not sel_a and not sel_b", vec!["X", "Z"], vec!["A", "B"]),
        ("sel_b or sel_a and filter", vec!["B", "AX"], vec!["A"]),
        ("(sel_b or sel_a) and filter", vec!["AX"], vec!["B", "A"]),
        ("not (sel_a or sel_b)", vec!["X"], vec!["A", "B"]),
        ("1 of sel_*", vec!["A", "B"], vec!["X"]),
        ("any of sel_*", vec!["A", "B"], vec!["X"]),
        ("all of sel_*", vec!["AB"], vec!["A", "B"]),
        ("2 of them", vec!["AB", "AX"], vec!["A", "Z"]),
        ("1 of them", vec!["A", "X"], vec!["Z"]),
        ("1 of *mid*", vec!["X"], vec!["A"]),
        ("1 of *", vec!["Z"], vec!["none"]),
        ("not 1 of sel_*", vec!["X"], vec!["A"]),
        ("[sel_b, filter]", vec!["B", "AX"], vec!["A"]),
    ] {
        let names = |list: Vec<&str>| list.into_iter().map(name).collect::<Vec<_>>();
        probe(
            &rule(&format!("{selections}  condition: {condition}")),
            &names(hits),
            &names(misses),
        );
    }
    let of = |condition: &str| rule(&format!("  s: {{eventName: A}}\n  condition: {condition}"));
    refused(&of("t"), "not there");
    refused(&of("1 of t*"), "selects nothing");
    refused(&of("all of t*"), "selects nothing");
    refused(&of("s |count() > 5"), "");
    refused(&of("[]"), "empty list");
    refused(&of("s and"), "");
    refused(&rule("  s: {eventName: A}"), "condition");
    refused(
        &rule("  s: {eventName: A}\n  timeframe: 5m\n  condition: s"),
        "correlation rule",
    );
    refused(&line("trailscan.nonsense: x"), "not a derived field");
}
