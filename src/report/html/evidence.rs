//! The events a finding rests on: what the log says of each, and where to find it there.

use maud::{Markup, html};

use super::format::{code, format_time, make_visible, scrolling, short, shortened, value};
use crate::event::time;
use crate::finding::{Finding, Sample};
use crate::words::{plural, thousands};

/// The kept events of a finding, in the order of time.
pub(super) fn of(finding: &Finding) -> Markup {
    let kept = finding.samples.len();
    let label = format!("Evidence for {}", finding.title);
    html! {
        details.evidence open {
            summary {
                h4 { "Evidence" } " "
                span.aside {
                    @if (kept as u64) < finding.count {
                        (thousands(kept as u64)) " of " (plural(finding.count, "event"))
                        ": the first, the last, and one for each call, result, access key and address as far as there is room"
                    } @else {
                        (plural(kept as u64, "event"))
                    }
                }
            }
            @if kept == 0 {
                p { "No event of this finding was kept as a sample." }
            } @else {
                (scrolling(&make_visible(&label), &html! {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Time (UTC)" }
                                th scope="col" { "Event" }
                                th scope="col" { "From" }
                                th scope="col" { "Result" }
                            }
                        }
                        @for sample in &finding.samples { (rows(sample, finding)) }
                    }
                }))
            }
        }
    }
}

/// Two lines: what happened, and where the record lies.
fn rows(sample: &Sample, finding: &Finding) -> Markup {
    let several = finding.actors.len() > 1;
    html! {
        tbody {
            tr {
                td.nowrap {
                    @match sample.time {
                        Some(at) => { (time::utc(at).format("%Y-%m-%d")) " " (format_time(at)) }
                        None => "undated"
                    }
                }
                td {
                    (value(&sample.event_name))
                    @if !sample.target.is_empty() && sample.target != finding.resource {
                        div.small { "on " (value(short(&sample.target))) }
                    }
                    @if several && !sample.principal.is_empty() {
                        div.small { "by " (value(short(&sample.principal))) }
                    }
                }
                td {
                    @if sample.source_ip.is_empty() { "–" } @else { (code(&sample.source_ip)) }
                    @if !sample.access_key.is_empty() {
                        div.small { "key " (code(&sample.access_key)) }
                    }
                    @if !sample.user_agent.is_empty() {
                        div.small { bdi { (shortened(&sample.user_agent, 60)) } }
                    }
                }
                td {
                    (make_visible(&sample.outcome))
                    @if !sample.error_code.is_empty() { ", " (code(&sample.error_code)) }
                    @if !sample.error_message.is_empty() {
                        div.small { bdi { (shortened(&sample.error_message, 160)) } }
                    }
                }
            }
            tr.lies {
                td colspan="4" {
                    @if sample.event_id.is_empty() { "no event id" } @else { "event " (code(&sample.event_id)) }
                    ", record " (sample.record) " of " (code(&sample.object))
                }
            }
        }
    }
}
