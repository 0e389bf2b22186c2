//! How early an event must be to be evidence.
//!
//! A finding keeps its earliest events for the choice of evidence. Once the tally has as many as are
//! shown, a later event is kept only if it is the latest or shows something new (`samples`), and the
//! workers need not offer it as one of the earliest. When a worker asks makes no difference to the report:
//! what it is spared would have been refused.

use std::hash::BuildHasher as _;
use std::sync::{PoisonError, RwLock};

use hashbrown::HashTable;

use super::group::Period;
use crate::event::time::Epoch;
use crate::interner::Joined;
use crate::seeded::Seeded;

/// The groups that hold as many events as are shown, with the time of the latest of these.
#[derive(Debug, Default)]
pub struct SampleCutoffs {
    full: RwLock<HashTable<SampleCutoff>>,
}

#[derive(Debug)]
struct SampleCutoff {
    hash: u64,
    rule: u32,
    period: Period,
    names: Joined<3>,
    latest: Epoch,
}

/// A group by the texts that name it, which are the same in every object.
#[derive(Debug, Clone, Copy, Hash)]
pub struct GroupNames<'n> {
    pub rule: u32,
    pub period: Period,
    pub actor: &'n str,
    pub resource: &'n str,
    pub value: &'n str,
}

impl<'n> GroupNames<'n> {
    const fn names(&self) -> [&'n str; 3] {
        [self.actor, self.resource, self.value]
    }

    fn is(&self, hash: u64, known: &SampleCutoff) -> bool {
        known.hash == hash
            && known.rule == self.rule
            && known.period == self.period
            && known.names.are(self.names())
    }
}

impl SampleCutoffs {
    /// What is later than this is no evidence for the group.
    pub fn of(&self, group: GroupNames<'_>) -> Epoch {
        let hash = Seeded.hash_one(group);
        let full = self.full.read().unwrap_or_else(PoisonError::into_inner);
        full.find(hash, |known| group.is(hash, known))
            .map_or(Epoch::MAX, |known| known.latest)
    }

    /// The group holds as many events as are shown, the latest at that time.
    pub(super) fn set(&self, group: GroupNames<'_>, latest: Epoch) {
        let hash = Seeded.hash_one(group);
        let mut full = self.full.write().unwrap_or_else(PoisonError::into_inner);
        match full.find_mut(hash, |known| group.is(hash, known)) {
            // a part of the group may be in the file, which holds earlier ones
            Some(known) => known.latest = known.latest.min(latest),
            None => {
                let new = SampleCutoff {
                    hash,
                    rule: group.rule,
                    period: group.period,
                    names: Joined::new(group.names()),
                    latest,
                };
                full.insert_unique(hash, new, |known| known.hash);
            }
        }
    }
}
