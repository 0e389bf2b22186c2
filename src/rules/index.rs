//! Which rules an event can match at all: by its name, else by its source, else all that are left.
//!
//! The index may name a rule too many, never one too few: a rule is filed under the values that its
//! condition cannot do without.

use std::collections::BTreeSet;

use super::matcher::{Check, Node, ValueTest};
use super::{Field, Rule, RuleKind};
use crate::event::{Event, Key, Path};
use crate::seeded::SeededMap;
use crate::wildcard::fold;

/// The index. Places are those of the rule set, ascending in every list.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    by_name: SeededMap<String, Vec<usize>>,
    by_source: SeededMap<String, Vec<usize>>,
    rest: Vec<usize>,
}

impl Index {
    /// Files every detection rule.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (place, rule) in rules.iter().enumerate() {
            let RuleKind::Detection(node) = &rule.kind else {
                continue;
            };
            let (map, values) = match (needed(node, Key::EventName), needed(node, Key::EventSource))
            {
                (Some(names), _) => (&mut index.by_name, names),
                (None, Some(sources)) => (&mut index.by_source, sources),
                (None, None) => {
                    index.rest.push(place);
                    continue;
                }
            };
            for value in values {
                map.entry(value).or_default().push(place);
            }
        }
        index
    }

    /// Calls `candidate` with every rule that the event may match.
    pub(super) fn candidates(&self, event: &Event<'_>, mut candidate: impl FnMut(usize)) {
        let nested = |key| event.raw(key).is_object() || event.raw(key).is_array();
        if nested(Key::EventName) || nested(Key::EventSource) {
            // no CloudTrail record looks so, but a list has many values to be filed under
            let filed = self.by_name.values().chain(self.by_source.values());
            let all: BTreeSet<usize> = filed.chain([&self.rest]).flatten().copied().collect();
            all.into_iter().for_each(candidate);
            return;
        }
        let lists = [
            find(&self.by_name, &event.text(Key::EventName)),
            find(&self.by_source, &event.text(Key::EventSource)),
            Some(&self.rest),
        ];
        for place in lists.into_iter().flatten().flatten() {
            candidate(*place);
        }
    }
}

/// The rules filed under a text, whatever its case; nothing is allocated for ASCII of usual length.
fn find<'i>(filed: &'i SeededMap<String, Vec<usize>>, text: &str) -> Option<&'i Vec<usize>> {
    let mut buffer = [0u8; 64];
    match buffer.get_mut(..text.len()) {
        Some(lower) if text.is_ascii() => {
            lower.copy_from_slice(text.as_bytes());
            lower.make_ascii_lowercase();
            filed.get(std::str::from_utf8(lower).ok()?)
        }
        _ => filed.get(fold(text).as_ref()),
    }
}

/// The folded values of which `key` must have one for the condition to hold; `None` if it can
/// hold without any.
pub(super) fn needed(node: &Node, key: Key) -> Option<BTreeSet<String>> {
    match node {
        Node::All(nodes) => nodes
            .iter()
            .filter_map(|node| needed(node, key))
            .min_by_key(BTreeSet::len),
        Node::Any(nodes) => {
            let each: Option<Vec<_>> = nodes.iter().map(|node| needed(node, key)).collect();
            Some(each?.into_iter().flatten().collect())
        }
        Node::AtLeast(least, nodes) if *least > 0 => needed(&Node::Any(nodes.clone()), key),
        Node::Named(_, node) => needed(node, key),
        Node::Test(test) if test.field == Field::Path(Path::Key(key)) => match &test.check {
            Check::Any(wants) => wants.iter().map(literal).collect(),
            Check::Every(wants) => wants.first().and_then(literal).map(|value| [value].into()),
            _ => None,
        },
        Node::AtLeast(..) | Node::Not(_) | Node::Test(_) => None,
    }
}

fn literal(want: &ValueTest) -> Option<String> {
    match want {
        ValueTest::Text(pattern) => pattern.literal().map(str::to_owned),
        _ => None,
    }
}
