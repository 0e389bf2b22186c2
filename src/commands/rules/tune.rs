//! `trailscan rules tune`: a Sigma filter that silences benign findings, with its proof.
//!
//! The filter names, for each benign finding, the caller, the call, its target, outcome, account and
//! Region: the narrowest mapping of facts that hold for all of its events. Where that would silence a
//! sample which must stay, it also names what changes sooner: access key, source address, program. It
//! never rests on what any caller may choose.

mod facts;
mod material;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;

use super::{Exit, named, print};
use crate::cli::TuneRule;
use crate::commands::rule_set::{self, texts};
use crate::config::Config;
use crate::event::Event;
use crate::event::json::Raw;
use crate::report::visible::visible;
use crate::rule_test::RuleTester;
use crate::rules::load::{self, RuleText};
use crate::rules::{Rule, RuleKind, RuleSet};
use crate::safe_text::TerminalText;
use crate::sha256;
use crate::words::plural;
use facts::{Extra, yaml};
use material::{Benign, Kept, Other};

/// The name under which the proposal is loaded for its proof.
const PROPOSAL: &str = "proposal.yml";

pub(super) fn run(arguments: &TuneRule) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.choice.config.as_deref())?;
    let rules = rule_set::load(&arguments.choice.from, &config)?;
    let rule = named(&rules, &arguments.rule)?;
    let (benign, others) = material::benign(arguments, rule)?;
    let kept = material::kept(arguments, rule, &rules, &config)?;
    let filtered = bases(&rules, rule);
    let mut why = String::new();
    for extra in Extra::STEPS {
        let Some(mappings) = mappings(&benign, extra) else {
            if why.is_empty() {
                "what is known of the benign events is what any caller may choose, such as names that are \
                 typed at sign-in, and not all of their addresses are known"
                    .clone_into(&mut why);
            }
            continue;
        };
        let document = document(rule, &filtered, &mappings);
        let mut all = texts(&arguments.choice.from)?;
        all.push(RuleText::new(PROPOSAL, document.as_str()));
        let tuned = load::load(&all, &config.rules);
        if let Some(bad) = tuned
            .rejected
            .iter()
            .find(|bad| bad.origin.file == PROPOSAL)
        {
            bail!("the proposed filter cannot be used: {}", bad.reason);
        }
        if let Some(lost) = kept.lost(&all, rule, &tuned, &config)? {
            why = format!("every filter that silences the benign events also silences {lost}");
            continue;
        }
        if let Some(loud) = still_found(&benign, &filtered, (&rules, &tuned), &config) {
            why = format!("no filter of fields that are known silences {loud}");
            continue;
        }
        let proof = proof(&benign, &others, &kept, extra);
        print(&TerminalText::lines(&format!("{proof}{document}")))?;
        return Ok(Exit::Done);
    }
    bail!("no filter for {}: {why}", rule.name)
}

/// The detection rules that a filter for this rule must name: itself, or those that a correlation watches.
fn bases<'r>(rules: &'r RuleSet, rule: &'r Rule) -> Vec<&'r Rule> {
    let RuleKind::Correlation(correlation) = &rule.kind else {
        return vec![rule];
    };
    let below = correlation.rules.iter();
    let below = below.filter_map(|place| rules.rules.get(*place));
    let mut found: Vec<&Rule> = below.flat_map(|below| bases(rules, below)).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.dedup_by(|one, other| one.name == other.name);
    found
}

type Mappings = Vec<Vec<(&'static str, BTreeSet<String>)>>;

/// One mapping for each benign finding or record, each once; `None` if one has none.
fn mappings(benign: &[Benign], extra: Extra) -> Option<Mappings> {
    let mut all: Mappings = Vec::new();
    for one in benign {
        let mapping = one.facts.mapping(extra)?;
        if !all.contains(&mapping) {
            all.push(mapping);
        }
    }
    Some(all)
}

/// The filter as a Sigma document. Its id follows from what it says.
fn document(rule: &Rule, filtered: &[&Rule], mappings: &Mappings) -> String {
    let benign = yaml(mappings);
    let digits = sha256::hex([rule.name.as_bytes(), benign.as_bytes()]);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    // a UUID of version 8 (RFC 9562)
    let id = format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    );
    let names = filtered.iter().fold(String::new(), |mut out, rule| {
        let _ = writeln!(out, "    - {}", serde_json::Value::from(rule.name.as_str()));
        out
    });
    format!(
        "title: {}\nid: {id}\nlogsource:\n  product: aws\n  service: cloudtrail\nfilter:\n  rules:\n{names}  \
         benign:\n{benign}  condition: not benign\n",
        serde_json::Value::from(format!("Benign events of {}", rule.name)),
    )
}

/// The first benign finding of which a record is still matched. Records that could not be read again
/// are judged by the facts of their finding, which the filter names.
fn still_found(
    benign: &[Benign],
    filtered: &[&Rule],
    (rules, tuned): (&RuleSet, &RuleSet),
    config: &Config,
) -> Option<String> {
    let matched = |set: &RuleSet, event: &Event<'_>| {
        let mut found = false;
        set.matches(event, &config.organization, |place| {
            let rule = set.rules.get(place);
            found |= rule.is_some_and(|rule| filtered.iter().any(|one| one.name == rule.name));
        });
        found
    };
    let is_loud = |record: &String| {
        let event = Event::of(Raw::new(record));
        matched(rules, &event) && matched(tuned, &event)
    };
    let loud = benign.iter().find(|one| one.records.iter().any(is_loud));
    loud.map(|one| one.name.clone())
}

/// What the filter does, as YAML comments.
fn proof(benign: &[Benign], others: &[Other], kept: &Kept, extra: Extra) -> String {
    let mut out = String::from(
        "# Proposed by `trailscan rules tune`. Review it; add it with --rules FILE.\n# It silences:\n",
    );
    for one in benign {
        let _ = writeln!(out, "#   {}", visible(&one.described()));
    }
    let _ = writeln!(out, "# It keeps:");
    for line in kept.described() {
        let _ = writeln!(out, "#   {}", visible(&line));
    }
    let mut besides = Vec::new();
    for other in others {
        let mut fate = None;
        for one in benign {
            fate = fate.max(other.facts.falls_under(&one.facts, extra));
        }
        if let Some(whole) = fate {
            let part = if whole { "all" } else { "perhaps part" };
            besides.push(format!("{part} of {}", other.name));
        }
    }
    match besides.len() as u64 {
        0 => {
            let _ = writeln!(
                out,
                "# Of the report's other findings of the rule it silences: none"
            );
        }
        count => {
            let _ = writeln!(out, "# Besides it silences {}:", plural(count, "finding"));
        }
    }
    for line in besides {
        let _ = writeln!(out, "#   {}", visible(&line));
    }
    if extra.address {
        let _ = writeln!(
            out,
            "# Warning: it names source addresses, which change, and which others may come to use."
        );
    }
    if extra.agent {
        let _ = writeln!(
            out,
            "# Warning: it names the program, which any caller may choose; caller and address are named too."
        );
    }
    out
}

/// The rule under the samples' own configuration.
fn tester<'r>(rules: &'r RuleSet, config: &'r Config) -> RuleTester<'r> {
    RuleTester::new(rules, &config.organization)
}
