//! Page one: what needs a decision, whether the logs can be trusted, whether PHI was touched, what is due,
//! and where to sign.

use super::{Fact, phi};
use crate::assess::Assessment;
use crate::event::time::Epoch;
use crate::integrity::proof::State;
use crate::report::text::{Style, Text, format_datetime, local};
use crate::report::{Report, notes};
use crate::severity::Severity;
use crate::words::{full_duration, plural, thousands, upper_first};

/// What the reviewer and the approver sign.
pub const STATEMENT: &str = "I have reviewed the activity described in this report for the period named above. \
     Each finding that needs a decision has a recorded disposition, or an owner and a due date. \
     Where data was not covered or a rule was not assessed, I have noted what was reviewed instead.";

/// The first page.
#[derive(Debug)]
pub struct Front {
    /// Twelve hexadecimal digits.
    pub id: String,
    pub organization: Text,
    pub identity: Vec<Fact>,
    pub verdict: Text,
    /// What a reader must not overlook, whatever the boxes say.
    pub warnings: Vec<Text>,
    /// Decisions, coverage, integrity, PHI.
    pub boxes: [Summary; 4],
    pub rules: Text,
    /// What is overdue, as far as it is known.
    pub due: Text,
}

/// One answer: a number or word, and what it rests on.
#[derive(Debug, Default)]
pub struct Summary {
    pub title: &'static str,
    pub figure: String,
    /// The figure is a word.
    pub is_word: bool,
    pub is_alert: bool,
    /// How many findings there are of each level.
    pub levels: Vec<(Severity, u64)>,
    pub sentences: Vec<(Text, bool)>,
    /// Lines, and whether they must not be overlooked.
    pub lines: Vec<(Text, bool)>,
}

impl Summary {
    pub(super) fn sentence(&mut self, text: impl Into<Text>) {
        self.sentences.push((text.into(), false));
    }

    pub(super) fn line(&mut self, text: impl Into<Text>) {
        self.lines.push((text.into(), false));
    }
}

impl Front {
    pub fn new(report: &Report) -> Self {
        let organization = &report.provenance.organization;
        Self {
            id: report.id(),
            organization: match organization.is_empty() {
                true => Text::from("Organization not named in the configuration"),
                false => Text::new().value(organization),
            },
            identity: identity(report),
            verdict: Text::from(report.verdict()),
            warnings: warnings(report),
            boxes: [
                needs_decision(report),
                coverage(report),
                integrity(report),
                phi::summary(report),
            ],
            rules: rules(report),
            due: Text::from(
                "Not known: this run read no review register. Decisions, owners and due dates are written on \
                 the finding cards.",
            ),
        }
    }
}

fn identity(report: &Report) -> Vec<Fact> {
    let from = &report.provenance;
    let zone = from.calendar_zone();
    let instant = |text: Text, at: Epoch| {
        let text = text.plain(&format_datetime(at));
        match local(zone, at) {
            Some(there) => text.aside(&format!(" ({there})")),
            None => text,
        }
    };
    // where no window was given, the period is what the logs themselves span
    let bound =
        |text: Text, asked: Option<Epoch>, read: Option<Epoch>, words: &str| match (asked, read) {
            (Some(at), _) => instant(text, at),
            (None, Some(at)) => instant(text.plain(words).plain(", "), at),
            (None, None) => text.plain(words),
        };
    let mut period = Vec::new();
    if let Some(week) = from.window.week(from.zone()) {
        period.push(Text::from(format!(
            "ISO week {week} ({})",
            from.zone().name()
        )));
    }
    let since = Text::from("from ");
    period.push(bound(
        since,
        from.window.since,
        report.coverage.first,
        "the earliest event read",
    ));
    let until = match from.window.until {
        Some(_) => Text::from("up to and not including "),
        None => Text::from("up to "),
    };
    period.push(
        match (from.window.until, from.window.since.and(from.created)) {
            (None, Some(now)) => instant(until.plain("the moment of this run, "), now),
            (asked, _) => bound(until, asked, report.coverage.last, "the latest event read"),
        },
    );
    vec![
        Fact {
            name: "Period",
            lines: period,
        },
        Fact::new(
            "Report",
            Text::new()
                .code(&report.id())
                .plain(&format!(", made with trailscan {}", from.version)),
        ),
        Fact::new(
            "Created",
            match from.created {
                Some(at) => instant(Text::new(), at),
                None => Text::from("not recorded"),
            },
        ),
    ]
}

