//! Limits on rule files. The parsers behind them recurse without a bound or take more time and memory
//! than the text is long; no rule needs what is refused here.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess};
use serde::de::{VariantAccess as _, Visitor};
use yaml_serde::{Mapping, Value};

/// The most documents of one file.
pub(super) const MOST_DOCUMENTS: usize = 10_000;
/// The most bytes of one document.
const MOST_BYTES: usize = 1 << 20;
/// How deep the YAML of a document may nest. Brackets in texts count as well, so this is more than
/// any rule has; what YAML costs grows with the square of the depth.
const MOST_NESTED: usize = 500;
/// How many brackets may have no counterpart before the next quote or comment. A bracket in a quoted text
/// is no bracket, and only the parser knows which quotes belong together; so this bounds the depth
/// whatever the quotes mean, and is generous because lists of quoted texts count as well.
const MOST_APART: usize = 5_000;
/// The most values of a document, those that its aliases repeat included.
const MOST_VALUES: usize = 200_000;
/// The most correlations of all files of a run.
pub(super) const MOST_CORRELATIONS: usize = 5_000;
/// How deep correlations may watch correlations.
const MOST_LEVELS: usize = 10;
/// How often one event may count for one correlation, by all the correlations between the two; and for
/// all correlations that watch correlations, together. Every time takes memory.
const MOST_TIMES: u64 = 256;
const MOST_TIMES_OF_ALL: u64 = 2_000;
/// The most characters of a condition, and how deep it may nest.
const MOST_CONDITION: usize = 8 << 10;
const MOST_CONDITION_DEPTH: usize = 50;

/// What stands between a correlation and the events it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// How many correlations lie one on the other, this one included; 0 for a rule of single events.
    levels: usize,
    /// How often one event may count for it.
    times: u64,
}

impl Chain {
    /// That of a correlation over rules with these; `of_all` is the sum of [`Self::held`] so far.
    ///
    /// # Errors
    /// It is too long, or one event would count too often.
    pub(super) fn over(below: &[Self], of_all: u64) -> Result<Self, String> {
        let levels = below.iter().map(|chain| chain.levels).max();
        let levels = levels.unwrap_or_default() + 1;
        if levels > MOST_LEVELS {
            return Err(format!(
                "correlations watch correlations over more than {MOST_LEVELS} levels"
            ));
        }
        let chained = below.iter().filter(|chain| chain.levels > 0);
        let times = chained
            .map(|chain| chain.times)
            .fold(0, u64::saturating_add);
        let direct = u64::from(below.iter().any(|chain| chain.levels == 0));
        let chain = Self {
            levels,
            times: times.saturating_add(direct).max(1),
        };
        if chain.times > MOST_TIMES {
            return Err(format!(
                "it watches correlations through which one event may count {} times: the limit is \
                 {MOST_TIMES}",
                chain.times
            ));
        }
        if of_all.saturating_add(chain.held()) > MOST_TIMES_OF_ALL {
            return Err(format!(
                "one event may count more than {MOST_TIMES_OF_ALL} times for all correlations that \
                 watch correlations"
            ));
        }
        Ok(chain)
    }

    /// How often an event is held for it beyond what every correlation holds.
    pub(super) const fn held(&self) -> u64 {
        match self.levels {
            0 | 1 => 0,
            _ => self.times,
        }
    }
}

/// Checks the text of a document before it is parsed. The line, from 0, and the reason where it is
/// refused.
pub(super) fn text(text: &str) -> Result<(), (usize, String)> {
    if text.len() > MOST_BYTES {
        return Err((
            0,
            format!("the document is larger than {} MiB", MOST_BYTES >> 20),
        ));
    }
    // brackets open over lines; indicators (`- - a`) within one
    let mut open = 0_usize;
    for (number, line) in text.lines().enumerate() {
        let indicators = line.split(' ').filter(|part| !part.is_empty());
        let nested = indicators.take_while(|part| matches!(*part, "-" | "?" | ":"));
        let nested = nested.count();
        let mut before = 0;
        for byte in line.bytes() {
            match byte {
                // an escaped bracket is a regular expression's
                b'[' | b'{' if before != b'\\' => open += 1,
                b']' | b'}' if before != b'\\' => open = open.saturating_sub(1),
                _ => {}
            }
            before = byte;
            if open > MOST_NESTED {
                break;
            }
        }
        if nested > MOST_NESTED || open > MOST_NESTED {
            let why = format!("the document nests more than {MOST_NESTED} levels");
            return Err((number, why));
        }
    }
    if let Some(number) = apart(text) {
        let why = format!("the document has more than {MOST_APART} brackets around quoted texts");
        return Err((number, why));
    }
    let aliases = text.contains('&') && text.contains('*');
    if aliases {
        let left = Cell::new(MOST_VALUES);
        let counted = Counted(&left).deserialize(yaml_serde::Deserializer::from_str(text));
        // what else is wrong with it, whoever reads it says
        if counted.is_err() && left.get() == 0 {
            let why = format!("the document has more than {MOST_VALUES} values, aliases resolved");
            return Err((0, why));
        }
    }
    Ok(())
}

/// The line, from 0, at which a document has too many opening brackets that nothing closes before the
/// next quote or comment. In YAML's flow style no plain text holds brackets, so a bracket that closes
/// can only be a text's behind a quote or `#`: the depth is never more than what is counted here.
fn apart(text: &str) -> Option<usize> {
    let (mut apart, mut open) = (0, 0_usize);
    for (number, line) in text.lines().enumerate() {
        let mut before = 0;
        let mut is_comment = false;
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' if before != b'\\' => open += 1,
                b']' | b'}' if before != b'\\' => open = open.saturating_sub(1),
                b'\'' | b'"' | b'#' => {
                    apart += std::mem::take(&mut open);
                    is_comment |= byte == b'#';
                }
                _ => {}
            }
            before = byte;
        }
        if is_comment {
            apart += std::mem::take(&mut open);
        }
        if apart + open > MOST_APART {
            return Some(number);
        }
    }
    None
}

