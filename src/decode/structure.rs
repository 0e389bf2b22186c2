//! Where the brackets, colons and commas of a JSON text stand, strings left out.
//!
//! 64 bytes a step, as simdjson's first stage does it (Langdale and Lemire, "Parsing Gigabytes of
//! JSON per Second", section 3.1), in safe code: `wide` uses SSE2 on x86-64 and NEON on aarch64.

use wide::u8x16;

/// Fills `positions` with the offsets of `{ } [ ] : ,` outside strings, in order. Answers false
/// where the text ends inside a string. The text must be shorter than 4 GiB.
pub(super) fn index(text: &[u8], positions: &mut Vec<u32>) -> bool {
    positions.clear();
    positions.reserve(text.len() / 8);
    let mut state = State::default();
    let (blocks, rest) = text.as_chunks::<64>();
    let mut base = 0u32;
    for block in blocks {
        push(state.structurals(block), base, positions);
        base += 64;
    }
    if !rest.is_empty() {
        let mut block = [b' '; 64];
        for (to, from) in block.iter_mut().zip(rest) {
            *to = *from;
        }
        push(state.structurals(&block), base, positions);
    }
    state.inside == 0
}

fn push(mut bits: u64, base: u32, positions: &mut Vec<u32>) {
    while bits != 0 {
        positions.push(base + bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// What one block must know of those before it.
#[derive(Default)]
struct State {
    /// 1 where the last byte was a backslash that escapes the next.
    escaping: u64,
    /// All ones where the last byte was inside a string.
    inside: u64,
}

impl State {
    fn structurals(&mut self, block: &[u8; 64]) -> u64 {
        let (mut quotes, mut backslashes, mut operators) = (0, 0, 0);
        let (lanes, _) = block.as_chunks::<16>();
        for (lane, bytes) in lanes.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let mask = |hits: u8x16| u64::from(hits.to_bitmask()) << (16 * lane);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            // `[` and `{` differ in one bit only, and so do `]` and `}`
            let folded = bytes | u8x16::splat(0x20);
            let brackets = folded.simd_eq(u8x16::splat(b'{')) | folded.simd_eq(u8x16::splat(b'}'));
            quotes |= mask(is(b'"'));
            backslashes |= mask(is(b'\\'));
            operators |= mask(brackets | is(b':') | is(b','));
        }
        let quotes = quotes & !self.escaped(backslashes);
        let inside = prefix_xor(quotes) ^ self.inside;
        self.inside = 0u64.wrapping_sub(inside >> 63);
        operators & !inside
    }

    /// The bytes that a backslash escapes: every second one of a run of backslashes, or what
    /// follows a run of odd length.
    const fn escaped(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        if backslashes == 0 {
            let escaped = self.escaping;
            self.escaping = 0;
            return escaped;
        }
        let starts = backslashes & !self.escaping;
        let series = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
        let escaped = series ^ (backslashes | self.escaping);
        self.escaping = (series & backslashes) >> 63;
        escaped
    }
}

/// Each bit becomes the parity of itself and all lower ones: 1 from an opening quote to just before
/// the closing one.
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow twin: one byte at a time.
    fn slow(text: &[u8]) -> (Vec<u32>, bool) {
        let (mut positions, mut inside, mut escaped) = (Vec::new(), false, false);
        for (at, byte) in text.iter().enumerate() {
            match (inside, escaped, byte) {
                // only a quote loses its meaning behind a backslash; outside strings nothing else does
                (true, true, _) | (_, true, b'"') => escaped = false,
                (_, true, b'\\') => escaped = false,
                (_, _, b'\\') => escaped = true,
                (_, _, b'"') => inside = !inside,
                (false, _, b'{' | b'}' | b'[' | b']' | b':' | b',') => {
                    escaped = false;
                    positions.push(u32::try_from(at).unwrap());
                }
                _ => escaped = false,
            }
        }
        (positions, !inside)
    }

    #[test]
    fn the_fast_index_equals_the_slow_one_on_random_text() {
        // a fixed generator: xorshift over an alphabet in which the hard cases are frequent
        let alphabet = br#"{}[]:,"\\\"" abc1"#;
        let mut seed = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for _ in 0..4_000 {
            let length = next() % 300;
            let text: Vec<u8> = (0..length)
                .map(|_| alphabet[usize::try_from(next() % alphabet.len() as u64).unwrap()])
                .collect();
            let mut positions = Vec::new();
            let whole = index(&text, &mut positions);
            assert_eq!(
                (positions, whole),
                slow(&text),
                "{}",
                String::from_utf8_lossy(&text)
            );
        }
    }
}
