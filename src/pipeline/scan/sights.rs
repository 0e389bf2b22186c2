//! Which kinds of event were met, where and when, and which of them changed a trail.
//!
//! One event of every activity row is looked at: what a call is does not change from one to the
//! next. Only calls that change a trail are looked at one by one; they are rare.

use std::collections::{BTreeMap, BTreeSet};

use crate::coverage::{Coverage, Hours, Sight, hour_of};
use crate::derive::outcome;
use crate::event::{Event, Key};
use crate::finding::Outcome;
use crate::trail::{Change, TrailChange};

#[derive(Default)]
pub(super) struct Sights {
    kinds: BTreeSet<Sight>,
    places: BTreeMap<(String, String), Place>,
    /// The rows of calls that CloudTrail itself took.
    trail_rows: Vec<u32>,
    changes: BTreeSet<TrailChange>,
}

#[derive(Default)]
struct Place {
    seen: BTreeMap<Sight, Hours>,
    buckets: BTreeMap<(String, bool), Hours>,
}

impl Sights {
    /// Looks at an event of that row, `new` where it is the row's first.
    pub(super) fn note(&mut self, event: &Event<'_>, row: u32, new: bool) {
        if new {
            self.note_kinds(event);
            if event.is(Key::EventSource, "cloudtrail.amazonaws.com")
                && outcome::of(event) == Outcome::Success
            {
                self.trail_rows.push(row);
            }
        }
        if self.trail_rows.contains(&row) {
            self.note_change(event);
        }
    }

    fn note_kinds(&mut self, event: &Event<'_>) {
        let kinds = kinds(event);
        if let Some(time) = event.time() {
            let hour = hour_of(time);
            let region = event.text(Key::AwsRegion).into_owned();
            let place = self.places.entry((event.account().into_owned(), region));
            let place = place.or_default();
            for sight in &kinds {
                place.seen.entry(sight.clone()).or_default().insert(hour);
            }
            let reads = match kinds.first() {
                Some(Sight::DataRead(_)) => Some(true),
                Some(Sight::DataWrite(_)) => Some(false),
                _ => None,
            };
            let bucket = event.text_at(Key::RequestParameters, &["bucketName"]);
            if let Some(reads) = reads
                && !bucket.is_empty()
            {
                let bucket = (bucket.into_owned(), reads);
                place.buckets.entry(bucket).or_default().insert(hour);
            }
        }
        self.kinds.extend(kinds);
    }

    fn note_change(&mut self, event: &Event<'_>) {
        let request = event.raw(Key::RequestParameters).as_str();
        let request = serde_json::from_str(request).unwrap_or_default();
        let event_name = event.text(Key::EventName);
        if let Some((trail, change)) = Change::of(&event_name, &request) {
            self.changes.insert(TrailChange {
                time: event.time(),
                account: event.account().into_owned(),
                region: event.text(Key::AwsRegion).into_owned(),
                trail,
                event_name: event_name.into_owned(),
                event_id: event.text(Key::EventId).into_owned(),
                change,
            });
        }
    }

    /// Adds what was met to an object's coverage.
    pub(super) fn leave(self, coverage: &mut Coverage) {
        coverage.seen = self.kinds;
        coverage.changes = self.changes;
        for ((account, region), place) in self.places {
            let region = coverage.region(&account, &region);
            region.seen = place.seen;
            region.buckets = place.buckets;
        }
    }
}

/// What kinds of event it is: one of management or data, and which of those that trails may leave out.
fn kinds(event: &Event<'_>) -> Vec<Sight> {
    let category = event.text(Key::EventCategory);
    let data = match category.as_ref() {
        "" => event.text(Key::ManagementEvent) == "false",
        // Insights, network activity and aggregates show no single call (facts, 1.3)
        other if other != "Data" && other != "Management" => return Vec::new(),
        other => other == "Data",
    };
    let reads = reads(event);
    if data {
        let mut kinds: Vec<Sight> = Vec::new();
        for resource in event.raw(Key::Resources).items() {
            let kind = resource.get("type").text().unwrap_or_default().into_owned();
            if !kind.is_empty() {
                kinds.push(if reads {
                    Sight::DataRead(kind)
                } else {
                    Sight::DataWrite(kind)
                });
            }
        }
        return kinds;
    }
    let mut kinds = vec![if reads {
        Sight::ManagementRead
    } else {
        Sight::ManagementWrite
    }];
    match event.text(Key::EventSource).as_ref() {
        "kms.amazonaws.com" => kinds.push(Sight::Kms),
        "signin.amazonaws.com" => kinds.push(Sight::SignIn),
        _ => {}
    }
    kinds
}

/// `readOnly`, and where a record does not say so, what the name of the call begins with.
fn reads(event: &Event<'_>) -> bool {
    const VERBS: [&str; 5] = ["Get", "List", "Head", "Describe", "BatchGet"];
    match event.text(Key::ReadOnly).as_ref() {
        "" => {
            let name = event.text(Key::EventName);
            VERBS.iter().any(|verb| name.starts_with(verb))
        }
        said => said == "true",
    }
}
