//! Windows that fire exactly when they should, whatever the order in which files came.

use std::collections::BTreeSet;

use super::*;
use crate::event::time::Epoch;
use crate::finding::{EventId, Outcome};
use crate::rules::{Comparison, Measure};
use crate::tally::{Action, CallOrigin, Group};

fn correlation(measure: Measure, timespan: Epoch, threshold: (Comparison, f64)) -> Correlation {
    Correlation {
        measure,
        rules: vec![0, 1],
        group_by: vec!["g".into()],
        group_fields: vec![],
        chained: vec![],
        fields: vec![],
        timespan,
        thresholds: vec![threshold],
        condition: None,
        generate: false,
    }
}

/// Numbers that look random and are the same in every run.
pub(super) struct RandomNumbers(pub(super) u64);

impl RandomNumbers {
    pub(super) fn below(&mut self, end: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

/// A row that is nothing but a time and a rule.
fn bare(time: Epoch, place: u32) -> CorrelationEvent {
    let action = Action {
        actor: Interner::EMPTY,
        resource: Interner::EMPTY,
        caller: Interner::EMPTY,
        call: Interner::EMPTY,
        outcome: Outcome::Denied,
        origin: CallOrigin::default(),
        texts: None,
    };
    CorrelationEvent {
        time,
        place,
        value: Interner::EMPTY,
        event_id: EventId::Missing,
        object: 0,
        record: u32::try_from(time).unwrap_or_default(),
        what: EventPayload::Event(action),
    }
}

/// A row whose value stands for itself until the names are known.
fn row(time: Epoch, place: u32, value: &str) -> (CorrelationEvent, String) {
    (bare(time, place), value.to_owned())
}

/// First and last time, and the count, of every burst.
fn bursts(
    correlation: &Correlation,
    rows: Vec<(CorrelationEvent, String)>,
) -> Vec<(Epoch, Epoch, u64)> {
    let mut names = Interner::default();
    let group = names.id("g");
    let mut series = CorrelationStore::default();
    for (row, value) in rows {
        let value = names.id(&value);
        series.push(0, group, CorrelationEvent { value, ..row });
    }
    let sweep = Sweep {
        proven_objects: u32::MAX,
        place: 0,
        correlation,
        watched: &[],
        is_watched: false,
    };
    let measured = sweep.measure(&mut series, &names).unwrap();
    let mut found = Vec::new();
    let gathered = sweep.gather(measured, &mut series, |burst| {
        let Group {
            first, last, count, ..
        } = *burst.events;
        found.push((first.unwrap(), last.unwrap(), count));
    });
    gathered.unwrap();
    found
}

#[test]
fn ten_in_ten_minutes_fires_at_ten_and_not_at_nine() {
    let ten = correlation(Measure::EventCount, 600, (Comparison::Gte, 10.0));
    let at = |count: i64, step: i64| (0..count).map(|n| row(n * step, 0, "")).collect();
    assert_eq!(bursts(&ten, at(9, 1)), []);
    assert_eq!(bursts(&ten, at(10, 60)), [(0, 540, 10)]);
    assert_eq!(bursts(&ten, at(10, 67)), [], "603 seconds");
    assert_eq!(
        bursts(&ten, at(30, 60)),
        [(0, 1_740, 30)],
        "one attack, one burst"
    );
    let twice = (0..10)
        .chain(10_000..10_010)
        .map(|time| row(time, 0, ""))
        .collect();
    assert_eq!(bursts(&ten, twice), [(0, 9, 10), (10_000, 10_009, 10)]);
}

#[test]
fn a_burst_holds_the_events_that_made_it_and_no_others() {
    let three = correlation(Measure::EventCount, 10, (Comparison::Gte, 3.0));
    let rows = [0, 100, 105, 108, 200].map(|time| row(time, 0, "")).into();
    assert_eq!(bursts(&three, rows), [(100, 108, 3)]);
}

#[test]
fn distinct_values_count_once_a_window() {
    let three = correlation(Measure::ValueCount, 60, (Comparison::Gte, 3.0));
    let rows = |values: &[&str]| {
        values
            .iter()
            .zip(0..)
            .map(|(value, time)| row(time, 0, value))
            .collect()
    };
    assert_eq!(bursts(&three, rows(&["a", "b", "a", "b", "a"])), []);
    assert_eq!(bursts(&three, rows(&["a", "b", "a", "c"])), [(0, 3, 4)]);
    assert_eq!(
        bursts(&three, rows(&["a", "", "b", ""])),
        [],
        "a missing value is no value"
    );
}

#[test]
fn temporal_needs_every_rule_and_ordered_needs_their_order() {
    let both = correlation(Measure::Temporal, 60, (Comparison::Gte, 2.0));
    assert_eq!(
        bursts(&both, vec![row(0, 1, ""), row(50, 0, "")]),
        [(0, 50, 2)]
    );
    assert_eq!(bursts(&both, vec![row(0, 1, ""), row(70, 0, "")]), []);
    assert_eq!(bursts(&both, vec![row(0, 1, ""), row(10, 1, "")]), []);
    let ordered = correlation(Measure::TemporalOrdered, 60, (Comparison::Gte, 2.0));
    assert_eq!(bursts(&ordered, vec![row(0, 1, ""), row(50, 0, "")]), []);
    assert_eq!(
        bursts(&ordered, vec![row(0, 0, ""), row(50, 1, "")]),
        [(0, 50, 2)]
    );
    assert_eq!(bursts(&ordered, vec![row(0, 0, ""), row(70, 1, "")]), []);
    assert_eq!(
        bursts(&ordered, vec![row(5, 0, ""), row(5, 1, "")]),
        [(5, 5, 2)],
        "the same second"
    );
}

#[test]
fn sums_averages_and_percentiles_follow_the_window() {
    let rows = || {
        [(0, "10"), (10, "20"), (20, "60"), (200, "5")]
            .map(|(time, value)| row(time, 0, value))
            .into()
    };
    let sum = correlation(Measure::ValueSum, 60, (Comparison::Gt, 80.0));
    assert_eq!(bursts(&sum, rows()), [(0, 20, 3)]);
    let average = correlation(Measure::ValueAvg, 60, (Comparison::Lt, 6.0));
    assert_eq!(bursts(&average, rows()), [(200, 200, 1)]);
    let median = correlation(Measure::ValuePercentile(50.0), 60, (Comparison::Eq, 20.0));
    assert_eq!(bursts(&median, rows()), [(0, 20, 3)]);
    // seven of a hundred are seven, though 0.07 times 100 is a little more
    let low = correlation(Measure::ValuePercentile(7.0), 60, (Comparison::Gte, 8.0));
    let hundred = (1..=100).map(|n| row(0, 0, &n.to_string())).collect();
    assert_eq!(bursts(&low, hundred), []);
}

/// "All of them" as a threshold looks at counts, as a condition at matches.
#[test]
fn every_rule_together_is_the_same_burst_however_it_is_said() {
    let mut dice = RandomNumbers(3);
    let mut next = |below| dice.below(below);
    for _ in 0..500 {
        let counted = correlation(Measure::Temporal, next(40) + 1, (Comparison::Gte, 3.0));
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let said = Correlation {
            thresholds: Vec::new(),
            condition: Some(crate::rules::Condition::all_of(&names)),
            ..counted.clone()
        };
        let times: Vec<(Epoch, u32)> = (0..next(25))
            .map(|_| (next(200), u32::try_from(next(3)).unwrap()))
            .collect();
        let rows = || {
            times
                .iter()
                .map(|(time, rule)| row(*time, *rule, ""))
                .collect()
        };
        assert_eq!(bursts(&counted, rows()), bursts(&said, rows()), "{times:?}");
    }
}

/// Every subset of times against a search over all windows, and shuffled against sorted.
#[test]
fn the_sweep_agrees_with_a_search_over_all_windows() {
    let mut dice = RandomNumbers(7);
    let mut next = |below| dice.below(below);
    for _ in 0..500 {
        let (span, least) = (next(40) + 1, next(6) + 1);
        let mut times: Vec<Epoch> = (0..next(25)).map(|_| next(200)).collect();
        #[allow(clippy::cast_precision_loss, reason = "small")]
        let rule = correlation(Measure::EventCount, span, (Comparison::Gte, least as f64));
        let shuffled = bursts(&rule, times.iter().map(|time| row(*time, 0, "")).collect());
        times.sort_unstable();
        let sorted = bursts(&rule, times.iter().map(|time| row(*time, 0, "")).collect());
        assert_eq!(shuffled, sorted);
        let in_window = |start: Epoch| {
            times
                .iter()
                .filter(|time| (start..=start + span).contains(*time))
                .count()
        };
        let covered = |time: Epoch| {
            times.iter().any(|start| {
                *start <= time
                    && time <= start + span
                    && in_window(*start) >= usize::try_from(least).unwrap()
            })
        };
        for time in &times {
            let inside = sorted
                .iter()
                .any(|(first, last, _)| (first..=last).contains(&time));
            assert_eq!(
                inside,
                covered(*time),
                "{times:?} span {span} least {least} at {time}"
            );
        }
    }
}

/// Rules that all watch `a`, `b` or one another, each with a `group-by` of its own.
const CHAIN: &str = "\
title: A
name: a
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
---
title: B
name: b
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: B}, condition: s}
---
title: One
name: one
correlation: {type: event_count, rules: [a], group-by: [awsRegion], timespan: 100s, condition: {gte: 2}}
---
title: Two
name: two
correlation: {type: temporal, rules: [one, b], group-by: [sourceIPAddress], timespan: 200s}
---
title: Three
name: three
correlation: {type: event_count, rules: [two, one], group-by: [userAgent], timespan: 300s, condition: {gte: 1}}
---
title: Four
name: four
correlation: {type: event_count, rules: [three], group-by: [userAgent], timespan: 300s, condition: {gte: 1}}
";

