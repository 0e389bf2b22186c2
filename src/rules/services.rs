//! The services a rule looks at: the event sources that its condition names.

use std::collections::BTreeSet;

use super::matcher::{Check, Node, ValueTest};
use super::{Field, Rule, RuleKind, RuleSet};
use crate::event::{Key, Path};

impl RuleSet {
    /// The event sources that a rule names, without `.amazonaws.com`; those of the rules it watches
    /// where it is a correlation. None where it looks at every service.
    pub fn services(&self, rule: &Rule) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        match &rule.kind {
            RuleKind::Detection(node) => named(node, &mut found),
            RuleKind::Correlation(correlation) => {
                // a rule is loaded after those it watches, so this ends
                for watched in correlation
                    .rules
                    .iter()
                    .filter_map(|place| self.rules.get(*place))
                {
                    found.extend(self.services(watched));
                }
            }
        }
        found
    }
}

fn named(node: &Node, found: &mut BTreeSet<String>) {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            nodes.iter().for_each(|node| named(node, found));
        }
        Node::Named(_, node) => named(node, found),
        // what a filter names is what the rule leaves out
        Node::Not(_) => {}
        Node::Test(test) => {
            if test.field == Field::Path(Path::Key(Key::EventSource))
                && let Check::Any(wants) | Check::Every(wants) = &test.check
            {
                found.extend(wants.iter().filter_map(|want| match want {
                    ValueTest::Text(pattern) => pattern.literal().map(short),
                    _ => None,
                }));
            }
        }
    }
}

fn short(source: &str) -> String {
    let source = source.strip_suffix(".cn").unwrap_or(source);
    source
        .strip_suffix(".amazonaws.com")
        .unwrap_or(source)
        .to_owned()
}
