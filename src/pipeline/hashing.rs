//! Objects of which no record is evaluated: digests, and logs that are only compared with them.

use super::misfiled::Misfiled;
use super::object_coverage::{note_broken, note_other_content};
use crate::coverage::{Coverage, ProblemKind};
use crate::decode::{Content, Decoded, Decoder};
use crate::digest::{Reader, is_digest};
use crate::integrity::{Evidence, SignatureStatus};
use crate::source::key::LogKind;
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
    scanned.integrity = reader.digest_evidence(object, fetched, decoder);
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
    let mut misfiled = Misfiled::of(object);
    let decoded = match object.key.as_ref().map(|key| key.kind) {
        Some(LogKind::Log) => decoder.open(&fetched.bytes).map(|bytes| Decoded {
            inflated: bytes.len() as u64,
            ..Decoded::default()
        }),
        _ => decoder.decode(&fetched.bytes, &mut |record, event| {
            misfiled.note(record, event)
        }),
    };
    let misplaced = misfiled.summary();
    if let Some(reader) = reader {
        let misplaced = misplaced.as_deref();
        scanned.integrity = reader.evidence(object, fetched, decoder, &decoded, misplaced);
    }
    let coverage = &mut scanned.coverage;
    if let Some(misplaced) = misplaced {
        coverage.problem(&object.name, ProblemKind::Misplaced, misplaced);
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
            note_other_content(object, decoded.content, coverage);
            name_without_digests(reader, scanned.integrity.as_ref(), object, coverage);
        }
        // what cannot be inflated is a matter of the proof, if it is in the proof
        Err(error) if scanned.integrity.is_none() => note_broken(object, &error, coverage),
        Err(_) => coverage.objects.read = 1,
    }
    scanned
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
