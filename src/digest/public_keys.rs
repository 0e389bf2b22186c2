//! [ListPublicKeys](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html): a Region's
//! keys for a time.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::{DateTime, DateTimeFormat};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{Keys, PublicKey};
use crate::aws::{Fault, FaultKind};
use crate::event::time::Epoch;

/// A key may be followed by the next before the digest of the hour is signed.
const ROTATION: Epoch = 7_200;

/// CloudTrail did not give its keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error(
        "asking {region} for CloudTrail's public keys was refused: allow cloudtrail:ListPublicKeys, \
         or pass --public-keys FILE (AWS: {fault})"
    )]
    Refused { region: String, fault: Fault },
    #[error(
        "{region} could not be asked for CloudTrail's public keys: {fault}; or pass --public-keys FILE"
    )]
    Failed { region: String, fault: Fault },
}

/// The keys with which digests of that Region and time were signed.
///
/// # Errors
/// CloudTrail refuses or does not answer.
pub async fn ask(
    client: &Client,
    region: &str,
    since: Epoch,
    until: Epoch,
) -> Result<Keys, AskError> {
    let mut keys = Vec::new();
    let mut next = None;
    loop {
        let request = client
            .list_public_keys()
            .start_time(DateTime::from_secs(since))
            .end_time(DateTime::from_secs(until + ROTATION))
            .set_next_token(next);
        let page = request.send().await.map_err(|error| {
            let fault = Fault::of(&error);
            let region = region.to_owned();
            match fault.kind {
                FaultKind::Denied => AskError::Refused { region, fault },
                _ => AskError::Failed { region, fault },
            }
        })?;
        let found = page.public_key_list.unwrap_or_default();
        keys.extend(found.into_iter().filter_map(|key| {
            Some(PublicKey {
                value: STANDARD.encode(key.value?.into_inner()),
                fingerprint: key.fingerprint.unwrap_or_default(),
                validity_start_time: moment(key.validity_start_time),
                validity_end_time: moment(key.validity_end_time),
                region: region.to_owned(),
            })
        }));
        next = page.next_token;
        if next.is_none() {
            return Ok(keys.into_iter().collect());
        }
    }
}

fn moment(time: Option<DateTime>) -> super::key::CliTime {
    let text = time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
    super::key::CliTime::from(text.map_or(serde_json::Value::Null, Into::into))
}
