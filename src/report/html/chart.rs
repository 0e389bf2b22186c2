//! Activity over time as an inline drawing: stacked bars, empty stretches shaded, severe findings
//! as marks under the axis.
//!
//! Refused and failed calls stand on the axis, where small numbers can be compared. One great burst
//! must not flatten a week, so bars far above the others are cut, and say how far they go.

use maud::{Markup, html};

use super::format::{format_date, format_time};
use crate::coverage::{DAY, HOUR};
use crate::event::time::{self, Epoch};
use crate::report::Report;
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// Up to this span, a bar is an hour.
const MOST_HOURLY: Epoch = 10 * DAY;
const MOST_BARS: Epoch = 400;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 22.0;
const BASE: f64 = 232.0;
const PLOT: f64 = WIDTH - LEFT - 4.0;

/// Equal stretches of time from `start`, with what happened in each.
pub(super) struct Chart {
    pub(super) start: Epoch,
    pub(super) step: Epoch,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) denied: u64,
    pub(super) failed: u64,
    pub(super) succeeded: u64,
    pub(super) critical: u64,
    pub(super) high: u64,
}

impl Bar {
    pub(super) const fn events(&self) -> u64 {
        self.denied + self.failed + self.succeeded
    }
}

impl Chart {
    /// `None` if no event has a time.
    pub(super) fn of(report: &Report) -> Option<Self> {
        let times = || report.activity.hours.iter().filter_map(|hour| hour.hour);
        let (first, last) = (times().min()?, times().max()?);
        let start = report
            .provenance
            .window
            .since
            .map_or(first, |since| since.min(first));
        let end = report
            .provenance
            .window
            .until
            .map_or(last + HOUR, |until| until.max(last + HOUR));
        let days = (end - start + DAY - 1) / DAY;
        let (step, unit) = if end - start <= MOST_HOURLY {
            (HOUR, HOUR)
        } else {
            ((days / MOST_BARS + 1) * DAY, DAY)
        };
        let start = start - start.rem_euclid(unit);
        let count = ((end - start + step - 1) / step).clamp(1, MOST_BARS + 1);
        let mut bars = vec![Bar::default(); usize::try_from(count).unwrap_or(1)];
        let place = |at: Epoch| usize::try_from((at - start).div_euclid(step)).ok();
        for hour in &report.activity.hours {
            if let Some(bar) = hour.hour.and_then(place).and_then(|at| bars.get_mut(at)) {
                bar.denied += hour.denied;
                bar.failed += hour.failed;
                bar.succeeded += hour.succeeded;
            }
        }
        for finding in &report.findings {
            if let Some(bar) = finding
                .first
                .and_then(place)
                .and_then(|at| bars.get_mut(at))
            {
                match finding.level {
                    Severity::Critical => bar.critical += 1,
                    Severity::High => bar.high += 1,
                    _ => {}
                }
            }
        }
        for ((hour, level), count) in &report.folded.hours {
            if let Some(bar) = place(*hour).and_then(|at| bars.get_mut(at)) {
                match level {
                    Severity::Critical => bar.critical += *count as u64,
                    Severity::High => bar.high += *count as u64,
                    _ => {}
                }
            }
        }
        Some(Self { start, step, bars })
    }

    fn begin(&self, at: usize) -> Epoch {
        self.start + self.step * at as Epoch
    }

    pub(super) fn end(&self) -> Epoch {
        self.begin(self.bars.len())
    }

    pub(super) fn unit(&self) -> String {
        match (self.step, self.step / DAY) {
            (HOUR, _) => "hour".to_owned(),
            (_, 1) => "day".to_owned(),
            (_, days) => format!("{days} days"),
        }
    }

    /// Periods without events, as (begin, end).
    pub(super) fn gaps(&self) -> Vec<(Epoch, Epoch)> {
        let mut gaps: Vec<(Epoch, Epoch)> = Vec::new();
        for (at, _) in self
            .bars
            .iter()
            .enumerate()
            .filter(|(_, bar)| bar.events() == 0)
        {
            match gaps.last_mut() {
                Some(gap) if gap.1 == self.begin(at) => gap.1 += self.step,
                _ => gaps.push((self.begin(at), self.begin(at + 1))),
            }
        }
        gaps
    }

