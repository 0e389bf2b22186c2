//! Reading objects, each whole, as stored.
//!
//! All that can pass by itself is tried again here and not by the SDK, which would hide from us
//! that the server asks for less: throttling, timeouts, connections that break, bodies
//! that break off or differ from the announced length. `Content-Encoding` is not looked at:
//! CloudTrail's objects carry it and the bytes are gzip all the same, so the first two bytes decide.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use tokio::time::{Instant, timeout};

use super::concurrency::ConcurrencyLimiter;
use crate::aws::{self, Fault, FaultKind, Getter};
use crate::source::{FetchError, Fetched};

/// How long an object is tried for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts that may fail, the first included.
    pub attempts: u32,
    /// Throttled requests that are tolerated in addition.
    pub slow_downs: u32,
    /// The longest wait before the second attempt; it doubles with every further one.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// How long one attempt at a small object may take, from the request to its last byte.
    pub attempt: Duration,
    /// How long all attempts and the waits between them may take for a small object.
    pub overall: Duration,
    /// Objects of one bucket that may run out of `overall` before the rest of the bucket is not tried any
    /// more; and one more for every so many that were read. A server that sends a byte now and then would
    /// otherwise take `overall` for each object.
    pub most_late: u64,
    pub read_for_one_late: u64,
    /// Bytes a second that a large object must come at: it may take longer by its size.
    pub least_rate: u64,
}

impl Default for RetryPolicy {
    /// About 6 seconds of waits for failures, about a minute and a half for a server that is busy; five
    /// minutes for a small object whatever happens, which half a thousand reads at once on a slow line
    /// stay below.
    fn default() -> Self {
        Self {
            attempts: 6,
            slow_downs: 12,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(15),
            attempt: Duration::from_secs(120),
            overall: Duration::from_secs(300),
            most_late: 64,
            read_for_one_late: 100,
            least_rate: 16 << 10,
        }
    }
}

/// An object as the listing describes it, to compare the response with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListedObject<'t> {
    /// Bytes as stored.
    pub size: Option<u64>,
    /// The ETag, with its quotation marks.
    pub version: Option<&'t str>,
}

/// Reads the objects of some buckets, as many at once as the server bears.
#[derive(Debug)]
pub struct Fetcher {
    buckets: BTreeMap<String, BucketAccess>,
    gate: ConcurrencyLimiter,
    patience: RetryPolicy,
}

/// How the objects of a bucket are asked for.
#[derive(Debug)]
struct BucketAccess {
    getter: Getter,
    kms_key: Option<String>,
    /// Objects that were read, and those that took longer than they may.
    read: AtomicU64,
    late: AtomicU64,
}

impl BucketAccess {
    /// Why no further object is asked for, if that is so.
    fn given_up(&self, patience: &RetryPolicy) -> Option<FetchError> {
        let late = self.late.load(Ordering::Relaxed);
        let tolerated = self.read.load(Ordering::Relaxed) / patience.read_for_one_late.max(1);
        (late >= patience.most_late.saturating_add(tolerated)).then(|| {
            FetchError::Failed(format!(
                "not tried: {late} objects of the bucket were not complete after {} s each, so its server \
                 was given up",
                patience.overall.as_secs_f64()
            ))
        })
    }
}

/// How one bucket is read.
#[derive(Debug, Clone)]
pub struct Access {
    /// A client for the bucket's own Region.
    pub client: Client,
    /// The ARN of the key that the trail encrypts with, if CloudTrail reports it.
    pub kms_key: Option<String>,
}

impl Fetcher {
    /// At most this many objects are read at the same time.
    pub const AT_ONCE: usize = super::concurrency::MAX;

    /// Prepares to read from those buckets, by name.
    pub fn new(buckets: BTreeMap<String, Access>, patience: RetryPolicy) -> Self {
        Self::by(Getter::new, buckets, patience)
    }

