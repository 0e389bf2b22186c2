//! A compiled rule, and how it is evaluated on an event.
//!
//! The semantics are the nine points at the end of the project's Sigma study: missing equals null
//! (`exists` tests the key only); numbers and booleans compare as text; of a list any member
//! counts, at every level; a text test on an object looks at every value below it; a lone `*`
//! means "present and not null".

use std::borrow::{Borrow, Cow};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Comparison;
use super::field::Field;
use super::regexp::Regexp;
use crate::derive::Organization;
use crate::event::json::{Raw, Value};
use crate::event::time;
use crate::event::{Event, Path, Shortcut};
use crate::wildcard::Wildcard;

/// A condition over tests, which are its own or somebody else's.
#[derive(Debug, Clone)]
pub enum Node<T = Test> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// `N of`
    AtLeast(usize, Vec<Self>),
    /// A search identifier, kept by name so that a match can be explained.
    Named(String, Box<Self>),
    Test(T),
}

/// One field against its values.
#[derive(Debug, Clone)]
pub struct Test {
    pub field: Field,
    /// The key as written, with its modifiers.
    pub label: String,
    /// The values as written, placeholders filled in: what a reader is shown.
    pub wanted: Vec<String>,
    pub check: Check,
}

/// What is asked of a field.
#[derive(Debug, Clone)]
pub enum Check {
    /// The key is there, whatever its value; or is not.
    Exists(bool),
    /// Any value fits one of these.
    Any(Vec<ValueTest>),
    /// Each of these is seen by some value.
    Every(Vec<ValueTest>),
    /// The opposite of `Any`; true where there is no value.
    None(Vec<ValueTest>),
    /// Compares with another field of the same event.
    Field {
        other: Field,
        fit: Fit,
        cased: bool,
        negated: bool,
    },
}

/// What is asked of one value.
#[derive(Debug, Clone)]
pub enum ValueTest {
    Null,
    /// A lone `*`.
    Present,
    Text(Wildcard),
    Regex(Box<Regexp>),
    Net(IpNet),
    Number(Comparison, f64),
    /// A part of a date, in UTC.
    Time(TimePart, Comparison, f64),
}

/// How the texts of two fields must lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
}

/// Sigma's time modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl<T: Borrow<Test>> Node<T> {
    /// True where the event fits.
    pub fn matches(&self, event: &Event<'_>, organization: &Organization) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(event, organization)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(event, organization)),
            Self::Not(node) => !node.matches(event, organization),
            Self::AtLeast(least, nodes) => {
                let hits = nodes
                    .iter()
                    .filter(|node| node.matches(event, organization));
                hits.take(*least).count() >= *least
            }
            Self::Named(_, node) => node.matches(event, organization),
            Self::Test(test) => test.borrow().matches(event, organization),
        }
    }

    /// Puts cheap tests before dear ones wherever the order decides nothing but the cost.
    #[must_use]
    pub fn ordered(self) -> Self {
        let sorted = |nodes: Vec<Self>| {
            let mut nodes: Vec<Self> = nodes.into_iter().map(Self::ordered).collect();
            nodes.sort_by_key(Self::cost);
            nodes
        };
        match self {
            Self::All(nodes) => Self::All(sorted(nodes)),
            Self::Any(nodes) => Self::Any(sorted(nodes)),
            Self::AtLeast(least, nodes) => Self::AtLeast(least, sorted(nodes)),
            Self::Not(node) => Self::Not(Box::new(node.ordered())),
            Self::Named(name, node) => Self::Named(name, Box::new(node.ordered())),
            test @ Self::Test(_) => test,
        }
    }

    /// What a node costs, roughly, in reads of the record.
    fn cost(&self) -> usize {
        match self {
            Self::All(nodes) | Self::Any(nodes) | Self::AtLeast(_, nodes) => {
                nodes.iter().map(Self::cost).sum()
            }
            Self::Not(node) => 1 + node.cost(),
            Self::Named(_, node) => node.cost(),
            Self::Test(test) => {
                let test = test.borrow();
                let read = match &test.field {
                    Field::Path(Path::Key(_)) => 1,
                    Field::Path(Path::Below(_, _, shortcut)) if *shortcut != Shortcut::None => 2,
                    Field::Path(_) => 8,
                    Field::Derived(_) | Field::FirstSeen(_) => 16,
                    Field::Anywhere => 256,
                };
                read + test.check.cost()
            }
        }
    }
}

