//! A folder of logs, or one file.
//!
//! What comes in is a path; what goes out is a [`Tree`] of files named as a bucket with the same
//! tree would be, and, file by file, bytes as stored. Everything is listed, hidden files too: what
//! is no log is recognized by its content.

mod files;
mod tree;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::{FetchError, Listing, Scope};
pub use files::Files;
pub use tree::Tree;

/// Why nothing of a path could be listed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
}

/// Walks a folder, or takes a file, for what may hold what the scope asks for.
///
/// Links are followed within the folder; a folder that several links lead to is entered once. A link
/// that leads out of it is passed over: it may lead to anything on this computer. A folder that cannot
/// be read is a problem; the rest goes on. Names that are not UTF-8 are shown with replacement
/// characters; [`ObjectLocation::File`] keeps the true path.
///
/// # Errors
/// The path does not exist or cannot be read at all.
///
/// [`ObjectLocation::File`]: super::ObjectLocation::File
pub fn walk(path: &Path, scope: &Scope) -> Result<Tree, LocalError> {
    let unreadable = |cause: io::Error| match cause.kind() {
        ErrorKind::NotFound => LocalError::Missing(path.to_owned()),
        _ => LocalError::Unreadable {
            path: path.to_owned(),
            cause,
        },
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        let file = path.file_name().unwrap_or(path.as_os_str());
        let key = files::key(path.parent().unwrap_or(Path::new("")), "", file);
        let name = file.to_string_lossy().into_owned();
        return Ok(Tree::of(vec![files::object(path, name, key)]));
    }
    fs::read_dir(path).map_err(unreadable)?;
    Tree::walk(path, scope).map_err(unreadable)
}

/// The whole listing of a small folder: [`walk`], carried out.
///
/// # Errors
/// The path does not exist or cannot be read at all.
pub fn list(path: &Path, scope: &Scope) -> Result<Listing, LocalError> {
    Ok(walk(path, scope)?.files(scope).listing())
}

/// As many bytes as nearly all log files have. Room for a larger one is not used again.
const USUAL_SIZE: usize = 1 << 21;

/// Room of that many bytes is asked for where it is not used again: allocators give it back to the
/// system at once (glibc from 32 MiB on), and what nobody has written to takes no memory.
const GIVEN_BACK: usize = 33 << 20;

/// Reads a file of at most `cap` bytes.
///
/// # Errors
/// Permission is missing, or the file is gone, is no regular file, is larger, or cannot be read.
pub fn read(path: &Path, cap: u64) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    read_into(path, None, cap, &mut bytes)?;
    Ok(bytes)
}

