//! What an object proves: the evidence of logs and digests, beside whatever else is done with them.

use crate::coverage::Coverage;
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::digest::{Reader, is_digest};
use crate::integrity::{Evidence, Reading, Standing};
use crate::source::key::{LogKey, LogKind};
use crate::source::{FetchError, Fetched, ObjectRef};
use crate::tally::Scanned;

/// A digest: it is no log and counts apart.
pub(super) fn digest(
    decoder: &mut Decoder,
    mut scanned: Scanned,
    object: &ObjectRef,
    fetched: &Result<Fetched, FetchError>,
    reader: &Reader,
) -> Scanned {
    scanned.coverage.objects.listed = 0;
    scanned.coverage.objects.digests = 1;
    let fetched = match fetched {
        Ok(fetched) => fetched,
        // its successor misses it
        Err(FetchError::Gone) => return scanned,
        Err(error) => {
            let standing = Standing::Unread(error.to_string());
            scanned.integrity = reader.nameless(object, standing);
            return scanned;
        }
    };
    scanned.coverage.bytes_stored = fetched.bytes.len() as u64;
    scanned.integrity = opened(reader, decoder, object, fetched);
    scanned
}

/// An object that is only hashed. Its key says what it is; where it says nothing, its content.
pub(super) fn hash(
    decoder: &mut Decoder,
    mut scanned: Scanned,
    object: &ObjectRef,
    fetched: &Fetched,
    reader: Option<&Reader>,
) -> Scanned {
    let is_log = |kind: LogKind| kind != LogKind::Digest;
    let decoded = match object.key.as_ref().map(|key| key.kind) {
        Some(kind) if is_log(kind) => decoder.open(&fetched.bytes).map(|bytes| Decoded {
            inflated: bytes.len() as u64,
            ..Decoded::default()
        }),
        _ => decoder.decode(&fetched.bytes, &mut |_, _| {}),
    };
    if let Some(reader) = reader {
        scanned.integrity = evidence(reader, decoder, object, fetched, &decoded);
    }
    let coverage = &mut scanned.coverage;
    match decoded {
        Ok(decoded) if decoded.content == Content::Log => {
            coverage.objects.read = 1;
            coverage.bytes_inflated = decoded.inflated;
        }
        Ok(decoded) => apart(object, decoded.content, coverage),
        // what cannot be inflated is a matter of the proof
        Err(_) => coverage.objects.read = 1,
    }
    scanned
}

/// The evidence of a log or digest that could not be had. One that is gone is missed by its digest.
pub(super) fn unread(reader: &Reader, object: &ObjectRef, error: &FetchError) -> Option<Evidence> {
    match error {
        FetchError::Gone => None,
        _ if is_digest(object) => reader.nameless(object, Standing::Unread(error.to_string())),
        _ => Some(reader.log(object, Reading::Unread(error.to_string().into()))),
    }
}

/// The evidence of an object that was just decoded.
pub(super) fn evidence(
    reader: &Reader,
    decoder: &mut Decoder,
    object: &ObjectRef,
    fetched: &Fetched,
    decoded: &Result<Decoded, DecodeError>,
) -> Option<Evidence> {
    let is_log = |key: &LogKey| key.kind != LogKind::Digest;
    match decoded.as_ref().map(|decoded| decoded.content) {
        // what lies under a log's key is judged as that log, whatever it holds
        Ok(Content::Digest) if !object.key.as_ref().is_some_and(is_log) => {
            return opened(reader, decoder, object, fetched);
        }
        // records under a digest's key are evaluated, and the digest is none
        Ok(Content::Log) if is_digest(object) => {
            return opened(reader, decoder, object, fetched);
        }
        // what is no log and has no log's name is none of ours
        Ok(Content::Foreign) | Err(_) if object.key.is_none() => return None,
        _ => {}
    }
    let reading = match (decoder.seal(), decoded) {
        (Some(seal), _) => match seal.fault {
            Some(fault) => Reading::Damaged(fault.into()),
            None => Reading::Content(seal.sha256),
        },
        (None, Err(error @ DecodeError::TooLarge { .. })) => {
            Reading::Unread(error.to_string().into())
        }
        (None, Err(error)) => Reading::Damaged(error.to_string().into()),
        (None, Ok(_)) => return None,
    };
    Some(reader.log(object, reading))
}

/// The evidence of a digest.
fn opened(
    reader: &Reader,
    decoder: &mut Decoder,
    object: &ObjectRef,
    fetched: &Fetched,
) -> Option<Evidence> {
    let bytes = decoder.open(&fetched.bytes).map(<[u8]>::to_vec);
    let fault = decoder.seal().and_then(|seal| seal.fault);
    match (bytes, fault) {
        (Ok(bytes), None) => reader.digest(object, &bytes, &fetched.metadata),
        (Ok(_), Some(fault)) => reader.nameless(object, Standing::Bad(fault.to_owned())),
        (Err(error), _) => reader.nameless(object, Standing::Bad(error.to_string())),
    }
}

fn apart(object: &ObjectRef, content: Content, coverage: &mut Coverage) {
    coverage.objects.listed = 0;
    match content {
        Content::Digest => coverage.objects.digests = 1,
        Content::Foreign | Content::Log => coverage.foreign(&object.name),
    }
}
