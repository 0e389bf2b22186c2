//! Where a report comes from: enough to make it again.

use chrono_tz::Tz;
use serde::Serialize;

use crate::coverage::{Coverage, Expected};
use crate::event::time::Epoch;
use crate::finding::iso_time;
use crate::severity::Severity;
use crate::window::{KnownWindow, Window};

/// Where a report comes from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Provenance {
    pub version: &'static str,
    pub organization: String,
    pub source: String,
    /// The window asked for.
    #[serde(flatten)]
    pub window: Window,
    #[serde(serialize_with = "iso_time")]
    pub created: Option<Epoch>,
    /// The accounts and Regions asked for; empty means all.
    pub accounts: Vec<String>,
    pub regions: Vec<String>,
    /// The configuration file and the SHA-256 of its text.
    pub config: Option<(String, String)>,
    /// The files that the configuration names, with the SHA-256 of what they hold.
    pub config_files: Vec<(String, String)>,
    /// What the configuration says to expect of the logs.
    #[serde(skip)]
    pub expected: Expected,
    /// The zone of the business calendar.
    pub time_zone: Option<String>,
    /// Whether our own rules were in use, and the files or folders that were added.
    pub builtin_rules: bool,
    pub rule_paths: Vec<String>,
    /// Findings below this level are left out.
    pub min_level: Severity,
    pub rule_set_sha256: String,
    pub rules_in_use: usize,
    /// The command that makes the report again, quoted for a shell. It is in run.json once.
    #[serde(skip)]
    pub command: String,
    /// What the run has to say of its own state, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Provenance {
    /// The window with both ends; `None` if no time is known.
    pub fn known_window(&self, coverage: &Coverage) -> Option<KnownWindow> {
        self.window
            .known(coverage.first, coverage.last, self.created)
    }

    /// The zone of the business calendar; `None` if none is configured, or the zone database has no such
    /// name.
    pub fn calendar_zone(&self) -> Option<Tz> {
        self.time_zone.as_deref()?.parse().ok()
    }

    /// The same; UTC if there is none.
    pub fn zone(&self) -> Tz {
        self.calendar_zone().unwrap_or(Tz::UTC)
    }

    /// The window in words: dates and times are those of the configured zone, else of UTC.
    pub fn window_in_words(&self) -> String {
        self.window.in_words(self.zone())
    }
}
