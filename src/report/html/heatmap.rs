//! The hours of every account and Region as an inline drawing: darker where more happened, and a
//! pattern of its own for whatever is missing, so that it reads in gray and on paper as well.

use maud::{Markup, html};

use super::format::{
    code, format_date, format_time, make_visible, scrolling, shortened, truncation_notice,
};
use crate::assess::hours::{HourGrid, HourState};
use crate::coverage::{DAY, HOUR};
use crate::event::time::{self, Epoch};
use crate::report::Report;
use crate::report::rows::Row;
use crate::words::{full_duration, plural, thousands};

const MOST_ROWS: usize = 40;
const MOST_CELLS: u64 = 240;
const MOST_GAPS: usize = 40;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 178.0;
const TOP: f64 = 24.0;
const ROW: f64 = 18.0;
const PLOT: f64 = WIDTH - LEFT - 4.0;
/// How many shades stand for events.
const SHADES: usize = 4;

/// The drawing with its legend, the gaps in words, and a notice of what is left out.
pub(super) fn figure(report: &Report) -> Markup {
    let Some(grid) = &report.hours else {
        return html! {};
    };
    let all: Vec<Row<'_>> = report.rows().collect();
    let map = Map::of(grid, &all);
    if map.rows.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Hour by hour" }
        (truncation_notice(map.rows.len(), all.len(), "account and Region"))
        figure {
            figcaption { "Log coverage, " (map.unit()) " by " (map.unit()) ", UTC" }
            ul.legend {
                li {
                    @for shade in 1..=SHADES { span.swatch.{ "events-" (shade) } aria-hidden="true" {} }
                    "events, few to many"
                }
                @for state in HourState::ALL.into_iter().filter(|one| *one != HourState::Events) {
                    @if map.has(state) {
                        li { span.swatch.(class(state)) aria-hidden="true" {} (state.as_str()) }
                    }
                }
            }
            (scrolling("Hours by account and Region", &map.draw()))
        }
        (gaps(report))
    }
}

/// Equal stretches of time, and the rows that are drawn.
struct Map<'g> {
    grid: &'g HourGrid,
    rows: &'g [Row<'g>],
    first: Epoch,
    step: Epoch,
    count: usize,
    /// The most events in one cell.
    most: u64,
}

impl<'g> Map<'g> {
    fn of(grid: &'g HourGrid, rows: &'g [Row<'g>]) -> Self {
        let step = if grid.hours() <= MOST_CELLS {
            HOUR
        } else {
            let days = grid.hours().div_ceil(24).div_ceil(MOST_CELLS);
            Epoch::try_from(days).unwrap_or(1) * DAY
        };
        let first = grid.from - grid.from.rem_euclid(step.min(DAY));
        let count = usize::try_from((grid.until - first + step - 1) / step).unwrap_or(0);
        let rows = rows.get(..MOST_ROWS).unwrap_or(rows);
        let mut map = Self {
            grid,
            rows,
            first,
            step,
            count,
            most: 0,
        };
        let events = map
            .rows
            .iter()
            .flat_map(|row| map.cells(row))
            .map(|cell| cell.events);
        map.most = events.max().unwrap_or(0);
        map
    }

    const fn unit(&self) -> &'static str {
        match self.step {
            HOUR => "hour",
            DAY => "day",
            _ => "stretch",
        }
    }

    fn begin(&self, at: usize) -> Epoch {
        self.first + self.step * at as Epoch
    }

    fn x(&self, at: usize) -> f64 {
        LEFT + PLOT * at as f64 / self.count.max(1) as f64
    }

