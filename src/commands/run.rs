//! `trailscan run`: the main job, one line a stage.

mod credential_report;
pub(super) mod discovery;
mod dry;
pub(super) mod output;
pub(super) mod progress;
mod reproduce;
pub(super) mod state_file;

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Datelike as _, Duration, Utc};
use chrono_tz::Tz;

use super::verdict::Outcome;
use super::verification::{self, Verification};
use super::{Exit, note, print_fitted};
use crate::aws::Aws;
use crate::cli::{
    AwsChoice, DigestChoice, FailOn, RuleChoice, RuleSource, Run, Running, Selection, TrailChoice,
};
use crate::config::Config;
use crate::correlate::correlate;
use crate::coverage::ProblemKind;
use crate::detect::Detector;
use crate::integrity::proof::Proof;
use crate::pipeline::{self, Options};
use crate::provenance::Provenance;
use crate::report::{Report, notes, terminal};
use crate::rules::load::RuleText;
use crate::rules::{RuleSet, load};
use crate::safe_text::text;
use crate::source::{Scope, Source, discover};
use crate::state::State;
use crate::tally::Tally;
use crate::trail::Trail;
use crate::window::local_time;
use discovery::Found;
use output::{Folder, Kind};

/// How late after its events a log may be delivered and still be read: AWS promises no time
/// ([log files](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html)).
const SLACK: Duration = Duration::hours(24);

/// How far back S3 is read where nobody says.
const DEFAULT_DAYS: i64 = 7;

pub(super) fn run(arguments: &Run) -> anyhow::Result<Exit> {
    let now = now()?;
    let source = Source::parse(arguments.source.as_deref())?;
    let mut config = Config::load(arguments.rule_choice.config.as_deref())?;
    let runtime = runtime()?;
    credential_report::add(arguments, &mut config, &runtime)?;
    let rules = rule_set(&arguments.rule_choice, &config)?;
    if !arguments.quiet {
        note_remarks(&config);
        rules
            .remarks
            .iter()
            .for_each(|remark| note(&text!("{}", remark)));
    }
    digests_are_asked_for(&arguments.digests, arguments.verify)?;
    let scope = Scope {
        digests: arguments.verify,
        ..scope(&arguments.selection, &source, now, zone(&config))?
    };
    let output = match arguments.dry_run {
        true => None,
        false => {
            let out = arguments.out.clone();
            let out = out.unwrap_or_else(|| output::of_run(&scope, zone(&config)));
            Some(Folder::open(&out, Kind::Report, arguments.force)?)
        }
    };
    let progress = progress::Bar::new(arguments.quiet);
    let found = discovery::find(&source, &scope, &arguments.aws, arguments.quiet, &runtime)?;
    let state = state_file::open(arguments, &config, &rules)?;
    let lessons = state.clone().filter(|_| arguments.incremental);
    let Some(output) = output else {
        let jobs = options(&arguments.running).jobs;
        return dry::run(found, &scope, zone(&config), lessons.as_deref(), jobs);
    };
    let verification = match arguments.verify {
        false => None,
        true => Some(Verification::prepare(
            (&source, &found),
            &scope,
            &arguments.digests,
            &arguments.aws,
            &output,
            &runtime,
        )?),
    };
    let settings = settings(
        &found,
        &scope,
        (&arguments.trails, &arguments.aws),
        &runtime,
    )?;
    progress.begin();
    let detector = Detector::new(&rules, &config.organization);
    let options = Options {
        state: lessons,
        ..options(&arguments.running)
    };
    let (mut tally, proof, mut files) = verification::read(
        found.input,
        &detector,
        verification,
        &scope,
        &options,
        &progress,
    )?;
    progress.end();
    complete(&mut tally, settings);
    let learning_days = config.organization.learning_days;
    state_file::apply_history(&rules, &mut tally, state.as_deref(), learning_days)?;
    let bursts = correlate(&rules, &mut tally);
    let remarks = state.as_deref().map(State::remarks).unwrap_or_default();
    remarks.iter().for_each(|remark| note(&text!("{}", remark)));
    let provenance = Provenance {
        min_level: arguments.min_level,
        command: reproduce::command(arguments, &config, &rules, &scope),
        remarks,
        ..provenance(&found.source, &config, &scope, &arguments.rule_choice)
    };
    let report = Report {
        integrity: proof,
        ..Report::new(provenance, &rules, tally, bursts)
    };
    files.splice(0..0, output.write(&report, &arguments.format)?);
    output.publish()?;
    if !arguments.quiet {
        print_fitted(&terminal::summary(&report))?;
        print_fitted(&text!("\nReport: {}\n", files.join("  ")))?;
        warn_of_regions(&arguments.selection);
    }
    let exit = exit(&report, arguments.fail_on, arguments.fail_on_unassessed);
    // the program ends here, and what it holds ends with it: taking it apart first would only take time
    std::mem::forget((report, rules));
    Ok(exit)
}

