//! `coverage.json` (schema `trailscan.coverage/1`): what could be seen, and what was there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::MOST_PLACES;
use crate::assess::completeness::Completeness;
use crate::assess::hours::HourState;
use crate::assess::{RuleState, Visibility};
use crate::coverage::{Digest, EventClass, Hour, ObjectCounts, Problem, RecordCounts, Store};
use crate::event::time::{Epoch, iso};
use crate::provenance::Provenance;
use crate::report::rows::Row;
use crate::report::{Report, notes};
use crate::trail::{Trail, TrailChange};

#[derive(Serialize)]
struct Coverage<'r> {
    schema: &'static str,
    provenance: &'r Provenance,
    complete: bool,
    completeness: Cow<'r, Completeness>,
    notes: Vec<String>,
    objects: &'r ObjectCounts,
    /// What the source holds, and what of it was not read.
    store: &'r Store,
    records: &'r RecordCounts,
    trails: &'r BTreeSet<Trail>,
    changes: &'r BTreeSet<TrailChange>,
    /// Log coverage.
    places: Vec<Place<'r>>,
    /// Account-Regions that `places` and `completeness.places` do not list; left out where there are none.
    #[serde(skip_serializing_if = "super::is_zero")]
    more_places: usize,
    /// Rule coverage; a rule's `view` counts from 0.
    visibility: &'r Visibility,
    rules: &'r [RuleState],
    problems: &'r BTreeSet<Problem>,
    /// Files that are no logs: the first of those that `objects` counts.
    foreign: &'r BTreeSet<String>,
}

#[derive(Serialize)]
struct Place<'r> {
    account: &'r str,
    region: &'r str,
    objects: u64,
    events: u64,
    seen: Vec<&'r EventClass>,
    /// Hours with anything in them.
    hours: Vec<OneHour>,
    /// The window's hours as runs of one state.
    stretches: Vec<Stretch>,
    digests: Vec<OneDigest>,
}

#[derive(Serialize)]
struct OneHour {
    hour: String,
    #[serde(flatten)]
    counts: Hour,
}

#[derive(Serialize)]
struct Stretch {
    from: String,
    until: String,
    state: HourState,
}

#[derive(Serialize)]
struct OneDigest {
    from: String,
    until: String,
    #[serde(flatten)]
    digest: Digest,
}

/// The coverage, for machines.
pub fn coverage(report: &Report, out: impl Write) -> io::Result<()> {
    let coverage = &report.coverage;
    let more_places = report.rows().count().saturating_sub(MOST_PLACES);
    let mut completeness = Cow::Borrowed(&report.completeness);
    if completeness.places.len() > MOST_PLACES {
        completeness.to_mut().places.truncate(MOST_PLACES);
    }
    let whole = Coverage {
        schema: "trailscan.coverage/1",
        provenance: &report.provenance,
        complete: report.completeness.complete,
        completeness,
        notes: notes::notes(report),
        objects: &coverage.objects,
        store: &coverage.store,
        records: &coverage.records,
        trails: &coverage.trails,
        changes: &coverage.changes,
        places: report.rows().take(MOST_PLACES).map(place).collect(),
        more_places,
        visibility: &report.visibility,
        rules: &report.rules,
        problems: &coverage.problems,
        foreign: &coverage.foreign,
    };
    super::pretty(&whole, out)
}

fn place(row: Row<'_>) -> Place<'_> {
    let ours = row.coverage;
    let hours = ours.hours.iter();
    let stretches = row.hours.stretches.iter();
    let digests = ours.digests.iter();
    Place {
        account: &row.hours.account,
        region: &row.hours.region,
        objects: ours.objects,
        events: ours.events,
        seen: ours.seen.keys().collect(),
        hours: hours
            .map(|(hour, counts)| OneHour {
                hour: iso(*hour),
                counts: *counts,
            })
            .collect(),
        stretches: stretches
            .map(|one| Stretch {
                from: iso(one.from),
                until: iso(one.until),
                state: one.state,
            })
            .collect(),
        digests: digests
            .map(|((from, until), digest): (&(Epoch, Epoch), _)| OneDigest {
                from: iso(*from),
                until: iso(*until),
                digest: *digest,
            })
            .collect(),
    }
}
