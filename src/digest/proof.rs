//! The proof, drawn once all facts are known: digests one chain at a time, then logs by theirs.

mod chain;
mod join;
mod logs;
mod weigh;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::key::Keys;
use crate::coverage::HOUR;
use crate::event::time::{DELIVERY_DELAY, Epoch, iso};
use crate::integrity::proof::{
    ChainProof, DigestGapKind, HourLogs, HourProof, KeyUse, LogCounts, Proof, State, Undigested,
};
use crate::integrity::{Chain, DigestFact, Integrity, PreviousDigest, SignatureStatus};
use crate::seeded::SeededMap;
use crate::trail::{Lookup, Status, Trail};
pub(super) use chain::findings as findings_of;

/// AWS writes a digest within the hour after the hour it speaks for; what is newer may still come.
const LATE: Epoch = 2 * HOUR;

/// A log is stamped up to so long before it is delivered.
const STAMP: Epoch = DELIVERY_DELAY;

/// How far the clock of this computer may be behind that of AWS.
const SKEW: Epoch = 5 * 60;

/// What the facts are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The times of delivery that were asked for; `None` if all was read.
    pub since: Option<Epoch>,
    pub until: Option<Epoch>,
    pub now: Epoch,
    /// True for a copy: nobody knows when it was made.
    pub copy: bool,
    /// The bucket of the originals, where that is known.
    pub original: Option<String>,
    /// The buckets that were read; empty for copies.
    pub buckets: BTreeSet<String>,
    /// The trails that write there, asked before the digests were listed.
    pub trails: Vec<RegionalTrail>,
}

/// A trail as one Region knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionalTrail {
    pub region: String,
    pub trail: Trail,
    /// All that it writes of its own account was listed.
    pub whole: bool,
}

impl RegionalTrail {
    /// True for the chain of its own account. Of an organization's members AWS does not say when one
    /// left. A trail of an account may have the name of its organization's: the place tells which
    /// of the two wrote a chain.
    fn is_of(&self, chain: &ChainProof) -> bool {
        let organization = chain.place.rsplit('/').nth(1);
        let organization = organization.is_some_and(|folder| folder.starts_with("o-"));
        self.trail.organization == organization
            && self.region == chain.region
            && self.trail.name == chain.trail
            && self.trail.home_region == chain.home_region
            && self.trail.owner() == chain.account
            && !chain.backfill
    }

    /// Where it writes, as [`ChainProof::place`].
    fn place(&self) -> String {
        let Trail { bucket, prefix, .. } = &self.trail;
        match prefix.trim_matches('/') {
            "" => format!("{bucket}/AWSLogs/"),
            prefix => format!("{bucket}/{prefix}/AWSLogs/"),
        }
    }

    /// Its status and when it wrote the last digest.
    fn last_delivery(&self) -> Option<(&Status, Epoch)> {
        match &self.trail.status {
            Lookup::Answered(status) => Some((status, status.digest_delivered?)),
            Lookup::Unknown(_) => None,
        }
    }
}

/// Draws the proof and uses up the facts.
pub fn build_proof(integrity: &mut Integrity, keys: &Keys, window: &Window) -> Proof {
    integrity.restore_settled();
    let mut proof = Proof {
        copy: window.copy,
        ..Proof::default()
    };
    let settled = settled_until(integrity, window);
    let joined = join::join(std::mem::take(&mut integrity.digests));
    let findings: Vec<_> = joined
        .iter()
        .map(|one| chain::findings(&one.digests, keys))
        .collect();
    let mut states: SeededMap<&str, State> = SeededMap::default();
    for (name, found) in findings.iter().flatten() {
        states.insert(name, found.state);
    }
    let mut weighed = weigh::choose_copy(integrity, &states);
    let mut chains = Vec::new();
    for (one, findings) in joined.iter().zip(&findings) {
        let mut of = ChainProof::of(&one.chain);
        of.places.clone_from(&one.places);
        for (name, fact) in chain::in_time(&one.digests) {
            let Some(found) = findings.get(name) else {
                continue;
            };
            count(&mut proof, &one.chain, fact, found.state, keys);
            let logs = weighed.hours.remove(name).unwrap_or_default();
            match found.state {
                State::Valid => proof.logs.valid += u64::from(fact.matching),
                _ => proof.logs.not_proven += u64::from(fact.matching),
            }
            of.hours.push(HourProof {
                start: fact.start,
                end: fact.end,
                digest: Arc::clone(name),
                sha256: fact.sha256,
                found: found.clone(),
                logs: HourLogs {
                    named: fact.named,
                    matching: fact.matching + logs.matching,
                    ..logs
                },
            });
        }
        of.holes = chain::holes(one, findings, window, settled);
        chains.push(of);
    }
    for there in &window.trails {
        if !chains.iter().any(|chain| there.is_of(chain)) {
            chains.extend(chain::deleted(there, window));
        }
    }
    name_apart(&mut chains);
    proof.chains = chains;
    for ((account, region), logs) in &integrity.undigested {
        proof.logs.not_proven += logs;
        proof.undigested.push(Undigested {
            account: account.clone(),
            region: region.clone(),
            logs: *logs,
        });
    }
    for matched in &weighed.matched {
        match matched.state {
            State::Valid => proof.logs.valid += 1,
            _ => proof.logs.not_proven += 1,
        }
    }
    proof.matched = weighed.matched;
    logs::judge(
        integrity,
        weighed.objects,
        &joined,
        &states,
        window,
        settled,
        &mut proof,
    );
    limits(&joined, window, &mut proof);
    proof
}

