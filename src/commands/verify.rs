//! `trailscan verify`: digests and the logs they name, and nothing else.

use anyhow::bail;

use super::run::output::Folder;
use super::run::{self, progress};
use super::verification::{self, Spool};
use super::{Exit, say};
use crate::cli::Verify;
use crate::digest::Reader;
use crate::integrity::proof::State;
use crate::pipeline::{self, Options, Work};
use crate::report::integrity::{About, summary};
use crate::source::{Scope, Source, local};

pub(super) fn run(arguments: &Verify) -> anyhow::Result<Exit> {
    let now = run::now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    let scope = Scope {
        slack: chrono::Duration::zero(),
        digests: true,
        ..run::scope(&arguments.selection, &source, now)?
    };
    let keys = verification::keys(&arguments.digests)?;
    let folder = Folder::open(&arguments.out)?;
    let spool = Spool::new(&folder)?;
    let Source::Local(path) = &source else {
        bail!("not a folder");
    };
    let listing = local::list(path, &scope)?;
    let reader = Reader {
        keys,
        origin: verification::origin(&source, &arguments.digests),
        scope: scope.clone(),
    };
    let progress = progress::Bar::new(arguments.quiet);
    progress.begin(&listing);
    let options = Options {
        jobs: run::jobs(arguments.jobs),
        max_object_mib: arguments.max_object_mib,
    };
    let work = Work {
        detector: None,
        digests: Some(&reader),
        ledger: Some(&spool),
    };
    let mut tally = pipeline::run(&listing, None, work, &scope, &options, &progress);
    progress.end();
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        source: source.to_string(),
        since: scope.since.map(|time| time.timestamp()),
        until: scope.until.map(|time| time.timestamp()),
        created: Some(scope.now.timestamp()),
    };
    let (proof, files) = verification::finish(
        &mut tally.integrity,
        &reader,
        Default::default(),
        &about,
        (&folder, spool),
    )?;
    if !arguments.quiet {
        say(&summary(&about, &proof))?;
        say(&format!("\nProof: {}\n", files.join("  ")))?;
    }
    Ok(match (proof.state(), tally.coverage.is_complete()) {
        (State::Broken, _) => Exit::Broken,
        (State::Valid, true) => Exit::Done,
        (State::NotProven, _) | (State::Valid, false) => Exit::Incomplete,
    })
}
