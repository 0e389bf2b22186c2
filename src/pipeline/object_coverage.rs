//! What the coverage says about one object: read, unread, damaged, or no log at all.

use chrono::NaiveTime;

use super::admission::Admission;
use crate::coverage::{Coverage, Hour, ProblemKind};
use crate::decode::{Content, DecodeError, Decoded};
use crate::digest;
use crate::source::{FetchError, ObjectRef};

/// An object that could not be read.
pub(super) fn note_unfetched(object: &ObjectRef, error: &FetchError, coverage: &mut Coverage) {
    let kind = match error {
        FetchError::Refused(_) => ProblemKind::Refused,
        FetchError::Archived(_) => ProblemKind::Archived,
        FetchError::Gone | FetchError::Failed(_) => ProblemKind::Broken,
    };
    unread_object(object, coverage, kind, &error.to_string());
}

/// An object whose reading ended in a panic.
pub(super) fn note_panic(object: &ObjectRef, message: &str, coverage: &mut Coverage) -> String {
    let what = format!(
        "reading it failed ({message}), which is a bug in trailscan: none of its records count, please report it"
    );
    unread_object(object, coverage, ProblemKind::Broken, &what);
    what
}

/// An object of which nothing was read.
pub(super) fn unread_object(
    object: &ObjectRef,
    coverage: &mut Coverage,
    kind: ProblemKind,
    what: &str,
) {
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

/// A log that was read, with how many of its records were evaluated.
pub(super) fn note_log(
    object: &ObjectRef,
    decoded: &Decoded,
    admitted: &Admission<'_>,
    coverage: &mut Coverage,
) {
    coverage.objects.read = 1;
    coverage.bytes_inflated = decoded.inflated;
    note_day(object, coverage);
    let records = &mut coverage.records;
    records.records = u64::from(decoded.records);
    records.bad = decoded.bad.len() as u64;
    records.outside = admitted.outside;
    records.evaluated = admitted.evaluated;
    records.undated = admitted.undated;
    records.insight = admitted.insights;
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
    match is_stranger && !object.must_be_log() {
        true => ProblemKind::NotCloudTrail,
        false => ProblemKind::BadRecords,
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
    if object.must_be_log() {
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
        DecodeError::Empty if object.key.is_none() && !object.must_be_log() => {
            note_other_content(object, Content::Foreign, coverage);
        }
        _ => unread_object(object, coverage, ProblemKind::Broken, &error.to_string()),
    }
}
