//! `trailscan coverage`: what was there and what could be seen, without findings.

use super::run::output::{self, Folder, Kind};
use super::run::{self, discovery, progress};
use super::verification::{self, Verification};
use super::writers::warn_of_writers;
use super::{Exit, print, print_fitted, stdout_width};
use crate::cli::{Coverage, CoverageFormat, FailOn};
use crate::config::Config;
use crate::detect::Detector;
use crate::report::{Report, json, terminal};
use crate::rules::RuleSet;
use crate::safe_text::TerminalText;
use crate::source::{Scope, Source};
use crate::state::State;

pub(super) fn run(arguments: &Coverage) -> anyhow::Result<Exit> {
    let now = run::now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    let config = Config::load(arguments.rule_choice.config.as_deref())?;
    let rules = run::rule_set(&arguments.rule_choice, &config)?;
    if !arguments.quiet {
        run::note_remarks(&config);
    }
    run::digests_are_asked_for(&arguments.digests, arguments.verify)?;
    let scope = Scope {
        digests: arguments.verify,
        ..run::scope(&arguments.selection, &source, now, run::zone(&config))?
    };
    let folder = match arguments.verify {
        true => {
            let out = arguments.out.clone();
            let out = out.unwrap_or_else(|| output::of_proof(&scope, run::zone(&config)));
            Some(Folder::open(&out, Kind::Proof, arguments.force)?)
        }
        false => None,
    };
    let state = arguments.state.as_deref();
    if let Some(path) = state {
        warn_of_writers(path.parent().unwrap_or(path));
    }
    let state = state.map(|path| State::open(path, None)).transpose()?;
    let mut history = run::state_file::history(&rules, state.as_ref())?;
    let runtime = run::runtime()?;
    let progress = progress::Bar::new(arguments.quiet);
    let found = discovery::find(&source, &scope, &arguments.aws, arguments.quiet, &runtime)?;
    let provenance = run::provenance(&found.source, &config, &scope, &arguments.rule_choice);
    // which events the rules match is not asked here: only which they could see
    let none = RuleSet::default();
    let detector = Detector::new(&none, &config.organization);
    let settings = run::settings(
        &found,
        &scope,
        (&arguments.trails, &arguments.aws),
        &runtime,
    )?;
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
    let options = run::options(&arguments.running);
    let (mut tally, proof, _) = verification::read(
        found.input,
        &detector,
        verification,
        &scope,
        &options,
        &progress,
    )?;
    progress.end();
    folder.map(Folder::publish).transpose()?;
    run::complete(&mut tally, settings);
    // nothing is learned here: it is only asked which rules have learned what is usual
    history.settle(&rules, &mut tally, config.organization.learning_days);
    let report = Report {
        integrity: proof,
        ..Report::new(provenance, &rules, tally, Vec::new())
    };
    match arguments.format {
        CoverageFormat::Grid => {
            print_fitted(&terminal::grid(&report, stdout_width()))?;
            run::warn_of_regions(&arguments.selection);
        }
        CoverageFormat::Json => {
            let mut text = Vec::new();
            json::coverage(&report, &mut text)?;
            print(&TerminalText::json(&String::from_utf8_lossy(&text)))?;
        }
    }
    Ok(run::exit(
        &report,
        FailOn(None),
        arguments.fail_on_unassessed,
    ))
}
