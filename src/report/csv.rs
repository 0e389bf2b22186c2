//! `findings.csv`: one line a finding, for a working list or a spreadsheet.

use polars::prelude::{Column, CsvWriter, DataFrame, PolarsResult, SerWriter as _};

use super::Report;
use crate::event::time::iso;
use crate::finding::Finding;

/// The findings as CSV, in the report's order.
///
/// Every cell that a spreadsheet would take for a formula is neutralised: the values come from
/// logs, and logs from whoever called.
pub fn findings(report: &Report) -> PolarsResult<Vec<u8>> {
    let findings = &report.findings;
    let texts = |name: &str, of: &dyn Fn(&Finding) -> String| {
        Column::new(
            name.into(),
            findings
                .iter()
                .map(|finding| harmless(&of(finding)))
                .collect::<Vec<_>>(),
        )
    };
    let time = |time: Option<i64>| time.map(iso).unwrap_or_default();
    let joined =
        |parts: &mut dyn Iterator<Item = &String>| parts.cloned().collect::<Vec<_>>().join("; ");
    let mut frame = DataFrame::new(
        findings.len(),
        vec![
            texts("id", &|f| f.id.clone()),
            texts("level", &|f| f.level.to_string()),
            texts("rule", &|f| f.rule.clone()),
            texts("title", &|f| f.title.clone()),
            texts("actor", &|f| f.actor.clone()),
            texts("resource", &|f| f.resource.clone()),
            texts("period", &|f| f.period.clone()),
            Column::new(
                "count".into(),
                findings.iter().map(|f| f.count).collect::<Vec<u64>>(),
            ),
            texts("first", &|f| time(f.first)),
            texts("last", &|f| time(f.last)),
            texts("calls", &|f| joined(&mut f.calls.keys())),
            texts("accounts", &|f| joined(&mut f.accounts.iter())),
            texts("regions", &|f| joined(&mut f.regions.iter())),
            texts("source_ips", &|f| joined(&mut f.source_ips.iter())),
            texts("citations", &|f| joined(&mut f.citations.iter())),
            texts("attack", &|f| joined(&mut f.attack.iter())),
            texts("correlation", &|f| {
                f.correlation.clone().unwrap_or_default()
            }),
            texts("event_ids", &|f| {
                joined(&mut f.samples.iter().map(|sample| &sample.event_id))
            }),
            texts("disposition", &|_| String::new()),
            texts("reason", &|_| String::new()),
            texts("decided_by", &|_| String::new()),
        ],
    )?;
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes).finish(&mut frame)?;
    Ok(bytes)
}

/// A leading `= + - @`, tab or return would make a spreadsheet compute (OWASP, "CSV injection");
/// other control characters have no place in a cell.
fn harmless(cell: &str) -> String {
    let mut text: String = cell
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
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
