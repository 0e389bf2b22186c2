//! A GET as the SDK makes it, to be copied.
//!
//! Finding the endpoint, the identity, the headers and the signature of a GetObject costs the SDK
//! several times what sending it does, and for all objects of a bucket but the key and the time it
//! finds the same. So it is asked for one such request, which is stopped where it would be sent.
//! What is copied from it is whatever the SDK settled: host and form of the address, partition,
//! proxies, payer, session. A copy is used only where signing the SDK's own request again gives
//! the SDK's own signature; where it does not (other algorithms, sessions of directory buckets),
//! there is no pattern, and the SDK is called for every object.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    ConfigBag, Credentials, HttpClient as _, Intercept, ResolveCachedIdentity as _,
    RuntimeComponents, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme as _, AuthSchemeId};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use chrono::{DateTime, Utc};

use super::sign::{self, Authorization, Signer};

/// A key with something of everything that is encoded.
const KEY: &str = "a//b c+d=e%2F/é~";
/// After that time the SDK is asked again: it may have found other credentials by then.
const LIFE: Duration = Duration::from_secs(60);
/// So long before they end, credentials are not used any more, as the SDK's cache has it.
const MARGIN: Duration = Duration::from_secs(10);
/// Headers that are another for every request: they tell AWS of the SDK's attempts.
const TELEMETRY: [&str; 2] = ["amz-sdk-invocation-id", "amz-sdk-request"];

/// A request to copy, and what sends it.
pub(super) struct RequestTemplate {
    /// Everything but address, date and signature.
    request: HttpRequest,
    /// Scheme and host.
    site: String,
    /// What stands before the key in the path, and `?` with what stands behind it.
    front: String,
    query: String,
    signer: Signer,
    /// The day the signer is for.
    day: String,
    pub(super) connector: SharedHttpConnector,
    /// So long the head of an answer may take, connecting included.
    pub(super) answer: Duration,
    /// So long a body may give no byte.
    pub(super) stall: Duration,
}

impl fmt::Debug for RequestTemplate {
    /// Without what is signed with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({}{})", self.site, self.front)
    }
}

/// What came of asking for a pattern.
#[derive(Debug)]
pub(super) struct TemplateCache {
    /// `None` if the SDK's request cannot be copied.
    pub(super) pattern: Option<RequestTemplate>,
    until: DateTime<Utc>,
}

impl TemplateCache {
    /// False when it is time to ask again.
    pub(super) fn holds(&self, now: DateTime<Utc>) -> bool {
        let day = |pattern: &RequestTemplate| sign::stamp(now).starts_with(&pattern.day);
        now < self.until && self.pattern.as_ref().is_none_or(day)
    }
}

/// Asks the SDK for a pattern of this bucket's GETs, which is not sent.
pub(super) async fn ask(client: &Client, bucket: &str, now: DateTime<Utc>) -> TemplateCache {
    let nothing = TemplateCache {
        pattern: None,
        until: now + LIFE,
    };
    match take(client, bucket, KEY).await {
        Some(taken) => taken.asked(bucket, now).await.unwrap_or(nothing),
        // the SDK fails for every object as well, and says why
        None => nothing,
    }
}

/// The request that the SDK would send for a key.
async fn take(client: &Client, bucket: &str, key: &str) -> Option<CapturedRequest> {
    let stop = CaptureInterceptor::default();
    let request = client.get_object().bucket(bucket).key(key).customize();
    drop(request.interceptor(stop.clone()).send().await);
    stop.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Stops a request where it would be sent, and keeps it.
#[derive(Debug, Clone, Default)]
struct CaptureInterceptor(Arc<Mutex<Option<CapturedRequest>>>);

impl Intercept for CaptureInterceptor {
    fn name(&self) -> &'static str {
        "CaptureInterceptor"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let taken = context
            .request()
            .try_clone()
            .map(|request| CapturedRequest {
                request,
                components: components.clone(),
                timeouts: config.load::<TimeoutConfig>().cloned(),
                stalled: config.load::<StalledStreamProtectionConfig>().cloned(),
            });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        Err("not to be sent".into())
    }
}

/// A request that was not sent, and what the SDK would have sent it with.
#[derive(Debug)]
struct CapturedRequest {
    request: HttpRequest,
    components: RuntimeComponents,
    timeouts: Option<TimeoutConfig>,
    stalled: Option<StalledStreamProtectionConfig>,
}

