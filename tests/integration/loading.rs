//! Rule files of every shape: what is loaded, what is refused with file, line and reason, and that the
//! report counts it.

use crate::product;

use std::collections::BTreeMap;
use std::fs;

use product::{run, samples, trailscan};
use trailscan::derive::Organization;
use trailscan::event::Event;
use trailscan::event::json::Raw;
use trailscan::rules::RuleSet;
use trailscan::rules::load::{self, Override, RuleText, Settings};

const SOURCE: &str = "logsource: {product: aws, service: cloudtrail}\n";

/// A rule that finds one call.
fn rule(name: &str, call: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nlevel: low\n{SOURCE}detection: {{s: {{eventName: {call}}}, condition: s}}\n"
    )
}

fn loaded(files: &[&str]) -> RuleSet {
    loaded_with(files, &Settings::default())
}

fn loaded_with(files: &[&str], settings: &Settings) -> RuleSet {
    let text = |(number, text): (usize, &&str)| RuleText {
        fault: None,
        file: format!("{number}.yml"),
        text: (*text).to_owned(),
    };
    let texts: Vec<RuleText> = files.iter().enumerate().map(text).collect();
    load::load(&texts, settings)
}

fn names(rules: &RuleSet) -> Vec<&str> {
    rules.rules.iter().map(|rule| rule.name.as_str()).collect()
}

/// `file:line: reason` of every text that cannot be used.
fn refused(rules: &RuleSet) -> Vec<String> {
    let line = |bad: &trailscan::rules::Rejected| {
        format!("{}:{}: {}", bad.origin.file, bad.origin.line, bad.reason)
    };
    rules.rejected.iter().map(line).collect()
}

fn finds(rules: &RuleSet, record: &str) -> Vec<String> {
    let event = Event::of(Raw::new(record));
    let found = rules.matches_linear(&event, &Organization::default());
    found
        .into_iter()
        .map(|place| rules.rules[place].name.clone())
        .collect()
}

#[test]
fn documents_are_separated_however_they_begin() {
    let a = rule("a", "A");
    let b = rule("b", "B");
    for between in [
        "---\n",
        "--- # the second\n",
        "---   \r\n",
        "---\n# a remark\n---\n",
    ] {
        let rules = loaded(&[&format!("---\n{a}{between}{b}")]);
        assert_eq!(refused(&rules), [""; 0]);
        assert_eq!(names(&rules), ["a", "b"], "{between:?}");
    }
    let rules = loaded(&["", "# nothing\n---\n"]);
    assert_eq!(
        refused(&rules),
        [
            "0.yml:1: there is no rule in the file",
            "1.yml:1: there is no rule in the file"
        ]
    );
}

#[test]
fn one_bad_document_does_not_take_the_others_with_it() {
    let bad = "title: x\n: [\n";
    let rules = loaded(&[&format!(
        "{}---\n{bad}---\n{}",
        rule("a", "A"),
        rule("b", "B")
    )]);
    assert_eq!(names(&rules), ["a", "b"]);
    assert!(
        refused(&rules)[0].starts_with("0.yml:7: not YAML"),
        "{:?}",
        refused(&rules)
    );
}

#[test]
fn collections_share_and_repeat_what_they_say() {
    let collection = format!(
        "action: global\ntitle: shared\nlevel: high\n{SOURCE}detection:\n  s: {{eventSource: s3.amazonaws.com}}\n  condition: s and t\n---\n\
         name: a\ndetection: {{t: {{eventName: A}}}}\n---\n\
         action: repeat\nname: b\ndetection: {{t: {{eventName: B}}}}\n---\n\
         action: reset\n---\n{}",
        rule("c", "C")
    );
    let rules = loaded(&[&collection]);
    assert_eq!(refused(&rules), [""; 0]);
    assert_eq!(names(&rules), ["a", "b", "c"]);
    assert_eq!(rules.rules[1].level.to_string(), "high");
    assert_eq!(
        finds(
            &rules,
            r#"{"eventName":"B","eventSource":"s3.amazonaws.com"}"#
        ),
        ["b"]
    );
    assert_eq!(
        finds(
            &rules,
            r#"{"eventName":"B","eventSource":"iam.amazonaws.com"}"#
        ),
        [""; 0]
    );
    assert_eq!(
        finds(
            &rules,
            r#"{"eventName":"C","eventSource":"iam.amazonaws.com"}"#
        ),
        ["c"]
    );
}