impl Test {
    /// True where the event's field fits.
    #[inline]
    pub fn matches(&self, event: &Event<'_>, organization: &Organization) -> bool {
        let scalar = match &self.check {
            Check::Exists(_) => self.field.scalar(event),
            _ => self
                .field
                .scalar(event)
                .or_else(|| self.field.member(event)),
        };
        match scalar.and_then(|value| self.check.of_scalar(value, event)) {
            Some(fits) => fits,
            None => self.matches_any_value(event, organization),
        }
    }

    /// [`Test::matches`] for fields with perhaps many values. Apart, so that the usual case stays
    /// small.
    #[inline(never)]
    fn matches_any_value(&self, event: &Event<'_>, organization: &Organization) -> bool {
        let field = &self.field;
        match &self.check {
            Check::Exists(expected) => field.exists(event, organization) == *expected,
            Check::Any(wants) => any_matches(wants, field, event, organization),
            Check::Every(wants) => wants
                .iter()
                .all(|want| any_matches(std::slice::from_ref(want), field, event, organization)),
            Check::None(wants) => !any_matches(wants, field, event, organization),
            Check::Field {
                other,
                fit,
                cased,
                negated,
            } => {
                let fits = field.visit(event, organization, &mut |left| {
                    let Some(left) = left.as_text() else {
                        return false;
                    };
                    other.visit(event, organization, &mut |right| {
                        right
                            .as_text()
                            .is_some_and(|right| fit.holds(&left, &right, *cased))
                    })
                });
                fits != *negated
            }
        }
    }
}

impl Check {
    /// What it costs beside reading the field.
    fn cost(&self) -> usize {
        match self {
            Self::Any(wants) | Self::Every(wants) | Self::None(wants) => {
                wants.iter().map(ValueTest::cost).sum()
            }
            Self::Exists(_) | Self::Field { .. } => 0,
        }
    }

    /// Whether a field with this one scalar fits; `None` if that does not decide it.
    fn of_scalar<'a>(&self, value: &'a str, event: &Event<'a>) -> Option<bool> {
        let value = Raw::exactly(value, &[]);
        let any = |wants: &[ValueTest]| {
            if value.is_null() {
                return wants.iter().any(|want| matches!(want, ValueTest::Null));
            }
            // most texts hold no escapes
            if let Some(text) = event.plain_text(value) {
                return match wants {
                    [ValueTest::Text(pattern)] => pattern.matches(text),
                    wants => any_fits(wants, &Value::Text(Cow::Borrowed(text))),
                };
            }
            if wants.iter().all(|want| want.cannot_fit(value, event)) {
                return false;
            }
            any_fits(wants, &value.value())
        };
        match self {
            Self::Exists(expected) => Some(value.is_absent() != *expected),
            Self::Any(wants) => Some(any(wants)),
            Self::Every(wants) => Some(wants.iter().all(|want| any(std::slice::from_ref(want)))),
            Self::None(wants) => Some(!any(wants)),
            Self::Field { .. } => None,
        }
    }
}

/// True where any value of the field is any of those wanted; the field is read once.
fn any_matches(
    wants: &[ValueTest],
    field: &Field,
    event: &Event<'_>,
    organization: &Organization,
) -> bool {
    let mut value = false;
    let matched = field.visit(event, organization, &mut |found| {
        value |= found != Value::Null;
        any_fits(wants, &found)
    });
    // a missing field is null
    matched || (!value && wants.iter().any(|want| matches!(want, ValueTest::Null)))
}

/// True where a value is any of those wanted.
fn any_fits(wants: &[ValueTest], value: &Value<'_>) -> bool {
    if let Value::Nested(raw) = value {
        let raw = raw.as_str();
        return wants
            .iter()
            .any(|want| want.may_fit_within(raw) && want.fits(value));
    }
    // an address is read once, not for each network
    let mut address = None;
    wants.iter().any(|want| match want {
        ValueTest::Net(net) => {
            let address = address.get_or_insert_with(|| address_in(value));
            address.is_some_and(|address| net.contains(&address))
        }
        want => want.fits(value),
    })
}

