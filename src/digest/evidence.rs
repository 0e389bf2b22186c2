//! What one object proves: from its bytes, or from the lack of them, to the evidence.

use super::{Reader, is_digest};
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::integrity::{Evidence, Reading, SignatureStatus};
use crate::source::key::{LogKey, LogKind};
use crate::source::{FetchError, Fetched, ObjectRef};

impl Reader {
    /// The evidence of a log or digest that could not be read. If a log is gone, its digest shows that.
    pub fn unread(&self, object: &ObjectRef, error: &FetchError) -> Option<Evidence> {
        match error {
            FetchError::Gone => Some(Evidence::Gone),
            _ if is_digest(object) => {
                self.evidence_from_name(object, SignatureStatus::Unread(error.to_string()))
            }
            _ => Some(self.log(object, Reading::Unread(error.to_string().into()), None)),
        }
    }

    /// The evidence of an object that `decoder` has just read with this result; `misplaced` says in what its
    /// records do not belong where they are. `None` if it is neither a log nor a digest.
    pub fn evidence(
        &self,
        object: &ObjectRef,
        fetched: &Fetched,
        decoder: &mut Decoder,
        decoded: &Result<Decoded, DecodeError>,
        misplaced: Option<&str>,
    ) -> Option<Evidence> {
        let is_log = |key: &LogKey| key.kind != LogKind::Digest;
        match decoded.as_ref().map(|decoded| decoded.content) {
            // what lies under a log's key is judged as that log, whatever it holds
            Ok(Content::Digest) if !object.key.as_ref().is_some_and(is_log) => {
                return self.digest_evidence(object, fetched, decoder);
            }
            // what is no log and has no log's name is none of ours
            Ok(Content::Foreign) | Err(_) if !object.must_be_log() && object.key.is_none() => {
                return None;
            }
            _ => {}
        }
        // records under a digest's key are evaluated: what lies there is judged as a log
        let misplaced = misplaced.or(is_digest(object).then_some("its key is that of a digest"));
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
        Some(self.log(object, reading, misplaced.map(Into::into)))
    }

    /// The evidence of a digest.
    pub fn digest_evidence(
        &self,
        object: &ObjectRef,
        fetched: &Fetched,
        decoder: &mut Decoder,
    ) -> Option<Evidence> {
        let bytes = decoder.open(&fetched.bytes).map(<[u8]>::to_vec);
        let fault = decoder.seal().and_then(|seal| seal.fault);
        match (bytes, fault) {
            (Ok(bytes), None) => self.digest(object, &bytes, &fetched.metadata),
            (Ok(_), Some(fault)) => {
                self.evidence_from_name(object, SignatureStatus::Bad(fault.to_owned()))
            }
            (Err(error), _) => {
                self.evidence_from_name(object, SignatureStatus::Bad(error.to_string()))
            }
        }
    }
}
