//! Objects on their way to the workers, with their bytes.
//!
//! Workers read files themselves. Objects of a bucket are listed and fetched on the runtime: in the
//! order of reading, many at once, and no further ahead of the workers than memory allows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::cache::cached;
use super::queue::BatchQueue;
use super::{Input, Options, Progress};
use crate::coverage::{Coverage, Problem, ProblemKind, Store};
use crate::digest;
use crate::source::local::{self, Files};
use crate::source::s3::{Fetcher, ListedObject, Pages, RetryPolicy};
use crate::source::{FetchError, Fetched, ObjectLocation, ObjectRef, Scope};
use crate::state::State;

/// Stored bytes that may be on their way or wait for a worker, in KiB.
const WAITING_KIB: usize = 64 << 10;

/// The most bytes of an object of which what is left is given back.
const LARGEST_LEFT: usize = 64 << 10;

/// An object with its bytes, or with the reason why there are none.
pub(super) struct Object {
    pub(super) sequence: u64,
    pub(super) reference: ObjectRef,
    pub(super) loaded: Payload,
    /// Its share of what may wait; given back when it is dropped.
    pub(super) share: Option<OwnedSemaphorePermit>,
}

/// What is left of an object that is done with.
pub(super) type Recycled = (ObjectRef, Vec<u8>);

/// The content of an object.
pub(super) enum Payload {
    /// Its bytes, or the reason why there are none.
    Read(Result<Fetched, FetchError>),
    /// Its scan from an earlier run, encoded.
    Known(Vec<u8>),
}

/// What is known when all objects have come.
#[derive(Debug, Default)]
pub(super) struct ListingSummary {
    pub(super) objects: u64,
    pub(super) problems: Vec<Problem>,
    /// What the listings showed.
    pub(super) store: Store,
}

impl ListingSummary {
    /// Completes the coverage of what was read; `taken` is how many objects were.
    pub(super) fn add_to(self, coverage: &mut Coverage, taken: u64) {
        coverage.problems.extend(self.missing_objects(taken));
        coverage.problems.extend(self.problems);
        coverage.store = self.store;
    }

    /// Everything that was listed was handed out or passed over for a reason; says what is missing.
    fn missing_objects(&self, taken: u64) -> Option<Problem> {
        let accounted = taken + self.store.passed_over.objects();
        let lost = self.store.found.checked_sub(accounted)?;
        (lost > 0).then(|| Problem {
            object: "objects".to_owned(),
            kind: ProblemKind::Unlisted,
            what: format!(
                "{lost} of {} objects were listed and not read: they were removed meanwhile, or it is a \
                 bug in trailscan",
                self.store.found
            ),
        })
    }
}

pub(super) enum ObjectStream {
    Files {
        /// The files to come, and how many came.
        files: Mutex<(Box<Files>, u64)>,
        /// As the walk counted them.
        known: u64,
    },
    Fetched {
        runtime: Handle,
        fetcher: Arc<Fetcher>,
        arrivals: Arc<BatchQueue<Object, Recycled>>,
        /// Objects listed so far, and how many of them the progress has shown.
        listed: Arc<AtomicU64>,
        reported: AtomicU64,
        feeding: JoinHandle<ListingSummary>,
    },
}

impl ObjectStream {
    /// Starts listing and fetching, where there is something to fetch.
    pub(super) fn new(input: Input, scope: &Scope, options: &Options) -> Self {
        match input {
            Input::Files(tree) => Self::Files {
                known: tree.count(),
                files: Mutex::new((Box::new(tree.files(scope)), 0)),
            },
            Input::Bucket {
                runtime,
                mut plan,
                buckets,
            } => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let rest = ListingSummary {
                    problems: std::mem::take(&mut plan.problems),
                    store: std::mem::take(&mut plan.store),
                    ..ListingSummary::default()
                };
                let listed = Arc::new(AtomicU64::new(0));
                let fetcher = Arc::new(Fetcher::new(buckets, RetryPolicy::default()));
                let feed = S3Producer {
                    sender,
                    fetcher: Arc::clone(&fetcher),
                    cap: options.max_object_mib << 20,
                    listed: Arc::clone(&listed),
                    waiting: Arc::new(Semaphore::new(WAITING_KIB)),
                    state: options.state.clone(),
                    under_way: Arc::new(Semaphore::new(2 * Fetcher::AT_ONCE)),
                };
                let scope = scope.clone();
                let feeding = runtime.spawn(async move { feed.run(plan.list(&scope), rest).await });
                let arrivals = Arc::new(BatchQueue::default());
                let arriving = Arc::clone(&arrivals);
                runtime.spawn(async move { arriving.receive(receiver).await });
                Self::Fetched {
                    runtime,
                    fetcher,
                    arrivals,
                    listed,
                    reported: AtomicU64::new(0),
                    feeding,
                }
            }
        }
    }

    /// What reads objects of a bucket, where they come from one.
    pub(super) fn fetcher(&self) -> Option<(Handle, Arc<Fetcher>)> {
        match self {
            Self::Files { .. } => None,
            Self::Fetched {
                runtime, fetcher, ..
            } => Some((runtime.clone(), Arc::clone(fetcher))),
        }
    }

    /// How many objects are known of before the first is read.
    pub(super) fn known(&self) -> u64 {
        match self {
            Self::Files { known, .. } => *known,
            Self::Fetched { .. } => 0,
        }
    }

    /// The next object; waits for one that is on its way. What is left of the last one is lost: a file
    /// is read into it.
    pub(super) fn next(
        &self,
        options: &Options,
        progress: &dyn Progress,
        recycled: Option<Recycled>,
    ) -> Option<Object> {
        match self {
            Self::Files { files, .. } => {
                let room = recycled.map(|(_, bytes)| bytes).unwrap_or_default();
                let (sequence, reference) = {
                    let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                    let (files, came) = &mut *files;
                    let reference = files.next()?;
                    *came += 1;
                    (*came - 1, reference)
                };
                Some(Object {
                    sequence,
                    loaded: match cached(options.state.as_deref(), &reference) {
                        Some(payload) => Payload::Known(payload),
                        None => Payload::Read(read(&reference, options, room)),
                    },
                    reference,
                    share: None,
                })
            }
            Self::Fetched {
                arrivals,
                listed,
                reported,
                ..
            } => {
                let now = listed.load(Ordering::Relaxed);
                progress.listed(now - reported.swap(now, Ordering::Relaxed));
                // a large one would keep memory from others
                arrivals.next(recycled.filter(|(_, bytes)| bytes.capacity() <= LARGEST_LEFT))
            }
        }
    }

    /// The most workers that can have something to do.
    pub(super) fn work(&self) -> usize {
        match self {
            Self::Files { known, .. } => usize::try_from(*known).unwrap_or(usize::MAX),
            Self::Fetched { .. } => usize::MAX,
        }
    }

    /// What was listed, after the last object.
    pub(super) fn finish(self) -> ListingSummary {
        match self {
            Self::Files { files, .. } => {
                let (files, objects) = files.into_inner().unwrap_or_else(PoisonError::into_inner);
                ListingSummary {
                    objects,
                    problems: files.problems,
                    store: files.store,
                }
            }
            Self::Fetched {
                runtime, feeding, ..
            } => match runtime.block_on(feeding) {
                Ok(rest) => rest,
                // nothing aborts it, so it can only be a panic: it goes on where it belongs
                Err(ended) => match ended.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => ListingSummary::default(),
                },
            },
        }
    }
}