fn chain(text: &str) -> RuleSet {
    let text = crate::rules::load::RuleText {
        fault: None,
        file: "chain.yml".to_owned(),
        text: text.to_owned(),
    };
    let rules = crate::rules::load::load(&[text], &crate::rules::load::Settings::default());
    assert_eq!(rules.rejected, []);
    rules
}

/// Random events for the rules of [`CHAIN`], as the detection hands them over.
fn chain_events(rules: &RuleSet, dice: &mut RandomNumbers, events: i64, values: i64) -> Tally {
    let mut tally = Tally::default();
    let mut series = CorrelationStore::default();
    for record in 0..events {
        let rule = usize::try_from(dice.below(2)).unwrap();
        let row = bare(dice.below(2_000), 0);
        let object = u32::try_from(dice.below(50)).unwrap();
        let name = |what: &str, number: i64| format!("{what}{number}");
        let fields = ["awsRegion", "sourceIPAddress", "userAgent"]
            .map(|field| (field, name(field, dice.below(values))));
        let names = &mut tally.names;
        let EventPayload::Event(action) = row.what else {
            panic!()
        };
        let action = Action {
            actor: names.id(&name("actor", dice.below(values))),
            resource: names.id(&name("resource", dice.below(3))),
            caller: names.id(&name("caller", dice.below(values))),
            call: names.id(&name("call", dice.below(4))),
            ..action
        };
        for (place, below, correlation) in rules.correlations_fed_by(rule) {
            let group = correlation.group_by.iter().map(|wanted| {
                let found = fields.iter().find(|(field, _)| field == wanted);
                &*found.unwrap().1
            });
            let group = names.id(&group.collect::<Vec<_>>().join("\u{1f}"));
            let row = CorrelationEvent {
                place: number(below),
                event_id: EventId::parse(&format!("e{record}")),
                object,
                record: u32::try_from(record).unwrap(),
                what: EventPayload::Event(action),
                ..row.clone()
            };
            series.push(number(place), group, row);
        }
    }
    tally.series = series;
    tally
}

