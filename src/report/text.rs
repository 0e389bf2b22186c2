//! Text of a report with the meaning of its parts, before any format: which words are values from the
//! logs, which are compared letter by letter, what is severe. Renderers decide how that looks.

use std::borrow::Cow;

use chrono::TimeZone as _;
use chrono_tz::Tz;

use crate::event::time::{self, Epoch};
use crate::safe_text;
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// A value from the logs.
    Value,
    /// A value that matters most in its sentence.
    Strong,
    /// A name, id or address, compared letter by letter.
    Code,
    /// Less important than what is around it.
    Aside,
    /// Must not be overlooked.
    Alert,
    Level(Severity),
    /// Leads to the part of the report with that anchor.
    Link(&'static str),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub style: Style,
}

/// A line or paragraph. No character in it hides, moves or reorders others, and none breaks the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Span>);

impl Text {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a part; an empty one is left out.
    pub fn push(&mut self, style: Style, text: &str) {
        if !text.is_empty() {
            self.0.push(Span {
                text: make_visible(text).into_owned(),
                style,
            });
        }
    }

    #[must_use]
    pub fn with(mut self, style: Style, text: &str) -> Self {
        self.push(style, text);
        self
    }

    #[must_use]
    pub fn plain(self, text: &str) -> Self {
        self.with(Style::Plain, text)
    }

    #[must_use]
    pub fn value(self, text: &str) -> Self {
        self.with(Style::Value, text)
    }

    #[must_use]
    pub fn strong(self, text: &str) -> Self {
        self.with(Style::Strong, text)
    }

    #[must_use]
    pub fn code(self, text: &str) -> Self {
        self.with(Style::Code, text)
    }

    #[must_use]
    pub fn aside(self, text: &str) -> Self {
        self.with(Style::Aside, text)
    }

    #[must_use]
    pub fn alert(self, text: &str) -> Self {
        self.with(Style::Alert, text)
    }

    /// Adds values with commas between them.
    #[must_use]
    pub fn codes<'a>(mut self, all: impl IntoIterator<Item = &'a String>) -> Self {
        for (at, text) in all.into_iter().enumerate() {
            if at > 0 {
                self.push(Style::Plain, ", ");
            }
            self.push(Style::Code, text);
        }
        self
    }

    /// Adds ` and 3 more`, if there are more.
    #[must_use]
    pub fn more(self, count: u64) -> Self {
        match count {
            0 => self,
            count => self.plain(&format!(" and {} more", thousands(count))),
        }
    }

    /// The words alone.
    pub fn words(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new().plain(&text)
    }
}

/// The text with every character that hides or reorders others replaced by U+FFFD.
pub fn make_visible(text: &str) -> Cow<'_, str> {
    shortened(text, safe_text::MOST_ON_PAGE)
}

/// The same, cut after `most` characters with a mark that it was.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    safe_text::line(text, most)
}

/// The part of an ARN that people say: `user/ops-legacy`, and of a role of IAM Identity Center the
/// permission set and the person. The whole stands in the finding's card.
pub fn short(text: &str) -> &str {
    let mut parts = text.splitn(6, ':');
    let name = match (parts.next(), parts.next(), parts.nth(3)) {
        (Some("arn"), Some(partition), Some(name)) if partition.starts_with("aws") => name,
        _ => return text,
    };
    let person = name
        .strip_prefix("role/aws-reserved/")
        .and_then(|role| role.find("AWSReservedSSO_").and_then(|at| role.get(at..)));
    match person.unwrap_or(name) {
        "" => text,
        name => name,
    }
}

/// `2 critical, 1 high`.
pub fn levels(counts: impl IntoIterator<Item = (Severity, u64)>) -> String {
    let all: Vec<String> = counts
        .into_iter()
        .map(|(level, count)| format!("{} {level}", thousands(count)))
        .collect();
    all.join(", ")
}

/// `Sat 21 Nov 2026`.
pub fn format_date(at: Epoch) -> String {
    time::utc(at).format("%a %-d %b %Y").to_string()
}

/// `Sat 21 Nov 2026, 02:00:11 UTC`.
pub fn format_datetime(at: Epoch) -> String {
    time::utc(at)
        .format("%a %-d %b %Y, %H:%M:%S UTC")
        .to_string()
}

/// `02:00:11`.
pub fn format_time(at: Epoch) -> String {
    time::utc(at).format("%H:%M:%S").to_string()
}

/// `Fri 20 Nov 2026, 21:00:11 EST`, where the report knows a zone.
pub fn local(zone: Option<Tz>, at: Epoch) -> Option<String> {
    let there = zone?.timestamp_opt(at, 0).single()?;
    Some(there.format("%a %-d %b %Y, %H:%M:%S %Z").to_string())
}

/// Says that not everything is shown, and where the rest is; `None` if all of it is.
pub fn truncation_notice(shown: usize, all: usize, noun: &str) -> Option<String> {
    // of findings the JSON may leave some out as well
    let held = match noun {
        "finding" => "findings.csv holds",
        _ => "the JSON and CSV files hold",
    };
    (shown < all).then(|| {
        format!(
            "Showing the first {} of {}; {held} all of them.",
            thousands(shown as u64),
            plural(all as u64, noun)
        )
    })
}
