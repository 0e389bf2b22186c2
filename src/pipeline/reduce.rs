//! What the workers hand in, taken up in the order of the objects.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use tokio::sync::OwnedSemaphorePermit;

use super::SettledSink;
use super::in_order::InOrder;
use super::proving::{Admission, Proving};
use crate::detect::Detector;
use crate::tally::{ObjectScan, ReadAgain, SampleCutoffs, Tally};

/// How many objects may lie there before a worker waits for its turn to take them up, and for how many
/// more there is room that others have left.
const MOST_HANDED_IN: usize = 16;

/// How many are taken up at once: what the tally holds then moves as seldom as may be from the caches
/// of one core to those of the other.
const AT_ONCE: usize = 8;

/// Or fewer, where they hold so many events: what lies there takes memory.
const EVENTS_AT_ONCE: usize = 1 << 12;

/// An object that is done. What it may hold of memory stays with it until it is taken up: one slow
/// object does not let all others pile up behind it.
type Done = (ObjectScan, Option<OwnedSemaphorePermit>);

/// Where workers hand in what is done. Whoever finds enough there, and nobody at it, takes it up; the
/// others go on with their work.
pub(super) struct Reducer<'r> {
    desk: Mutex<Inbox>,
    taking: Mutex<InOrder<Counted<'r>, Done>>,
}

/// What lies there: objects to be taken up, and what is left of others.
#[derive(Default)]
struct Inbox {
    done: Vec<Done>,
    /// How many events these hold.
    events: usize,
    emptied: Vec<ObjectScan>,
}

/// The tally of the objects taken up so far.
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
            desk: Mutex::default(),
            taking: Mutex::new(InOrder::new(Counted { tally, proving })),
        }
    }

    /// What the tally tells the workers while they work.
    pub(super) fn sample_cutoffs(&self) -> Arc<SampleCutoffs> {
        Arc::clone(
            &ignore_poison(self.taking.lock())
                .accumulator()
                .tally
                .sample_cutoffs,
        )
    }

    /// Hands an object in; the answer is room for another. An object with a share of what may wait is
    /// taken up at once: others wait for it.
    pub(super) fn submit(
        &self,
        scanned: ObjectScan,
        share: Option<OwnedSemaphorePermit>,
        ledger: Option<&dyn SettledSink>,
        again: &dyn ReadAgain,
    ) -> ObjectScan {
        let others_wait = share.is_some();
        let events = {
            let mut desk = ignore_poison(self.desk.lock());
            desk.events += scanned.seen.len();
            desk.done.push((scanned, share));
            desk.events
        };
        let at_once = others_wait || events >= EVENTS_AT_ONCE;
        self.drain(if at_once { 1 } else { AT_ONCE }, ledger, again);
        ignore_poison(self.desk.lock())
            .emptied
            .pop()
            .unwrap_or_default()
    }

    /// Takes up what lies there, where it is enough, and then whatever was handed in meanwhile. Every
    /// worker that ends must ask for all of it.
    ///
    /// What is handed in while somebody is about to leave is seen by one of the two.
    pub(super) fn drain(
        &self,
        mut enough: usize,
        ledger: Option<&dyn SettledSink>,
        again: &dyn ReadAgain,
    ) {
        loop {
            let lying = ignore_poison(self.desk.lock()).done.len();
            if lying < enough {
                return;
            }
            let mut taking = match self.taking.try_lock() {
                Ok(taking) => taking,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if lying < MOST_HANDED_IN => return,
                Err(TryLockError::WouldBlock) => ignore_poison(self.taking.lock()),
            };
            let done = {
                let mut desk = ignore_poison(self.desk.lock());
                desk.events = 0;
                std::mem::take(&mut desk.done)
            };
            let mut emptied = Vec::new();
            for done in done {
                let add = |counted: &mut Counted<'_>, (scanned, _): Done| {
                    emptied.push(counted.absorb(scanned, again));
                };
                taking.push(done.0.sequence, done, add);
            }
            if let Some(ledger) = ledger {
                let tally = &mut taking.accumulator_mut().tally;
                let settled = tally.integrity.take_settled();
                settled.iter().for_each(|one| ledger.settled(one));
            }
            drop(taking);
            let mut desk = ignore_poison(self.desk.lock());
            desk.emptied.append(&mut emptied);
            desk.emptied.truncate(MOST_HANDED_IN);
            // who came in the meantime has left, perhaps with something that others wait for
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
            ignore_poison(self.taking.into_inner()).finish();
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
