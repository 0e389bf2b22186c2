//! gzip, inflated once into a buffer that is used again: all members, checked and capped.
//!
//! The only place that inflates (RFC 1952).

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::Decompressor;
use memchr::memmem;

use super::{DecodeError, USUAL_TEXT, zeros};

/// True where the bytes begin as gzip does. The name and `Content-Encoding` say nothing reliable.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// What a gzip file was made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layers {
    pub(super) members: u32,
    /// Bytes behind the last member.
    pub(super) behind: u64,
    /// Those bytes are zeros: padding.
    pub(super) padding: bool,
}

/// Inflates object after object into one buffer.
#[derive(Default)]
pub(super) struct Inflater {
    quick: Decompressor,
    /// Longer than what it holds: room is made once and not cleared again.
    buffer: Vec<u8>,
    length: usize,
}

impl Inflater {
    /// What was inflated last.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Room for that many bytes at least. What was inflated last is lost.
    pub(super) fn room(&mut self, length: usize) -> &mut [u8] {
        self.length = 0;
        if self.buffer.len() < length {
            zeros(&mut self.buffer, length.max(USUAL_TEXT));
        }
        &mut self.buffer
    }

    /// Inflates every member. `cap` is in MiB.
    pub(super) fn inflate(&mut self, stored: &[u8], cap: u64) -> Result<Layers, DecodeError> {
        if let Some(layers) = self.one_sound_member(stored, cap) {
            return Ok(layers);
        }
        let layers = every_member(stored, &mut self.buffer, cap)?;
        self.length = self.buffer.len();
        Ok(layers)
    }

