//! The findings as lists: one row each, most severe first, leading to the cards.

use maud::{Markup, html};

use super::cards::LIMITS;
use super::format::{
    anchor, badge, format_date, format_time, make_visible, short, truncation_notice, value, values,
};
use super::review;
use crate::finding::Finding;
use crate::report::Report;
use crate::report::document::cards::CardedFindings;
use crate::report::document::findings::{MOST_ROWS, by_rule, folded};
use crate::severity::Severity;
use crate::words::{plural, thousands};

pub(super) fn needs_decision(report: &Report) -> Markup {
    let carded = CardedFindings::of(report, LIMITS);
    let severe: Vec<&Finding> = carded.severe(report).collect();
    let levels = report.by_level().into_iter();
    let severe_levels = levels.filter(|(level, _)| *level >= Severity::High);
    let all = severe_levels.map(|(_, count)| count).sum();
    html! {
        section #needs-decision aria-labelledby="needs-decision-title" {
            h2 #needs-decision-title { "Needs decision: critical and high" }
            @if severe.is_empty() {
                p { "No findings of these levels in the covered data." }
            } @else {
                (truncation_notice(severe.len(), all, "finding"))
                (rows(&severe, &carded, report))
            }
        }
    }
}

/// The rest, by level and rule: they are read in bulk.
pub(super) fn others(report: &Report) -> Markup {
    let carded = CardedFindings::of(report, LIMITS);
    html! {
        section #others aria-labelledby="others-title" {
            h2 #others-title { "Medium and low" }
            @let below: Vec<&Finding> =
                report.findings.iter().filter(|finding| finding.level < Severity::High).collect();
            @if below.is_empty() {
                p { "No findings of these levels in the covered data." }
            }
            @for level in Severity::DESCENDING.into_iter().skip(2) {
                @let groups = by_rule(&below, level);
                @if !groups.is_empty() {
                    h3.group { (badge(level)) }
                    (grouped(&groups, &carded, report))
                }
            }
        }
    }
}

/// One line each, under its own title.
fn rows(findings: &[&Finding], carded: &CardedFindings<'_>, report: &Report) -> Markup {
    html! {
        table.stack.list role="table" {
            (head(true))
            tbody role="rowgroup" {
                @for finding in findings {
                    tr role="row" {
                        td.nowrap role="cell" data-label="Level" { (badge(finding.level)) }
                        th scope="row" role="rowheader" { (link(finding, &finding.title, carded)) }
                        td role="cell" data-label="Who" { (who(finding, &value(short(&finding.actor)))) }
                        (cells(finding, report))
                    }
                }
            }
        }
    }
}

/// The lines of each rule under the rule's title.
fn grouped(
    groups: &[(&str, Vec<&Finding>)],
    carded: &CardedFindings<'_>,
    report: &Report,
) -> Markup {
    html! {
        table.stack.list.grouped role="table" {
            (head(false))
            @for (title, findings) in groups {
                @let all = findings.len() + folded(report, findings);
                tbody role="rowgroup" {
                    tr.rule role="row" {
                        th colspan="4" scope="rowgroup" role="rowheader" {
                            (make_visible(title)) " "
                            span.aside { (plural(all as u64, "finding")) }
                        }
                    }
                    @for finding in findings.iter().take(MOST_ROWS) {
                        tr role="row" {
                            td role="cell" data-label="Who" {
                                (who(finding, &link(finding, short(&finding.actor), carded)))
                            }
                            (cells(finding, report))
                        }
                    }
                    @if all > findings.len().min(MOST_ROWS) {
                        tr role="row" {
                            td colspan="4" role="cell" {
                                (truncation_notice(findings.len().min(MOST_ROWS), all, "finding"))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn head(titled: bool) -> Markup {
    html! {
        thead role="rowgroup" {
            tr role="row" {
                @if titled {
                    th.level-column scope="col" role="columnheader" { "Level" }
                    th.title-column scope="col" role="columnheader" { "Finding" }
                }
                th scope="col" role="columnheader" { "Who" }
                th scope="col" role="columnheader" { "On what" }
                th.number scope="col" role="columnheader" { "Events" }
                th.time-column scope="col" role="columnheader" { "Last (UTC)" }
                th.decision scope="col" role="columnheader" { "Decision" }
            }
        }
    }
}

fn who(finding: &Finding, actor: &Markup) -> Markup {
    html! {
        @if finding.actor.is_empty() { "unidentified caller" } @else { (actor) }
        @if !finding.accounts.is_empty() {
            " " span.small.account { "account " (values(finding.accounts.iter().take(3))) }
        }
    }
}

/// What follows the caller in every list.
fn cells(finding: &Finding, report: &Report) -> Markup {
    html! {
        td role="cell" data-label="On what" {
            @if finding.resource.is_empty() { "–" } @else { (value(short(&finding.resource))) }
        }
        td.number role="cell" data-label="Events" { (thousands(finding.count)) }
        td.nowrap role="cell" data-label="Last (UTC)" {
            @match finding.last {
                Some(last) => { (format_date(last)) " " br; (format_time(last)) }
                None => "undated"
            }
        }
        td.decision role="cell" { @if let Some(said) = review::recorded_in_short(report, &finding.id) { (said) } }
    }
}

/// A finding without a card has nowhere to lead to.
fn link(finding: &Finding, text: &str, carded: &CardedFindings<'_>) -> Markup {
    html! {
        @if carded.has(finding) {
            a href={ "#" (anchor(&finding.id)) } { (value(text)) }
        } @else {
            (value(text))
        }
    }
}
