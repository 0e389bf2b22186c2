//! Rule texts in, a rule set out. The only module that knows the parser.
//!
//! rsigma-parser reads the YAML and the condition language; before it we refuse what it would take
//! silently, after it we resolve what it leaves open (the reasons stand at each check). Every text
//! is accounted for: a rule, a rejection with file, line and reason, or "configuration missing".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rsigma_parser::{
    CorrelationCondition, CorrelationRule, FilterRule, FilterRuleTarget, LogSource, SigmaRule,
};
use serde::Deserialize;
use yaml_serde::{Mapping, Value};

use super::compile::{self, CompileError};
use super::index::Index;
use super::matcher::{Check, Node};
use super::{
    Comparison, Correlation, Field, Measure, Origin, Placeholders, Rejected, Rule, RuleKind,
    RuleSet, Unconfigured,
};
use crate::coverage::Sight;
use crate::hipaa;
use crate::severity::Severity;

/// Our own rules: name and text.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// A file with rules.
#[derive(Debug, Clone)]
pub struct RuleText {
    pub file: String,
    pub text: String,
}

/// A folder or file of rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rules from {path}: {error}")]
pub struct UnreadableRules {
    path: PathBuf,
    error: std::io::Error,
}

/// What the configuration says about single rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub enabled: Option<bool>,
    pub level: Option<Severity>,
    /// Of a correlation: the number that its condition compares with.
    pub threshold: Option<f64>,
    /// Of a correlation: seconds.
    #[serde(default, deserialize_with = "timespan")]
    pub timespan: Option<i64>,
}

fn timespan<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(from)?;
    let span = rsigma_parser::Timespan::parse(&text).map_err(serde::de::Error::custom)?;
    Ok(i64::try_from(span.seconds).ok())
}

/// What rules are compiled against.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub placeholders: Placeholders,
    /// Tables of the configuration that derived fields need and that are there.
    pub configured: Vec<&'static str>,
    /// By rule name or id.
    pub overrides: BTreeMap<String, Override>,
}

/// The rules that are part of the program.
pub fn builtin() -> Vec<RuleText> {
    let text = |(file, text): &(&str, &str)| RuleText {
        file: format!("builtin:{file}"),
        text: (*text).to_owned(),
    };
    BUILTIN.iter().map(text).collect()
}

/// Every `.yml` and `.yaml` at or below a path, in the order of their names.
pub fn folder(path: &Path) -> Result<Vec<RuleText>, UnreadableRules> {
    let unreadable = |error| UnreadableRules {
        path: path.to_owned(),
        error,
    };
    let mut texts = Vec::new();
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        texts.push(RuleText {
            file: path.display().to_string(),
            text,
        });
        return Ok(texts);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_rule = path
            .extension()
            .is_some_and(|end| end == "yml" || end == "yaml");
        if path.is_dir() || is_rule {
            texts.extend(folder(&path)?);
        }
    }
    Ok(texts)
}

/// Loads rules. Parsing runs on a stack of its own size: the parser refuses to work where little
/// seems to be left.
pub fn load(texts: &[RuleText], settings: &Settings) -> RuleSet {
    std::thread::scope(|scope| {
        let loading = std::thread::Builder::new()
            .name("rules".into())
            .stack_size(8 << 20)
            .spawn_scoped(scope, || Loader::new(settings).load(texts));
        loading
            .ok()
            .and_then(|handle| handle.join().ok())
            .unwrap_or_default()
    })
}

/// Our own attributes of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Attributes {
    catalogue: String,
    requires: Vec<String>,
    why: String,
    response: Vec<String>,
    silent: bool,
    actor: Option<String>,
    resource: Option<String>,
}

struct Loader<'s> {
    settings: &'s Settings,
    set: RuleSet,
    correlations: Vec<(Origin, CorrelationRule, Thresholds)>,
    filters: Vec<(Origin, FilterRule)>,
    digest: ring::digest::Context,
}

