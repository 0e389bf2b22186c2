//! A folder and what lies below it: walked once for its folders, then listed one folder at a time.
//!
//! A file system names the files of a folder in no order, so they can be handed out in order only
//! when all of them are known. Folders are found first and put into the order of reading; the files
//! of one are listed when its turn comes. So memory grows with the folders, and with the files of
//! the largest of them, but not with all files: a trail writes one folder a day, account and Region.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Files, Folder, Kind, Unit, object, unread};
use crate::coverage::{Problem, SkipReason, Store};
use crate::source::key::{DigestName, LogKind};
use crate::source::{ObjectRef, ReadOrder, Scope};

/// The folders of a tree, and what was noted on the way to them.
#[derive(Debug, Default)]
pub struct Tree {
    /// In the order of turn and name.
    units: Vec<Unit>,
    /// How many files there are to read.
    count: u64,
    digest_places: BTreeSet<(String, String)>,
    oldest_digest: Option<i64>,
    problems: Vec<Problem>,
    /// Every file that the walk saw.
    store: Store,
}

impl Tree {
    /// Objects that are known already.
    pub fn of(objects: Vec<ObjectRef>) -> Self {
        let mut tree = Self::default();
        tree.store.found = objects.len() as u64;
        objects.into_iter().for_each(|object| tree.object(object));
        tree.sort();
        tree
    }

    /// Walks a folder. Of each file only what its name says is looked at.
    ///
    /// # Errors
    /// The folder itself cannot be found.
    pub(super) fn walk(root: &Path, scope: &Scope) -> io::Result<Self> {
        let real: Arc<Path> = root.canonicalize()?.into();
        let first = Step {
            path: root.to_owned(),
            name: String::new(),
            real: real.to_path_buf(),
        };
        let mut walk = Walk {
            scope,
            root: real,
            tree: Self::default(),
            folders: VecDeque::from([first]),
            links: VecDeque::new(),
            entered: BTreeSet::new(),
        };
        walk.run();
        walk.tree.sort();
        Ok(walk.tree)
    }

    /// How many files there are to read.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The accounts and Regions that have digests.
    pub const fn digest_places(&self) -> &BTreeSet<(String, String)> {
        &self.digest_places
    }

    /// The end of the first hour that a digest speaks for.
    pub const fn oldest_digest(&self) -> Option<i64> {
        self.oldest_digest
    }

    /// Lists the files, one folder after the other.
    pub fn files(self, scope: &Scope) -> Files {
        let mut files = Files::new(self.units, scope);
        files.problems = self.problems;
        files.store = self.store;
        files
    }

    fn object(&mut self, object: ObjectRef) {
        self.count_file(&object.name);
        self.units.push(object.into());
    }

    /// A file to read.
    fn count_file(&mut self, name: &str) {
        self.count += 1;
        if let Some(digest) = DigestName::parse(name) {
            let place = (digest.account.to_owned(), digest.region.to_owned());
            self.digest_places.insert(place);
            let oldest = self.oldest_digest.unwrap_or(digest.end);
            self.oldest_digest = Some(oldest.min(digest.end));
        }
    }

    fn sort(&mut self) {
        self.units
            .sort_by(|a, b| (a.turn, &a.name).cmp(&(b.turn, &b.name)));
    }
}

/// A walk over a tree whose links may make it a graph. Folders come before links, so that a
/// folder which is also linked to goes by its own name.
struct Walk<'a> {
    scope: &'a Scope,
    /// The canonical path of the tree.
    root: Arc<Path>,
    tree: Tree,
    /// Folders to enter.
    folders: VecDeque<Step>,
    /// Links to folders, entered when no folder is left.
    links: VecDeque<Step>,
    /// Canonical paths of the folders entered.
    entered: BTreeSet<PathBuf>,
}

/// A folder to enter.
struct Step {
    path: PathBuf,
    /// As in [`Unit`].
    name: String,
    /// Its canonical path. Below a folder that is entered it is put together from the names: to ask the
    /// system for it takes a step for each folder above.
    real: PathBuf,
}

impl Walk<'_> {
    fn run(&mut self) {
        while let Some(step) = self.folders.pop_front().or_else(|| self.links.pop_front()) {
            if let Err(error) = self.enter(&step) {
                self.tree.problems.push(unread(&step.path, &error));
            }
        }
    }

    fn enter(&mut self, step: &Step) -> io::Result<()> {
        if !self.entered.insert(step.real.clone()) {
            let passed = &mut self.tree.store.passed_over;
            passed.folder(SkipReason::LinkedTwice, &step.name);
            return Ok(());
        }
        let root = Arc::clone(&self.root);
        let folder = Folder::new(step.path.clone(), step.name.clone(), root);
        let turn = ReadOrder::of(folder.key.as_ref());
        for entry in fs::read_dir(&folder.path)? {
            let entry = entry?;
            let file = entry.file_name();
            let below = format!("{}{}", folder.name, file.to_string_lossy());
            let step_to = |real: PathBuf| Step {
                path: entry.path(),
                name: format!("{below}/"),
                real,
            };
            match Kind::of(&entry, &self.root)? {
                Kind::Folder if is_aggregated(&file) => {
                    let passed = &mut self.tree.store.passed_over;
                    passed.folder(SkipReason::Aggregated, &format!("{below}/"));
                }
                Kind::Folder => self.folders.push_back(step_to(step.real.join(&file))),
                Kind::Link(real) => self.links.push_back(step_to(real)),
                Kind::Outside => {
                    let store = &mut self.tree.store;
                    store.found += 1;
                    store.passed_over.object(SkipReason::LinkedOutside, &below);
                }
                Kind::Other => {
                    let store = &mut self.tree.store;
                    store.found += 1;
                    store.passed_over.object(SkipReason::NotAFile, &below);
                }
                Kind::File => {
                    let store = &mut self.tree.store;
                    store.found += 1;
                    let key = folder.key_of(&file);
                    if folder.is_digest_metadata(&file) {
                        let reason = SkipReason::DigestMetadata;
                        store.passed_over.object(reason, &below);
                    } else if !self.scope.may_hold(key.as_ref()) {
                        store.passed_over.object(SkipReason::OutsideScope, &below);
                    } else if ReadOrder::of(key.as_ref()) == turn {
                        self.tree.count_file(&below);
                    } else {
                        self.tree.object(object(&entry.path(), below, key));
                    }
                }
            }
        }
        self.tree.units.push(folder.into());
        Ok(())
    }
}

/// True for the folder of aggregated events, which is not read in a bucket either.
fn is_aggregated(folder: &OsStr) -> bool {
    folder.to_str().and_then(LogKind::from_folder) == Some(LogKind::Aggregated)
}
