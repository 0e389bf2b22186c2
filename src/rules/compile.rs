//! From the parser's tree to tests: modifiers applied, placeholders filled, paths worked out, once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::RegexBuilder;
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
    SigmaString, SigmaValue, SpecialChar, StringPart,
};

use super::matcher::{Check, Fit, Node, Test, TimePart, Want};
use super::{Comparison, Placeholders};
use crate::derive::{Derived, Organization};
use crate::event::json::Value;
use crate::event::{Event, Path};
use crate::wildcard::{Part, Wildcard};

/// Where a rule's field is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Path(Path),
    Derived(Derived),
    /// Keywords: any value anywhere in the record.
    Anywhere,
}

impl Field {
    /// Works a field name out; an error where it is in our own namespace but not a field of ours.
    pub fn new(name: &str) -> Result<Self, CompileError> {
        if name.starts_with("trailscan.") {
            return Derived::from_field(name).map(Self::Derived).ok_or_else(|| {
                CompileError::reason(format!("`{name}` is not a derived field of trailscan"))
            });
        }
        Ok(Self::Path(Path::new(name)))
    }

    /// Calls `visit` with every value until it answers true; answers whether it did.
    pub fn visit<'a>(
        &self,
        event: &Event<'a>,
        organization: &Organization,
        visit: &mut dyn FnMut(Value<'a>) -> bool,
    ) -> bool {
        match self {
            Self::Path(path) => event.visit(path, visit),
            Self::Derived(derived) => derived.value(event, organization).is_some_and(visit),
            Self::Anywhere => event.leaves().any(|leaf| visit(leaf.value())),
        }
    }

    /// True where the key is there.
    pub fn exists(&self, event: &Event<'_>, organization: &Organization) -> bool {
        match self {
            Self::Path(path) => event.has(path),
            Self::Derived(derived) => derived.value(event, organization).is_some(),
            Self::Anywhere => true,
        }
    }

    /// The first value as text; empty where there is none.
    pub fn text(&self, event: &Event<'_>, organization: &Organization) -> String {
        let mut found = String::new();
        self.visit(event, organization, &mut |value| match value.as_text() {
            Some(text) => {
                found = text.into_owned();
                true
            }
            None => false,
        });
        found
    }
}

/// Why a rule cannot be compiled: a fault in it, or configuration that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileError {
    Fault(String),
    Unconfigured(Vec<String>),
}

impl CompileError {
    pub(super) fn reason(text: impl Into<String>) -> Self {
        Self::Fault(text.into())
    }
}

type Compiled<T> = Result<T, CompileError>;

/// Compiles a rule's detection section. Several conditions are alternatives.
pub(super) fn detections(detections: &Detections, placeholders: &Placeholders) -> Compiled<Node> {
    if detections.timeframe.is_some() {
        return Err(CompileError::reason(
            "`timeframe` belongs to Sigma 1: write a correlation rule instead",
        ));
    }
    let compiler = Compiler {
        detections,
        placeholders,
    };
    let nodes: Compiled<Vec<_>> = detections
        .conditions
        .iter()
        .map(|condition| compiler.condition(condition))
        .collect();
    Ok(one_or(nodes?, Node::Any))
}

struct Compiler<'r> {
    detections: &'r Detections,
    placeholders: &'r Placeholders,
}

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
        if !modifiers.contains(&Modifier::Re) {
            with_contains.insert(0, Modifier::Contains);
        }
        self.test(Field::Anywhere, "keywords", values, &with_contains)
            .map(Node::Test)
    }

    fn item(&self, item: &DetectionItem) -> Compiled<Node> {
        let modifiers = &item.field.modifiers;
        let Some(name) = &item.field.name else {
            return self.keywords(&item.values, modifiers);
        };
        let label = modifiers.iter().fold(name.clone(), |label, modifier| {
            format!("{label}|{}", format!("{modifier:?}").to_lowercase())
        });
        self.test(Field::new(name)?, &label, &item.values, modifiers)
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
            for value in self.expanded(values, has(Modifier::Expand))? {
                wants.extend(want(&value, modifiers).map_err(|what| fault(&what))?);
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
            check,
        })
    }

    /// Fills `%placeholder%`s; each value of the list makes a value of its own.
    fn expanded(&self, values: &[SigmaValue], expand: bool) -> Compiled<Vec<SigmaValue>> {
        let mut out = Vec::new();
        let mut missing = Vec::new();
        for value in values {
            let SigmaValue::String(text) = value else {
                out.push(value.clone());
                continue;
            };
            let mut parts = text.original.splitn(3, '%');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(before), Some(name), Some(after)) if expand && !name.is_empty() => match self
                    .placeholders
                    .get(name)
                {
                    Some(list) if !list.is_empty() => out.extend(list.iter().map(|filling| {
                        SigmaValue::String(SigmaString::new(&format!("{before}{filling}{after}")))
                    })),
                    _ => missing.push(name.replacen('_', ".", 1)),
                },
                _ => out.push(value.clone()),
            }
        }
        if missing.is_empty() {
            Ok(out)
        } else {
            Err(CompileError::Unconfigured(missing))
        }
    }
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

