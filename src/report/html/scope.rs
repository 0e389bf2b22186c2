//! What was read and what was not: accounts, Regions, counts that add up, problems, rules left out.

use maud::{Markup, html};

use super::written::{clock, code, day, notice, scrolling, shown, sum, values};
use crate::coverage::{Coverage, ProblemKind, RegionCoverage};
use crate::event::time::Epoch;
use crate::report::{Report, plural, thousands};

const MOST_PROBLEMS: usize = 50;
const MOST_PLACES: usize = 300;
const MOST_RULES: usize = 200;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #scope aria-labelledby="scope-title" {
            h2 #scope-title { "Scope and coverage" }
            p.lead {
                "What the findings rest on. A log that was never written, or lies elsewhere, cannot be missed here: "
                "this section speaks of the files that were found."
            }
            (asked_for(report))
            (places(&report.coverage))
            (identities(&report.coverage))
            (problems(&report.coverage))
            (rules_aside(report))
        }
    }
}

fn asked_for(report: &Report) -> Markup {
    let from = &report.provenance;
    let list = |all: &[String], none: &str| {
        html! { @if all.is_empty() { (none) } @else { (values(all)) } }
    };
    html! {
        dl.facts {
            dt { "Source" } dd { (code(&from.source)) }
            dt { "Accounts" } dd { (list(&from.accounts, "all that were found")) }
            dt { "Regions" } dd { (list(&from.regions, "all that were found")) }
            dt { "Events" }
            dd {
                @match (report.coverage.first, report.coverage.last) {
                    (Some(first), Some(last)) => {
                        "first " (instant(first)) ", last " (instant(last))
                    }
                    _ => "none with a readable time"
                }
            }
        }
    }
}

fn instant(at: Epoch) -> String {
    format!("{} {} UTC", day(at), clock(at))
}

fn places(coverage: &Coverage) -> Markup {
    let rows: Vec<(&String, &String, &RegionCoverage)> = coverage
        .regions
        .iter()
        .flat_map(|(account, regions)| {
            regions
                .iter()
                .map(move |(region, seen)| (account, region, seen))
        })
        .collect();
    html! {
        h3 { "Accounts and Regions" }
        @if rows.is_empty() {
            p { "No account or Region was found in the logs." }
        } @else {
            (notice(rows.len().min(MOST_PLACES), rows.len(), "row"))
            (scrolling("Accounts and Regions", &html! {
                table {
                    caption { "Hours with events are counted between the first and the last hour of the row." }
                    thead {
                        tr {
                            th scope="col" { "Account" }
                            th scope="col" { "Region" }
                            th.number scope="col" { "Log files" }
                            th.number scope="col" { "Events" }
                            th scope="col" { "First hour (UTC)" }
                            th scope="col" { "Last hour (UTC)" }
                            th.number scope="col" { "Hours with events" }
                        }
                    }
                    tbody {
                        @for (account, region, seen) in rows.iter().take(MOST_PLACES) {
                            tr {
                                th scope="row" { (code(account)) }
                                td.nowrap { (code(region)) }
                                td.number { (thousands(seen.objects)) }
                                td.number { (thousands(seen.events)) }
                                (hours(seen))
                            }
                        }
                    }
                }
            }))
        }
    }
}

fn hours(seen: &RegionCoverage) -> Markup {
    let ends = seen.hours.keys().next().zip(seen.hours.keys().next_back());
    html! {
        @match ends {
            Some((&first, &last)) => {
                @let span = ((last - first) / 3_600 + 1).unsigned_abs();
                td.nowrap { (hour(first)) }
                td.nowrap { (hour(last)) }
                td.number { (thousands(seen.hours.len() as u64)) " of " (thousands(span)) }
            }
            None => { td { "–" } td { "–" } td.number { "0" } }
        }
    }
}

fn hour(at: Epoch) -> String {
    crate::event::time::utc(at)
        .format("%a %-d %b %Y, %H:00")
        .to_string()
}

