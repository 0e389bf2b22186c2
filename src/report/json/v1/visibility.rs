//! What rules could see, by place and time.

use super::{Assessed, List, MOST_GROUPED, Time, first, is_zero, view};
use crate::assess;

view! {
    /// What rules could see. Rules that need the same events share a view.
    Visibility<'r> of all: &'r assess::Visibility {
        /// The start of the window in whole hours; null if no time is known.
        from: Option<Time> = all.from.map(Time),
        /// The end of the window, which is not part of it.
        until: Option<Time> = all.until.map(Time),
        /// The index of a view, from 0, is the `view` of a rule.
        views: List<'r, View<'r>, [assess::View]> = List::of(&all.views),
    }
}

/// What one kind of events looks like, for every account and Region.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct View<'r>(List<'r, Group<'r>, [assess::Group]>);

impl<'r> From<&'r assess::View> for View<'r> {
    fn from(view: &'r assess::View) -> Self {
        Self(List::of(&view.0))
    }
}

view! {
    /// Accounts and Regions for which the same holds.
    Group<'r> of group: &'r assess::Group {
        /// At most 1,000.
        places: List<'r, Place<'r>, [assess::Place]> = List::of(first(&group.places, MOST_GROUPED)),
        /// How many places are not listed; absent if there are none.
        #[serde(skip_serializing_if = "is_zero")]
        more_places: usize = group.places.len().saturating_sub(MOST_GROUPED),
        /// In order and without gaps, over the whole window.
        runs: List<'r, VisibleStretch<'r>, [assess::Run]> = List::of(&group.runs),
    }
}

view! {
    /// An account and a Region; `*` stands for every Region without log files.
    Place<'r> of place: &'r assess::Place {
        account: &'r str = &place.account,
        region: &'r str = &place.region,
    }
}

view! {
    /// Consecutive hours for which the same holds.
    VisibleStretch<'r> of run: &'r assess::Run {
        from: Time = run.from.into(),
        until: Time = run.until.into(),
        state: Assessed = (&run.verdict).into(),
        /// Why not all events could be seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'r str> = run.verdict.reason(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_places_of_a_group_are_listed_and_the_others_counted() {
        let group = |count: usize| {
            let place = |number| assess::Place {
                account: format!("{number:012}"),
                region: "us-east-1".to_owned(),
            };
            let places = (0..count).map(place).collect();
            let runs = Vec::new();
            serde_json::to_value(Group::from(&assess::Group { places, runs })).unwrap()
        };
        let whole = group(1_000);
        assert_eq!(whole["places"].as_array().unwrap().len(), 1_000);
        assert!(whole.get("more_places").is_none());
        let folded = group(20_000);
        assert_eq!(folded["places"], whole["places"]);
        assert_eq!(folded["more_places"], 19_000);
    }
}
