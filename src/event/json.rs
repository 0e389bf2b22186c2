//! JSON values where they stand: a slice of the inflated buffer, read only when somebody asks.
//!
//! What comes in is text that `decode` has already checked for UTF-8 and for balanced brackets;
//! what goes out are members, items and scalars. Nothing here recurses, so nesting cannot
//! overflow the stack.

use std::borrow::Cow;

use memchr::memchr2;

/// One JSON value, as text without surrounding white space. The empty slice is "absent".
///
/// A value from a walked file brings its marks along: the offsets of the brackets, colons and commas
/// in it, which the walk has found already. With them, reading its members costs a step a mark; a
/// value without marks (unwrapped from a string) is read byte by byte. Both ways give the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a> {
    text: &'a str,
    marks: &'a [u32],
    /// The offset of `text` in the buffer that the marks count in.
    base: u32,
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
            base: 0,
        }
    }

    /// A value whose structural bytes are known: `marks` are those of its own text, brackets
    /// included, counted in a buffer in which the text begins at `base`.
    pub fn marked(text: &'a str, marks: &'a [u32], base: u32) -> Self {
        let blank = text.len() - text.trim_start_matches(BLANKS).len();
        let base = base + u32::try_from(blank).unwrap_or(0);
        Self {
            text: trimmed(text),
            marks,
            base,
        }
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

    /// Reads the value; `Null` for absent ones and for what is not JSON.
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
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescape(inner))
    }

    /// True for the JSON string of that text, which must hold nothing that JSON escapes.
    pub fn is_text(self, text: &str) -> bool {
        let inner = self
            .text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        inner == Some(text)
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
        Members(Inside::of(self, '{'))
    }

    /// The items of an array, in file order; none for any other type.
    pub fn items(self) -> Items<'a> {
        Items(Inside::of(self, '['))
    }

    /// The member of that name; the last one where the key stands twice, as most readers do.
    pub fn get(self, key: &str) -> Self {
        self.members()
            .filter(|(name, _)| name == key)
            .last()
            .map_or(Self::default(), |(_, value)| value)
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

/// The inside of one object or list, by its marks where it has them.
#[derive(Debug, Clone)]
enum Inside<'a> {
    Marked(Steps<'a>),
    Scanned(Cursor<'a>),
}

impl<'a> Inside<'a> {
    fn of(raw: Raw<'a>, open: char) -> Self {
        if raw.marks.is_empty() || !raw.text.starts_with(open) {
            return Self::Scanned(Cursor::inside(raw.text, open));
        }
        Self::Marked(Steps {
            raw,
            next: 1,
            at: 1,
        })
    }

    /// A member's key and its colon.
    fn key(&mut self) -> Option<Raw<'a>> {
        match self {
            Self::Marked(steps) => steps.key(),
            Self::Scanned(cursor) => {
                let key = cursor.value()?;
                cursor.eat(b':').map(|()| key)
            }
        }
    }

    /// A value and the comma behind it.
    fn value(&mut self) -> Option<Raw<'a>> {
        match self {
            Self::Marked(steps) => steps.value(),
            Self::Scanned(cursor) => {
                let value = cursor.value()?;
                cursor.comma();
                Some(value)
            }
        }
    }
}

/// A place among the marks of one object or list.
#[derive(Debug, Clone)]
struct Steps<'a> {
    raw: Raw<'a>,
    /// The next mark.
    next: usize,
    /// The offset in the text behind the last one.
    at: usize,
}

impl<'a> Steps<'a> {
    /// The mark at that place, as an offset in the text, and its byte.
    fn mark(&self, place: usize) -> Option<(usize, u8)> {
        let at = (*self.raw.marks.get(place)? - self.raw.base) as usize;
        Some((at, *self.raw.text.as_bytes().get(at)?))
    }

