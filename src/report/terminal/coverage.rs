//! What `trailscan coverage` prints: the hours of every account and Region as one line each, then
//! what the rules could see.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};

use super::coverage;
use crate::assess::Assessment;
use crate::assess::hours::{HourGrid, HourState};
use crate::coverage::HOUR;
use crate::event::time::{self, Epoch, iso};
use crate::report::rows::Row;
use crate::report::visible::visible;
use crate::report::{Report, notes};
use crate::safe_text::{TerminalText, put, text};
use crate::trail::{Lookup, Trail};
use crate::words::{exact_duration, plural, thousands};

/// How many characters the hours of a line may take where nothing limits the width of lines.
const WIDTH: u64 = 84;
/// The fewest characters for the hours of a line, however long the names before them.
const LEAST_WIDTH: u64 = 24;
/// How many accounts and Regions are drawn; `--format json` has all.
/// The most rules that are named for one reason.
const MOST_NAMES: usize = 12;

const MOST_ROWS: usize = 60;

/// The coverage of a run, its rows drawn no wider than `width`. Color codes are in the text, as in
/// [`summary`](super::summary).
pub fn grid(report: &Report, width: Option<usize>) -> TerminalText {
    let mut out = TerminalText::new();
    let bold = Style::new().bold();
    put!(out, "{}\n", coverage(report));
    for trail in &report.coverage.trails {
        put!(out, "{}\n", described(trail));
    }
    for change in &report.coverage.changes {
        let time = change.time.map(iso).unwrap_or_default();
        let what = format!(
            "  {time} {} of trail {} (account {}, {})",
            change.event_name, change.trail, change.account, change.region
        );
        put!(out, "{}\n", what);
    }
    for note in notes::notes(report) {
        put!(out, "note: {}\n", note);
    }
    if let Some(grid) = &report.hours {
        put!(out, "\n{}Log coverage{:#}\n", bold, bold);
        let rows: Vec<Row<'_>> = report.rows().collect();
        draw(&mut out, grid, &rows, width);
    }
    put!(out, "\n{}Rule coverage{:#}\n", bold, bold);
    rules(&mut out, report);
    out
}

fn described(trail: &Trail) -> String {
    let extent = match (trail.organization, trail.multi_region) {
        (true, true) => "of the organization, all Regions".to_owned(),
        (true, false) => format!("of the organization, {} only", trail.home_region),
        (false, true) => "all Regions".to_owned(),
        (false, false) => format!("{} only", trail.home_region),
    };
    let logging = match &trail.status {
        Lookup::Answered(status) if status.logging => "logging",
        Lookup::Answered(_) => "STOPPED",
        Lookup::Unknown(_) => "status unknown",
    };
    let selectors = match &trail.selectors {
        Lookup::Answered(_) => "selectors known",
        Lookup::Unknown(_) => "selectors unknown",
    };
    let insights = match &trail.insights {
        Lookup::Answered(kinds) if kinds.is_empty() => "no Insights".to_owned(),
        Lookup::Answered(kinds) => kinds.join(", "),
        Lookup::Unknown(_) => "Insights unknown".to_owned(),
    };
    format!(
        "Trail {}: {extent}; {logging}; {selectors}; {insights}",
        trail.name
    )
}

