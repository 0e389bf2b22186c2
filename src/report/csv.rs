//! `findings.csv`: one line a finding, for a working list or a spreadsheet.

use std::collections::BTreeSet;
use std::io;

use csv::Writer;

use super::{Report, thousands};
use crate::event::time::iso;
use crate::finding::Finding;

/// What the columns are called. The last three are the reviewer's.
const COLUMNS: [&str; 24] = [
    "id",
    "level",
    "rule",
    "rule_id",
    "title",
    "actor",
    "resource",
    "period",
    "count",
    "first",
    "last",
    "calls",
    "accounts",
    "regions",
    "source_ips",
    "actors",
    "access_keys",
    "citations",
    "attack",
    "correlation",
    "event_ids",
    "disposition",
    "reason",
    "decided_by",
];

/// The findings as CSV, in the report's order.
///
/// Every cell that a spreadsheet would take for a formula is neutralised: the values come from
/// logs, and logs from whoever called.
pub fn findings(report: &Report, out: impl io::Write) -> io::Result<()> {
    let mut lines = Writer::from_writer(out);
    lines.write_record(COLUMNS)?;
    for finding in &report.findings {
        lines.write_record(cells(finding).map(|cell| harmless(&cell)))?;
    }
    lines.flush()
}

fn cells(finding: &Finding) -> [String; COLUMNS.len()] {
    let time = |time: Option<i64>| time.map(iso).unwrap_or_default();
    let joined =
        |parts: &mut dyn Iterator<Item = &String>| parts.cloned().collect::<Vec<_>>().join("; ");
    [
        finding.id.clone(),
        finding.level.to_string(),
        finding.rule.clone(),
        finding.rule_id.clone(),
        finding.title.clone(),
        finding.actor.clone(),
        finding.resource.clone(),
        finding.period.clone(),
        finding.count.to_string(),
        time(finding.first),
        time(finding.last),
        joined(&mut finding.calls.keys()),
        joined(&mut finding.accounts.iter()),
        joined(&mut finding.regions.iter()),
        listed(&finding.source_ips, finding.more_source_ips),
        listed(&finding.actors, finding.more_actors),
        listed(&finding.access_keys, finding.more_access_keys),
        joined(&mut finding.citations.iter()),
        joined(&mut finding.attack.iter()),
        finding.correlation.clone().unwrap_or_default(),
        joined(&mut finding.samples.iter().map(|sample| &sample.event_id)),
        String::new(),
        String::new(),
        String::new(),
    ]
}

/// The values, and how many are not named.
fn listed(values: &BTreeSet<String>, more: u64) -> String {
    let mut cell = values.iter().cloned().collect::<Vec<_>>().join("; ");
    if more > 0 {
        cell.push_str(&format!("; and {} more", thousands(more)));
    }
    cell
}

/// A leading `= + - @`, tab or return would make a spreadsheet compute (OWASP, "CSV injection");
/// other control characters have no place in a cell.
fn harmless(cell: &str) -> String {
    let mut text = cell.replace(char::is_control, " ");
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text.insert(0, '\'');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_and_control_characters_are_neutralised() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("@x"), "'@x");
        assert_eq!(harmless("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(harmless("\tx"), "' x");
        assert_eq!(harmless("arn:aws:iam::1:user/a"), "arn:aws:iam::1:user/a");
    }
}
