//! `trailscan verify`: digests and the logs they name, and nothing else.

use super::output::Kind;
use super::session::{Purpose, Request, Session};
use super::verdict::Outcome;
use super::{Exit, note, print_fitted};
use crate::cli::Verify;
use crate::report::integrity::summary;
use crate::safe_text::text;

pub(super) fn run(arguments: &Verify) -> anyhow::Result<Exit> {
    let session = Session::open(Request::from(arguments))?;
    let folder = session.folder(Kind::Proof, arguments.out.as_deref(), arguments.force)?;
    let found = session.find()?;
    let scan = session.scan(found, Purpose::Integrity, Some(&folder), None)?;
    folder.publish()?;
    if let (Some(about), Some(proof), false) = (&scan.about, &scan.proof, arguments.quiet) {
        print_fitted(&summary(about, proof))?;
        let window = session.scope.window().in_words(session.zone());
        print_fitted(&text!("Window: {}\n", window))?;
        print_fitted(&text!("\nProof: {}\n", scan.files.join("  ")))?;
    }
    for problem in &scan.tally.coverage.problems {
        note(&text!("{}: {}", problem.object, problem.what));
    }
    Ok(Outcome::of_scan(&scan).verdict())
}
