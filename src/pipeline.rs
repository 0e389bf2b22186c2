//! The worker threads, and the queue between them and asynchronous fetching: objects in, one tally
//! out.
//!
//! Fetching is asynchronous and only fetches; whole objects cross a queue that is bounded in bytes
//! to workers that do everything else, one object each. The tally accepts objects in their order,
//! under a lock. `source::s3` lists and fetches in tasks of its own, and `rules::load` parses on
//! threads with larger stacks.

mod admission;
mod cache;
mod guard;
mod hashing;
mod in_order;
mod misfiled;
mod object_coverage;
mod objects;
mod proving;
mod queue;
mod reduce;
mod reread;
mod scan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPoolBuilder;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::OwnedSemaphorePermit;

use crate::detect::{Detection, Detector};
use crate::digest::Reader;
use crate::event::content::ContentKey;
use crate::integrity::Settled;
use crate::safe_text::TerminalText;
use crate::source::Scope;
use crate::source::local::Tree;
use crate::source::s3::{self, Access, Fetcher, RetryPolicy};
use crate::state::State;
use crate::tally::{ObjectScan, Partial, ReadAgain, SampleCutoffs, Tally};
use cache::ScanCache;
pub use cache::is_cached;
use in_order::InOrder;
use objects::{ObjectStream, Payload};
use proving::Proving;
use reduce::Reducer;
use reread::Rereader;
use scan::Worker;

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Worker threads.
    pub jobs: usize,
    /// The most MiB an object may inflate to.
    pub max_object_mib: u64,
    /// Cached scans of earlier runs; those of this run are added.
    pub state: Option<Arc<State>>,
    /// Of the records that a detector keeps: the most that are wanted, the first in the order of time.
    pub most_records: Option<usize>,
}

/// What is done with each object.
#[derive(Clone, Copy)]
pub struct Work<'r> {
    /// Evaluates rules on the records; `None` if only digests are checked.
    pub detector: Option<&'r Detector<'r>>,
    /// Checks logs against digests.
    pub digests: Option<&'r Reader>,
    /// Receives logs whose digest is known; without it the tally keeps them.
    pub ledger: Option<&'r dyn SettledSink>,
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
pub trait SettledSink: Sync {
    fn settled(&self, settled: &Settled);
}

/// What the pipeline tells while it runs.
pub trait Progress: Sync {
    /// So many more objects are known of.
    fn listed(&self, objects: u64);
    /// One object is done: its stored bytes and its evaluated events.
    fn object(&self, bytes: u64, events: u64);
    /// Something that the user should know and that stops nothing.
    fn remark(&self, remark: &TerminalText);
}

/// Objects to read, in their order.
#[derive(Debug)]
pub enum Input {
    /// Files and standard input: the workers read them.
    Files(Tree),
    /// Objects in S3, listed and fetched on the runtime while the workers work.
    Bucket {
        runtime: Handle,
        plan: s3::Plan,
        buckets: BTreeMap<String, Access>,
    },
}

/// Files that must be left to open at the start.
const SPARE_FILES: usize = 16;
const NULL: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// The threads that fetch: one where there are few cores, since what one of them leaves idle is
/// little next to what it costs to hand connections from one to the other.
///
/// # Errors
/// The system gives no threads or no poll, or hardly any open files.
pub fn runtime() -> std::io::Result<Runtime> {
    // tokio panics if it cannot have the few that it needs, and nothing works with fewer than these
    let spare = (0..SPARE_FILES).map(|_| std::fs::File::open(NULL));
    spare.collect::<Result<Vec<_>, _>>().map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("too few files may be open, raise `ulimit -n` ({error})"),
        )
    })?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(if cores < 4 { 1 } else { 2 })
        .enable_all()
        .build()
}

