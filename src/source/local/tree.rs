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

use super::files::{Files, Folder, Kind, Unit, object, unread};
use crate::coverage::{PassedReason, Problem, Store};
use crate::source::key::{DigestName, LogKind};
use crate::source::{ObjectRef, Scope, Turn};

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
    pub(super) fn walk(root: &Path, scope: &Scope) -> Self {
        let mut walk = Walk {
            scope,
            tree: Self::default(),
            folders: VecDeque::from([(root.to_owned(), String::new())]),
            links: VecDeque::new(),
            entered: BTreeSet::new(),
        };
        walk.run();
        walk.tree.sort();
        walk.tree
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
        self.met(&object.name);
        self.units.push(object.into());
    }

    /// A file to read.
    fn met(&mut self, name: &str) {
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
    tree: Tree,
    /// Folders to enter, each with its name as in [`Unit`].
    folders: VecDeque<(PathBuf, String)>,
    /// Links to folders, entered when no folder is left.
    links: VecDeque<(PathBuf, String)>,
    /// Canonical paths of the folders entered.
    entered: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn run(&mut self) {
        while let Some((path, name)) = self.folders.pop_front().or_else(|| self.links.pop_front()) {
            if let Err(error) = self.enter(&path, &name) {
                self.tree.problems.push(unread(&path, &error));
            }
        }
    }

    fn enter(&mut self, folder: &Path, name: &str) -> io::Result<()> {
        if !self.entered.insert(folder.canonicalize()?) {
            let passed = &mut self.tree.store.passed_over;
            passed.folder(PassedReason::LinkedTwice, name);
            return Ok(());
        }
        let folder = Folder::new(folder.to_owned(), name.to_owned());
        let turn = Turn::of(folder.key.as_ref());
        for entry in fs::read_dir(&folder.path)? {
            let entry = entry?;
            let file = entry.file_name();
            let below = format!("{}{}", folder.name, file.to_string_lossy());
            match Kind::of(&entry)? {
                Kind::Folder if is_aggregated(&file) => {
                    let passed = &mut self.tree.store.passed_over;
                    passed.folder(PassedReason::Aggregated, &format!("{below}/"));
                }
                Kind::Folder => self.folders.push_back((entry.path(), format!("{below}/"))),
                Kind::Link => self.links.push_back((entry.path(), format!("{below}/"))),
                Kind::Other => {
                    let store = &mut self.tree.store;
                    store.found += 1;
                    store.passed_over.object(PassedReason::NotAFile, &below);
                }
                Kind::File => {
                    let store = &mut self.tree.store;
                    store.found += 1;
                    let key = folder.key_of(&file);
                    if folder.is_digest_metadata(&file) {
                        let reason = PassedReason::DigestMetadata;
                        store.passed_over.object(reason, &below);
                    } else if !self.scope.may_hold(key.as_ref()) {
                        store.passed_over.object(PassedReason::OutsideScope, &below);
                    } else if Turn::of(key.as_ref()) == turn {
                        self.tree.met(&below);
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
