//! The only place that builds AWS clients.
//!
//! What comes in is what the user may say about AWS ([`AwsOptions`]); what goes out are clients
//! that share one connection pool, one set of credentials and one policy for retries and
//! time-outs. Credentials come from the SDK's usual chain: environment, profile, single sign-on,
//! credential process, container, instance.

mod fault;
mod get_object;
mod iam;
mod request_template;
mod response;
mod sign;

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{
    ConfigBag, Intercept, ProvideCredentials as _, ResponseChecksumValidation, RuntimeComponents,
    SharedAsyncSleep, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_http_client::{Builder, Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;

use crate::partition::Partition;
pub use fault::{CREDENTIALS_ADVICE, Fault, FaultKind};
pub use get_object::{Body, GetFailure, GetResponse, Getter};
pub use iam::{CredentialReport, NoCredentialReport};
use response::CheckedAnswers;

/// Where a Region is not configured anywhere.
const DEFAULT_REGION: &str = "us-east-1";

/// The most bytes of an answer of CloudTrail or STS: they list tens of trails, keys or selectors.
const MOST_ANSWERED: u64 = 64 << 20;

/// What the user may say about AWS; everything else comes from the environment and the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsOptions {
    pub profile: Option<String>,
    /// The ARN of a role to assume with the credentials found.
    pub assume_role: Option<String>,
    /// Say with every request to S3 that the caller pays for it.
    pub request_payer: bool,
    /// Another server than AWS's own; buckets are then addressed by path.
    pub endpoint_url: Option<String>,
    pub region: Option<String>,
}

/// AWS cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("no AWS credentials found: {CREDENTIALS_ADVICE}\n{0}")]
    NoCredentials(String),
    #[error(
        "AWS profile `{profile}` cannot be used: {cause}; `aws configure list-profiles` lists the \
         profiles"
    )]
    Profile { profile: String, cause: String },
    #[error(
        "role {role} cannot be assumed: allow sts:AssumeRole on it to the caller, and the caller in \
         its trust policy\n{cause}"
    )]
    NoRole { role: String, cause: String },
}

/// Configured access to AWS, from which clients are made.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    request_payer: bool,
}

impl Aws {
    /// Finds Region and credentials. The credentials are asked for here once, so that a missing
    /// login is one clear sentence before anything is read.
    ///
    /// # Errors
    /// No provider of the chain has credentials, or the one that is configured fails.
    pub async fn from_chain(options: &AwsOptions) -> Result<Self, AwsError> {
        let mut config = loader(options).load().await;
        if config.region().is_none() {
            let here = loader(options).region(Region::from_static(DEFAULT_REGION));
            config = here.load().await;
        }
        if let Some(profile) = &options.profile {
            config = with_profile(profile, &config).await?;
        } else if let Some(provider) = config.credentials_provider() {
            let asked = provider.provide_credentials().await;
            asked.map_err(|error| AwsError::NoCredentials(fault::causes(&error)))?;
        }
        if let Some(role) = &options.assume_role {
            config = assume(role, &config).await?;
        }
        Ok(Self {
            config,
            request_payer: options.request_payer,
        })
    }

    /// Uses credentials that the caller holds, without looking for any.
    pub async fn with_credentials(
        options: &AwsOptions,
        credentials: SharedCredentialsProvider,
    ) -> Self {
        let region = options.region.as_deref().unwrap_or(DEFAULT_REGION);
        let config = loader(options)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .load()
            .await;
        Self {
            config,
            request_payer: options.request_payer,
        }
    }

    /// A client for S3 in the configured Region; see [`s3_in`] for another one.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let mut config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(self.config.endpoint_url().is_some())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if self.request_payer {
            config = config.interceptor(RequestPayer);
        }
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A client for CloudTrail in the configured Region.
    pub fn cloudtrail(&self) -> aws_sdk_cloudtrail::Client {
        let answers = CheckedAnswers {
            most: MOST_ANSWERED,
            end: None,
        };
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config);
        aws_sdk_cloudtrail::Client::from_conf(config.interceptor(answers).build())
    }
}