/// The slow twin: every event of a burst, one by one, whichever bursts lie between.
fn flat(burst: &Burst, watched: &[Burst]) -> Vec<CorrelationEvent> {
    let below = burst.below.iter().map(|below| &watched[*below as usize]);
    let below = below.flat_map(|below| flat(below, watched));
    burst.rows.iter().cloned().chain(below).collect()
}

#[test]
fn bursts_that_share_their_events_hold_what_adding_each_event_holds() {
    let rules = chain(CHAIN);
    let mut dice = RandomNumbers(23);
    let mut deep = 0;
    for round in 0..60 {
        let (events, values) = (dice.below(120), dice.below(6) + 1);
        let mut tally = chain_events(&rules, &mut dice, events, values);
        let mut series = std::mem::take(&mut tally.series);
        let mut nested_index = NestedGroups::read(&rules, &mut series).unwrap();
        let mut found = BTreeMap::new();
        let watched = sweep_all(&rules, &mut series, &mut tally, &mut found).unwrap();
        for (place, burst) in watched.iter().enumerate() {
            let rows = flat(burst, &watched);
            let mut slow = Burst::new(burst.correlation, burst.group, burst.fired, burst.peak);
            rows.iter().for_each(|row| slow.add(row, true));
            assert_eq!(burst.actors, slow.actors, "round {round}");
            assert_eq!(burst.newest_object, slow.newest_object, "round {round}");
            assert_eq!(burst.resources, slow.resources, "round {round}");
            let words = |group: &Group| {
                let mut group = group.clone();
                let samples = std::mem::take(&mut group.samples);
                let shown: Vec<_> = (samples.shown().iter())
                    .map(|one| one.event_id.clone())
                    .collect();
                let calls: BTreeMap<_, _> =
                    std::mem::take(&mut group.calls).iter().copied().collect();
                format!("{group:?} {calls:?} {shown:?}")
            };
            assert_eq!(words(&burst.events), words(&slow.events), "round {round}");
            deep += usize::from(!burst.below.is_empty());
            // and it belongs to the groups that its events belong to
            for (watcher, below, meant) in rules.correlations_watching(burst.correlation) {
                if meant.chained.get(below) != Some(&Chained::Events) {
                    continue;
                }
                let known = nested_index.events.get(&(watcher, below));
                let group = |row: &CorrelationEvent| known?.get(&(row.object, row.record)).copied();
                let expected: BTreeSet<u32> =
                    rows.iter().filter_map(group).map(Symbol::number).collect();
                let before = &watched[..place];
                let groups = nested_index.of_events((watcher, below), burst, before);
                assert_eq!(groups.iter().collect::<BTreeSet<_>>(), expected);
            }
        }
    }
    assert!(deep > 500, "{deep}");
}

