//! How the report was made, how to make it again, what it cannot say, and what its words mean.

use maud::{Markup, html};

use super::format::code;
use crate::report::Report;
use crate::report::document::method::{GLOSSARY, KEEPING, LIMITS, OUTSIDE, REPRODUCING};
use crate::words::thousands;

pub(super) fn section(report: &Report, id: &str) -> Markup {
    html! {
        section #method aria-labelledby="method-title" {
            h2 #method-title { "Method and limits" }
            h3 { "How this report was made" }
            (provenance_table(report, id))
            h3 { "Reproducing this report" }
            pre { code { (report.provenance.command) } }
            p.aside {
                (REPRODUCING)
            }
            h3 { "Limits" }
            ul { @for limit in LIMITS { li { (limit) } } }
            h3 { "Outside CloudTrail" }
            p { "CloudTrail shows nothing about these provisions; their evidence has to come from elsewhere." }
            dl.terms.outside {
                @for (section, title) in OUTSIDE { div { dt { (section) } dd { (title) } } }
            }
            h3 { "Glossary" }
            dl.terms {
                @for (word, meaning) in GLOSSARY { div { dt { (word) } dd { (meaning) } } }
            }
            h3 { "Keeping this report" }
            p { (KEEPING) }
        }
    }
}

fn provenance_table(report: &Report, id: &str) -> Markup {
    let from = &report.provenance;
    html! {
        dl.facts {
            dt { "Report" } dd { (code(id)) ", from everything in this report: findings, coverage, integrity, rules and configuration" }
            dt { "Program" } dd { "trailscan " (from.version) }
            dt { "Rules" }
            dd {
                (thousands(from.rules_in_use as u64)) " in use, SHA-256 of the rule set "
                (code(&from.rule_set_sha256))
            }
            dt { "Configuration" }
            dd {
                @match &from.config {
                    Some((file, hash)) => { (code(file)) ", SHA-256 " (code(hash)) }
                    None => "none: built-in values"
                }
                @for (file, hash) in &from.config_files {
                    br; (code(file)) ", SHA-256 " (code(hash))
                }
            }
            dt { "Window" }
            dd {
                (from.window.in_utc())
            }
            dt { "Time zone" }
            dd {
                @match &from.time_zone {
                    Some(zone) => { (code(zone)) " for working hours; all other times are UTC" }
                    None => "UTC throughout; no business calendar was configured"
                }
            }
            dt { "Thresholds" }
            dd { "Those of the rules. The card of a counting rule says what was counted, over what time, and from what number." }
            dt { "Duplicates" }
            dd { "An event that was delivered more than once counts once, by its event id." }
        }
    }
}
