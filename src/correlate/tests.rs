//! Windows that fire exactly when they should, whatever the order in which files came.

use super::*;
use crate::event::time::Epoch;
use crate::finding::{EventId, Outcome};
use crate::rules::{Comparison, Measure};
use crate::tally::{CallOrigin, Deed, Group};

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
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

/// A row that is nothing but a time and a rule.
fn bare(time: Epoch, place: u32) -> Row {
    let deed = Deed {
        actor: Names::EMPTY,
        resource: Names::EMPTY,
        caller: Names::EMPTY,
        call: Names::EMPTY,
        outcome: Outcome::Denied,
        origin: CallOrigin::default(),
        told: None,
    };
    Row {
        time,
        place,
        value: Names::EMPTY,
        event_id: EventId::Missing,
        object: 0,
        record: u32::try_from(time).unwrap_or_default(),
        what: What::Event(deed),
    }
}

/// A row whose value stands for itself until the names are known.
fn row(time: Epoch, place: u32, value: &str) -> (Row, String) {
    (bare(time, place), value.to_owned())
}

/// First and last time, and the count, of every burst.
fn bursts(correlation: &Correlation, rows: Vec<(Row, String)>) -> Vec<(Epoch, Epoch, u64)> {
    let mut names = Names::default();
    let group = names.id("g");
    let mut series = Series::default();
    for (row, value) in rows {
        let value = names.id(&value);
        series.push(0, group, Row { value, ..row });
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
        } = burst.events;
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
    let mut dice = Dice(3);
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
    let mut dice = Dice(7);
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
