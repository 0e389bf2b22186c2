//! The section on integrity.

use super::*;
use crate::integrity::proof::{self, HourProof, Proof};

/// A day whose third digest is missing and whose second was altered.
fn broken_proof() -> Proof {
    let hour = |at: i64, state, reason: &str| HourProof {
        start: MONDAY + at * HOUR,
        end: MONDAY + (at + 1) * HOUR,
        digest: format!("digest-{at}").into(),
        sha256: [0; 32],
        found: proof::Judgement {
            state,
            reason: reason.into(),
        },
        logs: proof::HourLogs::default(),
    };
    let mut proof = Proof::default();
    (proof.digests.valid, proof.digests.broken) = (2, 1);
    (proof.logs.valid, proof.logs.missing, proof.logs.not_proven) = (5, 1, 2);
    proof.objects.push(proof::ObjectProof {
        object: format!("log {HOSTILE}"),
        fault: proof::ObjectFault::Missing,
        state: proof::State::Broken,
        reason: "a valid digest names it, and it is not there".into(),
        digest: Some("digest-0".into()),
    });
    proof.keys.insert(
        "c0ffee".into(),
        proof::KeyUse {
            regions: ["us-east-1".to_owned()].into(),
            digests: 3,
            at_hand: true,
        },
    );
    proof.chains.push(proof::ChainProof {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        trail: HOSTILE.into(),
        home_region: "us-east-1".into(),
        backfill: false,
        place: String::new(),
        places: Default::default(),
        has_namesake: false,
        hours: vec![
            hour(0, proof::State::Valid, "signed"),
            hour(1, proof::State::Broken, "signature verification failed"),
            hour(3, proof::State::Valid, "signed"),
        ],
        holes: vec![proof::DigestGap {
            from: MONDAY + 2 * HOUR,
            to: MONDAY + 3 * HOUR,
            kind: proof::DigestGapKind::Missing,
            logs: 2,
            found: proof::Judgement {
                state: proof::State::Broken,
                reason: "digest-2 is missing".into(),
            },
        }],
    });
    proof.limits.push("the newest cannot be checked".into());
    proof
}

#[test]
fn integrity_is_shown_by_chain_by_hour_and_by_what_is_not_valid() {
    let mut report = report(several());
    holds(&render(&report), "this run did not verify the logs against");
    report.integrity = Some(broken_proof());
    let page = render(&report);
    holds(&page, "BROKEN: 2 of 3 digests valid, 5 of 8 logs valid.");
    holds(&page, "their integrity is BROKEN");
    holds(&page, "href=\"#not-valid\"");
    holds(&page, &format!("■✕–■{}", "·".repeat(20)));
    holds(
        &page,
        "digest digest-1 (0 logs): signature verification failed",
    );
    holds(&page, "2 logs delivered in it: digest-2 is missing");
    holds(&page, "1 hour that should have one");
    holds(&page, "c0ffee");
    holds(&page, "the newest cannot be checked");
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
}
