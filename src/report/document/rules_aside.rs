//! Rules that could not see all of their events, are not configured, or did not load, by reason.

use std::collections::BTreeMap;

use super::Block;
use crate::assess::RuleState;
use crate::report::Report;
use crate::report::text::{Style, Text, shortened, truncation_notice};
use crate::words::{plural, thousands, upper_first};

const MOST_RULES: usize = 200;
/// Rules that are named for one reason.
const MOST_NAMES: usize = 8;

/// The longest sentence of an item, in characters.
const MOST_IN_ROW: usize = 400;

/// Rules that say nothing, or not everything, each with the reason: silence is not a clean result.
pub fn blocks(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(
        "Rules not assessed or partly assessed",
        Some("rules-aside"),
    )];
    let unseen = report.not_assessed().count() + report.partly_assessed().count();
    if unseen == 0 && report.unconfigured.is_empty() && report.rejected.is_empty() {
        let mut text = Text::from(
            "None: every rule was loaded and configured, and could see the events it is about wherever logs exist.",
        );
        if let Some(unknown) = report.completeness.unknown_hours() {
            text = text.plain(&format!(" {unknown}."));
        }
        blocks.push(Block::Paragraph(text));
    }
    let lists = [
        (
            "Accepted blind spots",
            by_reason(report.accepted().map(named)),
        ),
        (
            "Not assessed: the events they are about could not be seen",
            by_reason(report.not_assessed().map(named)),
        ),
        (
            "Partly assessed: some of their events could not be seen",
            by_reason(report.partly_assessed().map(named)),
        ),
        (
            "Not configured: keys are missing in the configuration",
            by_reason(report.unconfigured.iter().map(|rule| {
                (
                    format!("missing: {}", rule.missing.join(", ")),
                    rule.title.as_str(),
                )
            })),
        ),
        (
            "Not loaded: the rule file has an error",
            by_reason(report.rejected.iter().map(|rule| {
                let place = format!("{}:{}: {}", rule.origin.file, rule.origin.line, rule.reason);
                (place, rule.rule.as_str())
            })),
        ),
    ];
    for (heading, reasons) in lists {
        if reasons.is_empty() {
            continue;
        }
        blocks.push(Block::Subheading(heading.into()));
        let shown = reasons.len().min(MOST_RULES);
        let notice = truncation_notice(shown, reasons.len(), "reason");
        blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
        blocks.push(Block::List {
            ordered: false,
            items: reasons.iter().take(MOST_RULES).map(reason).collect(),
        });
    }
    blocks
}

fn named<'r>((rule, reason): (&'r RuleState, &str)) -> (String, &'r str) {
    (reason.to_owned(), rule.title.as_str())
}

/// The rules of each reason, those with one reason together.
fn by_reason<'r>(rules: impl Iterator<Item = (String, &'r str)>) -> Vec<(String, Vec<&'r str>)> {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (reason, rule) in rules {
        reasons.entry(reason).or_default().push(rule);
    }
    reasons.into_iter().collect()
}

/// A reason, and the first of its rules.
fn reason((reason, rules): &(String, Vec<&str>)) -> Text {
    let mut text = Text::from(upper_first(&shortened(reason, MOST_IN_ROW)).as_str());
    let count = plural(rules.len() as u64, "rule");
    text.push(Style::Aside, &format!(" – {count}: "));
    for (at, rule) in rules.iter().take(MOST_NAMES).enumerate() {
        text.push(Style::Aside, if at > 0 { "; " } else { "" });
        text.push(Style::Aside, rule);
    }
    match rules.len().saturating_sub(MOST_NAMES) as u64 {
        0 => text,
        more => text.aside(&format!(
            "; and {} more, which run.json names",
            thousands(more)
        )),
    }
}
