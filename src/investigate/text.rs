//! The answer in words for the terminal.

use super::report::{Investigation, Party};
use super::timeline::Entry;
use crate::event::time::iso;
use crate::safe_text::{TerminalText, put};
use crate::search::{short_principal, short_source};
use crate::words::{plural, thousands};

/// How many lines of each section are shown.
const MOST_LINES: usize = 60;

/// How many pivots are shown.
const MOST_PIVOTS: usize = 15;

/// The answer in sentences, the most telling first.
pub(super) fn answer(of: &Investigation) -> Vec<String> {
    let mut said = Vec::new();
    if of.events == 0 {
        said.push("No event fits.".to_owned());
        return said;
    }
    let addresses: Vec<&String> = of
        .source_ips
        .keys()
        .filter(|ip| super::chain::is_address(ip))
        .collect();
    let names: Vec<&str> = of.identities.iter().map(|one| short(one)).collect();
    match (addresses.as_slice(), names.as_slice()) {
        ([address], [_, _, ..]) => said.push(format!(
            "{address} acted under {} identities: {}.",
            in_words(names.len()),
            names.join(", ")
        )),
        (_, [name]) => said.push(format!(
            "{name} acted from {}.",
            plural(addresses.len() as u64, "address")
        )),
        _ => said.push(format!(
            "A chain of {} identities acted from {} addresses: {}.",
            in_words(names.len()),
            addresses.len(),
            names.join(", ")
        )),
    }
    said.push(format!(
        "{} between {} and {}: {} succeeded, {} refused, {} failed.",
        plural(of.events, "call"),
        of.first,
        of.last,
        thousands(of.events - of.refused - of.failed),
        thousands(of.refused),
        thousands(of.failed)
    ));
    let mut data = Vec::new();
    let sum = |kind: &str, count: fn(&super::Touched) -> u64| -> u64 {
        of.touched
            .iter()
            .filter(|one| one.kind == kind)
            .map(count)
            .sum()
    };
    let secrets = of
        .touched
        .iter()
        .filter(|one| one.kind == "secret" && one.reads > 0)
        .count();
    if secrets > 0 {
        data.push(format!("read {}", plural(secrets as u64, "secret")));
    }
    let (reads, deletes) = (
        sum("S3 bucket", |one| one.reads),
        sum("S3 bucket", |one| one.deletes),
    );
    if reads > 0 {
        data.push(format!("made {} of S3 data", plural(reads, "read")));
    }
    if deletes > 0 {
        data.push(format!(
            "made {} of S3 objects",
            plural(deletes, "deletion")
        ));
    }
    let own: Vec<_> = (of.changes.iter())
        .filter(|change| change.tool.is_empty())
        .collect();
    let open = own.iter().filter(|change| change.undone.is_none()).count();
    if !own.is_empty() {
        data.push(format!(
            "made {}, of which {} undone in these logs",
            plural(own.len() as u64, "lasting change"),
            match open {
                0 => "all were".to_owned(),
                1 => "1 was not".to_owned(),
                open => format!("{open} were not"),
            }
        ));
    }
    if !data.is_empty() {
        said.push(format!("It {}.", data.join("; ")));
    }
    let phi: Vec<&str> = of
        .touched
        .iter()
        .filter(|one| one.phi)
        .map(|one| one.name.as_str())
        .collect();
    if !phi.is_empty() {
        said.push(format!(
            "ePHI as configured was reached for: {}.",
            phi.join(", ")
        ));
    }
    said
}