/// A correlation's numbers, read from the YAML: the parser takes whole numbers only.
type Thresholds = Vec<(Comparison, f64)>;

impl<'s> Loader<'s> {
    fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            set: RuleSet::default(),
            correlations: Vec::new(),
            filters: Vec::new(),
            digest: ring::digest::Context::new(&ring::digest::SHA256),
        }
    }

    fn load(mut self, texts: &[RuleText]) -> RuleSet {
        for text in texts {
            self.digest.update(text.text.as_bytes());
            self.file(text);
        }
        self.apply_filters();
        self.link_correlations();
        self.set.index = Index::new(&self.set.rules);
        self.set.rejected.sort();
        self.set.unconfigured.sort();
        let hash = self.digest.finish();
        self.set.hash = hash
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.set
    }

    fn reject(&mut self, origin: &Origin, rule: &str, reason: impl Into<String>) {
        self.set.rejected.push(Rejected {
            origin: origin.clone(),
            rule: rule.to_owned(),
            reason: reason.into(),
        });
    }

    /// Reads the documents of one file, with Sigma's collection actions.
    fn file(&mut self, file: &RuleText) {
        let (mut global, mut previous) = (None, None);
        for (line, text) in documents(&file.text) {
            let origin = Origin {
                file: file.file.clone(),
                line,
            };
            let value: Value = match yaml_serde::from_str(text) {
                Ok(value) => value,
                Err(error) => {
                    self.reject(&origin, "", format!("not YAML: {error}"));
                    continue;
                }
            };
            let Value::Mapping(mut document) = value else {
                self.reject(&origin, "", "the document is not a mapping");
                continue;
            };
            // the parser merges a global part into correlations and filters too, Sigma does not
            let is_detection = |document: &Mapping| {
                document.contains_key("detection") && !document.contains_key("filter")
            };
            match document.remove("action").as_ref().and_then(Value::as_str) {
                Some("global") => {
                    global = Some(document);
                    continue;
                }
                Some("reset") => {
                    global = None;
                    continue;
                }
                Some("repeat") => {
                    if let Some(before) = &previous {
                        document = merged(before, &document);
                    }
                }
                Some(other) => {
                    self.reject(&origin, "", format!("unknown action `{other}`"));
                    continue;
                }
                None => {}
            }
            if let Some(global) = &global
                && (is_detection(&document) || !document.contains_key("correlation"))
            {
                document = merged(global, &document);
            }
            previous = Some(document.clone());
            self.document(&origin, document);
        }
    }

    fn document(&mut self, origin: &Origin, mut document: Mapping) {
        let title = document
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if let Err(reason) = before_parsing(&document) {
            return self.reject(origin, &title, reason);
        }
        let thresholds = take_thresholds(&mut document);
        let parsed = yaml_serde::to_string(&Value::Mapping(document))
            .map_err(|error| error.to_string())
            .and_then(|text| {
                rsigma_parser::parse_sigma_yaml(&text).map_err(|error| error.to_string())
            });
        let mut parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return self.reject(origin, &title, reason),
        };
        if let Some(reason) = parsed.errors.first() {
            let reason = reason.clone();
            return self.reject(origin, &title, reason);
        }
        if let Some(rule) = parsed.rules.pop() {
            self.detection(origin, rule);
        } else if let Some(correlation) = parsed.correlations.pop() {
            self.correlations
                .push((origin.clone(), correlation, thresholds));
        } else if let Some(filter) = parsed.filters.pop() {
            self.filters.push((origin.clone(), filter));
        } else {
            self.reject(
                origin,
                &title,
                "neither a rule, nor a correlation, nor a filter",
            );
        }
    }

    fn detection(&mut self, origin: &Origin, rule: SigmaRule) {
        if let Some(why) = not_cloudtrail(&rule.logsource) {
            return self.reject(origin, &rule.title, why);
        }
        let compiled = compile::detections(&rule.detection, &self.settings.placeholders)
            .and_then(|node| self.needs_configured(&node).map(|()| node));
        let node = match compiled {
            Ok(node) => node,
            Err(error) => {
                return self.refuse(
                    origin,
                    &rule.title,
                    name_of(rule.name.as_deref(), origin),
                    error,
                );
            }
        };
        let header = Header {
            title: rule.title,
            id: rule.id,
            name: rule.name,
            description: rule.description,
            level: rule.level.map(level),
            status: rule
                .status
                .map(|status| format!("{status:?}").to_lowercase()),
            author: rule.author,
            references: rule.references,
            false_positives: rule.falsepositives,
            tags: rule.tags,
            attributes: rule.custom_attributes.get("trailscan").cloned(),
        };
        match self.rule(origin, header, RuleKind::Detection(node)) {
            Ok(rule) => self.add(rule),
            Err((title, reason)) => self.reject(origin, &title, reason),
        }
    }

    /// A derived field without the configuration it needs has no value, so a rule that asks for it
    /// could only ever be silent.
    fn needs_configured(&self, node: &Node) -> Result<(), CompileError> {
        let mut missing = Vec::new();
        fields(node, &mut |field| {
            if let Field::Derived(derived) = field
                && let Some(table) = derived.needs()
                && !self.settings.configured.contains(&table)
                && !missing.contains(&table.to_owned())
            {
                missing.push(table.to_owned());
            }
        });
        if missing.is_empty() {
            Ok(())
        } else {
            Err(CompileError::Unconfigured(missing))
        }
    }

    fn refuse(&mut self, origin: &Origin, title: &str, name: String, error: CompileError) {
        match error {
            CompileError::Fault(reason) => self.reject(origin, title, reason),
            CompileError::Unconfigured(missing) => {
                self.set.unconfigured.push(Unconfigured {
                    rule: name,
                    title: title.to_owned(),
                    missing,
                });
            }
        }
    }

    /// Turns what is common to all rules into ours.
    fn rule(
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
        let field = |name: &Option<String>| match name {
            Some(name) => Field::new(name)
                .map(Some)
                .map_err(|_unknown| fail(format!("`{name}` is not a field"))),
            None => Ok(None),
        };
        let requires: Result<Vec<_>, _> = attributes
            .requires
            .iter()
            .map(|word| {
                sight(word).ok_or_else(|| fail(format!("`{word}` in `requires` is unknown")))
            })
            .collect();
        let mut citations = Vec::new();
        let mut attack = Vec::new();
        for tag in &header.tags {
            if tag.starts_with("hipaa.") {
                citations.push(
                    hipaa::from_tag(tag).ok_or_else(|| {
                        fail(format!("`{tag}` is no citation of the Security Rule"))
                    })?,
                );
            } else if let Some(technique) = tag.strip_prefix("attack.t") {
                attack.push(format!("T{}", technique.to_uppercase()));
            }
        }
        citations.sort_by_key(|cited| hipaa::CATALOGUE.iter().position(|known| known == *cited));
        let name = name_of(header.name.as_deref(), origin);
        let override_of = |key: &str| self.settings.overrides.get(key);
        let settings = override_of(&name).or_else(|| header.id.as_deref().and_then(override_of));
        Ok(Rule {
            level: settings
                .and_then(|settings| settings.level)
                .or(header.level)
                .unwrap_or(Severity::Medium),
            name,
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
            requires: requires?,
            why: attributes.why.trim().to_owned(),
            response: attributes.response,
            silent: attributes.silent,
            actor: field(&attributes.actor)?,
            resource: field(&attributes.resource)?,
            origin: origin.clone(),
            kind,
        })
    }

    fn add(&mut self, rule: Rule) {
        let settings = self
            .settings
            .overrides
            .get(&rule.name)
            .or_else(|| self.settings.overrides.get(&rule.id));
        if settings.is_some_and(|settings| settings.enabled == Some(false)) {
            return;
        }
        let twin = self.set.rules.iter().find(|other| {
            other.name == rule.name
                || (!rule.id.is_empty() && other.id == rule.id && other.title == rule.title)
        });
        if let Some(twin) = twin {
            let reason = format!(
                "a rule of that name or id stands already in {}:{}",
                twin.origin.file, twin.origin.line
            );
            return self.reject(&rule.origin.clone(), &rule.title.clone(), reason);
        }
        self.set.rules.push(rule);
    }

    /// ANDs each filter's condition, as written, to the rules it names (as pySigma does).
    fn apply_filters(&mut self) {
        for (origin, filter) in std::mem::take(&mut self.filters) {
            let node = match compile::detections(&filter.detection, &self.settings.placeholders) {
                Ok(node) => node,
                Err(error) => {
                    let name = name_of(filter.name.as_deref(), &origin);
                    self.refuse(&origin, &filter.title, name, error);
                    continue;
                }
            };
            let mut applied = false;
            for rule in &mut self.set.rules {
                let meant = match &filter.rules {
                    FilterRuleTarget::Any => true,
                    FilterRuleTarget::Specific(names) => names
                        .iter()
                        .any(|name| *name == rule.id || *name == rule.name),
                };
                if let (true, RuleKind::Detection(old)) = (meant, &mut rule.kind) {
                    let filtered = Node::Named(filter.title.clone(), Box::new(node.clone()));
                    let unfiltered = std::mem::replace(old, Node::All(Vec::new()));
                    *old = Node::All(vec![unfiltered, filtered]);
                    applied = true;
                }
            }
            if !applied {
                self.reject(
                    &origin,
                    &filter.title,
                    "the filter names no rule that is loaded",
                );
            }
        }
    }

    /// Resolves correlations after everything they may watch, other correlations included.
    fn link_correlations(&mut self) {
        let mut waiting = std::mem::take(&mut self.correlations);
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for (origin, correlation, thresholds) in waiting {
                match self.correlation(&origin, &correlation, &thresholds) {
                    Ok(rule) => self.add(rule),
                    Err(Unlinked::Names(_)) if before > 1 => {
                        still.push((origin, correlation, thresholds))
                    }
                    Err(unlinked) => self.unlinked(&origin, &correlation, unlinked),
                }
            }
            waiting = still;
            if waiting.len() == before || waiting.is_empty() {
                break;
            }
        }
        for (origin, correlation, thresholds) in waiting {
            if let Err(unlinked) = self.correlation(&origin, &correlation, &thresholds) {
                self.unlinked(&origin, &correlation, unlinked);
            }
        }
        self.hush_watched();
    }

    fn unlinked(&mut self, origin: &Origin, correlation: &CorrelationRule, unlinked: Unlinked) {
        match unlinked {
            Unlinked::Fault(reason) => self.reject(origin, &correlation.title, reason),
            Unlinked::Names(name) => {
                let waits = self
                    .set
                    .unconfigured
                    .iter()
                    .find(|rule| rule.rule == name)
                    .cloned();
                match waits {
                    Some(base) => {
                        let rule = name_of(correlation.name.as_deref(), origin);
                        self.set.unconfigured.push(Unconfigured {
                            rule,
                            title: correlation.title.clone(),
                            missing: base.missing,
                        });
                    }
                    None => self.reject(
                        origin,
                        &correlation.title,
                        format!("it watches `{name}`, which is not loaded"),
                    ),
                }
            }
        }
    }

    fn correlation(
        &self,
        origin: &Origin,
        rule: &CorrelationRule,
        thresholds: &Thresholds,
    ) -> Result<Rule, Unlinked> {
        let fault = |reason: String| Unlinked::Fault(reason);
        let mut watched = Vec::new();
        for name in &rule.rules {
            let place = self
                .set
                .rules
                .iter()
                .position(|known| known.name == *name || known.id == *name);
            watched.push(place.ok_or_else(|| Unlinked::Names(name.clone()))?);
        }
        if watched.is_empty() {
            return Err(fault("it watches no rule".into()));
        }
        let (fields, percentile) = match &rule.condition {
            CorrelationCondition::Threshold {
                field, percentile, ..
            } => (field.clone().unwrap_or_default(), *percentile),
            CorrelationCondition::Extended(_) => {
                return Err(fault("an extended condition is not supported yet".into()));
            }
        };
        let measure = measure(rule, percentile).map_err(fault)?;
        let needs_field = !matches!(
            measure,
            Measure::EventCount | Measure::Temporal | Measure::TemporalOrdered
        );
        if needs_field && fields.is_empty() {
            return Err(fault("its condition needs a `field`".into()));
        }
        let name = name_of(rule.name.as_deref(), origin);
        let settings = self.settings.overrides.get(&name);
        let mut thresholds = thresholds.clone();
        if matches!(measure, Measure::Temporal | Measure::TemporalOrdered) && thresholds.is_empty()
        {
            #[allow(clippy::cast_precision_loss, reason = "a handful of rules")]
            thresholds.push((Comparison::Gte, watched.len() as f64));
        }
        if thresholds.is_empty() {
            return Err(fault("its condition has no threshold".into()));
        }
        if let Some(threshold) = settings.and_then(|settings| settings.threshold) {
            thresholds
                .iter_mut()
                .for_each(|(_, number)| *number = threshold);
        }
        let field = |name: &String| {
            Field::new(name).map_err(|_unknown| fault(format!("`{name}` is not a field")))
        };
        let group_of = |name: &String, watched: &String| {
            let alias = rule
                .aliases
                .iter()
                .find(|alias| alias.alias == *name)
                .and_then(|alias| alias.mapping.get(watched));
            field(alias.unwrap_or(name))
        };
        let group_fields: Result<Vec<Vec<_>>, _> = rule
            .rules
            .iter()
            .map(|watched| {
                rule.group_by
                    .iter()
                    .map(|name| group_of(name, watched))
                    .collect()
            })
            .collect();
        let correlation = Correlation {
            measure,
            rules: watched,
            group_by: rule.group_by.clone(),
            group_fields: group_fields?,
            fields: fields.iter().map(field).collect::<Result<_, _>>()?,
            timespan: settings
                .and_then(|settings| settings.timespan)
                .unwrap_or_else(|| i64::try_from(rule.timespan.seconds).unwrap_or(i64::MAX)),
            thresholds,
            generate: rule.generate,
        };
        let header = Header {
            title: rule.title.clone(),
            id: rule.id.clone(),
            name: rule.name.clone(),
            description: rule.description.clone(),
            level: rule.level.map(level),
            status: rule
                .status
                .map(|status| format!("{status:?}").to_lowercase()),
            author: rule.author.clone(),
            references: rule.references.clone(),
            false_positives: rule.falsepositives.clone(),
            tags: rule.tags.clone(),
            attributes: rule.custom_attributes.get("trailscan").cloned(),
        };
        self.rule(origin, header, RuleKind::Correlation(correlation))
            .map_err(|(_, reason)| Unlinked::Fault(reason))
    }

    /// A rule that correlations watch reports by itself only where one of them says `generate`.
    fn hush_watched(&mut self) {
        let places = 0..self.set.rules.len();
        let hushed: Vec<usize> = places
            .filter(|place| {
                let generates: Vec<bool> = self
                    .set
                    .watchers(*place)
                    .map(|(_, _, watcher)| watcher.generate)
                    .collect();
                !generates.is_empty() && !generates.contains(&true)
            })
            .collect();
        for place in hushed {
            if let Some(rule) = self.set.rules.get_mut(place) {
                rule.silent = true;
            }
        }
    }
}

