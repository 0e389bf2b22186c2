//! `findings.json`: what the rules found.
//!
//! It lists at most some 2,000 findings of one rule and 20,000 in all, in the report's order;
//! `more_findings` counts the others, and `findings.csv` has a line for every one.

use std::collections::{BTreeMap, BTreeSet};

use super::{List, Provenance, Severity, Time, view, words};
use crate::report::Report;
use crate::report::overflow::Overflow;
use crate::{assess, finding, hipaa};

/// The value of `schema`.
const SCHEMA: &str = "trailscan.findings/1";

view! {
    /// findings.json: what the rules found, with evidence, and what that means for each citation.
    Findings<'r> of report: &'r Report {
        /// The name and version of this format.
        #[schemars(extend("const" = SCHEMA))]
        schema: &'static str = SCHEMA,
        /// The same as in report.html and run.json.
        report_id: String = report.id(),
        provenance: Provenance<'r> = (&report.provenance).into(),
        /// Whether all logs of the window were read; if not, run.json says why.
        complete: bool = report.completeness.complete,
        /// By citation; only those that a rule in use has.
        citations: List<'r, Citation<'r>, [assess::CitationState]> = List::of(&report.citations),
        /// The most severe first, then the most recent.
        findings: List<'r, Finding<'r>, [finding::Finding]> = List::of(&report.findings),
        /// The findings that only findings.csv lists; absent if there are none.
        #[serde(skip_serializing_if = "Option::is_none")]
        more_findings: Option<MoreFindings<'r>> = {
            let folded = &report.folded;
            (folded.count() > 0).then(|| folded.into())
        },
    }
}

view! {
    /// Findings that are not listed here.
    MoreFindings<'r> of folded: &'r Overflow {
        count: usize = folded.count(),
        by_level: BTreeMap<Severity, usize> = {
            let levels = folded.levels.iter();
            levels.map(|(level, count)| ((*level).into(), *count)).collect()
        },
        by_rule: &'r BTreeMap<String, usize> = &folded.rules,
        /// The file that lists them.
        listed_in: &'static str = "findings.csv",
    }
}

view! {
    /// What can be said of one section of the HIPAA Security Rule.
    Citation<'r> of state: &'r assess::CitationState {
        /// The section of 45 CFR: `164.312(b)`.
        section: &'r str = state.citation.section,
        title: &'r str = state.citation.title,
        class: CitationClass = state.citation.class.into(),
        /// What CloudTrail cannot show, in one sentence.
        limits: &'r str = state.citation.limits,
        state: CitationState = state.state.into(),
        /// How many rules in use have this citation.
        rules: usize = state.rules,
        /// How many of these could see all of their events.
        rules_assessed: usize = state.rules_assessed,
        /// How many of these could see some of their events.
        rules_partly: usize = state.rules_partly,
        /// The number of findings by level.
        findings: BTreeMap<Severity, u64> = {
            let findings = state.findings.iter();
            findings.map(|(level, count)| ((*level).into(), *count)).collect()
        },
    }
}

words! {
    /// How binding a section is (45 CFR 164.306(d)).
    CitationClass of hipaa::Class {
        Standard,
        Required,
        Addressable,
    }
}

words! {
    /// What can be said of a section.
    CitationState of assess::State {
        FindingsOpen,
        /// No findings, but a part of the logs or rules is missing.
        PartlyCovered,
        NoFindings,
        NotAssessed,
    }
}

view! {
    /// One rule, one actor, one resource and one week, with the evidence.
    Finding<'r> of found: &'r finding::Finding {
        /// A hash of rule, actor, resource and period: the same each time the period is reviewed.
        id: &'r str = &found.id,
        /// The ids that the finding had under former names of its rule; absent if there are none.
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        aliases: &'r [String] = &found.aliases,
        /// The name of the rule.
        rule: &'r str = &found.rule,
        /// The Sigma `id` of the rule; empty if it has none.
        rule_id: &'r str = &found.rule_id,
        title: &'r str = &found.title,
        level: Severity = found.level.into(),
        /// Who made the calls.
        actor: &'r str = &found.actor,
        /// What the calls were about.
        resource: &'r str = &found.resource,
        /// The ISO week (UTC) of the events, `2026-W47`; `undated` for records without a time.
        period: &'r str = &found.period,
        /// How many events.
        count: u64 = found.count,
        /// The time of the first event.
        first: Option<Time> = found.first.map(Time),
        /// The time of the last event.
        last: Option<Time> = found.last.map(Time),
        /// Calls by name, with their outcomes.
        calls: BTreeMap<&'r str, CallCount> = {
            let calls = found.calls.iter();
            calls.map(|(name, count)| (name.as_str(), count.into())).collect()
        },
        accounts: &'r BTreeSet<String> = &found.accounts,
        regions: &'r BTreeSet<String> = &found.regions,
        /// The first addresses that the calls came from.
        source_ips: &'r BTreeSet<String> = &found.source_ips,
        /// How many addresses are not listed.
        more_source_ips: u64 = found.more_source_ips,
        /// The first principals that made the calls.
        actors: &'r BTreeSet<String> = &found.actors,
        /// How many principals are not listed.
        more_actors: u64 = found.more_actors,
        /// The first access key IDs of the calls.
        access_keys: &'r BTreeSet<String> = &found.access_keys,
        /// How many access key IDs are not listed.
        more_access_keys: u64 = found.more_access_keys,
        /// Some of the events, in the order of their time.
        samples: List<'r, Sample<'r>, [finding::Sample]> = List::of(&found.samples),
        /// Sections of 45 CFR part 164.
        citations: &'r [String] = &found.citations,
        /// MITRE ATT&CK techniques.
        attack: &'r [String] = &found.attack,
        /// What a correlation rule counted; null for other rules.
        correlation: Option<&'r str> = found.correlation.as_deref(),
        /// Why this matters.
        why: &'r str = &found.why,
        /// What to do, step by step.
        response: &'r [String] = &found.response,
        false_positives: &'r [String] = &found.false_positives,
    }
}

view! {
    /// How often one call was made.
    CallCount of count: &finding::CallCount {
        succeeded: u64 = count.succeeded,
        /// Refused because permission was missing.
        denied: u64 = count.denied,
        /// Any other error.
        failed: u64 = count.failed,
    }
}

view! {
    /// One event. Texts are empty if the record does not have the field.
    Sample<'r> of event: &'r finding::Sample {
        /// Null if the record has no readable `eventTime`.
        time: Option<Time> = event.time.map(Time),
        event_id: &'r str = &event.event_id,
        /// The log file, below the source.
        object: &'r str = &event.object,
        /// The index of the record in the log file, from 0.
        record: u32 = event.record,
        event_source: &'r str = &event.event_source,
        event_name: &'r str = &event.event_name,
        account: &'r str = &event.account,
        region: &'r str = &event.region,
        /// Who made the call.
        principal: &'r str = &event.principal,
        /// What the call was about.
        target: &'r str = &event.target,
        source_ip: &'r str = &event.source_ip,
        /// The ID of the access key, which is no secret.
        access_key: &'r str = &event.access_key,
        user_agent: &'r str = &event.user_agent,
        /// `success`, `denied` or `failed`.
        outcome: &'r str = &event.outcome,
        error_code: &'r str = &event.error_code,
        error_message: &'r str = &event.error_message,
    }
}
