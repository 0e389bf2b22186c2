//! `integrity.json`: what CloudTrail's digests prove of each log.

use std::collections::{BTreeMap, BTreeSet};

use super::{List, Time, view, words};
use crate::integrity::proof;
use crate::integrity::proof::Proof;
use crate::report::integrity::About;
use crate::sha256;

/// The value of `schema`.
const SCHEMA: &str = "trailscan.integrity/1";

view! {
    /// integrity.json: what CloudTrail's digests prove of each log.
    Integrity<'r> of (about, proof): (&'r About, &'r Proof) {
        /// The name and version of this format.
        #[schemars(extend("const" = SCHEMA))]
        schema: &'static str = SCHEMA,
        /// The version of trailscan.
        version: &'r str = about.version,
        /// Where logs and digests were read.
        source: &'r str = &about.source,
        /// The start of the window, in time of delivery; null if everything was verified.
        since: Option<Time> = about.window.since.map(Time),
        /// The end of the window, which is not part of it.
        until: Option<Time> = about.window.until.map(Time),
        /// When the proof was made.
        created: Option<Time> = about.created.map(Time),
        /// The weakest state of all digests and logs.
        state: Proven = proof.state().into(),
        verdict: String = proof.verdict(),
        digests: DigestCounts = (&proof.digests).into(),
        logs: LogCounts = (&proof.logs).into(),
        /// One for each trail, account, Region and place.
        chains: List<'r, Chain<'r>, [proof::ChainProof]> = List::of(&proof.chains),
        /// Accounts and Regions without any digest; their logs are not proven and not listed.
        undigested: List<'r, Undigested<'r>, [proof::Undigested]> = List::of(&proof.undigested),
        /// CloudTrail's public keys that digests name, by fingerprint.
        keys: BTreeMap<&'r str, KeyUse<'r>> = {
            let keys = proof.keys.iter();
            keys.map(|(fingerprint, key)| (fingerprint.as_str(), key.into())).collect()
        },
        /// The buckets that the digests name as their own.
        buckets: &'r BTreeSet<String> = &proof.buckets,
        /// What could not be checked and why, one sentence each.
        limits: &'r [String] = &proof.limits,
        /// Every log: first those that are not valid, then those that match their digest. There may be
        /// millions, so the writer adds them one by one.
        objects: &'r [Log<'r>] = &[],
    }
}

words! {
    /// What is proven of a digest or log.
    Proven of proof::State {
        /// Signed by AWS and unchanged.
        Valid,
        /// Cannot be determined.
        NotProven,
        /// Changed, removed or added.
        Broken,
    }
}

view! {
    /// The number of digests in each state.
    DigestCounts of counts: &proof::DigestCounts {
        valid: u64 = counts.valid,
        broken: u64 = counts.broken,
        not_proven: u64 = counts.not_proven,
    }
}

view! {
    /// The number of logs in each state.
    LogCounts of counts: &proof::LogCounts {
        valid: u64 = counts.valid,
        /// The content is not the one that a valid digest names.
        altered: u64 = counts.altered,
        /// Named by a valid digest, and not found.
        missing: u64 = counts.missing,
        /// Found, and named by no digest of an hour that has digests.
        unnamed: u64 = counts.unnamed,
        /// Too new for a digest.
        pending: u64 = counts.pending,
        /// The digest is not valid, the hour has none, or the log may not be read.
        not_proven: u64 = counts.not_proven,
        /// Of a kind that no valid digest here names: Insights events and network activity.
        other_kinds: u64 = counts.other_kinds,
        /// Not found, and nothing proves that it should exist.
        absent: u64 = counts.absent,
    }
}

