//! The review of a signed run: `review.json` (schema `trailscan.review/1`) and `review.html`. They lie in the
//! sealed folder beside the report, whose own files are those of the run.

use serde::Serialize;

use super::html;
use crate::ledger::entry::Matter;
use crate::report::stored::StoredRun;
use crate::review::{Candidate, ReviewView};

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'r> {
    pub run: &'r StoredRun,
    pub view: &'r ReviewView,
    pub undecided: &'r [&'r Candidate],
    pub reviewer: &'r str,
    pub role: &'r str,
    pub statement: &'r str,
    /// When, as RFC 3339.
    pub signed: &'r str,
    /// The ids of findings about calls of the reviewer.
    pub reviewer_is_actor: &'r [String],
}

#[derive(Serialize)]
struct Review<'r> {
    schema: &'static str,
    report_id: &'r str,
    period: &'r str,
    since: Option<&'r str>,
    until: Option<&'r str>,
    reviewer: &'r str,
    role: &'r str,
    statement: &'r str,
    signed: &'r str,
    reviewer_is_actor: &'r [String],
    incomplete: &'r [String],
    undecided: Vec<&'r Matter>,
    #[serde(flatten)]
    view: &'r ReviewView,
}

/// The review for machines. `ledger_head` is the head before the signature, so the file can serve as an
/// anchor.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(sheet: &Sheet<'_>) -> serde_json::Result<String> {
    let review = Review {
        schema: "trailscan.review/1",
        report_id: &sheet.run.report,
        period: &sheet.run.period,
        since: sheet.run.since.as_deref(),
        until: sheet.run.until.as_deref(),
        reviewer: sheet.reviewer,
        role: sheet.role,
        statement: sheet.statement,
        signed: sheet.signed,
        reviewer_is_actor: sheet.reviewer_is_actor,
        incomplete: &sheet.run.incomplete,
        undecided: sheet.undecided.iter().map(|one| &one.matter).collect(),
        view: sheet.view,
    };
    serde_json::to_string_pretty(&review).map(|text| text + "\n")
}

/// The review as a page that prints well.
pub fn html(sheet: &Sheet<'_>) -> String {
    html::sheet::page(sheet)
}
