//! Every event shown to a command's own code, on all threads, with the results in the order of the
//! objects.

use std::sync::{Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use super::admission::Admission;
use super::in_order::InOrder;
use super::object_coverage::{
    note_broken, note_log, note_other_content, note_panic, note_unfetched,
};
use super::objects::{Object, ObjectStream, Payload};
use super::{Input, Options, Progress, guard, on_all_threads};
use crate::coverage::{Coverage, ProblemKind};
use crate::decode::{Content, Decoded, Decoder, RecordSink};
use crate::event::Event;
use crate::source::{FetchError, Fetched, ObjectRef, Scope};

/// What a command makes of the events of one object. Each thread has one of its own, and uses it for
/// object after object.
pub trait Visitor {
    /// What is handed on for each object.
    type Output: Send;

    /// An object begins. Whatever is left of another one does not count: its reading failed.
    fn begin(&mut self, object: &ObjectRef);

    /// An event that lies in the scope; `record` is its place in the log, from 0.
    fn event(&mut self, record: u32, event: &Event<'_>);

    /// The object was read to its end.
    fn end(&mut self) -> Self::Output;
}

/// Reads every object once and shows each event in the scope to a visitor; `sink` gets what the visitors
/// made of the objects, in the order of the objects. Objects that cannot be read, damaged ones and files
/// that are no logs bring nothing and stand in the coverage. An event that was delivered twice is
/// shown twice.
pub fn visit<V: Visitor>(
    input: Input,
    scope: &Scope,
    options: &Options,
    progress: &dyn Progress,
    visitor: impl Fn() -> V + Sync,
    sink: impl FnMut(V::Output) + Send,
) -> Coverage {
    // results of earlier runs are of no use: the events are wanted
    let options = &Options {
        state: None,
        ..options.clone()
    };
    let incoming = ObjectStream::new(input, scope, options);
    progress.listed(incoming.known());
    let ordered = Mutex::new(InOrder::new((Coverage::default(), sink)));
    on_all_threads(options.jobs.min(incoming.work()), &|| {
        let Some(mut object) = incoming.next(options, progress, None) else {
            return;
        };
        let mut worker = Worker {
            make: &visitor,
            visitor: visitor(),
            decoder: Decoder::new(options.max_object_mib),
            max_object_mib: options.max_object_mib,
            scope,
        };
        loop {
            let Object {
                sequence,
                reference,
                loaded,
                share,
            } = object;
            let fetched = match loaded {
                Payload::Read(fetched) => fetched,
                Payload::Known(_) => Err(super::cache::corrupt_entry()),
            };
            let (coverage, output) = worker.visit(&reference, &fetched);
            let bytes = reference.size.unwrap_or(coverage.bytes_stored);
            progress.object(bytes, coverage.records.evaluated);
            let done = Done {
                coverage,
                output,
                _share: share,
            };
            let mut ordered = ordered.lock().unwrap_or_else(PoisonError::into_inner);
            ordered.push(sequence, done, |(coverage, sink), done| {
                coverage.merge(done.coverage);
                if let Some(output) = done.output {
                    sink(output);
                }
            });
            drop(ordered);
            let left = (reference, fetched.map(|one| one.bytes).unwrap_or_default());
            object = match incoming.next(options, progress, Some(left)) {
                Some(object) => object,
                None => return,
            };
        }
    });
    let ordered = ordered.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ((mut coverage, _), taken) = ordered.finish();
    incoming.finish().add_to(&mut coverage, taken);
    coverage
}

/// What was made of one object. What it may hold of memory stays with it until it is handed on.
struct Done<T> {
    coverage: Coverage,
    output: Option<T>,
    _share: Option<OwnedSemaphorePermit>,
}

/// A visitor and the buffers it uses again.
struct Worker<'r, V> {
    make: &'r (dyn Fn() -> V + Sync),
    visitor: V,
    decoder: Decoder,
    max_object_mib: u64,
    scope: &'r Scope,
}

/// The events of one object on their way to the visitor.
struct Events<'w, 's, V> {
    visitor: &'w mut V,
    admission: Admission<'s>,
    object: &'s ObjectRef,
}

impl<V: Visitor> RecordSink for Events<'_, '_, V> {
    fn record(&mut self, record: u32, event: &Event<'_>) {
        if self.admission.admit(record, event) {
            self.visitor.event(record, event);
        }
    }

    fn reset(&mut self) {
        self.admission.reset();
        self.visitor.begin(self.object);
    }
}

impl<V: Visitor> Worker<'_, V> {
    fn visit(
        &mut self,
        object: &ObjectRef,
        fetched: &Result<Fetched, FetchError>,
    ) -> (Coverage, Option<V::Output>) {
        let mut coverage = Coverage::default();
        coverage.objects.listed = 1;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                note_unfetched(object, error, &mut coverage);
                return (coverage, None);
            }
        };
        coverage.bytes_stored = fetched.bytes.len() as u64;
        let read = guard::catch_panic(|| {
            self.visitor.begin(object);
            let mut events = Events {
                visitor: &mut self.visitor,
                admission: Admission::new(self.scope, object),
                object,
            };
            let decoded = self.decoder.decode_to(&fetched.bytes, &mut events);
            let admission = events.admission;
            let is_log = |decoded: &Decoded| decoded.content == Content::Log;
            let output = decoded
                .as_ref()
                .is_ok_and(is_log)
                .then(|| self.visitor.end());
            (decoded, admission, output)
        });
        let (decoded, admission, output) = match read {
            Ok(read) => read,
            Err(message) => {
                self.visitor = (self.make)();
                self.decoder = Decoder::new(self.max_object_mib);
                note_panic(object, &message, &mut coverage);
                return (coverage, None);
            }
        };
        match decoded {
            Ok(decoded) if decoded.content == Content::Log => {
                note_log(object, &decoded, &admission, &mut coverage);
                if let Some(misfiled) = admission.misfiled.summary() {
                    coverage.problem(&object.name, ProblemKind::Misplaced, misfiled);
                }
            }
            Ok(decoded) => note_other_content(object, decoded.content, &mut coverage),
            Err(error) => note_broken(object, &error, &mut coverage),
        }
        (coverage, output)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Key;
    use crate::safe_text::TerminalText;
    use crate::source::local;

    struct Quiet;

    impl Progress for Quiet {
        fn listed(&self, _objects: u64) {}
        fn object(&self, _bytes: u64, _events: u64) {}
        fn remark(&self, _remark: &TerminalText) {}
    }

    /// The names of an object's events; one of them is more than it can bear.
    #[derive(Default)]
    struct Names {
        object: String,
        names: Vec<String>,
    }

    impl Visitor for Names {
        type Output = String;

        fn begin(&mut self, object: &ObjectRef) {
            self.object.clone_from(&object.name);
            self.names.clear();
        }

        fn event(&mut self, record: u32, event: &Event<'_>) {
            let name = event.text(Key::EventName);
            assert!(name != "Panic", "no visitor can be like this");
            self.names.push(format!("{record}{name}"));
        }

        fn end(&mut self) -> String {
            format!("{}:{}", self.object, self.names.join(","))
        }
    }

    #[test]
    fn visitors_see_every_event_once_and_what_they_make_of_it_comes_in_order() {
        let record = |name: &str, region: &str| {
            format!(
                "{{\"eventVersion\":\"1.11\",\"eventTime\":\"2026-11-19T14:00:00Z\",\
                 \"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"{name}\",\"awsRegion\":\"{region}\"}}"
            )
        };
        let folder = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for file in 0..40 {
            let name = format!("{file:02}.json");
            let records = [
                record("A", "us-east-1"),
                record("Elsewhere", "eu-west-1"),
                record(if file == 20 { "Panic" } else { "B" }, "us-east-1"),
            ];
            let end = if file == 30 { "" } else { "]}" };
            let text = format!("{{\"Records\":[{}{end}", records.join(","));
            fs::write(folder.path().join(&name), text).unwrap();
            if file != 20 && file != 30 {
                expected.push(format!("{name}:0A,2B"));
            }
        }
        fs::write(folder.path().join("50.txt"), "no log").unwrap();
        let scope = Scope {
            regions: vec!["us-east-1".to_owned()],
            ..Scope::all(std::time::UNIX_EPOCH.into())
        };
        for jobs in [1, 3] {
            let input = Input::Files(local::walk(folder.path(), &scope).unwrap());
            let options = Options {
                jobs,
                max_object_mib: 1,
                ..Options::default()
            };
            let mut all = Vec::new();
            let sink = |names| all.push(names);
            let coverage = visit(input, &scope, &options, &Quiet, Names::default, sink);
            assert_eq!(all, expected);
            assert!(coverage.identities_hold());
            let (objects, records) = (coverage.objects, coverage.records);
            assert_eq!((objects.read, objects.broken), (38, 2));
            assert_eq!((records.evaluated, records.outside), (76, 38));
            let bug = |what: &str| what.contains("no visitor can be like this");
            assert!(coverage.problems.iter().any(|problem| bug(&problem.what)));
        }
    }
}
