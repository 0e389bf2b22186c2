//! Text patterns with Sigma's wildcards: `*` is any run of characters, `?` is one.
//!
//! Without case by default (Sigma specification 2.1, "General"), over line breaks, and without
//! allocating as long as pattern and text are ASCII.

use std::borrow::Cow;

use memchr::memmem;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    parts: Vec<Part>,
    cased: bool,
    ascii: bool,
    /// How many bytes a text that matches has, worked out once: it is asked for every text.
    shortest: usize,
    longest: Option<usize>,
    /// The bytes of the longest text in it.
    longest_piece: usize,
}

/// From this many bytes on, a text of a pattern is searched for by an algorithm whose time does not
/// grow with it. That needs the text in lower case, and so a copy, which shorter ones do not pay for.
const LONG_PIECE: usize = 64;

/// How many times shorter folding makes a text at most: the sign of the kelvin becomes a `k`.
const MOST_FOLDED: usize = 3;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// `?`
    One,
    /// `*`
    Many,
}

impl Wildcard {
    /// Compiles pieces; neighbouring texts and stars are joined.
    pub fn new(pieces: impl IntoIterator<Item = Part>, cased: bool) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for piece in pieces {
            match (parts.last_mut(), piece) {
                (Some(Part::Many), Part::Many) => {}
                (_, Part::Text(text)) if text.is_empty() => {}
                (Some(Part::Text(last)), Part::Text(text)) => last.push_str(&text),
                (_, piece) => parts.push(piece),
            }
        }
        let ascii = |part: &Part| !matches!(part, Part::Text(text) if !text.is_ascii());
        let ascii = parts.iter().all(ascii);
        if !cased {
            for part in &mut parts {
                if let Part::Text(text) = part {
                    *text = text.to_lowercase();
                }
            }
        }
        let least = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::One => 1,
            Part::Many => 0,
        };
        // folding may make a text longer where it is not ASCII, so that nothing is known then
        let (shortest, longest) = match parts.as_slice() {
            [Part::Text(text)] if ascii => (text.len(), Some(text.len())),
            parts if ascii => (parts.iter().map(least).sum(), None),
            _ => (0, None),
        };
        let longest_piece = parts.iter().map(least).max().unwrap_or_default();
        Self {
            longest_piece,
            parts,
            cased,
            ascii,
            shortest,
            longest,
        }
    }

    /// Reads a pattern as it stands in a configuration: `*` and `?`, no escapes, without case.
    pub fn parse(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        for c in pattern.chars() {
            match c {
                '*' => pieces.push(Part::Many),
                '?' => pieces.push(Part::One),
                c => pieces.push(Part::Text(c.to_string())),
            }
        }
        Self::new(pieces, false)
    }

    /// A pattern that is this text and nothing else, without case.
    pub fn exactly(text: &str) -> Self {
        Self::new([Part::Text(text.to_owned())], false)
    }

    /// The one text it matches, in lower case, where it has no wildcard and ignores case.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] if !self.cased => Some(text),
            _ => None,
        }
    }

    /// The bytes of a pattern that has wildcards, and how many of them are `?`; zeros if it has none.
    pub fn size(&self) -> (usize, usize) {
        let bytes = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::One | Part::Many => 1,
        };
        let ones = self.parts.iter().filter(|part| **part == Part::One);
        match self.parts.as_slice() {
            [] | [Part::Text(_)] => (0, 0),
            parts => (parts.iter().map(bytes).sum(), ones.count()),
        }
    }

    /// What every text it matches begins with, in lower case where it ignores case.
    pub fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// No text of fewer bytes matches.
    pub const fn shortest(&self) -> usize {
        self.shortest
    }

    /// No text of more bytes matches; `None` if there is no such bound.
    pub const fn longest(&self) -> Option<usize> {
        self.longest
    }

    /// True for a lone `*`.
    pub fn is_anything(&self) -> bool {
        self.parts.as_slice() == [Part::Many]
    }

    /// True where texts have to be searched for it: it is neither a text, nor how one begins or ends.
    pub fn is_searched_for(&self) -> bool {
        !matches!(
            self.parts.as_slice(),
            [] | [_] | [Part::Text(_), Part::Many] | [Part::Many, Part::Text(_)]
        )
    }

    /// False where no text in this JSON can match, because it lacks the longest text of the pattern.
    pub fn may_match_within(&self, json: &str) -> bool {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::One | Part::Many => None,
        });
        let Some(longest) = texts.max_by_key(|text| text.len()) else {
            return true;
        };
        if longest.len() >= LONG_PIECE {
            return true;
        }
        // escapes and folding are left to whoever reads the texts
        if !self.ascii || !json.is_ascii() || memchr::memchr(b'\\', json.as_bytes()).is_some() {
            return true;
        }
        let mut rest = json.as_bytes();
        while let Some(skipped) = beginning(longest, rest) {
            let Some(window) = rest.get(skipped..skipped + longest.len()) else {
                return false;
            };
            if window.eq_ignore_ascii_case(longest.as_bytes()) {
                return true;
            }
            rest = rest.get(skipped + 1..).unwrap_or_default();
        }
        false
    }

    /// True where the whole text fits the pattern.
    pub fn matches(&self, text: &str) -> bool {
        if let [Part::Text(wanted)] = self.parts.as_slice()
            && self.ascii
            && (text.len() <= wanted.len()
                || text.len() > MOST_FOLDED * wanted.len()
                || text.is_ascii())
        {
            // most patterns have no wildcard, and most texts another length; a text that is not
            // ASCII becomes shorter by folding at most
            return wanted.len() == text.len()
                && match self.cased {
                    true => wanted == text,
                    false => wanted.eq_ignore_ascii_case(text),
                };
        }
        if let [Part::Text(beginning), Part::Many] = self.parts.as_slice()
            && self.ascii
            && let Some(head) = text.as_bytes().get(..beginning.len())
            && head.is_ascii()
        {
            return match self.cased {
                true => head == beginning.as_bytes(),
                false => head.eq_ignore_ascii_case(beginning.as_bytes()),
            };
        }
        if let [Part::Many, Part::Text(ending)] = self.parts.as_slice()
            && self.ascii
            && let Some(from) = text.len().checked_sub(ending.len())
            && let Some(tail) = text.as_bytes().get(from..)
            && tail.is_ascii()
        {
            return match self.cased {
                true => tail == ending.as_bytes(),
                false => tail.eq_ignore_ascii_case(ending.as_bytes()),
            };
        }
        if self.cased {
            return run(&self.parts, text, true);
        }
        if self.ascii && self.longest_piece < LONG_PIECE && text.is_ascii() {
            return run(&self.parts, text, false);
        }
        run(&self.parts, &text.to_lowercase(), true)
    }
}

