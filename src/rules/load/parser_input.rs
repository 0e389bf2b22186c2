//! What the Sigma parser has to see of a document.

use yaml_serde::Mapping;

/// The keys that the parser reads for more than to pass them on: the rule itself, and what it checks.
/// We read the texts for people and the lists ourselves (`metadata`).
const KEYS: [&str; 12] = [
    "title",
    "id",
    "name",
    "status",
    "level",
    "sigma-version",
    "related",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "generate",
];

/// The part of a document that the parser needs, in the same order: a third of a usual rule.
pub(super) fn parser_input(document: &Mapping) -> Mapping {
    let is_read = |key: &str| KEYS.contains(&key);
    document
        .iter()
        .filter(|(key, _)| key.as_str().is_some_and(is_read))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
