//! The worker threads, and the queue between them and asynchronous fetching: objects in, one tally
//! out.
//!
//! Fetching is asynchronous and only fetches; whole objects cross a queue that is bounded in bytes
//! to workers that do everything else, one object each. The tally accepts objects in their order,
//! under a lock. `source::s3` lists and fetches in tasks of its own, and `rules::load` parses on
//! threads with larger stacks.

mod cache;
mod guard;
mod misfiled;
mod objects;
mod proving;
mod queue;
mod reduce;
mod reread;
mod scan;
mod seal;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::ThreadPoolBuilder;
use tokio::runtime::Runtime;

use crate::detect::{Detection, Detector};
use crate::digest::Reader;
use crate::event::content::ContentKey;
use crate::integrity::Settled;
use crate::safe_text::TerminalText;
use crate::source::Scope;
use crate::source::local::Tree;
use crate::source::s3::{self, Access};
use crate::state::State;
use crate::tally::{ObjectScan, Tally};
use cache::ScanCache;
pub use cache::is_cached;
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
}

/// What is done with each object.
#[derive(Clone, Copy)]
pub struct Work<'r> {
    /// Evaluates rules on the records; `None` if only digests are checked.
    pub detector: Option<&'r Detector<'r>>,
    /// Checks logs against digests.
    pub digests: Option<&'r Reader>,
    /// Receives logs whose digest is known; without it the tally keeps them.
    pub settled_sink: Option<&'r dyn SettledSink>,
}

impl<'r> Work<'r> {
    /// Rules alone.
    pub const fn rules(detector: &'r Detector<'r>) -> Self {
        Self {
            detector: Some(detector),
            digests: None,
            settled_sink: None,
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
pub enum Input<'r> {
    /// Files and standard input: the workers read them.
    Files(Tree),
    /// Objects in S3, listed and fetched on the runtime while the workers work.
    Bucket {
        runtime: &'r Runtime,
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
pub fn run<'r>(
    input: Input<'_>,
    work: Work<'r>,
    scope: &Scope,
    options: &Options,
    progress: &dyn Progress,
) -> Tally {
    let incoming = ObjectStream::new(input, scope, options);
    let key = options
        .state
        .as_ref()
        .map_or_else(ContentKey::of_process, |state| {
            Arc::new(ContentKey::new(state.content_key()))
        });
    let again = Rereader::new(&incoming, &key, options.max_object_mib);
    progress.listed(incoming.known());
    let intake = Reducer::new(work.digests.map(Proving::new));
    let cutoffs = intake.sample_cutoffs();
    let scan_cache = options.state.as_ref().map(ScanCache::new);
    // a cached scan holds for every window: the object is scanned whole and restricted afterwards
    let everything = Scope::all(scope.now);
    let run = || {
        // a worker that comes too late for any object needs nothing made
        let Some(first) = incoming.next(options, progress, None) else {
            return;
        };
        let mut first = Some(first);
        let mib = options.max_object_mib;
        let keep_all = scan_cache.is_some();
        let (cutoffs, key) = (&cutoffs, &key);
        let detection = move || {
            let detection = work.detector.map(Detection::new);
            let by_key = |detection: Detection<'r>| detection.with_content_key(Arc::clone(key));
            let detection = detection.map(by_key);
            match keep_all {
                true => detection.map(Detection::keep_all_evidence),
                false => detection.map(|detection| detection.with_cutoffs(Arc::clone(cutoffs))),
            }
        };
        let within = if keep_all { &everything } else { scope };
        let mut worker = Worker::new(detection, work, within, mib);
        // made once, and used again for object after object
        let (mut room, mut recycled) = (ObjectScan::default(), None);
        while let Some(object) = first
            .take()
            .or_else(|| incoming.next(options, progress, recycled.take()))
        {
            let reference = &object.reference;
            let (mut scanned, bytes) = match object.loaded {
                Payload::Read(fetched) => {
                    let mut scanned = worker.scan(
                        object.sequence,
                        reference,
                        &fetched,
                        std::mem::take(&mut room),
                    );
                    if let Some(scan_cache) = &scan_cache {
                        scan_cache.store(reference, &mut scanned);
                    }
                    let bytes = fetched.map(|fetched| fetched.bytes);
                    (scanned, bytes.unwrap_or_default())
                }
                Payload::Known(payload) => {
                    let known = cache::restore(object.sequence, &payload, reference);
                    let damaged = || Err(cache::corrupt_entry());
                    let scanned = known.unwrap_or_else(|| {
                        worker.scan(
                            object.sequence,
                            reference,
                            &damaged(),
                            ObjectScan::default(),
                        )
                    });
                    (scanned, Vec::new())
                }
            };
            if scan_cache.is_some() {
                scanned
                    .restrict_to_window(|time, account, region| scope.holds(time, account, region));
            }
            scanned.place_of_bytes = reread::place(reference);
            progress.object(
                reference.size.unwrap_or(scanned.coverage.bytes_stored),
                scanned.coverage.records.evaluated,
            );
            recycled = Some((object.reference, bytes));
            room = intake.submit(scanned, object.share, work.settled_sink, &again);
        }
        intake.drain(1, work.settled_sink, &again);
    };
    // this thread works as well: what it frees is at hand for the report, which it makes afterwards
    let others = options.jobs.min(incoming.work()).saturating_sub(1);
    let pool = (others > 0).then(|| ThreadPoolBuilder::new().num_threads(others).build());
    match pool {
        Some(Ok(pool)) => pool.in_place_scope(|scope| {
            (0..others).for_each(|_| scope.spawn(|_| run()));
            run();
        }),
        // one thread wanted, or no other available: this one does the work
        _ => run(),
    }
    if let Some(scan_cache) = scan_cache {
        scan_cache.finish(progress);
    }
    let (mut tally, taken, proving) = intake.finish();
    if let Some(proving) = proving {
        proving.finish(&mut tally, work.detector, &again);
    }
    tally.close();
    let rest = incoming.finish();
    tally.coverage.problems.extend(rest.missing_objects(taken));
    tally.coverage.problems.extend(rest.problems);
    tally.coverage.store = rest.store;
    tally
}