    /// The slow twin, which makes every call through the SDK.
    pub fn through_sdk(buckets: BTreeMap<String, Access>, patience: RetryPolicy) -> Self {
        Self::by(Getter::through_sdk, buckets, patience)
    }

    fn by(
        getter: fn(Client, &str) -> Getter,
        buckets: BTreeMap<String, Access>,
        patience: RetryPolicy,
    ) -> Self {
        let way = |(name, access): (String, Access)| {
            let getter = getter(aws::without_retries(&access.client), &name);
            let kms_key = access.kms_key;
            let way = BucketAccess {
                getter,
                kms_key,
                read: AtomicU64::new(0),
                late: AtomicU64::new(0),
            };
            (name, way)
        };
        Self {
            buckets: buckets.into_iter().map(way).collect(),
            gate: ConcurrencyLimiter::default(),
            patience,
        }
    }

    /// How many reads may be under way now: as many as the server bears.
    pub fn immediately(&self) -> usize {
        self.gate.now()
    }

    /// Reads an object of at most `cap` bytes.
    ///
    /// # Errors
    /// [`FetchError::Refused`] says which statement to add; [`FetchError::Archived`] must be
    /// restored first; everything else, after all attempts, is [`FetchError::Failed`].
    pub async fn fetch(
        &self,
        bucket: &str,
        key: &str,
        listed: ListedObject<'_>,
        cap: u64,
    ) -> Result<Fetched, FetchError> {
        let Some(way) = self.buckets.get(bucket) else {
            return Err(FetchError::Failed("no client for its bucket".to_owned()));
        };
        let patience = &self.patience;
        let (mut failed, mut slowed) = (0, 0);
        // without the time that it waits for its turn: others' reads are not its fault
        let mut spent = Duration::ZERO;
        let overall = patience.for_size(patience.overall, listed.size, cap);
        loop {
            let turn = self.gate.turn().await;
            if let Some(given_up) = way.given_up(patience) {
                return Err(given_up);
            }
            let began = Instant::now();
            let allowed = patience.for_size(patience.attempt, listed.size, cap);
            let allowed = allowed.min(overall.saturating_sub(spent));
            let answer = timeout(allowed, once(way, bucket, key, listed, cap)).await;
            spent += began.elapsed();
            let answer = answer.unwrap_or_else(|_elapsed| {
                let seconds = allowed.as_secs_f64();
                let what =
                    format!("it was not complete after {seconds:.1} s: the server is too slow");
                Err(FetchFailure::Transient(what))
            });
            let cause = match answer {
                Ok(fetched) => {
                    turn.on_success();
                    way.read.fetch_add(1, Ordering::Relaxed);
                    return Ok(fetched);
                }
                Err(FetchFailure::Final(error)) => return Err(error),
                Err(FetchFailure::Throttled(cause)) => {
                    turn.on_throttled();
                    slowed += 1;
                    cause
                }
                Err(FetchFailure::Transient(cause)) => {
                    drop(turn);
                    failed += 1;
                    cause
                }
            };
            let attempts = failed + slowed;
            let wait = patience.wait(attempts);
            let late = spent + wait >= overall;
            if failed >= patience.attempts || slowed > patience.slow_downs || late {
                let s = if attempts == 1 { "" } else { "s" };
                let mut what = format!("{cause}; given up after {attempts} attempt{s}");
                if late {
                    way.late.fetch_add(1, Ordering::Relaxed);
                    let _ = write!(what, " and {:.1} s", spent.as_secs_f64());
                }
                return Err(FetchError::Failed(what));
            }
            spent += wait;
            tokio::time::sleep(wait).await;
        }
    }
}

impl RetryPolicy {
    /// A span for small objects, stretched for one of that size at the least rate; of an unknown size
    /// for the largest.
    fn for_size(&self, small: Duration, size: Option<u64>, cap: u64) -> Duration {
        let bytes = size.unwrap_or(cap).min(cap);
        small + Duration::from_secs(bytes / self.least_rate.max(1))
    }

