//! What must hold of the document whatever the report says.

use super::canvas::Op;
use super::type_setter::{Face, Lines};
use super::*;
use crate::finding::Finding;
use crate::report::document::{Row, Table, column};
use crate::report::html::tests::{HOSTILE, finding, report, several};
use crate::report::text::Text;
use crate::severity::Severity;

fn render(report: &Report) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(report, &mut bytes).unwrap();
    bytes
}

fn drawn(lines: &Lines) -> String {
    let runs = lines.lines.iter().flat_map(|line| &line.runs);
    let glyphs = runs.flat_map(|run| &run.glyphs);
    assert!(glyphs.clone().all(|glyph| glyph.id != 0), "{}", lines.text);
    glyphs
        .map(|glyph| lines.text.get(glyph.range()).unwrap())
        .collect()
}

#[test]
fn whatever_a_text_holds_every_glyph_is_there_and_reads_from_left_to_right() {
    let mut set = TypeSetter::new().unwrap();
    let texts = [
        ("plain név Ωμέγα Привет", "plain név Ωμέγα Привет"),
        ("to\u{202e}gpj.exe\u{0}", "to\u{fffd}gpj.exe\u{fffd}"),
        ("שלום", "[U+05E9][U+05DC][U+05D5][U+05DD]"),
        ("a😀b👩‍⚕️", "a[U+1F600]b[U+1F469]\u{fffd}[U+2695]\u{fe0f}"),
        ("患者", "[U+60A3][U+8005]"),
    ];
    for (text, expected) in texts {
        for face in [Face::new(9.0), Face::new(9.0).bold(), Face::new(9.0).mono()] {
            let lines = set.set(&Text::from(text), face, 400.0);
            let expected = expected.replace('\u{fe0f}', "");
            let drawn = drawn(&lines).replace('\u{fe0f}', "");
            assert_eq!(drawn.replace("[U+FE0F]", ""), expected);
        }
    }
}

#[test]
fn a_word_of_any_length_stays_within_its_column() {
    let mut set = TypeSetter::new().unwrap();
    let long = "x".repeat(256 << 10);
    let lines = set.set(&Text::new().code(&long), Face::new(8.0), 90.0);
    assert!(lines.lines.len() > 20);
    assert!(lines.lines.iter().all(|line| line.width <= 90.5));
    assert!(lines.text.ends_with('…'));
}

#[test]
fn the_same_report_gives_the_same_bytes_and_declares_what_it_is() {
    let report = report(several());
    let bytes = render(&report);
    assert_eq!(render(&report), bytes);
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let holds = |mark: &str| memchr::memmem::find(&bytes, mark.as_bytes()).is_some();
    for mark in [
        "<pdfaid:part>3</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
        "/StructTreeRoot",
        "/Outlines",
        "findings.json",
    ] {
        assert!(holds(mark), "{mark}");
    }
    for mark in ["/JavaScript", "/Launch", "/URI", "/SubmitForm"] {
        assert!(!holds(mark), "{mark}");
    }
}

/// Krilla refuses to finish a document that breaks what it declares, so that a hostile value would show as
/// an error here.
#[test]
fn hostile_values_make_a_sound_document() {
    let hostile = [
        HOSTILE,
        "\u{feff}=1+1",
        "(\\) endobj %%EOF",
        "患\u{202e}😀\u{e000}",
    ]
    .concat();
    let tall = "y".repeat(1_000);
    let worst = Finding {
        title: hostile.clone(),
        resource: tall.clone(),
        why: hostile.repeat(40),
        response: vec![tall; 60],
        calls: (0..40)
            .map(|at| (format!("{hostile}{at}"), Default::default()))
            .collect(),
        accounts: (0..900).map(|at| format!("{at:0>200}")).collect(),
        ..finding(&hostile, Severity::Critical, &hostile)
    };
    let mut report = report(vec![worst]);
    report.provenance.organization = hostile.clone();
    report.provenance.command = hostile.repeat(40);
    report.provenance.source = hostile;
    assert!(render(&report).starts_with(b"%PDF-1.7"));
}

/// The pages on which a word of each row stands, and how often the head does.
fn pages_of(rows: Vec<Row>) -> (Vec<Vec<usize>>, usize) {
    let table = Table {
        summary: "rows",
        columns: vec![column("HEAD", 1.0), column("Other", 1.0)],
        rows,
    };
    let mut canvas = Canvas::new(TypeSetter::new().unwrap());
    table::draw(&mut canvas, &table, (LEFT, WIDTH), 0);
    let mut pages = vec![Vec::new(); table.rows.len()];
    let mut heads = 0;
    for (page, ops) in canvas.pages.iter().enumerate() {
        for op in ops {
            let Op::Text {
                y, lines, range, ..
            } = op
            else {
                continue;
            };
            let height: f32 = lines.lines[range.clone()]
                .iter()
                .map(|one| one.height)
                .sum();
            assert!(*y >= TOP && y + height <= BOTTOM + 0.1, "{y} {height}");
            heads += usize::from(lines.text == "HEAD");
            let row = lines.text.strip_prefix("row ");
            let row = row.and_then(|text| text.split(' ').next()?.parse::<usize>().ok());
            if let Some(row) = row {
                pages[row].extend(range.clone().map(|_| page));
            }
        }
    }
    assert_eq!(heads, canvas.pages.len(), "a head on every page");
    (pages, canvas.pages.len())
}

#[test]
fn a_table_repeats_its_head_and_splits_no_row_that_fits_on_a_page() {
    let words = |row: usize, count| format!("row {row} {}", "word ".repeat(count));
    let row = |row, count| Row::of([Text::from(words(row, count)), Text::from("x")]);
    let (pages, count) = pages_of((0..90).map(|at| row(at, 1 + at % 120)).collect());
    assert!(count > 5, "{count}");
    for (at, lines) in pages.iter().enumerate() {
        assert!(!lines.is_empty(), "row {at}");
        assert!(
            lines.iter().all(|page| *page == lines[0]),
            "row {at}: {lines:?}"
        );
    }
    // twelve texts of a thousand characters are taller than a page
    let tall = (0..12).map(|_| Text::from(words(1, 190))).collect();
    let rows = vec![
        row(0, 3),
        Row::Cells {
            cells: vec![tall, vec![Text::from("x")]],
            note: None,
        },
        row(2, 3),
    ];
    let (pages, count) = pages_of(rows);
    assert!(count > 2, "{count}");
    let mut all = pages[1].clone();
    all.dedup();
    assert_eq!(
        all,
        (0..=all[all.len() - 1]).collect::<Vec<_>>(),
        "it goes on"
    );
}

#[test]
fn an_empty_report_is_a_document_as_well() {
    let mut empty = report(Vec::new());
    empty.citations.clear();
    empty.rules.clear();
    empty.activity = Default::default();
    empty.provenance.organization.clear();
    assert!(render(&empty).starts_with(b"%PDF-1.7"));
}
