//! Writes logs and digests as CloudTrail does, signed with a throw-away key: hour after hour, with
//! the object's metadata in a file beside each digest. Tests damage what it wrote.
//!
//! The two keys beside this file were made for these tests and sign nothing else.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use chrono::{DateTime, Duration, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use trailscan::sha256;
use trailscan::source::{Scope, local};

/// The bucket that the digests name.
pub const BUCKET: &str = "trail-logs";

/// The six hours that [`Writer::hours`] writes first.
pub const WINDOW: [&str; 4] = [
    "--since",
    "2026-11-20T00:17:28Z",
    "--until",
    "2026-11-20T06:17:28Z",
];

/// A key that signs digests.
pub struct Signer(RsaKeyPair);

impl Signer {
    pub fn new() -> Self {
        let key = RsaKeyPair::from_pkcs8(include_bytes!("test-only-key.pk8"));
        Self(key.unwrap())
    }

    /// Another key than AWS's, so to speak.
    pub fn other() -> Self {
        let key = RsaKeyPair::from_pkcs8(include_bytes!("test-only-other-key.pk8"));
        Self(key.unwrap())
    }

    pub fn pkcs1(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    /// The same key as a SubjectPublicKeyInfo, as one of AWS's documented keys is.
    pub fn spki(&self) -> Vec<u8> {
        let key = self.pkcs1();
        let length = u16::try_from(key.len() + 1).unwrap().to_be_bytes();
        let bits = [&[0x03, 0x82], &length[..], &[0], &key].concat();
        let algorithm = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
            0x00,
        ];
        let inside = [&algorithm[..], &bits].concat();
        let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82], &length[..], &inside].concat()
    }

    pub fn fingerprint(&self) -> String {
        sha256::written(&Md5::digest(self.pkcs1()))
    }

    pub fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .unwrap();
        sha256::written(&signature)
    }
}

/// A key file with that label on that key.
pub fn key_file(fingerprint: &str, der: &[u8]) -> Value {
    json!({"PublicKeyList": [{
        "Value": base64::engine::general_purpose::STANDARD.encode(der),
        "Fingerprint": fingerprint,
        "ValidityStartTime": 1_760_000_000, "ValidityEndTime": "2033-05-18T03:33:19Z",
    }]})
}

/// One digest and where its logs are, as keys.
#[derive(Debug, Clone)]
pub struct Hour {
    pub digest: String,
    pub bucket: String,
    pub logs: Vec<String>,
    pub signature: String,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    sha256: String,
}

/// A trail as it writes.
pub struct Writer {
    root: PathBuf,
    pub signer: Signer,
    pub account: &'static str,
    pub region: &'static str,
    pub trail: &'static str,
    /// The account that its digests say they are of, if it is not theirs.
    pub said_account: Option<&'static str>,
    pub bucket: String,
    /// What stands before the account in its keys.
    pub front: String,
    now: DateTime<Utc>,
    files: u32,
    previous: Option<Hour>,
    pub hours: Vec<Hour>,
}

