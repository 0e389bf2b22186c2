//! Rules against events: from an [`Event`] to its results in an [`ObjectScan`].

mod activity;
mod content;
mod event_classes;
mod evidence;
mod found;
mod privileges;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::derive::{Derived, Organization, omitted, outcome, target};
use crate::event::content::ContentKey;
use crate::event::{Event, Key};
use crate::finding::{EventId, Outcome};
use crate::interner::Interner;
use crate::policy::Policies;
use crate::rules::{Correlation, Field, Matcher, Rule, RuleSet};
use crate::seeded::SeededMap;
use crate::tally::{
    CorrelationHit, EvaluatedEvent, FindingKey, FoundEvidence, Hit, MatchedRecord, ObjectScan,
    Period, SampleCutoffs, Usage, number,
};
use activity::Rows;
pub use event_classes::EventClassTracker;
use evidence::{CallerCache, EventFacts};
use found::{EvidenceDecision, FoundGroups};
use privileges::Watched;

/// From this threshold on, a correlation keeps where its events lie but not what they say: a volume
/// rule may have tens of millions of them.
const GREAT_VOLUME: f64 = 1_000.0;

/// The rule set with what detection needs to know beside each rule. All workers share it.
#[derive(Debug)]
pub struct Detector<'r> {
    rules: &'r RuleSet,
    organization: &'r Organization,
    /// Per rule: the correlations that watch it.
    watchers: Vec<Vec<Watcher<'r>>>,
    /// Per rule that finds what is new: the fields whose values may be.
    first_seen: Vec<Option<Vec<Field>>>,
    /// The policies whose use is counted.
    watched: Option<Watched<'r>>,
    /// Every record that a rule matches is kept as it stands.
    keeps_records: bool,
    /// Who called from where is kept of every event.
    keeps_usage: bool,
}

/// A correlation that watches a rule.
#[derive(Debug)]
struct Watcher<'r> {
    place: u32,
    rule: &'r Rule,
    meant: &'r Correlation,
    /// The watched rule's place among those it watches.
    watched: u32,
    /// What its events say is kept.
    keeps_evidence: bool,
    /// It groups the rule's events by the same fields as the watcher before.
    groups_alike: bool,
}

impl<'r> Detector<'r> {
    /// The places of the rules that ask for a history.
    pub fn histories(&self) -> BTreeSet<u32> {
        let rules = (0..).zip(&self.rules.rules);
        let asking = rules.filter(|(_, rule)| rule.first_seen.is_some());
        asking.map(|(place, _)| place).collect()
    }

    /// Prepares a rule set.
    pub fn new(rules: &'r RuleSet, organization: &'r Organization) -> Self {
        let watcher = |(place, watched, meant): (usize, usize, &'r Correlation)| {
            let great = |(_, number): &(_, f64)| *number >= GREAT_VOLUME;
            Some(Watcher {
                place: u32::try_from(place).ok()?,
                rule: rules.rules.get(place)?,
                meant,
                watched: u32::try_from(watched).ok()?,
                // the events of a watched correlation only determine its group
                keeps_evidence: watched < meant.rules.len() && !meant.thresholds.iter().any(great),
                groups_alike: false,
            })
        };
        let watchers = (0..rules.rules.len()).map(|rule| {
            let fed = rules.correlations_fed_by(rule);
            let mut watchers: Vec<Watcher<'_>> = fed.into_iter().filter_map(watcher).collect();
            let mut before = None;
            for watcher in &mut watchers {
                let fields = watcher.meant.group_fields.get(watcher.watched as usize);
                watcher.groups_alike = before == Some(fields);
                before = Some(fields);
            }
            watchers
        });
        let first_seen = rules.rules.iter().map(|rule| rule.first_seen);
        Self {
            rules,
            organization,
            watchers: watchers.collect(),
            first_seen: first_seen.map(|what| Some(what?.fields())).collect(),
            watched: None,
            keeps_records: false,
            keeps_usage: false,
        }
    }

    /// Counts the rights that principals of these policies use, of role sessions each by itself if
    /// `sessions` says so.
    #[must_use]
    pub const fn counting_uses(mut self, policies: &'r Policies, sessions: bool) -> Self {
        self.watched = Some(Watched { policies, sessions });
        self
    }

