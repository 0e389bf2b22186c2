//! Our own rules into the parser's types without its YAML, which is most of what a start of the program
//! would cost: the build script has read them already.
//!
//! Only what our rules are made of is built here; for any other document the answer is `None`, and the
//! parser reads it. A test compares every rule with what the parser makes of its file.

use std::collections::{BTreeMap, HashMap};

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType,
    Detection, DetectionItem, Detections, FieldAlias, LogSource, Modifier, SigmaCollection,
    SigmaRule, SigmaValue, Timespan, WindowMode, fieldpath, parse_condition, parse_field_spec,
};
use yaml_serde::{Mapping, Value};

/// Conditions read so far: most rules have one of a few.
pub(super) type Conditions = BTreeMap<String, ConditionExpr>;

/// What the parser would make of one document.
pub(super) fn collection(
    document: &Mapping,
    conditions: &mut Conditions,
) -> Option<SigmaCollection> {
    let unusual = ["sigma-version", "related", "filter", "generate"];
    if unusual.iter().any(|key| document.contains_key(key)) {
        return None;
    }
    let mut collection = SigmaCollection::new();
    match document.get("correlation") {
        Some(section) => {
            let rule = correlation(document, section.as_mapping()?, conditions)?;
            collection.correlations.push(rule);
        }
        None => collection.rules.push(detection(document, conditions)?),
    }
    Some(collection)
}

fn detection(document: &Mapping, conditions: &mut Conditions) -> Option<SigmaRule> {
    let section = document.get("detection")?.as_mapping()?;
    let written = text(section, "condition")?;
    if section.contains_key("timeframe") {
        return None;
    }
    let mut named = HashMap::with_capacity(section.len());
    for (key, value) in section {
        let key = key.as_str()?;
        if key != "condition" {
            named.insert(key.to_owned(), search(value)?);
        }
    }
    Some(SigmaRule {
        title: text(document, "title")?,
        logsource: log_source(document.get("logsource")?.as_mapping()?)?,
        detection: Detections {
            named,
            conditions: vec![condition(&written, conditions)?],
            condition_strings: vec![written],
            timeframe: None,
        },
        sigma_version: None,
        id: text(document, "id"),
        name: text(document, "name"),
        related: Vec::new(),
        taxonomy: None,
        status: word(document, "status")?,
        description: None,
        license: None,
        author: None,
        references: Vec::new(),
        date: None,
        modified: None,
        fields: Vec::new(),
        falsepositives: Vec::new(),
        level: word(document, "level")?,
        tags: Vec::new(),
        scope: Vec::new(),
        custom_attributes: HashMap::new(),
    })
}

/// A search identifier's value: a mapping, or a list of mappings. Keywords are left to the parser.
fn search(value: &Value) -> Option<Detection> {
    match value {
        Value::Mapping(items) => {
            let items: Option<Vec<_>> = items.iter().map(|(key, value)| item(key, value)).collect();
            Some(Detection::AllOf(items?))
        }
        Value::Sequence(parts) if parts.iter().all(Value::is_mapping) => {
            let parts: Option<Vec<_>> = parts.iter().map(search).collect();
            Some(Detection::AnyOf(parts?))
        }
        _ => None,
    }
}

fn item(key: &Value, value: &Value) -> Option<DetectionItem> {
    let key = key.as_str()?;
    let (field, modifiers) = key.find('|').map_or((key, ""), |at| {
        key.split_at_checked(at).unwrap_or((key, ""))
    });
    if field.is_empty() {
        return None;
    }
    // below Sigma 3 the brackets of a name mean themselves
    let field = fieldpath::escape_brackets(field);
    let field = parse_field_spec(&[&*field, modifiers].concat()).ok()?;
    let is_expression = field.has_modifier(Modifier::Re);
    let one = |value: &Value| match value {
        Value::String(text) if is_expression => SigmaValue::from_raw_string(text),
        value => SigmaValue::from_yaml(value),
    };
    let values = match value {
        Value::Sequence(values) => values.iter().map(one).collect(),
        value => vec![one(value)],
    };
    Some(DetectionItem { field, values })
}

