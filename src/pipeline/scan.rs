//! One worker: object after object, from bytes to what they teach.

mod sights;

use super::{Work, seal};
use crate::coverage::{Coverage, Hour, ProblemKind};
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::detect::Detection;
use crate::digest;
use crate::event::time::Epoch;
use crate::event::{Event, Key};
use crate::source::{FetchError, Fetched, ObjectRef, Scope};
use crate::tally::Scanned;
use sights::Sights;

/// A worker and the buffers it uses again.
pub(super) struct Worker<'r> {
    detection: Option<Detection<'r>>,
    work: Work<'r>,
    scope: &'r Scope,
    decoder: Decoder,
}

impl<'r> Worker<'r> {
    /// Without detection objects are only hashed.
    pub(super) fn new(
        detection: Option<Detection<'r>>,
        work: Work<'r>,
        scope: &'r Scope,
        max_object_mib: u64,
    ) -> Self {
        let decoder = Decoder::new(max_object_mib);
        Self {
            detection,
            work,
            scope,
            decoder: match work.digests {
                Some(_) => decoder.sealing(),
                None => decoder,
            },
        }
    }

    /// Turns one object into what it teaches. Never fails: what goes wrong is part of the lesson. `room`
    /// holds nothing but the room that another has left.
    pub(super) fn scan(
        &mut self,
        sequence: u64,
        object: &ObjectRef,
        fetched: &Result<Fetched, FetchError>,
        room: Scanned,
    ) -> Scanned {
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        let reader = self.work.digests;
        if let Some(reader) = reader
            && digest::is_digest(object)
        {
            let scanned = scanned(sequence, object, coverage);
            return seal::digest(&mut self.decoder, scanned, object, fetched, reader);
        }
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                let (count, kind) = match error {
                    FetchError::Refused(_) => (&mut coverage.objects.refused, ProblemKind::Refused),
                    FetchError::Archived(_) => {
                        (&mut coverage.objects.archived, ProblemKind::Archived)
                    }
                    FetchError::Gone | FetchError::Failed(_) => {
                        (&mut coverage.objects.broken, ProblemKind::Broken)
                    }
                };
                *count = 1;
                coverage.problem(&object.name, kind, error.to_string());
                note_hour(object, &mut coverage, |hour| match kind {
                    ProblemKind::Broken => hour.broken += 1,
                    _ => hour.unread += 1,
                });
                return Scanned {
                    integrity: reader.and_then(|reader| seal::unread(reader, object, error)),
                    ..scanned(sequence, object, coverage)
                };
            }
        };
        coverage.bytes_stored = fetched.bytes.len() as u64;
        let Some(detection) = &mut self.detection else {
            let scanned = scanned(sequence, object, coverage);
            return seal::hash(&mut self.decoder, scanned, object, fetched, reader);
        };
        let account = object.key.as_ref().map(|key| key.account.as_str());
        let mut taken = Taken::new(detection, self.scope, account, room);
        let visit = &mut |record, event: &Event<'_>| taken.take(record, event);
        let decoded = match self.decoder.decode_in_pieces(&fetched.bytes, visit) {
            Some(decoded) => Ok(decoded),
            None => {
                taken = taken.forgotten();
                let visit = &mut |record, event: &Event<'_>| taken.take(record, event);
                self.decoder.decode(&fetched.bytes, visit)
            }
        };
        let evidence = reader.and_then(|reader| {
            seal::evidence(reader, &mut self.decoder, object, fetched, &decoded)
        });
        let scanned = match decoded {
            Ok(decoded) if decoded.content == Content::Log => {
                log(object, &decoded, &taken, &mut coverage);
                taken.sights.leave(&taken.scanned.names, &mut coverage);
                // a key that says nothing: the object is counted where its first event belongs
                let first = taken.scanned.rows.first().map(|row| {
                    let text = |id| taken.scanned.names.text(id).to_owned();
                    (text(row.account), text(row.region))
                });
                let own = scanned(sequence, object, coverage);
                let late = |newest| own.stamp.is_some_and(|stamp| stamp - newest > Hour::LATE);
                Scanned {
                    sequence,
                    object: own.object,
                    coverage: own.coverage,
                    place: own.place.or(first),
                    has_key: own.has_key,
                    stamp: own.stamp.or(taken.newest),
                    late: taken.newest.is_some_and(late),
                    ..taken.scanned
                }
            }
            Ok(decoded) => {
                set_aside(object, decoded.content, &mut coverage);
                scanned(sequence, object, coverage)
            }
            Err(error) => {
                broken(object, &error, &mut coverage);
                scanned(sequence, object, coverage)
            }
        };
        Scanned {
            integrity: evidence,
            ..scanned
        }
    }
}

