//! `trailscan config`: whether a configuration is sound, and what is in effect.

mod show;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::rule_set::{misfits, texts};
use super::{Exit, print, print_fitted};
use crate::cli::{CheckConfig, Configuration};
use crate::config::{Config, ConfigError, Fault};
use crate::report::visible::visible;
use crate::rules::load;
use crate::safe_text::TerminalText;
use crate::words::plural;

pub(super) fn run(arguments: &Configuration) -> anyhow::Result<Exit> {
    match arguments {
        Configuration::Check(arguments) => check(arguments),
        Configuration::Show(arguments) => show::run(arguments),
    }
}

/// Prints every fault and warning, one a line, then a summary.
fn check(arguments: &CheckConfig) -> anyhow::Result<Exit> {
    let config = match Config::load(arguments.file.as_deref()) {
        Ok(config) => config,
        Err(ConfigError::Faulty { path, faults }) => return faulty(&path, &faults),
        Err(error) => return Err(error.into()),
    };
    let rules = load::load(&texts(&arguments.from)?, &config.rules);
    let faults: Vec<Fault> = misfits(&rules, &arguments.from)
        .into_iter()
        .map(|what| Fault {
            line: config.keys.line_of_message(&what),
            what,
        })
        .collect();
    let Some((file, _)) = &config.origin else {
        print_fitted(&TerminalText::lines(
            "There is no configuration: `trailscan init` writes one to begin with.\n",
        ))?;
        return Ok(Exit::Done);
    };
    if !faults.is_empty() {
        return faulty(&PathBuf::from(file), &faults);
    }
    let mut out = String::new();
    let warnings: Vec<&String> = config.remarks.iter().chain(&rules.remarks).collect();
    for warning in &warnings {
        let place = visible(&config.place(warning));
        let _ = writeln!(out, "{place}: warning: {}", visible(warning));
    }
    let waiting = rules.unconfigured.len() as u64;
    let _ = writeln!(
        out,
        "{} is sound, with {}: {} can be used, {} for keys that are not set{}",
        visible(file),
        plural(warnings.len() as u64, "warning"),
        plural(rules.rules.len() as u64, "rule"),
        match waiting {
            1 => "1 waits".to_owned(),
            waiting => format!("{waiting} wait"),
        },
        match waiting {
            0 => "",
            _ => " (`trailscan config show` names them)",
        }
    );
    print_fitted(&TerminalText::lines(&out))?;
    Ok(Exit::Done)
}

fn faulty(path: &Path, faults: &[Fault]) -> anyhow::Result<Exit> {
    let mut out = String::new();
    let file = visible(&path.display().to_string());
    for fault in faults {
        let line = fault.line.map(|line| format!(":{line}"));
        let line = line.unwrap_or_default();
        let _ = writeln!(out, "{file}{line}: error: {}", visible(&fault.what));
    }
    let count = plural(faults.len() as u64, "fault");
    let _ = writeln!(out, "{file} cannot be used: {count}");
    print_fitted(&TerminalText::lines(&out))?;
    Ok(Exit::NotStarted)
}
