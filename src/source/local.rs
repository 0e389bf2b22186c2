//! A folder of logs, or one file.
//!
//! What comes in is a path; what goes out is a [`Listing`] named as a bucket with the same tree
//! would be, and, file by file, bytes as stored. Everything is listed, hidden files too: what is no
//! log is recognised by its content.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::key::{LogKey, LogKind};
use super::{FetchError, Listing, ObjectRef, Place, Scope};
use crate::coverage::{Problem, ProblemKind};

/// Why nothing of a path could be listed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
}

/// Lists a file, or all files below a folder, that may hold what the scope asks for.
///
/// Links are followed; a folder that several links lead to is entered once. A folder that cannot
/// be read is a problem; the rest goes on. Names that are not UTF-8 are shown with replacement
/// characters; [`Place::File`] keeps the true path.
///
/// # Errors
/// The path does not exist or cannot be read at all.
pub fn list(path: &Path, scope: &Scope) -> Result<Listing, LocalError> {
    let unreadable = |cause: io::Error| match cause.kind() {
        ErrorKind::NotFound => LocalError::Missing(path.to_owned()),
        _ => LocalError::Unreadable {
            path: path.to_owned(),
            cause,
        },
    };
    let meta = fs::metadata(path).map_err(unreadable)?;
    if !meta.is_dir() {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        return Ok(Listing {
            objects: vec![object(path, name, Some(&meta))],
            ..Listing::default()
        });
    }
    fs::read_dir(path).map_err(unreadable)?;
    let mut walk = Walk {
        scope,
        listing: Listing::default(),
        folders: VecDeque::from([(path.to_owned(), String::new())]),
        links: VecDeque::new(),
        entered: BTreeSet::new(),
    };
    walk.run();
    walk.listing.sort();
    Ok(walk.listing)
}

/// Reads a file of at most `cap` bytes.
///
/// # Errors
/// Permission is missing, or the file is gone, is no regular file, is larger, or cannot be read.
pub fn read(path: &Path, cap: u64) -> Result<Vec<u8>, FetchError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::PermissionDenied => FetchError::Refused(
            "permission denied: allow the user who runs this to read the file".to_owned(),
        ),
        ErrorKind::NotFound => FetchError::Gone,
        _ => FetchError::Failed(error.to_string()),
    };
    // opening a pipe would wait for its writer, perhaps for ever: ask before
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(FetchError::Failed("no regular file".to_owned()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(cap)).unwrap_or(0));
    let file = File::open(path).map_err(failed)?;
    let mut reader = file.take(cap.saturating_add(1));
    reader.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > cap {
        let what = format!("larger than {cap} bytes: no log file is");
        return Err(FetchError::Failed(what));
    }
    Ok(bytes)
}

/// Beside an object's copy, with this after its whole name: its metadata, as
/// `aws s3api head-object` prints it.
pub const SIDE_FILE: &str = ".metadata.json";

