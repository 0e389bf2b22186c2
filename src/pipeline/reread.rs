//! Objects read a second time, where records of one id must be compared as JSON values.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::decode::Decoder;
use crate::event::Event;
use crate::event::content::ContentKey;
use crate::source::s3::{Fetcher, ListedObject};
use crate::source::{ObjectLocation, ObjectRef, local};
use crate::tally::{Numbers, ReadAgain};

/// Before a bucket and a key.
const S3: &str = "s3://";

/// Where an object's bytes are, as [`Rereader`] understands it; empty if they cannot be read twice.
pub(super) fn place(object: &ObjectRef) -> String {
    match &object.place {
        ObjectLocation::S3 { bucket, key } => format!("{S3}{bucket}/{key}"),
        // a path that begins like a bucket is not one that a listing gives
        ObjectLocation::File(path) => path.to_str().unwrap_or_default().to_owned(),
        ObjectLocation::Stdin => String::new(),
    }
}

/// Reads objects again.
pub(super) struct Rereader {
    bucket: Option<(Handle, Arc<Fetcher>)>,
    key: Arc<ContentKey>,
    max_object_mib: u64,
}

impl Rereader {
    /// Reads them from their buckets, or without one from files.
    pub(super) fn new(
        bucket: Option<(Handle, Arc<Fetcher>)>,
        key: &Arc<ContentKey>,
        max_object_mib: u64,
    ) -> Self {
        Self {
            bucket,
            key: Arc::clone(key),
            max_object_mib,
        }
    }

    fn bytes(&self, place: &str) -> Option<Vec<u8>> {
        let cap = self.max_object_mib << 20;
        let Some((runtime, fetcher)) = &self.bucket else {
            return local::read(Path::new(place), cap).ok();
        };
        let (bucket, key) = place.strip_prefix(S3)?.split_once('/')?;
        let fetched = runtime.block_on(fetcher.fetch(bucket, key, ListedObject::default(), cap));
        Some(fetched.ok()?.bytes)
    }
}

impl ReadAgain for Rereader {
    fn records(&self, place: &str) -> Option<Numbers> {
        let bytes = self.bytes(place)?;
        let mut records = Vec::new();
        let visit = &mut |record: u32, event: &Event<'_>| {
            // records that could not be read have their numbers, too
            records.resize(record as usize, (0, 0));
            let text = event.whole();
            records.push((self.key.bytes(text), self.key.value(text)));
        };
        let decoded = Decoder::new(self.max_object_mib).decode(&bytes, visit);
        decoded.is_ok().then_some(records)
    }
}
