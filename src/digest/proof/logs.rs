//! Logs: those that are not what their digest says, those that are not there, those that no
//! digest names.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};

use super::join::Joined;
use super::{LATE, SKEW, STAMP, Window, chain};
use crate::event::time::{Epoch, iso};
use crate::integrity::proof::{
    ChainProof, DigestGapKind, LogCounts, ObjectFault, ObjectProof, Proof, State,
};
use crate::integrity::{Claim, Hash, Integrity, Reading};
use crate::seeded::{SeededMap, SeededSet};
use crate::source::key::{Location, LogKey, LogKind, is_log_name};

/// What the digests' states are by name.
pub(super) type States<'s> = SeededMap<&'s str, State>;

/// The delivery stamp of a log by its name.
pub(super) fn stamp(name: &str) -> Option<Epoch> {
    let key = LogKey::parse(name)?;
    Some(key.delivered?.timestamp())
}

/// Judges the logs that no digest and the names that no log is left for; `objects` are those that
/// were judged before.
pub(super) fn judge(
    integrity: &Integrity,
    mut objects: Vec<ObjectProof>,
    joined: &[Joined],
    states: &States<'_>,
    window: &Window,
    settled: Epoch,
    proof: &mut Proof,
) {
    let moved = moved(integrity);
    let oldest = oldest(integrity, joined);
    let mut was_moved: SeededMap<&str, &str> = SeededMap::default();
    for (log, claims) in &integrity.claims {
        // those of valid digests come first
        let Some(claim) = claims.first() else {
            continue;
        };
        let to = claims.iter().find_map(|claim| moved.get(&claim.sha256));
        if let Some(to) = to {
            was_moved.insert(to, log);
        }
        objects.push(not_found(log, claim, to.copied(), states, window, oldest));
    }
    let kinds = named_kinds(joined, states);
    for (name, readings) in &integrity.readings {
        let original = was_moved.get(&**name).copied();
        for reading in readings {
            let log = UnclaimedLogs {
                name,
                reading,
                original,
                misplaced_reason: integrity
                    .misplaced
                    .get(name)
                    .map(|misplaced_reason| &**misplaced_reason),
            };
            match log.judge(&kinds, window, settled, &mut proof.chains) {
                Some(found) => objects.push(found),
                None => proof.logs.other_kinds += 1,
            }
        }
    }
    objects.sort();
    for object in &objects {
        count(&mut proof.logs, object);
    }
    proof.objects = objects;
    for hole in proof.chains.iter_mut().flat_map(|chain| &mut chain.holes) {
        if hole.logs == 0 {
            continue;
        }
        hole.found.state = hole.found.state.max(State::NotProven);
        if hole.kind == DigestGapKind::End {
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
        ObjectFault::Absent => &mut logs.absent,
    };
    *count += 1;
}

/// The digest of a claim is valid.
pub(super) fn is_valid_claim(claim: &Claim, states: &States<'_>) -> bool {
    states.get(&*claim.digest) == Some(&State::Valid)
}

pub(super) fn object(
    name: &str,
    fault: ObjectFault,
    reason: impl Into<String>,
    claim: Option<&Claim>,
) -> ObjectProof {
    let state = match fault {
        ObjectFault::Altered | ObjectFault::Missing | ObjectFault::Moved | ObjectFault::Unnamed => {
            State::Broken
        }
        ObjectFault::Pending
        | ObjectFault::Unread
        | ObjectFault::Unproven
        | ObjectFault::Absent => State::NotProven,
    };
    ObjectProof {
        object: name.to_owned(),
        fault,
        state,
        reason: reason.into(),
        digest: claim.map(|claim| claim.digest.clone()),
    }
}

/// The readings that no digest names and whose content belongs to a log that is not there.
fn moved(integrity: &Integrity) -> SeededMap<Hash, &str> {
    let claims = integrity.claims.values().flatten();
    let claimed_hashes: SeededSet<Hash> = claims.map(|claim| claim.sha256).collect();
    let mut moved = SeededMap::default();
    for (name, readings) in &integrity.readings {
        for reading in readings {
            if let Reading::Content(hash) = reading
                && claimed_hashes.contains(hash)
            {
                // of several copies the first by name
                moved.entry(*hash).or_insert(&**name);
            }
        }
    }
    moved
}

/// The kinds of log, other than that of all trails, that valid digests name.
fn named_kinds(joined: &[Joined], states: &States<'_>) -> BTreeSet<&'static str> {
    let digests = joined.iter().flat_map(|one| &one.digests);
    let valid = digests.filter(|(name, _)| states.get(&***name) == Some(&State::Valid));
    valid
        .flat_map(|(_, fact)| fact.kinds.iter().copied())
        .collect()
}

/// The oldest delivery that was seen at all, digests aside.
fn oldest(integrity: &Integrity, joined: &[Joined]) -> Option<Epoch> {
    let digests = joined.iter().flat_map(|one| one.digests.values());
    let starts = digests
        .filter(|digest| digest.matching > 0)
        .map(|digest| digest.start);
    let readings = integrity.readings.keys().filter_map(|name| stamp(name));
    starts.chain(readings).min()
}

/// A log that a digest names and that was not seen.
fn not_found(
    log: &str,
    claim: &Claim,
    moved: Option<&str>,
    states: &States<'_>,
    window: &Window,
    oldest: Option<Epoch>,
) -> ObjectProof {
    let elsewhere = match (window.copy, &claim.elsewhere, log.split_once('/')) {
        (true, Some(bucket), _) => Some(&**bucket),
        (false, _, Some((bucket, _))) if !window.buckets.is_empty() => {
            Some(bucket).filter(|bucket| !window.buckets.contains(*bucket))
        }
        _ => None,
    };
    let (fault, reason) = if !is_valid_claim(claim, states) {
        (
            ObjectFault::Absent,
            "it is not there; the digest that names it is not valid".to_owned(),
        )
    } else if let Some(moved) = moved {
        match window.copy && same_tail(log, moved) {
            true => (
                ObjectFault::Absent,
                format!("its content lies at {moved}, below another folder than its digest"),
            ),
            false => (ObjectFault::Moved, format!("its content lies at {moved}")),
        }
    } else if let Some(bucket) = elsewhere {
        (
            ObjectFault::Absent,
            format!("it lies in bucket {bucket}, which was not read"),
        )
    } else if window.copy
        && window.since.is_none()
        && stamp(log)
            .zip(oldest)
            .is_some_and(|(at, oldest)| at < oldest)
    {
        (
            ObjectFault::Absent,
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

/// True if a log with that stamp may lie in the folder of that day: both are of its delivery, and the
/// stamp is at most [`STAMP`] away from it.
fn is_filed_by_stamp(day: NaiveDate, stamp: Epoch) -> bool {
    let near = [stamp - STAMP, stamp + STAMP];
    let days = near.map(|time| DateTime::from_timestamp(time, 0).map(|time| time.date_naive()));
    days.contains(&Some(day))
}

/// Said of a log that waits for no digest.
const NOT_A_NAME: &str = "its name is not one that CloudTrail gives: no digest can name it";

/// True if two names are the same from the account on.
fn same_tail(one: &str, other: &str) -> bool {
    let tail = |name: &str| Location::of(name).map(|at| at.tail);
    tail(one).is_some() && tail(one) == tail(other)
}

/// A log that no digest names.
struct UnclaimedLogs<'l> {
    name: &'l str,
    reading: &'l Reading,
    /// The name under which a digest names its content, if no other log has that name.
    original: Option<&'l str>,
    /// The records that do not belong into its folder.
    misplaced_reason: Option<&'l str>,
}

impl UnclaimedLogs<'_> {
    fn fault(&self, fault: ObjectFault, why: impl Into<String>) -> Option<ObjectProof> {
        Some(object(self.name, fault, why, None))
    }

    /// `None` for a log of a kind that no digest names, with nothing else against it.
    fn judge(
        &self,
        kinds: &BTreeSet<&str>,
        window: &Window,
        settled: Epoch,
        chains: &mut [ChainProof],
    ) -> Option<ObjectProof> {
        if let Reading::Unread(why) = self.reading {
            return self.fault(ObjectFault::Unread, why.to_string());
        }
        if let Some(original) = self.original {
            if window.copy && same_tail(self.name, original) {
                let why =
                    format!("its content is that of {original}, which lies beside its digest");
                return self.fault(ObjectFault::Unproven, why);
            }
            let why = format!("its content is that of {original}: it was moved here");
            return self.fault(ObjectFault::Unnamed, why);
        }
        let Some(key) = LogKey::parse(self.name) else {
            return self.fault(ObjectFault::Unproven, NOT_A_NAME);
        };
        if let Some(at) = key.delivered
            && at.timestamp() > window.now + SKEW
        {
            let why = format!(
                "its name says that it was delivered at {}, which is later than this run: CloudTrail \
                 did not give it that name, or the clock of this computer is wrong",
                iso(at.timestamp())
            );
            return self.fault(ObjectFault::Unproven, why);
        }
        // whether digests name files of other kinds is not documented: those here tell
        if key.kind != LogKind::Log && !kinds.contains(key.kind.folder()) {
            return match (self.misplaced_reason, self.reading) {
                (Some(misplaced_reason), _) => self.fault(
                    ObjectFault::Unnamed,
                    format!("no digest names it, and {misplaced_reason}: it was added"),
                ),
                (None, Reading::Damaged(what)) => {
                    self.fault(ObjectFault::Unproven, what.to_string())
                }
                (None, _) if !is_log_name(self.name) => {
                    self.fault(ObjectFault::Unproven, NOT_A_NAME)
                }
                (None, _) => None,
            };
        }
        Some(self.by_hour(&key, window, settled, chains))
    }

    /// The hour it was delivered in decides what it means that no digest names it.
    fn by_hour(
        &self,
        key: &LogKey,
        window: &Window,
        settled: Epoch,
        chains: &mut [ChainProof],
    ) -> ObjectProof {
        let name = self.name;
        let front = Location::of(name).map(|at| at.front).unwrap_or_default();
        let mut elsewhere = false;
        let mut own: Vec<&mut ChainProof> = chains
            .iter_mut()
            .filter(|chain| chain.account == key.account && chain.region == key.region)
            .filter(|chain| !chain.backfill && !chain.hours.is_empty())
            .inspect(|_| elsewhere = true)
            .filter(|chain| chain.places.contains(&front))
            .collect();
        if own.is_empty() {
            let why = match elsewhere {
                true => {
                    "the digests of its account and Region lie in another place, and none of them \
                         names it"
                }
                false => {
                    "there is no digest of its account and Region: validation is off, or the \
                          digests were removed"
                }
            };
            return object(name, ObjectFault::Unproven, why, None);
        }
        let Some(at) = key.delivered.map(|at| at.timestamp()) else {
            let why = "no digest names it, and its name has no time of delivery";
            return object(name, ObjectFault::Unnamed, why, None);
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
                    DigestGapKind::Off if hole.from < start => Epoch::MIN,
                    _ => hole.from - STAMP,
                };
                from <= at && at < hole.to
            });
            if let Some(hole) = hole {
                hole.logs += 1;
                let why = format!("no digest covers its hour: {}", hole.found.reason);
                return object(name, ObjectFault::Unproven, why, None);
            }
            if after {
                if window.copy && window.until.is_none() && window.now - LATE >= at {
                    let why = "its digest is not in this copy: not yet written when the copy was made, \
                           or removed (--until says up to when the copy is complete)";
                    return object(name, ObjectFault::Unproven, why, None);
                }
                // the next digest must not be due yet, counted from the last one that is proven
                let proven = chain.hours.iter();
                let proven = proven.filter(|hour| hour.found.state == State::Valid);
                let proven = proven.map(|hour| hour.end).max();
                if proven.is_none_or(|end| end <= window.now - LATE) {
                    let why = "its digest is due, and there is none";
                    return object(name, ObjectFault::Unproven, why, None);
                }
                if !is_log_name(name) {
                    return object(name, ObjectFault::Unproven, NOT_A_NAME, None);
                }
                if !is_filed_by_stamp(key.day, at) {
                    let why = "its folder is of another day than the time in its name: CloudTrail did \
                               not put it there, and no digest will name it";
                    return object(name, ObjectFault::Unproven, why, None);
                }
                let why = "its digest is not due yet: AWS writes one an hour";
                return object(name, ObjectFault::Pending, why, None);
            }
        }
        if before {
            let why = "it was delivered before the first digest here";
            return object(name, ObjectFault::Unproven, why, None);
        }
        let why = "no digest names it, though its hour has one: it was added, or it is of another trail, \
                   whose digests are not here";
        object(name, ObjectFault::Unnamed, why, None)
    }
}
