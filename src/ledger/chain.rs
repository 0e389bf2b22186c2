//! What is wrong with the lines of a ledger: lines that were changed, removed, re-ordered or put in, and
//! times that run backward.
//!
//! A chain alone cannot show that lines were cut from its end, nor that somebody wrote all of it again:
//! for that, compare with a head that was kept elsewhere ([`Ledger::place_of`](super::Ledger::place_of)).

use std::collections::BTreeMap;

use super::{Line, NO_LINE};
use crate::event::time::Epoch;
use crate::sha256;

/// Something that is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    pub kind: FaultKind,
    /// Words behind "line 7".
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The chain does not hold: somebody changed the file.
    Broken,
    /// The chain holds, and its times cannot be right.
    ClockSetBack,
}

/// The lines, their hashes, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Chain {
    /// Those that can be read.
    pub lines: Vec<Line>,
    /// The hash of every line, also of those that cannot be read.
    pub hashes: Vec<String>,
    pub faults: Vec<Fault>,
}

impl Chain {
    /// Reads whole lines, each with its line break.
    pub fn read(bytes: &[u8]) -> Self {
        let mut chain = Self::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            chain.hashes.push(sha256::hex([line]));
            let parsed = Line::parse(line);
            let at = chain.hashes.len() as u64;
            match parsed {
                Ok(line) => chain.lines.push(line),
                Err(what) => chain.faults.push(Fault {
                    line: at,
                    kind: FaultKind::Broken,
                    what,
                }),
            }
        }
        // a line that cannot be read leaves no numbers to compare
        if chain.faults.is_empty() {
            chain.check_links();
            chain.check_times();
        }
        chain
    }

    fn check_links(&mut self) {
        let places: BTreeMap<&str, usize> = (self.hashes.iter())
            .enumerate()
            .map(|(at, hash)| (hash.as_str(), at + 1))
            .collect();
        let mut previous = NO_LINE;
        let mut faults = Vec::new();
        for ((line, hash), at) in self.lines.iter().zip(&self.hashes).zip(1_u64..) {
            let what = if line.prev == previous {
                (line.n != at).then(|| format!("says that it is line {}", line.n))
            } else {
                Some(match places.get(line.prev.as_str()) {
                    Some(place) => format!(
                        "was written behind what is now line {place}: lines were re-ordered, removed or put in"
                    ),
                    None if line.prev == NO_LINE => {
                        "was written as the first line of a ledger: two ledgers were joined"
                            .to_owned()
                    }
                    None if line.n == at && at > 1 => {
                        format!("does not follow line {}, which was changed", at - 1)
                    }
                    None if line.n > at => format!(
                        "was written as line {}: lines before it were removed",
                        line.n
                    ),
                    None => format!(
                        "was written as line {} behind a line that is not in the file",
                        line.n
                    ),
                })
            };
            faults.extend(what.map(|what| Fault {
                line: at,
                kind: FaultKind::Broken,
                what,
            }));
            previous = hash;
        }
        self.faults.extend(faults);
    }

    fn check_times(&mut self) {
        let mut latest: Option<Epoch> = None;
        let mut faults = Vec::new();
        for (line, at) in self.lines.iter().zip(1_u64..) {
            let fault = |kind, what| Fault {
                line: at,
                kind,
                what,
            };
            match (line.at(), latest) {
                (None, _) => faults.push(fault(
                    FaultKind::Broken,
                    "has a time that cannot be read".to_owned(),
                )),
                (Some(time), Some(before)) if time < before => faults.push(fault(
                    FaultKind::ClockSetBack,
                    format!(
                        "is dated {} s before a line above it: the clock was wrong or was set back",
                        before - time
                    ),
                )),
                _ => {}
            }
            latest = latest.max(line.at());
        }
        self.faults.extend(faults);
    }

    /// The first fault of the chain; `None` if the chain holds.
    pub fn broken(&self) -> Option<&Fault> {
        let mut faults = self.faults.iter();
        faults.find(|fault| fault.kind == FaultKind::Broken)
    }
}
