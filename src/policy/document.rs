//! One policy document: JSON, checked by its elements (IAM user guide, "Grammar of the IAM JSON policy
//! language").

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Condition, Effect, Pattern, Set, Statement, percent_decoded};

/// The most characters, without white space, of a document that IAM takes for a role, inline (IAM user
/// guide, "IAM and AWS STS quotas"); managed policies have less.
pub const MOST_CHARACTERS: usize = 10_240;

/// A document that is not a policy; the message names the place.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("not JSON: {0}")]
    Json(serde_json::Error),
    #[error("{characters} characters: IAM takes at most {MOST_CHARACTERS} in a policy document")]
    TooLong { characters: usize },
    #[error("{place}: {what}")]
    Element { place: String, what: String },
}

fn fault(place: impl Into<String>, what: impl Into<String>) -> DocumentError {
    DocumentError::Element {
        place: place.into(),
        what: what.into(),
    }
}

/// The characters that count against IAM's quotas: all but white space.
pub fn characters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// The statements of a document, which is an object, JSON text, or URL-encoded JSON text.
///
/// # Errors
/// It is not JSON, too long for IAM, or has an element that IAM would refuse.
pub fn statements(document: &Json, name: &str) -> Result<Vec<Statement>, DocumentError> {
    let text = match document {
        Json::String(text) => Cow::Borrowed(text.as_str()),
        object => Cow::Owned(object.to_string()),
    };
    let text = match text.trim_start().starts_with('%') {
        true => Cow::Owned(percent_decoded(&text)),
        false => text,
    };
    let characters = characters(&text);
    if characters > MOST_CHARACTERS {
        return Err(DocumentError::TooLong { characters });
    }
    let parsed;
    let document = match document {
        Json::String(_) => {
            parsed = serde_json::from_str::<Json>(&text).map_err(DocumentError::Json)?;
            &parsed
        }
        object => object,
    };
    let Json::Object(members) = document else {
        return Err(fault("the document", "expected an object with Statement"));
    };
    let list = match members.get("Statement") {
        Some(Json::Array(list)) => list.as_slice(),
        Some(one @ Json::Object(_)) => std::slice::from_ref(one),
        Some(_) => {
            return Err(fault(
                "Statement",
                "expected an object or a list of objects",
            ));
        }
        None => return Err(fault("the document", "it has no Statement")),
    };
    let document: Arc<str> = name.into();
    let numbered = list.iter().enumerate();
    numbered
        .map(|(at, written)| statement(written, at + 1, &document))
        .collect()
}

fn statement(
    written: &Json,
    place: usize,
    document: &Arc<str>,
) -> Result<Statement, DocumentError> {
    let here = |element: &str| format!("statement {place}, {element}");
    let Json::Object(members) = written else {
        return Err(fault(format!("statement {place}"), "expected an object"));
    };
    for element in members.keys() {
        const ELEMENTS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        if !ELEMENTS.contains(&element.as_str()) {
            return Err(fault(here(element), "not an element of a statement"));
        }
    }
    let sid = match members.get("Sid") {
        None => "",
        Some(Json::String(sid)) => sid,
        Some(_) => return Err(fault(here("Sid"), "expected a text")),
    };
    let effect = match members.get("Effect").and_then(Json::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(fault(here("Effect"), "expected Allow or Deny")),
    };
    let set = |of: &str, except: &str, pattern: fn(&str) -> Pattern| {
        let element = match (members.get(of), members.get(except)) {
            (Some(_), Some(_)) => {
                return Err(fault(here(of), format!("stands beside {except}")));
            }
            (Some(written), None) => Some((of, written)),
            (None, written) => written.map(|written| (except, written)),
        };
        let Some((element, written)) = element else {
            return Ok(None);
        };
        let texts = texts(written)
            .ok_or_else(|| fault(here(element), "expected a text or a list of texts"))?;
        Ok(Some(Set {
            patterns: texts.iter().map(|text| pattern(text)).collect(),
            except: element == except,
        }))
    };
    let actions = set("Action", "NotAction", Pattern::action)?;
    let actions = actions.ok_or_else(|| fault(here("Action"), "missing"))?;
    let mut trusted = Vec::new();
    for element in ["Principal", "NotPrincipal"] {
        if let Some(principal) = members.get(element) {
            trusted.extend(principals(principal).ok_or_else(|| {
                fault(here(element), "expected * or lists of principals by type")
            })?);
        }
    }
    let resources = set("Resource", "NotResource", Pattern::resource)?;
    let resources = match resources {
        Some(resources) => resources,
        // a trust policy is about its role
        None if !trusted.is_empty() => Set::default(),
        None => return Err(fault(here("Resource"), "missing")),
    };
    let condition = members.get("Condition").cloned().unwrap_or_default();
    let conditions = conditions(&condition)
        .ok_or_else(|| fault(here("Condition"), "expected operators with keys and values"))?;
    Ok(Statement {
        sid: sid.to_owned(),
        effect,
        actions,
        resources,
        conditions,
        condition,
        trusted,
        document: Arc::clone(document),
        place,
    })
}

/// A text, or the texts of a list.
fn texts(written: &Json) -> Option<Vec<String>> {
    let text = |written: &Json| match written {
        Json::String(text) => Some(text.clone()),
        _ => None,
    };
    match written {
        Json::Array(list) => list.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}

fn principals(written: &Json) -> Option<Vec<String>> {
    match written {
        Json::String(text) => Some(vec![text.clone()]),
        Json::Object(kinds) => {
            let lists: Option<Vec<_>> = kinds.values().map(texts).collect();
            lists.map(|lists| lists.concat())
        }
        _ => None,
    }
}

fn conditions(written: &Json) -> Option<Vec<Condition>> {
    let operators = match written {
        Json::Null => return Some(Vec::new()),
        Json::Object(operators) => operators,
        _ => return None,
    };
    let scalar = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let mut found = Vec::new();
    for (operator, keys) in operators {
        for (key, values) in keys.as_object()? {
            let values: Option<Vec<String>> = match values {
                Json::Array(list) => list.iter().map(scalar).collect(),
                one => scalar(one).map(|one| vec![one]),
            };
            found.push(Condition {
                operator: operator.clone(),
                key: key.to_ascii_lowercase(),
                values: values?,
            });
        }
    }
    Some(found)
}
