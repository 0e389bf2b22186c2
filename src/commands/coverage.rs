//! `trailscan coverage`: what was there and what could be seen, without findings.

use super::run::{self, find, progress};
use super::{Exit, say};
use crate::cli::{Coverage, CoverageFormat};
use crate::config::Config;
use crate::detect::Detector;
use crate::pipeline::{self, Work};
use crate::report::{Assessment, Report, json, terminal};
use crate::rules::RuleSet;
use crate::source::Source;

pub(super) fn run(arguments: &Coverage) -> anyhow::Result<Exit> {
    let now = run::now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    let config = Config::load(arguments.rule_choice.config.as_deref())?;
    let rules = run::rule_set(&arguments.rule_choice, &config)?;
    let scope = run::scope(&arguments.selection, &source, now)?;
    let runtime = run::runtime()?;
    let progress = progress::Bar::new(arguments.quiet);
    let found = find::find(&source, &scope, &arguments.aws, arguments.quiet, &runtime)?;
    let provenance = run::provenance(&found.source, &config, &scope, &arguments.rule_choice);
    // which events the rules match is not asked here: only which they could see
    let none = RuleSet::default();
    let detector = Detector::new(&none, &config.organization);
    let settings = run::settings(&found, &scope, &arguments.aws, &runtime)?;
    progress.begin();
    let work = Work {
        detector: Some(&detector),
        digests: None,
        ledger: None,
    };
    let options = run::options(&arguments.running);
    let mut tally = pipeline::run(found.input, work, &scope, &options, &progress);
    progress.end();
    run::complete(&mut tally, settings)?;
    let report = Report::new(provenance, &rules, tally, Vec::new());
    match arguments.format {
        CoverageFormat::Grid => {
            say(&terminal::grid(&report))?;
            run::warn_of_regions(&arguments.selection);
        }
        CoverageFormat::Json => say(&String::from_utf8_lossy(&json::coverage(&report)?))?,
    }
    let seen = |assessment: &Assessment| *assessment == Assessment::Assessed;
    let whole =
        report.coverage.is_complete() && report.rules.iter().all(|rule| seen(&rule.assessment));
    Ok(if whole { Exit::Done } else { Exit::Incomplete })
}
