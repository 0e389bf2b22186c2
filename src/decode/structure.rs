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

use super::{USUAL_TEXT, tokens, zeros};

/// The bytes that are looked at in one step.
pub(super) const BLOCK: usize = 64;

/// The blocks for which room is made at once.
const STRETCH: usize = 32;

/// How many structural bytes a text may have: so many in any case, and of more text one in so many bytes.
/// Each takes five bytes of memory. Real logs have one in ten.
const MOST_MARKS: usize = 4 << 20;
const LEAST_BYTES_OF_MARK: usize = 6;

/// Where everything stands that gives a text its structure.
#[derive(Debug, Default)]
pub(super) struct StructuralIndex {
    marks: Positions,
    /// Blocks in which a byte is escaped, with a bit for each.
    escapes: Vec<(u32, u64)>,
    escape_count: usize,
    /// The text has no white space but line ends behind documents, its strings and scalars are those
    /// of JSON, and each token may stand behind the one before it. What that leaves open is the order
    /// of brackets, colons and commas ([`positions`](Self::positions)).
    pub(super) compact: bool,
    /// A line ends somewhere.
    pub(super) newlines: bool,
}

impl StructuralIndex {
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

    /// The offsets of the blocks of [`BLOCK`] bytes in which a backslash stands or escapes: few.
    pub(super) fn escapes(&self) -> &[(u32, u64)] {
        self.escapes.get(..self.escape_count).unwrap_or_default()
    }

    /// Reads a text, which must be shorter than 4 GiB.
    ///
    /// # Errors
    /// It ends inside a string, a backslash outside of one makes it unclear what is inside, or there are
    /// too many brackets, colons and commas.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), &'static str> {
        dispatch!(Level::new(), simd => self.read_with(simd, text))
    }

    /// Nothing in the inner loop over blocks calls a function: what the vectors hold would not outlive it.
    #[inline(always)]
    fn read_with<S: Simd>(&mut self, simd: S, text: &[u8]) -> Result<(), &'static str> {
        self.marks.clear(text.len());
        let most_marks = MOST_MARKS.max(text.len() / LEAST_BYTES_OF_MARK);
        let usual = text.len().max(USUAL_TEXT) / BLOCK + STRETCH;
        zeros(&mut self.escapes, usual);
        let mut state = State::at_start();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut last = [b' '; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let last = match rest {
            [] => &[][..],
            _ => std::slice::from_ref(&last),
        };
        let escapes = self.escapes.as_mut_slice();
        let (mut escape_count, mut wrong) = (0, 0);
        // the blocks of a stretch in which something follows an opening bracket, a colon or a comma that
        // begins no string, object or list, with a bit for each
        let mut others = [(0u32, 0u64); STRETCH];
        let mut scalars_are_sound = true;
        let mut base = 0u32;
        for stretch in blocks.chunks(STRETCH).chain([last]) {
            if self.marks.count > most_marks {
                self.marks = Positions::default();
                return Err("more brackets, colons and commas than in any log: one in six bytes");
            }
            let mut room = self.marks.room(STRETCH * BLOCK);
            // what fills the last block up is no part of the text
            let text_bits = match (base as usize) < blocks.len() * BLOCK {
                true => u64::MAX,
                false => (1 << rest.len()) - 1,
            };
            let mut other_count = 0;
            for block in stretch {
                let found = state.structurals(simd, block);
                if let Some(slot) = escapes.get_mut(escape_count) {
                    *slot = (base, found.escaped);
                }
                escape_count += usize::from(found.escapes);
                let bits = found.others & text_bits;
                if let Some(slot) = others.get_mut(other_count) {
                    *slot = (base, bits);
                }
                other_count += usize::from(bits != 0);
                wrong |= found.wrong & text_bits;
                room.add(simd, &found, block, base);
                base += 64;
            }
            self.marks.count += room.count;
            // while the text is at hand
            let others = others.get(..other_count).unwrap_or_default();
            scalars_are_sound = scalars_are_sound && tokens::are_sound(text, others);
        }
        self.escape_count = escape_count;
        self.marks.end();
        self.newlines = state.newlines != 0;
        self.compact = wrong == 0 && scalars_are_sound && tokens::are_escapes(text, self.escapes());
        match (state.inside, state.outside_backslashes) {
            (0, 0) => Ok(()),
            (_, 0) => Err("it ends inside a string"),
            _ => Err("a backslash outside of a string"),
        }
    }
}