    fn x(&self, at: Epoch) -> f64 {
        LEFT + PLOT * (at - self.start) as f64 / (self.end() - self.start) as f64
    }

    /// True where a bar is higher than the axis.
    pub(super) fn is_cut(&self) -> bool {
        let top = self.scale().top;
        self.bars.iter().any(|bar| bar.events() > top)
    }

    /// The height of the axis: the highest bar, or what holds nearly all of them where a few stand
    /// far above.
    fn scale(&self) -> Scale {
        let mut heights: Vec<u64> = self
            .bars
            .iter()
            .map(Bar::events)
            .filter(|events| *events > 0)
            .collect();
        heights.sort_unstable();
        let highest = heights.last().copied().unwrap_or(1);
        let usual = heights
            .get(heights.len() * 95 / 100)
            .copied()
            .unwrap_or(highest);
        let shown = if heights.len() >= 10 && highest / 4 > usual {
            usual * 2
        } else {
            highest
        };
        let tick = (0..)
            .flat_map(|power| {
                [1, 2, 5].map(|digit| 10u64.saturating_pow(power).saturating_mul(digit))
            })
            .find(|tick| shown.div_ceil(*tick) <= 5)
            .unwrap_or(1);
        Scale {
            tick,
            top: shown.div_ceil(tick) * tick,
        }
    }
}

struct Scale {
    tick: u64,
    top: u64,
}

impl Scale {
    fn height(&self, events: u64) -> f64 {
        (BASE - TOP) * (events as f64 / self.top as f64).min(1.0)
    }
}

pub(super) fn draw(chart: &Chart) -> Markup {
    let scale = chart.scale();
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " 290" } role="img" aria-labelledby="chart-title chart-desc" {
            title #chart-title { "Events per " (chart.unit()) }
            desc #chart-desc { (described(chart)) }
            @for (begin, end) in chart.gaps() {
                rect.gap x=(number(chart.x(begin))) y=(TOP) height=(BASE - TOP)
                    width=(number(chart.x(end) - chart.x(begin))) {}
            }
            (grid(&scale))
            @for at in 0..chart.bars.len() { (bar(chart, &scale, at)) }
            line.axis x1=(LEFT) x2=(WIDTH - 4.0) y1=(BASE) y2=(BASE) {}
            (cut_labels(chart, &scale))
            (dates(chart))
        }
    }
}

/// One decimal: enough for the eye, and the same on every machine.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn described(chart: &Chart) -> String {
    let sum = |of: fn(&Bar) -> u64| chart.bars.iter().map(of).sum::<u64>();
    let highest = chart
        .bars
        .iter()
        .enumerate()
        .max_by_key(|(at, bar)| (bar.events(), std::cmp::Reverse(*at)));
    let peak = highest.map_or_else(String::new, |(at, bar)| {
        format!(
            " The highest bar, {}, begins on {} at {} UTC.",
            plural(bar.events(), "event"),
            format_date(chart.begin(at)),
            format_time(chart.begin(at))
        )
    });
    format!(
        "From {} to {}: {} succeeded, {} denied, {} failed.{peak} {} without any event.",
        format_date(chart.start),
        format_date(chart.end() - 1),
        thousands(sum(|bar| bar.succeeded)),
        thousands(sum(|bar| bar.denied)),
        thousands(sum(|bar| bar.failed)),
        plural(chart.gaps().len() as u64, "gap"),
    )
}

fn grid(scale: &Scale) -> Markup {
    html! {
        @for step in 0..=scale.top / scale.tick {
            @let y = number(BASE - scale.height(step * scale.tick));
            @if step > 0 { line.grid x1=(LEFT) x2=(WIDTH - 4.0) y1=(y) y2=(y) {} }
            text.label x=(LEFT - 6.0) y=(y) dy="4" text-anchor="end" { (thousands(step * scale.tick)) }
        }
    }
}