/// Like [`read`], in place of what `bytes` held. `size` is the file's size if its folder was listed, which
/// shows that it is a regular file, too.
///
/// # Errors
/// Those of [`read`]; what `bytes` holds then has no meaning.
pub fn read_into(
    path: &Path,
    size: Option<u64>,
    cap: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), FetchError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::PermissionDenied => FetchError::Refused(
            "permission denied: allow the user who runs this to read the file".to_owned(),
        ),
        ErrorKind::NotFound => FetchError::Gone,
        _ => FetchError::Failed(error.to_string()),
    };
    let size = match size {
        Some(size) => size,
        // opening a pipe would wait for its writer, perhaps for ever: ask before
        None => match fs::metadata(path).map_err(failed)? {
            meta if meta.is_file() => meta.len(),
            _ => return Err(FetchError::Failed("no regular file".to_owned())),
        },
    };
    let size = usize::try_from(size.min(cap)).unwrap_or(0);
    if !(size..=2 * USUAL_SIZE).contains(&bytes.capacity()) {
        // the old one goes before there is a new one
        *bytes = Vec::new();
        bytes.reserve_exact(match size <= USUAL_SIZE {
            true => 2 * size,
            false => size.max(GIVEN_BACK),
        });
    }
    bytes.clear();
    let file = File::open(path).map_err(failed)?;
    let mut reader = file.take(cap.saturating_add(1));
    reader.read_to_end(bytes).map_err(failed)?;
    if bytes.len() as u64 > cap {
        let what = format!("larger than {cap} bytes: no log file is");
        return Err(FetchError::Failed(what));
    }
    Ok(())
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
    // a link may lead anywhere, and reading a pipe or device may never end
    let is_file = fs::symlink_metadata(&beside).is_ok_and(|meta| meta.is_file());
    let head = is_file.then(|| fs::read(beside).ok()).flatten();
    let head = head.and_then(|head| serde_json::from_slice::<Head>(&head).ok());
    head.unwrap_or_default().metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ObjectLocation;
    use chrono::{DateTime, Utc};
    use std::collections::BTreeSet;

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
        assert_eq!(names(&listing), [LOG, ".DS_Store", "notes/readme.txt"]);
        let log = &listing.objects[0];
        assert_eq!(log.key.as_ref().unwrap().region, "us-east-1");
        assert_eq!(log.size, Some(LOG.len() as u64));
        assert_eq!(listing.problems, []);
    }

    #[test]
    fn files_of_many_folders_come_in_the_order_of_day_and_name() {
        let region = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11";
        let other = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11";
        let digests = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11";
        let insight = "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11";
        let in_order = [
            // of the 10th
            format!("{digests}/10/a.json"),
            format!("{other}/10/z.json"),
            format!("{region}/10/b/c.json"),
            format!("{region}/10/b-c.json"),
            format!("{region}/10/d.json"),
            // of the 11th
            format!("{region}/11/a.json"),
            format!("{region}/10/444455556666/CloudTrail/us-east-1/2026/11/11/a.json"),
            // that no chain covers
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11.json".to_owned(),
            format!("{region}/10/111122223333/CloudTrail"), // reads as another account's folder
            "a/b.json".to_owned(),
            "a.json".to_owned(),
            format!("{insight}/09/a.json"),
        ];
        let root = tree(&in_order.each_ref().map(String::as_str));
        let listing = list(root.path(), &all()).unwrap();
        let mut sorted = listing.objects.clone();
        sorted.sort_by(|a, b| a.order().cmp(&b.order()));
        assert_eq!(listing.objects, sorted);
        let found: BTreeSet<&str> = names(&listing).into_iter().collect();
        assert_eq!(found, in_order.iter().map(String::as_str).collect());
        let walked = walk(root.path(), &all()).unwrap();
        assert_eq!(walked.count(), in_order.len() as u64);
    }

    #[test]
    fn a_walk_tells_of_the_digests_that_it_passes() {
        let digest = |account: &str, hour: u32| {
            format!(
                "{account}/{account}_CloudTrail-Digest_us-east-1_trail_us-east-1_20261110T{hour:02}0000Z.json.gz"
            )
        };
        let root = tree(&[&digest("111122223333", 9), &digest("111122223333", 7), LOG]);
        let walked = walk(root.path(), &all()).unwrap();
        let place = ("111122223333".to_owned(), "us-east-1".to_owned());
        assert_eq!(*walked.digest_places(), BTreeSet::from([place]));
        let oldest = time("2026-11-10T07:00:00Z").timestamp();
        assert_eq!(walked.oldest_digest(), Some(oldest));
    }

    #[test]
    fn a_folder_that_is_gone_when_its_turn_comes_is_a_problem() {
        let before = LOG.replace("2026/11/10", "2026/11/09");
        let root = tree(&[&before, LOG, "a.json"]);
        let mut files = walk(root.path(), &all()).unwrap().files(&all());
        assert_eq!(files.next().unwrap().name, before);
        let later = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/10";
        fs::remove_dir_all(root.path().join(later)).unwrap();
        assert_eq!(files.next().unwrap().name, "a.json");
        assert_eq!(files.next(), None);
        let [problem] = &files.problems[..] else {
            panic!("{:?}", files.problems);
        };
        assert!(problem.object.ends_with("2026/11/10"), "{problem:?}");
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
        assert!(
            matches!(read_into(&file, Some(4), 4, &mut Vec::new()), Err(FetchError::Failed(what)) if what.contains("larger"))
        );
        assert!(
            matches!(read(root.path(), 5), Err(FetchError::Failed(what)) if what.contains("regular"))
        );
        let gone = read(&root.path().join("gone"), 5);
        assert!(matches!(gone, Err(FetchError::Gone)));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use crate::coverage::SkipReason;
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
            assert_eq!(linked, [""; 0], "what lies outside is not read");
            let outside = listing.store.passed_over.get(SkipReason::LinkedOutside);
            let outside = outside.unwrap();
            assert_eq!(outside.objects, 2);
            assert!(outside.names.contains("again") && outside.names.contains("outside"));
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
            let ObjectLocation::File(path) = &listing.objects[0].place else {
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
            assert!(listing.store.passed_over.names().contains("socket"));
            assert!(matches!(read(&socket, 9), Err(FetchError::Failed(_))));
        }
    }
}
