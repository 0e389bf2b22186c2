//! From an object's bytes to its records, one by one.
//!
//! In: bytes as they were stored, whatever their name says. Out: each record as an [`Event`]
//! borrowed from the inflated buffer, and a [`Decoded`] that accounts for all that was seen. Content
//! decides: gzip of one or several members or plain text; `{"Records":[…]}`, a bare array, one
//! event, JSON lines, LookupEvents rows, EventBridge and CloudWatch Logs envelopes.
//!
//! An object whose bytes or outer structure are damaged is refused whole, because nobody can say
//! what else is missing; a single bad record in a sound object is counted and stepped over.

mod envelope;
mod gunzip;
mod pieces;
mod records;
mod structure;
mod tokens;

use std::borrow::Cow;

use crate::event::Event;
use crate::sha256;

/// As many bytes of text as nearly all logs have; room is made for twice as many.
const USUAL_TEXT: usize = 8 << 20;

/// Receives each good record with its place in the object, from 0.
pub type Visit<'v> = dyn FnMut(u32, &Event<'_>) + 'v;

/// Takes the records of one object as they are read.
pub trait RecordSink {
    /// A good record with its place in the object, from 0.
    fn record(&mut self, record: u32, event: &Event<'_>);

    /// Forgets all records: the object is read again from its beginning.
    fn reset(&mut self);
}

/// What an object turned out to hold. Whatever holds a record is a log, whatever stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    #[default]
    Log,
    /// A CloudTrail digest file.
    Digest,
    /// No CloudTrail at all.
    Foreign,
}

/// The account of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub content: Content,
    /// Records seen, good and bad.
    pub records: u32,
    pub bad: BadRecords,
    /// Of the bad ones: what stands in a list of records and is none of CloudTrail's.
    pub strangers: u32,
    /// Documents, lines and items beside the records of a log that are no records and hold none.
    pub others: u32,
    /// Documents and items that are digests.
    pub(crate) digests: u32,
    /// A list of records was empty.
    pub(crate) empty_list: bool,
    /// Bytes that payloads in envelopes inflated to.
    pub(crate) unwrapped: u64,
    pub inflated: u64,
    /// Bytes behind the last gzip member that are neither gzip nor padding.
    pub trailing: u64,
    /// Places where bytes that are not UTF-8 were replaced by U+FFFD.
    pub repaired: u64,
}

/// The bad records of an object: how many there are, and of the first ones the places and what was
/// wrong with each. A small object can inflate to many millions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadRecords {
    count: usize,
    first: Vec<(u32, &'static str)>,
}

impl BadRecords {
    /// The most that are kept.
    const MOST_KEPT: usize = 1_000;

