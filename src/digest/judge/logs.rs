//! Logs: those that are not what their digest says, those that are not there, those that no
//! digest names.

use super::{LATE, STAMP, Window, chain};
use crate::event::time::{Epoch, iso};
use crate::integrity::proof::{
    ChainProof, HoleKind, LogCounts, ObjectFault, ObjectProof, Proof, State,
};
use crate::integrity::{Claim, Fault, Hash, Integrity, Reading, Settled};
use crate::seeded::{SeededMap, SeededSet};
use crate::source::key::{LogKey, LogKind};

/// What the digests' states are by name.
type States<'s> = SeededMap<&'s str, State>;

/// The delivery stamp of a log by its name.
pub(super) fn stamp(name: &str) -> Option<Epoch> {
    let key = LogKey::parse(name)?;
    Some(key.delivered?.timestamp())
}

pub(super) fn judge(
    integrity: &Integrity,
    states: &States<'_>,
    window: &Window,
    settled: Epoch,
    proof: &mut Proof,
) {
    let mut objects: Vec<ObjectProof> = Vec::new();
    objects.extend(integrity.faulty.iter().map(|one| faulty(one, states)));
    let moved = moved(integrity);
    let oldest = oldest(integrity);
    for (log, claims) in &integrity.claims {
        let to = claims.iter().find_map(|claim| moved.get(&claim.sha256));
        for claim in claims {
            objects.push(not_met(log, claim, to.copied(), states, window, oldest));
        }
    }
    let was_moved = |reading: &Reading| {
        let Reading::Content(hash) = reading else {
            return false;
        };
        moved.contains_key(hash)
    };
    let unnamed = integrity.readings.iter();
    for (name, reading) in unnamed.filter(|(_, reading)| !was_moved(reading)) {
        objects.extend(in_no_digest(
            name,
            reading,
            window,
            settled,
            &mut proof.chains,
        ));
    }
    objects.sort();
    objects.dedup();
    for object in &objects {
        count(&mut proof.logs, object);
    }
    proof.objects = objects;
    for hole in proof.chains.iter_mut().flat_map(|chain| &mut chain.holes) {
        if hole.logs == 0 {
            continue;
        }
        hole.found.state = hole.found.state.max(State::NotProven);
        if hole.kind == HoleKind::End {
            hole.found.state = State::Broken;
            hole.found.reason = format!(
                "there is no digest after {}, and logs were delivered: the digests were removed, or \
                 validation was switched off",
                iso(hole.from)
            );
        }
    }
}

const fn count(logs: &mut LogCounts, object: &ObjectProof) {
    let count = match object.fault {
        ObjectFault::Altered => &mut logs.altered,
        ObjectFault::Missing | ObjectFault::Moved => &mut logs.missing,
        ObjectFault::Unnamed => &mut logs.unnamed,
        ObjectFault::Pending => &mut logs.pending,
        ObjectFault::Unread | ObjectFault::Unproven => &mut logs.not_proven,
    };
    *count += 1;
}

/// The digest of a claim is valid.
fn stands(claim: &Claim, states: &States<'_>) -> bool {
    states.get(&*claim.digest) == Some(&State::Valid)
}

fn object(
    name: &str,
    fault: ObjectFault,
    reason: impl Into<String>,
    claim: Option<&Claim>,
) -> ObjectProof {
    let state = match fault {
        ObjectFault::Altered | ObjectFault::Missing | ObjectFault::Moved | ObjectFault::Unnamed => {
            State::Broken
        }
        ObjectFault::Pending | ObjectFault::Unread | ObjectFault::Unproven => State::NotProven,
    };
    ObjectProof {
        object: name.to_owned(),
        fault,
        state,
        reason: reason.into(),
        digest: claim.map(|claim| claim.digest.clone()),
    }
}

/// A log that was met and is not what its digest says.
fn faulty(one: &Settled, states: &States<'_>) -> ObjectProof {
    let (fault, reason) = match &one.fault {
        Some(Fault::Unread(why)) => (ObjectFault::Unread, why.to_string()),
        Some(Fault::Damaged(what)) => (ObjectFault::Altered, what.to_string()),
        _ => (
            ObjectFault::Altered,
            "its content is not what its digest says (SHA-256)".to_owned(),
        ),
    };
    let claim = Some(&one.claim);
    if fault == ObjectFault::Altered && !stands(&one.claim, states) {
        let reason = format!("{reason}; the digest itself is not valid");
        return object(&one.log, ObjectFault::Unproven, reason, claim);
    }
    object(&one.log, fault, reason, claim)
}

/// The readings that no digest names and whose content belongs to a log that is not there.
fn moved(integrity: &Integrity) -> SeededMap<Hash, &str> {
    let claims = integrity.claims.values().flatten();
    let sought: SeededSet<Hash> = claims.map(|claim| claim.sha256).collect();
    let mut moved = SeededMap::default();
    for (name, reading) in &integrity.readings {
        if let Reading::Content(hash) = reading
            && sought.contains(hash)
        {
            // of several copies the first by name
            moved.entry(*hash).or_insert(&**name);
        }
    }
    moved
}

