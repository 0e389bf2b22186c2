//! `trailscan coverage`: what was there and what could be seen, without findings.

use super::run::output::Folder;
use super::run::{self, find, progress};
use super::verification::Verification;
use super::{Exit, say};
use crate::cli::{Coverage, CoverageFormat};
use crate::config::Config;
use crate::detect::Detector;
use crate::integrity::proof::State;
use crate::pipeline::{self, Work};
use crate::report::{Assessment, Report, grid, json, terminal};
use crate::rules::RuleSet;
use crate::source::{Scope, Source};

pub(super) fn run(arguments: &Coverage) -> anyhow::Result<Exit> {
    let now = run::now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    let config = Config::load(arguments.rule_choice.config.as_deref())?;
    let rules = run::rule_set(&arguments.rule_choice, &config)?;
    run::digests_are_asked_for(&arguments.digests, arguments.verify)?;
    let scope = Scope {
        digests: arguments.verify,
        ..run::scope(&arguments.selection, &source, now)?
    };
    let folder = match arguments.verify {
        true => Some(Folder::open(&arguments.out)?),
        false => None,
    };
    let runtime = run::runtime()?;
    let progress = progress::Bar::new(arguments.quiet);
    let found = find::find(&source, &scope, &arguments.aws, arguments.quiet, &runtime)?;
    let provenance = run::provenance(&found.source, &config, &scope, &arguments.rule_choice);
    // which events the rules match is not asked here: only which they could see
    let none = RuleSet::default();
    let detector = Detector::new(&none, &config.organization);
    let settings = run::settings(&found, &scope, &arguments.aws, &runtime)?;
    let verification = match &folder {
        None => None,
        Some(folder) => Some(Verification::prepare(
            (&source, &found),
            &scope,
            &arguments.digests,
            &arguments.aws,
            folder,
            &runtime,
        )?),
    };
    progress.begin();
    let work = Work {
        detector: Some(&detector),
        digests: verification.as_ref().map(|one| &one.reader),
        ledger: verification.as_ref().map(|one| &one.spool as _),
    };
    let options = run::options(&arguments.running);
    let mut tally = pipeline::run(found.input, work, &scope, &options, &progress);
    let mut proof = None;
    if let (Some(verification), Some(folder)) = (verification, &folder) {
        let (_, drawn, _) =
            verification.finish(&mut tally.integrity, &options, &progress, folder)?;
        grid::take_digests(&mut tally.coverage, &drawn);
        proof = Some(drawn);
    }
    progress.end();
    run::complete(&mut tally, settings)?;
    let report = Report {
        integrity: proof,
        ..Report::new(provenance, &rules, tally, Vec::new())
    };
    match arguments.format {
        CoverageFormat::Grid => {
            say(&terminal::grid(&report))?;
            run::warn_of_regions(&arguments.selection);
        }
        CoverageFormat::Json => say(&String::from_utf8_lossy(&json::coverage(&report)?))?,
    }
    let seen = |assessment: &Assessment| *assessment == Assessment::Assessed;
    if report
        .integrity
        .as_ref()
        .is_some_and(|proof| proof.state() == State::Broken)
    {
        return Ok(Exit::Broken);
    }
    let whole =
        report.coverage.is_complete() && report.rules.iter().all(|rule| seen(&rule.assessment));
    Ok(if whole { Exit::Done } else { Exit::Incomplete })
}
