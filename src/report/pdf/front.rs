//! Page one.

use std::rc::Rc;

use krilla::tagging::{ListNumbering, Tag};

use super::blocks::{BODY, facts, paragraph, rows};
use super::canvas::Canvas;
use super::palette::{ACCENT, ALERT, ALERT_PANEL, Color, INK, MUTED, PANEL, RULE, level_color};
use super::type_setter::{Face, Lines};
use super::{LEFT, TOP, WIDTH, heading_tag};
use crate::report::document::front::{Front, STATEMENT, Summary};
use crate::report::document::{PROVISION, TITLE, crosswalk};
use crate::report::text::Text;
use crate::words::thousands;

const FIGURE: Face = Face::new(19.0).bold().leading(1.15);
const WORD: Face = Face::new(14.0).bold().leading(1.25);
const LABEL: Face = Face::new(7.2).bold().color(MUTED).leading(1.3);
const LINE: Face = Face::new(8.0).leading(1.38);
/// Between the boxes, and between a box's edge and its text.
const GAP: f32 = 10.0;
const INSET: f32 = 9.0;
pub(super) const BORDER: (f32, Color) = (0.6, RULE);

pub(super) fn draw(canvas: &mut Canvas, front: &Front) {
    let part = canvas.node(0, Tag::Section);
    canvas.anchor(crosswalk::FRONT);
    canvas.bookmark(0, "Decision".to_owned());
    canvas.rect((0.0, 0.0), (super::PAGE_WIDTH, 7.0), ACCENT);
    canvas.y = TOP - 14.0;
    let provision = Face::new(8.0).bold().color(ACCENT);
    let node = canvas.node(part, Tag::P);
    canvas.flow(&PROVISION.into(), provision, (LEFT, WIDTH), node);
    canvas.space(3.0);
    let node = canvas.node(part, heading_tag(1, TITLE));
    let title = Face::new(25.0).bold().leading(1.16);
    canvas.flow(&TITLE.into(), title, (LEFT, WIDTH), node);
    let node = canvas.node(part, Tag::P);
    let organization = Face::new(12.5).color(MUTED).leading(1.35);
    canvas.flow(&front.organization, organization, (LEFT, WIDTH), node);
    canvas.space(8.0);
    facts(canvas, &front.identity, (LEFT, WIDTH, 62.0), part);
    canvas.space(7.0);
    panel(canvas, &front.verdict, (PANEL, ACCENT), part);
    for warning in &front.warnings {
        panel(canvas, warning, (ALERT_PANEL, ALERT), part);
    }
    canvas.space(3.0);
    let width = (WIDTH - GAP) / 2.0;
    for pair in front.boxes.chunks(2) {
        let set: Vec<SetBox<'_>> = pair.iter().map(|one| set(canvas, one, width)).collect();
        let height = set.iter().map(|one| one.height).fold(0.0, f32::max);
        canvas.need(height);
        for (at, one) in set.iter().enumerate() {
            let x = LEFT + (width + GAP) * at as f32;
            draw_box(canvas, one, (x, width, height), part);
        }
        canvas.y += height + GAP;
    }
    let due = [("Rules", &front.rules), ("Overdue", &front.due)];
    rows(canvas, &due, (LEFT, WIDTH, 62.0), part);
    canvas.space(8.0);
    sign_off(canvas, part);
}

/// A sentence on a tinted ground with a bar at its side.
fn panel(canvas: &mut Canvas, text: &Text, (ground, bar): (Color, Color), part: usize) {
    let face = Face::new(9.6).bold().leading(1.4);
    let lines = canvas.set.set(text, face, WIDTH - 2.0 * INSET - 3.0);
    let height = lines.height + 12.0;
    canvas.need(height);
    canvas.rect((LEFT, canvas.y), (WIDTH, height), ground);
    canvas.rect((LEFT, canvas.y), (3.0, height), bar);
    let node = canvas.node(part, Tag::P);
    let at = (LEFT + 3.0 + INSET, canvas.y + 6.0);
    canvas.place(at, &lines, 0..lines.lines.len(), Some(node));
    canvas.y += height + 6.0;
}

/// A box with its texts set.
struct SetBox<'b> {
    summary: &'b Summary,
    figure: Rc<Lines>,
    sentences: Vec<Rc<Lines>>,
    lines: Vec<Rc<Lines>>,
    height: f32,
}

const LEVEL: f32 = 13.5;

fn set<'b>(canvas: &mut Canvas, summary: &'b Summary, width: f32) -> SetBox<'b> {
    let inner = width - 2.0 * INSET;
    let face = if summary.is_word { WORD } else { FIGURE };
    let color = if summary.is_alert { ALERT } else { INK };
    let set = canvas
        .set
        .set(&summary.figure.as_str().into(), face.color(color), inner);
    let mut all = |texts: &[(Text, bool)], width| -> Vec<Rc<Lines>> {
        let texts = texts.iter();
        let set = texts.map(|(text, is_alert)| {
            let color = if *is_alert { ALERT } else { INK };
            canvas.set.set(text, LINE.color(color), width)
        });
        set.collect()
    };
    let sentences = all(&summary.sentences, inner);
    let lines = all(&summary.lines, inner - 8.0);
    let height = |all: &[Rc<Lines>]| all.iter().map(|one| one.height).sum::<f32>();
    let texts = height(&sentences) + height(&lines) + summary.levels.len() as f32 * LEVEL;
    SetBox {
        height: 2.0 * INSET + 11.0 + set.height + 4.0 + texts,
        figure: set,
        sentences,
        lines,
        summary,
    }
}

