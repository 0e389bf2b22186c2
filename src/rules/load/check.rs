//! What the parser would take silently and get wrong is refused before it sees it.

use yaml_serde::{Mapping, Value};

use crate::rules::Comparison;

/// What the parser would take silently and get wrong.
pub(super) fn before_parsing(document: &Mapping) -> Result<(), String> {
    let kinds = ["detection", "correlation", "filter"];
    let sections = kinds.into_iter().filter(|kind| document.contains_key(kind));
    if let [one, other, ..] = sections.collect::<Vec<_>>().as_slice() {
        return Err(format!(
            "it has a `{one}` and a `{other}`: write two documents"
        ));
    }
    for kind in ["detection", "filter"] {
        if let Some(Value::Mapping(section)) = document.get(kind) {
            searches(section)?;
        }
    }
    if let Some(Value::Mapping(filter)) = document.get("filter") {
        let rules = filter.get("rules");
        if rules.is_none_or(|rules| rules.as_sequence().is_some_and(Vec::is_empty)) {
            return Err("the filter names no rules".into());
        }
        texts("the filter's `rules`", rules)?;
    }
    if let Some(Value::Mapping(correlation)) = document.get("correlation") {
        correlated(document, correlation)?;
    }
    Ok(())
}

/// The search identifiers of a detection or filter, and its condition.
fn searches(section: &Mapping) -> Result<(), String> {
    for (name, value) in section {
        match name.as_str() {
            Some("condition") if value.as_sequence().is_some_and(Vec::is_empty) => {
                return Err("the condition is an empty list".into());
            }
            Some("condition" | "timeframe" | "rules") => {}
            Some(name) => plain_values(name, value)?,
            None => return Err(not_text(name)),
        }
    }
    Ok(())
}

/// A value may be a scalar or a list of scalars; a mapping as a value would be matched by its debug
/// text, and a list of both would be read as neither.
fn plain_values(name: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Err(format!("`{name}` is empty")),
        Value::Mapping(items) => items.iter().try_for_each(|(key, value)| {
            let key = key.as_str().ok_or_else(|| not_text(key))?;
            match value {
                Value::Mapping(_) => Err(format!(
                    "`{name}`: `{key}` holds a mapping; write `{key}.FIELD` instead"
                )),
                Value::Sequence(list) if list.is_empty() => {
                    Err(format!("`{name}`: `{key}` is an empty list"))
                }
                Value::Sequence(list) if list.iter().all(is_plain) => Ok(()),
                Value::Sequence(_) => Err(format!(
                    "`{name}`: `{key}` is a list of more than plain values"
                )),
                value if is_plain(value) => Ok(()),
                _ => Err(format!("`{name}`: `{key}` is not a plain value")),
            }
        }),
        Value::Sequence(list) => {
            let mappings = list.iter().filter(|item| item.is_mapping()).count();
            if mappings != 0 && mappings != list.len() {
                return Err(format!("`{name}` mixes plain values and mappings"));
            }
            if list.iter().any(Value::is_sequence) {
                return Err(format!("`{name}` is a list of lists"));
            }
            list.iter()
                .filter(|item| item.is_mapping())
                .try_for_each(|item| plain_values(name, item))
        }
        _ => Ok(()),
    }
}

fn is_plain(value: &Value) -> bool {
    // a tagged value (`!x a`) is not a plain value, whatever is behind its tag
    matches!(
        value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)
    )
}

fn not_text(key: &Value) -> String {
    let key = yaml_serde::to_string(key).unwrap_or_default();
    format!("the key {} is not text: put it in quotes", key.trim())
}

