//! What a person wrote into findings.csv.

use std::collections::BTreeMap;

use super::{REVIEWER, decoded, head_of};

/// A line in which somebody filled in a column of the reviewer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledRow {
    /// The line of the file, from 1.
    pub line: u64,
    /// By the name of the column, without blanks at the ends.
    cells: BTreeMap<String, String>,
}

impl FilledRow {
    /// What stands in the column; empty if there is none.
    pub fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// The lines in which somebody filled in a disposition, a reason or a name, whatever spreadsheet stored
/// the file.
///
/// # Errors
/// It is not findings.csv.
pub fn filled_in(bytes: &[u8]) -> Result<Vec<FilledRow>, String> {
    // of a line that ends with two characters the reader counts the second to the next line
    let text = decoded(bytes).replace("\r\n", "\n");
    let (delimiter, names, lines) = head_of(&text)
        .ok_or("it has no columns id, rule and disposition, so it is not findings.csv")?;
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut filled = Vec::new();
    for (number, row) in rows.records().enumerate().skip(lines) {
        let row = row.map_err(|error| format!("row {}: {error}", number + 1))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cells = names.iter().zip(&row);
        let cells = cells.map(|(name, cell)| (name.clone(), cell.trim().to_owned()));
        let row = FilledRow {
            line,
            cells: cells.collect(),
        };
        if REVIEWER.iter().any(|column| !row.cell(column).is_empty()) {
            filled.push(row);
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_lines_are_read_from_every_spreadsheet() {
        for delimiter in [",", ";", "\t"] {
            let d = delimiter;
            let text = format!(
                "sep={d}\r\nid{d}rule{d}disposition{d}reason{d}decided_by{d}ticket\r\n\
                 a1{d}r{d}{d}{d}{d}\r\nb2{d}r{d}Benign{d}\"a \"\"known\"\" job\nof ours\"{d} J. Ortiz {d}CHG-1\r\n"
            );
            let wide: Vec<u8> = format!("\u{feff}{text}")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            for bytes in [text.as_bytes(), &wide] {
                let rows = filled_in(bytes).unwrap();
                assert_eq!(rows.len(), 1, "{rows:?}");
                let row = &rows[0];
                assert_eq!(row.cell("id"), "b2");
                assert_eq!(row.cell("reason"), "a \"known\" job\nof ours");
                assert_eq!(row.cell("decided_by"), "J. Ortiz");
                assert_eq!((row.cell("ticket"), row.cell("owner")), ("CHG-1", ""));
                assert_eq!(row.line, 4);
            }
        }
        assert!(filled_in(b"my notes\n").is_err());
    }
}
