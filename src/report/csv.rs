//! `findings.csv`: one line a finding, for a working list or a spreadsheet.

use std::io;

use csv::Writer;

use super::Report;
use crate::event::time::iso;
use crate::finding::Finding;

/// What the columns are called. The last three are the reviewer's.
const COLUMNS: [&str; 21] = [
    "id",
    "level",
    "rule",
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
    let mut out = out;
    let mut head = Writer::from_writer(Vec::new());
    head.write_record(COLUMNS)?;
    out.write_all(&head.into_inner().map_err(io::Error::other)?)?;
    let mut kept = report.findings.iter();
    report.folded.lines(&mut out, |out| match kept.next() {
        Some(finding) => out.write_all(&line(finding)?),
        None => Ok(()),
    })?;
    // a report that folded nothing has no order of its own
    kept.try_for_each(|finding| out.write_all(&line(finding)?))
}

/// The line of one finding.
pub(super) fn line(finding: &Finding) -> io::Result<Vec<u8>> {
    let mut line = Writer::from_writer(Vec::new());
    line.write_record(cells(finding).map(|cell| harmless(&cell)))?;
    line.into_inner().map_err(io::Error::other)
}

fn cells(finding: &Finding) -> [String; COLUMNS.len()] {
    let time = |time: Option<i64>| time.map(iso).unwrap_or_default();
    let joined =
        |parts: &mut dyn Iterator<Item = &String>| parts.cloned().collect::<Vec<_>>().join("; ");
    [
        finding.id.clone(),
        finding.level.to_string(),
        finding.rule.clone(),
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
        joined(&mut finding.source_ips.iter()),
        joined(&mut finding.citations.iter()),
        joined(&mut finding.attack.iter()),
        finding.correlation.clone().unwrap_or_default(),
        joined(&mut finding.samples.iter().map(|sample| &sample.event_id)),
        String::new(),
        String::new(),
        String::new(),
    ]
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
