//! What happened at all: events over time, the busiest callers and services.

use std::collections::BTreeMap;

use super::{Block, Row, Section, Table, column, numbers};
use crate::coverage::DAY;
use crate::event::time::Epoch;
use crate::report::Report;
use crate::report::activity::Top;
use crate::report::text::{Text, format_date, shortened, truncation_notice};
use crate::words::thousands;

/// The longest name in a row, in characters.
const MOST_IN_ROW: usize = 160;
const MOST_DAYS: usize = 100;

/// Events of equal stretches of time, one bar each.
#[derive(Debug)]
pub struct Chart {
    pub title: String,
    /// Each with its name, and how many events were denied, failed and succeeded.
    pub bars: Vec<(String, [u64; 3])>,
    /// The same in words.
    pub alternative: String,
}

pub fn section(report: &Report) -> Section {
    let days = by_day(report);
    let mut blocks = Vec::new();
    if days.is_empty() {
        blocks.push(Block::Paragraph(
            "No event with a readable time was evaluated.".into(),
        ));
    } else {
        blocks.extend(chart(&days).map(Block::Chart));
        let notice = truncation_notice(days.len().min(MOST_DAYS), days.len(), "day");
        blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
        blocks.push(Block::Table(day_table(&days)));
    }
    for (title, what, rows) in [
        ("Busiest callers", "Caller", &report.activity.callers),
        ("Services", "Service", &report.activity.services),
    ] {
        blocks.push(Block::Heading(title, None));
        blocks.push(match rows.is_empty() {
            true => Block::Paragraph("None in the covered data.".into()),
            false => Block::Table(top(title, what, rows)),
        });
    }
    Section {
        anchor: "activity",
        title: "Activity",
        blocks,
    }
}

/// Denied, failed, succeeded, and hours with events of each UTC day with events, by its start.
fn by_day(report: &Report) -> BTreeMap<Epoch, [u64; 4]> {
    let mut days: BTreeMap<Epoch, [u64; 4]> = BTreeMap::new();
    for hour in &report.activity.hours {
        if let Some(at) = hour.hour {
            let day = at.div_euclid(DAY) * DAY;
            let [denied, failed, succeeded, hours] = days.entry(day).or_default();
            *denied += hour.denied;
            *failed += hour.failed;
            *succeeded += hour.succeeded;
            *hours += 1;
        }
    }
    days
}

/// A bar a day, or of as many days as it takes to have no more than some dozens.
fn chart(days: &BTreeMap<Epoch, [u64; 4]>) -> Option<Chart> {
    const MOST_BARS: Epoch = 62;
    let (first, last) = (*days.keys().next()?, *days.keys().next_back()?);
    let all = (last - first) / DAY + 1;
    let step = (all + MOST_BARS - 1) / MOST_BARS;
    let count = (all + step - 1) / step;
    let bar = |at: Epoch| {
        let (from, until) = (first + at * step * DAY, first + (at + 1) * step * DAY);
        let mut sum = [0; 3];
        for (_, [denied, failed, succeeded, _]) in days.range(from..until) {
            sum = [sum[0] + denied, sum[1] + failed, sum[2] + succeeded];
        }
        let name = crate::event::time::utc(from).format("%-d %b").to_string();
        (name, sum)
    };
    let unit = match step {
        1 => "day".to_owned(),
        days => format!("{days} days"),
    };
    let title = format!("Events per {unit}, UTC");
    let total: u64 = days.values().map(|[a, b, c, _]| a + b + c).sum();
    Some(Chart {
        alternative: format!(
            "{title}: {} from {} to {}; the table below has the numbers.",
            crate::words::plural(total, "event"),
            format_date(first),
            format_date(last)
        ),
        bars: (0..count).map(bar).collect(),
        title,
    })
}

fn day_table(days: &BTreeMap<Epoch, [u64; 4]>) -> Table {
    let row = |(day, [denied, failed, succeeded, hours]): (&Epoch, &[u64; 4])| {
        let number = |count: &u64| Text::from(thousands(*count));
        Row::of([
            Text::from(format_date(*day)),
            number(succeeded),
            number(failed),
            number(denied),
            number(hours),
        ])
    };
    Table {
        summary: "Events by day",
        columns: vec![
            column("Day (UTC)", 2.0),
            numbers("Succeeded", 1.0),
            numbers("Failed", 1.0),
            numbers("Denied", 1.0),
            numbers("Hours with events", 1.0),
        ],
        rows: days.iter().take(MOST_DAYS).map(row).collect(),
    }
}

/// The busiest of a kind.
pub(super) fn top(summary: &'static str, what: &'static str, rows: &[Top]) -> Table {
    let row = |top: &Top| {
        let number = |count| Text::from(thousands(count));
        Row::of([
            Text::new().code(&shortened(&top.name, MOST_IN_ROW)),
            number(top.events),
            number(top.denied),
            number(top.failed),
        ])
    };
    Table {
        summary,
        columns: vec![
            column(what, 4.0),
            numbers("Events", 1.0),
            numbers("Denied", 1.0),
            numbers("Failed", 1.0),
        ],
        rows: rows.iter().map(row).collect(),
    }
}
