//! Least privilege in text: what `trailscan privileges` prints.

use serde::Serialize;

use crate::assess::privileges::{PrincipalUse, Privileges, Refused, Used};
use crate::event::time::{Epoch, iso};
use crate::safe_text::{TerminalText, put, text};
use crate::words::{plural, thousands};

/// The document of `trailscan privileges --format json`.
#[derive(Debug, Serialize)]
pub struct Document<'p> {
    pub schema: &'static str,
    pub source: &'p str,
    pub window: String,
    #[serde(flatten)]
    pub privileges: &'p Privileges,
}

/// The whole in text.
pub fn text(document: &Document<'_>) -> TerminalText {
    let privileges = document.privileges;
    let mut out = TerminalText::new();
    put!(out, "Least privilege: {}\n", document.source);
    if !document.window.is_empty() {
        put!(out, "Window: {}\n", document.window);
    }
    put!(
        out,
        "Evidence: {} of logs{}\n",
        plural(privileges.evidence_days, "day"),
        span(privileges.first, privileges.last)
    );
    for principal in &privileges.principals {
        put!(out, "\n");
        out.push(&of_principal(principal));
    }
    put!(out, "\nLimits\n");
    for limit in &privileges.limits {
        put!(out, "  {}\n", limit);
    }
    out
}

fn of_principal(principal: &PrincipalUse) -> TerminalText {
    let mut out = TerminalText::new();
    let name = principal.arn.as_deref().unwrap_or(&principal.name);
    put!(out, "{} {}\n", principal.kind, name);
    if !principal.documents.is_empty() {
        put!(out, "  documents: {}\n", principal.documents.join(", "));
    }
    out.push(&uses("used", &principal.used));
    if !principal.unused.is_empty() {
        put!(out, "  granted and never used\n");
    }
    for unused in &principal.unused {
        put!(
            out,
            "    {}  {} {}  ({}){}\n",
            unused.action,
            match unused.used_on_others {
                true => "not on",
                false => "on",
            },
            unused.resources.join(", "),
            unused.statement,
            match &unused.unseen {
                Some(_) => ": use cannot be seen",
                None => "",
            }
        );
    }
    if !principal.wildcards.is_empty() {
        put!(out, "  wildcards, and what was used below them\n");
    }
    for wildcard in &principal.wildcards {
        let used = match wildcard.used.is_empty() {
            true => "nothing".to_owned(),
            false => wildcard.used.join(", "),
        };
        put!(
            out,
            "    {}  ({}): {}\n",
            wildcard.pattern,
            wildcard.statement,
            used
        );
        if let Some(unseen) = &wildcard.unseen {
            put!(out, "      {}\n", unseen);
        }
    }
    out.push(&refusals("refused", &principal.refused));
    if !principal.outside.is_empty() {
        out.push(&uses("used outside the documents", &principal.outside));
        put!(
            out,
            "    The deployed policy is wider than the documents, or a resource policy allows these calls.\n"
        );
    }
    for session in &principal.sessions {
        put!(out, "  session {}\n", session.session);
        out.push(&uses("  used", &session.used));
        if !session.unused.is_empty() {
            put!(out, "    not used: {}\n", session.unused.join(", "));
        }
        out.push(&refusals("  refused", &session.refused));
        out.push(&uses("  used outside the documents", &session.outside));
    }
    if !principal.limits.is_empty() {
        put!(out, "  limits\n");
    }
    for limit in &principal.limits {
        put!(out, "    {}\n", limit);
    }
    out.push(&proposal(principal));
    out
}

fn proposal(principal: &PrincipalUse) -> TerminalText {
    let mut out = TerminalText::new();
    if let Some(why) = &principal.no_proposal {
        put!(out, "  no narrower policy is proposed: {}\n", why);
    }
    let Some(proposal) = &principal.proposal else {
        return out;
    };
    put!(out, "  proposed policy, to be reviewed\n");
    for warning in &proposal.warnings {
        put!(out, "    warning: {}\n", warning);
    }
    if !proposal.kept_unseen.is_empty() {
        put!(
            out,
            "    kept, because their use cannot be seen: {}\n",
            proposal.kept_unseen.join(", ")
        );
    }
    if !proposal.left_out.is_empty() {
        put!(
            out,
            "    not allowed by it, though used outside the documents: {}\n",
            proposal.left_out.join(", ")
        );
    }
    for document in &proposal.documents {
        let json = serde_json::to_string_pretty(document).unwrap_or_default();
        put!(out, "{}\n", TerminalText::json(&json));
    }
    out
}

fn uses(title: &str, uses: &[Used]) -> TerminalText {
    let mut out = TerminalText::new();
    if uses.is_empty() && title.contains("outside") {
        return out;
    }
    put!(out, "  {}\n", title);
    if uses.is_empty() {
        put!(out, "    nothing\n");
    }
    for used in uses {
        put!(
            out,
            "    {}  {}{}{}{}{}\n",
            used.action,
            calls(used.calls, used.failed),
            span(used.first, used.last),
            on(&used.resource),
            match &used.statement {
                Some(statement) => text!("  ({})", statement),
                None => TerminalText::new(),
            },
            match used.undecided {
                true => "  could not tell whether the documents allow it",
                false => "",
            }
        );
    }
    out
}

fn refusals(title: &str, refused: &[Refused]) -> TerminalText {
    let mut out = TerminalText::new();
    if !refused.is_empty() {
        put!(out, "  {}\n", title);
    }
    for one in refused {
        put!(
            out,
            "    {}  {}{}{}  documents {}{}\n",
            one.action,
            calls(one.calls, 0),
            span(one.first, one.last),
            on(&one.resource),
            one.documents,
            match one.refused_by.is_empty() {
                true => TerminalText::new(),
                false => text!(" ({})", one.refused_by),
            }
        );
    }
    out
}

fn calls(calls: u64, failed: u64) -> String {
    match failed {
        0 => format!("{} ×", thousands(calls)),
        failed => format!("{} × ({} failed)", thousands(calls), thousands(failed)),
    }
}

fn on(resource: &str) -> String {
    match resource.is_empty() {
        true => String::new(),
        false => format!("  on {resource}"),
    }
}

fn span(first: Option<Epoch>, last: Option<Epoch>) -> String {
    match first.zip(last) {
        Some((first, last)) if first == last => format!(", {}", iso(first)),
        Some((first, last)) => format!(", {} to {}", iso(first), iso(last)),
        None => String::new(),
    }
}
