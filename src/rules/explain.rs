//! Why a rule found an event or left it alone: its condition as a tree, each test with what it
//! asked for and what the event holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::matcher::{Check, Node, Test, ValueTest};
use super::{Field, FirstSeen, Rule, RuleKind, load, secret};
use crate::derive::{Derived, Organization, target};
use crate::event::Event;
use crate::event::json::Value;

/// How many values of one field are kept: a list may hold thousands.
const MOST_VALUES: usize = 10;

/// A part of a condition with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    pub holds: bool,
    /// The answer of the whole hangs on this part.
    pub decides: bool,
    pub part: Part,
}

/// What a part of a condition is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    All(Vec<Explained>),
    Any(Vec<Explained>),
    AtLeast {
        least: usize,
        of: Vec<Explained>,
    },
    Not(Box<Explained>),
    /// A search identifier.
    Named {
        name: String,
        is: Box<Explained>,
    },
    Test(Tested),
}

/// One test, as asked and as found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// The key as written, with its modifiers.
    pub field: String,
    pub asked: Operator,
    /// The values as written, placeholders filled in.
    pub wanted: Vec<String>,
    /// The values of the event, the first ten; empty where it has none.
    pub found: Vec<String>,
    /// How many more values there are.
    pub more: usize,
}

/// What a test asks of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The key is there.
    Present,
    /// The key is not there.
    Absent,
    /// One of the wanted values.
    AnyOf,
    /// Every one of them.
    AllOf,
    /// None of them.
    NoneOf,
    /// The value of another field.
    SameAs,
    /// Another value than that of another field.
    NotSameAs,
}

/// Explains a detection rule; nothing for a correlation, which no single event decides.
pub fn explain(rule: &Rule, event: &Event<'_>, organization: &Organization) -> Option<Explained> {
    let RuleKind::Detection(node) = &rule.kind else {
        return None;
    };
    let mut explained = explained(node, event, organization);
    // of several targets, the first for which the rule holds
    for target in target::several(event).iter().skip(1) {
        if explained.holds {
            break;
        }
        Derived::set_target(event, target, organization);
        let other = self::explained(node, event, organization);
        if other.holds {
            explained = other;
        }
    }
    explained.decide();
    Some(explained)
}

/// Every derived field that a rule reads, in its condition, its grouping or its finding, with its value in
/// the event; `None` where it has none.
pub fn derived(
    rule: &Rule,
    event: &Event<'_>,
    organization: &Organization,
) -> BTreeMap<&'static str, Option<String>> {
    let mut found = BTreeMap::new();
    let mut add = |field: &Field| {
        if let Field::Derived(derived) = field {
            let value = derived.value(event, organization);
            found.insert(derived.as_str(), value.map(|value| written(&value)));
        }
    };
    match &rule.kind {
        RuleKind::Detection(node) => load::fields(node, &mut add),
        RuleKind::Correlation(correlation) => {
            let grouping = correlation.group_fields.iter().flatten();
            grouping.chain(&correlation.fields).for_each(&mut add);
        }
    }
    let new = rule.first_seen.map(FirstSeen::fields).unwrap_or_default();
    new.iter()
        .chain(&rule.actor)
        .chain(&rule.resource)
        .for_each(&mut add);
    found
}

fn explained(node: &Node, event: &Event<'_>, organization: &Organization) -> Explained {
    let each = |nodes: &[Node]| -> Vec<Explained> {
        nodes
            .iter()
            .map(|node| explained(node, event, organization))
            .collect()
    };
    let one = |node: &Node| Box::new(explained(node, event, organization));
    let part = match node {
        Node::All(nodes) => Part::All(each(nodes)),
        Node::Any(nodes) => Part::Any(each(nodes)),
        Node::AtLeast(least, nodes) => Part::AtLeast {
            least: *least,
            of: each(nodes),
        },
        Node::Not(node) => Part::Not(one(node)),
        Node::Named(name, node) => Part::Named {
            name: name.clone(),
            is: one(node),
        },
        Node::Test(test) => Part::Test(tested(test, event, organization)),
    };
    Explained {
        holds: node.matches(event, organization),
        decides: false,
        part,
    }
}

fn tested(test: &Test, event: &Event<'_>, organization: &Organization) -> Tested {
    let asked = match &test.check {
        Check::Exists(true) => Operator::Present,
        Check::Exists(false) => Operator::Absent,
        Check::Any(_) => Operator::AnyOf,
        Check::Every(_) => Operator::AllOf,
        Check::None(_) => Operator::NoneOf,
        Check::Field { negated: false, .. } => Operator::SameAs,
        Check::Field { negated: true, .. } => Operator::NotSameAs,
    };
    let (found, more) = values(test, &test.field, event, organization);
    let mut wanted = test.wanted.clone();
    if let Check::Field { other, .. } = &test.check {
        let (others, _) = values(test, other, event, organization);
        let name = wanted.pop().unwrap_or_default();
        wanted.push(if others.is_empty() {
            format!("{name} (not in the event)")
        } else {
            format!("{name} ({})", others.join(", "))
        });
    }
    Tested {
        field: test.label.clone(),
        asked,
        wanted,
        found,
        more,
    }
}

