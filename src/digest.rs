//! Digests: from an object's bytes to what it says of logs, and from all of them to a proof.
//!
//! What comes in are objects as they were fetched, digests with their metadata; what goes out is
//! [`Evidence`] for the tally, and at the end [`build_proof`] draws the [`Proof`] from it. The scheme
//! ([custom validation](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html)):
//! AWS signs, with RSA PKCS#1 v1.5 over SHA-256, four lines: the end of the
//! hour, `bucket/key`, the SHA-256 of the digest, and the signature of the digest before.
//!
//! [`Proof`]: crate::integrity::proof::Proof

mod document;
mod evidence;
mod hours;
pub mod key;
mod proof;
mod public_keys;
mod validity;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::integrity::{
    Chain, DigestFact, Evidence, Naming, PreviousDigest, Reading, SignatureStatus,
};
use crate::sha256;
use crate::source::key::{DigestName, Location, LogKey, LogKind};
use crate::source::{Metadata, ObjectLocation, ObjectRef, Scope};

use document::Document;
pub use hours::add_proven_hours;
use key::{Keys, Verdict};
pub use proof::{RegionalTrail, Window, build_proof};
pub use public_keys::{AskError, ask};
pub use validity::{Validity, valid};

/// The only algorithm AWS has used so far, in the digest and in its metadata.
const ALGORITHM: &str = "SHA256withRSA";

/// Where the objects are that are checked, seen from the digests that name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Where AWS wrote them: bucket and key must be those in the digest.
    InPlace,
    /// A copy, on disk or in an archive bucket: the key must be the same from the account on (from
    /// `AWSLogs` on, if the path shows it), and the bucket that the digest names must be this one, if
    /// it is known. What a digest names is looked for only where it lies itself: of two copies in one
    /// folder, neither stands for the other.
    Copy { bucket: Option<String> },
}

/// Turns objects into evidence.
#[derive(Debug, Clone)]
pub struct Reader {
    pub keys: Keys,
    pub origin: Origin,
    /// Logs that are not of it are left out of what digests name.
    pub scope: Scope,
    /// The accounts and Regions that have digests, if the listing says.
    pub digested: Option<BTreeSet<(String, String)>>,
}

impl Reader {
    /// Where an object lies, in the names of this proof.
    fn location(&self, object: &ObjectRef) -> Location {
        let whole = |key: &str| Location {
            front: String::new(),
            tail: key.to_owned(),
        };
        let path = match (&self.origin, &object.place) {
            (Origin::InPlace, ObjectLocation::S3 { bucket, key }) => {
                let name = format!("{bucket}/{key}");
                return Location::of(&name)
                    .filter(|at| name.ends_with(&at.tail))
                    .unwrap_or_else(|| whole(&name));
            }
            (_, ObjectLocation::S3 { key, .. }) => key,
            (_, ObjectLocation::File(_) | ObjectLocation::Stdin) => &object.name,
        };
        let path = path.replace('\\', "/");
        if LogKey::parse(&path).is_none()
            && let ObjectLocation::File(file) = &object.place
            && LogKey::parse(&file.to_string_lossy()).is_some()
            && let Some(at) = Location::of(&file.to_string_lossy().replace('\\', "/"))
        {
            // the root of the copy lies within the account: nothing below it has another front
            return whole(&at.tail);
        }
        Location::of(&path).unwrap_or_else(|| whole(&path))
    }

    /// What the digests call an object.
    pub fn name(&self, object: &ObjectRef) -> String {
        let at = self.location(object);
        at.front + &at.tail
    }

