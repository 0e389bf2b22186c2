//! `trailscan review verify`: whether the ledger, the sealed runs and the signatures are what they were.

use std::path::Path;

use anyhow::{Context as _, bail};
use regex::Regex;

use super::bundle;
use super::desk::{self, Desk};
use super::ssh::{self, Checked};
use crate::cli::review::VerifyLedger;
use crate::commands::{Exit, print_fitted};
use crate::ledger::{Entry, FaultKind, Ledger};
use crate::review::ReviewState;
use crate::safe_text::{TerminalText, put};
use crate::small_file;
use crate::words::plural;

/// The largest file in which a head is looked for.
const MOST_BYTES: u64 = 256 << 20;

/// What was found, and how it ends.
struct Findings {
    out: TerminalText,
    exit: Exit,
}

impl Findings {
    fn broken(&mut self, what: &str) {
        put!(self.out, "BROKEN: {}\n", what);
        self.exit = Exit::Broken;
    }

    fn missing(&mut self, what: &str) {
        put!(self.out, "Missing: {}\n", what);
        if self.exit == Exit::Done {
            self.exit = Exit::Incomplete;
        }
    }
}

pub(super) fn verify(desk: &Desk, arguments: &VerifyLedger) -> anyhow::Result<Exit> {
    let Some(ledger) = Ledger::read(&desk.ledger)? else {
        bail!("there is no ledger {}", desk.ledger.display());
    };
    let mut found = Findings {
        out: TerminalText::new(),
        exit: Exit::Done,
    };
    let lines = ledger.chain.hashes.len() as u64;
    put!(
        found.out,
        "{}: {}, head {}\n",
        ledger.path.as_path(),
        plural(lines, "line"),
        ledger.head()
    );
    chain(&ledger, &mut found);
    anchors(&ledger, &arguments.anchor, &mut found)?;
    // what the lines say is worth looking at only if nobody changed them
    if ledger.chain.broken().is_none() {
        let state = ReviewState::new(&ledger);
        meaning(&ledger, &state, &mut found);
        weeks(desk, &state, &mut found)?;
        signatures(&ledger, arguments.allowed_signers.as_deref(), &mut found)?;
        if let Some(folder) = &arguments.bundles {
            bundles(folder, &state, &mut found)?;
        }
    }
    print_fitted(&found.out)?;
    Ok(found.exit)
}

fn chain(ledger: &Ledger, found: &mut Findings) {
    for fault in &ledger.chain.faults {
        let what = format!("line {} {}", fault.line, fault.what);
        match fault.kind {
            FaultKind::Broken => found.broken(&what),
            FaultKind::ClockSetBack => found.missing(&what),
        }
    }
    if ledger.chain.broken().is_none() {
        put!(
            found.out,
            "Chain: every line names the hash of the line before it\n"
        );
    }
    if ledger.torn > 0 {
        desk::note_torn(ledger);
        found.missing("the end of a write that was cut short");
    }
}

/// The heads that the ledger must contain.
fn anchors(ledger: &Ledger, anchors: &[String], found: &mut Findings) -> anyhow::Result<()> {
    if anchors.is_empty() {
        put!(
            found.out,
            "No anchor: lines cut from the end, and a ledger that was written again as a whole, cannot be \
             seen; compare with a head that was kept elsewhere (--anchor)\n"
        );
    }
    let lines = ledger.chain.hashes.len();
    for anchor in anchors {
        for head in heads(anchor)? {
            match ledger.place_of(&head) {
                Some(place) => put!(
                    found.out,
                    "Anchor {}: line {} of {}\n",
                    head,
                    place,
                    lines
                ),
                None => found.broken(&format!(
                    "no line has the hash {head} ({anchor}): lines were cut from the end, the ledger was \
                     written again, or it is another ledger or a fork"
                )),
            }
        }
    }
    Ok(())
}

