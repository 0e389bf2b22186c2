//! Whether a call succeeded, was denied, or failed otherwise.
//!
//! This is the only place that knows how services spell a refusal. Rules ask for
//! `trailscan.outcome` and keep no list of error codes of their own.

use super::sign_in;
use crate::event::{Event, Key};
use crate::finding::Outcome;

/// Reads errorCode *and* errorMessage *and* the sign-in result: a failed sign-in has no errorCode at
/// all (AWS, "AWS Management Console sign-in events"; IAM Identity Center user guide, "CloudTrail
/// events of the sign-in flow").
pub fn of(event: &Event<'_>) -> Outcome {
    let code = event.text(Key::ErrorCode);
    if !code.is_empty() && !is_success(&code) {
        return if is_denial(&code) {
            Outcome::Denied
        } else {
            Outcome::Failed
        };
    }
    if !event.text(Key::ErrorMessage).is_empty() || sign_in::failed(event) {
        return Outcome::Failed;
    }
    Outcome::Success
}

/// True for error codes that say there was no error: some services write a status there, as Amazon
/// Managed Grafana writes the HTTP status `200`.
fn is_success(code: &str) -> bool {
    code == "Success" || matches!(code.as_bytes(), [b'2', b'0'..=b'9', b'0'..=b'9'])
}

/// The most common codes, compared first.
const COMMON: [&str; 3] = [
    "AccessDenied",
    "Client.UnauthorizedOperation",
    "AccessDeniedException",
];

/// What the codes of a refusal contain, in lower case; services add `Client.`, `Exception` and
/// `Fault` as they like. Sources: the services' API references, "Common errors".
const REFUSALS: [&str; 10] = [
    // AccessDenied (IAM, STS, S3, KMS), VpceAccessDenied, PermissionDenied
    "denied",
    // UnauthorizedOperation (EC2), UnauthorizedAccess, UnauthorizedException
    "unauthorized",
    "notauthorized",
    // AuthorizationError (SNS), AuthorizationErrorException
    "authorizationerror",
    // AuthFailure (EC2)
    "authfailure",
    "forbidden",
    "operationnotpermitted",
    "insufficientprivilege",
    "insufficientpermission",
    // AllAccessDisabled (S3)
    "accessdisabled",
];

/// True for every spelling of "you may not".
fn is_denial(code: &str) -> bool {
    // 401 and 403 are the HTTP statuses, which some services write as a code
    if COMMON.contains(&code) || matches!(code, "401" | "403") {
        return true;
    }
    let code = code.to_ascii_lowercase();
    REFUSALS.iter().any(|word| code.contains(word))
}
