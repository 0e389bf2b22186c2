//! The findings as lists: what needs a decision one by one, the rest by level and rule.

use std::collections::BTreeMap;

use super::cards::{CardedFindings, Limits};
use super::{Block, Column, Row, Section, Table, column, level, numbers};
use crate::finding::Finding;
use crate::report::Report;
use crate::report::text::{Text, format_date, format_time, short, shortened, truncation_notice};
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// Rows of one rule in the second list; the CSV has the rest.
pub const MOST_ROWS: usize = 50;

/// The longest name in a row, in characters; the card has the whole.
const MOST_IN_ROW: usize = 160;

const SEVERE: [Column; 7] = [
    column("Level", 0.8),
    column("Finding", 2.2),
    column("Who", 1.9),
    column("On what", 1.8),
    numbers("Events", 0.7),
    column("Last (UTC)", 1.5),
    column("Decision", 0.95),
];

const GROUPED: [Column; 5] = [
    column("Who", 2.4),
    column("On what", 2.6),
    numbers("Events", 0.8),
    column("Last (UTC)", 1.3),
    column("Decision", 1.3),
];

/// Critical and high findings, one row each.
pub fn needs_decision(report: &Report, limits: Limits) -> Section {
    let carded = CardedFindings::of(report, limits);
    let severe: Vec<&Finding> = carded.severe(report).collect();
    let levels = report.by_level().into_iter();
    let severe_levels = levels.filter(|(level, _)| *level >= Severity::High);
    let all = severe_levels.map(|(_, count)| count).sum();
    let mut blocks = Vec::new();
    if severe.is_empty() {
        blocks.push(Block::Paragraph(NONE.into()));
    } else {
        let notice = truncation_notice(severe.len(), all, "finding");
        blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
        let row = |finding: &&Finding| {
            let mut cells = vec![
                vec![level(finding.level)],
                vec![name(&finding.title)],
                who(finding),
            ];
            cells.extend(rest(finding));
            Row::Cells { cells, note: None }
        };
        blocks.push(Block::Table(Table {
            summary: "Critical and high findings",
            columns: SEVERE.to_vec(),
            rows: severe.iter().map(row).collect(),
        }));
    }
    Section {
        anchor: "needs-decision",
        title: "Needs decision: critical and high",
        blocks,
    }
}

const NONE: &str = "No findings of these levels in the covered data.";

/// The rest, by level and rule: they are read in bulk.
pub fn others(report: &Report) -> Section {
    let below = report.findings.iter();
    let below: Vec<&Finding> = below.filter(|one| one.level < Severity::High).collect();
    let mut blocks = Vec::new();
    if below.is_empty() {
        blocks.push(Block::Paragraph(NONE.into()));
    }
    for one in Severity::DESCENDING.into_iter().skip(2) {
        let groups = by_rule(&below, one);
        if !groups.is_empty() {
            blocks.push(Block::Subheading(level(one)));
            blocks.push(Block::Table(grouped(&groups, report)));
        }
    }
    blocks.push(Block::Heading("Unsuccessful attempts", Some("attempts")));
    blocks.extend(attempts(report));
    Section {
        anchor: "others",
        title: "Medium and low, and attempts",
        blocks,
    }
}

/// Rules by title and name, so that two rules of one title stay apart.
pub fn by_rule<'a>(findings: &[&'a Finding], level: Severity) -> Vec<(&'a str, Vec<&'a Finding>)> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.level == level) {
        groups
            .entry((&finding.title, &finding.rule))
            .or_default()
            .push(finding);
    }
    groups
        .into_iter()
        .map(|((title, _), group)| (title, group))
        .collect()
}

/// How many more there are of the rule of these findings.
pub fn folded(report: &Report, findings: &[&Finding]) -> usize {
    let rule = findings.first().map(|finding| finding.rule.as_str());
    let more = rule.and_then(|rule| report.folded.rules.get(rule));
    more.copied().unwrap_or_default()
}

/// The lines of each rule under the rule's title.
fn grouped(groups: &[(&str, Vec<&Finding>)], report: &Report) -> Table {
    let mut rows = Vec::new();
    for (title, findings) in groups {
        let all = findings.len() + folded(report, findings);
        let count = plural(all as u64, "finding");
        rows.push(Row::Group(
            Text::new().strong(title).aside(&format!("  {count}")),
        ));
        for finding in findings.iter().take(MOST_ROWS) {
            let mut cells = vec![who(finding)];
            cells.extend(rest(finding));
            rows.push(Row::Cells { cells, note: None });
        }
        let shown = findings.len().min(MOST_ROWS);
        let notice = truncation_notice(shown, all, "finding");
        rows.extend(notice.map(|notice| Row::Group(notice.into())));
    }
    Table {
        summary: "Findings by rule",
        columns: GROUPED.to_vec(),
        rows,
    }
}

fn name(text: &str) -> Text {
    Text::new().value(&shortened(text, MOST_IN_ROW))
}

pub(super) fn who(finding: &Finding) -> Vec<Text> {
    let mut lines = vec![match finding.actor.is_empty() {
        true => Text::from("unidentified caller"),
        false => name(short(&finding.actor)),
    }];
    if !finding.accounts.is_empty() {
        let accounts = finding.accounts.iter().take(3);
        lines.push(Text::new().aside("account ").codes(accounts));
    }
    lines
}

/// What follows the caller in every list, with room for the decision.
fn rest(finding: &Finding) -> [Vec<Text>; 4] {
    [
        vec![resource(finding)],
        vec![Text::from(thousands(finding.count))],
        last(finding),
        vec![Text::new()],
    ]
}

pub(super) fn resource(finding: &Finding) -> Text {
    match finding.resource.is_empty() {
        true => Text::from("–"),
        false => name(short(&finding.resource)),
    }
}

pub(super) fn last(finding: &Finding) -> Vec<Text> {
    match finding.last {
        Some(last) => vec![Text::from(format_date(last)), Text::from(format_time(last))],
        None => vec![Text::from("undated")],
    }
}

/// Calls that were denied or failed, in sum and the most frequent ones: 45 CFR 164.304 counts attempts as
/// security incidents.
fn attempts(report: &Report) -> Vec<Block> {
    let hours = report.activity.hours.iter();
    let (denied, failed) = hours.fold((0, 0), |(denied, failed), hour| {
        (denied + hour.denied, failed + hour.failed)
    });
    let mut blocks = vec![Block::Paragraph(Text::from(format!(
        "{} denied and {} failed in the covered data. An attempt counts as a security incident (164.304) even if \
         nothing came of it.",
        plural(denied, "call"),
        thousands(failed)
    )))];
    if !report.activity.refused_calls.is_empty() {
        blocks.push(Block::Table(super::activity::top(
            "Calls that were denied most",
            "Call",
            &report.activity.refused_calls,
        )));
    }
    blocks
}
