//! Least privilege: which granted rights were used in the window, and a narrower policy.
//!
//! In: the policies, and the uses that the tally counted. Out: a value that the renderers format. Every
//! limit of what can be said stands beside what is said.

mod principal;
mod proposal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::coverage::{Coverage, DAY, EventClass};
use crate::derive::Organization;
use crate::derive::principals::PrincipalGroup;
use crate::event::time::Epoch;
use crate::finding::iso_time;
use crate::policy::{Policies, Principal};
use crate::tally::{Tally, Uses};
use crate::words::plural;
use principal::{About, Line};
pub use proposal::Proposal;

/// From so many days of evidence on a proposal carries no warning: work of a quarter repeats.
pub const ENOUGH_DAYS: u64 = 90;

/// What a principal's policies grant and what it used.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Privileges {
    /// First and last event that was read, and the days from the one to the other.
    #[serde(serialize_with = "iso_time")]
    pub first: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub last: Option<Epoch>,
    pub evidence_days: u64,
    /// Each policy file with the SHA-256 of what it holds.
    pub policy_files: Vec<(String, String)>,
    pub principals: Vec<PrincipalUse>,
    /// Where the answer ends, for all principals.
    pub limits: Vec<String>,
}

/// One role or user.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PrincipalUse {
    pub name: String,
    pub kind: &'static str,
    pub arn: Option<String>,
    /// Its policy documents, by name.
    pub documents: Vec<String>,
    pub break_glass: bool,
    /// Actions that succeeded, or failed for another reason than a refusal.
    pub used: Vec<Used>,
    /// Granted, and not used in the window.
    pub unused: Vec<Unused>,
    /// Statements with wildcards, and what was used below them.
    pub wildcards: Vec<WildcardUse>,
    pub refused: Vec<Refused>,
    /// Used although no document allows it: the deployed policy is wider, or a resource policy allows it.
    pub outside: Vec<Used>,
    /// Where the answer ends for this principal.
    pub limits: Vec<String>,
    pub proposal: Option<Proposal>,
    /// Why no narrower policy is proposed.
    pub no_proposal: Option<String>,
    /// By session, where they are asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionUse>,
}

/// One role session.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SessionUse {
    pub session: String,
    pub used: Vec<Used>,
    /// Granted, and not used by this session; only the actions.
    pub unused: Vec<String>,
    pub refused: Vec<Refused>,
    pub outside: Vec<Used>,
}

/// An action on a resource that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    pub action: String,
    /// Empty if the records name none.
    pub resource: String,
    /// The statement that allows it; `None` if none is known to.
    pub statement: Option<String>,
    pub calls: u64,
    /// Of these, calls that failed for another reason than a refusal.
    pub failed: u64,
    #[serde(serialize_with = "iso_time")]
    pub first: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub last: Option<Epoch>,
    /// The records do not say whether the documents allow it.
    pub undecided: bool,
    /// The statement's place among those of the principal.
    #[serde(skip)]
    at: Option<usize>,
}

/// A right that was granted and not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unused {
    pub statement: String,
    pub action: String,
    pub resources: Vec<String>,
    /// The action was used on other resources of the statement.
    pub used_on_others: bool,
    /// Why its use could not be seen; `None` if it would have been.
    pub unseen: Option<String>,
}

/// What was used below a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WildcardUse {
    pub statement: String,
    /// The pattern of actions or resources.
    pub pattern: String,
    pub used: Vec<String>,
    /// Why more may have been used.
    pub unseen: Option<String>,
}

/// Calls that were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub action: String,
    pub resource: String,
    pub calls: u64,
    #[serde(serialize_with = "iso_time")]
    pub first: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub last: Option<Epoch>,
    /// Who refused it, as the records say; empty if they do not.
    pub refused_by: String,
    /// What the documents say of it.
    pub documents: &'static str,
}

impl Privileges {
    /// Compares what was used with what was granted. `outside` says that proposals allow what was used
    /// outside the documents, too.
    pub fn new(
        policies: &Policies,
        organization: &Organization,
        tally: &Tally,
        outside: bool,
    ) -> Self {
        let coverage = &tally.coverage;
        let seconds = coverage
            .last
            .zip(coverage.first)
            .map(|(last, first)| last - first);
        let days = seconds.map_or(0, |seconds| seconds / DAY + 1);
        let evidence_days = u64::try_from(days).unwrap_or_default();
        let mut by_principal: BTreeMap<u32, Vec<Line<'_>>> = BTreeMap::new();
        for (right, count) in &tally.uses.counts {
            let [session, action, resource, refused_by] =
                right.names().map(|name| tally.names.text(name));
            by_principal.entry(right.principal).or_default().push(Line {
                right,
                count: *count,
                session,
                action,
                resource,
                refused_by,
            });
        }
        let principals = (0..).zip(&policies.principals).map(|(at, principal)| {
            let lines = by_principal.remove(&at).unwrap_or_default();
            let about = About {
                principal,
                coverage,
                evidence_days,
                is_break_glass: is_break_glass(principal, organization),
            };
            about.assess(&lines, outside)
        });
        Self {
            first: coverage.first,
            last: coverage.last,
            evidence_days,
            policy_files: policies.files.clone(),
            principals: principals.collect(),
            limits: limits(&tally.uses, evidence_days, coverage),
        }
    }
}

impl Privileges {
    /// Names the roles and users in the logs for which no document was given.
    pub fn note_others(&mut self, policies: &Policies, tally: &Tally) {
        const NAMED: usize = 20;
        let mut others = BTreeSet::new();
        #[allow(clippy::iter_over_hash_type, reason = "the set brings them into order")]
        for caller in tally.activity.callers.keys() {
            let arn = tally.names.text(*caller);
            let is_principal = arn.contains(":role/") || arn.contains(":user/");
            let name = arn.rsplit('/').next().unwrap_or(arn);
            if is_principal && policies.find(arn, name).is_none() {
                others.insert(name);
            }
        }
        if others.is_empty() {
            return;
        }
        let more = match others.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<&str> = others.iter().take(NAMED).copied().collect();
        self.limits.push(format!(
            "No document was given for {}{more}, which the logs name",
            names.join(", ")
        ));
    }
}

/// What holds for every principal.
fn limits(uses: &Uses, days: u64, coverage: &Coverage) -> Vec<String> {
    let mut limits = vec![
        "This is not an IAM simulator: service and resource control policies, permissions boundaries, \
         session policies and resource policies (buckets, keys, secrets, queues) are not evaluated"
            .to_owned(),
    ];
    if days < ENOUGH_DAYS {
        limits.push(format!(
            "The logs span {}: work that is done once a quarter or a year may not be in them",
            plural(days, "day")
        ));
    }
    let reads = |class: &EventClass| matches!(class, EventClass::ManagementRead);
    if !coverage.seen.iter().any(reads) {
        limits.push(
            "The logs hold no management events that only read (GetSecretValue, Describe and List calls): \
             their use cannot be seen"
                .to_owned(),
        );
    }
    if uses.is_folded {
        limits.push(format!(
            "Of an action with more than {} resources the others are counted together",
            Uses::MOST_RESOURCES
        ));
    }
    limits
}

fn is_break_glass(principal: &Principal, organization: &Organization) -> bool {
    let groups = organization.groups.iter();
    let mut groups = groups.filter(|(group, _)| *group == PrincipalGroup::BreakGlass);
    groups.any(|(_, members)| {
        let mut names = [Some(&principal.name), principal.arn.as_ref()]
            .into_iter()
            .flatten();
        names.any(|name| members.iter().any(|member| member.matches(name)))
    })
}
