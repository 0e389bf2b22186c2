//! What a line of the ledger says.
//!
//! Times are RFC 3339 in UTC, dates `YYYY-MM-DD`, hashes lower-case hexadecimal. Everything that a
//! person typed and everything that comes from a log is text; [`Line::to_bytes`] escapes what would hide
//! or reorder something on a terminal.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::VERSION;
use crate::event::time::{self, Epoch};
use crate::safe_text::TerminalText;
use crate::severity::Severity;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The version of the format.
    pub v: u32,
    /// The line's number, from 1.
    pub n: u64,
    pub time: String,
    /// Who made the entry, as typed.
    pub by: String,
    /// The SHA-256 of the line before with its line break; zeros in the first line.
    pub prev: String,
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: what the file is.
    Head(Head),
    Disposition(Disposition),
    Exception(Exception),
    /// An exception ends before its time.
    Revocation(Revocation),
    Bundle(Bundle),
    Signature(Box<Signature>),
    Approval(Approval),
    Addendum(Addendum),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub schema: String,
    /// The program that began the file.
    pub program: String,
}

/// The facts of a finding that a reader needs when its report is no longer at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    pub id: String,
    pub rule: String,
    pub level: Severity,
    pub title: String,
    pub actor: String,
    pub resource: String,
    /// The ISO week of its events.
    pub period: String,
    /// When the last event took place.
    pub last: Option<String>,
}

/// What a person may decide about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    TruePositive,
    Benign,
    Expected,
    Investigating,
    /// Takes the decision before it back.
    Reopened,
}

impl Decision {
    /// The words on a report.
    pub const fn words(self) -> &'static str {
        match self {
            Self::TruePositive => "true positive",
            Self::Benign => "benign",
            Self::Expected => "expected",
            Self::Investigating => "needs investigation",
            Self::Reopened => "reopened",
        }
    }

    /// Reads what people write into a spreadsheet: any case, blanks or hyphens.
    pub fn read(text: &str) -> Option<Self> {
        let letters = |c: char| c.is_alphabetic().then(|| c.to_ascii_lowercase());
        let word: String = text.chars().filter_map(letters).collect();
        Some(match word.as_str() {
            "truepositive" => Self::TruePositive,
            "benign" => Self::Benign,
            "expected" => Self::Expected,
            "investigating" | "needsinvestigation" => Self::Investigating,
            "reopened" => Self::Reopened,
            _ => return None,
        })
    }

    /// True if the matter needs no more attention of the review.
    pub const fn closes(self) -> bool {
        matches!(self, Self::TruePositive | Self::Benign | Self::Expected)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    pub finding: Matter,
    /// The report in which the person saw it; empty for one of an earlier week.
    pub report: String,
    pub disposition: Decision,
    pub reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<NaiveDate>,
}

/// A pattern of findings on which nobody need act. Its id is `x` and the number of its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    pub rule: String,
    /// Patterns with `*` and `?`; at least one of the three is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    pub reason: String,
    pub owner: String,
    pub approver: String,
    /// The last day on which it holds.
    pub expires: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub exception: String,
    pub reason: String,
}

/// The files of a report, by the SHA-256 of their `MANIFEST.sha256`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    pub period: String,
    pub report: String,
    pub manifest_sha256: String,
    pub files: u64,
}

/// A reviewed period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// `2026-W47`, or the window in words where it is not a week.
    pub period: String,
    pub since: Option<String>,
    pub until: Option<String>,
    pub report: String,
    /// When the report was made.
    pub created: Option<String>,
    pub manifest_sha256: String,
    pub role: String,
    pub statement: String,
    /// The last day for the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<NaiveDate>,
    pub days_late: u64,
    /// All findings, at each level.
    pub findings: BTreeMap<Severity, u64>,
    pub decided: u64,
    /// How many an exception hid.
    pub hidden: u64,
    /// Those that need a decision and have none.
    pub undecided: Vec<Matter>,
    /// How many more there are than are listed.
    #[serde(default)]
    pub more_undecided: u64,
    /// The day on which the undecided ones are due.
    pub undecided_due: NaiveDate,
    /// The ids of all findings; absent if there are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_ids: Option<Vec<String>>,
    pub complete: bool,
    /// `164 of 168 hours`.
    pub coverage: String,
    pub integrity: String,
    pub rule_set_sha256: String,
    pub config_sha256: String,
    pub version: String,
    /// Findings about calls of the reviewer, by `[people]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewer_is_actor: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub period: String,
    pub report: String,
    pub manifest_sha256: String,
    /// The hash of the line of the signature.
    pub signature: String,
    pub role: String,
    pub statement: String,
    /// Findings about calls of the approver, by `[people]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approver_is_actor: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshSignature>,
}

