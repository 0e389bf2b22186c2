//! Everything a run learnt, gathered object by object.
//!
//! A worker turns one object into a [`Scanned`]; the [`Tally`] takes them up in the order of the
//! objects, which makes it the one place that decides which of two copies of an event counts. So
//! the result does not depend on the number of workers or on who was faster.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike as _;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::coverage::Coverage;
use crate::event::time::{self, Epoch};
use crate::finding::{Call, CallCount, EventId, Finding, Hit, Outcome, Sample};
use crate::integrity::{Evidence, Integrity};

/// What one object taught us.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The object's place in the order of the run.
    pub sequence: u64,
    /// The object's name.
    pub object: String,
    /// Counts and problems of this object alone; records are counted as if none were a duplicate.
    pub coverage: Coverage,
    /// The account and Region of the object's key, for the objects' own count.
    pub place: Option<(String, String)>,
    /// One entry per evaluated record, in file order.
    pub seen: Vec<Seen>,
    /// The activity rows that `seen` points into.
    pub rows: Vec<Activity>,
    pub hits: Vec<Hit>,
    /// What the object proves, where logs are held against digests.
    pub evidence: Option<Evidence>,
}

/// One evaluated record.
#[derive(Debug, Clone)]
pub struct Seen {
    pub record: u32,
    pub id: EventId,
    pub time: Option<Epoch>,
    /// Its row in [`Scanned::rows`].
    pub row: u32,
}

/// A cell of the activity cube.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Activity {
    pub account: Box<str>,
    pub region: Box<str>,
    pub source: Box<str>,
    pub name: Box<str>,
    /// Role or user, without the session.
    pub caller: Box<str>,
    pub outcome: Outcome,
    /// The hour's start in seconds since 1970; nothing for undated records.
    pub hour: Option<Epoch>,
}

/// What findings are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    pub rule: usize,
    pub actor: String,
    pub resource: String,
    pub period: String,
}

/// A finding in the making.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub count: u64,
    pub first: Option<Epoch>,
    pub last: Option<Epoch>,
    pub calls: BTreeMap<String, CallCount>,
    pub accounts: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    pub source_ips: BTreeSet<String>,
    /// The earliest samples, at most [`Finding::MOST_SAMPLES`].
    pub samples: BTreeSet<Sample>,
}

impl Group {
    /// Takes up one event.
    pub fn add(&mut self, time: Option<Epoch>, call: &Call, sample: Option<&Sample>) {
        self.count += 1;
        self.first = [self.first, time].into_iter().flatten().min();
        self.last = [self.last, time].into_iter().flatten().max();
        self.calls
            .entry(call.name.clone())
            .or_default()
            .add(call.outcome);
        let Some(sample) = sample else { return };
        for (set, value) in [
            (&mut self.accounts, &sample.account),
            (&mut self.regions, &sample.region),
            (&mut self.source_ips, &sample.source_ip),
        ] {
            if !value.is_empty() && !set.contains(value) {
                set.insert(value.clone());
            }
        }
        let late = self.samples.len() >= Finding::MOST_SAMPLES
            && self.samples.last().is_some_and(|last| last <= sample);
        if !late {
            self.samples.insert(sample.clone());
            if self.samples.len() > Finding::MOST_SAMPLES {
                self.samples.pop_last();
            }
        }
    }
}

/// An event as a correlation keeps it: small, for a volume rule may have tens of millions.
#[derive(Debug, Clone)]
pub struct Row {
    pub time: Epoch,
    /// Which of the watched rules it was.
    pub place: u32,
    pub value: NameId,
    pub actor: NameId,
    pub resource: NameId,
    /// The call's name and outcome.
    pub call: NameId,
    pub outcome: Outcome,
    pub event_id: EventId,
    pub object: u64,
    pub record: u32,
    /// The rest of its sample; nothing for rules of great volume.
    pub told: Option<Told>,
    /// Of the burst of a watched correlation: the events that made it.
    pub parts: Option<Box<[Self]>>,
}

/// What a sample says beyond what its row says already.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    event_source: NameId,
    account: NameId,
    region: NameId,
    principal: NameId,
    target: NameId,
    source_ip: NameId,
    user_agent: NameId,
    error_code: NameId,
    error_message: NameId,
}