    /// Half of the step to all of it, at random, so that many readers do not come back at once.
    fn wait(&self, attempt: u32) -> Duration {
        let step = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let step = self.first_wait.saturating_mul(step).min(self.longest_wait);
        let random = RandomState::new().hash_one(attempt) % 1000;
        step / 2 + step * u32::try_from(random).unwrap_or(0) / 2000
    }
}

/// Reads a single object of at most `cap` bytes; for many there is [`Fetcher`].
///
/// # Errors
/// As [`Fetcher::fetch`].
pub async fn fetch(
    client: &Client,
    bucket: &str,
    key: &str,
    cap: u64,
) -> Result<Fetched, FetchError> {
    let access = Access {
        client: client.clone(),
        kms_key: None,
    };
    let fetcher = Fetcher::new([(bucket.to_owned(), access)].into(), RetryPolicy::default());
    fetcher
        .fetch(bucket, key, ListedObject::default(), cap)
        .await
}

/// What stands between us and an object.
enum FetchFailure {
    Final(FetchError),
    /// The server asks for fewer requests.
    Throttled(String),
    /// Worth another attempt.
    Transient(String),
}

async fn once(
    way: &BucketAccess,
    bucket: &str,
    key: &str,
    listed: ListedObject<'_>,
    cap: u64,
) -> Result<Fetched, FetchFailure> {
    let mut got = way.getter.get(key).await.map_err(|refusal| {
        let region = way.getter.client().config().region();
        let arn = format!("arn:{}:s3:::{bucket}/*", aws::partition(region));
        let key = way.kms_key.as_deref();
        trouble(&refusal.fault, refusal.archived, &arn, key)
    })?;
    let too_large = || {
        let what = format!("larger than {cap} bytes: no log file is");
        FetchFailure::Final(FetchError::Failed(what))
    };
    let announced = got.length;
    // a body that is larger than listed was replaced, whatever else it is: no more of it is read
    let most = listed.size.map_or(cap, |size| size.min(cap));
    if announced.is_some_and(|announced| announced > cap) {
        return Err(too_large());
    }
    if let (Some(size), Some(announced)) = (listed.size, announced)
        && announced > size
    {
        return Err(other_size(&announced.to_string(), size));
    }
    let capacity = announced.unwrap_or(0).min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or(0));
    loop {
        match got.body.next().await {
            Some(Ok(chunk)) => {
                let chunk = chunk.as_ref();
                if (bytes.len() + chunk.len()) as u64 > most {
                    return Err(match listed.size {
                        Some(size) if size < cap => other_size(&format!("more than {size}"), size),
                        _ => too_large(),
                    });
                }
                bytes.extend_from_slice(chunk);
            }
            Some(Err(error)) => {
                let what = format!("its body broke off after {} bytes ({error})", bytes.len());
                return Err(FetchFailure::Transient(what));
            }
            None => break,
        }
    }
    let length = bytes.len() as u64;
    if let Some(announced) = announced.filter(|announced| *announced != length) {
        let what = format!("its body had {length} bytes instead of {announced}");
        return Err(FetchFailure::Transient(what));
    }
    if let Some(size) = listed.size.filter(|size| *size != length) {
        return Err(other_size(&length.to_string(), size));
    }
    // only an ETag is compared: a listing without one tells the time of writing in its place
    let tag_listed = listed.version.filter(|version| version.starts_with('"'));
    if let (Some(listed), Some(tag)) = (tag_listed, got.tag.as_deref())
        && listed != tag
    {
        let what = format!("its ETag was {tag} and the listing said {listed}: replaced since");
        return Err(FetchFailure::Transient(what));
    }
    let metadata = got.metadata;
    Ok(Fetched { bytes, metadata })
}

/// An object of another size than the listing's.
fn other_size(length: &str, listed: u64) -> FetchFailure {
    FetchFailure::Transient(format!(
        "it had {length} bytes and the listing said {listed}: cut or replaced"
    ))
}

