//! One card per finding: what happened, why it matters, what to do, the evidence, and room for the
//! reviewer's decision.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use maud::{Markup, PreEscaped, html};

use super::evidence;
use super::format::{
    anchor, badge, citation_anchor, code, format_date, format_datetime, format_time, local,
    make_visible, short, truncation_notice, value, values,
};
use crate::finding::{CallCount, Finding};
use crate::hipaa::CATALOGUE;
use crate::report::Report;
use crate::severity::Severity;
use crate::words::{plural, rounded_duration, thousands};

/// So many findings have cards whatever their level.
const MOST_CARDS: usize = 200;
/// More critical and high findings than this are beyond a page, and a sign of a wrong rule.
const MOST_SEVERE: usize = 2_000;
/// Calls named one by one.
const MOST_CALLS: usize = 12;

/// Which findings have a card: all critical and high ones, and the first of the rest.
pub(super) struct CardedFindings<'a> {
    ids: BTreeSet<&'a str>,
}

impl<'a> CardedFindings<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let severe = report
            .findings
            .iter()
            .filter(|finding| finding.level >= Severity::High);
        let mut ids: BTreeSet<&str> = severe
            .take(MOST_SEVERE)
            .map(|finding| finding.id.as_str())
            .collect();
        for finding in report
            .findings
            .iter()
            .filter(|finding| finding.level < Severity::High)
        {
            if ids.len() >= MOST_CARDS {
                break;
            }
            ids.insert(&finding.id);
        }
        Self { ids }
    }

    pub(super) fn has(&self, finding: &Finding) -> bool {
        self.ids.contains(finding.id.as_str())
    }

    /// The critical and high findings that have a card.
    pub(super) fn severe(&self, report: &'a Report) -> impl Iterator<Item = &'a Finding> {
        report
            .findings
            .iter()
            .filter(|finding| finding.level >= Severity::High && self.has(finding))
    }
}

/// The section of the cards, with `place` where they belong.
pub(super) fn section(report: &Report, place: &str) -> Markup {
    let all = &report.findings;
    let carded = CardedFindings::of(report);
    let shown = all.iter().filter(|finding| carded.has(finding)).count();
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { "Finding cards" }
            @if all.is_empty() {
                p { "No findings in the covered data." }
            }
            (truncation_notice(shown, report.count(), "finding"))
            (PreEscaped(place))
        }
    }
}

/// The cards, in the order of the findings.
pub(super) fn cards(report: &Report, zone: Option<Tz>) -> impl Iterator<Item = Markup> {
    let carded = CardedFindings::of(report);
    let shown = report.findings.iter();
    let shown = shown.filter(move |finding| carded.has(finding));
    shown.map(move |finding| card(finding, zone))
}

fn card(finding: &Finding, zone: Option<Tz>) -> Markup {
    html! {
        article.card.(finding.level.as_str()) id=(anchor(&finding.id))
            aria-labelledby={ (anchor(&finding.id)) "-title" } {
            header {
                h3 id={ (anchor(&finding.id)) "-title" } { (value(&finding.title)) }
                (badge(finding.level))
            }
            p.sentence { (sentence(finding)) }
            @if let Some((least, most)) = finding.objects_range() {
                p.estimate {
                    "At least " (thousands(least)) " and at most " (thousands(most))
                    " objects, because each DeleteObjects call removes 1 to 1,000 and CloudTrail does not say how many."
                }
            }
            @if let Some(said) = &finding.correlation {
                p.estimate { "Seen together: " (make_visible(said)) "." }
            }
            (facts(finding, zone))
            (meaning(finding))
            (evidence::of(finding))
            (disposition())
            p.origin {
                "Rule " (code(&finding.rule))
                @if !finding.rule_id.is_empty() { " (" (code(&finding.rule_id)) ")" }
                " · finding " (code(&finding.id)) " · period " (code(&finding.period))
                @if !finding.attack.is_empty() { " · ATT&CK " (values(&finding.attack)) }
            }
        }
    }
}

/// Who did what, how often, on what, when, and how it ended.
fn sentence(finding: &Finding) -> Markup {
    let mut calls: Vec<(&String, u64)> = finding
        .calls
        .iter()
        .map(|(name, count)| (name, count.succeeded + count.denied + count.failed))
        .collect();
    calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = calls.len().saturating_sub(3) as u64;
    html! {
        @if finding.actor.is_empty() { "An unidentified caller" } @else { b { (value(short(&finding.actor))) } }
        " called "
        @for (at, (name, count)) in calls.iter().take(3).enumerate() {
            @if at > 0 { (if at + 1 == calls.len() { " and " } else { ", " }) }
            b { (value(name)) }
            @if *count > 1 || calls.len() > 1 { " " (times(*count)) }
        }
        @if more > 0 { " and " (plural(more, "other operation")) }
        @if !finding.resource.is_empty() { " on " b { (value(short(&finding.resource))) } }
        (when(finding))
        "; " (result(finding)) "."
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", thousands(count)),
    }
}

fn when(finding: &Finding) -> String {
    match (finding.first, finding.last) {
        (Some(first), Some(last)) if first == last => {
            format!(" on {} at {} UTC", format_date(first), format_time(first))
        }
        (Some(first), Some(last)) if format_date(first) == format_date(last) => {
            format!(
                " on {} between {} and {} UTC ({})",
                format_date(first),
                format_time(first),
                format_time(last),
                rounded_duration(last - first)
            )
        }
        (Some(first), Some(last)) => {
            format!(
                " between {} and {} ({})",
                format_datetime(first),
                format_datetime(last),
                rounded_duration(last - first)
            )
        }
        _ => " at an unknown time (the records carry none that can be read)".to_owned(),
    }
}

