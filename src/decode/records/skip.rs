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

    /// The place behind the object or list that opens at that place.
    #[inline(always)]
    pub(super) fn leap(&self, here: Here) -> Option<Here> {
        // among the structural bytes, only brackets have this bit
        const BRACKETS: u64 = 0x4040_4040_4040_4040;
        // one bit a level: 1 for an object
        let (mut objects, mut depth) = (0u64, 0u32);
        let mut next = here.next;
        while let Some(kinds) = self.kinds.get(next..).and_then(|kinds| kinds.first_chunk()) {
            let kinds = u64::from_le_bytes(*kinds);
            let mut brackets = kinds & BRACKETS;
            while brackets != 0 {
                let bit = brackets.trailing_zeros();
                brackets &= brackets - 1;
                // `{` 7B, `}` 7D, `[` 5B, `]` 5D: bit 5 tells objects from lists, bit 1 what opens
                let (object, opens) = (kinds >> (bit - 1) & 1, kinds >> (bit - 5) & 1);
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
                        let at = next + bit as usize / 8;
                        return Some(Here {
                            next: at + 1,
                            behind: *self.positions.get(at)? as usize + 1,
                        });
                    }
                }
            }
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