fn address_in(value: &Value<'_>) -> Option<IpAddr> {
    value.as_text().and_then(|text| text.parse().ok())
}

impl Fit {
    fn holds(self, left: &str, right: &str, cased: bool) -> bool {
        let (left, right) = if cased {
            (left.to_owned(), right.to_owned())
        } else {
            (left.to_lowercase(), right.to_lowercase())
        };
        match self {
            Self::Equal => left == right,
            Self::Contains => left.contains(&right),
            Self::StartsWith => left.starts_with(&right),
            Self::EndsWith => left.ends_with(&right),
        }
    }
}

impl ValueTest {
    /// True where a look at the unread value tells that it is not what is asked for: neither escapes
    /// nor folding make a text longer, and they make it six times shorter at most.
    fn cannot_fit<'a>(&self, value: Raw<'a>, event: &Event<'a>) -> bool {
        const LONGEST_ESCAPE: usize = "\\u0061".len();
        const QUOTES: usize = 2;
        let length = value.as_str().len();
        match self {
            Self::Text(pattern) => {
                pattern.shortest() > length
                    || pattern
                        .longest()
                        .is_some_and(|longest| length > longest * LONGEST_ESCAPE + QUOTES)
            }
            Self::Regex(regex) => event
                .plain_text(value)
                .is_some_and(|text| !regex.can_match(text)),
            _ => false,
        }
    }

    /// False where a look at an unread object or list tells that no text in it is what is asked for.
    fn may_fit_within(&self, raw: &str) -> bool {
        match self {
            Self::Text(pattern) => pattern.may_match_within(raw),
            _ => true,
        }
    }

    /// What it costs to hold a text against it, roughly, in reads of the record.
    fn cost(&self) -> usize {
        match self {
            Self::Null | Self::Present => 0,
            Self::Text(pattern) => usize::from(pattern.is_searched_for()),
            Self::Net(_) | Self::Number(..) => 1,
            Self::Regex(_) | Self::Time(..) => 2,
        }
    }

    /// True for the name that a service has in China, which stands beside the one that was written.
    pub fn is_in_china(&self) -> bool {
        matches!(self, Self::Text(pattern)
            if pattern.literal().is_some_and(|name| name.ends_with(".amazonaws.com.cn")))
    }

    /// True where this one value is what is asked for.
    pub fn fits(&self, value: &Value<'_>) -> bool {
        let text = value.as_text();
        match (self, value) {
            (Self::Null, value) => *value == Value::Null,
            (Self::Present, Value::Nested(raw)) => raw.leaves().next().is_some(),
            (Self::Present, value) => *value != Value::Null,
            (Self::Text(_) | Self::Regex(_), Value::Nested(raw)) => {
                raw.leaves().any(|leaf| self.fits(&leaf.value()))
            }
            (Self::Text(pattern), _) => text.is_some_and(|text| pattern.matches(&text)),
            (Self::Regex(regex), _) => text.is_some_and(|text| regex.is_match(&text)),
            (Self::Net(net), _) => address_in(value).is_some_and(|address| net.contains(&address)),
            (Self::Number(comparison, wanted), _) => text
                .and_then(|text| text.trim().parse::<f64>().ok())
                // `infinity` and `nan` are texts, and no JSON number
                .is_some_and(|number| number.is_finite() && comparison.holds(number, *wanted)),
            (Self::Time(part, comparison, wanted), _) => text
                .and_then(|text| time::parse(&text))
                .is_some_and(|time| comparison.holds(part.of(time), *wanted)),
        }
    }
}

impl TimePart {
    fn of(self, epoch: time::Epoch) -> f64 {
        use chrono::{Datelike as _, Timelike as _};
        let utc = time::utc(epoch);
        match self {
            Self::Minute => f64::from(utc.minute()),
            Self::Hour => f64::from(utc.hour()),
            Self::Day => f64::from(utc.day()),
            Self::Week => f64::from(utc.iso_week().week()),
            Self::Month => f64::from(utc.month()),
            Self::Year => f64::from(utc.year()),
        }
    }
}
