//! `trailscan run`: the main job, one line a stage.

mod dry;
mod reproduce;

use super::output::Kind;
use super::session::{Purpose, Request, Session, state_file};
use super::verdict::Outcome;
use super::{Exit, note, print_fitted};
use crate::assess::privileges::Privileges;
use crate::cli::Run;
use crate::correlate::correlate;
use crate::provenance::Provenance;
use crate::report::{Report, terminal};
use crate::safe_text::text;
use crate::state::State;

pub(super) fn run(arguments: &Run) -> anyhow::Result<Exit> {
    let session = Session::open(Request::from(arguments))?;
    let output = match arguments.dry_run {
        true => None,
        false => Some(session.folder(Kind::Report, arguments.out.as_deref(), arguments.force)?),
    };
    let found = session.find()?;
    let state = session.state()?;
    let cache = state.clone().filter(|_| arguments.incremental);
    let Some(output) = output else {
        return dry::run(found, &session, cache.as_deref());
    };
    let provenance = session.provenance(&found.source);
    let scan = session.scan(found, Purpose::Findings, Some(&output), cache)?;
    let (mut tally, mut files) = (scan.tally, scan.files);
    let learning_days = session.config.organization.learning_days;
    state_file::apply_history(&session.rules, &mut tally, state.as_deref(), learning_days)?;
    let bursts = correlate(&session.rules, &mut tally);
    let remarks = state.as_deref().map(State::remarks).unwrap_or_default();
    remarks.iter().for_each(|remark| note(&text!("{}", remark)));
    let provenance = Provenance {
        min_level: arguments.min_level,
        command: reproduce::command(arguments, &session),
        remarks,
        ..provenance
    };
    let config = &session.config;
    let privileges = (!config.policies.principals.is_empty())
        .then(|| Privileges::new(&config.policies, &config.organization, &tally, false));
    let report = Report {
        integrity: scan.proof,
        privileges,
        ..Report::new(provenance, &session.rules, tally, bursts)
    };
    files.splice(0..0, output.write(&report, &arguments.format)?);
    output.publish()?;
    if !arguments.quiet {
        print_fitted(&terminal::summary(&report))?;
        print_fitted(&text!("\nReport: {}\n", files.join("  ")))?;
        session.warn_of_regions();
    }
    let outcome = Outcome::of_report(&report, arguments.fail_on, arguments.fail_on_unassessed);
    // the program ends here, and what it holds ends with it: taking it apart first would only take time
    std::mem::forget((report, session.rules));
    Ok(outcome.verdict())
}
