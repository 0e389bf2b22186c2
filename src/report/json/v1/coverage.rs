//! `coverage.json`: what rules could see, and what was read.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::RuleStates;
use super::{
    Completeness, List, MOST_PLACES, Provenance, Time, Trail, TrailChange, Visibility, is_zero,
    view, words,
};
use crate::assess::hours;
use crate::coverage;
use crate::event::time::Epoch;
use crate::report::rows::Row;
use crate::report::{Report, notes};
use crate::trail;

/// The value of `schema`.
const SCHEMA: &str = "trailscan.coverage/1";

view! {
    /// coverage.json: what rules could see, and what was read, by account, Region and hour.
    Coverage<'r> of report: &'r Report {
        /// The name and version of this format.
        #[schemars(extend("const" = SCHEMA))]
        schema: &'static str = SCHEMA,
        provenance: Provenance<'r> = (&report.provenance).into(),
        /// Whether all logs of the window were read.
        complete: bool = report.completeness.complete,
        completeness: Completeness<'r> = (&report.completeness).into(),
        /// What a reader should know of the logs, one sentence each.
        notes: Vec<String> = notes::notes(report),
        objects: ObjectCounts = (&report.coverage.objects).into(),
        store: Store<'r> = (&report.coverage.store).into(),
        records: RecordCounts = (&report.coverage.records).into(),
        /// The trails that write to the source, if their settings are known.
        trails: List<'r, Trail<'r>, BTreeSet<trail::Trail>> = List::of(&report.coverage.trails),
        /// Events that changed a trail.
        changes: List<'r, TrailChange<'r>, BTreeSet<trail::TrailChange>> =
            List::of(&report.coverage.changes),
        /// What was read, by account and Region, at most 20,000.
        places: Vec<PlaceCoverage<'r>> = first_places(report.rows()),
        /// How many account-Regions `places` and `completeness.places` do not list; absent if there are
        /// none.
        #[serde(skip_serializing_if = "is_zero")]
        more_places: usize = report.rows().count().saturating_sub(MOST_PLACES),
        visibility: Visibility<'r> = (&report.visibility).into(),
        /// Every rule in use that reports, by name.
        rules: RuleStates<'r> = List::of(&report.rules),
        problems: List<'r, Problem<'r>, BTreeSet<coverage::Problem>> =
            List::of(&report.coverage.problems),
        /// The first of the files that are no CloudTrail logs.
        foreign: &'r BTreeSet<String> = &report.coverage.foreign,
    }
}

fn first_places<'r>(rows: impl Iterator<Item = Row<'r>>) -> Vec<PlaceCoverage<'r>> {
    rows.take(MOST_PLACES).map(Into::into).collect()
}

view! {
    /// How many objects were read: listed = read + refused + archived + broken.
    ObjectCounts of counts: &coverage::ObjectCounts {
        /// Log files in scope.
        listed: u64 = counts.listed,
        read: u64 = counts.read,
        /// Permission was missing.
        refused: u64 = counts.refused,
        /// In an archive storage class.
        archived: u64 = counts.archived,
        /// Could not be read, or hold no records.
        broken: u64 = counts.broken,
        /// Digest files, which are not among those listed.
        digests: u64 = counts.digests,
        /// Files that are no CloudTrail logs, which are not among those listed.
        foreign: u64 = counts.foreign,
    }
}

view! {
    /// How many records were evaluated: records = bad + outside + duplicates + evaluated.
    RecordCounts of counts: &coverage::RecordCounts {
        records: u64 = counts.records,
        /// Could not be read.
        bad: u64 = counts.bad,
        /// Outside the window, accounts or Regions asked for.
        outside: u64 = counts.outside,
        /// Copies of other records.
        duplicates: u64 = counts.duplicates,
        evaluated: u64 = counts.evaluated,
        /// How many of the evaluated records have no readable `eventTime`.
        undated: u64 = counts.undated,
        /// How many of the evaluated records are Insights events.
        insight: u64 = counts.insight,
    }
}

view! {
    /// What the source holds.
    Store<'r> of store: &'r coverage::Store {
        /// How many objects or files were listed.
        found: u64 = store.found,
        /// What was listed and not read, by reason.
        passed_over: Vec<Skipped<'r>> = store.passed_over.iter().map(Into::into).collect(),
    }
}

view! {
    /// What was not read for one reason.
    Skipped<'r> of (reason, passed): (coverage::SkipReason, &'r coverage::Passed) {
        reason: SkipReason = reason.into(),
        objects: u64 = passed.objects,
        /// Folders, with everything in them.
        folders: u64 = passed.folders,
        /// The first names; those of folders end with `/`.
        names: &'r BTreeSet<String> = &passed.names,
    }
}

words! {
    /// Why an object or a folder was not read.
    SkipReason of coverage::SkipReason {
        /// Outside the window, accounts or Regions asked for, as its key says.
        OutsideScope,
        /// An empty object that stands for a folder.
        FolderMarker,
        /// The saved metadata of a digest.
        DigestMetadata,
        /// A folder of digests; `--verify` reads it.
        Digests,
        /// A folder of aggregated events.
        Aggregated,
        /// A folder of another service.
        OtherService,
        /// Not in CloudTrail's folders, and not named like a log.
        OutsideLayout,
        /// A folder that is too deep, or one of too many.
        NotSearched,
        /// A folder next to that of the trail.
        OutsideTrail,
        /// The server listed the key twice.
        ListedTwice,
        /// A link to a folder that is read under another name.
        LinkedTwice,
        /// A link out of the source's folder.
        LinkedOutside,
        /// A socket, pipe or device.
        NotAFile,
    }
}

