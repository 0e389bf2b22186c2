//! What AWS said instead of answering, sorted by what can be done about it.
//!
//! Every operation has its own error type; what a reader of logs needs to know of them is the same
//! for all: whose fault, and whether asking again may help.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::CREDENTIALS_ADVICE;

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
                // S3 says so with more codes than one; the archived object is no matter of permission
                Some(403) if code != "InvalidObjectState" => FaultKind::Denied,
                Some(408 | 429 | 500..) => FaultKind::Transient,
                _ => FaultKind::Other,
            },
            // the chain of providers reports through the connector, and only in words
            (SdkError::DispatchFailure(_), _) if causes(error).contains("credentials") => {
                FaultKind::Credentials
            }
            (SdkError::DispatchFailure(failure), _) if failure.is_user() => FaultKind::Other,
            (SdkError::ConstructionFailure(_), _) => FaultKind::Other,
            _ => FaultKind::Transient,
        };
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None if code.is_empty() => causes(error),
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

/// The chain of causes in one line, without the SDK's debug output.
fn causes(error: &dyn std::error::Error) -> String {
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
