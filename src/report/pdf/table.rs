//! Tables: columns by share, the head repeated on every page, no row split unless it is taller than a page.

use std::num::NonZeroU32;
use std::rc::Rc;

use krilla::tagging::{TableHeaderScope, Tag};

use super::canvas::{Canvas, fitting};
use super::palette::{INK, MUTED, PANEL, RULE};
use super::type_setter::{Face, Lines};
use super::{BOTTOM, TOP};
use crate::report::document::{Column, Row, Table};
use crate::report::text::Text;

const CELL: Face = Face::new(8.0).leading(1.36);
const NOTE: Face = Face::new(6.9).leading(1.36).color(MUTED);
const HEAD: Face = Face::new(7.2).bold().leading(1.3).color(MUTED);
/// Between a cell's text and its neighbor.
const GUTTER: f32 = 8.0;
const PADDING: f32 = 3.6;
const PADDING_OF_HEAD: f32 = 3.6;
/// The least height of a row: people write into some.
const LEAST: f32 = 18.0;

/// The columns' places on the page.
struct ColumnPlaces<'t> {
    columns: &'t [Column],
    /// Left edge and width of each.
    places: Vec<(f32, f32)>,
    left: f32,
    width: f32,
}

impl<'t> ColumnPlaces<'t> {
    fn new(columns: &'t [Column], (left, width): (f32, f32)) -> Self {
        let all: f32 = columns.iter().map(|column| column.share).sum();
        let gutters = GUTTER * columns.len().saturating_sub(1) as f32;
        let unit = (width - gutters) / all.max(0.1);
        let mut x = left;
        let places = columns.iter().map(|column| {
            let place = (x, column.share * unit);
            x += place.1 + GUTTER;
            place
        });
        Self {
            columns,
            places: places.collect(),
            left,
            width,
        }
    }

    fn cells(&self) -> impl Iterator<Item = (usize, (f32, f32))> + '_ {
        self.places.iter().copied().enumerate()
    }

    fn is_number(&self, at: usize) -> bool {
        self.columns.get(at).is_some_and(|column| column.is_number)
    }

    /// Where a line begins, so that numbers end at the right edge.
    fn x(&self, at: usize, place: (f32, f32), lines: &Lines) -> f32 {
        let widest = lines.lines.iter().map(|line| line.width);
        match self.is_number(at) {
            true => place.0 + (place.1 - widest.fold(0.0, f32::max)).max(0.0),
            false => place.0,
        }
    }
}

/// A row with its texts set.
struct SetRow {
    cells: Vec<Vec<Rc<Lines>>>,
    note: Option<Rc<Lines>>,
    height: f32,
}

/// Draws a table below what stands on the page, between `left` and `left + width`.
pub(super) fn draw(canvas: &mut Canvas, table: &Table, place: (f32, f32), parent: usize) {
    let grid = ColumnPlaces::new(&table.columns, place);
    let heads: Vec<Rc<Lines>> = grid
        .cells()
        .zip(&table.columns)
        .map(|((_, (_, width)), column)| canvas.set.set(&column.title.into(), HEAD, width))
        .collect();
    let head_height =
        heads.iter().map(|head| head.height).fold(0.0, f32::max) + 2.0 * PADDING_OF_HEAD;
    let mut tag = Tag::Table;
    tag.set_summary(Some(table.summary.to_owned()));
    let node = canvas.node(parent, tag);
    // a head alone at the foot of a page heads nothing
    let first = table.rows.first().map(|row| set(canvas, &grid, row));
    let first = first.map_or(LEAST, |row| row.height.min(160.0));
    canvas.need(head_height + first + 24.0);
    let head_node = canvas.node(node, Tag::THead);
    let head_row = canvas.node(head_node, Tag::TR);
    let nodes: Vec<usize> = heads
        .iter()
        .map(|_| canvas.node(head_row, Tag::TH(TableHeaderScope::Column)))
        .collect();
    draw_head(canvas, &grid, (&heads, head_height), Some(&nodes));
    let body = canvas.node(node, Tag::TBody);
    for (at, row) in table.rows.iter().enumerate() {
        let row_set = set(canvas, &grid, row);
        // a heading stays with the row below it
        let follows = match (row, table.rows.get(at + 1)) {
            (Row::Group(_), Some(next)) => set(canvas, &grid, next).height.min(120.0),
            _ => 0.0,
        };
        let page = BOTTOM - TOP - head_height;
        let fits = row_set.height + follows <= canvas.room();
        if !fits && row_set.height + follows <= page {
            canvas.turn();
            draw_head(canvas, &grid, (&heads, head_height), None);
        }
        let row_node = canvas.node(body, Tag::TR);
        match row {
            Row::Group(_) => group(canvas, &grid, &row_set, row_node),
            Row::Cells { .. } => {
                cells(canvas, &grid, (&row_set, row_node), (&heads, head_height));
            }
        }
    }
    canvas.space(8.0);
}

