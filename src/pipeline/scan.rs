//! One worker: object after object, from bytes to what they teach.

mod event_classes;

use chrono::NaiveTime;

use super::misfiled::Misfiled;
use super::{Work, guard, seal};
use crate::coverage::{Coverage, Hour, ProblemKind};
use crate::decode::{Content, DecodeError, Decoded, Decoder};
use crate::detect::Detection;
use crate::digest;
use crate::event::time::Epoch;
use crate::event::{Event, Key};
use crate::source::key::{self, LogKey};
use crate::source::{FetchError, Fetched, ObjectRef, Scope};
use crate::tally::{ObjectScan, number};
use event_classes::EventClassTracker;

/// A worker and the buffers it uses again.
pub(super) struct Worker<'r> {
    /// Makes the two that follow.
    make: Box<dyn Fn() -> (Option<Detection<'r>>, Decoder) + 'r>,
    detection: Option<Detection<'r>>,
    decoder: Decoder,
    work: Work<'r>,
    scope: &'r Scope,
}

impl<'r> Worker<'r> {
    /// `detection` makes the worker's detection; without one objects are only hashed.
    pub(super) fn new(
        detection: impl Fn() -> Option<Detection<'r>> + 'r,
        work: Work<'r>,
        scope: &'r Scope,
        max_object_mib: u64,
    ) -> Self {
        let make = Box::new(move || {
            let decoder = Decoder::new(max_object_mib);
            let decoder = match work.digests {
                Some(_) => decoder.sealing(),
                None => decoder,
            };
            (detection(), decoder)
        });
        let (detection, decoder) = make();
        Self {
            make,
            detection,
            decoder,
            work,
            scope,
        }
    }

    /// Scans one object. Never fails: problems are part of the result. `room` is an empty result whose
    /// buffers are reused.
    pub(super) fn scan(
        &mut self,
        sequence: u64,
        object: &ObjectRef,
        fetched: &Result<Fetched, FetchError>,
        room: ObjectScan,
    ) -> ObjectScan {
        self.guarded(sequence, object, |worker| {
            worker.read(sequence, object, fetched, room)
        })
    }

    /// Works on one object. A panic is that object's problem: it counts as broken, with nothing that was
    /// read of it, and the worker starts over.
    fn guarded(
        &mut self,
        sequence: u64,
        object: &ObjectRef,
        work: impl FnOnce(&mut Self) -> ObjectScan,
    ) -> ObjectScan {
        let message = match guard::catch_panic(|| work(self)) {
            Ok(scanned) => return scanned,
            Err(message) => message,
        };
        (self.detection, self.decoder) = (self.make)();
        let what = format!(
            "reading it failed ({message}), which is a bug in trailscan: none of its records count, please report it"
        );
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        unread_object(object, &mut coverage, ProblemKind::Broken, &what);
        let reader = self.work.digests;
        let error = FetchError::Failed(what);
        ObjectScan {
            integrity: reader.and_then(|reader| seal::unread(reader, object, &error)),
            ..scanned(sequence, object, coverage)
        }
    }

