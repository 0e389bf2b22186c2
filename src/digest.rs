//! Digests: from an object's bytes to what it says of logs, and from all of them to a proof.
//!
//! What comes in are objects as they were fetched, digests with their metadata; what goes out is
//! [`Evidence`] for the tally, and at the end [`judge()`] draws the [`Proof`] from it. The scheme
//! (facts, 3.1 to 3.3): AWS signs, with RSA PKCS#1 v1.5 over SHA-256, four lines: the end of the
//! hour, `bucket/key`, the SHA-256 of the digest, and the signature of the digest before.
//!
//! [`Proof`]: crate::integrity::proof::Proof

mod ask;
mod document;
mod judge;
pub mod key;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::integrity::{Before, Chain, DigestFact, Evidence, Met, Reading, Standing};
use crate::sha256;
use crate::source::key::{DigestName, LogKey, LogKind, from_account, from_file_name};
use crate::source::{Metadata, ObjectRef, Place, Scope};

pub use ask::{AskError, ask};
use document::Document;
pub use judge::{TrailThere, Window, judge};
use key::{Keys, Verdict};

/// The only algorithm AWS has used so far, in the digest and in its metadata.
const ALGORITHM: &str = "SHA256withRSA";

/// Where the objects are that are checked, seen from the digests that name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Where AWS wrote them: bucket and key must be those in the digest.
    InPlace,
    /// A copy, on disk or in an archive bucket: the key must be the same from the account on, and
    /// the bucket that the digest names must be this one, where it is known.
    Copy { bucket: Option<String> },
}

/// Turns objects into evidence.
#[derive(Debug, Clone)]
pub struct Reader {
    pub keys: Keys,
    pub origin: Origin,
    /// Logs that are not of it are left out of what digests name.
    pub scope: Scope,
    /// The accounts and Regions that have digests, where the listing told.
    pub digested: Option<BTreeSet<(String, String)>>,
}

impl Reader {
    /// What the digests call an object.
    pub fn name(&self, object: &ObjectRef) -> String {
        match (&self.origin, &object.place) {
            (Origin::InPlace, Place::S3 { bucket, key }) => format!("{bucket}/{key}"),
            (_, Place::S3 { key, .. }) => tail(key),
            (_, Place::File(path)) => {
                let path = path.to_string_lossy().replace('\\', "/");
                tail(&path)
            }
            (_, Place::Stdin) => object.name.clone(),
        }
    }

    /// What a digest's words for a place are here.
    fn named(&self, bucket: &str, key: &str) -> String {
        match self.origin {
            Origin::InPlace => format!("{bucket}/{key}"),
            Origin::Copy { .. } => tail(key),
        }
    }

    /// The evidence of a log.
    pub fn log(&self, object: &ObjectRef, reading: Reading) -> Evidence {
        if let (Some(digested), Some(key)) = (&self.digested, &object.key) {
            let place = (key.account.clone(), key.region.clone());
            if key.kind == LogKind::Log && !digested.contains(&place) {
                let (account, region) = place;
                return Evidence::Undigested { account, region };
            }
        }
        Evidence::Log {
            name: self.name(object),
            reading,
        }
    }

    /// The evidence of a digest of which only its name can be said. Nothing where that does not say
    /// which chain it belongs to.
    pub fn nameless(&self, object: &ObjectRef, standing: Standing) -> Option<Evidence> {
        let name: Arc<str> = self.name(object).into();
        let own = DigestName::parse(&name)?;
        Some(Evidence::Digest {
            chain: Arc::new(chain(&own)),
            fact: Box::new(DigestFact {
                // an hour each
                start: own.end - 3_600,
                end: own.end,
                bucket: "".into(),
                sha256: [0; 32],
                standing,
                fingerprint: "".into(),
                signature: None,
                before: Before::Unknown,
                written: object.written,
                named: 0,
                met: Met::default(),
            }),
            name: Arc::clone(&name),
            claims: Vec::new(),
        })
    }

