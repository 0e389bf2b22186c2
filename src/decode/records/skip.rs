//! Stepping over what nobody has asked for, without losing sight of damage.

use super::super::DecodeError;
use super::super::structure::BLOCK;
use super::{Walk, is_scalar};
use crate::event::json::{Raw, inside_quotes};
use crate::event::{Event, Key};

/// A place in a walk.
#[derive(Clone, Copy)]
struct Here {
    /// The next structural byte, the next bracket, and the offset behind the last.
    next: usize,
    next_bracket: usize,
    behind: usize,
}

impl<'a> Walk<'a> {
    /// Reads the members from here on as long as they are written as CloudTrail writes them: no white
    /// space, and nothing but what belongs there. True where the object ended; where it did not, the
    /// next member is one to look at closely.
    ///
    /// Apart from the close look, which would take the registers that this needs.
    #[inline(never)]
    pub(super) fn plain_members(&mut self, event: &mut Event<'a>) -> bool {
        if !self.compact {
            return false;
        }
        let (text, bytes) = (self.text, self.text.as_bytes());
        let mut here = self.here();
        let ended = loop {
            let Some(&[colon, ahead]) = self
                .positions
                .get(here.next..)
                .and_then(|all| all.first_chunk())
            else {
                break false;
            };
            let (colon, ahead) = (colon as usize, ahead as usize);
            let nested = ahead == colon + 1;
            let mut after = Here {
                next: here.next + 1,
                behind: ahead,
                ..here
            };
            let mut marks = &[][..];
            if nested {
                match self.leap(after) {
                    Some(there) => after = there,
                    None => break false,
                }
                // what closes must be followed at once by the comma or bracket
                if self.positions.get(after.next).map(|at| *at as usize) != Some(after.behind) {
                    break false;
                }
                marks = self
                    .positions
                    .get(here.next + 1..after.next)
                    .unwrap_or_default();
            }
            let last = match bytes.get(after.behind) {
                Some(b',') => false,
                Some(b'}') => true,
                _ => break false,
            };
            let (Some(b':'), Some(value)) = (bytes.get(colon), text.get(colon + 1..after.behind))
            else {
                break false;
            };
            if !nested && !is_scalar(value) {
                break false;
            }
            match inside_quotes(text, here.behind, colon).and_then(Key::from_name) {
                Some(key) => event.set(key, Raw::exactly(value, marks)),
                None => match text
                    .get(here.behind..colon)
                    .and_then(|key| Raw::new(key).string())
                {
                    Some(name) => event.note(name, Raw::exactly(value, marks)),
                    None => break false,
                },
            }
            here = Here {
                next: after.next + 1,
                next_bracket: after.next_bracket + usize::from(last),
                behind: after.behind + 1,
            };
            if last {
                break true;
            }
        };
        self.set(here);
        ended
    }

    /// True where no backslash stands between that offset, which never goes back, and here.
    pub(super) fn is_plain(&mut self, from: usize) -> bool {
        while let Some((block, rest)) = self.escapes.split_first()
            && *block as usize + BLOCK <= from
        {
            self.escapes = rest;
        }
        self.escapes
            .first()
            .is_none_or(|block| *block as usize >= self.behind)
    }

    const fn here(&self) -> Here {
        Here {
            next: self.next,
            next_bracket: self.next_bracket,
            behind: self.behind,
        }
    }

    fn set(&mut self, here: Here) {
        (self.next, self.next_bracket, self.behind) = (here.next, here.next_bracket, here.behind);
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
    fn leap(&self, here: Here) -> Option<Here> {
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
