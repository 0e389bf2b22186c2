//! All threads and channels: objects in, one tally out.
//!
//! Fetching is asynchronous and only fetches; whole objects cross a channel that is bounded in
//! bytes to workers that do everything else, one object each; the tally takes objects up in their
//! order. Nothing else in the program runs at the same time as anything else.

mod scan;
mod seal;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use rayon::ThreadPoolBuilder;
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::detect::Detector;
use crate::digest::{self, Reader};
use crate::integrity::Settled;
use crate::source::{FetchError, Fetched, Listing, ObjectRef, Place, Scope, local, s3};
use crate::tally::{Scanned, Tally};
use scan::Worker;

/// GETs in flight. Log objects are small, so reading them is a matter of latency (facts, 6).
const IN_FLIGHT: usize = 96;

/// Stored bytes that may be in flight or waiting for a worker, in KiB.
const WAITING_KIB: usize = 64 << 10;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads.
    pub jobs: usize,
    /// The most MiB an object may inflate to.
    pub max_object_mib: u64,
}

/// What is done with each object.
#[derive(Clone, Copy)]
pub struct Work<'r> {
    /// Records are held against the rules; nothing where only digests are checked.
    pub detector: Option<&'r Detector<'r>>,
    /// Logs are held against digests.
    pub digests: Option<&'r Reader>,
    /// Is told of logs whose digest is known; without it the tally keeps them.
    pub ledger: Option<&'r dyn Ledger>,
}

impl<'r> Work<'r> {
    /// Rules alone.
    pub const fn rules(detector: &'r Detector<'r>) -> Self {
        Self {
            detector: Some(detector),
            digests: None,
            ledger: None,
        }
    }
}

/// Takes down what became of each log.
pub trait Ledger: Sync {
    fn settled(&self, settled: &Settled);
}

/// What the pipeline tells while it runs, after each object.
pub trait Progress: Sync {
    /// One object is done: its stored bytes and its evaluated events.
    fn object(&self, bytes: u64, events: u64);
}

/// Where the bytes of S3 objects come from.
#[derive(Debug)]
pub struct Bucket<'r> {
    pub runtime: &'r Runtime,
    /// By bucket name: each bucket has a client for its own Region.
    pub clients: BTreeMap<String, Client>,
}

/// Reads every object of the listing once, does the work on it, and sums up.
pub fn run(
    listing: &Listing,
    bucket: Option<&Bucket<'_>>,
    work: Work<'_>,
    scope: &Scope,
    options: &Options,
    progress: &dyn Progress,
) -> Tally {
    let incoming = match bucket {
        Some(bucket) => Incoming::Fetched(Mutex::new(fetch_all(bucket, &listing.objects, options))),
        None => Incoming::Disk(AtomicUsize::new(0)),
    };
    let intake = Mutex::new(Intake::default());
    let run = || {
        let mut worker = Worker::new(work, scope, options.max_object_mib);
        while let Some(object) = incoming.next(&listing.objects, options) {
            let Some(reference) = listing.objects.get(object.sequence) else {
                continue;
            };
            let scanned = worker.scan(object.sequence as u64, reference, object.fetched);
            progress.object(
                reference.size.unwrap_or(scanned.coverage.bytes_stored),
                scanned.coverage.records.evaluated,
            );
            intake
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(scanned, work.ledger);
        }
    };
    match ThreadPoolBuilder::new().num_threads(options.jobs).build() {
        Ok(pool) => {
            pool.broadcast(|_| run());
        }
        // no threads to be had: the work is done all the same
        Err(_) => run(),
    }
    let mut tally = intake
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .tally;
    tally
        .coverage
        .problems
        .extend(listing.problems.iter().cloned());
    tally.coverage.objects.foreign += listing.passed_by.len() as u64;
    tally
}

/// Objects that are done, waiting for those before them.
#[derive(Default)]
struct Intake {
    tally: Tally,
    next: u64,
    waiting: BTreeMap<u64, Scanned>,
}

impl Intake {
    fn take(&mut self, scanned: Scanned, ledger: Option<&dyn Ledger>) {
        self.waiting.insert(scanned.sequence, scanned);
        while let Some(scanned) = self.waiting.remove(&self.next) {
            self.tally.absorb(scanned);
            self.next += 1;
        }
        if let Some(ledger) = ledger {
            let settled = self.tally.integrity.take_settled();
            settled.iter().for_each(|one| ledger.settled(one));
        }
    }
}

