//! `trailscan rules list`: the rules in use, as a table or for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Exit, catalogue, print, print_fitted, stdout_width};
use crate::cli::{ListFormat, ListRules};
use crate::commands::rule_set;
use crate::config::Config;
use crate::report::visible::visible;
use crate::rules::load::{self, Settings};
use crate::rules::{Rule, RuleSet, Unconfigured, configured, placeholders};
use crate::safe_text::TerminalText;
use crate::severity::Severity;
use crate::words::plural;

/// One rule as it is listed. The field names are those of `--format json`.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    title: String,
    level: Severity,
    catalogue: String,
    services: Vec<String>,
    attack: Vec<String>,
    citations: Vec<&'static str>,
    /// Feeds correlations and reports nothing by itself.
    silent: bool,
    /// The keys of `trailscan.toml` that the rule waits for.
    missing: Vec<String>,
    /// What to do about them.
    #[serde(skip)]
    remedy: String,
    /// What an earlier run could see.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
}

#[derive(Serialize)]
struct Listing<'r> {
    schema: &'static str,
    rules: &'r [Row],
}

#[derive(Serialize)]
struct Catalogue {
    schema: &'static str,
    detections: Vec<catalogue::Row>,
}

pub(super) fn run(arguments: &ListRules) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.choice.config.as_deref())?;
    let rules = rule_set::load(&arguments.choice.from, &config)?;
    let whole = filled(arguments, &config, &rules)?;
    if arguments.catalogue {
        return list_catalogue(arguments.format, &whole);
    }
    let seen = arguments.seen_by.as_deref().map(seen_by).transpose()?;
    let mut rows: Vec<Row> = whole
        .rules
        .iter()
        .map(|rule| row(rule, &whole, &rules, seen.as_ref()))
        .filter(|row| wanted(row, arguments))
        .collect();
    rows.sort_by(|a, b| (b.level, &a.name).cmp(&(a.level, &b.name)));
    match arguments.format {
        ListFormat::Table => print_fitted(&TerminalText::lines(&format!(
            "{}{}",
            table(&rows, seen.is_some(), stdout_width()),
            summary(&rows, &rules)
        )))?,
        ListFormat::Json => {
            let listing = Listing {
                schema: "trailscan.rules/1",
                rules: &rows,
            };
            print(&TerminalText::json(&format!(
                "{}\n",
                serde_json::to_string_pretty(&listing)?
            )))?;
        }
    }
    Ok(Exit::Done)
}

fn list_catalogue(format: ListFormat, rules: &RuleSet) -> anyhow::Result<Exit> {
    let detections = catalogue::rows(rules);
    match format {
        ListFormat::Table => print_fitted(&TerminalText::lines(&catalogue::text(&detections)))?,
        ListFormat::Json => {
            let listing = Catalogue {
                schema: "trailscan.catalogue/1",
                detections,
            };
            let text = serde_json::to_string_pretty(&listing)?;
            print(&TerminalText::json(&format!("{text}\n")))?;
        }
    }
    Ok(Exit::Done)
}

/// The rules with every gap in the configuration filled by something, so that those that wait for
/// it can say what they are about.
fn filled(arguments: &ListRules, config: &Config, rules: &RuleSet) -> anyhow::Result<RuleSet> {
    let mut settings: Settings = config.rules.clone();
    settings.configured.extend(configured::all_keys());
    for key in rules.unconfigured.iter().flat_map(|rule| &rule.missing) {
        settings.placeholders.insert(
            placeholders::filled_by(key).to_owned(),
            vec!["-".to_owned()],
        );
    }
    Ok(load::load(
        &rule_set::texts(&arguments.choice.from)?,
        &settings,
    ))
}

fn row(
    rule: &Rule,
    whole: &RuleSet,
    configured: &RuleSet,
    seen: Option<&BTreeMap<String, String>>,
) -> Row {
    let waits = configured
        .unconfigured
        .iter()
        .find(|waiting| waiting.rule == rule.name);
    let not_there = || if rule.silent { "" } else { "not in that run" }.to_owned();
    Row {
        name: rule.name.clone(),
        title: rule.title.clone(),
        level: rule.level,
        catalogue: rule.catalogue.clone(),
        services: whole.services(rule).into_iter().collect(),
        attack: rule.attack.clone(),
        citations: rule.citations.iter().map(|cited| cited.section).collect(),
        silent: rule.silent,
        missing: waits.map(|rule| rule.missing.clone()).unwrap_or_default(),
        remedy: waits.map(Unconfigured::how_to_enable).unwrap_or_default(),
        seen: seen.map(|seen| seen.get(&rule.name).cloned().unwrap_or_else(not_there)),
    }
}

