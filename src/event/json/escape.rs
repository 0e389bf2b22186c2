//! The escapes of JSON strings.

use std::borrow::Cow;

/// Decodes JSON's escapes (RFC 8259, section 7). An unpaired surrogate, which no text can hold,
/// becomes U+FFFD instead of costing the whole record.
#[inline]
pub(super) fn unescape(inner: &str) -> Cow<'_, str> {
    if is_plain(inner) {
        return Cow::Borrowed(inner);
    }
    match memchr::memchr(b'\\', inner.as_bytes()) {
        Some(first) => Cow::Owned(decoded(inner, first)),
        None => Cow::Borrowed(inner),
    }
}

/// Most texts are short, and for them a call of memchr costs more than looking at them.
const SHORT: usize = 64;

/// True where there is no escape in the text.
#[inline]
pub(super) fn is_plain(text: &str) -> bool {
    !has_backslash(text.as_bytes())
}

#[inline]
fn has_backslash(bytes: &[u8]) -> bool {
    match bytes.len() {
        ..8 => bytes.contains(&b'\\'),
        8..16 => any_chunk::<8>(bytes),
        16..=SHORT => any_chunk::<16>(bytes),
        _ => memchr::memchr(b'\\', bytes).is_some(),
    }
}

/// True where one of so many bytes and more is a backslash. The last `N` may be looked at twice.
#[inline]
fn any_chunk<const N: usize>(bytes: &[u8]) -> bool {
    let mut found = [0u8; N];
    let (chunks, _) = bytes.as_chunks::<N>();
    for chunk in chunks.iter().chain(bytes.last_chunk::<N>()) {
        for (found, byte) in found.iter_mut().zip(chunk) {
            *found |= u8::from(*byte == b'\\');
        }
    }
    found.iter().fold(0, |any, found| any | found) != 0
}

/// The text, whose first escape stands at `first`, decoded.
fn decoded(inner: &str, first: usize) -> String {
    let mut out = String::with_capacity(inner.len());
    out.push_str(inner.get(..first).unwrap_or(""));
    let mut chars = inner.get(first..).unwrap_or("").chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode_escape(&mut chars)),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn unicode_escape(chars: &mut std::str::Chars<'_>) -> char {
    let Some(unit) = four_hex(chars) else {
        return char::REPLACEMENT_CHARACTER;
    };
    if !(0xD800..0xDC00).contains(&unit) {
        return char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let mut ahead = chars.clone();
    if ahead.next() == Some('\\')
        && ahead.next() == Some('u')
        && let Some(low) = four_hex(&mut ahead)
        && (0xDC00..0xE000).contains(&low)
    {
        *chars = ahead;
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::REPLACEMENT_CHARACTER
}

fn four_hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + chars.next()?.to_digit(16)?;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_is_seen_in_texts_of_every_length_and_nothing_else_is_taken_for_one() {
        for length in 0..=SHORT + 9 {
            for other in [b'a', 0, b'[', b']', 0xdc, 0xff] {
                assert!(!has_backslash(&vec![other; length]), "{other} {length}");
                for at in 0..length {
                    let mut text = vec![other; length];
                    text[at] = b'\\';
                    assert!(has_backslash(&text), "{at} of {length}");
                }
            }
        }
    }
}
