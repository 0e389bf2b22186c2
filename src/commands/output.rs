//! The report's folder. It is checked before anything is read, so that a run never ends with nowhere
//! to write. Files are written without a name and appear together when all are complete, readable by their
//! owner alone, because logs of a clinic are confidential.

mod earlier;
mod name;
mod staged;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};

use crate::commands::writers::warn_of_writers;
use crate::file_lock;
use crate::report::Report;
use crate::report::output::Output;
use earlier::is_ours;
pub(in crate::commands) use name::{of_proof, of_run};
use staged::Staged;

/// What is written at once: reports have some megabytes, in millions of small pieces.
const BUFFER: usize = 64 << 10;

/// How the names of folders begin that are about to be exchanged with a report's.
#[cfg(target_os = "linux")]
const BESIDE: &str = ".trailscan-folder-";

/// How the names of files begin that are about to replace one of an earlier report.
const LINKED: &str = ".trailscan-file-";

/// How long another run may take to put its files into the folder: 10 s.
const ATTEMPTS: u32 = 500;

/// What the folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Kind {
    /// The report of a run, which replaces whatever report lies there.
    Report,
    /// integrity.json and the keys alone, which replace nothing but their like.
    Proof,
}

/// A folder that takes a report.
pub(in crate::commands) struct Folder {
    path: PathBuf,
    /// Whether it was made for this report: without one it goes again.
    is_new: bool,
    kind: Kind,
    force: bool,
    staged: Mutex<Vec<(String, Staged)>>,
}

impl Folder {
    /// Makes the folder, or checks that one can take the report.
    ///
    /// # Errors
    /// It cannot be written to, is a link, or holds a folder where a file belongs. Without `force`:
    /// somebody else may write to it, or a file in it would be lost that a person wrote or filled in.
    pub(in crate::commands) fn open(path: &Path, kind: Kind, force: bool) -> anyhow::Result<Self> {
        // without the separator at the end, which makes a link look like a folder
        let path: PathBuf = path.components().collect();
        let cannot = || format!("cannot write the report to {}", path.display());
        let is_new = make(&path).with_context(cannot)?;
        let folder = Self {
            path: path.clone(),
            is_new,
            kind,
            force,
            staged: Mutex::default(),
        };
        let metadata = fs::symlink_metadata(&path).with_context(cannot)?;
        if metadata.is_symlink() {
            bail!("{}: it is a link; name the folder itself", cannot());
        }
        if !metadata.is_dir() {
            bail!("{}: it is not a folder", cannot());
        }
        earlier::refuse_signed(&path)?;
        let mut probe = Staged::new(&path).with_context(cannot)?;
        if !force {
            private(&metadata, &probe.file().metadata()?).with_context(cannot)?;
        }
        drop(probe);
        warn_of_writers(&path);
        earlier::check(&path, kind, force)?;
        Ok(folder)
    }

    /// Writes the files of a report with these formats; answers their paths.
    pub(in crate::commands) fn write(
        &self,
        report: &Report,
        formats: &[Output],
    ) -> anyhow::Result<Vec<String>> {
        let mut files = Vec::new();
        for output in Output::ALL {
            if let Some(write) = output.writer(formats) {
                files.push(self.stream(output.file(), |out| write(report, out))?);
            }
        }
        Ok(files)
    }

    /// Writes a file that appears with [`publish`](Self::publish); answers its path.
    pub(in crate::commands) fn file(&self, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
        self.stream(name, |out| out.write_all(bytes))
    }

    /// The same of a file that need not be in memory as a whole.
    pub(in crate::commands) fn stream(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
    ) -> anyhow::Result<String> {
        let place = self.path.join(name);
        let written = || {
            let mut staged = Staged::new(&self.path)?;
            let mut out = BufWriter::with_capacity(BUFFER, staged.file());
            write(&mut out)?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            Ok::<_, io::Error>(staged)
        };
        let staged = written().with_context(|| format!("cannot write {}", place.display()))?;
        let mut all = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((name.to_owned(), staged));
        Ok(place.display().to_string())
    }