    /// Keeps of every event who called from where, for an investigation.
    #[must_use]
    pub const fn keeping_usage(mut self) -> Self {
        self.keeps_usage = true;
        self
    }

    /// Keeps every record that a rule matches, for a search.
    #[must_use]
    pub const fn keeping_records(mut self) -> Self {
        self.keeps_records = true;
        self
    }
}

/// One worker's detection, and the buffers it uses again for event after event.
#[derive(Debug)]
pub struct Detection<'r> {
    detector: &'r Detector<'r>,
    matcher: Matcher<'r>,
    rows: Rows,
    /// The last evidence of each caller.
    last: Vec<CallerCache>,
    groups: FoundGroups,
    matched: Vec<usize>,
    group: String,
    key: Arc<ContentKey>,
    /// Where the combinations of the object at hand stand.
    usages: SeededMap<Usage, u32>,
}

impl<'r> Detection<'r> {
    /// Nothing is known yet.
    pub fn new(detector: &'r Detector<'r>) -> Self {
        Self {
            detector,
            matcher: Matcher::new(detector.rules),
            rows: Rows::default(),
            last: Vec::new(),
            groups: FoundGroups::default(),
            matched: Vec::new(),
            group: String::new(),
            key: ContentKey::of_process(),
            usages: SeededMap::default(),
        }
    }

    /// Tells every event of every group in full, so that a later run can choose among them.
    #[must_use]
    pub const fn keep_all_evidence(mut self) -> Self {
        self.groups.want_all();
        self
    }

    /// Spares itself the telling of events that the tally would turn away.
    #[must_use]
    pub fn with_cutoffs(mut self, cutoffs: Arc<SampleCutoffs>) -> Self {
        self.groups.with_cutoffs(cutoffs);
        self
    }

    /// Numbers what records say by this key, for results that another process compares with its own.
    #[must_use]
    pub fn with_content_key(mut self, key: Arc<ContentKey>) -> Self {
        self.key = key;
        self
    }

    /// Must be called before the first event of each [`ObjectScan`].
    pub fn begin(&mut self) {
        self.rows.clear();
        self.last.clear();
        self.groups.clear();
        self.usages.clear();
    }

    /// Matches a call that names several targets once for each, and adds the rules that match only for
    /// another than the first. Returns, per matched rule, for which target it matched first.
    fn match_each<'a>(
        &mut self,
        event: &Event<'a>,
        outcome: Outcome,
        targets: &[target::Target<'a>],
    ) -> Vec<usize> {
        let mut aimed_at = Vec::new();
        if targets.is_empty() {
            return aimed_at;
        }
        aimed_at.resize(self.matched.len(), 0);
        let organization = self.detector.organization;
        let mut matched = Vec::new();
        for (at, target) in targets.iter().enumerate().skip(1) {
            Derived::set_target(event, target, organization);
            self.matcher
                .matches(event, outcome, organization, &mut matched);
            for place in matched.drain(..) {
                if !self.matched.contains(&place) {
                    self.matched.push(place);
                    aimed_at.push(at);
                }
            }
        }
        aimed_at
    }