    fn key(&mut self) -> Option<Raw<'a>> {
        let (colon, byte) = self.mark(self.next)?;
        if byte != b':' {
            return None;
        }
        let key = Raw::new(self.raw.text.get(self.at..colon)?);
        self.next += 1;
        self.at = colon + 1;
        Some(key)
    }

    fn value(&mut self) -> Option<Raw<'a>> {
        let from = self.at;
        let (mut to, mut byte) = self.mark(self.next)?;
        let mut marks: &[u32] = &[];
        if matches!(byte, b'{' | b'[') {
            let first = self.next;
            let mut depth = 0usize;
            loop {
                match self.mark(self.next)?.1 {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                self.next += 1;
                if depth == 0 {
                    break;
                }
            }
            marks = self.raw.marks.get(first..self.next)?;
            (to, byte) = self.mark(self.next)?;
        }
        if !matches!(byte, b',' | b'}' | b']') {
            return None;
        }
        self.next += 1;
        self.at = to + 1;
        let base = self.raw.base + u32::try_from(from).ok()?;
        let value = Raw::marked(self.raw.text.get(from..to)?, marks, base);
        (!value.text.is_empty()).then_some(value)
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

/// A place in the inside of one object or array.
#[derive(Debug, Clone)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn inside(text: &'a str, open: char) -> Self {
        let close = if open == '{' { '}' } else { ']' };
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .unwrap_or("");
        Self { text: inner, at: 0 }
    }

    fn skip(&mut self, what: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| what(*b)) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        self.skip(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.text.as_bytes().get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn comma(&mut self) {
        if self.eat(b',').is_none() {
            self.blanks();
            if self.at < self.text.len() {
                // no comma where one must be: what follows cannot be told apart, so it is not read
                self.at = self.text.len();
            }
        }
    }

    fn value(&mut self) -> Option<Raw<'a>> {
        self.blanks();
        let from = self.at;
        let bytes = self.text.as_bytes();
        match bytes.get(from)? {
            b'"' => self.at = end_of_string(bytes, from)?,
            b'{' | b'[' => self.at = end_of_nested(bytes, from)?,
            _ => {
                let rest = bytes.get(from..)?;
                let length = rest
                    .iter()
                    .position(|b| matches!(b, b',' | b':' | b' ' | b'\t' | b'\r' | b'\n'))
                    .unwrap_or(rest.len());
                self.at += length;
            }
        }
        (self.at > from).then(|| Raw::new(self.text.get(from..self.at).unwrap_or("")))
    }
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Without white space around it; what has none, as nearly everything in real logs, is seen at
/// once.
fn trimmed(text: &str) -> &str {
    let blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t' | b'\r' | b'\n'));
    let bytes = text.as_bytes();
    if blank(bytes.first()) || blank(bytes.last()) {
        return text.trim_matches(BLANKS);
    }
    text
}

/// The offset behind the closing quote of the string that opens at `from`.
fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        let hit = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(hit) == Some(&b'"') {
            return Some(hit + 1);
        }
        at = hit + 2;
    }
}

/// The offset behind the bracket that closes the one at `from`; strings are stepped over.
fn end_of_nested(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Decodes JSON's escapes (RFC 8259, section 7). An unpaired surrogate, which no text can hold,
/// becomes U+FFFD instead of costing the whole record.
fn unescape(inner: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Cow::Borrowed(inner);
    };
    let mut out = String::with_capacity(inner.len());
    out.push_str(inner.get(..first).unwrap_or(""));
    let mut chars = inner.get(first..).unwrap_or("").chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode_escape(&mut chars)),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Cow::Owned(out)
}

fn unicode_escape(chars: &mut std::str::Chars<'_>) -> char {
    let Some(unit) = four_hex(chars) else {
        return char::REPLACEMENT_CHARACTER;
    };
    if !(0xD800..0xDC00).contains(&unit) {
        return char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let mut ahead = chars.clone();
    if ahead.next() == Some('\\')
        && ahead.next() == Some('u')
        && let Some(low) = four_hex(&mut ahead)
        && (0xDC00..0xE000).contains(&low)
    {
        *chars = ahead;
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::REPLACEMENT_CHARACTER
}

fn four_hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + chars.next()?.to_digit(16)?;
    }
    Some(unit)
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
        assert_eq!(raw.get("n").value(), Value::Number("-12.5e3".into()));
    }
}