impl CapturedRequest {
    /// The pattern, and how long it holds; `None` if a copy would not be what the SDK sends.
    async fn asked(mut self, bucket: &str, now: DateTime<Utc>) -> Option<TemplateCache> {
        // directory buckets have sessions of their own, of five minutes
        if bucket.ends_with("--x-s3") {
            return None;
        }
        let identity = self.identity().await?;
        let credentials = identity.data::<Credentials>()?;
        let headers = self.request.headers();
        let header = headers.get("authorization")?.to_owned();
        let said = Authorization::read(&header)?;
        let uri = self.request.uri().to_owned();
        let (scheme, rest) = uri.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let (path, query) = path.split_once('?')?;
        let mut key = String::new();
        sign::encode(KEY, &mut key);
        let front = format!("/{}", path.strip_suffix(&key)?);
        // as it stands in the `Host` header, where the usual port is left out
        let port = if scheme == "https" { ":443" } else { ":80" };
        let value = |name: &str| match name {
            "host" => Some(host.strip_suffix(port).unwrap_or(host)),
            name => headers.get(name),
        };
        let secret = credentials.secret_access_key();
        let again = Signer::new(secret, &said, query, value)?;
        if again.signature(&format!("/{path}"), headers.get(sign::DATE)?) != said.signature {
            return None;
        }
        let kept = said.headers.split(';');
        let kept: Vec<_> = kept.filter(|name| !TELEMETRY.contains(name)).collect();
        let kept = kept.join(";");
        let fewer = Authorization {
            headers: &kept,
            ..said
        };
        let signer = Signer::new(secret, &fewer, query, value)?;
        let timeouts = self.timeouts.as_ref()?;
        let (answer, connect) = (timeouts.read_timeout()?, timeouts.connect_timeout()?);
        let connector = self.connector(connect)?;
        let stalled = self.stalled.filter(|config| config.download_enabled())?;
        let ends = identity.expiration();
        let ends = ends.map(|end| DateTime::<Utc>::from(end) - MARGIN);
        let headers = self.request.headers_mut();
        for name in TELEMETRY.iter().chain(&["authorization", sign::DATE]) {
            headers.remove(name);
        }
        Some(TemplateCache {
            until: ends.map_or(now + LIFE, |end| end.min(now + LIFE)),
            pattern: Some(RequestTemplate {
                site: format!("{scheme}://{host}"),
                front,
                query: format!("?{query}"),
                signer,
                day: said.day().to_owned(),
                connector,
                answer,
                stall: stalled.grace_period(),
                request: self.request,
            }),
        })
    }

    /// Out of the client's own cache, which has just been filled.
    async fn identity(&self) -> Option<Identity> {
        let components = &self.components;
        let scheme = components.auth_scheme(AuthSchemeId::from("sigv4"))?;
        let resolver = scheme.identity_resolver(components)?;
        let cache = components.identity_cache();
        let config = ConfigBag::base();
        let identity = cache.resolve_cached_identity(resolver, components, &config);
        identity.await.ok()
    }

    /// The client's own, with a pool of connections for all that is copied. How long an answer may take
    /// is ours to see to, which costs less than its timer; the SDK's further limits on attempts are
    /// longer.
    fn connector(&self, connect: Duration) -> Option<SharedHttpConnector> {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(connect)
            .build();
        let client = self.components.http_client()?;
        Some(client.http_connector(&settings, &self.components))
    }
}

impl RequestTemplate {
    /// The request for that key, signed for that time.
    ///
    /// # Errors
    /// The key is none that can stand in an address.
    pub(super) fn request(&self, key: &str, now: DateTime<Utc>) -> Result<HttpRequest, BoxError> {
        let room = self.site.len() + self.front.len() + key.len() + self.query.len() + 16;
        let mut address = String::with_capacity(room);
        address.push_str(&self.site);
        address.push_str(&self.front);
        sign::encode(key, &mut address);
        let stamp = sign::stamp(now);
        let path = address.get(self.site.len()..).unwrap_or_default();
        let signed = self.signer.authorization(path, &stamp);
        address.push_str(&self.query);
        let mut request = self.request.try_clone().ok_or("no request")?;
        request.set_uri(address)?;
        let headers = request.headers_mut();
        headers.try_insert(sign::DATE, stamp)?;
        headers.try_insert("authorization", signed)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Aws, AwsOptions};
    use aws_sdk_s3::config::SharedCredentialsProvider;

    /// As `trailscan` makes it with a session's credentials.
    async fn client(options: AwsOptions) -> Client {
        let token = Some("token/of+the==session".to_owned());
        let session = Credentials::new("ASIAEXAMPLE", "secret", token, None, "test");
        let provider = SharedCredentialsProvider::new(session);
        Aws::with_credentials(&options, provider).await.s3()
    }

