//! `trailscan rules test`: every rule finds its hits and passes its near misses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::explain::{in_words, tree};
use super::{Exit, named, print_fitted};
use crate::cli::{RuleChoice, TestRules};
use crate::commands::rule_set;
use crate::config::Config;
use crate::report::visible::visible;
use crate::rule_test::{Failure, RuleTester, TestOutcome};
use crate::rules::{Rule, RuleKind, RuleSet, samples};
use crate::safe_text::{TerminalText, text};
use crate::words::plural;

/// Where samples lie, below the folder that the rules' own lies in.
const BESIDE: &str = "samples/rules";
/// The widest column of names that leaves room for the counts in 80 columns.
const NAMES: usize = 45;

pub(super) fn run(arguments: &TestRules) -> anyhow::Result<Exit> {
    let folders = folders(arguments.samples.as_deref(), &arguments.from.rules)?;
    let config = Config::load(config_of(arguments.config.as_deref(), &folders).as_deref())?;
    let choice = RuleChoice {
        from: arguments.from.clone(),
        config: None,
    };
    let rules = rule_set::load(&choice.from, &config)?;
    let mut files = BTreeMap::new();
    for folder in folders.iter().rev() {
        files.extend(samples::files(folder)?);
    }
    let chosen = chosen(arguments, &rules, &files)?;
    let names = chosen.iter().map(|rule| rule.name.chars().count());
    let column = names.max().unwrap_or_default().min(NAMES);
    let tester = RuleTester::new(&rules, &config.organization);
    let (mut failed, mut cases) = (0, 0);
    for rule in &chosen {
        let file = files.get(&rule.name);
        let listed = file.map(|file| samples::cases(file)).transpose()?;
        let tested = tester.of(rule, &listed.unwrap_or_default());
        cases += tested.hits + tested.misses;
        let (text, is_good) = outcome(rule, file.map(PathBuf::as_path), &tested, column);
        failed += u64::from(!is_good);
        print_fitted(&TerminalText::lines(&text))?;
    }
    // a run is judged by all rules that were asked for, so one that cannot be tried is no success
    let untried = if arguments.names.is_empty() {
        unusable(&rules, &files)
    } else {
        Vec::new()
    };
    for line in &untried {
        print_fitted(&text!("FAILED {}\n", line))?;
    }
    failed += untried.len() as u64;
    print_fitted(&text!(
        "{} tested with {}: {} failed\n",
        plural(chosen.len() as u64, "rule"),
        plural(cases as u64, "case"),
        failed
    ))?;
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// The folders that samples are looked for in, the nearest first: the one that is named, or those beside
/// the rules and in the working directory.
///
/// # Errors
/// There is none.
pub(super) fn folders(named: Option<&Path>, rules: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(named) = named {
        return Ok(vec![named.to_owned()]);
    }
    let beside = |path: &PathBuf| Some(path.parent()?.join(BESIDE));
    let mut places: Vec<PathBuf> = rules.iter().filter_map(beside).collect();
    places.push(PathBuf::from(BESIDE));
    places.dedup();
    let found: Vec<PathBuf> = places
        .iter()
        .filter(|place| place.is_dir())
        .cloned()
        .collect();
    if found.is_empty() {
        let places: Vec<String> = places
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        bail!(
            "no samples: there is no folder {} (the samples of the built-in rules are in trailscan's source, not in the program); name one with --samples DIR",
            places.join(" or ")
        );
    }
    Ok(found)
}

/// The configuration for samples lies beside them.
pub(super) fn config_of(named: Option<&Path>, folders: &[PathBuf]) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| {
        folders
            .iter()
            .map(|folder| folder.join("trailscan.toml"))
            .find(|file| file.is_file())
    })
}

/// The rules to try. Who tries rules of his own is not asked for samples of the built-in ones.
fn chosen<'r>(
    arguments: &TestRules,
    rules: &'r RuleSet,
    files: &BTreeMap<String, PathBuf>,
) -> anyhow::Result<Vec<&'r Rule>> {
    if !arguments.names.is_empty() {
        return arguments
            .names
            .iter()
            .map(|name| named(rules, name))
            .collect();
    }
    let own = !arguments.from.rules.is_empty();
    let is_chosen = |rule: &&Rule| {
        !own || !rule.origin.file.starts_with("builtin:") || files.contains_key(&rule.name)
    };
    Ok(rules.rules.iter().filter(is_chosen).collect())
}

/// Rules that cannot be tried, and samples that belong to none.
fn unusable(rules: &RuleSet, files: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let mut lines = Vec::new();
    for bad in &rules.rejected {
        let at = format!("{}:{}", bad.origin.file, bad.origin.line);
        lines.push(format!("{at}: cannot be used: {}", visible(&bad.reason)));
    }
    let waits = |name: &str| rules.unconfigured.iter().find(|rule| rule.rule == name);
    for (name, file) in files {
        if let Some(rule) = waits(name) {
            let remedy = rule
                .how_to_enable()
                .replace("trailscan.toml", "the trailscan.toml of the samples");
            lines.push(format!("{name}: {remedy}"));
        } else if rules.find(name).is_none() {
            lines.push(format!("{}: there is no rule `{name}`", file.display()));
        }
    }
    lines
}

/// What is said of one rule, its name in a column of that width, and whether it is good.
fn outcome(
    rule: &Rule,
    file: Option<&Path>,
    tested: &TestOutcome,
    column: usize,
) -> (String, bool) {
    let mut lacks = Vec::new();
    if tested.hits == 0 {
        lacks.push("a hit (\"expect\":\"match\")");
    }
    if tested.misses == 0 {
        lacks.push("a near miss (\"expect\":\"pass\")");
    }
    let is_good = lacks.is_empty() && tested.failures.is_empty();
    let mut out = format!(
        "{} {:<column$}  {}, {}\n",
        if is_good { "ok    " } else { "FAILED" },
        visible(&rule.name),
        plural(tested.hits as u64, "hit"),
        if tested.misses == 1 {
            "1 near miss".to_owned()
        } else {
            format!("{} near misses", tested.misses)
        },
    );
    if !lacks.is_empty() {
        let place = match file {
            Some(file) => file.display().to_string(),
            None => format!("no file {}.jsonl among the samples", rule.name),
        };
        let place = visible(&place);
        let _ = writeln!(out, "  {place}: the rule needs {}", lacks.join(" and "));
    }
    for failure in &tested.failures {
        out.push_str(&failed(rule, file, failure));
    }
    (out, is_good)
}

fn failed(rule: &Rule, file: Option<&Path>, failure: &Failure) -> String {
    let place = file.map(|file| visible(&file.display().to_string()));
    let found: Vec<&str> = failure.found.iter().map(String::as_str).collect();
    let found = if found.is_empty() {
        "no rule found anything".to_owned()
    } else {
        format!("found by {}", found.join(", "))
    };
    let mut out = format!(
        "  {}:{}: expected {}, {}\n    why: {}\n",
        place.unwrap_or_default(),
        failure.line,
        failure.expect.as_str(),
        visible(&found),
        visible(&failure.why)
    );
    if let RuleKind::Correlation(correlation) = &rule.kind {
        let _ = writeln!(out, "    it takes {}", visible(&in_words(correlation)));
    }
    for explained in &failure.explained {
        out.push_str(&tree(explained, 4));
    }
    out
}
