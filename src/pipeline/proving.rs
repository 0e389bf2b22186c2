//! Proven logs count first.
//!
//! Logs and digests come in the order of their names, so a log may come before the digest that names
//! it. An object is merged at once if a valid digest is known to name its content; every other
//! object is set aside on disk until all digests are read. Then those that turned out to be proven are
//! merged, and after them the rest. So of two copies of a record the proven one counts, wherever the
//! other lies and whenever it is read, and the tally knows of each record whether it is proven.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use crate::detect::Detector;
use crate::digest::{self, Reader, Validity};
use crate::integrity::{Evidence, Hash, Integrity, Reading};
use crate::seeded::{Seeded, SeededMap, SeededSet};
use crate::tally::{ObjectScan, ReadAgain, Tally};

/// What is known of logs that were set aside.
pub(super) struct Proving<'r> {
    reader: &'r Reader,
    validity: Validity<'r>,
    /// By name and content: the digest that names the log, if one does.
    aside: SeededMap<u128, Option<Arc<str>>>,
}

/// When to merge an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Now,
    /// When all digests are read. The number stands for the name and the content of its log; `None` if
    /// no digest can name it.
    Later(Option<u128>),
}

impl<'r> Proving<'r> {
    pub(super) fn new(reader: &'r Reader) -> Self {
        Self {
            reader,
            validity: Validity::new(&reader.keys),
            aside: SeededMap::default(),
        }
    }

    /// Adds the object's evidence to all evidence, and says when to merge the object.
    pub(super) fn when(
        &mut self,
        scanned: &mut ObjectScan,
        integrity: &mut Integrity,
    ) -> Admission {
        let Some(evidence) = scanned.integrity.take() else {
            return match scanned.seen.is_empty() {
                true => Admission::Now,
                false => Admission::Later(None),
            };
        };
        let own = match &evidence {
            Evidence::Log {
                name,
                reading: Reading::Content(sha256),
                ..
            } => Some(number(name, sha256)),
            _ => None,
        };
        let before = integrity.settled().len();
        integrity.absorb(evidence);
        let (mut is_proven, mut named) = (false, None);
        for settled in integrity.settled().iter().skip(before) {
            let log = Some(number(&settled.log, &settled.claim.sha256));
            let digest = &settled.claim.digest;
            if log == own {
                is_proven = self.validity.is_known(integrity, &settled.claim);
                named = Some(Arc::clone(digest));
            } else if let Some(known) = log.and_then(|log| self.aside.get_mut(&log)) {
                *known = Some(Arc::clone(digest));
            }
        }
        if is_proven || scanned.seen.is_empty() {
            return Admission::Now;
        }
        if let Some(own) = own {
            let known = self.aside.entry(own).or_default();
            *known = named.or(known.take());
        }
        Admission::Later(own)
    }

    /// Merges the objects that were set aside, now that all evidence is known: proven ones first.
    pub(super) fn finish(
        self,
        tally: &mut Tally,
        detector: Option<&Detector<'_>>,
        again: &dyn ReadAgain,
    ) {
        let valid = digest::valid(&tally.integrity, &self.reader.keys);
        let claims = tally.integrity.claims.iter();
        let claims = claims.flat_map(|(log, claims)| claims.iter().map(move |one| (log, one)));
        // several digests or several files of one name
        let disputed: SeededSet<u128> = claims
            .filter(|(_, claim)| valid.contains(&claim.digest))
            .map(|(log, claim)| number(log, &claim.sha256))
            .collect();
        let is_proven = |log: u128| {
            let digest = self.aside.get(&log).and_then(Option::as_ref);
            disputed.contains(&log) || digest.is_some_and(|digest| valid.contains(digest))
        };
        let histories = detector.map(Detector::histories).unwrap_or_default();
        tally.merge_deferred(&is_proven, histories, again);
    }
}

/// A number for the name and the content of a log.
fn number(name: &str, sha256: &Hash) -> u128 {
    let half = |salt: u8| u128::from(Seeded.hash_one((salt, name, sha256)));
    half(0) << 64 | half(1)
}
