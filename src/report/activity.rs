//! The tables of what happened at all, drawn from the activity cube with polars.

use polars::prelude::PolarsResult;
use polars::prelude::{Column, DataFrame, IntoLazy as _, SortMultipleOptions, col, lit};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::event::time::Epoch;
use crate::finding::{Outcome, iso_time};
use crate::names::{NameId, Names};
use crate::tally::Activity;

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

    /// Draws the tables. The cube is small: distinct callers times calls times hours.
    pub fn new(cube: &FxHashMap<Activity, u64>, names: &Names) -> Self {
        // the columns are made here, of equal length and known types: polars has nothing to refuse
        Self::draw(cube, names).unwrap_or_default()
    }

    fn draw(cube: &FxHashMap<Activity, u64>, names: &Names) -> PolarsResult<Self> {
        let rows: Vec<(&Activity, &u64)> = cube.iter().collect();
        // names are numbers until few of them are left
        let ids = |name: &str, of: fn(&Activity) -> NameId| {
            let id = |(row, _): &(&Activity, &u64)| u32::try_from(of(row).place()).ok();
            Column::new(name.into(), rows.iter().map(id).collect::<Vec<_>>())
        };
        let counts = |name: &str, outcome: Option<Outcome>| {
            let count = |(row, events): &(&Activity, &u64)| {
                if outcome.is_none_or(|wanted| row.outcome == wanted) {
                    **events
                } else {
                    0
                }
            };
            Column::new(name.into(), rows.iter().map(count).collect::<Vec<u64>>())
        };
        let frame = DataFrame::new(
            rows.len(),
            vec![
                ids("caller", |row| row.caller),
                ids("service", |row| row.source),
                ids("call", |row| row.name),
                Column::new(
                    "hour".into(),
                    rows.iter()
                        .map(|(row, _)| row.hour)
                        .collect::<Vec<Option<i64>>>(),
                ),
                counts("events", None),
                counts("denied", Some(Outcome::Denied)),
                counts("failed", Some(Outcome::Failed)),
            ],
        )?;
        let itself = |[name]: [&str; 1]| name.to_owned();
        let call = |[service, call]: [&str; 2]| {
            format!("{}:{call}", service.trim_end_matches(".amazonaws.com"))
        };
        Ok(Self {
            hours: hours(&frame)?,
            callers: top(&frame, names, ["caller"], itself, "events")?,
            services: top(&frame, names, ["service"], itself, "events")?,
            refused_calls: top(&frame, names, ["service", "call"], call, "denied")?,
        })
    }
}

const SUMS: [&str; 3] = ["events", "denied", "failed"];

fn hours(frame: &DataFrame) -> PolarsResult<Vec<Hour>> {
    let sums = frame
        .clone()
        .lazy()
        .filter(col("hour").is_not_null())
        .group_by([col("hour")])
        .agg(SUMS.map(|name| col(name).sum()))
        .sort(["hour"], SortMultipleOptions::default())
        .collect()?;
    let hour = sums.column("hour")?.i64()?.clone();
    let [events, denied, failed] = sums_of(&sums)?;
    let rows = hour.iter().zip(events).zip(denied.into_iter().zip(failed));
    Ok(rows
        .map(|((hour, events), (denied, failed))| Hour {
            hour,
            succeeded: events - denied - failed,
            denied,
            failed,
        })
        .collect())
}

/// The names with most of `by`, ties by name. A name is what `say` makes of the texts of the columns.
fn top<const N: usize>(
    frame: &DataFrame,
    names: &Names,
    columns: [&str; N],
    say: impl Fn([&str; N]) -> String,
    by: &str,
) -> PolarsResult<Vec<Top>> {
    const NAME: &str = "name";
    let sum = || SUMS.map(|name| col(name).sum());
    let mut sums = frame
        .clone()
        .lazy()
        .group_by(columns.map(col))
        .agg(sum())
        .filter(col(by).gt(lit(0u64)))
        .collect()?;
    let mut said = vec![[""; N]; sums.height()];
    for (place, column) in columns.into_iter().enumerate() {
        for (texts, id) in said.iter_mut().zip(sums.column(column)?.u32()?.iter()) {
            if let (Some(text), Some(id)) = (texts.get_mut(place), id) {
                *text = names.at(id);
            }
        }
    }
    let said: Vec<String> = said.into_iter().map(say).collect();
    sums.with_column(Column::new(NAME.into(), said))?;
    let sums = sums
        .lazy()
        // two may be called alike
        .group_by([col(NAME)])
        .agg(sum())
        .sort(
            [by, NAME],
            SortMultipleOptions::default().with_order_descending_multi([true, false]),
        )
        .limit(ActivityTables::TOP)
        .collect()?;
    let names = sums.column(NAME)?.str()?.clone();
    let [events, denied, failed] = sums_of(&sums)?;
    let rows = names.iter().zip(events).zip(denied.into_iter().zip(failed));
    Ok(rows
        .map(|((name, events), (denied, failed))| Top {
            name: name.unwrap_or_default().to_owned(),
            events,
            denied,
            failed,
        })
        .collect())
}

fn sums_of(frame: &DataFrame) -> PolarsResult<[Vec<u64>; 3]> {
    let of = |name: &str| -> PolarsResult<Vec<u64>> {
        Ok(frame
            .column(name)?
            .u64()?
            .iter()
            .map(Option::unwrap_or_default)
            .collect())
    };
    let [events, denied, failed] = SUMS.map(of);
    Ok([events?, denied?, failed?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_add_up_and_ties_go_by_name() {
        let mut names = Names::default();
        let mut row = |caller: &str, outcome, hour| Activity {
            account: names.id("111122223333"),
            region: names.id("us-east-1"),
            source: names.id("s3.amazonaws.com"),
            name: names.id("GetObject"),
            caller: names.id(caller),
            outcome,
            hour,
        };
        let cube = FxHashMap::from_iter([
            (row("b", Outcome::Success, Some(7_200)), 5),
            (row("a", Outcome::Denied, Some(3_600)), 2),
            (row("a", Outcome::Success, Some(7_200)), 3),
            (row("c", Outcome::Failed, None), 1),
        ]);
        let tables = ActivityTables::new(&cube, &names);
        let hours: Vec<_> = tables
            .hours
            .iter()
            .map(|hour| (hour.hour, hour.succeeded, hour.denied))
            .collect();
        assert_eq!(hours, [(Some(3_600), 0, 2), (Some(7_200), 8, 0)]);
        let callers: Vec<_> = tables
            .callers
            .iter()
            .map(|top| (top.name.as_str(), top.events))
            .collect();
        assert_eq!(callers, [("a", 5), ("b", 5), ("c", 1)]);
        assert_eq!(tables.refused_calls.len(), 1);
        assert_eq!(tables.refused_calls[0].name, "s3:GetObject");
        assert!(
            ActivityTables::new(&FxHashMap::default(), &names)
                .hours
                .is_empty()
        );
    }
}
