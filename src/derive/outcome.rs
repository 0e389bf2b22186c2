//! Whether a call succeeded, was denied, or failed otherwise.

use crate::event::{Event, Key};
use crate::finding::Outcome;

/// Reads errorCode *and* errorMessage *and* the sign-in result: a failed console sign-in has no
/// errorCode at all (AWS, "AWS Management Console sign-in events"), and some services put the error
/// into responseElements.
pub fn of(event: &Event<'_>) -> Outcome {
    let code = event.text(Key::ErrorCode);
    if !code.is_empty() && !is_success(&code) {
        return if is_denial(&code) {
            Outcome::Denied
        } else {
            Outcome::Failed
        };
    }
    if !event.text(Key::ErrorMessage).is_empty() {
        return Outcome::Failed;
    }
    if event.is_from("signin") {
        let response = event.raw(Key::ResponseElements);
        let failure =
            |value: crate::event::json::Raw<'_>| value.text().as_deref() == Some("Failure");
        if response.members().any(|(_, value)| failure(value)) {
            return Outcome::Failed;
        }
    }
    Outcome::Success
}

/// True for error codes that say there was no error: some services write a status there, as Amazon
/// Managed Grafana writes the HTTP status `200`.
fn is_success(code: &str) -> bool {
    code == "Success" || matches!(code.as_bytes(), [b'2', b'0'..=b'9', b'0'..=b'9'])
}

/// `AccessDenied`, `AccessDeniedException`, `Client.UnauthorizedOperation`, `VpceAccessDenied`, and
/// the services that spell it their own way.
pub fn is_denial(code: &str) -> bool {
    // nearly all that there are
    const USUAL: [&str; 3] = [
        "AccessDenied",
        "Client.UnauthorizedOperation",
        "AccessDeniedException",
    ];
    if USUAL.contains(&code) {
        return true;
    }
    let code = code.to_ascii_lowercase();
    [
        "accessdenied",
        "unauthorized",
        "notauthorized",
        "forbidden",
        "authfailure",
    ]
    .iter()
    .any(|word| code.contains(word))
}
