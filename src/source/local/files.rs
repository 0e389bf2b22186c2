//! The files of a tree, folder after folder, each as an object to read.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::SIDE_FILE;
use crate::coverage::{Problem, ProblemKind, Store};
use crate::source::key::{DigestName, LogKey, LogKind};
use crate::source::{Listing, ObjectLocation, ObjectRef, ReadOrder, Scope};

/// A folder whose files are listed when its turn comes, or a single object.
#[derive(Debug)]
pub(super) struct Unit {
    /// The turn of what is in it.
    pub(super) turn: ReadOrder,
    /// Below the root; of a folder with a `/` at the end, of the root empty.
    pub(super) name: String,
    pub(super) what: UnitKind,
}

impl From<Folder> for Unit {
    fn from(folder: Folder) -> Self {
        Self {
            turn: ReadOrder::of(folder.key.as_ref()),
            name: folder.name.clone(),
            what: UnitKind::Folder(folder),
        }
    }
}

impl From<ObjectRef> for Unit {
    fn from(object: ObjectRef) -> Self {
        Self {
            turn: ReadOrder::of(object.key.as_ref()),
            name: object.name.clone(),
            what: UnitKind::Object(Box::new(object)),
        }
    }
}

#[derive(Debug)]
pub(super) enum UnitKind {
    Folder(Folder),
    Object(Box<ObjectRef>),
}

/// A folder of the tree.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// As the name of its [`Unit`].
    pub(super) name: String,
    /// What it says of its files.
    pub(super) key: Option<LogKey>,
    /// The canonical path of the tree.
    pub(super) root: Arc<Path>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, name: String, root: Arc<Path>) -> Self {
        let key = key(&path, &name, OsStr::new("*"));
        Self {
            path,
            name,
            key,
            root,
        }
    }

    /// What the name of a file in it says.
    pub(super) fn key_of(&self, file: &OsStr) -> Option<LogKey> {
        let text = file.to_string_lossy();
        if LogKind::from_folder(&text).is_some() {
            // called like a part of the layout: it may read as if it lay elsewhere
            return key(&self.path, &self.name, file);
        }
        let key = self.key.as_ref()?;
        // metadata whose digest is gone is no digest; what else it is, its content says
        if key.kind == LogKind::Digest && text.ends_with(SIDE_FILE) {
            return None;
        }
        Some(key.beside(&text))
    }

    /// True for the metadata of a digest beside it, which is read with the digest. Any other file with
    /// such a name is a file of its own: a log may be called anything.
    pub(super) fn is_digest_metadata(&self, file: &OsStr) -> bool {
        let Some(digest) = file.to_str().and_then(|file| file.strip_suffix(SIDE_FILE)) else {
            return false;
        };
        let in_digests = self.key.as_ref().map(|key| key.kind) == Some(LogKind::Digest);
        (in_digests || DigestName::parse(digest).is_some()) && self.path.join(digest).is_file()
    }
}

/// The files of a tree, in [`ObjectRef::order`].
#[derive(Debug)]
pub struct Files {
    units: Peekable<std::vec::IntoIter<Unit>>,
    scope: Scope,
    /// A unit and those within it, whose names may alternate with its own.
    group: Vec<Unit>,
    /// What is left of their files.
    entries: std::vec::IntoIter<Entry>,
    /// What could not be listed so far.
    pub problems: Vec<Problem>,
    /// As [`Listing::store`].
    pub store: Store,
}

/// A file as its folder lists it: the rest of its [`ObjectRef`] is drawn from it in its turn.
#[derive(Debug)]
struct Entry {
    /// Its place in the group.
    unit: usize,
    /// Its name in its folder; empty where the unit is the object itself.
    file: Box<OsStr>,
    size: Option<u64>,
    written: Option<SystemTime>,
}

impl Iterator for Files {
    type Item = ObjectRef;

    fn next(&mut self) -> Option<ObjectRef> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Some(self.group.get(entry.unit)?.object(&entry));
            }
            let next = self.units.next()?;
            self.open(next);
        }
    }
}

impl Files {
    /// Units in the order of turn and name.
    pub(super) fn new(units: Vec<Unit>, scope: &Scope) -> Self {
        Self {
            units: units.into_iter().peekable(),
            scope: scope.clone(),
            group: Vec::new(),
            entries: Vec::new().into_iter(),
            problems: Vec::new(),
            store: Store::default(),
        }
    }

    /// All of them at once, for places that are small.
    pub fn listing(mut self) -> Listing {
        let objects = self.by_ref().collect();
        self.problems.sort();
        Listing {
            objects,
            problems: self.problems,
            store: self.store,
        }
    }

    /// Lists a unit together with those within it.
    fn open(&mut self, unit: Unit) {
        let mut group = Vec::new();
        if let UnitKind::Folder(_) = unit.what {
            let within = |next: &Unit| next.turn == unit.turn && next.name.starts_with(&unit.name);
            group.extend(std::iter::from_fn(|| self.units.next_if(within)));
        }
        group.insert(0, unit);
        let mut entries = Vec::new();
        for (at, unit) in group.iter().enumerate() {
            match &unit.what {
                UnitKind::Object(_) => entries.push(Entry {
                    unit: at,
                    file: Box::default(),
                    size: None,
                    written: None,
                }),
                UnitKind::Folder(folder) => {
                    if let Err(error) = list(folder, at, &self.scope, &mut entries) {
                        self.problems.push(unread(&folder.path, &error));
                    }
                }
            }
        }
        // each name is made out once
        entries.sort_by_cached_key(|entry| {
            let unit = group.get(entry.unit);
            unit.map(|unit| unit.name_of(entry).into_owned())
        });
        self.entries = entries.into_iter();
        self.group = group;
    }
}