/// Reads every object once, does the work on it, and sums up.
pub fn run(
    input: Input,
    work: Work<'_>,
    scope: &Scope,
    options: &Options,
    progress: &dyn Progress,
) -> Tally {
    let objects = ObjectStream::new(input, scope, options);
    let reducer = Reducer::new(
        work.digests.map(Proving::new),
        options.most_records.unwrap_or(usize::MAX),
    );
    let scanning = Scanning {
        objects: &objects,
        work,
        scope,
        options,
        progress,
        key: content_key(options),
        sample_cutoffs: Some(reducer.sample_cutoffs()),
    };
    let again = Rereader::new(objects.fetcher(), &scanning.key, options.max_object_mib);
    scanning.run(
        &|scanned, share| reducer.submit(scanned, share, work.ledger, &again),
        &|| reducer.drain(1, work.ledger, &again),
    );
    let (mut tally, taken) = reducer.finish(work.detector, &again);
    objects.finish().add_to(&mut tally.coverage, taken);
    tally
}

/// Reads every object once and does the work on it, as [`run`] does, and leaves the counting to
/// [`tally`]: for a range of the objects of a run, the first of which is object `first` of all. Adjacent
/// ranges are put together by [`Partial::merge`].
pub fn scan_range(
    input: Input,
    first: u64,
    work: Work<'_>,
    scope: &Scope,
    options: &Options,
    progress: &dyn Progress,
) -> Partial {
    let objects = ObjectStream::new(input, scope, options);
    let ordered = Mutex::new(InOrder::new(Partial::new(first)));
    let scanning = Scanning {
        objects: &objects,
        work,
        scope,
        options,
        progress,
        key: content_key(options),
        sample_cutoffs: None,
    };
    let add = |scanned: ObjectScan, share| {
        let mut ordered = ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut emptied = None;
        ordered.push(
            scanned.sequence,
            (scanned, share),
            |partial, (scanned, _)| {
                emptied = Some(partial.push(scanned));
            },
        );
        emptied.unwrap_or_default()
    };
    scanning.run(&add, &|| ());
    let ordered = ordered.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut partial, taken) = ordered.finish();
    objects.finish().add_to(&mut partial.coverage, taken);
    partial
}

/// Counts what was scanned in ranges: the tally is that of [`run`] over the same objects. `work` is that
/// of the scans, and `again` reads objects again, see [`rereader`].
pub fn tally(partial: Partial, work: Work<'_>, again: &dyn ReadAgain) -> Tally {
    let reducer = Reducer::new(work.digests.map(Proving::new), usize::MAX);
    let rest = partial.coverage.clone();
    let (mut sequence, mut lost) = (0, None);
    for scanned in partial.into_scans() {
        match scanned {
            Ok(scanned) => {
                reducer.submit(
                    ObjectScan {
                        sequence,
                        ..scanned
                    },
                    None,
                    work.ledger,
                    again,
                );
                sequence += 1;
            }
            Err(error) => {
                lost.get_or_insert(error);
            }
        }
    }
    reducer.drain(1, work.ledger, again);
    let (mut tally, _) = reducer.finish(work.detector, again);
    tally.coverage.merge(rest);
    if let Some(error) = lost {
        tally.note_lost_scans(&error);
    }
    tally
}

/// Reads objects of an input again, to compare records that bear one id.
pub fn rereader(input: &Input, options: &Options) -> impl ReadAgain + use<> {
    let bucket = match input {
        Input::Files(_) => None,
        Input::Bucket {
            runtime, buckets, ..
        } => {
            let fetcher = Fetcher::new(buckets.clone(), RetryPolicy::default());
            Some((runtime.clone(), Arc::new(fetcher)))
        }
    };
    Rereader::new(bucket, &content_key(options), options.max_object_mib)
}

/// What the content of records is numbered by; results of earlier runs bear the numbers of their key.
fn content_key(options: &Options) -> Arc<ContentKey> {
    match &options.state {
        Some(state) => Arc::new(ContentKey::new(state.content_key())),
        None => ContentKey::of_process(),
    }
}

/// Takes the scan of an object and its share of what may wait; returns buffers for another.
type Submit<'s> = dyn Fn(ObjectScan, Option<OwnedSemaphorePermit>) -> ObjectScan + Sync + 's;