/// The values of a field and how many more there are. Of keywords, which look at every value of the
/// record, only those that fit.
fn values(
    test: &Test,
    field: &Field,
    event: &Event<'_>,
    organization: &Organization,
) -> (Vec<String>, usize) {
    let wants: &[ValueTest] = match &test.check {
        Check::Any(wants) | Check::Every(wants) | Check::None(wants) => wants,
        _ => &[],
    };
    let is_secret = field.is_secret();
    // keywords do not know where a value stands
    let secrets = match field {
        Field::Anywhere => secret::texts(event),
        _ => BTreeSet::new(),
    };
    let shown = |value: &Value<'_>| match written(value) {
        _ if is_secret => secret::MASK.to_owned(),
        text if secrets.contains(&text) => secret::MASK.to_owned(),
        text => text,
    };
    let (mut found, mut more) = (Vec::new(), 0);
    field.visit(event, organization, &mut |value| {
        if *field == Field::Anywhere && !wants.iter().any(|want| want.fits(&value)) {
            return false;
        }
        if found.len() < MOST_VALUES {
            found.push(shown(&value));
        } else {
            more += 1;
        }
        false
    });
    (found, more)
}

fn written(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Nested(raw) => secret::masked(raw),
        scalar => scalar.as_text().unwrap_or_default().into_owned(),
    }
}

impl Explained {
    /// Marks the parts that the answer hangs on: of "all of" that fails the ones that fail, of "any
    /// of" that holds the ones that hold.
    fn decide(&mut self) {
        self.decides = true;
        let holds = self.holds;
        match &mut self.part {
            Part::All(parts) => parts
                .iter_mut()
                .filter(|part| holds || !part.holds)
                .for_each(Self::decide),
            Part::Any(parts) => parts
                .iter_mut()
                .filter(|part| !holds || part.holds)
                .for_each(Self::decide),
            Part::AtLeast { of, .. } => of
                .iter_mut()
                .filter(|part| part.holds == holds)
                .for_each(Self::decide),
            Part::Not(part) | Part::Named { is: part, .. } => part.decide(),
            Part::Test(_) => {}
        }
    }

    /// What decided: of a match the search identifiers, of a miss the tests, each behind the names
    /// of the parts it stands in.
    pub fn deciding(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.gather("", self.holds, &mut found);
        found.dedup();
        found
    }

    /// The search identifiers that hold, in the order of the condition.
    pub fn holding(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        self.visit_named(&mut |name, holds| {
            if holds && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        });
        found
    }

    fn visit_named(&self, visit: &mut dyn FnMut(&str, bool)) {
        match &self.part {
            Part::All(parts) | Part::Any(parts) | Part::AtLeast { of: parts, .. } => {
                parts.iter().for_each(|part| part.visit_named(visit));
            }
            Part::Not(part) => part.visit_named(visit),
            Part::Named { name, is } => {
                visit(name, is.holds);
                is.visit_named(visit);
            }
            Part::Test(_) => {}
        }
    }

    fn gather(&self, path: &str, coarse: bool, found: &mut Vec<String>) {
        if !self.decides {
            return;
        }
        match &self.part {
            Part::All(parts) | Part::Any(parts) | Part::AtLeast { of: parts, .. } => {
                for part in parts {
                    part.gather(path, coarse, found);
                }
            }
            Part::Not(part) => part.gather(&format!("{path}not "), coarse, found),
            Part::Named { name, .. } if coarse => found.push(format!("{path}{name}")),
            Part::Named { name, is } => is.gather(&format!("{path}{name} › "), coarse, found),
            Part::Test(test) => found.push(format!("{path}{}", test.field)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::json::Raw;
    use crate::rules::load::{self, RuleText, Settings};

    fn explained(detection: &str, record: &str) -> Explained {
        let text = format!(
            "title: T\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: low\ndetection:\n{detection}\n"
        );
        let texts = [RuleText {
            fault: None,
            file: "x.yml".into(),
            text,
        }];
        let set = load::load(&texts, &Settings::default());
        assert_eq!(set.rejected, []);
        let mut event = Event::default();
        for (name, value) in Raw::new(record).members() {
            event.note(name, value);
        }
        event.finish();
        explain(&set.rules[0], &event, &Organization::default()).unwrap()
    }

    #[test]
    fn what_decided_is_what_failed_of_all_and_what_held_of_any() {
        let rule = "  a: {eventName: X, awsRegion: r}\n  b: {errorCode: E}\n  c: {readOnly: true}\n  condition: a and (b or c)";
        let miss = explained(rule, r#"{"eventName":"Y","awsRegion":"r","errorCode":"E"}"#);
        assert_eq!(miss.deciding(), ["a › eventName"]);
        let hit = explained(rule, r#"{"eventName":"X","awsRegion":"r","errorCode":"E"}"#);
        assert_eq!(hit.deciding(), ["a", "b"]);
        let two = "  s_1: {eventName: X}\n  s_2: {errorCode: E}\n  s_3: {readOnly: true}\n  condition: 2 of s_*";
        let miss = explained(two, r#"{"eventName":"X"}"#);
        assert_eq!(miss.deciding(), ["s_2 › errorCode", "s_3 › readOnly"]);
    }

    #[test]
    fn values_are_those_of_the_event_and_not_all_of_a_long_list() {
        let test = |detection: &str, record: &str| match explained(detection, record).part {
            Part::Named { is, .. } => match is.part {
                Part::Test(test) => test,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let items: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        let list = format!(r#"{{"requestParameters":{{"l":[{}]}}}}"#, items.join(","));
        let long = test("  s: {requestParameters.l: 99}\n  condition: s", &list);
        assert_eq!((long.found.len(), long.more), (10, 2));
        let null = test(
            "  s: {errorCode: null}\n  condition: s",
            r#"{"errorCode":null}"#,
        );
        assert_eq!(
            (null.wanted, null.found),
            (vec!["null".into()], vec!["null".into()])
        );
        let word = test(
            "  s: [needle]\n  condition: s",
            r#"{"a":"hay","b":"a needle"}"#,
        );
        assert_eq!(word.found, ["a needle"]);
        let there = test("  s: {errorCode|exists: true}\n  condition: s", "{}");
        assert_eq!((there.asked, there.found.len()), (Operator::Present, 0));
    }
}
