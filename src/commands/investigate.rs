//! `trailscan investigate`: the chain of an attack, from any of its events.

use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, Utc};
use csv::Writer;
use serde_json::Value;

use super::output::{Folder, Kind};
use super::search::{LOST, note_problems, question, rules};
use super::session::{Request, Scan, Session};
use super::verdict::Outcome;
use super::{Exit, note, print, print_fitted};
use crate::cli::{Investigate, InvestigateFormat};
use crate::config::Config;
use crate::coverage::EventClass;
use crate::detect::Detector;
use crate::investigate::{self, Chain, Investigation, first_pass, last_pass, summary};
use crate::report::output::Output;
use crate::rules::RuleSet;
use crate::safe_text::{Cell, TerminalText, text};
use crate::search::Question;
use crate::source::Source;
use crate::tally::Tally;
use crate::words::{plural, thousands};

pub(super) fn run(arguments: &Investigate) -> anyhow::Result<Exit> {
    let mut session = Session::open(Request::from(arguments))?;
    if session.source == Source::Stdin {
        bail!("standard input can be read only once: save it to a file, and name the file");
    }
    let folder = match &arguments.out {
        Some(out) => Some(Folder::open(out, Kind::Proof, arguments.force)?),
        None => None,
    };
    let mut asked = Question {
        callers_only: true,
        ..question(&arguments.events)
    };
    if let (Some(id), Some(report)) = (&arguments.finding, &arguments.report) {
        asked.principals.extend(actors(report, id)?);
    }
    if let [event, time] = arguments.around.as_slice() {
        around(&mut session, event, time, &mut asked)?;
    }
    let selected = asked.rule()?;
    let set = rules(&session, &investigate::rules(selected.clone()))?;
    let mut scan = pass(&session, &set, true)?;
    let tally = &mut scan.tally;
    let mut records = std::mem::take(&mut tally.records).finish();
    let rows = tally.usages.rows(&tally.names, &tally.source_ips);
    let mut chain = Chain::default();
    let name = |object| tally.object_name(object);
    first_pass(&mut chain, &records, &rows, &name).context(LOST)?;
    // what the chain did besides what was asked for is known only now
    let second = match chain.rule() {
        None => None,
        Some(more) => {
            let [selected, issues, changes] = investigate::rules(selected);
            let set = rules(&session, &[selected, issues, changes, more])?;
            let mut again = pass(&session, &set, false)?.tally;
            records = std::mem::take(&mut again.records).finish();
            Some(again)
        }
    };
    let of_names = second.as_ref().unwrap_or(tally);
    let name = |object| of_names.object_name(object);
    let phi = phi(&session.config);
    let mut found = last_pass(&chain, &records, &rows, &phi, &name).context(LOST)?;
    found.question = words(arguments);
    found.source = session.source.to_string();
    found.limits = limits(tally);
    if let Some(folder) = folder {
        let files = write(folder, &found, arguments.objects)?;
        if !arguments.quiet {
            note(&text!("written: {}", files.join("  ")));
        }
    }
    match arguments.format {
        InvestigateFormat::Text => print_fitted(&summary(&found))?,
        InvestigateFormat::Json => {
            let json = serde_json::to_string_pretty(&found)?;
            print(&text!("{}\n", TerminalText::json(&json)))?;
        }
    }
    if !arguments.quiet {
        note(&text!(
            "{} of {} belong to it",
            plural(found.events, "event"),
            thousands(tally.coverage.records.evaluated)
        ));
        note_problems(&scan);
        session.warn_of_regions();
    }
    Ok(Outcome::of_scan(&scan).verdict())
}

/// Reads the source once. `usage` tells whether it is kept who called from where.
fn pass(session: &Session<'_>, rules: &RuleSet, usage: bool) -> anyhow::Result<Scan> {
    let detector = Detector::new(rules, &session.config.organization).keeping_records();
    let detector = match usage {
        true => detector.keeping_usage(),
        false => detector,
    };
    Ok(session.detect(session.find()?, &detector, None))
}

/// Writes the files of the answer; returns their paths.
fn write(folder: Folder, found: &Investigation, with_objects: bool) -> anyhow::Result<Vec<String>> {
    let mut files = vec![
        folder.stream("investigation.json", |out| {
            Ok(serde_json::to_writer_pretty(out, found)?)
        })?,
        folder.stream("timeline.csv", |out| timeline(found, out))?,
    ];
    if with_objects {
        files.push(folder.stream("objects.csv", |out| objects(found, out))?);
    }
    folder.publish()?;
    Ok(files)
}

