//! Rules against event after event: what the kind of event decides, it decides once.
//!
//! Of the hundreds of rules, most ask for another service or another call, and of the few that are
//! left most ask for nothing else. So the first event of each kind finds out what is left of every
//! rule, and the next ones are evaluated with that.

use std::hash::{BuildHasher as _, Hash, Hasher};

use hashbrown::HashTable;

use super::RuleSet;
use super::field::Field;
use super::matcher::{Check, Node, Test};
use crate::derive::Organization;
use crate::derive::identity::{self, KeyKind};
use crate::event::json::Raw;
use crate::event::user_identity::{IssuerMember, UserMember};
use crate::event::{Event, Key, Path, Shortcut};
use crate::finding::Outcome;
use crate::interner::Joined;
use crate::seeded::{Seeded, SeededMap};

/// How many kinds are remembered. An account's calls are of some hundreds; invented names must not
/// fill the memory.
const MOST_KINDS: usize = 16_384;

/// What makes up an event's kind: the fields that many rules ask for and that have few values.
#[derive(Debug)]
struct EventShape<'a> {
    /// Source, name, type and error code, the types of the caller and of the session's issuer, and what
    /// else CloudTrail says of every call of that name: as they stand in the log, quotes included.
    texts: [&'a str; TEXTS],
    facts: Facts,
}

const TEXTS: usize = 10;

/// What else makes up a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    /// Permanent or temporary credentials.
    key_kind: KeyKind,
    outcome: Outcome,
    /// The documented keys that the record has, one bit a key: what lies at or below another is absent.
    keys: u32,
}

impl<'a> EventShape<'a> {
    /// True where no event of the same kind as this one differs from it in that field.
    fn decides(field: &Field, event: &Event<'_>) -> bool {
        match field {
            Field::Path(Path::Key(
                Key::EventSource
                | Key::EventName
                | Key::EventType
                | Key::ErrorCode
                | Key::ReadOnly
                | Key::ManagementEvent
                | Key::EventCategory
                | Key::SessionCredentialFromConsole,
            ))
            | Field::Path(Path::Below(
                _,
                _,
                Shortcut::User(UserMember::Kind) | Shortcut::Issuer(IssuerMember::Kind),
            )) => true,
            Field::Path(Path::Key(key) | Path::Below(key, ..)) => event.raw(*key).is_absent(),
            Field::Derived(derived) => derived.is_decided_by_call(event),
            _ => false,
        }
    }

    /// The kind of an event; `None` if one of the values is nested or flattened, as no real
    /// record has it.
    fn of(event: &Event<'a>, outcome: Outcome) -> Option<Self> {
        let (user, issuer) = (event.user(), event.session_issuer());
        let values = [
            event.raw(Key::EventSource),
            event.raw(Key::EventName),
            event.raw(Key::EventType),
            event.raw(Key::ErrorCode),
            user.kind(),
            issuer.kind(),
            event.raw(Key::ReadOnly),
            event.raw(Key::ManagementEvent),
            event.raw(Key::EventCategory),
            event.raw(Key::SessionCredentialFromConsole),
        ];
        let nested = |value: Raw<'a>| value.is_object() || value.is_array();
        if !user.is_plain || !issuer.is_plain || values.into_iter().any(nested) {
            return None;
        }
        Some(Self {
            texts: values.map(Raw::as_str),
            facts: Facts {
                key_kind: identity::key_kind(event),
                outcome,
                keys: event.keys(),
            },
        })
    }
}

impl Hash for EventShape<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // the others follow from these, nearly always, and so does what lies between their ends
        let [source, name, _, error_code, caller, _, read_only, ..] = self.texts;
        let [one, two, three, four] = [source, name, error_code, caller].map(fingerprint);
        state.write_u64(one ^ two.rotate_left(16));
        state.write_u64(three ^ four.rotate_left(16));
        let facts = self.facts.outcome as u64 * 4 + self.facts.key_kind as u64;
        let read_only = read_only.len() as u64;
        state.write_u64(u64::from(self.facts.keys) << 32 | facts << 16 ^ read_only);
    }
}

/// The length of a text, its first and last bytes, in one number.
#[inline]
fn fingerprint(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
        }
        _ => bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    ends ^ (bytes.len() as u64) << 56
}

/// One worker's way to match events. See the module's own words.
#[derive(Debug)]
pub struct Matcher<'r> {
    set: &'r RuleSet,
    kinds: HashTable<SpecializedRules<'r>>,
    /// The number of each source, name and outcome.
    numbers: SeededMap<(String, String, u8), u32>,
}

