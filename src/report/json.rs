//! `findings.json` (schema `trailscan.findings/1`), `run.json` (`trailscan.run/1`) and
//! `coverage.json` (`trailscan.coverage/1`).
//!
//! The schemas only grow: a field that stands here keeps its name and meaning.
//!
//! `findings.json` lists at most some 2,000 findings of one rule and 20,000 in all, in the report's
//! order; `more_findings` counts the others, and `findings.csv` has a line for every one.

mod coverage;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

pub use coverage::coverage;

use super::Report;
use crate::assess::{CitationState, RuleState};
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::integrity::proof::{DigestCounts, KeyUse, LogCounts, Proof, State};
use crate::provenance::Provenance;
use crate::rules::{Rejected, Unconfigured};
use crate::severity::Severity;

#[derive(Serialize)]
struct Findings<'r> {
    schema: &'static str,
    /// The same on report.html and in run.json.
    report_id: String,
    provenance: &'r Provenance,
    complete: bool,
    citations: &'r [CitationState],
    findings: &'r [Finding],
    /// How many more there are, which only `findings.csv` lists; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_findings: Option<More<'r>>,
}

#[derive(Serialize)]
struct More<'r> {
    count: usize,
    by_level: &'r BTreeMap<Severity, usize>,
    by_rule: &'r BTreeMap<String, usize>,
    listed_in: &'static str,
}

/// The findings, for machines.
pub fn findings(report: &Report, out: impl Write) -> io::Result<()> {
    let findings = Findings {
        schema: "trailscan.findings/1",
        report_id: report.id(),
        provenance: &report.provenance,
        complete: report.completeness.complete,
        citations: &report.citations,
        findings: &report.findings,
        more_findings: (report.folded.count() > 0).then(|| More {
            count: report.folded.count(),
            by_level: &report.folded.levels,
            by_rule: &report.folded.rules,
            listed_in: "findings.csv",
        }),
    };
    pretty(&findings, out)
}

#[derive(Serialize)]
struct Run<'r> {
    schema: &'static str,
    report_id: String,
    command: &'r str,
    provenance: &'r Provenance,
    verdict: String,
    complete: bool,
    /// Why it is not complete, one clause each.
    incomplete: &'r [String],
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
pub fn run(report: &Report, out: impl Write) -> io::Result<()> {
    let run = Run {
        schema: "trailscan.run/1",
        report_id: report.id(),
        command: &report.provenance.command,
        provenance: &report.provenance,
        verdict: report.verdict(),
        complete: report.completeness.complete,
        incomplete: &report.completeness.incomplete,
        coverage: &report.coverage,
        integrity: report.integrity.as_ref().map(Integrity::of),
        rules: &report.rules,
        rules_not_loaded: &report.rejected,
        rules_not_configured: &report.unconfigured,
    };
    pretty(&run, out)
}

fn pretty(value: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}
