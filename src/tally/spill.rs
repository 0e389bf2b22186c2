//! What memory has no room for.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

/// Bytes in a temporary file that has no name and that nobody else can open; it is gone with the
/// program. It is made when the first bytes come, where the system keeps temporary files (`TMPDIR`).
#[derive(Debug)]
pub(super) struct SpillFile {
    /// How much its owner holds in memory; without bounds once the file took no more.
    room: usize,
    file: Option<File>,
    end: u64,
}

impl SpillFile {
    /// For an owner that has room for so much, in a measure of its own.
    pub(super) const fn with_capacity(room: usize) -> Self {
        Self {
            room,
            file: None,
            end: 0,
        }
    }

    /// True where its owner, who holds so much, should set some of it aside.
    pub(super) const fn should_spill(&self, held: usize) -> bool {
        held >= self.room
    }

    /// Sets bytes aside; where they begin. `None` if no file can be made or it cannot take them:
    /// they stay with their owner then, as does all that comes after them. What was set aside before
    /// still stands.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Option<u64> {
        let appended = self.try_append(bytes);
        if appended.is_err() {
            self.room = usize::MAX;
        }
        appended.ok()
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            // made with a name and for this user alone, it loses the name at once
            none => none.insert(tempfile::NamedTempFile::new()?.into_file()),
        };
        let at = self.end;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Where the next bytes will begin.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Fills `bytes` with what was set aside from `at` on.
    ///
    /// # Errors
    /// The file cannot be read, or does not hold them any more.
    pub(super) fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }

    /// A file of the tests' choice.
    #[cfg(test)]
    pub(super) fn on(file: File, room: usize) -> Self {
        Self {
            file: Some(file),
            ..Self::with_capacity(room)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_comes_back_and_nobody_else_can_look() {
        let mut spill = SpillFile::with_capacity(4);
        assert!(!spill.should_spill(3) && spill.should_spill(4));
        assert!(spill.read(0, &mut [0]).is_err(), "nothing is there yet");
        assert_eq!(spill.append(b"first").unwrap(), 0);
        assert_eq!(spill.append(b"second").unwrap(), 5);
        let mut bytes = [0; 6];
        spill.read(5, &mut bytes).unwrap();
        assert_eq!(&bytes, b"second");
        spill.read(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"firsts");
        assert!(spill.read(6, &mut bytes).is_err(), "beyond its end");
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = spill.file.unwrap().metadata().unwrap();
            assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
        }
    }
}