impl Writer {
    /// A trail that begins on 2026-11-20 at 00:17:28 to write below that folder.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            signer: Signer::new(),
            account: "111122223333",
            region: "us-east-1",
            trail: "main_trail",
            said_account: None,
            bucket: BUCKET.to_owned(),
            front: "AWSLogs/".to_owned(),
            now: "2026-11-20T00:17:28Z".parse().unwrap(),
            files: 0,
            previous: None,
            hours: Vec::new(),
        }
    }

    /// The same trail as it goes on below another folder.
    pub fn following(root: &Path, before: &Self) -> Self {
        Self {
            now: before.now,
            files: before.files,
            previous: before.previous.clone(),
            ..Self::new(root)
        }
    }

    /// The plain case: so many hours with three logs each.
    pub fn hours(root: &Path, hours: usize) -> Self {
        let mut writer = Self::new(root);
        for _ in 0..hours {
            writer.hour(3);
        }
        writer
    }

    /// Where a key is on disk.
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    pub fn log_path(&self, hour: usize, log: usize) -> PathBuf {
        self.path(&self.hours[hour].logs[log])
    }

    pub fn digest_path(&self, hour: usize) -> PathBuf {
        self.path(&self.hours[hour].digest)
    }

    /// Where the metadata of a digest is.
    pub fn side_path(&self, hour: usize) -> PathBuf {
        side(&self.digest_path(hour))
    }

    /// An hour with so many logs and its digest.
    pub fn hour(&mut self, logs: u32) {
        let (start, end) = (self.now, self.now + Duration::hours(1));
        let logs: Vec<_> = (0..logs)
            .map(|n| self.log(start + Duration::minutes(5 * i64::from(n % 12) + 3)))
            .collect();
        self.digest(start, end, &logs, None);
        self.now = end;
    }

    /// Time goes by without anything being written.
    pub fn skip(&mut self, hours: i64) {
        self.now += Duration::hours(hours);
    }

    /// The moment that the next hour begins.
    pub fn start_at(&mut self, at: &str) {
        self.now = at.parse().unwrap();
    }

    /// The next digest is the first of a new chain.
    pub fn restart(&mut self) {
        self.previous = None;
    }

    /// A log that was delivered then: its key and the hash of its content.
    pub fn log(&mut self, at: DateTime<Utc>) -> (String, String) {
        let record = self.record(at);
        self.file("CloudTrail", at, &record)
    }

    /// The record that the next log holds.
    pub fn record(&self, at: DateTime<Utc>) -> Value {
        let (account, region) = (self.account, self.region);
        json!({
            "eventVersion": "1.11",
            "eventID": format!("{}-{region}-{}", self.trail, self.files + 1),
            "eventTime": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
            "awsRegion": region, "recipientAccountId": account, "readOnly": true,
            "eventCategory": "Management", "eventType": "AwsApiCall",
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{account}:user/a")},
        })
    }

    /// A file of one record in one of CloudTrail's folders: its key and the hash of its content.
    pub fn file(&mut self, folder: &str, at: DateTime<Utc>, record: &Value) -> (String, String) {
        self.files += 1;
        let (account, region) = (self.account, self.region);
        let key = format!(
            "{}{account}/{folder}/{region}/{}/{account}_{folder}_{region}_{}_{:016}.json.gz",
            self.front,
            at.format("%Y/%m/%d"),
            at.format("%Y%m%dT%H%MZ"),
            self.files
        );
        let body = json!({"Records": [record]}).to_string();
        write(&self.path(&key), &gzip(body.as_bytes()));
        (key, sha256::hex([body.as_bytes()]))
    }

    /// A digest that names those logs; with a time of generation it is a backfill digest.
    pub fn digest(
        &mut self,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        logs: &[(String, String)],
        generated: Option<&str>,
    ) {
        let (account, region) = (self.account, self.region);
        let backfill = generated.map_or("", |_| "_backfill");
        let key = format!(
            "{}{account}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_{}_us-east-1_{}{backfill}.json.gz",
            self.front,
            end.format("%Y/%m/%d"),
            self.trail,
            end.format("%Y%m%dT%H%M%SZ"),
        );
        let iso = |time: DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let previous = self.previous.as_ref();
        let files: Vec<_> = logs
            .iter()
            .map(|(key, hash)| {
                json!({"s3Bucket": self.bucket, "s3Object": key, "hashValue": hash,
                    "hashAlgorithm": "SHA-256", "newestEventTime": iso(end), "oldestEventTime": iso(start)})
            })
            .collect();
        let document = json!({
            "awsAccountId": self.said_account.unwrap_or(account), "digestStartTime": iso(start), "digestEndTime": iso(end),
            "digestS3Bucket": self.bucket, "digestS3Object": key,
            "digestPublicKeyFingerprint": self.signer.fingerprint(),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": (!logs.is_empty()).then(|| iso(end)),
            "oldestEventTime": (!logs.is_empty()).then(|| iso(start)),
            "previousDigestS3Bucket": previous.map(|hour| &hour.bucket),
            "previousDigestS3Object": previous.map(|hour| &hour.digest),
            "previousDigestHashValue": previous.map(|hour| &hour.sha256),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous.map(|hour| &hour.signature),
            "logFiles": files, "somethingNew": {"of": "tomorrow"},
        })
        .to_string();
        let sha256 = sha256::hex([document.as_bytes()]);
        let before = previous.map_or("null", |hour| &hour.signature);
        let text = format!("{}\n{}/{key}\n{sha256}\n{before}", iso(end), self.bucket);
        let signature = self.signer.sign(&text);
        let path = self.path(&key);
        write(&path, &gzip(document.as_bytes()));
        let mut metadata = json!({"signature": signature, "signature-algorithm": "SHA256withRSA"});
        if let Some(generated) = generated {
            metadata["backfill-generation-timestamp"] = generated.into();
        }
        let head = json!({"ContentLength": document.len(), "Metadata": metadata});
        write(&side(&path), head.to_string().as_bytes());
        let hour = Hour {
            digest: key,
            bucket: self.bucket.clone(),
            logs: logs.iter().map(|(key, _)| key.clone()).collect(),
            signature,
            start,
            end,
            sha256,
        };
        self.previous = Some(hour.clone());
        self.hours.push(hour);
    }

    /// The public key, as the API gives it.
    pub fn api_keys(&self) -> Vec<Value> {
        let mut keys = key_file(&self.signer.fingerprint(), &self.signer.pkcs1());
        // over the API, times are numbers
        keys["PublicKeyList"][0]["ValidityEndTime"] = 2_000_000_000.into();
        keys["PublicKeyList"].as_array().unwrap().clone()
    }

    /// The public key, as the CLI prints it.
    pub fn keys(&self, path: &Path) -> PathBuf {
        let path = path.join("keys.json");
        let keys = key_file(&self.signer.fingerprint(), &self.signer.pkcs1());
        write(&path, keys.to_string().as_bytes());
        path
    }
}

