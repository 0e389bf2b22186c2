//! The configuration keys that the derived fields of a condition need.

use super::matcher::{Check, Node, Test, Want};
use super::{Field, FirstSeen};
use crate::derive::Derived;

/// Every key that some derived field or history field needs.
pub fn all_keys() -> impl Iterator<Item = &'static str> {
    let fields = Derived::ALL.iter();
    let of_fields = fields.clone().filter_map(|field| field.needs());
    let of_words = fields.flat_map(|field| {
        let words = field.words().iter();
        words.filter_map(|word| field.word_needs(word))
    });
    of_fields.chain(of_words).chain([FirstSeen::NEEDS])
}

/// Returns the keys that the tests of a condition need, each once. A field may need a key for all of
/// its values or for single ones (`trailscan.principal_group: admins` needs `principals.admins`).
pub(super) fn keys_of(node: &Node) -> Vec<&'static str> {
    let mut keys = Vec::new();
    super::load::tests_of(node, &mut |test| {
        let compared = match &test.check {
            Check::Field { other, .. } => Some(other),
            _ => None,
        };
        for field in [Some(&test.field), compared].into_iter().flatten() {
            keys.extend(field.needs());
        }
        keys.extend(keys_of_words(test));
    });
    let mut seen = Vec::new();
    keys.retain(|key| {
        let new = !seen.contains(key);
        seen.push(*key);
        new
    });
    keys
}

/// The keys of the words that a test can match. A test that takes any word needs the keys of all.
fn keys_of_words(test: &Test) -> Vec<&'static str> {
    let Field::Derived(derived) = test.field else {
        return Vec::new();
    };
    let takes = |word: &str| match &test.check {
        Check::Any(wants) | Check::Every(wants) | Check::None(wants) => {
            wants.iter().any(|want| match want {
                Want::Text(pattern) => pattern.matches(word),
                _ => true,
            })
        }
        Check::Exists(_) | Check::Field { .. } => true,
    };
    let words = derived.words().iter().filter(|word| takes(word));
    words.filter_map(|word| derived.word_needs(word)).collect()
}
