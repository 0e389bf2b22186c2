//! What an object proves: the evidence of logs and digests, beside whatever else is done with them.

use super::misfiled::Misfiled;
use super::scan;
use crate::coverage::{Coverage, ProblemKind};
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::digest::{Reader, is_digest};
use crate::integrity::{Evidence, Reading, SignatureStatus};
use crate::source::key::{LogKey, LogKind};
use crate::source::{FetchError, Fetched, ObjectRef};
use crate::tally::ObjectScan;

/// A digest: it is no log and counts apart.
pub(super) fn digest(
    decoder: &mut Decoder,
    mut scanned: ObjectScan,
    object: &ObjectRef,
    fetched: &Result<Fetched, FetchError>,
    reader: &Reader,
) -> ObjectScan {
    scanned.coverage.objects.listed = 0;
    scanned.coverage.objects.digests = 1;
    let fetched = match fetched {
        Ok(fetched) => fetched,
        // its successor misses it
        Err(FetchError::Gone) => return scanned,
        Err(error) => {
            let standing = SignatureStatus::Unread(error.to_string());
            scanned.integrity = reader.evidence_from_name(object, standing);
            return scanned;
        }
    };
    scanned.coverage.bytes_stored = fetched.bytes.len() as u64;
    scanned.integrity = opened(reader, decoder, object, fetched);
    scanned
}

/// An object that is only hashed. Its key says what it is; where it says nothing, its content.
pub(super) fn with_sha256(
    decoder: &mut Decoder,
    mut scanned: ObjectScan,
    object: &ObjectRef,
    fetched: &Fetched,
    reader: Option<&Reader>,
) -> ObjectScan {
    let mut misplaced = Misfiled::of(object);
    let decoded = match object.key.as_ref().map(|key| key.kind) {
        Some(LogKind::Log) => decoder.open(&fetched.bytes).map(|bytes| Decoded {
            inflated: bytes.len() as u64,
            ..Decoded::default()
        }),
        _ => decoder.decode(&fetched.bytes, &mut |record, event| {
            misplaced.note(record, event)
        }),
    };
    let misplaced_reason = misplaced.summary();
    if let Some(reader) = reader {
        let misplaced_reason = misplaced_reason.as_deref();
        scanned.integrity = evidence(reader, decoder, object, fetched, &decoded, misplaced_reason);
    }
    let coverage = &mut scanned.coverage;
    if let Some(misplaced_reason) = misplaced_reason {
        coverage.problem(&object.name, ProblemKind::Misplaced, misplaced_reason);
    }
    let holds_records = |decoded: &Decoded| decoded.content == Content::Log;
    if is_digest(object) && decoded.as_ref().is_ok_and(holds_records) {
        let what = "its key is that of a digest, its content is a log";
        coverage.problem(&object.name, ProblemKind::Misplaced, what);
    }
    match decoded {
        Ok(decoded) if decoded.content == Content::Log => {
            coverage.objects.read = 1;
            coverage.bytes_inflated = decoded.inflated;
        }
        Ok(decoded) => {
            scan::note_other_content(object, decoded.content, coverage);
            name_without_digests(reader, scanned.integrity.as_ref(), object, coverage);
        }
        // what cannot be inflated is a matter of the proof, if it is in the proof
        Err(error) if scanned.integrity.is_none() => scan::note_broken(object, &error, coverage),
        Err(_) => coverage.objects.read = 1,
    }
    scanned
}

/// The evidence of a log or digest that could not be read. If a log is gone, its digest shows that.
pub(super) fn unread(reader: &Reader, object: &ObjectRef, error: &FetchError) -> Option<Evidence> {
    match error {
        FetchError::Gone => Some(Evidence::Gone),
        _ if is_digest(object) => {
            reader.evidence_from_name(object, SignatureStatus::Unread(error.to_string()))
        }
        _ => Some(reader.log(object, Reading::Unread(error.to_string().into()), None)),
    }
}

/// The evidence of an object that was just decoded.
pub(super) fn evidence(
    reader: &Reader,
    decoder: &mut Decoder,
    object: &ObjectRef,
    fetched: &Fetched,
    decoded: &Result<Decoded, DecodeError>,
    misplaced_reason: Option<&str>,
) -> Option<Evidence> {
    let is_log = |key: &LogKey| key.kind != LogKind::Digest;
    match decoded.as_ref().map(|decoded| decoded.content) {
        // what lies under a log's key is judged as that log, whatever it holds
        Ok(Content::Digest) if !object.key.as_ref().is_some_and(is_log) => {
            return opened(reader, decoder, object, fetched);
        }
        // what is no log and has no log's name is none of ours
        Ok(Content::Foreign) | Err(_) if !scan::must_be_log(object) && object.key.is_none() => {
            return None;
        }
        _ => {}
    }
    // records under a digest's key are evaluated: what lies there is judged as a log
    let misplaced_reason =
        misplaced_reason.or(is_digest(object).then_some("its key is that of a digest"));
    let reading = match (decoder.seal(), decoded) {
        (Some(seal), _) => match seal.fault {
            Some(fault) => Reading::Damaged(fault.into()),
            None => Reading::Content(seal.sha256),
        },
        (None, Err(error @ DecodeError::TooLarge { .. })) => {
            Reading::Unread(error.to_string().into())
        }
        (None, Err(error)) => Reading::Damaged(error.to_string().into()),
        // what is evaluated and was not hashed must not be missing from the proof
        (None, Ok(_)) => Reading::Unread("its content was not hashed".into()),
    };
    Some(reader.log(object, reading, misplaced_reason.map(Into::into)))
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
        (Ok(_), Some(fault)) => {
            reader.evidence_from_name(object, SignatureStatus::Bad(fault.to_owned()))
        }
        (Err(error), _) => {
            reader.evidence_from_name(object, SignatureStatus::Bad(error.to_string()))
        }
    }
}

/// Names a digest that the proof says nothing of: neither its name nor its content says which hour
/// of which trail it speaks for.
pub(super) fn name_without_digests(
    reader: Option<&Reader>,
    evidence: Option<&Evidence>,
    object: &ObjectRef,
    coverage: &mut Coverage,
) {
    if reader.is_some() && evidence.is_none() && coverage.objects.digests > 0 {
        let what = "its content is that of a digest, its name is not, and it does not say which digest it is: \
                    it was not verified and proves nothing";
        coverage.problem(&object.name, ProblemKind::Misplaced, what);
    }
}