/// The structural bytes, with room behind them that is written before it counts.
#[derive(Debug, Default)]
struct Positions {
    positions: Vec<u32>,
    kinds: Vec<u8>,
    count: usize,
}

impl Positions {
    /// Forgets all, and makes room for what a text of that many bytes has at most, as real logs go.
    fn clear(&mut self, text: usize) {
        self.count = 0;
        let usual = text.max(USUAL_TEXT) / 8 + STRETCH * BLOCK;
        zeros(&mut self.positions, usual);
        zeros(&mut self.kinds, usual);
    }

    /// Room for so many marks, and a block more.
    fn room(&mut self, marks: usize) -> BlockBuffer<'_> {
        let needed = self.count + marks + BLOCK;
        if self.positions.len() < needed {
            // twice as many, but for very many: while they are moved, both need memory
            let room = needed + needed.min(MOST_MARKS);
            self.positions.resize(room, 0);
            self.kinds.resize(room, 0);
        }
        // of one length, so that one look tells of both whether there is room
        let end = self.positions.len().min(self.kinds.len());
        BlockBuffer {
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
struct BlockBuffer<'m> {
    positions: &'m mut [u32],
    kinds: &'m mut [u8],
    count: usize,
}

impl BlockBuffer<'_> {
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

/// What stands in one block.
struct Found {
    structurals: u64,
    /// A backslash stands in it, or the one before ended with one that escapes its first byte.
    escapes: bool,
    escaped: u64,
    /// What follows an opening bracket, a colon or a comma and begins no string, object or list.
    others: u64,
    /// Bytes that may not stand behind the one before them.
    wrong: u64,
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
    /// 1 where it was a closing quote or bracket.
    closed: u64,
    /// Its highest bit is set where it was a closing bracket.
    closing: u64,
    /// 1 where it was the end of a line outside of strings.
    ended: u64,
    /// Not zero where some backslash stood outside of strings.
    outside_backslashes: u64,
    /// Not zero where some line ended.
    newlines: u64,
}

impl State {
    /// A document may begin.
    fn at_start() -> Self {
        Self {
            opened: 1,
            ..Self::default()
        }
    }

