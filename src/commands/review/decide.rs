//! `trailscan review decide` and `import`: decisions typed, and decisions out of findings.csv.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;

use super::desk::{self, Desk};
use crate::cli::review::{Decide, Import, parse_due};
use crate::commands::{Exit, note, print_fitted};
use crate::ledger::Entry;
use crate::ledger::entry::{Decision, Disposition, Matter};
use crate::report::csv::{self, FilledRow};
use crate::report::stored::StoredRun;
use crate::review::ReviewState;
use crate::safe_text::text;
use crate::small_file;
use crate::words::plural;

/// The largest findings.csv that is read.
const MOST_BYTES: u64 = 1 << 30;

pub(super) fn decide(desk: &Desk, arguments: &Decide) -> anyhow::Result<Exit> {
    let run = desk.stored_if_any()?;
    let today = desk.today()?;
    let (mut appender, state) = desk.open()?;
    let mut all = Vec::new();
    for id in &arguments.ids {
        let finding = desk::find(run.as_ref(), &state, id)?;
        let said = Disposition {
            report: report_of(run.as_ref(), &finding),
            finding,
            disposition: arguments.disposition,
            reason: arguments.reason.clone(),
            ticket: arguments.ticket.clone().unwrap_or_default(),
            owner: arguments.owner.clone().unwrap_or_default(),
            due: arguments.due.map(|due| due.on(today)),
        };
        check(&said, &state, today).with_context(|| said.finding.id.clone())?;
        all.push(said);
    }
    for said in all {
        print_fitted(&text!(
            "{} {}: {}\n",
            said.finding.id,
            said.disposition.words(),
            said.finding.title
        ))?;
        desk::append(&mut appender, &arguments.by, Entry::Disposition(said))?;
    }
    desk.acknowledge(&appender)?;
    Ok(Exit::Done)
}

/// The report that has the finding; empty if it is of an earlier one.
pub(super) fn report_of(run: Option<&StoredRun>, finding: &Matter) -> String {
    let has = |run: &&StoredRun| run.findings.iter().any(|one| one.matter.id == finding.id);
    run.filter(has)
        .map_or_else(String::new, |run| run.report.clone())
}

/// Refuses a decision that says too little.
pub(super) fn check(
    said: &Disposition,
    state: &ReviewState,
    today: NaiveDate,
) -> anyhow::Result<()> {
    let is_open = said.disposition == Decision::Investigating;
    if is_open && (said.owner.is_empty() || said.due.is_none()) {
        bail!("investigating needs an owner and a day on which it is due: add --owner and --due");
    }
    if is_open && said.due.is_some_and(|due| due < today) {
        bail!("it would be due before today, {today}");
    }
    if said.disposition == Decision::Reopened && state.decision(&said.finding.id).is_none() {
        bail!("nobody has decided it, so no decision can be taken back");
    }
    Ok(())
}

pub(super) fn import(desk: &Desk, arguments: &Import) -> anyhow::Result<Exit> {
    let file = &arguments.file;
    let bytes = small_file::read(file, MOST_BYTES);
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    let named = |what: String| anyhow::anyhow!("{}: {what}", file.display());
    let rows = csv::filled_in(&bytes).map_err(named)?;
    let run = desk.stored()?;
    let today = desk.today()?;
    let (mut appender, state) = desk.open()?;
    let by_id: BTreeMap<&str, &Matter> = (run.findings.iter())
        .map(|one| (one.matter.id.as_str(), &one.matter))
        .collect();
    let mut all = Vec::new();
    let mut known = 0_u64;
    // everything is checked before anything is recorded
    for row in &rows {
        let said = decision(row, &by_id, &run, &state, today)
            .and_then(|said| check(&said, &state, today).map(|()| said))
            .map_err(|error| named(format!("line {}: {error:#}", row.line)))?;
        let by = match (row.cell("decided_by"), &arguments.by) {
            ("", None) => {
                return Err(named(format!(
                    "line {}: decided_by is empty: fill it in, or say whose decisions these are with --by",
                    row.line
                )));
            }
            ("", Some(by)) => by.clone(),
            (by, _) => by.to_owned(),
        };
        let same = state.decision(&said.finding.id).is_some_and(|last| {
            last.decision == said.disposition && last.reason == said.reason && last.by == by
        });
        match same {
            true => known += 1,
            false => all.push((by, said)),
        }
    }
    let count = all.len() as u64;
    for (by, said) in all {
        desk::append(&mut appender, &by, Entry::Disposition(said))?;
    }
    print_fitted(&text!("{} imported", plural(count, "decision")))?;
    if known > 0 {
        print_fitted(&text!(", {} recorded before", known))?;
    }
    print_fitted(&text!("\n"))?;
    if rows.is_empty() {
        note(&text!(
            "nobody filled in the columns disposition, reason and decided_by of {}",
            file.as_path()
        ));
    }
    desk.acknowledge(&appender)?;
    Ok(Exit::Done)
}

fn decision(
    row: &FilledRow,
    by_id: &BTreeMap<&str, &Matter>,
    run: &StoredRun,
    state: &ReviewState,
    today: NaiveDate,
) -> anyhow::Result<Disposition> {
    let id = row.cell("id");
    let finding = match by_id.get(id) {
        Some(matter) => (*matter).clone(),
        // findings.json lists the first some thousand of a run, and the table all of them
        None if !run.more.is_empty() => matter_of(row)?,
        None => match state.matter(id) {
            Some(matter) => matter.clone(),
            None => bail!("no finding of {} has the id {id}", run.folder.display()),
        },
    };
    let written = row.cell("disposition");
    let disposition = Decision::read(written).with_context(|| {
        format!(
            "the disposition is `{written}`: write true positive, benign, expected or investigating"
        )
    })?;
    if row.cell("reason").is_empty() {
        bail!("the reason is empty");
    }
    let due = match row.cell("due") {
        "" => None,
        due => Some(parse_due(due).map_err(anyhow::Error::msg)?.on(today)),
    };
    Ok(Disposition {
        finding,
        report: run.report.clone(),
        disposition,
        reason: row.cell("reason").to_owned(),
        ticket: row.cell("ticket").to_owned(),
        owner: row.cell("owner").to_owned(),
        due,
    })
}

/// The facts of a finding as the table has them.
fn matter_of(row: &FilledRow) -> anyhow::Result<Matter> {
    let text = |column: &str| row.cell(column).to_owned();
    Ok(Matter {
        id: text("id"),
        rule: text("rule"),
        level: row.cell("level").parse()?,
        title: text("title"),
        actor: text("actor"),
        resource: text("resource"),
        period: text("period"),
        last: Some(text("last")).filter(|last| !last.is_empty()),
    })
}
