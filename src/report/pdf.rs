//! `report.pdf`: the report for whoever signs it, files it, or hands it to an auditor.
//!
//! In: a [`Report`]. Out: a paged document, tagged, with bookmarks, embedded fonts and the findings as JSON
//! attached; declared PDF/A-3a and PDF/UA-1, which krilla checks as far as a program can. The same report
//! gives the same bytes. The words are those of [`document`](super::document), the layout is here.

mod blocks;
mod canvas;
mod card;
mod chart;
mod front;
mod output;
mod palette;
mod table;
mod type_setter;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::num::NonZeroU16;

use krilla::tagging::{Tag, kind};

use super::document::cards::Limits;
use super::document::{Document, Section};
use super::{Report, json};
use canvas::Canvas;
use type_setter::TypeSetter;

/// US Letter, in points.
const PAGE_WIDTH: f32 = 612.0;
const PAGE_HEIGHT: f32 = 792.0;
const LEFT: f32 = 54.0;
const WIDTH: f32 = PAGE_WIDTH - 2.0 * LEFT;
const TOP: f32 = 62.0;
const BOTTOM: f32 = PAGE_HEIGHT - 58.0;

/// On paper nobody reads more; the notice names the file that has the rest.
const LIMITS: Limits = Limits {
    severe: 200,
    all: 200,
};

/// Sections that begin on a page of their own.
const ON_NEW_PAGE: [&str; 6] = [
    "scope",
    "needs-decision",
    "findings",
    "registers",
    "method",
    "crosswalk",
];

/// Writes the document.
///
/// # Errors
/// `out` takes no more, or the document is not what it declares to be, which is a bug.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let set =
        TypeSetter::new().ok_or_else(|| io::Error::other("an embedded font cannot be read"))?;
    let document = Document::new(report, LIMITS);
    let mut canvas = Canvas::new(set);
    front::draw(&mut canvas, &document.front);
    canvas.turn();
    for section in &document.sections {
        draw(&mut canvas, section);
    }
    let mut findings = Vec::new();
    json::findings(report, &mut findings)?;
    let about = output::About::new(report, document.front.id);
    let bytes = output::document(canvas, &about, findings)?;
    out.write_all(&bytes)
}

fn draw(canvas: &mut Canvas, section: &Section) {
    if ON_NEW_PAGE.contains(&section.anchor) && canvas.y > TOP {
        canvas.turn();
    } else if canvas.y > TOP {
        canvas.space(16.0);
        canvas.need(190.0);
    }
    let part = canvas.node(0, Tag::Section);
    canvas.anchor(section.anchor);
    canvas.bookmark(0, section.title.to_owned());
    blocks::title(canvas, section.title, part);
    for block in &section.blocks {
        blocks::draw(canvas, block, part);
    }
}

/// The tag of a heading.
fn heading_tag(level: u16, title: &str) -> Tag<kind::Hn> {
    let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
    Tag::Hn(level, Some(title.to_owned()))
}
