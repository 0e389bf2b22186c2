//! What stands below each other on the pages: headings, paragraphs, lists, facts, sums, the crosswalk.

use krilla::tagging::{ListNumbering, Tag};

use super::canvas::Canvas;
use super::palette::{ACCENT, INK, MUTED, PANEL};
use super::type_setter::Face;
use super::{LEFT, WIDTH, card, chart, heading_tag, table};
use crate::report::document::crosswalk::Inquiry;
use crate::report::document::{Block, Fact, Row, Table, column, numbers};
use crate::report::text::Text;
use crate::words::thousands;

pub(super) const BODY: Face = Face::new(8.8);
const LEAD: Face = Face::new(9.6).leading(1.45).color(MUTED);
const ASIDE: Face = Face::new(7.6).color(MUTED).leading(1.4);
const FACT: Face = Face::new(8.3).leading(1.42);
const HEADING: Face = Face::new(11.0).bold().leading(1.3);
const SUBHEADING: Face = Face::new(8.8).bold().leading(1.35);

/// Where body text stands.
const COLUMN: (f32, f32) = (LEFT, WIDTH);

pub(super) fn title(canvas: &mut Canvas, words: &str, part: usize) {
    canvas.rect((LEFT, canvas.y), (26.0, 2.4), ACCENT);
    canvas.space(7.0);
    let node = canvas.node(part, heading_tag(2, words));
    let face = Face::new(17.0).bold().leading(1.2);
    canvas.flow(&words.into(), face, COLUMN, node);
    canvas.space(5.0);
}

pub(super) fn draw(canvas: &mut Canvas, block: &Block, part: usize) {
    match block {
        Block::Heading(words, anchor) => {
            canvas.space(9.0);
            canvas.need(58.0);
            if let Some(anchor) = anchor {
                canvas.anchor(anchor);
            }
            canvas.bookmark(1, (*words).to_owned());
            let node = canvas.node(part, heading_tag(3, words));
            canvas.flow(&(*words).into(), HEADING, COLUMN, node);
            canvas.space(3.0);
        }
        Block::Subheading(text) => subheading(canvas, text, part),
        Block::Lead(text) => {
            paragraph(canvas, text, (LEAD, COLUMN), part);
            canvas.space(5.0);
        }
        Block::Paragraph(text) => paragraph(canvas, text, (BODY, COLUMN), part),
        Block::Aside(text) => paragraph(canvas, text, (ASIDE, COLUMN), part),
        Block::Notice(text) => notice(canvas, text, part),
        Block::List { ordered, items } => {
            list(canvas, (*ordered, items), (BODY, COLUMN), part);
            canvas.space(4.0);
        }
        Block::Facts(all) => {
            facts(canvas, all, (LEFT, WIDTH, 112.0), part);
            canvas.space(4.0);
        }
        Block::Sum { whole, parts } => {
            let mut text = Text::new()
                .strong(&thousands(whole.0))
                .plain(&format!(" {}", whole.1));
            for (at, (count, name)) in parts.iter().enumerate() {
                let sign = if at == 0 { " = " } else { " + " };
                text = text
                    .aside(sign)
                    .strong(&thousands(*count))
                    .plain(&format!(" {name}"));
            }
            paragraph(canvas, &text, (BODY, COLUMN), part);
        }
        Block::Table(one) => {
            canvas.space(3.0);
            table::draw(canvas, one, COLUMN, part);
        }
        Block::Chart(one) => chart::draw(canvas, one, part),
        Block::Card(one) => card::draw(canvas, one, part),
        Block::Command(command) => {
            let face = Face::new(8.0).mono().leading(1.5);
            let text = Text::from(command.as_str());
            let lines = canvas.set.set(&text, face, WIDTH - 20.0);
            // a command of many words may be long, and is not worth a page of its own
            if lines.height < 300.0 {
                canvas.need(lines.height + 14.0);
                canvas.rect((LEFT, canvas.y), (WIDTH, lines.height + 12.0), PANEL);
            }
            canvas.space(6.0);
            let outer = canvas.node(part, Tag::P);
            let node = canvas.node(outer, Tag::Code);
            canvas.flow_lines(&lines, LEFT + 10.0, node);
            canvas.space(10.0);
        }
        Block::Crosswalk(inquiries) => crosswalk(canvas, inquiries, part),
    }
}

pub(super) fn subheading(canvas: &mut Canvas, text: &Text, part: usize) {
    canvas.space(5.0);
    canvas.need(44.0);
    let node = canvas.node(part, heading_tag(4, &text.words()));
    canvas.flow(text, SUBHEADING, COLUMN, node);
    canvas.space(1.5);
}

