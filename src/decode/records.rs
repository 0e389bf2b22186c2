//! Records and their top-level values, found in one walk over the structural index.
//!
//! What the walk steps over it still holds to account: brackets must match in kind and number, and
//! every value must begin as a JSON value begins. Deeper grammar is checked where a rule reads.

mod members;
mod skip;

use serde::de::IgnoredAny;

use super::structure::Structure;
use super::{Content, DecodeError, Decoded, Visit, envelope};
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
    let mut known = false;
    while walk.more()? {
        known |= walk.document(decoded, visit)?;
    }
    if !known {
        decoded.content = Content::Foreign;
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
    structure: Structure,
}

/// A place in the structural index.
struct Walk<'a> {
    text: &'a str,
    positions: &'a [u32],
    /// What stands there.
    kinds: &'a [u8],
    /// Blocks that hold backslashes, from the first on that ends behind the record at hand's start.
    escapes: &'a [u32],
    compact: bool,
    /// The next structural byte to look at.
    next: usize,
    /// The offset behind the last one looked at.
    behind: usize,
    /// The closers that are due, innermost last.
    due: Vec<u8>,
    /// What is wrong with the record at hand, if anything.
    bad: Option<&'static str>,
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

    /// Reads one document; true where it was CloudTrail's.
    fn document(
        &mut self,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> Result<bool, DecodeError> {
        if self.begins()? == b'[' {
            return self.list(false, decoded, visit);
        }
        let mut event = Event::default();
        if !self.object(&mut event, Some((decoded, visit)))? {
            return Ok(self.deliver(&event, false, decoded, visit));
        }
        // what stands beside the records is no record that could be counted as bad
        let mut others = event.members();
        let sound =
            others.all(|(_, value)| serde_json::from_str::<IgnoredAny>(value.as_str()).is_ok());
        match self.bad.take() {
            None if sound => Ok(true),
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

    /// Reads the items of a list. In `Records` every object is a record, whatever it holds.
    fn list(
        &mut self,
        in_records: bool,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> Result<bool, DecodeError> {
        self.take()?;
        let mut known = in_records;
        let mut event = Event::default();
        let mut first = true;
        loop {
            match (self.rest_blank(self.ahead()), self.peek()) {
                (true, b'{') => {
                    event.clear();
                    self.object(&mut event, None)?;
                    known |= self.deliver(&event, in_records, decoded, visit);
                    self.ends("text behind a record")?;
                }
                (true, b']') if first => {}
                (true, b',' | b']') => return Err(self.damage("a comma too much")),
                (blank, byte) => {
                    if blank && byte == b'[' {
                        self.nested()?;
                        self.ends("text behind a list")?;
                    }
                    decoded.bad.push((decoded.records, "not an object"));
                    decoded.records += 1;
                }
            }
            first = false;
            match self.take()?.0 {
                b',' => {}
                b']' => return Ok(known),
                _ => return Err(self.damage("a comma or `]` is missing")),
            }
        }
    }

    /// An error where something stands between here and the next structural byte.
    fn ends(&self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest_blank(self.ahead()) {
            true => Ok(()),
            false => Err(self.damage(what)),
        }
    }

    /// Hands one object on, as a record or as an envelope of some; true where it was either.
    #[inline]
    fn deliver(
        &mut self,
        event: &Event<'a>,
        in_records: bool,
        decoded: &mut Decoded,
        visit: &mut Visit<'_>,
    ) -> bool {
        if let Some(why) = self.bad.take() {
            decoded.bad.push((decoded.records, why));
            decoded.records += 1;
            return true;
        }
        if in_records || event.looks_like_a_record() {
            visit(decoded.records, event);
            decoded.records += 1;
            return true;
        }
        envelope::open(event, decoded, visit)
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
                listed = self.list(true, decoded, *visit)?;
                self.ends("text behind the records")?;
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
                match quoted.string() {
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
