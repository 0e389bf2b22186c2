//! The tables of what happened at all, drawn with polars.

use polars::prelude::{
    Column, DataFrame, IntoLazy as _, PolarsResult, SortMultipleOptions, col, lit,
};
use serde::Serialize;

use crate::event::time::Epoch;
use crate::finding::iso_time;
use crate::interner::{Interner, Symbol};
use crate::seeded::SeededMap;
use crate::tally::{ActivitySums, Sum};

/// What happened, hour by hour and by name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ActivityTables {
    /// By hour, ascending; hours without events left out.
    pub hours: Vec<Hour>,
    /// The busiest callers, services and refused calls, most first, at most [`ActivityTables::TOP`].
    pub callers: Vec<Top>,
    pub services: Vec<Top>,
    pub refused_calls: Vec<Top>,
}

/// The events of one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hour {
    #[serde(serialize_with = "iso_time")]
    pub hour: Option<Epoch>,
    pub succeeded: u64,
    pub denied: u64,
    pub failed: u64,
}

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Top {
    pub name: String,
    pub events: u64,
    pub denied: u64,
    pub failed: u64,
}

impl ActivityTables {
    /// The most lines a table has.
    pub const TOP: u32 = 10;

    /// Draws the tables.
    pub fn new(sums: &ActivitySums, names: &Interner) -> Self {
        let itself = |id: &Symbol| names.text(*id).to_owned();
        let service = |(service, _): &(Symbol, Symbol)| itself(service);
        let call = |(service, call): &(Symbol, Symbol)| {
            let service = names.text(*service).trim_end_matches(".amazonaws.com");
            format!("{service}:{}", names.text(*call))
        };
        let hours = sums.hours.iter().map(|(hour, sum)| Hour {
            hour: Some(*hour),
            succeeded: sum.events - sum.denied - sum.failed,
            denied: sum.denied,
            failed: sum.failed,
        });
        Self {
            hours: hours.collect(),
            callers: top(&sums.callers, itself, EVENTS),
            services: top(&sums.calls, service, EVENTS),
            refused_calls: top(&sums.calls, call, DENIED),
        }
    }
}

const NAME: &str = "name";
const EVENTS: &str = "events";
const DENIED: &str = "denied";
const FAILED: &str = "failed";

/// The names with most of `by`, ties by name; what has none of it is left out. What `say` calls alike
/// is one line.
fn top<K>(sums: &SeededMap<K, Sum>, say: impl Fn(&K) -> String, by: &str) -> Vec<Top> {
    // the columns are made here, of equal length and known types: polars has nothing to refuse
    draw(sums, say, by).unwrap_or_default()
}

fn draw<K>(
    sums: &SeededMap<K, Sum>,
    say: impl Fn(&K) -> String,
    by: &str,
) -> PolarsResult<Vec<Top>> {
    let counts = |name: &str, of: fn(&Sum) -> u64| {
        Column::new(name.into(), sums.values().map(of).collect::<Vec<u64>>())
    };
    let columns = vec![
        Column::new(NAME.into(), sums.keys().map(say).collect::<Vec<String>>()),
        counts(EVENTS, |sum| sum.events),
        counts(DENIED, |sum| sum.denied),
        counts(FAILED, |sum| sum.failed),
    ];
    let frame = DataFrame::new(sums.len(), columns)?
        .lazy()
        .group_by([col(NAME)])
        .agg([EVENTS, DENIED, FAILED].map(|name| col(name).sum()))
        .filter(col(by).gt(lit(0u64)))
        .sort(
            [by, NAME],
            SortMultipleOptions::default().with_order_descending_multi([true, false]),
        )
        .limit(ActivityTables::TOP)
        .collect()?;
    let count = |name: &str| frame.column(name)?.u64();
    let names = frame.column(NAME)?.str()?.iter();
    let counts = count(EVENTS)?
        .iter()
        .zip(count(DENIED)?.iter().zip(count(FAILED)?.iter()));
    let line = |(name, (events, (denied, failed))): (Option<&str>, _)| {
        let [events, denied, failed] = [events, denied, failed].map(Option::unwrap_or_default);
        Top {
            name: name.unwrap_or_default().to_owned(),
            events,
            denied,
            failed,
        }
    };
    Ok(names.zip(counts).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Outcome;

    #[test]
    fn tables_add_up_and_ties_go_by_name() {
        let mut names = Interner::default();
        let mut sums = ActivitySums::default();
        let mut add = |caller: &str, service: &str, outcome, hour, count| {
            let [caller, service, call] = [caller, service, "GetObject"].map(|name| names.id(name));
            sums.add(hour, caller, (service, call), outcome, count);
        };
        let s3 = "s3.amazonaws.com";
        add("b", s3, Outcome::Success, Some(7_200), 5);
        add("a", s3, Outcome::Denied, Some(3_600), 2);
        add("a", s3, Outcome::Success, Some(7_200), 3);
        add("c", s3, Outcome::Failed, None, 1);
        add("c", "s3", Outcome::Denied, Some(7_200), 1);
        let tables = ActivityTables::new(&sums, &names);
        let hours: Vec<_> = tables
            .hours
            .iter()
            .map(|hour| (hour.hour, hour.succeeded, hour.denied))
            .collect();
        assert_eq!(hours, [(Some(3_600), 0, 2), (Some(7_200), 8, 1)]);
        let lines = |tops: &[Top]| -> Vec<(String, u64, u64, u64)> {
            let line = |top: &Top| (top.name.clone(), top.events, top.denied, top.failed);
            tops.iter().map(line).collect()
        };
        let named = |name: &str, events, denied, failed| (name.to_owned(), events, denied, failed);
        assert_eq!(
            lines(&tables.callers),
            [
                named("a", 5, 2, 0),
                named("b", 5, 0, 0),
                named("c", 2, 1, 1)
            ]
        );
        assert_eq!(
            lines(&tables.services),
            [named(s3, 11, 2, 1), named("s3", 1, 1, 0)]
        );
        assert_eq!(
            lines(&tables.refused_calls),
            [named("s3:GetObject", 12, 3, 1)],
            "two services that are called alike are one line"
        );
        let empty = ActivityTables::new(&ActivitySums::default(), &names);
        assert!(empty.hours.is_empty() && empty.callers.is_empty());
    }
}
