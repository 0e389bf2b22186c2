//! Stepping over what nobody has asked for, without losing sight of damage.

use super::super::DecodeError;
use super::{Walk, is_scalar};
use crate::event::json::Raw;
use crate::event::{Event, Key};

impl<'a> Walk<'a> {
    /// Reads the members from here on as long as they are written as CloudTrail writes them: no white
    /// space, and nothing but what belongs there. True where the object ended; where it did not, the
    /// next member is one to look at closely.
    pub(super) fn plain_members(&mut self, event: &mut Event<'a>) -> bool {
        if !self.compact {
            return false;
        }
        let (text, bytes, positions) = (self.text, self.text.as_bytes(), self.positions);
        loop {
            let first = self.next + 1;
            let Some(&[colon, ahead]) = positions.get(self.next..).and_then(|all| all.first_chunk())
            else {
                return false;
            };
            let (colon, ahead) = (colon as usize, ahead as usize);
            if bytes.get(colon) != Some(&b':') {
                return false;
            }
            let after = match ahead == colon + 1 {
                true => self.closing(),
                false => Some((first, self.next_bracket, ahead)),
            };
            let Some((next, next_bracket, to)) = after else {
                return false;
            };
            let last = match bytes.get(to) {
                Some(b',') => false,
                Some(b'}') => true,
                _ => return false,
            };
            let (Some(key), Some(value)) = (text.get(self.behind..colon), text.get(colon + 1..to))
            else {
                return false;
            };
            if next == first && !is_scalar(value) {
                return false;
            }
            let value = match next == first {
                true => Raw::new(value),
                false => Raw::marked(value, positions.get(first..next).unwrap_or_default()),
            };
            let key = Raw::new(key);
            match key.quoted().and_then(Key::from_name) {
                Some(key) => event.set(key, value),
                None => match key.string() {
                    Some(name) => event.note(name, value),
                    None => return false,
                },
            }
            self.next = next + 1;
            self.next_bracket = next_bracket + usize::from(last);
            self.behind = to + 1;
            if last {
                return true;
            }
        }
    }

    /// Where the object or list that opens at the next bracket ends, where it is sound and nothing
    /// stands between it and the next structural byte.
    fn closing(&self) -> Option<(usize, usize, usize)> {
        let (next, next_bracket, behind) = self.leap()?;
        let ahead = *self.positions.get(next)? as usize;
        (ahead == behind).then_some((next, next_bracket, behind))
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
        match self.leap() {
            Some((next, next_bracket, behind)) => {
                (self.next, self.next_bracket, self.behind) = (next, next_bracket, behind);
                true
            }
            None => false,
        }
    }

    /// Behind the object or list that opens at the next bracket: the next structural byte, the next
    /// bracket, and the offset.
    fn leap(&self) -> Option<(usize, usize, usize)> {
        let bytes = self.text.as_bytes();
        // one bit a level: 1 for an object
        let (mut kinds, mut depth) = (0u64, 0u32);
        for (steps, place) in (1..).zip(self.brackets.get(self.next_bracket..)?) {
            let at = *self.positions.get(*place as usize)? as usize;
            match bytes.get(at) {
                Some(b'{') => kinds = kinds << 1 | 1,
                Some(b'[') => kinds <<= 1,
                _ if depth == 0 => return None,
                Some(b'}') if kinds & 1 == 0 => return None,
                Some(b']') if kinds & 1 == 1 => return None,
                _ => {
                    kinds >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        return Some((*place as usize + 1, self.next_bracket + steps, at + 1));
                    }
                    continue;
                }
            }
            depth += 1;
            if depth == u64::BITS {
                return None;
            }
        }
        None
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
