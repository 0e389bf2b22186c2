//! Whether the logs are what AWS wrote: chains of digests, and everything that is not valid.

use super::{Block, Column, Fact, Row, Section, Table, column, numbers};
use crate::event::time::{Epoch, utc};
use crate::integrity::proof::{ChainProof, LogCounts, Proof, State};
use crate::report::Report;
use crate::report::integrity::wrong;
use crate::report::text::{Text, shortened, truncation_notice};
use crate::words::{plural, thousands};

const MOST_WRONG: usize = 200;
const MOST_CHAINS: usize = 300;

/// What the words mean.
pub const LEAD: &str = "AWS writes a signed digest every hour, for each account and Region, with the SHA-256 of each log that it \
     delivered and a link to the digest before. Valid: signed by AWS and unchanged. Broken: altered, removed or \
     added. Not proven: cannot be determined, for the reason given. A log is valid only if its digest is. \
     trailscan makes this check itself and uses AWS's terms.";

const CHAINS: [Column; 7] = [
    column("Account, Region", 1.7),
    column("Trail", 1.8),
    column("First to last (UTC)", 2.0),
    numbers("Digests", 0.8),
    numbers("Valid", 0.8),
    numbers("Broken", 0.8),
    numbers("Not proven", 0.8),
];

pub fn section(report: &Report) -> Section {
    Section {
        anchor: "integrity",
        title: "Integrity",
        blocks: match &report.integrity {
            None => vec![Block::Lead(
                Text::from("Not checked: this run did not verify the logs against CloudTrail's signed digests (")
                    .code("trailscan run --verify")
                    .plain(")."),
            )],
            Some(proof) => of(proof),
        },
    }
}

fn of(proof: &Proof) -> Vec<Block> {
    let verdict = format!("{}.", proof.verdict());
    let verdict = match proof.state() {
        State::Valid => Text::new().strong(&verdict),
        _ => Text::new().alert(&verdict),
    };
    let mut blocks = vec![Block::Lead(LEAD.into()), Block::Paragraph(verdict)];
    blocks.extend(counts(proof));
    blocks.push(Block::Facts(keys(proof)));
    blocks.extend(chains(&proof.chains));
    blocks.extend(not_valid(proof));
    if !proof.limits.is_empty() {
        blocks.push(Block::Heading("What could not be checked", None));
        let limits = proof.limits.iter();
        blocks.push(Block::List {
            ordered: false,
            items: limits.map(|limit| Text::from(limit.as_str())).collect(),
        });
    }
    blocks
}

fn counts(proof: &Proof) -> Vec<Block> {
    let LogCounts {
        valid,
        altered,
        missing,
        unnamed,
        pending,
        not_proven,
        other_kinds,
        absent,
    } = proof.logs;
    let digests = proof.digests;
    let mut logs = vec![
        (valid, "valid"),
        (altered, "altered"),
        (missing, "missing or moved"),
        (unnamed, "in no digest"),
        (pending, "pending"),
        (not_proven, "not proven"),
    ];
    let beside = [
        (other_kinds, "of a kind without digests"),
        (absent, "not found"),
    ];
    logs.extend(beside.into_iter().filter(|(count, _)| *count > 0));
    vec![
        Block::Sum {
            whole: (digests.total(), "digests"),
            parts: vec![
                (digests.valid, "valid"),
                (digests.broken, "broken"),
                (digests.not_proven, "not proven"),
            ],
        },
        Block::Sum {
            whole: (proof.logs.total(), "log files"),
            parts: logs,
        },
        Block::Aside(Text::from(format!(
            "Pending: too new for their digest, which AWS writes within about an hour after the hour. Without a \
             digest are {} that should have one, and {} of which that cannot be said.",
            plural(proof.hours_without(State::Broken).unsigned_abs(), "hour"),
            plural(proof.hours_without(State::NotProven).unsigned_abs(), "hour")
        ))),
    ]
}

fn keys(proof: &Proof) -> Vec<Fact> {
    let keys = proof.keys.iter().map(|(fingerprint, key)| {
        let text = Text::new()
            .code(fingerprint)
            .plain(&format!(", {} of ", plural(key.digests, "digest")))
            .codes(&key.regions);
        match key.at_hand {
            true => text,
            false => text.plain(", ").strong("not at hand"),
        }
    });
    let keys: Vec<Text> = keys.collect();
    vec![
        Fact {
            name: "Public keys",
            lines: match keys.is_empty() {
                true => vec![Text::from("none was asked for")],
                false => keys,
            },
        },
        Fact::new(
            "Buckets",
            match proof.buckets.is_empty() {
                true => Text::from("none named"),
                false => Text::new().codes(&proof.buckets),
            },
        ),
    ]
}

fn chains(chains: &[ChainProof]) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Chains", None)];
    if chains.is_empty() {
        blocks.push(Block::Paragraph(
            "No digest was found: log file validation is off, or the digests were removed.".into(),
        ));
        return blocks;
    }
    let notice = truncation_notice(chains.len().min(MOST_CHAINS), chains.len(), "chain");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    blocks.push(Block::Table(Table {
        summary: "Chains of digests",
        columns: CHAINS.to_vec(),
        rows: chains.iter().take(MOST_CHAINS).map(row).collect(),
    }));
    blocks
}

fn row(chain: &ChainProof) -> Row {
    let ends = chain.hours.first().zip(chain.hours.last());
    let minute = |at: Epoch| utc(at).format("%-d %b %Y, %H:%M").to_string();
    let mut trail = Text::new().value(&shortened(&chain.trail, 160));
    if chain.backfill {
        trail = trail.plain(" (backfill)");
    }
    if chain.has_namesake {
        trail = trail.plain(" below ").code(&shortened(&chain.place, 160));
    }
    let count = |state| vec![Text::from(thousands(chain.count(state)))];
    Row::Cells {
        cells: vec![
            vec![
                Text::new().code(&chain.account),
                Text::new().code(&chain.region),
            ],
            vec![trail],
            ends.map_or_else(Vec::new, |(first, last)| {
                vec![
                    Text::from(minute(first.start)),
                    Text::from(format!("to {}", minute(last.end))),
                ]
            }),
            vec![Text::from(thousands(chain.hours.len() as u64))],
            count(State::Valid),
            count(State::Broken),
            count(State::NotProven),
        ],
        note: None,
    }
}

fn not_valid(proof: &Proof) -> Vec<Block> {
    let wrong = wrong(proof);
    let mut blocks = vec![Block::Heading("What is not valid", Some("not-valid"))];
    if wrong.is_empty() {
        blocks.push(Block::Paragraph("Nothing.".into()));
        return blocks;
    }
    let notice = truncation_notice(wrong.len().min(MOST_WRONG), wrong.len(), "line");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    let row = |(state, what): &(State, String)| {
        Row::of([
            match state {
                State::Broken => Text::new().alert(state.as_str()),
                _ => Text::from(state.as_str()),
            },
            Text::new().value(&shortened(what, 600)),
        ])
    };
    blocks.push(Block::Table(Table {
        summary: "What is not valid",
        columns: vec![column("State", 1.0), column("What", 7.0)],
        rows: wrong.iter().take(MOST_WRONG).map(row).collect(),
    }));
    blocks
}
