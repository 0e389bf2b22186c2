//! Objects that are not known to be proven, and what is kept of the time before the first of them.
//!
//! They wait on disk until all digests are read. After that, what they hold counts as a match of any
//! rule, and never as a reason not to report: whoever can write into the bucket can add records, and
//! must not be able to silence a rule by them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::duplicates::ReadAgain;
use super::spill::SpillFile;
use super::{ObjectScan, Tally};
use crate::coverage::Coverage;
use crate::event::time::Epoch;

/// Objects that wait for their proof, and how many were merged before them.
#[derive(Debug)]
pub(super) struct DeferredObjects {
    /// How many objects were merged.
    taken: u32,
    waiting: Vec<Waiting>,
    spill: SpillFile,
    /// Set when the first object that is not proven is merged.
    proven: Option<Proven>,
    /// The places of the rules that ask for a history.
    histories: BTreeSet<u32>,
}

impl Default for DeferredObjects {
    fn default() -> Self {
        Self {
            taken: 0,
            waiting: Vec::new(),
            spill: SpillFile::with_capacity(0),
            proven: None,
            histories: BTreeSet::new(),
        }
    }
}

/// An object that waits.
#[derive(Debug)]
struct Waiting {
    /// As it was handed in.
    log: Option<u128>,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Spilled { at: u64, length: usize },
    Kept(Vec<u8>),
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

    fn read(&self, bytes: &Bytes) -> io::Result<ObjectScan> {
        let mut read = Vec::new();
        let bytes = match bytes {
            Bytes::Kept(bytes) => bytes,
            Bytes::Spilled { at, length } => {
                read.resize(*length, 0);
                self.spill.read(*at, &mut read)?;
                &read
            }
        };
        let (place_of_bytes, scanned): (String, ObjectScan) =
            bitcode::decode(bytes).map_err(io::Error::other)?;
        Ok(ObjectScan {
            place_of_bytes,
            ..scanned
        })
    }
}

impl Tally {
    /// Keeps an object until all digests are read; `log` is what [`merge_deferred`](Self::merge_deferred)
    /// asks about. What is left of the object is room for another.
    pub fn set_aside(&mut self, mut scanned: ObjectScan, log: Option<u128>) -> ObjectScan {
        let place = std::mem::take(&mut scanned.place_of_bytes);
        let both = (place, scanned);
        let bytes = bitcode::encode(&both);
        let length = bytes.len();
        let bytes = match self.aside.spill.append(&bytes) {
            Some(at) => Bytes::Spilled { at, length },
            None => Bytes::Kept(bytes),
        };
        self.aside.waiting.push(Waiting { log, bytes });
        both.1.recycle()
    }

    /// Merges the objects that were set aside: those that are proven, then all others. Objects that
    /// are merged after this are not proven either. `histories` are the rules that find what is new.
    pub fn merge_deferred(
        &mut self,
        is_proven: &dyn Fn(u128) -> bool,
        histories: BTreeSet<u32>,
        reader: &dyn ReadAgain,
    ) {
        let waiting = std::mem::take(&mut self.aside.waiting);
        let (proven, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|one| one.log.is_some_and(is_proven));
        self.merge_all(&proven, reader);
        let accounts = self.coverage.regions.keys();
        let spans = accounts.filter_map(|one| Some((one.clone(), self.coverage.span(one)?)));
        self.aside.proven = Some(Proven {
            objects: self.aside.taken,
            times: (self.coverage.first, self.coverage.last),
            spans: spans.collect(),
        });
        self.aside.histories = histories;
        self.merge_all(&rest, reader);
    }

    fn merge_all(&mut self, waiting: &[Waiting], reader: &dyn ReadAgain) {
        let mut lost = None;
        for one in waiting {
            match self.aside.read(&one.bytes) {
                Ok(scanned) => {
                    self.absorb(scanned, reader);
                }
                Err(error) => {
                    lost.get_or_insert(error);
                }
            }
        }
        if let Some(error) = lost {
            self.note_loss(
                "some log files that were read are not in this report",
                &error,
            );
        }
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
