//! Patterns of actions and resources.

use super::resource::{Name, Resource, Rest};
use super::{Truth, any, not};
use crate::wildcard::{Part, Wildcard};

/// A pattern with IAM's wildcards: `*` is any run of characters, `?` is one. `${*}`, `${?}` and `${$}` are
/// these characters themselves (IAM user guide, "Policy variables"). What another variable stands for
/// is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    wildcard: Wildcard,
    has_variable: bool,
}

impl Pattern {
    /// Compiles a pattern.
    pub fn new(text: &str, cased: bool) -> Self {
        let mut parts = Vec::new();
        let mut has_variable = false;
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            parts.extend(plain(before));
            let Some((variable, behind)) = behind.split_once('}') else {
                rest = behind;
                break;
            };
            parts.push(match variable {
                "*" | "?" | "$" => Part::Text(variable.to_owned()),
                _ => {
                    has_variable = true;
                    Part::Many
                }
            });
            rest = behind;
        }
        parts.extend(plain(rest));
        Self {
            text: text.to_owned(),
            wildcard: Wildcard::new(parts, cased),
            has_variable,
        }
    }

    /// A pattern of actions: without case.
    pub fn action(text: &str) -> Self {
        Self::new(text, false)
    }

    /// A pattern of resources: with case. AWS completes an ARN that lacks fields by wildcards (IAM user
    /// guide, "Resource").
    pub fn resource(text: &str) -> Self {
        let fields = text.split(':').count();
        if text.starts_with("arn:") && fields < 6 {
            let completed = format!("{text}{}", ":*".repeat(6 - fields));
            return Self {
                text: text.to_owned(),
                ..Self::new(&completed, true)
            };
        }
        Self::new(text, true)
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for a lone `*`.
    pub fn is_anything(&self) -> bool {
        !self.has_variable && self.wildcard.is_anything()
    }

    /// True for a pattern that is one text.
    pub fn is_literal(&self) -> bool {
        !self.has_variable && self.wildcard.size() == (0, 0)
    }

    /// False if it matches the text with no value of its variables.
    pub fn may_match(&self, text: &str) -> bool {
        self.wildcard.matches(text)
    }

    /// Whether it matches the text.
    pub fn decide(&self, text: &str) -> Truth {
        match (self.may_match(text), self.has_variable) {
            (true, true) => None,
            (matches, _) => Some(matches),
        }
    }

    /// Whether it matches a resource whose name may be known in part only.
    pub(super) fn decide_name(&self, name: &Name) -> Truth {
        let whole = |rest: &str| self.decide(&format!("{}{rest}", name.text));
        match name.rest {
            Rest::Nothing => whole(""),
            Rest::SecretSuffix => {
                // no name has these characters: only a wildcard matches them
                let unknown = whole("-\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}");
                let own: String = self.text.chars().rev().take(6).collect();
                let own: String = own.chars().rev().collect();
                match unknown {
                    Some(false) if self.may_match(&format!("{}-{own}", name.text)) => None,
                    unknown => unknown,
                }
            }
            Rest::Below => {
                let [short, long] = ["\u{1}", "\u{1}\u{2}"].map(whole);
                let begins = || {
                    let own = self.wildcard.beginning();
                    own.starts_with(&name.text) || name.text.starts_with(own)
                };
                match (short, long) {
                    (Some(true), Some(true)) => Some(true),
                    (Some(false), Some(false)) if !begins() => Some(false),
                    _ => None,
                }
            }
        }
    }

    /// True if everything that the other pattern matches is matched by this one, as far as the texts show.
    pub fn covers(&self, pattern: &str) -> bool {
        let filled = |with: &str| pattern.replace('*', with).replace('?', "\u{3}");
        let fillings = ["", "\u{1}", "\u{1}\u{2}"];
        fillings
            .iter()
            .all(|with| self.decide(&filled(with)) == Some(true))
    }
}

fn plain(text: &str) -> impl Iterator<Item = Part> {
    text.chars().map(|c| match c {
        '*' => Part::Many,
        '?' => Part::One,
        c => Part::Text(c.to_string()),
    })
}

/// What patterns match (`Action`, `Resource`), or all that they do not match (`NotAction`, `NotResource`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    pub patterns: Vec<Pattern>,
    pub except: bool,
}

impl Set {
    /// Whether it holds a text.
    pub fn decide(&self, text: &str) -> Truth {
        self.turned(any(self
            .patterns
            .iter()
            .map(|pattern| pattern.decide(text))))
    }

    /// Whether it holds a resource.
    pub fn decide_resource(&self, resource: &Resource) -> Truth {
        let of = |name: &Name| {
            any(self
                .patterns
                .iter()
                .map(|pattern| pattern.decide_name(name)))
        };
        let mut names = resource.names.iter().map(of);
        let within = match names.next() {
            // all names that the record may mean must have the same answer
            Some(first) => match names.all(|other| other == first) {
                true => first,
                false => None,
            },
            None if self.patterns.iter().any(Pattern::is_anything) => Some(true),
            None => None,
        };
        self.turned(within)
    }

    fn turned(&self, truth: Truth) -> Truth {
        match self.except {
            true => not(truth),
            false => truth,
        }
    }
}
