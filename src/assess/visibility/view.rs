//! What could be seen, as a value: verdicts by place and time.

use crate::assess::Assessment;
use crate::event::time::Epoch;

/// What rules could see. Rules that need the same share a view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visibility {
    /// The window in whole hours, `[from, until)`; `None` if no hour is known.
    pub from: Option<Epoch>,
    pub until: Option<Epoch>,
    pub views: Vec<View>,
}

/// Verdicts by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct View(pub Vec<Group>);

/// Accounts and Regions for which the same holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub places: Vec<Place>,
    /// In order and without gaps, over the whole window.
    pub runs: Vec<Run>,
}

/// An account and a Region; `*` stands for every Region without log files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub account: String,
    pub region: String,
}

/// Hours `[from, until)` with one verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub from: Epoch,
    pub until: Epoch,
    pub verdict: Assessment,
}
