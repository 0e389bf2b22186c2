//! Matches against a search that tries every choice of events, and the cases a reader would try.

use std::collections::BTreeSet;

use super::*;
use crate::correlate::tests::RandomNumbers;
use crate::interner::Interner;

const SPAN: Epoch = 300;

fn alternative(needs: &[u32], lacks: &[u32]) -> Alternative {
    Alternative {
        needs: needs.to_vec(),
        lacks: lacks.to_vec(),
    }
}

fn sorted(events: &[(Epoch, u32)]) -> Vec<Point> {
    let mut rows: Vec<Point> = events
        .iter()
        .map(|(time, place)| Point {
            proven: true,
            time: *time,
            place: *place,
            value: Interner::EMPTY,
        })
        .collect();
    rows.sort_by_key(|row| (row.time, row.place));
    rows
}

/// The events of every burst: times and rules.
fn bursts_of(
    alternatives: &[Alternative],
    measure: Measure,
    span: Epoch,
    events: &[(Epoch, u32)],
) -> Vec<Vec<(Epoch, u32)>> {
    let rows = sorted(events);
    let condition = Condition {
        text: String::new(),
        alternatives: alternatives.to_vec(),
    };
    let found = windows(&condition, measure, span, &rows);
    let inside = |window: &Window| {
        (window.from..=window.to)
            .filter(|at| found.evidence.as_ref().unwrap()[*at])
            .map(|at| (rows[at].time, rows[at].place))
            .collect()
    };
    found.windows.iter().map(inside).collect()
}

fn evidence(
    alternative: &Alternative,
    measure: Measure,
    events: &[(Epoch, u32)],
) -> BTreeSet<(Epoch, u32)> {
    bursts_of(std::slice::from_ref(alternative), measure, SPAN, events)
        .concat()
        .into_iter()
        .collect()
}

#[test]
fn a_and_not_b_is_every_a_without_a_b_close_to_it() {
    let lonely = alternative(&[0], &[1]);
    let found = |events: &[(Epoch, u32)]| evidence(&lonely, Measure::Temporal, events);
    assert_eq!(found(&[(1_000, 0)]), [(1_000, 0)].into());
    for near in [700, 999, 1_000, 1_001, 1_300] {
        assert_eq!(found(&[(1_000, 0), (near, 1)]), [].into(), "{near}");
    }
    for far in [699, 1_301] {
        assert_eq!(found(&[(1_000, 0), (far, 1)]).len(), 1, "{far}");
    }
    // each `a` is part of `a and b` or of `a and not b`, and never of both
    let events = [
        (0, 0),
        (200, 1),
        (700, 0),
        (1_400, 0),
        (1_500, 1),
        (1_900, 0),
    ];
    let with = evidence(&alternative(&[0, 1], &[]), Measure::Temporal, &events);
    let without = found(&events);
    assert_eq!(without, [(700, 0), (1_900, 0)].into());
    let both: Vec<_> = with.intersection(&without).collect();
    assert_eq!(both, [&(0, 0); 0]);
    assert_eq!(with.union(&without).count(), events.len());
}

#[test]
fn what_lacks_may_happen_where_no_frame_holds_it_and_the_match() {
    let without = alternative(&[0, 2], &[1]);
    let found = |other: Epoch| {
        let events = [(1_000, 0), (1_250, 2), (other, 1)];
        evidence(&without, Measure::Temporal, &events).len()
    };
    assert_eq!(found(1_100), 0, "between the two");
    assert_eq!(found(1_300), 0, "in the frame that begins with the first");
    assert_eq!(found(950), 0, "in the frame that ends with the last");
    assert_eq!(found(1_301), 2, "after every frame that holds both");
    assert_eq!(found(949), 2, "before every frame that holds both");
}

#[test]
fn in_order_what_lacks_keeps_its_place() {
    let ordered = |needs: &[u32], lacks: &[u32], events: &[(Epoch, u32)]| {
        evidence(&alternative(needs, lacks), Measure::TemporalOrdered, events).len()
    };
    // rules a, b, c: not b lies between
    assert_eq!(ordered(&[0, 2], &[1], &[(0, 0), (200, 2)]), 2);
    assert_eq!(ordered(&[0, 2], &[1], &[(0, 0), (100, 1), (200, 2)]), 0);
    assert_eq!(ordered(&[0, 2], &[1], &[(0, 0), (200, 2), (210, 1)]), 2);
    assert_eq!(ordered(&[0, 2], &[1], &[(-10, 1), (0, 0), (200, 2)]), 2);
    assert_eq!(
        ordered(&[0, 2], &[1], &[(200, 0), (0, 2)]),
        0,
        "the other order"
    );
    let again = [(0, 0), (100, 1), (150, 0), (200, 2)];
    assert_eq!(ordered(&[0, 2], &[1], &again), 2, "begun again after it");
    // not b after the last
    assert_eq!(ordered(&[0], &[1], &[(0, 0), (300, 1)]), 0);
    assert_eq!(ordered(&[0], &[1], &[(0, 0), (301, 1), (-1, 1)]), 1);
    assert_eq!(ordered(&[0, 1], &[2], &[(0, 0), (200, 1), (300, 2)]), 0);
    assert_eq!(ordered(&[0, 1], &[2], &[(0, 0), (200, 1), (301, 2)]), 2);
    // not a before the first
    assert_eq!(ordered(&[1], &[0], &[(0, 1), (-300, 0)]), 0);
    assert_eq!(ordered(&[1], &[0], &[(0, 1), (-301, 0), (1, 0)]), 1);
    assert_eq!(ordered(&[1, 2], &[0], &[(0, 1), (200, 2), (-100, 0)]), 0);
    assert_eq!(ordered(&[1, 2], &[0], &[(0, 1), (200, 2), (-101, 0)]), 2);
}

