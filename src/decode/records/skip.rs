//! Stepping over what nobody has asked for, without losing sight of damage.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::super::{DecodeError, Decoded, Visit};
use super::Walk;
use super::members::WalkPosition;
use crate::event::json::Raw;

impl<'a> Walk<'a> {
    /// After a fault: steps to the end of the object at hand, whose last structural byte was `byte`.
    pub(super) fn close_object(&mut self, byte: u8) -> Result<(), DecodeError> {
        self.due.clear();
        self.due.push(b'}');
        let mut byte = byte;
        loop {
            self.balance(byte)?;
            if self.due.is_empty() {
                return Ok(());
            }
            byte = self.take()?.0;
        }
    }

    /// Reads the list of records of a document. A fault of the document is none of its first record.
    pub(super) fn records(
        &mut self,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> Result<(), DecodeError> {
        let bad = self.bad.take();
        self.list(true, decoded, visit)?;
        self.bad = bad.or(self.bad);
        self.ends("text behind the records")
    }

    /// The name that a key spells; `None` if it is no JSON string. The keys of a document are
    /// checked here, because nobody checks a document with records as a whole.
    pub(super) fn name(&self, key: Raw<'a>, in_document: bool) -> Option<Cow<'a, str>> {
        let is_plain = |inner: &str| {
            let mut bytes = inner.bytes();
            bytes.all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\'))
        };
        let is_sound = self.compact
            || !in_document
            || key.quoted().is_some_and(is_plain)
            || serde_json::from_str::<IgnoredAny>(key.as_str()).is_ok();
        key.string().filter(|_| is_sound)
    }

    /// Steps over the object or list that opens here.
    pub(super) fn nested(&mut self) -> Result<(), DecodeError> {
        if self.compact && self.skipped_nested() {
            return Ok(());
        }
        self.unsure = true;
        self.due.clear();
        loop {
            let (byte, at) = self.take()?;
            self.balance(byte)?;
            if self.due.is_empty() {
                return Ok(());
            }
            if !matches!(byte, b'}' | b']') && !self.value_begins(at + 1) {
                self.bad = Some("a value is not JSON");
            }
        }
    }

    /// Steps over a sound object or list of a compact text; false, and nothing has moved, where it is not
    /// sound or too deep.
    fn skipped_nested(&mut self) -> bool {
        match self.skip_nested(self.here()) {
            Some(there) => {
                self.set(there);
                true
            }
            None => false,
        }
    }

    /// The place behind the sound object or list that opens at that place. In a compact text only the
    /// order of brackets, colons and commas can be wrong, so a few steps for eight of them are enough.
    #[inline(always)]
    pub(super) fn skip_nested(&self, here: WalkPosition) -> Option<WalkPosition> {
        // one bit a level: 1 for an object
        let (mut objects, mut depth) = (0u64, 0u32);
        let mut next = here.next;
        let mut wrong = 0;
        while let Some(kinds) = self.kinds.get(next..).and_then(|kinds| kinds.first_chunk()) {
            let kinds = TokenMasks::of(kinds);
            let mut brackets = kinds.brackets;
            let mut rest = u64::MAX;
            let mut empty = kinds.empty;
            while empty != 0 {
                let at = next + empty.trailing_zeros() as usize / 8;
                let [open, close] = *self.positions.get(at..)?.first_chunk()?;
                if close != open + 1 {
                    return None;
                }
                empty &= empty - 1;
            }
            while brackets != 0 {
                let bit = brackets.trailing_zeros();
                let until = brackets ^ (brackets - 1);
                brackets &= brackets - 1;
                wrong |= kinds.misplaced(objects) & until & rest;
                rest = !until;
                // bit 5 tells objects from lists, bit 1 what opens
                let object = kinds.kinds >> (bit - 1) & 1;
                let opens = kinds.kinds >> (bit - 5) & 1;
                if opens == 1 {
                    objects = objects << 1 | object;
                    depth += 1;
                    if depth == u64::BITS {
                        return None;
                    }
                } else {
                    if depth == 0 || objects & 1 != object {
                        return None;
                    }
                    objects >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        // what stands behind the last bracket is not looked at here
                        wrong |= kinds.wrong & until >> 1;
                        let at = next + bit as usize / 8;
                        let behind = *self.positions.get(at)? as usize + 1;
                        return (wrong == 0).then_some(WalkPosition {
                            next: at + 1,
                            behind,
                        });
                    }
                }
            }
            wrong |= kinds.wrong | kinds.misplaced(objects) & rest;
            next += 8;
        }
        None
    }

    #[inline]
    fn balance(&mut self, byte: u8) -> Result<(), DecodeError> {
        match byte {
            b'{' => self.due.push(b'}'),
            b'[' => self.due.push(b']'),
            b'}' | b']' if self.due.pop() != Some(byte) => {
                return Err(self.damage("brackets do not match"));
            }
            _ => {}
        }
        Ok(())
    }

    /// True where what begins at that offset may be a JSON value, a key, or a closing bracket.
    fn value_begins(&self, at: usize) -> bool {
        let begins = |b: &u8| {
            matches!(
                b,
                b'"' | b'{' | b'[' | b'}' | b']' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
            )
        };
        let bytes = self.text.as_bytes();
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => bytes
                .get(at..)
                .and_then(|rest| rest.iter().find(|b| !b.is_ascii_whitespace()))
                .is_some_and(begins),
            Some(byte) => begins(byte),
            None => false,
        }
    }
}

/// Eight structural bytes, in whose sixth bits stands what is known of each: `{` 7B, `}` 7D, `[` 5B,
/// `]` 5D, `:` 3A, `,` 2C.
struct TokenMasks {
    kinds: u64,
    brackets: u64,
    commas: u64,
    /// What is followed by a colon: the beginning of a member.
    members: u64,
    /// An object that seems to have no members.
    empty: u64,
    /// What the next one may not follow, wherever it stands.
    wrong: u64,
}

impl TokenMasks {
    const EACH: u64 = 0x4040_4040_4040_4040;

    /// Of eight bytes and the one behind them.
    #[inline(always)]
    const fn of(bytes: &[u8; 9]) -> Self {
        let [a, b, c, d, e, f, g, h, i] = *bytes;
        let kinds = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let ahead = u64::from_le_bytes([b, c, d, e, f, g, h, i]);
        let brackets = kinds & Self::EACH;
        let commas = kinds << 4 & !kinds & Self::EACH;
        let opening = kinds << 5 & brackets;
        let closing = kinds << 4 & brackets;
        let objects = kinds << 1 & opening;
        let members = ahead << 5 & !ahead & Self::EACH;
        let (ahead_opens, ahead_closes) = (ahead & ahead << 5, ahead & ahead << 4);
        let empty = objects & !members;
        Self {
            kinds,
            brackets,
            commas,
            members,
            empty: empty & ahead_closes,
            wrong: members & !(commas | objects) | empty & !ahead_closes | closing & ahead_opens,
        }
    }

    /// The commas that may not stand where the last bit of `objects` says what is open: in an object,
    /// and only there, a member follows.
    #[inline(always)]
    const fn misplaced(&self, objects: u64) -> u64 {
        self.commas & (self.members ^ 0u64.wrapping_sub(objects & 1))
    }
}
