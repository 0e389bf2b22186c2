//! `trailscan review list`, `show` and `register`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

use super::desk::{self, Desk};
use crate::cli::ListFormat;
use crate::cli::review::{ListMatters, TableFormat};
use crate::commands::{Exit, note, print, print_fitted};
use crate::ledger::entry::{Decision, Matter};
use crate::report::output::Output;
use crate::report::stored::StoredRun;
use crate::review::{Carried, Decided, ReviewState, ReviewView, age, register};
use crate::safe_text::{Cell, TerminalText, put, text};
use crate::severity::Severity;
use crate::small_file;
use crate::words::plural;

/// A line of the list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    pub(super) matter: Matter,
    pub(super) state: &'static str,
    /// The decision that holds.
    pub(super) decided: Option<Decided>,
    /// The exception that hides it.
    pub(super) exception: Option<String>,
    pub(super) age: Option<i64>,
    pub(super) due: Option<NaiveDate>,
    pub(super) is_overdue: bool,
    /// True for a matter of an earlier period.
    pub(super) is_carried: bool,
    /// True if somebody has to do something.
    pub(super) is_open: bool,
}

#[derive(Serialize)]
struct Listing<'r> {
    schema: &'static str,
    period: Option<&'r str>,
    report: Option<&'r str>,
    ledger_head: &'r str,
    matters: &'r [Row],
    notices: &'r [String],
}

/// Everything that is or was to decide, most severe first: of the run, then of earlier periods.
pub(super) fn rows(
    run: Option<&StoredRun>,
    view: Option<&ReviewView>,
    state: &ReviewState,
    today: NaiveDate,
) -> Vec<Row> {
    let mut rows = Vec::new();
    if let (Some(run), Some(view)) = (run, view) {
        for finding in &run.findings {
            let matter = &finding.matter;
            let decided = view.decisions.get(&matter.id).cloned();
            let exception = view.hidden.get(&matter.id).cloned();
            let due = decided.as_ref().and_then(|one| one.due);
            let closes = decided.as_ref().is_some_and(|one| one.decision.closes());
            let is_open = matter.level > Severity::Informational && exception.is_none() && !closes;
            rows.push(Row {
                matter: matter.clone(),
                state: state_of(decided.as_ref(), exception.is_some(), matter.level),
                age: age(matter.last.as_deref(), today),
                is_overdue: is_open && due.is_some_and(|due| due < today),
                due,
                decided,
                exception,
                is_carried: false,
                is_open,
            });
        }
    }
    let carried = match view {
        Some(view) => view.carried.clone(),
        None => state.open(&|_| false, today),
    };
    rows.extend(carried.into_iter().map(of_carried));
    rows
}

fn of_carried(one: Carried) -> Row {
    Row {
        state: state_of(one.decided.as_ref(), false, one.matter.level),
        matter: one.matter,
        decided: one.decided,
        exception: None,
        age: one.age,
        due: one.due,
        is_overdue: one.is_overdue,
        is_carried: true,
        is_open: true,
    }
}

fn state_of(decided: Option<&Decided>, excepted: bool, level: Severity) -> &'static str {
    match decided {
        _ if excepted => "excepted",
        Some(decided) => match decided.decision {
            Decision::Investigating => "investigating",
            other => other.words(),
        },
        None if level == Severity::Informational => "evidence",
        None => "undecided",
    }
}