/// What every kind of rule says about itself.
struct Header {
    title: String,
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    level: Option<Severity>,
    status: Option<String>,
    author: Option<String>,
    references: Vec<String>,
    false_positives: Vec<String>,
    tags: Vec<String>,
    attributes: Option<Value>,
}

enum Unlinked {
    /// The rule of that name is not loaded.
    Names(String),
    Fault(String),
}

/// The documents of a file, each with the line it begins at.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut from, mut line, mut at) = (0, 1, 0);
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if content.trim_end() == "---" {
            found.push((line, text.get(from..at).unwrap_or_default()));
            from = at + content.len();
            line = number + 2;
        }
        at += content.len();
    }
    found.push((line, text.get(from..).unwrap_or_default()));
    let says_something = |text: &str| {
        text.lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    found.retain(|(_, text)| says_something(text));
    found
}

/// `over` laid over `base`, mappings within mappings.
fn merged(base: &Mapping, over: &Mapping) -> Mapping {
    let mut out = base.clone();
    for (key, value) in over {
        let value = match (out.get(key), value) {
            (Some(Value::Mapping(below)), Value::Mapping(above)) => {
                Value::Mapping(merged(below, above))
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    out
}

/// What the parser would take silently and get wrong.
fn before_parsing(document: &Mapping) -> Result<(), String> {
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
fn plain_values(name: &str, value: &Value) -> Result<(), String> {
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
fn take_thresholds(document: &mut Mapping) -> Thresholds {
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

fn measure(rule: &CorrelationRule, percentile: Option<u64>) -> Result<Measure, String> {
    use rsigma_parser::CorrelationType as Type;
    Ok(match rule.correlation_type {
        Type::EventCount => Measure::EventCount,
        Type::ValueCount => Measure::ValueCount,
        Type::Temporal => Measure::Temporal,
        Type::TemporalOrdered => Measure::TemporalOrdered,
        Type::ValueSum => Measure::ValueSum,
        Type::ValueAvg => Measure::ValueAvg,
        #[allow(clippy::cast_precision_loss, reason = "a percentage")]
        Type::ValuePercentile => Measure::ValuePercentile(percentile.unwrap_or(50) as f64),
        Type::ValueMedian => return Err("`value_median` is not in Sigma 2.1".into()),
    })
}

const fn level(level: rsigma_parser::Level) -> Severity {
    match level {
        rsigma_parser::Level::Informational => Severity::Informational,
        rsigma_parser::Level::Low => Severity::Low,
        rsigma_parser::Level::Medium => Severity::Medium,
        rsigma_parser::Level::High => Severity::High,
        rsigma_parser::Level::Critical => Severity::Critical,
    }
}

/// Sigma's `name`, else the file's stem, with the line where the file holds several rules.
fn name_of(name: Option<&str>, origin: &Origin) -> String {
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

/// Why a rule is not for CloudTrail; nothing where it is.
fn not_cloudtrail(source: &LogSource) -> Option<String> {
    let is = |value: &Option<String>, wanted: &str| {
        value
            .as_deref()
            .is_none_or(|value| value.eq_ignore_ascii_case(wanted))
    };
    let ours = is(&source.product, "aws") && is(&source.service, "cloudtrail");
    (!ours).then(|| {
        let name = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        format!(
            "its log source is not CloudTrail (product {}, service {})",
            name(&source.product),
            name(&source.service)
        )
    })
}

/// A word of `requires`.
fn sight(word: &str) -> Option<Sight> {
    Some(match word {
        "management_write" => Sight::ManagementWrite,
        "management_read" => Sight::ManagementRead,
        "kms" => Sight::Kms,
        "sign_in" => Sight::SignIn,
        _ => Sight::Data(word.strip_prefix("data:")?.to_owned()),
    })
}

/// Calls `visit` with every field a condition reads.
fn fields(node: &Node, visit: &mut dyn FnMut(&Field)) {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            nodes.iter().for_each(|node| fields(node, visit))
        }
        Node::Not(node) | Node::Named(_, node) => fields(node, visit),
        Node::Test(test) => {
            visit(&test.field);
            if let Check::Field { other, .. } = &test.check {
                visit(other);
            }
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
