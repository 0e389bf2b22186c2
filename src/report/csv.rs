//! `findings.csv`: one line a finding, for a working list or a spreadsheet.

use std::collections::BTreeSet;
use std::io::{self, Read as _};

use csv::Writer;

use super::Report;
use crate::event::time::iso;
use crate::finding::Finding;
use crate::safe_text::Cell;
use crate::words::thousands;

/// The columns that are left for people.
const REVIEWER: [&str; 3] = ["disposition", "reason", "decided_by"];

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
/// Every cell that a spreadsheet would take for a formula is neutralized: the values come from
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
    line.write_record(cells(finding).map(|cell| Cell::new(&cell)))?;
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

/// Whether the head of a file is that of findings.csv, also as a spreadsheet stored it.
pub fn is_findings(head: &[u8]) -> bool {
    head_of(&decoded(head)).is_some()
}

/// Whether a person wrote into the columns of findings.csv that are left for people, or into a column
/// of their own. What cannot be read as findings.csv any more counts as written by a person.
pub fn is_filled_in(mut file: impl io::BufRead) -> bool {
    let mut head = Vec::new();
    // the longest line that has only the columns' names is far shorter
    if file.by_ref().take(4 << 10).read_to_end(&mut head).is_err() {
        return true;
    }
    let rest: Box<dyn io::Read + '_> = match head.as_slice() {
        // a spreadsheet's "Unicode text": two bytes a character
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            if file.read_to_end(&mut head).is_err() {
                return true;
            }
            head = decoded(&head).into_bytes();
            Box::new(io::empty())
        }
        _ => Box::new(file),
    };
    let Some((delimiter, names, lines)) = head_of(&decoded(&head)) else {
        return true;
    };
    let is_ours = |name: &String| COLUMNS.contains(&name.as_str());
    let is_free = |at: usize| match names.get(at) {
        Some(name) => REVIEWER.contains(&name.as_str()) || !is_ours(name),
        None => true,
    };
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(io::Read::chain(head.as_slice(), rest));
    let mut row = csv::ByteRecord::new();
    let mut number = 0;
    loop {
        match rows.read_byte_record(&mut row) {
            Ok(false) => return false,
            Err(_) => return true,
            Ok(true) => {}
        }
        number += 1;
        let written = |(at, cell): (usize, &[u8])| is_free(at) && !cell.trim_ascii().is_empty();
        if number > lines && row.iter().enumerate().any(written) {
            return true;
        }
    }
}

/// The delimiter, the columns' names, and how many lines stand before the findings.
fn head_of(text: &str) -> Option<(u8, Vec<String>, usize)> {
    // some spreadsheets say first what separates the cells
    let lines = if text.starts_with("sep=") { 2 } else { 1 };
    let line = text.lines().nth(lines - 1)?;
    [b',', b';', b'\t'].into_iter().find_map(|delimiter| {
        let cells = line.split(char::from(delimiter));
        let names: Vec<String> = cells
            .map(|cell| cell.trim_matches('"').to_owned())
            .collect();
        let has = |column: &str| names.iter().any(|name| name == column);
        (has("id") && has("rule") && has("disposition")).then_some((delimiter, names, lines))
    })
}

/// The text of a file that a spreadsheet may have stored in another encoding.
fn decoded(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// findings.csv with one finding, and what a person wrote into its last cells.
    fn file(delimiter: &str, written: &[&str]) -> String {
        let mut cells = vec!["\"a; b, c\""; COLUMNS.len() - REVIEWER.len()];
        cells.extend(written);
        format!("{}\n{}\n", COLUMNS.join(delimiter), cells.join(delimiter))
    }

    #[test]
    fn what_a_person_wrote_is_seen_however_it_was_stored() {
        let filled = |bytes: &[u8]| is_filled_in(bytes);
        for delimiter in [",", ";", "\t"] {
            let untouched = file(delimiter, &["", "", ""]);
            let written = file(delimiter, &["", "known change", ""]);
            let own_column = file(delimiter, &["", "", "", "see ticket 7"]);
            let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
            let wide = |text: &str| {
                let units = format!("\u{feff}{text}");
                let units = units.encode_utf16().flat_map(u16::to_le_bytes);
                units.collect::<Vec<u8>>()
            };
            assert!(is_findings(untouched.as_bytes()));
            assert!(is_findings(&wide(&untouched)));
            assert!(!filled(untouched.as_bytes()), "{untouched}");
            assert!(!filled(&marked(&untouched)) && !filled(&wide(&untouched)));
            for text in [&written, &own_column] {
                assert!(filled(text.as_bytes()), "{text}");
                assert!(filled(&marked(text)) && filled(&wide(text)), "{text}");
            }
            let separated = format!("sep={delimiter}\n{written}");
            assert!(filled(separated.as_bytes()));
        }
        assert!(filled(b"my own notes\n"));
        assert!(!is_findings(b"my own notes\n"));
    }
}