/// The two sums that must hold, with their numbers, so that anybody can add them up.
fn identities(coverage: &Coverage) -> Markup {
    let (o, r) = (&coverage.objects, &coverage.records);
    html! {
        h3 { "Counts" }
        h4 { "Log files" }
        (sum(o.listed, "listed", &[
            (o.read, "read"), (o.refused, "refused"), (o.archived, "archived"), (o.broken, "broken"),
        ]))
        h4 { "Records" }
        (sum(r.records, "records", &[
            (r.bad, "bad"), (r.outside, "outside"), (r.duplicates, "duplicates"), (r.evaluated, "evaluated"),
        ]))
        p.aside {
            "Outside: not in the period, accounts or Regions asked for. Duplicates: the same event delivered twice. "
            "Of the evaluated, " (thousands(r.undated)) " had no readable time and " (thousands(r.insight))
            " were Insight records. Beside the logs stood " (plural(o.digests, "digest file")) " and "
            (plural(o.foreign, "file")) " that are no CloudTrail logs."
        }
    }
}

const fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Refused => "refused",
        ProblemKind::Archived => "archived",
        ProblemKind::Broken => "broken",
        ProblemKind::BadRecords => "records lost",
        ProblemKind::TrailingBytes => "trailing bytes",
        ProblemKind::Unlisted => "not listed",
        ProblemKind::Repaired => "repaired",
    }
}

fn problems(coverage: &Coverage) -> Markup {
    // what was lost comes before what was repaired
    let mut all: Vec<_> = coverage.problems.iter().collect();
    all.sort_by_key(|problem| !problem.kind.is_loss());
    html! {
        h3 #problems { "Problems" }
        @if all.is_empty() {
            p { "None met while reading." }
        } @else {
            (notice(all.len().min(MOST_PROBLEMS), all.len(), "problem"))
            table.stack role="table" {
                thead role="rowgroup" {
                    tr role="row" {
                        th scope="col" role="columnheader" { "Kind" }
                        th scope="col" role="columnheader" { "What" }
                        th scope="col" role="columnheader" { "Object" }
                    }
                }
                tbody role="rowgroup" {
                    @for problem in all.iter().take(MOST_PROBLEMS) {
                        tr role="row" {
                            td.nowrap role="cell" data-label="Kind" {
                                @if problem.kind.is_loss() { strong { (kind(problem.kind)) } }
                                @else { (kind(problem.kind)) }
                            }
                            td role="cell" data-label="What" { bdi { (shown(&problem.what)) } }
                            td role="cell" data-label="Object" { (code(&problem.object)) }
                        }
                    }
                }
            }
        }
    }
}

/// Rules that say nothing, each with the reason: silence is not a clean result.
fn rules_aside(report: &Report) -> Markup {
    let unseen: Vec<_> = report.not_assessed().collect();
    html! {
        h3 #rules-aside { "Rules left out" }
        @if unseen.is_empty() && report.unconfigured.is_empty() && report.rejected.is_empty() {
            p { "None: every rule was loaded, configured and saw the events it is about." }
        }
        @if !unseen.is_empty() {
            h4 { "Not assessed: the events they are about were not seen" }
            (notice(unseen.len().min(MOST_RULES), unseen.len(), "rule"))
            ul.rules {
                @for (rule, reason) in unseen.iter().take(MOST_RULES) {
                    li {
                        (shown(&rule.title)) " " (code(&rule.name))
                        span.reason { (shown(reason)) }
                    }
                }
            }
        }
        @if !report.unconfigured.is_empty() {
            h4 { "Not configured: keys are missing in the configuration" }
            (notice(report.unconfigured.len().min(MOST_RULES), report.unconfigured.len(), "rule"))
            ul.rules {
                @for rule in report.unconfigured.iter().take(MOST_RULES) {
                    li {
                        (shown(&rule.title)) " " (code(&rule.rule))
                        span.reason { "missing: " (values(&rule.missing)) }
                    }
                }
            }
        }
        @if !report.rejected.is_empty() {
            h4 { "Not loaded: the rule file has an error" }
            (notice(report.rejected.len().min(MOST_RULES), report.rejected.len(), "rule"))
            ul.rules {
                @for rule in report.rejected.iter().take(MOST_RULES) {
                    li {
                        (shown(&rule.rule)) " " (code(&format!("{}:{}", rule.origin.file, rule.origin.line)))
                        span.reason { (shown(&rule.reason)) }
                    }
                }
            }
        }
    }
}
