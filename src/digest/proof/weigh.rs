//! Logs that are not settled by the first digest that names them: another content, several digests
//! or several files of one name. All that is known of a name is weighed together.

use std::sync::Arc;

use super::logs::{States, is_valid_claim, object};
use crate::integrity::proof::{HourLogs, Matched, ObjectFault, ObjectProof, State};
use crate::integrity::{Claim, Hash, Integrity, Reading};
use crate::seeded::SeededMap;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct WeighedDigest {
    /// What was found of the logs that each digest names, beside those that are settled.
    pub(super) hours: SeededMap<Arc<str>, HourLogs>,
    pub(super) objects: Vec<ObjectProof>,
    pub(super) matched: Vec<Matched>,
}

/// Pairs logs with what digests say of them, and each log once. What is left in `integrity` are names
/// without a log and logs without a name.
pub(super) fn choose_copy(integrity: &mut Integrity, states: &States<'_>) -> WeighedDigest {
    let mut weighed = WeighedDigest::default();
    for (log, mut claims) in std::mem::take(&mut integrity.claims) {
        // a valid digest comes before others, whatever they are called
        claims.sort_by_key(|claim| (!is_valid_claim(claim, states), Arc::clone(&claim.digest)));
        match integrity.readings.remove(&log) {
            Some(readings) => weighed.pair(&log, &claims, readings, states),
            None => {
                for claim in &claims {
                    weighed.hour(claim).missing += 1;
                }
                integrity.claims.insert(log, claims);
            }
        }
    }
    weighed
}

impl WeighedDigest {
    fn hour(&mut self, claim: &Claim) -> &mut HourLogs {
        self.hours.entry(Arc::clone(&claim.digest)).or_default()
    }

    fn pair(
        &mut self,
        log: &str,
        claims: &[Claim],
        mut readings: Vec<Reading>,
        states: &States<'_>,
    ) {
        let mut found: Vec<Hash> = Vec::new();
        let mut open: Vec<&Claim> = Vec::new();
        for claim in claims {
            let content = Reading::Content(claim.sha256);
            if found.contains(&claim.sha256) {
                // a further digest names the same content: the log counts once
                self.hour(claim).matching += 1;
            } else if let Some(at) = readings.iter().position(|reading| *reading == content) {
                readings.remove(at);
                found.push(claim.sha256);
                self.hour(claim).matching += 1;
                self.matched.push(Matched {
                    object: log.to_owned(),
                    digest: Arc::clone(&claim.digest),
                    state: states
                        .get(&*claim.digest)
                        .copied()
                        .unwrap_or(State::NotProven),
                });
            } else {
                open.push(claim);
            }
        }
        let mut open = open.into_iter();
        for reading in readings {
            match open.next() {
                Some(claim) => self.differs(log, claim, &reading, states),
                None => {
                    let why = "another file of this name has the content that the digest says";
                    let extra = object(log, ObjectFault::Unnamed, why, claims.first());
                    self.objects.push(extra);
                }
            }
        }
        for claim in open {
            // the name is that of a log whose content another digest says
            self.hour(claim).altered += 1;
        }
    }

    /// A log that is not what its digest says.
    fn differs(&mut self, log: &str, claim: &Claim, reading: &Reading, states: &States<'_>) {
        let (fault, reason) = match reading {
            Reading::Unread(why) => (ObjectFault::Unread, why.to_string()),
            Reading::Damaged(what) => (ObjectFault::Altered, what.to_string()),
            Reading::Content(_) => (
                ObjectFault::Altered,
                "its content is not what its digest says (SHA-256)".to_owned(),
            ),
        };
        match fault {
            ObjectFault::Unread => self.hour(claim).unread += 1,
            _ => self.hour(claim).altered += 1,
        }
        let found = match fault {
            ObjectFault::Altered if !is_valid_claim(claim, states) => {
                let reason = format!("{reason}; the digest itself is not valid");
                object(log, ObjectFault::Unproven, reason, Some(claim))
            }
            _ => object(log, fault, reason, Some(claim)),
        };
        self.objects.push(found);
    }
}
