//! What a run says on the terminal: verdict, coverage, the findings that need a decision.

mod coverage;
mod window;

pub use coverage::grid;

use anstyle::{AnsiColor, Style};

use super::{Report, integrity, notes};
use crate::event::time::iso;
use crate::safe_text::{TerminalText, put, text};
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// How many findings are shown; the rest are in the report.
const SHOWN: usize = 12;

/// The summary. Color codes are in the text; the stream that it is written to takes them out where
/// they are not wanted.
pub fn summary(report: &Report) -> TerminalText {
    let mut out = TerminalText::new();
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    put!(out, "{}{}{:#}\n", bold, report.verdict(), bold);
    let provenance = &report.provenance;
    if provenance.window.is_asked() {
        put!(out, "Window: {}\n", provenance.window_in_words());
    }
    put!(out, "{}\n", coverage(report));
    if let Some(passed_over) = notes::passed_over_in_short(&report.coverage.store.passed_over) {
        put!(
            out,
            "  not read: {}; coverage.json names them\n",
            passed_over
        );
    }
    if let Some(proof) = &report.integrity {
        put!(out, "{}\n", integrity::line(proof));
    }
    put!(out, "{}\n", rules(report));
    if let Some(missing) = report.without_configuration() {
        put!(
            out,
            "{} `trailscan init` writes one, --config names one\n",
            missing
        );
    }
    if !report.findings.is_empty() {
        put!(out, "\n");
    }
    for finding in report.findings.iter().take(SHOWN) {
        let style = style(finding.level);
        let when = finding.last.map(iso).unwrap_or_default();
        put!(
            out,
            "{}{:<13}{:#} {}{}{:#} {}({} ×, last {}){:#}\n",
            style,
            finding.level,
            style,
            bold,
            finding.title,
            bold,
            dim,
            thousands(finding.count),
            when,
            dim
        );
        put!(out, "              {}", finding.actor);
        if !finding.resource.is_empty() {
            put!(out, " → {}", finding.resource);
        }
        put!(out, "\n");
    }
    if report.count() > SHOWN {
        let more = report.count() - SHOWN;
        put!(out, "{}… and {} more in the report{:#}\n", dim, more, dim);
    }
    if let Some(proof) = &report.integrity {
        integrity::sentences(&mut out, proof);
    }
    let losses: Vec<_> = report.coverage.problems.iter().collect();
    if !losses.is_empty() {
        put!(out, "\n{}Problems{:#}\n", bold, bold);
        for problem in losses.iter().take(SHOWN) {
            put!(out, "  {}: {}\n", problem.object, problem.what);
        }
        if losses.len() > SHOWN {
            let more = losses.len() - SHOWN;
            put!(out, "{}  … and {} more in run.json{:#}\n", dim, more, dim);
        }
    }
    out
}

fn coverage(report: &Report) -> TerminalText {
    let (o, r) = (report.coverage.objects, report.coverage.records);
    let accounts = report.coverage.regions.len() as u64;
    let regions = report
        .coverage
        .regions
        .values()
        .map(std::collections::BTreeMap::len)
        .sum::<usize>() as u64;
    let span = match (report.coverage.first, report.coverage.last) {
        (Some(first), Some(last)) => format!(", events {} to {}", iso(first), iso(last)),
        _ => String::new(),
    };
    let mut text = text!(
        "Coverage: {} in {}{}\n  objects {} listed = {} read + {} refused + {} archived + {} broken",
        plural(accounts, "account"),
        plural(regions, "account-Region"),
        span,
        thousands(o.listed),
        thousands(o.read),
        thousands(o.refused),
        thousands(o.archived),
        thousands(o.broken),
    );
    if o.digests + o.foreign > 0 {
        put!(
            text,
            " (plus {} and {})",
            plural(o.digests, "digest"),
            plural(o.foreign, "other file")
        );
    }
    put!(
        text,
        "\n  records {} = {} bad + {} outside + {} duplicates + {} evaluated",
        thousands(r.records),
        thousands(r.bad),
        thousands(r.outside),
        thousands(r.duplicates),
        thousands(r.evaluated),
    );
    if r.undated > 0 {
        put!(text, " (of them {} undated)", thousands(r.undated));
    }
    window::lines(&mut text, report);
    text
}

fn rules(report: &Report) -> TerminalText {
    let blind = report.not_assessed().count();
    let partly = report.partly_assessed().count();
    let mut text = text!("Rules: {} in use", report.rules.len());
    for (count, what) in [
        (partly, "partly assessed"),
        (blind, "not assessed"),
        (report.accepted().count(), "of these accepted blind spots"),
        (
            report.unconfigured.len(),
            "not assessed (configuration missing)",
        ),
        (report.rejected.len(), "NOT LOADED"),
    ] {
        if count > 0 {
            put!(text, ", {} {}", count, what);
        }
    }
    if blind + partly > 0 {
        put!(text, "; `trailscan coverage` and coverage.json say why");
    }
    for note in notes::expired(report) {
        put!(text, "\n  {}", note);
    }
    text
}

const fn style(level: Severity) -> Style {
    let color = match level {
        Severity::Critical => AnsiColor::BrightRed,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Informational => AnsiColor::BrightBlack,
    };
    let style = color.on_default();
    if matches!(level, Severity::Critical) {
        style.bold()
    } else {
        style
    }
}
