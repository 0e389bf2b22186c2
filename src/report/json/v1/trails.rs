//! Trails: what they record, and what was done to them.

use serde::{Serialize, Serializer};

use super::{List, Time, view};
use crate::trail::{self, Lookup};

view! {
    /// A trail as CloudTrail describes it.
    Trail<'r> of one: &'r trail::Trail {
        name: &'r str = &one.name,
        arn: &'r str = &one.arn,
        bucket: &'r str = &one.bucket,
        /// The key prefix; empty if it has none.
        prefix: &'r str = &one.prefix,
        home_region: &'r str = &one.home_region,
        multi_region: bool = one.multi_region,
        /// Whether it is an organization trail.
        organization: bool = one.organization,
        /// Whether log file validation is on: it writes digests.
        validation: bool = one.validation,
        /// Which events it records; basic selectors are written as advanced ones.
        selectors: Answer<'r, List<'r, Selector<'r>, trail::Selectors>> =
            Answer::of(&one.selectors, List::of),
        status: Answer<'r, Status<'r>> = Answer::of(&one.status, Status::from),
        /// The kinds of Insights events that it records.
        insights: Answer<'r, &'r [String]> = Answer::of(&one.insights, Vec::as_slice),
        /// When CloudTrail was lookup; null if the answers come from files.
        asked: Option<Time> = one.asked.map(Time),
    }
}

/// What CloudTrail answered, or why there is no answer.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer<'r, T> {
    /// The answer.
    Answered(T),
    /// One sentence: what is not known, and what to allow.
    Unknown(&'r str),
}

impl<'r, T> Answer<'r, T> {
    fn of<V>(lookup: &'r Lookup<V>, answer: impl FnOnce(&'r V) -> T) -> Self {
        match lookup {
            Lookup::Answered(value) => Self::Answered(answer(value)),
            Lookup::Unknown(why) => Self::Unknown(why),
        }
    }
}

view! {
    /// Whether a trail is logging, and since when.
    Status<'r> of status: &'r trail::Status {
        logging: bool = status.logging,
        /// The last StartLogging.
        started: Option<Time> = status.started.map(Time),
        /// The last StopLogging.
        stopped: Option<Time> = status.stopped.map(Time),
        /// The last delivery of a log file.
        delivered: Option<Time> = status.delivered.map(Time),
        delivery_error: Option<&'r str> = status.delivery_error.as_deref(),
        /// The last delivery of a digest.
        digest_delivered: Option<Time> = status.digest_delivered.map(Time),
        digest_error: Option<&'r str> = status.digest_error.as_deref(),
    }
}

/// A selector: an event is recorded if all fields of one selector match.
#[derive(schemars::JsonSchema)]
#[schemars(inline, transparent)]
pub struct Selector<'r>(List<'r, FieldSelector<'r>, [trail::FieldSelector]>);

impl<'r> From<&'r [trail::FieldSelector]> for Selector<'r> {
    fn from(fields: &'r [trail::FieldSelector]) -> Self {
        Self(List::of(fields))
    }
}

impl Serialize for Selector<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

view! {
    /// What one field of the event must be. Positive conditions are alternatives; none of the negative
    /// ones may hold. Conditions that are absent are not set.
    FieldSelector<'r> of one: &'r trail::FieldSelector {
        field: &'r str = &one.field,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        equals: &'r [String] = &one.equals,
        #[serde(rename = "startsWith", skip_serializing_if = "<[String]>::is_empty")]
        starts_with: &'r [String] = &one.starts_with,
        #[serde(rename = "endsWith", skip_serializing_if = "<[String]>::is_empty")]
        ends_with: &'r [String] = &one.ends_with,
        #[serde(rename = "notEquals", skip_serializing_if = "<[String]>::is_empty")]
        not_equals: &'r [String] = &one.not_equals,
        #[serde(rename = "notStartsWith", skip_serializing_if = "<[String]>::is_empty")]
        not_starts_with: &'r [String] = &one.not_starts_with,
        #[serde(rename = "notEndsWith", skip_serializing_if = "<[String]>::is_empty")]
        not_ends_with: &'r [String] = &one.not_ends_with,
    }
}

view! {
    /// A call that changed a trail and succeeded.
    TrailChange<'r> of change: &'r trail::TrailChange {
        time: Option<Time> = change.time.map(Time),
        /// The account in which it was recorded.
        account: &'r str = &change.account,
        region: &'r str = &change.region,
        /// The name or ARN of the trail, as the caller wrote it.
        trail: &'r str = &change.trail,
        event_name: &'r str = &change.event_name,
        event_id: &'r str = &change.event_id,
    }
}
