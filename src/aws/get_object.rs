//! GetObject for many objects of one bucket.
//!
//! What goes in is a key; what comes out are the headers that matter and the body as it arrives.
//! Requests are copies of the SDK's own ([`super::request_template`]) and go through the SDK's connector, so that
//! connections, proxies and time-outs are the client's; errors are read by the SDK. Where a
//! request cannot be copied, and for comparison in tests, the SDK makes the whole call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{ConfigBag, FrozenLayer, RuntimePlugin as _};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObject, GetObjectError};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::error::InvalidObjectState;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse as _, SharedResponseDeserializer,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::fault::Fault;
use super::request_template::{self, RequestTemplate, TemplateCache};
use super::sign;

/// Prefix of the headers that carry user metadata (Amazon S3 API Reference, GetObject).
const METADATA: &str = "x-amz-meta-";
/// No error of S3 is as long.
const LONGEST_ERROR: usize = 1 << 20;
/// Answers after which the SDK gives up the connection, too (its `TransientErrorClassifier`).
const BROKEN: [u16; 4] = [500, 502, 503, 504];

/// Reads the objects of one bucket, one attempt a call.
#[derive(Debug)]
pub struct Getter {
    client: Client,
    bucket: String,
    /// The pattern that was last asked for; `None` if the SDK makes every call.
    asked: Option<Mutex<Option<Arc<TemplateCache>>>>,
    /// Holds the SDK's reader of errors.
    operation: Option<FrozenLayer>,
}

/// An object that is being given.
#[derive(Debug)]
pub struct GetResponse {
    /// Bytes of the body, if the server sent a length.
    pub length: Option<u64>,
    /// The ETag, with its quotation marks.
    pub tag: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub body: Body,
}

/// The bytes of an object on their way.
#[derive(Debug)]
pub struct Body {
    stream: ByteStream,
    /// So long it may give no byte; `None` if the SDK sees to that.
    stall: Option<Duration>,
}

/// An object that was not given.
#[derive(Debug)]
pub struct GetFailure {
    pub fault: Fault,
    /// The class or tier of an archived object.
    pub archived: Option<String>,
}

impl Getter {
    /// Prepares to read a bucket with a client for its Region. Copies are made once a call; what
    /// the SDK makes itself is tried as often as the client tries.
    pub fn new(client: Client, bucket: &str) -> Self {
        Self {
            asked: Some(Mutex::default()),
            ..Self::through_sdk(client, bucket)
        }
    }

    /// The slow twin: the SDK makes every call.
    pub fn through_sdk(client: Client, bucket: &str) -> Self {
        Self {
            client,
            bucket: bucket.to_owned(),
            asked: None,
            operation: GetObject::new().config(),
        }
    }

    /// The client it was made with.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for an object.
    ///
    /// # Errors
    /// S3 refused or did not answer; see [`Fault`].
    pub async fn get(&self, key: &str) -> Result<GetResponse, GetFailure> {
        let got = match self.asked().await.as_deref() {
            Some(TemplateCache {
                pattern: Some(pattern),
                ..
            }) => self.copied(pattern, key).await,
            // what is seldom done is boxed: it is large, and every request would have room for it
            _ => Box::pin(self.called(key)).await,
        };
        got.map_err(|error| GetFailure::of(&error))
    }

    /// What holds now; whoever finds that nothing does asks for all.
    async fn asked(&self) -> Option<Arc<TemplateCache>> {
        let mut asked = self.asked.as_ref()?.lock().await;
        let now = sign::now();
        if let Some(asked) = asked.as_ref().filter(|asked| asked.holds(now)) {
            return Some(Arc::clone(asked));
        }
        let new = Box::pin(request_template::ask(&self.client, &self.bucket, now)).await;
        Some(Arc::clone(asked.insert(Arc::new(new))))
    }

