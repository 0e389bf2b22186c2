//! The events a finding rests on: what the log says of each, and where to find it there.

use super::{Column, Row, Table, column};
use crate::finding::{Finding, Sample};
use crate::report::text::{Text, format_date, format_time, short, shortened};
use crate::words::{plural, thousands};

/// How much of the evidence is kept.
pub fn kept(finding: &Finding) -> Text {
    let kept = finding.samples.len() as u64;
    Text::from(match kept {
        0 => "No event of this finding was kept as a sample.".to_owned(),
        kept if kept < finding.count => format!(
            "{} of {}: the first, the last, and one for each call, result, access key and address as far as there \
             is room",
            thousands(kept),
            plural(finding.count, "event")
        ),
        kept => plural(kept, "event"),
    })
}

const EVIDENCE: [Column; 4] = [
    column("Time (UTC)", 1.0),
    column("Event", 1.45),
    column("From", 2.5),
    column("Result", 1.45),
];

pub fn table(finding: &Finding) -> Table {
    let rows = finding.samples.iter();
    Table {
        summary: "Events that the finding rests on",
        columns: EVIDENCE.to_vec(),
        rows: rows.map(|sample| sampled(sample, finding)).collect(),
    }
}

/// What happened, and where the record lies.
fn sampled(sample: &Sample, finding: &Finding) -> Row {
    let time = match sample.time {
        Some(at) => vec![Text::from(format_date(at)), Text::from(format_time(at))],
        None => vec![Text::from("undated")],
    };
    let mut event = vec![Text::new().value(&sample.event_name)];
    if !sample.target.is_empty() && sample.target != finding.resource {
        event.push(Text::new().aside("on ").value(short(&sample.target)));
    }
    if finding.actors.len() > 1 && !sample.principal.is_empty() {
        event.push(Text::new().aside("by ").value(short(&sample.principal)));
    }
    let mut caller = Text::new().code(&sample.source_ip);
    if !sample.access_key.is_empty() {
        let between = if caller.is_empty() { "key " } else { ", key " };
        caller = caller.aside(between).code(&sample.access_key);
    }
    let mut from = vec![caller];
    if !sample.user_agent.is_empty() {
        from.push(Text::new().aside(&shortened(&sample.user_agent, 60)));
    }
    let mut result = Text::from(sample.outcome.as_str());
    if !sample.error_code.is_empty() {
        result = result.plain(", ").code(&sample.error_code);
    }
    let mut result = vec![result];
    if !sample.error_message.is_empty() {
        result.push(Text::new().aside(&shortened(&sample.error_message, 160)));
    }
    let note = match sample.event_id.is_empty() {
        true => Text::from("no event id"),
        false => Text::from("event ").code(&sample.event_id),
    };
    Row::Cells {
        cells: vec![time, event, from, result],
        note: Some(
            note.plain(&format!(", record {} of ", sample.record))
                .code(&sample.object),
        ),
    }
}
