//! `findings.json` (schema `trailscan.findings/1`) and `run.json` (`trailscan.run/1`).
//!
//! The schemas only grow: a field that stands here keeps its name and meaning.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CitationState, Provenance, Report, RuleState};
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::integrity::proof::{DigestCounts, KeyUse, LogCounts, Proof, State};
use crate::rules::{Rejected, Unconfigured};

#[derive(Serialize)]
struct Findings<'r> {
    schema: &'static str,
    provenance: &'r Provenance,
    complete: bool,
    citations: &'r [CitationState],
    findings: &'r [Finding],
}

/// The findings, for machines.
pub fn findings(report: &Report) -> serde_json::Result<Vec<u8>> {
    pretty(&Findings {
        schema: "trailscan.findings/1",
        provenance: &report.provenance,
        complete: report.coverage.is_complete(),
        citations: &report.citations,
        findings: &report.findings,
    })
}

#[derive(Serialize)]
struct Run<'r> {
    schema: &'static str,
    provenance: &'r Provenance,
    verdict: String,
    complete: bool,
    coverage: &'r Coverage,
    /// Counts and keys; the hours and the logs stand in integrity.json.
    integrity: Option<Integrity<'r>>,
    rules: &'r [RuleState],
    rules_not_loaded: &'r [Rejected],
    rules_not_configured: &'r [Unconfigured],
}

#[derive(Serialize)]
struct Integrity<'r> {
    state: State,
    verdict: String,
    digests: DigestCounts,
    logs: LogCounts,
    keys: &'r BTreeMap<String, KeyUse>,
    limits: &'r [String],
}

impl<'r> Integrity<'r> {
    fn of(proof: &'r Proof) -> Self {
        Self {
            state: proof.state(),
            verdict: proof.verdict(),
            digests: proof.digests,
            logs: proof.logs,
            keys: &proof.keys,
            limits: &proof.limits,
        }
    }
}

/// What was read and by what, so that the run can be repeated and its completeness judged.
pub fn run(report: &Report) -> serde_json::Result<Vec<u8>> {
    pretty(&Run {
        schema: "trailscan.run/1",
        provenance: &report.provenance,
        verdict: report.verdict(),
        complete: report.coverage.is_complete(),
        coverage: &report.coverage,
        integrity: report.integrity.as_ref().map(Integrity::of),
        rules: &report.rules,
        rules_not_loaded: &report.rejected,
        rules_not_configured: &report.unconfigured,
    })
}

fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
