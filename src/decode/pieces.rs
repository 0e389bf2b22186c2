//! Large logs, inflated and read piece by piece, so that the largest of all does not say how much
//! memory a run takes.
//!
//! It is the quick way through what CloudTrail writes, one gzip member and in it
//! `{"Records":[…]}`, and through nothing else. A piece ends between two records, and is read as the
//! list that its records are. Where a piece turned out to end elsewhere its brackets do not hold
//! together; then, and wherever anything is not as expected, nothing is said about the log:
//! what is wrong is found by reading it whole.

use flate2::{Decompress, FlushDecompress, Status};
use memchr::memmem;
use ring::digest::{Context, SHA256};

use super::{Content, Decoded, Visit, records};

/// Inflated bytes that are read at once: every event of at most 256 KB (CloudTrail quotas) ends in one.
pub(super) const PIECE: usize = 1 << 19;

/// What stands before the first record, before every other one, and behind the last.
const FRONT: &[u8] = b"{\"Records\":[";
const BETWEEN: &[u8] = b"},{\"eventVersion\":";
const BEHIND: &[u8] = b"]}";

/// Reads a log. Its pieces lie in `room` one after the other.
pub(super) fn read(
    member: &mut Member<'_>,
    room: &mut [u8],
    scratch: &mut records::Scratch,
    decoded: &mut Decoded,
    visit: &mut Visit<'_>,
) -> Option<()> {
    let mut filled = member.fill(room, 0)?;
    if !room.get(..filled)?.starts_with(FRONT) {
        return None;
    }
    let mut from = FRONT.len() - 1;
    loop {
        let text = room.get_mut(..filled)?;
        let to = match member.ended {
            true => text.strip_suffix(BEHIND)?.len(),
            false => memmem::rfind(text, BETWEEN)? + 1,
        };
        *text.get_mut(from)? = b'[';
        *text.get_mut(to)? = b']';
        let piece = simdutf8::basic::from_utf8(text.get(from..=to)?).ok()?;
        records::items(piece, scratch, decoded, visit).ok()?;
        if member.ended {
            break;
        }
        // the comma before the next record, which has become a bracket
        text.copy_within(to.., 0);
        from = 0;
        filled = member.fill(room, filled - to)?;
    }
    decoded.inflated = member.inflated() as u64;
    decoded.settle();
    if decoded.content != Content::Log {
        return None;
    }
    (member.inflated() == member.length && member.consumed() == member.stored.len()).then_some(())
}

/// A gzip member on its way.
pub(super) struct Member<'s> {
    stored: &'s [u8],
    /// What it says of its inflated length.
    length: usize,
    stream: Decompress,
    hash: Option<Context>,
    /// It ended, and its checksum was right.
    ended: bool,
}

impl<'s> Member<'s> {
    /// A member which is hashed as it is inflated, where that is asked for.
    pub(super) fn new(stored: &'s [u8], length: usize, sealing: bool) -> Self {
        Self {
            stored,
            length,
            stream: Decompress::new_gzip(15),
            hash: sealing.then(|| Context::new(&SHA256)),
            ended: false,
        }
    }

    /// The SHA-256 of what was inflated.
    pub(super) fn sha256(self) -> Option<[u8; 32]> {
        let hash = self.hash?.finish();
        hash.as_ref().try_into().ok()
    }

    /// Inflates to the end of the room, or of the member; answers how much of the room is filled then.
    fn fill(&mut self, room: &mut [u8], mut filled: usize) -> Option<usize> {
        while !self.ended && filled < room.len() {
            let (consumed, inflated) = (self.consumed(), self.inflated());
            let (input, output) = (self.stored.get(consumed..)?, room.get_mut(filled..)?);
            let status = self.stream.decompress(input, output, FlushDecompress::None);
            let new = self.inflated() - inflated;
            self.ended = status.ok()? == Status::StreamEnd;
            let stands = new == 0 && self.consumed() == consumed;
            if (!self.ended && stands) || self.inflated() > self.length {
                return None;
            }
            if let Some(hash) = &mut self.hash {
                hash.update(room.get(filled..filled + new)?);
            }
            filled += new;
        }
        Some(filled)
    }

