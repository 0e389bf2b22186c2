//! `trailscan rules`: what is looked for, whether it can be used, and whether it does what it says.

mod catalogue;
mod explain;
mod lint;
mod list;
mod test;
mod tune;

use super::{Exit, print, print_fitted, stdout_width};
use crate::cli::Rules;
use crate::rules::{Rule, RuleSet};

pub(super) fn run(arguments: &Rules) -> anyhow::Result<Exit> {
    match arguments {
        Rules::List(arguments) => list::run(arguments),
        Rules::Lint(arguments) => lint::run(arguments),
        Rules::Test(arguments) => test::run(arguments),
        Rules::Explain(arguments) => explain::run(arguments),
        Rules::Tune(arguments) => tune::run(arguments),
    }
}

/// The rule that was typed; where there is none, why, and what may have been meant.
fn named<'r>(rules: &'r RuleSet, name: &str) -> anyhow::Result<&'r Rule> {
    if let Some(rule) = rules.find(name) {
        return Ok(rule);
    }
    if let Some(waiting) = rules.unconfigured.iter().find(|rule| rule.rule == name) {
        anyhow::bail!("{name} is not assessed: {}", waiting.how_to_enable());
    }
    if let Some(bad) = rules
        .rejected
        .iter()
        .find(|bad| bad.rule == name || bad.origin.file.contains(&format!("/{name}.y")))
    {
        anyhow::bail!(
            "{name} cannot be used: {}:{}: {}",
            bad.origin.file,
            bad.origin.line,
            bad.reason
        );
    }
    let alike: Vec<&str> = rules
        .rules
        .iter()
        .map(|rule| rule.name.as_str())
        .filter(|known| known.contains(name))
        .take(5)
        .collect();
    if alike.is_empty() {
        anyhow::bail!("there is no rule `{name}`: `trailscan rules list` shows all rules")
    }
    anyhow::bail!(
        "there is no rule `{name}`: did you mean {}?",
        alike.join(" or ")
    )
}
