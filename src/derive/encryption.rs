//! How an uploaded S3 object is encrypted at rest, and whether that is what the bucket requires.
//!
//! Since 2023-01-05 S3 stores nothing unencrypted (S3 user guide, "default encryption FAQ"), so the
//! absence of a header means that the bucket's default was used, not that there is none.

use super::Organization;
use crate::event::{Event, Key};

/// 2023-01-05T00:00:00Z, from when on every new object is encrypted.
const ALWAYS_ENCRYPTED: i64 = 1_672_876_800;

/// What S3 applied (`additionalEventData.SSEApplied`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    SseS3Default,
    SseS3,
    KmsDefault,
    SseKms,
    DsseDefault,
    DsseKms,
    /// With a key that only the caller has.
    SseC,
    None,
    Unknown,
}

impl Encryption {
    const ALL: [Self; 9] = [
        Self::SseS3Default,
        Self::SseS3,
        Self::KmsDefault,
        Self::SseKms,
        Self::DsseDefault,
        Self::DsseKms,
        Self::SseC,
        Self::None,
        Self::Unknown,
    ];

    /// The word in `trailscan.encryption`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SseS3Default => "sse_s3_default",
            Self::SseS3 => "sse_s3",
            Self::KmsDefault => "kms_default",
            Self::SseKms => "sse_kms",
            Self::DsseDefault => "dsse_default",
            Self::DsseKms => "dsse_kms",
            Self::SseC => "sse_c",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    /// What that word says.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// How strong S3's managed kinds are, weakest first; nothing for the others.
    const fn strength(self) -> Option<u8> {
        match self {
            Self::SseS3Default | Self::SseS3 => Some(1),
            Self::KmsDefault | Self::SseKms => Some(2),
            Self::DsseDefault | Self::DsseKms => Some(3),
            Self::SseC | Self::None | Self::Unknown => None,
        }
    }

    const fn is_default(self) -> bool {
        matches!(
            self,
            Self::SseS3Default | Self::KmsDefault | Self::DsseDefault
        )
    }
}

/// What `SSEApplied` names, in the spellings that records and documentation have.
fn named(sse: &str) -> Option<Encryption> {
    const NAMES: [(&str, Encryption); 7] = [
        ("default_sse_s3", Encryption::SseS3Default),
        ("sse_s3", Encryption::SseS3),
        ("default_sse_kms", Encryption::KmsDefault),
        ("sse_kms", Encryption::SseKms),
        ("default_dsse_kms", Encryption::DsseDefault),
        ("dsse_kms", Encryption::DsseKms),
        ("sse_c", Encryption::SseC),
    ];
    let like = |byte: u8| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_lowercase(),
    };
    let is = |(name, _): &&(&str, Encryption)| name.bytes().eq(sse.bytes().map(like));
    NAMES.iter().find(is).map(|(_, applied)| *applied)
}

/// The encryption of an upload; nothing for other calls. Of a multipart upload the call that
/// begins it tells.
pub fn applied(event: &Event<'_>) -> Option<Encryption> {
    let uploads = [
        "PutObject",
        "CopyObject",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "PostObject",
    ];
    if !uploads.contains(&event.text(Key::EventName).as_ref()) {
        return None;
    }
    const HEADERS: [&str; 2] = [
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption",
    ];
    let [customer_stored, stored] = event.members_of(Key::ResponseElements, &HEADERS);
    let [customer_asked, asked] = event.members_of(Key::RequestParameters, &HEADERS);
    if !customer_stored.is_null() || !customer_asked.is_null() {
        return Some(Encryption::SseC);
    }
    let sse = event.text_at(Key::AdditionalEventData, &["SSEApplied"]);
    if let Some(applied) = named(&sse) {
        return Some(applied);
    }
    let header = [stored, asked]
        .into_iter()
        .map(|value| value.text().unwrap_or_default())
        .find(|text| !text.is_empty());
    Some(match (header.as_deref(), !asked.is_null()) {
        (Some("AES256"), true) => Encryption::SseS3,
        (Some("AES256"), false) => Encryption::SseS3Default,
        (Some("aws:kms"), true) => Encryption::SseKms,
        (Some("aws:kms"), false) => Encryption::KmsDefault,
        (Some("aws:kms:dsse"), true) => Encryption::DsseKms,
        (Some("aws:kms:dsse"), false) => Encryption::DsseDefault,
        (None, _) if event.time().is_some_and(|time| time < ALWAYS_ENCRYPTED) => Encryption::None,
        _ => Encryption::Unknown,
    })
}

/// The upload against what is required of the bucket it went to: `seen`, `default_used` (strong
/// enough, but by the bucket's default: the client sent no header), `weaker`, `unencrypted`,
/// `customer_key`, `not_required`, `unknown`.
pub fn check(applied: Encryption, bucket: &str, organization: &Organization) -> &'static str {
    let required = organization
        .required_encryption
        .iter()
        .find(|(pattern, _)| pattern.matches(bucket));
    let Some((_, algorithms)) = required else {
        return "not_required";
    };
    let strength = |algorithm: &String| match algorithm.as_str() {
        "AES256" => 1,
        "aws:kms" => 2,
        _ => 3,
    };
    let least = algorithms.iter().map(strength).min().unwrap_or(1);
    match (applied, applied.strength()) {
        (Encryption::None, _) => "unencrypted",
        (Encryption::SseC, _) => "customer_key",
        (_, Some(strength)) if strength < least => "weaker",
        (_, Some(_)) if applied.is_default() => "default_used",
        (_, Some(_)) => "met",
        (_, None) => "unknown",
    }
}
