//! What stands on each sheet.

use super::{Column, Value, column};
use crate::assess::RuleState;
use crate::event::time::Epoch;
use crate::report::document::registers::access_changes;
use crate::report::document::scope::kind;
use crate::report::document::{CLASSIFICATION, PROVISION, TITLE};
use crate::report::integrity::wrong;
use crate::report::text::{levels, truncation_notice};
use crate::report::{Report, csv};
use crate::words::thousands;

/// A head and rows.
pub(super) struct Sheet {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
    /// So many columns stay in sight.
    pub(super) frozen: u16,
    pub(super) rows: Vec<Vec<Value>>,
    /// What is left out, below the rows.
    pub(super) notice: Option<String>,
}

impl Sheet {
    fn new<const N: usize>(name: &'static str, columns: [(&'static str, f64); N]) -> Self {
        let columns = columns.into_iter();
        Self {
            name,
            columns: columns.map(|(name, width)| column(name, width)).collect(),
            frozen: 1,
            rows: Vec::new(),
            notice: None,
        }
    }
}

/// The sheets in their order.
pub(super) fn all(report: &Report) -> Vec<Sheet> {
    vec![
        about(report),
        findings(report),
        changes(report),
        coverage(report),
        problems(report),
        integrity(report),
        rules(report),
        exceptions(report),
    ]
}

fn about(report: &Report) -> Sheet {
    let from = &report.provenance;
    let mut sheet = Sheet::new("report", [("what", 22.0), ("value", 110.0)]);
    let text = |what: &str, value: &str| vec![Value::text(what), Value::text(value)];
    let counts = report.by_level().into_iter();
    let counts = levels(counts.map(|(level, count)| (level, count as u64)));
    let count = report.count() as u64;
    let integrity = match &report.integrity {
        Some(proof) => proof.verdict(),
        None => "not checked in this run".to_owned(),
    };
    let findings = match count {
        0 => "none in the covered data".to_owned(),
        count => format!("{} ({counts})", thousands(count)),
    };
    sheet.rows = vec![
        text("title", TITLE),
        text("provision", PROVISION),
        text("organization", &from.organization),
        text("report", &report.id()),
        text("period", &from.window_in_words()),
        vec![Value::text("created (UTC)"), Value::Time(from.created)],
        text("state", &report.verdict()),
        text("findings", &findings),
        text("integrity", &integrity),
        text("source", &from.source),
        text("program", &format!("trailscan {}", from.version)),
        text("rule set SHA-256", &from.rule_set_sha256),
        text("command", &from.command),
        text("classification", CLASSIFICATION),
    ];
    let shown = report.findings.len();
    let notice = truncation_notice(shown, report.count(), "finding");
    sheet
        .rows
        .extend(notice.map(|notice| text("notice", &notice)));
    sheet
}

/// How wide the columns of `findings.csv` are; others take the width of a name.
const WIDTHS: [(&str, f64); 14] = [
    ("id", 18.0),
    ("level", 12.0),
    ("rule", 34.0),
    ("rule_id", 20.0),
    ("title", 44.0),
    ("actor", 44.0),
    ("resource", 44.0),
    ("period", 11.0),
    ("count", 9.0),
    ("calls", 30.0),
    ("correlation", 34.0),
    ("disposition", 20.0),
    ("reason", 40.0),
    ("decided_by", 22.0),
];

fn findings(report: &Report) -> Sheet {
    let columns = csv::COLUMNS.into_iter().map(|name| {
        let width = WIDTHS.iter().find(|(known, _)| *known == name);
        Column {
            name,
            width: width.map_or(24.0, |(_, width)| *width),
            is_reviewer: csv::REVIEWER.contains(&name),
        }
    });
    let rows = report.findings.iter().map(|finding| {
        let cells = csv::cells(finding).into_iter().zip(csv::COLUMNS);
        let value = |(cell, name): (String, &str)| match name {
            "count" => Value::Count(finding.count),
            "first" => Value::Time(finding.first),
            "last" => Value::Time(finding.last),
            _ => Value::Text(cell),
        };
        cells.map(value).collect()
    });
    let shown = report.findings.len();
    Sheet {
        name: "findings",
        columns: columns.collect(),
        frozen: 2,
        rows: rows.collect(),
        notice: truncation_notice(shown, report.count(), "finding"),
    }
}

