//! What the arguments of a command that reads logs mean, resolved once into a value.
//!
//! Every such command takes the same steps, and says only where it differs:
//!
//! ```text
//! Session::open(request)  configuration, rules, window, scope
//!   └ find()              the objects to read
//!       ├ scan(…)         all of them once → Scan { tally, proof, … }
//!       └ detect(…)       all of them once, with a detector of the command's own
//!           └ Outcome     how the command ended → exit code
//! ```

mod credential_report;
mod discovery;
mod progress;
mod request;
mod scope;
pub(super) mod state_file;
mod verification;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono_tz::Tz;
use tokio::runtime::Runtime;

use super::output::{self, Folder, Kind};
use super::{note, rule_set};
use crate::aws::Aws;
use crate::config::Config;
use crate::coverage::ProblemKind;
use crate::detect::Detector;
use crate::digest::add_proven_hours;
use crate::integrity::proof::Proof;
use crate::pipeline::{self, Options, SettledSink, Work};
use crate::provenance::Provenance;
use crate::report::integrity::About;
use crate::report::notes;
use crate::rules::RuleSet;
use crate::safe_text::text;
use crate::source::{Scope, Source, discover};
use crate::state::State;
use crate::tally::Tally;
use crate::trail::Trail;
pub(super) use discovery::Found;
use progress::Bar;
pub(super) use request::Request;
pub(super) use scope::now;
use verification::Verification;

/// The arguments of a command that reads logs, resolved.
pub(super) struct Session<'a> {
    request: Request<'a>,
    pub(super) source: Source,
    pub(super) config: Config,
    /// Empty if the command evaluates no rules.
    pub(super) rules: RuleSet,
    /// Which events, and at what moment.
    pub(super) scope: Scope,
    options: Options,
    runtime: Runtime,
    progress: Bar,
}

/// What a scan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Every rule of the session is evaluated.
    Findings,
    /// Events are counted and no rule is evaluated.
    Coverage,
    /// Logs are only compared with their digests; no record is looked at.
    Integrity,
}

/// What was read.
pub(super) struct Scan {
    pub(super) tally: Tally,
    /// Present if digests were verified.
    pub(super) proof: Option<Proof>,
    /// What `proof` is about; present with it.
    pub(super) about: Option<About>,
    /// The paths of the files that hold the proof.
    pub(super) files: Vec<String>,
}

/// What CloudTrail says about the trails that write to what is read, and what it does not say.
type TrailSettings = (BTreeSet<Trail>, BTreeSet<String>);

impl<'a> Session<'a> {
    /// Resolves the arguments: reads the configuration and the rules, and notes what is odd about them.
    /// Nothing of AWS is asked.
    ///
    /// # Errors
    /// An argument, the configuration or all rules cannot be used, or the system gives no threads.
    pub(super) fn open(request: Request<'a>) -> anyhow::Result<Self> {
        let now = now()?;
        let source = Source::parse(request.source)?;
        if request.only_digests && source == Source::Stdin {
            bail!("standard input has no digests: name a folder or a bucket");
        }
        let mut config = Config::load(request.config)?;
        let runtime = pipeline::runtime().context("cannot start")?;
        credential_report::add(&request, &mut config, &runtime)?;
        let rules = match request.rules {
            Some(from) => rule_set::load(from, &config)?,
            None => RuleSet::default(),
        };
        if request.rules.is_some() && !request.quiet {
            // what is legal in the configuration and most likely not what was meant
            for remark in config.remarks.iter().chain(&rules.remarks) {
                note(&text!("{}", remark));
            }
        }
        request.check_digests()?;
        let scope = scope::resolve(&request, &source, now, zone(&config))?;
        let processors = || std::thread::available_parallelism().map_or(1, Into::into);
        let options = Options {
            jobs: request.running.jobs.map_or_else(processors, usize::from),
            max_object_mib: request.running.max_object_mib,
            ..Options::default()
        };
        let progress = Bar::new(request.quiet);
        Ok(Self {
            request,
            source,
            config,
            rules,
            scope,
            options,
            runtime,
            progress,
        })
    }

    /// The organization's time zone if one is configured, else UTC.
    pub(super) fn zone(&self) -> Tz {
        zone(&self.config)
    }

    /// How many worker threads there are.
    pub(super) const fn jobs(&self) -> usize {
        self.options.jobs
    }

    /// The folder for what the command writes: `out`, or one named after the window.
    ///
    /// # Errors
    /// Those of [`Folder::open`].
    pub(super) fn folder(
        &self,
        kind: Kind,
        out: Option<&Path>,
        force: bool,
    ) -> anyhow::Result<Folder> {
        let out = out.map_or_else(
            || match kind {
                Kind::Report => output::of_run(&self.scope, self.zone()),
                Kind::Proof => output::of_proof(&self.scope, self.zone()),
            },
            Path::to_owned,
        );
        Folder::open(&out, kind, force)
    }

    /// Finds the objects to read. Of a bucket only the first requests are made, and it is listed while
    /// it is read.
    ///
    /// # Errors
    /// The source is not there or cannot be listed.
    pub(super) fn find(&self) -> anyhow::Result<Found> {
        discovery::find(
            &self.source,
            &self.scope,
            self.request.aws,
            self.request.quiet,
            &self.runtime,
        )
    }

    /// The path of the state file: the one that was named, or with `--incremental` the one beside the
    /// configuration.
    pub(super) fn state_path(&self) -> Option<PathBuf> {
        state_file::path(&self.request, &self.config)
    }

