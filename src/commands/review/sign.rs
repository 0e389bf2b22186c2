//! `trailscan review sign`, `approve` and `addendum`: a run is sealed, and its hash goes into the ledger.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::{Days, NaiveDate};

use super::bundle::{self, Manifest};
use super::desk::{self, Desk};
use super::ssh::{self, Message};
use crate::cli::review::{Approve, RecordAddendum, Sign};
use crate::commands::{Exit, note, print_fitted};
use crate::event::time;
use crate::ledger::entry::{Addendum, Approval, Bundle, Matter, Signature};
use crate::ledger::{Appender, Entry};
use crate::report::sheet::{self, Sheet};
use crate::report::stored::StoredRun;
use crate::review::view::Difference;
use crate::review::{Candidate, MOST_IDS, MOST_LISTED, same_person};
use crate::safe_text::text;
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// What is stated by default.
const STATEMENT: &str = "I have reviewed the activity described in this report for the period named above. \
                         Each critical and high finding has a recorded disposition; the other findings without one \
                         are listed with the day on which they are due. Where data was not covered or a rule was \
                         not assessed, I have looked at the reasons.";

/// More undecided findings than this are named by their number.
const MOST_NAMED: usize = 10;

/// How much of an id names a finding in a statement.
const ID: usize = 8;

pub(super) fn sign(desk: &Desk, arguments: &Sign) -> anyhow::Result<Exit> {
    let run = desk.stored()?;
    let (mut appender, state) = desk.open()?;
    if let Some(signed) = state.signed.get(&run.period) {
        bail!(
            "{} was signed by {} on {} and is not signed again: what a later run found is recorded by \
             `trailscan review addendum`",
            run.period,
            signed.reviewer,
            signed.time
        );
    }
    let view = desk.view(&run, &state)?;
    let undecided = view.undecided(&run.findings);
    let statement = arguments.statement.as_deref().unwrap_or(STATEMENT);
    names_what_is_open(statement, &run, &undecided)?;
    let today = desk.today()?;
    let (due, days_late) = lateness(&run, today, desk.config.review.due_days);
    let own = own_findings(desk, &arguments.reviewer, &run.findings);
    let sheet = Sheet {
        run: &run,
        view: &view,
        undecided: &undecided,
        reviewer: &arguments.reviewer,
        role: &arguments.role,
        statement,
        signed: &time::iso(Desk::now()?),
        reviewer_is_actor: &own,
    };
    let write = |name: &str, bytes: &[u8]| bundle::write_file(&run.folder.join(name), bytes);
    write("review.json", sheet::json(&sheet)?.as_bytes())?;
    write("review.html", sheet::html(&sheet).as_bytes())?;
    let manifest = bundle::write_manifest(&run.folder)?;
    let mut signature = Signature {
        period: run.period.clone(),
        since: run.since.clone(),
        until: run.until.clone(),
        report: run.report.clone(),
        created: run.created.clone(),
        manifest_sha256: manifest.sha256.clone(),
        role: arguments.role.clone(),
        statement: statement.to_owned(),
        due,
        days_late,
        findings: by_level(&run),
        decided: view.decisions.len() as u64,
        hidden: view.hidden.len() as u64,
        undecided: listed(&undecided),
        more_undecided: (undecided.len() as u64).saturating_sub(MOST_LISTED as u64)
            + run.more_from(Severity::Low),
        undecided_due: due_after(today, desk),
        finding_ids: ids(&run),
        complete: run.incomplete.is_empty(),
        coverage: run.coverage.clone(),
        integrity: run.integrity.clone(),
        rule_set_sha256: run.rule_set_sha256.clone(),
        config_sha256: run.config_sha256.clone(),
        version: run.version.clone(),
        reviewer_is_actor: own,
        ssh: None,
    };
    let mut record = || {
        if let Some(key) = &arguments.key.ssh_key {
            let head = appender.ledger.head();
            let message = Message::of_signature(&signature, &arguments.reviewer, head);
            signature.ssh = Some(ssh::sign(key, &message)?);
        }
        let key_line = signature.ssh.as_ref().map(ssh::allowed_signer);
        let entry = Entry::Signature(Box::new(signature.clone()));
        desk::append(&mut appender, &arguments.reviewer, entry)?;
        anyhow::Ok(key_line)
    };
    let key_line = match record() {
        Ok(key_line) => key_line,
        Err(error) => {
            // without a signature the folder is not a signed one
            manifest.remove();
            return Err(error);
        }
    };
    record_bundle(&mut appender, &run, &arguments.reviewer, &manifest)?;
    seal_folder(&run);
    print_fitted(&text!(
        "Signed {} (report {}) as {}: {} to decide, {} decided, {} hidden by exceptions, {} undecided\n",
        run.period,
        run.report,
        arguments.reviewer,
        undecided.len() + view.decisions.len(),
        view.decisions.len(),
        view.hidden.len(),
        undecided.len()
    ))?;
    print_fitted(&text!("Sealed {}\n", run.folder.as_path()))?;
    print_key(key_line)?;
    desk.acknowledge(&appender)?;
    anchor_advice()?;
    Ok(Exit::Done)
}

