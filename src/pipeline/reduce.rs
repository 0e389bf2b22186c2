//! Merges the results of the workers in the order of the objects.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use tokio::sync::OwnedSemaphorePermit;

use super::SettledSink;
use super::in_order::InOrder;
use super::proving::{Admission, Proving};
use crate::detect::Detector;
use crate::tally::{ObjectScan, ReadAgain, SampleCutoffs, Tally};

/// How many results may wait before a worker waits to merge them, and how many buffers are kept for
/// reuse.
const MOST_HANDED_IN: usize = 16;

/// How many are merged at once, so that the tally rarely moves between the caches of two cores.
const AT_ONCE: usize = 8;

/// Fewer are merged at once if they hold so many events, because waiting results take memory.
const EVENTS_AT_ONCE: usize = 1 << 12;

/// The result of an object. It keeps its share of the memory limit until it is merged, so that results
/// do not pile up behind one slow object.
type Done = (ObjectScan, Option<OwnedSemaphorePermit>);

/// Collects the results of the workers. A worker that finds enough results merges them, unless another
/// one is doing so; the others go on with their work.
pub(super) struct Reducer<'r> {
    inbox: Mutex<Inbox>,
    ordered: Mutex<InOrder<Counted<'r>, Done>>,
}

/// Results to be merged, and buffers for reuse.
#[derive(Default)]
struct Inbox {
    done: Vec<Done>,
    /// The number of events in `done`.
    events: usize,
    recycled: Vec<ObjectScan>,
}

/// The tally of the objects merged so far.
struct Counted<'r> {
    tally: Tally,
    /// Present if logs are verified.
    proving: Option<Proving<'r>>,
}

impl<'r> Reducer<'r> {
    pub(super) fn new(proving: Option<Proving<'r>>, most_records: usize) -> Self {
        let mut tally = Tally::default();
        tally.records.set_limit(most_records);
        Self {
            inbox: Mutex::default(),
            ordered: Mutex::new(InOrder::new(Counted { tally, proving })),
        }
    }

    /// What the tally tells the workers while they work.
    pub(super) fn sample_cutoffs(&self) -> Arc<SampleCutoffs> {
        Arc::clone(
            &ignore_poison(self.ordered.lock())
                .accumulator()
                .tally
                .sample_cutoffs,
        )
    }

    /// Submits a result and returns a buffer for the next object. A result that holds a share of the memory
    /// limit is merged at once, because others wait for it.
    pub(super) fn submit(
        &self,
        scanned: ObjectScan,
        share: Option<OwnedSemaphorePermit>,
        sink: Option<&dyn SettledSink>,
        again: &dyn ReadAgain,
    ) -> ObjectScan {
        let others_wait = share.is_some();
        let events = {
            let mut inbox = ignore_poison(self.inbox.lock());
            inbox.events += scanned.seen.len();
            inbox.done.push((scanned, share));
            inbox.events
        };
        let at_once = others_wait || events >= EVENTS_AT_ONCE;
        self.drain(if at_once { 1 } else { AT_ONCE }, sink, again);
        ignore_poison(self.inbox.lock())
            .recycled
            .pop()
            .unwrap_or_default()
    }

    /// Merges the waiting results if they are enough, and then those submitted meanwhile. Every worker
    /// that ends must drain them all.
    ///
    /// A result submitted while another worker is about to leave is seen by one of the two.
    pub(super) fn drain(
        &self,
        mut enough: usize,
        sink: Option<&dyn SettledSink>,
        again: &dyn ReadAgain,
    ) {
        loop {
            let queued = ignore_poison(self.inbox.lock()).done.len();
            if queued < enough {
                return;
            }
            let mut ordered = match self.ordered.try_lock() {
                Ok(ordered) => ordered,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if queued < MOST_HANDED_IN => return,
                Err(TryLockError::WouldBlock) => ignore_poison(self.ordered.lock()),
            };
            let done = {
                let mut inbox = ignore_poison(self.inbox.lock());
                inbox.events = 0;
                std::mem::take(&mut inbox.done)
            };
            let mut recycled = Vec::new();
            for done in done {
                let add = |counted: &mut Counted<'_>, (scanned, _): Done| {
                    recycled.push(counted.absorb(scanned, again));
                };
                ordered.push(done.0.sequence, done, add);
            }
            if let Some(sink) = sink {
                let tally = &mut ordered.accumulator_mut().tally;
                let settled = tally.integrity.take_settled();
                settled.iter().for_each(|one| sink.settled(one));
            }
            drop(ordered);
            let mut inbox = ignore_poison(self.inbox.lock());
            inbox.recycled.append(&mut recycled);
            inbox.recycled.truncate(MOST_HANDED_IN);
            // a result submitted meanwhile may be one that others wait for
            enough = 1;
        }
    }

    /// The tally of all, and how many objects were handed in.
    pub(super) fn finish(
        self,
        detector: Option<&Detector<'_>>,
        again: &dyn ReadAgain,
    ) -> (Tally, u64) {
        let (Counted { mut tally, proving }, taken) =
            ignore_poison(self.ordered.into_inner()).finish();
        if let Some(proving) = proving {
            proving.finish(&mut tally, detector, again);
        }
        tally.close();
        (tally, taken)
    }
}

impl Counted<'_> {
    /// Counts an object, or sets it aside until all digests are read; returns its buffers.
    fn absorb(&mut self, mut scanned: ObjectScan, again: &dyn ReadAgain) -> ObjectScan {
        let proving = self.proving.as_mut();
        let when = proving.map(|one| one.when(&mut scanned, &mut self.tally.integrity));
        match when {
            None | Some(Admission::Now) => self.tally.absorb(scanned, again),
            Some(Admission::Later(log)) => self.tally.set_aside(scanned, log),
        }
    }
}

/// A panic elsewhere has ended the run already where it matters.
fn ignore_poison<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}
