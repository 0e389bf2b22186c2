//! ListObjectsV2: folders and objects below a prefix, every page of them, many prefixes at once.

use std::panic::resume_unwind;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{Object, ObjectStorageClass, OptionalObjectAttributes};
use tokio::task::JoinSet;

use super::{ListError, unlisted};
use crate::aws::{self, Fault, FaultKind};
use crate::coverage::Problem;
use crate::source::key::LogKey;
use crate::source::{ObjectRef, Place};

/// Listings in flight: at 100 ms a page, 320 pages a second, a tenth of what one S3 prefix bears.
const IN_FLIGHT: usize = 32;

/// One bucket, to be listed.
#[derive(Debug, Clone)]
pub(super) struct Lister {
    client: Client,
    bucket: Arc<str>,
}

/// What lies directly in a folder, by whole key.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// With a `/` at the end.
    pub(super) folders: Vec<String>,
    pub(super) objects: Vec<String>,
}

impl Lister {
    pub(super) fn new(client: &Client, bucket: &str) -> Self {
        Self {
            client: client.clone(),
            bucket: bucket.into(),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn partition(&self) -> &'static str {
        aws::partition(self.client.config().region())
    }

    /// The first object below a prefix: whether there is anything, and whether it may be listed.
    pub(super) async fn first(&self, prefix: &str) -> Result<Option<Object>, Fault> {
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
            let keys = page.contents().iter().filter_map(|object| object.key());
            let objects = keys.filter(|key| !key.ends_with('/'));
            inside.objects.extend(objects.map(str::to_owned));
            next = following(&page)?;
            if next.is_none() {
                return Ok(inside);
            }
        }
    }

    /// Every object below a folder, named relative to the root. What was listed before a page
    /// failed is kept beside the problem.
    pub(super) async fn objects(
        &self,
        folder: &str,
        root: &str,
    ) -> (Vec<ObjectRef>, Option<Problem>) {
        let mut objects = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(folder, None, next).await;
            let more = page.and_then(|page| {
                let contents = page.contents().iter();
                objects.extend(contents.filter_map(|object| self.object_ref(object, root)));
                following(&page)
            });
            match more {
                Ok(None) => return (objects, None),
                Ok(token) => next = token,
                Err(fault) => return (objects, Some(unlisted(self, folder, &fault))),
            }
        }
    }

    /// A listed object; nothing for the empty objects that consoles write as folders, which no
    /// copy on disk has.
    pub(super) fn object_ref(&self, object: &Object, root: &str) -> Option<ObjectRef> {
        let key = object.key()?;
        if key.ends_with('/') {
            return None;
        }
        Some(ObjectRef {
            name: key.strip_prefix(root).unwrap_or(key).to_owned(),
            place: Place::S3 {
                bucket: self.bucket.to_string(),
                key: key.to_owned(),
            },
            key: LogKey::parse(key),
            size: object.size().and_then(|size| u64::try_from(size).ok()),
            archived: archived(object),
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
