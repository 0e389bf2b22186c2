//! The window in words: its hours with and without logs, empty days, and what is missing for certain.

use anstyle::AnsiColor;

use crate::event::time::iso;
use crate::report::Report;
use crate::safe_text::{TerminalText, put};
use crate::words::{full_duration, plural};

/// How many accounts and Regions, and how many gaps, are listed.
const MOST: usize = 12;

/// Appends the lines, each after a line break.
pub(super) fn lines(out: &mut TerminalText, report: &Report) {
    let all = &report.completeness;
    let alert = AnsiColor::BrightRed.on_default().bold();
    let Some(window) = all.window else {
        return;
    };
    put!(
        out,
        "\n  window {} to {} ({})",
        iso(window.from),
        iso(window.until),
        window.origin()
    );
    // the weakest first, so that nothing worse is left out
    let mut places: Vec<_> = all.places.iter().collect();
    places.sort_by_key(|one| std::cmp::Reverse(one.hours.unknown));
    for one in places.iter().take(MOST) {
        let place = format!("{} {}", one.account, one.region);
        put!(out, "\n  {}: {}", place, one.hours.in_words());
    }
    if places.len() > MOST {
        put!(
            out,
            "\n  all {}: {}",
            plural(places.len() as u64, "account-Region"),
            all.hours.in_words()
        );
    }
    for days in all.empty_days.iter().take(MOST) {
        put!(
            out,
            "\n  {}no log file of account {} on {}: {} ({}, by delivery){:#}",
            alert,
            days.account,
            plural(days.count, "whole day"),
            days.in_words(),
            days.zone(),
            alert
        );
    }
    if all.empty_days.len() > MOST {
        let more = plural((all.empty_days.len() - MOST) as u64, "more account");
        put!(
            out,
            "\n  {}and whole days of {} in coverage.json{:#}",
            alert,
            more,
            alert
        );
    }
    let mut gaps: Vec<_> = all.gaps.iter().collect();
    gaps.sort_by_key(|gap| gap.state);
    for gap in gaps.iter().take(MOST) {
        let line = format!(
            "gap: {} {} from {} to {} ({}): {}",
            gap.account,
            gap.region,
            iso(gap.from),
            iso(gap.until),
            full_duration(gap.until - gap.from),
            gap.state.as_str()
        );
        put!(out, "\n  {}{}{:#}", alert, line, alert);
    }
    if gaps.len() > MOST {
        let more = plural((gaps.len() - MOST) as u64, "more gap");
        put!(out, "\n  … and {} in coverage.json", more);
    }
}