    pub(crate) fn push(&mut self, (place, why): (u32, &'static str)) {
        self.count += 1;
        if self.first.len() < Self::MOST_KEPT {
            self.first.push((place, why));
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// True where there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The places of the first ones, in file order, and what is wrong with each.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &'static str)> {
        self.first.iter().copied()
    }
}

impl Decoded {
    /// Decides what the object is, by all that was found in it.
    fn settle(&mut self) {
        if self.records > self.strangers || self.empty_list {
            self.content = Content::Log;
            self.others += self.digests;
            return;
        }
        self.content = match self.digests {
            0 => Content::Foreign,
            _ => Content::Digest,
        };
        // what is no log has no records, good or bad
        self.others += self.records;
        self.records = 0;
        self.strangers = 0;
        self.bad.clear();
    }
}

/// The object cannot be trusted at all. None of its records count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the file is empty")]
    Empty,
    #[error("gzip is damaged: {0}")]
    Gzip(&'static str),
    #[error("larger than {cap} MiB when inflated: raise --max-object-mib if it is a real log")]
    TooLarge { cap: u64 },
    #[error("JSON is damaged at byte {at}: {what}")]
    Json { at: usize, what: &'static str },
    #[error("`Records` is not a list")]
    NoRecords,
}

/// What those who verify an object want to know of it, whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// SHA-256 of the inflated bytes, the very ones that the records are read from.
    pub sha256: [u8; 32],
    /// What is not as CloudTrail stores objects: one gzip member and nothing behind it.
    pub fault: Option<&'static str>,
}

/// Buffers that one worker uses for object after object.
#[derive(Debug, Default)]
pub struct Decoder {
    inflater: gunzip::Inflater,
    sealing: bool,
    seal: Option<Seal>,
    scratch: records::Scratch,
    /// The most bytes an object may inflate to. AWS writes at most 50 MB.
    cap: u64,
}

impl Decoder {
    /// A decoder that refuses objects which inflate to more than `cap` MiB (at most 4,095).
    pub fn new(cap: u64) -> Self {
        Self {
            cap: cap.clamp(1, 4_095),
            ..Self::default()
        }
    }

    /// The same decoder, which hashes what it inflates ([`seal`](Self::seal)).
    pub fn sealing(self) -> Self {
        Self {
            sealing: true,
            ..self
        }
    }

    /// The seal of the last object; `None` if it could not be inflated.
    pub const fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// The inflated bytes of one object, whatever it holds.
    ///
    /// # Errors
    /// It is damaged or too large.
    pub fn open<'a>(&'a mut self, stored: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let plain = self.inflate(stored)?.is_none();
        Ok(if plain { stored } else { self.inflater.bytes() })
    }

    /// Inflates and seals; `None` if the object is not gzip.
    fn inflate(&mut self, stored: &[u8]) -> Result<Option<gunzip::Layers>, DecodeError> {
        self.seal = None;
        let layers = if gunzip::is_gzip(stored) {
            Some(self.inflater.inflate(stored, self.cap)?)
        } else if stored.len() as u64 > self.cap << 20 {
            return Err(DecodeError::TooLarge { cap: self.cap });
        } else {
            None
        };
        if self.sealing {
            let bytes = layers.map_or(stored, |_| self.inflater.bytes());
            self.seal = Some(Seal {
                sha256: sha256::of(bytes),
                fault: match layers {
                    None => Some("it is not gzip, as CloudTrail's objects are"),
                    Some(gunzip::Layers { members: 2.., .. }) => {
                        Some("bytes stand behind its first gzip member: CloudTrail writes one")
                    }
                    Some(gunzip::Layers { behind: 1.., .. }) => {
                        Some("bytes stand behind its gzip member: CloudTrail writes none")
                    }
                    Some(_) => None,
                },
            });
        }
        Ok(layers)
    }

    /// Reads one object. A large log is read in pieces, without holding all of it; where that turns out to
    /// be impossible the sink is reset and the object read as a whole.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode): what the sink holds must not be used.
    pub fn decode_to(
        &mut self,
        stored: &[u8],
        sink: &mut impl RecordSink,
    ) -> Result<Decoded, DecodeError> {
        let mut has_records = false;
        let in_pieces = self.decode_in_pieces(stored, &mut |record, event| {
            has_records = true;
            sink.record(record, event);
        });
        if let Some(decoded) = in_pieces {
            return Ok(decoded);
        }
        if has_records {
            sink.reset();
        }
        self.decode(stored, &mut |record, event| sink.record(record, event))
    }

    /// Reads a large log without holding all of it, as [`decode`](Self::decode) would. `None` if the
    /// object is not large, or not in every way as CloudTrail writes it: then what `visit` was called
    /// with does not count.
    fn decode_in_pieces(&mut self, stored: &[u8], visit: &mut Visit<'_>) -> Option<Decoded> {
        self.seal = None;
        let length = gunzip::length_of_one_member(stored, self.cap)?;
        if length <= USUAL_TEXT {
            return None;
        }
        let mut decoded = Decoded::default();
        let mut member = pieces::Member::new(stored, length, self.sealing);
        let room = self.inflater.room(USUAL_TEXT).get_mut(..pieces::PIECE)?;
        pieces::read(&mut member, room, &mut self.scratch, &mut decoded, visit)?;
        self.seal = member.sha256().map(|sha256| Seal {
            sha256,
            fault: None,
        });
        Some(decoded)
    }

    /// Reads one object. `visit` is called for each good record, in file order, before it is known
    /// whether the whole object is sound: on an error the caller must discard what it received.
    pub fn decode(&mut self, stored: &[u8], visit: &mut Visit<'_>) -> Result<Decoded, DecodeError> {
        let mut decoded = Decoded::default();
        let layers = self.inflate(stored)?;
        let bytes = layers.map_or(stored, |_| self.inflater.bytes());
        decoded.trailing = layers.map_or(0, |layers| match layers.padding {
            true => 0,
            false => layers.behind,
        });
        decoded.inflated = bytes.len() as u64;
        let text = utf8(bytes, &mut decoded.repaired);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        match text.trim_start().as_bytes().first() {
            None => Err(DecodeError::Empty),
            Some(b'{' | b'[') => {
                records::read(text, &mut self.scratch, &mut decoded, visit)?;
                Ok(decoded)
            }
            Some(_) => {
                decoded.content = Content::Foreign;
                Ok(decoded)
            }
        }
    }
}

/// The bytes as text. What is not UTF-8 costs its own characters, not the file.
fn utf8<'a>(bytes: &'a [u8], repaired: &mut u64) -> Cow<'a, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    *repaired = bytes
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty())
        .count() as u64;
    String::from_utf8_lossy(bytes)
}

/// At least so many slots. Where there are fewer they are made anew, twice as many: what nobody has
/// written to takes no memory, and to make them again and again would ask for their pages each time.
fn zeros<T: Default + Clone>(slots: &mut Vec<T>, count: usize) {
    if slots.len() < count {
        *slots = Vec::new();
        *slots = vec![T::default(); count.saturating_mul(2)];
    }
}

#[cfg(test)]
mod tests;
