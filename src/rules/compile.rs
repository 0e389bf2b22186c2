//! From the parser's tree to tests: modifiers applied, placeholders filled, paths worked out, once.

mod modifiers;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
    SigmaString, SigmaValue,
};

use super::Placeholders;
use super::field::{Field, UnknownField};
use super::matcher::{Check, Fit, Node, Test, ValueTest};
use super::placeholders::key_of;
use crate::event::{Key, Path};
use crate::wildcard::{Part, Wildcard};

/// Why a rule cannot be compiled: a fault in it, or configuration that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CompileError {
    Fault(String),
    Unconfigured(Vec<String>),
}

impl From<UnknownField> for CompileError {
    fn from(unknown: UnknownField) -> Self {
        Self::Fault(unknown.to_string())
    }
}

impl CompileError {
    pub(super) fn reason(text: impl Into<String>) -> Self {
        Self::Fault(text.into())
    }
}

type Compiled<T> = Result<T, CompileError>;

/// Compiles a rule's detection section. Several conditions are alternatives. Beside the condition
/// come the keys of the configuration that it waits for, all of them, so that they can be set at
/// once; with any, the condition is of no use.
pub(super) fn detections(
    detections: &Detections,
    placeholders: &Placeholders,
) -> Compiled<(Node, Vec<String>)> {
    if detections.timeframe.is_some() {
        return Err(CompileError::reason(
            "`timeframe` belongs to Sigma 1: write a correlation rule instead",
        ));
    }
    let compiler = Compiler {
        detections,
        placeholders,
        missing: RefCell::default(),
        values: Cell::new(0),
        expressions: Cell::new(0),
    };
    let nodes: Compiled<Vec<_>> = detections
        .conditions
        .iter()
        .map(|condition| compiler.condition(condition))
        .collect();
    let node = one_or(nodes?, Node::Any).ordered();
    Ok((node, compiler.missing.into_inner().into_iter().collect()))
}

struct Compiler<'r> {
    detections: &'r Detections,
    placeholders: &'r Placeholders,
    missing: RefCell<BTreeSet<String>>,
    /// Values and regular expressions compiled so far. A condition may name an identifier many times,
    /// and each time its values are compiled.
    values: Cell<usize>,
    expressions: Cell<usize>,
}

/// The most values, and of these the most regular expressions, that one rule compiles to.
const MOST_VALUES: usize = 200_000;
const MOST_EXPRESSIONS: usize = 500;

