//! Where the brackets, colons and commas of a JSON text stand, strings left out.
//!
//! 64 bytes a step, as simdjson's first stage does it (Langdale and Lemire, "Parsing Gigabytes of
//! JSON per Second", section 3.1), with the widest vectors that the machine at hand has.
#![expect(
    clippy::inline_always,
    reason = "code for a kind of processor is that only where it is inlined into what asked for the kind"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, mask8x64, u8x64};

/// The bytes that are looked at in one step.
pub(super) const BLOCK: usize = 64;

/// Where everything stands that gives a text its structure.
#[derive(Debug, Default)]
pub(super) struct Structure {
    positions: Offsets,
    /// Which of the positions are brackets, as places in `positions`.
    pub(super) brackets: Vec<u32>,
    /// The offsets of the blocks of [`BLOCK`] bytes in which a backslash stands: few.
    pub(super) escapes: Vec<u32>,
    /// Every colon, comma and opening bracket is followed at once by what may begin a value or a
    /// key, or by a closing bracket: no white space, no rubbish.
    pub(super) compact: bool,
    /// A line ends somewhere.
    pub(super) newlines: bool,
}

impl Structure {
    /// The offsets of `{ } [ ] : ,` outside strings, in order.
    pub(super) fn positions(&self) -> &[u32] {
        self.positions.all()
    }

    /// Reads a text, which must be shorter than 4 GiB.
    ///
    /// # Errors
    /// It ends inside a string, or a backslash outside of one makes it unclear what is inside.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), &'static str> {
        dispatch!(Level::new(), simd => self.read_with(simd, text))
    }

    #[inline(always)]
    fn read_with<S: Simd>(&mut self, simd: S, text: &[u8]) -> Result<(), &'static str> {
        self.positions.clear(text.len());
        self.brackets.clear();
        self.escapes.clear();
        self.compact = true;
        let mut state = State::default();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut base = 0u32;
        for block in blocks {
            let found = state.structurals(simd, block);
            self.note(simd, &found, block, base);
            base += 64;
        }
        if !rest.is_empty() {
            let mut block = [b' '; 64];
            for (to, from) in block.iter_mut().zip(rest) {
                *to = *from;
            }
            let found = state.structurals(simd, &block);
            self.note(simd, &found, &block, base);
        }
        self.newlines = state.newlines != 0;
        match (state.inside, state.stray) {
            (0, 0) => Ok(()),
            (_, 0) => Err("it ends inside a string"),
            _ => Err("a backslash outside of a string"),
        }
    }

    #[inline(always)]
    fn note<S: Simd>(&mut self, simd: S, found: &Found, block: &[u8; 64], base: u32) {
        if found.escapes {
            self.escapes.push(base);
        }
        let before = u32::try_from(self.positions.count).unwrap_or(u32::MAX);
        self.positions.add(simd, found.structurals, base);
        let mut brackets = found.brackets;
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            let rank = (found.structurals & !(u64::MAX << bit)).count_ones();
            self.brackets.push(before + rank);
            brackets &= brackets - 1;
        }
        let mut others = found.others;
        while others != 0 {
            let byte = block.get(others.trailing_zeros() as usize & 63);
            self.compact &= byte.is_some_and(begins_scalar);
            others &= others - 1;
        }
    }
}

/// True for the first byte of a number, `true`, `false` or `null`.
#[inline(always)]
const fn begins_scalar(byte: &u8) -> bool {
    matches!(byte, b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

/// Offsets, with room behind them that is written before it counts.
#[derive(Debug, Default)]
struct Offsets {
    slots: Vec<u32>,
    count: usize,
}

impl Offsets {
    fn all(&self) -> &[u32] {
        self.slots.get(..self.count).unwrap_or_default()
    }

    /// Forgets all, and makes room for what a text of that many bytes has at the most, as real logs go.
    fn clear(&mut self, text: usize) {
        self.count = 0;
        let usual = text / 8 + 64;
        if self.slots.len() < usual {
            // made anew, because what nobody has written to takes no memory: twice the room is free
            self.slots = Vec::new();
            self.slots = vec![0; 2 * usual];
        }
    }

    /// Adds the offsets of the bits. Many at a time are written whether they are there or not,
    /// because a branch for each costs more than the writing.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, mut bits: u64, base: u32) {
        if self.slots.len() < self.count + 64 {
            self.slots.resize(2 * self.slots.len() + 4_096, 0);
        }
        let count = bits.count_ones() as usize;
        let slots = self.slots.get_mut(self.count..).unwrap_or_default();
        if is_quick_at_compressing(simd.level()) {
            let places = u8x64::from_slice(simd, &PLACES);
            let places = simd.compress_u8x64(places, mask8x64::from_bitmask(simd, bits));
            let (from, _) = places.as_chunks::<16>();
            let (to, _) = slots.as_chunks_mut::<16>();
            for (to, from) in to.iter_mut().zip(from).take(count.div_ceil(16)) {
                for (slot, place) in to.iter_mut().zip(from) {
                    *slot = base + u32::from(*place);
                }
            }
        } else {
            let (chunks, _) = slots.as_chunks_mut::<8>();
            for chunk in chunks.iter_mut().take(count.div_ceil(8)) {
                for slot in chunk {
                    *slot = base + bits.trailing_zeros();
                    bits &= bits.wrapping_sub(1);
                }
            }
        }
        self.count += count;
    }
}

/// Known where the code for a kind of processor is made.
#[inline(always)]
const fn is_quick_at_compressing(level: Level) -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return matches!(level, Level::Avx512(_));
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    return false;
}

