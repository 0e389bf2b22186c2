//! What was read and what was not: accounts, Regions, counts that add up, problems, rules left out.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::format::{
    code, format_date, format_datetime, format_time, make_visible, scrolling, sum,
    truncation_notice, values,
};
use super::heatmap;
use crate::assess::RuleState;
use crate::assess::completeness::{Days, Hours};
use crate::coverage::{Coverage, ProblemKind, RegionCoverage};
use crate::event::time::Epoch;
use crate::report::rows::Row;
use crate::report::{Report, notes};
use crate::trail::Lookup;
use crate::words::{plural, thousands};

const MOST_PROBLEMS: usize = 50;
const MOST_PLACES: usize = 300;
const MOST_RULES: usize = 200;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #scope aria-labelledby="scope-title" {
            h2 #scope-title { "Scope and coverage" }
            p.lead {
                "Basis of the findings: what the trails record, which logs were found, and which were read."
            }
            (asked_for(report))
            (notes_of(report))
            (empty_days(report))
            (heatmap::figure(report))
            (places(report))
            (trails(report))
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
    format!("{} {} UTC", format_date(at), format_time(at))
}

fn places(report: &Report) -> Markup {
    let rows: Vec<Row<'_>> = report.rows().collect();
    html! {
        h3 #places { "Accounts and Regions" }
        @if rows.is_empty() {
            p { "No account or Region was found in the logs." }
        } @else {
            p.aside {
                "Hours are those of the window (" (window_of(report)) "). With logs: events happened in them or files "
                "were delivered. Proven quiet: no log, and valid digests say that none was delivered. Neither: no log, and "
                "nothing shows whether any is missing. Late files were delivered more than 15 minutes after their newest "
                "event; copies of events were counted once."
            }
            (truncation_notice(rows.len().min(MOST_PLACES), rows.len(), "row"))
            (scrolling("Accounts and Regions", &html! {
                table.places {
                    thead {
                        tr {
                            th scope="col" { "Account" }
                            th scope="col" { "Region" }
                            th.number scope="col" { "Log files" }
                            th.number scope="col" { "Events" }
                            th.number scope="col" { "Duplicates" }
                            th.number scope="col" { "Late files" }
                            th.number scope="col" { "Not read" }
                            th.number scope="col" { "Digests" }
                            th scope="col" { "First hour (UTC)" }
                            th scope="col" { "Last hour (UTC)" }
                            th.number scope="col" { "Hours with logs" }
                            th.number scope="col" { "Proven quiet" }
                            th.number scope="col" { "Neither" }
                        }
                    }
                    tbody {
                        @for (row, place) in rows.iter().zip(&report.completeness.places).take(MOST_PLACES) {
                            tr {
                                th scope="row" { (code(&row.hours.account)) }
                                td.nowrap { (code(&row.hours.region)) }
                                (heatmap::counts(row))
                                (ends(row.coverage))
                                (known(&place.hours))
                            }
                        }
                    }
                }
            }))
        }
    }
}

/// The first and the last hour with events.
fn ends(seen: &RegionCoverage) -> Markup {
    let mut hours = seen.hours.iter().filter(|(_, hour)| hour.events > 0);
    let first = hours.next();
    let last = hours.next_back().or(first);
    html! {
        @for end in [first, last] {
            @match end {
                Some((at, _)) => { td.nowrap { (hour(*at)) } }
                None => { td { "–" } }
            }
        }
    }
}

/// What is known of the hours of the window.
fn known(hours: &Hours) -> Markup {
    html! {
        td.number { (thousands(hours.with_logs)) " of " (thousands(hours.all)) }
        td.number { (thousands(hours.proven_quiet)) }
        td.number { (thousands(hours.unknown)) }
    }
}

fn window_of(report: &Report) -> String {
    let window = report.completeness.window;
    window.map_or_else(String::new, |one| {
        format!(
            "{} to {}, {}",
            instant(one.from),
            instant(one.until),
            one.origin()
        )
    })
}