#[test]
fn a_burst_is_a_run_of_matches_and_says_when_it_first_held() {
    let either = [alternative(&[0, 1], &[]), alternative(&[2], &[])];
    let events = [(0, 2), (100, 0), (500, 0), (600, 1), (2_000, 2), (2_200, 0)];
    assert_eq!(
        bursts_of(&either, Measure::Temporal, SPAN, &events),
        [vec![(0, 2)], vec![(500, 0), (600, 1)], vec![(2_000, 2)]],
        "an event that is part of no match is no evidence"
    );
}

/// Every choice of one row for each of these rules.
fn choices(rows: &[Point], needs: &[u32]) -> Vec<Vec<usize>> {
    needs.iter().fold(vec![Vec::new()], |so_far, rule| {
        let of_rule = (0..rows.len()).filter(|at| rows[*at].place == *rule);
        let of_rule: Vec<usize> = of_rule.collect();
        so_far
            .iter()
            .flat_map(|chosen| {
                of_rule
                    .iter()
                    .map(move |at| [chosen.as_slice(), &[*at]].concat())
            })
            .collect()
    })
}

/// Rows that are part of a match, by the words at the head of the module.
fn by_search(one: &Alternative, measure: Measure, span: Epoch, rows: &[Point]) -> BTreeSet<usize> {
    let ordered = measure == Measure::TemporalOrdered;
    let time = |at: &usize| rows[*at].time;
    let in_time = |chosen: &Vec<usize>| {
        let (first, last) = (chosen.iter().map(time).min(), chosen.iter().map(time).max());
        last.unwrap() - first.unwrap() <= span && (!ordered || chosen.is_sorted())
    };
    let between = |chosen: &[usize]| {
        one.lacks.iter().any(|rule| {
            let place = one.needs.partition_point(|needed| needed < rule);
            place > 0
                && place < chosen.len()
                && (chosen[place - 1]..chosen[place]).any(|at| rows[at].place == *rule)
        })
    };
    // a row that is lacking and shares a frame with all of the match
    let shares = |chosen: &[usize]| {
        let first = chosen.iter().map(time).min().unwrap();
        let last = chosen.iter().map(time).max().unwrap();
        rows.iter().any(|row| {
            let in_frame = last - span <= row.time && row.time <= first + span;
            let in_place = !ordered
                || row.place < one.needs[0] && row.time <= first
                || row.place > *one.needs.last().unwrap() && row.time >= last;
            one.lacks.contains(&row.place) && in_frame && in_place
        })
    };
    let mut matches = choices(rows, &one.needs);
    matches.retain(|chosen| in_time(chosen) && !(ordered && between(chosen)));
    let held: Vec<&Vec<usize>> = matches
        .iter()
        .filter(|chosen| {
            // in order, the match that began last decides for all that end with the same event
            let decides = matches
                .iter()
                .filter(|other| ordered && other.last() == chosen.last())
                .max_by_key(|other| time(&other[0]));
            !shares(decides.unwrap_or(chosen))
        })
        .collect();
    held.into_iter().flatten().copied().collect()
}

#[test]
fn the_sweep_finds_what_a_search_over_every_choice_finds() {
    let mut dice = RandomNumbers(11);
    let (mut held, mut tried) = (0, 0);
    for round in 0..6_000 {
        let span = dice.below(30) + 1;
        let many = dice.below(11);
        let events: Vec<(Epoch, u32)> = (0..many)
            .map(|_| (dice.below(60), u32::try_from(dice.below(4)).unwrap()))
            .collect();
        let (mut needs, mut lacks) = (Vec::new(), Vec::new());
        for rule in 0..4 {
            match dice.below(5) {
                0 | 1 => needs.push(rule),
                2 | 3 => lacks.push(rule),
                _ => {}
            }
        }
        if needs.is_empty() {
            continue;
        }
        let one = alternative(&needs, &lacks);
        let measure = if round % 2 == 0 {
            Measure::Temporal
        } else {
            Measure::TemporalOrdered
        };
        let rows = sorted(&events);
        let expected: BTreeSet<(Epoch, u32)> = by_search(&one, measure, span, &rows)
            .into_iter()
            .map(|at| (rows[at].time, rows[at].place))
            .collect();
        let found = bursts_of(std::slice::from_ref(&one), measure, span, &events).concat();
        let found: BTreeSet<(Epoch, u32)> = found.into_iter().collect();
        assert_eq!(found, expected, "{one:?} {measure:?} {span} {events:?}");
        tried += 1;
        held += usize::from(!found.is_empty());
    }
    assert!(tried > 4_000 && held > 800, "{held} of {tried}");
}
