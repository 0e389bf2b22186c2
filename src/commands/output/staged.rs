//! A file that is written without a name: a program that is killed leaves nothing of it, and nobody
//! can have put a link in its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _};
use std::path::Path;

use tempfile::NamedTempFile;

pub(super) enum Staged {
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// Where the system or the file system has no files without a name: one that is called at random.
    Named(NamedTempFile),
}

impl Staged {
    /// Makes a file in the file system of the folder, for its owner alone.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            if let Ok(file) = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
                return Ok(Self::Nameless(file.into()));
            }
        }
        let mut builder = tempfile::Builder::new();
        builder
            .prefix(".trailscan-")
            .tempfile_in(folder)
            .map(Self::Named)
    }

    pub(super) fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Gives the file a name, which must be free.
    ///
    /// # Errors
    /// Something has that name, links included; the file system is full.
    pub(super) fn link(&self, at: &Path) -> io::Result<()> {
        let (linked, mut content) = match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => {
                use rustix::fs::{AtFlags, CWD, linkat};
                use std::os::fd::AsRawFd as _;
                let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
                let linked = linkat(CWD, nameless, CWD, at, AtFlags::SYMLINK_FOLLOW);
                (linked.map_err(io::Error::from), file)
            }
            Self::Named(file) => (std::fs::hard_link(file.path(), at), file.as_file()),
        };
        if linked.is_ok() {
            return Ok(());
        }
        // no /proc, or a file system without hard links: the bytes are written once more
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut copy = options.open(at)?;
        let copied = content
            .rewind()
            .and_then(|()| io::copy(&mut content, &mut copy))
            .and_then(|_| copy.sync_all());
        if copied.is_err() {
            let _ = std::fs::remove_file(at);
        }
        copied
    }
}
