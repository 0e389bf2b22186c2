//! `trailscan rules explain`: the condition of a rule, part by part, over one event.

mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{Exit, named, print, print_fitted};
use crate::cli::{ExplainFormat, ExplainRule};
use crate::commands::rule_set;
use crate::config::Config;
use crate::decode::Decoder;
use crate::derive::{Organization, identity, target};
use crate::event::{Event, Key};
use crate::report::visible::visible;
use crate::rules::explain::{Explained, derived, explain};
use crate::rules::{Correlation, Field, Measure, Rule, RuleKind, RuleSet};
use crate::safe_text::TerminalText;
use crate::severity::Severity;
use crate::words::exact_duration;
pub(super) use tree::tree;

/// The most MiB a file may inflate to.
const CAP: u64 = 256;

/// A rule with one event before it. The field names are those of `--format json`, which the README
/// describes; a field is never renamed or removed without another schema.
#[derive(Debug, Serialize)]
struct Explanation {
    rule: String,
    id: String,
    title: String,
    level: Severity,
    /// Whether the rule matches; `None` if one event does not decide: for a correlation, and for a
    /// rule that finds what is new, where the rest of it matches.
    matches: Option<bool>,
    /// The search identifiers that hold, whatever the whole condition says.
    matched: Vec<String>,
    /// The parts that the answer depends on: search identifiers of a match, tests of a miss.
    decided_by: Vec<String>,
    /// Every derived field that the rule reads, with its value in this event.
    derived: BTreeMap<&'static str, Option<String>>,
    /// Whom and what a finding would name.
    actor: String,
    resource: String,
    /// Of a rule that a correlation watches: the values by which it groups this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<BTreeMap<String, String>>,
    condition: Option<Explained>,
    /// Of a rule that finds what is new: what must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<Pair>,
    /// Of a correlation: what it counts, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    counts: String,
    /// Of a correlation: the rules it watches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watches: Vec<Self>,
}

/// Who and what must not have seen before.
#[derive(Debug, Serialize)]
struct Pair {
    what: &'static str,
    actor: String,
    /// Empty where the actor alone is meant; `None` if the event has no value, so that it can never
    /// be new.
    value: Option<String>,
}

impl Pair {
    fn of(rule: &Rule, event: &Event<'_>, organization: &Organization) -> Option<Self> {
        let what = rule.first_seen?;
        let values = what
            .fields()
            .iter()
            .map(|field| {
                let value = field.text(event, organization);
                (!value.is_empty()).then_some(value)
            })
            .collect::<Option<Vec<_>>>();
        Some(Self {
            what: what.as_str(),
            actor: match &rule.actor {
                Some(field) => field.text(event, organization),
                None => identity::actor(event).into_owned(),
            },
            value: values.map(|values| values.join(" ")),
        })
    }

    fn in_words(&self) -> String {
        let actor = visible(&self.actor);
        match self.value.as_deref() {
            None => format!("never: it has no {}", self.what),
            Some("") => format!("if {actor} was never seen before"),
            Some(value) => format!(
                "if {actor} was never seen with {} {}",
                self.what,
                visible(value)
            ),
        }
    }
}

/// The event that is explained.
#[derive(Debug, Serialize)]
struct Subject {
    file: String,
    record: u32,
    event_id: String,
    event_time: String,
    event_source: String,
    event_name: String,
    error_code: String,
}

impl Subject {
    fn of(file: &str, record: u32, event: &Event<'_>) -> Self {
        let text = |key| event.text(key).into_owned();
        Self {
            file: file.to_owned(),
            record,
            event_id: text(Key::EventId),
            event_time: text(Key::EventTime),
            event_source: text(Key::EventSource),
            event_name: text(Key::EventName),
            error_code: text(Key::ErrorCode),
        }
    }

