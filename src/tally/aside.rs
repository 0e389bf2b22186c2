//! Objects that are not known to be proven, and what is kept of the time before the first of them.
//!
//! They wait on disk until all digests are read. After that, what they hold counts as a match of any
//! rule, and never as a reason not to report: whoever can write into the bucket can add records, and
//! must not be able to silence a rule by them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::duplicates::ReadAgain;
use super::scan_store::ScanStore;
use super::{ObjectScan, Tally};
use crate::coverage::Coverage;
use crate::event::time::Epoch;

/// Objects that wait for their proof, and how many were merged before them.
#[derive(Debug, Default)]
pub(super) struct DeferredObjects {
    /// How many objects were merged.
    taken: u32,
    waiting: ScanStore,
    /// Of each that waits: its log, as it was handed in.
    logs: Vec<Option<u128>>,
    /// Set when the first object that is not proven is merged.
    proven: Option<Proven>,
    /// The places of the rules that ask for a history.
    histories: BTreeSet<u32>,
}

/// What the proven objects say.
#[derive(Debug, Default)]
struct Proven {
    /// How many they are: they were merged first.
    objects: u32,
    /// The first and the last event.
    times: (Option<Epoch>, Option<Epoch>),
    /// By account: the first and the last hour with events.
    spans: BTreeMap<String, (Epoch, Epoch)>,
}

impl DeferredObjects {
    /// The number of the next object to be merged.
    pub(super) fn number(&mut self) -> u32 {
        let number = self.taken;
        self.taken = number
            .checked_add(1)
            .expect("a run has fewer than 2^32 objects");
        number
    }

    /// True if groups of a rule must not be mixed with those of proven records.
    pub(super) fn keeps_apart(&self, rule: u32) -> bool {
        self.proven.is_some() && self.histories.contains(&rule)
    }
}

impl Tally {
    /// Keeps an object until all digests are read; `log` is what [`merge_deferred`](Self::merge_deferred)
    /// asks about. What is left of the object is room for another.
    pub fn set_aside(&mut self, scanned: ObjectScan, log: Option<u128>) -> ObjectScan {
        self.aside.logs.push(log);
        self.aside.waiting.push(scanned)
    }

    /// Merges the objects that were set aside: those that are proven, then all others. Objects that
    /// are merged after this are not proven either. `histories` are the rules that find what is new.
    pub fn merge_deferred(
        &mut self,
        is_proven: &dyn Fn(u128) -> bool,
        histories: BTreeSet<u32>,
        reader: &dyn ReadAgain,
    ) {
        let mut waiting = std::mem::take(&mut self.aside.waiting);
        let logs = std::mem::take(&mut self.aside.logs);
        let proven = |index: &usize| logs.get(*index).copied().flatten().is_some_and(is_proven);
        let (proven, rest): (Vec<usize>, Vec<usize>) = (0..waiting.count()).partition(proven);
        self.absorb_stored(&mut waiting, proven, reader);
        let accounts = self.coverage.regions.keys();
        let spans = accounts.filter_map(|one| Some((one.clone(), self.coverage.span(one)?)));
        self.aside.proven = Some(Proven {
            objects: self.aside.taken,
            times: (self.coverage.first, self.coverage.last),
            spans: spans.collect(),
        });
        self.aside.histories = histories;
        self.absorb_stored(&mut waiting, rest, reader);
    }

    fn absorb_stored(
        &mut self,
        stored: &mut ScanStore,
        which: impl IntoIterator<Item = usize>,
        reader: &dyn ReadAgain,
    ) {
        let mut lost = None;
        for index in which {
            match stored.take(index) {
                Ok(scanned) => {
                    self.absorb(scanned, reader);
                }
                Err(error) => {
                    lost.get_or_insert(error);
                }
            }
        }
        if let Some(error) = lost {
            self.note_lost_scans(&error);
        }
    }

    /// Notes that scans which were set aside cannot be read back.
    pub fn note_lost_scans(&mut self, error: &io::Error) {
        self.note_loss(
            "some log files that were read are not in this report",
            error,
        );
    }

    /// Takes out of the coverage of an object that is not proven what speaks for a trail: that it
    /// records a kind of event. Its changes of trails are marked.
    pub(super) fn withdraw_unproven(&self, coverage: &mut Coverage) {
        if self.aside.proven.is_some() {
            coverage.mark_unproven();
            let known = &self.coverage.changes;
            coverage.changes.retain(|change| {
                let mut proven = change.clone();
                proven.unproven = false;
                !known.contains(&proven)
            });
        }
    }

    /// The objects with a lower number are proven; all of them if no proof was asked for.
    pub fn proven_objects(&self) -> u32 {
        let proven = self.aside.proven.as_ref();
        proven.map_or(u32::MAX, |proven| proven.objects)
    }

    /// The times of the first and the last event that is proven; of all events if no proof was asked
    /// for.
    pub fn proven_times(&self) -> (Option<Epoch>, Option<Epoch>) {
        let all = (self.coverage.first, self.coverage.last);
        self.aside
            .proven
            .as_ref()
            .map_or(all, |proven| proven.times)
    }

    /// The first and the last hour of an account with events that are proven; with any events if no
    /// proof was asked for.
    pub fn proven_span(&self, account: &str) -> Option<(Epoch, Epoch)> {
        match &self.aside.proven {
            Some(proven) => proven.spans.get(account).copied(),
            None => self.coverage.span(account),
        }
    }
}