/// What is said of digests means nothing where none are read.
pub(super) fn digests_are_asked_for(choice: &DigestChoice, verify: bool) -> anyhow::Result<()> {
    let about_digests = !choice.public_keys.is_empty() || choice.original_bucket.is_some();
    if about_digests && !verify {
        bail!("--public-keys and --original-bucket are for digests: add --verify");
    }
    Ok(())
}

/// What CloudTrail says of the trails that write to what is read, and what it does not say.
pub(super) type Settings = (BTreeSet<Trail>, BTreeSet<String>);

/// Asks CloudTrail what is recorded where a bucket is read; of a folder nobody knows its trail. What
/// somebody saved holds for both.
pub(super) fn settings(
    found: &Found<'_>,
    scope: &Scope,
    (trails, choice): (&TrailChoice, &AwsChoice),
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Settings> {
    let places = found.places.as_slice();
    if !trails.trail_settings.is_empty() {
        let mut trails = discover::saved(&trails.trail_settings)?;
        // an archive is a bucket that none of them writes to
        let writes = |trail: &Trail| places.iter().any(|(b, p)| trail.writes_to(b, p));
        if trails.iter().any(writes) {
            trails.retain(writes);
        }
        return Ok((trails, [notes::SAVED_SETTINGS.to_owned()].into()));
    }
    if places.is_empty() {
        return Ok(Settings::default());
    }
    runtime.block_on(async {
        let client = Aws::from_chain(&choice.options()).await?.cloudtrail();
        let now = scope.now.timestamp();
        Ok(discover::settings(&client, places, &choice.trail, now).await)
    })
}

/// Adds what CloudTrail said to what was read. Counts that do not add up are a problem that makes the
/// run incomplete; the report is written all the same.
pub(super) fn complete(tally: &mut Tally, settings: Settings) {
    let coverage = &mut tally.coverage;
    (coverage.trails, coverage.trails_unknown) = settings;
    if !coverage.identities_hold() {
        let what = format!(
            "the counts do not add up, which is a bug in trailscan: {:?} {:?}",
            coverage.objects, coverage.records
        );
        coverage.problem("the counts of this run", ProblemKind::Broken, what);
    }
}

/// Loads the rules that were asked for. None at all cannot be what anybody wants.
pub(super) fn rule_set(choice: &RuleChoice, config: &Config) -> anyhow::Result<RuleSet> {
    let rules = load::load(&texts(&choice.from)?, &config.rules);
    settings_fit(&rules, &choice.from, config)?;
    if rules.rules.is_empty() {
        let reasons: Vec<String> = rules
            .rejected
            .iter()
            .map(|bad| format!("{}:{}: {}", bad.origin.file, bad.origin.line, bad.reason))
            .collect();
        bail!(
            "no rule can be used{}{}",
            if reasons.is_empty() { "" } else { ": " },
            reasons.join("; ")
        );
    }
    Ok(rules)
}

/// Fails where `[rules]` in the configuration names a rule that is not there, or says of one what it has
/// no use for.
fn settings_fit(rules: &RuleSet, from: &RuleSource, config: &Config) -> anyhow::Result<()> {
    let faults = misfits(rules, from);
    if config.origin.is_none() || faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults
        .iter()
        .map(|what| format!("{}: {what}", config.place(what)))
        .collect();
    bail!("{}", faults.join("\n"))
}

/// The settings below `[rules]` that no rule takes, each with why. A rule of ours is there even where
/// ours are left out.
pub(super) fn misfits(rules: &RuleSet, from: &RuleSource) -> Vec<String> {
    let left_out = match from.no_builtin_rules {
        true => load::builtin(),
        false => Vec::new(),
    };
    let mut faults = rules.unusable_settings.clone();
    for key in &rules.unmatched {
        if left_out.iter().any(|text| load::stem(&text.file) == key) {
            continue;
        }
        let names = rules.rules.iter().map(|rule| rule.name.as_str());
        let alike = names
            .map(|name| (strsim::osa_distance(key, name), name))
            .filter(|(distance, _)| *distance <= (key.len() / 4).min(4))
            .min();
        faults.push(match alike {
            Some((_, name)) => format!("rules.{key}: no rule has this name: is it {name}?"),
            None => format!(
                "rules.{key}: no rule has this name: expected one that `trailscan rules list` names, or \
                 one of your own, whose folder is given by --rules"
            ),
        });
    }
    faults
}

/// The texts of the rules that were asked for.
pub(super) fn texts(from: &RuleSource) -> anyhow::Result<Vec<RuleText>> {
    let mut texts = if from.no_builtin_rules {
        Vec::new()
    } else {
        load::builtin()
    };
    for path in &from.rules {
        texts.extend(load::folder(path)?);
    }
    Ok(texts)
}

/// What threads wait on for the network.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    pipeline::runtime().context("cannot start")
}

