//! Whether PHI was touched, as far as rules could look.

use super::front::Summary;
use crate::assess::Assessment;
use crate::report::Report;
use crate::report::text::Text;
use crate::words::{plural, thousands};

/// Whether rules about PHI resources found anything. Where the configuration names none, nobody knows.
pub fn summary(report: &Report) -> Summary {
    let about = || report.rules.iter().filter(|rule| rule.is_about_phi);
    let waits = |keys: &[String]| keys.iter().any(|key| key.starts_with("phi."));
    let waiting = report.unconfigured.iter();
    let waiting = waiting.filter(|rule| waits(&rule.missing)).count() as u64;
    let (rules, found) = (
        about().count() as u64,
        about().map(|rule| rule.findings).sum(),
    );
    let blind = about().filter(|rule| rule.assessment != Assessment::Assessed);
    let blind = blind.count() as u64;
    let mut summary = Summary {
        title: "PHI touched",
        ..Summary::default()
    };
    if rules == 0 {
        summary.figure = "Not known".to_owned();
        (summary.is_word, summary.is_alert) = (true, true);
        summary
            .sentence("The configuration names no PHI resources, so no rule could look for them.");
    } else if found == 0 {
        summary.figure = "No findings".to_owned();
        summary.is_word = true;
        summary.sentence("of rules about PHI resources in the covered data.");
    } else {
        summary.figure = thousands(found);
        let hits = about().filter(|rule| rule.findings > 0).count() as u64;
        let noun = if found == 1 { "finding" } else { "findings" };
        summary.sentence(format!(
            "{noun} of {} about PHI resources.",
            plural(hits, "rule")
        ));
        let mut hits: Vec<_> = about().filter(|rule| rule.findings > 0).collect();
        hits.sort_by_key(|rule| (std::cmp::Reverse(rule.level), &rule.name));
        for rule in hits.iter().take(MOST_RULES) {
            let text = Text::from(format!("{} ", thousands(rule.findings))).value(&rule.title);
            summary.line(text);
        }
        let more = hits.len().saturating_sub(MOST_RULES) as u64;
        if more > 0 {
            summary.line(format!("and of {}", plural(more, "more rule")));
        }
    }
    if rules > 0 {
        let text = format!("{} looked at PHI resources", plural(rules, "rule"));
        summary.line(text);
        let text = format!("{} could not see all of their events", thousands(blind));
        summary.lines.push((Text::from(text), blind > 0));
    }
    let text = format!(
        "{} for PHI resources to be configured",
        match waiting {
            1 => "1 rule waits".to_owned(),
            count => format!("{} rules wait", thousands(count)),
        }
    );
    if waiting > 0 {
        summary.lines.push((Text::from(text), true));
    }
    summary
}

/// Rules with findings that the box names.
const MOST_RULES: usize = 3;
