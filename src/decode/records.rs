//! Records and their top-level values, found in one walk over the structural index.
//!
//! A record is good only if serde_json would read it: all of its JSON is checked, in a compact text by
//! the index and the walk, in any other by serde_json itself, which also decides where the walk is not
//! sure. More is allowed than serde_json allows in three ways: bytes that are not UTF-8 were replaced
//! before, lone surrogates become U+FFFD, and nesting and numbers know no limit.

mod members;
mod skip;

use serde::de::IgnoredAny;

use super::envelope::{self, Opened};
use super::structure::StructuralIndex;
use super::{DecodeError, Decoded, Visit};
use crate::event::Event;
use crate::event::json::Raw;

/// Reads a text that begins with `{` or `[`: one document, or several one after another (JSON
/// lines). Where the text as a whole is damaged but its first line is whole, it is read line by
/// line, so that one bad line costs one record.
pub(super) fn read(
    text: &str,
    scratch: &mut Scratch,
    decoded: &mut Decoded,
    visit: &mut Visit<'_>,
) -> Result<(), DecodeError> {
    read_all(text, scratch, decoded, visit)?;
    decoded.settle();
    Ok(())
}

fn read_all(
    text: &str,
    scratch: &mut Scratch,
    decoded: &mut Decoded,
    visit: &mut Visit<'_>,
) -> Result<(), DecodeError> {
    let mut indexed = index(text, scratch);
    if scratch.structure.newlines
        && let Some(first) = first_of_lines(text)
        && (indexed.is_err() || Walk::new(text, scratch).skip_documents().is_err())
    {
        if walks(first, scratch) {
            lines(text, scratch, decoded, visit);
            return Ok(());
        }
        indexed = index(text, scratch);
    }
    indexed?;
    documents(text, scratch, decoded, visit)
}

/// Reads damaged JSON lines.
fn lines(text: &str, scratch: &mut Scratch, decoded: &mut Decoded, visit: &mut Visit<'_>) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        // nothing is taken from a line that does not hold together
        if !walks(line, scratch) || documents(line, scratch, decoded, visit).is_err() {
            decoded.bad.push((decoded.records, "the line is not JSON"));
            decoded.records += 1;
        }
    }
}

/// The first of several lines.
fn first_of_lines(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let (first, rest) = text.split_at(memchr::memchr(b'\n', text.as_bytes())?);
    let mut rest = rest.get(1..).unwrap_or_default().lines();
    rest.any(|line| line.starts_with('{')).then_some(first)
}

/// True where the brackets of a text hold together and nothing but white space stands between its
/// documents. Its index is then that of `scratch`.
fn walks(text: &str, scratch: &mut Scratch) -> bool {
    index(text, scratch).is_ok() && Walk::new(text, scratch).skip_documents().is_ok()
}

fn index(text: &str, scratch: &mut Scratch) -> Result<(), DecodeError> {
    let read = scratch.structure.read(text.as_bytes());
    read.map_err(|what| DecodeError::Json {
        at: text.len(),
        what,
    })
}

/// Reads a text whose index is that of `scratch`.
fn documents(
    text: &str,
    scratch: &Scratch,
    decoded: &mut Decoded,
    visit: &mut Visit<'_>,
) -> Result<(), DecodeError> {
    let mut walk = Walk::new(text, scratch);
    while walk.more()? {
        walk.document(decoded, visit)?;
    }
    Ok(())
}

/// Reads a list of records, its brackets included.
pub(super) fn items(
    text: &str,
    scratch: &mut Scratch,
    decoded: &mut Decoded,
    visit: &mut Visit<'_>,
) -> Result<(), DecodeError> {
    index(text, scratch)?;
    let mut walk = Walk::new(text, scratch);
    walk.list(true, decoded, visit)?;
    match walk.more()? {
        true => Err(walk.damage("the list ends before its end")),
        false => Ok(()),
    }
}

/// What walks of one worker use again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    structure: StructuralIndex,
}