/// What a correlation may say; another word would be passed over, and with it what the writer
/// wanted.
fn correlated(document: &Mapping, correlation: &Mapping) -> Result<(), String> {
    const KNOWN: [&str; 8] = [
        "type",
        "rules",
        "group-by",
        "timespan",
        "timeframe",
        "condition",
        "aliases",
        "generate",
    ];
    const NUMBERS: [&str; 8] = ["lt", "lte", "gt", "gte", "eq", "neq", "field", "percentile"];
    only(correlation, &KNOWN, "correlation")?;
    let mut words = document.keys().filter_map(Value::as_str);
    if let Some(name) = words.find(|name| name.starts_with("rsigma.")) {
        return Err(format!("`{name}` is not in Sigma 2.1"));
    }
    texts("`rules`", correlation.get("rules"))?;
    texts("`group-by`", correlation.get("group-by"))?;
    for generate in [document.get("generate"), correlation.get("generate")] {
        if generate.is_some_and(|generate| !generate.is_bool()) {
            return Err("`generate` is true or false".into());
        }
    }
    match correlation.get("aliases") {
        None => {}
        Some(Value::Mapping(aliases)) => {
            for (alias, fields) in aliases {
                let is_text =
                    |(rule, field): (&Value, &Value)| rule.is_string() && field.is_string();
                let sound = fields
                    .as_mapping()
                    .is_some_and(|map| map.iter().all(is_text));
                if !(alias.is_string() && sound) {
                    return Err("an alias is a name, and below it rule: field".into());
                }
            }
        }
        Some(_) => return Err("`aliases` is a mapping".into()),
    }
    if let Some(Value::Mapping(condition)) = correlation.get("condition") {
        only(condition, &NUMBERS, "condition")?;
        texts("`field`", condition.get("field"))?;
        for (name, value) in condition {
            let Some(name) = name.as_str().filter(|name| *name != "field") else {
                continue;
            };
            let Some(number) = value.as_f64() else {
                return Err(format!("`{name}` in the condition is not a number"));
            };
            if name == "percentile" && !(number > 0.0 && number <= 100.0) {
                return Err("`percentile` is more than 0 and at most 100".into());
            }
        }
    }
    Ok(())
}

fn only(section: &Mapping, known: &[&str], name: &str) -> Result<(), String> {
    for key in section.keys() {
        let key = key.as_str().ok_or_else(|| not_text(key))?;
        if !known.contains(&key) {
            return Err(format!(
                "`{key}` is not a keyword of a Sigma 2.1 {name}: use one of {}",
                known.join(", ")
            ));
        }
    }
    Ok(())
}

/// A text or a list of texts: of others the parser would leave out what it cannot read.
fn texts(what: &str, value: Option<&Value>) -> Result<(), String> {
    let sound = match value {
        None | Some(Value::String(_)) => true,
        Some(Value::Sequence(list)) => list.iter().all(Value::is_string),
        Some(_) => false,
    };
    if sound {
        return Ok(());
    }
    Err(format!("{what} takes texts: put the others in quotes"))
}

/// A correlation's numbers, read from the YAML: the parser takes whole ones only.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) thresholds: Vec<(Comparison, f64)>,
    pub(super) percentile: Option<f64>,
}

/// Takes a correlation's numbers out of the document, fractions and negative ones included, and
/// leaves whole ones for the parser, which knows no others.
pub(super) fn take_numbers(document: &mut Mapping) -> Numbers {
    let mut numbers = Numbers::default();
    let condition = document
        .get_mut("correlation")
        .and_then(Value::as_mapping_mut)
        .and_then(|correlation| correlation.get_mut("condition"));
    if let Some(Value::String(expression)) = condition {
        *expression = operators_in_lower_case(expression);
        return numbers;
    }
    let condition = condition.and_then(Value::as_mapping_mut);
    for (key, value) in condition.into_iter().flatten() {
        let Some(number) = value.as_f64() else {
            continue;
        };
        let comparison = match key.as_str() {
            Some("lt") => Comparison::Lt,
            Some("lte") => Comparison::Lte,
            Some("gt") => Comparison::Gt,
            Some("gte") => Comparison::Gte,
            Some("eq") => Comparison::Eq,
            Some("neq") => Comparison::Neq,
            _ => {
                numbers.percentile = Some(number);
                continue;
            }
        };
        numbers.thresholds.push((comparison, number));
        *value = Value::from(1_u64);
    }
    numbers
}

/// The specification's own examples of a condition over rules write AND (its repository,
/// `tests/schema/correlation`); the parser knows `and`.
fn operators_in_lower_case(expression: &str) -> String {
    let word = |word: &str| match word {
        "AND" | "OR" | "NOT" => word.to_lowercase(),
        other => other.to_owned(),
    };
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
    expression
        .split_inclusive(ends_word)
        .map(|piece| {
            let bare = piece.trim_end_matches(ends_word);
            format!(
                "{}{}",
                word(bare),
                piece.get(bare.len()..).unwrap_or_default()
            )
        })
        .collect()
}