/// Checks the conditions of a document before they are parsed.
pub(super) fn conditions(document: &Mapping) -> Result<(), String> {
    for section in ["detection", "filter", "correlation"] {
        let section = document.get(section).and_then(Value::as_mapping);
        match section.and_then(|section| section.get("condition")) {
            Some(Value::String(text)) => condition(text)?,
            Some(Value::Sequence(all)) => {
                let texts = all.iter().filter_map(Value::as_str);
                let length: usize = texts.clone().map(str::len).sum();
                if length > MOST_CONDITION {
                    return Err(too_long());
                }
                texts.into_iter().try_for_each(condition)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn too_long() -> String {
    format!("the condition is longer than {MOST_CONDITION} characters")
}

/// Checks one condition.
fn condition(text: &str) -> Result<(), String> {
    if text.len() > MOST_CONDITION {
        return Err(too_long());
    }
    if depth(text) > MOST_CONDITION_DEPTH {
        return Err(format!(
            "the condition nests `not` and parentheses more than {MOST_CONDITION_DEPTH} levels"
        ));
    }
    Ok(())
}

/// How deep a condition nests: every `not` and every parenthesis is a level for what follows it.
fn depth(condition: &str) -> usize {
    let apart = condition.replace('(', " ( ").replace(')', " ) ");
    let (mut most, mut depth) = (0, 0_usize);
    // the levels outside of each parenthesis that is open, and those of the operand that is to come
    let mut outside: Vec<usize> = Vec::new();
    let mut own = 0_usize;
    for word in apart.split_whitespace() {
        match word {
            "(" => {
                outside.push(own);
                depth += own + 1;
                own = 0;
            }
            ")" => {
                own = outside.pop().unwrap_or_default();
                depth = depth.saturating_sub(own + 1);
                own = 0;
            }
            word if word.eq_ignore_ascii_case("not") => own += 1,
            _ => own = 0,
        }
        most = most.max(depth + own);
    }
    most
}

/// Counts values without keeping any; fails when none is left.
#[derive(Clone, Copy)]
struct Counted<'c>(&'c Cell<usize>);

impl Counted<'_> {
    fn one<E: Error>(self) -> Result<(), E> {
        let left = self.0.get().saturating_sub(1);
        self.0.set(left);
        match left {
            0 => Err(E::custom("too many values")),
            _ => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.one()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.one()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.one()
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<(), E> {
        self.one()
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<(), E> {
        self.one()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.one()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.one()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.one()?;
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.one()?;
        while entries.next_entry_seed(self, self)?.is_some() {}
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        self.one()?;
        let ((), value) = tagged.variant_seed(self)?;
        value.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_as_deep_as_its_nots_and_parentheses() {
        for (text, deep) in [
            ("a and b or c", 0),
            ("not a and not b", 1),
            ("not not (a and NOT(b)) or (c)", 5),
            ("((a) and (b)) and (c)", 2),
            ("not (not (not (not a)))", 7),
            ("1 of not_* and all of them", 0),
            (")))) a", 0),
        ] {
            assert_eq!(depth(text), deep, "{text}");
        }
        assert!(condition(&"not ".repeat(10_000)).is_err());
        assert!(condition(&"not ".repeat(1_000)).is_err());
        assert!(condition(&format!("{}a", "not ".repeat(40))).is_ok());
        assert!(condition(&"(".repeat(60)).is_err());
    }

    #[test]
    fn depth_and_aliases_of_yaml_are_bounded_and_the_line_is_named() {
        assert_eq!(text("a: 1\nb: [[1]]\n"), Ok(()));
        let deep = format!("a: 1\nb: {}\n", "[".repeat(100_000));
        assert_eq!(text(&deep).unwrap_err().0, 1);
        let deep = format!("a: 1\n\n{}x\n", "- ".repeat(100_000));
        assert_eq!(text(&deep).unwrap_err().0, 2);
        // closing brackets in quotes and comments close nothing
        for closed in ["{']':", "{\"]\":", "[ #]\n", "{'\n]\n':", "{a'b: {']': "] {
            let deep = format!("a:\n {}\n", closed.repeat(20_000));
            let why = text(&deep).unwrap_err().1;
            assert!(why.contains("brackets") || why.contains("nests"), "{why}");
        }
        let lists = "  - {a: ['x', \"y\"], b: '[a-z]{2}'} # [1]\n".repeat(1_000);
        assert_eq!(text(&format!("a:\n{lists}")), Ok(()));
        // unclosed brackets of regular expressions are texts
        let texts = "  - 'a\\['\n".repeat(1_000);
        assert_eq!(text(&format!("a:\n{texts}")), Ok(()));
        // few jumps, each to many values: the parser's own limit on jumps does not see it
        let (many, often) = ("x, ".repeat(5_000), "*a, ".repeat(100));
        let laughs = format!("a: &a [{many}]\nb: [{often}]\n");
        assert!(text(&laughs).unwrap_err().1.contains("aliases"));
        assert_eq!(text("a: &x [1, 2]\nb: *x\nc: '&*'\n"), Ok(()));
        assert!(text(&"a".repeat(2 << 20)).is_err());
    }
}