    /// The name of what a digest, which lies at `at`, says is in that bucket under that key.
    fn named(&self, at: &Location, digest: &Document, bucket: &str, key: &str) -> String {
        if self.origin == Origin::InPlace {
            return format!("{bucket}/{key}");
        }
        let Some(target) = Location::of(key) else {
            return format!("s3://{bucket}/{key}");
        };
        let own = Location::of(&digest.key)
            .map(|own| own.front)
            .unwrap_or_default();
        let same_bucket = bucket == digest.bucket;
        if same_bucket && target.front == own {
            return at.front.clone() + &target.tail;
        }
        // the folder that holds the bucket, if the path shows the whole key
        let whole = |base: &&str| base.is_empty() || base.ends_with('/');
        if let Some(base) = at.front.strip_suffix(&own).filter(whole) {
            if same_bucket {
                return format!("{base}{key}");
            }
            // buckets copied side by side, each below its own name
            let beside = base.strip_suffix(&format!("{}/", digest.bucket));
            if let Some(above) = beside.filter(whole) {
                return format!("{above}{bucket}/{key}");
            }
        }
        match target.front == own {
            // buckets copied into one another
            true => at.front.clone() + &target.tail,
            false => format!("s3://{bucket}/{key}"),
        }
    }

    /// The evidence of a log. `misplaced_reason` says which of its records do not belong into its folder.
    pub fn log(
        &self,
        object: &ObjectRef,
        reading: Reading,
        misplaced_reason: Option<Box<str>>,
    ) -> Evidence {
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
            misplaced_reason,
        }
    }

    /// The evidence of a digest of which only its name can be said. `None` if that does not say
    /// which chain it belongs to.
    pub fn evidence_from_name(
        &self,
        object: &ObjectRef,
        standing: SignatureStatus,
    ) -> Option<Evidence> {
        let at = self.location(object);
        let name: Arc<str> = format!("{}{}", at.front, at.tail).into();
        let own = DigestName::parse(&name)?;
        Some(Evidence::Digest {
            chain: Arc::new(chain(&own, &at, String::new())),
            fact: Box::new(DigestFact {
                // an hour each
                start: own.end - crate::event::time::HOUR,
                end: own.end,
                bucket: "".into(),
                sha256: [0; 32],
                standing,
                fingerprint: "".into(),
                signature: None,
                before: PreviousDigest::Unknown,
                written: object.written,
                named: 0,
                matching: 0,
                kinds: BTreeSet::new(),
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
        let at = self.location(object);
        let name: Arc<str> = format!("{}{}", at.front, at.tail).into();
        let bad = |what: String| self.evidence_from_name(object, SignatureStatus::Bad(what));
        let document = match Document::read(bytes) {
            Ok(document) => document,
            Err(what) => return bad(format!("it is not a digest: {what}")),
        };
        let said = format!("{}/{}", document.bucket, document.key);
        if DigestName::parse(&said).is_none() {
            return bad(format!("it says it lies at {said}, where no digest does"));
        }
        let own = DigestName::parse(&name).or_else(|| DigestName::parse(&said))?;
        let hash = sha256::of(bytes);
        let to_sign = document.string_to_sign(&hash);
        let standing = match self.moved(&at, &name, &own, &document) {
            Some(moved) => SignatureStatus::Bad(moved),
            None => self.signature_status(&document, &to_sign, metadata),
        };
        let signature = metadata.get("signature");
        let named = |bucket: &str, key: &str| self.named(&at, &document, bucket, key).into();
        let elsewhere =
            |bucket: &str| (bucket != document.bucket).then(|| Box::<str>::from(bucket));
        let mut kinds = BTreeSet::new();
        let mut claims = Vec::new();
        for log in &document.logs {
            let key = LogKey::parse(&log.key);
            kinds.extend(key.iter().map(|key| key.kind.folder()));
            if self.scope.may_hold(key.as_ref()) {
                claims.push(Naming {
                    log: named(&log.bucket, &log.key),
                    sha256: log.sha256,
                    elsewhere: elsewhere(&log.bucket),
                });
            }
        }
        kinds.remove(LogKind::Log.folder());
        let unsigned = matches!(standing, SignatureStatus::Unsigned(_));
        let before = match &document.previous {
            None => PreviousDigest::Start,
            Some(previous) => PreviousDigest::Digest(crate::integrity::Previous {
                end: DigestName::parse(&previous.key).map(|name| name.end),
                name: named(&previous.bucket, &previous.key),
                elsewhere: elsewhere(&previous.bucket),
                sha256: previous.sha256,
                signature: text_hash(&previous.signature),
                witness: unsigned.then(|| previous.signature.clone().into()),
            }),
        };
        let origin = match self.origin {
            Origin::InPlace => String::new(),
            Origin::Copy { .. } => {
                let front = Location::of(&document.key).map(|own| own.front);
                format!("{}/{}", document.bucket, front.unwrap_or_default())
            }
        };
        Some(Evidence::Digest {
            chain: Arc::new(chain(&own, &at, origin)),
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
                matching: 0,
                kinds,
            }),
            name: Arc::clone(&name),
            claims,
        })
    }

    /// Why a digest does not lie where it says, or is not of the account it says.
    fn moved(
        &self,
        at: &Location,
        name: &str,
        own: &DigestName<'_>,
        document: &Document,
    ) -> Option<String> {
        let (bucket, key) = (&document.bucket, &document.key);
        let moved = match (&self.origin, Location::of(key)) {
            (Origin::InPlace, _) => name != format!("{bucket}/{key}"),
            (Origin::Copy { .. }, None) => true,
            (Origin::Copy { .. }, Some(said)) => {
                let layouts = at.layout().zip(said.layout());
                at.tail != said.tail || layouts.is_some_and(|(here, said)| here != said)
            }
        };
        if moved {
            return Some(format!(
                "it was moved here: it says it lies at {bucket}/{key}"
            ));
        }
        if let Some(account) = document
            .account
            .as_deref()
            .filter(|said| *said != own.account)
        {
            return Some(format!("it says it is of account {account}"));
        }
        match &self.origin {
            Origin::Copy { bucket: Some(from) } if from != bucket => Some(format!(
                "it is of bucket {bucket}, not of the copied bucket {from}"
            )),
            _ => None,
        }
    }

    /// What its own signature says.
    fn signature_status(
        &self,
        document: &Document,
        to_sign: &str,
        metadata: &Metadata,
    ) -> SignatureStatus {
        let Some(signature) = metadata.get("signature") else {
            return match self.origin {
                // S3 gives the metadata with every object: what AWS wrote has a signature
                Origin::InPlace => SignatureStatus::Bad(
                    "its signature is not among its metadata: somebody rewrote it".to_owned(),
                ),
                Origin::Copy { .. } => SignatureStatus::Unsigned(to_sign.into()),
            };
        };
        let algorithm = metadata.get("signature-algorithm").map(String::as_str);
        if document.algorithm != ALGORITHM || algorithm != Some(ALGORITHM) {
            return SignatureStatus::Bad(format!(
                "it is signed with {}, by its metadata with {}, and only {ALGORITHM} is known",
                document.algorithm,
                algorithm.unwrap_or("nothing named")
            ));
        }
        match self.keys.verify(&document.fingerprint, to_sign, signature) {
            Verdict::Right => SignatureStatus::Signed,
            Verdict::Wrong => SignatureStatus::Bad("signature verification failed".to_owned()),
            Verdict::Unusable(what) => SignatureStatus::Bad(format!(
                "the key {} cannot be used: {what}",
                document.fingerprint
            )),
            Verdict::NoKey => SignatureStatus::NoKey,
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

fn chain(name: &DigestName<'_>, at: &Location, origin: String) -> Chain {
    Chain {
        account: name.account.to_owned(),
        region: name.region.to_owned(),
        trail: name.trail.to_owned(),
        home_region: name.home_region.to_owned(),
        backfill: name.backfill,
        place: at.front.clone(),
        origin,
    }
}

/// Signatures are compared by the hash of their text, which may be in either case.
fn text_hash(signature: &str) -> [u8; 32] {
    sha256::of(signature.to_ascii_lowercase().as_bytes())
}