pub(super) fn paragraph(
    canvas: &mut Canvas,
    text: &Text,
    (face, place): (Face, (f32, f32)),
    part: usize,
) {
    let node = canvas.node(part, Tag::P);
    canvas.flow(text, face, place, node);
    canvas.space(3.0);
}

/// What is left out is said on a ground of its own.
fn notice(canvas: &mut Canvas, text: &Text, part: usize) {
    let lines = canvas.set.set(text, FACT.bold(), WIDTH - 20.0);
    let height = lines.height + 8.0;
    canvas.need(height + 40.0);
    canvas.rect((LEFT, canvas.y), (WIDTH, height), PANEL);
    canvas.rect((LEFT, canvas.y), (3.0, height), INK);
    let node = canvas.node(part, Tag::P);
    let at = (LEFT + 10.0, canvas.y + 4.0);
    canvas.place(at, &lines, 0..lines.lines.len(), Some(node));
    canvas.y += height + 5.0;
}

pub(super) fn list(
    canvas: &mut Canvas,
    (ordered, items): (bool, &[Text]),
    (face, (x, width)): (Face, (f32, f32)),
    part: usize,
) {
    let numbering = match ordered {
        true => ListNumbering::Decimal,
        false => ListNumbering::Disc,
    };
    let node = canvas.node(part, Tag::L(numbering));
    for (at, item) in items.iter().enumerate() {
        canvas.need(face.size * face.leading * 2.0);
        let entry = canvas.node(node, Tag::LI);
        let label = canvas.node(entry, Tag::Lbl);
        let mark = match ordered {
            true => format!("{}.", at + 1),
            false => "•".to_owned(),
        };
        canvas.put((x + 2.0, canvas.y), &mark.into(), (face, 20.0), Some(label));
        let body = canvas.node(entry, Tag::LBody);
        canvas.flow(item, face, (x + 14.0, width - 14.0), body);
        canvas.space(1.6);
    }
}

/// Names in a column, and what is to be said of each beside it.
pub(super) fn facts(
    canvas: &mut Canvas,
    all: &[Fact],
    (x, width, names): (f32, f32, f32),
    part: usize,
) {
    let node = canvas.node(part, Tag::L(ListNumbering::None));
    for fact in all {
        let lines: Vec<&Text> = fact.lines.iter().collect();
        entry(canvas, (fact.name, &lines), (x, width, names), node);
    }
}

/// The same of one line each.
pub(super) fn rows(
    canvas: &mut Canvas,
    all: &[(&str, &Text)],
    (x, width, names): (f32, f32, f32),
    part: usize,
) {
    let node = canvas.node(part, Tag::L(ListNumbering::None));
    for (name, text) in all {
        entry(canvas, (name, &[text]), (x, width, names), node);
    }
}

fn entry(
    canvas: &mut Canvas,
    (name, lines): (&str, &[&Text]),
    (x, width, names): (f32, f32, f32),
    list: usize,
) {
    canvas.need(FACT.size * FACT.leading * lines.len().min(3) as f32);
    let item = canvas.node(list, Tag::LI);
    let label = canvas.node(item, Tag::Lbl);
    let (page, top) = (canvas.pages.len(), canvas.y);
    let face = FACT.color(MUTED);
    let height = canvas.put((x, top), &name.into(), (face, names - 8.0), Some(label));
    let body = canvas.node(item, Tag::LBody);
    for line in lines {
        canvas.flow(line, FACT, (x + names, width - names), body);
    }
    if canvas.pages.len() == page {
        canvas.y = canvas.y.max(top + height);
    }
    canvas.space(2.2);
}

/// Questions with the pages that answer them.
fn crosswalk(canvas: &mut Canvas, inquiries: &[Inquiry], part: usize) {
    let page = |anchor: &&str| {
        let known = canvas.anchors.iter().find(|(known, _)| known == anchor);
        known.map(|(_, page)| page + 1)
    };
    let rows = inquiries.iter().map(|inquiry| {
        let mut pages: Vec<usize> = inquiry.anchors.iter().filter_map(page).collect();
        pages.sort_unstable();
        pages.dedup();
        let pages: Vec<String> = pages.iter().map(usize::to_string).collect();
        Row::of([
            Text::new().strong(inquiry.citation),
            Text::from(inquiry.question),
            Text::from(match pages.is_empty() {
                true => "–".to_owned(),
                false => pages.join(", "),
            }),
        ])
    });
    let table = Table {
        summary: "Questions of an audit and the pages that answer them",
        columns: vec![
            column("Provision", 1.6),
            column("Inquiry", 5.0),
            numbers("Page", 1.0),
        ],
        rows: rows.collect(),
    };
    table::draw(canvas, &table, COLUMN, part);
}
