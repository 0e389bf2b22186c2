//! Scalars and escapes of JSON (RFC 8259, sections 3, 6 and 7), checked where the structural index has
//! found them.

use super::structure::BLOCK;

/// True where each scalar is a number, `true`, `false` or `null`, and ends where a value may end.
/// `starts` are the blocks in which some begin, each with a bit for every first byte.
pub(super) fn are_scalars(text: &[u8], starts: &[(u32, u64)]) -> bool {
    starts.iter().all(|(base, bits)| {
        let mut places = Places::of(*base, *bits);
        places.all(|at| is_scalar(text.get(at..).unwrap_or_default()))
    })
}

/// True where each backslash begins an escape of JSON. `escaped` are the blocks in which some byte is
/// escaped, each with a bit for every such byte.
pub(super) fn are_escapes<'b>(
    text: &[u8],
    mut escaped: impl Iterator<Item = (&'b u32, &'b u64)>,
) -> bool {
    escaped.all(|(base, bits)| {
        let mut places = Places::of(*base, *bits);
        places.all(|at| match text.get(at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
            Some(b'u') => {
                let digits = text.get(at + 1..at + 5);
                digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            _ => false,
        })
    })
}

/// The places of the bits of one block.
struct Places {
    base: usize,
    bits: u64,
}

impl Places {
    const fn of(base: u32, bits: u64) -> Self {
        Self {
            base: base as usize,
            bits,
        }
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return None;
        }
        let bit = self.bits.trailing_zeros() as usize % BLOCK;
        self.bits &= self.bits - 1;
        Some(self.base + bit)
    }
}

/// True where a scalar stands at the front of a text, and behind it what may stand behind a value.
#[inline]
fn is_scalar(text: &[u8]) -> bool {
    let behind = match text {
        [b't', b'r', b'u', b'e', behind, ..]
        | [b'n', b'u', b'l', b'l', behind, ..]
        | [b'f', b'a', b'l', b's', b'e', behind, ..] => Some(behind),
        _ => after_number(text).and_then(<[u8]>::first),
    };
    matches!(behind, Some(b',' | b'}' | b']'))
}

/// What stands behind the number at the front of a text.
fn after_number(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let mut rest = match text {
        [b'0', rest @ ..] => rest,
        _ => after_digits(text)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = after_digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = after_digits(match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        })?;
    }
    Some(rest)
}

/// What stands behind one digit or more.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    text.get(digits..).filter(|_| digits > 0)
}
