//! `findings.json` (schema `trailscan.findings/1`), `run.json` (`trailscan.run/1`) and
//! `coverage.json` (`trailscan.coverage/1`).
//!
//! The schemas only grow: a field that stands here keeps its name and meaning.
//!
//! `findings.json` lists at most some 2,000 findings of one rule and 20,000 in all, in the report's
//! order; `more_findings` counts the others, and `findings.csv` has a line for every one.

mod coverage;

use std::borrow::Cow;
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
    coverage: Cow<'r, Coverage>,
    /// Account-Regions of `coverage` that are not named; left out where there are none.
    #[serde(skip_serializing_if = "is_zero")]
    more_places: usize,
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

/// How many account-Regions `coverage.json` and `run.json` list. Real organizations have fewer; whoever
/// writes records chooses how many there are.
const MOST_PLACES: usize = 20_000;

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The coverage with the first [`MOST_PLACES`] account-Regions, and how many more there are.
fn with_first_places(all: &Coverage) -> (Cow<'_, Coverage>, usize) {
    let count: usize = all.regions.values().map(BTreeMap::len).sum();
    let more = count.saturating_sub(MOST_PLACES);
    if more == 0 {
        return (Cow::Borrowed(all), 0);
    }
    let mut folded = all.clone();
    let mut left = MOST_PLACES;
    folded.regions.retain(|_, regions| {
        let mut own = left.min(regions.len());
        left -= own;
        regions.retain(|_, _| {
            let keeps = own > 0;
            own = own.saturating_sub(1);
            keeps
        });
        !regions.is_empty()
    });
    (Cow::Owned(folded), more)
}

/// What was read and by what, so that the run can be repeated and its completeness judged.
pub fn run(report: &Report, out: impl Write) -> io::Result<()> {
    let (coverage, more_places) = with_first_places(&report.coverage);
    let run = Run {
        schema: "trailscan.run/1",
        report_id: report.id(),
        command: &report.provenance.command,
        provenance: &report.provenance,
        verdict: report.verdict(),
        complete: report.completeness.complete,
        incomplete: &report.completeness.incomplete,
        coverage,
        more_places,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_account_regions_are_listed_and_the_others_counted() {
        let mut coverage = Coverage::default();
        for number in 0..MOST_PLACES / 2 {
            coverage.region(&format!("{number:012}"), "us-east-1");
            coverage.region(&format!("{number:012}"), "us-west-2");
        }
        let (all, more) = with_first_places(&coverage);
        assert_eq!((all.regions.len(), more), (MOST_PLACES / 2, 0));
        coverage.region("000000000000", "eu-west-1");
        coverage.region("000000000001", "eu-west-1");
        let (folded, more) = with_first_places(&coverage);
        let listed: usize = folded.regions.values().map(BTreeMap::len).sum();
        assert_eq!((listed, more), (MOST_PLACES, 2));
        assert_eq!(folded.regions.len(), MOST_PLACES / 2 - 1);
    }
}