    /// Each token tells what may follow it. Behind an opening bracket, a colon or a comma a string, object
    /// or list begins; what else stands there is looked at afterwards, up to its end: a scalar, or the end
    /// of what is empty. Behind a string, object or list follows a colon, a comma or a closing bracket;
    /// and behind a closing bracket a line may end, behind which the next document begins.
    #[inline(always)]
    fn structurals<S: Simd>(&mut self, simd: S, block: &[u8; 64]) -> Found {
        let bytes = u8x64::from_slice(simd, block);
        let is = |byte: u8| bytes.simd_eq(byte).to_bitmask();
        // `[` and `{` differ in one bit only, and so do `]` and `}`
        let folded = bytes | 0x20;
        let opening = folded.simd_eq(b'{').to_bitmask();
        let closing = folded.simd_eq(b'}').to_bitmask();
        let points = is(b':') | is(b',');
        let controls = bytes.simd_lt(0x20).to_bitmask();
        let (quotes, backslashes) = (is(b'"'), is(b'\\'));
        let escaped = self.escaped(backslashes);
        let quotes = quotes & !escaped;
        let inside = prefix_xor(quotes) ^ self.inside;
        self.inside = 0u64.wrapping_sub(inside >> 63);
        self.outside_backslashes |= backslashes & !inside;
        let (opening, closing) = (opening & !inside, closing & !inside);
        let points = points & !inside;
        let opens = opening | points;
        let ends = points | closing;
        let closes = quotes & !inside | closing;
        let after_open = opens << 1 | self.opened;
        let mut wrong = (closes << 1 | self.closed) & !ends;
        // rare: CloudTrail writes one line, and no control characters into strings
        if controls | self.ended != 0 {
            let newlines = is(b'\n');
            self.newlines |= newlines;
            let lines = newlines & !inside & (closing << 1 | self.closing >> 63);
            wrong = wrong & !lines | controls & !lines | (lines << 1 | self.ended) & !opening;
            self.ended = lines >> 63;
        }
        (self.opened, self.closed, self.closing) = (opens >> 63, closes >> 63, closing);
        Found {
            structurals: opens | closing,
            escapes: backslashes | escaped != 0,
            escaped,
            others: after_open & !(quotes | opening),
            wrong,
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
    fn slow(text: &[u8]) -> (Vec<u32>, Result<(), &'static str>) {
        let (mut positions, mut inside, mut escaped) = (Vec::new(), false, false);
        let mut outside_backslashes = false;
        for (at, byte) in text.iter().enumerate() {
            outside_backslashes |= !inside && *byte == b'\\';
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
        let whole = match (inside, outside_backslashes) {
            (_, true) => Err("a backslash outside of a string"),
            (true, false) => Err("it ends inside a string"),
            (false, false) => Ok(()),
        };
        (positions, whole)
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
        let mut fast = StructuralIndex::default();
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
            let (positions, slow_whole) = slow(&text);
            let kinds = positions.iter().map(|at| text[*at as usize]);
            let kinds: Vec<u8> = kinds.chain([0; BLOCK]).collect();
            assert_eq!(
                (fast.positions(), whole),
                (&positions[..], slow_whole),
                "{shown}"
            );
            assert_eq!(fast.kinds(), kinds, "{shown}");
            assert_eq!(fast.newlines, text.contains(&b'\n'), "{shown}");
            let starts = (0u32..).step_by(BLOCK);
            let ends = |at: u32| text[..at as usize].ends_with(b"\\");
            for (at, block) in starts.zip(text.chunks(BLOCK)) {
                let listed = fast.escapes().iter().any(|(base, _)| *base == at);
                let holds = block.contains(&b'\\');
                assert!(listed || !holds, "{at} {shown}");
                assert!(!listed || holds || ends(at), "{at} {shown}");
            }
        }
    }

    #[test]
    fn a_text_of_brackets_alone_is_refused_before_its_index_takes_a_multiple_of_it() {
        let mut fast = StructuralIndex::default();
        let few = "[],".repeat(MOST_MARKS / 3);
        assert_eq!(fast.read(few.as_bytes()), Ok(()));
        let many = "[],".repeat(MOST_MARKS);
        assert!(fast.read(many.as_bytes()).unwrap_err().contains("brackets"));
        assert!(fast.marks.positions.capacity() < 2 * MOST_MARKS);
        // the next text has its index
        assert_eq!(fast.read(b"[1,2]"), Ok(()));
        assert_eq!(fast.positions(), [0, 2, 4]);
    }

    /// Whether the text is compact, by every kind of processor.
    fn compact(text: &str) -> bool {
        let says = |level: Level| {
            let mut fast = StructuralIndex::default();
            let whole = dispatch!(level, simd => fast.read_with(simd, text.as_bytes()));
            whole.is_ok() && fast.compact
        };
        let all: Vec<bool> = levels().into_iter().map(says).collect();
        assert!(all.windows(2).all(|two| two[0] == two[1]), "{text}");
        all[0]
    }

    /// Whatever stands before it in the block or in the block before.
    #[test]
    fn a_token_in_the_wrong_place_is_seen_wherever_the_blocks_begin() {
        for filler in 0..130 {
            let log = |text: &str| format!("[\"{}\",{text},7]", "x".repeat(filler));
            for good in [
                "1",
                "-0.5e+3",
                "true",
                "[]",
                "{}",
                "[[],{}]",
                r#"{"a":"b\\","c":[null,false]}"#,
                r#""\u00e9\\\"""#,
            ] {
                assert!(compact(&log(good)), "{filler} {good}");
            }
            for bad in [
                "01",
                "1.",
                "-",
                "1e",
                "+1",
                "tru",
                "nulll",
                "NaN",
                "",
                "x",
                " 1",
                "1 ",
                "\n1",
                "1\n",
                "\u{7f}",
                r#""a""b""#,
                r#""a" "b""#,
                r#""a"1"#,
                r#"1"a""#,
                "[1,]",
                "[,1]",
                "[]1",
                "[]{}",
                "[]\"a\"",
                "1[]",
                r#"{"a":}"#,
                r#"{"a":1,}"#,
                "{,}",
                "{:1}",
                r#"{"a"::1}"#,
                "{1:2}",
                r#"{true:2}"#,
                r#"{"a":1 "b":2}"#,
                r#"{"a":1"b":2}"#,
                "\"a\tb\"",
                "\"a\nb\"",
                r#""\x""#,
                r#""\u12g4""#,
                r#""\u12""#,
            ] {
                assert!(!compact(&log(bad)), "{filler} {bad}");
            }
        }
        assert!(compact("{\"a\":1}\n{\"b\":2}\n"));
        assert!(!compact("{\"a\":1}\n\"b\""));
    }
}
