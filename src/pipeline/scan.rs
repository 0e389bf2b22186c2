//! One worker: object after object, from bytes to what they teach.

use super::admission::Admission;
use super::object_coverage::{
    note_broken, note_log, note_other_content, note_panic, note_unfetched,
};
use super::{Work, guard, hashing};
use crate::coverage::{Coverage, Hour, ProblemKind};
use crate::decode::{Content, Decoder, RecordSink};
use crate::detect::{Detection, EventClassTracker};
use crate::digest;
use crate::event::Event;
use crate::source::{FetchError, Fetched, ObjectRef, Scope};
use crate::tally::{ObjectScan, number};

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
    /// read of it, and the worker begins anew.
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
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        let what = note_panic(object, &message, &mut coverage);
        let reader = self.work.digests;
        let error = FetchError::Failed(what);
        ObjectScan {
            integrity: reader.and_then(|reader| reader.unread(object, &error)),
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
            return hashing::digest(&mut self.decoder, scanned, object, fetched, reader);
        }
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                note_unfetched(object, error, &mut coverage);
                return ObjectScan {
                    integrity: reader.and_then(|reader| reader.unread(object, error)),
                    ..scanned(sequence, object, coverage)
                };
            }
        };
        coverage.bytes_stored = fetched.bytes.len() as u64;
        let Some(detection) = &mut self.detection else {
            let scanned = scanned(sequence, object, coverage);
            return hashing::with_sha256(&mut self.decoder, scanned, object, fetched, reader);
        };
        let mut taken = Taken::new(detection, self.scope, object, room);
        let decoded = self.decoder.decode_to(&fetched.bytes, &mut taken);
        let misplaced = taken.admission.misfiled.summary();
        let evidence = reader.and_then(|reader| {
            let misplaced = misplaced.as_deref();
            reader.evidence(object, fetched, &mut self.decoder, &decoded, misplaced)
        });
        let scanned = match decoded {
            Ok(decoded) if decoded.content == Content::Log => {
                note_log(object, &decoded, &taken.admission, &mut coverage);
                if let Some(misplaced) = misplaced {
                    coverage.problem(&object.name, ProblemKind::Misplaced, misplaced);
                }
                taken
                    .event_classes
                    .finish(&taken.scanned.names, &mut coverage);
                // a key that says nothing: the object is counted where its first event belongs
                let first = taken.scanned.rows.first().map(|row| {
                    let text = |id| taken.scanned.names.text(id).to_owned();
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
                    stamp: own.stamp.or(taken.admission.newest),
                    late: taken.admission.newest.is_some_and(late),
                    ..taken.scanned
                }
            }
            Ok(decoded) => {
                note_other_content(object, decoded.content, &mut coverage);
                hashing::name_without_digests(reader, evidence.as_ref(), object, &mut coverage);
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

/// What the records of one object leave behind.
struct Taken<'w, 'r> {
    detection: &'w mut Detection<'r>,
    admission: Admission<'w>,
    scanned: ObjectScan,
    event_classes: EventClassTracker,
}

impl<'w, 'r> Taken<'w, 'r> {
    fn new(
        detection: &'w mut Detection<'r>,
        scope: &'w Scope,
        object: &'w ObjectRef,
        room: ObjectScan,
    ) -> Self {
        detection.begin();
        Self {
            detection,
            admission: Admission::new(scope, object),
            scanned: room,
            event_classes: EventClassTracker::default(),
        }
    }
}

impl RecordSink for Taken<'_, '_> {
    fn reset(&mut self) {
        self.detection.begin();
        self.admission.reset();
        self.scanned = std::mem::take(&mut self.scanned).recycle();
        self.event_classes = EventClassTracker::default();
    }

    fn record(&mut self, record: u32, event: &Event<'_>) {
        let insights = self.admission.insights;
        if !self.admission.admit(record, event) {
            return;
        }
        if self.admission.insights > insights {
            let at = number(self.scanned.seen.len());
            self.scanned.insights.push(at);
        }
        let rows = self.scanned.rows.len();
        self.detection.take(event, record, &mut self.scanned);
        let seen = self.scanned.seen.last().expect("the event was taken");
        let new = self.scanned.rows.get(rows);
        self.event_classes.note(event, seen.row, new);
        let row = self.scanned.rows.get(seen.row as usize);
        let row = row.expect("every event has a row");
        for rule in self.detection.undecided(event) {
            self.event_classes.note_undecided(event, row, rule);
        }
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
            let fetched = local::read(path, 1 << 20).map(Fetched::from);
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
