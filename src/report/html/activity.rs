//! What happened at all: the chart, the busiest callers and services, the refused calls.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{Chart, draw};
use super::format::{code, format_date, scrolling, truncation_notice};
use super::privileges;
use crate::assess::hours::HourState;
use crate::coverage::{DAY, HOUR, hour_of};
use crate::event::time::{self, Epoch};
use crate::report::Report;
use crate::report::activity::Top;
use crate::words::{rounded_duration, thousands};

const MOST_GAPS: usize = 40;
const MOST_DAYS: usize = 100;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #activity aria-labelledby="activity-title" {
            h2 #activity-title { "Activity" }
            @match Chart::of(report) {
                Some(chart) => {
                    (figure(&chart))
                    (gaps(&chart, report))
                    (by_day(report))
                }
                None => p { "No event with a readable time was evaluated." }
            }
            (top("Busiest callers", "Caller", &report.activity.callers))
            (top("Services", "Service", &report.activity.services))
            (top("Refused calls", "Call", &report.activity.refused_calls))
            (privileges::table(report))
        }
    }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            figcaption { "Events per " (chart.unit()) ", UTC" }
            ul.legend {
                li { span.swatch.succeeded aria-hidden="true" {} "succeeded" }
                li { span.swatch.failed aria-hidden="true" {} "failed" }
                li { span.swatch.denied aria-hidden="true" {} "denied" }
                li { span.swatch.gap aria-hidden="true" {} "no event at all" }
                li { span.shape.critical aria-hidden="true" { "◆" } "critical finding begins" }
                li { span.shape.high aria-hidden="true" { "▲" } "high finding begins" }
                @if chart.is_cut() {
                    li { span.shape aria-hidden="true" { "↑" } "bar continues to this number" }
                }
            }
            (scrolling("Chart of events over time", &draw(chart)))
        }
    }
}

/// The longest empty stretches in words: shading alone is easily overlooked.
fn gaps(chart: &Chart, report: &Report) -> Markup {
    let mut gaps = without_stops(chart.gaps(), report);
    let all = gaps.len();
    gaps.sort_by_key(|(begin, end)| (begin - end, *begin));
    gaps.truncate(MOST_GAPS);
    gaps.sort_unstable();
    html! {
        h3 { "Periods without events" }
        @if gaps.is_empty() {
            p { "None: every " (chart.unit()) " has events." }
        } @else {
            p {
                "In all accounts and Regions together, in UTC. Nothing may have happened, or nothing was recorded: "
                "the logs alone cannot show which. Times in which logging was stopped are excluded; they are under "
                a href="#scope" { "scope and coverage" } "."
            }
            @if gaps.len() < all {
                p.notice { "The " (gaps.len()) " longest of " (thousands(all as u64)) "." }
            }
            ul.gaps {
                @for (begin, end) in gaps {
                    li { (stretch(begin, end)) }
                }
            }
        }
    }
}

/// The stretches without the hours in which logging was stopped: these are said to the second elsewhere.
fn without_stops(stretches: Vec<(Epoch, Epoch)>, report: &Report) -> Vec<(Epoch, Epoch)> {
    let gaps = report.completeness.gaps.iter();
    let stops = gaps.filter(|gap| gap.state == HourState::Stopped);
    let mut left = stretches;
    for stop in stops {
        let (begin, end) = (hour_of(stop.from), hour_of(stop.until + HOUR - 1));
        left = left
            .into_iter()
            .flat_map(|(from, until)| [(from, until.min(begin)), (from.max(end), until)])
            .filter(|(from, until)| from < until)
            .collect();
        left.dedup();
    }
    left
}

/// `Thu 19 Nov 2026, 15:00 to 17:00 – 2 hours`, with the second day where it is another.
fn stretch(begin: Epoch, end: Epoch) -> String {
    let same = format_date(begin) == format_date(end);
    format!(
        "{} to {} – {}",
        time::utc(begin).format("%a %-d %b %Y, %H:%M"),
        time::utc(end).format(if same { "%H:%M" } else { "%a %-d %b, %H:%M" }),
        rounded_duration(end - begin)
    )
}

/// The chart's numbers for those who do not see it.
fn by_day(report: &Report) -> Markup {
    let mut days: BTreeMap<Epoch, [u64; 4]> = BTreeMap::new();
    for hour in &report.activity.hours {
        if let Some(at) = hour.hour {
            let [succeeded, failed, denied, hours] = days.entry(at.div_euclid(DAY)).or_default();
            *succeeded += hour.succeeded;
            *failed += hour.failed;
            *denied += hour.denied;
            *hours += 1;
        }
    }
    html! {
        details.numbers {
            summary { "The same numbers by day" }
            (truncation_notice(days.len().min(MOST_DAYS), days.len(), "day"))
            (scrolling("Events by day", &html! {
                table {
                    thead {
                        tr {
                            th scope="col" { "Day (UTC)" }
                            th.number scope="col" { "Succeeded" }
                            th.number scope="col" { "Failed" }
                            th.number scope="col" { "Denied" }
                            th.number scope="col" { "Hours with events" }
                        }
                    }
                    tbody {
                        @for (at, counts) in days.iter().take(MOST_DAYS) {
                            tr {
                                th scope="row" { (format_date(at * DAY)) }
                                @for count in counts { td.number { (thousands(*count)) } }
                            }
                        }
                    }
                }
            }))
        }
    }
}

fn top(title: &str, what: &str, rows: &[Top]) -> Markup {
    html! {
        h3 { (title) }
        @if rows.is_empty() {
            p { "None in the covered data." }
        } @else {
            (scrolling(title, &html! {
                table.top {
                    thead {
                        tr {
                            th scope="col" { (what) }
                            th.number scope="col" { "Events" }
                            th.number scope="col" { "Denied" }
                            th.number scope="col" { "Failed" }
                        }
                    }
                    tbody {
                        @for row in rows {
                            tr {
                                th scope="row" { (code(&row.name)) }
                                td.number { (thousands(row.events)) }
                                td.number { (thousands(row.denied)) }
                                td.number { (thousands(row.failed)) }
                            }
                        }
                    }
                }
            }))
        }
    }
}
