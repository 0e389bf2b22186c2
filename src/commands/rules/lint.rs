//! `trailscan rules lint`: what cannot be used, and what will never find anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::{Exit, print_fitted};
use crate::cli::LintRules;
use crate::commands::rule_set;
use crate::config::Config;
use crate::report::visible::visible;
use crate::rules::lint::{Warning, lint, unindexed};
use crate::rules::load::{self, RuleText};
use crate::rules::{RuleSet, samples};
use crate::safe_text::TerminalText;
use crate::words::plural;

/// Where the samples of our own rules lie in a checkout.
const SAMPLES: &str = "samples/rules";

pub(super) fn run(arguments: &LintRules) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.choice.config.as_deref())?;
    // the rules to check come first: of two with one name the second is refused
    let mut all: Vec<RuleText> = Vec::new();
    for path in &arguments.paths {
        all.extend(load::folder(path)?);
    }
    let checked: BTreeSet<String> = all.iter().map(|text| text.file.clone()).collect();
    all.extend(
        rule_set::texts(&arguments.choice.from)?
            .into_iter()
            .filter(|text| !checked.contains(&text.file)),
    );
    let rules = load::load(&all, &config.rules);
    let report = Findings {
        remarks: config.remarks.clone(),
        ..Findings::new(&rules, (!arguments.paths.is_empty()).then_some(checked))?
    };
    print_fitted(&TerminalText::lines(&report.text(&Lines::new(&all))))?;
    Ok(if report.is_bad(arguments.strict) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

struct Findings<'r> {
    rules: &'r RuleSet,
    /// The files to speak of; all where none is named.
    checked: Option<BTreeSet<String>>,
    warnings: Vec<Warning>,
    /// Of the configuration.
    remarks: Vec<String>,
}

impl<'r> Findings<'r> {
    fn new(rules: &'r RuleSet, checked: Option<BTreeSet<String>>) -> anyhow::Result<Self> {
        let mut warnings = lint(rules);
        let folder = Path::new(SAMPLES);
        if folder.is_dir() {
            let known = samples::files(folder)?;
            let without = rules.rules.iter().filter(|rule| {
                rule.origin.file.starts_with("builtin:") && !known.contains_key(&rule.name)
            });
            warnings.extend(without.map(|rule| Warning {
                origin: rule.origin.clone(),
                rule: rule.name.clone(),
                what: format!(
                    "it has no samples: write them to {SAMPLES}/SERVICE/{}.jsonl",
                    rule.name
                ),
                field: String::new(),
            }));
        }
        if let Some(checked) = &checked {
            warnings.retain(|warning| checked.contains(&warning.origin.file));
        }
        warnings.sort();
        Ok(Self {
            rules,
            checked,
            warnings,
            remarks: Vec::new(),
        })
    }

    fn is_checked(&self, file: &str) -> bool {
        self.checked
            .as_ref()
            .is_none_or(|checked| checked.contains(file))
    }

    fn rejected(&self) -> impl Iterator<Item = &crate::rules::Rejected> {
        self.rules
            .rejected
            .iter()
            .filter(|bad| self.is_checked(&bad.origin.file))
    }

    fn alias_faults(&self) -> impl Iterator<Item = &crate::rules::Rejected> {
        let faults = self.rules.alias_faults.iter();
        faults.filter(|bad| self.is_checked(&bad.origin.file))
    }

    fn is_bad(&self, strict: bool) -> bool {
        self.rejected().next().is_some()
            || !self.rules.unmatched.is_empty()
            || !self.rules.unusable_settings.is_empty()
            || self.alias_faults().next().is_some()
            || (strict
                && !(self.warnings.is_empty()
                    && self.remarks.is_empty()
                    && self.rules.remarks.is_empty()))
    }

    fn text(&self, lines: &Lines<'_>) -> String {
        let mut out = String::new();
        for key in &self.rules.unmatched {
            let key = visible(key);
            let _ = writeln!(out, "configuration: error: [rules.{key}] names no rule");
        }
        for setting in &self.rules.unusable_settings {
            let _ = writeln!(out, "configuration: error: {}", visible(setting));
        }
        for remark in self.remarks.iter().chain(&self.rules.remarks) {
            let _ = writeln!(out, "configuration: warning: {}", visible(remark));
        }
        for bad in self.rejected().chain(self.alias_faults()) {
            let _ = writeln!(
                out,
                "{}:{}: error: {}{}",
                visible(&bad.origin.file),
                bad.origin.line,
                if bad.rule.is_empty() {
                    String::new()
                } else {
                    format!("{}: ", visible(&bad.rule))
                },
                visible(&bad.reason)
            );
        }
        for warning in &self.warnings {
            let _ = writeln!(
                out,
                "{}:{}: warning: {}: {}",
                visible(&warning.origin.file),
                lines.of(warning),
                visible(&warning.rule),
                visible(&warning.what)
            );
        }
        let everywhere: Vec<&str> = unindexed(self.rules)
            .into_iter()
            .filter(|rule| self.is_checked(&rule.origin.file))
            .map(|rule| rule.name.as_str())
            .collect();
        if !everywhere.is_empty() {
            let _ = writeln!(
                out,
                "note: evaluated against every event, because they require neither an eventName nor an eventSource: {} ({})",
                plural(everywhere.len() as u64, "rule"),
                visible(&everywhere.join(", "))
            );
        }
        // a rule without its configuration has only a name, so these are listed only if all rules are checked
        if self.checked.is_none() {
            for waiting in &self.rules.unconfigured {
                let _ = writeln!(
                    out,
                    "note: {} is not assessed: {}",
                    visible(&waiting.rule),
                    visible(&waiting.how_to_enable())
                );
            }
        }
        let used = self
            .rules
            .rules
            .iter()
            .filter(|rule| self.is_checked(&rule.origin.file));
        let _ = writeln!(
            out,
            "{} can be used, {} cannot; {}",
            plural(used.count() as u64, "rule"),
            self.rejected().count(),
            plural(self.warnings.len() as u64, "warning"),
        );
        out
    }
}

/// The texts of the rules, to find the line that a warning is about.
struct Lines<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Lines<'t> {
    fn new(texts: &'t [RuleText]) -> Self {
        let text = |text: &'t RuleText| (text.file.as_str(), text.text.as_str());
        Self(texts.iter().map(text).collect())
    }

    /// The first line of the rule's document that has the key, with its modifiers or without; else
    /// its first line.
    fn of(&self, warning: &Warning) -> usize {
        let first = warning.origin.line;
        let text = self.0.get(warning.origin.file.as_str()).unwrap_or(&"");
        let find = |key: &str| {
            let holds = |line: &str| {
                line.split_once(key).is_some_and(|(before, rest)| {
                    !before.ends_with(|c: char| c.is_alphanumeric() || c == '.')
                        && rest.starts_with([':', '|', '\'', '"'])
                })
            };
            (1..)
                .zip(text.lines())
                .skip(first - 1)
                .take_while(|(number, line)| *number == first || line.trim_end() != "---")
                .find(|(_, line)| !key.is_empty() && holds(line))
                .map(|(number, _)| number)
        };
        let name = warning.field.split('|').next().unwrap_or_default();
        find(&warning.field).or_else(|| find(name)).unwrap_or(first)
    }
}
