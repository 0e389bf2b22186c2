//! What an organization says of its own logs: accounts that may be silent, and blind spots of rules
//! that it has accepted for a time.

use chrono::{NaiveDate, Weekday};

use super::EventClass;

/// What the configuration says to expect of the logs. Empty: nothing is excused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    pub dormant: Vec<Dormant>,
    pub accepted: Vec<Acceptance>,
}

/// An account that may have whole days without a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dormant {
    pub account: String,
    /// The weekdays, in the organization's time zone, on which it may be silent; empty means every day.
    pub weekdays: Vec<Weekday>,
}

/// A blind spot that the organization has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    pub spot: BlindSpot,
    /// Where it is accepted; everywhere if `None`.
    pub account: Option<String>,
    pub region: Option<String>,
    pub reason: String,
    /// The last UTC day on which it is accepted.
    pub until: NaiveDate,
}

/// What is accepted not to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlindSpot {
    /// Whatever the rule of that name or id cannot see.
    Rule(String),
    /// Events of a kind, for every rule that needs them: the word of a rule's `requires`, and what it
    /// stands for.
    Kind(String, Vec<EventClass>),
}

impl BlindSpot {
    /// `rule aws_x`, `kind data_read:AWS::S3::Object`.
    pub fn name(&self) -> String {
        match self {
            Self::Rule(name) => format!("rule {name}"),
            Self::Kind(word, _) => format!("kind {word}"),
        }
    }
}

impl Acceptance {
    /// True if it is accepted on that day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        day <= self.until
    }

    /// True if it is limited to no account and no Region.
    pub const fn covers_all(&self) -> bool {
        self.account.is_none() && self.region.is_none()
    }

    /// True if it covers that account and Region.
    pub fn covers(&self, account: &str, region: &str) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|one| one == is);
        is(&self.account, account) && is(&self.region, region)
    }
}

impl Expected {
    /// True if the configuration says that the account may be silent on that weekday.
    pub fn is_dormant(&self, account: &str, weekday: Weekday) -> bool {
        let mut ours = self.dormant.iter().filter(|one| one.account == account);
        ours.any(|one| one.weekdays.is_empty() || one.weekdays.contains(&weekday))
    }
}