    /// A file for the time of the run, which has no name.
    pub(in crate::commands) fn scratch(&self) -> anyhow::Result<File> {
        let file = tempfile::tempfile_in(&self.path);
        file.with_context(|| format!("cannot write to {}", self.path.display()))
    }

    /// Puts all files that were written into the folder in place of an earlier report's. Files that
    /// are not a report's stay.
    ///
    /// # Errors
    /// They cannot be put there; the earlier report is still there then.
    pub(in crate::commands) fn publish(mut self) -> anyhow::Result<()> {
        let staged = std::mem::take(
            self.staged
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let published = || {
            let _locked = lock(&self.path)?;
            // somebody may have filled in findings.csv while the logs were read
            earlier::check(&self.path, self.kind, self.force)?;
            if !swap(&self.path, &staged) {
                replace_each(&self.path, &staged)?;
            }
            // the entries as well; what cannot be synchronized is written all the same
            drop(File::open(&self.path).and_then(|folder| folder.sync_all()));
            anyhow::Ok(())
        };
        let cannot = || format!("cannot write the report to {}", self.path.display());
        published().with_context(cannot)?;
        self.is_new = false;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_new {
            // it is empty, or not ours alone
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Makes the folder where there is none, for its owner alone; answers whether it did.
fn make(path: &Path) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    Ok(true)
}

/// Refuses a folder in which somebody else may replace the report. `own` is a file of ours.
#[cfg(unix)]
fn private(folder: &fs::Metadata, own: &fs::Metadata) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    // the administrator may do anything anyway, and may write for another user
    if folder.uid() != own.uid() && folder.uid() != 0 && own.uid() != 0 {
        bail!(
            "it belongs to another user (uid {}), who could change the report: choose another with \
             --out, or use --force",
            folder.uid()
        );
    }
    if folder.mode() & 0o002 != 0 {
        bail!(
            "everybody on this machine may write to it (mode {:o}) and could change the report: choose \
             another with --out, or use --force",
            folder.mode() & 0o7777
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &fs::Metadata, _: &fs::Metadata) -> anyhow::Result<()> {
    Ok(())
}

/// Holds off other runs that put their files into the same folder, until the answer is dropped. File
/// systems without locks have none.
fn lock(path: &Path) -> io::Result<Option<File>> {
    match file_lock::exclusive(path, ATTEMPTS, || File::open(path)) {
        Ok(None) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "another run is writing to it",
        )),
        locked => Ok(locked.ok().flatten()),
    }
}

/// Builds the new folder beside the old one and exchanges the two in one step, so that whoever looks, and
/// whoever kills the program, finds one report or the other. False where that cannot be done: the folder
/// holds other files, somebody works in it, or the file system cannot.
#[cfg(target_os = "linux")]
fn swap(path: &Path, staged: &[(String, Staged)]) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let exchanged = || {
        let here = fs::canonicalize(path).ok()?;
        let parent = here.parent()?;
        let entries: Result<Vec<_>, _> = fs::read_dir(path).ok()?.collect();
        let only_ours = entries.ok()?.iter().all(|entry| {
            let name = entry.file_name();
            let output = name.to_str().and_then(earlier::named);
            output.is_some_and(|output| is_ours(path, output))
        });
        // the shell that started us would find itself in a deleted folder
        if !only_ours || std::env::current_dir().is_ok_and(|current| current.starts_with(&here)) {
            return None;
        }
        remove_leftovers(parent);
        let mut builder = tempfile::Builder::new();
        let beside = builder.prefix(BESIDE).tempdir_in(parent).ok()?;
        let in_use = File::open(beside.path()).ok()?;
        in_use.try_lock().ok()?;
        let (old, new) = (
            fs::symlink_metadata(path).ok()?,
            beside.path().metadata().ok()?,
        );
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            return None;
        }
        let mode = fs::Permissions::from_mode(old.mode() & 0o7777);
        fs::set_permissions(beside.path(), mode).ok()?;
        for (name, file) in staged {
            file.link(&beside.path().join(name)).ok()?;
        }
        renameat_with(CWD, beside.path(), CWD, &here, RenameFlags::EXCHANGE).ok()?;
        Some((beside.keep(), here, in_use))
    };
    let Some((old, new, _in_use)) = exchanged() else {
        return false;
    };
    // what lies there now is the earlier report, and what somebody else put there this instant
    remove_ours(&old);
    for entry in fs::read_dir(&old).into_iter().flatten().flatten() {
        let place = new.join(entry.file_name());
        if fs::symlink_metadata(&place).is_err() {
            let _ = fs::rename(entry.path(), place);
        }
    }
    let _ = fs::remove_dir(&old);
    true
}