fn changes(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "access changes",
        [
            ("finding", 18.0),
            ("level", 12.0),
            ("title", 44.0),
            ("first (UTC)", 20.0),
            ("last (UTC)", 20.0),
            ("actor", 44.0),
            ("call", 30.0),
            ("resource", 44.0),
            ("accounts", 18.0),
            ("regions", 18.0),
            ("succeeded", 11.0),
            ("denied", 9.0),
            ("failed", 9.0),
            ("citations", 30.0),
        ],
    );
    let joined = |all: &mut dyn Iterator<Item = &String>| {
        Value::Text(all.cloned().collect::<Vec<_>>().join("; "))
    };
    let rows = access_changes(report).map(|change| {
        let finding = change.finding;
        vec![
            Value::text(&finding.id),
            Value::text(finding.level.as_str()),
            Value::text(&finding.title),
            Value::Time(finding.first),
            Value::Time(finding.last),
            Value::text(&finding.actor),
            Value::text(change.call),
            Value::text(&finding.resource),
            joined(&mut finding.accounts.iter()),
            joined(&mut finding.regions.iter()),
            Value::Count(change.count.succeeded),
            Value::Count(change.count.denied),
            Value::Count(change.count.failed),
            joined(&mut finding.citations.iter()),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

fn coverage(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "coverage",
        [
            ("account", 16.0),
            ("region", 18.0),
            ("log files", 11.0),
            ("events", 12.0),
            ("duplicates", 12.0),
            ("late files", 11.0),
            ("not read", 11.0),
            ("hours", 9.0),
            ("hours with logs", 16.0),
            ("proven quiet", 14.0),
            ("still to come", 14.0),
            ("neither", 10.0),
            ("first hour (UTC)", 20.0),
            ("last hour (UTC)", 20.0),
        ],
    );
    let rows = report.rows().zip(&report.completeness.places);
    let rows = rows.map(|(row, place)| {
        let sum = row.sum(Epoch::MIN, Epoch::MAX);
        let hours = place.hours;
        let mut seen = row
            .coverage
            .hours
            .iter()
            .filter(|(_, hour)| hour.events > 0);
        let first = seen.next().map(|(at, _)| *at);
        let last = seen.next_back().map(|(at, _)| *at).or(first);
        vec![
            Value::text(&row.hours.account),
            Value::text(&row.hours.region),
            Value::Count(row.coverage.objects),
            Value::Count(row.coverage.events),
            Value::Count(sum.duplicates),
            Value::Count(sum.late),
            Value::Count(sum.unread + sum.broken),
            Value::Count(hours.all),
            Value::Count(hours.with_logs),
            Value::Count(hours.proven_quiet),
            Value::Count(hours.pending),
            Value::Count(hours.unknown),
            Value::Time(first),
            Value::Time(last),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

fn problems(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "problems",
        [
            ("kind", 18.0),
            ("loss", 8.0),
            ("what", 80.0),
            ("object", 80.0),
        ],
    );
    let rows = report.coverage.problems.iter().map(|problem| {
        vec![
            Value::text(kind(problem.kind)),
            Value::text(if problem.kind.is_loss() { "yes" } else { "no" }),
            Value::text(&problem.what),
            Value::text(&problem.object),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}

fn integrity(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "integrity",
        [
            ("kind", 14.0),
            ("state", 14.0),
            ("account", 16.0),
            ("region", 18.0),
            ("trail", 34.0),
            ("first (UTC)", 20.0),
            ("last (UTC)", 20.0),
            ("digests", 10.0),
            ("what", 100.0),
        ],
    );
    let Some(proof) = &report.integrity else {
        sheet.notice = Some("Log-file integrity was not checked in this run.".to_owned());
        return sheet;
    };
    let chains = proof.chains.iter().map(|chain| {
        let worst = chain.hours.iter().map(|hour| hour.found.state).max();
        vec![
            Value::text("chain"),
            Value::text(worst.map_or("", crate::integrity::proof::State::as_str)),
            Value::text(&chain.account),
            Value::text(&chain.region),
            Value::text(&chain.trail),
            Value::Time(chain.hours.first().map(|hour| hour.start)),
            Value::Time(chain.hours.last().map(|hour| hour.end)),
            Value::Count(chain.hours.len() as u64),
            Value::text(""),
        ]
    });
    sheet.rows = chains.collect();
    let blank = || Value::text("");
    let line = |kind: &str, state: &str, what: &str| {
        vec![
            Value::text(kind),
            Value::text(state),
            blank(),
            blank(),
            blank(),
            blank(),
            blank(),
            blank(),
            Value::text(what),
        ]
    };
    let wrong = wrong(proof).into_iter();
    let wrong = wrong.map(|(state, what)| line("not valid", state.as_str(), &what));
    sheet.rows.extend(wrong);
    let limits = proof.limits.iter();
    sheet
        .rows
        .extend(limits.map(|limit| line("limit", "", limit)));
    sheet
}

fn rules(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "rules",
        [
            ("rule", 44.0),
            ("title", 54.0),
            ("level", 13.0),
            ("state", 18.0),
            ("reason", 70.0),
            ("accepted", 40.0),
            ("findings", 10.0),
            ("citations", 44.0),
        ],
    );
    let row = |rule: &RuleState| {
        use crate::assess::Assessment;
        let state = match &rule.assessment {
            Assessment::Assessed => "assessed",
            Assessment::Partly { .. } => "partly assessed",
            Assessment::NotAssessed { .. } => "not assessed",
        };
        vec![
            Value::text(&rule.name),
            Value::text(&rule.title),
            Value::text(rule.level.as_str()),
            Value::text(state),
            Value::text(rule.assessment.reason().unwrap_or_default()),
            Value::text(rule.accepted.as_deref().unwrap_or_default()),
            Value::Count(rule.findings),
            Value::text(rule.citations.join("; ")),
        ]
    };
    sheet.rows = report.rules.iter().map(row).collect();
    let aside = |name: &str, title: &str, state: &str, reason: String| {
        vec![
            Value::text(name),
            Value::text(title),
            Value::text(""),
            Value::text(state),
            Value::Text(reason),
            Value::text(""),
            Value::text(""),
            Value::text(""),
        ]
    };
    sheet.rows.extend(report.unconfigured.iter().map(|rule| {
        let reason = format!("missing: {}", rule.missing.join(", "));
        aside(&rule.rule, &rule.title, "not configured", reason)
    }));
    sheet.rows.extend(report.rejected.iter().map(|rule| {
        let place = format!("{}:{}: {}", rule.origin.file, rule.origin.line, rule.reason);
        aside(&rule.rule, "", "not loaded", place)
    }));
    sheet
}

fn exceptions(report: &Report) -> Sheet {
    let mut sheet = Sheet::new(
        "exceptions",
        [
            ("blind spot", 44.0),
            ("account", 16.0),
            ("region", 18.0),
            ("reason", 70.0),
            ("until", 14.0),
        ],
    );
    let rows = report.provenance.expected.accepted.iter().map(|one| {
        vec![
            Value::text(one.spot.name()),
            Value::text(one.account.as_deref().unwrap_or("all")),
            Value::text(one.region.as_deref().unwrap_or("all")),
            Value::text(&one.reason),
            Value::text(one.until.to_string()),
        ]
    });
    sheet.rows = rows.collect();
    sheet
}
