//! JSON values where they stand: a slice of the inflated buffer, read only when somebody asks.
//!
//! What comes in is text that `decode` has already checked for UTF-8 and for balanced brackets;
//! what goes out are members, items and scalars. Nothing here recurses, so nesting cannot
//! overflow the stack.

mod escape;
mod inside;

use std::borrow::Cow;

use escape::unescape;
use inside::{Cursor, Inside, end_of_string};

use crate::interner::same;

/// One JSON value, as text without surrounding white space. The empty slice is "absent".
///
/// A value from a walked file brings its marks along: the offsets of the brackets, colons and commas
/// in it, which the walk has found already, counted from wherever its first bracket stands. With them, reading its members costs a step a mark; a
/// value without marks (unwrapped from a string) is read byte by byte. Both ways give the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a> {
    text: &'a str,
    marks: &'a [u32],
}

impl PartialEq for Raw<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Raw<'_> {}

/// A JSON value as far as a rule needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// The digits as written: `012` never equals `12`, and no precision is lost.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// An array or object, still unread.
    Nested(Raw<'a>),
}

impl<'a> Value<'a> {
    /// The value as text, as the comparison of Sigma sees it; nothing for null and nested values.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null | Self::Nested(_) => None,
            Self::Bool(true) => Some(Cow::Borrowed("true")),
            Self::Bool(false) => Some(Cow::Borrowed("false")),
            Self::Number(text) | Self::Text(text) => Some(Cow::Borrowed(text)),
        }
    }
}

impl<'a> Raw<'a> {
    /// Wraps the text of one JSON value.
    pub fn new(text: &'a str) -> Self {
        Self {
            text: trimmed(text),
            marks: &[],
        }
    }

    /// A value whose structural bytes are known: `marks` are those of its own text, brackets
    /// included, as offsets in the buffer that the text lies in. None for a scalar.
    #[inline]
    pub fn marked(text: &'a str, marks: &'a [u32]) -> Self {
        Self {
            text: trimmed(text),
            marks,
        }
    }

    /// [`Raw::marked`] for a text with nothing around it.
    #[inline]
    pub(crate) const fn exactly(text: &'a str, marks: &'a [u32]) -> Self {
        Self { text, marks }
    }

    /// The text as it stands in the log.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// True where the key was not there at all.
    pub const fn is_absent(self) -> bool {
        self.text.is_empty()
    }

    /// True for `{…}`.
    pub fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    /// True for `[…]`.
    pub fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    /// True where there is nothing to read: absent, or JSON's null.
    pub fn is_null(self) -> bool {
        self.text.is_empty() || self.text == "null"
    }

    /// True where [`text`](Self::text) says nothing: absent, null, nested, or a string without content.
    pub fn is_empty_scalar(self) -> bool {
        match self.text.as_bytes() {
            [] | [b'{' | b'[' | b'n', ..] | [b'"', b'"'] => true,
            [b'"', rest @ ..] => rest.last() != Some(&b'"'),
            _ => false,
        }
    }

