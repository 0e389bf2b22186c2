//! What memory has no room for.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

/// Bytes in a temporary file that has no name and that nobody else can open; it is gone with the
/// program. It is made when the first bytes come, where the system keeps temporary files (`TMPDIR`).
#[derive(Debug, Default)]
pub(super) struct Spill {
    file: Option<File>,
    end: u64,
}

impl Spill {
    /// Sets bytes aside; where they begin. After an error everything set aside before still stands.
    ///
    /// # Errors
    /// No file can be made there, or it cannot take them.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
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
    pub(super) fn on(file: File) -> Self {
        Self {
            file: Some(file),
            end: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_comes_back_and_nobody_else_can_look() {
        let mut spill = Spill::default();
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
