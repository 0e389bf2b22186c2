//! The state file belongs to its owner alone: it is made so, and mended where it is not. What lies at its
//! place and is no plain file of ours is refused, because reading or writing it would harm something else.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What SQLite puts beside the file, and believes when it finds it.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes the file where there is none, and takes everybody else's permissions from it and from what
/// lies beside it. SQLite itself would make it readable for everybody.
///
/// # Errors
/// It is a link, no file, or another user's, or cannot be made or changed.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(_) => {}
            // another run made it this instant
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    let own = mend(path)?;
    for ending in BESIDE {
        let mut beside = OsString::from(path);
        beside.push(ending);
        let beside = PathBuf::from(beside);
        match fs::symlink_metadata(&beside) {
            // another run may take it away this instant
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => match mend(&beside) {
                Ok(other) if same_owner(&own, &other) => {}
                Ok(_) => return Err(refusal(&beside, "belongs to another user")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            },
        }
    }
    Ok(())
}

/// Checks one file by what was opened, not by what may lie there a moment later.
fn mend(path: &Path) -> io::Result<fs::Metadata> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(refusal(path, "is a link"));
    }
    if !metadata.is_file() {
        return Err(refusal(path, "is not a file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    make_private(&file, path)?;
    file.metadata()
}

#[cfg(unix)]
fn make_private(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode() & 0o777 == 0o600 {
        return Ok(());
    }
    let mended = file.set_permissions(fs::Permissions::from_mode(0o600));
    mended.map_err(|_| refusal(path, "belongs to another user"))
}

#[cfg(not(unix))]
fn make_private(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn same_owner(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.uid() == other.uid()
}

#[cfg(not(unix))]
fn same_owner(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

fn refusal(path: &Path, why: &str) -> io::Error {
    let what = format!("{} {why}", path.display());
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}
