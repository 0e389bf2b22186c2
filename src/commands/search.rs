//! `trailscan search`: the events that fit a question, in the order of time.

use anyhow::{Context as _, bail};
use csv::Writer;

use super::session::{Request, Scan, Session};
use super::verdict::Outcome;
use super::{Exit, note, print, print_fitted};
use crate::cli::{EventChoice, OutcomeChoice, Search, SearchFormat};
use crate::detect::Detector;
use crate::finding;
use crate::rules::load::RuleText;
use crate::rules::{RuleSet, load};
use crate::safe_text::{Cell, TerminalText, put, text};
use crate::search::{COLUMNS, Line, Question, record_line, short_principal, short_source};
use crate::tally::StoredRecord;
use crate::words::{plural, thousands};

/// How many problems of reading are printed.
const MOST_PROBLEMS: usize = 10;

/// What is said if a temporary file fails.
pub(super) const LOST: &str = "events that were found could not be read back";

/// How many events a table shows by default.
const IN_TABLE: usize = 100;

/// How many bytes are gathered before they are printed.
const AT_ONCE: usize = 1 << 16;

pub(super) fn run(arguments: &Search) -> anyhow::Result<Exit> {
    let session = Session::open(Request::from(arguments))?;
    let rules = rules(&session, &[question(&arguments.events).rule()?])?;
    let found = session.find()?;
    let detector = Detector::new(&rules, &session.config.organization);
    let detector = match arguments.count {
        true => detector,
        false => detector.keeping_records(),
    };
    let limit = match (arguments.limit, arguments.format) {
        (Some(0), _) => None,
        (Some(limit), _) => Some(limit),
        (None, SearchFormat::Table) => Some(IN_TABLE),
        (None, _) => None,
    };
    let mut scan = session.detect(found, &detector, limit);
    let tally = &mut scan.tally;
    let matches = tally.matches.first().copied().unwrap_or_default();
    let mut shown = 0;
    if arguments.count {
        print(&text!("{}\n", matches))?;
    } else {
        let records = std::mem::take(&mut tally.records).finish();
        let mut output = Output::new(arguments.format);
        for record in records.iter() {
            let record = record.context(LOST)?;
            let object = tally.object_name(record.object);
            output.add(&record, object)?;
            shown += 1;
        }
        output.finish()?;
    }
    if !arguments.quiet {
        note(&text!(
            "{} of {} match{}",
            plural(matches, "event"),
            thousands(tally.coverage.records.evaluated),
            match matches.saturating_sub(shown) {
                more if more > 0 && !arguments.count =>
                    format!("; {} more are not shown: see --limit", thousands(more)),
                _ => String::new(),
            }
        ));
        note_problems(&scan);
        session.warn_of_regions();
    }
    Ok(Outcome::of_scan(&scan).verdict())
}

/// Loads the rules of a question. A fault in them is one of `--where`.
pub(super) fn rules(session: &Session<'_>, texts: &[RuleText]) -> anyhow::Result<RuleSet> {
    let rules = load::load(texts, &session.config.rules);
    if let Some(bad) = rules.rejected.first() {
        bail!("the search cannot be made: {}", bad.reason);
    }
    if let Some(waiting) = rules.unconfigured.first() {
        bail!("--where: {}", waiting.how_to_enable());
    }
    Ok(rules)
}

/// Names the first objects that were not read, or not whole.
pub(super) fn note_problems(scan: &Scan) {
    for problem in scan.tally.coverage.problems.iter().take(MOST_PROBLEMS) {
        note(&text!("not read: {}: {}", problem.object, problem.what));
    }
}

pub(super) fn question(events: &EventChoice) -> Question {
    let outcome = |choice: &OutcomeChoice| match choice {
        OutcomeChoice::Success => finding::Outcome::Success,
        OutcomeChoice::Denied => finding::Outcome::Denied,
        OutcomeChoice::Failed => finding::Outcome::Failed,
    };
    Question {
        principals: events.principal.clone(),
        access_keys: events.access_key.clone(),
        addresses: events.ip.clone(),
        user_agents: events.user_agent.clone(),
        events: events.event_name.clone(),
        services: events.service.clone(),
        resources: events.resource.clone(),
        outcomes: events.outcome.iter().map(outcome).collect(),
        errors: events.error_code.clone(),
        event_ids: events.event_id.clone(),
        texts: events.text.clone(),
        detection: events.detection.clone(),
        callers_only: false,
    }
}

/// Events on their way to standard output.
struct Output {
    format: SearchFormat,
    text: TerminalText,
    is_first: bool,
}

impl Output {
    const fn new(format: SearchFormat) -> Self {
        Self {
            format,
            text: TerminalText::new(),
            is_first: true,
        }
    }

    fn add(&mut self, record: &StoredRecord, object: String) -> anyhow::Result<()> {
        let is_first = std::mem::take(&mut self.is_first);
        match self.format {
            SearchFormat::Raw => self.text.push(&TerminalText::json(&record_line(record))),
            SearchFormat::Jsonl => {
                let line = serde_json::to_string(&Line::new(record, object))?;
                self.text.push(&TerminalText::json(&line));
            }
            SearchFormat::Csv => {
                if is_first {
                    self.cells(COLUMNS.map(str::to_owned))?;
                }
                self.cells(Line::new(record, object).cells())?;
            }
            SearchFormat::Table => {
                let line = Line::new(record, object);
                put!(
                    self.text,
                    "{}  {:<7}  {} {}  {}  {}  {}",
                    line.time,
                    line.outcome,
                    short_source(&line.event_source),
                    line.event_name,
                    short_principal(&line.principal),
                    line.source_ip,
                    line.target
                );
            }
        }
        if self.format != SearchFormat::Csv {
            put!(self.text, "\n");
        }
        if self.text.as_str().len() >= AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn cells(&mut self, cells: [String; COLUMNS.len()]) -> anyhow::Result<()> {
        let mut writer = Writer::from_writer(Vec::new());
        writer.write_record(cells.iter().map(|cell| Cell::new(cell)))?;
        let bytes = writer.into_inner().map_err(std::io::Error::other)?;
        self.text
            .push(&TerminalText::lines(&String::from_utf8_lossy(&bytes)));
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let text = std::mem::take(&mut self.text);
        match self.format {
            SearchFormat::Table => print_fitted(&text),
            _ => print(&text),
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.flush()
    }
}