/// The metadata that lies beside a copy; empty where there is none, or none that can be read.
pub fn metadata(path: &Path) -> super::Metadata {
    #[derive(Default, serde::Deserialize)]
    struct Head {
        #[serde(rename = "Metadata", default)]
        metadata: super::Metadata,
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(SIDE_FILE);
    let head = fs::read(beside).ok();
    let head = head.and_then(|head| serde_json::from_slice::<Head>(&head).ok());
    head.unwrap_or_default().metadata
}

/// A walk over a tree whose links may make it a graph. Folders come before links, so that a
/// folder which is also linked to goes by its own name.
struct Walk<'a> {
    scope: &'a Scope,
    listing: Listing,
    /// Folders to enter, each with its name below the root.
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
                self.listing.problems.push(Problem {
                    object: path.to_string_lossy().into_owned(),
                    kind: ProblemKind::Unlisted,
                    what: format!("the folder cannot be read: {error}"),
                });
            }
        }
    }

    fn enter(&mut self, folder: &Path, name: &str) -> io::Result<()> {
        if !self.entered.insert(folder.canonicalize()?) {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let file_name = entry.file_name();
            let name = match name {
                "" => file_name.to_string_lossy().into_owned(),
                name => format!("{name}/{}", file_name.to_string_lossy()),
            };
            let kind = entry.file_type()?;
            if !kind.is_symlink() {
                let meta = entry.metadata().ok();
                self.sort(kind, path, name, meta.as_ref());
                continue;
            }
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.links.push_back((path, name)),
                Ok(meta) => self.sort(meta.file_type(), path, name, Some(&meta)),
                // a link to nothing is listed: reading it will say so
                Err(_) => self.listing.objects.push(object(&path, name, None)),
            }
        }
        Ok(())
    }

    fn sort(&mut self, kind: FileType, path: PathBuf, name: String, meta: Option<&Metadata>) {
        if kind.is_dir() && is_aggregated(&path) {
            self.listing.passed_by.insert(format!("{name}/"));
        } else if kind.is_dir() {
            self.folders.push_back((path, name));
        } else if kind.is_file() && name.ends_with(SIDE_FILE) {
            // it is read with the object it stands beside
        } else if kind.is_file() {
            let object = object(&path, name, meta);
            if self.scope.may_hold(object.key.as_ref()) {
                self.listing.objects.push(object);
            }
        } else {
            self.listing.passed_by.insert(name);
        }
    }
}

/// True for the folder of aggregated events, which is not read in a bucket either.
fn is_aggregated(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.and_then(LogKind::from_folder) == Some(LogKind::Aggregated)
}

fn object(path: &Path, name: String, meta: Option<&Metadata>) -> ObjectRef {
    // of a folder deep in the layout only the whole path tells account and Region
    let key = LogKey::parse(&name).or_else(|| {
        let parts = path.components().map(|part| part.as_os_str());
        let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
        LogKey::parse(&parts.join("/"))
    });
    ObjectRef {
        name,
        place: Place::File(path.to_owned()),
        key,
        size: meta.map(Metadata::len),
        archived: None,
        version: meta.and_then(version),
    }
}

