//! What is wrong with a rule that loads: tests that no CloudTrail record can pass, and what a
//! reader of the findings will miss.
//!
//! The semantics know nothing of CloudTrail, so a rule may be sound Sigma and still be silent for
//! ever. Each suspicion here comes from a rule that somebody published (the project's Sigma study,
//! 2.3).

mod sources;

use super::attack;
use super::index::needed;
use super::matcher::{Check, Fit, Node, Test, ValueTest};
use super::{Correlation, Field, Origin, Rule, RuleKind, RuleSet};
use crate::event::{Key, Path};

/// Something about a rule that its writer should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    pub origin: Origin,
    /// The rule's name.
    pub rule: String,
    pub what: String,
    /// The key that the warning is about, with its modifiers; empty where it is about the whole rule.
    pub field: String,
}

/// Every warning about the rules of a set, by file and line.
pub fn lint(rules: &RuleSet) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for rule in &rules.rules {
        let remarks = match &rule.kind {
            RuleKind::Detection(node) => detection(node),
            RuleKind::Correlation(correlation) => grouping(rules, correlation),
        };
        let warning = |remark: Remark| Warning {
            origin: rule.origin.clone(),
            rule: rule.name.clone(),
            what: remark.what,
            field: remark.field,
        };
        warnings.extend(remarks.into_iter().map(warning));
        warnings.extend(metadata(rule).into_iter().map(|what| {
            warning(Remark {
                what,
                field: String::new(),
            })
        }));
    }
    warnings.sort();
    warnings
}

/// The detection rules that need neither an event name nor an event source: each is evaluated
/// on every event.
pub fn unindexed(rules: &RuleSet) -> Vec<&Rule> {
    let unindexed = |rule: &&Rule| match &rule.kind {
        RuleKind::Detection(node) => {
            needed(node, Key::EventName).is_none() && needed(node, Key::EventSource).is_none()
        }
        RuleKind::Correlation(_) => false,
    };
    rules.rules.iter().filter(unindexed).collect()
}

/// One sentence about one field.
struct Remark {
    what: String,
    field: String,
}

/// Whether a part of a condition can hold for any CloudTrail record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Satisfiability {
    Never,
    Always,
    Open,
}

fn detection(node: &Node) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let verdict = match satisfiability(node, &mut remarks) {
        Satisfiability::Never => "the rule can never match: ",
        Satisfiability::Always => "the rule matches every record: ",
        Satisfiability::Open => "",
    };
    for remark in &mut remarks {
        remark.what.insert_str(0, verdict);
    }
    remarks
}

fn satisfiability(node: &Node, remarks: &mut Vec<Remark>) -> Satisfiability {
    let mut each = |nodes: &[Node]| -> Vec<Satisfiability> {
        nodes
            .iter()
            .map(|node| satisfiability(node, remarks))
            .collect()
    };
    let count = |fates: &[Satisfiability], wanted| {
        fates
            .iter()
            .filter(|satisfiability| **satisfiability == wanted)
            .count()
    };
    match node {
        Node::All(nodes) => {
            let fates = each(nodes);
            if count(&fates, Satisfiability::Never) > 0 || foreign_calls(node, remarks) {
                Satisfiability::Never
            } else if count(&fates, Satisfiability::Always) == fates.len() {
                Satisfiability::Always
            } else {
                Satisfiability::Open
            }
        }
        Node::Any(nodes) => at_least(1, &each(nodes)),
        Node::AtLeast(least, nodes) => at_least(*least, &each(nodes)),
        Node::Not(node) => match satisfiability(node, remarks) {
            Satisfiability::Never => Satisfiability::Always,
            Satisfiability::Always => Satisfiability::Never,
            Satisfiability::Open => Satisfiability::Open,
        },
        Node::Named(_, node) => satisfiability(node, remarks),
        Node::Test(test) => tested(test, remarks),
    }
}

fn at_least(least: usize, fates: &[Satisfiability]) -> Satisfiability {
    let count = |wanted| {
        fates
            .iter()
            .filter(|satisfiability| **satisfiability == wanted)
            .count()
    };
    if fates.len() - count(Satisfiability::Never) < least {
        Satisfiability::Never
    } else if count(Satisfiability::Always) >= least {
        Satisfiability::Always
    } else {
        Satisfiability::Open
    }
}

