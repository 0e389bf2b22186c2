//! The report as a document, before any format: sections with headings, paragraphs, lists, tables and
//! finding cards, in the order in which a reviewer reads.
//!
//! In: a [`Report`]. Out: a [`Document`], whose words and rows the renderers lay out. What stands here says
//! the same in each of them.

pub mod activity;
pub mod cards;
pub mod citations;
pub mod crosswalk;
pub mod evidence;
pub mod findings;
pub mod front;
pub mod integrity;
pub mod method;
pub mod phi;
pub mod registers;
pub mod rules_aside;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::html::tests::{report, several};

    const LIMITS: Limits = Limits {
        severe: 200,
        all: 200,
    };

    /// Where a link or the crosswalk can lead.
    fn anchors(document: &Document) -> Vec<&'static str> {
        let of_blocks = |section: &Section| -> Vec<&'static str> {
            let blocks = section.blocks.iter();
            let anchors = blocks.filter_map(|block| match block {
                Block::Heading(_, anchor) => *anchor,
                _ => None,
            });
            anchors.chain([section.anchor]).collect()
        };
        let sections = document.sections.iter().flat_map(of_blocks);
        sections.chain([crosswalk::FRONT]).collect()
    }

    #[test]
    fn each_question_of_an_audit_is_answered_by_a_part_that_is_there() {
        let mut report = report(several());
        report.integrity = Some(crate::integrity::proof::Proof::default());
        let document = Document::new(&report, LIMITS);
        let all = anchors(&document);
        let known: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(known.len(), all.len(), "an anchor stands twice: {all:?}");
        let asked = document.sections.iter().flat_map(|one| &one.blocks);
        let asked = asked.filter_map(|block| match block {
            Block::Crosswalk(inquiries) => Some(inquiries),
            _ => None,
        });
        let mut questions = 0;
        for inquiry in asked.flatten() {
            questions += 1;
            // a report without trails has no list of them
            let anchors = inquiry.anchors.iter().filter(|one| **one != "trails");
            for anchor in anchors {
                assert!(known.contains(anchor), "{}: {anchor}", inquiry.question);
            }
        }
        assert_eq!(questions, 16);
    }

    #[test]
    fn phi_is_not_known_unless_rules_could_look_for_it() {
        let mut report = report(several());
        let phi = |report: &Report| phi::summary(report);
        report.unconfigured[0].missing = vec!["phi.buckets".into()];
        assert_eq!(phi(&report).figure, "Not known");
        assert!(phi(&report).is_alert);
        report.rules[0].is_about_phi = true;
        assert_eq!(phi(&report).figure, "No findings");
        report.rules[0].findings = 3;
        let summary = phi(&report);
        assert_eq!(summary.figure, "3");
        let lines: Vec<String> = summary.lines.iter().map(|(line, _)| line.words()).collect();
        assert_eq!(
            lines,
            [
                "3 Title of seen",
                "1 rule looked at PHI resources",
                "0 could not see all of their events",
                "1 rule waits for PHI resources to be configured",
            ]
        );
    }

    #[test]
    fn what_is_left_out_is_said_in_each_list() {
        let one = several().remove(1);
        let many = (0..3_000).map(|at| crate::finding::Finding {
            id: format!("h{at}"),
            ..one.clone()
        });
        let document = Document::new(&report(many.collect()), LIMITS);
        let notice = "Showing the first 200 of 3,000 findings; findings.csv holds all of them.";
        for anchor in ["needs-decision", "findings"] {
            let section = document.sections.iter().find(|one| one.anchor == anchor);
            let mut blocks = section.unwrap().blocks.iter();
            assert!(
                blocks.any(|block| matches!(block, Block::Notice(text) if text.words() == notice)),
                "{anchor}"
            );
        }
    }
}