    /// The event in one line.
    fn in_words(&self) -> String {
        let error = match self.error_code.as_str() {
            "" => String::new(),
            code => format!(" ({})", visible(code)),
        };
        format!(
            "Event {}: {} {} at {}{error}",
            visible(&self.event_id),
            visible(&self.event_source),
            visible(&self.event_name),
            visible(&self.event_time),
        )
    }
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    event: Subject,
    #[serde(flatten)]
    explanation: Explanation,
}

pub(super) fn run(arguments: &ExplainRule) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.choice.config.as_deref())?;
    let rules = rule_set::load(&arguments.choice.from, &config)?;
    let rule = named(&rules, &arguments.rule)?;
    let (file, record) = place(&arguments.event)?;
    let bytes = read(file)?;
    let wanted = RecordSelector {
        record,
        id: arguments.event_id.as_deref(),
    };
    let (mut count, mut made) = (0, None);
    Decoder::new(CAP)
        .decode(&bytes, &mut |at, event| {
            count += 1;
            if made.is_none() && wanted.is(at, event) {
                made = Some((
                    Subject::of(file, at, event),
                    explanation(rule, event, &rules, &config.organization),
                ));
            }
        })
        .with_context(|| file.to_owned())?;
    let Some((subject, explanation)) = made else {
        bail!("{file}: {}", wanted.unmatched(count));
    };
    if wanted.is_open() && count > 1 {
        let last = count - 1;
        bail!(
            "{file} holds {count} records: name one {}with --event-id ID",
            match file {
                "-" => String::new(),
                file => format!("as {file}#N (0 to {last}) or "),
            }
        );
    }
    let document = Document {
        schema: "trailscan.explanation/1",
        event: subject,
        explanation,
    };
    match arguments.format {
        ExplainFormat::Text => print_fitted(&TerminalText::lines(&format!(
            "{}\n{}",
            document.event.in_words(),
            text(&document.explanation, 0)
        )))?,
        ExplainFormat::Json => print(&TerminalText::json(&format!(
            "{}\n",
            serde_json::to_string_pretty(&document)?
        )))?,
    }
    Ok(Exit::Done)
}

/// Which record is meant.
struct RecordSelector<'t> {
    record: Option<u32>,
    id: Option<&'t str>,
}

impl RecordSelector<'_> {
    fn is(&self, at: u32, event: &Event<'_>) -> bool {
        self.record.is_none_or(|record| record == at)
            && self.id.is_none_or(|id| event.text(Key::EventId) == id)
    }

    const fn is_open(&self) -> bool {
        self.record.is_none() && self.id.is_none()
    }

    fn unmatched(&self, count: u32) -> String {
        match (self.record, self.id) {
            _ if count == 0 => "it holds no CloudTrail record that can be read".to_owned(),
            (_, Some(id)) => format!("none of its {count} records has the eventID {id}"),
            (Some(record), None) => {
                format!("there is no record {record}: they are 0 to {}", count - 1)
            }
            (None, None) => "it holds no record".to_owned(),
        }
    }
}

/// Splits `FILE#N`. A file that has such a name is itself.
fn place(event: &str) -> anyhow::Result<(&str, Option<u32>)> {
    match event.rsplit_once('#') {
        Some((file, number)) if !Path::new(event).exists() => {
            let number = number.parse().with_context(|| {
                format!("`{number}` in {event} is not the number of a record: use FILE#N")
            })?;
            Ok((file, Some(number)))
        }
        _ => Ok((event, None)),
    }
}

fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(CAP << 20)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read {file}"))
}

