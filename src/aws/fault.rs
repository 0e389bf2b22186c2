//! What AWS said instead of answering, sorted by what can be done about it.
//!
//! Every operation has its own error type; what a reader of logs needs to know of them is the same
//! for all: whose fault, and whether asking again may help.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// What to do about missing or expired credentials.
pub const CREDENTIALS_ADVICE: &str =
    "set AWS_PROFILE, run `aws sso login`, or pass --profile PROFILE";

/// Codes of S3, STS and CloudTrail for a caller who is not known, or no longer.
const UNKNOWN_CALLER: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// What can be done about a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Log in (again).
    Credentials,
    /// Allow something.
    Denied,
    /// Ask in that Region.
    Elsewhere(String),
    /// Ask again: throttled, timed out, cut off, the server's own error.
    Transient,
    /// Nothing, or what the code says.
    Other,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// The service's own error code (`NoSuchKey`), empty where no service answered.
    pub code: String,
    /// The service's message, or the SDK's where no service answered.
    pub message: String,
}

impl Fault {
    /// True where the service was reached and asks for fewer requests, KMS behind it included.
    pub fn asks_for_less(&self) -> bool {
        let code = self.code.as_str();
        let busy = ["SlowDown", "ServiceUnavailable", "Busy", "TooManyRequests"];
        code.contains("Throttl") || busy.contains(&code)
    }

    /// Sorts a failed call.
    pub fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = error.code().unwrap_or_default().to_owned();
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let region = response.and_then(|response| response.headers().get("x-amz-bucket-region"));
        let misdirected = matches!(status, Some(301 | 307))
            || matches!(
                code.as_str(),
                "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
            );
        let kind = match (error, region) {
            (_, Some(region)) if misdirected => FaultKind::Elsewhere(region.to_owned()),
            _ if UNKNOWN_CALLER.contains(&code.as_str()) => FaultKind::Credentials,
            (SdkError::ServiceError(_), _) => match status {
                _ if code.contains("Throttl") || code == "SlowDown" => FaultKind::Transient,
                _ if code.starts_with("AccessDenied") => FaultKind::Denied,
                // the message says it all: this machine's clock is wrong
                _ if code == "RequestTimeTooSkewed" => FaultKind::Other,
                // S3 says so with more codes than one; the archived object is no matter of permission
                Some(403) if code != "InvalidObjectState" => FaultKind::Denied,
                Some(408 | 429 | 500..) => FaultKind::Transient,
                _ => FaultKind::Other,
            },
            // the chain of providers reports through the connector, and only in words
            (SdkError::DispatchFailure(_), _) if causes(error).contains("credential") => {
                FaultKind::Credentials
            }
            (SdkError::DispatchFailure(failure), _) if failure.is_user() => FaultKind::Other,
            (SdkError::ConstructionFailure(_), _) => FaultKind::Other,
            _ => FaultKind::Transient,
        };
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None if code.is_empty() => described(error, status),
            None => String::new(),
        };
        Self {
            kind,
            code,
            message,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.code.is_empty() && !self.message.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if self.kind == FaultKind::Credentials {
            write!(f, " ({CREDENTIALS_ADVICE})")?;
        }
        Ok(())
    }
}

/// What happened, where no service said it in its own words. The SDK's words for an answer that is not
/// AWS's ("unhandled error: Error at offset 0") help nobody: the answer often is the page of a proxy or of
/// another server.
fn described<E>(error: &SdkError<E>, status: Option<u16>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    match error {
        SdkError::ServiceError(_) => format!(
            "the server refused the request{status} with an answer that is not AWS's: check \
             --endpoint-url and proxies"
        ),
        SdkError::ResponseError(_) => {
            let cause = last_cause(error);
            let cause = match is_parser(&cause) {
                true => "it is not the document that AWS sends: check --endpoint-url and proxies",
                false => cause.as_str(),
            };
            format!("the server's answer{status} cannot be used: {cause}")
        }
        SdkError::TimeoutError(_) => format!("no answer in time: {}", last_cause(error)),
        SdkError::DispatchFailure(_) => {
            let causes = causes(error);
            let reached = causes.strip_prefix("dispatch failure: ");
            format!("no answer from the server: {}", reached.unwrap_or(&causes))
        }
        _ => causes(error),
    }
}

/// True for the words of the SDK's parsers of XML and JSON.
fn is_parser(cause: &str) -> bool {
    [
        "Error at offset",
        "XML",
        "JSON",
        "xml",
        "json",
        "expected",
        "encountered",
    ]
    .iter()
    .any(|word| cause.contains(word))
}

/// The innermost cause, which says most.
pub(super) fn last_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// The chain of causes in one line, without the SDK's debug output.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
    use aws_sdk_s3::primitives::SdkBody;

    fn answered(status: u16, code: &str, region: Option<&'static str>) -> FaultKind {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        if let Some(region) = region {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        let said = ErrorMetadata::builder().code(code).message("said").build();
        let error = ListObjectsV2Error::generic(said);
        Fault::of(&SdkError::service_error(error, response)).kind
    }

    #[test]
    fn an_answer_is_sorted_by_what_can_be_done_about_it() {
        use FaultKind::{Credentials, Denied, Elsewhere, Other, Transient};
        let here = Some("eu-west-1");
        let there = || Elsewhere("eu-west-1".to_owned());
        assert_eq!(answered(403, "AccessDenied", here), Denied);
        assert_eq!(answered(400, "AccessDeniedException", None), Denied);
        assert_eq!(answered(403, "AllAccessDisabled", None), Denied);
        assert_eq!(answered(403, "InvalidObjectState", None), Other);
        assert_eq!(answered(403, "SignatureDoesNotMatch", None), Credentials);
        assert_eq!(answered(400, "ExpiredToken", here), Credentials);
        assert_eq!(answered(301, "PermanentRedirect", here), there());
        assert_eq!(answered(307, "TemporaryRedirect", here), there());
        assert_eq!(answered(400, "AuthorizationHeaderMalformed", here), there());
        assert_eq!(answered(301, "PermanentRedirect", None), Other);
        assert_eq!(answered(503, "SlowDown", None), Transient);
        assert_eq!(answered(500, "InternalError", None), Transient);
        assert_eq!(answered(400, "ThrottlingException", None), Transient);
        assert_eq!(answered(404, "NoSuchKey", here), Other);
    }

    #[test]
    fn a_call_that_was_never_answered_may_be_made_again_unless_nobody_is_logged_in() {
        use aws_sdk_s3::error::ConnectorError;
        let of = |error: ConnectorError| {
            let error = SdkError::<ListObjectsV2Error>::dispatch_failure(error);
            Fault::of(&error)
        };
        let reset = of(ConnectorError::other("connection closed".into(), None));
        assert_eq!(reset.kind, FaultKind::Transient);
        assert!(reset.to_string().ends_with("connection closed"));
        let nobody = "the credential provider was not enabled";
        let nobody = of(ConnectorError::other(nobody.into(), None));
        assert_eq!(nobody.kind, FaultKind::Credentials);
        assert!(nobody.to_string().contains("aws sso login"));
    }
}
