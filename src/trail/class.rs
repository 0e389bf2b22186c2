//! A class of events, as far as a trail's selectors can tell events apart.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::partition::in_main_partition;

/// What the ARNs of buckets and objects begin with.
const S3: &str = "arn:aws:s3:::";

/// Where CloudTrail puts an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Category {
    Management,
    /// Of one resource type (`AWS::S3::Object`).
    Data(String),
}

impl Category {
    /// The value of `eventCategory`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data(_) => "Data",
        }
    }
}

/// Events that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Class {
    pub category: Category,
    /// They only read (`readOnly`: true).
    pub reads: bool,
    /// `eventSource` is one of these; any where there is none.
    pub sources: BTreeSet<String>,
    /// `eventName` is one of these; any where there is none.
    pub names: BTreeSet<String>,
    /// What the ARN of the resource begins with, where that is known; spelled as in the main partition.
    pub below: Option<String>,
}

impl Class {
    /// Management events of any service.
    pub const fn management(reads: bool) -> Self {
        Self {
            category: Category::Management,
            reads,
            sources: BTreeSet::new(),
            names: BTreeSet::new(),
            below: None,
        }
    }

    /// Data events of a resource type, of any of its resources.
    pub fn data(kind: &str, reads: bool) -> Self {
        // the only types whose ARNs have one beginning that selectors name by itself
        let below = match kind {
            "AWS::S3::Object" => Some(S3),
            "AWS::Lambda::Function" => Some("arn:aws:lambda:"),
            "AWS::DynamoDB::Table" => Some("arn:aws:dynamodb:"),
            _ => None,
        };
        Self {
            category: Category::Data(kind.to_owned()),
            below: below.map(str::to_owned),
            ..Self::management(reads)
        }
    }

    /// The same, of these services only.
    #[must_use]
    pub fn of<S: Into<String>>(mut self, sources: impl IntoIterator<Item = S>) -> Self {
        self.sources = sources.into_iter().map(Into::into).collect();
        self
    }

    /// The same, of these calls only.
    #[must_use]
    pub fn named<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same, of resources only whose ARN begins so. Every partition's spelling is taken.
    #[must_use]
    pub fn below(mut self, arn: impl AsRef<str>) -> Self {
        self.below = Some(in_main_partition(arn.as_ref()).into_owned());
        self
    }

    /// The same, of the objects of those buckets only whose name, followed by `/`, begins so.
    #[must_use]
    pub fn in_buckets(self, beginning: &str) -> Self {
        self.below(format!("{S3}{beginning}"))
    }

    /// The one bucket that it is about.
    pub fn bucket(&self) -> Option<&str> {
        self.below.as_deref()?.strip_prefix(S3)?.strip_suffix('/')
    }

    /// The name of the bucket, or the beginning of the names of the buckets, that it is about.
    pub fn bucket_beginning(&self) -> Option<&str> {
        let name = self.below.as_deref()?.strip_prefix(S3)?;
        let name = name.trim_end_matches('/');
        (!name.is_empty()).then_some(name)
    }
}
