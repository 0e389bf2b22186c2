//! ListObjectsV2: folders and objects below a prefix, every page of them, many prefixes at once.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{Object, ObjectStorageClass, OptionalObjectAttributes};
use tokio::task::JoinSet;

use super::{ListError, unlisted};
use crate::aws::{self, Fault, FaultKind};
use crate::coverage::Problem;
use crate::source::key::LogKey;
use crate::source::{ObjectRef, Place};

/// Listings in flight: at 100 ms a page, 640 pages a second, a fifth of what one S3 prefix bears.
pub(super) const IN_FLIGHT: usize = 64;

/// One place in a bucket, to be listed.
#[derive(Debug, Clone)]
pub(super) struct Lister {
    client: Client,
    bucket: Arc<str>,
    /// The user's folder, empty or with a `/` at its end: names begin below it.
    root: Arc<str>,
    /// What stands before every name, where a run reads several places.
    front: Arc<str>,
    /// Pages asked for by this lister and its clones.
    pages: Arc<AtomicU64>,
}

/// What lies directly in a folder, by whole key.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// With a `/` at the end.
    pub(super) folders: Vec<String>,
    pub(super) objects: Vec<ObjectRef>,
}

impl Lister {
    pub(super) fn new(client: &Client, bucket: &str, root: &str, front: &str) -> Self {
        Self {
            client: client.clone(),
            bucket: bucket.into(),
            root: root.into(),
            front: front.into(),
            pages: Arc::default(),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The name of a key or folder below the root.
    pub(super) fn name(&self, key: &str) -> String {
        let below = key.strip_prefix(&*self.root).unwrap_or(key);
        format!("{}{below}", self.front)
    }

    /// Pages asked for so far.
    pub(super) fn pages(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.pages)
    }

    pub(super) fn partition(&self) -> &'static str {
        aws::partition(self.client.config().region())
    }

    /// The first object below a prefix: whether there is anything, and whether it may be listed.
    pub(super) async fn first(&self, prefix: &str) -> Result<Option<Object>, Fault> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        let request = self.client.list_objects_v2().bucket(&*self.bucket);
        let page = request.prefix(prefix).max_keys(1).send().await;
        let page = page.map_err(|error| Fault::of(&error))?;
        Ok(page.contents().first().cloned())
    }

    /// What lies directly in a folder.
    pub(super) async fn inside(&self, folder: &str) -> Result<Inside, Fault> {
        let mut inside = Inside::default();
        let mut next = None;
        loop {
            let page = self.page(folder, Some("/"), next).await?;
            let prefixes = page.common_prefixes().iter();
            let folders = prefixes.filter_map(|one| one.prefix().map(str::to_owned));
            inside.folders.extend(folders);
            let contents = page.contents().iter();
            let objects = contents.filter_map(|object| self.object_ref(object));
            inside.objects.extend(objects);
            next = following(&page)?;
            if next.is_none() {
                return Ok(inside);
            }
        }
    }

    /// One page of what lies below a folder, and where the next one begins.
    pub(super) async fn objects(
        &self,
        folder: &str,
        from: Option<String>,
    ) -> Result<(Vec<ObjectRef>, Option<String>), Problem> {
        let page = self.page(folder, None, from).await;
        let page = page.and_then(|page| {
            let contents = page.contents().iter();
            let objects = contents.filter_map(|object| self.object_ref(object));
            Ok((objects.collect(), following(&page)?))
        });
        page.map_err(|fault| unlisted(self, folder, &fault))
    }

    /// A listed object; nothing for the empty objects that consoles write as folders, which no
    /// copy on disk has.
    pub(super) fn object_ref(&self, object: &Object) -> Option<ObjectRef> {
        let key = object.key()?;
        if key.ends_with('/') {
            return None;
        }
        Some(ObjectRef {
            name: self.name(key),
            place: Place::S3 {
                bucket: self.bucket.to_string(),
                key: key.to_owned(),
            },
            key: LogKey::parse(key),
            size: object.size().and_then(|size| u64::try_from(size).ok()),
            archived: archived(object),
            version: version(object),
            written: object.last_modified().map(DateTime::secs),
        })
    }

    /// Why nothing could be listed.
    pub(super) fn error(&self, prefix: &str, fault: Fault) -> ListError {
        let bucket = self.bucket.to_string();
        match fault.kind {
            _ if fault.code == "NoSuchBucket" => ListError::NoBucket(bucket),
            FaultKind::Denied => ListError::Refused {
                bucket,
                prefix: prefix.to_owned(),
                partition: self.partition(),
                fault,
            },
            FaultKind::Elsewhere(region) => ListError::Elsewhere { bucket, region },
            _ => ListError::Failed { bucket, fault },
        }
    }

    async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<String>,
    ) -> Result<ListObjectsV2Output, Fault> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        let request = self.client.list_objects_v2().bucket(&*self.bucket);
        let request = request.prefix(prefix).set_continuation_token(token);
        let request = request
            .set_delimiter(delimiter.map(str::to_owned))
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        request.send().await.map_err(|error| Fault::of(&error))
    }
}

/// The token of the page after this one. A page that says there are more and not where would end
/// a listing early and silently.
fn following(page: &ListObjectsV2Output) -> Result<Option<String>, Fault> {
    match (page.is_truncated(), page.next_continuation_token()) {
        (Some(true), None) => Err(Fault {
            kind: FaultKind::Other,
            code: String::new(),
            message: "the server cut the listing short without saying where to go on".to_owned(),
        }),
        (Some(true), Some(token)) => Ok(Some(token.to_owned())),
        _ => Ok(None),
    }
}

/// What changes when the object does: its ETag, else its size and the time of its writing.
fn version(object: &Object) -> Option<Box<str>> {
    if let Some(tag) = object.e_tag() {
        return Some(tag.into());
    }
    let written = object.last_modified()?;
    let size = object.size()?;
    Some(format!("{size} {}.{:09}", written.secs(), written.subsec_nanos()).into())
}

/// The archive class of an object that has no restored copy at hand.
fn archived(object: &Object) -> Option<String> {
    let class = object.storage_class()?;
    let cold = matches!(
        class,
        ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive
    );
    let restored = object.restore_status().is_some_and(|status| {
        status.restore_expiry_date().is_some() && status.is_restore_in_progress() != Some(true)
    });
    (cold && !restored).then(|| class.as_str().to_owned())
}

/// Runs one job for each item, some at a time; the results come as they come.
pub(super) async fn concurrently<T, R, F>(items: Vec<T>, job: impl Fn(T) -> F) -> Vec<R>
where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut items = items.into_iter();
    let mut running = JoinSet::new();
    let mut results = Vec::new();
    loop {
        while running.len() < IN_FLIGHT
            && let Some(item) = items.next()
        {
            running.spawn(job(item));
        }
        match running.join_next().await {
            None => return results,
            Some(Ok(result)) => results.push(result),
            Some(Err(ended)) => {
                // nothing aborts these tasks, so it can only be a panic: it goes on where it belongs
                if let Ok(panic) = ended.try_into_panic() {
                    resume_unwind(panic);
                }
            }
        }
    }
}