/// Says what a refused or failed call means for the object.
fn trouble(
    fault: &Fault,
    archived: Option<String>,
    objects: &str,
    trail_key: Option<&str>,
) -> FetchFailure {
    FetchFailure::Final(match fault.kind {
        _ if archived.is_some() || fault.code == "InvalidObjectState" => {
            FetchError::Archived(archived.unwrap_or_else(|| "ARCHIVE".to_owned()))
        }
        // a connection is an open file: where no more may be open, fewer reads at once help
        FaultKind::Transient
            if fault.asks_for_less() || fault.message.contains("Too many open files") =>
        {
            return FetchFailure::Throttled(fault.to_string());
        }
        FaultKind::Transient => return FetchFailure::Transient(fault.to_string()),
        FaultKind::Denied if names_kms(&fault.message) => FetchError::Refused(format!(
            "it is encrypted with a KMS key that may not be used: allow {} here and in the key's \
             policy (AWS: {fault})",
            statement(
                "kms:Decrypt",
                kms_key(&fault.message)
                    .or(trail_key)
                    .unwrap_or("TRAIL-KEY-ARN")
            )
        )),
        // without s3:ListBucket S3 answers so for a missing object, too: it says nothing of deletion
        FaultKind::Denied => FetchError::Refused(format!(
            "reading was refused: allow {} here and, in another account, in the bucket's policy \
             (AWS: {fault})",
            statement("s3:GetObject", objects)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn s3_error(kind: FaultKind, code: &str, message: &str) -> FetchError {
        let fault = Fault {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        };
        match trouble(&fault, None, "arn:aws-us-gov:s3:::logs/*", None) {
            FetchFailure::Final(error) => error,
            FetchFailure::Throttled(what) | FetchFailure::Transient(what) => {
                panic!("retried: {what}")
            }
        }
    }

    #[test]
    fn a_refusal_by_kms_asks_for_the_key_and_one_by_s3_for_the_object() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let message = format!(
            "User: arn:aws:iam::111122223333:user/auditor is not authorized to perform: \
             kms:Decrypt on resource: {arn} because no identity-based policy allows it"
        );
        let FetchError::Refused(what) = s3_error(FaultKind::Denied, "AccessDenied", &message)
        else {
            panic!("no refusal");
        };
        assert!(what.contains("kms:Decrypt") && what.contains(&format!(r#""Resource":"{arn}""#)));

        let message = "The ciphertext refers to a customer master key that does not exist";
        let FetchError::Refused(what) = s3_error(FaultKind::Denied, "AccessDenied", message) else {
            panic!("no refusal");
        };
        assert!(what.contains(r#""Action":"kms:Decrypt","Resource":"TRAIL-KEY-ARN""#));

        let FetchError::Refused(what) =
            s3_error(FaultKind::Denied, "AccessDenied", "Access Denied")
        else {
            panic!("no refusal");
        };
        assert!(what.contains(r#""s3:GetObject","Resource":"arn:aws-us-gov:s3:::logs/*""#));
        assert!(!what.contains("kms") && !what.contains("deleted"));
    }

    #[test]
    fn only_a_missing_key_is_called_deleted() {
        let gone = s3_error(FaultKind::Other, "NoSuchKey", "");
        assert!(matches!(gone, FetchError::Gone));
        assert_eq!(gone.to_string(), "deleted between listing and reading");
        let disabled = s3_error(FaultKind::Other, "KMS.DisabledException", "is disabled");
        assert!(matches!(disabled, FetchError::Failed(what) if what.contains("KMS key")));
    }

    #[test]
    fn waits_grow_and_stay_within_their_step() {
        let patience = RetryPolicy::default();
        for (attempt, step) in [(1, 200), (2, 400), (12, 15_000), (99, 15_000)] {
            let wait = patience.wait(attempt).as_millis();
            assert!((step / 2..=step).contains(&wait), "{attempt}: {wait} ms");
        }
    }
}