/// All calls of the finding together.
fn outcome(finding: &Finding) -> CallCount {
    finding
        .calls
        .values()
        .fold(CallCount::default(), |sum, count| CallCount {
            succeeded: sum.succeeded + count.succeeded,
            denied: sum.denied + count.denied,
            failed: sum.failed + count.failed,
        })
}

fn result(finding: &Finding) -> String {
    let all = outcome(finding);
    let parts: Vec<(u64, &str)> = [
        (all.succeeded, "succeeded"),
        (all.denied, "denied"),
        (all.failed, "failed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .collect();
    match parts.as_slice() {
        [] => "outcome not recorded".to_owned(),
        [(1, "denied")] => "it was denied".to_owned(),
        [(1, word)] => format!("it {word}"),
        [(_, "denied")] => "all were denied".to_owned(),
        [(_, word)] => format!("all {word}"),
        _ => parts
            .iter()
            .map(|(count, word)| format!("{} {word}", thousands(*count)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn facts(finding: &Finding, zone: Option<Tz>) -> Markup {
    let at = |label: &str, time: Option<i64>| {
        html! {
            @if let Some(time) = time {
                div {
                    (label) (format_datetime(time))
                    @if let Some(there) = local(zone, time) { span.aside { " (" (there) ")" } }
                }
            }
        }
    };
    let once = finding.first == finding.last;
    html! {
        dl.facts.pairs {
            dt { "Who" }
            dd { (who(finding)) }
            dt { "What" }
            dd {
                ul.plain {
                    @for (name, count) in finding.calls.iter().take(MOST_CALLS) {
                        li { (code(name)) ": " (calls(*count)) }
                    }
                    @if finding.calls.len() > MOST_CALLS {
                        li { "and " (plural((finding.calls.len() - MOST_CALLS) as u64, "other operation")) }
                    }
                }
            }
            dt { "When" }
            dd {
                @if once { (at("", finding.first)) }
                @else { (at("first ", finding.first)) (at("last ", finding.last)) }
                @if finding.first.is_none() { "not recorded" }
            }
            dt { "On what" }
            dd { @if finding.resource.is_empty() { "not one resource" } @else { (code(&finding.resource)) } }
            dt { "Where" }
            dd { (place(finding)) }
            dt { "Result" }
            dd { (plural(finding.count, "event")) ": " (calls(outcome(finding))) }
        }
    }
}

/// The actor, the principals where these are others, and the access keys.
fn who(finding: &Finding) -> Markup {
    let others = finding.actors.iter().any(|actor| *actor != finding.actor);
    html! {
        @if finding.actor.is_empty() && !others { "not recorded" }
        @if !finding.actor.is_empty() { (code(&finding.actor)) }
        @if others {
            div {
                "called by " (values(&finding.actors))
                @if finding.more_actors > 0 { " and " (thousands(finding.more_actors)) " more" }
            }
        }
        @if !finding.access_keys.is_empty() {
            div.small {
                "access key " (values(&finding.access_keys))
                @if finding.more_access_keys > 0 {
                    " and " (thousands(finding.more_access_keys)) " more"
                }
            }
        }
    }
}

fn place(finding: &Finding) -> Markup {
    html! {
        @if !finding.accounts.is_empty() { "account " (values(&finding.accounts)) ", " }
        @if !finding.regions.is_empty() { (values(&finding.regions)) ", " }
        @if finding.source_ips.is_empty() {
            "source address not recorded"
        } @else {
            "from " (values(&finding.source_ips))
            @if finding.more_source_ips > 0 { " and " (thousands(finding.more_source_ips)) " more" }
        }
    }
}

fn calls(count: CallCount) -> String {
    let parts: Vec<String> = [
        (count.succeeded, "succeeded"),
        (count.denied, "denied"),
        (count.failed, "failed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", thousands(count)))
    .collect();
    match (
        parts.as_slice(),
        count.succeeded + count.denied + count.failed,
    ) {
        ([only], 1) => only.trim_start_matches("1 ").to_owned(),
        _ => parts.join(", "),
    }
}

fn meaning(finding: &Finding) -> Markup {
    html! {
        div.meaning {
            div {
                h4 { "Why it matters" }
                p { (make_visible(&finding.why)) }
            }
            @if !finding.response.is_empty() {
                div {
                    h4 { "Recommended steps" }
                    ol { @for step in &finding.response { li { (make_visible(step)) } } }
                }
            }
            @if !finding.false_positives.is_empty() {
                div {
                    h4 { "Known false positives" }
                    ul { @for known in &finding.false_positives { li { (make_visible(known)) } } }
                }
            }
        }
        @if !finding.citations.is_empty() {
            ul.cited aria-label="Citations" {
                @for section in &finding.citations { (cited(section)) }
            }
        }
    }
}

fn cited(section: &str) -> Markup {
    let known = CATALOGUE
        .iter()
        .find(|citation| citation.section == section);
    html! {
        li {
            a href={ "#" (citation_anchor(section)) } { (make_visible(section)) }
            @if let Some(citation) = known { " " (citation.title) }
        }
    }
}

/// Empty lines for the decision, as the register wants it.
fn disposition() -> Markup {
    html! {
        div.disposition {
            h4 { "Decision" }
            ul.choices {
                @for choice in ["true positive", "benign", "expected", "needs investigation"] {
                    li { span.tick aria-hidden="true" {} (choice) }
                }
            }
            p.line { span { "Reason" } }
            div.lines {
                @for line in ["Ticket", "Name", "Date"] { p.line { span { (line) } } }
            }
        }
    }
}
