//! The sealed folder of a signed run: `MANIFEST.sha256` lists the SHA-256 of every file in the form that
//! `sha256sum -c` reads, and the ledger keeps the SHA-256 of the list.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::sha256;
use crate::small_file;

/// The list of the files and their hashes.
pub(in crate::commands) const MANIFEST: &str = "MANIFEST.sha256";

/// The largest list that is read.
const MOST_MANIFEST: u64 = 64 << 20;

/// The list of a folder, and its hash.
pub(super) struct Manifest {
    pub(super) sha256: String,
    pub(super) files: u64,
    path: PathBuf,
}

impl Manifest {
    /// Takes the list away again, because the folder was not signed after all.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes the list of everything in the folder.
///
/// # Errors
/// A file cannot be read, has a name that `sha256sum` would not read back, or is a link.
pub(super) fn write_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let files = files(folder)?;
    let mut list = String::new();
    for (name, path) in &files {
        let hash = hash_of(path).with_context(|| format!("cannot read {}", path.display()))?;
        list.push_str(&format!("{hash}  {name}\n"));
    }
    let path = folder.join(MANIFEST);
    write_file(&path, list.as_bytes())?;
    Ok(Manifest {
        path,
        sha256: sha256::hex([list.as_bytes()]),
        files: files.len() as u64,
    })
}

/// Writes a file as a whole, for its owner alone, in place of one of that name.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".trailscan-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok::<_, io::Error>(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Takes the right to write from every file and folder.
pub(super) fn seal(folder: &Path) -> io::Result<()> {
    for path in files(folder).map_err(io::Error::other)?.values() {
        read_only(path, 0o400)?;
    }
    read_only(&folder.join(MANIFEST), 0o400)?;
    let below = folders(folder)?;
    below
        .iter()
        .rev()
        .try_for_each(|path| read_only(path, 0o500))
}

#[cfg(unix)]
fn read_only(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn read_only(path: &Path, _: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

/// What is wrong with the files of a sealed folder, one sentence each.
pub(super) fn check(folder: &Path, manifest_sha256: &str) -> anyhow::Result<Vec<String>> {
    let path = folder.join(MANIFEST);
    let bytes = small_file::read(&path, MOST_MANIFEST);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    if sha256::hex([bytes.as_slice()]) != manifest_sha256 {
        return Ok(vec![format!(
            "{} is not the list that was signed",
            path.display()
        )]);
    }
    let list = String::from_utf8_lossy(&bytes);
    let listed: BTreeMap<&str, &str> = (list.lines())
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name, hash))
        .collect();
    let files = files(folder)?;
    let mut faults = Vec::new();
    for (name, hash) in &listed {
        let path = folder.join(name);
        match hash_of(&path) {
            Ok(found) if found == *hash => {}
            Ok(_) => faults.push(format!("{} was changed", path.display())),
            Err(error) => faults.push(format!("{} cannot be read: {error}", path.display())),
        }
    }
    for (name, path) in &files {
        if !listed.contains_key(name.as_str()) {
            faults.push(format!("{} was added", path.display()));
        }
    }
    Ok(faults)
}

/// The folders below `folder` that hold a list, by the hash of the list.
pub(super) fn sealed_below(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if let Ok(bytes) = small_file::read(&path.join(MANIFEST), MOST_MANIFEST) {
            found.insert(sha256::hex([bytes.as_slice()]), path);
        }
    }
    Ok(found)
}

fn hash_of(path: &Path) -> io::Result<String> {
    sha256::hex_of(File::open(path)?)
}

/// The files below the folder by their names from there, without the list itself.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for below in folders(folder)? {
        for entry in fs::read_dir(&below)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let Some(name) = name
                .to_str()
                .filter(|name| !name.contains(['\n', '\r', '\\']))
            else {
                bail!(
                    "{}: sha256sum could not read this name back",
                    path.display()
                );
            };
            if !kind.is_file() {
                bail!(
                    "{}: it is a link or no file, which cannot be sealed",
                    path.display()
                );
            }
            if name != MANIFEST {
                found.insert(name.to_owned(), path.clone());
            }
        }
    }
    Ok(found)
}

/// The folder and all below it, outer ones first.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}