/// The rows of one correlation by group.
pub type Series = FxHashMap<String, Vec<Row>>;

/// A text that many rows share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

/// Texts, each once. The empty text is always there.
#[derive(Debug)]
pub struct Names {
    ids: FxHashMap<Box<str>, NameId>,
    texts: Vec<Box<str>>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self {
            ids: FxHashMap::default(),
            texts: Vec::new(),
        };
        names.id("");
        names
    }
}

impl Names {
    /// The id of the empty text.
    pub const EMPTY: NameId = NameId(0);

    /// The id of a text, given out at its first appearance.
    pub fn id(&mut self, text: &str) -> NameId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = NameId(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.ids.insert(text.into(), id);
        self.texts.push(text.into());
        id
    }

    fn told(&mut self, sample: &Sample) -> Told {
        Told {
            event_source: self.id(&sample.event_source),
            account: self.id(&sample.account),
            region: self.id(&sample.region),
            principal: self.id(&sample.principal),
            target: self.id(&sample.target),
            source_ip: self.id(&sample.source_ip),
            user_agent: self.id(&sample.user_agent),
            error_code: self.id(&sample.error_code),
            error_message: self.id(&sample.error_message),
        }
    }

    /// The text of an id.
    pub fn text(&self, id: NameId) -> &str {
        self.texts.get(id.0 as usize).map_or("", AsRef::as_ref)
    }
}

/// The sum of all objects.
#[derive(Debug, Default)]
pub struct Tally {
    pub coverage: Coverage,
    pub integrity: Integrity,
    pub groups: FxHashMap<GroupKey, Group>,
    /// Per correlation, by its place in the rule set.
    pub series: BTreeMap<usize, Series>,
    pub activity: FxHashMap<Activity, u64>,
    /// The texts of the rows.
    pub names: Names,
    /// How many events each rule matched, silent ones included.
    pub matches: BTreeMap<usize, u64>,
    /// Names of the objects that rows point to.
    pub objects: BTreeMap<u64, String>,
    seen: FxHashSet<u128>,
    seen_texts: FxHashSet<Box<str>>,
}

impl Tally {
    /// Takes up the next object. Objects must come in the order of their sequence.
    pub fn absorb(&mut self, mut scanned: Scanned) {
        let mut copies: Vec<u32> = Vec::new();
        let mut counts = vec![0u64; scanned.rows.len()];
        for seen in &scanned.seen {
            if self.is_new(&seen.id) {
                if let Some(count) = counts.get_mut(seen.row as usize) {
                    *count += 1;
                }
                self.coverage.first = [self.coverage.first, seen.time].into_iter().flatten().min();
                self.coverage.last = [self.coverage.last, seen.time].into_iter().flatten().max();
            } else {
                copies.push(seen.record);
            }
        }
        let duplicates = copies.len() as u64;
        scanned.coverage.records.evaluated -= duplicates;
        scanned.coverage.records.duplicates += duplicates;
        if duplicates > 0 {
            let undated = scanned
                .seen
                .iter()
                .filter(|seen| seen.time.is_none() && copies.binary_search(&seen.record).is_ok());
            scanned.coverage.records.undated -= undated.count() as u64;
        }
        if let Some((account, region)) = &scanned.place {
            scanned.coverage.region(account, region).objects += 1;
        }
        for (row, count) in scanned.rows.into_iter().zip(counts) {
            if count > 0 {
                let region = scanned.coverage.region(&row.account, &row.region);
                region.events += count;
                if let Some(hour) = row.hour {
                    *region.hours.entry(hour).or_default() += count;
                }
                *self.activity.entry(row).or_default() += count;
            }
        }
        self.coverage.merge(scanned.coverage);
        if let Some(evidence) = scanned.evidence {
            self.integrity.absorb(evidence);
        }
        for hit in scanned.hits {
            if copies.binary_search(&hit.record).is_err() {
                self.hit(hit, scanned.sequence, &scanned.object);
            }
        }
    }

