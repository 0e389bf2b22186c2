//! The results of a run learned: an accumulator over the objects in their order.
//!
//! A worker turns one object into an [`ObjectScan`]; the [`Tally`] absorbs them in the order of the
//! objects, which makes it the one place that decides which of two copies of an event counts. So
//! the result does not depend on the number of workers or on who was faster. Adjacent ranges of objects
//! that were scanned apart are a [`Partial`] each; merged in order they give the tally of one pass.

mod activity;
mod aside;
mod calls;
mod conflicts;
mod correlation_event;
mod correlation_store;
mod current;
mod duplicates;
mod event_ids;
mod evidence;
mod group;
mod groups;
mod name_set;
mod novelty;
mod object_names;
mod partial;
mod record_store;
mod sample_cutoffs;
mod samples;
mod scan_store;
mod scanned;
mod selectors;
mod source_ip;
mod spill;
mod standing;
mod usage;
mod uses;

use std::io;
use std::sync::Arc;

use crate::coverage::{Coverage, ProblemKind};
use crate::integrity::Integrity;
use crate::interner::{Interner, SymbolMap};
use crate::trail::SelectorBudget;
pub use activity::{ActivitySums, Sum};
use aside::DeferredObjects;
pub use calls::Calls;
pub use correlation_event::{Action, CorrelationEvent, EventPayload};
pub use correlation_store::CorrelationStore;
use current::{Found, Own};
use duplicates::{Duplicates, Verdict};
pub use duplicates::{Numbers, ReadAgain, Unreadable};
pub use group::{CallOrigin, Details, Evidence, Group, GroupKey, Period, SampleTexts};
pub use groups::{GroupReader, Groups};
pub use name_set::NameSet;
pub use novelty::{Learning, New, Novelty};
use object_names::Objects;
pub use partial::{NotAdjacent, Partial};
pub use record_store::{MatchedRecord, RecordStore, SortedRecords, StoredRecord};
pub use sample_cutoffs::{GroupNames, SampleCutoffs};
pub use samples::{SampleDecision, Samples, Traits};
pub use scanned::{
    Activity, Caller, CorrelationHit, EvaluatedEvent, EvidenceFields, FindingKey, FoundEvidence,
    Hit, ObjectScan, Shared, number,
};
pub use source_ip::{SourceIp, SourceIpId, SourceIpTable};
use standing::CountedRecords;
pub use usage::{Usage, UsageCounts, UsageRow, UsageTable};
pub use uses::{Grant, Right, Use, UseCount, Uses};

/// The sum of all objects.
#[derive(Debug, Default)]
pub struct Tally {
    pub coverage: Coverage,
    pub integrity: Integrity,
    pub groups: Groups,
    /// What correlations watch.
    pub series: CorrelationStore,
    pub activity: ActivitySums,
    /// The texts of the groups, the rows and the activity.
    pub names: Interner,
    /// The addresses of the groups and the rows.
    pub source_ips: SourceIpTable,
    /// How many events each rule matched, silent ones included, by its place in the rule set; rules
    /// behind the last one that matched are left out.
    pub matches: Vec<u64>,
    /// What history said of rules that find what is new.
    pub novelty: Novelty,
    pub uses: Uses,
    /// What workers may ask for before the run is over.
    pub sample_cutoffs: Arc<SampleCutoffs>,
    /// The records that were matched, for detectors that keep records.
    pub records: RecordStore,
    /// Who called from where, for detectors that keep this.
    pub usages: UsageTable,
    selectors: SelectorBudget,
    event_ids_seen: Duplicates,
    objects: Objects,
    /// Where the bytes of the objects are.
    places: Objects,
    aside: DeferredObjects,
}

