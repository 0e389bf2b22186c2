//! How values are written on the page: strings made visible, times in words, counts, levels.
//!
//! Names, agents and messages come from whoever made the call. maud escapes their markup; here
//! their invisible and reordering characters become visible, so that nobody can make a line of
//! evidence read differently from what the log says.

use maud::{Markup, html};

use crate::report::text::{self, Style, Text};
pub(super) use crate::report::text::{
    format_date, format_datetime, format_time, levels, local, make_visible, short, shortened,
};
use crate::severity::Severity;
use crate::words::thousands;

/// A value from the logs, set apart so that right-to-left letters in it move nothing around it.
pub(super) fn value(text: &str) -> Markup {
    html! { bdi.value { (make_visible(text)) } }
}

/// Names, event ids and addresses, which are compared letter by letter.
pub(super) fn code(text: &str) -> Markup {
    html! { bdi.code { (make_visible(text)) } }
}

/// A list of values; `None` if there are none.
pub(super) fn values<'a>(all: impl IntoIterator<Item = &'a String>) -> Markup {
    html! {
        @for (at, text) in all.into_iter().enumerate() {
            @if at > 0 { ", " }
            (code(text))
        }
    }
}

/// A sum with its numbers, so that anybody can add them up.
pub(super) fn sum(whole: u64, name: &str, parts: &[(u64, &str)]) -> Markup {
    html! {
        p.sum {
            span.term { b { (thousands(whole)) } " " (name) }
            @for (at, (count, name)) in parts.iter().enumerate() {
                span.sign { (if at == 0 { "=" } else { "+" }) }
                span.term { b { (thousands(*count)) } " " (name) }
            }
        }
    }
}

/// A level as word and color; the word alone is enough.
pub(super) fn badge(level: Severity) -> Markup {
    html! { span.level.(level.as_str()) { (level.as_str()) } }
}

/// The anchor of a finding's card.
pub(super) fn anchor(finding_id: &str) -> String {
    format!("f-{}", make_visible(finding_id))
}

/// The anchor of a citation's row: `c-164-312-a-1`.
pub(super) fn citation_anchor(section: &str) -> String {
    let words: Vec<&str> = section
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("c-{}", words.join("-"))
}

/// A table too wide for a phone scrolls in its own frame, by keyboard as well.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// What is left out is said where it would have stood.
pub(super) fn truncation_notice(shown: usize, all: usize, noun: &str) -> Markup {
    html! {
        @if let Some(notice) = text::truncation_notice(shown, all, noun) { p.notice { (notice) } }
    }
}

/// A text of the report with its meanings as elements.
pub(super) fn markup(text: &Text) -> Markup {
    html! {
        @for span in text.spans() {
            @match span.style {
                Style::Plain => (make_visible(&span.text)),
                Style::Value => (value(&span.text)),
                Style::Strong => { b { (value(&span.text)) } }
                Style::Code => (code(&span.text)),
                Style::Aside => { span.aside { (make_visible(&span.text)) } }
                Style::Alert => { strong.alert { (make_visible(&span.text)) } }
                Style::Level(level) => (badge(level)),
                Style::Link(anchor) => { a href={ "#" (anchor) } { (make_visible(&span.text)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safe_text;

    #[test]
    fn what_hides_or_reorders_becomes_visible() {
        assert_eq!(make_visible("plain név"), "plain név");
        assert_eq!(
            make_visible("a\u{202e}b\u{0}c\nd\u{200b}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(shortened("né\u{202e}von", 3), "né\u{fffd}…");
        assert_eq!(
            make_visible(&"x".repeat(5_000)).chars().count(),
            safe_text::MOST_ON_PAGE + 1
        );
    }

    #[test]
    fn times_read_as_an_auditor_writes_them() {
        let at = 1_795_226_411;
        assert_eq!(format_datetime(at), "Sat 21 Nov 2026, 02:00:11 UTC");
        assert_eq!(
            local("America/New_York".parse().ok(), at).unwrap(),
            "Fri 20 Nov 2026, 21:00:11 EST"
        );
        assert_eq!(short("arn:aws:iam::111122223333:user/ops"), "user/ops");
        assert_eq!(short("arn:aws:s3:::bucket"), "bucket");
        assert_eq!(short("arn:other:s3:::bucket"), "arn:other:s3:::bucket");
        assert_eq!(short("3 principals"), "3 principals");
        assert_eq!(
            short("arn:aws:iam::111122223333:"),
            "arn:aws:iam::111122223333:"
        );
        assert_eq!(
            short(
                "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_01/maya"
            ),
            "AWSReservedSSO_Dev_01/maya"
        );
        assert_eq!(citation_anchor("164.312(a)(2)(iv)"), "c-164-312-a-2-iv");
    }
}
