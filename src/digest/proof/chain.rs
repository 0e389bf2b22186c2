//! One chain: which digests are valid, and which times have none.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::join::{Digests, Joined};
use super::{HOUR, LATE, RegionalTrail, STAMP, Window};
use crate::digest::key::{Keys, Verdict};
use crate::event::time::{Epoch, iso};
use crate::integrity::proof::{ChainProof, DigestGap, DigestGapKind, Judgement, State};
use crate::integrity::{Chain, DigestFact, Previous, PreviousDigest, SignatureStatus};
use crate::seeded::SeededMap;

pub(in crate::digest) type Findings<'d> = SeededMap<&'d Arc<str>, Judgement>;

/// A digest and what it says of the one before it.
type After<'d> = (&'d Arc<str>, &'d Previous);

/// The digests in the order of their time.
pub(super) fn in_time(digests: &Digests) -> Vec<(&Arc<str>, &DigestFact)> {
    let mut sorted: Vec<_> = digests.iter().collect();
    sorted.sort_by_key(|(name, fact)| (fact.start, fact.end, Arc::clone(name)));
    sorted
}

fn found(state: State, reason: impl Into<String>) -> Judgement {
    Judgement {
        state,
        reason: reason.into(),
    }
}

/// What can be said of each digest. The newest come first, because a valid digest speaks for the
/// one before it.
pub(in crate::digest) fn findings<'d>(
    digests: impl IntoIterator<Item = (&'d Arc<str>, &'d DigestFact)>,
    keys: &Keys,
) -> Findings<'d> {
    let mut newest_first: Vec<_> = digests.into_iter().collect();
    newest_first.sort_by_key(|(name, fact)| (Reverse(fact.end), fact.start, Arc::clone(name)));
    let mut successors: SeededMap<&str, Vec<After<'_>>> = SeededMap::default();
    for &(name, fact) in &newest_first {
        if let PreviousDigest::Digest(previous) = &fact.before {
            let after = successors.entry(&previous.name).or_default();
            after.push((name, previous));
        }
    }
    let mut findings = Findings::default();
    for (name, fact) in newest_first {
        let after = successors.get(&**name).map_or(&[][..], Vec::as_slice);
        let vouching = after.iter().copied().filter(|(name, _)| {
            let found: Option<&Judgement> = findings.get(name);
            found.is_some_and(|found| found.state == State::Valid)
        });
        let vouching: Vec<_> = vouching.collect();
        let finding = finding(fact, &vouching, after, keys);
        findings.insert(name, finding);
    }
    findings
}