    /// The evidence of a digest by its inflated content.
    pub fn digest(
        &self,
        object: &ObjectRef,
        bytes: &[u8],
        metadata: &Metadata,
    ) -> Option<Evidence> {
        let name: Arc<str> = self.name(object).into();
        let bad = |what: String| self.nameless(object, Standing::Bad(what));
        let document = match Document::read(bytes) {
            Ok(document) => document,
            Err(what) => return bad(format!("it is no digest: {what}")),
        };
        let said = self.named(&document.bucket, &document.key);
        let Some(own) = DigestName::parse(&said) else {
            return bad(format!("it says it lies at {said}, where no digest does"));
        };
        let hash = sha256::of(bytes);
        let to_sign = document.string_to_sign(&hash);
        let standing = match self.moved(&name, &said, &document.bucket) {
            Some(moved) => Standing::Bad(moved),
            None => self.standing(&document, &to_sign, metadata),
        };
        let signature = metadata.get("signature");
        let claims = document.logs.iter().filter(|log| {
            let key = LogKey::parse(&log.key);
            self.scope.may_hold(key.as_ref())
        });
        let claims: Vec<_> = claims
            .map(|log| (self.named(&log.bucket, &log.key).into(), log.sha256))
            .collect();
        let unsigned = matches!(standing, Standing::Unsigned(_));
        let before = match &document.previous {
            None => Before::Start,
            Some(previous) => {
                let name = self.named(&previous.bucket, &previous.key);
                Before::Digest(crate::integrity::Previous {
                    end: DigestName::parse(&name).map(|name| name.end),
                    name: name.into(),
                    sha256: previous.sha256,
                    signature: text_hash(&previous.signature),
                    witness: unsigned.then(|| previous.signature.clone().into()),
                })
            }
        };
        Some(Evidence::Digest {
            chain: Arc::new(chain(&own)),
            name,
            fact: Box::new(DigestFact {
                start: document.start,
                end: document.end,
                bucket: document.bucket.as_str().into(),
                sha256: hash,
                standing,
                fingerprint: document.fingerprint.as_str().into(),
                signature: signature.map(|text| text_hash(text)),
                before,
                written: object.written,
                named: u32::try_from(claims.len()).unwrap_or(u32::MAX),
                met: Met::default(),
            }),
            claims,
        })
    }

    /// Why a digest does not lie where it says.
    fn moved(&self, name: &str, said: &str, bucket: &str) -> Option<String> {
        if name != said {
            return Some(format!("it was moved here: it says it lies at {said}"));
        }
        match &self.origin {
            Origin::Copy { bucket: Some(from) } if from != bucket => Some(format!(
                "it is of bucket {bucket}, not of the copied bucket {from}"
            )),
            _ => None,
        }
    }

    /// What its own signature says.
    fn standing(&self, document: &Document, to_sign: &str, metadata: &Metadata) -> Standing {
        let Some(signature) = metadata.get("signature") else {
            return match self.origin {
                // S3 gives the metadata with every object: what AWS wrote has a signature
                Origin::InPlace => Standing::Bad(
                    "its signature is not among its metadata: somebody wrote it anew".to_owned(),
                ),
                Origin::Copy { .. } => Standing::Unsigned(to_sign.into()),
            };
        };
        let algorithm = metadata.get("signature-algorithm").map(String::as_str);
        if document.algorithm != ALGORITHM || algorithm != Some(ALGORITHM) {
            return Standing::Bad(format!(
                "it is signed with {}, by its metadata with {}, and only {ALGORITHM} is known",
                document.algorithm,
                algorithm.unwrap_or("nothing named")
            ));
        }
        match self.keys.verify(&document.fingerprint, to_sign, signature) {
            Verdict::Right => Standing::Signed,
            Verdict::Wrong => Standing::Bad("signature verification failed".to_owned()),
            Verdict::Unusable(what) => Standing::Bad(format!(
                "the key {} cannot be used: {what}",
                document.fingerprint
            )),
            Verdict::NoKey => Standing::NoKey,
        }
    }
}

/// True for an object whose name says that it is a digest.
pub fn is_digest(object: &ObjectRef) -> bool {
    match &object.key {
        Some(key) => key.kind == LogKind::Digest,
        None => DigestName::parse(&object.name).is_some(),
    }
}

/// The key from the account's folder on. A file that was taken out of its folders is called what
/// CloudTrail would call it; anything else keeps its name.
fn tail(key: &str) -> String {
    if let Some(tail) = from_account(key) {
        return tail.to_owned();
    }
    let file = key.rsplit('/').next().unwrap_or(key);
    from_file_name(file).unwrap_or_else(|| key.to_owned())
}

fn chain(name: &DigestName<'_>) -> Chain {
    Chain {
        account: name.account.to_owned(),
        region: name.region.to_owned(),
        trail: name.trail.to_owned(),
        home_region: name.home_region.to_owned(),
        backfill: name.backfill,
    }
}

/// Signatures are compared by the hash of their text, which may be in either case.
fn text_hash(signature: &str) -> [u8; 32] {
    sha256::of(signature.to_ascii_lowercase().as_bytes())
}