/// The account of a log that was read.
fn log(object: &ObjectRef, decoded: &Decoded, taken: &Taken<'_, '_>, coverage: &mut Coverage) {
    coverage.objects.read = 1;
    coverage.bytes_inflated = decoded.inflated;
    let records = &mut coverage.records;
    records.records = u64::from(decoded.records);
    records.bad = decoded.bad.len() as u64;
    records.outside = taken.outside;
    records.evaluated = taken.scanned.seen.len() as u64;
    records.undated = taken.undated;
    records.insight = taken.scanned.insights.len() as u64;
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

fn scanned(sequence: u64, object: &ObjectRef, coverage: Coverage) -> Scanned {
    let place = object
        .key
        .as_ref()
        .filter(|_| coverage.objects.read > 0)
        .map(|key| (key.account.clone(), key.region.clone()));
    let delivered = object.key.as_ref().and_then(|key| key.delivered);
    Scanned {
        sequence,
        object: object.name.clone(),
        coverage,
        place,
        stamp: delivered.map(|time| time.timestamp()),
        has_key: object.key.is_some(),
        ..Scanned::default()
    }
}

/// Counts an object in the hour of its delivery, where its key tells account, Region and time.
fn note_hour(object: &ObjectRef, coverage: &mut Coverage, note: impl FnOnce(&mut Hour)) {
    if let Some(key) = &object.key
        && let Some(delivered) = key.delivered
    {
        let region = coverage.region(&key.account, &key.region);
        note(region.hour(delivered.timestamp()));
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
            note_hour(object, coverage, |hour| hour.broken += 1);
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
    note_hour(object, coverage, |hour| hour.broken += 1);
}

/// What the records of one object leave behind.
struct Taken<'w, 'r> {
    detection: &'w mut Detection<'r>,
    scope: &'r Scope,
    /// The account in the log's key.
    account: Option<&'w str>,
    scanned: Scanned,
    sights: Sights,
    /// The newest event, those outside of the window too: how late the file came is told by it.
    newest: Option<Epoch>,
    outside: u64,
    undated: u64,
}

impl<'w, 'r> Taken<'w, 'r> {
    fn new(
        detection: &'w mut Detection<'r>,
        scope: &'r Scope,
        account: Option<&'w str>,
        room: Scanned,
    ) -> Self {
        detection.begin();
        Self {
            detection,
            scope,
            account,
            scanned: room,
            sights: Sights::default(),
            newest: None,
            outside: 0,
            undated: 0,
        }
    }

    /// As if nothing had been taken.
    fn forgotten(self) -> Self {
        let room = self.scanned.emptied();
        Self::new(self.detection, self.scope, self.account, room)
    }

    fn take(&mut self, record: u32, event: &Event<'_>) {
        if let Some(account) = self.account {
            event.note_log_account(account);
        }
        self.newest = self.newest.max(event.time());
        if self.is_outside(event) {
            self.outside += 1;
            return;
        }
        self.undated += u64::from(event.time().is_none());
        if event.is(Key::EventType, "AwsCloudTrailInsight") {
            let at = u32::try_from(self.scanned.seen.len()).unwrap_or(u32::MAX);
            self.scanned.insights.push(at);
        }
        let rows = self.scanned.rows.len();
        self.detection.take(event, record, &mut self.scanned);
        if let Some(seen) = self.scanned.seen.last() {
            let new = self.scanned.rows.get(rows);
            self.sights.note(event, seen.row, new);
        }
    }

    fn is_outside(&self, event: &Event<'_>) -> bool {
        let scope = self.scope;
        !scope.holds_time(event.time())
            || (!scope.accounts.is_empty() && !scope.holds_account(&event.account()))
            || (!scope.regions.is_empty() && !scope.holds_region(&event.text(Key::AwsRegion)))
    }
}
