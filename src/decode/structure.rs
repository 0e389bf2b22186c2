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

use super::{USUAL_TEXT, zeros};

/// The bytes that are looked at in one step.
pub(super) const BLOCK: usize = 64;

/// The blocks for which room is made at once.
const STRETCH: usize = 32;

/// Where everything stands that gives a text its structure.
#[derive(Debug, Default)]
pub(super) struct Structure {
    marks: Marks,
    escapes: Vec<u32>,
    escaped: usize,
    /// Every colon, comma and opening bracket is followed at once by what may begin a value or a
    /// key, or by a closing bracket: no white space, no rubbish.
    pub(super) compact: bool,
    /// A line ends somewhere.
    pub(super) newlines: bool,
}

impl Structure {
    /// The offsets of `{ } [ ] : ,` outside strings, in order.
    pub(super) fn positions(&self) -> &[u32] {
        self.marks
            .positions
            .get(..self.marks.count)
            .unwrap_or_default()
    }

    /// What stands at these offsets, and some zeros behind the last.
    pub(super) fn kinds(&self) -> &[u8] {
        let with_zeros = self.marks.count + BLOCK;
        self.marks.kinds.get(..with_zeros).unwrap_or_default()
    }

    /// The offsets of the blocks of [`BLOCK`] bytes in which a backslash stands: few.
    pub(super) fn escapes(&self) -> &[u32] {
        self.escapes.get(..self.escaped).unwrap_or_default()
    }

    /// Reads a text, which must be shorter than 4 GiB.
    ///
    /// # Errors
    /// It ends inside a string, or a backslash outside of one makes it unclear what is inside.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), &'static str> {
        dispatch!(Level::new(), simd => self.read_with(simd, text))
    }

    /// Nothing in the loop over blocks calls a function: what the vectors hold would not outlive it.
    #[inline(always)]
    fn read_with<S: Simd>(&mut self, simd: S, text: &[u8]) -> Result<(), &'static str> {
        self.marks.clear(text.len());
        let usual = text.len().max(USUAL_TEXT);
        zeros(&mut self.escapes, usual / BLOCK + STRETCH);
        let mut state = State::default();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut last = [b' '; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let last = match rest {
            [] => &[][..],
            _ => std::slice::from_ref(&last),
        };
        let (escapes, mut escaped) = (self.escapes.as_mut_slice(), 0);
        let mut base = 0u32;
        for stretch in blocks.chunks(STRETCH).chain([last]) {
            let mut room = self.marks.room(STRETCH * BLOCK);
            for block in stretch {
                let found = state.structurals(simd, block);
                if let Some(slot) = escapes.get_mut(escaped) {
                    *slot = base;
                }
                escaped += usize::from(found.escapes);
                room.add(simd, &found, block, base);
                base += 64;
            }
            self.marks.count += room.count;
        }
        self.escaped = escaped;
        self.marks.end();
        self.compact = state.rubbish == 0;
        self.newlines = state.newlines != 0;
        match (state.inside, state.stray) {
            (0, 0) => Ok(()),
            (_, 0) => Err("it ends inside a string"),
            _ => Err("a backslash outside of a string"),
        }
    }
}

/// The structural bytes, with room behind them that is written before it counts.
#[derive(Debug, Default)]
struct Marks {
    positions: Vec<u32>,
    kinds: Vec<u8>,
    count: usize,
}

impl Marks {
    /// Forgets all, and makes room for what a text of that many bytes has at the most, as real logs go.
    fn clear(&mut self, text: usize) {
        self.count = 0;
        let usual = text.max(USUAL_TEXT) / 8 + STRETCH * BLOCK;
        zeros(&mut self.positions, usual);
        zeros(&mut self.kinds, usual);
    }

    /// Room for so many marks, and a block more.
    fn room(&mut self, marks: usize) -> Room<'_> {
        let needed = self.count + marks + BLOCK;
        if self.positions.len() < needed {
            self.positions.resize(2 * needed, 0);
            self.kinds.resize(2 * needed, 0);
        }
        // of one length, so that one look tells of both whether there is room
        let end = self.positions.len().min(self.kinds.len());
        Room {
            positions: self.positions.get_mut(self.count..end).unwrap_or_default(),
            kinds: self.kinds.get_mut(self.count..end).unwrap_or_default(),
            count: 0,
        }
    }

    /// Nothing follows but zeros.
    fn end(&mut self) {
        if let Some(behind) = self.room(0).kinds.first_chunk_mut::<BLOCK>() {
            *behind = [0; BLOCK];
        }
    }
}

/// Room for the marks of some blocks.
struct Room<'m> {
    positions: &'m mut [u32],
    kinds: &'m mut [u8],
    count: usize,
}

