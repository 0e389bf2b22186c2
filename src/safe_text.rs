//! Text that somebody else chose, made safe for where it is shown: terminal, HTML page, CSV cell.
//!
//! Names of files and objects, values of logs and messages of servers are chosen by callers, by whoever
//! writes into the bucket, by whoever packed a folder. A control character moves the cursor, a line
//! break forges a verdict, a bidirectional mark reorders a line, a `=` makes a spreadsheet compute.
//!
//! What is printed is [`TerminalText`]; the functions that print take nothing else. It is written with
//! `text!` and `put!`, which escape every value
//! that is text and keep the format's own words: the macros allow no captured names, so that no value
//! comes in unescaped.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use crate::severity::Severity;

/// The longest value in a line for the terminal, in characters.
const MOST_ON_TERMINAL: usize = 4_096;

/// The longest value on the HTML page, in characters; CloudTrail's own fields end at about this length.
pub const MOST_ON_PAGE: usize = 1_024;

/// The longest CSV cell, in characters: spreadsheets take 32,767.
const MOST_IN_CELL: usize = 32_000;

/// Control characters, bidirectional controls, line separators, and characters without a shape.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Nearly all text is printable ASCII, which this tells without looking at characters.
fn is_plain(text: &str) -> bool {
    let printable = |byte| matches!(byte, b' '..=b'~');
    text.bytes().fold(true, |all, byte| all & printable(byte))
}

/// One line: every hidden character becomes U+FFFD, and after `most` characters it is cut with a mark.
pub fn line(text: &str, most: usize) -> Cow<'_, str> {
    let is_plain = is_plain(text);
    let cut = match is_plain {
        true => (text.len() > most).then_some(most),
        false => text.char_indices().nth(most).map(|(at, _)| at),
    };
    let head = cut.and_then(|at| text.get(..at)).unwrap_or(text);
    let clean = match is_plain || !head.contains(is_hidden) {
        true => Cow::Borrowed(head),
        false => Cow::Owned(head.replace(is_hidden, "\u{fffd}")),
    };
    match cut {
        None => clean,
        Some(_) => Cow::Owned([&*clean, "…"].concat()),
    }
}

/// Writes a part of the HTML page. Values are escaped and cut where they are put in; what was forgotten
/// there loses its hidden characters here. Line breaks are the page's own and stay.
///
/// # Errors
/// `out` takes no more.
pub fn write_page(out: &mut impl io::Write, page: &str) -> io::Result<()> {
    let hides = |c: char| c != '\n' && is_hidden(c);
    match page.contains(hides) {
        false => out.write_all(page.as_bytes()),
        true => out.write_all(page.replace(hides, "\u{fffd}").as_bytes()),
    }
}

/// A cell of a CSV file that no spreadsheet takes for a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell(String);

impl Cell {
    /// Escapes a value. A quote stands before what begins a formula (OWASP, "CSV injection"), at the head of
    /// the cell and behind a semicolon or tab, at which spreadsheets of some languages split lines, also
    /// where blanks or hidden characters stand before it.
    pub fn new(text: &str) -> Self {
        let mut cell = String::with_capacity(text.len() + 1);
        // where a quote would have to stand, while all behind it was blank or hidden
        let mut head = Some(0);
        for (count, c) in text.chars().enumerate() {
            if count == MOST_IN_CELL {
                let all = text.chars().count();
                let _ = write!(cell, "… (cut: {all} characters)");
                break;
            }
            if starts_formula(c)
                && let Some(at) = head.take()
            {
                cell.insert(at, '\'');
            }
            cell.push(match c {
                c if c.is_control() => ' ',
                c if is_hidden(c) => char::REPLACEMENT_CHARACTER,
                c => c,
            });
            head = match c {
                ';' | '\t' => Some(cell.len()),
                c if c.is_whitespace() || is_hidden(c) => head,
                _ => None,
            };
        }
        // a tab or return at the very head is dropped by some programs, with what it hid
        if text.starts_with(['\t', '\r']) && !cell.starts_with('\'') {
            cell.insert(0, '\'');
        }
        Self(cell)
    }
}