/// Calls and a source that never go together. True where that is so of all that the part needs.
fn foreign_calls(node: &Node, remarks: &mut Vec<Remark>) -> bool {
    let (Some(names), Some(mut from)) =
        (needed(node, Key::EventName), needed(node, Key::EventSource))
    else {
        return false;
    };
    // what a rule says of a service is meant for China as well, where it has another name
    from.retain(|source| !source.ends_with(".amazonaws.com.cn"));
    let foreign: Vec<(&String, &'static str)> = names
        .iter()
        .filter_map(|name| sources::true_source(name, &from).map(|source| (name, source)))
        .collect();
    for (name, source) in &foreign {
        let written: Vec<String> = from.iter().map(|source| format!("`{source}`")).collect();
        let name = spelling(node, name).unwrap_or_else(|| (*name).clone());
        remarks.push(Remark {
            what: format!(
                "`{name}` comes from `{source}`, not from {}",
                written.join(" or ")
            ),
            field: Key::EventSource.as_str().to_owned(),
        });
    }
    !foreign.is_empty() && foreign.len() == names.len()
}

/// The value as the rule spells it; the index keeps lower case only.
fn spelling(node: &Node, folded: &str) -> Option<String> {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            nodes.iter().find_map(|node| spelling(node, folded))
        }
        Node::Not(node) | Node::Named(_, node) => spelling(node, folded),
        Node::Test(test) => test
            .wanted
            .iter()
            .find(|value| value.to_lowercase() == folded)
            .cloned(),
    }
}

/// A test on its own. Where nothing can pass it, says why.
fn tested(test: &Test, remarks: &mut Vec<Remark>) -> Satisfiability {
    let name = test.label.split('|').next().unwrap_or_default().to_owned();
    let mut remark = |what: String| {
        remarks.push(Remark {
            what,
            field: test.label.clone(),
        });
    };
    let (passes, fails) = match &test.check {
        Check::None(_) | Check::Exists(false) | Check::Field { negated: true, .. } => {
            (Satisfiability::Never, Satisfiability::Always)
        }
        _ => (Satisfiability::Always, Satisfiability::Never),
    };
    if let Some(why) = unknown(&test.field) {
        remark(why);
        return match &test.check {
            Check::Any(wants) | Check::None(wants) if wants.iter().any(is_null) => passes,
            _ => fails,
        };
    }
    match &test.check {
        Check::Field { other, fit, .. } => {
            if let Some(why) = unknown(other) {
                remark(why);
                return fails;
            }
            if *fit == Fit::Equal && is_arn(&test.field) != is_arn(other) {
                let (arn, plain) = if is_arn(&test.field) {
                    (
                        name.as_str(),
                        test.wanted.first().map_or("", String::as_str),
                    )
                } else {
                    (
                        test.wanted.first().map_or("", String::as_str),
                        name.as_str(),
                    )
                };
                if is_plain_name(plain) {
                    remark(format!(
                        "`{arn}` holds an ARN and `{plain}` a name: they are never equal; `userIdentity.userName` holds the caller's name"
                    ));
                    return fails;
                }
            }
            Satisfiability::Open
        }
        Check::Any(wants) | Check::Every(wants) | Check::None(wants) => {
            let mut dead = 0;
            for (want, written) in wants.iter().zip(&test.wanted) {
                if let Some(why) = never_occurs(&test.field, want, written) {
                    remark(why);
                    dead += 1;
                }
            }
            let all = matches!(test.check, Check::Every(_));
            let written = wants.iter().filter(|want| !want.is_in_china()).count();
            if dead > 0 && (all || dead == written) {
                fails
            } else {
                Satisfiability::Open
            }
        }
        Check::Exists(_) => Satisfiability::Open,
    }
}

const fn is_null(want: &ValueTest) -> bool {
    matches!(want, ValueTest::Null)
}

