//! The resource of a call, as far as its record names it.

use super::{Effect, Statement};

/// What a call was about. Without names the record does not say, or the action has no resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// One of these is meant; a caller may type a name that stands for several.
    pub names: Vec<Name>,
}

/// An ARN, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub rest: Rest,
}

/// What of an ARN is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    /// The hyphen and six characters that end the ARN of a secret.
    SecretSuffix,
    /// Everything behind it: a batch delete does not record its keys.
    Below,
}

impl Resource {
    /// A resource with this ARN.
    pub fn arn(text: impl Into<String>) -> Self {
        Self::named(text, Rest::Nothing)
    }

    /// A resource whose ARN begins so.
    pub fn named(text: impl Into<String>, rest: Rest) -> Self {
        let text = text.into();
        Self {
            names: vec![Name { text, rest }],
        }
    }

    /// The resource as a policy that allows this call and no more would name it: buckets instead of
    /// objects, log groups instead of streams. Empty if the record names none. The granularity of what is
    /// kept, shown and proposed is decided here.
    pub fn pattern(&self) -> String {
        let Some(name) = self.names.last() else {
            return String::new();
        };
        let text = name.text.as_str();
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        if let ["arn", partition, "s3", "", "", object] = fields.as_slice()
            && let Some((bucket, _)) = object.split_once('/')
        {
            return format!("arn:{partition}:s3:::{bucket}/*");
        }
        if let Some((group, _)) = text.split_once(":log-stream:") {
            return format!("{group}:*");
        }
        match name.rest {
            Rest::Nothing => text.to_owned(),
            Rest::SecretSuffix => format!("{text}-??????"),
            Rest::Below => format!("{text}*"),
        }
    }

    /// [`Resource::pattern`], but never wider than the statement that allows the call; empty if the
    /// statement's own resources have to stand.
    pub fn pattern_within(&self, statement: &Statement) -> String {
        let set = &statement.resources;
        if set.except || statement.effect == Effect::Deny {
            return String::new();
        }
        let pattern = self.pattern();
        if pattern.is_empty() || set.patterns.iter().any(|own| own.covers(&pattern)) {
            return pattern;
        }
        let holds = |own: &&super::Pattern| {
            let mut names = self.names.iter();
            names.any(|name| own.decide_name(name) != Some(false))
        };
        let own = set.patterns.iter().find(holds);
        own.map_or(String::new(), |own| own.as_str().to_owned())
    }
}
