//! The inside of objects and lists: by their marks where they have them, else byte by byte.

use memchr::memchr2;

use super::Raw;

/// The inside of one object or list, by its marks where it has them.
#[derive(Debug, Clone)]
pub(super) enum Inside<'a> {
    Marked(Steps<'a>),
    ObjectScan(Cursor<'a>),
}

impl<'a> Inside<'a> {
    pub(super) fn of(raw: Raw<'a>, open: u8) -> Self {
        match (raw.text.as_bytes().first(), raw.marks.split_first()) {
            (Some(first), Some((base, marks))) if *first == open => Self::Marked(Steps {
                text: raw.text,
                base: *base,
                marks,
                at: 1,
            }),
            _ => Self::ObjectScan(Cursor::inside(raw.text, char::from(open))),
        }
    }

    /// A member: its key as it stands there, and its value.
    #[inline(always)]
    pub(super) fn member(&mut self) -> Option<(Raw<'a>, Raw<'a>)> {
        match self {
            Self::Marked(steps) => steps.member(),
            Self::ObjectScan(_) => Some((self.key()?, self.value()?)),
        }
    }

    /// A member's key and its colon.
    #[inline]
    pub(super) fn key(&mut self) -> Option<Raw<'a>> {
        match self {
            Self::Marked(steps) => steps.key(),
            Self::ObjectScan(cursor) => {
                let key = cursor.value()?;
                cursor.eat(b':').map(|()| key)
            }
        }
    }

    /// A value and the comma behind it.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Raw<'a>> {
        match self {
            Self::Marked(steps) => steps.value(),
            Self::ObjectScan(cursor) => {
                let value = cursor.value()?;
                cursor.comma();
                Some(value)
            }
        }
    }
}

/// A place among the marks of one object or list.
#[derive(Debug, Clone)]
pub(super) struct Steps<'a> {
    text: &'a str,
    base: u32,
    /// The marks from here on.
    marks: &'a [u32],
    /// The offset in the text behind the last one.
    at: usize,
}

impl<'a> Steps<'a> {
    #[inline(always)]
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The next mark, as an offset in the text, and those behind it.
    #[inline]
    fn next(&self) -> Option<(usize, &'a [u32])> {
        let (mark, rest) = self.marks.split_first()?;
        Some(((mark - self.base) as usize, rest))
    }

    #[inline(always)]
    fn member(&mut self) -> Option<(Raw<'a>, Raw<'a>)> {
        let &[colon, ahead] = self.marks.first_chunk()?;
        let (colon, to) = ((colon - self.base) as usize, (ahead - self.base) as usize);
        if self.byte(colon)? != b':' {
            return None;
        }
        let key = Raw::new(self.text.get(self.at..colon)?);
        if !matches!(self.byte(to)?, b',' | b'}') {
            self.marks = self.marks.get(1..)?;
            self.at = colon + 1;
            return Some((key, self.value()?));
        }
        let value = Raw::new(self.text.get(colon + 1..to)?);
        self.marks = self.marks.get(2..)?;
        self.at = to + 1;
        (!value.text.is_empty()).then_some((key, value))
    }

    #[inline]
    fn key(&mut self) -> Option<Raw<'a>> {
        let (colon, rest) = self.next()?;
        if self.byte(colon)? != b':' {
            return None;
        }
        let key = Raw::new(self.text.get(self.at..colon)?);
        self.marks = rest;
        self.at = colon + 1;
        Some(key)
    }

    #[inline]
    fn value(&mut self) -> Option<Raw<'a>> {
        let from = self.at;
        let (mut to, mut rest) = self.next()?;
        let mut byte = self.byte(to)?;
        let mut marks: &[u32] = &[];
        if matches!(byte, b'{' | b'[') {
            let all = self.marks;
            let mut depth = 0usize;
            let closing = all.iter().position(|mark| {
                match self.byte((mark - self.base) as usize) {
                    Some(b'{' | b'[') => depth += 1,
                    Some(b'}' | b']') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            })?;
            (marks, self.marks) = all.split_at_checked(closing + 1)?;
            (to, rest) = self.next()?;
            byte = self.byte(to)?;
        }
        if !matches!(byte, b',' | b'}' | b']') {
            return None;
        }
        self.marks = rest;
        self.at = to + 1;
        let value = Raw::marked(self.text.get(from..to)?, marks);
        (!value.text.is_empty()).then_some(value)
    }
}

/// A place in the inside of one object or array.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn inside(text: &'a str, open: char) -> Self {
        let close = if open == '{' { '}' } else { ']' };
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .unwrap_or("");
        Self { text: inner, at: 0 }
    }

    pub(super) fn skip(&mut self, what: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| what(*b)) {
            self.at += 1;
        }
    }

    pub(super) fn blanks(&mut self) {
        self.skip(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
    }

    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.text.as_bytes().get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    pub(super) fn comma(&mut self) {
        if self.eat(b',').is_none() {
            self.blanks();
            if self.at < self.text.len() {
                // no comma where one must be: what follows cannot be distinguished, so it is not read
                self.at = self.text.len();
            }
        }
    }

    pub(super) fn value(&mut self) -> Option<Raw<'a>> {
        self.blanks();
        let from = self.at;
        let bytes = self.text.as_bytes();
        match bytes.get(from)? {
            b'"' => self.at = end_of_string(bytes, from)?,
            b'{' | b'[' => self.at = end_of_nested(bytes, from)?,
            _ => {
                let rest = bytes.get(from..)?;
                let length = rest
                    .iter()
                    .position(|b| matches!(b, b',' | b':' | b' ' | b'\t' | b'\r' | b'\n'))
                    .unwrap_or(rest.len());
                self.at += length;
            }
        }
        (self.at > from).then(|| Raw::new(self.text.get(from..self.at).unwrap_or("")))
    }
}

/// The offset behind the closing quote of the string that opens at `from`.
pub(super) fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        let hit = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(hit) == Some(&b'"') {
            return Some(hit + 1);
        }
        at = hit + 2;
    }
}

/// The offset behind the bracket that closes the one at `from`; strings are stepped over.
fn end_of_nested(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}
