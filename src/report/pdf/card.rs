//! The card of a finding.

use krilla::tagging::Tag;

use super::blocks::{BODY, facts, list, paragraph, subheading};
use super::canvas::Canvas;
use super::front::{BORDER, fill_in, frame};
use super::palette::{MUTED, WHITE, level_color};
use super::type_setter::Face;
use super::{LEFT, WIDTH, heading_tag, table};
use crate::report::document::cards::{CHOICES, Card};
use crate::report::text::Text;

const TITLE: Face = Face::new(11.5).bold().leading(1.28);
const BADGE: Face = Face::new(7.0).bold().color(WHITE).leading(1.3);
const SENTENCE: Face = Face::new(9.4).leading(1.45);
const REMARK: Face = Face::new(8.3).color(MUTED).leading(1.42);
const SMALL: Face = Face::new(6.9).color(MUTED).leading(1.45);
const COLUMN: (f32, f32) = (LEFT, WIDTH);

/// What a card's head must have below it on the same page.
const HEAD: f32 = 150.0;

pub(super) fn draw(canvas: &mut Canvas, card: &Card, parent: usize) {
    canvas.space(6.0);
    canvas.need(HEAD);
    let part = canvas.node(parent, Tag::Section);
    let color = level_color(card.level);
    canvas.bookmark(1, card.title.words());
    canvas.rect((LEFT, canvas.y), (WIDTH, 1.6), color);
    canvas.space(7.0);
    head(canvas, card, part);
    paragraph(canvas, &card.sentence, (SENTENCE, COLUMN), part);
    for remark in &card.remarks {
        paragraph(canvas, remark, (REMARK, COLUMN), part);
    }
    canvas.space(2.0);
    facts(canvas, &card.facts, (LEFT, WIDTH, 62.0), part);
    if !card.why.is_empty() {
        subheading(canvas, &"Why it matters".into(), part);
        paragraph(canvas, &card.why, (BODY, COLUMN), part);
    }
    for (title, ordered, items) in [
        ("Recommended steps", true, &card.steps),
        ("Known false positives", false, &card.false_positives),
        ("Citations", false, &card.citations),
    ] {
        if !items.is_empty() {
            subheading(canvas, &title.into(), part);
            list(canvas, (ordered, items), (BODY, COLUMN), part);
        }
    }
    // its head and the first record stay with it
    canvas.need(120.0);
    subheading(canvas, &"Evidence".into(), part);
    paragraph(canvas, &card.kept, (SMALL, COLUMN), part);
    if !card.evidence.rows.is_empty() {
        table::draw(canvas, &card.evidence, COLUMN, part);
    }
    disposition(canvas, part);
    canvas.space(3.0);
    paragraph(canvas, &card.origin, (SMALL, COLUMN), part);
    canvas.space(12.0);
}

/// The level on its color, and the title beside it.
fn head(canvas: &mut Canvas, card: &Card, part: usize) {
    let word = Text::from(card.level.as_str().to_uppercase());
    let wide = canvas.set.width(&word, BADGE) + 10.0;
    let top = canvas.y;
    canvas.rect((LEFT, top + 1.2), (wide, 13.0), level_color(card.level));
    let title = canvas.set.set(&card.title, TITLE, WIDTH - wide - 8.0);
    let heading = card.title.words();
    let node = canvas.node(part, heading_tag(3, &heading));
    let at = (LEFT + wide + 8.0, top);
    canvas.place(at, &title, 0..title.lines.len(), Some(node));
    let node = canvas.node(part, Tag::P);
    canvas.put((LEFT + 5.0, top + 3.1), &word, (BADGE, wide), Some(node));
    canvas.y = top + title.height.max(15.0) + 4.0;
}

/// Room for the decision, as the register wants it.
fn disposition(canvas: &mut Canvas, part: usize) {
    const HEIGHT: f32 = 66.0;
    canvas.need(HEIGHT + 20.0);
    let top = canvas.y;
    frame(canvas, (LEFT, top), (WIDTH, HEIGHT), BORDER);
    let node = canvas.node(part, heading_tag(4, "Decision"));
    let face = Face::new(8.3).bold();
    let mut x = LEFT + 9.0;
    canvas.put((x, top + 6.0), &"Decision".into(), (face, 60.0), Some(node));
    x += 62.0;
    let node = canvas.node(part, Tag::P);
    for choice in CHOICES {
        let face = Face::new(8.3);
        frame(canvas, (x, top + 7.4), (8.6, 8.6), (0.8, MUTED));
        let text = Text::from(choice);
        canvas.put((x + 13.0, top + 6.0), &text, (face, 120.0), Some(node));
        x += canvas.set.width(&text, face) + 30.0;
    }
    let (left, width) = (LEFT + 9.0, WIDTH - 18.0);
    fill_in(canvas, "Reason", (left, top + 20.0, width), part);
    let third = (width - 2.0 * 14.0) / 3.0;
    for (at, word) in ["Ticket", "Name", "Date"].into_iter().enumerate() {
        let x = left + (third + 14.0) * at as f32;
        fill_in(canvas, word, (x, top + 41.0, third), part);
    }
    canvas.y = top + HEIGHT;
}
