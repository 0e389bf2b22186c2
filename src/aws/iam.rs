//! IAM's credential report, by two calls of its query protocol
//! ([GenerateCredentialReport](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html),
//! [GetCredentialReport](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html)).
//!
//! What goes out is a signed POST, what comes in a few XML elements: another SDK would bring more code
//! than all of this. Connection, credentials and endpoint are those of the other clients.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::{Credentials, ProvideCredentials as _, Region};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::Identity;
use serde_json::json;

use super::sign::now;
use super::{Aws, DEFAULT_REGION, connector, fault};
use crate::partition::Partition;

/// The version of IAM's interface.
const VERSION: &str = "2010-05-08";
/// The most bytes of an answer. A report has a line of some 400 bytes for each user, and an account at
/// most 5,000 of them.
const MOST: usize = 64 << 20;
/// How often it is asked whether the report is made, and how long is waited in between: IAM takes some
/// seconds.
const ATTEMPTS: usize = 30;
const PAUSE: Duration = Duration::from_secs(2);
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A report as IAM made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialReport {
    /// The CSV, in base64.
    content: String,
    /// When it was made, as RFC 3339: it knows of no later key.
    made: Option<String>,
}

impl CredentialReport {
    /// As `aws iam get-credential-report` prints it.
    pub fn as_printed(&self) -> String {
        json!({"Content": self.content, "GeneratedTime": self.made}).to_string()
    }
}

/// Why there is no report, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoCredentialReport {
    #[error("allow iam:GenerateCredentialReport and iam:GetCredentialReport ({0})")]
    Refused(String),
    #[error("IAM had not made it after {} seconds", ATTEMPTS as u64 * PAUSE.as_secs())]
    Late,
    #[error("IAM's answer cannot be read: {0}")]
    Form(String),
    #[error("IAM could not be asked ({0})")]
    Unreachable(String),
}

/// The status of an answer and its body.
struct Answer {
    status: u16,
    body: String,
}

impl Aws {
    /// Has IAM make a credential report, waits for it, and reads it.
    ///
    /// # Errors
    /// Permission is missing, IAM takes too long or cannot be reached, or its answer has another form.
    pub async fn credential_report(&self) -> Result<CredentialReport, NoCredentialReport> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let answer = self.iam("GenerateCredentialReport").await?;
            match element(&answer.body, "State") {
                Some("COMPLETE") => return self.made_report().await,
                Some("STARTED" | "INPROGRESS") => {}
                _ => return Err(NoCredentialReport::Form("it names no state".to_owned())),
            }
        }
        Err(NoCredentialReport::Late)
    }

    async fn made_report(&self) -> Result<CredentialReport, NoCredentialReport> {
        let answer = self.iam("GetCredentialReport").await?;
        let form = |what: &str| NoCredentialReport::Form(what.to_owned());
        let content = element(&answer.body, "Content").ok_or_else(|| form("it has no content"))?;
        let made = element(&answer.body, "GeneratedTime");
        Ok(CredentialReport {
            content: content.split_whitespace().collect(),
            made: made.map(str::to_owned),
        })
    }

    /// Makes one call that has no parameters.
    async fn iam(&self, action: &str) -> Result<Answer, NoCredentialReport> {
        let sent = tokio::time::timeout(PATIENCE, self.sent(action)).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(NoCredentialReport::Unreachable(fault::causes(&*error)));
            }
            Err(_elapsed) => {
                return Err(NoCredentialReport::Unreachable("no answer".to_owned()));
            }
        };
        if answer.status == 200 {
            return Ok(answer);
        }
        let code = element(&answer.body, "Code").unwrap_or("no code");
        let message = element(&answer.body, "Message").unwrap_or_default();
        let said = format!("{code}: {message}");
        Err(match answer.status {
            401 | 403 => NoCredentialReport::Refused(said),
            _ => NoCredentialReport::Unreachable(said),
        })
    }

    async fn sent(&self, action: &str) -> Result<Answer, BoxError> {
        let provider = self.config.credentials_provider().ok_or("no credentials")?;
        let credentials = provider.provide_credentials().await?;
        let home = home(self.config.region());
        let (url, region) = match (self.config.endpoint_url(), home) {
            (Some(url), home) => {
                let url = format!("{}/", url.trim_end_matches('/'));
                (url, home.map_or(DEFAULT_REGION, |(_, region)| region))
            }
            (None, Some((host, region))) => (format!("https://{host}/"), region),
            (None, None) => return Err("IAM's address in this partition is not known".into()),
        };
        let body = format!("Action={action}&Version={VERSION}");
        let request = signed(&url, region, body, credentials)?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(PATIENCE)
            .build();
        let connector = connector(Some(settings), self.config.sleep_impl());
        let answer = connector.call(request).await?;
        let status = answer.status().as_u16();
        let mut stream = ByteStream::new(answer.into_body());
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece?);
            if bytes.len() > MOST {
                return Err(format!("it has more than {} MiB", MOST >> 20).into());
            }
        }
        Ok(Answer {
            status,
            body: String::from_utf8(bytes)?,
        })
    }
}

/// IAM's host and the Region that its signatures name, one for each partition (AWS General Reference,
/// "IAM endpoints and quotas").
fn home(region: Option<&Region>) -> Option<(&'static str, &'static str)> {
    Some(
        match Partition::of_region(region.map_or("", AsRef::as_ref)) {
            Partition::Aws => ("iam.amazonaws.com", DEFAULT_REGION),
            Partition::AwsCn => ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            Partition::AwsUsGov => ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
            _ => return None,
        },
    )
}

fn signed(
    url: &str,
    region: &str,
    body: String,
    credentials: Credentials,
) -> Result<HttpRequest, BoxError> {
    const FORM: (&str, &str) = (
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let identity: Identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("iam")
        .time(now().into())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new(
        "POST",
        url,
        [FORM].into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    )?;
    let (instructions, _signature) = sign(signable, &parameters)?.into_parts();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri(url)?;
    let headers = request.headers_mut();
    headers.try_insert(FORM.0, FORM.1)?;
    for (name, value) in instructions.headers() {
        headers.try_insert(name.to_owned(), value.to_owned())?;
    }
    Ok(request)
}

/// The text of the first element of that name. IAM's answers have no attributes there, no comments, and
/// escape nothing in what is read here.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_is_asked_at_home_in_each_partition() {
        let home = |region: &'static str| home(Some(&Region::from_static(region))).unwrap();
        assert_eq!(home("eu-west-1"), ("iam.amazonaws.com", "us-east-1"));
        assert_eq!(home("us-gov-east-1").1, "us-gov-west-1");
        assert_eq!(home("cn-northwest-1").0, "iam.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn an_answer_is_read_by_its_elements() {
        let xml = "<R><State> COMPLETE </State><Content></Content></R>";
        assert_eq!(element(xml, "State"), Some("COMPLETE"));
        assert_eq!(element(xml, "Content"), Some(""));
        assert_eq!(element(xml, "Code"), None);
    }
}