/// Everything that turns a listing into objects with bytes.
struct S3Producer {
    sender: mpsc::UnboundedSender<Object>,
    fetcher: Arc<Fetcher>,
    cap: u64,
    state: Option<Arc<State>>,
    listed: Arc<AtomicU64>,
    /// In KiB of stored bytes.
    waiting: Arc<Semaphore>,
    /// Reads that have begun, those that wait for another attempt included.
    under_way: Arc<Semaphore>,
}

impl S3Producer {
    /// Starts the reads in the order of the listing; the receiver gets objects as they come.
    async fn run(self, mut pages: Pages, mut rest: ListingSummary) -> ListingSummary {
        while let Some(page) = pages.next().await {
            rest.problems.extend(page.problem);
            rest.store.merge(page.store);
            let count = page.objects.len() as u64;
            self.listed.fetch_add(count, Ordering::Relaxed);
            for reference in page.objects {
                let sequence = rest.objects;
                rest.objects += 1;
                self.begin(sequence, reference).await;
            }
        }
        rest
    }

    async fn begin(&self, sequence: u64, reference: ObjectRef) {
        // S3 tells every size: an object without one may be as large as objects may be
        let kib = reference
            .size
            .unwrap_or(self.cap)
            .div_ceil(1 << 10)
            .clamp(1, WAITING_KIB as u64);
        let kib = u32::try_from(kib).unwrap_or(1);
        let share = Arc::clone(&self.waiting).acquire_many_owned(kib).await.ok();
        if let Some(payload) = cached(self.state.as_deref(), &reference) {
            // a receiver that is gone has no use for it
            drop(self.sender.send(Object {
                sequence,
                reference,
                loaded: Payload::Known(payload),
                share,
            }));
            return;
        }
        let turn = Arc::clone(&self.under_way).acquire_owned().await;
        let (sender, fetcher, cap) = (self.sender.clone(), Arc::clone(&self.fetcher), self.cap);
        tokio::spawn(async move {
            let loaded = Payload::Read(fetch(&fetcher, &reference, cap).await);
            drop(turn);
            // a receiver that is gone has no use for it
            drop(sender.send(Object {
                sequence,
                reference,
                loaded,
                share,
            }));
        });
    }
}

async fn fetch(fetcher: &Fetcher, object: &ObjectRef, cap: u64) -> Result<Fetched, FetchError> {
    if let Some(class) = &object.archived {
        return Err(FetchError::Archived(class.clone()));
    }
    let listed = ListedObject {
        size: object.size,
        version: object.version.as_deref(),
    };
    match &object.place {
        ObjectLocation::S3 { bucket, key } => fetcher.fetch(bucket, key, listed, cap).await,
        ObjectLocation::File(_) | ObjectLocation::Stdin => {
            Err(FetchError::Failed("not an S3 object".to_owned()))
        }
    }
}

fn read(object: &ObjectRef, options: &Options, room: Vec<u8>) -> Result<Fetched, FetchError> {
    match &object.place {
        ObjectLocation::File(path) => {
            let cap = options.max_object_mib << 20;
            let mut bytes = room;
            local::read_into(path, object.size, cap, &mut bytes)?;
            let mut fetched = Fetched::from(bytes);
            if digest::is_digest(object) {
                fetched.metadata = local::metadata(path);
            }
            Ok(fetched)
        }
        ObjectLocation::Stdin => read_stdin(options.max_object_mib << 20).map(Fetched::from),
        ObjectLocation::S3 { .. } => Err(FetchError::Failed("no client for its bucket".to_owned())),
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