fn warnings(report: &Report) -> Vec<Text> {
    let from = &report.provenance;
    let early = from
        .created
        .zip(from.window.until)
        .is_some_and(|(created, until)| created < until);
    let mut all = Vec::new();
    if early {
        all.push(Text::from(
            "The period had not ended when this report was made: what came later is not in it.",
        ));
    }
    if let Some(missing) = report.without_configuration() {
        let text = Text::from(missing);
        all.push(match report.unconfigured.is_empty() {
            true => text,
            false => text
                .plain(" See ")
                .with(Style::Link("rules-aside"), "which")
                .plain("."),
        });
    }
    if report.coverage.records.evaluated == 0 {
        all.push(Text::from(
            "No event was evaluated. This report says nothing about the period.",
        ));
    }
    all.extend(notes::expired(report).into_iter().map(Text::from));
    if !report.coverage.identities_hold() {
        all.push(Text::from(
            "The counts of this run do not add up. This is a fault in trailscan: do not rely on this report.",
        ));
    }
    all
}

pub fn needs_decision(report: &Report) -> Summary {
    let levels = report.by_level();
    let mut summary = Summary {
        title: "Needs decision",
        ..Summary::default()
    };
    if levels.is_empty() {
        summary.figure = "No findings".to_owned();
        summary.is_word = true;
        summary.sentence("in the covered data.");
    } else {
        summary.figure = thousands(report.count() as u64);
        let levels = levels.into_iter();
        summary.levels = levels.map(|(level, count)| (level, count as u64)).collect();
    }
    summary
}

/// Never better than the weakest part: incomplete, else stopped, else hours that nobody knows of.
pub fn coverage(report: &Report) -> Summary {
    let (objects, records) = (&report.coverage.objects, &report.coverage.records);
    let all = &report.completeness;
    let stopped = all.stopped();
    let is_read = objects.read == objects.listed;
    let figure = if objects.listed == 0 {
        "No log files"
    } else if !all.complete {
        "INCOMPLETE"
    } else if stopped > 0 {
        "Logging stopped"
    } else if all.unknown_hours().is_some() {
        "All files read"
    } else {
        "Complete"
    };
    let mut summary = Summary {
        title: "Coverage",
        figure: figure.to_owned(),
        is_word: true,
        is_alert: !all.complete || stopped > 0 || objects.listed == 0,
        ..Summary::default()
    };
    if objects.listed == 0 {
        summary.sentence("No CloudTrail log file was found.");
    } else if !report.coverage.is_complete() || !is_read {
        let text = Text::from("Not all logs could be read; see ");
        summary.sentence(text.with(Style::Link("problems"), "problems").plain("."));
    }
    if report.coverage.is_complete() && objects.listed > 0 {
        for reason in &all.incomplete {
            summary.sentence(format!("{}.", upper_first(reason)));
        }
    }
    if stopped > 0 {
        let text = Text::from(format!(
            "Logging was stopped for {}; see ",
            full_duration(stopped)
        ));
        let text = text.with(Style::Link("gaps"), "gaps").plain(".");
        summary.sentences.push((text, true));
    }
    summary.line(format!(
        "{} of {} read",
        thousands(objects.read),
        plural(objects.listed, "log file")
    ));
    summary.line(format!("{} evaluated", plural(records.evaluated, "event")));
    if let Some(window) = all.window {
        summary.line(format!("Window: {}", window.origin()));
        let hours = format!(
            "{} of {} with logs",
            thousands(all.hours.with_logs),
            plural(all.hours.all, "hour")
        );
        let text = Text::new().with(Style::Link("places"), &hours);
        summary.line(match all.places.len() as u64 {
            0 | 1 => text,
            places => text.plain(&format!(" ({})", plural(places, "account-Region"))),
        });
        summary.line(format!(
            "{} proven quiet by digests",
            thousands(all.hours.proven_quiet)
        ));
        if all.hours.pending > 0 {
            summary.line(format!("{} still to come", thousands(all.hours.pending)));
        }
        summary.line(format!(
            "{} without a log, and not proven quiet",
            thousands(all.hours.unknown)
        ));
        let gaps = all.gaps.len() as u64;
        let text = Text::from(plural(gaps, "confirmed gap"));
        summary.lines.push((text, gaps > 0));
        let days: u64 = all.empty_days.iter().map(|one| one.count).sum();
        let text = Text::from(format!("{} without a file", plural(days, "whole day")));
        summary.lines.push((text, days > 0));
    }
    summary
}

