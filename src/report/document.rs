//! The report as a document, before any format: sections with headings, paragraphs, lists, tables and
//! finding cards, in the order in which a reviewer reads.
//!
//! In: a [`Report`]. Out: a [`Document`], whose words and rows the renderers lay out. What stands here says
//! the same in each of them.

pub mod activity;
pub mod cards;
pub mod citations;
pub mod crosswalk;
pub mod findings;
pub mod front;
pub mod integrity;
pub mod method;
pub mod registers;
pub mod scope;

use super::Report;
use super::text::Text;
use crate::severity::Severity;
use cards::{Card, Limits};
use front::Front;

/// On every printed page.
pub const CLASSIFICATION: &str =
    "Confidential – contains system activity that may identify patients or staff";

/// What the report is called.
pub const TITLE: &str = "HIPAA activity review";

/// The provision that the report serves.
pub const PROVISION: &str = "45 CFR 164.308(a)(1)(ii)(D), information system activity review";

/// A report, ready to be laid out.
#[derive(Debug)]
pub struct Document {
    pub front: Front,
    pub sections: Vec<Section>,
}

/// A part of the document with a heading, which links and the crosswalk name by its anchor.
#[derive(Debug)]
pub struct Section {
    pub anchor: &'static str,
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

/// What stands below each other.
#[derive(Debug)]
pub enum Block {
    /// A heading below that of the section, with its anchor.
    Heading(&'static str, Option<&'static str>),
    Subheading(Text),
    /// What the section is about.
    Lead(Text),
    Paragraph(Text),
    Aside(Text),
    /// Says what is left out, and where it is.
    Notice(Text),
    List {
        ordered: bool,
        items: Vec<Text>,
    },
    Facts(Vec<Fact>),
    Sum {
        whole: (u64, &'static str),
        parts: Vec<(u64, &'static str)>,
    },
    Table(Table),
    Chart(activity::Chart),
    Card(Box<Card>),
    /// A command for a shell.
    Command(String),
    /// Questions of an audit, and the sections that answer them.
    Crosswalk(Vec<crosswalk::Inquiry>),
}

/// A name with what is to be said of it.
#[derive(Debug)]
pub struct Fact {
    pub name: &'static str,
    pub lines: Vec<Text>,
}

impl Fact {
    pub fn new(name: &'static str, line: impl Into<Text>) -> Self {
        Self {
            name,
            lines: vec![line.into()],
        }
    }
}

/// Rows below a head. The first cell of a row names it.
#[derive(Debug)]
pub struct Table {
    /// What it lists, for those who do not see it.
    pub summary: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// How wide it is in relation to the others.
    pub share: f32,
    pub is_number: bool,
}

/// A row of a table.
#[derive(Debug)]
pub enum Row {
    /// A cell for each column, in lines.
    Cells {
        cells: Vec<Vec<Text>>,
        /// A line below the cells, over the whole width.
        note: Option<Text>,
    },
    /// A heading for the rows below it.
    Group(Text),
}

impl Row {
    /// A row of one line a cell.
    pub fn of<const N: usize>(cells: [Text; N]) -> Self {
        Self::Cells {
            cells: cells.into_iter().map(|cell| vec![cell]).collect(),
            note: None,
        }
    }
}

/// A column of texts.
pub const fn column(title: &'static str, share: f32) -> Column {
    Column {
        title,
        share,
        is_number: false,
    }
}

/// A column of numbers.
pub const fn numbers(title: &'static str, share: f32) -> Column {
    Column {
        title,
        share,
        is_number: true,
    }
}

impl Document {
    /// Draws the document from the report, with as many cards as `limits` allow.
    pub fn new(report: &Report, limits: Limits) -> Self {
        Self {
            front: Front::new(report),
            sections: vec![
                scope::section(report),
                integrity::section(report),
                citations::section(report),
                findings::needs_decision(report, limits),
                cards::section(report, limits),
                findings::others(report),
                registers::section(report),
                registers::carried_over(report),
                activity::section(report),
                method::section(report),
                method::limits(report),
                method::terms(),
                // the last, because it names the pages of all others
                crosswalk::section(),
            ],
        }
    }
}

/// The words for a level's own part of a table or list.
pub(super) fn level(level: Severity) -> Text {
    Text::new().with(super::text::Style::Level(level), level.as_str())
}
