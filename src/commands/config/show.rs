//! `trailscan config show`: each value in effect, its origin, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Exit, print, print_fitted};
use crate::cli::{ConfigFormat, ShowConfig};
use crate::commands::rule_set::{self, texts};
use crate::config::Config;
use crate::history::LEARNING_DAYS;
use crate::report::visible::visible;
use crate::rules::load::{self, Settings};
use crate::rules::{RuleKind, RuleSet, configured, placeholders};
use crate::safe_text::TerminalText;
use crate::words::{exact_duration, plural};

/// What `--format json` prints; the field names are part of the interface.
#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    /// The file, and how it was found.
    file: Option<File>,
    rules_from: RulesFrom,
    values: Vec<Setting>,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct File {
    path: String,
    sha256: String,
    origin: &'static str,
}

#[derive(Serialize)]
struct RulesFrom {
    built_in: bool,
    paths: Vec<String>,
    origin: &'static str,
}

/// A value in effect.
#[derive(Serialize)]
struct Setting {
    key: String,
    value: Value,
    /// `default`, or the file and line.
    origin: String,
    /// What holds without the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
}

/// A key without a value.
#[derive(Serialize)]
struct Missing {
    key: String,
    /// The rules that are not assessed for want of it.
    disables: Vec<String>,
}

pub(super) fn run(arguments: &ShowConfig) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.choice.config.as_deref())?;
    let rules = rule_set::load(&arguments.choice.from, &config)?;
    let from = &arguments.choice.from;
    let paths: Vec<String> = from
        .rules
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let is_default = paths.is_empty() && !from.no_builtin_rules;
    let shown = Shown {
        schema: "trailscan.config/1",
        file: config.origin.as_ref().map(|(path, sha256)| File {
            path: path.clone(),
            sha256: sha256.clone(),
            origin: file_origin(arguments),
        }),
        rules_from: RulesFrom {
            built_in: !from.no_builtin_rules,
            paths,
            origin: if is_default {
                "default"
            } else {
                "command line"
            },
        },
        values: values(&config, &as_written(arguments, &config)?),
        missing: missing(&config, &rules),
    };
    match arguments.format {
        ConfigFormat::Text => print_fitted(&TerminalText::lines(&text(&shown)))?,
        ConfigFormat::Json => {
            let text = serde_json::to_string_pretty(&shown)?;
            print(&TerminalText::json(&format!("{text}\n")))?;
        }
    }
    Ok(Exit::Done)
}

/// How the configuration was found.
fn file_origin(arguments: &ShowConfig) -> &'static str {
    let Some(named) = &arguments.choice.config else {
        return "found in the working directory";
    };
    match std::env::var_os("TRAILSCAN_CONFIG") {
        Some(value) if value == named.as_os_str() => "environment: TRAILSCAN_CONFIG",
        _ => "command line: --config",
    }
}

/// Every value that is written, in the form that rules compare with, and the defaults of what is not.
fn values(config: &Config, rules: &RuleSet) -> Vec<Setting> {
    let mut values: BTreeMap<String, Setting> = BTreeMap::new();
    for (key, line, written) in config.keys.values() {
        let file = config.origin.as_ref().map_or("", |(file, _)| file);
        let value = match config.lists.get(key) {
            Some(list) => json!(list),
            None => written.clone(),
        };
        let setting = Setting {
            key: key.to_owned(),
            value,
            origin: format!("{file}:{line}"),
            default: default_of(key, rules),
        };
        values.insert(key.to_owned(), setting);
    }
    for (key, value) in defaults(config) {
        values.entry(key.to_owned()).or_insert_with(|| Setting {
            key: key.to_owned(),
            value,
            origin: "default".to_owned(),
            default: None,
        });
    }
    values.into_values().collect()
}

/// The values that hold where nothing is written. Other keys have none: their rules wait.
fn defaults(config: &Config) -> Vec<(&'static str, Value)> {
    let mut defaults = vec![
        ("organization.name", json!("")),
        ("calendar.timezone", json!("UTC")),
    ];
    if let Some(calendar) = &config.organization.calendar {
        defaults.extend([
            ("calendar.name", json!(calendar.name)),
            ("calendar.holidays", json!([])),
        ]);
    }
    if config.rules.configured.contains(&"history") {
        defaults.push(("history.learning_days", json!(LEARNING_DAYS)));
    }
    defaults
}

/// The rules as they are without `[rules]`.
fn as_written(arguments: &ShowConfig, config: &Config) -> anyhow::Result<RuleSet> {
    let settings = Settings {
        overrides: BTreeMap::new(),
        ..config.rules.clone()
    };
    Ok(load::load(&texts(&arguments.choice.from)?, &settings))
}

/// What a rule says itself about a setting below `[rules]`.
fn default_of(key: &str, rules: &RuleSet) -> Option<Value> {
    let (name, setting) = key.strip_prefix("rules.")?.rsplit_once('.')?;
    let rule = rules.find(name)?;
    Some(match (setting, &rule.kind) {
        ("enabled", _) => json!(true),
        ("level", _) => json!(rule.level),
        ("threshold", RuleKind::Correlation(correlation)) => {
            json!(correlation.thresholds.first()?.1)
        }
        ("timespan", RuleKind::Correlation(correlation)) => {
            json!(exact_duration(correlation.timespan))
        }
        _ => return None,
    })
}

/// Every key that some rule may need and that has no value, with the rules that wait for it.
fn missing(config: &Config, rules: &RuleSet) -> Vec<Missing> {
    let mut waiting: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let known = placeholders::BUILT_IN.iter().map(|(_, key)| *key);
    for key in known.chain(configured::all_keys()) {
        waiting.entry(key.to_owned()).or_default();
    }
    for rule in &rules.unconfigured {
        for key in &rule.missing {
            let rules = waiting.entry(key.clone()).or_default();
            rules.insert(rule.rule.clone());
        }
    }
    let is_set =
        |key: &str| config.lists.contains_key(key) || config.rules.configured.contains(&key);
    waiting.retain(|key, _| !is_set(key));
    let missing = waiting.into_iter().map(|(key, disables)| Missing {
        key,
        disables: disables.into_iter().collect(),
    });
    missing.collect()
}

fn text(shown: &Shown) -> String {
    let mut out = String::new();
    let _ = match &shown.file {
        Some(file) => writeln!(
            out,
            "Configuration: {} ({})",
            visible(&file.path),
            file.origin
        ),
        None => writeln!(out, "Configuration: none; `trailscan init` writes one"),
    };
    let mut from: Vec<String> = shown
        .rules_from
        .paths
        .iter()
        .map(|path| visible(path))
        .collect();
    if shown.rules_from.built_in {
        from.insert(0, "built in".to_owned());
    }
    let _ = writeln!(
        out,
        "Rules: {} ({})",
        from.join(", "),
        shown.rules_from.origin
    );
    let _ = writeln!(out, "\nIn effect:");
    for setting in &shown.values {
        let default = match &setting.default {
            Some(default) => format!("; the rule says {default}"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "  {} = {}  ({}{default})",
            visible(&setting.key),
            visible(&setting.value.to_string()),
            visible(&setting.origin),
        );
    }
    if !shown.missing.is_empty() {
        let _ = writeln!(out, "\nNot set:");
    }
    for missing in &shown.missing {
        let key = visible(&missing.key);
        let _ = match missing.disables.len() as u64 {
            0 => writeln!(out, "  {key}: no rule waits for it"),
            count => writeln!(out, "  {key}: disables {}", plural(count, "rule")),
        };
        for rule in &missing.disables {
            let _ = writeln!(out, "    {}", visible(rule));
        }
    }
    out
}
