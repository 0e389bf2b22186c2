//! What every command of the review needs: the configuration, the run, the ledger, the day.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::NaiveDate;

use crate::cli::review::ReviewPlace;
use crate::commands::writers::warn_of_writers;
use crate::commands::{note, print_fitted, session};
use crate::config::Config;
use crate::event::time::Epoch;
use crate::ledger::entry::Matter;
use crate::ledger::{Appender, Entry, Ledger};
use crate::report::output::Output;
use crate::report::stored::StoredRun;
use crate::review::{ReviewState, ReviewView, Subject};
use crate::safe_text::text;

/// The file's default name.
const LEDGER: &str = "trailscan.ledger";

/// The folder in which `run` makes its own by default.
const REPORTS: &str = "report";

/// The shortest beginning of an id.
const LEAST_ID: usize = 4;

pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) ledger: PathBuf,
    run: Option<PathBuf>,
}

/// The ledger: the one that was named, else the configured one, else the one beside the configuration.
pub(super) fn ledger_path(named: Option<&Path>, config: &Config) -> PathBuf {
    let beside = || {
        let origin = config.origin.as_ref().map(|(file, _)| Path::new(file));
        let folder = origin.and_then(Path::parent).unwrap_or(Path::new(""));
        folder.join(LEDGER)
    };
    let configured = || config.review.ledger.clone();
    named
        .map(Path::to_owned)
        .or_else(configured)
        .unwrap_or_else(beside)
}

/// Notes that the file ends within a line.
pub(super) fn note_torn(ledger: &Ledger) {
    if ledger.torn > 0 {
        note(&text!(
            "{} ends with {} bytes of a write that was cut short; they were never acknowledged, and the \
             next entry sets them aside",
            ledger.path.as_path(),
            ledger.torn
        ));
    }
}

impl Desk {
    pub(super) fn new(place: &ReviewPlace) -> anyhow::Result<Self> {
        let config = Config::load(place.config.as_deref())?;
        Ok(Self {
            ledger: ledger_path(place.ledger.as_deref(), &config),
            run: place.run.clone(),
            config,
        })
    }

    /// The day, in the organization's zone.
    pub(super) fn today(&self) -> anyhow::Result<NaiveDate> {
        let zone = session::zone(&self.config);
        Ok(session::now()?.with_timezone(&zone).date_naive())
    }

    /// The moment. It is asked for anew for each entry, under the lock, so that entries are dated in order.
    pub(super) fn now() -> anyhow::Result<Epoch> {
        Ok(session::now()?.timestamp())
    }

    /// The run that is reviewed.
    pub(super) fn stored(&self) -> anyhow::Result<StoredRun> {
        let Some(folder) = self.folder()? else {
            bail!("no run is in {REPORTS}/: name its folder with --run");
        };
        let read = StoredRun::read(&folder);
        read.with_context(|| format!("{} holds no run that can be reviewed", folder.display()))
    }

    /// The same; `None` if no run was named and none is where runs are written.
    pub(super) fn stored_if_any(&self) -> anyhow::Result<Option<StoredRun>> {
        match self.folder()? {
            None => Ok(None),
            Some(_) => self.stored().map(Some),
        }
    }

    /// The folder that was named, or the run whose window ends last.
    fn folder(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.run.is_some() {
            return Ok(self.run.clone());
        }
        let mut latest = None;
        let Ok(folders) = fs::read_dir(REPORTS) else {
            return Ok(None);
        };
        for folder in folders.flatten() {
            let folder = folder.path();
            let has = |output: Output| folder.join(output.file()).is_file();
            if !has(Output::Run) || !has(Output::Findings) {
                continue;
            }
            let Ok(run) = StoredRun::read(&folder) else {
                note(&text!(
                    "{} holds no run that can be reviewed",
                    folder.as_path()
                ));
                continue;
            };
            let key = (run.until, run.created, folder);
            latest = latest.max(Some(key));
        }
        Ok(latest.map(|(_, _, folder)| folder))
    }

    /// The ledger as it is; `None` if there is none yet.
    ///
    /// # Errors
    /// It cannot be read, or its chain does not hold.
    pub(super) fn read(&self) -> anyhow::Result<Option<Ledger>> {
        let Some(ledger) = Ledger::read(&self.ledger)? else {
            return Ok(None);
        };
        note_torn(&ledger);
        Ok(Some(ledger.unbroken()?))
    }

    /// What the ledger adds up to; nothing if there is none yet.
    pub(super) fn state(&self) -> anyhow::Result<ReviewState> {
        let ledger = self.read()?;
        Ok(ledger.as_ref().map(ReviewState::new).unwrap_or_default())
    }

    /// Opens the ledger for writing, with what it adds up to. Nobody else writes until it is dropped.
    pub(super) fn open(&self) -> anyhow::Result<(Appender, ReviewState)> {
        warn_of_writers(self.ledger.parent().unwrap_or(&self.ledger));
        let appender = Appender::open(&self.ledger, Self::now()?)?;
        if let Some(aside) = &appender.set_aside {
            note(&text!(
                "{} ended with bytes of a write that was cut short; they were never acknowledged, and were \
                 moved to {}",
                self.ledger.as_path(),
                aside.as_path()
            ));
        }
        let state = ReviewState::new(&appender.ledger);
        Ok((appender, state))
    }

    /// Prints what is in the ledger now.
    pub(super) fn acknowledge(&self, appender: &Appender) -> anyhow::Result<()> {
        print_fitted(&text!(
            "Recorded in {}: line {}, head {}\n",
            self.ledger.as_path(),
            appender.ledger.chain.lines.len(),
            appender.ledger.head()
        ))
    }

    /// What the state of the review means for a run.
    pub(super) fn view(&self, run: &StoredRun, state: &ReviewState) -> anyhow::Result<ReviewView> {
        let subject = Subject {
            period: &run.period,
            report: &run.report,
            rule_set_sha256: &run.rule_set_sha256,
            config_sha256: &run.config_sha256,
            today: self.today()?,
        };
        Ok(ReviewView::new(state, subject, &run.findings))
    }
}

/// Writes an entry, dated by the clock of this moment.
pub(super) fn append(appender: &mut Appender, by: &str, entry: Entry) -> anyhow::Result<()> {
    appender.append(Desk::now()?, by, entry)?;
    Ok(())
}

/// The finding with that id, or whose id alone begins so: one of the run, or one that the ledger knows.
pub(super) fn find(
    run: Option<&StoredRun>,
    state: &ReviewState,
    id: &str,
) -> anyhow::Result<Matter> {
    let of_run = run.map_or(&[][..], |run| &run.findings);
    let ids = of_run
        .iter()
        .map(|one| one.matter.id.as_str())
        .chain(state.ids());
    let mut found: Vec<&str> = ids
        .filter(|other| *other == id || (id.len() >= LEAST_ID && other.starts_with(id)))
        .collect();
    found.sort_unstable();
    found.dedup();
    if let Some(exact) = found.iter().find(|other| **other == id) {
        found = vec![exact];
    }
    let [id] = found.as_slice() else {
        match found.len() {
            0 => bail!(
                "no finding of the run and no open matter has the id {id}: `trailscan review list` shows \
                 all; name the run with --run"
            ),
            count => bail!("{count} findings have an id that begins with {id}: write more of it"),
        }
    };
    let in_run = of_run.iter().find(|one| one.matter.id == *id);
    let matter = in_run.map(|one| &one.matter).or_else(|| state.matter(id));
    matter.cloned().context("the finding is gone")
}