/// Objects on their way through the workers.
struct Scanning<'s, 'r> {
    objects: &'s ObjectStream,
    work: Work<'r>,
    scope: &'s Scope,
    options: &'s Options,
    progress: &'s dyn Progress,
    key: Arc<ContentKey>,
    /// What the tally tells the workers while they work; without it they keep all evidence.
    sample_cutoffs: Option<Arc<SampleCutoffs>>,
}

impl<'r> Scanning<'_, 'r> {
    /// Scans all objects on all threads; each calls `end` after its last.
    fn run(&self, submit: &Submit<'_>, end: &(dyn Fn() + Sync)) {
        self.progress.listed(self.objects.known());
        let cache = self.options.state.as_ref().map(ScanCache::new);
        let jobs = self.options.jobs.min(self.objects.work());
        on_all_threads(jobs, &|| self.work_on_objects(cache.as_ref(), submit, end));
        if let Some(cache) = cache {
            cache.finish(self.progress);
        }
    }

    fn work_on_objects(
        &self,
        cache: Option<&ScanCache>,
        submit: &Submit<'_>,
        end: &(dyn Fn() + Sync),
    ) {
        let next = |left| self.objects.next(self.options, self.progress, left);
        // a worker that comes too late for any object needs nothing made
        let Some(first) = next(None) else {
            return;
        };
        let mut first = Some(first);
        // a cached scan holds for every window: the object is scanned whole, and narrowed afterwards
        let everything = Scope::all(self.scope.now);
        let within = if cache.is_some() {
            &everything
        } else {
            self.scope
        };
        let detection = || self.detection(cache.is_some());
        let mut worker = Worker::new(detection, self.work, within, self.options.max_object_mib);
        // made once, and used again for object after object
        let (mut room, mut left) = (ObjectScan::default(), None);
        while let Some(object) = first.take().or_else(|| next(left.take())) {
            let reference = &object.reference;
            let (mut scanned, bytes) = match object.loaded {
                Payload::Read(fetched) => {
                    let room = std::mem::take(&mut room);
                    let mut scanned = worker.scan(object.sequence, reference, &fetched, room);
                    if let Some(cache) = cache {
                        cache.store(reference, &mut scanned);
                    }
                    let bytes = fetched.map(|fetched| fetched.bytes);
                    (scanned, bytes.unwrap_or_default())
                }
                Payload::Known(cached) => {
                    let known = cache::restore(object.sequence, &cached, reference);
                    let scanned = known.unwrap_or_else(|| {
                        let corrupt = Err(cache::corrupt_entry());
                        worker.scan(object.sequence, reference, &corrupt, ObjectScan::default())
                    });
                    (scanned, Vec::new())
                }
            };
            if cache.is_some() {
                scanned.restrict_to_window(|time, account, region| {
                    self.scope.holds(time, account, region)
                });
            }
            scanned.place_of_bytes = reread::place(reference);
            self.progress.object(
                reference.size.unwrap_or(scanned.coverage.bytes_stored),
                scanned.coverage.records.evaluated,
            );
            left = Some((object.reference, bytes));
            room = submit(scanned, object.share);
        }
        end();
    }

    fn detection(&self, is_cached: bool) -> Option<Detection<'r>> {
        let detection = Detection::new(self.work.detector?);
        let detection = detection.with_content_key(Arc::clone(&self.key));
        Some(match &self.sample_cutoffs {
            Some(cutoffs) if !is_cached => detection.with_cutoffs(Arc::clone(cutoffs)),
            _ => detection.keep_all_evidence(),
        })
    }
}

/// Runs the same on that many threads, of which this is one: what it frees is at hand for the report,
/// which it makes afterwards.
fn on_all_threads(jobs: usize, work: &(dyn Fn() + Sync)) {
    let others = jobs.saturating_sub(1);
    let pool = (others > 0).then(|| ThreadPoolBuilder::new().num_threads(others).build());
    match pool {
        Some(Ok(pool)) => pool.in_place_scope(|scope| {
            (0..others).for_each(|_| scope.spawn(|_| work()));
            work();
        }),
        // one thread wanted, or no other available: this one does the work
        _ => work(),
    }
}
