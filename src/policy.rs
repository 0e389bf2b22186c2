//! IAM policy documents: read from files, and evaluated for one call.
//!
//! This is not a simulator of IAM. It evaluates the identity policies that it is given, as the IAM user
//! guide describes ("Policy evaluation logic", "IAM JSON policy elements"). Organizations policies,
//! permissions boundaries, session policies and resource policies are not evaluated. What a record does
//! not say is never guessed: the answer is then `None`, "could not tell".

mod condition;
mod document;
mod file;
mod pattern;
mod principal;
mod resource;

use std::sync::Arc;

pub use condition::{Condition, Fact};
pub use document::{DocumentError, MOST_CHARACTERS, characters, statements};
pub use file::{Policies, PolicyFileError};
pub use pattern::{Pattern, Set};
pub use principal::{Kind, Principal};
pub use resource::{Name, Resource, Rest};

/// Percent-decodes a text; bytes that are not UTF-8 are replaced. AWS prints policy documents so.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// True or false; `None` if the record does not say.
pub type Truth = Option<bool>;

/// True if one is true; false if all are false.
pub(crate) fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut result = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

/// True if all are true; false if one is false.
pub(crate) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    any(truths.into_iter().map(not)).map(|one| !one)
}

pub(crate) fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// One statement of a document.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sid: String,
    pub effect: Effect,
    pub actions: Set,
    pub resources: Set,
    pub conditions: Vec<Condition>,
    /// `Condition` as it is written, for a document that repeats it.
    pub condition: serde_json::Value,
    /// The services and ARNs in `Principal`; empty in an identity policy.
    pub trusted: Vec<String>,
    /// The name of its document.
    pub document: Arc<str>,
    /// Its place in the document, from 1.
    pub place: usize,
}

impl Statement {
    /// The statement as a reader finds it: by its Sid, else by its place.
    pub fn label(&self) -> String {
        match self.sid.is_empty() {
            true => format!("{}, statement {}", self.document, self.place),
            false => format!("{}, {}", self.document, self.sid),
        }
    }

    /// The [label](Self::label), without the name of a document that is named after its principal.
    pub fn label_of(&self, principal: &str) -> String {
        match *self.document == *principal && !self.sid.is_empty() {
            true => self.sid.clone(),
            false => self.label(),
        }
    }

    /// True for a statement about who may assume a role.
    pub fn is_trust(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Whether the statement applies to a call.
    pub fn applies(&self, request: &Request<'_>) -> Truth {
        let action = self.actions.decide(request.action);
        // most statements are about other actions
        if action == Some(false) {
            return action;
        }
        let resource = self.resources.decide_resource(request.resource);
        let conditions = self.conditions.iter();
        let conditions = conditions.map(|condition| condition.holds(&|key| (request.fact)(key)));
        all([action, resource].into_iter().chain(conditions))
    }
}

/// A call, as policies see it.
pub struct Request<'r> {
    /// `s3:GetObject`
    pub action: &'r str,
    pub resource: &'r Resource,
    /// The value of a condition key, in lower case.
    pub fact: &'r dyn Fn(&str) -> Fact,
}

/// What the statements say of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// By the statement of that index.
    Allowed(usize),
    /// By the statement of that index, explicitly.
    Denied(usize),
    /// No statement allows it.
    NotAllowed,
    /// It depends on what the record does not say; the statement of that index may allow it.
    Undecided(usize),
}

/// Evaluates the statements of a principal's identity policies: an explicit deny wins, then an allow
/// (IAM user guide, "Policy evaluation logic").
pub fn decide(statements: &[Statement], request: &Request<'_>) -> Decision {
    let (mut allowed, mut perhaps_allowed, mut perhaps_denied) = (None, None, false);
    for (at, statement) in statements.iter().enumerate() {
        match (statement.effect, statement.applies(request)) {
            (_, Some(false)) => {}
            (Effect::Deny, Some(true)) => return Decision::Denied(at),
            (Effect::Deny, None) => perhaps_denied = true,
            (Effect::Allow, Some(true)) => allowed = allowed.or(Some(at)),
            (Effect::Allow, None) => perhaps_allowed = perhaps_allowed.or(Some(at)),
        }
    }
    match (allowed, perhaps_allowed) {
        (Some(at), _) if !perhaps_denied => Decision::Allowed(at),
        (Some(at), _) | (None, Some(at)) => Decision::Undecided(at),
        (None, None) => Decision::NotAllowed,
    }
}

#[cfg(test)]
mod tests;
