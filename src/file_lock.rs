//! Locks of files and folders that another process may exchange while one waits for them.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens what lies at `path` and locks it for this process alone. `None` if another process holds the lock
/// after so many attempts, 20 ms apart.
///
/// # Errors
/// `open` fails, or the file system has no locks.
pub fn exclusive(
    path: &Path,
    attempts: u32,
    mut open: impl FnMut() -> io::Result<File>,
) -> io::Result<Option<File>> {
    for _ in 0..attempts {
        let file = open()?;
        match file.try_lock() {
            Ok(()) if is_still(&file, path) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) | Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    Ok(None)
}

/// True if the same file still lies there.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |of: io::Result<std::fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    place(file.metadata()) == place(std::fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}
