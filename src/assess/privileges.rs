//! Least privilege: which granted rights were used in the window, and a narrower policy.
//!
//! In: the policies, and the uses that the tally counted. Out: a value that the renderers format. Every
//! limit of what can be said stands beside what is said.

mod proposal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::coverage::{Coverage, DAY, EventClass};
use crate::derive::Organization;
use crate::derive::permissions::{self, Recorded};
use crate::derive::principals::PrincipalGroup;
use crate::event::time::Epoch;
use crate::finding::{Outcome, iso_time};
use crate::policy::{Effect, Kind, Pattern, Policies, Principal, Statement};
use crate::tally::{Grant, Right, Tally, UseCount, Uses};
use crate::words::plural;
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
    /// Statements with wildcards, and what was used beneath them.
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

/// What was used beneath a wildcard.
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

/// One line of what the tally counted, with its texts.
struct Line<'t> {
    right: &'t Right,
    count: UseCount,
    session: &'t str,
    action: &'t str,
    resource: &'t str,
    refused_by: &'t str,
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

/// Why the use of an action could not be seen in these logs; `None` if it could.
fn unseen(action: &str, coverage: &Coverage) -> Option<String> {
    match permissions::recorded(action) {
        Recorded::Never(why) => Some(why.to_owned()),
        Recorded::Data(class) => (!has_seen(class, coverage)).then(|| off(class)),
        Recorded::Management if action.starts_with("kms:") && !has_seen("kms", coverage) => {
            Some("the logs hold no KMS events, which a trail may exclude".to_owned())
        }
        Recorded::Management => None,
    }
}

fn has_seen(class: &str, coverage: &Coverage) -> bool {
    let classes = EventClass::of(class).unwrap_or_default();
    classes.iter().any(|class| coverage.seen.contains(class))
}

/// What is said of a class of data events that is not in the logs.
fn off(class: &str) -> String {
    let (kind, resource) = class.split_once(':').unwrap_or(("data", class));
    let kind = if kind == "data_read" {
        "reads"
    } else {
        "writes"
    };
    format!(
        "data events are off or none occurred: the logs hold no {resource} {kind}, so use cannot be seen"
    )
}

/// One principal, and what is known of the logs.
struct About<'a> {
    principal: &'a Principal,
    coverage: &'a Coverage,
    evidence_days: u64,
    is_break_glass: bool,
}

