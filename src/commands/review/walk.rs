//! `trailscan review` alone: one open matter after the other, on the terminal.

use std::io::BufRead as _;

use anyhow::bail;
use chrono::NaiveDate;

use super::decide::{check, report_of};
use super::desk::{self, Desk};
use super::list::{self, Row};
use crate::cli::review::parse_due;
use crate::commands::{Exit, print, print_fitted};
use crate::ledger::Entry;
use crate::ledger::entry::{Decision, Disposition};
use crate::report::stored::StoredRun;
use crate::safe_text::{TerminalText, text};

/// The keys that are shown before each answer.
const KEYS: &str =
    "[t]rue positive  [b]enign  [e]xpected  [i]nvestigate  [s]kip  [u]ndo  [q]uit > ";

pub(super) fn walk(desk: &Desk, by: Option<&str>) -> anyhow::Result<Exit> {
    let Some(by) = by else {
        bail!(
            "say who decides: trailscan review --by NAME (`trailscan review --help` lists the commands)"
        );
    };
    let (run, state) = (desk.stored_if_any()?, desk.state()?);
    let view = run.as_ref().map(|run| desk.view(run, &state)).transpose()?;
    let today = desk.today()?;
    let mut rows = list::rows(run.as_ref(), view.as_ref(), &state, today);
    rows.retain(|row| row.is_open);
    let mut decided: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        show(row, run.as_ref(), at + 1, rows.len())?;
        let Some(answer) = ask(KEYS)? else { break };
        let decision = match answer.as_str() {
            "t" => Decision::TruePositive,
            "b" => Decision::Benign,
            "e" => Decision::Expected,
            "i" => Decision::Investigating,
            "s" => {
                at += 1;
                continue;
            }
            "u" => {
                if let Some(last) = decided.pop() {
                    let row = rows
                        .get(last)
                        .map(|row| said(row, run.as_ref(), Decision::Reopened));
                    let undo = row.map(|said| Disposition {
                        reason: "taken back in the walk".to_owned(),
                        ..said
                    });
                    record(desk, by, undo, today)?;
                    at = last;
                }
                continue;
            }
            "q" => break,
            _ => continue,
        };
        let Some(disposition) = details(said(row, run.as_ref(), decision), today)? else {
            break;
        };
        if record(desk, by, Some(disposition), today)? {
            decided.push(at);
            at += 1;
        }
    }
    let left = rows.len().saturating_sub(at);
    print_fitted(&text!("{} decided, {} left\n", decided.len(), left))?;
    Ok(Exit::Done)
}

fn show(row: &Row, run: Option<&StoredRun>, number: usize, all: usize) -> anyhow::Result<()> {
    let mut out = text!("\n{} of {}\n", number, all);
    list::put_row(&mut out, row);
    if let Some(run) = run {
        list::put_evidence(&mut out, run, &row.matter.id)?;
    }
    print_fitted(&out)
}

fn said(row: &Row, run: Option<&StoredRun>, disposition: Decision) -> Disposition {
    Disposition {
        finding: row.matter.clone(),
        report: report_of(run, &row.matter),
        disposition,
        reason: String::new(),
        ticket: String::new(),
        owner: String::new(),
        due: None,
    }
}

/// Asks for what a decision needs; `None` if the input ends.
fn details(mut said: Disposition, today: NaiveDate) -> anyhow::Result<Option<Disposition>> {
    while said.reason.is_empty() {
        let Some(reason) = ask("Reason > ")? else {
            return Ok(None);
        };
        said.reason = reason;
    }
    let Some(ticket) = ask("Ticket (may be empty) > ")? else {
        return Ok(None);
    };
    said.ticket = ticket;
    if said.disposition != Decision::Investigating {
        return Ok(Some(said));
    }
    while said.owner.is_empty() {
        let Some(owner) = ask("Owner > ")? else {
            return Ok(None);
        };
        said.owner = owner;
    }
    while said.due.is_none() {
        let Some(due) = ask("Due (2026-12-31, or 14d) > ")? else {
            return Ok(None);
        };
        said.due = parse_due(&due).ok().map(|due| due.on(today));
    }
    Ok(Some(said))
}

/// Writes a decision; false if it says too little.
fn record(
    desk: &Desk,
    by: &str,
    said: Option<Disposition>,
    today: NaiveDate,
) -> anyhow::Result<bool> {
    let Some(said) = said else { return Ok(false) };
    let (mut appender, state) = desk.open()?;
    if let Err(error) = check(&said, &state, today) {
        print_fitted(&text!("{}\n", error))?;
        return Ok(false);
    }
    desk::append(&mut appender, by, Entry::Disposition(said))?;
    desk.acknowledge(&appender)?;
    Ok(true)
}

/// The next line of the input without blanks at its ends; `None` at its end.
fn ask(question: &str) -> anyhow::Result<Option<String>> {
    print(&TerminalText::lines(question))?;
    let mut line = String::new();
    let count = std::io::stdin().lock().read_line(&mut line)?;
    Ok((count > 0).then(|| line.trim().to_owned()))
}
