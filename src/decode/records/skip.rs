//! Stepping over what nobody has asked for, without losing sight of damage.

use super::super::DecodeError;
use super::{Walk, is_scalar};
use crate::event::json::Raw;

/// A member written as CloudTrail writes them.
pub(super) struct PlainMember<'a> {
    /// With its quotes.
    pub(super) key: &'a str,
    pub(super) value: Raw<'a>,
    /// The object ends behind it.
    pub(super) last: bool,
}

impl<'a> Walk<'a> {
    /// Steps over a member in which nothing is to be seen but what belongs there; nothing, and
    /// nothing has moved, where there is white space or anything else.
    #[inline]
    pub(super) fn plain_member(&mut self) -> Option<PlainMember<'a>> {
        let bytes = self.text.as_bytes();
        let &[colon, ahead] = self.positions.get(self.next..)?.first_chunk()?;
        let (from, colon) = (self.behind, colon as usize);
        if !self.compact || bytes.get(colon) != Some(&b':') {
            return None;
        }
        let before = (self.next, self.next_bracket);
        self.next += 1;
        let first = self.next;
        let mut to = ahead as usize;
        if to == colon + 1 {
            if !self.leapt() {
                (self.next, self.next_bracket) = before;
                return None;
            }
            to = self.behind;
            self.behind = from;
        }
        let text = self.text.get(colon + 1..to)?;
        let end = bytes.get(to);
        let sound = self.ahead() == to
            && matches!(end, Some(b',' | b'}'))
            && (self.next > first || is_scalar(text));
        let marks = self.positions.get(first..self.next);
        let (Some(key), Some(marks), true) = (self.text.get(from..colon), marks, sound) else {
            (self.next, self.next_bracket) = before;
            return None;
        };
        let last = end == Some(&b'}');
        self.next += 1;
        self.next_bracket += usize::from(last);
        self.behind = to + 1;
        Some(PlainMember {
            key,
            value: Raw::marked(text, marks),
            last,
        })
    }
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

    /// Steps over the object or list that opens here.
    pub(super) fn nested(&mut self) -> Result<(), DecodeError> {
        if self.compact && self.leapt() {
            return Ok(());
        }
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

    /// Steps over a sound object or list from bracket to bracket; false, and nothing has moved, where
    /// it is not sound or too deep. In a compact text the brackets are all that can be wrong.
    fn leapt(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        // one bit a level: 1 for an object
        let (mut kinds, mut depth) = (0u64, 0u32);
        for (steps, place) in (1..).zip(self.brackets.get(self.next_bracket..).unwrap_or_default())
        {
            let Some(at) = self.positions.get(*place as usize) else {
                return false;
            };
            match bytes.get(*at as usize) {
                Some(b'{') => kinds = kinds << 1 | 1,
                Some(b'[') => kinds <<= 1,
                _ if depth == 0 => return false,
                Some(b'}') if kinds & 1 == 0 => return false,
                Some(b']') if kinds & 1 == 1 => return false,
                _ => {
                    kinds >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        self.next = *place as usize + 1;
                        self.next_bracket += steps;
                        self.behind = *at as usize + 1;
                        return true;
                    }
                    continue;
                }
            }
            depth += 1;
            if depth == u64::BITS {
                return false;
            }
        }
        false
    }

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