/// `=`, `+`, `-`, `@`, and the forms of them that programs fold into these.
const fn starts_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '\u{2212}'
    )
}

impl AsRef<[u8]> for Cell {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Text that may be printed on a terminal. Colors and line breaks in it are the program's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalText(String);

impl TerminalText {
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Text of several lines that has no colors: everything hidden but the line breaks is escaped. The
    /// values in it must have been escaped before, or a line break in one forges a line.
    pub fn lines(text: &str) -> Self {
        let hides = |c: char| c != '\n' && is_hidden(c);
        Self(text.replace(hides, "\u{fffd}"))
    }

    /// A message that may have several lines, of which all but the first are indented, so that none of
    /// them passes for a line of the program's own.
    pub fn message(text: &str) -> Self {
        let lines = text.trim_end().lines().take(40);
        let lines: Vec<Cow<'_, str>> = lines.map(|one| line(one, MOST_ON_TERMINAL)).collect();
        Self(lines.join("\n  "))
    }

    /// A JSON document: what is hidden stands in it as `\u` escapes, which mean the same.
    pub fn json(document: &str) -> Self {
        let mut out = String::with_capacity(document.len());
        for c in document.chars() {
            if c == '\n' || !is_hidden(c) {
                out.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        Self(out)
    }

    /// For [`text!`] alone.
    #[doc(hidden)]
    pub fn from_escaped(text: fmt::Arguments<'_>) -> Self {
        Self(text.to_string())
    }

    /// The text with lines broken between words so that none is wider than `width` columns, where its words
    /// allow it: names and keys are never broken. What continues a line is indented further than it.
    #[must_use]
    pub fn wrapped(&self, width: usize) -> Self {
        let mut out = String::with_capacity(self.0.len());
        for line in self.0.split_inclusive('\n') {
            if columns(line.trim_end_matches('\n')) <= width {
                out.push_str(line);
                continue;
            }
            let text = line.trim_start_matches(' ');
            let indent = line.len() - text.len();
            let hanging = " ".repeat(indent.min(width / 2) + 2);
            out.push_str(&" ".repeat(indent));
            let (mut at, mut is_first) = (indent, true);
            for word in text.split(' ') {
                let wide = columns(word.trim_end_matches('\n'));
                // blanks between columns do not carry over to the next line
                if wide == 0 && at == hanging.len() && !is_first && out.ends_with(&hanging) {
                    continue;
                }
                if !is_first && at + 1 + wide > width {
                    out.truncate(out.trim_end_matches(' ').len());
                    out.push('\n');
                    out.push_str(&hanging);
                    at = hanging.len();
                } else if !is_first {
                    out.push(' ');
                    at += 1;
                }
                out.push_str(word);
                at += wide;
                is_first = false;
            }
        }
        Self(out)
    }

    pub fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many columns a line takes, its colors not counted.
fn columns(line: &str) -> usize {
    let (mut count, mut is_escape) = (0, false);
    for c in line.chars() {
        match c {
            '\u{1b}' => is_escape = true,
            'm' if is_escape => is_escape = false,
            _ if is_escape => {}
            _ => count += 1,
        }
    }
    count
}

/// A value that can stand in [`TerminalText`].
pub trait ForTerminal {
    /// Writes it with nothing in it that a terminal obeys.
    ///
    /// # Errors
    /// The formatter takes no more.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// What [`text!`] makes of each value.
#[doc(hidden)]
#[derive(Debug)]
pub struct Escaped<'v, T: ?Sized>(pub &'v T);

impl<T: ForTerminal + ?Sized> fmt::Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

impl ForTerminal for str {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&line(self, MOST_ON_TERMINAL))
    }
}

impl ForTerminal for String {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().write(f)
    }
}

impl ForTerminal for Cow<'_, str> {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).write(f)
    }
}