fn wanted(row: &Row, arguments: &ListRules) -> bool {
    let is_service = |service: &String| {
        row.services
            .iter()
            .any(|named| named == service.trim_end_matches(".amazonaws.com"))
    };
    let is_cited = |section: &String| {
        row.citations
            .iter()
            .any(|cited| cited.to_lowercase().starts_with(&section.to_lowercase()))
    };
    let is_technique = |technique: &String| {
        let technique = technique.to_uppercase();
        let below = format!("{technique}.");
        row.attack
            .iter()
            .any(|known| *known == technique || known.starts_with(&below))
    };
    arguments.level.is_none_or(|least| row.level >= least)
        && arguments.citation.as_ref().is_none_or(is_cited)
        && arguments.service.as_ref().is_none_or(is_service)
        && arguments.attack.as_ref().is_none_or(is_technique)
}

/// What `run.json` says of each rule, by name.
fn seen_by(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Run {
        rules: Vec<State>,
        #[serde(default)]
        rules_not_configured: Vec<Waiting>,
    }
    #[derive(Deserialize)]
    struct State {
        name: String,
        state: String,
        #[serde(default)]
        reason: String,
    }
    #[derive(Deserialize)]
    struct Waiting {
        rule: String,
        missing: Vec<String>,
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let run: Run = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not the run.json of a run", path.display()))?;
    let state = |state: State| {
        let words = match state.state.as_str() {
            "not_assessed" => format!("not assessed: {}", state.reason),
            "partly" => format!("partly assessed: {}", state.reason),
            word => word.replace('_', " "),
        };
        (state.name, words)
    };
    let waiting = |waiting: Waiting| {
        let words = format!(
            "not assessed: {} not configured",
            waiting.missing.join(", ")
        );
        (waiting.rule, words)
    };
    Ok(run
        .rules
        .into_iter()
        .map(state)
        .chain(run.rules_not_configured.into_iter().map(waiting))
        .collect())
}

/// Columns as wide as their widest cell; those without any content are left out. Where that is wider than
/// the terminal, each rule has a line for each of its cells.
fn table(rows: &[Row], with_seen: bool, terminal: Option<usize>) -> String {
    let note = |row: &Row| match (row.silent, row.missing.is_empty()) {
        (_, false) => format!("NOT ASSESSED: {}", row.remedy),
        (true, true) => "silent: feeds correlations".to_owned(),
        (false, true) => String::new(),
    };
    let every = |list: &[String]| {
        if list.is_empty() {
            "every".to_owned()
        } else {
            list.join(",")
        }
    };
    let mut head = vec![
        "LEVEL",
        "NAME",
        "ID",
        "SERVICES",
        "ATT&CK",
        "CITATIONS",
        "NOTE",
    ];
    if with_seen {
        head.push("SEEN");
    }
    let cells = |row: &Row| {
        let mut cells = vec![
            row.level.to_string(),
            visible(&row.name),
            visible(&row.catalogue),
            visible(&every(&row.services)),
            visible(&row.attack.join(",")),
            row.citations.join(" "),
            visible(&note(row)),
        ];
        cells.extend(row.seen.as_deref().map(visible));
        cells
    };
    let body: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let width = |column: usize| {
        body.iter()
            .filter_map(|cells| cells.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let columns: Vec<(usize, usize)> = head
        .iter()
        .enumerate()
        .filter(|(column, _)| width(*column) > 0)
        .map(|(column, name)| (column, width(column).max(name.len())))
        .collect();
    let whole: usize = columns.iter().map(|(_, width)| width + 2).sum();
    if terminal.is_some_and(|terminal| terminal + 2 < whole) {
        return stacked(&head, &body);
    }
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    let mut out = String::new();
    for cells in std::iter::once(&head)
        .chain(&body)
        .take_while(|_| !rows.is_empty())
    {
        let mut line = String::new();
        for (column, width) in &columns {
            let cell = cells.get(*column).map_or("", String::as_str);
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// Level, name and id of each rule in one line, then its other cells below each other.
fn stacked(head: &[&str], body: &[Vec<String>]) -> String {
    let mut out = String::new();
    for cells in body {
        let mut cells = cells.iter().zip(head);
        let line: Vec<&str> = cells.by_ref().take(3).map(|(cell, _)| &**cell).collect();
        if let [level, rest @ ..] = line.as_slice() {
            let _ = writeln!(out, "{level:<13}  {}", rest.join("  ").trim_end());
        }
        for (cell, name) in cells.filter(|(cell, _)| !cell.is_empty()) {
            let cell = cell.replace(',', ", ");
            let _ = writeln!(out, "{:15}{}: {cell}", "", name);
        }
    }
    out
}

/// How many there are, and what of them finds nothing by itself.
fn summary(rows: &[Row], rules: &RuleSet) -> String {
    let count = |is: fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count();
    let mut out = plural(rows.len() as u64, "rule");
    for (count, what) in [
        (count(|row| row.silent), "silent"),
        (
            count(|row| !row.missing.is_empty()),
            "not assessed because configuration is missing",
        ),
        (
            rules.rejected.len(),
            "beside them cannot be used (`trailscan rules lint` says why)",
        ),
    ] {
        if count > 0 {
            let _ = write!(out, ", {count} {what}");
        }
    }
    out.push('\n');
    out
}