impl Room<'_> {
    /// Adds the marks of a block. Many at a time are written whether they are there or not, because
    /// a branch for each costs more than the writing.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, found: &Found, block: &[u8; BLOCK], base: u32) {
        let mut bits = found.structurals;
        let count = bits.count_ones() as usize;
        let positions = self.positions.get_mut(self.count..);
        let kinds = self.kinds.get_mut(self.count..);
        self.count += count;
        let positions = positions.and_then(|slots| slots.first_chunk_mut::<BLOCK>());
        let kinds = kinds.and_then(|slots| slots.first_chunk_mut::<BLOCK>());
        let (Some(positions), Some(kinds)) = (positions, kinds) else {
            return;
        };
        if is_quick_at_compressing(simd.level()) {
            let mask = mask8x64::from_bitmask(simd, bits);
            *kinds = simd
                .compress_u8x64(u8x64::from_slice(simd, block), mask)
                .into();
            let places = simd.compress_u8x64(u8x64::from_slice(simd, &PLACES), mask);
            let (from, _) = places.as_chunks::<16>();
            let (to, _) = positions.as_chunks_mut::<16>();
            for (to, from) in to.iter_mut().zip(from).take(count.div_ceil(16)) {
                for (slot, place) in to.iter_mut().zip(from) {
                    *slot = base + u32::from(*place);
                }
            }
        } else {
            let (positions, _) = positions.as_chunks_mut::<8>();
            let (kinds, _) = kinds.as_chunks_mut::<8>();
            let eights = positions.iter_mut().zip(kinds);
            for (positions, kinds) in eights.take(count.div_ceil(8)) {
                for (position, kind) in positions.iter_mut().zip(kinds) {
                    let place = bits.trailing_zeros();
                    *position = base + place;
                    *kind = block.get(place as usize & 63).copied().unwrap_or(0);
                    bits &= bits.wrapping_sub(1);
                }
            }
        }
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

/// What may begin a scalar and is no digit, each in the place that its last four bits name in each
/// sixteen; in the other places stands what has other last bits.
const FIRSTS: [u8; BLOCK] = {
    let mut firsts = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        firsts[at] = match at % 16 {
            0 => 1,
            4 => b't',
            6 => b'f',
            13 => b'-',
            14 => b'n',
            _ => 0,
        };
        at += 1;
    }
    firsts
};

/// What stands in one block.
struct Found {
    structurals: u64,
    /// A backslash stands in it.
    escapes: bool,
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
    /// Not zero where an opening bracket, a colon or a comma was followed by what begins nothing.
    rubbish: u64,
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
        // the first byte of a number, `true`, `false` or `null`
        let firsts = u8x64::from_slice(simd, &FIRSTS);
        let named = simd.swizzle_dyn_within_blocks_u8x64(firsts, bytes & 0x0F);
        let scalars = named.simd_eq(bytes) | (bytes - b'0').simd_lt(10);
        self.rubbish |= follows & !(quotes | brackets | scalars.to_bitmask());
        Found {
            structurals: opens | brackets,
            escapes: backslashes != 0,
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

    /// All kinds of processors that this one can stand for.
    fn levels() -> Vec<Level> {
        let mut levels = vec![Level::new(), Level::baseline()];
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            levels.extend(Level::new().as_avx2().map(Level::Avx2));
            levels.extend(Level::new().as_sse4_2().map(Level::Sse4_2));
        }
        levels
    }

    #[test]
    fn the_fast_index_equals_the_slow_one_on_random_text() {
        // a fixed generator: xorshift over an alphabet in which the hard cases are frequent
        let alphabet = b"{}[]:,\"\\\\\\\"\"{}[]:,\"\" a0t9f-n/;\n";
        let mut seed = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let levels = levels();
        let mut fast = Structure::default();
        for round in 0..4_000 {
            // a few are so long, and so dense, that room is made while they are read
            let (length, alphabet) = match round % 401 {
                0 => (40_000 + next() % 300, &alphabet[..6]),
                1 => (5_000 + next() % 300, &alphabet[..]),
                _ => (next() % 300, &alphabet[..]),
            };
            let text: Vec<u8> = (0..length)
                .map(|_| alphabet[usize::try_from(next() % alphabet.len() as u64).unwrap()])
                .collect();
            let level = levels[round % levels.len()];
            let whole = dispatch!(level, simd => fast.read_with(simd, &text));
            let shown = String::from_utf8_lossy(&text);
            let (positions, slow_whole, compact) = slow(&text);
            let kinds = positions.iter().map(|at| text[*at as usize]);
            let kinds: Vec<u8> = kinds.chain([0; BLOCK]).collect();
            assert_eq!(
                (fast.positions(), whole),
                (&positions[..], slow_whole),
                "{shown}"
            );
            assert_eq!(fast.kinds(), kinds, "{shown}");
            assert_eq!(fast.compact, compact, "{shown}");
            assert_eq!(fast.newlines, text.contains(&b'\n'), "{shown}");
            let escapes: Vec<u32> = (0u32..)
                .step_by(BLOCK)
                .zip(text.chunks(BLOCK))
                .filter(|(_, block)| block.contains(&b'\\'))
                .map(|(at, _)| at)
                .collect();
            assert_eq!(fast.escapes(), escapes, "{shown}");
        }
    }
}
