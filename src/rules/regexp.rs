//! A regular expression behind a text that it cannot do without.
//!
//! Searching for a text costs next to nothing; most values do not hold it, and then the expression
//! is not run at all.

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Regexp {
    regex: Regex,
    needs: Option<Finder<'static>>,
}

/// Sigma's flags behind `re`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
}

/// The most characters of an expression. Parsed, a few characters may become kilobytes (`\w`).
const MOST_PATTERN: usize = 4 << 10;
/// The most bytes of an expression compiled, and of what it remembers while it runs.
const MOST_COMPILED: usize = 1 << 20;
/// How deep an expression may nest.
const MOST_NESTED: u32 = 50;

impl Regexp {
    pub(super) fn new(pattern: &str, flags: Flags) -> Result<Self, String> {
        if pattern.len() > MOST_PATTERN {
            return Err(format!("it is longer than {MOST_PATTERN} characters"));
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(MOST_COMPILED)
            .dfa_size_limit(MOST_COMPILED)
            .nest_limit(MOST_NESTED)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .build()
            .map_err(|error| error.to_string())?;
        let parsed = ParserBuilder::new()
            .nest_limit(MOST_NESTED)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .build()
            .parse(pattern);
        let needs = parsed.ok().and_then(|hir| needed(&hir));
        Ok(Self {
            regex,
            needs: needs.map(|text| Finder::new(&text).into_owned()),
        })
    }

    /// True where the expression matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.can_match(text) && self.regex.is_match(text)
    }

    /// False where the text lacks what the expression cannot do without.
    pub(super) fn can_match(&self, text: &str) -> bool {
        let is_there = |needs: &Finder<'_>| needs.find(text.as_bytes()).is_some();
        self.needs.as_ref().is_none_or(is_there)
    }
}

/// The longest text that is part of every match.
fn needed(hir: &Hir) -> Option<Box<[u8]>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.clone()),
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed(&repetition.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(needed)
            .max_by_key(|text| text.len()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expression_needs_is_part_of_every_match() {
        let needs = |pattern: &str| {
            let flags = Flags::default();
            let needs = Regexp::new(pattern, flags).unwrap().needs?;
            Some(String::from_utf8_lossy(needs.needle()).into_owned())
        };
        assert_eq!(
            needs(".+:assumed-role/aws:.+").unwrap(),
            ":assumed-role/aws:"
        );
        assert_eq!(needs("(ab)+c?d*").unwrap(), "ab");
        assert_eq!(needs("abc|abd"), None);
        assert_eq!(needs("(?i)abc"), None);
        assert_eq!(needs("x*"), None);
    }

    #[test]
    fn it_matches_what_the_expression_alone_matches() {
        let texts = ["", "ab", "xAb", "a\nb", "role/aws:x", "ROLE/AWS:x"];
        for pattern in ["a.?b", "role/aws:.", "^b", "(role|a)", "a*"] {
            for bits in 0..8 {
                let flags = Flags {
                    ignore_case: bits & 1 > 0,
                    multi_line: bits & 2 > 0,
                    dot_all: bits & 4 > 0,
                };
                let regexp = Regexp::new(pattern, flags).unwrap();
                for text in texts {
                    assert_eq!(regexp.is_match(text), regexp.regex.is_match(text));
                }
            }
        }
    }
}
