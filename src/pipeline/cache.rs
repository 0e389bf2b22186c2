//! Scan results of objects, on their way into the state file and out of it.
//!
//! An object that an earlier run has read is not read again: its cached result is used instead. Only
//! objects that were read to their end are cached; refused, broken or archived ones are requested in
//! every run.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Progress;
use crate::safe_text::text;
use crate::source::{FetchError, ObjectLocation, ObjectRef};
use crate::state::{CachedScan, State, StateError};
use crate::tally::ObjectScan;

/// Cached scans that may wait for the file.
const WAITING: usize = 1_024;
/// Cached scans of one transaction: a killed run has that many objects to read again, at most.
const TOGETHER: usize = 256;

/// The key and version of a cached scan: `s3://BUCKET/KEY` or an absolute path, and
/// the ETag or size and time of writing. Nothing for what has no version.
fn place(object: &ObjectRef) -> Option<(String, &str)> {
    let version = object.version.as_deref()?;
    let place = match &object.place {
        ObjectLocation::S3 { bucket, key } => format!("s3://{bucket}/{key}"),
        ObjectLocation::File(path) => std::path::absolute(path).ok()?.to_str()?.to_owned(),
        ObjectLocation::Stdin => return None,
    };
    Some((place, version))
}

/// The cached scan of this version of the object. A damaged entry, or one of another object, counts as
/// absent: the object is read again.
pub(super) fn cached(state: Option<&State>, object: &ObjectRef) -> Option<Vec<u8>> {
    let state = state?;
    let (place, version) = place(object)?;
    state.cached_scan(&place, version)
}

/// True where an earlier run has read this version of the object.
pub fn is_cached(state: Option<&State>, object: &ObjectRef) -> bool {
    cached(state, object).is_some()
}

/// A cached scan, under the name that the object has in this run. `None` for bytes that cannot be
/// decoded, which a tampered file may hold.
pub(super) fn restore(sequence: u64, payload: &[u8], object: &ObjectRef) -> Option<ObjectScan> {
    let mut scanned: ObjectScan = bitcode::decode(payload).ok()?;
    if !scanned.has_valid_indices() {
        return None;
    }
    scanned.sequence = sequence;
    scanned.rename(&object.name);
    Some(scanned)
}

/// The error of an object whose cached scan cannot be read.
pub(super) fn corrupt_entry() -> FetchError {
    let what = "its entry in the state file cannot be read: delete the state file and run again";
    FetchError::Failed(what.to_owned())
}

/// Cached scans of this run on their way to the file, which one thread writes.
pub(super) struct ScanCache {
    sender: SyncSender<CachedScan>,
    writer: JoinHandle<Result<(), StateError>>,
}

impl ScanCache {
    /// Starts the writer.
    pub(super) fn new(state: &Arc<State>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let state = Arc::clone(state);
        Self {
            sender,
            writer: std::thread::spawn(move || write(&state, &receiver)),
        }
    }

    /// Stores the scan of an object that was read completely and has a version.
    pub(super) fn store(&self, object: &ObjectRef, scanned: &mut ObjectScan) {
        let objects = scanned.coverage.objects;
        let lost = objects.refused + objects.archived + objects.broken;
        let Some((place, version)) = place(object).filter(|_| lost == 0) else {
            return;
        };
        // the name is that of this run, and said by the place already
        let name = std::mem::take(&mut scanned.object);
        let payload = bitcode::encode(&*scanned);
        scanned.object = name;
        // a writer that has ended says why at the end
        drop(self.sender.send(CachedScan {
            object: place,
            version: version.to_owned(),
            payload,
        }));
    }

    /// Waits until all is written.
    pub(super) fn finish(self, progress: &dyn Progress) {
        drop(self.sender);
        match self.writer.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => progress.remark(&text!(
                "{}. What was read is in the report; the next run reads it again",
                error.to_string()
            )),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Writes cached scans as they come, those that wait together in one transaction.
fn write(state: &State, scans: &Receiver<CachedScan>) -> Result<(), StateError> {
    while let Ok(first) = scans.recv() {
        let mut together = vec![first];
        together.extend(scans.try_iter().take(TOGETHER - 1));
        state.keep(&together)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::detect::{Detection, Detector};
    use crate::pipeline::Work;
    use crate::pipeline::scan::Worker;
    use crate::rules::load;
    use crate::source::{Fetched, Scope, local};

    /// Whatever is added to what an object produces must come back from the file.
    #[test]
    fn a_cached_scan_is_restored_unchanged() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let config = Config::load(Some(&root.join(".trailscan.toml"))).unwrap();
        let rules = load::load(&load::builtin(), &config.rules);
        let detector = Detector::new(&rules, &config.organization);
        let scope = Scope::all(std::time::UNIX_EPOCH.into());
        let listing = local::list(&root.join("samples/trails/breach"), &scope).unwrap();
        let detection = || Some(Detection::new(&detector).keep_all_evidence());
        let mut worker = Worker::new(detection, Work::rules(&detector), &scope, 64);
        let mut found = 0;
        for (sequence, object) in (0..).zip(&listing.objects) {
            let ObjectLocation::File(path) = &object.place else {
                continue;
            };
            let bytes = local::read(path, 1 << 20);
            let scanned = worker.scan(
                sequence,
                object,
                &bytes.map(Fetched::from),
                ObjectScan::default(),
            );
            let kept = bitcode::encode(&scanned);
            let recalled = restore(sequence, &kept, object).unwrap();
            let in_words = |scanned: &ObjectScan| {
                let texts: Vec<_> = scanned.names.iter().map(str::to_owned).collect();
                // the table of the names serves only to add some
                let all = format!("{scanned:?}");
                let (before, after) = all.split_once("table: ").unwrap();
                let (_, after) = after.split_once("seen: ").unwrap();
                format!("{texts:?} {before} {after}")
            };
            assert_eq!(in_words(&recalled), in_words(&scanned));
            found += scanned.hits.len();
        }
        assert!(found > 1_000, "the rules found what they find: {found}");
        assert!(restore(0, b"no cached scan", &listing.objects[0]).is_none());
    }
}
