//! The card of a finding: what happened, why it matters, what to do, and the evidence.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::{Block, Fact, Section, Table, evidence};
use crate::event::time::Epoch;
use crate::finding::{CallCount, Finding};
use crate::hipaa::CATALOGUE;
use crate::report::Report;
use crate::report::text::{
    Text, format_date, format_datetime, format_time, local, short, truncation_notice,
};
use crate::severity::Severity;
use crate::words::{plural, rounded_duration, thousands};

/// Calls named one by one.
const MOST_CALLS: usize = 12;

/// The decisions that a reviewer can take.
pub const CHOICES: [&str; 4] = ["true positive", "benign", "expected", "needs investigation"];

/// How many findings have cards.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// So many critical and high ones.
    pub severe: usize,
    /// So many in all, unless there are more critical and high ones.
    pub all: usize,
}

/// Which findings have a card: the critical and high ones first, then the rest, as far as there is room.
#[derive(Debug)]
pub struct CardedFindings<'a> {
    ids: BTreeSet<&'a str>,
}

impl<'a> CardedFindings<'a> {
    pub fn of(report: &'a Report, limits: Limits) -> Self {
        let is_severe = |finding: &&Finding| finding.level >= Severity::High;
        let severe = report.findings.iter().filter(is_severe);
        let id = |finding: &'a Finding| finding.id.as_str();
        let mut ids: BTreeSet<&str> = severe.take(limits.severe).map(id).collect();
        for finding in report.findings.iter().filter(|one| !is_severe(one)) {
            if ids.len() >= limits.all {
                break;
            }
            ids.insert(&finding.id);
        }
        Self { ids }
    }

    pub fn has(&self, finding: &Finding) -> bool {
        self.ids.contains(finding.id.as_str())
    }

    /// The critical and high findings that have a card.
    pub fn severe(&self, report: &'a Report) -> impl Iterator<Item = &'a Finding> {
        report
            .findings
            .iter()
            .filter(|finding| finding.level >= Severity::High && self.has(finding))
    }
}

/// One finding, in words.
#[derive(Debug)]
pub struct Card {
    pub id: String,
    pub level: Severity,
    pub title: Text,
    pub sentence: Text,
    /// Numbers that the sentence needs explained.
    pub remarks: Vec<Text>,
    pub facts: Vec<Fact>,
    pub why: Text,
    pub steps: Vec<Text>,
    pub false_positives: Vec<Text>,
    pub citations: Vec<Text>,
    /// How much of the evidence is shown.
    pub kept: Text,
    pub evidence: Table,
    pub origin: Text,
}

/// The section of the cards.
pub fn section(report: &Report, limits: Limits) -> Section {
    let carded = CardedFindings::of(report, limits);
    let zone = report.provenance.calendar_zone();
    let shown = report.findings.iter().filter(|one| carded.has(one));
    let cards: Vec<Block> = shown
        .map(|finding| Block::Card(Box::new(Card::new(finding, zone))))
        .collect();
    let mut blocks = Vec::new();
    if report.findings.is_empty() {
        blocks.push(Block::Paragraph("No findings in the covered data.".into()));
    }
    let notice = truncation_notice(cards.len(), report.count(), "finding");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    blocks.extend(cards);
    Section {
        anchor: "findings",
        title: "Finding cards",
        blocks,
    }
}

impl Card {
    pub fn new(finding: &Finding, zone: Option<Tz>) -> Self {
        let texts = |all: &[String]| all.iter().map(|one| Text::from(one.as_str())).collect();
        Self {
            id: finding.id.clone(),
            level: finding.level,
            title: Text::new().value(&finding.title),
            sentence: sentence(finding),
            remarks: remarks(finding),
            facts: facts(finding, zone),
            why: Text::from(finding.why.as_str()),
            steps: texts(&finding.response),
            false_positives: texts(&finding.false_positives),
            citations: finding.citations.iter().map(|one| cited(one)).collect(),
            kept: evidence::kept(finding),
            evidence: evidence::table(finding),
            origin: origin(finding),
        }
    }
}

/// Who did what, how often, on what, when, and how it ended.
pub fn sentence(finding: &Finding) -> Text {
    let mut calls: Vec<(&String, u64)> = finding
        .calls
        .iter()
        .map(|(name, count)| (name, count.succeeded + count.denied + count.failed))
        .collect();
    calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = calls.len().saturating_sub(3) as u64;
    let mut text = match finding.actor.is_empty() {
        true => Text::from("An unidentified caller"),
        false => Text::new().strong(short(&finding.actor)),
    };
    text = text.plain(" called ");
    for (at, (name, count)) in calls.iter().take(3).enumerate() {
        if at > 0 {
            text = text.plain(if at + 1 == calls.len() { " and " } else { ", " });
        }
        text = text.strong(name);
        if *count > 1 || calls.len() > 1 {
            text = text.plain(&format!(" {}", times(*count)));
        }
    }
    if more > 0 {
        text = text.plain(&format!(" and {}", plural(more, "other operation")));
    }
    if !finding.resource.is_empty() {
        text = text.plain(" on ").strong(short(&finding.resource));
    }
    text.plain(&when(finding))
        .plain(&format!("; {}.", result(finding)))
}

/// What has to be explained about the numbers of a finding.
pub fn remarks(finding: &Finding) -> Vec<Text> {
    let range = finding.objects_range().map(|(least, most)| {
        Text::from(format!(
            "At least {} and at most {} objects, because each DeleteObjects call removes 1 to 1,000 and CloudTrail \
             does not say how many.",
            thousands(least),
            thousands(most)
        ))
    });
    let together = finding.correlation.iter();
    let together = together.map(|said| Text::from(format!("Seen together: {said}.")));
    range.into_iter().chain(together).collect()
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", thousands(count)),
    }
}