    fn read(
        &mut self,
        sequence: u64,
        object: &ObjectRef,
        fetched: &Result<Fetched, FetchError>,
        room: ObjectScan,
    ) -> ObjectScan {
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        let reader = self.work.digests;
        if let Some(reader) = reader
            && digest::is_digest(object)
            && !self.holds_records(fetched)
        {
            let scanned = scanned(sequence, object, coverage);
            return seal::digest(&mut self.decoder, scanned, object, fetched, reader);
        }
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                let kind = match error {
                    FetchError::Refused(_) => ProblemKind::Refused,
                    FetchError::Archived(_) => ProblemKind::Archived,
                    FetchError::Gone | FetchError::Failed(_) => ProblemKind::Broken,
                };
                unread_object(object, &mut coverage, kind, &error.to_string());
                return ObjectScan {
                    integrity: reader.and_then(|reader| seal::unread(reader, object, error)),
                    ..scanned(sequence, object, coverage)
                };
            }
        };
        coverage.bytes_stored = fetched.bytes.len() as u64;
        let Some(detection) = &mut self.detection else {
            let scanned = scanned(sequence, object, coverage);
            return seal::with_sha256(&mut self.decoder, scanned, object, fetched, reader);
        };
        let account = object.key.as_ref().map(|key| key.account.as_str());
        let mut collector = RecordCollector::new(detection, self.scope, account, room);
        collector.misplaced = Misfiled::of(object);
        let visit = &mut |record, event: &Event<'_>| collector.take(record, event);
        let decoded = match self.decoder.decode_in_pieces(&fetched.bytes, visit) {
            Some(decoded) => Ok(decoded),
            None => {
                collector = collector.reset();
                collector.misplaced = Misfiled::of(object);
                let visit = &mut |record, event: &Event<'_>| collector.take(record, event);
                self.decoder.decode(&fetched.bytes, visit)
            }
        };
        let reason = collector.misplaced.summary();
        let evidence = reader.and_then(|reader| {
            let reason = reason.as_deref();
            seal::evidence(reader, &mut self.decoder, object, fetched, &decoded, reason)
        });
        let scanned = match decoded {
            Ok(decoded) if decoded.content == Content::Log => {
                note_log(object, &decoded, &collector, &mut coverage);
                if let Some(reason) = reason {
                    coverage.problem(&object.name, ProblemKind::Misplaced, reason);
                }
                collector
                    .sights
                    .finish(&collector.scanned.names, &mut coverage);
                // a key that says nothing: the object is counted where its first event belongs
                let first = collector.scanned.rows.first().map(|row| {
                    let text = |id| collector.scanned.names.text(id).to_owned();
                    (text(row.account), text(row.region))
                });
                let own = scanned(sequence, object, coverage);
                let late = |newest| own.stamp.is_some_and(|stamp| stamp - newest > Hour::LATE);
                ObjectScan {
                    sequence,
                    object: own.object,
                    coverage: own.coverage,
                    place: own.place.or(first),
                    has_key: own.has_key,
                    stamp: own.stamp.or(collector.newest),
                    late: collector.newest.is_some_and(late),
                    ..collector.scanned
                }
            }
            Ok(decoded) => {
                note_other_content(object, decoded.content, &mut coverage);
                seal::name_without_digests(reader, evidence.as_ref(), object, &mut coverage);
                scanned(sequence, object, coverage)
            }
            Err(error) => {
                note_broken(object, &error, &mut coverage);
                scanned(sequence, object, coverage)
            }
        };
        ObjectScan {
            integrity: evidence,
            ..scanned
        }
    }

    /// True where an object whose key is a digest's holds records: it is a log like all others,
    /// whether its records are evaluated or only its content is verified.
    fn holds_records(&mut self, fetched: &Result<Fetched, FetchError>) -> bool {
        let Ok(fetched) = fetched else {
            return false;
        };
        let decoded = self.decoder.decode(&fetched.bytes, &mut |_, _| {});
        decoded.is_ok_and(|decoded| decoded.content == Content::Log)
    }
}

/// An object of which nothing was read.
fn unread_object(object: &ObjectRef, coverage: &mut Coverage, kind: ProblemKind, what: &str) {
    let objects = &mut coverage.objects;
    let count = match kind {
        ProblemKind::Refused => &mut objects.refused,
        ProblemKind::Archived => &mut objects.archived,
        _ => &mut objects.broken,
    };
    *count = 1;
    coverage.problem(&object.name, kind, what);
    note_hour(object, coverage, |hour| match kind {
        ProblemKind::Broken => hour.broken += 1,
        _ => hour.unread += 1,
    });
}

