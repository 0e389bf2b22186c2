//! Correlations with a condition over rules: `a and not b`, `1 of login_*`.
//!
//! The specification says which words the condition has (SigmaHQ's enhancement proposal 198) and
//! not what `not` means in a window that slides, for almost every event can be kept out of some
//! window. Here a **match** is one event of each rule that an alternative needs, all within the
//! timespan, and no event of a rule that it lacks may share a frame with it: a stretch as long as
//! the timespan that holds the whole match. So `a and not b` is every `a` without a `b` within the
//! timespan before it or after it, and each `a` is either that or part of `a and b`.
//!
//! In `temporal_ordered` the events come in the order of `rules`, and a rule that is lacking keeps
//! its place there: before the first event, between two, or after the last. Of several matches that
//! end with one event, the one that began last decides.
//!
//! An event is evidence where it is part of some match. Nothing depends on the order in which rows
//! arrive, and the work grows with rows × rules.

use super::window::{Found, Point, Window};
use crate::event::time::Epoch;
use crate::rules::{Alternative, Condition, Measure};

/// All bursts of matches in a group's rows, which are sorted.
pub(super) fn windows(
    condition: &Condition,
    measure: Measure,
    timespan: Epoch,
    rows: &[Point],
) -> Found {
    let mut marks = RowMarks {
        peaks: vec![0; rows.len()],
        evidence: vec![false; rows.len()],
    };
    for alternative in &condition.alternatives {
        if measure == Measure::TemporalOrdered {
            in_order(alternative, timespan, rows, &mut marks);
        } else {
            together(alternative, timespan, rows, &mut marks);
        }
    }
    Found {
        windows: bursts(timespan, rows, &marks),
        evidence: Some(marks.evidence),
    }
}

/// What is known of each row.
struct RowMarks {
    /// How many rules the largest match that ends with the row has; zero where none does.
    peaks: Vec<u32>,
    evidence: Vec<bool>,
}

impl RowMarks {
    fn end(&mut self, row: usize, rules: usize) {
        if let Some(peak) = self.peaks.get_mut(row) {
            *peak = (*peak).max(u32::try_from(rules).unwrap_or(u32::MAX));
        }
        self.is_evidence(row);
    }

    fn is_evidence(&mut self, row: usize) {
        if let Some(evidence) = self.evidence.get_mut(row) {
            *evidence = true;
        }
    }
}

/// Matches whose frames overlap are one burst.
fn bursts(timespan: Epoch, rows: &[Point], marks: &RowMarks) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut from = 0;
    for (to, (row, peak)) in rows.iter().zip(&marks.peaks).enumerate() {
        if *peak == 0 {
            continue;
        }
        let too_early = |at: usize| {
            let old = rows.get(at).is_some_and(|old| is_over(old, row, timespan));
            old || marks.evidence.get(at) == Some(&false)
        };
        while from < to && too_early(from) {
            from += 1;
        }
        Window {
            from,
            to,
            fired: row.time,
            peak: f64::from(*peak),
        }
        .join(&mut found);
    }
    found
}

fn is_over(old: &Point, row: &Point, timespan: Epoch) -> bool {
    row.time.saturating_sub(old.time) > timespan
}

/// The rows of one needed rule, and how far they have been read.
#[derive(Default)]
struct RuleRows {
    rows: Vec<usize>,
    /// Its first row in the frame, and the first beyond the row at hand.
    from: usize,
    to: usize,
    /// The rows before this one are marked as far as they ever will be.
    marked: usize,
}

/// Matches in any order: each row in turn is the last of a match.
fn together(alternative: &Alternative, timespan: Epoch, rows: &[Point], marks: &mut RowMarks) {
    let time = |at: usize| rows.get(at).map_or(0, |row| row.time);
    let lacking = times(rows, &alternative.lacks);
    let mut rules_rows: Vec<RuleRows> = alternative
        .needs
        .iter()
        .map(|_| RuleRows::default())
        .collect();
    let lane_of = |row: &Point| alternative.needs.iter().position(|rule| *rule == row.place);
    for (at, row) in rows.iter().enumerate() {
        if let Some(rule_rows) = lane_of(row).and_then(|own| rules_rows.get_mut(own)) {
            rule_rows.rows.push(at);
        }
    }
    for (at, row) in rows.iter().enumerate() {
        let Some(own) = lane_of(row) else { continue };
        if let Some(rule_rows) = rules_rows.get_mut(own) {
            rule_rows.to += 1;
        }
        for rule_rows in &mut rules_rows {
            while rule_rows.from < rule_rows.to
                && rule_rows.rows.get(rule_rows.from).is_some_and(|first| {
                    rows.get(*first)
                        .is_some_and(|first| is_over(first, row, timespan))
                })
            {
                rule_rows.from += 1;
            }
        }
        // the frame that ends here must hold every rule needed and none that is lacking
        let next = lacking.partition_point(|lacks| *lacks <= row.time);
        let before = next.checked_sub(1).and_then(|at| lacking.get(at));
        if rules_rows
            .iter()
            .any(|rule_rows| rule_rows.from == rule_rows.to)
            || before.is_some_and(|before| row.time.saturating_sub(*before) <= timespan)
        {
            continue;
        }
        // and so must the frame that begins with the first of the match
        let first_before = lacking.get(next).map(|next| next.saturating_sub(timespan));
        let begins = |time: Epoch| first_before.is_none_or(|limit| time < limit);
        let opening = |rule_rows: &RuleRows| {
            rule_rows
                .rows
                .get(rule_rows.from)
                .map_or(Epoch::MAX, |at| time(*at))
        };
        let others = |but: usize| {
            let rules_rows = rules_rows.iter().enumerate();
            let opens = rules_rows
                .filter(|(rule_rows, _)| *rule_rows != own && *rule_rows != but)
                .map(|(_, rule_rows)| opening(rule_rows));
            opens.min()
        };
        if !begins(others(own).unwrap_or(row.time)) {
            continue;
        }
        marks.end(at, alternative.needs.len());
        let by_others: Vec<bool> = (0..rules_rows.len())
            .map(|rule_rows| others(rule_rows).is_some_and(begins))
            .collect();
        for (place, (rule_rows, by_others)) in rules_rows.iter_mut().zip(by_others).enumerate() {
            if place == own {
                continue;
            }
            let mut marked = rule_rows.marked.max(rule_rows.from);
            while let Some(row) = rule_rows.rows.get(marked).filter(|_| marked < rule_rows.to) {
                if !(by_others || begins(time(*row))) {
                    break;
                }
                marks.is_evidence(*row);
                marked += 1;
            }
            rule_rows.marked = marked;
        }
    }
}