fn finding(
    fact: &DigestFact,
    vouching: &[After<'_>],
    after: &[After<'_>],
    keys: &Keys,
) -> Judgement {
    match &fact.standing {
        SignatureStatus::Unread(why) => return found(State::NotProven, why),
        SignatureStatus::Bad(what) => return found(State::Broken, what),
        SignatureStatus::Signed | SignatureStatus::NoKey | SignatureStatus::Unsigned(_) => {}
    }
    for (next, said) in vouching {
        if said.sha256 != fact.sha256 {
            let what = format!("{next}, which is valid, says another hash of it: it was replaced");
            return found(State::Broken, what);
        }
        if fact.signature.is_some_and(|own| own != said.signature) {
            let what =
                format!("{next}, which is valid, says another signature of it: it was replaced");
            return found(State::Broken, what);
        }
    }
    let to_sign = match &fact.standing {
        SignatureStatus::Signed => {
            let how = format!("signed with key {}", fact.fingerprint);
            return found(State::Valid, how);
        }
        _ if !vouching.is_empty() => {
            let how = "the digest after it, which is valid, holds its hash";
            return found(State::Valid, how);
        }
        SignatureStatus::Unsigned(to_sign) => to_sign,
        _ => {
            let what = format!(
                "there is no public key with fingerprint {}",
                fact.fingerprint
            );
            return found(State::NotProven, what);
        }
    };
    for (next, said) in after {
        let Some(signature) = &said.witness else {
            continue;
        };
        match keys.verify(&fact.fingerprint, to_sign, signature) {
            Verdict::Right => {
                let how = format!(
                    "the digest after it holds its signature, made with key {}",
                    fact.fingerprint
                );
                return found(State::Valid, how);
            }
            Verdict::Wrong => {
                let what = format!(
                    "the signature that {next} holds of it is not right: one of the two was altered"
                );
                return found(State::Broken, what);
            }
            Verdict::Unusable(what) => {
                let what = format!("the key {} cannot be used: {what}", fact.fingerprint);
                return found(State::NotProven, what);
            }
            Verdict::NoKey => {
                let what = format!(
                    "there is no public key with fingerprint {}",
                    fact.fingerprint
                );
                return found(State::NotProven, what);
            }
        }
    }
    found(
        State::NotProven,
        "its signature stands in the object's metadata, which did not come with this copy, and no \
         digest after it holds it",
    )
}

/// The times of the window without a digest. A chain of backfill digests has one only where a log
/// was missed, so of it only what its links say is missing.
pub(super) fn holes(
    Joined { chain, digests, .. }: &Joined,
    findings: &Findings<'_>,
    window: &Window,
    settled: Epoch,
) -> Vec<DigestGap> {
    let mut holes = Vec::new();
    // the end of what digests speak for, so far
    let mut covered = window.since.filter(|_| !chain.backfill);
    let mut first = true;
    for (name, fact) in in_time(digests) {
        let at_start = std::mem::take(&mut first);
        let from = match covered {
            Some(covered) if !chain.backfill => covered,
            _ => fact.start,
        };
        let gap = from < fact.start;
        let state = findings
            .get(name)
            .map_or(State::NotProven, |found| found.state);
        let hole = match &fact.before {
            PreviousDigest::Start if gap && state != State::Broken => Some((
                DigestGapKind::Off,
                out_of_step(name, from, fact, at_start, state),
            )),
            PreviousDigest::Digest(previous) => {
                let lost = !digests.contains_key(&*previous.name)
                    && !digests
                        .values()
                        .any(|other| other.sha256 == previous.sha256);
                // what ended before the window was not asked for
                let asked = match (window.since, previous.end) {
                    (Some(since), Some(end)) => end > since,
                    (Some(_), None) => true,
                    (None, _) => !at_start,
                };
                match (lost && asked, gap) {
                    (true, _) => Some((DigestGapKind::Missing, missing(name, previous, window))),
                    (false, true) => Some((DigestGapKind::LeftOut, left_out())),
                    (false, false) => None,
                }
            }
            PreviousDigest::Start | PreviousDigest::Unknown if gap => {
                Some((DigestGapKind::Missing, unknown(name, state)))
            }
            PreviousDigest::Start | PreviousDigest::Unknown => None,
        };
        if let Some((kind, found)) = hole {
            // without a gap, the hour of the digest that is named is covered by others
            let from = match &fact.before {
                PreviousDigest::Digest(previous) if !gap => {
                    previous.end.map_or(from, |end| end - HOUR)
                }
                _ => from,
            };
            holes.push(DigestGap {
                from: from.min(fact.start),
                to: fact.start,
                kind,
                logs: 0,
                found,
            });
        }
        covered = Some(covered.map_or(fact.end, |covered| covered.max(fact.end)));
    }
    if let Some(from) = covered.filter(|_| !chain.backfill) {
        let due = window.until.map_or(settled, |until| until.min(settled));
        let written = digests.values().filter_map(|digest| digest.written).max();
        holes.extend(after(from, due, chain, written, window));
    }
    holes
}

/// The chain of which nothing is left, though CloudTrail wrote digests inside the window.
pub(super) fn deleted(there: &RegionalTrail, window: &Window) -> Option<ChainProof> {
    let (_, last) = there.last_delivery().filter(|_| there.whole)?;
    // the hour of a digest ends before it is written, and the window is one of hours
    let early = window.since.is_some_and(|since| last <= since + LATE);
    let late = window.until.is_some_and(|until| last > until);
    if early || late {
        return None;
    }
    let what = format!(
        "no digest is here, and CloudTrail wrote some, the last at {} (GetTrailStatus): they were \
         removed",
        iso(last)
    );
    Some(ChainProof {
        account: there.trail.owner().to_owned(),
        region: there.region.clone(),
        trail: there.trail.name.clone(),
        home_region: there.trail.home_region.clone(),
        backfill: false,
        place: there.place(),
        places: BTreeSet::from([there.place()]),
        has_namesake: false,
        hours: Vec::new(),
        holes: vec![DigestGap {
            from: last - HOUR,
            to: last,
            kind: DigestGapKind::Missing,
            logs: 0,
            found: found(State::Broken, what),
        }],
    })
}

/// The digests end before they should. Logs in the hole decide what that means.
pub(super) fn end(from: Epoch, to: Epoch) -> DigestGap {
    DigestGap {
        from,
        to,
        kind: DigestGapKind::End,
        logs: 0,
        found: found(
            State::NotProven,
            format!(
                "there is no digest after {}: validation, logging or the trail was switched off, or \
                 the digests were removed",
                iso(from)
            ),
        ),
    }
}

/// The time after the last digest, which speaks for the time up to `from`. CloudTrail knows whether
/// it wrote another one; where it says nothing, one must be there for the time up to `due`.
fn after(
    from: Epoch,
    due: Epoch,
    chain: &Chain,
    written: Option<Epoch>,
    window: &Window,
) -> Option<DigestGap> {
    let end = (from < due).then(|| end(from, due));
    let of = ChainProof::of(chain);
    let there = window.trails.iter().find(|there| there.is_of(&of));
    let last_delivery = there.and_then(|there| Some((&there.trail, there.last_delivery()?)));
    let Some((trail, (status, last))) = last_delivery else {
        return end;
    };
    let last_delivery = format!("the last at {} (GetTrailStatus)", iso(last));
    if window.until.is_some_and(|until| last > until) {
        let mut end = end?;
        end.found.reason = format!(
            "{}; CloudTrail wrote digests later, {last_delivery}: the first of them (a later --until) says \
             which",
            end.found.reason
        );
        return Some(end);
    }
    // of an organization's trail it is not known whether the answer is about this account's digests
    let newer = !trail.organization && written.is_some_and(|written| last > written + STAMP);
    if newer || last > from + LATE {
        let what = format!(
            "the newest digest is missing: CloudTrail wrote digests after the last one here, {last_delivery}"
        );
        // an hour each; the last before logging stops is shorter
        let hours = (last - from) / HOUR * HOUR;
        let to = if hours > 0 { from + hours } else { last };
        return Some(DigestGap {
            from,
            to: to.max(due).max(from),
            kind: DigestGapKind::Missing,
            logs: 0,
            found: found(State::Broken, what),
        });
    }
    let trail_name = &trail.name;
    let why = match (&status.digest_error, status.stopped) {
        (Some(error), _) => format!("S3 refused the next one: {error}"),
        (None, Some(at)) if !status.logging => {
            format!("logging of trail {trail_name} was stopped at {}", iso(at))
        }
        _ if !trail.validation => format!("validation of trail {trail_name} is switched off"),
        _ => "the reason is not known".to_owned(),
    };
    Some(DigestGap {
        kind: DigestGapKind::NoneWritten,
        found: found(
            State::NotProven,
            format!("CloudTrail wrote no digest after the last one here, {last_delivery}: {why}"),
        ),
        ..end?
    })
}

/// The time from `from` up to the first digest of a chain.
fn out_of_step(
    name: &str,
    from: Epoch,
    fact: &DigestFact,
    at_start: bool,
    state: State,
) -> Judgement {
    if at_start && fact.start - from < HOUR {
        // no digest of a whole hour is missing; logs of that time turn this into "not proven"
        return found(state, format!("validation began with {name}"));
    }
    if at_start {
        // the first digest after a restart looks like that of a new trail, and both name no digest
        // before them ("starting digest" of AWS's page on the digest file structure): what came before
        // may have been removed
        let what = format!(
            "the chain begins with {name}, which names no digest before it: nothing proves what was \
             delivered until then, and digests and logs may have been removed. If the trail was \
             created then, ask for the time since then: --since {}",
            iso(fact.start)
        );
        return found(state.max(State::NotProven), what);
    }
    let what = format!(
        "validation or logging was switched off, and on again with {name}: what was delivered in \
         between has no digest"
    );
    found(State::NotProven, what)
}

fn missing(name: &str, previous: &Previous, window: &Window) -> Judgement {
    if let (true, Some(bucket)) = (window.copy, &previous.elsewhere) {
        let what = format!(
            "the chain continues in bucket {bucket}, which this copy does not hold: {name} names {}",
            previous.name
        );
        return found(State::NotProven, what);
    }
    let (bucket, _) = previous.name.split_once('/').unwrap_or_default();
    if !window.copy && !window.buckets.is_empty() && !window.buckets.contains(bucket) {
        let what = format!(
            "the chain continues in bucket {bucket}, which was not read ({})",
            previous.name
        );
        return found(State::NotProven, what);
    }
    let what = format!("{} is missing: {name} names it", previous.name);
    found(State::Broken, what)
}

fn left_out() -> Judgement {
    found(
        State::NotProven,
        "the digests before and after are linked, and neither covers this time",
    )
}

fn unknown(name: &str, state: State) -> Judgement {
    let what = format!("there is no valid digest, and {name} does not say what came before it");
    found(state.max(State::NotProven), what)
}
