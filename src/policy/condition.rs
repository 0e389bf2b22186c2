//! Conditions of statements (IAM user guide, "IAM JSON policy elements: Condition operators").

use ipnet::IpNet;
use std::net::IpAddr;

use super::{Pattern, Truth, all, any, not};

/// What a record says of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Values(Vec<String>),
    /// The request had no such key.
    Absent,
    /// The record does not say.
    Unknown,
}

impl Fact {
    /// One value.
    pub fn one(value: impl Into<String>) -> Self {
        Self::Values(vec![value.into()])
    }
}

/// One key under one operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As it is written: `StringEquals`, `ForAnyValue:StringLike`.
    pub operator: String,
    /// In lower case: keys are compared without it.
    pub key: String,
    pub values: Vec<String>,
}

/// How a value of the request is compared with one of the condition.
#[derive(Debug, Clone, Copy)]
enum Compare {
    Text { cased: bool },
    Like,
    Bool,
    Address,
    Number(fn(f64, f64) -> bool),
}

impl Condition {
    /// Whether the condition holds, where `fact` gives the values of keys. `None` for operators that a
    /// record cannot decide: dates, binary values.
    pub fn holds(&self, fact: &dyn Fn(&str) -> Fact) -> Truth {
        let fact = fact(&self.key);
        let operator = self.operator.to_ascii_lowercase();
        let (for_all, operator) = match operator.split_once(':') {
            Some(("forallvalues", operator)) => (true, operator),
            Some(("foranyvalue", operator)) => (false, operator),
            _ => (false, operator.as_str()),
        };
        if operator == "null" {
            return match fact {
                Fact::Unknown => None,
                fact => {
                    let is_absent = fact == Fact::Absent;
                    let wanted = |value: &String| value.eq_ignore_ascii_case("true");
                    Some(self.values.iter().any(|value| wanted(value) == is_absent))
                }
            };
        }
        let (if_exists, operator) = match operator.strip_suffix("ifexists") {
            Some(operator) => (true, operator),
            None => (false, operator),
        };
        let (negated, compare) = compare(operator)?;
        match fact {
            Fact::Unknown => None,
            // a negated operator holds for a key that is missing
            Fact::Absent => Some(if_exists || for_all || negated),
            Fact::Values(values) => {
                let one = |value: &String| {
                    let matches = any(self.values.iter().map(|own| matches(compare, own, value)));
                    if negated { not(matches) } else { matches }
                };
                match for_all {
                    true => all(values.iter().map(one)),
                    false => any(values.iter().map(one)),
                }
            }
        }
    }
}

/// An operator without `IfExists`, and whether it is negated; `None` if it cannot be evaluated.
fn compare(operator: &str) -> Option<(bool, Compare)> {
    let text = |cased| Compare::Text { cased };
    let number = |compare: fn(f64, f64) -> bool| Compare::Number(compare);
    Some(match operator {
        "stringequals" => (false, text(true)),
        "stringnotequals" => (true, text(true)),
        "stringequalsignorecase" => (false, text(false)),
        "stringnotequalsignorecase" => (true, text(false)),
        "stringlike" | "arnlike" | "arnequals" => (false, Compare::Like),
        "stringnotlike" | "arnnotlike" | "arnnotequals" => (true, Compare::Like),
        "bool" => (false, Compare::Bool),
        "ipaddress" => (false, Compare::Address),
        "notipaddress" => (true, Compare::Address),
        "numericequals" => (false, number(|given, own| given == own)),
        "numericnotequals" => (true, number(|given, own| given == own)),
        "numericlessthan" => (false, number(|given, own| given < own)),
        "numericlessthanequals" => (false, number(|given, own| given <= own)),
        "numericgreaterthan" => (false, number(|given, own| given > own)),
        "numericgreaterthanequals" => (false, number(|given, own| given >= own)),
        _ => return None,
    })
}

fn matches(compare: Compare, own: &str, given: &str) -> Truth {
    match compare {
        // a variable may stand in any value
        Compare::Text { .. } if own.contains("${") => Pattern::new(own, true).decide(given),
        Compare::Text { cased: true } => Some(own == given),
        Compare::Text { cased: false } => Some(own.to_lowercase() == given.to_lowercase()),
        Compare::Like => Pattern::new(own, true).decide(given),
        Compare::Bool => Some(own.eq_ignore_ascii_case(given)),
        Compare::Address => {
            let given: IpAddr = given.parse().ok()?;
            let network = own.parse::<IpNet>();
            let network = network.or_else(|_| own.parse::<IpAddr>().map(IpNet::from));
            Some(network.ok()?.contains(&given))
        }
        Compare::Number(compare) => Some(compare(given.parse().ok()?, own.parse().ok()?)),
    }
}
