//! gzip, inflated once into a buffer that is used again: all members, checked and capped.
//!
//! The only place that inflates (RFC 1952).

use flate2::{Decompress, FlushDecompress, Status};

use super::DecodeError;

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

/// Inflates every member into `out`. `cap` is in MiB.
pub(super) fn inflate(stored: &[u8], out: &mut Vec<u8>, cap: u64) -> Result<Layers, DecodeError> {
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
    let claimed = stored
        .last_chunk::<4>()
        .map_or(0, |size| u32::from_le_bytes(*size) as usize);
    claimed.min(stored.len().saturating_mul(40)) + 64
}
