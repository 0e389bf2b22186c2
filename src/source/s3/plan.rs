//! What to list of a bucket, and listing it: a stream in the order of reading.
//!
//! What comes in are folders, each with the day of its objects; what goes out are pages of objects
//! in [`ObjectRef::order`], however many folders are listed at once. The names below a folder stand
//! together in that order, so sorting the folders sorts the objects: a plan needs memory for
//! folders (account × Region × day) and for the pages under way, never for all objects.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::layout::LogFolder;
use super::lister::{IN_FLIGHT, Lister};
use super::unlisted;
use crate::coverage::{Problem, Store};
use crate::source::key::{LogKey, LogKind};
use crate::source::{Listing, ObjectRef, ReadOrder, Scope};

/// Objects in a page that needs no listing.
const LOOSE: usize = 1_000;

/// What of one or several places to read.
#[derive(Debug, Default)]
pub struct Plan {
    units: Vec<Unit>,
    /// What could not be looked into.
    pub problems: Vec<Problem>,
    /// As [`Listing::store`]: what was found on the way. Pages tell of what they hold.
    pub store: Store,
    requests: Vec<Arc<AtomicU64>>,
}

/// A folder to list, or an object that is known already.
#[derive(Debug)]
struct Unit {
    turn: ReadOrder,
    name: String,
    what: UnitKind,
}

#[derive(Debug)]
enum UnitKind {
    Object(Box<ObjectRef>),
    Folder { lister: Lister, folder: LogFolder },
}

impl Unit {
    /// What the keys of its objects say.
    fn key(&self) -> Option<LogKey> {
        match &self.what {
            UnitKind::Object(object) => object.key.clone(),
            UnitKind::Folder { folder, .. } => folder_key(&folder.path),
        }
    }

    /// A folder that is listed as a whole comes before the same folder's own objects.
    fn order(&self, other: &Self) -> Ordering {
        let key = |unit: &Self| (unit.turn, unit.directly());
        let name = || self.name.cmp(&other.name);
        let (ours, theirs) = (key(self), key(other));
        ours.0
            .cmp(&theirs.0)
            .then_with(name)
            .then(ours.1.cmp(&theirs.1))
    }

    /// True for a folder of which only the objects directly in it are listed.
    const fn directly(&self) -> bool {
        matches!(&self.what, UnitKind::Folder { folder, .. } if folder.directly)
    }
}

/// What the keys of a folder's objects say.
fn folder_key(path: &str) -> Option<LogKey> {
    LogKey::parse(&format!("{path}*"))
}

/// Objects in their order, and what went wrong behind them.
#[derive(Debug, Default)]
pub struct Page {
    pub objects: Vec<ObjectRef>,
    /// As [`Listing::store`], of this page.
    pub store: Store,
    pub problem: Option<Problem>,
}

/// Pages as they come, in the order of reading.
#[derive(Debug)]
pub struct Pages {
    receiver: mpsc::Receiver<Page>,
    lister: Option<JoinHandle<()>>,
}

impl Pages {
    /// The next page; nothing after the last.
    pub async fn next(&mut self) -> Option<Page> {
        if let Some(page) = self.receiver.recv().await {
            return Some(page);
        }
        // a listing that panicked must not look like one that ended
        if let Some(lister) = self.lister.take() {
            join(lister).await;
        }
        None
    }
}

impl Plan {
    /// This many folders are listed at the same time.
    pub const AT_ONCE: usize = IN_FLIGHT;

    pub(super) fn folder(&mut self, lister: &Lister, folder: LogFolder) {
        self.units.push(Unit {
            turn: ReadOrder::new(folder_key(&folder.path).map(|key| key.kind), folder.day),
            name: lister.name(&folder.path),
            what: UnitKind::Folder {
                lister: lister.clone(),
                folder,
            },
        });
    }

    pub(super) fn object(&mut self, object: ObjectRef) {
        self.units.push(Unit {
            turn: ReadOrder::of(object.key.as_ref()),
            name: object.name.clone(),
            what: UnitKind::Object(Box::new(object)),
        });
    }

    pub(super) fn counts(&mut self, lister: &Lister) {
        self.requests.push(lister.pages());
    }

    /// Puts the folders into their order. The same folder is listed once, whoever asked for it.
    pub(super) fn sort(&mut self) {
        self.units.sort_by(Unit::order);
        let found = &mut self.store.found;
        self.units.dedup_by(|again, first| {
            let same = again.name == first.name && again.directly() == first.directly();
            // an object that two places found is one object
            *found -= u64::from(same && again.is_object());
            same
        });
    }

    /// Objects whose places are known.
    pub fn of(objects: Vec<ObjectRef>) -> Self {
        let mut plan = Self::default();
        plan.store.found = objects.len() as u64;
        objects.into_iter().for_each(|object| plan.object(object));
        plan.sort();
        plan
    }