/// What is left of the rules for one kind of event.
#[derive(Debug)]
struct SpecializedRules<'r> {
    hash: u64,
    number: u32,
    texts: Joined<TEXTS>,
    facts: Facts,
    /// Rules in the order of the rule set.
    left: Vec<(usize, Left<'r>)>,
}

/// What is left of a rule. The tests are those of the rules themselves: most kinds ask the same few.
#[derive(Debug)]
enum Left<'r> {
    /// Every event of the kind matches.
    Nothing,
    Node(Node<&'r Test>),
    /// It asks for one key only, whose value is mostly that of the event before.
    Repeating(Node<&'r Test>, Box<Last>),
}

/// A value of a key as it stands in a log, and whether a rule matched an event that had it.
#[derive(Debug)]
struct Last {
    key: Key,
    value: String,
    matches: Option<bool>,
}

/// Longer values are not kept.
const LONGEST_REPEATING: usize = 1_024;

impl<'r> Matcher<'r> {
    /// Nothing is known yet.
    pub fn new(set: &'r RuleSet) -> Self {
        Self {
            set,
            kinds: HashTable::new(),
            numbers: SeededMap::default(),
        }
    }

    /// Adds the place of every detection rule that matches the event, whose outcome is known, and
    /// answers with the number of its source, name and outcome. The organization must be the same at
    /// every call.
    pub fn matches(
        &mut self,
        event: &Event<'_>,
        outcome: Outcome,
        organization: &Organization,
        found: &mut Vec<usize>,
    ) -> Option<u32> {
        let Some(kind) = EventShape::of(event, outcome) else {
            self.one_by_one(event, organization, found);
            return None;
        };
        let hash = Seeded.hash_one(&kind);
        let same = |known: &SpecializedRules<'_>| {
            known.hash == hash && known.facts == kind.facts && known.texts.are(kind.texts)
        };
        if let Some(known) = self.kinds.find_mut(hash, same) {
            known.matches(event, organization, found);
            return Some(known.number);
        }
        if self.kinds.len() >= MOST_KINDS {
            self.one_by_one(event, organization, found);
            return None;
        }
        let number = self.number(&kind);
        let mut left = Vec::new();
        self.set.candidates(event, |place, node| {
            match node.partially_evaluate(event, organization) {
                PartialResult::Holds(true) => left.push((place, Left::Nothing)),
                PartialResult::Holds(false) => {}
                PartialResult::Asks(node) => left.push((place, Left::new(node.ordered()))),
            }
        });
        let mut new = SpecializedRules {
            hash,
            number,
            texts: Joined::new(kind.texts),
            facts: kind.facts,
            left,
        };
        new.matches(event, organization, found);
        self.kinds.insert_unique(hash, new, |known| known.hash);
        Some(number)
    }

    /// The number of a kind's source, name and outcome: less than [`MOST_KINDS`].
    fn number(&mut self, kind: &EventShape<'_>) -> u32 {
        let [source, name, ..] = kind.texts.map(str::to_owned);
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let named = (source, name, kind.facts.outcome as u8);
        *self.numbers.entry(named).or_insert(next)
    }

    fn one_by_one(&self, event: &Event<'_>, organization: &Organization, found: &mut Vec<usize>) {
        self.set
            .matches(event, organization, |place| found.push(place));
    }
}

impl SpecializedRules<'_> {
    fn matches(&mut self, event: &Event<'_>, organization: &Organization, found: &mut Vec<usize>) {
        for (place, left) in &mut self.left {
            if left.matches(event, organization) {
                found.push(*place);
            }
        }
    }
}

impl<'r> Left<'r> {
    fn new(node: Node<&'r Test>) -> Self {
        match repeating_key(&node) {
            Some(key) => {
                let last = Last {
                    key,
                    value: String::new(),
                    matches: None,
                };
                Self::Repeating(node, Box::new(last))
            }
            None => Self::Node(node),
        }
    }

    #[inline]
    fn matches(&mut self, event: &Event<'_>, organization: &Organization) -> bool {
        match self {
            Self::Nothing => true,
            Self::Node(node) => node.matches(event, organization),
            // the same text of an export with other key case may mean something else
            Self::Repeating(node, _) if event.is_folded() => node.matches(event, organization),
            Self::Repeating(node, last) => {
                let value = event.raw(last.key).as_str();
                match last.matches {
                    Some(matches) if last.value == value => matches,
                    _ => {
                        let matches = node.matches(event, organization);
                        last.matches = (value.len() <= LONGEST_REPEATING).then(|| {
                            value.clone_into(&mut last.value);
                            matches
                        });
                        matches
                    }
                }
            }
        }
    }
}