/// An object with its bytes, or with the reason why there are none.
struct Object {
    sequence: usize,
    fetched: Result<Fetched, FetchError>,
    /// Its share of what may wait; given back when the object is dropped.
    _permit: Option<OwnedSemaphorePermit>,
}

enum Incoming {
    /// Workers read files themselves: the next one's place.
    Disk(AtomicUsize),
    Fetched(Mutex<mpsc::UnboundedReceiver<Object>>),
}

impl Incoming {
    fn next(&self, objects: &[ObjectRef], options: &Options) -> Option<Object> {
        match self {
            Self::Disk(next) => {
                let sequence = next.fetch_add(1, Ordering::Relaxed);
                let fetched = read(objects.get(sequence)?, options);
                Some(Object {
                    sequence,
                    fetched,
                    _permit: None,
                })
            }
            Self::Fetched(receiver) => receiver
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .blocking_recv(),
        }
    }
}

fn read(object: &ObjectRef, options: &Options) -> Result<Fetched, FetchError> {
    match &object.place {
        Place::File(path) => {
            let mut fetched = Fetched::from(local::read(path, options.max_object_mib << 20)?);
            if digest::is_digest(object) {
                fetched.metadata = local::metadata(path);
            }
            Ok(fetched)
        }
        Place::Stdin => read_stdin(options.max_object_mib << 20).map(Fetched::from),
        Place::S3 { .. } => Err(FetchError::Failed("no client for its bucket".to_owned())),
    }
}

fn read_stdin(cap: u64) -> Result<Vec<u8>, FetchError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(cap + 1)
        .read_to_end(&mut bytes);
    match read {
        Err(error) => Err(FetchError::Failed(format!(
            "standard input cannot be read: {error}"
        ))),
        Ok(_) if bytes.len() as u64 > cap => Err(FetchError::Failed(format!(
            "standard input holds more than {} MiB: raise --max-object-mib",
            cap >> 20
        ))),
        Ok(_) => Ok(bytes),
    }
}

/// Starts fetching in the order of the listing, many at once; the receiver gets objects as they
/// come.
fn fetch_all(
    bucket: &Bucket<'_>,
    objects: &[ObjectRef],
    options: &Options,
) -> mpsc::UnboundedReceiver<Object> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let clients = bucket.clients.clone();
    let objects = objects.to_vec();
    let cap = options.max_object_mib << 20;
    bucket.runtime.spawn(async move {
        let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
        let waiting = Arc::new(Semaphore::new(WAITING_KIB));
        for (sequence, object) in objects.into_iter().enumerate() {
            // an unknown size counts as a large log, and one beyond all bounds waits for the rest
            let kib = object
                .size
                .unwrap_or(128 << 10)
                .div_ceil(1 << 10)
                .clamp(1, WAITING_KIB as u64);
            let share = waiting
                .clone()
                .acquire_many_owned(u32::try_from(kib).unwrap_or(1))
                .await;
            let turn = in_flight.clone().acquire_owned().await;
            let (Ok(share), Ok(turn)) = (share, turn) else {
                return;
            };
            let (sender, clients) = (sender.clone(), clients.clone());
            tokio::spawn(async move {
                let fetched = fetch_one(&clients, &object, cap).await;
                drop(turn);
                // a receiver that is gone has no use for it
                drop(sender.send(Object {
                    sequence,
                    fetched,
                    _permit: Some(share),
                }));
            });
        }
    });
    receiver
}

async fn fetch_one(
    clients: &BTreeMap<String, Client>,
    object: &ObjectRef,
    cap: u64,
) -> Result<Fetched, FetchError> {
    if let Some(class) = &object.archived {
        return Err(FetchError::Archived(class.clone()));
    }
    match &object.place {
        Place::S3 { bucket, key } => match clients.get(bucket) {
            Some(client) => s3::fetch(client, bucket, key, cap).await,
            None => Err(FetchError::Failed("no client for its bucket".to_owned())),
        },
        Place::File(_) | Place::Stdin => Err(FetchError::Failed("not an S3 object".to_owned())),
    }
}
