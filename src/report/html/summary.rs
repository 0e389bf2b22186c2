//! The first page: what needs a decision, whether the logs can be trusted, and where to sign.

use chrono_tz::Tz;
use maud::{Markup, html};

use super::format::{badge, code, format_datetime, local, make_visible};
use crate::assess::Assessment;
use crate::event::time::Epoch;
use crate::integrity::proof::State;
use crate::report::{Report, notes};
use crate::severity::Severity;
use crate::words::{full_duration, plural, thousands, upper_first};

pub(super) fn section(report: &Report, id: &str, zone: Option<Tz>) -> Markup {
    html! {
        section #decision aria-labelledby="title" {
            h1 #title { "HIPAA activity review" }
            p.organization {
                @if report.provenance.organization.is_empty() {
                    "Organization not named in the configuration"
                } @else {
                    bdi { (make_visible(&report.provenance.organization)) }
                }
            }
            (identity(report, id, zone))
            p.verdict { (report.verdict()) }
            (warnings(report))
            div.boxes {
                (needs_decision(report))
                (coverage(report))
                (integrity(report))
                (rules(report))
            }
            (sign_off())
        }
    }
}

fn identity(report: &Report, id: &str, zone: Option<Tz>) -> Markup {
    let from = &report.provenance;
    let instant = |at: Epoch| {
        html! {
            (format_datetime(at))
            @if let Some(there) = local(zone, at) { span.aside { " (" (there) ")" } }
        }
    };
    // where no window was given, the period is what the logs themselves span
    let bound = |asked: Option<Epoch>, read: Option<Epoch>, words: &str| {
        html! {
            @match (asked, read) {
                (Some(at), _) => (instant(at)),
                (None, Some(at)) => { (words) ", " (instant(at)) }
                (None, None) => (words),
            }
        }
    };
    html! {
        dl.identity {
            div.wide {
                dt { "Period" }
                dd {
                    @if let Some(week) = from.window.week(from.zone()) { "ISO week " (week) " (" (from.zone().name()) ")" br; }
                    "from " (bound(from.window.since, report.coverage.first, "the earliest event read"))
                    br;
                    "up to "
                    @if from.window.until.is_some() { "and not including " }
                    @match (from.window.until, from.window.since.and(from.created)) {
                        (None, Some(now)) => { "the moment of this run, " (instant(now)) }
                        (until, _) => (bound(until, report.coverage.last, "the latest event read")),
                    }
                }
            }
            div { dt { "Report" } dd { (code(id)) } }
            div { dt { "Created" } dd { @match from.created { Some(at) => (instant(at)), None => "not recorded" } } }
            div { dt { "Made with" } dd { "trailscan " (from.version) } }
        }
    }
}

/// What a reader must not overlook, whatever the boxes say.
fn warnings(report: &Report) -> Markup {
    let coverage = &report.coverage;
    let from = &report.provenance;
    let early = from
        .created
        .zip(from.window.until)
        .is_some_and(|(created, until)| created < until);
    html! {
        @if early {
            p.warning { "The period had not ended when this report was made: what came later is not in it." }
        }
        @if let Some(missing) = report.without_configuration() {
            p.warning {
                (missing)
                @if !report.unconfigured.is_empty() { " See " a href="#rules-aside" { "which" } "." }
            }
        }
        @if coverage.records.evaluated == 0 {
            p.warning { "No event was evaluated. This report says nothing about the period." }
        }
        @for note in notes::expired(report) { p.warning { (make_visible(&note)) } }
        @if !coverage.identities_hold() {
            p.warning {
                "The counts of this run do not add up. This is a fault in trailscan: do not rely on this report."
            }
        }
    }
}

