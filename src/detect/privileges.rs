//! Which rights an event used, by the policies of its caller.

use crate::derive::{identity, permissions};
use crate::event::Event;
use crate::finding::Outcome;
use crate::interner::Interner;
use crate::policy::{self, Decision, Policies, Request};
use crate::tally::{Grant, ObjectScan, Right, Use, number};

/// The policies that calls are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched<'r> {
    pub(super) policies: &'r Policies,
    /// Role sessions are kept apart.
    pub(super) sessions: bool,
}

impl Watched<'_> {
    /// Adds the rights that the event, whose place in the object is `seen`, used or was refused.
    pub(super) fn note(
        &self,
        event: &Event<'_>,
        outcome: Outcome,
        seen: u32,
        scanned: &mut ObjectScan,
    ) {
        let kind = event.user().kind();
        if !kind.is_text("AssumedRole") && !kind.is_text("IAMUser") {
            return;
        }
        let arn = identity::caller(event);
        let Some((at, principal)) = self.policies.find(&arn, &identity::role(event)) else {
            return;
        };
        let names = &mut scanned.names;
        let session = identity::session(event).filter(|_| self.sessions);
        let session = session.map_or(Interner::EMPTY, |session| names.id(&session));
        let refused_by = match outcome {
            Outcome::Denied => names.id(permissions::refused_by(event)),
            Outcome::Success | Outcome::Failed => Interner::EMPTY,
        };
        for need in permissions::of(event) {
            let request = Request {
                action: &need.action,
                resource: &need.resource,
                fact: &|key| permissions::fact(event, key),
            };
            let decision = policy::decide(&principal.statements, &request);
            // key policies decide with the identity's, and policies that were not given may allow
            let may_be_allowed = need.action.starts_with("kms:") || !principal.missing.is_empty();
            let (grant, statement) = match decision {
                _ if !principal.has_document => (Grant::NoDocument, None),
                Decision::Allowed(at) => (Grant::Allowed, Some(at)),
                Decision::Undecided(at) => (Grant::Undecided, Some(at)),
                Decision::Denied(at) => (Grant::Denied, Some(at)),
                Decision::NotAllowed if may_be_allowed => (Grant::Undecided, None),
                Decision::NotAllowed => (Grant::NotAllowed, None),
            };
            let allowing = statement.filter(|_| grant != Grant::Denied);
            let resource = match allowing.and_then(|at| principal.statements.get(at)) {
                Some(statement) => need.resource.pattern_within(statement),
                None => need.resource.pattern(),
            };
            let right = Right {
                principal: number(at),
                session,
                action: names.id(&need.action),
                resource: names.id(&resource),
                outcome,
                grant,
                statement: statement.map(number),
                refused_by,
            };
            scanned.uses.push(Use { seen, right });
        }
    }
}