fn in_words(count: usize) -> String {
    let words = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    words
        .get(count)
        .map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// A principal as [`short_principal`] writes it.
pub(super) fn short(principal: &str) -> &str {
    match principal {
        "" => "(no principal)",
        _ => short_principal(principal),
    }
}

/// The answer for the terminal.
pub fn summary(of: &Investigation) -> TerminalText {
    let mut out = TerminalText::new();
    for sentence in &of.answer {
        put!(out, "{}\n", sentence);
    }
    if of.events == 0 {
        return out;
    }
    put!(out, "\nSession chain\n");
    let roots = (0..of.parties.len()).filter(|at| {
        of.parties
            .get(*at)
            .is_some_and(|party| party.parent.is_none())
    });
    let mut left = MOST_LINES;
    for root in roots {
        branch(of, root, 1, &mut left, &mut out);
    }
    if left == 0 {
        put!(
            out,
            "  … all {} are in investigation.json (--out)\n",
            of.parties.len()
        );
    }
    let (by_tools, own): (Vec<&Entry>, Vec<&Entry>) =
        of.timeline.iter().partition(|entry| !entry.tool.is_empty());
    let (succeeded, refused): (Vec<&Entry>, Vec<&Entry>) = own
        .into_iter()
        .partition(|entry| entry.outcome == "success");
    let (changes, reads): (Vec<&Entry>, Vec<&Entry>) = succeeded
        .into_iter()
        .partition(|entry| entry.writes || entry.gives_credentials);
    lines("Changes, sign-ins and new credentials", &changes, &mut out);
    lines("Refused and failed", &refused, &mut out);
    lines("Reads", &reads, &mut out);
    lines(
        "By automation under the same identities",
        &by_tools,
        &mut out,
    );
    if !of.touched.is_empty() {
        put!(out, "\nData and keys reached for\n");
        for one in of.touched.iter().take(MOST_LINES) {
            put!(
                out,
                "  {} {}{}: {} reads, {} writes, {} deletions, {} refused{}{}\n",
                one.kind,
                one.name,
                if one.phi { " (ePHI)" } else { "" },
                thousands(one.reads),
                thousands(one.writes),
                thousands(one.deletes),
                thousands(one.refused),
                match one.objects {
                    0 => String::new(),
                    objects => format!(
                        "; {} in {}",
                        plural(objects as u64, "object"),
                        plural(one.prefixes as u64, "first prefix")
                    ),
                },
                match one.bytes_out {
                    0 => String::new(),
                    bytes => format!("; {} bytes out", thousands(bytes)),
                }
            );
        }
    }
    if !of.changes.is_empty() {
        put!(out, "\nWhat lasts beyond the session\n");
        for change in of.changes.iter().take(MOST_LINES) {
            let state = match &change.undone {
                None if change.is_final() => "cannot be undone".to_owned(),
                None => "not undone in these logs".to_owned(),
                Some(undone) => format!(
                    "{} {} by {}{}",
                    undone.event_name,
                    undone.time,
                    short(&undone.principal),
                    if undone.by_chain {
                        " (the chain itself)"
                    } else {
                        ""
                    }
                ),
            };
            put!(
                out,
                "  {}  {}: {}  {}\n",
                change.time,
                change.what,
                change.subject,
                state
            );
        }
    }
    if !of.containment.is_empty() {
        put!(out, "\nCalls of others that contained it\n");
        for one in of.containment.iter().take(MOST_LINES) {
            put!(
                out,
                "  {}  {} {}  by {}  {}\n",
                one.time,
                one.event_name,
                one.subject,
                short(&one.principal),
                one.outcome
            );
        }
    }
    if !of.pivots.is_empty() {
        put!(
            out,
            "\nOthers that share something with it (not part of the above)\n"
        );
        for pivot in of.pivots.iter().take(MOST_PIVOTS) {
            put!(
                out,
                "  {} {}: {}, {} from {}{} (of {} with it)\n",
                pivot.what(),
                pivot.value,
                short(&pivot.principal),
                plural(pivot.events, "call"),
                pivot.source_ips.join(", "),
                match (pivot.first, pivot.last) {
                    (Some(first), Some(last)) => format!(", {} to {}", iso(first), iso(last)),
                    _ => String::new(),
                },
                plural(pivot.principals_with_it as u64, "principal")
            );
        }
        if of.pivots.len() > MOST_PIVOTS {
            put!(
                out,
                "  … and {} more in investigation.json (--out)\n",
                of.pivots.len() - MOST_PIVOTS
            );
        }
    }
    for observation in &of.observations {
        put!(out, "\n{}\n  {}\n", observation.what, observation.otherwise);
    }
    if !of.limits.is_empty() {
        put!(out, "\nWhat the logs cannot tell\n");
        for limit in &of.limits {
            put!(out, "  {}\n", limit);
        }
    }
    out
}

fn branch(of: &Investigation, at: usize, depth: usize, left: &mut usize, out: &mut TerminalText) {
    let Some(party) = of.parties.get(at).filter(|_| *left > 0 && depth < 20) else {
        return;
    };
    *left -= 1;
    let step = party.origin.as_ref();
    put!(
        out,
        "{}{}{}{}{}\n",
        "  ".repeat(depth),
        match step {
            Some(step) if party.parent.is_some() =>
                format!("└ {} {} → ", step.time, step.event_name),
            _ => String::new(),
        },
        short(&party.principal),
        match party.access_key.as_str() {
            "" => String::new(),
            key => format!(" ({key})"),
        },
        activity(party)
    );
    let children = (0..of.parties.len()).filter(|child| {
        of.parties
            .get(*child)
            .is_some_and(|party| party.parent == Some(at))
    });
    for child in children {
        branch(of, child, depth + 1, left, out);
    }
}

fn activity(party: &Party) -> String {
    if !party.in_chain {
        return ": gave the credentials".to_owned();
    }
    let from: Vec<&str> = party
        .source_ips
        .keys()
        .take(3)
        .map(String::as_str)
        .collect();
    let more = party.source_ips.len().saturating_sub(from.len());
    format!(
        ": {}{} from {}{}",
        plural(party.events, "call"),
        match party.refused + party.failed {
            0 => String::new(),
            without => format!(", {} without success,", thousands(without)),
        },
        from.join(", "),
        match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        }
    )
}

fn lines(title: &str, entries: &[&Entry], out: &mut TerminalText) {
    if entries.is_empty() {
        return;
    }
    put!(out, "\n{}\n", title);
    for entry in entries.iter().take(MOST_LINES) {
        put!(
            out,
            "  {}  {} {}{}  {}{}  {}  {}{}\n",
            entry.first,
            short_source(&entry.event_source),
            entry.event_name,
            match entry.count {
                1 => String::new(),
                count => format!(" × {} until {}", thousands(count), entry.last),
            },
            entry.target,
            match entry.error_code.as_str() {
                "" => String::new(),
                error => format!(" ({error})"),
            },
            short(&entry.principal),
            entry.source_ip,
            match entry.tool {
                "" => String::new(),
                tool => format!("  {tool}"),
            }
        );
    }
    if entries.len() > MOST_LINES {
        put!(
            out,
            "  … and {} more in timeline.csv (--out)\n",
            entries.len() - MOST_LINES
        );
    }
}
