//! Hash tables that nobody can make slow by choosing their keys.
//!
//! Callers choose session names, whoever writes into a bucket chooses everything else: with a fixed
//! hash function they choose keys that all fall into one bucket. Every table here is keyed by a
//! random seed of the process. The seed decides how fast a key is found and nothing else: nothing
//! iterates over these tables (the `iter_over_hash_type` lint), so the output does not depend on it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// A map with a seed that nobody knows.
pub type SeededMap<K, V> = HashMap<K, V, Seeded>;

/// A set with a seed that nobody knows.
pub type SeededSet<K> = HashSet<K, Seeded>;

/// The hash function of this process: the same for all its tables, another in the next process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seeded;

static SEED: LazyLock<(u64, SharedSeed)> = LazyLock::new(|| {
    let [own, shared] = random();
    (own, SharedSeed::from_u64(shared))
});

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> FoldHasher<'static> {
        let (own, shared) = &*SEED;
        FoldHasher::with_seed(*own, shared)
    }
}

/// Numbers that nobody can guess: the standard library asks the system for the key of its SipHash.
pub(crate) fn random() -> [u64; 2] {
    [0u8, 1].map(|number| RandomState::new().hash_one(number))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Ids that collide in the unseeded hash this program once used: each is `high * K + low`, and
    /// `high` is chosen so that the sum is the same for all.
    fn colliding(count: u64) -> Vec<u128> {
        const K: u64 = 0xf135_7aea_2e62_a9c5;
        let id = |n: u64| {
            let low = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let high = 0x0123_4567u64.wrapping_sub(low.wrapping_mul(K));
            u128::from(high) << 64 | u128::from(low)
        };
        (0..count).map(id).collect()
    }

    #[test]
    fn chosen_event_ids_do_not_collide() {
        let ids = colliding(10_000);
        let hashes: BTreeSet<u64> = ids.iter().map(|id| Seeded.hash_one(id)).collect();
        assert!(hashes.len() > 9_990, "{} hashes", hashes.len());
        // the bits that a table chooses its buckets by
        let buckets: BTreeSet<u64> = hashes.iter().map(|hash| hash & 0xffff).collect();
        assert!(buckets.len() > 8_500, "{} buckets", buckets.len());
    }

    #[test]
    fn the_seed_comes_from_the_system() {
        assert_ne!(random(), random());
    }
}
