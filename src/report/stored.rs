//! A run as its folder keeps it: what the review needs of `findings.json`, `run.json` and `coverage.json`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::output::Output;
use crate::event::time::{self, Epoch};
use crate::review::Candidate;
use crate::severity::Severity;
use crate::small_file;
use crate::window::Window;

/// The largest file of a report that is read.
const MOST_BYTES: u64 = 2 << 30;

/// A run that was stored.
#[derive(Debug)]
pub struct StoredRun {
    pub folder: PathBuf,
    /// `2026-W47`, or the window as a folder is named after it.
    pub period: String,
    pub zone: Tz,
    pub report: String,
    pub organization: String,
    pub version: String,
    pub since: Option<String>,
    pub until: Option<String>,
    pub created: Option<String>,
    pub rule_set_sha256: String,
    /// Empty if there was no configuration.
    pub config_sha256: String,
    pub verdict: String,
    /// Why the run is not complete, one clause each.
    pub incomplete: Vec<String>,
    pub findings: Vec<Candidate>,
    /// Findings that only findings.csv lists.
    pub more: BTreeMap<Severity, u64>,
    pub integrity: String,
    pub coverage: String,
}

#[derive(Deserialize)]
struct Findings {
    schema: String,
    report_id: String,
    provenance: From,
    findings: Vec<Candidate>,
    #[serde(default)]
    more_findings: Option<More>,
}

#[derive(Deserialize)]
struct More {
    by_level: BTreeMap<Severity, u64>,
}

#[derive(Deserialize)]
struct From {
    version: String,
    organization: String,
    since: Option<String>,
    until: Option<String>,
    created: Option<String>,
    config: Option<(String, String)>,
    time_zone: Option<String>,
    rule_set_sha256: String,
}

#[derive(Deserialize)]
struct Run {
    report_id: String,
    verdict: String,
    complete: bool,
    incomplete: Vec<String>,
    integrity: Option<Integrity>,
}

#[derive(Deserialize)]
struct Integrity {
    state: String,
}

#[derive(Deserialize)]
struct Coverage {
    completeness: Completeness,
}

#[derive(Deserialize)]
struct Completeness {
    hours: Hours,
}

#[derive(Deserialize)]
struct Hours {
    all: u64,
    with_logs: u64,
    proven_quiet: u64,
}

impl StoredRun {
    /// Reads the folder of a run.
    ///
    /// # Errors
    /// A file is absent or not one of a report, or the files are of two reports.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let findings: Findings = read(folder, Output::Findings)?;
        let run: Run = read(folder, Output::Run)?;
        let coverage: Coverage = read(folder, Output::Coverage)?;
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        if !findings.schema.starts_with("trailscan.findings/") {
            return Err(invalid(format!("{} is unknown", findings.schema)));
        }
        if findings.report_id != run.report_id {
            return Err(invalid(format!(
                "findings.json is of report {} and run.json of report {}",
                findings.report_id, run.report_id
            )));
        }
        let from = findings.provenance;
        let zone = from.time_zone.as_deref().and_then(|name| name.parse().ok());
        let zone = zone.unwrap_or(Tz::UTC);
        let at = |text: &Option<String>| text.as_deref().and_then(time::parse);
        let window = Window {
            since: at(&from.since),
            until: at(&from.until),
        };
        let early = (at(&from.created).zip(window.until)).is_some_and(|(now, end)| now < end);
        let mut incomplete = run.incomplete;
        if early {
            incomplete.push("the period had not ended when the report was made".to_owned());
        }
        if !run.complete && incomplete.is_empty() {
            incomplete.push("not all logs could be read".to_owned());
        }
        let Hours {
            all,
            with_logs,
            proven_quiet,
        } = coverage.completeness.hours;
        Ok(Self {
            folder: folder.to_owned(),
            period: window.week(zone).unwrap_or_else(|| window.file_name(zone)),
            zone,
            report: findings.report_id,
            organization: from.organization,
            version: from.version,
            since: from.since,
            until: from.until,
            created: from.created,
            rule_set_sha256: from.rule_set_sha256,
            config_sha256: from.config.map(|(_, hash)| hash).unwrap_or_default(),
            verdict: run.verdict,
            incomplete,
            findings: findings.findings,
            more: findings
                .more_findings
                .map(|more| more.by_level)
                .unwrap_or_default(),
            integrity: match run.integrity {
                None => "not checked".to_owned(),
                Some(integrity) => integrity.state.replace('_', " "),
            },
            coverage: format!("{} of {all} hours", with_logs + proven_quiet),
        })
    }

    /// The end of the period; `None` if none was asked for.
    pub fn end(&self) -> Option<Epoch> {
        self.until.as_deref().and_then(time::parse)
    }

    /// How many findings of a level from `least` on only findings.csv lists.
    pub fn more_from(&self, least: Severity) -> u64 {
        let levels = self.more.iter().filter(|(level, _)| **level >= least);
        levels.map(|(_, count)| count).sum()
    }
}

fn read<T: DeserializeOwned>(folder: &Path, output: Output) -> io::Result<T> {
    let path = folder.join(output.file());
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bytes = small_file::read(&path, MOST_BYTES).map_err(named)?;
    let read = serde_json::from_slice(&bytes);
    read.map_err(|error| named(io::Error::new(io::ErrorKind::InvalidData, error)))
}