    /// By the SDK.
    async fn called(&self, key: &str) -> Result<GetResponse, SdkError<GetObjectError>> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let answer = request.send().await?;
        Ok(GetResponse {
            length: answer.content_length.and_then(|n| u64::try_from(n).ok()),
            tag: answer.e_tag,
            metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
            body: Body {
                stream: answer.body,
                stall: None,
            },
        })
    }

    /// By a copy of the SDK's request.
    async fn copied(
        &self,
        pattern: &RequestTemplate,
        key: &str,
    ) -> Result<GetResponse, SdkError<GetObjectError>> {
        let request = pattern.request(key, sign::now());
        let mut request = request.map_err(SdkError::construction_failure)?;
        let connection = CaptureSmithyConnection::new();
        request.add_extension(connection.clone());
        let answer = timeout(pattern.answer, pattern.connector.call(request)).await;
        let answer = answer.unwrap_or_else(|_elapsed| Err(late(pattern.answer)));
        let answer = answer.map_err(SdkError::dispatch_failure)?;
        let status = answer.status();
        if BROKEN.contains(&status.as_u16())
            && let Some(connection) = connection.get()
        {
            connection.poison();
        }
        if !status.is_success() {
            return Err(Box::pin(self.error(answer, pattern.stall)).await);
        }
        let headers = answer.headers();
        let metadata = headers.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(METADATA)?;
            Some((name.to_owned(), value.to_owned()))
        });
        Ok(GetResponse {
            length: headers.get("content-length").and_then(|n| n.parse().ok()),
            tag: headers.get("etag").map(str::to_owned),
            metadata: metadata.collect(),
            body: Body {
                stream: ByteStream::new(answer.into_body()),
                stall: Some(pattern.stall),
            },
        })
    }

    /// What the SDK reads in an answer that is no object.
    async fn error(&self, mut answer: HttpResponse, stall: Duration) -> SdkError<GetObjectError> {
        let mut body = Body {
            stream: ByteStream::new(answer.take_body()),
            stall: Some(stall),
        };
        let mut bytes = Vec::new();
        while bytes.len() < LONGEST_ERROR {
            match body.next().await {
                Some(Ok(chunk)) => bytes.extend_from_slice(chunk.as_ref()),
                Some(Err(what)) => return SdkError::response_error(what, answer),
                None => break,
            }
        }
        *answer.body_mut() = SdkBody::from(bytes);
        match self.read(&answer) {
            Some(error) => SdkError::service_error(error, answer),
            None => SdkError::response_error("an answer that cannot be read", answer),
        }
    }

    /// The error in an answer that is none of the 200s.
    fn read(&self, answer: &HttpResponse) -> Option<GetObjectError> {
        let operation = self.operation.as_ref()?;
        let reader = operation.load::<SharedResponseDeserializer>()?;
        let read = reader.deserialize_nonstreaming_with_config(answer, &ConfigBag::base());
        let mut error_code = None;
        // the only way to what an error holds
        drop(
            read.err()?
                .map_operation_error(|error| error_code = error.downcast().ok()),
        );
        error_code
    }
}

impl Body {
    /// The next bytes; nothing after the last.
    ///
    /// # Errors
    /// The body broke off, or gave no byte for too long; the text says which.
    pub async fn next(&mut self) -> Option<Result<impl AsRef<[u8]> + use<>, String>> {
        let next = self.stream.next();
        let next = match self.stall {
            None => next.await,
            Some(stall) => match timeout(stall, next).await {
                Ok(next) => next,
                Err(_) => return Some(Err(format!("no byte for {} s", stall.as_secs_f64()))),
            },
        };
        next.map(|chunk| chunk.map_err(|error| error.to_string()))
    }
}

/// What the SDK's connector says where no answer came for so long.
fn late(waited: Duration) -> ConnectorError {
    let what = format!("HTTP read timeout occurred after {waited:?}: timed out");
    ConnectorError::timeout(what.into())
}

impl GetFailure {
    fn of(error: &SdkError<GetObjectError>) -> Self {
        let archived = match error.as_service_error() {
            Some(GetObjectError::InvalidObjectState(state)) => Some(archive(state)),
            _ => None,
        };
        Self {
            fault: Fault::of(error),
            archived,
        }
    }
}

/// The class or tier that S3 names with an archived object.
fn archive(state: &InvalidObjectState) -> String {
    let tier = state.access_tier().map(|tier| tier.as_str().to_owned());
    let class = state.storage_class().map(|class| class.as_str().to_owned());
    tier.or(class).unwrap_or_else(|| "ARCHIVE".to_owned())
}