view! {
    /// The digests of a trail, account, Region and place, in order.
    Chain<'r> of chain: &'r proof::ChainProof {
        account: &'r str = &chain.account,
        region: &'r str = &chain.region,
        /// The name of the trail.
        trail: &'r str = &chain.trail,
        home_region: &'r str = &chain.home_region,
        /// Whether these are digests that CloudTrail wrote later, for logs that were delivered late.
        backfill: bool = chain.backfill,
        /// What precedes the folder of the account in the key of the newest digest.
        place: &'r str = &chain.place,
        /// One for each digest.
        hours: List<'r, ChainDigest<'r>, [proof::HourProof]> = List::of(&chain.hours),
        /// Times without a digest.
        holes: List<'r, DigestGap<'r>, [proof::DigestGap]> = List::of(&chain.holes),
    }
}

view! {
    /// One digest.
    ChainDigest<'r> of hour: &'r proof::HourProof {
        /// The time that it covers.
        start: Time = hour.start.into(),
        end: Time = hour.end.into(),
        /// The digest file.
        digest: &'r str = &hour.digest,
        /// The SHA-256 of its content.
        sha256: String = sha256::written(&hour.sha256),
        state: Proven = hour.found.state.into(),
        /// How it was proven, or what is wrong.
        reason: &'r str = &hour.found.reason,
        logs: DigestLogs = (&hour.logs).into(),
    }
}

view! {
    /// The logs that one digest names.
    DigestLogs of logs: &proof::HourLogs {
        named: u32 = logs.named,
        /// The content is the one that the digest names.
        matching: u32 = logs.matching,
        altered: u32 = logs.altered,
        missing: u32 = logs.missing,
        unread: u32 = logs.unread,
    }
}

view! {
    /// A time without a digest.
    DigestGap<'r> of hole: &'r proof::DigestGap {
        from: Time = hole.from.into(),
        to: Time = hole.to.into(),
        kind: GapKind = hole.kind.into(),
        /// How many logs were delivered in this time.
        logs: u64 = hole.logs,
        state: Proven = hole.found.state.into(),
        /// How it was proven, or what is wrong.
        reason: &'r str = &hole.found.reason,
    }
}

words! {
    /// Why there is no digest.
    GapKind of proof::DigestGapKind {
        /// A later digest names one that is not found, or CloudTrail says that it wrote one.
        Missing,
        /// The digests end before the window.
        End,
        /// CloudTrail says that it wrote none after the last one found.
        NoneWritten,
        /// Log file validation, or logging, was off.
        Off,
        /// The digests are linked and do not cover this time.
        LeftOut,
    }
}

view! {
    /// An account and Region without any digest.
    Undigested<'r> of place: &'r proof::Undigested {
        account: &'r str = &place.account,
        region: &'r str = &place.region,
        logs: u64 = place.logs,
    }
}

view! {
    /// A public key of CloudTrail.
    KeyUse<'r> of key: &'r proof::KeyUse {
        /// The Regions whose digests name it.
        regions: &'r BTreeSet<String> = &key.regions,
        /// How many digests name it.
        digests: u64 = key.digests,
        /// Whether the key was available.
        at_hand: bool = key.at_hand,
    }
}

/// One log.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub struct Log<'r> {
    /// Its name below the source, or bucket and key.
    pub object: &'r str,
    /// What is wrong with it; absent if it matches its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<LogFault>,
    pub state: Proven,
    /// Why it is not valid; absent if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'r str>,
    /// The digest that names it; null if none does.
    pub digest: Option<&'r str>,
}

impl<'r> From<&'r proof::ObjectProof> for Log<'r> {
    fn from(log: &'r proof::ObjectProof) -> Self {
        Self {
            object: &log.object,
            fault: Some(log.fault.into()),
            state: log.state.into(),
            reason: Some(&log.reason),
            digest: log.digest.as_deref(),
        }
    }
}

words! {
    /// What is wrong with a log.
    LogFault of proof::ObjectFault {
        /// The content is not the one that its digest names.
        Altered,
        /// Named by a digest, and not found.
        Missing,
        /// Found under another name.
        Moved,
        /// Named by no digest.
        Unnamed,
        /// Too new for a digest.
        Pending,
        /// It may not be read, or could not be.
        Unread,
        /// Its digest is not valid, or its hour has none.
        Unproven,
        /// Not found, and nothing proves that it should exist.
        Absent,
    }
}