fn correlation(
    document: &Mapping,
    section: &Mapping,
    conditions: &mut Conditions,
) -> Option<CorrelationRule> {
    let unusual = ["timeframe", "window", "gap"];
    if unusual.iter().any(|key| section.contains_key(key)) {
        return None;
    }
    let correlation_type: CorrelationType = text(section, "type")?.parse().ok()?;
    let is_temporal = matches!(
        correlation_type,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    Some(CorrelationRule {
        title: text(document, "title")?,
        sigma_version: None,
        id: text(document, "id"),
        name: text(document, "name"),
        status: word(document, "status")?,
        description: None,
        author: None,
        date: None,
        modified: None,
        related: Vec::new(),
        references: Vec::new(),
        taxonomy: None,
        license: None,
        tags: Vec::new(),
        fields: Vec::new(),
        falsepositives: Vec::new(),
        level: word(document, "level")?,
        scope: Vec::new(),
        correlation_type,
        rules: texts(section.get("rules"))?,
        group_by: texts(section.get("group-by"))?,
        timespan: Timespan::parse(&text(section, "timespan")?).ok()?,
        window: WindowMode::default(),
        gap: None,
        condition: match section.get("condition") {
            Some(condition) => correlation_condition(condition, conditions)?,
            // every rule that it watches, which the parser says like this
            None if is_temporal => CorrelationCondition::Threshold {
                predicates: vec![(ConditionOperator::Gte, 1)],
                field: None,
                percentile: None,
            },
            None => return None,
        },
        aliases: match section.get("aliases") {
            Some(aliases) => {
                let aliases = aliases.as_mapping()?.iter();
                let aliases: Option<Vec<_>> = aliases.map(|(name, of)| alias(name, of)).collect();
                aliases?
            }
            None => Vec::new(),
        },
        generate: match section.get("generate") {
            Some(generate) => generate.as_bool()?,
            None => false,
        },
        custom_attributes: HashMap::new(),
    })
}

fn correlation_condition(
    condition_of: &Value,
    conditions: &mut Conditions,
) -> Option<CorrelationCondition> {
    let section = match condition_of {
        Value::String(written) => {
            return condition(written, conditions).map(CorrelationCondition::Extended);
        }
        other => other.as_mapping()?,
    };
    let mut predicates = Vec::new();
    for word in ["lt", "lte", "gt", "gte", "eq", "neq"] {
        if let Some(number) = section.get(word) {
            let operator: ConditionOperator = word.parse().ok()?;
            predicates.push((operator, number.as_u64()?));
        }
    }
    (!predicates.is_empty()).then_some(())?;
    Some(CorrelationCondition::Threshold {
        predicates,
        field: match section.get("field") {
            Some(field) => Some(texts(Some(field))?).filter(|fields| !fields.is_empty()),
            None => None,
        },
        percentile: section.get("percentile").and_then(Value::as_u64),
    })
}

fn alias(name: &Value, of: &Value) -> Option<FieldAlias> {
    let field = |(rule, field): (&Value, &Value)| {
        Some((rule.as_str()?.to_owned(), field.as_str()?.to_owned()))
    };
    let mapping: Option<HashMap<_, _>> = of.as_mapping()?.iter().map(field).collect();
    Some(FieldAlias {
        alias: name.as_str()?.to_owned(),
        mapping: mapping?,
    })
}

fn condition(written: &str, known: &mut Conditions) -> Option<ConditionExpr> {
    if let Some(condition) = known.get(written) {
        return Some(condition.clone());
    }
    let condition = parse_condition(written).ok()?;
    known.insert(written.to_owned(), condition.clone());
    Some(condition)
}

fn log_source(section: &Mapping) -> Option<LogSource> {
    let usual = |key: &Value| matches!(key.as_str(), Some("category" | "product" | "service"));
    section.keys().all(usual).then(|| LogSource {
        category: text(section, "category"),
        product: text(section, "product"),
        service: text(section, "service"),
        ..LogSource::default()
    })
}

fn text(section: &Mapping, key: &str) -> Option<String> {
    let text = section.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
}

/// A word of the specification, or none; the outer `None` if it is another word.
fn word<T: std::str::FromStr>(section: &Mapping, key: &str) -> Option<Option<T>> {
    match section.get(key) {
        Some(word) => Some(Some(word.as_str()?.parse().ok()?)),
        None => Some(None),
    }
}

/// A text or a list of texts.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(value) => {
            let all = value.as_sequence()?.iter();
            all.map(|one| one.as_str().map(str::to_owned)).collect()
        }
    }
}
