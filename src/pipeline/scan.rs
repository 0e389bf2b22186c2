//! One worker: object after object, from bytes to what they teach.

use std::collections::BTreeSet;
use std::hash::Hasher as _;

use rustc_hash::{FxHashMap, FxHasher};

use crate::coverage::{Coverage, ProblemKind, Sight};
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::derive::{identity, outcome};
use crate::detect::Detector;
use crate::event::{Event, Key};
use crate::finding::{EventId, Hit, Outcome};
use crate::source::{FetchError, ObjectRef, Scope};
use crate::tally::{Activity, Scanned, Seen};

/// A worker and the buffers it uses again.
pub(super) struct Worker<'r> {
    detector: &'r Detector<'r>,
    scope: &'r Scope,
    decoder: Decoder,
}

impl<'r> Worker<'r> {
    pub(super) fn new(detector: &'r Detector<'r>, scope: &'r Scope, max_object_mib: u64) -> Self {
        Self {
            detector,
            scope,
            decoder: Decoder::new(max_object_mib),
        }
    }

    /// Turns one object into what it teaches. Never fails: what goes wrong is part of the lesson.
    pub(super) fn scan(
        &mut self,
        sequence: u64,
        object: &ObjectRef,
        bytes: Result<Vec<u8>, FetchError>,
    ) -> Scanned {
        let mut taken = Taken::new(self.detector, self.scope, &object.name);
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                let (count, kind) = match &error {
                    FetchError::Refused(_) => (&mut coverage.objects.refused, ProblemKind::Refused),
                    FetchError::Archived(_) => {
                        (&mut coverage.objects.archived, ProblemKind::Archived)
                    }
                    FetchError::Failed(_) => (&mut coverage.objects.broken, ProblemKind::Broken),
                };
                *count = 1;
                coverage.problem(&object.name, kind, error.to_string());
                return scanned(sequence, object, coverage);
            }
        };
        coverage.bytes_stored = bytes.len() as u64;
        match self
            .decoder
            .decode(&bytes, &mut |record, event| taken.take(record, event))
        {
            Ok(decoded) if decoded.content == Content::Log => {
                self.log(object, &decoded, &taken, &mut coverage);
                let mut scanned = scanned(sequence, object, coverage);
                (scanned.seen, scanned.rows, scanned.hits) =
                    (taken.seen, taken.rows.rows, taken.hits);
                // a key that says nothing: the object is counted where its first event belongs
                let first = scanned.rows.first();
                let place = first.map(|row| (row.account.to_string(), row.region.to_string()));
                scanned.place = scanned.place.or(place);
                scanned
            }
            Ok(decoded) => {
                set_aside(object, decoded.content, &mut coverage);
                scanned(sequence, object, coverage)
            }
            Err(error) => {
                broken(object, &error, &mut coverage);
                scanned(sequence, object, coverage)
            }
        }
    }

    fn log(
        &self,
        object: &ObjectRef,
        decoded: &Decoded,
        taken: &Taken<'_>,
        coverage: &mut Coverage,
    ) {
        coverage.objects.read = 1;
        coverage.bytes_inflated = decoded.inflated;
        coverage.seen = taken.sights.kinds();
        let records = &mut coverage.records;
        records.records = u64::from(decoded.records);
        records.bad = decoded.bad.len() as u64;
        records.outside = taken.outside;
        records.evaluated = taken.seen.len() as u64;
        records.undated = taken.undated;
        records.insight = taken.insight;
        if let Some((first, why)) = decoded.bad.first() {
            let what = format!(
                "{} of {} records cannot be read, the first is record {first}: {why}",
                decoded.bad.len(),
                decoded.records
            );
            coverage.problem(&object.name, ProblemKind::BadRecords, what);
        }
        if decoded.trailing > 0 {
            let what = format!(
                "{} bytes behind the last gzip member were not read: CloudTrail writes none, so compare the object with its digest",
                decoded.trailing
            );
            coverage.problem(&object.name, ProblemKind::TrailingBytes, what);
        }
        if decoded.repaired > 0 {
            let what = format!(
                "bytes that are not UTF-8 were replaced in {} places; every record was read",
                decoded.repaired
            );
            coverage.problem(&object.name, ProblemKind::Repaired, what);
        }
    }
}

fn scanned(sequence: u64, object: &ObjectRef, coverage: Coverage) -> Scanned {
    let place = object
        .key
        .as_ref()
        .filter(|_| coverage.objects.read > 0)
        .map(|key| (key.account.clone(), key.region.clone()));
    Scanned {
        sequence,
        object: object.name.clone(),
        coverage,
        place,
        ..Scanned::default()
    }
}

/// A file that is no log: counted apart, unless its key says that it must be one.
fn set_aside(object: &ObjectRef, content: Content, coverage: &mut Coverage) {
    let must_be_log = object
        .key
        .as_ref()
        .is_some_and(|key| key.kind.holds_events());
    match content {
        Content::Digest => coverage.objects.digests = 1,
        Content::Foreign if must_be_log => {
            coverage.objects.broken = 1;
            coverage.problem(
                &object.name,
                ProblemKind::Broken,
                "its key is that of a CloudTrail log, its content is not",
            );
            return;
        }
        Content::Log | Content::Foreign => coverage.objects.foreign = 1,
    }
    coverage.objects.listed = 0;
}