    /// A row as the sample it was, as far as the row keeps it.
    pub fn sample(&self, row: &Row) -> Sample {
        let text = |id: NameId| self.names.text(id).to_owned();
        let mut sample = Sample {
            time: Some(row.time),
            event_id: row.event_id.to_string(),
            object: self.objects.get(&row.object).cloned().unwrap_or_default(),
            record: row.record,
            event_name: text(row.call),
            principal: text(row.actor),
            outcome: row.outcome.as_str().to_owned(),
            ..Sample::default()
        };
        if let Some(told) = row.told {
            sample.event_source = text(told.event_source);
            sample.account = text(told.account);
            sample.region = text(told.region);
            sample.principal = text(told.principal);
            sample.target = text(told.target);
            sample.source_ip = text(told.source_ip);
            sample.user_agent = text(told.user_agent);
            sample.error_code = text(told.error_code);
            sample.error_message = text(told.error_message);
        }
        sample
    }

    fn is_new(&mut self, id: &EventId) -> bool {
        match id {
            EventId::Guid(value) => self.seen.insert(*value),
            EventId::Other(text) => self.seen_texts.insert(text.clone()),
            EventId::Missing => true,
        }
    }

    fn hit(&mut self, hit: Hit, sequence: u64, object: &str) {
        *self.matches.entry(hit.rule).or_default() += 1;
        if let Some(time) = hit.time {
            for base in hit.bases {
                let Some(group) = base.group else { continue };
                let name = || object.to_owned();
                self.objects.entry(sequence).or_insert_with(name);
                let row = Row {
                    time,
                    place: u32::try_from(base.place).unwrap_or(u32::MAX),
                    value: self.names.id(&base.value),
                    actor: self.names.id(&base.actor),
                    resource: self.names.id(&base.resource),
                    call: self.names.id(&hit.call.name),
                    outcome: hit.call.outcome,
                    event_id: hit.event_id.clone(),
                    object: sequence,
                    record: hit.record,
                    told: hit.sample.as_deref().map(|sample| self.names.told(sample)),
                    parts: None,
                };
                let series = self.series.entry(base.correlation).or_default();
                series.entry(group).or_default().push(row);
            }
        }
        if hit.silent {
            return;
        }
        let key = GroupKey {
            rule: hit.rule,
            actor: hit.actor,
            resource: hit.resource,
            period: period(hit.time),
        };
        self.groups
            .entry(key)
            .or_default()
            .add(hit.time, &hit.call, hit.sample.as_deref());
    }
}

/// The ISO week, in UTC, that a time lies in.
pub fn period(time: Option<Epoch>) -> String {
    match time {
        None => "undated".to_owned(),
        Some(time) => {
            let week = time::utc(time).iso_week();
            format!("{}-W{:02}", week.year(), week.week())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(sequence: u64, ids: &[&str]) -> Scanned {
        let row = Activity {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            source: "s3.amazonaws.com".into(),
            name: "GetObject".into(),
            caller: "x".into(),
            outcome: Outcome::Success,
            hour: Some(3_600),
        };
        let mut coverage = Coverage::default();
        coverage.records.records = ids.len() as u64;
        coverage.records.evaluated = ids.len() as u64;
        let seen = ids.iter().zip(0..).map(|(id, record)| Seen {
            record,
            id: EventId::parse(id),
            time: Some(3_700),
            row: 0,
        });
        Scanned {
            sequence,
            object: format!("o{sequence}"),
            coverage,
            seen: seen.collect(),
            rows: vec![row],
            ..Scanned::default()
        }
    }

    #[test]
    fn an_event_delivered_twice_counts_once_and_one_without_an_id_always() {
        let mut tally = Tally::default();
        tally.absorb(scanned(
            0,
            &["a", "a150ec6a-7b27-4b35-80ca-dde11f3575fe", ""],
        ));
        tally.absorb(scanned(
            1,
            &["a150ec6a-7b27-4b35-80ca-dde11f3575fe", "b", "a", ""],
        ));
        let records = tally.coverage.records;
        assert_eq!(
            (records.records, records.duplicates, records.evaluated),
            (7, 2, 5)
        );
        assert!(tally.coverage.identities_hold());
        assert_eq!(tally.activity.values().sum::<u64>(), 5);
    }

    #[test]
    fn periods_are_iso_weeks() {
        let week = |text: &str| period(time::parse(text));
        assert_eq!(week("2026-11-22T23:59:59Z"), "2026-W47");
        assert_eq!(week("2027-01-01T00:00:00Z"), "2026-W53");
        assert_eq!(period(None), "undated");
    }
}