/// The oldest delivery that was met at all, digests aside.
fn oldest(integrity: &Integrity) -> Option<Epoch> {
    let digests = integrity.digests.values().flat_map(|all| all.values());
    let starts = digests
        .filter(|digest| digest.met.total() > 0)
        .map(|digest| digest.start);
    let readings = integrity.readings.keys().filter_map(|name| stamp(name));
    starts.chain(readings).min()
}

/// A log that a digest names and that was not met.
fn not_met(
    log: &str,
    claim: &Claim,
    moved: Option<&str>,
    states: &States<'_>,
    window: &Window,
    oldest: Option<Epoch>,
) -> ObjectProof {
    let (bucket, _) = log.split_once('/').unwrap_or_default();
    let elsewhere = !window.copy && !window.buckets.is_empty() && !window.buckets.contains(bucket);
    let (fault, reason) = if !stands(claim, states) {
        (
            ObjectFault::Unproven,
            "it is not there; the digest that names it is not valid".to_owned(),
        )
    } else if let Some(moved) = moved {
        (ObjectFault::Moved, format!("its content lies at {moved}"))
    } else if elsewhere {
        (
            ObjectFault::Unread,
            format!("it lies in bucket {bucket}, which was not read"),
        )
    } else if window.copy
        && window.since.is_none()
        && stamp(log)
            .zip(oldest)
            .is_some_and(|(at, oldest)| at < oldest)
    {
        (
            ObjectFault::Unproven,
            "it is older than every log of this copy: removed, or not copied".to_owned(),
        )
    } else {
        (
            ObjectFault::Missing,
            "a valid digest names it, and it is not there".to_owned(),
        )
    };
    object(log, fault, reason, Some(claim))
}

/// A log that no digest names. The hour it was delivered in decides what that means.
fn in_no_digest(
    name: &str,
    reading: &Reading,
    window: &Window,
    settled: Epoch,
    chains: &mut [ChainProof],
) -> Option<ObjectProof> {
    if let Reading::Unread(why) = reading {
        return Some(object(name, ObjectFault::Unread, why.to_string(), None));
    }
    let Some(key) = LogKey::parse(name) else {
        let why = "its name is not one that CloudTrail gives: no digest can name it";
        return Some(object(name, ObjectFault::Unproven, why, None));
    };
    // nobody says that digests name files of other kinds (facts, 8)
    if key.kind != LogKind::Log {
        return None;
    }
    let mut own: Vec<&mut ChainProof> = chains
        .iter_mut()
        .filter(|chain| chain.account == key.account && chain.region == key.region)
        .filter(|chain| !chain.backfill && !chain.hours.is_empty())
        .collect();
    if own.is_empty() {
        let why = "there is no digest of its account and Region: validation is off, or the digests \
                   were removed";
        return Some(object(name, ObjectFault::Unproven, why, None));
    }
    let Some(at) = key.delivered.map(|at| at.timestamp()) else {
        let why = "no digest names it, and its name has no time of delivery";
        return Some(object(name, ObjectFault::Unnamed, why, None));
    };
    let mut before = true;
    for chain in &mut own {
        let start = chain.hours.first().map_or(at, |hour| hour.start);
        let end = chain.hours.iter().map(|hour| hour.end).max().unwrap_or(at);
        before &= at < start - STAMP;
        // digests that end too early show only in the logs that came after them
        let after = at >= end - STAMP;
        if after && end < settled {
            let last = chain.holes.last_mut().filter(|hole| hole.from >= end);
            match last {
                Some(hole) => hole.to = hole.to.max(at + 1),
                None => chain.holes.push(chain::end(end, (at + 1).max(end))),
            }
        }
        let hole = chain.holes.iter_mut().find(|hole| {
            let from = match hole.kind {
                HoleKind::Off if hole.from < start => Epoch::MIN,
                _ => hole.from - STAMP,
            };
            from <= at && at < hole.to
        });
        if let Some(hole) = hole {
            hole.logs += 1;
            let why = format!("no digest speaks for its hour: {}", hole.found.reason);
            return Some(object(name, ObjectFault::Unproven, why, None));
        }
        if after {
            if window.copy && window.until.is_none() && window.now - LATE >= at {
                let why = "its digest is not in this copy: not yet written when the copy was made, \
                           or removed (--until says up to when the copy is complete)";
                return Some(object(name, ObjectFault::Unproven, why, None));
            }
            let why = "its digest is not written yet: AWS writes one an hour";
            return Some(object(name, ObjectFault::Pending, why, None));
        }
    }
    if before {
        let why = "it was delivered before the first digest here";
        return Some(object(name, ObjectFault::Unproven, why, None));
    }
    let why = "no digest names it, though its hour has one: put there by somebody else, or by a \
               trail without validation";
    Some(object(name, ObjectFault::Unnamed, why, None))
}
