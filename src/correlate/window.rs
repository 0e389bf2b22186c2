//! Where a condition held: what is looked at, and what is found.

use crate::event::time::Epoch;
use crate::names::NameId;

/// What is measured of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) time: Epoch,
    /// Which of the watched rules it was.
    pub(super) place: u32,
    pub(super) value: NameId,
}

/// What a group's rows hold.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) windows: Vec<Window>,
    /// Per row: it is part of a match; nothing where all of them are.
    pub(super) evidence: Option<Vec<bool>>,
}

/// A maximal run of overlapping windows in which the condition holds: first and last row. Those of
/// one group are told in order and share no row.
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
