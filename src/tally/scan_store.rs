//! Scans of objects that wait to be counted, on disk once they are many.

use std::io;

use super::ObjectScan;
use super::spill::SpillFile;
use crate::integrity::Evidence;

/// Scans in the order in which they were added.
#[derive(Debug)]
pub(super) struct ScanStore {
    spill: SpillFile,
    scans: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    bytes: Bytes,
    /// Of an object that was compared with digests.
    evidence: Option<Evidence>,
}

#[derive(Debug)]
enum Bytes {
    Spilled { at: u64, length: usize },
    Kept(Vec<u8>),
}

impl Default for ScanStore {
    fn default() -> Self {
        Self {
            spill: SpillFile::with_capacity(0),
            scans: Vec::new(),
        }
    }
}

impl ScanStore {
    /// Adds a scan; returns its buffers for another.
    pub(super) fn push(&mut self, mut scanned: ObjectScan) -> ObjectScan {
        let place = std::mem::take(&mut scanned.place_of_bytes);
        let evidence = scanned.integrity.take();
        let both = (place, scanned);
        let bytes = bitcode::encode(&both);
        let length = bytes.len();
        let bytes = match self.spill.append(&bytes) {
            Some(at) => Bytes::Spilled { at, length },
            None => Bytes::Kept(bytes),
        };
        self.scans.push(Stored { bytes, evidence });
        both.1.recycle()
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.scans.len()
    }

    /// Takes out the scan that was added after `index` others.
    ///
    /// # Errors
    /// It cannot be read back.
    pub(super) fn take(&mut self, index: usize) -> io::Result<ObjectScan> {
        let gone = || io::Error::other("there is no such object");
        let stored = self.scans.get_mut(index).ok_or_else(gone)?;
        let integrity = stored.evidence.take();
        let mut read = Vec::new();
        let bytes = match &mut stored.bytes {
            Bytes::Kept(bytes) => std::mem::take(bytes),
            Bytes::Spilled { at, length } => {
                read.resize(*length, 0);
                self.spill.read(*at, &mut read)?;
                read
            }
        };
        let (place_of_bytes, scanned): (String, ObjectScan) =
            bitcode::decode(&bytes).map_err(io::Error::other)?;
        Ok(ObjectScan {
            place_of_bytes,
            integrity,
            ..scanned
        })
    }
}
