//! `[people]`: which principals are which person, so that nobody reviews their own calls unnoticed.

use super::{Candidate, same_person};
use crate::wildcard::Wildcard;

/// Names, each with patterns of principals.
#[derive(Debug, Clone, Default)]
pub struct People(pub Vec<(String, Vec<Wildcard>)>);

impl People {
    /// The patterns of a person; `None` if the configuration does not name them.
    fn of(&self, name: &str) -> Option<&[Wildcard]> {
        let mut people = self.0.iter();
        let found = people.find(|(person, _)| same_person(person, name));
        found.map(|(_, patterns)| patterns.as_slice())
    }

    /// True if the configuration says which principals this person is.
    pub fn knows(&self, name: &str) -> bool {
        self.of(name).is_some()
    }

    /// The ids of the findings about calls of that person.
    pub fn findings_of(&self, name: &str, findings: &[Candidate]) -> Vec<String> {
        let patterns = self.of(name).unwrap_or_default();
        let is_theirs = |actor: &str| patterns.iter().any(|pattern| is_of(pattern, actor));
        let about = |one: &&Candidate| {
            is_theirs(&one.matter.actor) || one.actors.iter().any(|actor| is_theirs(actor))
        };
        let ids = findings
            .iter()
            .filter(about)
            .map(|one| one.matter.id.clone());
        ids.collect()
    }
}

/// True if the pattern is that of the principal's ARN, or of one of the names in it: the role, the user, the
/// session.
fn is_of(pattern: &Wildcard, actor: &str) -> bool {
    let path = actor.rsplit(':').next().unwrap_or(actor);
    let tails = path
        .match_indices('/')
        .filter_map(|(at, _)| path.get(at + 1..));
    let names = path.split('/').chain(tails);
    pattern.matches(actor) || names.into_iter().any(|name| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_arn_user_role_or_session() {
        let is = |pattern: &str, actor: &str| is_of(&Wildcard::parse(pattern), actor);
        let user = "arn:aws:iam::111122223333:user/staff/jortiz";
        assert!(is("jortiz", user) && is(user, user) && is("staff/*", user));
        let session = "arn:aws:sts::111122223333:assumed-role/Ops/j@x.example";
        assert!(is("j@x.example", session) && is("Ops/j@*", session));
        assert!(!is("ortiz", user) && !is("j", session));
    }
}