    /// Opens the state file, if one is asked for.
    ///
    /// # Errors
    /// It cannot be opened, or another run has it open.
    pub(super) fn state(&self) -> anyhow::Result<Option<Arc<State>>> {
        state_file::open(&self.request, &self.config, &self.rules)
    }

    /// Reads everything in one pass: records against rules and, if they are verified, logs against
    /// digests. `folder` takes the files of the proof; without one nothing is verified. With `cache`,
    /// objects that an earlier run has read are not read again.
    ///
    /// # Errors
    /// AWS refuses what is needed to begin, or a file of the proof cannot be written. What cannot be read
    /// of the logs is a problem of the coverage.
    pub(super) fn scan(
        &self,
        found: Found,
        purpose: Purpose,
        folder: Option<&Folder>,
        cache: Option<Arc<State>>,
    ) -> anyhow::Result<Scan> {
        let verification = folder.filter(|_| self.request.verify);
        let verification = verification.map(|folder| Verification::prepare(self, &found, folder));
        let verification = verification.transpose()?;
        let settings = match purpose {
            Purpose::Integrity => None,
            Purpose::Findings | Purpose::Coverage => Some(self.trail_settings(&found)?),
        };
        let none = RuleSet::default();
        let rules = match purpose {
            Purpose::Findings => &self.rules,
            Purpose::Coverage | Purpose::Integrity => &none,
        };
        let mut detector = Detector::new(rules, &self.config.organization);
        let policies = &self.config.policies;
        if purpose == Purpose::Findings && !policies.principals.is_empty() {
            detector = detector.counting_uses(policies, false);
        }
        let work = Work {
            detector: settings.is_some().then_some(&detector),
            digests: verification.as_ref().map(|one| &one.reader),
            ledger: verification
                .as_ref()
                .map(|one| &one.spool as &dyn SettledSink),
        };
        let options = Options {
            state: cache,
            ..self.options.clone()
        };
        self.progress.begin();
        let mut tally = pipeline::run(found.input, work, &self.scope, &options, &self.progress);
        let (mut proof, mut about, mut files) = (None, None, Vec::new());
        if let Some(verification) = verification {
            let (of, drawn, written) =
                verification.finish(&mut tally, settings.is_some(), &options, &self.progress)?;
            if settings.is_some() {
                add_proven_hours(&drawn, &mut tally.coverage);
            }
            (proof, about, files) = (Some(drawn), Some(of), written);
        }
        self.progress.end();
        if let Some(settings) = settings {
            complete(&mut tally, settings);
        }
        Ok(Scan {
            tally,
            proof,
            about,
            files,
        })
    }

    /// Reads everything in one pass with a detector of the command's own, and nothing but the records. If
    /// the detector keeps records, `most_records` are kept at most.
    pub(super) fn detect(
        &self,
        found: Found,
        detector: &Detector<'_>,
        most_records: Option<usize>,
    ) -> Scan {
        self.progress.begin();
        let work = Work::rules(detector);
        let options = Options {
            most_records,
            ..self.options.clone()
        };
        let tally = pipeline::run(found.input, work, &self.scope, &options, &self.progress);
        self.progress.end();
        Scan {
            tally,
            proof: None,
            about: None,
            files: Vec::new(),
        }
    }

    /// Where a report comes from; `source` as [`Found::source`] names it.
    pub(super) fn provenance(&self, source: &str) -> Provenance {
        let (config, scope) = (&self.config, &self.scope);
        let from = self.request.rules;
        Provenance {
            version: env!("CARGO_PKG_VERSION"),
            organization: config.name.clone(),
            source: source.to_owned(),
            window: scope.window(),
            created: Some(scope.now.timestamp()),
            accounts: scope.accounts.clone(),
            regions: scope.regions.clone(),
            builtin_rules: from.is_some_and(|from| !from.no_builtin_rules),
            rule_paths: from
                .map(|from| from.rules.as_slice())
                .unwrap_or_default()
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

    /// Warns about a filter on Regions that hides what AWS records in its global one.
    pub(super) fn warn_of_regions(&self) {
        let regions = &self.scope.regions;
        if !regions.is_empty() && !regions.iter().any(|region| region == "us-east-1") {
            note(&text!("{}", notes::REGION_FILTER));
        }
    }

    /// Asks CloudTrail what is recorded if a bucket is read; of a folder nobody knows its trail. Saved
    /// settings hold for both.
    fn trail_settings(&self, found: &Found) -> anyhow::Result<TrailSettings> {
        let places = found.places.as_slice();
        let saved = self.request.trail_settings;
        if !saved.is_empty() {
            let mut trails = discover::saved(saved)?;
            // an archive is a bucket that none of them writes to
            let writes = |trail: &Trail| places.iter().any(|(b, p)| trail.writes_to(b, p));
            if trails.iter().any(writes) {
                trails.retain(writes);
            }
            return Ok((trails, [notes::SAVED_SETTINGS.to_owned()].into()));
        }
        if places.is_empty() {
            return Ok(TrailSettings::default());
        }
        let choice = self.request.aws;
        self.runtime.block_on(async {
            let client = Aws::from_chain(&choice.options()).await?.cloudtrail();
            let now = self.scope.now.timestamp();
            Ok(discover::settings(&client, places, &choice.trail, now).await)
        })
    }
}

/// Adds what CloudTrail says about its trails to what was read. Counts that do not add up are a problem
/// that makes the run incomplete; the report is written all the same.
fn complete(tally: &mut Tally, settings: TrailSettings) {
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

pub(super) fn zone(config: &Config) -> Tz {
    let calendar = config.organization.calendar.as_ref();
    calendar.map_or(Tz::UTC, |calendar| calendar.zone)
}
