//! Where a report comes from.

use super::{Severity, Time, view};
use crate::provenance;

view! {
    /// Where the report comes from: enough to repeat the run.
    Provenance<'r> of from: &'r provenance::Provenance {
        /// The version of trailscan.
        version: &'r str = from.version,
        /// The name of the organization, from the configuration.
        organization: &'r str = &from.organization,
        /// Where the logs were read: a folder, a file, `-` or a bucket.
        source: &'r str = &from.source,
        /// The start of the window, in event time; null if everything was read.
        since: Option<Time> = from.window.since.map(Time),
        /// The end of the window, which is not part of it.
        until: Option<Time> = from.window.until.map(Time),
        /// When the report was made.
        created: Option<Time> = from.created.map(Time),
        /// The accounts asked for; empty means all.
        accounts: &'r [String] = &from.accounts,
        /// The Regions asked for; empty means all.
        regions: &'r [String] = &from.regions,
        /// The configuration file and the SHA-256 of its text.
        config: &'r Option<(String, String)> = &from.config,
        /// The files that the configuration names, with the SHA-256 of each.
        config_files: &'r [(String, String)] = &from.config_files,
        /// The IANA time zone of working hours.
        time_zone: Option<&'r str> = from.time_zone.as_deref(),
        /// Whether the built-in rules were used.
        builtin_rules: bool = from.builtin_rules,
        /// The files and folders of other rules.
        rule_paths: &'r [String] = &from.rule_paths,
        /// Findings below this level are left out.
        min_level: Severity = from.min_level.into(),
        /// SHA-256 of all rules in use.
        rule_set_sha256: &'r str = &from.rule_set_sha256,
        /// How many rules were in use.
        rules_in_use: usize = from.rules_in_use,
        /// Remarks of the run on its state file, one sentence each.
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        remarks: &'r [String] = &from.remarks,
    }
}