    /// The names of the rules that cannot decide the event, because its record omits the request
    /// parameters; none where it does not.
    pub fn undecided<'s>(&'s self, event: &'s Event<'_>) -> impl Iterator<Item = &'s str> {
        let rules = omitted::request(event).then_some(self.detector.rules);
        let rules = rules.into_iter();
        let undecided = rules.flat_map(|rules| rules.undecided(event, self.detector.organization));
        undecided.map(|rule| rule.name.as_str())
    }

    /// Adds the event, which is record `record` of its object, with a hit for every rule that
    /// matches it.
    pub fn take(&mut self, event: &Event<'_>, record: u32, scanned: &mut ObjectScan) {
        let seen = number(scanned.seen.len());
        let outcome = outcome::of(event);
        self.matched.clear();
        let kind = self.matcher.matches(
            event,
            outcome,
            self.detector.organization,
            &mut self.matched,
        );
        let targets = target::several(event);
        let aimed_at = self.match_each(event, outcome, &targets);
        let row = self.rows.of(event, kind, outcome, scanned);
        scanned.seen.push(EvaluatedEvent {
            record,
            row,
            id: EventId::parse(&event.text(Key::EventId)),
            time: event.time(),
            content: self.key.bytes(event.whole()),
            corrects: content::corrects(event),
        });
        if let Some(shared) = content::shared(event, outcome, &self.key) {
            scanned.shared.push((seen, shared));
        }
        if let Some(watched) = &self.detector.watched {
            watched.note(event, outcome, seen, scanned);
        }
        if self.matched.is_empty() && !self.detector.keeps_usage {
            return;
        }
        if self.detector.keeps_records && !self.matched.is_empty() {
            let mut rules: Vec<u32> = self.matched.iter().map(|place| number(*place)).collect();
            rules.sort_unstable();
            scanned.records.push(MatchedRecord {
                seen,
                rules,
                text: event.whole().to_owned(),
            });
        }
        let row = scanned.rows.get(row as usize);
        let caller = row.expect("the event has a row").caller;
        if self.last.len() <= caller.index() {
            self.last.resize(caller.index() + 1, CallerCache::default());
        }
        let last = self.last.get_mut(caller.index());
        let last = last.expect("there is one for every caller");
        let mut facts = EventFacts::new(event, self.detector.organization, caller, last);
        if self.detector.keeps_usage {
            let usage = facts.usage(&mut scanned.names);
            let place = *self.usages.entry(usage).or_insert_with(|| {
                scanned.usages.push(usage);
                number(scanned.usages.len() - 1)
            });
            scanned.usage_of.push(place);
        }
        for (at, place) in self.matched.iter().enumerate() {
            if let Some(target) = aimed_at.get(at).and_then(|target| targets.get(*target)) {
                Derived::set_target(event, target, self.detector.organization);
                facts.retarget();
            }
            let rule = self.detector.rules.rules.get(*place);
            let rule = rule.expect("only rules of the set match");
            let number = number(*place);
            if rule.silent {
                scanned.silent.push((number, seen));
            } else {
                let names = &mut scanned.names;
                let value = match self.detector.first_seen.get(*place) {
                    // what has no value can never be new
                    Some(Some(fields)) => match facts.group(fields, &mut self.group, names) {
                        Some(value) => value,
                        None => continue,
                    },
                    _ => Interner::EMPTY,
                };
                let (actor, resource) = facts.actor_and_resource(rule, names);
                let caller = facts.caller(names);
                let (group, wanted) = self.groups.hit(
                    FindingKey {
                        rule: number,
                        actor,
                        resource,
                        period: Period::of(event.time()),
                        value,
                    },
                    seen,
                    caller,
                    scanned,
                );
                if wanted != EvidenceDecision::No {
                    let fact = facts.fact(scanned);
                    let evidence = FoundEvidence { group, seen, fact };
                    self.groups.keep(wanted, evidence, scanned);
                }
                scanned.hits.push(Hit {
                    group,
                    seen,
                    caller,
                });
            }
            let watchers = self.detector.watchers.get(*place);
            let mut group = None;
            for watcher in watchers.into_iter().flatten() {
                if !watcher.groups_alike {
                    let fields = watcher.meant.group_fields.get(watcher.watched as usize);
                    let fields = fields.expect("a correlation groups every rule that it watches");
                    group = facts.group(fields, &mut self.group, &mut scanned.names);
                }
                // an event without one of the values belongs to no group
                let Some(group) = group else {
                    continue;
                };
                let (actor, resource) = facts.actor_and_resource(watcher.rule, &mut scanned.names);
                let value = facts.joined(&watcher.meant.fields, &mut scanned.names);
                let caller = facts.caller(&mut scanned.names);
                let fact = (watcher.keeps_evidence || !rule.silent).then(|| facts.fact(scanned));
                scanned.bases.push(CorrelationHit {
                    correlation: watcher.place,
                    place: watcher.watched,
                    seen,
                    fact,
                    group,
                    value,
                    actor,
                    resource,
                    caller,
                });
            }
        }
    }
}