/// The one key that a node asks for, if events of one kind mostly have the same value of it.
fn repeating_key(node: &Node<&Test>) -> Option<Key> {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            let (first, rest) = nodes.split_first()?;
            let key = repeating_key(first)?;
            let same = |node| repeating_key(node) == Some(key);
            rest.iter().all(same).then_some(key)
        }
        Node::Not(node) | Node::Named(_, node) => repeating_key(node),
        Node::Test(test) => {
            let key = repeating_key_of(&test.field)?;
            match &test.check {
                Check::Field { other, .. } => (repeating_key_of(other) == Some(key)).then_some(key),
                _ => Some(key),
            }
        }
    }
}

const fn repeating_key_of(field: &Field) -> Option<Key> {
    match field {
        Field::Path(
            Path::Key(key @ (Key::UserAgent | Key::AwsRegion | Key::TlsDetails))
            | Path::Below(key @ Key::TlsDetails, ..),
        ) => Some(*key),
        _ => None,
    }
}

/// What is known of a node once part of an event is.
enum PartialResult<'r> {
    Holds(bool),
    /// What is left to ask.
    Asks(Node<&'r Test>),
}

impl Node {
    /// What is left to ask of events of the same kind as this one.
    fn partially_evaluate(
        &self,
        event: &Event<'_>,
        organization: &Organization,
    ) -> PartialResult<'_> {
        match self {
            Self::All(nodes) => all(nodes, event, organization),
            Self::Any(nodes) => at_least(1, nodes, event, organization),
            Self::AtLeast(least, nodes) => at_least(*least, nodes, event, organization),
            Self::Not(node) => match node.partially_evaluate(event, organization) {
                PartialResult::Holds(holds) => PartialResult::Holds(!holds),
                PartialResult::Asks(node) => PartialResult::Asks(Node::Not(Box::new(node))),
            },
            Self::Named(_, node) => node.partially_evaluate(event, organization),
            Self::Test(test) if test.is_of_the_kind(event) => {
                PartialResult::Holds(test.matches(event, organization))
            }
            Self::Test(test) => PartialResult::Asks(Node::Test(test)),
        }
    }
}

/// [`Node::partially_evaluate`] where all nodes must hold. What all parts of a part must hold need not
/// stand in a list of its own.
fn all<'r>(nodes: &'r [Node], event: &Event<'_>, organization: &Organization) -> PartialResult<'r> {
    let mut open = Vec::new();
    for node in nodes {
        match node.partially_evaluate(event, organization) {
            PartialResult::Holds(true) => {}
            PartialResult::Holds(false) => return PartialResult::Holds(false),
            PartialResult::Asks(Node::All(parts)) => open.extend(parts),
            PartialResult::Asks(node) => open.push(node),
        }
    }
    match (open.pop(), open.is_empty()) {
        (None, _) => PartialResult::Holds(true),
        (Some(only), true) => PartialResult::Asks(only),
        (Some(last), false) => {
            open.push(last);
            PartialResult::Asks(Node::All(open))
        }
    }
}

/// [`Node::partially_evaluate`] where so many of the nodes must hold.
fn at_least<'r>(
    least: usize,
    nodes: &'r [Node],
    event: &Event<'_>,
    organization: &Organization,
) -> PartialResult<'r> {
    let (mut hold, mut open) = (0, Vec::new());
    for node in nodes {
        match node.partially_evaluate(event, organization) {
            PartialResult::Holds(true) => hold += 1,
            PartialResult::Holds(false) => {}
            PartialResult::Asks(node) => open.push(node),
        }
    }
    match least.checked_sub(hold) {
        None | Some(0) => PartialResult::Holds(true),
        Some(missing) if missing > open.len() => PartialResult::Holds(false),
        Some(missing) if missing == open.len() => PartialResult::Asks(Node::All(open)),
        Some(1) => PartialResult::Asks(Node::Any(open)),
        Some(missing) => PartialResult::Asks(Node::AtLeast(missing, open)),
    }
}

impl Test {
    /// True where the kind of this event decides the test.
    fn is_of_the_kind(&self, event: &Event<'_>) -> bool {
        EventShape::decides(&self.field, event)
            && match &self.check {
                Check::Field { other, .. } => EventShape::decides(other, event),
                _ => true,
            }
    }
}