#[cfg(target_os = "linux")]
fn remove_ours(folder: &Path) {
    for output in Output::ALL {
        if is_ours(folder, *output) {
            let _ = fs::remove_file(folder.join(output.file()));
        }
    }
}

/// Takes away the folders that runs left which were killed in the very instant of the exchange. Those of
/// runs that are alive are locked.
#[cfg(target_os = "linux")]
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let left = entry.file_type().is_ok_and(|kind| kind.is_dir())
            && entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(BESIDE.as_bytes());
        if left
            && let Ok(folder) = File::open(entry.path())
            && folder.try_lock().is_ok()
        {
            remove_ours(&entry.path());
            // what is not a report's is nobody's to take away
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn swap(_: &Path, _: &[(String, Staged)]) -> bool {
    false
}

/// Puts each file in its place, whole, and takes away those of the earlier report that have no
/// successor.
fn replace_each(path: &Path, staged: &[(String, Staged)]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(LINKED);
    // of runs that were killed between two files: the folder is locked, so no other run has any
    for entry in fs::read_dir(path)?.flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(LINKED.as_bytes())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    let replaced = |output: &Output| staged.iter().any(|(new, _)| new == output.file());
    let all = Output::ALL.iter().copied();
    let stale: Vec<Output> = all
        .filter(|output| !replaced(output) && is_ours(path, *output))
        .collect();
    let mut linked = Vec::new();
    for (name, file) in staged {
        linked.push((name, builder.make_in(path, |at| file.link(at))?));
    }
    for (name, file) in linked {
        file.into_temp_path()
            .persist(path.join(name))
            .map_err(|error| error.error)?;
    }
    for output in stale {
        fs::remove_file(path.join(output.file()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_filled_in_while_a_run_is_under_way_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let csv = root.path().join("findings.csv");
        for (force, ends_well) in [(false, false), (true, true)] {
            fs::write(&csv, "id,rule,disposition\n1,a_rule,\n").unwrap();
            let folder = Folder::open(root.path(), Kind::Report, force).unwrap();
            folder.file("findings.csv", b"new").unwrap();
            fs::write(&csv, "id,rule,disposition\n1,a_rule,benign\n").unwrap();
            assert_eq!(folder.publish().is_ok(), ends_well, "force: {force}");
            let kept = fs::read_to_string(&csv).unwrap().contains("benign");
            assert_eq!(kept, !ends_well, "force: {force}");
        }
    }

    #[test]
    fn a_workbook_that_somebody_saved_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        write("report.xlsx", "PK of a workbook");
        write("run.json", "{\n  \"schema\": \"trailscan.run/1\"\n}");
        let open = |force| Folder::open(root.path(), Kind::Report, force).map(drop);
        open(false).unwrap();
        let workbook = File::options()
            .append(true)
            .open(root.path().join("report.xlsx"));
        let workbook = workbook.unwrap();
        let later = workbook.metadata().unwrap().modified().unwrap() + Duration::from_secs(60);
        workbook.set_modified(later).unwrap();
        assert!(
            open(false)
                .unwrap_err()
                .to_string()
                .contains("somebody saved")
        );
        open(true).unwrap();
    }
}
