//! What could be seen, as a value: verdicts by place and time.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::assess::Assessment;
use crate::event::time::{Epoch, iso};
use crate::finding::iso_time;

/// What rules could see. Rules that need the same share a view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// The window in whole hours, `[from, until)`; `None` if no hour is known.
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

/// Accounts and Regions for which the same holds. JSON names the first [`Group::MOST_NAMED`] of them and
/// counts the others in `more_places`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub places: Vec<Place>,
    /// In order and without gaps, over the whole window.
    pub runs: Vec<Run>,
}

impl Group {
    /// How many places JSON names. Every view names all places, so the file would grow with their
    /// product.
    pub const MOST_NAMED: usize = 1_000;
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let named = self.places.iter().take(Self::MOST_NAMED);
        let more = self.places.len().saturating_sub(Self::MOST_NAMED);
        let mut group = to.serialize_struct("Group", 2 + usize::from(more > 0))?;
        group.serialize_field("places", &named.collect::<Vec<_>>())?;
        if more > 0 {
            group.serialize_field("more_places", &more)?;
        }
        group.serialize_field("runs", &self.runs)?;
        group.end()
    }
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
fn plain_time<S: Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_places_of_a_group_are_named_and_the_others_counted() {
        let group = |count: usize| {
            let place = |number| Place {
                account: format!("{number:012}"),
                region: "us-east-1".to_owned(),
            };
            let places = (0..count).map(place).collect();
            let runs = Vec::new();
            serde_json::to_value(Group { places, runs }).unwrap()
        };
        let whole = group(1_000);
        assert_eq!(whole["places"].as_array().unwrap().len(), 1_000);
        assert!(whole.get("more_places").is_none());
        let folded = group(20_000);
        assert_eq!(folded["places"], whole["places"]);
        assert_eq!(folded["more_places"], 19_000);
    }
}
