//! A role or user with its policies.

use std::collections::BTreeSet;

use super::Statement;

/// What a principal is; a document in a file of its own does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Role,
    User,
}

/// A role or user with its identity policies.
#[derive(Debug, Clone, Default)]
pub struct Principal {
    pub name: String,
    pub kind: Option<Kind>,
    /// Known from what the AWS CLI prints.
    pub arn: Option<String>,
    /// Of all its policies.
    pub statements: Vec<Statement>,
    /// Its trust policy.
    pub trust: Vec<Statement>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Policies that are attached and whose documents were not given.
    pub missing: BTreeSet<String>,
    /// False if no document was given for it.
    pub has_document: bool,
}

impl Principal {
    /// True for the name or ARN of the principal.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.arn.as_deref() == Some(name)
    }
}

/// What of a principal's policies cannot have been meant.
pub(super) fn remarks(principal: &Principal) -> Vec<String> {
    let mut remarks = Vec::new();
    for statement in &principal.statements {
        for pattern in &statement.resources.patterns {
            let text = pattern.as_str().replace("${", "");
            if text.contains('{') {
                remarks.push(format!(
                    "{}: {}: the resource {} has a placeholder in braces, which IAM takes literally: it \
                     matches nothing until the placeholder is replaced",
                    principal.name,
                    statement.label(),
                    pattern.as_str()
                ));
            }
        }
    }
    remarks
}
