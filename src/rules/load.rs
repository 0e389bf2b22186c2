//! Rule texts in, a rule set out. With `compile` the only module that uses the parser's types.
//!
//! rsigma-parser reads the YAML and the condition language; before it we refuse what it would take
//! silently, after it we resolve what it leaves open (the reasons stand at each check). Every text
//! is accounted for: a rule, a rejection with file, line and reason, or "configuration missing".

mod builtin;
mod check;
mod condition;
mod correlation;
mod direct;
mod filter;
mod limits;
mod metadata;
mod parser_input;
mod read;
mod settings;
mod text;

use std::collections::BTreeMap;

use rayon::ThreadPoolBuilder;
use rsigma_parser::{FilterRule, LogSource, SigmaCollection, SigmaRule};
use yaml_serde::{Mapping, Value};

use super::compile::{self, CompileError};
use super::configured;
use super::first_seen;
use super::index::Index;
use super::matcher::{Check, Node, Test};
use super::{Field, Origin, Rejected, Rule, RuleKind, RuleSet, Unconfigured};
use crate::sha256;
pub use builtin::{builtin, builtin_names};
use check::{Numbers, before_parsing, take_numbers};
use correlation::Pending;
use metadata::{Header, name_of};
use parser_input::parser_input;
use read::Document;
pub use settings::{Override, Settings, stem};
use text::merged;
pub use text::{RuleText, UnreadableRules, folder};

/// Loads rules. Parsing runs on stacks of its own size: the parser refuses to work where little
/// seems to be left.
pub fn load(texts: &[RuleText], settings: &Settings) -> RuleSet {
    let threads = ThreadPoolBuilder::new().stack_size(8 << 20).build();
    threads.map_or_else(
        |_| RuleSet::default(),
        |threads| threads.install(|| Loader::new(settings).load(texts)),
    )
}

struct Loader<'s> {
    settings: &'s Settings,
    set: RuleSet,
    correlations: Vec<Pending>,
    filters: Vec<(Origin, FilterRule)>,
    /// Rules that the configuration keeps out of use, with the keys that would bring them in.
    absent: Vec<(Called, Vec<String>)>,
    /// Where rules stand in the set, by their names, and by their ids and titles.
    by_name: BTreeMap<String, usize>,
    by_id: BTreeMap<(String, String), usize>,
    /// Where rules of each id stand; published rules share ids now and then.
    places_of_id: BTreeMap<String, Vec<usize>>,
    /// Conditions of correlations of ours.
    conditions: direct::Conditions,
    /// Of correlations, by their places: what stands between them and events.
    chains: BTreeMap<usize, limits::Chain>,
}

/// What others may call a rule.
struct Called {
    name: String,
    id: Option<String>,
}

impl Called {
    fn new(name: String, id: Option<String>) -> Self {
        let id = id.filter(|id| !id.is_empty());
        Self { name, id }
    }
}

