//! Where logs come from: a folder, a file, standard input, or S3.
//!
//! What goes out is one stream of [`ObjectRef`]s in a fixed order, whatever the source, so that
//! a bucket and its copy on disk give the same report.

pub mod discover;
pub mod key;
pub mod local;
pub mod s3;

use std::fmt;
use std::path::PathBuf;

use key::LogKey;

/// What the user named as SOURCE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder or a single file.
    Local(PathBuf),
    /// `-`
    Stdin,
    /// `s3://bucket[/prefix]`
    S3 { bucket: String, prefix: String },
    /// Nothing: CloudTrail is asked where its trails write.
    Trails,
}

/// SOURCE was neither a path that exists, `-`, nor `s3://bucket[/prefix]`.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{0}` names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")]
    NoBucket(String),
    #[error("`{0}` is not a source: use a folder, a file, `-`, or s3://BUCKET[/PREFIX]")]
    Scheme(String),
}

impl Source {
    /// Reads the SOURCE argument. Existence is not checked here.
    pub fn parse(argument: Option<&str>) -> Result<Self, SourceError> {
        let Some(text) = argument else {
            return Ok(Self::Trails);
        };
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(SourceError::NoBucket(text.to_owned()));
            }
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        if text.contains("://") {
            return Err(SourceError::Scheme(text.to_owned()));
        }
        Ok(Self::Local(PathBuf::from(text)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Trails => f.write_str("the trails CloudTrail describes"),
        }
    }
}

/// One object to read: its place, and what its key says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The key in its bucket, or the path below the folder given: the name evidence is cited by.
    pub name: String,
    /// How to get it.
    pub place: Place,
    /// What the key says, where it is CloudTrail's own form.
    pub key: Option<LogKey>,
    /// Bytes as stored, where the listing told.
    pub size: Option<u64>,
}

/// How to get an object's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    S3 { bucket: String, key: String },
    Stdin,
}

impl ObjectRef {
    /// Sorts objects by delivery day, then by name. Both a bucket and its copy on disk are read in
    /// this order, so that of two copies of an event the same one counts.
    pub fn order(&self) -> (Option<chrono::NaiveDate>, &str) {
        (self.key.as_ref().map(|key| key.day), &self.name)
    }
}

/// Why an object's bytes could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// Permission was missing (HTTP 403, a file's mode); the text says what to allow.
    #[error("{0}")]
    Refused(String),
    /// In an archive storage class: it must be restored before anyone can read it.
    #[error("archived in storage class {0}: restore it to read it")]
    Archived(String),
    /// Everything else: gone since the listing, time-outs after all retries, I/O errors.
    #[error("{0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_source_is_told_apart() {
        let s3 = |bucket: &str, prefix: &str| Source::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        assert_eq!(Source::parse(None).unwrap(), Source::Trails);
        assert_eq!(Source::parse(Some("-")).unwrap(), Source::Stdin);
        assert_eq!(Source::parse(Some("s3://b")).unwrap(), s3("b", ""));
        assert_eq!(Source::parse(Some("s3://b/p/q/")).unwrap(), s3("b", "p/q/"));
        assert_eq!(
            Source::parse(Some("logs/x")).unwrap(),
            Source::Local("logs/x".into())
        );
        assert!(Source::parse(Some("s3://")).is_err());
        assert!(Source::parse(Some("https://b")).is_err());
    }
}