/// The files of a folder that are of its turn and may hold what the scope asks for.
fn list(folder: &Folder, at: usize, scope: &Scope, entries: &mut Vec<Entry>) -> io::Result<()> {
    let turn = ReadOrder::of(folder.key.as_ref());
    for entry in fs::read_dir(&folder.path)? {
        let entry = entry?;
        let file = entry.file_name();
        if Kind::of(&entry, &folder.root)? != Kind::File || folder.is_digest_metadata(&file) {
            continue;
        }
        let key = folder.key_of(&file);
        if ReadOrder::of(key.as_ref()) != turn || !scope.may_hold(key.as_ref()) {
            continue;
        }
        // the entry itself knows this without another walk along its path
        let (size, written) = size_and_time(match entry.file_type()?.is_symlink() {
            true => fs::metadata(entry.path()),
            false => entry.metadata(),
        });
        entries.push(Entry {
            unit: at,
            file: file.into_boxed_os_str(),
            size,
            written,
        });
    }
    Ok(())
}

impl Unit {
    fn object(&self, entry: &Entry) -> ObjectRef {
        match &self.what {
            UnitKind::Object(object) => ObjectRef::clone(object),
            UnitKind::Folder(folder) => ObjectRef {
                name: self.name_of(entry).into_owned(),
                place: ObjectLocation::File(folder.path.join(&*entry.file)),
                key: folder.key_of(&entry.file),
                size: entry.size,
                archived: None,
                version: entry.size.zip(entry.written).map(version),
                written: None,
            },
        }
    }

    fn name_of(&self, entry: &Entry) -> Cow<'_, str> {
        match self.what {
            UnitKind::Object(_) => Cow::Borrowed(&self.name),
            UnitKind::Folder(_) => {
                Cow::Owned([&*self.name, &*entry.file.to_string_lossy()].concat())
            }
        }
    }
}

/// What an entry of a folder is, links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// A link to a folder, and that folder's canonical path.
    Link(PathBuf),
    /// A file, or a link to one or to nothing: reading it will say so.
    File,
    /// A link that leads out of the tree: whoever hands over a copy must not choose what else of this
    /// computer is read.
    Outside,
    Other,
}

impl Kind {
    /// `root` is the canonical path of the tree.
    pub(super) fn of(entry: &DirEntry, root: &Path) -> io::Result<Self> {
        let kind = entry.file_type()?;
        if !kind.is_symlink() {
            return Ok(match kind {
                kind if kind.is_dir() => Self::Folder,
                kind if kind.is_file() => Self::File,
                _ => Self::Other,
            });
        }
        let Ok(target) = entry.path().canonicalize() else {
            return Ok(Self::File);
        };
        if !target.starts_with(root) {
            return Ok(Self::Outside);
        }
        Ok(match fs::metadata(&target) {
            Ok(meta) if meta.is_dir() => Self::Link(target),
            Ok(meta) if !meta.is_file() => Self::Other,
            _ => Self::File,
        })
    }
}

/// What a file's name says, or where that is too short, its whole path: of a folder deep in the
/// layout only that tells account and Region.
pub(super) fn key(folder: &Path, name: &str, file: &OsStr) -> Option<LogKey> {
    let file = file.to_string_lossy();
    LogKey::parse(&format!("{name}{file}")).or_else(|| {
        let parts = folder.components().map(|part| part.as_os_str());
        let mut parts: Vec<_> = parts.map(OsStr::to_string_lossy).collect();
        parts.push(file);
        LogKey::parse(&parts.join("/"))
    })
}

/// A file by itself.
pub(super) fn object(path: &Path, name: String, key: Option<LogKey>) -> ObjectRef {
    let (size, written) = size_and_time(fs::metadata(path));
    ObjectRef {
        name,
        place: ObjectLocation::File(path.to_owned()),
        key,
        size,
        archived: None,
        version: size.zip(written).map(version),
        written: None,
    }
}

/// Nothing of what is no regular file.
fn size_and_time(meta: io::Result<Metadata>) -> (Option<u64>, Option<SystemTime>) {
    let meta = meta.ok().filter(Metadata::is_file);
    let size = meta.as_ref().map(Metadata::len);
    (size, meta.and_then(|meta| meta.modified().ok()))
}

/// What changes when the file does: its size and the time of its writing.
fn version((size, written): (u64, SystemTime)) -> Box<str> {
    let written: DateTime<Utc> = written.into();
    let nanoseconds = written.timestamp_subsec_nanos();
    format!("{size} {}.{nanoseconds:09}", written.timestamp()).into()
}

pub(super) fn unread(folder: &Path, error: &io::Error) -> Problem {
    Problem {
        object: folder.to_string_lossy().into_owned(),
        kind: ProblemKind::Unlisted,
        what: format!("the folder cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_the_files_of_one_day_and_region() {
        let root = tempfile::tempdir().unwrap();
        for region in ["eu-west-1", "us-east-1"] {
            for day in 10..20 {
                let folder = format!("111122223333/CloudTrail/{region}/2026/11/{day}");
                let folder = root.path().join(folder);
                fs::create_dir_all(&folder).unwrap();
                for file in ["a.json", "b.json", "c.json"] {
                    fs::write(folder.join(file), "").unwrap();
                }
            }
        }
        let scope = Scope::all(DateTime::UNIX_EPOCH);
        let mut files = crate::source::local::walk(root.path(), &scope)
            .unwrap()
            .files(&scope);
        let mut count = 0;
        while files.next().is_some() {
            count += 1;
            assert!(files.entries.len() < 3, "{} wait", files.entries.len());
        }
        assert_eq!(count, 60);
    }
}