    /// The accounts and Regions whose digests it lists.
    pub fn digest_places(&self) -> BTreeSet<(String, String)> {
        let keys = self.units.iter().map(Unit::key);
        let digests = keys.flatten().filter(|key| key.kind == LogKind::Digest);
        digests.map(|key| (key.account, key.region)).collect()
    }

    /// The Regions of which it lists anything.
    pub fn regions(&self) -> BTreeSet<String> {
        let keys = self.units.iter().map(Unit::key);
        keys.flatten().map(|key| key.region).collect()
    }

    /// Adds the plan of another place, whose names begin with bucket and prefix as these do.
    pub fn merge(&mut self, other: Self) {
        self.units.extend(other.units);
        self.problems.extend(other.problems);
        self.store.merge(other.store);
        self.requests.extend(other.requests);
        self.sort();
    }

    /// Counts the listing requests of this plan, those of its stream included, as they are made.
    pub fn requests(&self) -> impl Fn() -> u64 + Send + use<> {
        let requests = self.requests.clone();
        move || requests.iter().map(|one| one.load(Atomic::Relaxed)).sum()
    }

    /// Lists the folders, many at once, on the runtime that polls this.
    pub fn list(self, scope: &Scope) -> Pages {
        let (sender, receiver) = mpsc::channel(2);
        let lister = tokio::spawn(list(self.units, scope.clone(), sender));
        Pages {
            receiver,
            lister: Some(lister),
        }
    }

    /// The whole listing at once, for places that are small.
    pub async fn collect(mut self, scope: &Scope) -> Listing {
        let mut listing = Listing {
            objects: Vec::new(),
            problems: std::mem::take(&mut self.problems),
            store: std::mem::take(&mut self.store),
        };
        let mut pages = self.list(scope);
        while let Some(page) = pages.next().await {
            listing.objects.extend(page.objects);
            listing.store.merge(page.store);
            listing.problems.extend(page.problem);
        }
        listing.problems.sort();
        listing
    }
}

/// Pages on their way from one folder.
type Open = (mpsc::Receiver<Page>, Option<JoinHandle<()>>);

/// Keeps some folders open and passes their pages on in the order of the folders.
async fn list(units: Vec<Unit>, scope: Scope, sender: mpsc::Sender<Page>) {
    let mut units = units.into_iter().peekable();
    let mut open: VecDeque<Open> = VecDeque::new();
    let scope = Arc::new(scope);
    loop {
        while open.len() < IN_FLIGHT
            && let Some(unit) = units.next()
        {
            open.push_back(match unit.what {
                UnitKind::Folder { lister, folder } => {
                    open_folder(lister, folder, Arc::clone(&scope))
                }
                UnitKind::Object(object) => {
                    let mut objects = vec![*object];
                    while objects.len() < LOOSE
                        && let Some(next) = units.next_if(|next| next.is_object())
                    {
                        objects.extend(next.into_object());
                    }
                    ready(objects)
                }
            });
        }
        let Some((mut pages, task)) = open.pop_front() else {
            return;
        };
        while let Some(page) = pages.recv().await {
            if sender.send(page).await.is_err() {
                return;
            }
        }
        if let Some(task) = task {
            join(task).await;
        }
    }
}

impl Unit {
    const fn is_object(&self) -> bool {
        matches!(self.what, UnitKind::Object(_))
    }

    fn into_object(self) -> Option<ObjectRef> {
        match self.what {
            UnitKind::Object(object) => Some(*object),
            UnitKind::Folder { .. } => None,
        }
    }
}

fn ready(objects: Vec<ObjectRef>) -> Open {
    let (sender, receiver) = mpsc::channel(1);
    // there is room for one, and the receiver is in the hand
    drop(sender.try_send(Page {
        objects,
        ..Page::default()
    }));
    (receiver, None)
}

/// Lists one folder, page after page; what was listed before a page failed is kept.
fn open_folder(lister: Lister, folder: LogFolder, scope: Arc<Scope>) -> Open {
    let (sender, receiver) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let mut stream = lister.stream(&folder.path, folder.directly);
        while let Some(mut page) = stream.next().await {
            let fault = page.fault.take();
            let listed = lister.listed(page, folder.wanted, &scope);
            let page = Page {
                objects: listed.objects,
                store: listed.store,
                problem: fault.map(|fault| unlisted(&lister, &folder.path, &fault)),
            };
            if sender.send(page).await.is_err() {
                return;
            }
        }
    });
    (receiver, Some(task))
}

/// Waits for a task; a panic goes on where somebody sees it.
async fn join(task: JoinHandle<()>) {
    if let Err(ended) = task.await
        && let Ok(panic) = ended.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