/// The actors of a finding in a stored report.
fn actors(folder: &Path, id: &str) -> anyhow::Result<Vec<String>> {
    let path = folder.join(Output::Findings.file());
    let text = crate::small_file::read(&path, 1 << 30)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let stored: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no findings.json of a report", path.display()))?;
    let findings = stored.get("findings").and_then(Value::as_array);
    let named = |finding: &&Value| {
        let own = finding.get("id").and_then(Value::as_str);
        own.is_some_and(|own| own.starts_with(id))
    };
    let found: Vec<&Value> = findings.into_iter().flatten().filter(named).collect();
    let [finding] = found.as_slice() else {
        bail!(
            "--finding {id}: {} findings of {} have an ID that begins so; one is needed",
            found.len(),
            path.display()
        );
    };
    let texts = |name: &str| -> Vec<String> {
        let values = finding.get(name).and_then(Value::as_array);
        let texts = values.into_iter().flatten().filter_map(Value::as_str);
        texts
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut actors = texts("actors");
    if let Some(actor) = finding.get("actor").and_then(Value::as_str)
        && actors.is_empty()
    {
        actors.push(actor.to_owned());
    }
    if actors.is_empty() {
        bail!("--finding {id}: the finding names no actor; use --ip, --access-key or --resource");
    }
    Ok(actors)
}

/// Narrows the window to the time around an event, and asks for its caller if nothing else is asked for.
fn around(
    session: &mut Session<'_>,
    event: &str,
    time: &str,
    asked: &mut Question,
) -> anyhow::Result<()> {
    let span =
        crate::cli::parse_span(time).map_err(|error| anyhow::anyhow!("--around: {error}"))?;
    let only = Question {
        event_ids: vec![event.to_owned()],
        ..Question::default()
    };
    let set = rules(session, &[only.rule()?])?;
    let mut tally = pass(session, &set, false)?.tally;
    let records = std::mem::take(&mut tally.records).finish();
    let first = records.iter().next().transpose().context(LOST)?;
    let Some(record) = first else {
        bail!("--around: no event in these logs has the ID {event}");
    };
    let Some(time) = record
        .time
        .and_then(|time| DateTime::<Utc>::from_timestamp(time, 0))
    else {
        bail!("--around: the event {event} has no time");
    };
    let (from, until) = (time - span, time + span + Duration::seconds(1));
    let scope = &mut session.scope;
    scope.since = Some(scope.since.map_or(from, |since| since.max(from)));
    scope.until = Some(scope.until.map_or(until, |end| end.min(until)));
    if *asked
        == (Question {
            callers_only: true,
            ..Question::default()
        })
    {
        let line = crate::search::Line::new(&record, String::new());
        match line.principal.is_empty() {
            true => asked.event_ids.push(event.to_owned()),
            false => asked.principals.push(line.principal),
        }
    }
    Ok(())
}

/// The patterns of names that hold ePHI.
fn phi(config: &Config) -> Vec<String> {
    let tables = config.rules.placeholders.iter();
    let phi = tables.filter(|(name, _)| name.starts_with("phi_"));
    phi.flat_map(|(_, values)| values.clone()).collect()
}

/// What was asked for, as typed.
fn words(arguments: &Investigate) -> String {
    let events = &arguments.events;
    let mut words = Vec::new();
    let lists = [
        ("--principal", &events.principal),
        ("--access-key", &events.access_key),
        ("--ip", &events.ip),
        ("--user-agent", &events.user_agent),
        ("--event-name", &events.event_name),
        ("--service", &events.service),
        ("--resource", &events.resource),
        ("--error-code", &events.error_code),
        ("--event-id", &events.event_id),
        ("--text", &events.text),
        ("--around", &arguments.around),
    ];
    for (option, values) in lists {
        for value in values {
            words.push(format!("{option} {value}"));
        }
    }
    words.extend(
        events
            .outcome
            .iter()
            .map(|outcome| format!("--outcome {outcome:?}").to_lowercase()),
    );
    words.extend(events.detection.iter().map(|one| format!("--where {one}")));
    words.extend(
        arguments
            .finding
            .iter()
            .map(|one| format!("--finding {one}")),
    );
    words.join(" ")
}

/// What these logs cannot tell.
fn limits(tally: &Tally) -> Vec<String> {
    let mut limits = Vec::new();
    let is_object = |class: &EventClass| {
        matches!(class,
        EventClass::DataRead(kind) | EventClass::DataWrite(kind) if kind == "AWS::S3::Object")
    };
    if !tally.coverage.seen.iter().any(is_object) {
        limits.push(
            "These logs hold no S3 data events: reads, uploads and deletions of objects cannot be seen."
                .to_owned(),
        );
    }
    let incomplete = !tally.coverage.is_complete();
    if incomplete {
        limits.push(
            "Some logs could not be read: calls may be missing from all of the above.".to_owned(),
        );
    }
    limits.push(
        "A DeleteObjects call does not name the objects that it deleted. What a database, an instance or an \
         application did inside is not recorded. Calls before and after the window are not in it. \
         `trailscan verify` and `trailscan coverage` say whether logs are missing."
            .to_owned(),
    );
    limits
}

fn timeline(found: &Investigation, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut writer = Writer::from_writer(out);
    writer.write_record([
        "first",
        "last",
        "count",
        "outcome",
        "writes",
        "event_source",
        "event_name",
        "principal",
        "access_key",
        "source_ip",
        "target",
        "error_code",
        "account",
        "region",
        "event_id",
        "object",
        "record",
    ])?;
    for entry in &found.timeline {
        let cells = [
            entry.first.clone(),
            entry.last.clone(),
            entry.count.to_string(),
            entry.outcome.to_owned(),
            entry.writes.to_string(),
            entry.event_source.clone(),
            entry.event_name.clone(),
            entry.principal.clone(),
            entry.access_key.clone(),
            entry.source_ip.clone(),
            entry.target.clone(),
            entry.error_code.clone(),
            entry.account.clone(),
            entry.region.clone(),
            entry.event_id.clone(),
            entry.object.clone(),
            entry.record.to_string(),
        ];
        writer.write_record(cells.iter().map(|cell| Cell::new(cell)))?;
    }
    writer.flush()
}

fn objects(found: &Investigation, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut writer = Writer::from_writer(out);
    writer.write_record(["bucket", "key"])?;
    for (bucket, keys) in &found.objects {
        for key in keys {
            writer.write_record([Cell::new(bucket), Cell::new(key)])?;
        }
    }
    writer.flush()
}
