//! How values are written on the page: strings made visible, times in words, counts, levels.
//!
//! Names, agents and messages come from whoever made the call. maud escapes their markup; here
//! their invisible and reordering characters become visible, so that nobody can make a line of
//! evidence read differently from what the log says.

use std::borrow::Cow;

use chrono::TimeZone as _;
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::event::time::{self, Epoch};
use crate::safe_text;
use crate::severity::Severity;
use crate::words::{plural, thousands};

/// The text with every character that hides or reorders others replaced by U+FFFD.
pub(super) fn make_visible(text: &str) -> Cow<'_, str> {
    shortened(text, safe_text::MOST_ON_PAGE)
}

/// The same, cut after `most` characters with a mark that it was.
pub(super) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    safe_text::line(text, most)
}

/// A value from the logs, set apart so that right-to-left letters in it move nothing around it.
pub(super) fn value(text: &str) -> Markup {
    html! { bdi.value { (make_visible(text)) } }
}

/// The part of an ARN that people say: `user/ops-legacy`, and of a role of IAM Identity Center the
/// permission set and the person. The whole stands in the finding's card.
pub(super) fn short(text: &str) -> &str {
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

/// `2 critical, 1 high`.
pub(super) fn levels(counts: impl IntoIterator<Item = (Severity, u64)>) -> String {
    let all: Vec<String> = counts
        .into_iter()
        .map(|(level, count)| format!("{} {level}", thousands(count)))
        .collect();
    all.join(", ")
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

/// `Sat 21 Nov 2026`.
pub(super) fn format_date(at: Epoch) -> String {
    time::utc(at).format("%a %-d %b %Y").to_string()
}

/// `Sat 21 Nov 2026, 02:00:11 UTC`.
pub(super) fn format_datetime(at: Epoch) -> String {
    time::utc(at)
        .format("%a %-d %b %Y, %H:%M:%S UTC")
        .to_string()
}

/// `02:00:11`.
pub(super) fn format_time(at: Epoch) -> String {
    time::utc(at).format("%H:%M:%S").to_string()
}

/// `Fri 20 Nov 2026, 21:00:11 EST`, where the report knows a zone.
pub(super) fn local(zone: Option<Tz>, at: Epoch) -> Option<String> {
    let there = zone?.timestamp_opt(at, 0).single()?;
    Some(there.format("%a %-d %b %Y, %H:%M:%S %Z").to_string())
}

/// A table too wide for a phone scrolls in its own frame, by keyboard as well.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// What is left out is said where it would have stood.
pub(super) fn truncation_notice(shown: usize, all: usize, noun: &str) -> Markup {
    // of findings the JSON may leave some out as well
    let held = match noun {
        "finding" => "findings.csv holds",
        _ => "the JSON and CSV files hold",
    };
    html! {
        @if shown < all {
            p.notice {
                "Showing the first " (thousands(shown as u64)) " of " (plural(all as u64, noun))
                "; " (held) " all of them."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