pub fn integrity(report: &Report) -> Summary {
    let title = "Integrity";
    let listed = report.coverage.objects.listed;
    let Some(proof) = &report.integrity else {
        let mut summary = Summary {
            title,
            figure: "Not checked".to_owned(),
            is_word: true,
            is_alert: true,
            ..Summary::default()
        };
        summary.sentence("Log-file integrity was not checked in this run.");
        summary.line(format!(
            "{} found, none verified",
            plural(report.coverage.objects.digests, "digest file")
        ));
        return summary;
    };
    let (digests, logs) = (proof.digests, proof.logs);
    let state = proof.state();
    let all = logs.found().max(listed);
    let figure = match state {
        State::Valid => "Valid",
        State::NotProven => "Not proven",
        State::Broken => "BROKEN",
    };
    let mut summary = Summary {
        title,
        figure: figure.to_owned(),
        is_word: true,
        is_alert: state != State::Valid,
        ..Summary::default()
    };
    summary.sentence(match state {
        State::Valid if logs.valid == all && report.completeness.complete => {
            Text::from("The logs are what AWS signed.")
        }
        State::Valid => Text::from(format!(
            "{} of {} are what AWS signed.",
            thousands(logs.valid),
            plural(all, "log file")
        )),
        State::NotProven => Text::from("Not all can be proven; see ")
            .with(Style::Link("integrity"), "integrity")
            .plain("."),
        State::Broken => Text::from("Altered, removed or added; see ")
            .with(Style::Link("not-valid"), "what is not valid")
            .plain("."),
    });
    summary.line(format!(
        "{} of {} valid",
        thousands(digests.valid),
        plural(digests.total(), "digest")
    ));
    summary.line(format!(
        "{} of {} valid",
        thousands(logs.valid),
        plural(logs.total(), "log file")
    ));
    if logs.pending > 0 {
        summary.line(format!(
            "{} pending: their digest is not due yet",
            thousands(logs.pending)
        ));
    }
    if logs.other_kinds > 0 {
        summary.line(format!(
            "{} of a kind without digests",
            thousands(logs.other_kinds)
        ));
    }
    if proof.copy {
        summary.line(
            "A copy: it cannot show that a whole trail, account, Region or the latest hours are missing",
        );
    }
    summary
}

fn rules(report: &Report) -> Text {
    let assessed = report.rules.iter();
    let assessed = assessed.filter(|rule| rule.assessment == Assessment::Assessed);
    let mut text = Text::new()
        .strong(&thousands(assessed.count() as u64))
        .plain(" ")
        .plain(&report.completeness.assessed());
    let others = [
        (report.partly_assessed().count() as u64, "partly assessed"),
        (report.not_assessed().count() as u64, "not assessed"),
        (report.unconfigured.len() as u64, "not configured"),
        (report.rejected.len() as u64, "not loaded"),
        (
            report.accepted().count() as u64,
            "with an accepted blind spot",
        ),
    ];
    for (count, what) in others {
        if count > 0 {
            let words = format!("{} {what}", thousands(count));
            text = text.plain("; ").with(Style::Link("rules-aside"), &words);
        }
    }
    text.plain(".")
}