/// Why no record has this field.
fn unknown(field: &Field) -> Option<String> {
    let Field::Path(Path::Other(parts)) = field else {
        return None;
    };
    let name = parts.join(".");
    let first = parts.first().map_or("", String::as_str);
    let meant = Key::ALL
        .iter()
        .find(|key| key.as_str().eq_ignore_ascii_case(first));
    Some(match meant {
        Some(key) => format!(
            "CloudTrail has no field `{name}`; it writes `{}`",
            key.as_str()
        ),
        None => format!("CloudTrail has no field `{name}`"),
    })
}

/// Why no record has this value in this field.
fn never_occurs(field: &Field, want: &ValueTest, written: &str) -> Option<String> {
    let ValueTest::Text(pattern) = want else {
        return None;
    };
    if is_field_path(written) {
        return Some(format!(
            "the value `{written}` looks like a field: to compare with its value write `|fieldref`"
        ));
    }
    if let Field::Derived(derived) = field
        && !derived.words().is_empty()
        && !derived.words().iter().any(|word| pattern.matches(word))
    {
        return Some(format!(
            "`{}` is never `{written}`: it is one of {}",
            derived.as_str(),
            derived.words().join(", ")
        ));
    }
    if *field == Field::Path(Path::Key(Key::EventSource))
        && let Some(source) = pattern.literal()
    {
        return sources::impossible(source);
    }
    None
}

/// True for `requestParameters.userName` and the like.
fn is_field_path(text: &str) -> bool {
    let mut parts = text.split('.');
    let known = parts
        .next()
        .is_some_and(|first| Key::from_name(first).is_some());
    let mut rest = parts.peekable();
    known
        && rest.peek().is_some()
        && rest.all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '[' | ']'))
        })
}

fn last(field: &Field) -> &str {
    match field {
        Field::Path(Path::Below(_, rest, _)) => rest.last().map_or("", String::as_str),
        _ => "",
    }
}

fn is_arn(field: &Field) -> bool {
    let name = last(field);
    name.eq_ignore_ascii_case("arn") || name.ends_with("Arn") || name.ends_with("ARN")
}

/// True for the fields that hold a name and never an ARN; others (`functionName`) take either.
fn is_plain_name(field: &str) -> bool {
    const PLAIN: [&str; 6] = [
        "userName",
        "roleName",
        "groupName",
        "policyName",
        "bucketName",
        "instanceProfileName",
    ];
    PLAIN.contains(&field.rsplit('.').next().unwrap_or_default())
}

/// A correlation that groups by a field which no record has never finds anything.
fn grouping(rules: &RuleSet, correlation: &Correlation) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut remark = |what: String, field: &str| {
        remarks.push(Remark {
            what: format!("the rule can never match: {what}"),
            field: field.to_owned(),
        });
    };
    for (watched, fields) in correlation.rules.iter().zip(&correlation.group_fields) {
        // the groups of a correlation that is watched have names of their own
        let is_detection = rules
            .rules
            .get(*watched)
            .is_some_and(|rule| matches!(rule.kind, RuleKind::Detection(_)));
        let unknown_fields = fields.iter().zip(&correlation.group_by);
        for (field, name) in unknown_fields.filter(|_| is_detection) {
            if let Some(why) = unknown(field) {
                remark(format!("it groups by `{name}`, and {why}"), "group-by");
            }
        }
    }
    for why in correlation.fields.iter().filter_map(unknown) {
        remark(why, "field");
    }
    remarks
}

fn metadata(rule: &Rule) -> Vec<String> {
    let ours = rule.origin.file.starts_with("builtin:");
    let mut missing = Vec::new();
    if !rule.states_level {
        missing.push("it has no `level` and counts as medium".to_owned());
    }
    if rule.id.is_empty() {
        missing.push("it has no `id`: write a new UUID".to_owned());
    }
    if ours && !rule.silent && rule.citations.is_empty() {
        missing.push("it cites nothing: add a tag such as `hipaa.164.312.b`".to_owned());
    }
    missing.extend(rule.attack.iter().filter_map(|id| attack::fault(id)));
    missing
}

#[cfg(test)]
mod tests;