/// The heads that an anchor names: itself, or those in a file.
fn heads(anchor: &str) -> anyhow::Result<Vec<String>> {
    if anchor.len() == 64 && anchor.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(vec![anchor.to_owned()]);
    }
    let bytes = small_file::read(Path::new(anchor), MOST_BYTES);
    let bytes = bytes.with_context(|| {
        format!("--anchor {anchor} is neither a head (64 hexadecimal digits) nor a file that can be read")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    // `head HASH` of what commands print, `"ledger_head": "HASH"` of review.json
    let head = Regex::new(r#"head"?[:\s]+"?([0-9a-fA-F]{64})\b"#)?;
    let heads: Vec<String> = head
        .captures_iter(&text)
        .filter_map(|one| Some(one.get(1)?.as_str().to_owned()))
        .collect();
    match heads.is_empty() {
        false => Ok(heads),
        true => {
            bail!("{anchor} names no head: a line such as `head 3f…` with 64 hexadecimal digits")
        }
    }
}

/// Entries that follow the rules of the file and break those of a review.
fn meaning(ledger: &Ledger, state: &ReviewState, found: &mut Findings) {
    for line in &ledger.chain.lines {
        let what = match &line.entry {
            Entry::Signature(entry) => {
                let first = state.signed.get(&entry.period);
                let again = first.is_some_and(|first| first.line != line.n);
                again.then(|| format!("line {} signs {} a second time", line.n, entry.period))
            }
            Entry::Approval(entry) => {
                let signed = state.signed.get(&entry.period);
                let counts = signed.is_some_and(|one| one.hash == entry.signature);
                let same =
                    signed.is_some_and(|one| crate::review::same_person(&one.reviewer, &line.by));
                match (counts, same) {
                    (false, _) => Some(format!(
                        "line {} approves a signature that is not in the ledger",
                        line.n
                    )),
                    (true, true) => Some(format!(
                        "line {}: the reviewer approved their own review",
                        line.n
                    )),
                    (true, false) => None,
                }
            }
            _ => None,
        };
        if let Some(what) = what {
            found.broken(&what);
        }
    }
}

fn weeks(desk: &Desk, state: &ReviewState, found: &mut Findings) -> anyhow::Result<()> {
    let unapproved = state.signed.values().filter(|one| one.approval.is_none());
    put!(
        found.out,
        "Signed: {}, of them {} not approved\n",
        plural(state.signed.len() as u64, "period"),
        unapproved.count()
    );
    for week in state.missing_weeks(desk.today()?, desk.config.review.due_days) {
        found.missing(&format!("nobody signed for {week}"));
    }
    for one in state.signed.values() {
        let signature = &one.signature;
        let (period, reviewer) = (&signature.period, &one.reviewer);
        if !signature.reviewer_is_actor.is_empty() {
            put!(
                found.out,
                "Flag: {} signed {}, with findings about their own calls\n",
                reviewer,
                period
            );
        }
        if let Some(approved) = one
            .approval
            .as_ref()
            .filter(|one| !one.approval.approver_is_actor.is_empty())
        {
            put!(
                found.out,
                "Flag: {} approved {}, with findings about their own calls\n",
                approved.approver,
                period
            );
        }
    }
    Ok(())
}

fn signatures(ledger: &Ledger, signers: Option<&Path>, found: &mut Findings) -> anyhow::Result<()> {
    let mut valid = 0;
    for line in &ledger.chain.lines {
        match ssh::check(line, signers)? {
            None => {}
            Some(Checked::Valid) => valid += 1,
            Some(Checked::Invalid(what)) => {
                found.broken(&format!("the SSH signature of line {} {what}", line.n));
            }
            Some(Checked::Unchecked(why)) => {
                found.missing(&format!(
                    "the SSH signature of line {} was not checked: {why}",
                    line.n
                ));
            }
        }
    }
    if valid > 0 {
        let whose = match signers {
            Some(_) => "by allowed keys",
            None => "by the keys that their lines name; --allowed-signers says whose these are",
        };
        put!(
            found.out,
            "SSH: {} valid, {}\n",
            plural(valid, "signature"),
            whose
        );
    }
    Ok(())
}

/// Looks for the sealed folder of each signature and addendum.
fn bundles(folder: &Path, state: &ReviewState, found: &mut Findings) -> anyhow::Result<()> {
    let sealed = bundle::sealed_below(folder)?;
    let mut whole = 0;
    for one in state.signed.values() {
        let signature = &one.signature;
        let later = one
            .addenda
            .iter()
            .map(|one| (&one.report, &one.manifest_sha256));
        let all = [(&signature.report, &signature.manifest_sha256)]
            .into_iter()
            .chain(later);
        for (report, manifest) in all {
            let Some(path) = sealed.get(manifest) else {
                let (period, folder) = (&signature.period, folder.display());
                found.missing(&format!(
                    "no folder in {folder} is the sealed report {report} of {period}"
                ));
                continue;
            };
            let faults = bundle::check(path, manifest)?;
            whole += u64::from(faults.is_empty());
            faults.iter().for_each(|what| found.broken(what));
        }
    }
    put!(
        found.out,
        "Bundles: {} what was signed\n",
        match whole {
            1 => "1 is".to_owned(),
            count => format!("{count} are"),
        }
    );
    Ok(())
}