/// What is read. Dates and weeks are those of the zone.
pub(super) fn scope(
    selection: &Selection,
    source: &Source,
    now: DateTime<Utc>,
    zone: Tz,
) -> anyhow::Result<Scope> {
    let week = selection.week.map(|week| week.window(now, zone));
    let until = selection.until.map(|when| when.at(now, zone));
    let until = until.or(week.map(|(_, end)| end));
    let remote = matches!(source, Source::S3 { .. } | Source::Trails);
    let default = remote.then(|| until.unwrap_or(now) - Duration::days(DEFAULT_DAYS));
    let since = selection.since.map(|when| when.at(now, zone));
    let since = since.or(week.map(|(first, _)| first)).or(default);
    let until = until.or(remote.then_some(now));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let [since, until] = [since, until].map(|at| local_time(at, zone));
        bail!("the window is empty: --since {since} is not before --until {until}");
    }
    Ok(Scope {
        since,
        until,
        slack: SLACK,
        now,
        accounts: selection.account.clone(),
        regions: selection.region.clone(),
        digests: false,
    })
}

/// How the pipeline is to run.
pub(super) fn options(running: &Running) -> Options {
    let processors = || std::thread::available_parallelism().map_or(1, Into::into);
    Options {
        jobs: running.jobs.map_or_else(processors, usize::from),
        max_object_mib: running.max_object_mib,
        state: None,
    }
}

/// The moment of the run; `SOURCE_DATE_EPOCH` sets it for reports that can be compared byte by byte
/// (reproducible-builds.org).
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks the clock"
)]
pub(super) fn now() -> anyhow::Result<DateTime<Utc>> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .filter(|now| (1970..=9998).contains(&now.year()))
            .with_context(|| {
                format!("SOURCE_DATE_EPOCH: `{text}` is not a number of seconds since 1970")
            }),
        Err(_) => Ok(Utc::now()),
    }
}

/// Where a report comes from.
pub(super) fn provenance(
    source: &str,
    config: &Config,
    scope: &Scope,
    rules: &RuleChoice,
) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION"),
        organization: config.name.clone(),
        source: source.to_owned(),
        window: scope.window(),
        created: Some(scope.now.timestamp()),
        accounts: scope.accounts.clone(),
        regions: scope.regions.clone(),
        builtin_rules: !rules.from.no_builtin_rules,
        rule_paths: rules
            .from
            .rules
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        config: config.origin.clone(),
        config_files: config.files.clone(),
        time_zone: (config.organization.calendar.as_ref())
            .map(|calendar| calendar.zone.name().to_owned()),
        expected: config.expected.clone(),
        ..Provenance::default()
    }
}

/// The organization's zone, where one is configured, else UTC.
pub(super) fn zone(config: &Config) -> Tz {
    let calendar = config.organization.calendar.as_ref();
    calendar.map_or(Tz::UTC, |calendar| calendar.zone)
}

/// Warns of what is legal in the configuration and most likely not what was meant.
pub(super) fn note_remarks(config: &Config) {
    for remark in &config.remarks {
        note(&text!("{}", remark));
    }
}

/// Warns of a filter on Regions that hides what AWS records in its global one.
pub(super) fn warn_of_regions(selection: &Selection) {
    let regions = &selection.region;
    if !regions.is_empty() && !regions.iter().any(|region| region == "us-east-1") {
        note(&text!("{}", notes::REGION_FILTER));
    }
}

/// How a run or a look at coverage ended.
pub(super) fn exit(report: &Report, fail_on: FailOn, fail_on_unassessed: FailOn) -> Exit {
    let at_least = |least: FailOn, level| least.0.is_some_and(|least| level >= least);
    let mut blind = report.blind_spots();
    let outcome = Outcome {
        integrity: report.integrity.as_ref().map(Proof::state),
        incomplete: !report.completeness.complete,
        findings: report.worst.is_some_and(|worst| at_least(fail_on, worst)),
        unassessed: blind.any(|rule| at_least(fail_on_unassessed, rule.level)),
    };
    outcome.exit()
}
