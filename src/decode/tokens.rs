//! Scalars and escapes of JSON (RFC 8259, sections 3, 6 and 7), checked where the structural index has
//! found them.

use super::structure::BLOCK;

/// True where each of the places holds a number, `true`, `false` or `null`, and behind it what may stand
/// behind a value, or else the end of an empty object or list. `blocks` are those with some such places,
/// each with a bit for every place.
///
/// Apart from the loop over blocks, which needs the registers.
#[inline(never)]
pub(super) fn are_sound(text: &[u8], blocks: &[(u32, u64)]) -> bool {
    all_places(blocks, |at| {
        is_scalar(text, at) || is_end_of_nothing(text, at)
    })
}

/// True where each backslash begins an escape of JSON. `blocks` are those in which some byte is escaped,
/// each with a bit for every such byte.
pub(super) fn are_escapes(text: &[u8], blocks: &[(u32, u64)]) -> bool {
    all_places(blocks, |at| match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => {
            let digits = text.get(at + 1..at + 5);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        }
        _ => false,
    })
}

/// True where `holds` is true of every place.
#[inline]
fn all_places(blocks: &[(u32, u64)], holds: impl Fn(usize) -> bool) -> bool {
    for (base, bits) in blocks {
        let mut bits = *bits;
        while bits != 0 {
            let at = *base as usize + bits.trailing_zeros() as usize % BLOCK;
            if !holds(at) {
                return false;
            }
            bits &= bits - 1;
        }
    }
    true
}

/// The first four bytes of words.
const TRUE: u32 = u32::from_le_bytes(*b"true");
const NULL: u32 = u32::from_le_bytes(*b"null");
const FALSE: u32 = u32::from_le_bytes(*b"fals");

/// True where a scalar stands at that place, and behind it what may stand behind a value.
#[inline]
fn is_scalar(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let behind = match rest.first_chunk() {
        Some([a, b, c, d, e, f]) => {
            let word = u32::from_le_bytes([*a, *b, *c, *d]);
            // which of them it is cannot be foreseen, so it is not asked one by one
            let four = (word == TRUE) | (word == NULL);
            let five = (word == FALSE) & (*e == b'e');
            match four | five {
                true => Some(if five { f } else { e }),
                false => after_number(rest).and_then(<[u8]>::first),
            }
        }
        // near the end of the text
        None => match rest {
            [b't', b'r', b'u', b'e', behind] | [b'n', b'u', b'l', b'l', behind] => Some(behind),
            _ => after_number(rest).and_then(<[u8]>::first),
        },
    };
    matches!(behind, Some(b',' | b'}' | b']'))
}

/// True for the bracket that closes one just before it.
fn is_end_of_nothing(text: &[u8], at: usize) -> bool {
    let two = at.checked_sub(1).and_then(|from| text.get(from..=at));
    matches!(two, Some(b"{}" | b"[]"))
}

/// What stands behind the number at the front of a text.
#[inline]
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
#[inline]
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    text.get(digits..).filter(|_| digits > 0)
}