fn set(canvas: &mut Canvas, grid: &ColumnPlaces<'_>, row: &Row) -> SetRow {
    match row {
        Row::Group(text) => {
            let lines = canvas.set.set(text, CELL, grid.width - 8.0);
            SetRow {
                height: lines.height + 2.0 * PADDING,
                cells: vec![vec![lines]],
                note: None,
            }
        }
        Row::Cells { cells, note } => {
            let cells: Vec<Vec<Rc<Lines>>> = grid
                .cells()
                .zip(cells)
                .map(|((at, (_, width)), cell)| {
                    let face = match grid.is_number(at) {
                        true => CELL.tabular(),
                        false => CELL,
                    };
                    let lines = cell.iter().filter(|text| !text.is_empty());
                    lines
                        .map(|text| canvas.set.set(text, face, width))
                        .collect()
                })
                .collect();
            let note = note
                .as_ref()
                .map(|note| canvas.set.set(note, NOTE, grid.width));
            let height = |cell: &Vec<Rc<Lines>>| cell.iter().map(|one| one.height).sum::<f32>();
            let tallest = cells.iter().map(height).fold(0.0, f32::max);
            let noted = note.as_ref().map_or(0.0, |note| note.height + 1.0);
            SetRow {
                cells,
                height: (tallest + noted + 2.0 * PADDING).max(LEAST),
                note,
            }
        }
    }
}

fn draw_head(
    canvas: &mut Canvas,
    grid: &ColumnPlaces<'_>,
    (heads, height): (&[Rc<Lines>], f32),
    nodes: Option<&[usize]>,
) {
    let top = canvas.y;
    for ((at, place), lines) in grid.cells().zip(heads) {
        let node = nodes.and_then(|nodes| nodes.get(at)).copied();
        let x = grid.x(at, place, lines);
        let y = top + height - PADDING_OF_HEAD - lines.height;
        canvas.place((x, y), lines, 0..lines.lines.len(), node);
    }
    canvas.rect((grid.left, top + height - 0.9), (grid.width, 0.9), INK);
    canvas.y += height;
}

fn group(canvas: &mut Canvas, grid: &ColumnPlaces<'_>, row: &SetRow, node: usize) {
    let (top, height) = (canvas.y, row.height);
    canvas.rect((grid.left, top), (grid.width, height), PANEL);
    let mut tag = Tag::TH(TableHeaderScope::Row);
    let columns = u32::try_from(grid.columns.len()).unwrap_or(1);
    tag.set_col_span(NonZeroU32::new(columns));
    let cell = canvas.node(node, tag);
    for lines in row.cells.iter().flatten() {
        let range = 0..lines.lines.len();
        canvas.place((grid.left + 4.0, top + PADDING), lines, range, Some(cell));
    }
    canvas.y += height;
}

/// The cells of a row side by side. A row taller than a page goes on under a new head.
fn cells(
    canvas: &mut Canvas,
    grid: &ColumnPlaces<'_>,
    (row, node): (&SetRow, usize),
    (heads, head_height): (&[Rc<Lines>], f32),
) {
    let nodes: Vec<usize> = (0..grid.columns.len())
        .map(|at| match at {
            0 => canvas.node(node, Tag::TH(TableHeaderScope::Row)),
            _ => canvas.node(node, Tag::TD),
        })
        .collect();
    // how many lines of each cell are drawn
    let mut drawn: Vec<(usize, usize)> = vec![(0, 0); row.cells.len()];
    loop {
        let top = canvas.y;
        let limit = BOTTOM - PADDING;
        let mut lowest = top + PADDING;
        let mut is_done = true;
        for ((at, place), cell) in grid.cells().zip(&row.cells) {
            let (Some(done), Some(cell_node)) = (drawn.get_mut(at), nodes.get(at)) else {
                continue;
            };
            let mut y = top + PADDING;
            if cell.is_empty() && done.0 == 0 {
                empty(canvas, (place.0, y), *cell_node);
                done.0 = 1;
            }
            while let Some(lines) = cell.get(done.0) {
                let until = fitting(lines, done.1, limit - y);
                let until = match until == done.1 && y <= TOP + head_height + PADDING {
                    // one line taller than a page does not happen; this only ends the loop
                    true => done.1 + 1,
                    false => until,
                };
                if until > done.1 {
                    let x = grid.x(at, place, lines);
                    canvas.place((x, y), lines, done.1..until, Some(*cell_node));
                    y += super::canvas::extent(lines, done.1, until);
                }
                if until < lines.lines.len() {
                    done.1 = until;
                    is_done = false;
                    break;
                }
                *done = (done.0 + 1, 0);
            }
            lowest = lowest.max(y);
        }
        canvas.y = lowest;
        if is_done {
            let least = top + row.height.min(LEAST);
            canvas.y = (lowest + PADDING).max(least);
            break;
        }
        canvas.turn();
        draw_head(canvas, grid, (heads, head_height), None);
    }
    if let Some(note) = &row.note {
        canvas.y -= PADDING - 1.0;
        if canvas.room() < note.height + PADDING {
            canvas.turn();
            draw_head(canvas, grid, (heads, head_height), None);
        }
        if let Some(last) = nodes.last() {
            let range = 0..note.lines.len();
            canvas.place((grid.left, canvas.y), note, range, Some(*last));
        }
        canvas.y += note.height + PADDING;
    }
    canvas.rect((grid.left, canvas.y - 0.4), (grid.width, 0.4), RULE);
}

/// A cell without words has its place in the tree all the same.
fn empty(canvas: &mut Canvas, at: (f32, f32), node: usize) {
    let lines = canvas.set.set(&Text::new(), CELL, 10.0);
    canvas.place(at, &lines, 0..0, Some(node));
}