/// The times of the rows of some rules that a match must lack; rows that are not proven keep no match
/// from being one.
fn times(rows: &[Point], rules: &[u32]) -> Vec<Epoch> {
    rows.iter()
        .filter(|row| row.proven && rules.contains(&row.place))
        .map(|row| row.time)
        .collect()
}

/// True where one of these times, ascending, lies between the two, both included.
fn any_within(times: &[Epoch], from: Epoch, to: Epoch) -> bool {
    times
        .get(times.partition_point(|time| *time < from))
        .is_some_and(|time| *time <= to)
}

/// What a row is to a match in order.
#[derive(Clone, Copy)]
enum Step {
    /// The event at that place of the match.
    Needed(usize),
    /// An event that must not lie between this place and the next.
    Between(usize),
    Other,
}

/// Matches in the order of the rules: from the left, the latest beginning that leads to each row;
/// from the right, the earliest end that it leads to.
fn in_order(alternative: &Alternative, timespan: Epoch, rows: &[Point], marks: &mut RowMarks) {
    let needs = &alternative.needs;
    let (Some(first), Some(last)) = (needs.first(), needs.last()) else {
        return;
    };
    let ends = needs.len() - 1;
    let lacks = |is: &dyn Fn(u32) -> bool| {
        let rules = alternative.lacks.iter().copied().filter(|rule| is(*rule));
        times(rows, &rules.collect::<Vec<_>>())
    };
    let (before, after) = (lacks(&|rule| rule < *first), lacks(&|rule| rule > *last));
    let step = |row: &Point| match needs.binary_search(&row.place) {
        Ok(place) => Step::Needed(place),
        Err(place)
            if place > 0
                && place <= ends
                && row.proven
                && alternative.lacks.contains(&row.place) =>
        {
            Step::Between(place - 1)
        }
        Err(_) => Step::Other,
    };
    let mut begun: Vec<Option<Epoch>> = vec![None; needs.len()];
    let mut beginnings: Vec<Option<Epoch>> = Vec::with_capacity(rows.len());
    for row in rows {
        beginnings.push(match step(row) {
            Step::Needed(place) => {
                let start = match place.checked_sub(1) {
                    None => Some(row.time),
                    Some(previous) => begun.get(previous).copied().flatten(),
                };
                if let Some(slot) = begun.get_mut(place) {
                    *slot = (*slot).max(start);
                }
                start
            }
            Step::Between(place) => {
                if let Some(slot) = begun.get_mut(place) {
                    *slot = None;
                }
                None
            }
            Step::Other => None,
        });
    }
    let holds = |start: Epoch, end: Epoch| {
        end.saturating_sub(start) <= timespan
            && !any_within(&before, end.saturating_sub(timespan), start)
            && !any_within(&after, end, start.saturating_add(timespan))
    };
    let mut reached: Vec<Option<Epoch>> = vec![None; needs.len()];
    for (at, (row, start)) in rows.iter().zip(&beginnings).enumerate().rev() {
        let end = match (step(row), start) {
            (Step::Needed(place), Some(start)) if place == ends => {
                let held = holds(*start, row.time);
                if held {
                    marks.end(at, needs.len());
                }
                held.then_some(row.time)
            }
            (Step::Needed(place), _) if place < ends => reached.get(place + 1).copied().flatten(),
            (Step::Between(place), _) => {
                if let Some(slot) = reached.get_mut(place + 1) {
                    *slot = None;
                }
                continue;
            }
            _ => continue,
        };
        let (Step::Needed(place), Some(end)) = (step(row), end) else {
            continue;
        };
        if let Some(slot) = reached.get_mut(place) {
            *slot = Some(slot.map_or(end, |known| known.min(end)));
        }
        if start.is_some_and(|start| end.saturating_sub(start) <= timespan) {
            marks.is_evidence(at);
        }
    }
}

#[cfg(test)]
mod tests;
