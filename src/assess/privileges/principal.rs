//! One role or user: what it used, and what was granted and never used.

use std::collections::{BTreeMap, BTreeSet};

use super::{PrincipalUse, Refused, SessionUse, Unused, Used, WildcardUse, proposal};
use crate::coverage::{Coverage, EventClass};
use crate::derive::permissions::{self, Recorded};
use crate::finding::Outcome;
use crate::policy::{Effect, Kind, Pattern, Principal, Statement};
use crate::tally::{Grant, Right, UseCount};

/// One line of what the tally counted, with its texts.
pub(super) struct Line<'t> {
    pub(super) right: &'t Right,
    pub(super) count: UseCount,
    pub(super) session: &'t str,
    pub(super) action: &'t str,
    pub(super) resource: &'t str,
    pub(super) refused_by: &'t str,
}

/// Why the use of an action could not be seen in these logs; `None` if it could.
pub(super) fn unseen(action: &str, coverage: &Coverage) -> Option<String> {
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
pub(super) struct About<'a> {
    pub(super) principal: &'a Principal,
    pub(super) coverage: &'a Coverage,
    pub(super) evidence_days: u64,
    pub(super) is_break_glass: bool,
}

impl About<'_> {
    pub(super) fn assess(&self, lines: &[Line<'_>], outside: bool) -> PrincipalUse {
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
            let below = |pattern: &Pattern| -> Vec<&Used> {
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
                // of an action that was used, other uses would have been seen
                unseen: unseen(action, self.coverage).filter(|_| !used_on_others),
            };
            let resources = || statement.resources.patterns.iter();
            let text = |own: &Pattern| own.as_str().to_owned();
            let mut reached: Vec<&Used> = Vec::new();
            let mut patterns = Vec::new();
            for pattern in &statement.actions.patterns {
                let uses = below(pattern);
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
            let touches =
                |own: &Pattern, one: &Used| one.resource.is_empty() || is_below(own, &one.resource);
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
                    let below = used.iter().map(|one| one.action.as_str());
                    let below = below.filter(|action| actions.except || pattern.may_match(action));
                    let name = match actions.except {
                        true => format!("all but {}", pattern.as_str()),
                        false => pattern.as_str().to_owned(),
                    };
                    let hidden = self.hidden_below(statement);
                    let hidden = hidden.first().map(|(_, class)| off(class));
                    add(&name, below.collect(), hidden);
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
    pub(super) fn hidden_below(&self, statement: &Statement) -> Vec<(&'static str, &'static str)> {
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
    resource.is_empty() || set.except || set.patterns.iter().any(|own| is_below(own, resource))
}

/// True if a resource, which may be a pattern that came from the statement, falls under a pattern.
fn is_below(own: &Pattern, resource: &str) -> bool {
    own.as_str() == resource || own.may_match(resource)
}
