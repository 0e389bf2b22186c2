//! The terminal's lines about what digests prove.

use anstyle::Style;

use super::visible::visible;
use crate::event::time::{Epoch, iso};
use crate::integrity::proof::{DigestGapKind, ObjectFault, ObjectProof, Proof, State};
use crate::safe_text::{TerminalText, put, text};
use crate::window::Window;
use crate::words::{plural, thousands};

/// How many things that are wrong are shown; the rest are in the file.
const SHOWN: usize = 12;

/// Where a proof comes from.
#[derive(Debug, Clone, Default)]
pub struct About {
    pub version: &'static str,
    pub source: String,
    /// The window in the time of delivery.
    pub window: Window,
    pub created: Option<Epoch>,
}

/// One line for a run's summary.
pub fn line(proof: &Proof) -> TerminalText {
    text!("Integrity: {}", proof.verdict())
}

/// What `trailscan verify` says.
pub fn summary(about: &About, proof: &Proof) -> TerminalText {
    let mut out = TerminalText::new();
    let bold = Style::new().bold();
    put!(out, "{}Integrity {}{:#}\n", bold, proof.verdict(), bold);
    let bound = |time: Option<Epoch>, open: &str| time.map_or_else(|| open.to_owned(), iso);
    put!(
        out,
        "{} from {} to {}\n",
        about.source,
        bound(about.window.since, "the first file"),
        bound(about.window.until, "the last file"),
    );
    let (d, l) = (proof.digests, proof.logs);
    put!(
        out,
        "  digests {} = {} valid + {} broken + {} not proven\n",
        thousands(d.total()),
        thousands(d.valid),
        thousands(d.broken),
        thousands(d.not_proven)
    );
    let beside = [
        (l.other_kinds, "of a kind without digests"),
        (l.absent, "not found"),
    ];
    let beside = beside.iter().filter(|(count, _)| *count > 0);
    let beside: String = beside
        .map(|(count, what)| format!(" + {} {what}", thousands(*count)))
        .collect();
    put!(
        out,
        "  logs {} = {} valid + {} altered + {} missing + {} in no digest + {} pending + {} not \
         proven{}\n",
        thousands(l.total()),
        thousands(l.valid),
        thousands(l.altered),
        thousands(l.missing),
        thousands(l.unnamed),
        thousands(l.pending),
        thousands(l.not_proven),
        beside
    );
    for chain in &proof.chains {
        let ends = chain.hours.first().zip(chain.hours.last());
        let span = ends.map(|(first, last)| format!(", {} to {}", iso(first.start), iso(last.end)));
        put!(
            out,
            "  {}: {}{}\n",
            chain.title(),
            plural(chain.hours.len() as u64, "digest"),
            span.unwrap_or_default()
        );
    }
    sentences(&mut out, proof);
    out
}

/// What is not valid and what could not be checked.
pub fn sentences(out: &mut TerminalText, proof: &Proof) {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let wrong = wrong(proof);
    if !wrong.is_empty() {
        put!(out, "\n");
    }
    for (state, what) in wrong.iter().take(SHOWN) {
        put!(out, "{}{:<10}{:#} {}\n", bold, state.as_str(), bold, what);
    }
    if wrong.len() > SHOWN {
        let more = wrong.len() - SHOWN;
        put!(
            out,
            "{}… and {} more in integrity.json{:#}\n",
            dim,
            more,
            dim
        );
    }
    for limit in &proof.limits {
        put!(out, "note: {}\n", limit);
    }
}

/// Everything that is not valid, the worst first: times without a digest, digests, logs.
pub fn wrong(proof: &Proof) -> Vec<(State, String)> {
    let mut wrong = Vec::new();
    for chain in &proof.chains {
        for hole in &chain.holes {
            if hole.found.state == State::Valid && hole.kind == DigestGapKind::Off {
                continue;
            }
            let logs = match hole.logs {
                0 => String::new(),
                logs => format!(", {} delivered in it", plural(logs, "log")),
            };
            wrong.push((
                hole.found.state,
                format!(
                    "{} to {} in {}{logs}: {}",
                    iso(hole.from),
                    iso(hole.to),
                    visible(&chain.title()),
                    visible(&hole.found.reason)
                ),
            ));
        }
        let bad = chain.hours.iter();
        for hour in bad.filter(|hour| hour.found.state != State::Valid) {
            let (digest, reason) = (visible(&hour.digest), visible(&hour.found.reason));
            let logs = plural(hour.logs.named.into(), "log");
            wrong.push((
                hour.found.state,
                format!("digest {digest} ({logs}): {reason}"),
            ));
        }
    }
    for place in &proof.undigested {
        let (account, region) = (visible(&place.account), visible(&place.region));
        let logs = plural(place.logs, "log");
        let what = format!(
            "{account} {region} ({logs}): there is no digest of this account and Region: validation \
             is off, or the digests were removed"
        );
        wrong.push((State::NotProven, what));
    }
    // those that are too new for their digest are counted, and nothing is wrong with them
    let objects = proof.objects.iter();
    let objects = objects.filter(|object| object.fault != ObjectFault::Pending);
    wrong.extend(objects.map(description));
    wrong.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    wrong
}

fn description(object: &ObjectProof) -> (State, String) {
    let what = format!(
        "{} {}: {}",
        object.fault.as_str(),
        visible(&object.object),
        visible(&object.reason)
    );
    (object.state, what)
}