/// Chains of one account, Region and trail are distinguished by their places.
fn name_apart(chains: &mut [ChainProof]) {
    let mut titles: SeededMap<String, u32> = SeededMap::default();
    for chain in &*chains {
        *titles.entry(chain.title()).or_default() += 1;
    }
    for chain in chains {
        chain.has_namesake = titles.get(&chain.title()).is_some_and(|count| *count > 1);
    }
}

/// Up to when digests must be there: two hours ago; of a copy, two hours before the newest thing
/// in it, unless somebody says until when it is complete.
fn settled_until(integrity: &Integrity, window: &Window) -> Epoch {
    if !window.copy || window.until.is_some() {
        return window.now - LATE;
    }
    let digests = integrity
        .digests
        .values()
        .flat_map(|digests| digests.values());
    let logs = integrity.readings.keys().chain(integrity.claims.keys());
    // what claims to be of the future says nothing of the present
    let newest = digests
        .map(|digest| digest.end)
        .chain(logs.filter_map(|log| logs::stamp(log)))
        .filter(|time| *time <= window.now + SKEW)
        .max();
    newest.unwrap_or(window.now).min(window.now) - LATE
}

fn count(proof: &mut Proof, chain: &Chain, fact: &DigestFact, state: State, keys: &Keys) {
    let count = match state {
        State::Valid => &mut proof.digests.valid,
        State::Broken => &mut proof.digests.broken,
        State::NotProven => &mut proof.digests.not_proven,
    };
    *count += 1;
    if fact.fingerprint.is_empty() {
        return;
    }
    proof.buckets.insert(fact.bucket.to_string());
    let used = proof.keys.entry(fact.fingerprint.to_string());
    let used = used.or_insert_with(|| KeyUse {
        at_hand: keys.has(&fact.fingerprint),
        ..KeyUse::default()
    });
    used.digests += 1;
    used.regions.insert(chain.region.clone());
}

/// What a reader must know of what was not checked.
fn limits(joined: &[join::Joined], window: &Window, proof: &mut Proof) {
    let mut limits = BTreeSet::new();
    let facts = joined.iter().flat_map(|one| one.digests.values());
    let unsigned = facts.filter(|fact| matches!(fact.standing, SignatureStatus::Unsigned(_)));
    let unsigned = unsigned.count();
    if unsigned > 0 {
        limits.insert(format!(
            "{unsigned} of the digests came without their metadata, where their signature stands: \
             each was checked by what the digest after it holds of it, so the newest of a chain cannot be \
             checked. `aws s3api head-object` gives the metadata: store it beside the digest as \
             <object>.metadata.json"
        ));
    }
    for (fingerprint, key) in proof.keys.iter().filter(|(_, key)| !key.at_hand) {
        let regions: Vec<&str> = key.regions.iter().map(String::as_str).collect();
        limits.insert(format!(
            "no public key with fingerprint {fingerprint} was available for {} digests of {}: ask \
             CloudTrail in that Region for its keys of that time (aws cloudtrail list-public-keys)",
            key.digests,
            regions.join(", ")
        ));
    }
    if window.copy && window.original.is_none() && !proof.buckets.is_empty() {
        let buckets: Vec<&str> = proof.buckets.iter().map(String::as_str).collect();
        limits.insert(format!(
            "the digests are those of bucket {}: that this is the bucket you mean is not checked \
             without --original-bucket",
            buckets.join(", ")
        ));
    }
    if window.copy {
        limits.insert(
            "this is a copy, so it cannot show that whole parts are missing (a trail, an account or a Region without any file here, or the latest hours of one); to be sure, compare the copy with the trails (`aws cloudtrail describe-trails`), or verify the bucket itself"
                .to_owned(),
        );
    }
    for chain in &proof.chains {
        let began = chain
            .holes
            .iter()
            .filter(|hole| hole.kind == DigestGapKind::Off);
        for hole in began.filter(|hole| hole.found.state == State::Valid) {
            limits.insert(format!(
                "the chain of {} begins at {}, less than an hour into the window, and its first digest \
                 names none before it: what was delivered before that cannot be proven",
                chain.title(),
                iso(hole.to)
            ));
        }
    }
    for join::Joined { chain, digests, .. } in joined {
        let first = chain::in_time(digests).into_iter().next();
        if let (None, Some((_, first))) = (window.since, first)
            && let PreviousDigest::Digest(_) = first.before
        {
            limits.insert(format!(
                "the chain of {} {} (trail {}) began before its first digest here: what was \
                 delivered before that was not looked at",
                chain.account, chain.region, chain.trail
            ));
        }
    }
    let LogCounts {
        other_kinds,
        pending,
        ..
    } = proof.logs;
    if other_kinds > 0 {
        limits.insert(format!(
            "{other_kinds} logs are of a kind that no digest here names (Insight events, network \
             activity): nobody can prove that CloudTrail wrote them"
        ));
    }
    if pending > 0 {
        limits.insert(format!(
            "{pending} logs are too new for their digest, which is not due yet: they are proven by a \
             run two hours later"
        ));
    }
    proof.limits.extend(limits);
}