#[test]
fn a_global_part_is_for_detections_only() {
    let text = format!(
        "action: global\nlevel: critical\n{SOURCE}detection: {{t: {{eventName: Z}}, condition: t}}\n---\n{}---\n\
         title: X\nname: x\ncorrelation: {{type: event_count, rules: [a], group-by: [awsRegion], timespan: 5m, condition: {{gte: 2}}}}\n---\n\
         title: F\n{SOURCE}filter: {{rules: [a], selection: {{userAgent: scanner}}, condition: not selection}}\n",
        rule("a", "A")
    );
    let rules = loaded(&[&text]);
    assert_eq!(refused(&rules), [""; 0]);
    assert!(!rules.find("x").unwrap().states_level);
    assert_eq!(finds(&rules, r#"{"eventName":"A","userAgent":"x"}"#), ["a"]);
    assert_eq!(
        finds(&rules, r#"{"eventName":"A","userAgent":"scanner"}"#),
        [""; 0]
    );
}

#[test]
fn what_a_collection_cannot_mean_is_refused() {
    let a = rule("a", "A");
    for (text, reason) in [
        (
            format!("action: repeat\nname: b\n---\n{a}"),
            "nothing to repeat",
        ),
        (format!("action: copy\n---\n{a}"), "global, reset or repeat"),
        (format!("action: 5\n---\n{a}"), "global, reset or repeat"),
        (format!("action: global\n{SOURCE}"), "no rule follows"),
        (
            format!("{a}correlation: {{type: temporal, rules: [a]}}\n"),
            "two documents",
        ),
        (format!("- {a}"), "not"),
        ("title: t\nlevel: low\n".to_owned(), "detection"),
    ] {
        let rules = loaded(&[&text]);
        assert!(
            refused(&rules)[0].contains(reason),
            "{text}{:?}",
            refused(&rules)
        );
    }
}

#[test]
fn only_rules_for_cloudtrail_are_taken() {
    let with = |source: &str| rule("a", "A").replace(SOURCE, source);
    for source in [
        SOURCE,
        "logsource: {product: AWS}\n",
        "logsource: {service: cloudtrail}\n",
    ] {
        assert_eq!(names(&loaded(&[&with(source)])), ["a"], "{source}");
    }
    for source in [
        "",
        "logsource: {product: windows, service: cloudtrail}\n",
        "logsource: {product: aws, service: guardduty}\n",
        "logsource: {category: process_creation}\n",
        "logsource: {product: okta}\n",
    ] {
        let rules = loaded(&[&with(source)]);
        assert!(refused(&rules)[0].contains("log source"), "{source}");
    }
}

#[test]
fn names_and_ids_are_given_once() {
    let with_id = |name: &str, title: &str| {
        rule(name, "A")
            .replace("level", "id: 5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1\nlevel")
            .replace(&format!("title: {name}"), &format!("title: {title}"))
    };
    let twice = loaded(&[&rule("a", "A"), &rule("a", "B")]);
    assert_eq!(names(&twice), ["a"]);
    assert!(
        refused(&twice)[0].contains("1.yml:1: a rule called a stands already in 0.yml:1"),
        "{:?}",
        refused(&twice)
    );
    let copy = loaded(&[&with_id("a", "T"), &with_id("b", "T")]);
    assert!(refused(&copy)[0].contains("of that id and title stands already in 0.yml:1"));
    // published rules share an id now and then: both are taken, and the id names neither
    let correlation = "title: X\nname: x\ncorrelation: {type: event_count, rules: [5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1], timespan: 5m, condition: {gte: 2}}\n";
    let shared = loaded(&[&with_id("a", "T"), &with_id("b", "U"), correlation]);
    assert_eq!(names(&shared), ["a", "b"]);
    assert!(
        refused(&shared)[0].contains("the id of a and b"),
        "{:?}",
        refused(&shared)
    );
}

#[test]
fn filters_narrow_the_rules_they_name() {
    let a = rule("a", "A").replace("level", "id: 5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1\nlevel");
    let b = rule("b", "A");
    let filter = |rules: &str| {
        format!(
            "title: F\n{SOURCE}filter:\n  rules: {rules}\n  known: {{userAgent|contains: scanner}}\n  condition: not known\n"
        )
    };
    let scanner = r#"{"eventName":"A","userAgent":"our scanner/2"}"#;
    let other = r#"{"eventName":"A","userAgent":"aws-cli"}"#;
    for (named, left) in [
        ("[a]", &["b"][..]),
        ("[5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1]", &["b"]),
        ("a", &["b"]),
        ("[a, b]", &[]),
        ("any", &[]),
    ] {
        let rules = loaded(&[&filter(named), &a, &b]);
        assert_eq!(refused(&rules), [""; 0], "{named}");
        assert_eq!(finds(&rules, scanner), left, "{named}");
        assert_eq!(finds(&rules, other), ["a", "b"], "{named}");
    }
    for (text, reason) in [
        (
            filter("[nobody]"),
            "`nobody`, which is not a loaded detection rule",
        ),
        (filter("[a, nobody]"), "`nobody`"),
        (filter("[]"), "names no rules"),
        (filter("[4711]"), "takes texts"),
        (
            filter("[a]").replace("  rules: [a]\n", ""),
            "names no rules",
        ),
        (filter("any").replace("aws", "windows"), "log source"),
        (
            filter("[a]").replace("not known", "not unknown"),
            "not there",
        ),
        (
            filter("[a]").replace("userAgent|contains: scanner", "userAgent: {a: b}"),
            "holds a mapping",
        ),
        (
            filter("[a]").replace("scanner}", "scanner}\n  timeframe: 5m"),
            "correlation rule",
        ),
    ] {
        let rules = loaded(&[&a, &b, &text]);
        assert_eq!(names(&rules), ["a", "b"], "{text}");
        assert!(
            refused(&rules)[0].contains(reason),
            "{text}{:?}",
            refused(&rules)
        );
    }
}

#[test]
fn what_rests_on_a_rule_that_is_switched_off_or_waits_says_so() {
    let waiting = rule("a", "A")
        .replace(
            "eventName: A",
            "'requestParameters.bucketName|expand': '%phi_buckets%'",
        )
        .replace("level", "id: 5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1\nlevel");
    let on = |name: &str| {
        format!(
            "title: X\nname: x\ncorrelation: {{type: event_count, rules: [{name}], timespan: 5m, condition: {{gte: 2}}}}\n"
        )
    };
    let top = "title: Y\nname: y\ncorrelation: {type: temporal, rules: [x], timespan: 5m}\n";
    let missing = |rules: &RuleSet| -> BTreeMap<String, Vec<String>> {
        assert_eq!(refused(rules), [""; 0]);
        rules
            .unconfigured
            .iter()
            .map(|rule| (rule.rule.clone(), rule.missing.clone()))
            .collect()
    };
    for named in ["a", "5f0d1cd4-5b9a-4a52-8f3c-0f6f6f4dd6a1"] {
        let rules = loaded(&[&waiting, &on(named), top]);
        let waits = missing(&rules);
        assert_eq!(waits.keys().collect::<Vec<_>>(), ["a", "x", "y"]);
        assert!(waits.values().all(|keys| keys == &["phi.buckets"]));
    }
    let mut settings = Settings::default();
    let off = Override {
        enabled: Some(false),
        ..Override::default()
    };
    settings.overrides.insert("a".into(), off);
    let rules = loaded_with(&[&rule("a", "A"), &on("a")], &settings);
    assert_eq!(names(&rules), [""; 0]);
    assert_eq!(
        missing(&rules),
        [("x".to_owned(), vec!["rules.a.enabled".to_owned()])].into()
    );
}

/// What is new is known when all is read: the test must decide the whole rule, and nobody can watch it.
#[test]
fn what_is_new_is_asked_for_once_and_for_the_whole_rule() {
    let with = |selection: &str, condition: &str| {
        let text = rule("new", "A").replace(
            "{eventName: A}",
            &format!("{{{selection}}}, o: {{eventName: B}}"),
        );
        text.replace("condition: s", &format!("condition: {condition}"))
    };
    let network = "trailscan.first_seen.network: true";
    let kept = Settings {
        configured: vec!["history"],
        ..Settings::default()
    };
    let loaded = |files: &[&str]| loaded_with(files, &kept);
    for condition in ["s", "all of s", "1 of s*", "s and not o"] {
        let rules = loaded(&[&with(network, condition)]);
        assert_eq!(refused(&rules), [""; 0], "{condition}");
        assert!(rules.rules[0].first_seen.is_some(), "{condition}");
    }
    for (selection, condition, reason) in [
        ("trailscan.first_seen.network: false", "s", "as `true`"),
        (
            "trailscan.first_seen.network|exists: true",
            "s",
            "as `true`",
        ),
        (network, "not s", "the whole condition needs"),
        (network, "s or o", "the whole condition needs"),
        (network, "s and s", "more than once"),
        ("trailscan.first_seen: true", "s", "not a derived field"),
        ("trailscan.first_seen.: true", "s", "not a derived field"),
        ("trailscan.first_seen.hat: true", "s", "not a derived field"),
        (
            "userAgent|fieldref: trailscan.first_seen.region",
            "s",
            "compare",
        ),
    ] {
        let refused = refused(&loaded(&[&with(selection, condition)]));
        assert!(refused[0].contains(reason), "{selection}: {refused:?}");
    }
    let watches = "title: w\nname: w\nlevel: low\ncorrelation:\n  type: event_count\n  rules: [new]\n  \
                   timespan: 1h\n  condition:\n    gte: 2\n";
    let rules = loaded(&[&with(network, "s"), watches]);
    assert!(
        refused(&rules)[0].contains("when all is read"),
        "{:?}",
        refused(&rules)
    );
    let keys = rule("old", "A").replace("eventName: A", "trailscan.key_age_days|gte: 90");
    let waits = loaded(&[&keys]);
    assert_eq!(
        waits.unconfigured[0].how_to_enable(),
        "set iam.access_keys in trailscan.toml"
    );
}

/// The whole way: the run goes on, counts what it could not load, and lint fails.
#[test]
fn the_report_counts_and_names_what_could_not_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules/deeper");
    fs::create_dir_all(&rules).unwrap();
    fs::write(rules.join("good.YML"), rule("good", "A")).unwrap();
    fs::write(
        rules.join("bad.yaml"),
        format!("{}---\n{}", rule("fine", "B"), rule("bad", "{a: b}")),
    )
    .unwrap();
    let waits = rule("waits", "A").replace("eventName: A", "userAgent|expand: '%mine%'");
    fs::write(rules.join("waits.yml"), waits).unwrap();
    let old = rule("old", "A").replace("eventName: A", "trailscan.key_age_days|gte: 90");
    fs::write(rules.join("old.yml"), old).unwrap();
    fs::write(rules.join("notes.md"), "no rule").unwrap();
    let empty = folder.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    let above = folder.path().join("rules");
    let above = above.to_str().unwrap();
    let ran = run(
        samples("trails/seed"),
        &[
            "--rules",
            above,
            "--no-builtin-rules",
            "--config",
            empty.to_str().unwrap(),
        ],
    );
    let report = ran.json("run.json");
    let bad = report["rules_not_loaded"].as_array().unwrap();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(
        bad[0]["origin"]["file"]
            .as_str()
            .unwrap()
            .ends_with("deeper/bad.yaml")
    );
    assert_eq!(
        (&bad[0]["origin"]["line"], &bad[0]["rule"]),
        (&7.into(), &"bad".into())
    );
    assert!(
        bad[0]["reason"]
            .as_str()
            .unwrap()
            .contains("holds a mapping")
    );
    let waiting: Vec<&str> = report["rules_not_configured"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(waiting, ["old", "waits"]);
    assert_eq!(report["rules"].as_array().unwrap().len(), 2);
    for (what, words) in [
        (&ran.stdout, "1 NOT LOADED"),
        (&ran.stdout, "2 not assessed (configuration missing)"),
        (&ran.file("report.html"), "deeper/bad.yaml:7"),
    ] {
        assert!(what.contains(words), "{words}");
    }
    let lint = trailscan().args(["rules", "lint", above]).output().unwrap();
    assert_eq!(lint.status.code(), Some(1));
    let said = String::from_utf8(lint.stdout).unwrap();
    assert!(said.contains("deeper/bad.yaml:7: error: "), "{said}");
}