/// A damaged object. Damage in something that never looked like a log is none of ours.
fn broken(object: &ObjectRef, error: &DecodeError, coverage: &mut Coverage) {
    coverage.objects.broken = 1;
    coverage.problem(&object.name, ProblemKind::Broken, error.to_string());
}

/// What the records of one object leave behind.
struct Taken<'r> {
    detector: &'r Detector<'r>,
    scope: &'r Scope,
    object: &'r str,
    hits: Vec<Hit>,
    seen: Vec<Seen>,
    rows: Rows,
    sights: Sights,
    outside: u64,
    undated: u64,
    insight: u64,
}

impl<'r> Taken<'r> {
    fn new(detector: &'r Detector<'r>, scope: &'r Scope, object: &'r str) -> Self {
        Self {
            detector,
            scope,
            object,
            hits: Vec::new(),
            seen: Vec::new(),
            rows: Rows::default(),
            sights: Sights::default(),
            outside: 0,
            undated: 0,
            insight: 0,
        }
    }

    fn take(&mut self, record: u32, event: &Event<'_>) {
        if self.is_outside(event) {
            self.outside += 1;
            return;
        }
        self.undated += u64::from(event.time().is_none());
        self.insight += u64::from(event.is(Key::EventType, "AwsCloudTrailInsight"));
        self.sights.note(event);
        self.seen.push(Seen {
            record,
            id: EventId::parse(&event.text(Key::EventId)),
            time: event.time(),
            row: self.rows.of(event),
        });
        self.detector
            .detect(event, self.object, record, &mut self.hits);
    }

    /// An undated record is outside of no window.
    fn is_outside(&self, event: &Event<'_>) -> bool {
        let scope = self.scope;
        let before = |time: i64| scope.since.is_some_and(|since| time < since.timestamp());
        let after = |time: i64| scope.until.is_some_and(|until| time >= until.timestamp());
        event.time().is_some_and(|time| before(time) || after(time))
            || (!scope.accounts.is_empty() && !scope.holds_account(&event.account()))
            || (!scope.regions.is_empty() && !scope.holds_region(&event.text(Key::AwsRegion)))
    }
}

/// The activity rows of one object, each once.
#[derive(Default)]
struct Rows {
    rows: Vec<Activity>,
    places: FxHashMap<u64, u32>,
}

impl Rows {
    /// The row of an event. A row is found by the hash of its parts and compared before it is
    /// believed; nothing is allocated for one that is there.
    fn of(&mut self, event: &Event<'_>) -> u32 {
        let texts = [
            event.account(),
            event.text(Key::AwsRegion),
            event.text(Key::EventSource),
            event.text(Key::EventName),
            identity::caller(event),
        ];
        let outcome = outcome::of(event);
        let hour = event.time().map(|time| time - time.rem_euclid(3_600));
        let mut hasher = FxHasher::default();
        for text in &texts {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.write_i64(hour.unwrap_or(i64::MIN));
        hasher.write_u8(match outcome {
            Outcome::Success => 0,
            Outcome::Denied => 1,
            Outcome::Failed => 2,
        });
        let mut hash = hasher.finish();
        while let Some(place) = self.places.get(&hash) {
            let same = self.rows.get(*place as usize).is_some_and(|row| {
                let parts = [
                    &row.account,
                    &row.region,
                    &row.source,
                    &row.name,
                    &row.caller,
                ];
                row.hour == hour
                    && row.outcome == outcome
                    && parts
                        .iter()
                        .zip(&texts)
                        .all(|(part, text)| ***part == **text)
            });
            if same {
                return *place;
            }
            hash = hash.wrapping_add(1);
        }
        let place = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.places.insert(hash, place);
        let [account, region, source, name, caller] = texts.map(|text| Box::from(text.as_ref()));
        self.rows.push(Activity {
            account,
            region,
            source,
            name,
            caller,
            outcome,
            hour,
        });
        place
    }
}

/// Which kinds of event were met, kept so that a kind met before costs a comparison.
#[derive(Default)]
struct Sights {
    plain: Vec<Sight>,
    data: Vec<String>,
}

impl Sights {
    fn note(&mut self, event: &Event<'_>) {
        let is_data = event.is(Key::EventCategory, "Data")
            || (event.raw(Key::EventCategory).is_null()
                && event.text(Key::ManagementEvent) == "false");
        if is_data {
            for resource in event.raw(Key::Resources).items() {
                let kind = resource.get("type").text().unwrap_or_default();
                if !kind.is_empty() && !self.data.iter().any(|known| **known == *kind) {
                    self.data.push(kind.into_owned());
                }
            }
            return;
        }
        let source = event.text(Key::EventSource);
        match source.as_ref() {
            "kms.amazonaws.com" => self.plain(Sight::Kms),
            "signin.amazonaws.com" => self.plain(Sight::SignIn),
            _ => {}
        }
        self.plain(if event.text(Key::ReadOnly) == "true" {
            Sight::ManagementRead
        } else {
            Sight::ManagementWrite
        });
    }

    fn plain(&mut self, sight: Sight) {
        if !self.plain.contains(&sight) {
            self.plain.push(sight);
        }
    }

    fn kinds(&self) -> BTreeSet<Sight> {
        let data = self.data.iter().cloned().map(Sight::Data);
        self.plain.iter().cloned().chain(data).collect()
    }
}
