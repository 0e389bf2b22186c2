//! What stands in lists by its kind: changes of access, positive evidence, accepted blind spots, and room
//! for what is carried over.

use super::findings::{last, resource, who};
use super::{Block, Column, Row, Section, Table, column, numbers};
use crate::event::time::utc;
use crate::finding::{CallCount, Finding};
use crate::report::Report;
use crate::report::text::{Text, shortened, truncation_notice};
use crate::severity::Severity;
use crate::words::thousands;

/// Rows of a register.
const MOST_ROWS: usize = 100;

/// The services whose calls decide who may do what.
const SERVICES: [&str; 6] = [
    "iam.amazonaws.com",
    "kms.amazonaws.com",
    "sso.amazonaws.com",
    "identitystore.amazonaws.com",
    "organizations.amazonaws.com",
    "cognito-idp.amazonaws.com",
];

/// What the calls of other services are about that do.
const RIGHTS: [&str; 5] = ["Policy", "Acl", "Permission", "PublicAccess", "Grant"];

/// How the names of calls begin that only look, or use what exists.
const USES: [&str; 13] = [
    "Get",
    "List",
    "Describe",
    "Head",
    "Lookup",
    "Simulate",
    "Generate",
    "Decrypt",
    "Encrypt",
    "ReEncrypt",
    "Sign",
    "Verify",
    "Assume",
];

/// One call of a finding that changed, or was to change, who may do what.
#[derive(Debug, Clone, Copy)]
pub struct AccessChange<'r> {
    pub finding: &'r Finding,
    pub call: &'r str,
    pub count: CallCount,
}

/// The changes of access, in the order of the findings: what their calls did to identities, keys and
/// policies, as far as a sample names the call's service.
pub fn access_changes(report: &Report) -> impl Iterator<Item = AccessChange<'_>> {
    report.findings.iter().flat_map(|finding| {
        let calls = finding.calls.iter();
        let calls = calls.filter(|(call, _)| changes_access(finding, call));
        calls.map(move |(call, count)| AccessChange {
            finding,
            call,
            count: *count,
        })
    })
}

fn changes_access(finding: &Finding, call: &str) -> bool {
    let mut samples = finding.samples.iter();
    let is_about_rights = RIGHTS.iter().any(|word| call.contains(word))
        || samples.any(|one| one.event_name == call && SERVICES.contains(&&*one.event_source));
    is_about_rights && !USES.iter().any(|verb| call.starts_with(verb))
}

const CHANGES: [Column; 5] = [
    column("Last (UTC)", 1.4),
    column("Who", 2.2),
    column("Call", 1.8),
    column("On what", 2.2),
    column("Result", 1.2),
];

const EVIDENCE: [Column; 5] = [
    column("Last (UTC)", 1.4),
    column("What", 2.6),
    column("Who", 2.0),
    column("On what", 2.0),
    numbers("Events", 0.8),
];

pub fn section(report: &Report) -> Section {
    let changes: Vec<AccessChange<'_>> = access_changes(report).collect();
    let mut blocks = vec![
        Block::Lead(
            "Drawn from the findings: each line leads back to a finding by its caller, call and time. What no rule \
             reports is not listed."
                .into(),
        ),
        Block::Heading("Changes of access", Some("access-changes")),
    ];
    let row = |change: &AccessChange<'_>| Row::Cells {
        cells: vec![
            last(change.finding),
            who(change.finding),
            vec![Text::new().code(&shortened(change.call, MOST_IN_ROW))],
            vec![resource(change.finding)],
            vec![Text::from(super::cards::calls(change.count))],
        ],
        note: None,
    };
    let rows = changes.iter().take(MOST_ROWS).map(row).collect();
    blocks.extend(register(
        rows,
        changes.len(),
        ("Changes of access", "change"),
        &CHANGES,
    ));
    blocks.push(Block::Heading("Positive evidence", Some("evidence")));
    let evidence = report.findings.iter();
    let evidence: Vec<&Finding> = evidence
        .filter(|one| one.level == Severity::Informational)
        .collect();
    let row = |finding: &&Finding| Row::Cells {
        cells: vec![
            last(finding),
            vec![Text::new().value(&shortened(&finding.title, MOST_IN_ROW))],
            who(finding),
            vec![resource(finding)],
            vec![Text::from(thousands(finding.count))],
        ],
        note: None,
    };
    let rows = evidence.iter().take(MOST_ROWS).map(row).collect();
    blocks.extend(register(
        rows,
        evidence.len(),
        ("Controls seen at work", "finding"),
        &EVIDENCE,
    ));
    Section {
        anchor: "registers",
        title: "Registers and positive evidence",
        blocks,
    }
}

const MOST_IN_ROW: usize = 160;

fn register(
    rows: Vec<Row>,
    all: usize,
    (summary, noun): (&'static str, &str),
    columns: &[Column],
) -> Vec<Block> {
    if rows.is_empty() {
        return vec![Block::Paragraph("None in the covered data.".into())];
    }
    let notice = truncation_notice(rows.len(), all, noun);
    let notice = notice.map(|notice| Block::Notice(notice.into()));
    let table = Block::Table(Table {
        summary,
        columns: columns.to_vec(),
        rows,
    });
    notice.into_iter().chain([table]).collect()
}

/// What earlier reviews left open, and what is accepted until a day.
pub fn carried_over(report: &Report) -> Section {
    let mut blocks = vec![Block::Heading("Accepted blind spots", None)];
    let accepted = &report.provenance.expected.accepted;
    let today = report.provenance.created.map(|now| utc(now).date_naive());
    let rows: Vec<Row> = accepted
        .iter()
        .map(|one| {
            let everywhere = one.covers_all();
            let place = [&one.account, &one.region];
            let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
            let is_over = today.is_some_and(|today| !one.holds_on(today));
            let until = one.until.format("%-d %b %Y").to_string();
            Row::of([
                Text::new().code(&one.spot.name()),
                Text::from(match everywhere {
                    true => "everywhere".to_owned(),
                    false => place.join(", "),
                }),
                Text::from(shortened(&one.reason, 400).as_ref()),
                match is_over {
                    true => Text::new().alert(&format!("{until}, over")),
                    false => Text::from(until),
                },
            ])
        })
        .collect();
    blocks.push(match rows.is_empty() {
        true => Block::Paragraph("No blind spot is accepted by the configuration.".into()),
        false => Block::Table(Table {
            summary: "Accepted blind spots",
            columns: vec![
                column("Blind spot", 2.4),
                column("Where", 1.6),
                column("Reason", 3.0),
                column("Until", 1.1),
            ],
            rows,
        }),
    });
    blocks.push(Block::Heading("Carried over", Some("carried-over")));
    blocks.push(Block::Paragraph(
        "This run read no review register. Open items of earlier reviews:".into(),
    ));
    let blank = || Row::of([Text::new(), Text::new(), Text::new(), Text::new()]);
    blocks.push(Block::Table(Table {
        summary: "Open items of earlier reviews, to be filled in",
        columns: vec![
            column("Item", 3.6),
            column("Open since", 1.2),
            column("Owner", 1.6),
            column("Due", 1.2),
        ],
        rows: vec![blank(), blank(), blank()],
    }));
    Section {
        anchor: "exceptions",
        title: "Exceptions and carried-over items",
        blocks,
    }
}