/// A place in the structural index.
struct Walk<'a> {
    text: &'a str,
    positions: &'a [u32],
    /// What stands there.
    kinds: &'a [u8],
    /// Blocks that hold backslashes, from the first on that ends behind the record at hand's start.
    escapes: &'a [(u32, u64)],
    compact: bool,
    /// The next structural byte to look at.
    next: usize,
    /// The offset behind the last one looked at.
    behind: usize,
    /// The closers that are due, innermost last.
    due: Vec<u8>,
    /// What is wrong with the record at hand, if anything.
    bad: Option<&'static str>,
    /// The record at hand was not checked in full.
    unsure: bool,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, scratch: &'a Scratch) -> Self {
        Self {
            text,
            positions: scratch.structure.positions(),
            kinds: scratch.structure.kinds(),
            escapes: scratch.structure.escapes(),
            compact: scratch.structure.compact,
            next: 0,
            behind: 0,
            due: Vec::new(),
            bad: None,
            unsure: false,
        }
    }

    /// True where another document follows; an error where something else does.
    fn more(&self) -> Result<bool, DecodeError> {
        match self.rest_blank(self.text.len()) {
            true => Ok(false),
            false if self.next < self.positions.len() => Ok(true),
            false => Err(self.damage("text behind the end")),
        }
    }

    fn damage(&self, what: &'static str) -> DecodeError {
        DecodeError::Json {
            at: self.behind,
            what,
        }
    }

    /// The next structural byte and its offset.
    fn take(&mut self) -> Result<(u8, usize), DecodeError> {
        let at = self
            .positions
            .get(self.next)
            .ok_or_else(|| self.damage("it ends too early"))?;
        let at = *at as usize;
        let byte = self.peek();
        self.next += 1;
        self.behind = at + 1;
        Ok((byte, at))
    }

    /// The next structural byte; zero where there is none.
    fn peek(&self) -> u8 {
        self.kinds.get(self.next).copied().unwrap_or(0)
    }

    /// The offset of the next structural byte.
    fn ahead(&self) -> usize {
        self.positions
            .get(self.next)
            .map_or(self.text.len(), |at| *at as usize)
    }

    /// True where nothing but white space stands between here and `to`.
    fn rest_blank(&self, to: usize) -> bool {
        let between = self
            .text
            .as_bytes()
            .get(self.behind..to)
            .unwrap_or_default();
        between
            .iter()
            .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
    }

    /// Steps over whole documents only to see whether they hold together.
    fn skip_documents(&mut self) -> Result<(), DecodeError> {
        while self.more()? {
            self.begins()?;
            self.nested()?;
        }
        Ok(())
    }

    /// Reads one document.
    fn document(
        &mut self,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> Result<(), DecodeError> {
        if self.begins()? == b'[' {
            return self.list(false, decoded, visit);
        }
        let mut event = Event::default();
        let from = self.ahead();
        if !self.object(&mut event, Some((decoded, visit)))? {
            self.check(from);
            self.deliver(&event, false, decoded, visit);
            return Ok(());
        }
        // what stands beside the records is no record that could be counted as bad
        let mut others = event.members();
        let sound =
            others.all(|(_, value)| serde_json::from_str::<IgnoredAny>(value.as_str()).is_ok());
        match self.bad.take() {
            None if sound => {
                envelope::beside(&event, decoded, visit);
                Ok(())
            }
            why => Err(self.damage(why.unwrap_or("damage beside the records"))),
        }
    }

    /// The bracket that opens the next document.
    fn begins(&self) -> Result<u8, DecodeError> {
        match self.peek() {
            _ if !self.rest_blank(self.ahead()) => Err(self.damage("text between documents")),
            bracket @ (b'{' | b'[') => Ok(bracket),
            _ => Err(self.damage("no object or list begins here")),
        }
    }

    /// Reads the items of a list. In `Records` every item counts as a record, and as a bad one where it
    /// is none.
    fn list(
        &mut self,
        in_records: bool,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> Result<(), DecodeError> {
        self.take()?;
        let mut event = Event::default();
        let mut first = true;
        loop {
            match (self.rest_blank(self.ahead()), self.peek()) {
                (true, b'{') => {
                    event.clear();
                    let from = self.ahead();
                    self.object(&mut event, None)?;
                    self.check(from);
                    self.deliver(&event, in_records, decoded, visit);
                    self.ends("text behind a record")?;
                }
                (true, b']') if first => decoded.empty_list |= in_records,
                (true, b',' | b']') => return Err(self.damage("a comma too much")),
                (blank, byte) => {
                    if blank && byte == b'[' {
                        self.nested()?;
                        self.ends("text behind a list")?;
                    }
                    decoded.bad.push((decoded.records, "not an object"));
                    decoded.records += 1;
                    decoded.strangers += u32::from(!in_records);
                }
            }
            first = false;
            match self.take()?.0 {
                b',' => {}
                b']' => return Ok(()),
                _ => return Err(self.damage("a comma or `]` is missing")),
            }
        }
    }

    /// Checks all of the object that began at `from` and was read just now, if the walk was not sure.
    #[inline]
    fn check(&mut self, from: usize) {
        if self.compact && !self.unsure {
            return;
        }
        self.unsure = false;
        let text = self.text.get(from..self.behind).unwrap_or_default();
        // it does not recurse when it ignores what it reads
        if self.bad.is_none() && serde_json::from_str::<IgnoredAny>(text).is_err() {
            self.bad = Some("its JSON is damaged");
        }
    }

    /// An error where something stands between here and the next structural byte.
    fn ends(&self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest_blank(self.ahead()) {
            true => Ok(()),
            false => Err(self.damage(what)),
        }
    }

    /// Hands one object on, as a record or as an envelope of some, and counts it.
    #[inline]
    fn deliver(
        &mut self,
        event: &Event<'a>,
        in_records: bool,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) {
        if let Some(why) = self.bad.take() {
            decoded.bad.push((decoded.records, why));
            decoded.records += 1;
        } else if event.looks_like_a_record() || (in_records && event.may_be_a_record()) {
            visit(decoded.records, event);
            decoded.records += 1;
        } else {
            other(event, in_records, decoded, visit);
        }
    }

    /// Reads an object's members into `event`. Given somewhere to put them, a member `Records` is
    /// read as the list of records; the answer tells whether there was one.
    fn object(
        &mut self,
        event: &mut Event<'a>,
        mut records: Option<(&mut Decoded, &mut Visit<'_>)>,
    ) -> Result<bool, DecodeError> {
        let mut listed = false;
        let start = self.take()?.1;
        if self.peek() == b'}' && self.rest_blank(self.ahead()) {
            self.take()?;
            event.note_whole(self.text.get(start..self.behind).unwrap_or_default());
            event.finish();
            return Ok(false);
        }
        loop {
            if records.is_none() && self.plain_members(event) {
                event.note_plain(self.is_plain(start));
                event.note_whole(self.text.get(start..self.behind).unwrap_or_default());
                event.finish();
                return Ok(false);
            }
            let from = self.behind;
            let (byte, colon) = self.take()?;
            if byte != b':' {
                self.bad = Some("a member has no colon");
                self.close_object(byte)?;
                return Ok(listed);
            }
            let quoted = Raw::new(self.text.get(from..colon).unwrap_or_default());
            let opens = matches!(self.peek(), b'{' | b'[') && self.rest_blank(self.ahead());
            if let Some((decoded, visit)) = &mut records
                && quoted.is_text("Records")
            {
                if self.peek() != b'[' || !opens {
                    return Err(DecodeError::NoRecords);
                }
                self.records(decoded, *visit)?;
                listed = true;
            } else {
                let first = self.next;
                if opens {
                    self.nested()?;
                    if !self.rest_blank(self.ahead()) {
                        self.bad = Some("text behind a value");
                    }
                }
                let to = self.ahead();
                let text = self.text.get(colon + 1..to).unwrap_or_default();
                let marks = self.positions.get(first..self.next).unwrap_or_default();
                let value = Raw::marked(text, marks);
                if !opens && !is_scalar(value.as_str()) {
                    self.bad = Some("a value is not JSON");
                }
                match self.name(quoted, records.is_some()) {
                    Some(name) => event.note(name, value),
                    None => self.bad = Some("a key is not a string"),
                }
            }
            match self.take()?.0 {
                b',' => {}
                b'}' => {
                    event.note_whole(self.text.get(start..self.behind).unwrap_or_default());
                    event.finish();
                    return Ok(listed);
                }
                byte => {
                    self.bad = Some("a comma or `}` is missing");
                    self.close_object(byte)?;
                    return Ok(listed);
                }
            }
        }
    }
}

/// Opens an object that is no record, and counts what it is. Rare.
#[cold]
fn other(event: &Event<'_>, in_records: bool, decoded: &mut Decoded, visit: &mut Visit<'_>) {
    match envelope::open(event, decoded, visit) {
        Opened::Records => {}
        Opened::Digest if !in_records => decoded.digests += 1,
        Opened::Nothing if !in_records => decoded.others += 1,
        what => {
            let why = match what {
                Opened::Digest => "it is a digest, not a record",
                _ => "it is not a CloudTrail record",
            };
            decoded.bad.push((decoded.records, why));
            decoded.records += 1;
            decoded.strangers += 1;
        }
    }
}

/// True for a string, number, true, false or null (RFC 8259, section 3).
#[inline]
fn is_scalar(text: &str) -> bool {
    match text.as_bytes() {
        [b'"', .., b'"'] => true,
        [b'-' | b'0'..=b'9', rest @ ..] => rest
            .iter()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')),
        _ => matches!(text, "true" | "false" | "null"),
    }
}