    /// What nearly every log is: one member, sound, and nothing behind it. `None` if the file is
    /// anything else, and then nothing is said about it.
    ///
    /// libdeflate does not tell where the member ended, but it has compared the length that stands
    /// there with that of what it inflated. Where the file ends with that length, and it stands
    /// nowhere before, the member ends with the file.
    fn one_sound_member(&mut self, stored: &[u8], cap: u64) -> Option<Layers> {
        let length = length_of_one_member(stored, cap)?;
        let end: &[u8; 4] = stored.last_chunk()?;
        // looked for first: the bytes were just read, and are still near
        let first = memmem::find(stored.get(HEADER..)?, end)? + HEADER;
        if first + end.len() != stored.len() {
            return None;
        }
        self.room(length);
        let out = self.buffer.get_mut(..length)?;
        if self.quick.gzip_decompress(stored, out) != Ok(length) {
            return None;
        }
        self.length = length;
        Some(Layers {
            members: 1,
            behind: 0,
            padding: true,
        })
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The bytes of the shortest header, where its flags stand, and the flag of those that hold the
/// file's name (RFC 1952, section 2.3).
const HEADER: usize = 10;
const FLAGS: usize = 3;
const NAMED: u8 = 8;

/// The inflated length of a file that seems to be one usual member of at most `cap` MiB, as it stands
/// at its end.
pub(super) fn length_of_one_member(stored: &[u8], cap: u64) -> Option<usize> {
    // a header of its own sum, which libdeflate does not look at, is left to zlib
    if !is_gzip(stored) || stored.get(FLAGS)? & !NAMED != 0 {
        return None;
    }
    let length = claimed(stored)?;
    let limit = usize::try_from(cap << 20).unwrap_or(usize::MAX);
    (length <= limit && length <= most_expected(stored)).then_some(length)
}

/// Inflates every member into `out`, at the pace of zlib. `cap` is in MiB.
pub(super) fn every_member(
    stored: &[u8],
    out: &mut Vec<u8>,
    cap: u64,
) -> Result<Layers, DecodeError> {
    out.clear();
    let limit = usize::try_from(cap << 20).unwrap_or(usize::MAX);
    let mut rest = stored;
    let mut members = 0;
    while is_gzip(rest) {
        members += 1;
        rest = member(rest, out, limit).map_err(|error| match error {
            MemberError::TooLarge => DecodeError::TooLarge { cap },
            MemberError::Damaged(what) => DecodeError::Gzip(what),
        })?;
    }
    Ok(Layers {
        members,
        behind: rest.len() as u64,
        padding: rest.iter().all(|byte| *byte == 0),
    })
}

enum MemberError {
    TooLarge,
    Damaged(&'static str),
}

/// Inflates one member to the end of `out`; answers what follows it.
fn member<'a>(stored: &'a [u8], out: &mut Vec<u8>, limit: usize) -> Result<&'a [u8], MemberError> {
    let mut stream = Decompress::new_gzip(15);
    reserve(out, size_hint(stored), limit);
    loop {
        let consumed = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let input = stored.get(consumed..).unwrap_or_default();
        let before = (stream.total_in(), stream.total_out());
        let status = stream
            .decompress_vec(input, out, FlushDecompress::Finish)
            .map_err(|_invalid| MemberError::Damaged("the bytes are not what its checksum says"))?;
        if out.len() > limit {
            return Err(MemberError::TooLarge);
        }
        if status == Status::StreamEnd {
            let consumed = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
            return Ok(stored.get(consumed..).unwrap_or_default());
        }
        if out.len() == out.capacity() {
            let more = out.len().max(64 << 10);
            reserve(out, more, limit);
        } else if before == (stream.total_in(), stream.total_out()) {
            return Err(MemberError::Damaged(
                "it ends before its end (cut while written or copied)",
            ));
        }
    }
}

/// Room for `more` bytes, but never for more than one byte over the limit.
fn reserve(out: &mut Vec<u8>, more: usize, limit: usize) {
    let room = (limit + 1).saturating_sub(out.len());
    out.reserve(more.min(room).max(1));
}

/// The inflated size that the last four bytes claim, held down to what deflate can reach, so that
/// a lie costs nothing.
fn size_hint(stored: &[u8]) -> usize {
    claimed(stored).unwrap_or(0).min(most_expected(stored)) + 64
}

/// The inflated size as the last four bytes have it (RFC 1952, section 2.3.1: ISIZE).
fn claimed(stored: &[u8]) -> Option<usize> {
    let size = stored.last_chunk()?;
    usize::try_from(u32::from_le_bytes(*size)).ok()
}

/// What deflate makes of text that repeats itself as logs do, and more.
const fn most_expected(stored: &[u8]) -> usize {
    stored.len().saturating_mul(40)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The quick way may be taken or not; what comes out is what the slow way says.
    fn both(stored: &[u8]) -> (bool, Result<(Layers, Vec<u8>), DecodeError>) {
        let mut slow = Vec::new();
        let expected = every_member(stored, &mut slow, 1).map(|layers| (layers, slow));
        let mut inflater = Inflater::default();
        let quick = inflater.one_sound_member(stored, 1).is_some();
        let got = inflater
            .inflate(stored, 1)
            .map(|layers| (layers, inflater.bytes().to_vec()));
        assert_eq!(got, expected);
        (quick, got)
    }

    #[test]
    fn a_sound_member_is_inflated_at_once_and_whatever_else_there_is_as_zlib_says() {
        let text = br#"{"Records":[{"eventName":"A"},{"eventName":"B"}]}"#.repeat(30);
        for level in [0, 1, 6, 9] {
            assert!(both(&gzip(&text, level)).0, "level {level}");
        }
        assert!(both(&gzip(b"", 6)).1.is_ok());
        let good = gzip(&text, 6);
        let mut seed = 7u64;
        for at in 0..good.len() {
            let mut bad = good.clone();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bad[at] ^= 1 << (seed >> 61);
            let _ = (both(&bad), both(&good[..at]));
        }
        assert!(
            both(&gzip(&vec![b' '; 2 << 20], 6)).1.is_err(),
            "over the cap"
        );
    }

    #[test]
    fn nothing_hides_behind_a_member_by_repeating_how_it_ends() {
        let good = gzip(b"{\"Records\":[]}", 6);
        let end = good[good.len() - 8..].to_vec();
        for behind in [end.clone(), [b"x".to_vec(), end].concat(), good.clone()] {
            let (quick, read) = both(&[good.clone(), behind.clone()].concat());
            let (layers, _) = read.unwrap();
            assert!(!quick);
            assert!(layers.members == 2 || layers.behind == behind.len() as u64);
        }
    }
}
