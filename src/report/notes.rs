//! What a reader must know of the coverage as a whole, one sentence each.

use super::Report;
use crate::coverage::{Acceptance, BlindSpot, Passed, SkippedObjects};
use crate::event::time::{DELIVERY_DELAY, iso, utc};
use crate::trail::{Lookup, Trail};
use crate::words::{plural, thousands};

/// The notes, the most general first. The same report gives the same sentences in the same order.
pub fn notes(report: &Report) -> Vec<String> {
    let coverage = &report.coverage;
    let from = &report.provenance;
    let mut notes: Vec<String> = coverage.trails_unknown.iter().cloned().collect();
    notes.extend(from.remarks.iter().cloned());
    if coverage.trails.is_empty() && coverage.objects.read > 0 {
        notes.push(
            "Trail settings were not available, so a rule counts as assessed if the logs contain the \
             events it needs. Accounts and Regions without log files are not judged."
                .to_owned(),
        );
    }
    if !from.regions.is_empty() && !from.regions.iter().any(|region| region == "us-east-1") {
        notes.push(REGION_FILTER.to_owned());
    }
    let missing: Vec<&str> = from
        .accounts
        .iter()
        .filter(|account| !coverage.regions.contains_key(*account))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "No log file of account {} was found.",
            missing.join(", ")
        ));
    }
    notes.extend(expired(report));
    if !report.completeness.days_not_judged.is_empty() {
        notes.push(format!(
            "Days without a log file are not judged for account {}: the names of its files do not \
             follow CloudTrail's layout, so they do not say when the files were delivered.",
            report.completeness.days_not_judged.join(", ")
        ));
    }
    for days in &report.completeness.dormant_days {
        notes.push(format!(
            "Account {} has no log file on {} ({}; {}, by delivery): the configuration says that it \
             is dormant then.",
            days.account,
            plural(days.count, "whole day"),
            days.in_words(),
            days.zone()
        ));
    }
    for trail in &coverage.trails {
        notes.extend(of_trail(trail));
    }
    let changes = coverage.changes.len() as u64;
    if changes > 0 {
        notes.push(format!(
            "Trails were changed in the window ({}): what was recorded before a change is known only \
             by the events that were read.",
            plural(changes, "call")
        ));
    }
    notes.extend(passed_over(&coverage.store.passed_over));
    let pending = from.created.zip(from.window.until);
    if pending.is_some_and(|(created, until)| created < until + DELIVERY_DELAY) {
        notes.push(
            "The window ends less than 15 minutes before this run: its last events may not have \
             been delivered yet."
                .to_owned(),
        );
    }
    notes
}

/// The reasons that a reader should hear of, in words, with what was passed over for each.
fn reported(passed_over: &SkippedObjects) -> impl Iterator<Item = (&'static str, &Passed)> {
    let all = passed_over.iter();
    all.filter_map(|(reason, passed)| Some((reason.sentence()?, passed)))
}

/// What was found and not read, a sentence for each reason.
fn passed_over(passed_over: &SkippedObjects) -> Vec<String> {
    let sentence = |(why, passed): (&str, &Passed)| {
        let names: Vec<&str> = passed.names.iter().map(String::as_str).collect();
        let more = passed.folders + passed.objects - names.len() as u64;
        let more = match more {
            0 => String::new(),
            more => format!(" and {} more", thousands(more)),
        };
        format!(
            "Not read: {} {why}: {}{more}.",
            counts(passed.folders, passed.objects),
            names.join(", ")
        )
    };
    reported(passed_over).map(sentence).collect()
}

/// The same in one line without names: how many, and the most frequent reasons. `None` if there is none
/// that a reader should hear of.
pub fn passed_over_in_short(passed_over: &SkippedObjects) -> Option<String> {
    const REASONS: usize = 3;
    let mut reasons: Vec<(&str, &Passed)> = reported(passed_over).collect();
    reasons.sort_by_key(|(_, passed)| std::cmp::Reverse(passed.folders + passed.objects));
    let (first, rest) = reasons.split_at(reasons.len().min(REASONS));
    let folders = reasons.iter().map(|(_, passed)| passed.folders).sum();
    let objects = reasons.iter().map(|(_, passed)| passed.objects).sum();
    let each = |(why, passed): &(&str, &Passed)| {
        format!("{} {why}", counts(passed.folders, passed.objects))
    };
    let mut reasons: Vec<String> = match reasons.as_slice() {
        [] => return None,
        [(why, _)] => return Some(format!("{} {why}", counts(folders, objects))),
        _ => first.iter().map(each).collect(),
    };
    if !rest.is_empty() {
        reasons.push(plural(rest.len() as u64, "more reason"));
    }
    Some(format!(
        "{} ({})",
        counts(folders, objects),
        reasons.join("; ")
    ))
}

/// `2 folders and 1 object`.
fn counts(folders: u64, objects: u64) -> String {
    let counts = [(folders, "folder"), (objects, "object")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| plural(count, what)).collect();
    counts.join(" and ")
}

/// Accepted blind spots whose last day is over, or that name no rule in use.
pub fn expired(report: &Report) -> Vec<String> {
    let today = report.provenance.created.map(|now| utc(now).date_naive());
    let over = |one: &&Acceptance| today.is_some_and(|today| !one.holds_on(today));
    let all = report.provenance.expected.accepted.iter();
    let mut notes: Vec<String> = all
        .clone()
        .filter(over)
        .map(|one| {
            format!(
                "The blind spot of {} was accepted until {} ({}): it counts again.",
                one.spot.name(),
                one.until,
                one.reason
            )
        })
        .collect();
    for one in all {
        if let BlindSpot::Rule(name) = &one.spot
            && !report.names_rule(name)
        {
            notes.push(format!(
                "An accepted blind spot names rule {name}, which is not in use: `trailscan rules list` \
                 names all."
            ));
        }
    }
    notes
}

/// Settings that came out of files.
pub const SAVED_SETTINGS: &str = "Trail settings come from saved CLI output of unknown date; later \
                                  changes are not reflected.";

/// A filter on Regions hides what AWS records in its global one
/// ([global service events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events)).
pub const REGION_FILTER: &str = "IAM events and most console sign-ins are recorded in us-east-1, \
                                 which --region excludes.";

fn of_trail(trail: &Trail) -> Vec<String> {
    let name = &trail.name;
    let mut notes = Vec::new();
    if let Lookup::Answered(status) = &trail.status {
        if !status.logging {
            let since = status.stopped.map(|at| format!(" since {}", iso(at)));
            notes.push(format!(
                "Trail {name} is stopped{}.",
                since.unwrap_or_default()
            ));
        }
        if let Some(error) = status
            .delivery_error
            .as_ref()
            .filter(|error| !error.is_empty())
        {
            notes.push(format!(
                "S3 refused the last delivery of trail {name}: {error}."
            ));
        }
    }
    if !trail.validation {
        notes.push(format!(
            "Trail {name} writes no digests: log file validation is off, so a quiet hour looks the \
             same as missing log files."
        ));
    }
    for unknown in [
        unknown(&trail.selectors),
        unknown(&trail.status),
        unknown(&trail.insights),
    ] {
        notes.extend(unknown.map(|why| format!("{why}.")));
    }
    notes
}

fn unknown<T>(asked: &Lookup<T>) -> Option<&str> {
    match asked {
        Lookup::Answered(_) => None,
        Lookup::Unknown(why) => Some(why),
    }
}
