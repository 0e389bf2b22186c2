//! Where and when a rule could not decide an event, because its request parameters were omitted.

use std::collections::{BTreeMap, BTreeSet};

use super::Place;
use crate::coverage::{Coverage, HOUR, Undecided};
use crate::event::time::Epoch;

/// By place: the hours, and why, in one sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::assess) struct UndecidedAt(BTreeMap<Place, (BTreeSet<Epoch>, String)>);

impl UndecidedAt {
    /// What any of these rules could not decide.
    pub(in crate::assess) fn of(coverage: &Coverage, rules: &[&str]) -> Self {
        let mut all = BTreeMap::new();
        for (account, regions) in &coverage.regions {
            for (region, read) in regions {
                let mut together = Undecided::default();
                for rule in rules {
                    if let Some(undecided) = read.undecided.get(*rule) {
                        together.merge(undecided.clone());
                    }
                }
                if !together.hours.is_empty() {
                    let place = Place {
                        account: account.clone(),
                        region: region.clone(),
                    };
                    all.insert(place, (hours(&together), why(&together)));
                }
            }
        }
        Self(all)
    }

    /// The hours of a place, and why.
    pub(super) fn at(&self, place: &Place) -> Option<(&BTreeSet<Epoch>, &str)> {
        let (hours, why) = self.0.get(place)?;
        Some((hours, why))
    }
}

fn hours(undecided: &Undecided) -> BTreeSet<Epoch> {
    let step = usize::try_from(HOUR).unwrap_or(1);
    let runs = undecided.hours.runs().iter();
    runs.flat_map(|(from, until)| (*from..*until).step_by(step))
        .collect()
}

fn why(undecided: &Undecided) -> String {
    let calls: Vec<&str> = undecided.calls.iter().map(String::as_str).collect();
    let more = match calls.len() < Undecided::MOST_CALLS {
        true => "",
        false => " and possibly others",
    };
    format!(
        "could not tell: CloudTrail omitted the request parameters of {}{more} as too large",
        calls.join(", ")
    )
}
