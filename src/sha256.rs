//! SHA-256 as the reports print it: lower-case hexadecimal (FIPS 180-4).

use ring::digest::{Context, Digest, SHA256};

/// The hash of all these bytes, one part after the other; 64 characters.
pub fn hex<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    written(&context.finish())
}

fn written(digest: &Digest) -> String {
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_that_of_the_standard_however_it_is_dealt() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::hex([b"abc".as_slice()]), abc);
        assert_eq!(super::hex([b"a".as_slice(), b"", b"bc"]), abc);
    }
}
