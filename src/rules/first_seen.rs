//! `trailscan.first_seen.<what>: true`: the rest of the condition never held before for this actor
//! and this network, target, call or whatever else is asked for.
//!
//! No single event can tell. So the test is taken out of the condition, detection groups what the
//! rest finds by the value as well, and the module `history` decides at the end, when the earliest
//! event of every pair is known: whatever the order of files, and in every later run the same.

use super::Field;
use super::matcher::{Check, Node, Test};

macro_rules! whats {
    ($($variant:ident = $name:literal [$($field:literal),*],)*) => {
        /// What may be new with an actor.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FirstSeen { $($variant,)* }

        impl FirstSeen {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word behind `trailscan.first_seen.`
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn names(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($field),*],)* }
            }
        }
    };
}

whats! {
    Principal = "principal" [],
    SourceIp = "source_ip" ["sourceIPAddress"],
    Network = "network" ["trailscan.source_network"],
    UserAgent = "user_agent" ["userAgent"],
    Region = "region" ["awsRegion"],
    Call = "call" ["eventSource", "eventName"],
    Target = "target" ["trailscan.target"],
}

impl FirstSeen {
    const PREFIX: &'static str = "trailscan.first_seen.";

    /// The table of `trailscan.toml` that says that a history is kept: without one such a rule would
    /// learn for ever, and cost what learning costs.
    pub const NEEDS: &'static str = "history";

    /// What a field's name asks for; `None` if it is not of this kind or unknown.
    pub(super) fn from_field(name: &str) -> Option<Self> {
        let what = name.strip_prefix(Self::PREFIX)?;
        Self::ALL.iter().copied().find(|one| one.as_str() == what)
    }

    /// The fields whose values, beside the actor, make the pair; none where the actor alone does.
    pub fn fields(self) -> Vec<Field> {
        let names = self.names().iter();
        names.filter_map(|name| Field::new(name).ok()).collect()
    }
}

/// Takes the test out of a condition.
///
/// # Errors
/// It does not decide the whole condition, asks for something else than `true`, or stands twice.
pub(super) fn taken_out(node: Node) -> Result<(Node, Option<FirstSeen>), String> {
    let mut found = Vec::new();
    let rest = without(node, true, &mut found)?.unwrap_or_else(|| Node::All(Vec::new()));
    match found.as_slice() {
        [] => Ok((rest, None)),
        [one] => Ok((rest, Some(*one))),
        _ => Err(format!(
            "`{}` stands in it more than once: write a rule for each",
            FirstSeen::PREFIX
        )),
    }
}

/// What is left of a node; `needed` where the whole condition needs it.
fn without(node: Node, needed: bool, found: &mut Vec<FirstSeen>) -> Result<Option<Node>, String> {
    let mut each = |nodes: Vec<Node>, needed| -> Result<Vec<Node>, String> {
        let left = nodes.into_iter().map(|node| without(node, needed, found));
        Ok(left
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    };
    Ok(match node {
        Node::All(nodes) if nodes.is_empty() => Some(Node::All(nodes)),
        Node::All(nodes) => {
            let left = each(nodes, needed)?;
            (!left.is_empty()).then_some(Node::All(left))
        }
        Node::Any(nodes) if nodes.len() == 1 => {
            let left = each(nodes, needed)?;
            (!left.is_empty()).then_some(Node::Any(left))
        }
        Node::Any(nodes) => Some(Node::Any(each(nodes, false)?)),
        Node::AtLeast(least, nodes) => Some(Node::AtLeast(least, each(nodes, false)?)),
        Node::Not(node) => without(*node, false, found)?.map(|node| Node::Not(Box::new(node))),
        Node::Named(name, node) => {
            let left = without(*node, needed, found)?;
            left.map(|node| Node::Named(name, Box::new(node)))
        }
        Node::Test(test) => match asked(&test, needed)? {
            Some(what) => {
                found.push(what);
                None
            }
            None => Some(Node::Test(test)),
        },
    })
}

fn asked(test: &Test, needed: bool) -> Result<Option<FirstSeen>, String> {
    if let Check::Field {
        other: Field::FirstSeen(_),
        ..
    } = &test.check
    {
        return Err(format!(
            "`{}`: history is not a field to compare with",
            test.label
        ));
    }
    let Field::FirstSeen(what) = &test.field else {
        return Ok(None);
    };
    let is_true = matches!(&test.check, Check::Any(_)) && test.wanted == ["true"];
    match is_true && needed {
        true => Ok(Some(*what)),
        false => Err(format!(
            "`{}`: what is new can only be asked for as `true`, and in a part that the whole \
             condition needs (`and`, not `or` or `not`)",
            test.label
        )),
    }
}