impl Compiler<'_> {
    fn condition(&self, expression: &ConditionExpr) -> Compiled<Node> {
        let each = |parts: &[ConditionExpr]| {
            parts
                .iter()
                .map(|part| self.condition(part))
                .collect::<Compiled<Vec<_>>>()
        };
        match expression {
            ConditionExpr::And(parts) => Ok(Node::All(each(parts)?)),
            ConditionExpr::Or(parts) => Ok(Node::Any(each(parts)?)),
            ConditionExpr::Not(part) => Ok(Node::Not(Box::new(self.condition(part)?))),
            ConditionExpr::Identifier(name) => self.named(name),
            ConditionExpr::Selector {
                quantifier,
                pattern,
            } => {
                let nodes = self.selected(pattern)?;
                Ok(match quantifier {
                    Quantifier::All => Node::All(nodes),
                    Quantifier::Any => Node::Any(nodes),
                    Quantifier::Count(least) => {
                        Node::AtLeast(usize::try_from(*least).unwrap_or(usize::MAX), nodes)
                    }
                })
            }
        }
    }

    /// The identifiers a selector means, by name; `them` leaves out those that begin with `_`.
    fn selected(&self, pattern: &SelectorPattern) -> Compiled<Vec<Node>> {
        let mut names: Vec<&String> = self.detections.named.keys().collect();
        names.sort();
        match pattern {
            SelectorPattern::Them => names.retain(|name| !name.starts_with('_')),
            SelectorPattern::Pattern(pattern) => {
                let wanted = Wildcard::parse(pattern);
                names.retain(|name| wanted.matches(name));
            }
        }
        if names.is_empty() {
            return Err(CompileError::reason(format!(
                "`{pattern}` in the condition selects nothing"
            )));
        }
        names.into_iter().map(|name| self.named(name)).collect()
    }

    fn named(&self, name: &str) -> Compiled<Node> {
        let detection = self.detections.named.get(name).ok_or_else(|| {
            CompileError::reason(format!("the condition names `{name}`, which is not there"))
        })?;
        Ok(Node::Named(
            name.to_owned(),
            Box::new(self.detection(name, detection)?),
        ))
    }

    fn detection(&self, name: &str, detection: &Detection) -> Compiled<Node> {
        let empty = || CompileError::reason(format!("`{name}` is empty"));
        match detection {
            Detection::AllOf(items) if items.is_empty() => Err(empty()),
            Detection::AllOf(items) => {
                let tests: Compiled<Vec<_>> = items.iter().map(|item| self.item(item)).collect();
                Ok(one_or(tests?, Node::All))
            }
            Detection::AnyOf(parts) | Detection::And(parts) if parts.is_empty() => Err(empty()),
            Detection::AnyOf(parts) => Ok(Node::Any(self.parts(name, parts)?)),
            Detection::And(parts) => Ok(Node::All(self.parts(name, parts)?)),
            Detection::Keywords(values) if values.is_empty() => Err(empty()),
            Detection::Keywords(values) => self.keywords(values, &[]),
            Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
                Err(CompileError::reason(format!(
                    "`{name}` uses the array extension, which is not in Sigma 2.1"
                )))
            }
        }
    }

    fn parts(&self, name: &str, parts: &[Detection]) -> Compiled<Vec<Node>> {
        parts
            .iter()
            .map(|part| self.detection(name, part))
            .collect()
    }

    /// Keywords are found anywhere in the record, as parts of a value.
    fn keywords(&self, values: &[SigmaValue], modifiers: &[Modifier]) -> Compiled<Node> {
        let mut with_contains = modifiers.to_vec();
        let says_how = [
            Modifier::Re,
            Modifier::Cidr,
            Modifier::Contains,
            Modifier::StartsWith,
            Modifier::EndsWith,
        ];
        if !modifiers.iter().any(|modifier| says_how.contains(modifier)) {
            with_contains.push(Modifier::Contains);
        }
        self.test(Field::Anywhere, "keywords", values, &with_contains)
            .map(Node::Test)
    }

    fn item(&self, item: &DetectionItem) -> Compiled<Node> {
        let modifiers = &item.field.modifiers;
        let Some(name) = &item.field.name else {
            return self.keywords(&item.values, modifiers);
        };
        // the parser marks the brackets of a name (`resources[].ARN`) as its own
        let name = name.replace("\\[", "[").replace("\\]", "]");
        if let Some(part) = name.split('.').find(|part| is_position(part)) {
            let list = part.split('[').next().unwrap_or_default();
            return Err(CompileError::reason(format!(
                "`{name}` names a place in a list, which Sigma 2.1 cannot: write `{list}` for any member"
            )));
        }
        let label = modifiers.iter().fold(name.clone(), |label, modifier| {
            format!("{label}|{}", format!("{modifier:?}").to_lowercase())
        });
        self.test(Field::new(&name)?, &label, &item.values, modifiers)
            .map(Node::Test)
    }

    fn test(
        &self,
        field: Field,
        label: &str,
        values: &[SigmaValue],
        modifiers: &[Modifier],
    ) -> Compiled<Test> {
        let fault = |what: &str| CompileError::reason(format!("`{label}`: {what}"));
        let has = |modifier| modifiers.contains(&modifier);
        if values.is_empty() {
            return Err(fault("the list of values is empty"));
        }
        if let Some(conflict) = modifiers::conflict(modifiers) {
            return Err(fault(&conflict));
        }
        let mut wanted: Vec<String> = values.iter().map(written).collect();
        let check = if has(Modifier::Exists) {
            match values {
                [SigmaValue::Bool(expected)] => Check::Exists(*expected),
                [SigmaValue::String(text)] if text.original == "true" => Check::Exists(true),
                [SigmaValue::String(text)] if text.original == "false" => Check::Exists(false),
                _ => return Err(fault("`exists` takes true or false")),
            }
        } else if has(Modifier::FieldRef) {
            let [SigmaValue::String(other)] = values else {
                return Err(fault("`fieldref` takes the name of one field"));
            };
            let fit = match modifiers.iter().find(|m| {
                matches!(
                    m,
                    Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith
                )
            }) {
                Some(Modifier::Contains) => Fit::Contains,
                Some(Modifier::StartsWith) => Fit::StartsWith,
                Some(_) => Fit::EndsWith,
                None => Fit::Equal,
            };
            Check::Field {
                other: Field::new(&other.original)?,
                fit,
                cased: has(Modifier::Cased),
                negated: has(Modifier::Neq),
            }
        } else {
            let mut wants = Vec::new();
            let values = self.expanded(values, has(Modifier::Expand));
            let expressions = if has(Modifier::Re) { values.len() } else { 0 };
            self.charge(values.len(), expressions)
                .map_err(|what| fault(&what))?;
            wanted = values.iter().map(written).collect();
            for value in values {
                wants.extend(values::want(&value, modifiers).map_err(|what| fault(&what))?);
            }
            if names_services(&field) && !has(Modifier::All) {
                wants.extend(in_china(&wants));
            }
            if has(Modifier::Neq) {
                Check::None(wants)
            } else if has(Modifier::All) {
                Check::Every(wants)
            } else {
                Check::Any(wants)
            }
        };
        Ok(Test {
            field,
            label: label.to_owned(),
            wanted,
            check,
        })
    }

    /// Counts what is about to be compiled; fails beyond the limits.
    fn charge(&self, values: usize, expressions: usize) -> Result<(), String> {
        let all = [
            (&self.values, values, MOST_VALUES, "values"),
            (
                &self.expressions,
                expressions,
                MOST_EXPRESSIONS,
                "regular expressions",
            ),
        ];
        for (spent, more, most, what) in all {
            spent.set(spent.get().saturating_add(more));
            if spent.get() > most {
                return Err(format!("the condition compiles to more than {most} {what}"));
            }
        }
        Ok(())
    }

    /// Fills `%placeholder%`s; each value of the list makes a value of its own. One that is not
    /// configured is noted and left out.
    fn expanded(&self, values: &[SigmaValue], expand: bool) -> Vec<SigmaValue> {
        let mut out = Vec::new();
        for value in values {
            let SigmaValue::String(text) = value else {
                out.push(value.clone());
                continue;
            };
            let mut parts = text.original.splitn(3, '%');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(before), Some(name), Some(after)) if expand && !name.is_empty() => {
                    match self.placeholders.get(name) {
                        Some(list) if !list.is_empty() => {
                            out.extend(list.iter().map(|filling| {
                                let filled = format!("{before}{filling}{after}");
                                SigmaValue::String(SigmaString::new(&filled))
                            }));
                        }
                        _ => {
                            self.missing.borrow_mut().insert(key_of(name));
                        }
                    }
                }
                _ => out.push(value.clone()),
            }
        }
        out
    }
}

/// True for the fields that hold the names of services.
fn names_services(field: &Field) -> bool {
    *field == Field::Path(Path::Key(Key::EventSource))
        || *field == Field::Path(Path::new("userIdentity.invokedBy"))
}

/// The names that services have in China's Regions, where rules mean the same services.
fn in_china(wants: &[ValueTest]) -> Vec<ValueTest> {
    let wants = wants.iter().filter_map(|want| match want {
        ValueTest::Text(pattern) => pattern.literal(),
        _ => None,
    });
    let services = wants.filter(|name| name.ends_with(".amazonaws.com"));
    services
        .map(|name| ValueTest::Text(Wildcard::new(vec![Part::Text(format!("{name}.cn"))], false)))
        .collect()
}

/// A value as the rule has it.
fn written(value: &SigmaValue) -> String {
    match value {
        SigmaValue::String(text) => text.original.clone(),
        SigmaValue::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// True for `name[3]`.
fn is_position(part: &str) -> bool {
    let inside = part
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.parse::<i64>().is_ok())
}

fn one_or(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match (nodes.len(), nodes.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            nodes.extend(last);
            join(nodes)
        }
    }
}
