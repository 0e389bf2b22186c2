//! The ledger as a file: read, lock, append.
//!
//! One process writes at a time, under a lock of the file. Each line is written at once behind the last
//! one and synchronized before it is acknowledged. A write that was cut short leaves bytes without a
//! line break: they were never acknowledged, and the next writer moves them into a file of their own.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chain::{Chain, Fault};
use super::entry::{Entry, Head, Line};
use super::{NO_LINE, VERSION};
use crate::event::time::{Epoch, utc};
use crate::file_lock;
use crate::sha256;

/// The largest ledger that is read: that of some thousand weeks has a few dozen MiB.
const MOST_BYTES: u64 = 1 << 30;

/// How long another process may write, in steps.
const PATIENCE: (u32, Duration) = (1_500, Duration::from_millis(20));

/// A ledger that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("cannot use the ledger {path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "the ledger {path} is broken: line {} {}; `trailscan review verify` lists everything that is \
         wrong; restore the file from a copy", fault.line, fault.what
    )]
    Broken { path: PathBuf, fault: Fault },
}

/// A ledger that was read.
#[derive(Debug)]
pub struct Ledger {
    pub path: PathBuf,
    pub chain: Chain,
    /// How many bytes stand behind the last whole line: a write that was cut short, or is under way.
    pub torn: usize,
}

impl Ledger {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, is too large or is not a file.
    pub fn read(path: &Path) -> Result<Option<Self>, LedgerError> {
        let read = || {
            if path.symlink_metadata()?.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            let mut file = File::open(path)?;
            // a line that is being written is waited for; file systems without locks have none
            for _ in 0..PATIENCE.0 {
                match file.try_lock_shared() {
                    Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE.1),
                    Ok(()) | Err(TryLockError::Error(_)) => break,
                }
            }
            read_all(&mut file)
        };
        match read() {
            Ok(bytes) => Ok(Some(Self::of(path, &bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::Io {
                path: path.to_owned(),
                error,
            }),
        }
    }

    /// The ledger in these bytes.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        Self {
            path: path.to_owned(),
            chain: Chain::read(bytes.get(..whole).unwrap_or_default()),
            torn: bytes.len() - whole,
        }
    }

    /// The hash of the last line; zeros if there is none.
    pub fn head(&self) -> &str {
        self.chain.hashes.last().map_or(NO_LINE, String::as_str)
    }

    /// The number of the line with that hash.
    pub fn place_of(&self, head: &str) -> Option<usize> {
        let mut hashes = self.chain.hashes.iter();
        hashes
            .position(|hash| hash.eq_ignore_ascii_case(head))
            .map(|at| at + 1)
    }

    /// Fails if the chain does not hold.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn unbroken(self) -> Result<Self, LedgerError> {
        match self.chain.broken() {
            None => Ok(self),
            Some(fault) => Err(LedgerError::Broken {
                path: self.path.clone(),
                fault: fault.clone(),
            }),
        }
    }
}

/// The only writer of a ledger, until it is dropped.
#[derive(Debug)]
pub struct Appender {
    file: File,
    length: u64,
    pub ledger: Ledger,
    /// Where the bytes of a write that was cut short went.
    pub set_aside: Option<PathBuf>,
}

impl Appender {
    /// Opens a ledger for writing, or begins one for its owner alone. Waits for other writers.
    ///
    /// # Errors
    /// The file cannot be written or locked, is a link, or its chain does not hold.
    pub fn open(path: &Path, now: Epoch) -> Result<Self, LedgerError> {
        let error = |error| LedgerError::Io {
            path: path.to_owned(),
            error,
        };
        let mut file = lock(path).map_err(error)?;
        let bytes = read_all(&mut file).map_err(error)?;
        let ledger = Ledger::of(path, &bytes).unbroken()?;
        let length = (bytes.len() - ledger.torn) as u64;
        let torn = bytes.get(bytes.len() - ledger.torn..).unwrap_or_default();
        let mut appender = Self {
            file,
            length,
            set_aside: None,
            ledger,
        };
        if !torn.is_empty() {
            let aside = set_aside(path, torn, now).map_err(error)?;
            appender.set_aside = Some(aside);
            appender.cut().map_err(error)?;
        }
        if appender.ledger.chain.lines.is_empty() {
            let head = Head {
                schema: format!("trailscan.ledger/{VERSION}"),
                program: concat!("trailscan ", env!("CARGO_PKG_VERSION")).to_owned(),
            };
            appender.append(now, "trailscan", Entry::Head(head))?;
            // the name as well: a file without an entry in its folder is lost with the power
            drop(File::open(folder_of(path)).and_then(|folder| folder.sync_all()));
        }
        Ok(appender)
    }

    /// Writes a line and returns it once it is on the disk. With an error it is not in the file.
    ///
    /// # Errors
    /// The file takes no more.
    pub fn append(&mut self, now: Epoch, by: &str, entry: Entry) -> Result<&Line, LedgerError> {
        let Self { ledger, .. } = self;
        let number = ledger.chain.lines.len() as u64 + 1;
        let line = Line::new(number, now, by, ledger.head(), entry);
        let written = line.to_bytes().map_err(io::Error::from).and_then(|bytes| {
            self.file.write_all(&bytes)?;
            self.file.sync_all()?;
            Ok(bytes)
        });
        let bytes = written.map_err(|error| {
            // nobody acknowledged it; if this fails too, the next writer sets the rest aside
            let _ = self.cut();
            LedgerError::Io {
                path: self.ledger.path.clone(),
                error,
            }
        })?;
        self.length += bytes.len() as u64;
        let chain = &mut self.ledger.chain;
        chain.hashes.push(sha256::hex([bytes.as_slice()]));
        chain.lines.push(line);
        Ok(&chain.lines[chain.lines.len() - 1])
    }

    /// Takes everything behind the last whole line out of the file.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.sync_all()
    }
}

/// Opens the file, made for its owner alone if there is none, and locks it.
fn lock(path: &Path) -> io::Result<File> {
    let open = || {
        if path.symlink_metadata().is_ok_and(|file| !file.is_file()) {
            let what = "it is not a file; name the file itself, not a link";
            return Err(io::Error::other(what));
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    };
    let locked = file_lock::exclusive(path, PATIENCE.0, open)?;
    locked.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            "another trailscan is writing to it",
        )
    })
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(path);
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// Writes the bytes into a new file beside the ledger.
fn set_aside(path: &Path, torn: &[u8], now: Epoch) -> io::Result<PathBuf> {
    let stamp = utc(now).format("%Y%m%dT%H%M%SZ");
    let mut number = 0;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(match number {
            0 => format!(".torn-{stamp}"),
            number => format!(".torn-{stamp}-{number}"),
        });
        let aside = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&aside) {
            Ok(mut file) => {
                file.write_all(torn)?;
                file.sync_all()?;
                drop(File::open(folder_of(path)).and_then(|folder| folder.sync_all()));
                return Ok(aside);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
