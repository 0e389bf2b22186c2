//! A JSON value as serde_json reads it, with every member in file order, doubles included.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
}

impl Tree {
    /// One JSON value and nothing else. Half a surrogate pair, which serde_json refuses, counts as
    /// U+FFFD: the product reads such records, as jq and Python do.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&whole_pairs(text))
    }

    /// Several values, one after another, with nothing but white space between them.
    pub fn read_all(text: &str) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::Deserializer::from_str(&whole_pairs(text))
            .into_iter()
            .collect()
    }

    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Members(members) => members,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The last member whose name is that one, or with `folded` that one in any case.
    pub fn get(&self, name: &str, folded: bool) -> Option<&Self> {
        let same = |found: &str| found == name || (folded && found.eq_ignore_ascii_case(name));
        let mut members = self.members().iter().rev();
        members
            .find(|(found, _)| same(found))
            .map(|(_, value)| value)
    }

    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Members(_))
    }

    /// Every scalar at or below this value, in file order.
    pub fn leaves<'t>(&'t self, found: &mut Vec<&'t Self>) {
        match self {
            Self::List(items) => items.iter().for_each(|item| item.leaves(found)),
            Self::Members(members) => members.iter().for_each(|(_, value)| value.leaves(found)),
            scalar => found.push(scalar),
        }
    }

    /// The dotted path of every member at or below this value, as a rule would write it.
    pub fn paths(&self, above: &str, found: &mut Vec<String>) {
        for item in self.items() {
            item.paths(above, found);
        }
        for (name, value) in self.members() {
            let path = format!("{above}.{name}");
            value.paths(&path, found);
            found.push(path);
        }
    }
}

/// The text with every unpaired surrogate escape as `\ufffd`.
fn whole_pairs(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let mut length = c.len_utf8();
        if c == '\\' {
            // an escape is one thing: `\\ud800` holds a backslash and no surrogate
            length = text[at + 1..]
                .chars()
                .next()
                .map_or(1, |c| 1 + c.len_utf8());
            match unit(at) {
                Some(0xD800..0xDC00) if matches!(unit(at + 6), Some(0xDC00..0xE000)) => length = 12,
                Some(0xD800..0xE000) => {
                    out.push_str("\\ufffd");
                    at += 6;
                    continue;
                }
                _ => {}
            }
        }
        out.push_str(&text[at..at + length]);
        at += length;
    }
    out
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("no number"))?;
        Ok(Tree::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_entry()? {
            list.push(member);
        }
        Ok(Tree::Members(list))
    }
}
