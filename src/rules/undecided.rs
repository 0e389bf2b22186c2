//! Rules that an event cannot decide, because the record omits the request parameters.
//!
//! A test on what was omitted is neither true nor false, and a condition over such tests may be
//! undecided (Kleene's logic of three values). A rule that would match or not, depending on what was
//! omitted, has not assessed the event.

use std::borrow::Borrow;

use super::load::fields;
use super::matcher::{Check, Node, Test};
use super::{Field, Rule, RuleKind, RuleSet};
use crate::derive::{Derived, Organization};
use crate::event::{Event, Key, Path};

impl RuleSet {
    /// The rules that an event with omitted request parameters leaves undecided: detection rules whose
    /// condition depends on them, and correlations that would count the event but do not know in which
    /// group.
    pub fn undecided<'s>(
        &'s self,
        event: &'s Event<'_>,
        organization: &'s Organization,
    ) -> impl Iterator<Item = &'s Rule> {
        self.rules.iter().filter(|rule| match &rule.kind {
            RuleKind::Detection(node) => {
                // a rule about omissions has found what it is about
                let found = || reads_omitted(node) && node.matches(event, organization);
                node.decided(event, organization).is_none() && !found()
            }
            RuleKind::Correlation(correlation) => {
                let counts = |place: usize| match self.rules.get(place).map(|rule| &rule.kind) {
                    Some(RuleKind::Detection(node)) => {
                        node.decided(event, organization) == Some(true)
                    }
                    _ => false,
                };
                let watched = correlation.rules.iter().zip(&correlation.group_fields);
                let mut counted = watched.filter(|(place, _)| counts(**place));
                counted.any(|(_, group)| {
                    let mut fields = group.iter().chain(&correlation.fields);
                    fields.any(|field| !is_known(field))
                })
            }
        })
    }

    /// The names of a rule and, of a correlation, of all that it watches.
    pub fn with_watched<'s>(&'s self, rule: &'s Rule) -> Vec<&'s str> {
        let rules = self.rule_and_watched(rule).into_iter();
        rules.map(|rule| rule.name.as_str()).collect()
    }

    /// True if the rule, or one that it watches, looks at what the configuration names under `phi`.
    pub fn is_about_phi(&self, rule: &Rule) -> bool {
        let rules = self.rule_and_watched(rule).into_iter();
        let mut keys = rules.flat_map(|rule| &rule.filled_by);
        keys.any(|key| key.starts_with("phi."))
    }

    fn rule_and_watched<'s>(&'s self, rule: &'s Rule) -> Vec<&'s Rule> {
        let mut all = vec![rule];
        if let RuleKind::Correlation(correlation) = &rule.kind {
            let watched = correlation.rules.iter();
            let watched = watched.filter_map(|place| self.rules.get(*place));
            // a rule is loaded after those it watches, so this ends
            all.extend(watched.flat_map(|rule| self.rule_and_watched(rule)));
        }
        all
    }
}

impl<T: Borrow<Test>> Node<T> {
    /// Whether the condition holds whatever the request parameters were; `None` where that depends on
    /// them.
    fn decided(&self, event: &Event<'_>, organization: &Organization) -> Option<bool> {
        let of = |node: &Self| node.decided(event, organization);
        match self {
            Self::All(nodes) => at_least(nodes.len(), nodes.iter().map(of)),
            Self::Any(nodes) => at_least(1, nodes.iter().map(of)),
            Self::AtLeast(least, nodes) => at_least(*least, nodes.iter().map(of)),
            Self::Not(node) => of(node).map(|holds| !holds),
            Self::Named(_, node) => of(node),
            Self::Test(test) => {
                let test = test.borrow();
                test.is_known().then(|| test.matches(event, organization))
            }
        }
    }
}

impl Test {
    /// True where the test asks nothing of the request parameters.
    fn is_known(&self) -> bool {
        let compared = match &self.check {
            Check::Field { other, .. } => is_known(other),
            _ => true,
        };
        is_known(&self.field) && compared
    }
}

/// True where the condition asks whether the parameters were omitted.
fn reads_omitted(node: &Node) -> bool {
    let mut reads = false;
    fields(node, &mut |field| {
        reads |= *field == Field::Derived(Derived::Omitted);
    });
    reads
}

/// True where the omitted request parameters cannot change the value of the field.
const fn is_known(field: &Field) -> bool {
    match field {
        Field::Path(path) => !matches!(
            path,
            Path::Key(Key::RequestParameters) | Path::Below(Key::RequestParameters, ..)
        ),
        Field::Derived(derived) => !derived.reads_request(),
        Field::FirstSeen(_) => true,
        Field::Anywhere => false,
    }
}

/// Whether at least so many of these hold; `None` where the undecided ones decide it.
fn at_least(least: usize, parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let (mut hold, mut may) = (0, 0);
    for part in parts {
        hold += usize::from(part == Some(true));
        may += usize::from(part != Some(false));
    }
    match (hold >= least, may >= least) {
        (true, _) => Some(true),
        (false, false) => Some(false),
        (false, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_are_counted_as_kleene_counts_them() {
        let (yes, no, unknown) = (Some(true), Some(false), None);
        let of = |least, parts: &[Option<bool>]| at_least(least, parts.iter().copied());
        assert_eq!(of(2, &[yes, yes]), yes);
        assert_eq!(of(2, &[no, unknown]), no);
        assert_eq!(of(2, &[yes, unknown]), unknown);
        assert_eq!(of(1, &[yes, unknown]), yes);
        assert_eq!(of(1, &[no, unknown]), unknown);
        assert_eq!(of(1, &[no, no]), no);
        assert_eq!(of(0, &[]), yes);
        assert_eq!(of(1, &[]), no);
    }
}