    /// Reads the value; `Null` for absent ones and for what is not JSON.
    #[inline]
    pub fn value(self) -> Value<'a> {
        match self.text.as_bytes().first() {
            Some(b'"') => Value::Text(self.string().unwrap_or_default()),
            Some(b'{' | b'[') => Value::Nested(self),
            Some(b't') if self.text == "true" => Value::Bool(true),
            Some(b'f') if self.text == "false" => Value::Bool(false),
            Some(b'-' | b'0'..=b'9') => Value::Number(Cow::Borrowed(self.text)),
            _ => Value::Null,
        }
    }

    /// The decoded content of a JSON string; nothing for any other type.
    #[inline]
    pub fn string(self) -> Option<Cow<'a, str>> {
        Some(unescape(self.quoted()?))
    }

    /// What stands between the quotes of a JSON string, escapes and all.
    #[inline]
    pub fn quoted(self) -> Option<&'a str> {
        inside_quotes(self.text, 0, self.text.len())
    }

    /// What stands between the quotes of a JSON string that holds no escape: its content.
    #[inline]
    pub fn plain(self) -> Option<&'a str> {
        self.quoted().filter(|inner| escape::is_plain(inner))
    }

    /// [`text`](Self::text) of a value in which no escape stands.
    #[inline]
    pub fn unescaped(self) -> Option<&'a str> {
        match self.text.as_bytes().first()? {
            b'"' => self.quoted(),
            b'{' | b'[' | b'n' => None,
            _ => Some(self.text),
        }
    }

    /// True where no escape stands in it: one look at all of an object spares one at each of its keys.
    #[inline]
    pub fn is_plain(self) -> bool {
        escape::is_plain(self.text)
    }

    /// True for the JSON string of that text, which must hold nothing that JSON escapes.
    #[inline]
    pub fn is_text(self, text: &str) -> bool {
        // most texts have another length
        self.text.len() == text.len() + 2 && self.quoted().is_some_and(|inner| same(inner, text))
    }

    /// A scalar as text: strings decoded, numbers and booleans as written.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.text.as_bytes().first()? {
            b'"' => self.string(),
            b'{' | b'[' | b'n' => None,
            _ => Some(Cow::Borrowed(self.text)),
        }
    }

    /// The members of an object, in file order; none for any other type.
    pub fn members(self) -> Members<'a> {
        Members(Inside::of(self, b'{'))
    }

    /// Calls `take` with every member of an object as it stands there, its key unread.
    #[inline]
    pub fn each_member(self, mut take: impl FnMut(Self, Self)) {
        let mut inside = Inside::of(self, b'{');
        while let Some((key, value)) = inside.member() {
            take(key, value);
        }
    }

    /// The items of an array, in file order; none for any other type.
    pub fn items(self) -> Items<'a> {
        Items(Inside::of(self, b'['))
    }

    /// The member of that name; the last one where the key stands twice, as most readers do.
    pub fn get(self, key: &str) -> Self {
        let [found] = self.named(&[key], self.is_plain());
        found
    }

    /// [`Raw::get`] for several names, in one pass; `is_plain` where no escape stands in the object.
    #[inline]
    pub fn named<const N: usize>(self, names: &[&str; N], is_plain: bool) -> [Self; N] {
        let mut found = [Self::default(); N];
        self.each_member(|key, value| {
            let mut slots = names.iter().zip(&mut found);
            let slot = if is_plain {
                slots.find(|(name, _)| key.is_text(name))
            } else {
                let key = key.string();
                slots.find(|(name, _)| key.as_deref() == Some(**name))
            };
            if let Some((_, slot)) = slot {
                *slot = value;
            }
        });
        found
    }

    /// `get` along a path of plain members.
    pub fn at(self, path: &[&str]) -> Self {
        path.iter().fold(self, |value, key| value.get(key))
    }

    /// Every scalar at or below this value, at any depth, keys left out: one pass over the bytes.
    pub const fn leaves(self) -> Leaves<'a> {
        Leaves(Cursor {
            text: self.text,
            at: 0,
        })
    }
}

/// What stands between the quotes that a part of a text begins and ends with.
#[inline]
pub(crate) fn inside_quotes(text: &str, from: usize, to: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    match (bytes.get(from), bytes.get(to.checked_sub(1)?)) {
        (Some(b'"'), Some(b'"')) => text.get(from + 1..to - 1),
        _ => None,
    }
}

/// See [`Raw::members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.key()?.string()?;
        Some((key, self.0.value()?))
    }
}

/// See [`Raw::items`].
#[derive(Debug, Clone)]
pub struct Items<'a>(Inside<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.value()
    }
}

/// See [`Raw::leaves`]. In file order.
#[derive(Debug, Clone)]
pub struct Leaves<'a>(Cursor<'a>);