view! {
    /// Something that went wrong, or that somebody should know of an object.
    Problem<'r> of problem: &'r coverage::Problem {
        /// The object, or the prefix or trail that could not be listed.
        object: &'r str = &problem.object,
        kind: ProblemKind = problem.kind.into(),
        /// One sentence: what it is, and what to do.
        what: &'r str = &problem.what,
    }
}

words! {
    /// Kinds of problems. All but `repaired`, `misplaced` and `not_cloud_trail` make the run incomplete.
    ProblemKind of coverage::ProblemKind {
        /// Permission was missing.
        Refused,
        /// In an archive storage class.
        Archived,
        /// The object could not be read; none of its records count.
        Broken,
        /// Some records of the object could not be read.
        BadRecords,
        /// Bytes after the last gzip member.
        TrailingBytes,
        /// A folder, prefix or trail could not be listed.
        Unlisted,
        /// Data that the run had stored on disk could not be read back.
        NotReadBack,
        /// What is beyond a limit of trailscan was not evaluated.
        Bounded,
        /// Records with the same event ID differ.
        Conflict,
        /// Bytes that are not UTF-8 were replaced; every record was read.
        Repaired,
        /// Records or a digest are in the folder of another account, Region or time.
        Misplaced,
        /// A file holds CloudTrail's records and others; the others were not evaluated.
        NotCloudTrail,
        /// A bug in trailscan.
        Internal,
    }
}

view! {
    /// What was read of an account and Region.
    PlaceCoverage<'r> of row: Row<'r> {
        account: &'r str = &row.hours.account,
        region: &'r str = &row.hours.region,
        /// Log files.
        objects: u64 = row.coverage.objects,
        events: u64 = row.coverage.events,
        /// The kinds of events that were read, as in the `requires` of a rule.
        seen: Vec<String> = row.coverage.seen.keys().map(ToString::to_string).collect(),
        /// Hours with events or files.
        hours: List<'r, CoverageHour, BTreeMap<Epoch, coverage::Hour>> =
            List::of(&row.coverage.hours),
        /// All hours of the window, as runs of one state.
        stretches: List<'r, Stretch, [hours::Stretch]> = List::of(&row.hours.stretches),
        /// What the digests say, by the time that they cover.
        digests: List<'r, CoverageDigest, BTreeMap<(Epoch, Epoch), coverage::Digest>> =
            List::of(&row.coverage.digests),
    }
}

view! {
    /// One hour. Events are counted in the hour in which they happened, files in that of their delivery.
    CoverageHour of (hour, counts): (&Epoch, &coverage::Hour) {
        /// The start of the hour.
        hour: Time = (*hour).into(),
        events: u64 = counts.events,
        /// Copies of other events.
        duplicates: u64 = counts.duplicates,
        /// Log files that were read.
        objects: u64 = counts.objects,
        /// How many of these were delivered more than 15 minutes after their newest event.
        late: u64 = counts.late,
        /// Log files that are archived, or that may not be read.
        unread: u64 = counts.unread,
        /// Log files that could not be read.
        broken: u64 = counts.broken,
    }
}

view! {
    /// Consecutive hours of one state.
    Stretch of one: &hours::Stretch {
        from: Time = one.from.into(),
        until: Time = one.until.into(),
        state: HourState = one.state.into(),
    }
}

words! {
    /// What is known of an hour.
    HourState of hours::HourState {
        /// Log files could not be read.
        Unread,
        /// A digest lists log files that are missing.
        Missing,
        /// Logging was stopped for all or part of the hour.
        Stopped,
        /// Events were read.
        Events,
        /// No log files, and no valid digest to say whether there should be some.
        NoFiles,
        /// No events, as other log files or a valid digest show.
        Quiet,
        /// Log files may still be delivered.
        Pending,
    }
}

view! {
    /// What a digest says of the time that it covers.
    CoverageDigest of (time, digest): (&(Epoch, Epoch), &coverage::Digest) {
        from: Time = time.0.into(),
        until: Time = time.1.into(),
        state: DigestState = digest.state.into(),
        /// How many log files it lists.
        logs: u64 = digest.logs,
        /// How many of these are missing.
        missing: u64 = digest.missing,
    }
}

words! {
    /// What is known of a digest.
    DigestState of coverage::DigestState {
        Invalid,
        /// It was not verified.
        Unchecked,
        Valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::hours::HourRow;
    use crate::coverage::RegionCoverage;

    #[test]
    fn the_first_account_regions_are_listed() {
        let hours = HourRow {
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            stretches: Vec::new(),
            digests: 0,
            invalid_digests: 0,
        };
        let (hours, coverage) = (&hours, &RegionCoverage::default());
        let rows = |count| std::iter::repeat_n(Row { hours, coverage }, count);
        assert_eq!(first_places(rows(MOST_PLACES)).len(), MOST_PLACES);
        assert_eq!(first_places(rows(MOST_PLACES + 1)).len(), MOST_PLACES);
    }
}
