//! The first page: what needs a decision, whether the logs can be trusted, and where to sign.

use chrono_tz::Tz;
use maud::{Markup, html};

use super::format::{badge, code, format_datetime, local, make_visible, markup};
use super::review;
use crate::assess::Assessment;
use crate::event::time::Epoch;
use crate::report::document::front::{self, Summary};
use crate::report::{Report, notes};
use crate::severity::Severity;
use crate::words::{plural, thousands};

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
                (summary(&front::coverage(report)))
                (summary(&front::integrity(report)))
                (rules(report))
            }
            (sign_off(report))
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
        @for note in report.review.iter().flat_map(|view| &view.notices) { p.warning { (make_visible(note)) } }
        @if !coverage.identities_hold() {
            p.warning {
                "The counts of this run do not add up. This is a fault in trailscan: do not rely on this report."
            }
        }
    }
}

fn needs_decision(report: &Report) -> Markup {
    let (levels, settled) = (report.to_decide(), report.settled());
    let count: usize = levels.iter().map(|(_, count)| count).sum();
    html! {
        div.box {
            h2 { "Needs decision" }
            @if levels.is_empty() {
                p.figure.words { @if settled.is_none() { "No findings" } @else { "Nothing left" } }
                p { "in the covered data." }
            } @else {
                p.figure { (thousands(count as u64)) }
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
            @if let Some(settled) = settled { p { (settled) } }
        }
    }
}

/// Never better than the weakest part: incomplete, else stopped, else hours that nobody knows of.
/// A figure and what it rests on.
fn summary(of: &Summary) -> Markup {
    html! {
        div.box {
            h2 { (of.title) }
            p.figure.words[of.is_word].alert[of.is_alert] { (of.figure) }
            @for (sentence, is_alert) in &of.sentences { p class=[is_alert.then_some("alert")] { (markup(sentence)) } }
            ul.plain { @for (line, is_alert) in &of.lines { li class=[is_alert.then_some("alert")] { (markup(line)) } } }
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

/// What is recorded; without a record, lines that are filled in by hand, after printing: a page that runs no
/// script cannot keep what is typed.
fn sign_off(report: &Report) -> Markup {
    html! {
        div.signoff {
            h2 { "Sign-off" }
            @match review::signed(report) {
                Some(signed) => (signed),
                None => (blank_sign_off()),
            }
        }
    }
}

fn blank_sign_off() -> Markup {
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
        p { (front::STATEMENT) }
        div.persons { (person("Reviewer")) (person("Approver")) }
        p.line.tall { span { "Notes" } }
    }
}
