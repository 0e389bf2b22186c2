//! Which event classes were seen, where and when, and which of them changed a trail.
//!
//! One event of every activity row is looked at: what a call is does not change from one to the
//! next. Only calls that change a trail are looked at one by one; they are rare.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::coverage::{Coverage, EventClass, Hours, Undecided};
use crate::derive::outcome;
use crate::event::{Event, Key};
use crate::finding::Outcome;
use crate::interner::{Interner, Symbol};
use crate::seeded::Seeded;
use crate::tally::Activity;
use crate::trail::{Change, SelectorBudget, TrailChange};

#[derive(Default)]
pub struct EventClassTracker {
    /// By account and Region: few, and nearly always one.
    places: BTreeMap<[Symbol; 2], RegionClasses>,
    /// What records without a time were: it stands in no hour.
    undated: RegionClasses,
    /// The rows of calls that CloudTrail itself took.
    trail_rows: Vec<u32>,
    /// Events that rules could not decide, by place and the rule's name: rare.
    undecided: BTreeMap<[Symbol; 2], BTreeMap<String, Undecided>>,
    changes: BTreeSet<TrailChange>,
    selectors: SelectorBudget,
}

#[derive(Default)]
struct RegionClasses {
    /// Management events, of these [`KINDS`].
    management: [Hours; KINDS.len()],
    /// Data events by the type of resource, and those that name a bucket by its name.
    types: ByName<WriteAndRead>,
    buckets: ByName<WriteAndRead>,
}

/// What management events may be.
const KINDS: [EventClass; 4] = [
    EventClass::ManagementWrite,
    EventClass::ManagementRead,
    EventClass::Kms,
    EventClass::SignIn,
];

/// A name is copied only where it is new.
type ByName<T> = HashMap<String, T, Seeded>;

/// The hours in which something was written to, and those in which it was read.
type WriteAndRead = [Hours; 2];

impl EventClassTracker {
    /// Looks at an event of the row with that number; `new` is the row itself where the event is its
    /// first.
    pub fn note(&mut self, event: &Event<'_>, row: u32, new: Option<&Activity>) {
        if let Some(new) = new {
            self.note_kinds(event, new);
            if event.is_from("cloudtrail") && outcome::of(event) == Outcome::Success {
                self.trail_rows.push(row);
            }
        }
        if self.trail_rows.contains(&row) {
            self.note_change(event);
        }
    }

    /// Notes that a rule could not decide an event of that row.
    pub fn note_undecided(&mut self, event: &Event<'_>, row: &Activity, rule: &str) {
        let Some(hour) = row.hour else {
            return;
        };
        let rules = self.undecided.entry(row.place()).or_default();
        let undecided = rules.entry(rule.to_owned()).or_default();
        undecided.insert(hour, &event.text(Key::EventName));
    }

    fn note_kinds(&mut self, event: &Event<'_>, row: &Activity) {
        let hour = row.hour;
        let place = match hour {
            None => &mut self.undated,
            Some(_) => self.places.entry(row.place()).or_default(),
        };
        let (hour, reads) = (hour.unwrap_or_default(), usize::from(reads(event)));
        let note = |known: &mut WriteAndRead| {
            if let Some(hours) = known.get_mut(reads) {
                hours.insert(hour);
            }
        };
        match is_data(event) {
            Some(true) => {
                let mut named = false;
                for resource in event.raw(Key::Resources).items() {
                    let kind = resource.get("type").text().unwrap_or_default();
                    if !kind.is_empty() {
                        named = true;
                        note(place.types.entry_ref(kind.as_ref()).or_default());
                    }
                }
                let bucket = event.text_at(Key::RequestParameters, &["bucketName"]);
                if named && !bucket.is_empty() {
                    note(place.buckets.entry_ref(bucket.as_ref()).or_default());
                }
            }
            Some(false) => {
                let [write, read, kms, sign_in] = &mut place.management;
                let management = if reads == 0 { write } else { read };
                management.insert(hour);
                match event.service().as_ref() {
                    "kms" => kms.insert(hour),
                    "signin" => sign_in.insert(hour),
                    _ => {}
                }
            }
            None => {}
        }
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
                change: self.selectors.bounded(change),
                unproven: false,
            });
        }
    }

    /// Adds what was seen to an object's coverage; `names` are those of its rows.
    pub fn finish(self, names: &Interner, coverage: &mut Coverage) {
        coverage.seen = self.undated.event_classes().0.into_keys().collect();
        coverage.changes = self.changes;
        for (place, classes) in self.places {
            let [account, region] = place.map(|name| names.text(name));
            let (seen, buckets) = classes.event_classes();
            coverage.seen.extend(seen.keys().cloned());
            let region = coverage.region(account, region);
            (region.seen, region.buckets) = (seen, buckets);
        }
        for (place, undecided) in self.undecided {
            let [account, region] = place.map(|name| names.text(name));
            coverage.region(account, region).undecided = undecided;
        }
    }
}

impl RegionClasses {
    /// What was seen there, and in which buckets.
    fn event_classes(self) -> (BTreeMap<EventClass, Hours>, BTreeMap<(String, bool), Hours>) {
        let data = self.types.into_iter().flat_map(by_read_and_write);
        let data = data.map(|((kind, reads), hours)| match reads {
            true => (EventClass::DataRead(kind), hours),
            false => (EventClass::DataWrite(kind), hours),
        });
        let buckets = self.buckets.into_iter().flat_map(by_read_and_write);
        let management = KINDS.into_iter().zip(self.management);
        let management = management.filter(|(_, hours)| !hours.is_empty());
        (management.chain(data).collect(), buckets.collect())
    }
}

/// What was written to, or read, or both.
fn by_read_and_write(
    (name, hours): (String, WriteAndRead),
) -> impl Iterator<Item = ((String, bool), Hours)> {
    let ways = [false, true].into_iter().zip(hours);
    ways.filter(|(_, hours)| !hours.is_empty())
        .map(move |(reads, hours)| ((name.clone(), reads), hours))
}

/// Whether it is a data event or one of management; nothing for Insights, network activity and
/// aggregates, which show no single call
/// ([record contents](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html)).
fn is_data(event: &Event<'_>) -> Option<bool> {
    match event.text(Key::EventCategory).as_ref() {
        "" => Some(event.text(Key::ManagementEvent) == "false"),
        "Data" => Some(true),
        "Management" => Some(false),
        _ => None,
    }
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
