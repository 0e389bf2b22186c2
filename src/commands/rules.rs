//! `trailscan rules`: what is looked for, and whether it can be used.

use std::fmt::Write as _;

use super::run::rule_set;
use super::{Exit, say};
use crate::cli::{RuleChoice, Rules};
use crate::config::Config;

pub(super) fn run(arguments: &Rules) -> anyhow::Result<Exit> {
    match arguments {
        Rules::List(choice) => list(choice),
        Rules::Lint(choice) => lint(choice),
    }
}

fn list(choice: &RuleChoice) -> anyhow::Result<Exit> {
    let config = Config::load(choice.config.as_deref())?;
    let rules = rule_set(choice, &config)?;
    let mut shown: Vec<_> = rules.rules.iter().filter(|rule| !rule.silent).collect();
    shown.sort_by_key(|rule| (std::cmp::Reverse(rule.level), &rule.name));
    let mut out = String::new();
    for rule in shown {
        let sections: Vec<&str> = rule.citations.iter().map(|cited| cited.section).collect();
        let _ = writeln!(
            out,
            "{:<13} {:<52} {}",
            rule.level,
            rule.name,
            sections.join(" ")
        );
    }
    for rule in &rules.unconfigured {
        let _ = writeln!(
            out,
            "{:<13} {:<52} set {} in trailscan.toml",
            "not assessed",
            rule.rule,
            rule.missing.join(", ")
        );
    }
    say(&out)?;
    Ok(Exit::Done)
}

fn lint(choice: &RuleChoice) -> anyhow::Result<Exit> {
    let config = Config::load(choice.config.as_deref())?;
    let rules = rule_set(choice, &config)?;
    let mut out = String::new();
    for bad in &rules.rejected {
        let _ = writeln!(
            out,
            "{}:{}: {}: {}",
            bad.origin.file, bad.origin.line, bad.rule, bad.reason
        );
    }
    let _ = writeln!(
        out,
        "{} rules can be used, {} cannot",
        rules.rules.len(),
        rules.rejected.len()
    );
    say(&out)?;
    Ok(if rules.rejected.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}
