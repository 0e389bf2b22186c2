//! Reading one object, whole, as stored.
//!
//! The SDK retries a call until its response begins; a body that breaks off is this module's
//! affair. `Content-Encoding` is not looked at: CloudTrail's objects carry it and the bytes are
//! gzip all the same (facts, 2.3).

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;

use crate::aws::{self, Fault, FaultKind};
use crate::source::{FetchError, Fetched};

/// How often an object is asked for before it is given up.
const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Reads an object of at most `cap` bytes.
///
/// # Errors
/// [`FetchError::Refused`] says which statement to add; [`FetchError::Archived`] must be restored
/// first; everything else, after all retries, is [`FetchError::Failed`].
pub async fn fetch(
    client: &Client,
    bucket: &str,
    key: &str,
    cap: u64,
) -> Result<Fetched, FetchError> {
    let mut attempt = 1;
    loop {
        let cause = match once(client, bucket, key, cap).await {
            Ok(fetched) => return Ok(fetched),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Passing(cause)) => cause,
        };
        if attempt == ATTEMPTS {
            let what = format!("{cause}, {ATTEMPTS} times in a row");
            return Err(FetchError::Failed(what));
        }
        tokio::time::sleep(wait(attempt)).await;
        attempt += 1;
    }
}

/// What stands between us and an object.
enum Trouble {
    Final(FetchError),
    /// Worth another attempt.
    Passing(String),
}

async fn once(client: &Client, bucket: &str, key: &str, cap: u64) -> Result<Fetched, Trouble> {
    let response = client.get_object().bucket(bucket).key(key).send().await;
    let mut response = response.map_err(|error| {
        let archived = match error.as_service_error() {
            Some(GetObjectError::InvalidObjectState(state)) => Some(archive(state)),
            _ => None,
        };
        let partition = aws::partition(client.config().region());
        trouble(&Fault::of(&error), archived, bucket, partition)
    })?;
    let too_large = || {
        let what = format!("larger than {cap} bytes: no log file is");
        Trouble::Final(FetchError::Failed(what))
    };
    let announced = response
        .content_length()
        .and_then(|n| u64::try_from(n).ok());
    if announced.is_some_and(|announced| announced > cap) {
        return Err(too_large());
    }
    let capacity = announced.and_then(|announced| usize::try_from(announced).ok());
    let mut bytes = Vec::with_capacity(capacity.unwrap_or(0));
    loop {
        match response.body.next().await {
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            Some(Err(error)) => {
                let what = format!("its body broke off after {} bytes ({error})", bytes.len());
                return Err(Trouble::Passing(what));
            }
            None => break,
        }
        if bytes.len() as u64 > cap {
            return Err(too_large());
        }
    }
    match announced {
        Some(announced) if announced != bytes.len() as u64 => Err(Trouble::Passing(format!(
            "its body had {} bytes instead of {announced}",
            bytes.len()
        ))),
        _ => {
            let metadata = response.metadata.take().unwrap_or_default();
            let metadata = metadata.into_iter().collect();
            Ok(Fetched { bytes, metadata })
        }
    }
}

/// The class or tier that S3 names with an archived object.
fn archive(state: &aws_sdk_s3::types::error::InvalidObjectState) -> String {
    let tier = state.access_tier().map(|tier| tier.as_str().to_owned());
    let class = state.storage_class().map(|class| class.as_str().to_owned());
    tier.or(class).unwrap_or_else(|| "ARCHIVE".to_owned())
}

