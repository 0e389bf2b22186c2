//! The rules that the arguments name, checked against the configuration.

use anyhow::bail;

use crate::cli::RuleSource;
use crate::config::Config;
use crate::rules::load::RuleText;
use crate::rules::{RuleSet, load};

/// Loads the rules that were asked for. None at all cannot be what anybody wants.
pub(super) fn load(from: &RuleSource, config: &Config) -> anyhow::Result<RuleSet> {
    let rules = load::load(&texts(from)?, &config.rules);
    settings_fit(&rules, from, config)?;
    if rules.rules.is_empty() {
        let reasons: Vec<String> = rules
            .rejected
            .iter()
            .map(|bad| format!("{}:{}: {}", bad.origin.file, bad.origin.line, bad.reason))
            .collect();
        bail!(
            "no rule can be used{}{}",
            if reasons.is_empty() { "" } else { ": " },
            reasons.join("; ")
        );
    }
    Ok(rules)
}

/// Fails where `[rules]` in the configuration names a rule that is not there, or says of one what it has
/// no use for.
fn settings_fit(rules: &RuleSet, from: &RuleSource, config: &Config) -> anyhow::Result<()> {
    let faults = misfits(rules, from);
    if config.origin.is_none() || faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults
        .iter()
        .map(|what| format!("{}: {what}", config.place(what)))
        .collect();
    bail!("{}", faults.join("\n"))
}

/// The settings below `[rules]` that no rule takes, each with why. A rule of ours is there even where
/// ours are left out.
pub(super) fn misfits(rules: &RuleSet, from: &RuleSource) -> Vec<String> {
    let left_out = match from.no_builtin_rules {
        true => load::builtin(),
        false => Vec::new(),
    };
    let mut faults = rules.unusable_settings.clone();
    for key in &rules.unmatched {
        if left_out.iter().any(|text| load::stem(&text.file) == key) {
            continue;
        }
        let names = rules.rules.iter().map(|rule| rule.name.as_str());
        let alike = names
            .map(|name| (strsim::osa_distance(key, name), name))
            .filter(|(distance, _)| *distance <= (key.len() / 4).min(4))
            .min();
        faults.push(match alike {
            Some((_, name)) => format!("rules.{key}: no rule has this name: is it {name}?"),
            None => format!(
                "rules.{key}: no rule has this name: expected one that `trailscan rules list` names, or \
                 one of your own, whose folder is given by --rules"
            ),
        });
    }
    faults
}

/// The texts of the rules that were asked for.
pub(super) fn texts(from: &RuleSource) -> anyhow::Result<Vec<RuleText>> {
    let mut texts = if from.no_builtin_rules {
        Vec::new()
    } else {
        load::builtin()
    };
    for path in &from.rules {
        texts.extend(load::folder(path)?);
    }
    Ok(texts)
}