fn needs_decision(report: &Report) -> Markup {
    let levels = report.by_level();
    html! {
        div.box {
            h2 { "Needs decision" }
            @if levels.is_empty() {
                p.figure.words { "No findings" }
                p { "in the covered data." }
            } @else {
                p.figure { (thousands(report.count() as u64)) }
                ul.counts {
                    @for (level, count) in levels {
                        li {
                            a href=(if level >= Severity::High { "#needs-decision" } else { "#others" }) {
                                (badge(level)) span.number { (thousands(count as u64)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Never better than the weakest part: incomplete, else stopped, else hours that nobody knows of.
fn coverage(report: &Report) -> Markup {
    let (objects, records) = (&report.coverage.objects, &report.coverage.records);
    let all = &report.completeness;
    let stopped = all.stopped();
    let unknown = all.unknown_hours();
    let read = objects.read == objects.listed;
    html! {
        div.box {
            h2 { "Coverage" }
            p.figure.words.alert[!all.complete || stopped > 0 || objects.listed == 0] {
                @if objects.listed == 0 { "No log files" }
                @else if !all.complete { "INCOMPLETE" }
                @else if stopped > 0 { "Logging stopped" }
                @else if unknown.is_some() { "All files read" }
                @else { "Complete" }
            }
            @if objects.listed == 0 { p { "No CloudTrail log file was found." } }
            @else if !report.coverage.is_complete() || !read {
                p { "Not all logs could be read; see " a href="#problems" { "problems" } "." }
            }
            @for reason in all.incomplete.iter().filter(|_| report.coverage.is_complete() && objects.listed > 0) {
                p { (upper_first(reason)) "." }
            }
            @if stopped > 0 {
                p.alert { "Logging was stopped for " (full_duration(stopped)) "; see " a href="#gaps" { "gaps" } "." }
            }
            ul.plain {
                li { (thousands(objects.read)) " of " (plural(objects.listed, "log file")) " read" }
                li { (plural(records.evaluated, "event")) " evaluated" }
                @if let Some(window) = all.window {
                    li { "Window: " (window.origin()) }
                    li {
                        a href="#places" { (thousands(all.hours.with_logs)) " of " (plural(all.hours.all, "hour")) " with logs" }
                        @if all.places.len() > 1 { " (" (plural(all.places.len() as u64, "account-Region")) ")" }
                    }
                    li { (thousands(all.hours.proven_quiet)) " proven quiet by digests" }
                    @if all.hours.pending > 0 { li { (thousands(all.hours.pending)) " still to come" } }
                    li { (thousands(all.hours.unknown)) " without a log, and not proven quiet" }
                    li.alert[!all.gaps.is_empty()] { (plural(all.gaps.len() as u64, "confirmed gap")) }
                    @let days: u64 = all.empty_days.iter().map(|one| one.count).sum();
                    li.alert[days > 0] { (plural(days, "whole day")) " without a file" }
                }
            }
        }
    }
}

fn integrity(report: &Report) -> Markup {
    html! {
        div.box {
            h2 { "Integrity" }
            @match &report.integrity {
                None => {
                    p.figure.words.alert { "Not checked" }
                    p { "Log-file integrity was not checked in this run." }
                    ul.plain {
                        li { (plural(report.coverage.objects.digests, "digest file")) " found, none verified" }
                    }
                }
                Some(proof) => {
                    @let (digests, logs) = (proof.digests, proof.logs);
                    @let state = proof.state();
                    @let all = logs.found().max(report.coverage.objects.listed);
                    p.figure.words.alert[state != State::Valid] {
                        @match state {
                            State::Valid => "Valid",
                            State::NotProven => "Not proven",
                            State::Broken => "BROKEN",
                        }
                    }
                    p {
                        @match state {
                            State::Valid if logs.valid == all && report.completeness.complete => {
                                "The logs are what AWS signed."
                            }
                            State::Valid => {
                                (thousands(logs.valid)) " of " (plural(all, "log file"))
                                " are what AWS signed."
                            }
                            State::NotProven => { "Not all can be proven; see " a href="#integrity" { "integrity" } "." }
                            State::Broken => { "Altered, removed or added; see " a href="#not-valid" { "what is not valid" } "." }
                        }
                    }
                    ul.plain {
                        li { (thousands(digests.valid)) " of " (plural(digests.total(), "digest")) " valid" }
                        li { (thousands(logs.valid)) " of " (plural(logs.total(), "log file")) " valid" }
                        @if logs.pending > 0 { li { (thousands(logs.pending)) " pending: their digest is not due yet" } }
                        @if logs.other_kinds > 0 { li { (thousands(logs.other_kinds)) " of a kind without digests" } }
                        @if proof.copy {
                            li { "A copy: it cannot show that a whole trail, account, Region or the latest hours are missing" }
                        }
                    }
                }
            }
        }
    }
}

fn rules(report: &Report) -> Markup {
    let assessed = report
        .rules
        .iter()
        .filter(|rule| rule.assessment == Assessment::Assessed)
        .count() as u64;
    let others = [
        (report.partly_assessed().count() as u64, "partly assessed"),
        (report.not_assessed().count() as u64, "not assessed"),
        (report.unconfigured.len() as u64, "not configured"),
        (report.rejected.len() as u64, "not loaded"),
    ];
    let accepted = report.accepted().count() as u64;
    html! {
        div.box {
            h2 { "Rules" }
            p.figure { (thousands(assessed)) }
            p { (report.completeness.assessed()) "." }
            ul.plain {
                @for (count, what) in others {
                    li.alert[count > 0] {
                        @if count > 0 { a href="#rules-aside" { (thousands(count)) " " (what) } }
                        @else { "0 " (what) }
                    }
                }
                @if accepted > 0 {
                    li { a href="#accepted" { (plural(accepted, "accepted blind spot")) } }
                }
            }
        }
    }
}

/// Filled in by hand, after printing: a page that runs no script cannot keep what is typed.
fn sign_off() -> Markup {
    let person = |role: &str| {
        html! {
            div.person {
                h3 { (role) }
                @for line in ["Name", "Role", "Date", "Signature"] {
                    p.line { span { (line) } }
                }
            }
        }
    };
    html! {
        div.signoff {
            h2 { "Sign-off" }
            p {
                "I have reviewed the activity described in this report for the period named above. "
                "Each finding that needs a decision has a recorded disposition, or an owner and a due date. "
                "Where data was not covered or a rule was not assessed, I have noted what was reviewed instead."
            }
            div.persons { (person("Reviewer")) (person("Approver")) }
            p.line.tall { span { "Notes" } }
        }
    }
}