    fn at(region: &str) -> AwsOptions {
        AwsOptions {
            region: Some(region.to_owned()),
            ..AwsOptions::default()
        }
    }

    fn headers(request: &HttpRequest) -> Vec<(String, String)> {
        let changing = [TELEMETRY[0], TELEMETRY[1], "authorization", sign::DATE];
        let headers = request.headers().iter();
        let kept = headers.filter(|(name, _)| !changing.contains(name));
        kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Wherever the bucket is and whatever the key, and with every header that the SDK sends.
    #[tokio::test]
    async fn a_copy_goes_where_the_request_of_the_sdk_goes() {
        let another = AwsOptions {
            endpoint_url: Some("http://localhost:9000".to_owned()),
            request_payer: true,
            ..at("eu-west-1")
        };
        let usual_port = AwsOptions {
            endpoint_url: Some("https://s3.example.org:443".to_owned()),
            ..at("us-east-1")
        };
        for (options, bucket, front) in [
            (
                at("us-east-1"),
                "logs",
                "https://logs.s3.us-east-1.amazonaws.com/",
            ),
            (
                at("us-gov-west-1"),
                "logs",
                "https://logs.s3.us-gov-west-1.amazonaws.com/",
            ),
            (
                at("cn-north-1"),
                "logs",
                "https://logs.s3.cn-north-1.amazonaws.com.cn/",
            ),
            (
                at("eu-west-1"),
                "logs.of.us",
                "https://s3.eu-west-1.amazonaws.com/logs.of.us/",
            ),
            (another, "logs", "http://localhost:9000/logs/"),
            (usual_port, "logs", "https://s3.example.org:443/logs/"),
        ] {
            let client = client(options).await;
            let asked = ask(&client, bucket, sign::now()).await;
            let pattern = asked.pattern.expect(front);
            for key in [
                "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/a_b-c.json.gz",
                "a b/c+d//e=%2F&f?g#h",
                "/ü/日本/😀/~!*'();:@,$[]",
                "a/../b/./c",
            ] {
                let theirs = take(&client, bucket, key).await.unwrap().request;
                let ours = pattern.request(key, sign::now()).unwrap();
                assert!(ours.uri().starts_with(front), "{}", ours.uri());
                assert_eq!(ours.uri(), theirs.uri());
                assert_eq!(headers(&ours), headers(&theirs));
                let signed = ours.headers().get("authorization").unwrap();
                let signed = Authorization::read(signed).unwrap().headers;
                assert!(
                    signed.contains("host;x-amz-content-sha256;x-amz-date"),
                    "{signed}"
                );
                assert!(signed.contains("x-amz-security-token"), "{signed}");
            }
        }
    }

    #[tokio::test]
    async fn who_pays_is_said_under_the_signature() {
        let paying = AwsOptions {
            request_payer: true,
            ..at("us-east-1")
        };
        let asked = ask(&client(paying).await, "logs", sign::now()).await;
        let request = asked.pattern.unwrap().request("key", sign::now()).unwrap();
        assert_eq!(
            request.headers().get("x-amz-request-payer"),
            Some("requester")
        );
        let signed = request.headers().get("authorization").unwrap();
        assert!(signed.contains(";x-amz-request-payer;"), "{signed}");
    }

    #[tokio::test]
    async fn a_pattern_is_asked_for_again_after_a_minute_and_on_another_day() {
        let client = client(at("us-east-1")).await;
        let now = sign::now();
        let asked = ask(&client, "logs", now).await;
        assert!(asked.pattern.is_some());
        assert!(asked.holds(now));
        assert!(!asked.holds(now + LIFE));
        let yesterday = TemplateCache {
            pattern: asked.pattern.map(|pattern| RequestTemplate {
                day: "20000101".to_owned(),
                ..pattern
            }),
            ..asked
        };
        assert!(!yesterday.holds(now));
    }

    /// Their sessions are made for them by the SDK, and signed for otherwise.
    #[tokio::test]
    async fn what_is_signed_otherwise_is_left_to_the_sdk() {
        let client = client(at("us-east-1")).await;
        let access_point = "arn:aws:s3::111122223333:accesspoint/many.mrap";
        for bucket in ["logs--use1-az4--x-s3", access_point] {
            let asked = ask(&client, bucket, sign::now()).await;
            assert!(asked.pattern.is_none(), "{bucket}");
            assert!(
                asked.holds(sign::now()),
                "{bucket}: it is not asked every time"
            );
        }
    }
}
