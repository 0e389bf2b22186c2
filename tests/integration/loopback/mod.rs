//! S3 on the loopback interface, for tests: a real server over a folder, or a scripted one in
//! memory that refuses, breaks off and redirects on demand and remembers what it was asked.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test server may fail loudly"
)]

pub mod cloud;
pub mod faulty;
pub mod organization;
pub mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    CommonPrefix, ETag, GetObjectInput, GetObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, ObjectStorageClass, RestoreStatus, StreamingBlob,
};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use tokio::net::TcpListener;
use trailscan::aws::{Aws, AwsOptions};
use trailscan::source::{Scope, local};

/// The bucket of the server in memory.
pub const BUCKET: &str = "logs";

/// Access key and secret of the only user.
const LOGIN: &str = "test";

/// The key of a log of that account and Region, delivered at that time (`20261110T1145`).
pub fn log(account: &str, region: &str, delivered: &str) -> String {
    let (year, rest) = delivered.split_at(4);
    let (month, rest) = rest.split_at(2);
    let (day, _) = rest.split_at(2);
    format!(
        "{account}/CloudTrail/{region}/{year}/{month}/{day}/\
         {account}_CloudTrail_{region}_{delivered}Z_7xgocspSowgK0Gto.json.gz"
    )
}

/// Serves until the runtime ends; gives the URL.
pub async fn serve(s3: impl S3) -> String {
    let mut builder = S3ServiceBuilder::new(s3);
    builder.set_auth(SimpleAuth::from_single(LOGIN, LOGIN));
    let service = builder.build();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // small answers must not wait for the client to acknowledge what came before
            drop(socket.set_nodelay(true));
            let service = service.clone();
            tokio::spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                // a client that hangs up is no error of the test
                drop(http.serve_connection(TokioIo::new(socket), service).await);
            });
        }
    });
    url
}

/// Serves a folder whose sub-folders are buckets.
pub async fn serve_folder(root: &Path) -> String {
    serve(s3s_fs::FileSystem::new(root).unwrap()).await
}

/// How to reach that server.
pub fn options(url: &str) -> AwsOptions {
    AwsOptions {
        endpoint_url: Some(url.to_owned()),
        ..AwsOptions::default()
    }
}

/// AWS as that server plays it.
pub async fn aws(url: &str) -> Aws {
    aws_with(&options(url)).await
}

pub async fn aws_with(options: &AwsOptions) -> Aws {
    let credentials = Credentials::new(LOGIN, LOGIN, None, None, "loopback");
    Aws::with_credentials(options, SharedCredentialsProvider::new(credentials)).await
}

