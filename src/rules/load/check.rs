//! What the parser would take silently and get wrong is refused before it sees it.

use yaml_serde::{Mapping, Value};

use super::Thresholds;
use crate::rules::Comparison;

/// What the parser would take silently and get wrong.
pub(super) fn before_parsing(document: &Mapping) -> Result<(), String> {
    if let Some(Value::Mapping(detection)) = document.get("detection") {
        for (name, value) in detection {
            let name = name.as_str().unwrap_or_default();
            if name != "condition" {
                plain_values(name, value)?;
            }
        }
    }
    if let Some(Value::Mapping(filter)) = document.get("filter")
        && filter
            .get("rules")
            .is_none_or(|rules| rules.as_sequence().is_some_and(Vec::is_empty))
    {
        return Err("the filter names no rules".into());
    }
    Ok(())
}

/// A value may be a scalar or a list of scalars; a mapping as a value would be matched by its debug
/// text, and a list of both would be read as neither.
pub(super) fn plain_values(name: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Mapping(items) => items.iter().try_for_each(|(key, value)| {
            let key = key.as_str().unwrap_or_default();
            match value {
                Value::Mapping(_) => Err(format!(
                    "`{name}`: `{key}` holds a mapping; write `{key}.FIELD` instead"
                )),
                Value::Sequence(list) if list.is_empty() => {
                    Err(format!("`{name}`: `{key}` is an empty list"))
                }
                Value::Sequence(list)
                    if list
                        .iter()
                        .any(|item| item.is_mapping() || item.is_sequence()) =>
                {
                    Err(format!(
                        "`{name}`: `{key}` is a list of more than plain values"
                    ))
                }
                _ => Ok(()),
            }
        }),
        Value::Sequence(list) => {
            let mappings = list.iter().filter(|item| item.is_mapping()).count();
            if mappings != 0 && mappings != list.len() {
                return Err(format!("`{name}` mixes plain values and mappings"));
            }
            list.iter()
                .filter(|item| item.is_mapping())
                .try_for_each(|item| plain_values(name, item))
        }
        _ => Ok(()),
    }
}

/// Takes a correlation's numbers out of the document, fractions and negative ones included, and
/// leaves whole ones for the parser, which knows no others.
pub(super) fn take_thresholds(document: &mut Mapping) -> Thresholds {
    let condition = document
        .get_mut("correlation")
        .and_then(Value::as_mapping_mut)
        .and_then(|correlation| correlation.get_mut("condition"))
        .and_then(Value::as_mapping_mut);
    let Some(condition) = condition else {
        return Vec::new();
    };
    let mut thresholds = Vec::new();
    for (key, value) in condition.iter_mut() {
        let comparison = match key.as_str() {
            Some("lt") => Comparison::Lt,
            Some("lte") => Comparison::Lte,
            Some("gt") => Comparison::Gt,
            Some("gte") => Comparison::Gte,
            Some("eq") => Comparison::Eq,
            Some("neq") => Comparison::Neq,
            _ => continue,
        };
        if let Some(number) = value.as_f64() {
            thresholds.push((comparison, number));
            *value = Value::from(1_u64);
        }
    }
    thresholds
}
