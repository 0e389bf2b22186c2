//! The findings as lists: one row each, most severe first, leading to the cards.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::cards::Carded;
use super::written::{anchor, badge, clock, day, notice, shown, value};
use crate::finding::Finding;
use crate::report::{Report, plural, thousands};
use crate::severity::Severity;

/// Rows of one rule in the second list; the cards and the CSV have the rest.
const MOST_ROWS: usize = 50;

pub(super) fn needs_decision(report: &Report) -> Markup {
    let carded = Carded::of(report);
    let severe: Vec<&Finding> = carded.severe(report).collect();
    let all = report
        .findings
        .iter()
        .filter(|finding| finding.level >= Severity::High)
        .count();
    html! {
        section #needs-decision aria-labelledby="needs-decision-title" {
            h2 #needs-decision-title { "Needs decision: critical and high" }
            @if severe.is_empty() {
                p { "No findings of these levels in the covered data." }
            } @else {
                (notice(severe.len(), all, "finding"))
                (rows(&severe, &carded, true))
            }
        }
    }
}

/// The rest, by level and rule: they are read in bulk.
pub(super) fn others(report: &Report) -> Markup {
    let carded = Carded::of(report);
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
                    @for (title, findings) in groups {
                        details.group open {
                            summary {
                                span.title { (shown(title)) } " "
                                span.aside { (plural(findings.len() as u64, "finding")) }
                            }
                            (notice(findings.len().min(MOST_ROWS), findings.len(), "finding"))
                            @let first: Vec<&Finding> = findings.into_iter().take(MOST_ROWS).collect();
                            (rows(&first, &carded, false))
                        }
                    }
                }
            }
        }
    }
}

/// Rules by title and name, so that two rules of one title stay apart.
fn by_rule<'a>(findings: &[&'a Finding], level: Severity) -> Vec<(&'a str, Vec<&'a Finding>)> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.level == level) {
        groups
            .entry((&finding.title, &finding.rule))
            .or_default()
            .push(finding);
    }
    groups
        .into_iter()
        .map(|((title, _), group)| (title, group))
        .collect()
}

/// The titles stand in the rows only where the rows are of many rules.
fn rows(findings: &[&Finding], carded: &Carded, titled: bool) -> Markup {
    html! {
        table.stack.list role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @if titled {
                        th scope="col" role="columnheader" { "Level" }
                        th scope="col" role="columnheader" { "Finding" }
                    }
                    th scope="col" role="columnheader" { "Who" }
                    th scope="col" role="columnheader" { "On what" }
                    th.number scope="col" role="columnheader" { "Events" }
                    th scope="col" role="columnheader" { "Last (UTC)" }
                    th.decision scope="col" role="columnheader" { "Decision" }
                }
            }
            tbody role="rowgroup" {
                @for finding in findings {
                    tr role="row" {
                        @if titled {
                            td.nowrap role="cell" data-label="Level" { (badge(finding.level)) }
                            th scope="row" role="rowheader" { (link(finding, &finding.title, carded)) }
                        }
                        td role="cell" data-label="Who" {
                            @if titled { (value(&finding.actor)) } @else { (link(finding, actor(finding), carded)) }
                        }
                        td role="cell" data-label="On what" {
                            @if finding.resource.is_empty() { "–" } @else { (value(&finding.resource)) }
                        }
                        td.number role="cell" data-label="Events" { (thousands(finding.count)) }
                        td.nowrap role="cell" data-label="Last (UTC)" {
                            @match finding.last {
                                Some(last) => { (day(last)) br; (clock(last)) }
                                None => "undated"
                            }
                        }
                        td.decision role="cell" {}
                    }
                }
            }
        }
    }
}

fn actor(finding: &Finding) -> &str {
    if finding.actor.is_empty() {
        "unidentified caller"
    } else {
        &finding.actor
    }
}

/// A finding without a card has nowhere to lead to.
fn link(finding: &Finding, text: &str, carded: &Carded) -> Markup {
    html! {
        @if carded.has(finding) {
            a href={ "#" (anchor(&finding.id)) } { (value(text)) }
        } @else {
            (value(text))
        }
    }
}
