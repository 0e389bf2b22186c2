//! A report made by hand, and what its page must and must not hold.

use std::collections::BTreeMap;

use super::*;
use crate::assess::completeness::Completeness;
use crate::assess::hours::HourGrid;
use crate::assess::{Assessment, CitationState, RuleState, State, Visibility};
use crate::coverage::{Coverage, ProblemKind};
use crate::finding::{CallCount, Finding, Sample};
use crate::hipaa::CATALOGUE;
use crate::provenance::Provenance;
use crate::report::activity::{ActivityTables, Hour, Top};
use crate::rules::{Origin, Rejected, Unconfigured};
use crate::severity::Severity;
use crate::window::Window;

mod chart;
mod integrity;

pub(in crate::report) const HOSTILE: &str =
    "\"><script>alert('x')</script>\u{202e}gpj.exe\u{7}<img src=x onerror=y>";
/// Mon 16 Nov 2026, 00:00 UTC.
pub(super) const MONDAY: i64 = 1_794_787_200;
const HOUR: i64 = 3_600;

pub(super) fn render(report: &Report) -> String {
    let mut page = Vec::new();
    write(report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

pub(in crate::report) fn finding(id: &str, level: Severity, actor: &str) -> Finding {
    let first = MONDAY + 50 * HOUR;
    Finding {
        id: id.into(),
        aliases: Vec::new(),
        rule: format!("rule_{level}"),
        rule_id: "315d6abf-5d8e-4ddf-9b87-8ed9438197f0".into(),
        title: format!("Something {level} was done"),
        level,
        actor: actor.into(),
        resource: "patient-files".into(),
        period: "2026-W47".into(),
        count: 12_003,
        first: Some(first),
        last: Some(first + 2_520),
        calls: BTreeMap::from([
            (
                "DeleteObject".into(),
                CallCount {
                    succeeded: 12_000,
                    denied: 0,
                    failed: 0,
                },
            ),
            (
                "DeleteObjects".into(),
                CallCount {
                    succeeded: 3,
                    denied: 0,
                    failed: 0,
                },
            ),
        ]),
        accounts: ["111122223333".to_owned()].into(),
        regions: ["us-east-1".to_owned()].into(),
        source_ips: ["198.51.100.7".to_owned()].into(),
        more_source_ips: 4,
        actors: [actor.to_owned()].into(),
        more_actors: 0,
        access_keys: ["AKIAIOSFODNN7EXAMPLE".to_owned()].into(),
        more_access_keys: 0,
        samples: vec![Sample {
            time: Some(first),
            event_id: format!("event-of-{id}"),
            object: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/18/a.json.gz".into(),
            record: 17,
            event_source: "s3.amazonaws.com".into(),
            event_name: "DeleteObject".into(),
            principal: actor.into(),
            source_ip: "198.51.100.7".into(),
            user_agent: "aws-cli/2.15".into(),
            outcome: "success".into(),
            ..Sample::default()
        }],
        citations: vec!["164.312(b)".into()],
        attack: vec!["T1485".into()],
        correlation: Some("12003 events within 24 hours; threshold: more than 10000".into()),
        why: "Files of patients are gone.".into(),
        response: vec!["Ask the caller".into()],
        false_positives: vec!["A planned clean-up".into()],
    }
}

pub(in crate::report) fn report(findings: Vec<Finding>) -> Report {
    let mut coverage = Coverage::default();
    (coverage.objects.listed, coverage.objects.read) = (9, 9);
    (coverage.records.records, coverage.records.evaluated) = (12_100, 12_100);
    (coverage.first, coverage.last) = (Some(MONDAY), Some(MONDAY + 100 * HOUR));
    let place = coverage.region("111122223333", "us-east-1");
    (place.objects, place.events) = (9, 12_100);
    place.hour(MONDAY).events = 97;
    place.hour(MONDAY + 50 * HOUR).events = 12_003;
    place.hour(MONDAY + 60 * HOUR).broken = 1;
    let rule = |name: &str, assessment| RuleState {
        name: name.into(),
        id: String::new(),
        aliases: Vec::new(),
        title: format!("Title of {name}"),
        level: Severity::High,
        catalogue: "A17".into(),
        citations: vec!["164.312(b)"],
        is_about_phi: false,
        assessment,
        view: 0,
        accepted: None,
        findings: 0,
    };
    let hour = |hour, succeeded, denied| Hour {
        hour: Some(hour),
        succeeded,
        denied,
        failed: 0,
    };
    let reason = "no KMS event was read".into();
    let mut report = Report {
        completeness: Completeness::default(),
        hours: None,
        folded: Default::default(),
        provenance: Provenance {
            version: "0.1.0",
            organization: "Example Clinic".into(),
            source: "s3://example-logs/AWSLogs/".into(),
            window: Window {
                since: Some(MONDAY),
                until: Some(MONDAY + 168 * HOUR),
            },
            created: Some(MONDAY + 170 * HOUR),
            config: Some(("trail scan.toml".into(), "c0ffee".into())),
            time_zone: Some("America/New_York".into()),
            builtin_rules: true,
            rule_set_sha256: "5e7".into(),
            rules_in_use: 2,
            command: "trailscan run 's3://example-logs/A b/'".into(),
            ..Provenance::default()
        },
        privileges: None,
        integrity: None,
        review: None,
        citations: vec![CitationState {
            citation: &CATALOGUE[1],
            state: if findings.is_empty() {
                State::PartlyCovered
            } else {
                State::FindingsOpen
            },
            rules: 2,
            rules_assessed: 1,
            rules_partly: 0,
            findings: findings.iter().map(|finding| (finding.level, 1)).collect(),
        }],
        visibility: Visibility::default(),
        worst: findings.iter().map(|finding| finding.level).max(),
        left_out: 0,
        rules: vec![
            rule("seen", Assessment::Assessed),
            rule("unseen", Assessment::NotAssessed { reason }),
        ],
        rejected: vec![Rejected {
            origin: Origin {
                file: "mine.yml".into(),
                line: 12,
            },
            rule: "my rule".into(),
            reason: "unknown modifier".into(),
        }],
        unconfigured: vec![Unconfigured {
            rule: "phi_rule".into(),
            title: "Rule on ePHI".into(),
            missing: vec!["phi_buckets".into()],
        }],
        activity: ActivityTables {
            hours: vec![hour(MONDAY, 90, 7), hour(MONDAY + 50 * HOUR, 12_003, 0)],
            callers: vec![Top {
                name: "somebody".into(),
                events: 12_003,
                denied: 7,
                failed: 0,
            }],
            ..ActivityTables::default()
        },
        coverage,
        findings,
    };
    judge(&mut report);
    report
}

/// Judges again what a test changed.
pub(super) fn judge(report: &mut Report) {
    report.completeness = Completeness::new(&report.provenance, &report.coverage);
    report.hours = HourGrid::new(&report.provenance, &report.coverage);
}

pub(in crate::report) fn several() -> Vec<Finding> {
    vec![
        finding(
            "c1",
            Severity::Critical,
            "arn:aws:iam::111122223333:user/ops",
        ),
        finding("h1", Severity::High, "somebody"),
        finding("m1", Severity::Medium, "somebody else"),
    ]
}

/// The page as text with its own markup removed is not needed: the parts are found as they stand.
#[track_caller]
fn holds(page: &str, text: &str) {
    assert!(page.contains(text), "the page lacks: {text}");
}

#[test]
fn each_finding_has_a_row_and_a_card_and_every_link_an_end() {
    let page = render(&report(several()));
    for id in ["c1", "h1", "m1"] {
        holds(&page, &format!("id=\"f-{id}\""));
        holds(&page, &format!("href=\"#f-{id}\""));
        holds(&page, &format!("event-of-{id}"));
    }
    assert_eq!(page.matches("<article").count(), 3);
    for link in page.split("href=\"").skip(1) {
        let target = link.split('"').next().unwrap();
        let anchor = target.strip_prefix('#').unwrap();
        holds(&page, &format!("id=\"{anchor}\""));
    }
    holds(
        &page,
        "All log files found were read; 2 of 168 hours have logs: 3 findings to decide (1 critical, 1 high, 1 medium); 1 rule had blind spots, 1 rule not configured, 1 rule NOT LOADED.",
    );
    holds(
        &page,
        "At least 12,003 and at most 15,000 objects, because each DeleteObjects call removes 1 to 1,000",
    );
    holds(
        &page,
        "between 02:00:00 and 02:42:00 UTC (42 minutes); all succeeded.",
    );
    holds(&page, "Tue 17 Nov 2026, 21:00:00 EST");
    holds(&page, "Log-file integrity was not checked in this run.");
    holds(&page, "unknown modifier");
    holds(&page, "no KMS event was read");
    holds(&page, "phi_buckets");
    holds(&page, "trailscan run 's3://example-logs/A b/'");
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    // hatching that the page itself draws
    let page = render(&report(several())).replace("url(#heat-", "");
    for load in [
        "http://",
        "https://",
        "src=",
        "url(",
        "@import",
        "<script",
        "<link",
        "javascript:",
        " style=",
        " onclick",
    ] {
        assert!(!page.contains(load), "{load}");
    }
    holds(&page, "default-src 'none'; style-src 'sha256-");
    let style = render(&report(several()));
    let style = style.split("<style>").nth(1).unwrap();
    let style = style.split("</style>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, style.as_bytes()));
    holds(&page, &format!("'sha256-{hash}'"));
    // browsers hash the style after making line ends one character
    assert!(!style.contains('\r'));
}

#[test]
fn hostile_names_stay_text() {
    let mut evil = finding("e1", Severity::Critical, HOSTILE);
    let long = "n".repeat(1_000);
    for field in [
        &mut evil.rule,
        &mut evil.title,
        &mut evil.period,
        &mut evil.why,
    ] {
        *field = HOSTILE.into();
    }
    evil.resource = long.clone();
    evil.correlation = Some(HOSTILE.into());
    evil.calls = BTreeMap::from([(
        HOSTILE.into(),
        CallCount {
            succeeded: 1,
            denied: 1,
            failed: 1,
        },
    )]);
    for list in [
        &mut evil.attack,
        &mut evil.citations,
        &mut evil.response,
        &mut evil.false_positives,
    ] {
        *list = vec![HOSTILE.into()];
    }
    for set in [&mut evil.accounts, &mut evil.regions, &mut evil.source_ips] {
        *set = [HOSTILE.to_owned()].into();
    }
    let text = || HOSTILE.to_owned();
    evil.samples = vec![Sample {
        event_id: text(),
        object: text(),
        event_name: text(),
        target: text(),
        source_ip: text(),
        user_agent: text(),
        outcome: text(),
        error_code: text(),
        error_message: text(),
        ..Sample::default()
    }];
    let mut report = report(vec![evil]);
    report.provenance.organization = text();
    report.provenance.source = text();
    report.provenance.accounts = vec![text()];
    report.provenance.time_zone = Some(text());
    report
        .coverage
        .problem(HOSTILE, ProblemKind::Broken, HOSTILE);
    report.coverage.region(HOSTILE, HOSTILE).events = 1;
    report.activity.refused_calls = vec![Top {
        name: text(),
        events: 1,
        denied: 1,
        failed: 0,
    }];
    let page = render(&report);
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{7}'));
    holds(&page, "&lt;script&gt;");
    holds(&page, "\u{fffd}gpj.exe\u{fffd}");
    holds(&page, &long);
    // no attribute is closed early: every quote inside a value is an entity
    assert!(!page.contains("\"><script"));
}

#[test]
fn without_findings_nothing_is_called_clean() {
    let page = render(&report(Vec::new()));
    holds(
        &page,
        "All log files found were read; 2 of 168 hours have logs: no findings; 1 rule had blind spots, 1 rule not configured, 1 rule NOT LOADED.",
    );
    holds(&page, "no findings, partly covered");
    assert!(!page.contains("<article"));
    let lower = page.to_lowercase();
    for word in ["compliant", "passed", ">pass", "score", "100 %", "100%;"] {
        assert!(
            !lower.split("<body>").nth(1).unwrap().contains(word),
            "{word}"
        );
    }
}

#[test]
fn what_is_missing_is_said_on_the_first_page() {
    let mut incomplete = report(several());
    incomplete.coverage.objects.read = 8;
    incomplete.coverage.objects.broken = 1;
    incomplete.coverage.problem(
        "AWSLogs/x.json.gz",
        ProblemKind::Broken,
        "The gzip data ends early.",
    );
    judge(&mut incomplete);
    let page = render(&incomplete);
    let first = page.split("id=\"scope\"").next().unwrap();
    holds(first, "INCOMPLETE: not all logs could be read");
    holds(first, "8 of 9 log files");
    holds(&page, "The gzip data ends early.");
    assert!(!first.contains("All log files found were read"));

    let mut empty = report(Vec::new());
    empty.coverage = Coverage::default();
    empty.activity = ActivityTables::default();
    judge(&mut empty);
    let page = render(&empty);
    holds(
        &page,
        "No event was evaluated. This report says nothing about the period.",
    );
    holds(&page, "No CloudTrail log file was found.");

    let mut early = report(several());
    early.provenance.created = Some(MONDAY);
    holds(
        &render(&early),
        "The period had not ended when this report was made",
    );

    let mut wrong = report(several());
    wrong.coverage.records.bad = 1;
    holds(&render(&wrong), "The counts of this run do not add up.");
}

#[test]
fn a_great_number_of_findings_is_cut_with_a_notice() {
    let mut many: Vec<Finding> = (0..3)
        .map(|n| finding(&format!("c{n}"), Severity::Critical, "a"))
        .collect();
    many.extend((0..400).map(|n| finding(&format!("l{n}"), Severity::Low, "a")));
    let page = render(&report(many));
    assert_eq!(page.matches("<article").count(), 200);
    holds(&page, "Showing the first 200 of 403 findings");
    holds(&page, "Showing the first 50 of 400 findings");

    let many = (0..250)
        .map(|n| finding(&format!("h{n}"), Severity::High, "a"))
        .collect();
    let page = render(&report(many));
    assert_eq!(page.matches("<article").count(), 250);
    assert!(!page.contains("Showing the first"));
}

#[test]
fn the_same_report_gives_the_same_page_and_another_window_another_id() {
    let (one, mut other) = (report(several()), report(several()));
    assert_eq!(render(&one), render(&other));
    let id = one.id();
    assert_eq!(id.len(), 12);
    other.provenance.created = None;
    assert_eq!(other.id(), id);
    other.provenance.window.until = None;
    assert_ne!(other.id(), id);
    let fewer = Report {
        findings: several().split_off(1),
        ..report(several())
    };
    assert_ne!(fewer.id(), id);
}