/// What was found about a signed period after it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addendum {
    pub period: String,
    /// The later report.
    pub report: String,
    pub manifest_sha256: String,
    /// The hash of the line of the signature.
    pub signature: String,
    pub reason: String,
    /// Findings that the signed report did not have; at most as many as a signature lists.
    pub new: Vec<Matter>,
    #[serde(default)]
    pub more_new: u64,
    /// Findings of the signed report that the later one does not have.
    pub gone: Vec<String>,
    pub due: NaiveDate,
}

/// A signature made by `ssh-keygen -Y sign -n trailscan-review`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshSignature {
    /// The name for `allowed_signers`.
    pub principal: String,
    /// The public key, as in `allowed_signers`.
    pub key: String,
    /// The bytes that were signed: a JSON object that repeats what the line says.
    pub message: String,
    pub signature: String,
}

impl Line {
    /// A line of the current version.
    pub fn new(n: u64, now: Epoch, by: &str, prev: &str, entry: Entry) -> Self {
        Self {
            v: VERSION,
            n,
            time: time::iso(now),
            by: by.to_owned(),
            prev: prev.to_owned(),
            entry,
        }
    }

    /// When it was written; `None` if that cannot be read.
    pub fn at(&self) -> Option<Epoch> {
        time::parse(&self.time)
    }

    /// The day on which it was written, in UTC.
    pub fn day(&self) -> Option<NaiveDate> {
        self.at().map(|at| time::utc(at).date_naive())
    }

    /// The line as it is in the file, with its line break. Control characters, and those that hide or
    /// reorder others, are `\u` escapes in it.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let json = serde_json::to_string(self)?;
        let mut bytes = TerminalText::json(&json).as_str().as_bytes().to_vec();
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a line, with or without its line break.
    ///
    /// # Errors
    /// What is wrong with it, as words behind "it".
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let not_an_entry = |error: serde_json::Error| format!("is not an entry: {error}");
        let Versioned { v } = serde_json::from_slice(bytes).map_err(not_an_entry)?;
        match v {
            1 => serde_json::from_slice(bytes).map_err(not_an_entry),
            _ => Err(format!(
                "has version {v} of the format, which a later trailscan wrote"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::NO_LINE;
    use crate::safe_text::is_hidden;

    #[test]
    fn hostile_text_is_escaped_and_read_back() {
        let hostile = "a\u{1b}[2J\r\n\u{202e}\u{2028}\u{7f}\u{e0041}\"}{\\";
        let line = Line::new(
            1,
            0,
            hostile,
            NO_LINE,
            Entry::Revocation(Revocation {
                exception: hostile.to_owned(),
                reason: hostile.to_owned(),
            }),
        );
        let bytes = line.to_bytes().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(!text.trim_end_matches('\n').contains(is_hidden), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(Line::parse(&bytes).unwrap(), line);
    }

    #[test]
    fn what_people_write_for_a_decision_is_read() {
        for text in ["True positive", "true-positive", "TRUE_POSITIVE"] {
            assert_eq!(Decision::read(text), Some(Decision::TruePositive));
        }
        assert_eq!(
            Decision::read("needs investigation"),
            Some(Decision::Investigating)
        );
        assert_eq!(Decision::read("ok"), None);
    }

    #[test]
    fn a_later_version_is_named() {
        let error = Line::parse(br#"{"v":2,"n":1,"what":"new"}"#).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
    }
}