pub(super) fn list(desk: &Desk, arguments: &ListMatters) -> anyhow::Result<Exit> {
    let (run, state) = (desk.stored_if_any()?, desk.state()?);
    let view = run.as_ref().map(|run| desk.view(run, &state)).transpose()?;
    let mut rows = rows(run.as_ref(), view.as_ref(), &state, desk.today()?);
    let hidden = rows.iter().filter(|row| row.exception.is_some()).count() as u64;
    let decided = rows
        .iter()
        .filter(|row| !row.is_open && row.decided.is_some())
        .count();
    rows.retain(|row| arguments.all || row.is_open);
    let notices = view.as_ref().map_or(&[][..], |view| &view.notices);
    if arguments.format == ListFormat::Json {
        let listing = Listing {
            schema: "trailscan.review-list/1",
            period: run.as_ref().map(|run| run.period.as_str()),
            report: run.as_ref().map(|run| run.report.as_str()),
            ledger_head: &state.head,
            matters: &rows,
            notices,
        };
        let text = serde_json::to_string_pretty(&listing)?;
        print(&TerminalText::json(&format!("{text}\n")))?;
        return Ok(Exit::Done);
    }
    let mut out = TerminalText::new();
    if let Some(run) = &run {
        let folder = run.folder.as_path();
        put!(out, "{}, report {} in {}\n", run.period, run.report, folder);
    }
    for row in &rows {
        put_row(&mut out, row);
    }
    let open = rows.iter().filter(|row| row.is_open).count() as u64;
    let carried = rows.iter().filter(|row| row.is_carried).count() as u64;
    put!(
        out,
        "{}, {} of earlier periods; {} decided, {} hidden by exceptions\n",
        plural(open, "open matter"),
        carried,
        decided,
        hidden
    );
    let more = run.as_ref().map_or(0, |run| run.more_from(Severity::Low));
    if more > 0 {
        put!(out, "{} more stand in findings.csv only\n", more);
    }
    for notice in notices {
        put!(out, "{}\n", notice);
    }
    print_fitted(&out)?;
    Ok(Exit::Done)
}

pub(super) fn put_row(out: &mut TerminalText, row: &Row) {
    let matter = &row.matter;
    let age = row.age.map(|days| format!("{days} d")).unwrap_or_default();
    let due = match (row.due, row.is_overdue) {
        (Some(due), true) => format!("OVERDUE since {due}"),
        (Some(due), false) => format!("due {due}"),
        (None, _) => String::new(),
    };
    put!(
        out,
        "{}  {:<13} {:<13} {:>5}  ",
        matter.id,
        matter.level,
        row.state,
        age
    );
    put!(out, "{}  {}\n    {}", due, matter.title, matter.actor);
    if !matter.resource.is_empty() {
        put!(out, " → {}", matter.resource);
    }
    if row.is_carried {
        put!(out, " ({})", matter.period);
    }
    put!(out, "\n");
}

pub(super) fn show(desk: &Desk, id: &str) -> anyhow::Result<Exit> {
    let (run, state) = (desk.stored_if_any()?, desk.state()?);
    let matter = desk::find(run.as_ref(), &state, id)?;
    let view = run.as_ref().map(|run| desk.view(run, &state)).transpose()?;
    let all = rows(run.as_ref(), view.as_ref(), &state, desk.today()?);
    let mut out = TerminalText::new();
    match all.iter().find(|row| row.matter.id == matter.id) {
        Some(row) => put_row(&mut out, row),
        None => put!(
            out,
            "{}  {:<13} {}\n",
            matter.id,
            matter.level,
            matter.title
        ),
    }
    if let Some(run) = &run {
        put_evidence(&mut out, run, &matter.id)?;
    }
    put_history(&mut out, &state, view.as_ref(), &matter.id);
    print_fitted(&out)?;
    Ok(Exit::Done)
}

/// What the run knows of the finding; nothing if it is of an earlier one.
pub(super) fn put_evidence(
    out: &mut TerminalText,
    run: &StoredRun,
    id: &str,
) -> anyhow::Result<()> {
    let path = run.folder.join(Output::Findings.file());
    let bytes = small_file::read(&path, 2 << 30)?;
    let all: Value = serde_json::from_slice(&bytes).context(Output::Findings.file())?;
    let findings = all["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(finding) = findings.iter().find(|one| one["id"] == id) else {
        return Ok(());
    };
    let string = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    put!(out, "\n{}\n", string(finding, "why"));
    put!(
        out,
        "Rule {}, {} events from {} to {}\n",
        string(finding, "rule"),
        finding["count"].as_u64().unwrap_or_default(),
        string(finding, "first"),
        string(finding, "last")
    );
    for (key, title) in [
        ("response", "What to do"),
        ("false_positives", "Known false positives"),
    ] {
        let lines = finding[key].as_array().map_or(&[][..], Vec::as_slice);
        if !lines.is_empty() {
            put!(out, "{}:\n", title);
        }
        for line in lines {
            put!(out, "  - {}\n", line.as_str().unwrap_or_default());
        }
    }
    put!(out, "Evidence:\n");
    for sample in finding["samples"].as_array().into_iter().flatten() {
        put!(
            out,
            "  {} {} {} by {} from {}: event {} in {}\n",
            string(sample, "time"),
            string(sample, "event_name"),
            string(sample, "outcome"),
            string(sample, "principal"),
            string(sample, "source_ip"),
            string(sample, "event_id"),
            string(sample, "object")
        );
    }
    Ok(())
}

