//! What a record says, as a number: two records under one id are the same only where these are equal.
//!
//! There are two numbers. [`ContentKey::bytes`] is that of the bytes: quick, and taken of every record.
//! [`ContentKey::value`] is that of the JSON value: the order of keys, white space, escapes and the
//! spelling of numbers do not count. It costs six times as much, so it is taken only where two
//! records have one id and other bytes.
//!
//! Whoever writes records knows this program, but not the key: so they cannot write two records with
//! the same number.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher as _};
use std::sync::{Arc, LazyLock};

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use serde::de::IgnoredAny;

use super::json::{Raw, Value};
use crate::seeded;

/// How deep a value is read. CloudTrail nests half as deep; what lies deeper is compared by its bytes.
const DEPTH: usize = 32;

/// The secret that the numbers of one run depend on.
#[derive(Debug, Clone)]
pub struct ContentKey {
    own: u64,
    shared: SharedSeed,
}

static OF_PROCESS: LazyLock<Arc<ContentKey>> =
    LazyLock::new(|| Arc::new(ContentKey::new(seeded::random())));

impl ContentKey {
    /// The key made of these numbers, which nobody may guess.
    pub const fn new([own, shared]: [u64; 2]) -> Self {
        Self {
            own,
            shared: SharedSeed::from_u64(shared),
        }
    }

    /// The key of this process, for runs that leave no number behind.
    pub fn of_process() -> Arc<Self> {
        Arc::clone(&OF_PROCESS)
    }

    /// The number of a text's bytes.
    #[inline]
    pub fn bytes(&self, text: &str) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    /// The number of anything else.
    pub fn of(&self, what: impl Hash) -> u64 {
        let mut hasher = self.hasher();
        what.hash(&mut hasher);
        hasher.finish()
    }

    /// The number of a JSON value. What is not JSON has that of its bytes.
    pub fn value(&self, text: &str) -> u64 {
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => self.read(Raw::new(text), DEPTH),
            Err(_) => self.bytes(text),
        }
    }

    fn read(&self, raw: Raw<'_>, depth: usize) -> u64 {
        match raw.value() {
            Value::Null => self.of(0u8),
            Value::Bool(value) => self.of((1u8, value)),
            Value::Number(number) => self.of((2u8, plain_number(&number))),
            Value::Text(text) => self.of((3u8, text)),
            Value::Nested(nested) => {
                let Some(depth) = depth.checked_sub(1) else {
                    return self.of((4u8, nested.as_str()));
                };
                if nested.is_array() {
                    let items: Vec<u64> = nested.items().map(|one| self.read(one, depth)).collect();
                    return self.of((5u8, items));
                }
                // of a key that stands twice the last value counts, here as everywhere
                let members = nested.members();
                let members: BTreeMap<Cow<'_, str>, u64> = members
                    .map(|(key, value)| (key, self.read(value, depth)))
                    .collect();
                self.of((6u8, members))
            }
        }
    }

    const fn hasher(&self) -> FoldHasher<'_> {
        FoldHasher::with_seed(self.own, &self.shared)
    }
}

/// A number in one spelling: `1.50`, `15e-1` and `1.5` are one, `-0` is `0`.
fn plain_number(text: &str) -> Cow<'_, str> {
    let digits_only = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if digits_only(text) && !text.ends_with('0') {
        return Cow::Borrowed(text);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let digits = all.trim_start_matches('0');
    let plain = digits.trim_end_matches('0');
    if plain.is_empty() {
        return Cow::Borrowed("0");
    }
    // nobody writes powers that do not fit; whoever does is taken at his spelling
    let Ok(power) = power.parse::<i64>() else {
        return Cow::Borrowed(text);
    };
    let dropped = digits.len() - plain.len();
    let shift = i64::try_from(dropped).unwrap_or(0) - i64::try_from(part.len()).unwrap_or(0);
    match power.saturating_add(shift) {
        0 => Cow::Owned(format!("{sign}{plain}")),
        power => Cow::Owned(format!("{sign}{plain}e{power}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) -> bool {
        let key = ContentKey::of_process();
        key.value(left) == key.value(right)
    }

    #[test]
    fn spelling_does_not_count() {
        for (left, right) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                "{ \"b\" : [true, null],\n\"a\":1 }",
            ),
            (r#"{"a":{"x":"1","y":"2"}}"#, r#"{"a":{"y":"2","x":"1"}}"#),
            (r#""St\u006fp\/""#, r#""Stop/""#),
            ("1.50", "15e-1"),
            ("100", "1E2"),
            ("1000", "1.0e+3"),
            ("-0", "0.000"),
            ("0.001", "1e-3"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ] {
            assert!(same(left, right), "{left} {right}");
        }
    }

    #[test]
    fn what_is_said_does() {
        let all = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "10",
            "-1",
            "1.5",
            "15",
            "1e400",
            "1e401",
            "18446744073709551616",
            "18446744073709551617",
            "\"\"",
            "\"1\"",
            "\"null\"",
            "[]",
            "{}",
            "[1]",
            "[[1]]",
            "[1,2]",
            "[2,1]",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"b":1}"#,
            r#"{"a":{"x":1},"b":{}}"#,
            r#"{"a":{},"b":{"x":1}}"#,
            r#"{"a":[{"x":1}],"b":{}}"#,
        ];
        for (at, left) in all.iter().enumerate() {
            for right in &all[at + 1..] {
                assert!(!same(left, right), "{left} {right}");
            }
        }
    }

    #[test]
    fn the_number_depends_on_the_key() {
        let [one, two] = [[1, 2], [1, 3]].map(ContentKey::new);
        let text = "x".repeat(2_000);
        for text in ["{}", r#"{"a":1}"#, &text] {
            assert_ne!(one.bytes(text), two.bytes(text));
        }
        assert_ne!(one.value("{}"), two.value("{}"));
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(100), "]".repeat(100));
        assert!(same(&deep("1"), &deep("1")) && !same(&deep("1"), &deep("2")));
        let key = ContentKey::of_process();
        key.value(&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    }
}