fn draw(out: &mut TerminalText, grid: &HourGrid, rows: &[Row<'_>], terminal: Option<usize>) {
    let names: Vec<String> = rows
        .iter()
        .take(MOST_ROWS)
        .map(|row| visible(&format!("{} {}", row.hours.account, row.hours.region)))
        .collect();
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    let room = terminal.map(|terminal| terminal.saturating_sub(width + 2) as u64);
    // one more than the steps of the window, which may begin in the middle of one
    let room = room.map_or(WIDTH, |room| room.clamp(LEAST_WIDTH, WIDTH + 1) - 1);
    // as many hours a character as the window needs: 1, 2, 3, 4, 6, 8, 12 or whole days
    let least = grid.hours().div_ceil(room);
    let step = [1, 2, 3, 4, 6, 8, 12]
        .into_iter()
        .find(|step| *step >= least);
    let step = step.unwrap_or_else(|| least.div_ceil(24) * 24);
    let step = Epoch::try_from(step).unwrap_or(24) * HOUR;
    let first = grid.from - grid.from.rem_euclid(step.min(24 * HOUR));
    let cells: Vec<Epoch> = (0..)
        .map(|at| first + at * step)
        .take_while(|at| *at < grid.until)
        .collect();
    put!(out, "{}  {}\n", " ".repeat(width), days(&cells, step));
    let most = rows
        .iter()
        .flat_map(|row| cells.iter().map(move |at| row.sum(*at, at + step).events));
    let most = most.max().unwrap_or(0);
    for (row, name) in rows.iter().zip(&names) {
        put!(out, "{}  ", format!("{name:width$}"));
        for at in &cells {
            let state = row.hours.state(*at, at + step);
            let events = row.sum(*at, at + step).events;
            out.push(&cell(state, events, most));
        }
        let counts = row.sum(Epoch::MIN, Epoch::MAX);
        let counts = format!(
            "  {} in {}",
            plural(counts.events, "event"),
            plural(counts.objects, "file")
        );
        // beside the hours if there is room, else below them
        let wide = width + 2 + cells.len() + counts.chars().count();
        if terminal.is_some_and(|terminal| wide > terminal) {
            put!(out, "\n{}", " ".repeat(width));
        }
        put!(out, "{}\n", counts);
    }
    if rows.len() > MOST_ROWS {
        put!(
            out,
            "… and {} more in --format json\n",
            rows.len() - MOST_ROWS
        );
    }
    let indent = terminal.map_or(width, |_| 0);
    put!(
        out,
        "{}  each character is {}; ▁ to █ events, - quiet (by other files or a valid digest), · no file and no proof,\n\
         {}  ~ files may still arrive, ! logging stopped, ? a file named by a digest is missing, x files not read\n",
        " ".repeat(indent),
        exact_duration(step),
        " ".repeat(indent)
    );
    late(out, rows);
}

/// The first day that begins in each character's time, as many as have room.
fn days(cells: &[Epoch], step: Epoch) -> String {
    let mut line = String::new();
    for (at, cell) in cells.iter().enumerate() {
        let begins = (*cell).rem_euclid(24 * HOUR) == 0 || at == 0 || step >= 24 * HOUR;
        if begins && line.chars().count() <= at {
            line.push_str(&" ".repeat(at - line.chars().count()));
            let label = time::utc(*cell).format("%-d %b ").to_string();
            if at + label.len() <= cells.len() + 1 {
                line.push_str(&label);
            }
        }
    }
    line.trim_end().to_owned()
}

fn cell(state: Option<HourState>, events: u64, most: u64) -> TerminalText {
    let Some(state) = state else {
        return text!(" ");
    };
    let alert = AnsiColor::BrightRed.on_default().bold();
    let alerted = |sign: &str| text!("{}{}{:#}", alert, sign, alert);
    match state {
        HourState::Events => text!("{}", bar(events, most).to_string()),
        HourState::Quiet => text!("-"),
        HourState::NoFiles => text!("·"),
        HourState::Pending => text!("~"),
        HourState::Stopped => alerted("!"),
        HourState::Missing => alerted("?"),
        HourState::Unread => alerted("x"),
    }
}

/// A bar by the logarithm: ten events and ten thousand both show.
fn bar(events: u64, most: u64) -> char {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bits = |count: u64| (u64::BITS - count.leading_zeros()) as usize;
    let at = bits(events) * (BARS.len() - 1) / bits(most).max(1);
    BARS.get(at).copied().unwrap_or('█')
}

/// What came late, and what came twice.
fn late(out: &mut TerminalText, rows: &[Row<'_>]) {
    let (mut late, mut copies) = (0, 0);
    for row in rows {
        let sum = row.sum(Epoch::MIN, Epoch::MAX);
        late += sum.late;
        copies += sum.duplicates;
    }
    put!(
        out,
        "  {} delivered more than 15 minutes after their newest event, {}\n",
        plural(late, "file"),
        plural(copies, "duplicate event")
    );
}

fn rules(out: &mut TerminalText, report: &Report) {
    let assessed = report.rules.iter();
    let assessed = assessed
        .filter(|rule| rule.assessment == Assessment::Assessed)
        .count();
    put!(
        out,
        "{} of {} {}\n",
        thousands(assessed as u64),
        plural(report.rules.len() as u64, "rule"),
        report.completeness.assessed()
    );
    // rules with one and the same reason stand together
    let mut by_reason: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for rule in &report.rules {
        if let Some(reason) = rule.assessment.reason() {
            let partly = matches!(rule.assessment, Assessment::Partly { .. });
            by_reason
                .entry((partly, reason))
                .or_default()
                .push(&rule.name);
        }
    }
    let mut by_key: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for rule in &report.unconfigured {
        let names = by_key.entry(rule.missing.join(", ")).or_default();
        names.push(&rule.rule);
    }
    for (keys, names) in by_key {
        put!(out, "not assessed: configuration missing ({})\n", keys);
        listed(out, &names);
    }
    for (rule, reason) in report.accepted() {
        put!(out, "accepted blind spot: {}: {}\n", rule.name, reason);
    }
    for ((partly, reason), names) in by_reason {
        let state = if partly {
            "partly assessed"
        } else {
            "not assessed"
        };
        put!(out, "{}: {}\n", state, reason);
        listed(out, &names);
    }
}

/// Names of rules, a line each; of very many the first and how many more there are.
fn listed(out: &mut TerminalText, names: &[&str]) {
    // a count of one takes the line of the name
    let shown = match names.len() {
        count if count <= MOST_NAMES + 1 => count,
        _ => MOST_NAMES,
    };
    for name in names.iter().take(shown) {
        put!(out, "    {}\n", name);
    }
    let more = names.len() - shown;
    if more > 0 {
        put!(out, "    and {} more (--format json names all)\n", more);
    }
}