/// The places in a block.
const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// What stands in one block.
struct Found {
    structurals: u64,
    brackets: u64,
    /// A backslash stands in it.
    escapes: bool,
    /// What follows an opening bracket, a colon or a comma and is neither a quote nor a bracket.
    others: u64,
}

/// What one block must know of those before it.
#[derive(Default)]
struct State {
    /// 1 where the last byte was a backslash that escapes the next.
    escaping: u64,
    /// All ones where the last byte was inside a string.
    inside: u64,
    /// 1 where the last byte was an opening bracket, a colon or a comma.
    opened: u64,
    /// Not zero where some backslash stood outside of strings.
    stray: u64,
    /// Not zero where some line ended.
    newlines: u64,
}

impl State {
    #[inline(always)]
    fn structurals<S: Simd>(&mut self, simd: S, block: &[u8; 64]) -> Found {
        let bytes = u8x64::from_slice(simd, block);
        let is = |byte: u8| bytes.simd_eq(byte).to_bitmask();
        // `[` and `{` differ in one bit only, and so do `]` and `}`
        let folded = bytes | 0x20;
        let opening = folded.simd_eq(b'{').to_bitmask();
        let closing = folded.simd_eq(b'}').to_bitmask();
        let points = is(b':') | is(b',');
        self.newlines |= is(b'\n');
        let (quotes, backslashes) = (is(b'"'), is(b'\\'));
        let quotes = quotes & !self.escaped(backslashes);
        let inside = prefix_xor(quotes) ^ self.inside;
        self.inside = 0u64.wrapping_sub(inside >> 63);
        self.stray |= backslashes & !inside;
        let opens = (opening | points) & !inside;
        let brackets = (opening | closing) & !inside;
        let follows = (opens << 1) | self.opened;
        self.opened = opens >> 63;
        Found {
            structurals: opens | brackets,
            brackets,
            escapes: backslashes != 0,
            others: follows & !(quotes | brackets),
        }
    }

    /// The bytes that a backslash escapes: every second one of a run of backslashes, or what
    /// follows a run of odd length.
    #[inline(always)]
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
#[inline(always)]
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
    fn slow(text: &[u8]) -> (Vec<u32>, Result<(), &'static str>, bool) {
        let (mut positions, mut inside, mut escaped) = (Vec::new(), false, false);
        let mut stray = false;
        for (at, byte) in text.iter().enumerate() {
            stray |= !inside && *byte == b'\\';
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
        let follows = |at: &u32| text.get(*at as usize + 1);
        let compact = positions
            .iter()
            .filter(|at| !b"}]".contains(&text[**at as usize]))
            // what stands behind the end of a full block is looked at with the next one
            .filter(|at| follows(at).is_some() || !text.len().is_multiple_of(64))
            .all(|at| follows(at).is_some_and(|b| b"{}[]\"-0123456789tfn".contains(b)));
        let whole = match (inside, stray) {
            (_, true) => Err("a backslash outside of a string"),
            (true, false) => Err("it ends inside a string"),
            (false, false) => Ok(()),
        };
        (positions, whole, compact)
    }

    #[test]
    fn the_fast_index_equals_the_slow_one_on_random_text() {
        // a fixed generator: xorshift over an alphabet in which the hard cases are frequent
        let alphabet = b"{}[]:,\"\\\\\\\"\" abc1\n";
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
            let mut fast = Structure::default();
            let whole = fast.read(&text);
            let shown = String::from_utf8_lossy(&text);
            let (positions, slow_whole, compact) = slow(&text);
            let brackets: Vec<u32> = (0u32..)
                .zip(&positions)
                .filter(|(_, at)| b"{}[]".contains(&text[**at as usize]))
                .map(|(place, _)| place)
                .collect();
            assert_eq!(
                (fast.positions(), whole),
                (&positions[..], slow_whole),
                "{shown}"
            );
            assert_eq!(fast.brackets, brackets, "{shown}");
            assert_eq!(fast.compact, compact, "{shown}");
            assert_eq!(fast.newlines, text.contains(&b'\n'), "{shown}");
            let escapes: Vec<u32> = (0u32..)
                .step_by(BLOCK)
                .zip(text.chunks(BLOCK))
                .filter(|(_, block)| block.contains(&b'\\'))
                .map(|(at, _)| at)
                .collect();
            assert_eq!(fast.escapes, escapes, "{shown}");
        }
    }
}