impl Tally {
    /// Adds the next object. If two records of one id differ in their bytes, `reader` reads their
    /// objects again. What is left of the object is room for another.
    pub fn absorb(&mut self, mut scanned: ObjectScan, reader: &dyn ReadAgain) -> ObjectScan {
        let object = self.aside.number();
        if !scanned.seen.is_empty() {
            self.objects.insert(object, &scanned.object);
            self.places.insert(object, &scanned.place_of_bytes);
        }
        self.groups.make_room();
        self.event_ids_seen.begin();
        let mut shared = scanned.shared.iter().peekable();
        let mut coverage = std::mem::take(&mut scanned.coverage);
        self.withdraw_unproven(&mut coverage);
        self.bound_selectors(&mut coverage);
        if let Some(evidence) = scanned.integrity.take() {
            self.integrity.absorb(evidence);
        }
        let mut standing = CountedRecords::default();
        // per row: the events that count, and the copies
        let mut counts = vec![(0u64, 0u64); scanned.rows.len()];
        let mut usages = vec![UsageCounts::default(); scanned.usages.len()];
        let mut copies = 0;
        // what points to nothing, which can never be
        let mut dangling = 0_u64;
        for (at, seen) in (0u32..).zip(&scanned.seen) {
            if !scanned.outside.is_empty() && scanned.outside.binary_search(&at).is_ok() {
                standing.leave_out(at);
                continue;
            }
            let Some(count) = counts.get_mut(seen.row as usize) else {
                dangling += 1;
                standing.leave_out(at);
                coverage.records.evaluated -= 1;
                coverage.records.bad += 1;
                continue;
            };
            while shared.next_if(|(of, _)| *of < at).is_some() {}
            let call = shared.next_if(|(of, _)| *of == at).map(|(_, call)| call);
            let objects = duplicates::Objects {
                reader,
                place: &|object| self.places.name(object),
            };
            let verdict = self.event_ids_seen.note(object, seen, call, &objects);
            match verdict {
                Verdict::New => {}
                Verdict::FirstOfCall | Verdict::SameCall => standing.of_call(at, call),
                Verdict::Copy(_) => standing.leave_out(at),
            }
            if matches!(verdict, Verdict::New | Verdict::FirstOfCall) {
                count.0 += 1;
                if let Some(of) = scanned.usage_of.get(at as usize)
                    && let Some(counts) = usages.get_mut(*of as usize)
                    && let Some(row) = scanned.rows.get(seen.row as usize)
                {
                    counts.add(seen.time, row.outcome);
                }
                if let Some(time) = seen.time {
                    coverage.first = Some(coverage.first.map_or(time, |first| first.min(time)));
                    coverage.last = Some(coverage.last.map_or(time, |last| last.max(time)));
                }
            } else {
                count.1 += 1;
                copies += 1;
                coverage.records.undated -= u64::from(seen.time.is_none());
            }
        }
        coverage.records.evaluated -= copies;
        coverage.records.duplicates += copies;
        if let Some((account, region)) = &scanned.place {
            let region = coverage.region(account, region);
            region.objects += 1;
            if let Some(stamp) = scanned.stamp {
                let hour = region.hour(stamp);
                hour.objects += 1;
                hour.late += u64::from(scanned.late);
            }
        }
        let mut own = Own {
            object,
            seen: &scanned.seen,
            rows: &scanned.rows,
            facts: &scanned.facts,
            texts: &scanned.names,
            names: SymbolMap::new(&scanned.names, &self.names),
        };
        let rows = scanned.rows.iter().zip(counts);
        let event_ids_seen: Vec<_> = rows
            .filter(|(_, (count, copies))| count + copies > 0)
            .collect();
        // nearly all events of an object are of one account and Region
        for rows in event_ids_seen.chunk_by(|(left, _), (right, _)| left.place() == right.place()) {
            let Some((first, _)) = rows.first() else {
                continue;
            };
            let [account, region] = first.place().map(|name| scanned.names.text(name));
            let region = coverage.region(account, region);
            for (row, (count, copies)) in rows {
                region.events += count;
                if let Some(hour) = row.hour {
                    let hour = region.hour(hour);
                    hour.events += count;
                    hour.duplicates += copies;
                }
                if *count > 0 {
                    let mut id = |id| own.names.id(id, &mut self.names);
                    let (caller, call) = (id(row.caller), (id(row.source), id(row.name)));
                    self.activity
                        .add(row.hour, caller, call, row.outcome, *count);
                }
            }
        }
        for (usage, counts) in scanned.usages.iter().zip(&usages) {
            if counts.events > 0 {
                let (names, addresses) = (&mut self.names, &mut self.source_ips);
                self.usages
                    .add(usage, counts, &mut own.names, names, addresses);
            }
        }
        self.coverage.merge(coverage);
        let mut groups: Vec<Found<'_>> = scanned.groups.iter().map(Found::new).collect();
        for hit in &scanned.hits {
            if standing.hit(hit, &scanned, &mut self.event_ids_seen) {
                dangling += u64::from(self.hit(hit, &mut groups, &mut own).is_none());
            }
        }
        for evidence in &scanned.evidence {
            if standing.evidence(evidence) {
                dangling += u64::from(self.evidence(evidence, &groups, &mut own).is_none());
            }
        }
        for base in &scanned.bases {
            if standing.base(base, &scanned, &mut self.event_ids_seen) {
                dangling += u64::from(self.base(base, &mut own).is_none());
            }
        }
        for matched in scanned.records.drain(..) {
            if let Some(seen) = scanned.seen.get(matched.seen as usize)
                && standing.record(matched.seen)
            {
                self.records.insert(seen.time, object, seen.record, matched);
            }
        }
        for silent in &scanned.silent {
            if standing.silent(*silent, &scanned, &mut self.event_ids_seen) {
                self.counts(silent.0);
            }
        }
        dangling += self.count_uses(&scanned, &standing, &mut own);
        if dangling > 0 {
            let what = format!("{dangling} entries of what was found point to nothing");
            self.coverage.internal(&scanned.object, &what);
        }
        if let Some(error) = self.event_ids_seen.take_failure() {
            self.note_loss("events that were delivered twice may count twice", &error);
        }
        scanned.recycle()
    }

