//! Changes of trails, as CloudTrail itself records them.

use bitcode::{Decode, Encode};
use serde::Serialize;
use serde_json::Value;

use super::Trail;
use super::selectors::{Advanced, Basic, Selectors};
use crate::event::time::Epoch;
use crate::finding::iso_time;

/// How many more selectors are kept of the changes to come: bounded for each change by what CloudTrail
/// accepts, and for all of them together. Whoever writes records could fill the memory with them.
#[derive(Debug)]
pub struct SelectorBudget {
    left: usize,
}

impl SelectorBudget {
    /// The most values that the selectors of all changes may have to be kept: two hundred times the
    /// largest selectors that CloudTrail accepts.
    pub const MOST_OF_ALL: usize = 200 * Change::MOST_SELECTED;

    /// The change as the report keeps it: without selectors beyond the bounds.
    #[must_use]
    pub fn bounded(&mut self, change: Change) -> Change {
        let Change::Selectors(Some(all)) = &change else {
            return change;
        };
        let values = all.values();
        if values > Change::MOST_SELECTED {
            return Change::TooManySelectors;
        }
        match self.left.checked_sub(values) {
            Some(left) => {
                self.left = left;
                change
            }
            None => Change::SelectorsBeyondBound,
        }
    }
}

impl Default for SelectorBudget {
    fn default() -> Self {
        Self {
            left: Self::MOST_OF_ALL,
        }
    }
}

/// A call that changed a trail and succeeded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Encode, Decode)]
pub struct TrailChange {
    #[serde(serialize_with = "iso_time")]
    pub time: Option<Epoch>,
    /// Where it was recorded.
    pub account: String,
    pub region: String,
    /// The trail's name or ARN, as the caller gave it.
    pub trail: String,
    /// `PutEventSelectors`
    pub event_name: String,
    pub event_id: String,
    #[serde(skip)]
    pub change: Change,
    /// A proof was asked for, and the record is in no proven log.
    #[serde(skip)]
    #[bitcode(skip)]
    pub unproven: bool,
}

/// What was changed. What the request does not say is not known to have changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Change {
    Created {
        multi_region: bool,
    },
    Deleted,
    Started,
    Stopped,
    Updated {
        multi_region: Option<bool>,
        bucket: Option<String>,
    },
    /// The new selectors; `None` if the record does not hold them.
    Selectors(Option<Selectors>),
    Insights,
    /// The record holds more selectors than CloudTrail accepts, so they are not kept.
    TooManySelectors,
    /// The logs hold more selectors than are kept of all changes together.
    SelectorsBeyondBound,
}

impl Change {
    /// The most values that the selectors of a change may have to be kept: CloudTrail accepts 500 in all
    /// selectors of a trail (AWS, API reference, `PutEventSelectors`).
    pub const MOST_SELECTED: usize = 500;

    /// Reads a call of `cloudtrail.amazonaws.com` and its `requestParameters`; `None` if it
    /// changes no trail. Answers the trail it names as well.
    pub fn of(event_name: &str, request: &Value) -> Option<(String, Self)> {
        let text = |key: &str| request[key].as_str().map(str::to_owned);
        let flag = |key: &str| request[key].as_bool();
        let change = match event_name {
            "CreateTrail" => Self::Created {
                multi_region: flag("isMultiRegionTrail").unwrap_or(false),
            },
            "DeleteTrail" => Self::Deleted,
            "StartLogging" => Self::Started,
            "StopLogging" => Self::Stopped,
            "UpdateTrail" => Self::Updated {
                multi_region: flag("isMultiRegionTrail"),
                bucket: text("s3BucketName"),
            },
            "PutEventSelectors" => Self::Selectors(selectors(request)),
            "PutInsightSelectors" => Self::Insights,
            _ => return None,
        };
        let trail = text("name").or_else(|| text("trailName"));
        Some((trail.unwrap_or_default(), change))
    }
}

fn selectors(request: &Value) -> Option<Selectors> {
    fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Option<Vec<T>> {
        let all: Vec<T> = serde_json::from_value(usual(value)?).ok()?;
        (!all.is_empty()).then_some(all)
    }
    list::<Advanced>(&request["advancedEventSelectors"])
        .map(Selectors::advanced)
        .or_else(|| list::<Basic>(&request["eventSelectors"]).map(Selectors::basic))
}

/// Selectors as AWS documents them. Records also hold `null` for a condition that was not given, a
/// lone value where a list is documented, and booleans as text or text as booleans. `None` for null.
fn usual(value: &Value) -> Option<Value> {
    const LISTS: [&str; 6] = [
        "equals",
        "startsWith",
        "endsWith",
        "notEquals",
        "notStartsWith",
        "notEndsWith",
    ];
    let member = |(name, value): (&String, &Value)| {
        let value = usual(value)?;
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        let value = match &value {
            Value::String(text) if is(&"includeManagementEvents") => match text.parse() {
                Ok(flag) => Value::Bool(flag),
                Err(_) => value,
            },
            Value::Array(_) => value,
            lone if LISTS.iter().any(is) => listed([lone]),
            _ => value,
        };
        Some((name.clone(), value))
    };
    match value {
        Value::Null => None,
        Value::Object(members) => Some(members.iter().filter_map(member).collect()),
        Value::Array(items) => Some(listed(items)),
        scalar => Some(scalar.clone()),
    }
}

/// A list without nulls, whose scalars are text.
fn listed<'v>(items: impl IntoIterator<Item = &'v Value>) -> Value {
    let item = |item: &Value| match usual(item)? {
        Value::Bool(flag) => Some(Value::String(flag.to_string())),
        Value::Number(number) => Some(Value::String(number.to_string())),
        other => Some(other),
    };
    items.into_iter().filter_map(item).collect()
}

impl TrailChange {
    /// False for a change that is not proven and may show that a trail records more. That a trail was
    /// stopped or deleted is believed of any record: it takes away from what the trail could see.
    pub const fn is_believed(&self) -> bool {
        !self.unproven || matches!(self.change, Change::Stopped | Change::Deleted)
    }

    /// True where it is this trail that was changed. A name alone means a trail of the account and
    /// Region in which the call was made.
    pub fn concerns(&self, trail: &Trail) -> bool {
        self.trail == trail.arn
            || (self.trail == trail.name
                && self.account == trail.owner()
                && self.region == trail.home_region)
    }
}