    fn has(&self, state: HourState) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| self.cells(row));
        cells.any(|cell| cell.state == state)
    }

    /// Of the hours in a cell the most telling one counts.
    fn cells(&self, row: &Row<'g>) -> impl Iterator<Item = Cell> {
        let (row, first, step) = (*row, self.first, self.step);
        (0..self.count).map(move |at| {
            let from = first + step * at as Epoch;
            Cell {
                state: row
                    .hours
                    .state(from, from + step)
                    .unwrap_or(HourState::NoFiles),
                events: row.sum(from, from + step).events,
            }
        })
    }

    fn shade(&self, cell: Cell) -> String {
        if cell.state != HourState::Events {
            return class(cell.state).to_owned();
        }
        let bits = |count: u64| (u64::BITS - count.leading_zeros()) as usize;
        let shade = (bits(cell.events) * SHADES).div_ceil(bits(self.most).max(1));
        format!("events-{}", shade.clamp(1, SHADES))
    }

    fn draw(&self) -> Markup {
        let bottom = TOP + ROW * self.rows.len() as f64;
        let height = bottom + 10.0;
        html! {
            svg.chart.heat viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="heat-title heat-desc" {
                title #heat-title { "Log coverage by account, Region and " (self.unit()) }
                desc #heat-desc { (self.described()) }
                (patterns())
                @for at in 0..self.count {
                    @if let Some(label) = self.date(at) {
                        text.label x=(number(self.x(at))) y=(TOP - 9.0) { (label) }
                        line.axis x1=(number(self.x(at))) x2=(number(self.x(at))) y1=(TOP - 5.0) y2=(number(bottom)) {}
                    }
                }
                @for (place, row) in self.rows.iter().enumerate() {
                    (self.row(place, row))
                }
            }
        }
    }

    fn row(&self, place: usize, row: &Row<'g>) -> Markup {
        let y = TOP + ROW * place as f64;
        // neighbours of one look are one shape
        let mut runs: Vec<(usize, usize, String, HourState)> = Vec::new();
        for (at, cell) in self.cells(row).enumerate() {
            let shade = self.shade(cell);
            match runs.last_mut() {
                Some((_, end, last, _)) if *last == shade => *end = at + 1,
                _ => runs.push((at, at + 1, shade, cell.state)),
            }
        }
        html! {
            g {
                text.label x=(LEFT - 8.0) y=(number(y + 13.0)) text-anchor="end" {
                    (shortened(&row.hours.account, 14)) " " (shortened(&row.hours.region, 16))
                }
                @for (from, until, shade, state) in runs {
                    rect.(shade) x=(number(self.x(from))) y=(number(y + 1.5)) height=(ROW - 3.0)
                        width=(number(self.x(until) - self.x(from))) {
                        @if state != HourState::Events {
                            title {
                                (make_visible(&row.hours.region)) ", " (stretch(self.begin(from).max(self.grid.from), self.begin(until).min(self.grid.until)))
                                ": " (state.as_str())
                            }
                        }
                    }
                }
            }
        }
    }

    /// The label of a column that begins a day, as many as have room.
    fn date(&self, at: usize) -> Option<String> {
        let begin = self.begin(at);
        let days = (self.grid.until - self.first) / DAY;
        let every = (days / 10 + 1) * DAY;
        let from_first = begin - (self.first + (-self.first).rem_euclid(DAY));
        let format = if days <= 14 { "%a %-d %b" } else { "%-d %b %Y" };
        (from_first.rem_euclid(every) < self.step && begin.rem_euclid(DAY) < self.step.min(DAY))
            .then(|| time::utc(begin).format(format).to_string())
    }

    fn described(&self) -> String {
        let hours = |wanted: fn(HourState) -> bool| {
            let stretches = self.rows.iter().flat_map(|row| &row.hours.stretches);
            let ours = stretches.filter(|one| wanted(one.state));
            let hours: Epoch = ours.map(|one| (one.until - one.from) / HOUR).sum();
            plural(hours.unsigned_abs(), "hour")
        };
        format!(
            "{} from {} to {}, taken together: {} with events, {} without any file and without a valid \
             digest that tells why, {} with a confirmed gap.",
            plural(self.rows.len() as u64, "account and Region"),
            format_date(self.grid.from),
            format_date(self.grid.until - 1),
            hours(|state| state == HourState::Events),
            hours(|state| state == HourState::NoFiles),
            hours(HourState::is_gap),
        )
    }
}

#[derive(Clone, Copy)]
struct Cell {
    state: HourState,
    events: u64,
}