/// Says why the head should be kept elsewhere.
fn anchor_advice() -> anyhow::Result<()> {
    print_fitted(&text!(
        "Keep this head where nobody who can write the ledger can change it, such as on paper or in a mail: \
         `trailscan review verify --anchor HEAD` then shows that nothing was cut or written again.\n"
    ))
}

fn print_key(line: Option<String>) -> anyhow::Result<()> {
    match line {
        None => Ok(()),
        Some(line) => print_fitted(&text!("For allowed_signers: {}\n", line)),
    }
}

/// Puts the hash of the list of files into the ledger.
fn record_bundle(
    appender: &mut Appender,
    run: &StoredRun,
    by: &str,
    manifest: &Manifest,
) -> anyhow::Result<()> {
    let entry = Bundle {
        period: run.period.clone(),
        report: run.report.clone(),
        manifest_sha256: manifest.sha256.clone(),
        files: manifest.files,
    };
    desk::append(appender, by, Entry::Bundle(entry))
}

/// Makes the files read-only. The signature is in the ledger already: what cannot be sealed is noted.
fn seal_folder(run: &StoredRun) {
    if let Err(error) = bundle::seal(&run.folder) {
        note(&text!(
            "{} could not be made read-only: {}",
            run.folder.as_path(),
            error.to_string()
        ));
    }
}

