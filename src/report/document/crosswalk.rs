//! Where an auditor finds what the audit protocol of the Office for Civil Rights asks for.

use super::{Block, Section};

/// What is asked, and the anchors of the parts that answer it.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry {
    pub citation: &'static str,
    pub question: &'static str,
    pub anchors: &'static [&'static str],
}

const fn inquiry(
    citation: &'static str,
    question: &'static str,
    anchors: &'static [&'static str],
) -> Inquiry {
    Inquiry {
        citation,
        question,
        anchors,
    }
}

/// The page of the decision, the sign-off and the period.
pub const FRONT: &str = "decision";

const INQUIRIES: [Inquiry; 16] = [
    inquiry(
        "164.308(a)(1)(ii)(D)",
        "Which period was reviewed, when, and who certified the review?",
        &[FRONT],
    ),
    inquiry(
        "164.308(a)(1)(ii)(D)",
        "How are records of activity reviewed: procedure, rules, thresholds?",
        &["method", "reproducing"],
    ),
    inquiry(
        "164.308(a)(1)(ii)(D)",
        "Can each key system log, is logging on, and what is not on?",
        &["scope", "trails", "rules-aside"],
    ),
    inquiry(
        "164.312(b)",
        "Which systems are audited, and are the records complete?",
        &["places", "gaps", "counts", "problems"],
    ),
    inquiry(
        "164.312(b)",
        "Which kinds of activity need a closer look?",
        &["needs-decision", "others"],
    ),
    inquiry(
        "164.312(c)(1)",
        "Are the records protected from change, and how is that shown?",
        &["integrity", "not-valid"],
    ),
    inquiry(
        "164.308(a)(6)(ii)",
        "Which incidents were found, with what evidence and outcome?",
        &["findings"],
    ),
    inquiry("164.304", "Which attempts did not succeed?", &["attempts"]),
    inquiry(
        "164.308(a)(4)(ii)(C)",
        "Which rights were granted, changed or removed?",
        &["access-changes"],
    ),
    inquiry(
        "164.308(a)(5)(ii)(C)",
        "Who used the systems, and which log-ins failed?",
        &["activity", "attempts"],
    ),
    inquiry(
        "164.308(a)(8)",
        "Which controls were seen at work?",
        &["evidence"],
    ),
    inquiry(
        "164.306(d)(3)",
        "State of each standard and specification, addressable ones included",
        &["citations"],
    ),
    inquiry(
        "164.308(a)(1)(ii)(B)",
        "Which risks are accepted, by what reason, and until when?",
        &["exceptions"],
    ),
    inquiry(
        "164.308(a)(1)(ii)(D)",
        "What was left open by earlier reviews?",
        &["carried-over"],
    ),
    inquiry(
        "164.312(b)",
        "What can these records not show?",
        &["limits", "outside"],
    ),
    inquiry(
        "164.316(b)(2)(i)",
        "How long is the review kept?",
        &["retention"],
    ),
];

pub fn section() -> Section {
    Section {
        anchor: "crosswalk",
        title: "Auditor crosswalk",
        blocks: vec![
            Block::Lead(
                "What the audit protocol of the HHS Office for Civil Rights asks for, in our words, and where this \
                 report answers it."
                    .into(),
            ),
            Block::Crosswalk(INQUIRIES.to_vec()),
        ],
    }
}
