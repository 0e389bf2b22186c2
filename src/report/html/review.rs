//! The review on the page: decisions, the sign-off, open matters of earlier periods, exceptions.

use maud::{Markup, html};

use super::format::{badge, code, make_visible, scrolling, short, value};
use crate::report::Report;
use crate::review::exception::Validity;
use crate::review::view::ExceptionUse;
use crate::review::{Carried, Decided, ReviewView, SignedPeriod};
use crate::words::{plural, thousands};

/// The section; nothing if the run had no ledger.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        @if let Some(view) = &report.review {
            section #review aria-labelledby="review-title" {
                h2 #review-title { "Review" }
                @for notice in &view.notices { p.warning { (make_visible(notice)) } }
                (tables(view))
            }
        }
    }
}

/// Open and closed matters of earlier periods, and exceptions with what they hide.
pub(super) fn tables(view: &ReviewView) -> Markup {
    html! {
        h3 { "Open matters of earlier periods" }
        (matters("Open matters", &view.carried))
        h3 { "Closed since the last signature" }
        (matters("Closed matters", &view.closed))
        h3 { "Exceptions" }
        (exceptions(&view.exceptions))
    }
}

fn matters(label: &str, all: &[Carried]) -> Markup {
    html! {
        @if all.is_empty() { p { "None." } }
        @else {
            (scrolling(label, &html! {
                table {
                    thead {
                        tr {
                            @for name in ["Finding", "Level", "What", "Who", "On what", "Week", "Age", "Due", "Decision"] {
                                th scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for one in all { (matter(one)) } }
                }
            }))
        }
    }
}

fn matter(one: &Carried) -> Markup {
    let matter = &one.matter;
    html! {
        tr {
            th scope="row" { (code(&matter.id)) }
            td { (badge(matter.level)) }
            td { (value(&matter.title)) }
            td { (value(short(&matter.actor))) }
            td { (value(short(&matter.resource))) }
            td { (make_visible(&matter.period)) }
            td { @if let Some(days) = one.age { (plural(days.unsigned_abs(), "day")) } }
            td.alert[one.is_overdue] {
                @if let Some(due) = one.due { (due.to_string()) @if one.is_overdue { " overdue" } }
            }
            td { @match &one.decided { Some(said) => (decision(said)), None => "none" } }
        }
    }
}

fn exceptions(all: &[ExceptionUse]) -> Markup {
    html! {
        @if all.is_empty() { p { "None." } }
        @else {
            (scrolling("Exceptions", &html! {
                table {
                    thead {
                        tr {
                            @for name in ["Exception", "Scope", "Reason", "Owner", "Approver", "Created", "Last day", "State", "Hidden here"] {
                                th scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for one in all { (exception(one)) } }
                }
            }))
        }
    }
}

fn exception(one: &ExceptionUse) -> Markup {
    let said = &one.state.exception;
    let state = match one.validity {
        Validity::Active => "holds",
        Validity::Ending => "ends within 30 days",
        Validity::Expired => "expired",
        Validity::Revoked => "ended",
    };
    html! {
        tr {
            th scope="row" { (code(&one.state.id)) }
            td { (value(&one.state.scope())) }
            td { (value(&said.reason)) }
            td { (value(&said.owner)) }
            td { (value(&said.approver)) }
            td { @if let Some(day) = one.state.created { (day.to_string()) } }
            td { (said.expires.to_string()) }
            td { (state) }
            td { (plural(one.findings, "finding")) ", " (thousands(one.events)) " events" }
        }
    }
}

/// A decision in words: what, by whom, when, why.
pub(super) fn decision(said: &Decided) -> Markup {
    html! {
        b { (said.decision.words()) } " by " (value(&said.by)) ", " (make_visible(&said.time)) ": " (value(&said.reason))
        @for (name, value_of) in [("ticket", &said.ticket), ("owner", &said.owner)] {
            @if !value_of.is_empty() { "; " (name) " " (value(value_of)) }
        }
        @if let Some(due) = said.due { "; due " (due.to_string()) }
    }
}

/// What is recorded about a finding; `None` if it still needs a decision.
pub(super) fn recorded(report: &Report, id: &str) -> Option<Markup> {
    let view = report.review.as_ref()?;
    let hidden = view.hidden.get(id).map(|exception| {
        html! { "excepted by " (code(exception)) }
    });
    let decided = view.decisions.get(id).map(decision);
    match (hidden, decided) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one),
        (Some(hidden), Some(decided)) => Some(html! { (decided) "; " (hidden) }),
    }
}

/// The same in a word or two, for a list.
pub(super) fn recorded_in_short(report: &Report, id: &str) -> Option<String> {
    let view = report.review.as_ref()?;
    if let Some(exception) = view.hidden.get(id) {
        return Some(format!("excepted ({exception})"));
    }
    let decided = view.decisions.get(id)?;
    Some(decided.decision.words().to_owned())
}

/// Who signed and approved; nothing if nobody did.
pub(super) fn signed(report: &Report) -> Option<Markup> {
    let SignedPeriod {
        signature,
        reviewer,
        time,
        approval,
        ..
    } = report.review.as_ref()?.signed.as_ref()?;
    Some(html! {
        p {
            "Report " (code(&signature.report)) " was signed by " (value(reviewer)) ", " (value(&signature.role))
            ", on " (make_visible(time)) ": " (value(&signature.statement))
        }
        @match approval {
            Some(approved) => p {
                "Approved by " (value(&approved.approver)) ", " (value(&approved.approval.role)) ", on "
                (make_visible(&approved.time)) "."
            },
            None => p { "Not approved yet." }
        }
        p { "Bundle " (code(&signature.manifest_sha256)) }
    })
}
