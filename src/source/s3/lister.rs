//! A place in a bucket: its folders and objects below a prefix, many prefixes at once.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncodingType, Object, ObjectStorageClass};
use tokio::task::JoinSet;

use super::ListError;
use super::pages::{Limits, PageStream, RawPage, decoded, is_encoded};
use crate::aws::{self, Fault, FaultKind};
use crate::coverage::{SkipReason, Store};
use crate::source::key::{self, LogKey};
use crate::source::{ObjectLocation, ObjectRef, Scope};

/// Listings in flight: at 100 ms a page, 640 pages a second, a fifth of what one S3 prefix bears.
pub(super) const IN_FLIGHT: usize = 64;

/// Objects of one folder that are kept while the layout is searched; a folder with more of them is
/// listed again in its turn.
const KEPT: usize = 100;

/// One place in a bucket, to be listed.
#[derive(Debug, Clone)]
pub(super) struct Lister {
    client: Client,
    bucket: Arc<str>,
    /// The user's folder, empty or with a `/` at its end: names begin below it.
    root: Arc<str>,
    /// What stands before every name, where a run reads several places.
    front: Arc<str>,
    limits: Arc<Limits>,
    /// Pages asked for by this lister and its clones.
    pages: Arc<AtomicU64>,
}

/// Which objects of a folder to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectFilter {
    /// All: the folder is CloudTrail's.
    All,
    /// Those that are named as CloudTrail names logs; the others lie outside its layout.
    LogNames,
}

/// What lies directly in a folder, by whole key.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// With a `/` at the end.
    pub(super) folders: Vec<String>,
    /// Objects to read; `None` if there are too many to keep, and nothing of them is in `store` then.
    pub(super) objects: Option<Vec<ObjectRef>>,
    pub(super) store: Store,
    /// Why there may be more.
    pub(super) fault: Option<Fault>,
}

/// Objects of one page, those that are to be read.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) objects: Vec<ObjectRef>,
    pub(super) store: Store,
}

impl Lister {
    pub(super) fn new(
        client: &Client,
        bucket: &str,
        root: &str,
        front: &str,
        limits: &Limits,
    ) -> Self {
        Self {
            client: aws::for_listing(client, limits.page_bytes),
            bucket: bucket.into(),
            root: root.into(),
            front: front.into(),
            limits: Arc::new(limits.clone()),
            pages: Arc::default(),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
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
        let request = request.prefix(prefix).encoding_type(EncodingType::Url);
        let page = request.max_keys(1).send().await;
        let page = page.map_err(|error| Fault::of(&error))?;
        let mut first = page.contents().first().cloned();
        if let Some(object) = first.as_mut().filter(|_| is_encoded(&page)) {
            object.key = object.key.as_deref().map(decoded);
        }
        Ok(first)
    }

    /// Lists what lies below a folder, or only directly in it.
    pub(super) fn stream<'l>(&'l self, folder: &'l str, directly: bool) -> PageStream<'l> {
        PageStream::new(
            (&self.client, &self.bucket),
            folder,
            directly.then_some("/"),
            &self.limits,
            &self.pages,
        )
    }

    /// What lies directly in a folder, and which of its objects may hold what the scope asks for.
    pub(super) async fn inside(&self, folder: &str, wanted: ObjectFilter, scope: &Scope) -> Inside {
        let mut inside = Inside {
            objects: Some(Vec::new()),
            ..Inside::default()
        };
        let mut stream = self.stream(folder, true);
        while let Some(mut page) = stream.next().await {
            inside.folders.append(&mut page.folders);
            inside.fault = page.fault.take();
            if inside.folders.len() > self.limits.folders {
                inside.fault = Some(too_many_folders(self.limits.folders));
            }
            if let Some(kept) = &mut inside.objects {
                let listed = self.listed(page, wanted, scope);
                kept.extend(listed.objects);
                inside.store.merge(listed.store);
                if kept.len() > KEPT {
                    inside.objects = None;
                    inside.store = Store::default();
                }
            }
            if inside.fault.is_some() {
                break;
            }
        }
        inside
    }

    /// Sorts the objects of a page into those to read and those to pass over.
    pub(super) fn listed(&self, page: RawPage, wanted: ObjectFilter, scope: &Scope) -> Listed {
        let mut listed = Listed::default();
        let store = &mut listed.store;
        store.found = (page.objects.len() + page.repeated.len()) as u64;
        let mut pass = |key: &str, reason| {
            let name = self.name(key);
            // the root's own marker has no name below the root
            let name = if name.is_empty() { key } else { &name };
            store.passed_over.object(reason, name);
        };
        for key in &page.repeated {
            pass(key, SkipReason::ListedTwice);
        }
        for object in &page.objects {
            let key = object.key().unwrap_or_default();
            let file = key.rsplit('/').next().unwrap_or_default();
            if file.is_empty() && object.size() == Some(0) {
                pass(key, SkipReason::FolderMarker);
                continue;
            }
            if wanted == ObjectFilter::LogNames && key::from_file_name(file).is_none() {
                pass(key, SkipReason::OutsideLayout);
                continue;
            }
            let object = self.object_ref(key, object);
            if !scope.may_hold(object.key.as_ref()) {
                pass(key, SkipReason::OutsideScope);
                continue;
            }
            listed.objects.push(object);
        }
        listed
    }

    /// A listed object.
    pub(super) fn object_ref(&self, key: &str, object: &Object) -> ObjectRef {
        ObjectRef {
            name: self.name(key),
            place: ObjectLocation::S3 {
                bucket: self.bucket.to_string(),
                key: key.to_owned(),
            },
            key: LogKey::parse(key),
            size: object.size().and_then(|size| u64::try_from(size).ok()),
            archived: archived(object),
            version: version(object),
            written: object.last_modified().map(DateTime::secs),
        }
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
}

/// There is no end of folders.
pub(super) fn too_many_folders(most: usize) -> Fault {
    Fault {
        kind: FaultKind::Other,
        code: String::new(),
        message: format!("there are more than {most} folders, which no bucket of logs has"),
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
