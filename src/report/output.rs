//! The files that trailscan writes, as one table: name, when it is written, writer, and how an earlier one is
//! recognized.
//!
//! A new format is a module with a writer, one entry here, and its snapshot; `--format`, the report's folder
//! and the tests use this table.

use std::io::{self, Write};

use schemars::Schema;

use super::json::v1;
use super::{Report, csv, html, json};

/// Writes a file of the report.
pub type Writer = fn(&Report, &mut dyn Write) -> io::Result<()>;

/// When a file is written, and by whom.
enum When {
    /// With every report.
    Always(Writer),
    /// If `--format` has this value.
    Chosen(&'static str, Writer),
    /// If digests are verified, by the code that verifies them: what is in it is not in the report.
    Verified,
}

/// An entry of the table.
struct Entry {
    file: &'static str,
    when: When,
    /// True if the first bytes of a file show that trailscan wrote it; `None` if the file has no such mark.
    mark: Option<fn(&[u8]) -> bool>,
    schema: Option<fn() -> Schema>,
}

macro_rules! outputs {
    ($($(#[$about:meta])* $name:ident = $entry:expr;)*) => {
        /// A file that trailscan writes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Output {
            $($(#[$about])* $name,)*
        }

        impl Output {
            /// All of them, in the order in which they are written and named.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            const fn entry(self) -> Entry {
                match self {
                    $(Self::$name => $entry,)*
                }
            }
        }
    };
}

outputs! {
    /// The report for people.
    Html = Entry {
        file: "report.html",
        when: When::Chosen("html", |report, mut out| html::write(report, &mut out)),
        mark: Some(html::is_page),
        schema: None,
    };
    /// The findings for programs.
    Findings = Entry {
        file: "findings.json",
        when: When::Chosen("json", |report, out| json::findings(report, out)),
        mark: Some(json::is_ours),
        schema: Some(v1::schema::<v1::Findings<'_>>),
    };
    /// The findings for a spreadsheet.
    FindingsTable = Entry {
        file: "findings.csv",
        when: When::Chosen("csv", |report, out| csv::findings(report, out)),
        mark: Some(csv::is_findings),
        schema: None,
    };
    /// What rules could see, and what was read, hour by hour.
    Coverage = Entry {
        file: "coverage.json",
        when: When::Always(|report, out| json::coverage(report, out)),
        mark: Some(json::is_ours),
        schema: Some(v1::schema::<v1::Coverage<'_>>),
    };
    /// What was read and by what.
    Run = Entry {
        file: "run.json",
        when: When::Always(|report, out| json::run(report, out)),
        mark: Some(json::is_ours),
        schema: Some(v1::schema::<v1::Run<'_>>),
    };
    /// CloudTrail's public keys, as the AWS CLI prints them: known by the proof next to it, so it comes
    /// first where files are removed one after the other.
    PublicKeys = Entry {
        file: "public-keys.json",
        when: When::Verified,
        mark: None,
        schema: None,
    };
    /// What digests prove, log by log.
    Integrity = Entry {
        file: "integrity.json",
        when: When::Verified,
        mark: Some(json::is_ours),
        schema: Some(v1::schema::<v1::Integrity<'_>>),
    };
}

impl Output {
    /// The name of the file.
    pub const fn file(self) -> &'static str {
        self.entry().file
    }

    /// The name without its ending, which is that of its schema.
    pub fn stem(self) -> &'static str {
        let file = self.file();
        file.split_once('.').map_or(file, |(stem, _)| stem)
    }

    /// The value of `--format` that asks for it; `None` if the choice is not the user's.
    pub const fn format(self) -> Option<&'static str> {
        match self.entry().when {
            When::Chosen(format, _) => Some(format),
            When::Always(_) | When::Verified => None,
        }
    }

    /// Those that `--format` can ask for.
    pub fn formats() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|output| output.format().is_some())
    }

    /// What writes it, if it belongs to a report with these formats.
    pub fn writer(self, formats: &[Self]) -> Option<Writer> {
        match self.entry().when {
            When::Always(write) => Some(write),
            When::Chosen(_, write) => formats.contains(&self).then_some(write),
            When::Verified => None,
        }
    }

    /// Whether trailscan wrote a file, by its first bytes; `None` if they do not say.
    pub fn is_ours(self, head: &[u8]) -> Option<bool> {
        self.entry().mark.map(|mark| mark(head))
    }

    /// The JSON Schema of the file, if it is in a format of our own.
    pub fn schema(self) -> Option<Schema> {
        self.entry().schema.map(|schema| schema())
    }

    /// The file of that stem that has a schema.
    pub fn with_schema(stem: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|output| output.stem() == stem && output.entry().schema.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_every_file_is_recognized() {
        for (at, output) in Output::ALL.iter().enumerate() {
            let mut before = Output::ALL.iter().take(at);
            assert!(before.all(|other| other.file() != output.file()));
            // the keys have the form of the AWS CLI
            let has_mark = output.is_ours(b"").is_some();
            assert_eq!(has_mark, *output != Output::PublicKeys, "{output:?}");
            let is_json = output.file().ends_with(".json");
            assert_eq!(output.schema().is_some(), is_json && has_mark, "{output:?}");
            if output.schema().is_some() {
                assert_eq!(Output::with_schema(output.stem()), Some(*output));
            }
        }
    }
}