/// Two levels with a `group-by` of their own: every result belongs to every group.
#[test]
fn what_bursts_are_handed_on_to_is_bounded_by_the_rows_and_named() {
    let temporal = "{type: temporal, rules: [one, b], group-by: [sourceIPAddress], timespan: 200s}";
    let count = "{type: event_count, rules: [one], group-by: [sourceIPAddress], timespan: 200s, condition: {gte: 1}}";
    let rules = chain(&CHAIN.replace(temporal, count));
    let mut tally = chain_events(&rules, &mut RandomNumbers(5), 1_000, 1);
    // one burst of all events, as many groups as events on both levels
    let mut series = CorrelationStore::default();
    let mut names = Interner::default();
    for correlation in 2..5 {
        tally
            .series
            .for_each_sorted(correlation, |_, row| {
                let group = match (correlation, row.place) {
                    (2, _) => "all".to_owned(),
                    (_, _) => format!("{}", row.record),
                };
                let row = CorrelationEvent {
                    time: 5,
                    ..row.clone()
                };
                series.push(correlation, names.id(&group), row);
            })
            .unwrap();
    }
    tally.names = names;
    tally.series = series;
    let rows = tally.series.rows();
    let bursts = correlate(&rules, &mut tally);
    let of = |rule: &str| {
        let place = rules.rules.iter().position(|one| one.name == rule).unwrap();
        bursts
            .iter()
            .filter(|one| one.key.correlation == place)
            .count()
    };
    assert!(of("two") > 400 && of("three") > 400);
    let problems: Vec<_> = tally.coverage.problems.iter().collect();
    let is_named = problems.iter().any(|one| one.kind == ProblemKind::Bounded);
    let most = LEAST_BUDGET + BUDGET_OF_ROW * rows;
    assert!(
        is_named && !tally.coverage.is_complete(),
        "{most} {problems:?}"
    );
}