/// Refuses a statement that passes over what is open: an incomplete run, broken integrity, critical and
/// high findings without a decision.
fn names_what_is_open(
    statement: &str,
    run: &StoredRun,
    undecided: &[&Candidate],
) -> anyhow::Result<()> {
    let lower = statement.to_lowercase();
    let severe: Vec<&Matter> = (undecided.iter())
        .map(|one| &one.matter)
        .filter(|matter| matter.level >= Severity::High)
        .collect();
    let unlisted = run.more_from(Severity::High);
    let count = severe.len() as u64 + unlisted;
    let id = |matter: &Matter| matter.id.get(..ID).unwrap_or(&matter.id).to_owned();
    let mut missing = Vec::new();
    if !run.incomplete.is_empty() && !lower.contains("incomplete") {
        missing.push(format!(
            "The run is incomplete: {}.",
            run.incomplete.join("; ")
        ));
    }
    if run.integrity == "broken" && !lower.contains("integrity") {
        missing.push("The integrity of the logs is broken.".to_owned());
    }
    if unlisted > 0 || severe.len() > MOST_NAMED {
        let words = format!("{} undecided", thousands(count));
        if !lower.contains(&words) {
            missing.push(format!("{words} critical and high findings."));
        }
    } else {
        let unnamed = severe.iter().map(|one| id(one));
        let unnamed: Vec<String> = unnamed.filter(|id| !lower.contains(id.as_str())).collect();
        if !unnamed.is_empty() {
            missing.push(format!(
                "Without a decision: {} {}.",
                if unnamed.len() == 1 {
                    "finding"
                } else {
                    "findings"
                },
                unnamed.join(", ")
            ));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the statement must name what is open; decide it first, or add to --statement: {}",
        missing.join(" ")
    );
}

/// The last day for a signature, and how many days after it today is.
fn lateness(run: &StoredRun, today: NaiveDate, due_days: u16) -> (Option<NaiveDate>, u64) {
    let end = run
        .end()
        .map(|end| time::utc(end).with_timezone(&run.zone).date_naive());
    let due = end.and_then(|end| end.checked_add_days(Days::new(due_days.into())));
    let late = due.map_or(0, |due| (today - due).num_days());
    (due, u64::try_from(late).unwrap_or(0))
}

fn due_after(today: NaiveDate, desk: &Desk) -> NaiveDate {
    let days = Days::new(desk.config.review.due_days.into());
    today.checked_add_days(days).unwrap_or(today)
}

/// The findings about calls of the person who signs, with a note if there are any or nobody can know.
fn own_findings(desk: &Desk, name: &str, findings: &[Candidate]) -> Vec<String> {
    let people = &desk.config.review.people;
    if !people.0.is_empty() && !people.knows(name) {
        note(&text!(
            "[people] in the configuration does not name {}, so findings about their own calls cannot be flagged",
            name
        ));
    }
    let own = people.findings_of(name, findings);
    if !own.is_empty() {
        note(&text!(
            "{} signs for {} about their own calls ({}): somebody else should review them; the ledger flags it",
            name,
            plural(own.len() as u64, "finding"),
            own.join(", ")
        ));
    }
    own
}

fn by_level(run: &StoredRun) -> BTreeMap<Severity, u64> {
    let mut levels = run.more.clone();
    for finding in &run.findings {
        *levels.entry(finding.matter.level).or_default() += 1;
    }
    levels
}

fn listed(findings: &[&Candidate]) -> Vec<Matter> {
    let first = findings.iter().take(MOST_LISTED);
    first.map(|one| one.matter.clone()).collect()
}

fn ids(run: &StoredRun) -> Option<Vec<String>> {
    let all = run.more.is_empty() && run.findings.len() <= MOST_IDS;
    let ids = run.findings.iter().map(|one| one.matter.id.clone());
    all.then(|| ids.collect())
}

pub(super) fn approve(desk: &Desk, arguments: &Approve) -> anyhow::Result<Exit> {
    let run = desk.stored()?;
    let (mut appender, state) = desk.open()?;
    let Some(signed) = state.signed.get(&run.period) else {
        bail!(
            "{} was not signed yet: `trailscan review sign` comes first",
            run.period
        );
    };
    if let Some(approved) = &signed.approval {
        bail!(
            "{} was approved by {} on {}",
            run.period,
            approved.approver,
            approved.time
        );
    }
    let signature = &signed.signature;
    if same_person(&arguments.approver, &signed.reviewer) {
        bail!(
            "{} reviewed {}: another person approves it",
            signed.reviewer,
            run.period
        );
    }
    let faults = bundle::check(&run.folder, &signature.manifest_sha256)?;
    if !faults.is_empty() {
        bail!("the run is not what was signed: {}", faults.join("; "));
    }
    let mut approval = Approval {
        period: run.period.clone(),
        report: signature.report.clone(),
        manifest_sha256: signature.manifest_sha256.clone(),
        signature: signed.hash.clone(),
        role: arguments.role.clone(),
        statement: arguments.statement.clone(),
        approver_is_actor: own_findings(desk, &arguments.approver, &run.findings),
        ssh: None,
    };
    if let Some(key) = &arguments.key.ssh_key {
        let message = Message::of_approval(&approval, &arguments.approver, appender.ledger.head());
        let made = ssh::sign(key, &message)?;
        if signature
            .ssh
            .as_ref()
            .is_some_and(|reviewer| reviewer.key == made.key)
        {
            bail!(
                "this is the key with which {} signed: use your own",
                signed.reviewer
            );
        }
        approval.ssh = Some(made);
    }
    let key_line = approval.ssh.as_ref().map(ssh::allowed_signer);
    let reviewer = signed.reviewer.clone();
    desk::append(
        &mut appender,
        &arguments.approver,
        Entry::Approval(approval),
    )?;
    print_fitted(&text!(
        "Approved {} (report {}), which {} signed, as {}\n",
        run.period,
        run.report,
        reviewer,
        arguments.approver
    ))?;
    print_key(key_line)?;
    desk.acknowledge(&appender)?;
    anchor_advice()?;
    Ok(Exit::Done)
}

pub(super) fn addendum(desk: &Desk, arguments: &RecordAddendum) -> anyhow::Result<Exit> {
    let run = desk.stored()?;
    let (mut appender, state) = desk.open()?;
    let signed = state.signed.get(&run.period);
    let signed = signed.with_context(|| format!("{} was not signed: sign it", run.period))?;
    let is_known = signed.signature.report == run.report
        || signed.addenda.iter().any(|one| one.report == run.report);
    if is_known {
        bail!(
            "report {} of {} is in the ledger already",
            run.report,
            run.period
        );
    }
    let difference = Difference::new(&signed.signature, &run.findings);
    let new = difference.new.clone().unwrap_or_default();
    let words = difference.in_words();
    let count = new.len() as u64;
    let manifest = bundle::write_manifest(&run.folder)?;
    let entry = Addendum {
        period: run.period.clone(),
        report: run.report.clone(),
        manifest_sha256: manifest.sha256.clone(),
        signature: signed.hash.clone(),
        reason: arguments.reason.clone(),
        new: listed(&new),
        more_new: count.saturating_sub(MOST_LISTED as u64),
        gone: difference.gone.iter().take(MOST_LISTED).cloned().collect(),
        due: due_after(desk.today()?, desk),
    };
    if let Err(error) = desk::append(&mut appender, &arguments.by, Entry::Addendum(entry)) {
        manifest.remove();
        return Err(error);
    }
    record_bundle(&mut appender, &run, &arguments.by, &manifest)?;
    seal_folder(&run);
    print_fitted(&text!(
        "Addendum to {}: {}; the signed report {} stays as it is\n",
        run.period,
        words,
        signed.signature.report
    ))?;
    desk.acknowledge(&appender)?;
    Ok(Exit::Done)
}
