//! Stepping over what nobody has asked for, without losing sight of damage.

use super::super::DecodeError;
use super::Walk;
use super::members::Here;

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
        match self.leap(self.here()) {
            Some(there) => {
                self.set(there);
                true
            }
            None => false,
        }
    }

    /// The place behind the object or list that opens at the next bracket.
    #[inline(always)]
    pub(super) fn leap(&self, here: Here) -> Option<Here> {
        let bytes = self.text.as_bytes();
        // one bit a level: 1 for an object
        let (mut kinds, mut depth) = (0u64, 0u32);
        for (steps, place) in (1..).zip(self.brackets.get(here.next_bracket..)?) {
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
                        return Some(Here {
                            next: *place as usize + 1,
                            next_bracket: here.next_bracket + steps,
                            behind: at + 1,
                        });
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