fn when(finding: &Finding) -> String {
    match (finding.first, finding.last) {
        (Some(first), Some(last)) if first == last => {
            format!(" on {} at {} UTC", format_date(first), format_time(first))
        }
        (Some(first), Some(last)) if format_date(first) == format_date(last) => {
            format!(
                " on {} between {} and {} UTC ({})",
                format_date(first),
                format_time(first),
                format_time(last),
                rounded_duration(last - first)
            )
        }
        (Some(first), Some(last)) => {
            format!(
                " between {} and {} ({})",
                format_datetime(first),
                format_datetime(last),
                rounded_duration(last - first)
            )
        }
        _ => " at an unknown time (the records carry none that can be read)".to_owned(),
    }
}

/// All calls of the finding together.
pub fn outcome(finding: &Finding) -> CallCount {
    let mut sum = CallCount::default();
    for count in finding.calls.values() {
        sum.merge(*count);
    }
    sum
}

fn result(finding: &Finding) -> String {
    let all = outcome(finding);
    let parts: Vec<(u64, &str)> = [
        (all.succeeded, "succeeded"),
        (all.denied, "denied"),
        (all.failed, "failed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .collect();
    match parts.as_slice() {
        [] => "outcome not recorded".to_owned(),
        [(1, "denied")] => "it was denied".to_owned(),
        [(1, word)] => format!("it {word}"),
        [(_, "denied")] => "all were denied".to_owned(),
        [(_, word)] => format!("all {word}"),
        _ => parts
            .iter()
            .map(|(count, word)| format!("{} {word}", thousands(*count)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// `3 succeeded, 1 denied`; of a single call only how it ended.
pub fn calls(count: CallCount) -> String {
    let parts: Vec<String> = [
        (count.succeeded, "succeeded"),
        (count.denied, "denied"),
        (count.failed, "failed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", thousands(count)))
    .collect();
    match (
        parts.as_slice(),
        count.succeeded + count.denied + count.failed,
    ) {
        ([only], 1) => only.trim_start_matches("1 ").to_owned(),
        _ => parts.join(", "),
    }
}

fn facts(finding: &Finding, zone: Option<Tz>) -> Vec<Fact> {
    let at = |label: &str, time: Epoch| {
        let text = Text::from(label).plain(&format_datetime(time));
        match local(zone, time) {
            Some(there) => text.aside(&format!(" ({there})")),
            None => text,
        }
    };
    let mut what: Vec<Text> = finding
        .calls
        .iter()
        .take(MOST_CALLS)
        .map(|(name, count)| {
            Text::new()
                .code(name)
                .plain(&format!(": {}", calls(*count)))
        })
        .collect();
    if finding.calls.len() > MOST_CALLS {
        let more = (finding.calls.len() - MOST_CALLS) as u64;
        what.push(Text::from(format!(
            "and {}",
            plural(more, "other operation")
        )));
    }
    let when = match (finding.first, finding.last) {
        (Some(first), last) if last == Some(first) => vec![at("", first)],
        (Some(first), Some(last)) => vec![at("first ", first), at("last ", last)],
        _ => vec![Text::from("not recorded")],
    };
    let resource = match finding.resource.is_empty() {
        true => Text::from("not one resource"),
        false => Text::new().code(&finding.resource),
    };
    let events = plural(finding.count, "event");
    vec![
        Fact {
            name: "Who",
            lines: who(finding),
        },
        Fact {
            name: "What",
            lines: what,
        },
        Fact {
            name: "When",
            lines: when,
        },
        Fact::new("On what", resource),
        Fact::new("Where", place(finding)),
        Fact::new("Result", format!("{events}: {}", calls(outcome(finding)))),
    ]
}

/// The actor, the principals where these are others, and the access keys.
fn who(finding: &Finding) -> Vec<Text> {
    let others = finding.actors.iter().any(|actor| *actor != finding.actor);
    let mut lines = Vec::new();
    if finding.actor.is_empty() && !others {
        lines.push(Text::from("not recorded"));
    }
    if !finding.actor.is_empty() {
        lines.push(Text::new().code(&finding.actor));
    }
    if others {
        let text = Text::from("called by ").codes(&finding.actors);
        lines.push(text.more(finding.more_actors));
    }
    if !finding.access_keys.is_empty() {
        let text = Text::new().aside("access key ").codes(&finding.access_keys);
        lines.push(text.more(finding.more_access_keys));
    }
    lines
}

fn place(finding: &Finding) -> Text {
    let mut text = Text::new();
    if !finding.accounts.is_empty() {
        text = text.plain("account ").codes(&finding.accounts).plain(", ");
    }
    if !finding.regions.is_empty() {
        text = text.codes(&finding.regions).plain(", ");
    }
    match finding.source_ips.is_empty() {
        true => text.plain("source address not recorded"),
        false => text
            .plain("from ")
            .codes(&finding.source_ips)
            .more(finding.more_source_ips),
    }
}

/// A citation with the CFR's own heading.
pub fn cited(section: &str) -> Text {
    let known = CATALOGUE.iter().find(|one| one.section == section);
    let text = Text::new().strong(section);
    match known {
        Some(citation) => text.plain(" ").plain(citation.title),
        None => text,
    }
}

fn origin(finding: &Finding) -> Text {
    let mut text = Text::from("Rule ").code(&finding.rule);
    if !finding.rule_id.is_empty() {
        text = text.plain(" (").code(&finding.rule_id).plain(")");
    }
    text = text
        .plain(" · finding ")
        .code(&finding.id)
        .plain(" · period ")
        .code(&finding.period);
    match finding.attack.is_empty() {
        true => text,
        false => text.plain(" · ATT&CK ").codes(&finding.attack),
    }
}
