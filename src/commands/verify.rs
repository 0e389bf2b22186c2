//! `trailscan verify`: digests and the logs they name, and nothing else.

use anyhow::bail;
use chrono::Duration;

use super::run::output::{self, Folder, Kind};
use super::run::{self, discovery, progress};
use super::verdict::Outcome;
use super::verification::Verification;
use super::{Exit, note, print_fitted};
use crate::cli::Verify;
use crate::config::Config;
use crate::pipeline::{self, Work};
use crate::report::integrity::summary;
use crate::safe_text::text;
use crate::source::{Scope, Source};

pub(super) fn run(arguments: &Verify) -> anyhow::Result<Exit> {
    let now = run::now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    if source == Source::Stdin {
        bail!("standard input has no digests: name a folder or a bucket");
    }
    let config = Config::load(arguments.config.as_deref())?;
    let zone = run::zone(&config);
    let scope = Scope {
        // the window is one of delivery here, not of events
        slack: Duration::zero(),
        digests: true,
        ..run::scope(&arguments.selection, &source, now, zone)?
    };
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| output::of_proof(&scope, zone));
    let folder = Folder::open(&out, Kind::Proof, arguments.force)?;
    let runtime = run::runtime()?;
    let progress = progress::Bar::new(arguments.quiet);
    let found = discovery::find(&source, &scope, &arguments.aws, arguments.quiet, &runtime)?;
    let verification = Verification::prepare(
        (&source, &found),
        &scope,
        &arguments.digests,
        &arguments.aws,
        &folder,
        &runtime,
    )?;
    progress.begin();
    let options = run::options(&arguments.running);
    let work = Work {
        detector: None,
        digests: Some(&verification.reader),
        settled_sink: Some(&verification.spool),
    };
    let mut tally = pipeline::run(found.input, work, &scope, &options, &progress);
    let (about, proof, files) = verification.finish(&mut tally, false, &options, &progress)?;
    progress.end();
    folder.publish()?;
    if !arguments.quiet {
        print_fitted(&summary(&about, &proof))?;
        print_fitted(&text!("Window: {}\n", scope.window().in_words(zone)))?;
        print_fitted(&text!("\nProof: {}\n", files.join("  ")))?;
    }
    for problem in &tally.coverage.problems {
        note(&text!("{}: {}", problem.object, problem.what));
    }
    let outcome = Outcome {
        integrity: Some(proof.state()),
        incomplete: !tally.coverage.is_complete(),
        ..Outcome::default()
    };
    Ok(outcome.exit())
}