/// Whole days without a file of an account that has files, and those that the configuration excuses.
fn empty_days(report: &Report) -> Markup {
    let all = &report.completeness;
    let list = |days: &[Days]| {
        html! {
            (truncation_notice(days.len().min(MOST_PLACES), days.len(), "account"))
            ul.gaps {
                @for one in days.iter().take(MOST_PLACES) {
                    li { (code(&one.account)) ": " (plural(one.count, "day")) " (" (one.in_words()) ")" }
                }
            }
        }
    };
    html! {
        @if !all.empty_days.is_empty() {
            h3 #empty-days { "Whole days without a log file" }
            p {
                "Days (" (all.empty_days.first().map_or("UTC", Days::zone)) ") by the time of delivery, of accounts that have files in the window. No valid digest "
                "proves these days quiet, so nothing is known of them: the logs may never have been written, or are missing."
            }
            (list(&all.empty_days))
        }
        @if !all.dormant_days.is_empty() {
            h3 { "Days on which accounts are dormant by the configuration" }
            (list(&all.dormant_days))
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
            "Outside: not in the requested period, accounts or Regions. Duplicates: the same event delivered twice. "
            "Of the evaluated, " (thousands(r.undated)) " had no readable time and " (thousands(r.insight))
            " were Insight records. Not counted as logs: " (plural(o.digests, "digest file")) " and "
            (plural(o.foreign, "file")) " that are not CloudTrail logs."
        }
        @if !coverage.foreign.is_empty() {
            p.aside {
                "Files that are not CloudTrail logs: "
                @for (place, name) in coverage.foreign.iter().enumerate() {
                    @if place > 0 { ", " }
                    (code(name))
                }
                @let more = o.foreign.saturating_sub(coverage.foreign.len() as u64);
                @if more > 0 { " and " (thousands(more)) " more" }
                "."
            }
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
        ProblemKind::NotReadBack => "not read back",
        ProblemKind::Bounded => "limit reached",
        ProblemKind::Conflict => "conflict",
        ProblemKind::Repaired => "repaired",
        ProblemKind::Misplaced => "misplaced",
        ProblemKind::NotCloudTrail => "not CloudTrail",
        ProblemKind::Internal => "bug in trailscan",
    }
}

fn problems(coverage: &Coverage) -> Markup {
    // what was lost comes before what was repaired
    let mut all: Vec<_> = coverage.problems.iter().collect();
    all.sort_by_key(|problem| !problem.kind.is_loss());
    html! {
        h3 #problems { "Problems" }
        @if all.is_empty() {
            p { "None." }
        } @else {
            (truncation_notice(all.len().min(MOST_PROBLEMS), all.len(), "problem"))
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
                            td role="cell" data-label="What" { bdi { (make_visible(&problem.what)) } }
                            td role="cell" data-label="Object" { (code(&problem.object)) }
                        }
                    }
                }
            }
        }
    }
}

/// What holds for the coverage as a whole.
fn notes_of(report: &Report) -> Markup {
    let notes = notes::notes(report);
    html! {
        @if !notes.is_empty() {
            ul.notes { @for note in &notes { li { (make_visible(note)) } } }
        }
    }
}

/// The trails as CloudTrail describes them, and what was done to them.
fn trails(report: &Report) -> Markup {
    let coverage = &report.coverage;
    html! {
        @if !coverage.trails.is_empty() {
            h3 { "Trails" }
            ul.rules {
                @for trail in &coverage.trails {
                    li {
                        (make_visible(&trail.name)) " " (code(&trail.arn))
                        span.reason {
                            @if trail.organization { "all accounts of the organization; " }
                            @if trail.multi_region { "all Regions; " } @else { (code(&trail.home_region)) " only; " }
                            @match &trail.status {
                                Lookup::Answered(status) if status.logging => "logging",
                                Lookup::Answered(_) => { strong { "stopped" } }
                                Lookup::Unknown(why) => (make_visible(why)),
                            }
                            @if trail.validation { "; with digests" } @else { "; without digests" }
                        }
                    }
                }
            }
        }
        @if !coverage.changes.is_empty() {
            h3 { "Changes of trails" }
            ul.rules {
                @for change in &coverage.changes {
                    li {
                        (make_visible(&change.event_name)) " " (code(&change.trail))
                        span.reason {
                            @if let Some(at) = change.time { (format_datetime(at)) ", " }
                            "account " (code(&change.account)) ", event " (code(&change.event_id))
                        }
                    }
                }
            }
        }
    }
}

