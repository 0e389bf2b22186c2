//! Signatures for many requests that differ in nothing but path and time.
//!
//! Signature Version 4 (SigV4 in AWS's reference "Create a signed AWS API request"), without a
//! hash of the body and without normalizing the path, as S3 has it. What all requests share, the
//! key of the day included, is made once; what is left of a signature are two hashes.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use ring::digest::{Context, SHA256};
use ring::hmac::{self, HMAC_SHA256, Key};

use crate::sha256;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The header that holds the time of signing.
pub(super) const DATE: &str = "x-amz-date";
/// The header that holds the hash of the body, or says that it is not signed.
const PAYLOAD: &str = "x-amz-content-sha256";

/// What an `Authorization` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    /// Day, Region and service, each up to the next `/`, and `aws4_request`.
    pub(super) scope: &'a str,
    /// Names of headers, sorted, with `;` between them.
    pub(super) headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads one; nothing for any other algorithm.
    pub(super) fn read(header: &'a str) -> Option<Self> {
        let rest = header.strip_prefix(ALGORITHM)?.trim_start();
        let (credential, rest) = rest.strip_prefix("Credential=")?.split_once(", ")?;
        let (headers, rest) = rest.strip_prefix("SignedHeaders=")?.split_once(", ")?;
        let (access_key, scope) = credential.split_once('/')?;
        Some(Self {
            access_key,
            scope,
            headers,
            signature: rest.strip_prefix("Signature=")?,
        })
    }

    /// The UTC day that the signature is for, as `20261124`.
    pub(super) fn day(&self) -> &'a str {
        self.scope.split('/').next().unwrap_or_default()
    }
}

/// Signs GETs whose headers, but for the date, are the same.
pub(super) struct Signer {
    key: Key,
    scope: String,
    /// The `Authorization` header up to the signature.
    front: String,
    /// The canonical request behind the path: up to the value of the date, and from there on.
    before: String,
    after: String,
}

impl Signer {
    /// Prepares to sign within that scope, with that secret; `query` is canonical, and `value`
    /// gives the headers that `said` names. `None` if one is missing or no date is signed.
    pub(super) fn new<'v>(
        secret: &str,
        said: &Authorization<'_>,
        query: &str,
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> Option<Self> {
        let mut parts = said.scope.split('/');
        let secret = format!("AWS4{secret}");
        let mut key = Key::new(HMAC_SHA256, secret.as_bytes());
        for _ in 0..4 {
            let part = parts.next()?;
            key = Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        let mut canonical = format!("\n{query}\n");
        let mut before = None;
        for name in said.headers.split(';') {
            canonical.push_str(name);
            canonical.push(':');
            if name == DATE {
                before = Some(std::mem::take(&mut canonical));
            } else {
                canonical.push_str(value(name)?.trim());
            }
            canonical.push('\n');
        }
        let (access_key, scope, headers) = (said.access_key, said.scope, said.headers);
        let after = format!("{canonical}\n{headers}\n{}", value(PAYLOAD)?);
        Some(Self {
            key,
            scope: scope.to_owned(),
            front: format!(
                "{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={headers}, Signature="
            ),
            before: before?,
            after,
        })
    }

    /// The `Authorization` header for that path, encoded as it is sent, at that time as [`stamp`]
    /// writes it.
    pub(super) fn authorization(&self, path: &str, stamp: &str) -> String {
        [self.front.as_str(), &self.signature(path, stamp)].concat()
    }

    pub(super) fn signature(&self, path: &str, stamp: &str) -> String {
        let mut request = Context::new(&SHA256);
        for part in ["GET\n", path, &self.before, stamp, &self.after] {
            request.update(part.as_bytes());
        }
        let request = sha256::written(request.finish().as_ref());
        let mut signed = hmac::Context::with_key(&self.key);
        for part in [ALGORITHM, "\n", stamp, "\n", &self.scope, "\n", &request] {
            signed.update(part.as_bytes());
        }
        sha256::written(signed.sign().as_ref())
    }
}

/// The time to sign for.
#[allow(
    clippy::disallowed_methods,
    reason = "a signature is good for minutes: the time the run began at will not do"
)]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A time as signatures write it: `20261124T141439Z`.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    // two digits at a time: this is written for every request
    let parts = [
        time.year().unsigned_abs() / 100,
        time.year().unsigned_abs() % 100,
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ];
    let mut stamp = String::with_capacity(16);
    for (at, part) in parts.into_iter().enumerate() {
        if at == 4 {
            stamp.push('T');
        }
        for digit in [part / 10, part % 10] {
            stamp.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    }
    stamp.push('Z');
    stamp
}

/// Adds a key as it stands in a path: everything but letters, digits, `-._~` and `/` is encoded.
pub(super) fn encode(key: &str, path: &mut String) {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    for run in key.as_bytes().chunk_by(|a, b| stays(*a) && stays(*b)) {
        match run {
            &[byte] if !stays(byte) => {
                path.push('%');
                for half in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(half.into(), 16).unwrap_or('0');
                    path.push(digit.to_ascii_uppercase());
                }
            }
            run => path.push_str(str::from_utf8(run).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of AWS's "Signature Calculations for the Authorization Header" for S3.
    #[test]
    fn the_example_of_the_documentation_is_signed_as_it_is_there() {
        let said = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/\
            aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
            Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        let read = Authorization::read(said).unwrap();
        assert_eq!(read.day(), "20130524");
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let signer = Signer::new(secret, &read, "", |name| match name {
            "host" => Some("examplebucket.s3.amazonaws.com"),
            "range" => Some("bytes=0-9"),
            PAYLOAD => Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            _ => None,
        });
        let signer = signer.unwrap();
        assert_eq!(signer.authorization("/test.txt", "20130524T000000Z"), said);
        assert_ne!(signer.authorization("/test.txt", "20130524T000001Z"), said);
        assert_ne!(signer.authorization("/test", "20130524T000000Z"), said);
    }

    #[test]
    fn another_algorithm_is_not_taken_for_this_one() {
        let multi_region = "AWS4-ECDSA-P256-SHA256 Credential=A/20130524/s3/aws4_request, \
            SignedHeaders=host, Signature=00";
        assert_eq!(Authorization::read(multi_region), None);
    }

    #[test]
    fn keys_are_encoded_byte_by_byte_and_folders_kept() {
        let mut path = "/".to_owned();
        encode("a//b c+d%2F/é~-_.", &mut path);
        assert_eq!(path, "/a//b%20c%2Bd%252F/%C3%A9~-_.");
    }

    #[test]
    fn a_time_is_written_without_marks() {
        let time = DateTime::from_timestamp(1_795_529_679, 999_000_000).unwrap();
        assert_eq!(stamp(time), "20261124T141439Z");
    }
}
