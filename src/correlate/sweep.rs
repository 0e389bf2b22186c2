//! One correlation over its rows: where its condition held, and what happened there.

use std::io;

use super::aggregate::WindowAggregate;
use super::bursts::Burst;
use super::pattern;
use super::window::{Found, Point, Window};
use crate::interner::{Interner, Symbol};
use crate::rules::{Comparison, Correlation};
use crate::tally::{CorrelationEvent, CorrelationStore, EventPayload};

/// One correlation, in two passes over its rows: the first finds the windows and looks at times and
/// values alone, the second gathers what happened in them. So neither holds a row.
pub(super) struct Sweep<'r> {
    pub(super) place: usize,
    pub(super) correlation: &'r Correlation,
    /// The bursts of correlations that it watches.
    pub(super) watched: &'r [Burst],
    pub(super) is_watched: bool,
    /// Rows of objects with a lower number are proven.
    pub(super) proven_objects: u32,
}

impl Sweep<'_> {
    /// The windows of every group that has any, in the order of the series.
    pub(super) fn measure(
        &self,
        series: &mut CorrelationStore,
        names: &Interner,
    ) -> io::Result<Vec<(Symbol, Found)>> {
        let mut found = Vec::new();
        let mut moments: Vec<Point> = Vec::new();
        let mut current = None;
        let mut close = |group: Option<Symbol>, moments: &mut Vec<Point>| {
            let own = group.map(|group| (group, self.windows(moments, names)));
            found.extend(own.filter(|(_, own)| !own.windows.is_empty()));
            moments.clear();
        };
        series.for_each_sorted(number(self.place), |group, row| {
            if current != Some(group) {
                close(current.replace(group), &mut moments);
            }
            if self.is_own(row) {
                moments.push(Point {
                    time: row.time,
                    place: row.place,
                    value: row.value,
                    proven: row.object < self.proven_objects,
                });
            }
        })?;
        close(current, &mut moments);
        Ok(found)
    }

    /// The windows of one group. What proven rows show alone is found whatever lies beside them.
    fn windows(&self, moments: &[Point], names: &Interner) -> Found {
        let found = self.windows_of(moments, names);
        if moments.iter().all(|one| one.proven) {
            return found;
        }
        let proven = (0..).zip(moments).filter(|(_, one)| one.proven);
        let (places, proven): (Vec<usize>, Vec<Point>) = proven.map(|(at, one)| (at, *one)).unzip();
        let alone = self.windows_of(&proven, names);
        found.and(alone, &places, moments.len())
    }

    fn windows_of(&self, moments: &[Point], names: &Interner) -> Found {
        let correlation = self.correlation;
        match &correlation.condition {
            Some(condition) => pattern::windows(
                condition,
                correlation.measure,
                correlation.timespan,
                moments,
            ),
            None => Found {
                windows: windows(correlation, moments, names),
                evidence: None,
            },
        }
    }

    /// Tells every burst with its events.
    pub(super) fn gather(
        &self,
        found: Vec<(Symbol, Found)>,
        series: &mut CorrelationStore,
        mut tell: impl FnMut(Burst),
    ) -> io::Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let mut found = found.into_iter().peekable();
        let mut current = None;
        // the row's place in its group, and the windows of the group that are left, the next one last
        let mut at = 0;
        let mut windows: Vec<Window> = Vec::new();
        let mut evidence = None;
        let mut burst = None;
        series.for_each_sorted(number(self.place), |group, row| {
            if current != Some(group) {
                current = Some(group);
                at = 0;
                (windows, evidence) = match found.next_if(|(known, _)| *known == group) {
                    Some((_, own)) => (own.windows.into_iter().rev().collect(), own.evidence),
                    None => (Vec::new(), None),
                };
            }
            let Some(window) = windows.last().filter(|_| self.is_own(row)) else {
                return;
            };
            let is_evidence = |evidence: &Vec<bool>| evidence.get(at) == Some(&true);
            if at >= window.from && evidence.as_ref().is_none_or(is_evidence) {
                let burst = burst.get_or_insert_with(|| self.burst(group, window));
                self.add(burst, row);
            }
            if at >= window.to {
                windows.pop();
                burst.take().into_iter().for_each(&mut tell);
            }
            at += 1;
        })
    }

    fn burst(&self, group: Symbol, window: &Window) -> Burst {
        Burst::new(self.place, group, window.fired, window.peak)
    }

    /// Adds a row's event, or those of the burst that it stands for.
    fn add(&self, burst: &mut Burst, row: &CorrelationEvent) {
        match row.what {
            EventPayload::Event(_) => burst.add(row, self.is_watched),
            EventPayload::Burst(place) => {
                if let Some(below) = self.watched.get(place as usize) {
                    burst.contain(place, below, self.is_watched);
                }
            }
        }
    }

    /// False for a row that only says to which group an event belongs.
    fn is_own(&self, row: &CorrelationEvent) -> bool {
        nested_index(self.correlation, row).is_none()
    }
}

/// One pass with two hands: each row in turn ends a window that reaches `timespan` back, both ends
/// included.
fn windows(correlation: &Correlation, rows: &[Point], names: &Interner) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut window_aggregate = WindowAggregate::new(correlation, rows, names);
    let mut from = 0;
    let upper = |(comparison, _): &(Comparison, f64)| {
        !matches!(comparison, Comparison::Gt | Comparison::Gte)
    };
    let bounded = correlation.thresholds.iter().any(upper);
    for (to, row) in rows.iter().enumerate() {
        window_aggregate.push(row);
        while let Some(oldest) = rows
            .get(from)
            .filter(|oldest| row.time.saturating_sub(oldest.time) > correlation.timespan)
        {
            window_aggregate.pop(oldest);
            from += 1;
        }
        // events of the same second belong to the same windows
        if rows.get(to + 1).is_some_and(|next| next.time == row.time) {
            continue;
        }
        // "at most two" is said of windows that no other event can join
        let first = rows.get(from).map_or(row.time, |first| first.time);
        let grows = |next: &Point| next.time.saturating_sub(first) <= correlation.timespan;
        if bounded && rows.get(to + 1).is_some_and(grows) {
            continue;
        }
        let Some(measured) = window_aggregate.value(row.time) else {
            continue;
        };
        if !correlation
            .thresholds
            .iter()
            .all(|(comparison, number)| comparison.holds(measured, *number))
        {
            continue;
        }
        Window {
            from,
            to,
            fired: row.time,
            peak: measured,
        }
        .join(&mut found);
    }
    found
}

/// Of a row that only says to which group an event belongs: the place of the correlation, among the
/// watched ones, that it belongs to.
pub(super) fn nested_index(correlation: &Correlation, row: &CorrelationEvent) -> Option<usize> {
    (row.place as usize).checked_sub(correlation.rules.len())
}

/// A rule's place as rows tell it.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("there are fewer than 2^32 rules")
}
