//! Which digests are valid, by what is known while digests are still read.

use std::sync::Arc;

use super::key::{Keys, Verdict};
use super::proof::findings_of;
use crate::integrity::proof::State;
use crate::integrity::{Claim, DigestFact, Integrity, PreviousDigest, SignatureStatus};
use crate::seeded::{SeededMap, SeededSet};

/// Says whether a digest is valid, before the proof is drawn. A "yes" holds to the end; a "no" means
/// that it is not known yet.
#[derive(Debug)]
pub struct Validity<'k> {
    keys: &'k Keys,
    /// Digests without a signature of their own: the answer, and how many digests the chain had then.
    known: SeededMap<Arc<str>, (bool, usize)>,
}

impl<'k> Validity<'k> {
    /// Checks signatures with these keys.
    pub fn new(keys: &'k Keys) -> Self {
        Self {
            keys,
            known: SeededMap::default(),
        }
    }

    /// True if the digest of a claim is known to be valid by now.
    pub fn is_known(&mut self, integrity: &Integrity, claim: &Claim) -> bool {
        let Some(digests) = integrity.digests.get(&claim.chain) else {
            return false;
        };
        let Some(fact) = digests.get(&claim.digest) else {
            return false;
        };
        match &fact.standing {
            SignatureStatus::Signed => return true,
            SignatureStatus::Bad(_) | SignatureStatus::Unread(_) => return false,
            SignatureStatus::NoKey | SignatureStatus::Unsigned(_) => {}
        }
        if let Some((valid, count)) = self.known.get(&claim.digest)
            && (*valid || *count == digests.len())
        {
            return *valid;
        }
        let valid = digests
            .values()
            .any(|next| self.vouches(next, &claim.digest, fact));
        let answer = (valid, digests.len());
        self.known.insert(Arc::clone(&claim.digest), answer);
        valid
    }

    /// True if `next` is signed and names the digest with its hash, or holds the signature of it.
    fn vouches(&self, next: &DigestFact, name: &str, of: &DigestFact) -> bool {
        let PreviousDigest::Digest(previous) = &next.before else {
            return false;
        };
        if &*previous.name != name || previous.sha256 != of.sha256 {
            return false;
        }
        if next.standing == SignatureStatus::Signed {
            return of.signature.is_none_or(|own| own == previous.signature);
        }
        match (&of.standing, &previous.witness) {
            (SignatureStatus::Unsigned(to_sign), Some(witness)) => {
                self.keys.verify(&of.fingerprint, to_sign, witness) == Verdict::Right
            }
            _ => false,
        }
    }
}

/// The names of all valid digests, when all are read.
pub fn valid(integrity: &Integrity, keys: &Keys) -> SeededSet<Arc<str>> {
    let all = || integrity.digests.values().flatten();
    let findings = findings_of(all(), keys);
    let names = all().map(|(name, _)| name);
    let valid = names.filter(|name| {
        let found = findings.get(name);
        found.is_some_and(|found| found.state == State::Valid)
    });
    valid.cloned().collect()
}