impl<'s> Loader<'s> {
    fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            set: RuleSet::default(),
            correlations: Vec::new(),
            filters: Vec::new(),
            absent: Vec::new(),
            by_name: BTreeMap::new(),
            by_id: BTreeMap::new(),
            places_of_id: BTreeMap::new(),
            conditions: direct::Conditions::new(),
            chains: BTreeMap::new(),
        }
    }

    fn load(mut self, texts: &[RuleText]) -> RuleSet {
        for (text, documents) in texts.iter().zip(read::all(texts)) {
            self.file(text, documents);
        }
        self.apply_filters();
        self.link_correlations();
        self.set.index = Index::new(&self.set.rules);
        self.set.unmatched = self.unknown_overrides();
        self.set.rejected.sort();
        self.set.unconfigured.sort();
        self.set.hash = sha256::hex(texts.iter().map(|text| text.text.as_bytes()));
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
    fn file(&mut self, file: &RuleText, documents: Vec<Document>) {
        if let Some((line, reason)) = &file.fault {
            return self.reject(&Origin::of(file, *line), "", reason.clone());
        }
        let (mut global, mut previous) = (None, None);
        if documents.is_empty() {
            self.reject(&Origin::of(file, 1), "", "there is no rule in the file");
        }
        let mut rules = 0;
        let mut documents = documents.into_iter().peekable();
        while let Some(document) = documents.next() {
            let Document {
                line,
                yaml,
                rule,
                built_in,
            } = document;
            let origin = Origin::of(file, line);
            let mut document = match yaml {
                Ok(document) => document,
                Err(reason) => {
                    self.reject(&origin, "", reason);
                    continue;
                }
            };
            let action = document.remove("action");
            match action.as_ref().map(|action| action.as_str().unwrap_or("")) {
                Some("global") => {
                    global = Some(document);
                    continue;
                }
                Some("reset") => {
                    global = None;
                    continue;
                }
                Some("repeat") => {
                    let Some(before) = &previous else {
                        let reason = "`action: repeat`, and there is nothing to repeat";
                        self.reject(&origin, "", reason);
                        continue;
                    };
                    document = merged(before, &document);
                }
                Some(_) => {
                    let reason = "`action` is global, reset or repeat";
                    self.reject(&origin, "", reason);
                    continue;
                }
                None => {}
            }
            // the parser merges a global part into correlations and filters too, Sigma does not
            let is_detection =
                !document.contains_key("correlation") && !document.contains_key("filter");
            if let Some(global) = global.as_ref().filter(|_| is_detection) {
                document = merged(global, &document);
            }
            if documents.peek().is_some() {
                previous = Some(document.clone());
            }
            rules += 1;
            self.document(&origin, document, rule, built_in);
        }
        if global.is_some() && rules == 0 {
            let reason = "`action: global`, and no rule follows";
            self.reject(&Origin::of(file, 1), "", reason);
        }
    }

    fn document(
        &mut self,
        origin: &Origin,
        mut document: Mapping,
        rule: Option<Result<SigmaCollection, String>>,
        built_in: bool,
    ) {
        let title = document
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let sound = limits::conditions(&document).and_then(|()| before_parsing(&document));
        if let Err(reason) = sound {
            return self.reject(origin, &title, reason);
        }
        let numbers = take_numbers(&mut document);
        let parsed = rule.or_else(|| {
            let rule = built_in.then(|| direct::collection(&document, &mut self.conditions));
            rule.flatten().map(Ok)
        });
        let parsed = parsed.unwrap_or_else(|| {
            yaml_serde::to_string(&parser_input(&document))
                .map_err(|error| error.to_string())
                .and_then(|text| read::parsed(&text))
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
            self.detection(origin, rule, &document);
        } else if let Some(rule) = parsed.correlations.pop() {
            self.correlations.push(Pending {
                origin: origin.clone(),
                header: Header::of(&document, rule.level, rule.status),
                rule,
                numbers,
            });
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

    fn detection(&mut self, origin: &Origin, rule: SigmaRule, document: &Mapping) {
        if let Some(why) = not_cloudtrail(&rule.logsource) {
            return self.reject(origin, &rule.title, why);
        }
        let name = name_of(rule.name.as_deref(), origin);
        self.note_settings_of_detection(&name, rule.id.as_deref());
        let compiled = compile::detections(&rule.detection, &self.settings.placeholders).and_then(
            |(node, keys)| {
                self.needs_configured(&node, keys.missing)?;
                let (node, first_seen) =
                    first_seen::taken_out(node).map_err(CompileError::Fault)?;
                Ok((node, first_seen, keys.filled))
            },
        );
        let (node, first_seen, filled_by) = match compiled {
            Ok(compiled) => compiled,
            Err(error) => {
                return self.refuse(origin, &rule.title, Called::new(name, rule.id), error);
            }
        };
        let header = Header::of(document, rule.level, rule.status);
        match self.rule(origin, header, RuleKind::Detection(node)) {
            Ok(rule) if rule.silent && first_seen.is_some() => {
                let reason = "a silent rule reports nothing new";
                self.reject(origin, &rule.title, reason);
            }
            Ok(rule) => self.add(Rule {
                first_seen,
                filled_by,
                ..rule
            }),
            Err((title, reason)) => self.reject(origin, &title, reason),
        }
    }

    /// A derived field without the configuration it needs has no value, so a rule that asks for it
    /// could only ever be silent.
    fn needs_configured(&self, node: &Node, missing: Vec<String>) -> Result<(), CompileError> {
        let mut missing = missing;
        for key in configured::keys_of(node) {
            if !self.settings.configured.contains(&key) && !missing.contains(&key.to_owned()) {
                missing.push(key.to_owned());
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(CompileError::Unconfigured(missing))
        }
    }

    fn refuse(&mut self, origin: &Origin, title: &str, called: Called, error: CompileError) {
        match error {
            CompileError::Fault(reason) => self.reject(origin, title, reason),
            CompileError::Unconfigured(missing) => self.waits(title, called, missing),
        }
    }

    /// Notes a rule that waits for keys of the configuration.
    fn waits(&mut self, title: &str, called: Called, missing: Vec<String>) {
        self.set.unconfigured.push(Unconfigured {
            rule: called.name.clone(),
            title: title.to_owned(),
            missing: missing.clone(),
        });
        self.absent.push((called, missing));
    }

    /// The keys of the configuration for want of which the rule of that name or id is not in use.
    fn missing(&self, name: &str) -> Option<&[String]> {
        let is = |called: &Called| called.name == name || called.id.as_deref() == Some(name);
        let absent = self.absent.iter().find(|(called, _)| is(called));
        absent.map(|(_, missing)| missing.as_slice())
    }

    fn add(&mut self, rule: Rule) {
        let settings = self.override_of(&rule.name, Some(&rule.id));
        if settings.is_some_and(|settings| settings.enabled == Some(false)) {
            let key = format!("rules.{}.enabled", rule.name);
            let called = Called::new(rule.name, Some(rule.id));
            self.absent.push((called, vec![key]));
            return;
        }
        let called = (rule.id.clone(), rule.title.clone());
        let by_id = self.by_id.get(&called).filter(|_| !rule.id.is_empty());
        let twins = self.by_name.get(&rule.name).into_iter().chain(by_id);
        let twin = twins.min().and_then(|twin| self.set.rules.get(*twin));
        if let Some(twin) = twin {
            let what = if twin.name == rule.name {
                format!("a rule called {}", rule.name)
            } else {
                "a rule of that id and title".to_owned()
            };
            let reason = format!(
                "{what} stands already in {}:{}: give it a `name` and an `id` of its own",
                twin.origin.file, twin.origin.line
            );
            return self.reject(&rule.origin.clone(), &rule.title.clone(), reason);
        }
        let place = self.set.rules.len();
        let same_id = self.places_of_id.entry(rule.id.clone()).or_default();
        same_id.push(place);
        self.by_name.insert(rule.name.clone(), place);
        self.by_id.insert(called, place);
        self.set.rules.push(rule);
    }
}

/// Why a rule is not for CloudTrail; `None` if it is.
fn not_cloudtrail(source: &LogSource) -> Option<String> {
    let is = |value: &Option<String>, wanted: &str| {
        value
            .as_deref()
            .is_none_or(|value| value.eq_ignore_ascii_case(wanted))
    };
    // a category alone is some other product's: CloudTrail has none
    let named = source.product.is_some() || source.service.is_some();
    let ours = named && is(&source.product, "aws") && is(&source.service, "cloudtrail");
    (!ours).then(|| {
        let name = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        format!(
            "its log source is not CloudTrail (product {}, service {}): it is `product: aws` and `service: cloudtrail`",
            name(&source.product),
            name(&source.service)
        )
    })
}

/// Calls `visit` with every field a condition reads.
pub(super) fn fields(node: &Node, visit: &mut dyn FnMut(&Field)) {
    tests_of(node, &mut |test| {
        visit(&test.field);
        if let Check::Field { other, .. } = &test.check {
            visit(other);
        }
    });
}

/// Calls `visit` with every test of a condition.
pub(super) fn tests_of(node: &Node, visit: &mut dyn FnMut(&Test)) {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            nodes.iter().for_each(|node| tests_of(node, visit));
        }
        Node::Not(node) | Node::Named(_, node) => tests_of(node, visit),
        Node::Test(test) => visit(test),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
