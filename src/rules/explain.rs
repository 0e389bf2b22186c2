//! Why a rule found an event or left it alone: its condition as a tree, each test with what it
//! asked for and what the event holds.

use serde::Serialize;

use super::matcher::{Check, Node, Test, Want};
use super::{Field, Rule, RuleKind};
use crate::derive::Organization;
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
    pub asked: Asked,
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
pub enum Asked {
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
    explained.decide();
    Some(explained)
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
        Check::Exists(true) => Asked::Present,
        Check::Exists(false) => Asked::Absent,
        Check::Any(_) => Asked::AnyOf,
        Check::Every(_) => Asked::AllOf,
        Check::None(_) => Asked::NoneOf,
        Check::Field { negated: false, .. } => Asked::SameAs,
        Check::Field { negated: true, .. } => Asked::NotSameAs,
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
    let wants: &[Want] = match &test.check {
        Check::Any(wants) | Check::Every(wants) | Check::None(wants) => wants,
        _ => &[],
    };
    let (mut found, mut more) = (Vec::new(), 0);
    field.visit(event, organization, &mut |value| {
        if *field == Field::Anywhere && !wants.iter().any(|want| want.fits(&value)) {
            return false;
        }
        if found.len() < MOST_VALUES {
            found.push(written(&value));
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
        Value::Nested(raw) => raw.as_str().to_owned(),
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

    /// The tests that decided, each behind the names of the parts it stands in.
    pub fn deciding(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.gather("", &mut found);
        found
    }

    fn gather(&self, path: &str, found: &mut Vec<String>) {
        if !self.decides {
            return;
        }
        match &self.part {
            Part::All(parts) | Part::Any(parts) | Part::AtLeast { of: parts, .. } => {
                parts.iter().for_each(|part| part.gather(path, found));
            }
            Part::Not(part) => part.gather(path, found),
            Part::Named { name, is } => is.gather(&format!("{path}{name} › "), found),
            Part::Test(test) => found.push(format!("{path}{}", test.field)),
        }
    }
}
