//! What can be said of each citation, in the words auditors work by.

use maud::{Markup, html};

use super::format::{citation_anchor, levels};
use crate::assess::State;
use crate::report::Report;
use crate::report::document::citations::LEAD;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #citations aria-labelledby="citations-title" {
            h2 #citations-title { "By citation" }
            p.lead {
                (LEAD)
                @if let Some(unknown) = report.completeness.unknown_hours() {
                    " Covered are the hours with logs and those proven quiet: " (unknown) "."
                }
            }
            @if report.citations.is_empty() {
                p { "No rule of this run speaks to a citation." }
            } @else {
                (table(report))
            }
        }
    }
}

fn table(report: &Report) -> Markup {
    html! {
        table.stack.citations role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Citation" }
                    th scope="col" role="columnheader" { "State" }
                    th scope="col" role="columnheader" { "Findings" }
                    th.number scope="col" role="columnheader" { "Rules assessed" }
                    th scope="col" role="columnheader" { "What CloudTrail cannot show" }
                }
            }
            tbody role="rowgroup" {
                @for row in &report.citations {
                    tr role="row" id=(citation_anchor(row.citation.section)) {
                        th scope="row" role="rowheader" {
                            span.section { (row.citation.section) }
                            " " span.title { (row.citation.title) }
                            " " span.class { (row.citation.class.as_str()) }
                        }
                        td role="cell" data-label="State" {
                            span.state.open[row.state == State::FindingsOpen] { (row.state.as_str()) }
                        }
                        td role="cell" data-label="Findings" {
                            @if row.findings.is_empty() { "–" } @else {
                                (levels(row.findings.iter().rev().map(|(level, count)| (*level, *count))))
                            }
                        }
                        td.number role="cell" data-label="Rules assessed" {
                            (row.rules_assessed) " of " (row.rules)
                            @if row.rules_partly > 0 { ", " (row.rules_partly) " partly" }
                        }
                        td.limits role="cell" data-label="CloudTrail cannot show" { (row.citation.limits) }
                    }
                }
            }
        }
    }
}
