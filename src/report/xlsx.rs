//! `report.xlsx`: the report as a workbook, for a working list and for whoever asks for one.
//!
//! Every cell from a log is a text, never a formula; its characters are made visible as on the page. Heads
//! are frozen and have filters; times are dates in UTC. The columns of the findings are those of
//! `findings.csv`, the last of them the reviewer's.

mod sheets;

use std::io::{self, Write};

use rust_xlsxwriter::{
    Color, DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder,
    Workbook, Worksheet, XlsxError,
};

use super::Report;
use super::document::cards::CHOICES;
use super::document::{CLASSIFICATION, PROVISION, TITLE};
use crate::event::time::Epoch;
use crate::safe_text;
use sheets::Sheet;

/// The longest text of a cell, in characters: spreadsheets take 32,767 units, of which a character may be
/// two.
const MOST_IN_CELL: usize = 16_000;

/// Rows of a sheet: spreadsheets take 1,048,576.
const MOST_ROWS: usize = 1_000_000;

/// A value of a cell.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Count(u64),
    Time(Option<Epoch>),
}

impl Value {
    fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().to_owned())
    }
}

/// A column: its name, its width in characters, and whether people fill it in.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    width: f64,
    is_reviewer: bool,
}

const fn column(name: &'static str, width: f64) -> Column {
    Column {
        name,
        width,
        is_reviewer: false,
    }
}

/// Writes the workbook.
///
/// # Errors
/// `out` takes no more.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let bytes = workbook(report).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let from = &report.provenance;
    let organization = safe_text::line(&from.organization, 200);
    // a time beyond what a spreadsheet knows is on the first sheet as a text
    let created = time(from.created.unwrap_or_default()).or_else(|_| time(0))?;
    let about = DocProperties::new()
        .set_title(format!("{TITLE} {}", report.id()))
        .set_subject(PROVISION)
        .set_company(organization)
        .set_comment(CLASSIFICATION)
        .set_creation_datetime(&created);
    book.set_properties(&about);
    let formats = Formats::new();
    for sheet in sheets::all(report) {
        add(&mut book, &formats, &sheet)?;
    }
    book.save_to_buffer()
}

struct Formats {
    head: Format,
    reviewer_head: Format,
    text: Format,
    reviewer: Format,
    count: Format,
    time: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_align(FormatAlign::Top).set_font_size(10);
        let head = cell()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(0x000f_4c64))
            .set_align(FormatAlign::VerticalCenter)
            .set_border_bottom(FormatBorder::Thin);
        Self {
            reviewer_head: head.clone().set_background_color(Color::RGB(0x007a_6200)),
            head,
            // what is typed into it later stays a text as well
            text: cell().set_text_wrap().set_quote_prefix(),
            reviewer: cell()
                .set_text_wrap()
                .set_background_color(Color::RGB(0x00ff_f8e1)),
            count: cell().set_num_format("#,##0"),
            time: cell().set_num_format("yyyy-mm-dd hh:mm:ss"),
        }
    }
}

fn add(book: &mut Workbook, formats: &Formats, sheet: &Sheet) -> Result<(), XlsxError> {
    let page = book.add_worksheet();
    page.set_name(sheet.name)?;
    page.set_landscape();
    page.set_paper_size(1);
    page.set_print_fit_to_pages(1, 0);
    page.set_footer(format!("&L&8{CLASSIFICATION}&R&8Page &P of &N"));
    for (at, column) in (0u16..).zip(&sheet.columns) {
        let format = match column.is_reviewer {
            true => &formats.reviewer_head,
            false => &formats.head,
        };
        page.write_string_with_format(0, at, column.name, format)?;
        page.set_column_width(at, column.width)?;
    }
    page.set_row_height(0, 20)?;
    page.set_freeze_panes(1, sheet.frozen)?;
    page.set_repeat_rows(0, 0)?;
    let mut last = 0;
    for (line, row) in (1u32..).zip(sheet.rows.iter().take(MOST_ROWS)) {
        last = line;
        for ((at, value), column) in (0u16..).zip(row).zip(&sheet.columns) {
            put(page, (line, at), value, (column, formats))?;
        }
    }
    let columns = u16::try_from(sheet.columns.len()).unwrap_or(1);
    // a filter needs a row to filter
    page.autofilter(0, 0, last.max(1), columns - 1)?;
    if let Some(at) = (0u16..)
        .zip(&sheet.columns)
        .find_map(|(at, column)| (column.name == "disposition").then_some(at))
        && last > 0
    {
        let choices = DataValidation::new().allow_list_strings(&CHOICES)?;
        page.add_data_validation(1, at, last, at, &choices)?;
    }
    if let Some(notice) = &sheet.notice {
        page.write_string_with_format(last.max(1) + 1, 0, notice, &formats.text)?;
    }
    Ok(())
}

fn put(
    page: &mut Worksheet,
    (line, at): (u32, u16),
    value: &Value,
    (column, formats): (&Column, &Formats),
) -> Result<(), XlsxError> {
    match value {
        _ if column.is_reviewer => page.write_blank(line, at, &formats.reviewer)?,
        Value::Text(text) => {
            let text = safe_text::line(text, MOST_IN_CELL);
            page.write_string_with_format(line, at, text, &formats.text)?
        }
        Value::Count(count) => {
            page.write_number_with_format(line, at, *count as f64, &formats.count)?
        }
        Value::Time(None) => page.write_string_with_format(line, at, "", &formats.text)?,
        // years that a spreadsheet does not know are written as texts
        Value::Time(Some(at_time)) => match time(*at_time) {
            Ok(time) => page.write_datetime_with_format(line, at, &time, &formats.time)?,
            Err(_) => {
                let text = crate::event::time::iso(*at_time);
                page.write_string_with_format(line, at, text, &formats.text)?
            }
        },
    };
    Ok(())
}

fn time(at: Epoch) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_timestamp(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::report::html::tests::{HOSTILE, finding, report, several};
    use crate::severity::Severity;

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        let report = report(several());
        let render = || {
            let mut bytes = Vec::new();
            write(&report, &mut bytes).unwrap();
            bytes
        };
        let bytes = render();
        assert!(bytes.starts_with(b"PK"));
        assert_eq!(render(), bytes);
    }

    #[test]
    fn values_of_any_length_and_time_have_a_cell() {
        let long = "😀".repeat(256 << 10);
        let worst = Finding {
            title: long.clone(),
            resource: HOSTILE.into(),
            first: Some(i64::from(i32::MIN)),
            last: Some(1 << 40),
            ..finding("x", Severity::High, &long)
        };
        let mut report = report(vec![worst]);
        report.provenance.organization = long;
        report.provenance.created = Some(1 << 45);
        write(&report, &mut Vec::new()).unwrap();
    }
}