    /// Notes what is not known because something set aside on disk could not be read back.
    pub fn note_loss(&mut self, lost: &str, error: &io::Error) {
        let what = format!(
            "{error}, so {lost}: let TMPDIR name a sound disk with room on it, and run again"
        );
        self.coverage
            .problem("the run's temporary file", ProblemKind::NotReadBack, what);
    }

    /// The name of an object, by its place in the order of the run.
    pub fn object_name(&self, object: u32) -> String {
        self.objects.name(object).unwrap_or_default()
    }

    fn counts(&mut self, rule: u32) {
        let place = rule as usize;
        if self.matches.len() <= place {
            self.matches.resize(place + 1, 0);
        }
        if let Some(count) = self.matches.get_mut(place) {
            *count += 1;
        }
    }

    /// Corrects how many events a rule matched: only at the end it is known which were new.
    pub fn set_matches(&mut self, rule: u32, matches: u64) {
        if let Some(count) = self.matches.get_mut(rule as usize) {
            *count = matches;
        }
    }

    /// Counts a hit in its group; `None` where it points to nothing.
    fn hit(&mut self, hit: &Hit, groups: &mut [Found<'_>], own: &mut Own<'_>) -> Option<()> {
        let (seen, row) = own.event(hit.seen)?;
        let found = groups.get_mut(hit.group as usize)?;
        self.counts(found.group.rule);
        let names = &mut self.names;
        let place = *found.place.get_or_insert_with(|| {
            let key = GroupKey {
                rule: found.group.rule,
                actor: own.names.id(found.group.actor, names),
                resource: own.names.id(found.group.resource, names),
                period: found.group.period,
                value: own.names.id(found.group.value, names),
                unproven: self.aside.keeps_apart(found.group.rule),
            };
            self.groups.place(key)
        });
        let (_, group) = self.groups.at(place)?;
        group.add(seen.time, own.names.id(row.name, names), row.outcome);
        if found.at != Some(row.place()) {
            found.at = Some(row.place());
            group.accounts.insert(own.names.id(row.account, names));
            group.regions.insert(own.names.id(row.region, names));
        }
        if found.caller != Some(hit.caller) {
            found.caller = Some(hit.caller);
            let source_ip = hit.caller.source_ip.translated(&mut own.names, names);
            group.source_ips.insert(self.source_ips.id(source_ip));
            group.actors.insert(own.names.id(hit.caller.name, names));
            group
                .access_keys
                .insert(own.names.id(hit.caller.access_key, names));
        }
        Some(())
    }

    /// Puts an event into the series of a correlation; `None` where it points to nothing. One without a
    /// time belongs to no window; the coverage counts those.
    fn base(&mut self, base: &CorrelationHit, own: &mut Own<'_>) -> Option<()> {
        let (seen, row) = own.event(base.seen)?;
        let Some(time) = seen.time else {
            return Some(());
        };
        let names = &mut self.names;
        let index = base.fact.map(|fact| fact as usize);
        let fact = index
            .map(|at| own.facts.get(at).ok_or(()))
            .transpose()
            .ok()?;
        let caller = &base.caller;
        let ip = self
            .source_ips
            .id(caller.source_ip.translated(&mut own.names, names));
        let action = Action {
            actor: own.names.id(base.actor, names),
            resource: own.names.id(base.resource, names),
            caller: own.names.id(caller.name, names),
            call: own.names.id(row.name, names),
            outcome: row.outcome,
            origin: own.origin(row, ip, caller.access_key, names),
            texts: fact.map(|fact| own.texts(fact, names)),
        };
        let kept = CorrelationEvent {
            time,
            place: base.place,
            value: own.names.id(base.value, names),
            event_id: seen.id.clone(),
            object: own.object,
            record: seen.record,
            what: EventPayload::Event(action),
        };
        let group = own.names.id(base.group, names);
        self.series.push(base.correlation, group, kept);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::EventId;
    use crate::finding::Outcome;

    fn scanned(sequence: u64, ids: &[&str]) -> ObjectScan {
        let mut names = Interner::default();
        let row = Activity {
            account: names.id("111122223333"),
            region: names.id("us-east-1"),
            source: names.id("s3.amazonaws.com"),
            name: names.id("GetObject"),
            caller: names.id("x"),
            outcome: Outcome::Success,
            hour: Some(3_600),
        };
        let mut coverage = Coverage::default();
        coverage.records.records = ids.len() as u64;
        coverage.records.evaluated = ids.len() as u64;
        let seen = ids.iter().zip(0..).map(|(id, record)| EvaluatedEvent {
            record,
            id: EventId::parse(id),
            time: Some(3_700),
            row: 0,
            content: 7,
            corrects: false,
        });
        ObjectScan {
            sequence,
            object: format!("o{sequence}"),
            coverage,
            names,
            seen: seen.collect(),
            rows: vec![row],
            ..ObjectScan::default()
        }
    }

    #[test]
    fn an_event_delivered_twice_counts_once_and_one_without_an_id_always() {
        let mut tally = Tally::default();
        let guid = "a150ec6a-7b27-4b35-80ca-dde11f3575fe";
        tally.absorb(scanned(0, &["a", guid, ""]), &Unreadable);
        tally.absorb(scanned(1, &[guid, "b", "a", ""]), &Unreadable);
        let records = tally.coverage.records;
        assert_eq!(
            (records.records, records.duplicates, records.evaluated),
            (7, 2, 5)
        );
        assert!(tally.coverage.identities_hold());
        let hours: Vec<_> = tally.activity.hours.into_iter().collect();
        assert_eq!(hours.len(), 1);
        assert_eq!((hours[0].0, hours[0].1.events), (3_600, 5));
    }

    /// Entries that point to nothing must never make a report that says less than there is.
    #[test]
    fn what_points_to_nothing_is_a_loss_and_reported_as_a_bug() {
        let caller = Caller {
            name: Interner::EMPTY,
            source_ip: SourceIp::default(),
            access_key: Interner::EMPTY,
        };
        let hit = Hit {
            group: 0,
            seen: 0,
            caller,
        };
        let evidence = FoundEvidence {
            group: 0,
            seen: 0,
            fact: 0,
        };
        let base = CorrelationHit {
            correlation: 0,
            place: 0,
            seen: 5,
            fact: None,
            caller,
            group: Interner::EMPTY,
            value: Interner::EMPTY,
            actor: Interner::EMPTY,
            resource: Interner::EMPTY,
        };
        for at in 0..4 {
            let mut broken = scanned(0, &["a", "b"]);
            assert!(broken.has_valid_indices());
            match at {
                1 => broken.hits.push(hit),
                2 => broken.evidence.push(evidence),
                3 => broken.bases.push(base),
                _ => broken.seen[0].row = 9,
            }
            assert!(!broken.has_valid_indices(), "{at}");
            let mut tally = Tally::default();
            tally.absorb(broken, &Unreadable);
            assert!(tally.coverage.identities_hold(), "{at}");
            assert!(!tally.coverage.is_complete(), "{at}");
            let problem = tally.coverage.problems.first().unwrap();
            assert_eq!(problem.kind, ProblemKind::Internal);
            assert!(
                problem.what.contains("a bug in trailscan"),
                "{}",
                problem.what
            );
        }
    }
}