/// One value of a rule as what is asked of an event's value; several where a modifier yields
/// variants. The modifiers apply in the order written.
fn want(value: &SigmaValue, modifiers: &[Modifier]) -> Result<Vec<Want>, String> {
    if let Some(part) = modifiers.iter().find_map(time_part) {
        let comparison = modifiers
            .iter()
            .find_map(comparison)
            .unwrap_or(Comparison::Eq);
        return Ok(vec![Want::Time(part, comparison, number(value)?)]);
    }
    if let Some(comparison) = modifiers.iter().find_map(comparison) {
        return Ok(vec![Want::Number(comparison, number(value)?)]);
    }
    let text = match value {
        SigmaValue::Null => return Ok(vec![Want::Null]),
        SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Float(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Bool(truth) => SigmaString::from_raw(if *truth { "true" } else { "false" }),
        SigmaValue::String(text) => text.clone(),
    };
    if modifiers.contains(&Modifier::Re) {
        let regex = RegexBuilder::new(&text.original)
            .case_insensitive(modifiers.contains(&Modifier::IgnoreCase))
            .multi_line(modifiers.contains(&Modifier::Multiline))
            .dot_matches_new_line(modifiers.contains(&Modifier::DotAll))
            .build()
            .map_err(|error| format!("the regular expression cannot be used: {error}"))?;
        return Ok(vec![Want::Regex(regex)]);
    }
    if modifiers.contains(&Modifier::Cidr) {
        let net: ipnet::IpNet = text
            .original
            .parse()
            .map_err(|_invalid| format!("`{}` is not a network", text.original))?;
        if net.addr() != net.network() {
            return Err(format!(
                "`{net}` has bits set behind its prefix: did you mean `{}`?",
                net.trunc()
            ));
        }
        return Ok(vec![Want::Net(net)]);
    }
    let mut variants = vec![pieces(&text)];
    let mut cased = modifiers.contains(&Modifier::Cased);
    for modifier in modifiers {
        cased |= matches!(modifier, Modifier::Base64 | Modifier::Base64Offset);
        variants = variants
            .into_iter()
            .map(|variant| transformed(modifier, variant))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
    }
    let wants = variants.into_iter().map(|pieces| {
        let pattern = Wildcard::new(pieces, cased);
        if pattern.is_anything() {
            Want::Present
        } else {
            Want::Text(pattern)
        }
    });
    Ok(wants.collect())
}

fn pieces(text: &SigmaString) -> Vec<Part> {
    let piece = |part: &StringPart| match part {
        StringPart::Plain(text) => Part::Text(text.clone()),
        StringPart::Special(SpecialChar::WildcardMulti) => Part::Many,
        StringPart::Special(SpecialChar::WildcardSingle) => Part::One,
    };
    text.parts.iter().map(piece).collect()
}

/// Applies one modifier to the pieces of a text.
fn transformed(modifier: &Modifier, mut pieces: Vec<Part>) -> Result<Vec<Vec<Part>>, String> {
    Ok(match modifier {
        Modifier::Contains => {
            pieces.insert(0, Part::Many);
            pieces.push(Part::Many);
            vec![pieces]
        }
        Modifier::StartsWith => {
            pieces.push(Part::Many);
            vec![pieces]
        }
        Modifier::EndsWith => {
            pieces.insert(0, Part::Many);
            vec![pieces]
        }
        Modifier::Wide => vec![bytes_as_text(&utf16(&plain(&pieces)?, u16::to_le_bytes))],
        Modifier::Utf16be => vec![bytes_as_text(&utf16(&plain(&pieces)?, u16::to_be_bytes))],
        Modifier::Utf16 => {
            let with_mark = [vec![0xff, 0xfe], utf16(&plain(&pieces)?, u16::to_le_bytes)].concat();
            vec![bytes_as_text(&with_mark)]
        }
        Modifier::Base64 => {
            let encoded =
                base64::engine::general_purpose::STANDARD.encode(text_as_bytes(&plain(&pieces)?));
            vec![vec![Part::Text(encoded)]]
        }
        Modifier::Base64Offset => {
            let bytes = text_as_bytes(&plain(&pieces)?);
            (0..3)
                .map(|shift| vec![Part::Text(shifted_base64(&bytes, shift))])
                .collect()
        }
        Modifier::WindAsh => dashes(pieces),
        _ => vec![pieces],
    })
}

/// Text without wildcards, for the encodings.
fn plain(pieces: &[Part]) -> Result<String, String> {
    pieces
        .iter()
        .map(|piece| match piece {
            Part::Text(text) => Ok(text.as_str()),
            Part::One | Part::Many => Err("wildcards cannot be encoded".to_owned()),
        })
        .collect()
}

/// Bytes travel between the encoding modifiers as characters U+0000 to U+00FF where they are no
/// UTF-8 of their own.
fn bytes_as_text(bytes: &[u8]) -> Vec<Part> {
    vec![Part::Text(
        bytes.iter().map(|byte| char::from(*byte)).collect(),
    )]
}

fn text_as_bytes(text: &str) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    match narrow {
        Some(bytes) if bytes.contains(&0) => bytes,
        _ => text.as_bytes().to_vec(),
    }
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// The part of an encoding that does not depend on what stands around the text.
fn shifted_base64(bytes: &[u8], shift: usize) -> String {
    let padded = [vec![0; shift], bytes.to_vec()].concat();
    let encoded = STANDARD_NO_PAD.encode(&padded);
    let from = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let unstable = usize::from(padded.len() % 3 != 0);
    encoded
        .get(from..encoded.len() - unstable)
        .unwrap_or_default()
        .to_owned()
}

/// A flag that begins with any of the dashes Windows takes for one, or with a slash.
fn dashes(pieces: Vec<Part>) -> Vec<Vec<Part>> {
    const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let begins_flag = |text: &str| {
        let mut before = ' ';
        text.chars().any(|c| {
            let flag = matches!(c, '-' | '/') && !before.is_alphanumeric();
            before = c;
            flag
        })
    };
    if !pieces
        .iter()
        .any(|piece| matches!(piece, Part::Text(text) if begins_flag(text)))
    {
        return vec![pieces];
    }
    let with = |dash: char| {
        let replace = |piece: &Part| match piece {
            Part::Text(text) => {
                let mut before = ' ';
                Part::Text(
                    text.chars()
                        .map(|c| {
                            let flag = matches!(c, '-' | '/') && !before.is_alphanumeric();
                            before = c;
                            if flag { dash } else { c }
                        })
                        .collect(),
                )
            }
            other => other.clone(),
        };
        pieces.iter().map(replace).collect()
    };
    DASHES.into_iter().map(with).collect()
}

const fn comparison(modifier: &Modifier) -> Option<Comparison> {
    match modifier {
        Modifier::Lt => Some(Comparison::Lt),
        Modifier::Lte => Some(Comparison::Lte),
        Modifier::Gt => Some(Comparison::Gt),
        Modifier::Gte => Some(Comparison::Gte),
        _ => None,
    }
}

const fn time_part(modifier: &Modifier) -> Option<TimePart> {
    match modifier {
        Modifier::Minute => Some(TimePart::Minute),
        Modifier::Hour => Some(TimePart::Hour),
        Modifier::Day => Some(TimePart::Day),
        Modifier::Week => Some(TimePart::Week),
        Modifier::Month => Some(TimePart::Month),
        Modifier::Year => Some(TimePart::Year),
        _ => None,
    }
}

fn number(value: &SigmaValue) -> Result<f64, String> {
    let text = value.to_string();
    text.trim()
        .parse()
        .map_err(|_not_a_number| format!("`{text}` is not a number"))
}