fn put_history(out: &mut TerminalText, state: &ReviewState, view: Option<&ReviewView>, id: &str) {
    let exception = view.and_then(|view| view.hidden.get(id));
    if let Some(exception) = exception {
        put!(out, "Hidden by exception {}\n", exception);
    }
    let decisions = state.decisions(id);
    match decisions.is_empty() {
        true => put!(out, "Nobody has decided it.\n"),
        false => put!(out, "Decisions:\n"),
    }
    for one in decisions {
        put!(
            out,
            "  line {} {} {} by {}: {}",
            one.line,
            one.time,
            one.decision.words(),
            one.by,
            one.reason
        );
        for (name, value) in [("ticket", &one.ticket), ("owner", &one.owner)] {
            if !value.is_empty() {
                put!(out, ", {} {}", name, value);
            }
        }
        if let Some(due) = one.due {
            put!(out, ", due {}", due.to_string());
        }
        put!(out, "\n");
    }
}

pub(super) fn register(desk: &Desk, format: TableFormat) -> anyhow::Result<Exit> {
    let state = desk.state()?;
    let rows = register::rows(&state, desk.today()?, desk.config.review.due_days);
    match format {
        TableFormat::Table => print_fitted(&table(&rows))?,
        TableFormat::Csv => {
            let mut out = csv::Writer::from_writer(Vec::new());
            out.write_record(register::COLUMNS)?;
            for row in &rows {
                out.write_record(row.cells().map(|cell| Cell::new(&cell)))?;
            }
            let text = String::from_utf8(out.into_inner().map_err(|error| error.into_error())?)?;
            print(&TerminalText::lines(&text))?;
        }
        TableFormat::Json => {
            let all = BTreeMap::from([
                ("schema", serde_json::json!("trailscan.register/1")),
                ("ledger_head", serde_json::json!(state.head)),
                ("periods", serde_json::to_value(&rows)?),
            ]);
            let text = serde_json::to_string_pretty(&all)?;
            print(&TerminalText::json(&format!("{text}\n")))?;
        }
    }
    if rows.is_empty() {
        note(&text!("no period was signed yet"));
    }
    Ok(Exit::Done)
}

fn table(rows: &[register::Row]) -> TerminalText {
    let mut out = TerminalText::new();
    for row in rows {
        if !row.is_signed {
            put!(
                out,
                "{}  MISSING: nobody signed for this week\n",
                row.period
            );
            continue;
        }
        let late = match row.days_late {
            None | Some(0) => "in time".to_owned(),
            Some(days) => format!("{} LATE", plural(days, "day")),
        };
        put!(
            out,
            "{}  created {}  reviewed {} ({})\n",
            row.period,
            row.created,
            row.reviewed,
            late
        );
        let approver = match row.approver.as_str() {
            "" => "not approved".to_owned(),
            name => format!("approved by {name}"),
        };
        put!(out, "    reviewed by {}, {}\n", row.reviewer, approver);
        put!(
            out,
            "    {}, {} undecided, {} hidden; logs of {}; integrity {}",
            plural(row.findings.unwrap_or_default(), "finding"),
            row.undecided.unwrap_or_default(),
            row.hidden.unwrap_or_default(),
            row.coverage,
            row.integrity
        );
        if row.addenda > 0 {
            put!(out, "; {}", plural(row.addenda, "later report"));
        }
        put!(out, "\n    bundle {}\n", row.bundle_sha256);
    }
    out
}
