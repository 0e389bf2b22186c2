//! Holding logs against digests, for `verify` and for `run --verify`: keys in, files out.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use super::run::output::Folder;
use crate::cli::DigestChoice;
use crate::digest::key::Keys;
use crate::digest::{Origin, Reader, Window, judge};
use crate::integrity::proof::Proof;
use crate::integrity::{Integrity, Settled};
use crate::pipeline::Ledger;
use crate::report::integrity::{self as written, About, Matching};
use crate::source::Source;

/// Where copies, or the originals, are, seen from the digests.
pub(super) fn origin(source: &Source, choice: &DigestChoice) -> Origin {
    let in_place = matches!(source, Source::S3 { .. } | Source::Trails);
    match &choice.original_bucket {
        None if in_place => Origin::InPlace,
        bucket => Origin::Copy {
            bucket: bucket.clone(),
        },
    }
}

/// The keys of the files that were named.
pub(super) fn keys(choice: &DigestChoice) -> anyhow::Result<Keys> {
    let mut keys = Keys::default();
    for file in &choice.public_keys {
        keys.extend(Keys::from_file(file)?);
    }
    Ok(keys)
}

/// Draws the proof, and writes it and the keys.
pub(super) fn finish(
    integrity: &mut Integrity,
    reader: &Reader,
    buckets: BTreeSet<String>,
    about: &About,
    (folder, spool): (&Folder, Spool),
) -> anyhow::Result<(Proof, Vec<String>)> {
    let scope = &reader.scope;
    let window = Window {
        since: scope.since.map(|time| time.timestamp()),
        until: scope.until.map(|time| time.timestamp()),
        now: scope.now.timestamp(),
        copy: matches!(reader.origin, Origin::Copy { .. }),
        original: match &reader.origin {
            Origin::Copy { bucket } => bucket.clone(),
            Origin::InPlace => None,
        },
        buckets,
    };
    let proof = judge(integrity, &reader.keys, &window);
    let matching = spool.read()?;
    let mut files = vec![folder.stream("integrity.json", |out| {
        written::json(out, about, &proof, matching)
    })?];
    if !reader.keys.is_empty() {
        files.push(folder.file("public-keys.json", &reader.keys.to_json()?)?);
    }
    Ok((proof, files))
}

/// The names of valid logs, on disk until the proof is drawn: they may be millions.
pub(super) struct Spool {
    path: PathBuf,
    file: Mutex<(BufWriter<File>, io::Result<()>)>,
}

impl Spool {
    pub(super) fn new(folder: &Folder) -> anyhow::Result<Self> {
        let (path, file) = folder.scratch(".integrity.objects")?;
        let file = Mutex::new((BufWriter::new(file), Ok(())));
        Ok(Self { path, file })
    }

    /// Reads it again, and leaves nothing of it.
    fn read(self) -> anyhow::Result<impl Iterator<Item = io::Result<Matching>>> {
        let spooled = || format!("cannot keep the names of logs in {}", self.path.display());
        let (mut file, written) = self
            .file
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        written.and_then(|()| file.flush()).with_context(spooled)?;
        let file = File::open(&self.path).with_context(spooled)?;
        // the file lives on until it is closed
        std::fs::remove_file(&self.path).with_context(spooled)?;
        let lines = BufReader::new(file).lines();
        Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}

impl Ledger for Spool {
    fn settled(&self, settled: &Settled) {
        // what does not match is kept by the proof
        if settled.fault.is_some() {
            return;
        }
        let line = Matching {
            object: settled.log.to_string(),
            digest: settled.claim.digest.to_string(),
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (out, result) = &mut *file;
        if result.is_ok() {
            let written = serde_json::to_writer(&mut *out, &line).map_err(io::Error::from);
            *result = written.and_then(|()| out.write_all(b"\n"));
        }
    }
}
