//! Files that a person names: rules, configuration, saved settings, keys. They are read whole, and only
//! up to a size, because a wrong name may lead to a log archive or to a device without end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The most bytes of a rule file or a configuration.
pub const MOST_TEXT: u64 = 16 << 20;
/// The most bytes of saved AWS answers: settings of many trails, lists of keys.
pub const MOST_ANSWERS: u64 = 64 << 20;

/// The bytes of a file.
///
/// # Errors
/// It cannot be read, or holds more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("it is larger than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// It cannot be read, holds more than `most` bytes, or is not UTF-8; then the error names the line.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| {
        let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        let what = format!("line {line} is not UTF-8");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// The line, from 1, in which the byte at that place lies.
pub fn line_of(bytes: &[u8], place: usize) -> usize {
    let before = bytes.get(..place).unwrap_or(bytes);
    1 + memchr::memchr_iter(b'\n', before).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused_for_its_size_or_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read_text(&path, 3).unwrap(), "abc");
        assert_eq!(
            read(&path, 2).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        std::fs::write(&path, b"a\nb\n\xff\n").unwrap();
        let error = read_text(&path, 100).unwrap_err().to_string();
        assert_eq!(error, "line 3 is not UTF-8");
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero"), 1 << 20).is_err());
    }
}