/// Puts a file into a bucket, with the metadata that lies beside that path.
pub async fn put(client: &Client, bucket: &str, key: &str, body: Vec<u8>, beside: &Path) {
    let put = client.put_object().bucket(bucket).key(key);
    let metadata = local::metadata(beside).into_iter().collect();
    let put = put.set_metadata(Some(metadata)).content_encoding("gzip");
    put.body(ByteStream::from(body)).send().await.unwrap();
}

/// Puts the wanted files of a folder into a new bucket, each with its metadata.
pub async fn upload(client: &Client, bucket: &str, root: &Path, wanted: impl Fn(&str) -> bool) {
    client.create_bucket().bucket(bucket).send().await.unwrap();
    let everything = Scope::all("2026-11-30T00:00:00Z".parse().unwrap());
    for object in local::list(root, &everything).unwrap().objects {
        if wanted(&object.name) {
            let path = root.join(&object.name);
            put(
                client,
                bucket,
                &object.name,
                fs::read(&path).unwrap(),
                &path,
            )
            .await;
        }
    }
}

/// The file with an object's metadata.
pub fn side(path: &Path) -> PathBuf {
    let mut side = path.as_os_str().to_owned();
    side.push(".metadata.json");
    side.into()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(bytes, Compression::default())
}

pub fn gzip_at(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a gzip file of one member holds.
#[allow(clippy::disallowed_types, reason = "our own files, of one member")]
pub fn gunzip(path: &Path) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&*fs::read(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Changes a text in a gzip file; it must be there.
pub fn edit(path: &Path, from: &str, to: &str) {
    let text = String::from_utf8(gunzip(path)).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    write(path, &gzip(text.replacen(from, to, 1).as_bytes()));
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
