//! What a record says, as a number: two records under one id are the same only where these are equal.
//!
//! There are two numbers. [`ContentKey::bytes`] is that of the bytes: quick, and taken of every record.
//! [`ContentKey::value`] is that of the JSON value as rules see it: the order of keys, white space and
//! escapes do not count. The text of a number does, and so does each member of a key written twice,
//! because rules compare both. It costs six times as much, so it is taken only where two records have
//! one id and other bytes.
//!
//! Whoever writes records knows this program, but not the key: so they cannot write two records with
//! the same number.

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

    /// The number of a JSON value: equal only where no rule can tell the values apart. What is not JSON
    /// has that of its bytes.
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
            Value::Number(number) => self.of((2u8, number)),
            Value::Text(text) => self.of((3u8, text)),
            Value::Nested(nested) => {
                let Some(depth) = depth.checked_sub(1) else {
                    return self.of((4u8, nested.as_str()));
                };
                if nested.is_array() {
                    let items: Vec<u64> = nested.items().map(|one| self.read(one, depth)).collect();
                    return self.of((5u8, items));
                }
                // of a key written twice a field test reads the last value, a keyword test every one; a
                // log with other key case is read whatever the case. So such members keep their order
                let mut members: Vec<_> = nested
                    .members()
                    .map(|(key, value)| (key.to_ascii_lowercase(), key, self.read(value, depth)))
                    .collect();
                members.sort_by(|(left, ..), (right, ..)| left.cmp(right));
                self.of((6u8, members))
            }
        }
    }

    const fn hasher(&self) -> FoldHasher<'_> {
        FoldHasher::with_seed(self.own, &self.shared)
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
            (r#"{"b":3,"a":1,"a":2}"#, r#"{"\u0061":1,"a":2,"b":3}"#),
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
            "1.50",
            "15e-1",
            "22",
            "22.0",
            "2.2e1",
            "2.2E1",
            "-0",
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
            r#"{"a":2,"a":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":2}"#,
            r#"{"a":1,"A":2}"#,
            r#"{"A":2,"a":1}"#,
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