impl<'a> Iterator for Leaves<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = &mut self.0;
        loop {
            cursor.skip(|b| b" \t\r\n{}[],:".contains(&b));
            let from = cursor.at;
            let bytes = cursor.text.as_bytes();
            if bytes.get(from)? == &b'"' {
                cursor.at = end_of_string(bytes, from)?;
                let leaf = Raw::new(cursor.text.get(from..cursor.at)?);
                cursor.blanks();
                if bytes.get(cursor.at) != Some(&b':') {
                    return Some(leaf);
                }
            } else {
                cursor.skip(|b| !b" \t\r\n{}[],:".contains(&b));
                return Some(Raw::new(cursor.text.get(from..cursor.at)?));
            }
        }
    }
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Without white space around it; what has none, as nearly everything in real logs, is seen at
/// once.
#[inline]
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        // every blank is lower than all that a value begins or ends with
        [first, .., last] if *first > b' ' && *last > b' ' => text,
        _ => text.trim_matches(BLANKS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_items_and_scalars_are_found_where_they_stand() {
        let raw = Raw::new(r#" {"a":1, "b" : ["x",{"c":null}], "d":"q\"\u00e9\n", "e":{}} "#);
        let keys: Vec<_> = raw.members().map(|(key, _)| key.into_owned()).collect();
        assert_eq!(keys, ["a", "b", "d", "e"]);
        assert_eq!(raw.get("a").text().as_deref(), Some("1"));
        assert_eq!(raw.get("d").string().as_deref(), Some("q\"é\n"));
        assert_eq!(raw.get("b").items().count(), 2);
        assert!(raw.get("e").members().next().is_none());
        assert!(raw.get("zz").is_absent());
    }

    #[test]
    fn surrogates_are_paired_or_replaced() {
        let raw = Raw::new(r#""\ud83d\ude00 \ud800 \udc00x""#);
        assert_eq!(raw.string().as_deref(), Some("😀 \u{fffd} \u{fffd}x"));
    }

    #[test]
    fn leaves_come_in_file_order_and_nesting_does_not_recurse() {
        let raw = Raw::new(r#"{"a":[1,{"b":"x"}],"c":true}"#);
        let leaves: Vec<_> = raw.leaves().map(Raw::as_str).collect();
        assert_eq!(leaves, ["1", "\"x\"", "true"]);
        let deep = format!("{}7{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(Raw::new(&deep).leaves().count(), 1);
    }

    #[test]
    fn a_damaged_inside_ends_the_reading_without_a_panic() {
        for text in [
            "{\"a\"",
            "{\"a\":}",
            "{\"a\":1 \"b\":2}",
            "[1,,2]",
            "{:}",
            "[\"\\",
        ] {
            let raw = Raw::new(text);
            let _ = raw.members().count() + raw.items().count() + raw.leaves().count();
        }
        assert_eq!(Raw::new("{\"a\":1 \"b\":2}").members().count(), 1);
    }

    #[test]
    fn scalars_agree_with_serde_json() {
        let text = r#"{"s":"tab\tquote\" slash\/ \u20ac","n":-12.5e3,"t":true,"z":null}"#;
        let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
        let raw = Raw::new(text);
        assert_eq!(
            raw.get("s").string().unwrap(),
            oracle["s"].as_str().unwrap()
        );
        assert_eq!(raw.get("t").value(), Value::Bool(true));
        assert_eq!(raw.get("z").value(), Value::Null);
        for text in [
            "", "null", "{}", "[1]", "\"\"", "\"", "\"a", "\"a\"", "7", "true",
        ] {
            let raw = Raw::new(text);
            let says = raw.text().unwrap_or_default();
            assert_eq!(raw.is_empty_scalar(), says.is_empty(), "{text}");
        }
        assert_eq!(raw.get("n").value(), Value::Number("-12.5e3".into()));
    }
}
