//! Granted and used rights, by role and user.

use maud::{Markup, html};

use super::format::{code, scrolling};
use crate::assess::privileges::PrincipalUse;
use crate::report::Report;
use crate::words::{plural, thousands};

/// The most rights that a cell names.
const NAMED: usize = 8;

/// The table, or why there is none.
pub(super) fn table(report: &Report) -> Markup {
    const TITLE: &str = "Granted and used rights";
    html! {
        h3 { (TITLE) }
        @match &report.privileges {
            None => p {
                "Not assessed: configuration missing (" span.code { "iam.policies" } "). With policy documents "
                "this is a table of what roles and users were granted and what they used."
            }
            Some(privileges) => {
                p {
                    "Evidence: " (plural(privileges.evidence_days, "day")) " of logs. A review aid: it says what "
                    "was used in the window, not what is needed. " span.code { "trailscan privileges" }
                    " shows each call and proposes narrower policies."
                }
                (scrolling(TITLE, &html! {
                    table.top {
                        thead {
                            tr {
                                th scope="col" { "Role or user" }
                                th scope="col" { "Used" }
                                th scope="col" { "Granted, never used" }
                                th scope="col" { "Use cannot be seen" }
                                th scope="col" { "Refused" }
                                th scope="col" { "Used outside the documents" }
                            }
                        }
                        tbody {
                            @for principal in &privileges.principals {
                                (row(principal))
                            }
                        }
                    }
                }))
                ul {
                    @for limit in &privileges.limits {
                        li { (limit) "." }
                    }
                    @for principal in &privileges.principals {
                        @for limit in &principal.limits {
                            li { (code(&principal.name)) ": " (code(limit)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(principal: &PrincipalUse) -> Markup {
    let used = principal
        .used
        .iter()
        .map(|one| (one.action.as_str(), one.calls));
    let refused = principal
        .refused
        .iter()
        .map(|one| (one.action.as_str(), one.calls));
    let outside = principal
        .outside
        .iter()
        .map(|one| (one.action.as_str(), one.calls));
    let unused = |hidden: bool| {
        let rows = principal
            .unused
            .iter()
            .filter(move |one| one.unseen.is_some() == hidden);
        rows.map(|one| (one.action.as_str(), 0))
    };
    html! {
        tr {
            th scope="row" { (code(&principal.name)) @if principal.break_glass { " (break glass)" } }
            td { (actions(used)) }
            td { (actions(unused(false))) }
            td { (actions(unused(true))) }
            td { (actions(refused)) }
            td { (actions(outside)) }
        }
    }
}

/// Actions with their calls, each once.
fn actions<'a>(rows: impl Iterator<Item = (&'a str, u64)>) -> Markup {
    let mut sums = std::collections::BTreeMap::new();
    for (action, calls) in rows {
        *sums.entry(action).or_insert(0) += calls;
    }
    let more = sums.len().saturating_sub(NAMED);
    html! {
        @if sums.is_empty() { "none" }
        @for (at, (action, calls)) in sums.iter().take(NAMED).enumerate() {
            @if at > 0 { ", " }
            (code(action))
            @if *calls > 0 { " (" (thousands(*calls)) ")" }
        }
        @if more > 0 { " and " (more) " more" }
    }
}