/// The account of a log that was read.
fn note_log(
    object: &ObjectRef,
    decoded: &Decoded,
    collector: &RecordCollector<'_, '_>,
    coverage: &mut Coverage,
) {
    coverage.objects.read = 1;
    coverage.bytes_inflated = decoded.inflated;
    note_day(object, coverage);
    let records = &mut coverage.records;
    records.records = u64::from(decoded.records);
    records.bad = decoded.bad.len() as u64;
    records.outside = collector.outside;
    records.evaluated = collector.scanned.seen.len() as u64;
    records.undated = collector.undated;
    records.insight = collector.scanned.insights.len() as u64;
    if let Some((first, why)) = decoded.bad.iter().next() {
        let what = format!(
            "{} of {} records cannot be read, the first is record {first}: {why}",
            decoded.bad.len(),
            decoded.records
        );
        let all_strangers = decoded.bad.len() == decoded.strangers as usize;
        coverage.problem(
            &object.name,
            unexpected_file_kind(object, all_strangers),
            what,
        );
    }
    if decoded.others > 0 {
        let what = format!(
            "beside its records it holds {} more {} that CloudTrail did not write as records; they were not evaluated",
            decoded.others,
            if decoded.others == 1 {
                "value"
            } else {
                "values"
            },
        );
        coverage.problem(&object.name, unexpected_file_kind(object, true), what);
    }
    if digest::is_digest(object) {
        let what = "its key is that of a digest, its content is a log; its records were evaluated";
        coverage.problem(&object.name, ProblemKind::Misplaced, what);
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

/// What sort of problem it is that something was not evaluated. CloudTrail's own logs hold records and
/// nothing else; in any other file what is none of CloudTrail's is no loss.
fn unexpected_file_kind(object: &ObjectRef, is_stranger: bool) -> ProblemKind {
    match is_stranger && !must_be_log(object) {
        true => ProblemKind::NotCloudTrail,
        false => ProblemKind::BadRecords,
    }
}

/// True where the key says that the object is a log, or in a copy without folders the file's name.
pub(super) fn must_be_log(object: &ObjectRef) -> bool {
    let file = object.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_json = file.ends_with(".json") || file.ends_with(".json.gz");
    let by_name = || LogKey::parse(&key::from_file_name(file).filter(|_| is_json)?);
    let key = object.key.clone().or_else(by_name);
    key.is_some_and(|key| key.kind.holds_events())
}

fn scanned(sequence: u64, object: &ObjectRef, coverage: Coverage) -> ObjectScan {
    let place = object
        .key
        .as_ref()
        .filter(|_| coverage.objects.read > 0)
        .map(|key| (key.account.clone(), key.region.clone()));
    let delivered = object.key.as_ref().and_then(|key| key.delivered);
    ObjectScan {
        sequence,
        object: object.name.clone(),
        coverage,
        place,
        stamp: delivered.map(|time| time.timestamp()),
        has_key: object.key.is_some(),
        ..ObjectScan::default()
    }
}

/// Notes the day of a log file's delivery, if its key says account, Region and day.
fn note_day(object: &ObjectRef, coverage: &mut Coverage) {
    if let Some(key) = object.key.as_ref().filter(|key| key.kind.holds_events()) {
        let day = key.day.and_time(NaiveTime::MIN).and_utc().timestamp();
        let region = coverage.region(&key.account, &key.region);
        region.days.insert(day);
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
    note_day(object, coverage);
}

/// A file that is no log: counted apart and named, unless its key says that it must be one.
pub(super) fn note_other_content(object: &ObjectRef, content: Content, coverage: &mut Coverage) {
    if must_be_log(object) {
        let what = match content {
            Content::Digest => "its key is that of a CloudTrail log, its content is a digest",
            _ => "its key is that of a CloudTrail log, its content is not",
        };
        return unread_object(object, coverage, ProblemKind::Broken, what);
    }
    coverage.objects.listed = 0;
    match content {
        Content::Digest => coverage.objects.digests = 1,
        Content::Log | Content::Foreign => coverage.foreign(&object.name),
    }
}

/// A damaged object. An empty one is damaged only where its key or name says that it is a log.
pub(super) fn note_broken(object: &ObjectRef, error: &DecodeError, coverage: &mut Coverage) {
    match error {
        DecodeError::Empty if object.key.is_none() && !must_be_log(object) => {
            note_other_content(object, Content::Foreign, coverage);
        }
        _ => unread_object(object, coverage, ProblemKind::Broken, &error.to_string()),
    }
}

/// What the records of one object leave behind.
struct RecordCollector<'w, 'r> {
    detection: &'w mut Detection<'r>,
    scope: &'r Scope,
    /// The account in the log's key.
    account: Option<&'w str>,
    scanned: ObjectScan,
    sights: EventClassTracker,
    misplaced: Misfiled,
    /// The newest event, inside the window or not: it shows how late the file was delivered.
    newest: Option<Epoch>,
    outside: u64,
    undated: u64,
}

impl<'w, 'r> RecordCollector<'w, 'r> {
    fn new(
        detection: &'w mut Detection<'r>,
        scope: &'r Scope,
        account: Option<&'w str>,
        room: ObjectScan,
    ) -> Self {
        detection.begin();
        Self {
            detection,
            scope,
            account,
            scanned: room,
            sights: EventClassTracker::default(),
            misplaced: Misfiled::default(),
            newest: None,
            outside: 0,
            undated: 0,
        }
    }

    /// As if nothing had been taken.
    fn reset(self) -> Self {
        let room = self.scanned.recycle();
        Self::new(self.detection, self.scope, self.account, room)
    }

    fn take(&mut self, record: u32, event: &Event<'_>) {
        if let Some(account) = self.account {
            event.note_log_account(account);
        }
        self.newest = self.newest.max(event.time());
        if self.misplaced.are_expected() {
            self.misplaced.note(record, event);
        }
        if self.is_outside(event) {
            self.outside += 1;
            return;
        }
        self.undated += u64::from(event.time().is_none());
        if event.is(Key::EventType, "AwsCloudTrailInsight") {
            let at = number(self.scanned.seen.len());
            self.scanned.insights.push(at);
        }
        let rows = self.scanned.rows.len();
        self.detection.take(event, record, &mut self.scanned);
        let seen = self.scanned.seen.last().expect("the event was taken");
        let new = self.scanned.rows.get(rows);
        self.sights.note(event, seen.row, new);
        let row = self.scanned.rows.get(seen.row as usize);
        let row = row.expect("every event has a row");
        for rule in self.detection.undecided(event) {
            self.sights.note_undecided(event, row, rule);
        }
    }

    fn is_outside(&self, event: &Event<'_>) -> bool {
        let scope = self.scope;
        !scope.holds_time(event.time())
            || (!scope.accounts.is_empty() && !scope.holds_account(&event.account()))
            || (!scope.regions.is_empty() && !scope.holds_region(&event.text(Key::AwsRegion)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::detect::Detector;
    use crate::rules::load;
    use crate::source::{ObjectLocation, local};

    /// What is read after a panic is as if the panic had not been.
    #[test]
    fn a_panic_breaks_its_object_and_no_other() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let rules = load::load(&load::builtin(), &Config::default().rules);
        let organization = Config::default().organization;
        let detector = Detector::new(&rules, &organization);
        let scope = Scope::all(std::time::UNIX_EPOCH.into());
        let listing = local::list(&root.join("samples/trails/breach"), &scope).unwrap();
        let worker = || {
            let detection = || Some(Detection::new(&detector));
            Worker::new(detection, Work::rules(&detector), &scope, 64)
        };
        let logs = listing.objects.iter().filter_map(|object| {
            let ObjectLocation::File(path) = &object.place else {
                return None;
            };
            let fetched = local::read(path, None, 1 << 20, Vec::new()).map(Fetched::from);
            let sound = worker().scan(1, object, &fetched, ObjectScan::default());
            (sound.coverage.records.evaluated > 0).then_some((object, fetched, sound))
        });
        let (object, fetched, sound) = logs.into_iter().next().unwrap();
        let mut worker = worker();
        for _ in 0..3 {
            // in the middle of its work, with much that is half done
            let broken = worker.guarded(0, object, |worker| {
                let _half = worker.read(0, object, &fetched, ObjectScan::default());
                panic!("no object can be like this")
            });
            let coverage = &broken.coverage;
            assert!(coverage.identities_hold() && !coverage.is_complete());
            assert_eq!((coverage.objects.listed, coverage.objects.broken), (1, 1));
            assert_eq!(coverage.records, Default::default());
            assert!(broken.seen.is_empty() && broken.hits.is_empty());
            let problem = coverage.problems.first().unwrap();
            assert_eq!(problem.object, object.name);
            assert!(problem.what.contains("no object can be like this"));
            assert!(problem.what.contains("scan.rs:"), "{}", problem.what);
            let after = worker.scan(1, object, &fetched, ObjectScan::default());
            let in_words =
                |scanned: &ObjectScan| format!("{:?} {:?}", scanned.coverage, scanned.seen);
            assert_eq!(in_words(&after), in_words(&sound));
        }
    }
}
