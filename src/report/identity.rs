//! The report's id, which follows from everything the report says.

use std::io::{self, Write as _};

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::Report;
use super::activity::ActivityTables;
use crate::assess::{CitationState, RuleState};
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::integrity::proof::{ObjectProof, Proof};
use crate::provenance::Provenance;
use crate::rules::{Rejected, Unconfigured};
use crate::severity::Severity;

/// What the id covers: all of the report but the time it was made at, and the names of files whose
/// content is covered, so that the same command gives the same id another day and in another place.
#[derive(Serialize)]
struct Content<'r> {
    provenance: &'r Provenance,
    config: Option<&'r str>,
    config_files: Vec<&'r str>,
    coverage: &'r Coverage,
    integrity: Option<&'r Proof>,
    /// The logs that are not valid, which stand in integrity.json only.
    logs: &'r [ObjectProof],
    activity: &'r ActivityTables,
    citations: &'r [CitationState],
    findings: &'r [Finding],
    left_out: usize,
    worst: Option<Severity>,
    rules: &'r [RuleState],
    rejected: &'r [Rejected],
    unconfigured: &'r [Unconfigured],
}

impl Report {
    /// Twelve hexadecimal digits. Two reports with the same id say the same.
    pub fn id(&self) -> String {
        let from = &self.provenance;
        let provenance = Provenance {
            created: None,
            config: None,
            config_files: Vec::new(),
            rule_paths: Vec::new(),
            ..from.clone()
        };
        let content = Content {
            provenance: &provenance,
            config: from.config.as_ref().map(|(_, hash)| hash.as_str()),
            config_files: from.config_files.iter().map(|(_, hash)| &**hash).collect(),
            coverage: &self.coverage,
            integrity: self.integrity.as_ref(),
            logs: self.integrity.as_ref().map_or(&[], |proof| &proof.objects),
            activity: &self.activity,
            citations: &self.citations,
            findings: &self.findings,
            left_out: self.left_out,
            worst: self.worst,
            rules: &self.rules,
            rejected: &self.rejected,
            unconfigured: &self.unconfigured,
        };
        let mut hash = Hash(Context::new(&SHA256));
        // the hours of each account and Region, which stand in coverage.json only
        let hours = write!(hash, "{:?}", self.coverage.regions);
        // the types are maps with text keys, lists and numbers, and the hash takes every byte
        let written = serde_json::to_writer(&mut hash, &content);
        debug_assert!(hours.is_ok() && written.is_ok(), "{written:?}");
        let digest = hash.0.finish();
        let bytes = digest.as_ref().iter().take(6);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Hash(Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
