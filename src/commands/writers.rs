//! A warning about folders that other users may write to: a file of mode 0600 in such a folder cannot be
//! read by them, but it can be replaced.

use std::path::Path;

use super::note;
use crate::safe_text::text;

/// Warns if the group or everybody may write to that folder, with its mode and the command that ends it.
/// With the sticky bit only its owner may replace a file, so such a folder passes.
#[cfg(unix)]
pub(super) fn warn_of_writers(folder: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let mode = folder.metadata().map_or(0, |found| found.mode() & 0o7777);
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        note(&text!(
            "{} may be written to by other users (mode {}), who could replace the files in it; to stop \
             that, run: chmod go-w {}",
            folder,
            format!("{mode:04o}"),
            quoted(folder)
        ));
    }
}

#[cfg(not(unix))]
pub(super) fn warn_of_writers(_: &Path) {}

/// The path as a shell takes it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match path.chars().all(plain) && !path.starts_with('-') {
        true => path,
        false => format!("-- '{}'", path.replace('\'', "'\\''")),
    }
}
