//! `trailscan coverage`: what was there and what could be seen, without findings.

use super::output::{Folder, Kind};
use super::session::{Purpose, Request, Session, state_file};
use super::verdict::Outcome;
use super::{Exit, print, print_fitted, stdout_width};
use crate::cli::{Coverage, CoverageFormat, FailOn};
use crate::report::{Report, json, terminal};
use crate::safe_text::TerminalText;

pub(super) fn run(arguments: &Coverage) -> anyhow::Result<Exit> {
    let session = Session::open(Request::from(arguments))?;
    let folder = match arguments.verify {
        true => Some(session.folder(Kind::Proof, arguments.out.as_deref(), arguments.force)?),
        false => None,
    };
    let state = session.state()?;
    let mut history = state_file::history(&session.rules, state.as_deref())?;
    let found = session.find()?;
    let provenance = session.provenance(&found.source);
    let scan = session.scan(found, Purpose::Coverage, folder.as_ref(), None)?;
    folder.map(Folder::publish).transpose()?;
    let mut tally = scan.tally;
    // nothing is learned here: it is only asked which rules have learned what is usual
    let learning_days = session.config.organization.learning_days;
    history.settle(&session.rules, &mut tally, learning_days);
    let report = Report {
        integrity: scan.proof,
        ..Report::new(provenance, &session.rules, tally, Vec::new())
    };
    match arguments.format {
        CoverageFormat::Grid => {
            print_fitted(&terminal::grid(&report, stdout_width()))?;
            session.warn_of_regions();
        }
        CoverageFormat::Json => {
            let mut text = Vec::new();
            json::coverage(&report, &mut text)?;
            print(&TerminalText::json(&String::from_utf8_lossy(&text)))?;
        }
    }
    Ok(Outcome::of_report(&report, FailOn(None), arguments.fail_on_unassessed).verdict())
}