/// Rules that could not see all of their events, those with one reason together.
fn by_reason<'r>(heading: &str, rules: impl Iterator<Item = (&'r RuleState, &'r str)>) -> Markup {
    let mut reasons: BTreeMap<&str, Vec<&RuleState>> = BTreeMap::new();
    for (rule, reason) in rules {
        reasons.entry(reason).or_default().push(rule);
    }
    let all: usize = reasons.values().map(Vec::len).sum();
    html! {
        @if all > 0 {
            h4 { (heading) }
            (truncation_notice(reasons.len().min(MOST_RULES), reasons.len(), "reason"))
            ul.rules {
                @for (reason, rules) in reasons.iter().take(MOST_RULES) {
                    li {
                        @for (at, rule) in rules.iter().enumerate() {
                            @if at > 0 { br; }
                            (make_visible(&rule.title)) " " (code(&rule.name))
                        }
                        span.reason { (make_visible(reason)) }
                    }
                }
            }
        }
    }
}

/// Rules whose blind spot the organization has accepted, each with the reason and the last day.
fn accepted(report: &Report) -> Markup {
    let all: Vec<_> = report.accepted().collect();
    html! {
        @if !all.is_empty() {
            h4 #accepted { "Accepted blind spots" }
            (truncation_notice(all.len().min(MOST_RULES), all.len(), "rule"))
            ul.rules {
                @for (rule, reason) in all.iter().take(MOST_RULES) {
                    li { (make_visible(&rule.title)) " " (code(&rule.name)) span.reason { (make_visible(reason)) } }
                }
            }
        }
    }
}

/// Rules that say nothing, or not everything, each with the reason: silence is not a clean result.
fn rules_aside(report: &Report) -> Markup {
    let unseen = report.not_assessed().count() + report.partly_assessed().count();
    html! {
        h3 #rules-aside { "Rules not assessed or partly assessed" }
        @if unseen == 0 && report.unconfigured.is_empty() && report.rejected.is_empty() {
            p {
                "None: every rule was loaded and configured, and could see the events it is about wherever logs exist."
                @if let Some(unknown) = report.completeness.unknown_hours() { " " (unknown) "." }
            }
        }
        (accepted(report))
        (by_reason("Not assessed: the events they are about could not be seen", report.not_assessed()))
        (by_reason("Partly assessed: some of their events could not be seen", report.partly_assessed()))
        @if !report.unconfigured.is_empty() {
            h4 { "Not configured: keys are missing in the configuration" }
            (truncation_notice(report.unconfigured.len().min(MOST_RULES), report.unconfigured.len(), "rule"))
            ul.rules {
                @for rule in report.unconfigured.iter().take(MOST_RULES) {
                    li {
                        (make_visible(&rule.title)) " " (code(&rule.rule))
                        span.reason { "missing: " (values(&rule.missing)) }
                    }
                }
            }
        }
        @if !report.rejected.is_empty() {
            h4 { "Not loaded: the rule file has an error" }
            (truncation_notice(report.rejected.len().min(MOST_RULES), report.rejected.len(), "rule"))
            ul.rules {
                @for rule in report.rejected.iter().take(MOST_RULES) {
                    li {
                        (make_visible(&rule.rule)) " " (code(&format!("{}:{}", rule.origin.file, rule.origin.line)))
                        span.reason { (make_visible(&rule.reason)) }
                    }
                }
            }
        }
    }
}
