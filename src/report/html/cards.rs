//! One card per finding: what happened, why it matters, what to do, the evidence, and room for the
//! reviewer's decision.

use chrono_tz::Tz;
use maud::{Markup, PreEscaped, html};

use super::format::{
    anchor, badge, citation_anchor, code, format_datetime, local, make_visible, markup,
    truncation_notice, value, values,
};
use super::{evidence, review};
use crate::finding::Finding;
use crate::hipaa::CATALOGUE;
use crate::report::Report;
use crate::report::document::cards::{
    CHOICES, CardedFindings, Limits, calls, outcome, remarks, sentence,
};
use crate::words::{plural, thousands};

/// So many findings have cards whatever their level.
const MOST_CARDS: usize = 200;
/// More critical and high findings than this are beyond a page, and a sign of a wrong rule.
const MOST_SEVERE: usize = 2_000;
/// Calls named one by one.
const MOST_CALLS: usize = 12;

/// How many findings have cards.
pub(super) const LIMITS: Limits = Limits {
    severe: MOST_SEVERE,
    all: MOST_CARDS,
};

/// The section of the cards, with `place` where they belong.
pub(super) fn section(report: &Report, place: &str) -> Markup {
    let all = &report.findings;
    let carded = CardedFindings::of(report, LIMITS);
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
    let carded = CardedFindings::of(report, LIMITS);
    let shown = report.findings.iter();
    let shown = shown.filter(move |finding| carded.has(finding));
    shown.map(move |finding| card(report, finding, zone))
}

fn card(report: &Report, finding: &Finding, zone: Option<Tz>) -> Markup {
    html! {
        article.card.(finding.level.as_str()) id=(anchor(&finding.id))
            aria-labelledby={ (anchor(&finding.id)) "-title" } {
            header {
                h3 id={ (anchor(&finding.id)) "-title" } { (value(&finding.title)) }
                (badge(finding.level))
            }
            p.sentence { (markup(&sentence(finding))) }
            @for remark in remarks(finding) { p.estimate { (markup(&remark)) } }
            (facts(finding, zone))
            (meaning(finding))
            (evidence::of(finding))
            @match review::recorded(report, &finding.id) {
                Some(recorded) => div.disposition { h4 { "Decision" } p { (recorded) } },
                None => (disposition()),
            }
            p.origin {
                "Rule " (code(&finding.rule))
                @if !finding.rule_id.is_empty() { " (" (code(&finding.rule_id)) ")" }
                " · finding " (code(&finding.id)) " · period " (code(&finding.period))
                @if !finding.attack.is_empty() { " · ATT&CK " (values(&finding.attack)) }
            }
        }
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
                @for choice in CHOICES {
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
