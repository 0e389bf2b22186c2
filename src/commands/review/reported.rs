//! The review in the report of a run: decisions, exceptions and open matters of the ledger.

use std::path::Path;

use super::desk::{self, ledger_path};
use crate::commands::{note, session};
use crate::config::Config;
use crate::event::time::utc;
use crate::ledger::Ledger;
use crate::report::Report;
use crate::review::{Candidate, ReviewState, ReviewView, Subject};
use crate::safe_text::text;

/// Fails if a ledger was named that is not there, before any log is read.
pub(in crate::commands) fn check_named(named: Option<&Path>) -> anyhow::Result<()> {
    match named {
        Some(path) if !path.exists() => anyhow::bail!("there is no ledger {}", path.display()),
        _ => Ok(()),
    }
}

/// What the ledger says about a report; `None` if there is no ledger. A ledger that is broken hides nothing
/// and decides nothing: the report says so.
///
/// # Errors
/// The ledger cannot be read.
pub(in crate::commands) fn of_report(
    report: &Report,
    named: Option<&Path>,
    config: &Config,
) -> anyhow::Result<Option<ReviewView>> {
    let path = ledger_path(named, config);
    let Some(ledger) = Ledger::read(&path)? else {
        return Ok(None);
    };
    desk::note_torn(&ledger);
    let ledger = match ledger.unbroken() {
        Ok(ledger) => ledger,
        Err(error) => {
            note(&text!("{}", error.to_string()));
            let what = format!("{error}. No decision and no exception was applied.");
            return Ok(Some(ReviewView::unusable(what)));
        }
    };
    let state = ReviewState::new(&ledger);
    let findings: Vec<Candidate> = report.findings.iter().map(Candidate::from).collect();
    let from = &report.provenance;
    let zone = session::zone(config);
    let config_sha256 = from.config.as_ref().map(|(_, hash)| hash.as_str());
    let subject = Subject {
        period: &from.window.file_name(zone),
        report: &report.id(),
        rule_set_sha256: &from.rule_set_sha256,
        config_sha256: config_sha256.unwrap_or_default(),
        today: match from.created {
            Some(now) => utc(now).with_timezone(&zone).date_naive(),
            None => session::now()?.date_naive(),
        },
    };
    Ok(Some(ReviewView::new(&state, subject, &findings)))
}