const fn class(state: HourState) -> &'static str {
    match state {
        HourState::Events => "events-1",
        HourState::Unread => "unread",
        HourState::Missing => "missing",
        HourState::Stopped => "stopped",
        HourState::NoFiles => "no-files",
        HourState::Quiet => "quiet",
        HourState::Pending => "pending",
    }
}

/// Hatching for what is missing: it does not rest on color.
fn patterns() -> Markup {
    let lines = |id: &str, class: &str, path: &str| {
        html! {
            pattern id=(id) width="6" height="6" patternUnits="userSpaceOnUse" {
                rect.{ (class) "-ground" } width="6" height="6" {}
                path.{ (class) "-lines" } d=(path) {}
            }
        }
    };
    html! {
        defs {
            (lines("heat-stopped", "stopped", "M0 6L6 0M-1 1L1 -1M5 7L7 5"))
            (lines("heat-missing", "missing", "M0 3H6"))
            (lines("heat-unread", "unread", "M0 0L6 6M6 0L0 6"))
        }
    }
}

/// The confirmed gaps, in words.
fn gaps(report: &Report) -> Markup {
    let all = &report.completeness.gaps;
    html! {
        @if !all.is_empty() {
            h4 #gaps { "Confirmed gaps" }
            (truncation_notice(all.len().min(MOST_GAPS), all.len(), "gap"))
            ul.gaps {
                @for gap in all.iter().take(MOST_GAPS) {
                    li {
                        (code(&gap.account)) " " (code(&gap.region)) ": " (stretch(gap.from, gap.until))
                        " – " (full_duration(gap.until - gap.from)) ", " (gap.state.as_str())
                    }
                }
            }
        }
    }
}

fn stretch(from: Epoch, until: Epoch) -> String {
    let end = if format_date(from) == format_date(until) {
        format_time(until)
    } else {
        format!("{}, {}", format_date(until), format_time(until))
    };
    format!("{}, {} to {end} UTC", format_date(from), format_time(from))
}

/// One decimal: enough for the eye, and the same on every machine.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// The counts of an account and Region, as cells of a table.
pub(super) fn counts(row: &Row<'_>) -> Markup {
    let sum = row.sum(Epoch::MIN, Epoch::MAX);
    let (digests, bad) = (row.hours.digests, row.hours.invalid_digests);
    html! {
        td.number { (thousands(sum.objects)) }
        td.number { (thousands(sum.events)) }
        td.number { (thousands(sum.duplicates)) }
        td.number { (thousands(sum.late)) }
        td.number.alert[sum.unread + sum.broken > 0] { (thousands(sum.unread + sum.broken)) }
        td.number.alert[bad > 0] {
            (thousands(digests)) @if bad > 0 { ", " (thousands(bad)) " not valid" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MONDAY, judge, render, report, several};
    use super::HOUR;

    #[test]
    fn the_hours_are_drawn_with_what_is_missing_in_words_and_for_those_who_do_not_see_them() {
        let page = render(&report(several()));
        let map = page.split("svg class=\"chart heat\"").nth(1).unwrap();
        let map = map.split("</svg>").next().unwrap();
        assert!(map.contains("2 hours with events"), "{map}");
        assert!(map.contains("1 hour with a confirmed gap"));
        assert!(map.contains("class=\"unread\"") && map.contains("class=\"no-files\""));
        assert!(map.contains("class=\"events-4\"") && map.contains("class=\"events-2\""));
        assert!(page.contains("Confirmed gaps"));
        assert!(page.contains("files could not be read"));
        // without a single hour there is nothing to draw
        let mut empty = report(Vec::new());
        empty.coverage.regions.clear();
        judge(&mut empty);
        assert!(!render(&empty).contains("chart heat"));
        // a year is drawn by days, and stays small
        let mut year = report(Vec::new());
        year.provenance.window.until = Some(MONDAY + 366 * 24 * HOUR);
        judge(&mut year);
        let page = render(&year);
        assert!(
            page.contains("Log coverage, stretch by stretch, UTC"),
            "two days a cell"
        );
        assert!(page.len() < 200_000);
    }
}
