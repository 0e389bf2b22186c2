//! `trailscan review except`: exceptions, and their end.

use anyhow::bail;
use chrono::Days;

use super::desk::{self, Desk};
use crate::cli::review::Except;
use crate::commands::{Exit, note, print_fitted};
use crate::ledger::Entry;
use crate::ledger::entry::{Exception, Revocation};
use crate::review::ReviewState;
use crate::review::exception::MOST_DAYS;
use crate::safe_text::text;
use crate::wildcard::Wildcard;
use crate::words::plural;

pub(super) fn except(desk: &Desk, arguments: &Except) -> anyhow::Result<Exit> {
    if let Some(id) = &arguments.revoke {
        return revoke(desk, id, arguments);
    }
    let exception = exception(desk, arguments)?;
    let run = desk.stored_if_any()?;
    let (mut appender, _) = desk.open()?;
    desk::append(&mut appender, &arguments.by, Entry::Exception(exception))?;
    let state = ReviewState::new(&appender.ledger);
    if let (Some(added), Some(run)) = (state.exceptions.last(), &run) {
        let view = desk.view(run, &state)?;
        let used = view.exceptions.iter().find(|one| one.state.id == added.id);
        let (findings, events) = used.map_or((0, 0), |used| (used.findings, used.events));
        print_fitted(&text!(
            "Exception {} until {}: hides {} ({}) of {}\n",
            added.id,
            added.exception.expires.to_string(),
            plural(findings, "finding"),
            plural(events, "event"),
            run.period
        ))?;
        if findings == 0 {
            note(&text!(
                "the exception matches no finding of {}: check the rule's name and the patterns",
                run.folder.as_path()
            ));
        }
    }
    desk.acknowledge(&appender)?;
    Ok(Exit::Done)
}

fn exception(desk: &Desk, arguments: &Except) -> anyhow::Result<Exception> {
    let patterns = [&arguments.actor, &arguments.resource, &arguments.account];
    let mut limits = patterns.into_iter().flatten();
    if !limits.any(|pattern| !Wildcard::parse(pattern).is_anything()) {
        bail!(
            "an exception needs a scope, or it would hide everything that the rule ever finds: add --actor, \
             --resource or --account with a pattern that is not * alone"
        );
    }
    let today = desk.today()?;
    let days = |count| today.checked_add_days(Days::new(count));
    let (Some(default), Some(most)) = (days(arguments.days), days(MOST_DAYS)) else {
        bail!("the exception would end after the last day of the calendar");
    };
    let expires = arguments.expires.unwrap_or(default);
    if expires < today || expires > most {
        bail!("the exception ends on {expires}: choose a day from {today} to {most}");
    }
    let required = |value: &Option<String>| value.clone().unwrap_or_default();
    Ok(Exception {
        rule: required(&arguments.rule),
        actor: arguments.actor.clone(),
        resource: arguments.resource.clone(),
        account: arguments.account.clone(),
        reason: arguments.reason.clone(),
        owner: required(&arguments.owner),
        approver: required(&arguments.approver),
        expires,
    })
}

fn revoke(desk: &Desk, id: &str, arguments: &Except) -> anyhow::Result<Exit> {
    let (mut appender, state) = desk.open()?;
    let Some(one) = state.exceptions.iter().find(|one| one.id == id) else {
        let ids: Vec<&str> = state.exceptions.iter().map(|one| one.id.as_str()).collect();
        bail!(
            "no exception has the id {id}; there are: {}",
            ids.join(", ")
        );
    };
    if one.revoked.is_some() {
        bail!("exception {id} was ended before");
    }
    let revocation = Revocation {
        exception: id.to_owned(),
        reason: arguments.reason.clone(),
    };
    print_fitted(&text!("Ended exception {}: {}\n", id, one.scope()))?;
    desk::append(&mut appender, &arguments.by, Entry::Revocation(revocation))?;
    desk.acknowledge(&appender)?;
    Ok(Exit::Done)
}
