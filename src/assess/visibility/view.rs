//! What could be seen, as a value: verdicts by place and time.

use serde::Serialize;

use crate::assess::Assessment;
use crate::event::time::{Epoch, iso};
use crate::finding::iso_time;

/// What rules could see. Rules that need the same share a view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// The window in whole hours, `[from, until)`; nothing where no hour is known.
    #[serde(serialize_with = "iso_time")]
    pub from: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub until: Option<Epoch>,
    pub views: Vec<View>,
}

/// Verdicts by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct View(pub Vec<Group>);

/// Accounts and Regions for which the same holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Group {
    pub places: Vec<Place>,
    /// In order and without gaps, over the whole window.
    pub runs: Vec<Run>,
}

/// An account and a Region; `*` stands for every Region without log files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub account: String,
    pub region: String,
}

/// Hours `[from, until)` with one verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Run {
    #[serde(serialize_with = "plain_time")]
    pub from: Epoch,
    #[serde(serialize_with = "plain_time")]
    pub until: Epoch,
    #[serde(flatten)]
    pub verdict: Assessment,
}

/// Times are seconds inside and RFC 3339 outside.
fn plain_time<S: serde::Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}
