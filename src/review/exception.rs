//! Exceptions: findings on which, with a reason and for a time, nobody need act.

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::Candidate;
use crate::ledger::Line;
use crate::ledger::entry::Exception;
use crate::wildcard::Wildcard;

/// Days that an exception holds by default.
pub const DEFAULT_DAYS: u64 = 90;

/// The most days that an exception may hold.
pub const MOST_DAYS: u64 = 365;

/// So many days before its end an exception is announced.
const ANNOUNCED_DAYS: u64 = 30;

/// An exception as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExceptionState {
    /// `x` and the number of its line.
    pub id: String,
    #[serde(flatten)]
    pub exception: Exception,
    pub by: String,
    pub created: Option<NaiveDate>,
    /// When it was ended before its time.
    pub revoked: Option<NaiveDate>,
}

/// Whether an exception holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    Active,
    /// It ends within 30 days.
    Ending,
    Expired,
    Revoked,
}

impl Validity {
    /// True if it hides findings.
    pub const fn holds(self) -> bool {
        matches!(self, Self::Active | Self::Ending)
    }
}

impl ExceptionState {
    pub(super) fn new(line: &Line, exception: &Exception) -> Self {
        Self {
            id: format!("x{}", line.n),
            exception: exception.clone(),
            by: line.by.clone(),
            created: line.day(),
            revoked: None,
        }
    }

    /// Whether it holds on that day.
    pub fn validity(&self, today: NaiveDate) -> Validity {
        let soon = today.checked_add_days(Days::new(ANNOUNCED_DAYS));
        let expires = self.exception.expires;
        if self.revoked.is_some() {
            Validity::Revoked
        } else if expires < today {
            Validity::Expired
        } else if soon.is_some_and(|soon| expires <= soon) {
            Validity::Ending
        } else {
            Validity::Active
        }
    }

    /// `aws_rule, actor x, resource y`.
    pub fn scope(&self) -> String {
        let exception = &self.exception;
        let parts = [
            ("actor", &exception.actor),
            ("resource", &exception.resource),
            ("account", &exception.account),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(name, part)| Some(format!(", {name} {}", part.as_ref()?)));
        [exception.rule.clone()].into_iter().chain(parts).collect()
    }

    pub(super) fn patterns(&self) -> Patterns<'_> {
        let pattern = |text: &Option<String>| text.as_deref().map(Wildcard::parse);
        Patterns {
            rule: &self.exception.rule,
            actor: pattern(&self.exception.actor),
            resource: pattern(&self.exception.resource),
            account: pattern(&self.exception.account),
        }
    }

    /// True if it is about the same findings, by its words.
    pub(super) fn is_renewal_of(&self, other: &Self) -> bool {
        let words = |one: &Self| {
            let one = &one.exception;
            let parts = [&one.actor, &one.resource, &one.account].map(Clone::clone);
            (one.rule.clone(), parts)
        };
        self.id != other.id && words(self) == words(other)
    }
}

/// An exception that is compared with many findings.
pub(super) struct Patterns<'e> {
    rule: &'e str,
    actor: Option<Wildcard>,
    resource: Option<Wildcard>,
    account: Option<Wildcard>,
}

impl Patterns<'_> {
    /// True if everybody, everything and every account of the finding is in the exception's scope: one
    /// actor too many, and the finding is not hidden.
    pub(super) fn cover(&self, finding: &Candidate) -> bool {
        let matter = &finding.matter;
        if self.rule != matter.rule && (self.rule.is_empty() || self.rule != finding.rule_id) {
            return false;
        }
        let actor = self.actor.as_ref().is_none_or(|pattern| {
            let all_known = finding.more_actors == 0 && !finding.actors.is_empty();
            pattern.matches(&matter.actor)
                || all_known && finding.actors.iter().all(|actor| pattern.matches(actor))
        });
        let resource = self.resource.as_ref();
        let account = self.account.as_ref().is_none_or(|pattern| {
            let mut accounts = finding.accounts.iter();
            !finding.accounts.is_empty() && accounts.all(|account| pattern.matches(account))
        });
        actor && resource.is_none_or(|pattern| pattern.matches(&matter.resource)) && account
    }
}
