//! Which of 64 bytes are quotes, backslashes, brackets and so on: one bit a byte.
//!
//! `wide` does it with SSE2 on x86-64 and NEON on aarch64; where the processor has AVX2, which is
//! found out at run time, `pulp` does it in half the steps.

use wide::u8x16;

/// What stands where in a block; the lowest bit is the first byte.
#[derive(Default)]
pub(super) struct Masks {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `{` and `[`
    pub(super) opening: u64,
    /// `}` and `]`
    pub(super) closing: u64,
    /// `:` and `,`
    pub(super) points: u64,
}

/// A way to look at many bytes at once.
pub(super) trait Lanes: Copy {
    fn masks(self, block: &[u8; 64]) -> Masks;
}

/// Something to be done with lanes.
pub(super) trait Work {
    type Output;

    fn with(self, lanes: impl Lanes) -> Self::Output;
}

/// What the compiler may use on every processor of the target.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        let (lanes, _) = block.as_chunks::<16>();
        for (lane, bytes) in lanes.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let mask = |hits: u8x16| u64::from(hits.to_bitmask()) << (16 * lane);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            // `[` and `{` differ in one bit only, and so do `]` and `}`
            let folded = bytes | u8x16::splat(0x20);
            masks.quotes |= mask(is(b'"'));
            masks.backslashes |= mask(is(b'\\'));
            masks.opening |= mask(folded.simd_eq(u8x16::splat(b'{')));
            masks.closing |= mask(folded.simd_eq(u8x16::splat(b'}')));
            masks.points |= mask(is(b':') | is(b','));
        }
        masks
    }
}

/// Does the work with the widest lanes that this processor has.
#[cfg(target_arch = "x86_64")]
pub(super) fn fastest<W: Work>(work: W) -> W::Output {
    match pulp::x86::V3::try_new() {
        Some(avx2) => avx2.vectorize(avx2::With { work, avx2 }),
        None => work.with(Portable),
    }
}

/// Does the work with the widest lanes that this processor has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn fastest<W: Work>(work: W) -> W::Output {
    work.with(Portable)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::x86::V3;

    use super::{Lanes, Masks, Work};

    impl Lanes for V3 {
        #[inline(always)]
        fn masks(self, block: &[u8; 64]) -> Masks {
            let [low, high]: [__m256i; 2] = pulp::cast(*block);
            let (low, high) = (half(self, low), half(self, high));
            Masks {
                quotes: low.quotes | high.quotes << 32,
                backslashes: low.backslashes | high.backslashes << 32,
                opening: low.opening | high.opening << 32,
                closing: low.closing | high.closing << 32,
                points: low.points | high.points << 32,
            }
        }
    }

    #[inline(always)]
    fn half(simd: V3, bytes: __m256i) -> Masks {
        let folded = simd
            .avx2
            ._mm256_or_si256(bytes, simd.avx._mm256_set1_epi8(0x20));
        let points = simd
            .avx2
            ._mm256_or_si256(is(simd, bytes, b':'), is(simd, bytes, b','));
        Masks {
            quotes: bits(simd, is(simd, bytes, b'"')),
            backslashes: bits(simd, is(simd, bytes, b'\\')),
            opening: bits(simd, is(simd, folded, b'{')),
            closing: bits(simd, is(simd, folded, b'}')),
            points: bits(simd, points),
        }
    }

    #[inline(always)]
    fn is(simd: V3, bytes: __m256i, byte: u8) -> __m256i {
        let wanted = simd.avx._mm256_set1_epi8(byte.cast_signed());
        simd.avx2._mm256_cmpeq_epi8(bytes, wanted)
    }

    #[inline(always)]
    fn bits(simd: V3, hits: __m256i) -> u64 {
        u64::from(simd.avx2._mm256_movemask_epi8(hits).cast_unsigned())
    }

    /// Work together with the proof that the processor can do it.
    pub(super) struct With<W> {
        pub(super) work: W,
        pub(super) avx2: V3,
    }

    impl<W: Work> pulp::NullaryFnOnce for With<W> {
        type Output = W::Output;

        #[inline(always)]
        fn call(self) -> W::Output {
            self.work.with(self.avx2)
        }
    }
}
