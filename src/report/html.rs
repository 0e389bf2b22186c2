//! The auditor's document.

use super::Report;

/// One self-contained page.
pub fn render(report: &Report) -> String {
    report.verdict()
}
