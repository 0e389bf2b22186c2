//! `findings.csv`: one line a finding, for a working list or a spreadsheet.

use std::io;

use csv::Writer;

use super::Report;
use crate::event::time::iso;
use crate::finding::Finding;
use crate::safe_text::Cell;

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
    let mut lines = Writer::from_writer(out);
    lines.write_record(COLUMNS)?;
    for finding in &report.findings {
        lines.write_record(cells(finding).map(|cell| Cell::new(&cell)))?;
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
