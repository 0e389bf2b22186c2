//! What can be said of each citation, in the words auditors work by.

use super::{Block, Column, Row, Section, Table, column};
use crate::assess::{CitationState, State};
use crate::report::Report;
use crate::report::text::{Text, levels};

/// What the states mean.
pub const LEAD: &str = "45 CFR part 164, the standards and specifications that a rule of this run speaks to. \
     The state is about the covered data only; whether a safeguard is in place is for people to judge. \
     Addressable does not mean optional: an alternative has to be documented (164.306(d)(3)).";

const COLUMNS: [Column; 5] = [
    column("Citation", 2.6),
    column("State", 1.2),
    column("Findings", 1.3),
    column("Rules assessed", 1.0),
    column("What CloudTrail cannot show", 2.6),
];

pub fn section(report: &Report) -> Section {
    let mut lead = Text::from(LEAD);
    if let Some(unknown) = report.completeness.unknown_hours() {
        lead = lead.plain(&format!(
            " Covered are the hours with logs and those proven quiet: {unknown}."
        ));
    }
    let table = match report.citations.is_empty() {
        true => Block::Paragraph("No rule of this run speaks to a citation.".into()),
        false => Block::Table(Table {
            summary: "Citations with their state and findings",
            columns: COLUMNS.to_vec(),
            rows: report.citations.iter().map(row).collect(),
        }),
    };
    Section {
        anchor: "citations",
        title: "By citation",
        blocks: vec![Block::Lead(lead), table],
    }
}

fn row(one: &CitationState) -> Row {
    let citation = one.citation;
    let state = match one.state {
        State::FindingsOpen => Text::new().alert(one.state.as_str()),
        _ => Text::from(one.state.as_str()),
    };
    let counts = one.findings.iter().rev();
    let findings = match one.findings.is_empty() {
        true => "–".to_owned(),
        false => levels(counts.map(|(level, count)| (*level, *count))),
    };
    let mut rules = vec![Text::from(format!(
        "{} of {}",
        one.rules_assessed, one.rules
    ))];
    if one.rules_partly > 0 {
        rules.push(Text::new().aside(&format!("{} partly", one.rules_partly)));
    }
    Row::Cells {
        cells: vec![
            vec![
                Text::new().strong(citation.section),
                Text::from(citation.title),
                Text::new().aside(citation.class.as_str()),
            ],
            vec![state],
            vec![Text::from(findings)],
            rules,
            vec![Text::new().aside(citation.limits)],
        ],
        note: None,
    }
}