impl About<'_> {
    fn assess(&self, lines: &[Line<'_>], outside: bool) -> PrincipalUse {
        let principal = self.principal;
        let mut documents: BTreeSet<&str> = BTreeSet::new();
        documents.extend(principal.statements.iter().map(|one| &*one.document));
        let mut result = PrincipalUse {
            name: principal.name.clone(),
            kind: match principal.kind {
                Some(Kind::Role) => "role",
                Some(Kind::User) => "user",
                None => "role or user",
            },
            arn: principal.arn.clone(),
            documents: documents.into_iter().map(str::to_owned).collect(),
            break_glass: self.is_break_glass,
            used: self.used(lines.iter(), is_inside),
            refused: refused(lines.iter()),
            outside: self.used(lines.iter(), is_outside),
            limits: self.limits(),
            ..PrincipalUse::default()
        };
        result.unused = self.unused(&result.used);
        result.wildcards = self.wildcards(&result.used);
        let hidden: BTreeSet<String> = result
            .unused
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.action, one.unseen.as_ref()?)))
            .collect();
        result.limits.extend(hidden);
        match proposal::propose(self, &result, outside) {
            Ok(proposal) => result.proposal = Some(proposal),
            Err(why) => result.no_proposal = Some(why),
        }
        let sessions: BTreeSet<&str> = lines.iter().map(|line| line.session).collect();
        let sessions = sessions.into_iter().filter(|session| !session.is_empty());
        result.sessions = sessions
            .map(|session| self.session(session, lines))
            .collect();
        result
    }

    fn session(&self, session: &str, lines: &[Line<'_>]) -> SessionUse {
        let own = || lines.iter().filter(|line| line.session == session);
        let used = self.used(own(), is_inside);
        let unused = self.unused(&used).into_iter();
        let unused = unused.filter(|one| !one.used_on_others);
        let unused: BTreeSet<String> = unused.map(|one| one.action).collect();
        SessionUse {
            session: session.to_owned(),
            unused: unused.into_iter().collect(),
            used,
            refused: refused(own()),
            outside: self.used(own(), is_outside),
        }
    }

    /// The lines that `counts` accepts, by action, resource and statement.
    fn used<'l>(
        &self,
        lines: impl Iterator<Item = &'l Line<'l>>,
        counts: fn(&Right) -> bool,
    ) -> Vec<Used> {
        let mut sums: BTreeMap<_, (UseCount, u64, bool)> = BTreeMap::new();
        for line in lines.filter(|line| counts(line.right)) {
            let key = (line.action, line.resource, line.right.statement);
            let (count, failed, undecided) = sums.entry(key).or_default();
            count.add(line.count);
            if line.right.outcome == Outcome::Failed {
                *failed += line.count.calls;
            }
            // of a call that failed for another reason nobody knows whether it would have been allowed
            *undecided |= match line.right.grant {
                Grant::Undecided => true,
                Grant::NotAllowed | Grant::Denied => line.right.outcome == Outcome::Failed,
                Grant::Allowed | Grant::NoDocument => false,
            };
        }
        let used = sums.into_iter();
        used.map(
            |((action, resource, statement), (count, failed, undecided))| {
                let at = statement.map(|at| at as usize);
                let of = at.and_then(|at| self.principal.statements.get(at));
                Used {
                    action: action.to_owned(),
                    resource: resource.to_owned(),
                    statement: of.map(|of| of.label_of(&self.principal.name)),
                    calls: count.calls,
                    failed,
                    first: count.first,
                    last: count.last,
                    undecided,
                    at,
                }
            },
        )
        .collect()
    }

    /// Actions of which no use falls under a statement, and resources that none of its used actions
    /// reached. A right that two statements grant is used in both.
    fn unused(&self, used: &[Used]) -> Vec<Unused> {
        let mut unused = Vec::new();
        for statement in self.allowing().filter(|one| !one.actions.except) {
            let beneath = |pattern: &Pattern| -> Vec<&Used> {
                let under = |one: &&Used| {
                    pattern.may_match(&one.action) && may_hold(statement, &one.resource)
                };
                used.iter().filter(under).collect()
            };
            let row = |action: &str, resources: Vec<String>, used_on_others| Unused {
                statement: statement.label_of(&self.principal.name),
                action: action.to_owned(),
                resources,
                used_on_others,
                unseen: unseen(action, self.coverage),
            };
            let resources = || statement.resources.patterns.iter();
            let text = |own: &Pattern| own.as_str().to_owned();
            let mut reached: Vec<&Used> = Vec::new();
            let mut patterns = Vec::new();
            for pattern in &statement.actions.patterns {
                let uses = beneath(pattern);
                match uses.is_empty() {
                    true => unused.push(row(
                        pattern.as_str(),
                        resources().map(text).collect(),
                        false,
                    )),
                    false => patterns.push(pattern.as_str()),
                }
                reached.extend(uses);
            }
            let touches = |own: &Pattern, one: &Used| {
                one.resource.is_empty() || is_beneath(own, &one.resource)
            };
            let untouched = resources().filter(|own| !reached.iter().any(|one| touches(own, one)));
            let untouched: Vec<String> = untouched.map(text).collect();
            if !patterns.is_empty() && !untouched.is_empty() && !statement.resources.except {
                unused.push(row(&patterns.join(", "), untouched, true));
            }
        }
        unused
    }

    /// Wildcards of statements that allow something, in actions and, where they are all there is, in
    /// resources.
    fn wildcards(&self, used: &[Used]) -> Vec<WildcardUse> {
        let mut found = Vec::new();
        for statement in self.allowing() {
            let here = |one: &&Used| {
                statement.actions.decide(&one.action) != Some(false)
                    && may_hold(statement, &one.resource)
            };
            let used: Vec<&Used> = used.iter().filter(here).collect();
            let mut add = |pattern: &str, used: BTreeSet<&str>, unseen: Option<String>| {
                let used = used.into_iter().map(str::to_owned);
                found.push(WildcardUse {
                    statement: statement.label_of(&self.principal.name),
                    pattern: pattern.to_owned(),
                    used: used.collect(),
                    unseen,
                });
            };
            let actions = &statement.actions;
            for pattern in &actions.patterns {
                if actions.except || !pattern.is_literal() {
                    let beneath = used.iter().map(|one| one.action.as_str());
                    let beneath =
                        beneath.filter(|action| actions.except || pattern.may_match(action));
                    let name = match actions.except {
                        true => format!("all but {}", pattern.as_str()),
                        false => pattern.as_str().to_owned(),
                    };
                    let hidden = self.hidden_beneath(statement);
                    let hidden = hidden.first().map(|(_, class)| off(class));
                    add(&name, beneath.collect(), hidden);
                }
            }
            for pattern in &statement.resources.patterns {
                if pattern.is_anything() {
                    let resources = used.iter().map(|one| one.resource.as_str());
                    let named = resources.filter(|resource| !resource.is_empty());
                    add("the resource *", named.collect(), None);
                }
            }
        }
        found
    }

    /// The statements that allow something.
    fn allowing(&self) -> impl Iterator<Item = &Statement> {
        let statements = self.principal.statements.iter();
        statements.filter(|statement| statement.effect == Effect::Allow)
    }

    /// The data events that a statement allows and that the logs do not hold, with their classes.
    fn hidden_beneath(&self, statement: &Statement) -> Vec<(&'static str, &'static str)> {
        let everything = Pattern::action("*");
        let known = permissions::data_events_of(&everything).into_iter();
        let known = known.filter(|(action, class)| {
            statement.actions.decide(action) != Some(false) && !has_seen(class, self.coverage)
        });
        known.collect()
    }

    fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        if let Some(boundary) = &self.principal.boundary {
            limits.push(format!(
                "{boundary} is its permissions boundary and is not evaluated: it may allow less"
            ));
        }
        for missing in &self.principal.missing {
            limits.push(format!(
                "{missing} is attached and its document was not given: what it allows is not known, so no \
                 call counts as used outside the documents"
            ));
        }
        if !self.principal.has_document {
            limits.push("No policy document was given: only what was used is known".to_owned());
        }
        limits
    }
}

