//! `[calendar]`: working hours and holidays.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::zone;
use crate::derive::calendar::{self, Calendar};

/// Normal working hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarTable {
    /// The IANA time zone of a place, such as `America/New_York`.
    timezone: String,
    /// What reports call these hours.
    #[serde(default)]
    name: String,
    /// By weekday: spans such as `08:00-18:00`.
    hours: BTreeMap<String, Vec<String>>,
    /// Days without working hours, such as `2026-12-25`.
    #[serde(default)]
    holidays: Vec<String>,
}

impl CalendarTable {
    /// Reads the table. Fails with where the mistake is and what to write instead.
    pub(super) fn meant(self) -> Result<Calendar, String> {
        let zone =
            zone::zone(&self.timezone).map_err(|what| format!("calendar.timezone: {what}"))?;
        let mut hours: [Vec<(u32, u32)>; 7] = Default::default();
        let mut named = BTreeSet::new();
        for (day, spans) in &self.hours {
            let weekday: chrono::Weekday = day.parse().map_err(|_unknown| {
                format!("calendar.hours: `{day}` is not a weekday: write monday to sunday")
            })?;
            let number = weekday.num_days_from_monday();
            if !named.insert(number) {
                let name = calendar::weekday_name(weekday);
                return Err(format!(
                    "calendar.hours: `{day}` names {name} a second time"
                ));
            }
            let spans = spans.iter().map(|span| open_hours(day, span));
            let spans = spans.collect::<Result<Vec<_>, _>>()?;
            hours
                .get_mut(number as usize)
                .ok_or_else(|| format!("calendar.hours: `{day}` is not a weekday"))?
                .extend(spans);
        }
        if hours.iter().all(Vec::is_empty) {
            return Err(
                "calendar.hours: no day has working hours, so all work would be after hours: write \
                 such as monday = [\"08:00-18:00\"], or delete the table"
                    .to_owned(),
            );
        }
        let date = |text: &String| {
            text.parse::<NaiveDate>().map_err(|_invalid| {
                format!("calendar.holidays: `{text}` is not a date such as 2026-11-26")
            })
        };
        let name = if self.name.is_empty() {
            "business hours".to_owned()
        } else {
            self.name
        };
        Ok(Calendar {
            name,
            zone,
            hours,
            holidays: self.holidays.iter().map(date).collect::<Result<_, _>>()?,
        })
    }
}

/// A span of working hours. One without length is refused: it may mean nothing or a whole day.
fn open_hours(day: &str, span: &str) -> Result<(u32, u32), String> {
    let (open, close) = calendar::parse_span(span).ok_or_else(|| {
        format!("calendar.hours.{day}: `{span}` is not a span such as 08:00-18:00")
    })?;
    if open == close || open == 24 * 60 {
        return Err(format!(
            "calendar.hours.{day}: `{span}` has no length: write a span such as 08:00-18:00, or \
             00:00-24:00 for the whole day"
        ));
    }
    Ok((open, close))
}