fn bar(chart: &Chart, scale: &Scale, at: usize) -> Markup {
    let Some(bar) = chart
        .bars
        .get(at)
        .filter(|bar| bar.events() + bar.critical + bar.high > 0)
    else {
        return html! {};
    };
    let (left, right) = (chart.x(chart.begin(at)), chart.x(chart.begin(at + 1)));
    let width = (right - left) * 0.86;
    // a cut bar keeps the proportions of what it stands for
    let squeeze = scale.height(bar.events()) / bar.events().max(1) as f64;
    let mut foot = BASE;
    let parts = [
        ("denied", bar.denied),
        ("failed", bar.failed),
        ("succeeded", bar.succeeded),
    ]
    .map(|(class, events)| {
        let height = if events == 0 {
            0.0
        } else {
            (events as f64 * squeeze).max(1.5)
        };
        foot -= height;
        (class, foot, height)
    });
    let middle = f64::midpoint(left, left + width);
    html! {
        g {
            title { (bar_title(chart, bar, at)) }
            @for (class, y, height) in parts {
                @if height > 0.0 {
                    rect.(class) x=(number(left)) y=(number(y)) width=(number(width)) height=(number(height)) {}
                }
            }
            @if bar.critical > 0 {
                path.mark.critical d=(format!("M{middle:.1} 236l6 7l-6 7l-6 -7z")) {}
            } @else if bar.high > 0 {
                path.mark.high d=(format!("M{middle:.1} 237l5.5 11h-11z")) {}
            }
        }
    }
}

fn bar_title(chart: &Chart, bar: &Bar, at: usize) -> String {
    let begin = chart.begin(at);
    let mut text = if chart.step == HOUR {
        format!("{}, {} UTC", format_date(begin), format_time(begin))
    } else {
        format_date(begin)
    };
    text.push_str(&format!(
        ": {} succeeded, {} denied, {} failed",
        thousands(bar.succeeded),
        thousands(bar.denied),
        thousands(bar.failed)
    ));
    for (count, level) in [(bar.critical, "critical"), (bar.high, "high")] {
        if count > 0 {
            text.push_str(&format!(
                "; {} begins",
                plural(count, &format!("{level} finding"))
            ));
        }
    }
    text
}

/// How far cut bars go, for those with room beside the last label.
fn cut_labels(chart: &Chart, scale: &Scale) -> Markup {
    let mut free = LEFT;
    let mut labels: Vec<(f64, String)> = Vec::new();
    for (at, bar) in chart
        .bars
        .iter()
        .enumerate()
        .filter(|(_, bar)| bar.events() > scale.top)
    {
        let x = f64::midpoint(chart.x(chart.begin(at)), chart.x(chart.begin(at + 1)))
            .clamp(LEFT + 24.0, WIDTH - 32.0);
        if x >= free {
            labels.push((x, thousands(bar.events())));
            free = x + 56.0;
        }
    }
    html! {
        @for (x, label) in labels {
            text.cut x=(number(x)) y=(TOP - 8.0) text-anchor="middle" { "↑ " (label) }
        }
    }
}

/// Dates under the axis, as many as have room; hours where the chart is of a day or two.
fn dates(chart: &Chart) -> Markup {
    let days = (chart.end() - chart.start) / DAY;
    let every = if days <= 2 {
        6 * HOUR
    } else {
        (days / 11 + 1) * DAY
    };
    let first = chart.start + (-chart.start).rem_euclid(if days <= 2 { every } else { DAY });
    let format = match days {
        0..=2 => "%-d %b %H:%M",
        3..=14 => "%a %-d %b",
        _ => "%-d %b %Y",
    };
    html! {
        @for at in (0..).map(|n| first + n * every).take_while(|at| *at < chart.end()) {
            @let x = chart.x(at);
            line.axis x1=(number(x)) x2=(number(x)) y1=(BASE) y2=(BASE + 5.0) {}
            @if x < WIDTH - 40.0 {
                text.label x=(number(x)) y="270" { (time::utc(at).format(format).to_string()) }
            }
        }
    }
}
