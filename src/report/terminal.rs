//! What a run says on the terminal: verdict, coverage, the findings that need a decision.

mod coverage;

use std::fmt::Write as _;

pub use coverage::grid;

use anstyle::{AnsiColor, Style};

use super::visible::visible;
use super::{Report, integrity, plural, thousands};
use crate::event::time::iso;
use crate::severity::Severity;

/// How many findings are shown; the rest are in the report.
const SHOWN: usize = 12;

/// The summary. Colour codes are in the text; the stream that it is written to takes them out where
/// they are not wanted.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let _ = writeln!(out, "{bold}{}{bold:#}", report.verdict());
    let _ = writeln!(out, "{}", coverage(report));
    if let Some(proof) = &report.integrity {
        let _ = writeln!(out, "{}", integrity::line(proof));
    }
    let _ = writeln!(out, "{}", rules(report));
    if !report.findings.is_empty() {
        out.push('\n');
    }
    for finding in report.findings.iter().take(SHOWN) {
        let style = style(finding.level);
        let when = finding.last.map(iso).unwrap_or_default();
        let _ = writeln!(
            out,
            "{style}{:<13}{style:#} {bold}{}{bold:#} {dim}({} ×, last {when}){dim:#}",
            finding.level,
            visible(&finding.title),
            thousands(finding.count)
        );
        let resource = if finding.resource.is_empty() {
            String::new()
        } else {
            format!(" → {}", visible(&finding.resource))
        };
        let _ = writeln!(out, "              {}{resource}", visible(&finding.actor));
    }
    if report.count() > SHOWN {
        let _ = writeln!(
            out,
            "{dim}… and {} more in the report{dim:#}",
            report.count() - SHOWN
        );
    }
    if let Some(proof) = &report.integrity {
        integrity::told(&mut out, proof);
    }
    let losses: Vec<_> = report.coverage.problems.iter().collect();
    if !losses.is_empty() {
        let _ = writeln!(out, "\n{bold}Problems{bold:#}");
        for problem in losses.iter().take(SHOWN) {
            let _ = writeln!(
                out,
                "  {}: {}",
                visible(&problem.object),
                visible(&problem.what)
            );
        }
        if losses.len() > SHOWN {
            let _ = writeln!(
                out,
                "{dim}  … and {} more in run.json{dim:#}",
                losses.len() - SHOWN
            );
        }
    }
    out
}

fn coverage(report: &Report) -> String {
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
    let mut text = format!(
        "Coverage: {} in {}{span}\n  objects {} listed = {} read + {} refused + {} archived + {} broken",
        plural(accounts, "account"),
        plural(regions, "account-Region"),
        thousands(o.listed),
        thousands(o.read),
        thousands(o.refused),
        thousands(o.archived),
        thousands(o.broken),
    );
    if o.digests + o.foreign > 0 {
        let _ = write!(
            text,
            " (beside {} and {})",
            plural(o.digests, "digest"),
            plural(o.foreign, "other file")
        );
    }
    let _ = write!(
        text,
        "\n  records {} = {} bad + {} outside + {} duplicates + {} evaluated",
        thousands(r.records),
        thousands(r.bad),
        thousands(r.outside),
        thousands(r.duplicates),
        thousands(r.evaluated),
    );
    if r.undated > 0 {
        let _ = write!(text, " (of them {} undated)", thousands(r.undated));
    }
    text
}

fn rules(report: &Report) -> String {
    let blind = report.not_assessed().count();
    let partly = report.partly_assessed().count();
    let mut text = format!("Rules: {} in use", report.rules.len());
    for (count, what) in [
        (partly, "partly assessed"),
        (blind, "not assessed"),
        (
            report.unconfigured.len(),
            "not assessed (configuration missing)",
        ),
        (report.rejected.len(), "NOT LOADED"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    if blind + partly > 0 {
        text.push_str("; `trailscan coverage` and coverage.json say why");
    }
    text
}

const fn style(level: Severity) -> Style {
    let colour = match level {
        Severity::Critical => AnsiColor::BrightRed,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Informational => AnsiColor::BrightBlack,
    };
    let style = colour.on_default();
    if matches!(level, Severity::Critical) {
        style.bold()
    } else {
        style
    }
}
