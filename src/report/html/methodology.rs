//! How the report was made, how to make it again, what it cannot say, and what its words mean.

use maud::{Markup, html};

use super::format::code;
use crate::report::Report;
use crate::words::thousands;

/// What CloudTrail can say nothing about at all, with the CFR's headings.
const OUTSIDE: [(&str, &str); 11] = [
    (
        "164.308(a)(4)(ii)(A)",
        "Isolating health care clearinghouse functions",
    ),
    ("164.308(a)(5)(i)", "Security awareness and training"),
    ("164.308(a)(5)(ii)(A)", "Security reminders"),
    ("164.308(a)(7)(ii)(C)", "Emergency mode operation plan"),
    (
        "164.308(a)(7)(ii)(E)",
        "Applications and data criticality analysis",
    ),
    ("164.310(a)", "Facility access controls"),
    ("164.310(b)", "Workstation use"),
    ("164.310(c)", "Workstation security"),
    ("164.310(d)(2)(ii)", "Media re-use"),
    ("164.310(d)(2)(iv)", "Data backup and storage"),
    ("164.314(b)", "Requirements for group health plans"),
];

const LIMITS: [&str; 7] = [
    "CloudTrail records calls to AWS. It does not record what people do inside applications, databases, operating systems or the identity provider.",
    "Access to the content of objects, tables and functions is recorded only where data events are switched on.",
    "A shared key, a workload role or a presigned URL does not show which person used it.",
    "Calls that remove many objects at once do not name the objects or their number.",
    "AWS delivers events some minutes late, and rarely hours late: a report made soon after its period may miss the last of them.",
    "The state of a system before the period is not known here; only what was called in the period is.",
    "Whether an action was right is a decision for people. A rule only says that it deserves a look.",
];

const GLOSSARY: [(&str, &str); 13] = [
    (
        "Actor, principal",
        "The identity AWS recorded for a call: a person, a program or another account.",
    ),
    (
        "Access key",
        "The long-lived secret of an IAM user; its id starts with AKIA. Ids of temporary ones start with ASIA.",
    ),
    (
        "Addressable",
        "A specification you must implement, or replace by a documented equivalent, or document why it is not reasonable.",
    ),
    (
        "Coverage",
        "What part of the logs was found and read, per account and Region.",
    ),
    (
        "Data event",
        "The record of access to contents, for example reading an object; off unless switched on.",
    ),
    (
        "Digest",
        "An hourly signed list of hashes of log files, made by AWS; it lets anyone prove that the files are unchanged.",
    ),
    (
        "Disposition",
        "The reviewer's recorded decision on a finding.",
    ),
    ("ePHI", "Electronic protected health information."),
    (
        "Finding",
        "One rule, one actor, one resource, one period, with its evidence.",
    ),
    (
        "Integrity",
        "Whether the log files are exactly what AWS delivered.",
    ),
    (
        "Management event",
        "The record of a change or look-up of settings; on by default.",
    ),
    (
        "Not assessed",
        "The data or the configuration needed was missing; it does not mean that there is no problem.",
    ),
    (
        "Security incident",
        "Attempted or successful unauthorized access, use, disclosure, change or destruction of information, or interference with a system (164.304).",
    ),
];

pub(super) fn section(report: &Report, id: &str) -> Markup {
    html! {
        section #method aria-labelledby="method-title" {
            h2 #method-title { "Method and limits" }
            h3 { "How this report was made" }
            (provenance_table(report, id))
            h3 { "Reproducing this report" }
            pre { code { (report.provenance.command) } }
            p.aside {
                "The same logs, rules and configuration give the same findings with the same ids, whatever machine reads them. "
                "Paths are as they were typed: run it in the same folder, with access to the same logs."
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
            p {
                "Keep this report, its decisions and its sign-off for six years from the date of its creation or the date "
                "when it last was in effect, whichever is later (164.316(b)(2)(i)). It names people, addresses and objects: "
                "protect it as you protect the information it is about."
            }
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
