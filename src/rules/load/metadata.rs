//! What every kind of rule says about itself, in Sigma's words and in ours.

use rsigma_parser::{Level, Status};
use serde::Deserialize;
use yaml_serde::{Mapping, Value};

use super::{Loader, aliases};
use crate::coverage::EventClass;
use crate::hipaa;
use crate::rules::{Field, Origin, Rule, RuleKind};
use crate::severity::Severity;

/// Our own attributes of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Attributes {
    catalogue: String,
    requires: Vec<String>,
    why: String,
    response: Vec<String>,
    silent: bool,
    actor: Option<String>,
    resource: Option<String>,
    /// Former names of the rule.
    aliases: Vec<String>,
}

/// What every kind of rule says about itself.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) title: String,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) level: Option<Severity>,
    pub(super) status: Option<String>,
    pub(super) author: Option<String>,
    pub(super) references: Vec<String>,
    pub(super) false_positives: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) attributes: Option<Value>,
    /// Former names and ids.
    pub(super) aliases: Vec<String>,
}

impl Header {
    /// Reads a document as the parser does, which need not see all of this; level and status are what it
    /// made of them.
    pub(super) fn of(document: &Mapping, level: Option<Level>, status: Option<Status>) -> Self {
        let text = |key: &str| {
            let text = document.get(key).and_then(Value::as_str);
            text.map(str::to_owned)
        };
        let list = |key: &str| match document.get(key) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Sequence(all)) => {
                let texts = all.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        // what Sigma does not know may stand among `custom_attributes` too, and counts more there
        let custom = document.get("custom_attributes");
        let custom = custom.and_then(|custom| match custom {
            Value::Mapping(custom) => custom.get("trailscan"),
            _ => None,
        });
        let attributes = custom.or_else(|| document.get("trailscan")).cloned();
        Self {
            aliases: aliases::stated(document, attributes.as_ref()),
            title: text("title").unwrap_or_default(),
            id: text("id"),
            name: text("name"),
            description: text("description"),
            level: level.map(severity),
            status: status.map(|status| format!("{status:?}").to_lowercase()),
            author: text("author"),
            references: list("references"),
            false_positives: list("falsepositives"),
            tags: list("tags"),
            attributes,
        }
    }
}

const fn severity(level: Level) -> Severity {
    match level {
        Level::Informational => Severity::Informational,
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    }
}

/// Sigma's `name`, else the file's stem, with the line where the file holds several rules.
pub(super) fn name_of(name: Option<&str>, origin: &Origin) -> String {
    let stem = origin
        .file
        .rsplit(['/', '\\', ':'])
        .next()
        .unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    match name {
        Some(name) => name.to_owned(),
        None if origin.line > 1 => format!("{stem}:{}", origin.line),
        None => stem.to_owned(),
    }
}

impl Loader<'_> {
    /// Turns what is common to all rules into ours.
    pub(super) fn rule(
        &self,
        origin: &Origin,
        header: Header,
        kind: RuleKind,
    ) -> Result<Rule, (String, String)> {
        let title = header.title.clone();
        let fail = |reason: String| (title.clone(), reason);
        let attributes: Attributes = match header.attributes {
            Some(value) => yaml_serde::from_value(value)
                .map_err(|error| fail(format!("`trailscan`: {error}")))?,
            None => Attributes::default(),
        };
        if attributes
            .aliases
            .iter()
            .any(|alias| alias.trim().is_empty())
        {
            return Err(fail(
                "an alias is empty: write a former name of the rule".to_owned(),
            ));
        }
        let field = |name: &Option<String>| match name {
            Some(name) => Field::shown(name)
                .map(Some)
                .map_err(|refused| fail(refused.to_string())),
            None => Ok(None),
        };
        let requires: Result<Vec<_>, _> = attributes
            .requires
            .iter()
            .map(|word| {
                EventClass::of(word)
                    .ok_or_else(|| fail(format!("`{word}` in `requires` is unknown")))
            })
            .collect();
        let mut citations = Vec::new();
        let mut attack = Vec::new();
        for tag in &header.tags {
            if tag.starts_with("hipaa.") {
                citations.push(hipaa::from_tag(tag).ok_or_else(|| {
                    fail(format!("`{tag}` is not a citation of the Security Rule"))
                })?);
            } else if let Some(technique) = tag.strip_prefix("attack.t") {
                attack.push(format!("T{}", technique.to_uppercase()));
            }
        }
        citations.sort_by_key(|cited| hipaa::CATALOGUE.iter().position(|known| known == *cited));
        let name = name_of(header.name.as_deref(), origin);
        let settings = self.override_of(&name, header.id.as_deref(), &header.aliases);
        Ok(Rule {
            states_level: header.level.is_some(),
            level: settings
                .and_then(|settings| settings.level)
                .or(header.level)
                .unwrap_or(Severity::Medium),
            name,
            former_names: aliases::names(&header.aliases),
            aliases: header.aliases,
            id: header.id.unwrap_or_default(),
            title: header.title,
            description: header.description.unwrap_or_default().trim().to_owned(),
            status: header.status.unwrap_or_default(),
            author: header.author.unwrap_or_default(),
            references: header.references,
            false_positives: header.false_positives,
            citations,
            attack,
            catalogue: attributes.catalogue,
            requires: requires?.concat(),
            why: attributes.why.trim().to_owned(),
            response: attributes.response,
            silent: attributes.silent,
            actor: field(&attributes.actor)?,
            resource: field(&attributes.resource)?,
            first_seen: None,
            filled_by: Vec::new(),
            origin: origin.clone(),
            kind,
        })
    }
}