/// What changes when the file does: its size and the time of its writing.
fn version(meta: &Metadata) -> Option<Box<str>> {
    let written: DateTime<Utc> = meta.modified().ok()?.into();
    let nanoseconds = written.timestamp_subsec_nanos();
    let text = format!("{} {}.{nanoseconds:09}", meta.len(), written.timestamp());
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/10/\
        111122223333_CloudTrail_us-east-1_20261110T1145Z_7xgocspSowgK0Gto.json.gz";

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    fn names(listing: &Listing) -> Vec<&str> {
        let objects = listing.objects.iter();
        objects.map(|object| object.name.as_str()).collect()
    }

    fn all() -> Scope {
        Scope::all(time("2026-11-20T00:00:00Z"))
    }

    #[test]
    fn everything_below_is_listed_by_day_and_named_from_the_root() {
        let root = tree(&[LOG, ".DS_Store", "notes/readme.txt"]);
        let listing = list(root.path(), &all()).unwrap();
        assert_eq!(names(&listing), [".DS_Store", "notes/readme.txt", LOG]);
        let log = &listing.objects[2];
        assert_eq!(log.key.as_ref().unwrap().region, "us-east-1");
        assert_eq!(log.size, Some(LOG.len() as u64));
        assert_eq!(listing.problems, []);
    }

    #[test]
    fn a_single_file_goes_by_its_name_and_its_path_tells_the_rest() {
        let root = tree(&[LOG]);
        let listing = list(&root.path().join(LOG), &all()).unwrap();
        assert_eq!(names(&listing), [LOG.rsplit('/').next().unwrap()]);
        let key = listing.objects[0].key.as_ref().unwrap();
        assert_eq!(key.account, "111122223333");
    }

    #[test]
    fn the_scope_leaves_out_what_a_key_rules_out() {
        let root = tree(&[LOG, "flat.json.gz"]);
        let count = |scope: &Scope| names(&list(root.path(), scope).unwrap()).len();
        let of = |accounts: &[&str], regions: &[&str], since: Option<&str>| Scope {
            accounts: accounts.iter().map(ToString::to_string).collect(),
            regions: regions.iter().map(ToString::to_string).collect(),
            since: since.map(time),
            ..all()
        };
        assert_eq!(count(&of(&["111122223333"], &["us-east-1"], None)), 2);
        assert_eq!(count(&of(&["444455556666"], &[], None)), 1);
        assert_eq!(count(&of(&[], &["eu-west-1"], None)), 1);
        assert_eq!(count(&of(&[], &[], Some("2026-11-10T11:50:00Z"))), 2);
        assert_eq!(count(&of(&[], &[], Some("2026-11-10T12:10:00Z"))), 1);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = list(Path::new("/nowhere/logs"), &all()).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/logs does not exist");
    }

    #[test]
    fn reading_is_capped_and_says_what_is_wrong() {
        let root = tree(&["five"]);
        let file = root.path().join("five");
        fs::write(&file, b"12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(matches!(read(&file, 4), Err(FetchError::Failed(what)) if what.contains("larger")));
        assert!(
            matches!(read(root.path(), 5), Err(FetchError::Failed(what)) if what.contains("regular"))
        );
        let gone = read(&root.path().join("gone"), 5);
        assert!(matches!(gone, Err(FetchError::Gone)));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        #[test]
        fn links_are_followed_once_and_a_circle_ends() {
            let outside = tree(&["deep/c.json"]);
            let root = tree(&["z/a.json", "z/y/b.json"]);
            symlink(root.path(), root.path().join("z/up")).unwrap();
            symlink(".", root.path().join("self")).unwrap();
            symlink(root.path().join("z"), root.path().join("a-link")).unwrap();
            symlink(outside.path(), root.path().join("outside")).unwrap();
            symlink(outside.path().join("deep"), root.path().join("again")).unwrap();
            symlink("z/a.json", root.path().join("file-link")).unwrap();
            symlink("nothing", root.path().join("dangling")).unwrap();
            let listing = list(root.path(), &all()).unwrap();
            let names = names(&listing);
            let (linked, own): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|name| name.ends_with("c.json"));
            assert_eq!(own, ["dangling", "file-link", "z/a.json", "z/y/b.json"]);
            assert_eq!(linked.len(), 1, "two links lead to it: {linked:?}");
            assert_eq!(listing.problems, []);
            let dangling = read(&root.path().join("dangling"), 9);
            assert!(matches!(dangling, Err(FetchError::Gone)));
        }

        #[test]
        fn a_name_that_is_not_utf8_is_shown_lossily_and_still_read() {
            let root = tree(&[]);
            let name = OsStr::from_bytes(b"caf\xe9.json");
            fs::write(root.path().join(name), b"{}").unwrap();
            let listing = list(root.path(), &all()).unwrap();
            assert_eq!(names(&listing), ["caf\u{fffd}.json"]);
            let Place::File(path) = &listing.objects[0].place else {
                panic!("no file");
            };
            assert_eq!(read(path, 9).unwrap(), b"{}");
        }

        #[test]
        fn a_folder_that_may_not_be_read_is_a_problem_and_the_walk_goes_on() {
            let root = tree(&["closed/a.json", "open/b.json"]);
            let closed = root.path().join("closed");
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
            // the superuser reads it all the same
            let superuser = fs::read_dir(&closed).is_ok();
            let listing = list(root.path(), &all()).unwrap();
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
            assert!(names(&listing).contains(&"open/b.json"));
            assert_eq!(listing.problems.len(), usize::from(!superuser));
        }

        #[test]
        fn what_is_no_file_is_passed_by_and_never_opened() {
            let root = tree(&["a.json"]);
            let socket = root.path().join("socket");
            let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
            let listing = list(root.path(), &all()).unwrap();
            assert_eq!(names(&listing), ["a.json"]);
            assert!(listing.passed_by.contains("socket"));
            assert!(matches!(read(&socket, 9), Err(FetchError::Failed(_))));
        }
    }
}