/// How the server in memory answers for one object.
#[derive(Debug, Clone, Default)]
pub enum Answer {
    #[default]
    Whole,
    /// HTTP 403 with that message.
    Denied(&'static str),
    /// An archive class, which the listing shows.
    Class(&'static str),
    /// The same with a restored copy at hand.
    Restored(&'static str),
    /// An archive tier, which only reading shows.
    Tier,
    /// HTTP 503, that many times.
    SlowDown(u32),
    /// That body instead of its own key.
    Body(Vec<u8>),
    /// Listed, and deleted before anybody reads it.
    Gone,
    /// With metadata, such as a digest has.
    Noted,
}

/// One bucket in memory.
#[derive(Debug, Default)]
pub struct Memory {
    objects: BTreeMap<String, Answer>,
    /// Listing below such a prefix is refused.
    closed: BTreeSet<String>,
    open_only: Option<String>,
    /// The Region the bucket is in, where every other one is redirected.
    region: Option<&'static str>,
    /// Keys or folders in a page.
    page: usize,
    /// Requests at the same time beyond which it answers "slow down".
    bears: Option<u32>,
    load: Arc<AtomicU32>,
    /// Listings that are answered with "slow down" before the first one that is not.
    slow_lists: AtomicU32,
    /// Only requests that offer to pay are answered.
    requester_pays: bool,
    asked: Arc<Mutex<Vec<String>>>,
    gets: Mutex<BTreeMap<String, u32>>,
}

impl Memory {
    /// A bucket with those keys, every object holding its own key as its body; a folder's marker is empty.
    pub fn new(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let objects = keys.into_iter();
        let objects = objects.map(|key| {
            let key: String = key.into();
            let answer = match key.ends_with('/') {
                true => Answer::Body(Vec::new()),
                false => Answer::Whole,
            };
            (key, answer)
        });
        Self {
            objects: objects.collect(),
            page: 1000,
            ..Self::default()
        }
    }

    /// A bucket that is a copy of a folder.
    pub fn copy_of(folder: &Path) -> Self {
        let everything = Scope::all(std::time::UNIX_EPOCH.into());
        let listing = local::list(folder, &everything).unwrap();
        let objects = listing.objects.into_iter();
        objects.fold(Self::new([""; 0]), |memory, object| {
            let bytes = std::fs::read(folder.join(&object.name)).unwrap();
            memory.with(object.name, Answer::Body(bytes))
        })
    }

    pub fn without(mut self, key: &str) -> Self {
        self.objects.remove(key).unwrap();
        self
    }

    /// Adds an object that answers so.
    pub fn with(mut self, key: impl Into<String>, answer: Answer) -> Self {
        self.objects.insert(key.into(), answer);
        self
    }

    pub fn closed(mut self, prefix: impl Into<String>) -> Self {
        self.closed.insert(prefix.into());
        self
    }

    /// Listing is refused everywhere but below that prefix.
    pub fn open_only(mut self, prefix: &str) -> Self {
        self.open_only = Some(prefix.to_owned());
        self
    }

    pub fn in_region(mut self, region: &'static str) -> Self {
        self.region = Some(region);
        self
    }

    pub fn page(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    /// Answers "slow down" to all that is beyond so many requests at the same time, of which each
    /// takes a few milliseconds.
    pub fn bearing(mut self, requests: u32) -> Self {
        self.bears = Some(requests);
        self
    }

    pub fn slow_to_list(self, times: u32) -> Self {
        self.slow_lists.store(times, Ordering::SeqCst);
        self
    }

    pub fn paid_by_requesters(mut self) -> Self {
        self.requester_pays = true;
        self
    }

    /// `LIST prefix` and `GET key`, in the order in which they were asked.
    pub fn asked(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.asked)
    }

    fn listed(&self, input: &ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let prefix = input.prefix.clone().unwrap_or_default();
        self.asked.lock().unwrap().push(format!("LIST {prefix}"));
        let slow = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.slow_lists.fetch_update(order, order, slow).is_ok() {
            return Err(S3Error::new(S3ErrorCode::SlowDown));
        }
        if input.bucket != BUCKET {
            return Err(S3Error::new(S3ErrorCode::NoSuchBucket));
        }
        let outside = |open: &String| !prefix.starts_with(open.as_str());
        if self.closed.iter().any(|closed| prefix.starts_with(closed))
            || self.open_only.as_ref().is_some_and(outside)
        {
            let message = "User: arn:aws:iam::111122223333:user/auditor is not authorized";
            return Err(S3Error::with_message(S3ErrorCode::AccessDenied, message));
        }
        // what one page may hold: keys, and with a delimiter the folders in their place
        let folder = |key: &str| {
            let below = key.strip_prefix(&prefix)?;
            let (folder, _) = below.split_once(input.delimiter.as_deref()?)?;
            Some(format!("{prefix}{folder}/"))
        };
        let below = self.objects.keys().filter(|key| key.starts_with(&prefix));
        let entries: BTreeSet<(String, bool)> = below
            .map(|key| folder(key).map_or_else(|| (key.clone(), false), |folder| (folder, true)))
            .collect();
        let after = input.continuation_token.clone().unwrap_or_default();
        let size = self
            .page
            .min(usize::try_from(input.max_keys.unwrap_or(1000)).unwrap());
        let mut left = entries.into_iter().filter(|(name, _)| *name > after);
        let page: Vec<_> = left.by_ref().take(size).collect();
        let next = left.next().and_then(|_| page.last().cloned());
        let (folders, keys): (Vec<_>, Vec<_>) = page.into_iter().partition(|(_, folder)| *folder);
        let folders = folders.into_iter().map(|(folder, _)| CommonPrefix {
            prefix: Some(folder),
        });
        Ok(ListObjectsV2Output {
            contents: Some(keys.into_iter().map(|(key, _)| self.object(key)).collect()),
            common_prefixes: Some(folders.collect()),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next.map(|(name, _)| name),
            ..Default::default()
        })
    }

    fn object(&self, key: String) -> Object {
        let restored = RestoreStatus {
            is_restore_in_progress: Some(false),
            restore_expiry_date: Some(std::time::SystemTime::now().into()),
        };
        let (class, restore_status) = match self.objects.get(&key) {
            Some(Answer::Class(class)) => (*class, None),
            Some(Answer::Restored(class)) => (*class, Some(restored)),
            Some(Answer::Tier) => (ObjectStorageClass::INTELLIGENT_TIERING, None),
            _ => (ObjectStorageClass::STANDARD, None),
        };
        let size = match self.objects.get(&key) {
            Some(Answer::Body(body)) => body.len(),
            _ => key.len(),
        };
        Object {
            size: i64::try_from(size).ok(),
            key: Some(key),
            e_tag: Some(ETag::Strong(format!("{size:032x}"))),
            storage_class: Some(class.to_owned().into()),
            restore_status,
            ..Default::default()
        }
    }

    fn got(&self, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
        let key = &input.key;
        self.asked.lock().unwrap().push(format!("GET {key}"));
        let before = {
            let mut gets = self.gets.lock().unwrap();
            let before = gets.entry(key.clone()).or_default();
            *before += 1;
            *before - 1
        };
        let answer = self.objects.get(key);
        let body = match answer {
            Some(Answer::Body(body)) => body.clone(),
            _ => key.clone().into_bytes(),
        };
        let length = i64::try_from(body.len()).ok();
        match answer {
            None | Some(Answer::Gone) => return Err(S3Error::new(S3ErrorCode::NoSuchKey)),
            Some(Answer::Denied(message)) => {
                return Err(S3Error::with_message(S3ErrorCode::AccessDenied, *message));
            }
            Some(Answer::Class(_) | Answer::Tier) => {
                return Err(S3Error::new(S3ErrorCode::InvalidObjectState));
            }
            Some(Answer::SlowDown(times)) if before < *times => {
                return Err(S3Error::new(S3ErrorCode::SlowDown));
            }
            Some(_) => {}
        }
        let noted = [
            ("signature", "00ff"),
            ("signature-algorithm", "SHA256withRSA"),
        ];
        let noted = noted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(GetObjectOutput {
            metadata: matches!(answer, Some(Answer::Noted)).then(|| noted.into()),
            body: Some(StreamingBlob::from(Body::from(body))),
            e_tag: length.map(|length| ETag::Strong(format!("{length:032x}"))),
            content_length: length,
            // as CloudTrail's own objects say of themselves
            content_encoding: Some("gzip".to_owned()),
            ..Default::default()
        })
    }

    /// Refuses those who do not offer to pay, where the owner does not.
    fn unpaid<T>(&self, request: &S3Request<T>) -> S3Result<()> {
        let offer = request.headers.get("x-amz-request-payer");
        if self.requester_pays && offer.is_none_or(|offer| offer != "requester") {
            return Err(S3Error::with_message(
                S3ErrorCode::AccessDenied,
                "Access Denied",
            ));
        }
        Ok(())
    }

    /// Takes the time a read takes, and refuses it where there are too many.
    async fn hurried(&self) -> S3Result<()> {
        let Some(bears) = self.bears else {
            return Ok(());
        };
        let load = self.load.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        self.load.fetch_sub(1, Ordering::SeqCst);
        if load > bears {
            return Err(S3Error::new(S3ErrorCode::SlowDown));
        }
        Ok(())
    }

    /// The redirect that S3 answers with where the signature names another Region.
    fn misdirected<T>(&self, request: &S3Request<T>) -> S3Result<()> {
        let Some(region) = self.region else {
            return Ok(());
        };
        let signed = request.headers.get("authorization");
        let signed = signed.and_then(|value| value.to_str().ok());
        if signed.is_some_and(|signed| signed.contains(&format!("/{region}/s3/"))) {
            return Ok(());
        }
        let mut error = S3Error::new(S3ErrorCode::PermanentRedirect);
        let mut headers = request.headers.clone();
        headers.clear();
        headers.insert("x-amz-bucket-region", region.parse().unwrap());
        error.set_headers(headers);
        Err(error)
    }
}

/// What `async fn` in the [`S3`] trait stands for.
type Reply<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

impl S3 for Memory {
    fn list_objects_v2<'a, 'b>(
        &'a self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Reply<'b, ListObjectsV2Output>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.misdirected(&request)?;
            self.unpaid(&request)?;
            self.listed(&request.input).map(S3Response::new)
        })
    }

    fn get_object<'a, 'b>(
        &'a self,
        request: S3Request<GetObjectInput>,
    ) -> Reply<'b, GetObjectOutput>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            self.misdirected(&request)?;
            self.unpaid(&request)?;
            self.hurried().await?;
            self.got(&request.input).map(S3Response::new)
        })
    }
}
