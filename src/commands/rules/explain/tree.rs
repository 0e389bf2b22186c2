//! A condition as an indented tree of text.

use std::fmt::Write as _;

use crate::report::visible::visible;
use crate::rules::explain::{Explained, Operator, Part, Tested};

/// The most characters of a value that are shown.
const MOST_CHARACTERS: usize = 120;

/// The most values of a list that are shown.
const MOST_SHOWN: usize = 5;

/// A condition as an indented tree.
pub(in crate::commands::rules) fn tree(explained: &Explained, indent: usize) -> String {
    let mut out = String::new();
    draw(explained, "", indent, &mut out);
    out
}

/// `front` stands before the part: the name of the identifier it is, or `not`.
fn draw(explained: &Explained, front: &str, indent: usize, out: &mut String) {
    let mut parts = |what: &str, parts: &[Explained]| {
        line(explained.holds, indent, &format!("{front}{what}"), out);
        parts
            .iter()
            .for_each(|part| draw(part, "", indent + 2, out));
    };
    match &explained.part {
        Part::All(of) => parts("all of", of),
        Part::Any(of) => parts("any of", of),
        Part::AtLeast { least, of } => parts(&format!("at least {least} of"), of),
        Part::Not(part) => {
            line(explained.holds, indent, &format!("{front}not"), out);
            draw(part, "", indent + 2, out);
        }
        Part::Named { name, is } => draw(is, &format!("{front}{}: ", visible(name)), indent, out),
        Part::Test(test) => {
            let text = format!(
                "{front}{} wants {}, has {}",
                visible(&test.field),
                asked(test),
                found(test)
            );
            line(explained.holds, indent, &text, out);
        }
    }
}

fn line(holds: bool, indent: usize, text: &str, out: &mut String) {
    let mark = if holds { '✓' } else { '✗' };
    let _ = writeln!(out, "{}{mark} {text}", " ".repeat(indent));
}

fn asked(test: &Tested) -> String {
    let wanted = listed(&test.wanted, 0);
    match test.asked {
        Operator::Present => "to be there".to_owned(),
        Operator::Absent => "not to be there".to_owned(),
        Operator::AnyOf if test.wanted.len() == 1 => wanted,
        Operator::AnyOf => format!("one of {wanted}"),
        Operator::AllOf => format!("every one of {wanted}"),
        Operator::NoneOf => format!("none of {wanted}"),
        Operator::SameAs => format!("the value of {wanted}"),
        Operator::NotSameAs => format!("another value than that of {wanted}"),
    }
}

fn found(test: &Tested) -> String {
    if test.found.is_empty() {
        return "nothing".to_owned();
    }
    listed(&test.found, test.more)
}

fn listed(values: &[String], more: usize) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(MOST_SHOWN)
        .map(|value| shortened(value))
        .collect();
    let more = more + values.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        format!("{} and {more} more", shown.join(", "))
    } else {
        shown.join(", ")
    }
}

/// A value fit for a terminal: not endless, and with nothing in it that a terminal obeys.
fn shortened(value: &str) -> String {
    if value.is_empty() {
        return "\"\"".to_owned();
    }
    let mut text: String = value.chars().take(MOST_CHARACTERS).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    visible(&text)
}
