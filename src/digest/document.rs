//! One digest's own words ([digest file structure](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html)).
//! Fields that are not known are passed over; those that the
//! proof rests on must be there and must be what they are.

use serde::Deserialize;

use crate::event::time::{self, Epoch};
use crate::integrity::Hash;
use crate::sha256;

/// The only hash AWS has used so far.
const HASH: &str = "SHA-256";

/// A digest, read.
#[derive(Debug)]
pub(super) struct Document {
    /// The account it says it is of.
    pub(super) account: Option<String>,
    pub(super) start: Epoch,
    pub(super) end: Epoch,
    /// The end as the digest writes it: signed letter by letter.
    end_text: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) fingerprint: String,
    pub(super) algorithm: String,
    /// Nothing in the first digest of a chain.
    pub(super) previous: Option<Previous>,
    pub(super) logs: Vec<Log>,
}

/// The digest before.
#[derive(Debug)]
pub(super) struct Previous {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) sha256: Hash,
    pub(super) signature: String,
}

/// A log that the digest names.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) sha256: Hash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDigest {
    aws_account_id: Option<String>,
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    key: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object")]
    previous_key: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Vec<WrittenLog>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLog {
    #[serde(rename = "s3Bucket")]
    bucket: String,
    #[serde(rename = "s3Object")]
    key: String,
    hash_value: String,
    hash_algorithm: String,
}

impl Document {
    /// Reads a digest.
    ///
    /// # Errors
    /// Says what is missing or makes no sense.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let written: RawDigest =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let at = |text: &str| time::parse(text).ok_or_else(|| format!("`{text}` is not a time"));
        let start = at(&written.digest_start_time)?;
        let end = at(&written.digest_end_time)?;
        if start >= end {
            return Err(format!(
                "it begins at {} and ends at {}",
                written.digest_start_time, written.digest_end_time
            ));
        }
        let previous = match (
            written.previous_bucket,
            written.previous_key,
            written.previous_digest_hash_value,
            written.previous_digest_hash_algorithm,
            written.previous_digest_signature,
        ) {
            (None, None, None, None, None) => None,
            (Some(bucket), Some(key), Some(value), Some(algorithm), Some(signature)) => {
                Some(Previous {
                    bucket,
                    key,
                    sha256: hash(&value, &algorithm)?,
                    signature,
                })
            }
            _ => return Err("it describes the digest before it only in part".to_owned()),
        };
        let logs = written.log_files.into_iter().map(|log| {
            Ok(Log {
                sha256: hash(&log.hash_value, &log.hash_algorithm)?,
                bucket: log.bucket,
                key: log.key,
            })
        });
        Ok(Self {
            account: written.aws_account_id,
            start,
            end,
            end_text: written.digest_end_time,
            bucket: written.bucket,
            key: written.key,
            fingerprint: written.digest_public_key_fingerprint,
            algorithm: written.digest_signature_algorithm,
            previous,
            logs: logs.collect::<Result<_, String>>()?,
        })
    }

    /// What AWS signs ([custom validation](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html));
    /// `hash` is that of the digest's inflated bytes.
    pub(super) fn string_to_sign(&self, hash: &Hash) -> String {
        let previous = self.previous.as_ref();
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.end_text,
            self.bucket,
            self.key,
            sha256::written(hash),
            previous.map_or("null", |previous| &previous.signature)
        )
    }
}

fn hash(value: &str, algorithm: &str) -> Result<Hash, String> {
    if algorithm != HASH {
        return Err(format!(
            "it hashes with {algorithm}, and only {HASH} is known"
        ));
    }
    sha256::read(value)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| format!("`{value}` is not a SHA-256 hash"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample in AWS's description of the digest file, shortened to one log.
    const SAMPLE: &str = r#"{
        "awsAccountId": "111122223333",
        "digestStartTime": "2015-08-17T14:01:31Z", "digestEndTime": "2015-08-17T15:01:31Z",
        "digestS3Bucket": "amzn-s3-demo-bucket",
        "digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz",
        "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2015-08-17T14:52:27Z", "oldestEventTime": "2015-08-17T14:42:27Z",
        "previousDigestS3Bucket": "amzn-s3-demo-bucket",
        "previousDigestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T140131Z.json.gz",
        "previousDigestHashValue": "97fb791cf91ffc440d274f8190dbdd9aa09c34432aba82739df18b6d3c13df2d",
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": "50887ccffad4c002b97caa37cc9dc626",
        "logFiles": [{
            "s3Bucket": "amzn-s3-demo-bucket",
            "s3Object": "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/111122223333_CloudTrail_us-east-2_20150817T1445Z_9nYN7gp2eWAJHIfT.json.gz",
            "hashValue": "9bb6196fc6b84d6f075a56548feca262bd99ba3c2de41b618e5b6e22c1fc71f6",
            "hashAlgorithm": "SHA-256",
            "newestEventTime": "2015-08-17T14:52:27Z", "oldestEventTime": "2015-08-17T14:42:27Z"
        }]
    }"#;

    #[test]
    fn awss_sample_is_read_and_signed_letter_by_letter() {
        let sample = Document::read(SAMPLE.as_bytes()).unwrap();
        assert_eq!(sample.end - sample.start, 3_600);
        assert_eq!(sample.logs.len(), 1);
        let signed = sample.string_to_sign(&[0; 32]);
        let lines: Vec<&str> = signed.split('\n').collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "2015-08-17T15:01:31Z");
        assert!(
            lines[1].starts_with("amzn-s3-demo-bucket/AWSLogs/111122223333/CloudTrail-Digest/")
        );
        assert_eq!(lines[2], "0".repeat(64));
        assert_eq!(lines[3], "50887ccffad4c002b97caa37cc9dc626");
    }

    #[test]
    fn the_first_digest_signs_the_word_null() {
        let mut first: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
        for (key, value) in first.as_object_mut().unwrap() {
            if key.starts_with("previous") {
                *value = serde_json::Value::Null;
            }
        }
        let first = Document::read(first.to_string().as_bytes()).unwrap();
        assert!(first.previous.is_none());
        assert!(first.string_to_sign(&[0; 32]).ends_with("\nnull"));
    }

    #[test]
    fn what_the_proof_rests_on_must_be_there() {
        let broken = |from: &str, to: &str| {
            assert!(SAMPLE.contains(from), "{from}");
            Document::read(SAMPLE.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        assert!(broken("digestS3Object", "other").contains("digestS3Object"));
        assert!(broken("\"logFiles\"", "\"other\"").contains("logFiles"));
        assert!(broken("\"SHA-256\"", "\"MD5\"").contains("MD5"));
        assert!(broken("97fb79", "97fb").contains("SHA-256"));
        assert!(broken("9bb619", "xxxxxx").contains("SHA-256"));
        assert!(broken("\"previousDigestSignature\"", "\"x\"").contains("in part"));
        assert!(broken("T14:01:31Z", "T25:01:31Z").contains("not a time"));
        assert!(broken("T14:01:31Z", "T15:01:31Z").contains("begins"));
        assert!(broken("{", "").contains("line 2"), "not even JSON");
    }
}
