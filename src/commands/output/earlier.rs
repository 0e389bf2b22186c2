//! What lies in a report's folder already: the files of an earlier report, which the next one replaces,
//! and what a person wrote, which nothing replaces unasked.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _};
use std::path::Path;

use anyhow::bail;

use super::Kind;
use crate::report::csv;
use crate::report::output::Output;

/// How far into a file its mark is looked for.
const HEAD: u64 = 8 << 10;

/// Checks that nothing is lost when a report replaces what lies in the folder.
///
/// # Errors
/// A folder has the name of one of the files. Without `force`: a file of such a name is not of a report,
/// a person filled in findings.csv, or a proof would replace the report of a run.
pub(super) fn check(folder: &Path, kind: Kind, force: bool) -> anyhow::Result<()> {
    for output in Output::ALL {
        let path = folder.join(output.file());
        // links, pipes and the like are replaced themselves; nothing is written through them
        let Ok(metadata) = path.symlink_metadata() else {
            continue;
        };
        if metadata.is_dir() {
            bail!(
                "cannot write {}: a folder has that name; choose another with --out",
                path.display()
            );
        }
        if metadata.is_file() && !force && !is_ours(folder, *output) {
            bail!(
                "{} was not written by trailscan and would be lost: choose another folder with --out, \
                 or use --force",
                path.display()
            );
        }
        if *output == Output::FindingsTable
            && !force
            && let Some(file) = regular(&path)
            && csv::is_filled_in(BufReader::new(file))
        {
            bail!(
                "{} has been filled in and a new report would replace it: keep it elsewhere, choose \
                 another folder with --out, or use --force",
                path.display()
            );
        }
    }
    if kind == Kind::Proof && !force && is_ours(folder, Output::Run) {
        bail!(
            "{} holds the report of a run, which would be replaced: choose another folder with --out, \
             or use --force",
            folder.display()
        );
    }
    Ok(())
}

/// Whether a file was written by this program, by its first bytes. The keys are known by the proof beside
/// them.
pub(super) fn is_ours(folder: &Path, output: Output) -> bool {
    let path = folder.join(output.file());
    if !path.symlink_metadata().is_ok_and(|one| one.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    let read = regular(&path).map(|file| file.take(HEAD).read_to_end(&mut head));
    if !matches!(read, Some(Ok(_))) {
        return false;
    }
    output
        .is_ours(&head)
        .unwrap_or_else(|| is_ours(folder, Output::Integrity))
}

/// The file of a report that has this name.
pub(super) fn named(name: &str) -> Option<Output> {
    let mut all = Output::ALL.iter().copied();
    all.find(|output| output.file() == name)
}

/// Opens a file to look at it, unless it is a pipe or a device, which may never end or never begin.
fn regular(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}