/// Says what a refused or failed call means for the object.
fn trouble(fault: &Fault, archived: Option<String>, bucket: &str, partition: &str) -> Trouble {
    Trouble::Final(match fault.kind {
        _ if archived.is_some() || fault.code == "InvalidObjectState" => {
            FetchError::Archived(archived.unwrap_or_else(|| "ARCHIVE".to_owned()))
        }
        FaultKind::Transient => return Trouble::Passing(fault.to_string()),
        FaultKind::Denied if names_kms(&fault.message) => FetchError::Refused(format!(
            "it is encrypted with a KMS key that may not be used: allow {} here and in the key's \
             policy (AWS: {fault})",
            statement(
                "kms:Decrypt",
                kms_key(&fault.message).unwrap_or("TRAIL-KEY-ARN")
            )
        )),
        // without s3:ListBucket S3 answers so for a missing object, too: it says nothing of deletion
        FaultKind::Denied => FetchError::Refused(format!(
            "reading was refused: allow {} (AWS: {fault})",
            statement("s3:GetObject", &format!("arn:{partition}:s3:::{bucket}/*"))
        )),
        FaultKind::Credentials => FetchError::Refused(fault.to_string()),
        _ if fault.code == "NoSuchKey" => FetchError::Gone,
        _ if fault.code.starts_with("KMS.") => FetchError::Failed(format!(
            "its KMS key is disabled, deleted or out of reach (AWS: {fault})"
        )),
        _ => FetchError::Failed(fault.to_string()),
    })
}

/// True for a refusal that came from KMS behind S3.
fn names_kms(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["kms", "ciphertext refers to", "customer master key"]
        .iter()
        .any(|word| message.contains(word))
}

/// The key's ARN, where the message tells it.
fn kms_key(message: &str) -> Option<&str> {
    message
        .split(|c: char| c.is_whitespace() || c == ',' || c == '"')
        .find(|word| word.starts_with("arn:") && word.contains(":kms:"))
}

/// One IAM statement.
fn statement(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
}

/// Half of the step to all of it, at random, so that many readers do not come back at once.
fn wait(attempt: u32) -> Duration {
    let step = FIRST_WAIT * 2_u32.saturating_pow(attempt - 1);
    let random = RandomState::new().hash_one(attempt) % 1000;
    step / 2 + step * u32::try_from(random).unwrap_or(0) / 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: FaultKind, code: &str, message: &str) -> FetchError {
        let fault = Fault {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        };
        match trouble(&fault, None, "logs", "aws-us-gov") {
            Trouble::Final(error) => error,
            Trouble::Passing(what) => panic!("retried: {what}"),
        }
    }

    #[test]
    fn a_refusal_by_kms_asks_for_the_key_and_one_by_s3_for_the_object() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let message = format!(
            "User: arn:aws:iam::111122223333:user/auditor is not authorized to perform: \
             kms:Decrypt on resource: {arn} because no identity-based policy allows it"
        );
        let FetchError::Refused(what) = said(FaultKind::Denied, "AccessDenied", &message) else {
            panic!("no refusal");
        };
        assert!(what.contains("kms:Decrypt") && what.contains(&format!(r#""Resource":"{arn}""#)));

        let message = "The ciphertext refers to a customer master key that does not exist";
        let FetchError::Refused(what) = said(FaultKind::Denied, "AccessDenied", message) else {
            panic!("no refusal");
        };
        assert!(what.contains(r#""Action":"kms:Decrypt","Resource":"TRAIL-KEY-ARN""#));

        let FetchError::Refused(what) = said(FaultKind::Denied, "AccessDenied", "Access Denied")
        else {
            panic!("no refusal");
        };
        assert!(what.contains(r#""s3:GetObject","Resource":"arn:aws-us-gov:s3:::logs/*""#));
        assert!(!what.contains("kms") && !what.contains("deleted"));
    }

    #[test]
    fn only_a_missing_key_is_called_deleted() {
        let FetchError::Failed(what) = said(FaultKind::Other, "NoSuchKey", "") else {
            panic!("no failure");
        };
        assert_eq!(what, "deleted between listing and reading");
        let disabled = said(FaultKind::Other, "KMS.DisabledException", "is disabled");
        assert!(matches!(disabled, FetchError::Failed(what) if what.contains("KMS key")));
    }

    #[test]
    fn waits_grow_and_stay_within_their_step() {
        for (attempt, step) in [(1, 200), (2, 400)] {
            let wait = wait(attempt).as_millis();
            assert!((step / 2..=step).contains(&wait), "{attempt}: {wait} ms");
        }
    }
}
