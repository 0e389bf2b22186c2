//! CloudTrail's public keys: as ListPublicKeys gives them, in a file or over the API.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{sha256, small_file};

/// A SubjectPublicKeyInfo for RSA up to where the length of its key stands: SEQUENCE, then
/// AlgorithmIdentifier { rsaEncryption, NULL }, then BIT STRING (RFC 8017, A.1; RFC 5280, 4.1).
const RSA_ALGORITHM: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error(
        "{} holds no public keys: it must be what `aws cloudtrail list-public-keys` prints ({what})",
        .path.display()
    )]
    NoKeys { path: PathBuf, what: String },
}

/// One key, as it is given and as it is saved beside a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicKey {
    /// Base64 of the DER of an RSAPublicKey (PKCS #1) or of a SubjectPublicKeyInfo.
    pub value: String,
    #[serde(default)]
    pub fingerprint: String,
    /// As it was given: seconds since 1970, or text.
    #[serde(default)]
    pub validity_start_time: CliTime,
    #[serde(default)]
    pub validity_end_time: CliTime,
    /// The Region it was asked of. Not in AWS's own output.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
}

/// A time as the AWS CLI prints it, in either version: a number, or ISO 8601.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
pub struct CliTime(String);

impl From<Value> for CliTime {
    fn from(value: Value) -> Self {
        Self(match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        })
    }
}

impl From<CliTime> for Value {
    fn from(moment: CliTime) -> Self {
        match moment.0.parse::<i64>() {
            Ok(seconds) => seconds.into(),
            Err(_) if moment.0.is_empty() => Self::Null,
            Err(_) => moment.0.into(),
        }
    }
}

impl From<i64> for CliTime {
    fn from(seconds: i64) -> Self {
        Self(seconds.to_string())
    }
}

/// What a key says of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong,
    /// The key of that fingerprint is no RSA key.
    Unusable(&'static str),
    NoKey,
}

/// The keys at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

/// The form of ListPublicKeys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    public_key_list: Vec<PublicKey>,
}

impl Keys {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or holds no keys.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = small_file::read(path, small_file::MOST_ANSWERS);
        let text = text.map_err(|cause| KeyFileError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        let no_keys = |what: String| KeyFileError::NoKeys {
            path: path.to_owned(),
            what,
        };
        let file: File = serde_json::from_slice(&text).map_err(|why| no_keys(why.to_string()))?;
        if file.public_key_list.is_empty() {
            return Err(no_keys("its PublicKeyList is empty".to_owned()));
        }
        Ok(file.public_key_list.into_iter().collect())
    }

    /// Adds the keys of another file or Region.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort();
        self.0.dedup();
    }

    /// The keys in the form in which they were read.
    ///
    /// # Errors
    /// None that can be seen: the form is plain.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let file = File {
            public_key_list: self.0.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&file)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True where a key of that fingerprint is at hand.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.0.iter().any(|key| key.is(fingerprint))
    }

    /// Checks a signature in hexadecimal with the keys of that fingerprint. A label is only a
    /// label: that the key is the right one shows in the signature.
    pub fn verify(&self, fingerprint: &str, message: &str, signature: &str) -> Verdict {
        let mut verdict = Verdict::NoKey;
        let signature = sha256::read(signature).unwrap_or_default();
        for key in self.0.iter().filter(|key| key.is(fingerprint)) {
            verdict = match key.verify(message.as_bytes(), &signature) {
                Ok(true) => return Verdict::Right,
                Ok(false) => Verdict::Wrong,
                Err(what) => Verdict::Unusable(what),
            };
        }
        verdict
    }
}

impl FromIterator<PublicKey> for Keys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut all = Self::default();
        all.extend(Self(keys.into_iter().collect()));
        all
    }
}

impl PublicKey {
    /// A fingerprint is the MD5 of the key's bytes: true of every key AWS shows in its documentation
    /// ([ListPublicKeys](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html)),
    /// and documented nowhere. So the label that AWS gave counts too.
    fn is(&self, fingerprint: &str) -> bool {
        let computed = || {
            let der = STANDARD.decode(&self.value).ok()?;
            Some(sha256::written(&Md5::digest(&der)))
        };
        self.fingerprint.eq_ignore_ascii_case(fingerprint)
            || (self.fingerprint.is_empty()
                && computed().is_some_and(|own| own.eq_ignore_ascii_case(fingerprint)))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, &'static str> {
        let der = STANDARD.decode(&self.value);
        let der = der.map_err(|_error| "its value is not base64")?;
        let key = rsa_public_key(&der).ok_or("its value is neither PKCS #1 nor an RSA SPKI")?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        Ok(key.verify(message, signature).is_ok())
    }
}

/// The RSAPublicKey in a DER value, which may be wrapped in a SubjectPublicKeyInfo.
fn rsa_public_key(der: &[u8]) -> Option<&[u8]> {
    let inside = element(0x30, der)?;
    // an RSAPublicKey begins with an INTEGER, its modulus
    if inside.first() == Some(&0x02) {
        return Some(der);
    }
    let bits = inside.strip_prefix(&RSA_ALGORITHM)?;
    // no bit of the last byte is unused
    element(0x03, bits)?.strip_prefix(&[0])
}

/// The content of a DER element of that tag which fills all the bytes given.
fn element(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, content) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An RSAPublicKey with a modulus of one byte, and the same as a SubjectPublicKeyInfo.
    const PKCS1: [u8; 8] = [0x30, 0x06, 0x02, 0x01, 0x0d, 0x02, 0x01, 0x03];

    fn spki(bits: &[u8]) -> Vec<u8> {
        let inside = [&RSA_ALGORITHM[..], bits].concat();
        [&[0x30, u8::try_from(inside.len()).unwrap()], &inside[..]].concat()
    }

    #[test]
    fn a_key_is_taken_out_of_both_wrappings_and_nothing_else() {
        assert_eq!(rsa_public_key(&PKCS1), Some(&PKCS1[..]));
        let wrapped = spki(&[&[0x03, 0x09, 0x00], &PKCS1[..]].concat());
        assert_eq!(rsa_public_key(&wrapped), Some(&PKCS1[..]));
        let unused_bits = spki(&[&[0x03, 0x09, 0x01], &PKCS1[..]].concat());
        let mut other_algorithm = wrapped.clone();
        other_algorithm[10] = 0x87;
        let long = [&wrapped[..], &[0]].concat();
        let cut = &wrapped[..wrapped.len() - 1];
        for der in [&[][..], b"\x30", &unused_bits, &other_algorithm, &long, cut] {
            assert_eq!(rsa_public_key(der), None, "{der:02x?}");
        }
    }

    #[test]
    fn keys_are_saved_as_they_were_given() {
        let text = r#"{"PublicKeyList":[{"Value":"MAYCAQ0CAQM=","Fingerprint":"aa",
            "ValidityStartTime":1760000000.0,"ValidityEndTime":"2033-05-18T03:33:19+00:00",
            "SomethingNew":1}],"NextToken":null}"#;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        std::fs::write(&path, text).unwrap();
        let keys = Keys::from_file(&path).unwrap();
        assert!(keys.has("AA") && !keys.has("bb"));
        std::fs::write(&path, keys.to_json().unwrap()).unwrap();
        assert_eq!(Keys::from_file(&path).unwrap(), keys);
        let mut twice = keys.clone();
        twice.extend(keys.clone());
        assert_eq!(twice, keys);
    }

    #[test]
    fn a_file_that_holds_no_keys_is_named() {
        let error = Keys::from_file(Path::new("/no/keys.json")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/no/keys.json cannot be read")
        );
    }
}