/// The call was not refused, and its documents allow it or may allow it.
fn is_inside(right: &Right) -> bool {
    let is_known = matches!(right.grant, Grant::NotAllowed | Grant::Denied);
    right.outcome != Outcome::Denied && !(is_known && right.outcome == Outcome::Success)
}

/// The call succeeded, and no document allows it.
fn is_outside(right: &Right) -> bool {
    let is_known = matches!(right.grant, Grant::NotAllowed | Grant::Denied);
    right.outcome == Outcome::Success && is_known
}

fn refused<'l>(lines: impl Iterator<Item = &'l Line<'l>>) -> Vec<Refused> {
    let mut sums: BTreeMap<_, UseCount> = BTreeMap::new();
    for line in lines.filter(|line| line.right.outcome == Outcome::Denied) {
        let documents = match line.right.grant {
            Grant::Allowed => "allow it: another policy, or a narrower deployed one, refused it",
            Grant::Denied => "deny it",
            Grant::NotAllowed => "do not allow it",
            Grant::Undecided => "could not tell",
            Grant::NoDocument => "none given",
        };
        let key = (line.action, line.resource, line.refused_by, documents);
        sums.entry(key).or_default().add(line.count);
    }
    let refused = sums.into_iter();
    refused
        .map(
            |((action, resource, refused_by, documents), count)| Refused {
                action: action.to_owned(),
                resource: resource.to_owned(),
                calls: count.calls,
                first: count.first,
                last: count.last,
                refused_by: refused_by.to_owned(),
                documents,
            },
        )
        .collect()
}

/// True unless no resource of the statement can be that of the use.
fn may_hold(statement: &Statement, resource: &str) -> bool {
    let set = &statement.resources;
    resource.is_empty() || set.except || set.patterns.iter().any(|own| is_beneath(own, resource))
}

/// True if a resource, which may be a pattern that came from the statement, falls under a pattern.
fn is_beneath(own: &Pattern, resource: &str) -> bool {
    own.as_str() == resource || own.may_match(resource)
}