/// The same client for ListObjectsV2 alone: a page that is cut or has more than so many bytes is an
/// error.
pub fn for_listing(client: &aws_sdk_s3::Client, most: u64) -> aws_sdk_s3::Client {
    let answers = CheckedAnswers {
        most,
        end: Some("ListBucketResult>"),
    };
    let config = client.config().to_builder().interceptor(answers);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// The same client in another Region.
pub fn cloudtrail_in(
    client: &aws_sdk_cloudtrail::Client,
    region: &str,
) -> aws_sdk_cloudtrail::Client {
    let region = Region::new(region.to_owned());
    let config = client.config().to_builder().region(region);
    aws_sdk_cloudtrail::Client::from_conf(config.build())
}

/// The same access with the credentials of that profile, whatever the environment holds: as in the AWS
/// CLI the flag wins over `AWS_ACCESS_KEY_ID`.
async fn with_profile(profile: &str, config: &SdkConfig) -> Result<SdkConfig, AwsError> {
    let provider = ProviderConfig::without_region().with_region(config.region().cloned());
    let provider = match config.http_client() {
        Some(client) => provider.with_http_client(client),
        None => provider,
    };
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&provider)
        .profile_name(profile)
        .build();
    let asked = provider.provide_credentials().await;
    asked.map_err(|error| AwsError::Profile {
        profile: profile.to_owned(),
        // the SDK says this of a profile without settings, mostly because its name is mistyped
        cause: match fault::last_cause(&error) {
            cause if cause.contains("was not enabled") => "it is not configured".to_owned(),
            cause => cause,
        },
    })?;
    Ok(config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .identity_cache(IdentityCache::lazy().build())
        .build())
}

/// The same access as another role; its session is asked for here once, for the same reason.
async fn assume(role: &str, config: &SdkConfig) -> Result<SdkConfig, AwsError> {
    let provider = AssumeRoleProvider::builder(role)
        .session_name("trailscan")
        .configure(config)
        .build()
        .await;
    let asked = provider.provide_credentials().await;
    asked.map_err(|error| AwsError::NoRole {
        role: role.to_owned(),
        cause: fault::causes(&error),
    })?;
    let provider = SharedCredentialsProvider::new(provider);
    Ok(config
        .to_builder()
        .credentials_provider(provider)
        // what the cache holds belongs to the caller, not to the role
        .identity_cache(IdentityCache::lazy().build())
        .build())
}

/// Says with every request that the caller pays: a bucket whose owner does not pay refuses all
/// others, and one whose owner does takes no notice.
#[derive(Debug)]
struct RequestPayer;

impl Intercept for RequestPayer {
    fn name(&self) -> &'static str {
        "RequestPayer"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.insert("x-amz-request-payer", "requester");
        Ok(())
    }
}

/// The same client for a bucket in another Region.
pub fn s3_in(client: &aws_sdk_s3::Client, region: &str) -> aws_sdk_s3::Client {
    let region = Region::new(region.to_owned());
    aws_sdk_s3::Client::from_conf(client.config().to_builder().region(region).build())
}

/// The same client with one attempt a call, for callers that try again themselves.
pub fn without_retries(client: &aws_sdk_s3::Client) -> aws_sdk_s3::Client {
    let config = client.config().to_builder();
    let config = config.retry_config(RetryConfig::disabled());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// The same client for questions that a run can do without: two attempts, ten seconds each.
pub fn with_short_timeouts(client: &aws_sdk_cloudtrail::Client) -> aws_sdk_cloudtrail::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(10))
        .build();
    let config = client.config().to_builder();
    let config = config.retry_config(RetryConfig::standard().with_max_attempts(2));
    aws_sdk_cloudtrail::Client::from_conf(config.timeout_config(timeouts).build())
}

/// The partition in the ARNs of a Region, such as `aws` or `aws-us-gov`.
pub fn partition(region: Option<&Region>) -> &'static str {
    Partition::of_region(region.map_or("", AsRef::as_ref)).name()
}

fn loader(options: &AwsOptions) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(40))
        .operation_timeout(Duration::from_secs(90))
        .build();
    // ten seconds without a byte end a body; reading it again is `source::s3::fetch`'s affair
    let stalled = StalledStreamProtectionConfig::enabled()
        .grace_period(Duration::from_secs(10))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https())
        .retry_config(RetryConfig::standard().with_max_attempts(5))
        .timeout_config(timeouts)
        .stalled_stream_protection(stalled);
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader
}

/// TLS over ring with the system's roots, through the proxy that the environment names.
fn https() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let sleep = components.and_then(|components| components.sleep_impl());
        connector(settings.cloned(), sleep)
    })
}

fn connector(
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
) -> Connector {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
    builder.set_connector_settings(settings);
    builder.set_sleep_impl(sleep);
    builder.tls_provider(ring).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_written_for_the_partition_of_the_region() {
        let partition = |region| partition(Some(&Region::from_static(region)));
        assert_eq!(partition("eu-west-1"), "aws");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("cn-north-1"), "aws-cn");
    }

    #[test]
    fn missing_credentials_are_a_sentence_that_says_what_to_do() {
        let error = AwsError::NoCredentials("no credentials found in chain".to_owned());
        let text = error.to_string();
        assert!(text.starts_with("no AWS credentials found: set AWS_PROFILE, run `aws sso login`"));
    }
}