fn explanation(
    rule: &Rule,
    event: &Event<'_>,
    rules: &RuleSet,
    organization: &Organization,
) -> Explanation {
    let condition = explain(rule, event, organization);
    let first_seen = Pair::of(rule, event, organization);
    let is_open = first_seen.is_some();
    let (counts, watches) = match &rule.kind {
        RuleKind::Detection(_) => (String::new(), Vec::new()),
        RuleKind::Correlation(correlation) => {
            let watched = correlation
                .rules
                .iter()
                .enumerate()
                .filter_map(|(at, place)| Some((at, rules.rules.get(*place)?)))
                .map(|(at, rule)| Explanation {
                    group: group(correlation, at, event, organization),
                    ..explanation(rule, event, rules, organization)
                });
            (in_words(correlation), watched.collect())
        }
    };
    let named = |field: &Option<Field>, usual: Cow<'_, str>| match field {
        Some(field) => field.text(event, organization),
        None => usual.into_owned(),
    };
    let (matched, decided_by) = condition
        .as_ref()
        .map_or_else(Default::default, |condition| {
            (condition.holding(), condition.deciding())
        });
    Explanation {
        rule: rule.name.clone(),
        id: rule.id.clone(),
        title: rule.title.clone(),
        level: rule.level,
        matched,
        decided_by,
        derived: derived(rule, event, organization),
        actor: named(&rule.actor, identity::actor(event)),
        resource: named(&rule.resource, target::of(event)),
        group: None,
        matches: condition
            .as_ref()
            .map(|condition| condition.holds)
            .filter(|holds| !(*holds && is_open)),
        condition,
        first_seen,
        counts,
        watches,
    }
}

/// The values by which a correlation groups an event of the rule at that place among those it watches.
fn group(
    correlation: &Correlation,
    at: usize,
    event: &Event<'_>,
    organization: &Organization,
) -> Option<BTreeMap<String, String>> {
    let fields = correlation.group_fields.get(at)?;
    let names = correlation.group_by.iter().cloned();
    let values = fields.iter().map(|field| field.text(event, organization));
    Some(names.zip(values).collect())
}

/// A correlation as a sentence.
pub(super) fn in_words(correlation: &Correlation) -> String {
    let thresholds: Vec<String> = correlation
        .thresholds
        .iter()
        .map(|(comparison, number)| format!("{} {number}", comparison.as_str()))
        .collect();
    let thresholds = thresholds.join(" and ");
    let what = match correlation.measure {
        Measure::Temporal | Measure::TemporalOrdered if correlation.condition.is_some() => {
            let condition = correlation.condition.as_ref();
            let text = condition.map_or("", |condition| condition.text.as_str());
            match correlation.measure {
                Measure::Temporal => format!("`{text}`, in any order"),
                _ => format!("`{text}`, in the order of the rules it watches"),
            }
        }
        Measure::EventCount => format!("{thresholds} events"),
        Measure::ValueCount => format!("{thresholds} different values of its field"),
        Measure::Temporal => {
            format!("events of {thresholds} of the rules it watches, in any order")
        }
        Measure::TemporalOrdered => {
            format!("events of {thresholds} of the rules it watches, in their order")
        }
        Measure::ValueSum => format!("values of its field that add up to {thresholds}"),
        Measure::ValueAvg => format!("values of its field that are {thresholds} on average"),
        Measure::ValuePercentile(percentile) => {
            format!("values of its field whose {percentile}th percentile is {thresholds}")
        }
    };
    let group = if correlation.group_by.is_empty() {
        String::new()
    } else {
        format!(" with the same {}", correlation.group_by.join(", "))
    };
    format!(
        "{what}{group} within {}",
        exact_duration(correlation.timespan)
    )
}

fn text(explanation: &Explanation, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    let name = visible(&explanation.rule);
    let Some(condition) = &explanation.condition else {
        let _ = writeln!(
            out,
            "{pad}{name} is a correlation: it takes {}",
            visible(&explanation.counts)
        );
        for watched in &explanation.watches {
            let _ = write!(out, "{pad}it watches\n{}", text(watched, indent + 2));
        }
        return out;
    };
    let verdict = match (&explanation.first_seen, condition.holds) {
        (_, false) => "does not match".to_owned(),
        (None, true) => "matches".to_owned(),
        (Some(pair), true) => format!("matches {}", pair.in_words()),
    };
    let _ = write!(
        out,
        "{pad}{name} {verdict}\n{}",
        tree(condition, indent + 2)
    );
    let _ = writeln!(
        out,
        "{pad}decided by: {}",
        visible(&explanation.decided_by.join("; "))
    );
    out
}