fn draw_box(
    canvas: &mut Canvas,
    of: &SetBox<'_>,
    (x, width, height): (f32, f32, f32),
    part: usize,
) {
    let top = canvas.y;
    frame(canvas, (x, top), (width, height), BORDER);
    let bar = if of.summary.is_alert { ALERT } else { ACCENT };
    canvas.rect((x, top), (width, 2.0), bar);
    let (left, inner) = (x + INSET, width - 2.0 * INSET);
    let mut y = top + INSET;
    let node = canvas.node(part, heading_tag(2, of.summary.title));
    let title = Text::from(of.summary.title);
    canvas.put((left, y), &title, (LABEL, inner), Some(node));
    y += 11.0;
    let node = canvas.node(part, Tag::P);
    canvas.place((left, y), &of.figure, 0..of.figure.lines.len(), Some(node));
    y += of.figure.height + 4.0;
    for lines in &of.sentences {
        let node = canvas.node(part, Tag::P);
        canvas.place((left, y), lines, 0..lines.lines.len(), Some(node));
        y += lines.height;
    }
    let list = canvas.node(part, Tag::L(ListNumbering::None));
    for (level, count) in &of.summary.levels {
        let item = canvas.node(list, Tag::LI);
        let node = canvas.node(item, Tag::LBody);
        canvas.rect((left, y + 2.6), (6.5, 6.5), level_color(*level));
        let word = Text::from(level.as_str());
        canvas.put((left + 12.0, y), &word, (LINE, inner), Some(node));
        let count = Text::new().strong(&thousands(*count));
        let wide = canvas.set.width(&count, LINE);
        let at = (left + 110.0 - wide, y);
        canvas.put(at, &count, (LINE, inner), Some(node));
        y += LEVEL;
    }
    for lines in &of.lines {
        let item = canvas.node(list, Tag::LI);
        let node = canvas.node(item, Tag::LBody);
        canvas.rect((left + 0.5, y + 4.4), (2.4, 2.4), MUTED);
        canvas.place((left + 8.0, y), lines, 0..lines.lines.len(), Some(node));
        y += lines.height;
    }
}

/// Four thin lines.
pub(super) fn frame(
    canvas: &mut Canvas,
    (x, y): (f32, f32),
    (width, height): (f32, f32),
    (line, color): (f32, Color),
) {
    canvas.rect((x, y), (width, line), color);
    canvas.rect((x, y + height - line), (width, line), color);
    canvas.rect((x, y), (line, height), color);
    canvas.rect((x + width - line, y), (line, height), color);
}

/// Filled in by hand, after printing.
fn sign_off(canvas: &mut Canvas, part: usize) {
    let statement = canvas.set.set(&STATEMENT.into(), LINE, WIDTH - 2.0 * INSET);
    let height = 24.0 + statement.height + 2.0 * 21.0 + 29.0;
    canvas.need(height);
    let top = canvas.y;
    frame(canvas, (LEFT, top), (WIDTH, height), BORDER);
    canvas.y += INSET;
    let node = canvas.node(part, heading_tag(2, "Sign-off"));
    let title = Face::new(11.0).bold().leading(1.3);
    let inner = (LEFT + INSET, WIDTH - 2.0 * INSET);
    canvas.flow(&"Sign-off".into(), title, inner, node);
    canvas.space(2.0);
    paragraph(canvas, &STATEMENT.into(), (LINE, inner), part);
    canvas.space(3.0);
    let width = (WIDTH - 2.0 * INSET - 22.0) / 2.0;
    let below = canvas.y;
    for (at, role) in ["Reviewer", "Approver"].into_iter().enumerate() {
        let x = LEFT + INSET + (width + 22.0) * at as f32;
        let node = canvas.node(part, heading_tag(3, role));
        let face = BODY.bold();
        canvas.put((x, below), &role.into(), (face, width), Some(node));
        let first = (width - 10.0) * 0.6;
        for (row, [long, brief]) in [["Name", "Role"], ["Signature", "Date"]].iter().enumerate() {
            let y = below + 12.0 + 21.0 * row as f32;
            fill_in(canvas, long, (x, y, first), part);
            let rest = (x + first + 10.0, y, width - first - 10.0);
            fill_in(canvas, brief, rest, part);
        }
    }
    canvas.y = top + height;
}

/// A word with a line behind it to write on.
pub(super) fn fill_in(
    canvas: &mut Canvas,
    word: &str,
    (x, y, width): (f32, f32, f32),
    part: usize,
) {
    let node = canvas.node(part, Tag::P);
    let face = Face::new(7.4).color(MUTED);
    let text = Text::from(word);
    let wide = canvas.set.width(&text, face) + 6.0;
    canvas.put((x, y + 6.0), &text, (face, width), Some(node));
    canvas.rect((x + wide, y + 16.0), (width - wide, 0.6), MUTED);
}
