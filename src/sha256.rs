//! SHA-256 as the reports print it: lower-case hexadecimal (FIPS 180-4).

use ring::digest::{Context, SHA256, digest};

/// The hash of all these bytes, one part after the other; 64 characters.
pub fn hex<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    written(context.finish().as_ref())
}

/// The hash itself.
pub fn of(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// The hash of these parts in this order. Each part goes in behind its length, so that parts cannot be
/// divided differently and give the same hash.
pub fn of_parts<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Bytes as hexadecimal.
pub fn written(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(half.into(), 16).unwrap_or('0'));
        }
    }
    text
}

/// Reads hexadecimal of any case; `None` if it is none.
pub fn read(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_that_of_the_standard_however_it_is_dealt() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::hex([b"abc".as_slice()]), abc);
        assert_eq!(super::hex([b"a".as_slice(), b"", b"bc"]), abc);
        assert_eq!(super::written(&super::of(b"abc")), abc);
    }

    #[test]
    fn hexadecimal_is_read_in_any_case_and_nothing_else_is() {
        assert_eq!(super::read("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!(super::read(""), Some(vec![]));
        for text in ["f", "0g", "+1", "é"] {
            assert_eq!(super::read(text), None, "{text}");
        }
    }
}
