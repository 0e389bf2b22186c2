//! `run.json`: what was read and by what, so that the run can be repeated and its completeness judged.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{ObjectCounts, Problem, RecordCounts, Store};
use super::rules::RuleStates;
use super::{
    DigestCounts, KeyUse, List, LogCounts, MOST_PLACES, Proven, Provenance, Rejected, Trail,
    TrailChange, Unconfigured, is_zero, view,
};
use crate::coverage::{Coverage, EventClass, Problem as OneProblem, RegionCoverage};
use crate::integrity::proof::Proof;
use crate::report::Report;
use crate::{rules, trail};

/// The value of `schema`.
const SCHEMA: &str = "trailscan.run/1";

view! {
    /// run.json: what was read and by what, so that the run can be repeated and its completeness judged.
    Run<'r> of report: &'r Report {
        /// The name and version of this format.
        #[schemars(extend("const" = SCHEMA))]
        schema: &'static str = SCHEMA,
        /// The same as in report.html and findings.json.
        report_id: String = report.id(),
        /// The command that makes the same report again.
        command: &'r str = &report.provenance.command,
        provenance: Provenance<'r> = (&report.provenance).into(),
        /// One sentence: whether the logs were complete, and what needs a decision.
        verdict: String = report.verdict(),
        /// Whether all logs of the window were read.
        complete: bool = report.completeness.complete,
        /// Why the run is incomplete, one clause each.
        incomplete: &'r [String] = &report.completeness.incomplete,
        coverage: RunCoverage<'r> = (&report.coverage).into(),
        /// How many account-Regions `coverage.regions` does not list; absent if there are none.
        #[serde(skip_serializing_if = "is_zero")]
        more_places: usize = more_places(&report.coverage),
        /// What the digests prove; null if they were not verified. integrity.json has the details.
        integrity: Option<IntegritySummary<'r>> = report.integrity.as_ref().map(Into::into),
        /// Every rule in use that reports, by name.
        rules: RuleStates<'r> = List::of(&report.rules),
        rules_not_loaded: List<'r, Rejected<'r>, [rules::Rejected]> = List::of(&report.rejected),
        rules_not_configured: List<'r, Unconfigured<'r>, [rules::Unconfigured]> =
            List::of(&report.unconfigured),
    }
}

view! {
    /// What was read, and what was not.
    RunCoverage<'r> of all: &'r Coverage {
        objects: ObjectCounts = (&all.objects).into(),
        store: Store<'r> = (&all.store).into(),
        records: RecordCounts = (&all.records).into(),
        /// Bytes read, compressed as they are stored.
        bytes_stored: u64 = all.bytes_stored,
        /// Bytes read, decompressed.
        bytes_inflated: u64 = all.bytes_inflated,
        /// The first `eventTime` evaluated, in seconds since 1970.
        first: Option<i64> = all.first,
        /// The last `eventTime` evaluated, in seconds since 1970.
        last: Option<i64> = all.last,
        /// By account and Region, at most 20,000.
        regions: BTreeMap<&'r str, BTreeMap<&'r str, RegionCounts>> = first_places(all),
        /// The kinds of events that were read, as in the `requires` of a rule.
        seen: Vec<String> = all.seen.iter().map(EventClass::to_string).collect(),
        /// Events that changed a trail.
        changes: List<'r, TrailChange<'r>, BTreeSet<trail::TrailChange>> = List::of(&all.changes),
        /// The trails that write to the source, if their settings are known.
        trails: List<'r, Trail<'r>, BTreeSet<trail::Trail>> = List::of(&all.trails),
        /// Why settings of trails are not known, one sentence each.
        trails_unknown: &'r BTreeSet<String> = &all.trails_unknown,
        problems: List<'r, Problem<'r>, BTreeSet<OneProblem>> = List::of(&all.problems),
        /// The first of the files that are no CloudTrail logs.
        foreign: &'r BTreeSet<String> = &all.foreign,
    }
}

/// What was read of the first [`MOST_PLACES`] account-Regions.
fn first_places(all: &Coverage) -> BTreeMap<&str, BTreeMap<&str, RegionCounts>> {
    let places = all.regions.iter().flat_map(|(account, regions)| {
        let regions = regions.iter();
        regions.map(move |(region, one)| (account.as_str(), region.as_str(), one))
    });
    let mut first: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (account, region, one) in places.take(MOST_PLACES) {
        let regions = first.entry(account).or_default();
        regions.insert(region, one.into());
    }
    first
}

/// How many account-Regions there are besides the first [`MOST_PLACES`].
fn more_places(all: &Coverage) -> usize {
    let count: usize = all.regions.values().map(BTreeMap::len).sum();
    count.saturating_sub(MOST_PLACES)
}

view! {
    /// What was read of an account and Region.
    RegionCounts of one: &RegionCoverage {
        /// Log files.
        objects: u64 = one.objects,
        events: u64 = one.events,
    }
}

view! {
    /// What the digests prove, in numbers.
    IntegritySummary<'r> of proof: &'r Proof {
        /// The weakest state of all digests and logs.
        state: Proven = proof.state().into(),
        verdict: String = proof.verdict(),
        digests: DigestCounts = (&proof.digests).into(),
        logs: LogCounts = (&proof.logs).into(),
        /// CloudTrail's public keys that digests name, by fingerprint.
        keys: BTreeMap<&'r str, KeyUse<'r>> = {
            let keys = proof.keys.iter();
            keys.map(|(fingerprint, key)| (fingerprint.as_str(), key.into())).collect()
        },
        /// What could not be checked and why, one sentence each.
        limits: &'r [String] = &proof.limits,
    }
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
        let all = first_places(&coverage);
        assert_eq!((all.len(), more_places(&coverage)), (MOST_PLACES / 2, 0));
        coverage.region("000000000000", "eu-west-1");
        coverage.region("000000000001", "eu-west-1");
        let first = first_places(&coverage);
        let listed: usize = first.values().map(BTreeMap::len).sum();
        assert_eq!((listed, more_places(&coverage)), (MOST_PLACES, 2));
        assert_eq!(first.len(), MOST_PLACES / 2 - 1);
    }
}