impl ForTerminal for Path {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_string_lossy().write(f)
    }
}

impl ForTerminal for anyhow::Error {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TerminalText::message(&format!("{self:#}")).as_str())
    }
}

impl ForTerminal for TerminalText {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: ForTerminal + ?Sized> ForTerminal for &T {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).write(f)
    }
}

/// Types whose `Display` is the program's own.
macro_rules! own {
    ($($own:ty),*) => {$(
        impl ForTerminal for $own {
            fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

own!(u32, u64, usize, i64, Severity, anstyle::Style);

/// Formats [`TerminalText`]: every value is escaped, the format's own words are not. `concat!` keeps
/// names from being captured by the format.
macro_rules! text {
    ($format:literal $(, $value:expr)* $(,)?) => {
        $crate::safe_text::TerminalText::from_escaped(
            format_args!(concat!($format) $(, $crate::safe_text::Escaped(&$value))*)
        )
    };
}

/// Adds to [`TerminalText`] as [`text!`] formats it.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        $out.push(&$crate::safe_text::text!($($format)*))
    };
}

pub(crate) use {put, text};

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind of what hides, moves or reorders.
    const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\r\n\u{8}\u{61c}\u{200b}\u{202e}\u{2028}\u{2029}\u{2066}\u{feff}\u{e0041}";

    #[test]
    fn a_value_stays_on_its_line_and_moves_nothing() {
        let printed = text!("{}: {}\n", HOSTILE, 7_u64);
        assert_eq!(printed.as_str().matches('\n').count(), 1);
        assert!(!printed.as_str().trim_end().contains(is_hidden));
        assert_eq!(text!("{:<5}|", "päs").as_str(), "päs  |");
        let bold = anstyle::Style::new().bold();
        assert_eq!(text!("{}x", bold).as_str(), "\u{1b}[1mx");
        let long = "x".repeat(MOST_ON_TERMINAL + 1);
        assert!(text!("{}", long).as_str().ends_with("x…"));
    }

    #[test]
    fn no_line_of_a_message_passes_for_one_of_ours() {
        let error = anyhow::anyhow!("cannot read x\nIntegrity valid\r\u{1b}[1A");
        assert_eq!(
            text!("error: {}", error).as_str(),
            "error: cannot read x\n  Integrity valid\u{fffd}\u{fffd}[1A"
        );
    }

    #[test]
    fn json_for_a_terminal_means_the_same() {
        let document = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        let printed = TerminalText::json(&document);
        assert!(!printed.as_str().replace('\n', "").contains(is_hidden));
        let read: Vec<String> = serde_json::from_str(printed.as_str()).unwrap();
        assert_eq!(read, [HOSTILE]);
    }

    #[test]
    fn no_cell_begins_a_formula() {
        let cell = |text: &str| Cell::new(text).0;
        assert_eq!(cell("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        for start in [
            '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫', '−',
        ] {
            assert!(cell(&format!("{start}1+1")).starts_with('\''), "{start}");
            let hidden = cell(&format!("\u{200b}\u{feff}\n {start}1+1"));
            assert!(hidden.starts_with('\''), "{hidden}");
            assert_eq!(cell(&format!("a; {start}1")), format!("a;' {start}1"));
        }
        assert_eq!(cell("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(cell("\tx"), "' x");
        assert_eq!(cell("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(cell("arn:aws:iam::1:user/a-b"), "arn:aws:iam::1:user/a-b");
        assert_eq!(cell("one; two"), "one; two");
        let long = cell(&"x".repeat(40_000));
        assert!(long.ends_with("x… (cut: 40000 characters)"), "{long}");
        assert!(long.chars().count() < 32_767);
    }

    #[test]
    fn the_page_keeps_its_line_breaks_and_nothing_hidden() {
        let mut out = Vec::new();
        write_page(&mut out, &format!("<p>→ {HOSTILE}</p>\n")).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(!page.replace('\n', "").contains(is_hidden));
        assert!(page.ends_with("</p>\n"));
    }
}
