//! Where a condition held: what is looked at, and what is found.

use crate::event::time::Epoch;
use crate::interner::Symbol;

/// What is measured of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) time: Epoch,
    /// Which of the watched rules it was.
    pub(super) place: u32,
    pub(super) value: Symbol,
    /// False if a proof was asked for and the log of the event is not proven. Such an event may be part
    /// of a match; it does not keep one from being a match.
    pub(super) proven: bool,
}

/// What a group's rows hold.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) windows: Vec<Window>,
    /// Per row: it is part of a match; `None` if all of them are.
    pub(super) evidence: Option<Vec<bool>>,
}

impl Found {
    /// Adds what was found in some of the group's rows; `places` are their places among all `rows`.
    pub(super) fn and(self, part: Self, places: &[usize], rows: usize) -> Self {
        let place = |at: usize| places.get(at).copied().unwrap_or(rows);
        let inside = |window: &Window| {
            let (from, to) = (place(window.from), place(window.to));
            let mut windows = self.windows.iter();
            windows.any(|own| own.from <= from && to <= own.to)
        };
        if self.evidence.is_none() && part.evidence.is_none() && part.windows.iter().all(inside) {
            return self;
        }
        let mut evidence = vec![false; rows];
        let mut note = |found: &Self, place: &dyn Fn(usize) -> usize| {
            for window in &found.windows {
                for at in window.from..=window.to {
                    let is = found.evidence.as_ref();
                    if is.is_none_or(|is| is.get(at) == Some(&true))
                        && let Some(slot) = evidence.get_mut(place(at))
                    {
                        *slot = true;
                    }
                }
            }
        };
        note(&self, &|at| at);
        note(&part, &place);
        let part = part.windows.into_iter().map(|window| Window {
            from: place(window.from),
            to: place(window.to),
            ..window
        });
        let mut all: Vec<Window> = self.windows.into_iter().chain(part).collect();
        all.sort_by_key(|window| (window.from, window.to));
        let mut windows: Vec<Window> = Vec::new();
        for window in all {
            match windows.last_mut() {
                Some(last) if last.to >= window.from => {
                    last.to = last.to.max(window.to);
                    last.fired = last.fired.min(window.fired);
                    last.peak = last.peak.max(window.peak);
                }
                _ => windows.push(window),
            }
        }
        Self {
            windows,
            evidence: Some(evidence),
        }
    }
}

/// A maximal run of overlapping windows in which the condition holds: first and last row. Those of
/// one group come in order and share no row.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) fired: Epoch,
    pub(super) peak: f64,
}

impl Window {
    /// Takes its place behind windows that end before it; one that it overlaps grows instead.
    pub(super) fn join(self, found: &mut Vec<Self>) {
        match found.last_mut() {
            Some(last) if last.to >= self.from => {
                last.to = self.to;
                last.peak = last.peak.max(self.peak);
            }
            _ => found.push(self),
        }
    }
}