    fn consumed(&self) -> usize {
        usize::try_from(self.stream.total_in()).unwrap_or(usize::MAX)
    }

    fn inflated(&self) -> usize {
        usize::try_from(self.stream.total_out()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::gzip;
    use super::*;
    use crate::decode::{Decoder, RecordSink, Seal, USUAL_TEXT, gunzip};
    use crate::event::{Event, Key};

    /// Records of many sizes, some with what looks like the end of a record.
    fn log(records: usize) -> String {
        let record = |n: usize| {
            let hash = |at: usize| (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
            let filler = (0..n * 7 % 90).map(|at| format!("é\\\"}},{{{:x}", hash(90 * n + at)));
            let filler: String = filler.collect();
            let nested = match n % 5 {
                0 => r#"[{"a":"},{"},{"eventVersion":"1.0"}]"#,
                1 => r#""},{\"eventVersion\":\"1.0\"""#,
                _ => "null",
            };
            let bad = if n % 11 == 3 { r#""x":tru,"# } else { "" };
            format!(
                r#"{{"eventVersion":"1.08","eventName":"E{n}",{bad}"requestParameters":{{"key":"{filler}"}},"responseElements":{nested}}}"#
            )
        };
        let records: Vec<_> = (0..records).map(record).collect();
        format!(r#"{{"Records":[{}]}}"#, records.join(","))
    }

    type Read = (Vec<(u32, String)>, Decoded, Option<Seal>);

    fn in_words(event: &Event<'_>) -> String {
        let parameters = event.raw(Key::RequestParameters);
        event.text(Key::EventName).into_owned() + parameters.as_str()
    }

    /// What the log says, piece by piece; `None` if it is to be read whole.
    fn in_pieces(stored: &[u8], piece: usize) -> Option<Read> {
        let (mut all, mut decoded) = (Vec::new(), Decoded::default());
        let length = gunzip::length_of_one_member(stored, 1)?;
        let mut member = Member::new(stored, length, true);
        let scratch = &mut records::Scratch::default();
        let visit = &mut |at, event: &Event<'_>| all.push((at, in_words(event)));
        let room = &mut vec![0; piece];
        read(&mut member, room, scratch, &mut decoded, visit)?;
        let seal = member.sha256().map(|sha256| Seal {
            sha256,
            fault: None,
        });
        Some((all, decoded, seal))
    }

    /// The slow twin.
    fn whole(stored: &[u8]) -> Option<Read> {
        let mut all = Vec::new();
        let mut decoder = Decoder::new(1).sealing();
        let visit = &mut |at, event: &Event<'_>| all.push((at, in_words(event)));
        let decoded = decoder.decode(stored, visit).ok()?;
        Some((all, decoded, decoder.seal().cloned()))
    }

    #[test]
    fn a_log_says_the_same_in_pieces_of_any_size() {
        let mut read = 0;
        for records in [0, 1, 2, 60] {
            let stored = gzip(log(records).as_bytes());
            let whole = whole(&stored).unwrap();
            for piece in (900..3_000).step_by(41).chain([1 << 16]) {
                // a piece may end where a record only seems to
                let Some(pieces) = in_pieces(&stored, piece) else {
                    continue;
                };
                assert_eq!(pieces, whole, "{records} records, {piece} bytes");
                read += 1;
            }
            assert_eq!(in_pieces(&stored, 1 << 16), Some(whole));
        }
        assert!(read > 120, "{read} were read in pieces");
    }

    #[test]
    fn what_is_read_in_pieces_after_an_accident_says_the_same_as_read_whole() {
        let text = log(25).into_bytes();
        let mut random = 7u64;
        let mut dice = |below: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(random >> 33).unwrap() % below
        };
        let (mut read, mut left) = (0, 0);
        for round in 0..1_200 {
            let mut text = text.clone();
            let at = dice(text.len());
            match round % 4 {
                0 => text[at] = b"{}[],:\"\\x\n"[dice(10)],
                1 => text.truncate(at),
                2 => text.insert(at, b"{}[],:\" "[dice(8)]),
                _ => {
                    let from = dice(text.len());
                    text.drain(from.min(at)..from.max(at).min(from.min(at) + 400));
                }
            }
            let mut stored = gzip(&text);
            match round % 16 {
                0 => stored.extend(gzip(b"{}")),
                5 => stored.extend(b"behind"),
                10 => stored.truncate(stored.len() - 1 - dice(30)),
                15 => {
                    let at = dice(stored.len());
                    stored[at] ^= 1 << dice(8);
                }
                _ => {}
            }
            match in_pieces(&stored, 1_200 + dice(2_000)) {
                Some(pieces) => {
                    read += 1;
                    let text = String::from_utf8_lossy(&text);
                    assert_eq!(Some(pieces), whole(&stored), "round {round}: {text}");
                }
                None => left += 1,
            }
        }
        assert!(read > 60 && left > 200, "{read} read, {left} left");
    }

    #[test]
    fn only_large_logs_are_read_in_pieces_and_the_last_byte_decides_for_all() {
        let mut random = 7u64;
        let mut record = || {
            let mut name = String::new();
            for _ in 0..120 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                name += &format!("{:08x}", random >> 32);
            }
            format!(r#"{{"eventVersion":"1.08","eventName":"{name}"}}"#)
        };
        let records: Vec<_> = std::iter::repeat_with(&mut record).take(200).collect();
        let log = |size: usize, end: &str| {
            let repeated = records.iter().map(String::as_str).cycle();
            let records: Vec<_> = repeated.take(size / records[0].len() + 1).collect();
            gzip(format!(r#"{{"Records":[{}]{end}"#, records.join(",")).as_bytes())
        };
        let large = USUAL_TEXT;
        let mut decoder = Decoder::new(64).sealing();
        let mut visited = 0;
        let mut read = |stored: &[u8]| {
            let decoded = decoder.decode_in_pieces(stored, &mut |_, _| visited += 1);
            (
                decoded,
                decoder.seal().cloned(),
                std::mem::take(&mut visited),
            )
        };
        assert_eq!(read(&log(large - 10_000, "}")), (None, None, 0));
        let stored = log(large, "}");
        let (decoded, seal, visited) = read(&stored);
        let whole = Decoder::new(64)
            .sealing()
            .decode(&stored, &mut |_, _| {})
            .unwrap();
        assert_eq!(visited, whole.records);
        assert_eq!(decoded, Some(whole));
        assert!(seal.is_some_and(|seal| seal.fault.is_none()));
        let damaged = log(large, "");
        let (decoded, seal, visited) = read(&damaged);
        assert_eq!((decoded, seal), (None, None));
        assert!(visited > 1_000, "they are to be forgotten");
        // a sound log that ends otherwise can only be read whole: then all its records count once
        let whole_only = log(large, r#","x":1}"#);
        for (stored, resets) in [(&stored, 0), (&damaged, 1), (&whole_only, 1)] {
            let mut sink = Sink::default();
            let decoded = Decoder::new(64).decode_to(stored, &mut sink);
            let whole = Decoder::new(64).decode(stored, &mut |_, _| {});
            assert_eq!(decoded, whole);
            assert_eq!(sink.resets, resets);
            if let Ok(decoded) = decoded {
                assert_eq!(sink.records, decoded.records);
            }
        }
    }

    /// Counts records, and how often it was reset.
    #[derive(Default)]
    struct Sink {
        records: u32,
        resets: u32,
    }

    impl RecordSink for Sink {
        fn record(&mut self, record: u32, _event: &Event<'_>) {
            assert_eq!(record, self.records);
            self.records += 1;
        }

        fn reset(&mut self) {
            self.records = 0;
            self.resets += 1;
        }
    }
}