/// Greedy with one place to come back to: the last star. That is enough for patterns without
/// alternatives. `exact` if text and pattern have the same case: then the time is that of the text and
/// the pattern together, but for patterns with `?`, where it may be text × pattern.
fn run(parts: &[Part], text: &str, exact: bool) -> bool {
    let bytes = text.as_bytes();
    let (mut part, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    // of the text behind the last star
    let mut finder: Option<memmem::Finder<'_>> = None;
    loop {
        let step = match parts.get(part) {
            Some(Part::Many) => {
                if part + 1 == parts.len() {
                    return true;
                }
                star = Some((part + 1, at));
                finder = None;
                part += 1;
                continue;
            }
            Some(Part::Text(piece)) => bytes
                .get(at..at + piece.len())
                .filter(|window| match exact {
                    true => *window == piece.as_bytes(),
                    false => window.eq_ignore_ascii_case(piece.as_bytes()),
                })
                .map(<[u8]>::len),
            Some(Part::One) => text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map(char::len_utf8),
            None if at == bytes.len() => return true,
            None => None,
        };
        match (step, star) {
            (Some(length), _) => {
                part += 1;
                at += length;
            }
            (None, Some((after, from))) => {
                // let the star take one more character, or all up to where the next text may begin
                let Some(c) = text.get(from..).and_then(|rest| rest.chars().next()) else {
                    return false;
                };
                let mut next = from + c.len_utf8();
                if let Some(Part::Text(piece)) = parts.get(after) {
                    let found = bytes.get(next..).and_then(|rest| match exact {
                        true if rest.starts_with(piece.as_bytes()) => Some(0),
                        true => finder
                            .get_or_insert_with(|| memmem::Finder::new(piece))
                            .find(rest),
                        false => beginning(piece, rest),
                    });
                    match found {
                        Some(skipped) => next += skipped,
                        None => return false,
                    }
                }
                star = Some((after, next));
                part = after;
                at = next;
            }
            (None, None) => return false,
        }
    }
}

/// The first place in a text where a piece of a pattern may begin, whatever the case of the text.
fn beginning(piece: &str, text: &[u8]) -> Option<usize> {
    let first = *piece.as_bytes().first()?;
    memchr::memchr2(first, first.to_ascii_uppercase(), text)
}

/// Lower case, borrowed where the text has none to change.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_the_specification_says() {
        for (pattern, text, expected) in [
            ("*a?b", "aXaYb", true),
            ("a*d", "a\nb\nd", true),
            ("assumerole*", "AssumeRoleWithSAML", true),
            (
                "*:policy/admin*",
                "arn:aws:iam::aws:policy/AdministratorAccess",
                true,
            ),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("É*", "éa", true),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("ab*ab", "ab", false),
            ("*ab*ab*", "xabyab", true),
            ("workspace-*/*", "workspace-12/scan.pdf", true),
        ] {
            assert_eq!(
                Wildcard::parse(pattern).matches(text),
                expected,
                "{pattern} {text:?}"
            );
        }
    }

    #[test]
    fn cased_patterns_keep_the_case_and_literals_are_known() {
        let cased = Wildcard::new([Part::Text("Ab".into())], true);
        assert!(cased.matches("Ab") && !cased.matches("ab"));
        assert_eq!(Wildcard::parse("CreateUser").literal(), Some("createuser"));
        assert_eq!(Wildcard::parse("Create*").literal(), None);
        assert!(Wildcard::parse("**").is_anything());
    }

    #[test]
    fn json_that_lacks_the_longest_text_of_a_pattern_holds_no_match() {
        let may = |pattern: &str, json: &str| Wildcard::parse(pattern).may_match_within(json);
        let json = r#"{"key":"reports/Ransom-Note.txt","n":512}"#;
        for pattern in ["*ransom*", "reports/*.txt", "*.TXT", "51?", "*", "??"] {
            assert!(may(pattern, json), "{pattern}");
        }
        assert!(!may("*ransom_note*", json) && !may("reports/x*", json) && !may("x", "\"\""));
        // nothing is known where a text may be written in another way
        for json in [r#"{"key":"\u0072ansom"}"#, "{\"key\":\"\u{212a}\"}"] {
            assert!(may("*ransom*", json) && may("k", json), "{json}");
        }
    }

    #[test]
    fn the_time_of_a_long_pattern_is_not_text_times_pattern() {
        let text = "A".repeat(2 << 20);
        for pattern in [
            format!("*{}b*", "a".repeat(1 << 20)),
            format!("*{}*{}b", "a".repeat(1 << 18), "a".repeat(1 << 18)),
            format!("*{}?{}b*", "a".repeat(4 << 10), "a".repeat(4 << 10)),
        ] {
            let began = std::time::Instant::now();
            assert!(!Wildcard::parse(&pattern).matches(&text));
            let took = began.elapsed();
            assert!(took < std::time::Duration::from_secs(10), "{took:?}");
        }
        let found = format!("*{}*", "a".repeat(LONG_PIECE));
        assert!(Wildcard::parse(&found).matches(&format!("b{}B", "Aa".repeat(LONG_PIECE))));
        assert!(!Wildcard::parse(&found).matches(&"ab".repeat(LONG_PIECE)));
    }

    #[test]
    fn the_matcher_agrees_with_a_regex() {
        for pattern in [
            "a*b?c", "*x*", "??", "a*a*a", "*b", "ab", "É*", "*ab", "*É", "*aab*b", "*?a", "k",
            "*k*", "*k", "k*",
        ] {
            let regex = format!("(?is)^{}$", pattern.replace('*', ".*").replace('?', "."));
            let regex = regex::Regex::new(&regex).unwrap();
            for text in [
                "",
                "a",
                "ab",
                "aXbYc",
                "abbc",
                "xx",
                "aaa",
                "AAxA",
                "bb",
                "é?",
                "aaAb",
                "aaab b",
                "xaé",
                "\u{212a}",
                "a\u{212a}b",
                "éa",
            ] {
                let wildcard = Wildcard::parse(pattern);
                let matches = wildcard.matches(text);
                assert_eq!(matches, regex.is_match(text), "{pattern} {text}");
                assert!(
                    !matches || text.len() >= wildcard.shortest(),
                    "{pattern} {text}"
                );
            }
        }
    }
}
