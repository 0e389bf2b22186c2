//! Writes `integrity.json`.
//!
//! The file names every log: first those that are not valid, then those that match their digest, which may
//! be millions and are written as they are read, one a line.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::v1::{Integrity, Log};
use crate::integrity::proof::{Proof, State};
use crate::report::integrity::About;
use crate::seeded::SeededMap;

/// A log whose content is the one that a digest names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matching {
    pub object: String,
    pub digest: String,
    /// Of its content, in hexadecimal.
    pub sha256: String,
}

/// Writes the file.
///
/// # Errors
/// It cannot be written, or the matching logs cannot be read.
pub fn integrity(
    out: &mut dyn Write,
    about: &About,
    proof: &Proof,
    matching: impl Iterator<Item = io::Result<Matching>>,
) -> io::Result<()> {
    // `objects` is the last member and empty: its elements follow
    let head = serde_json::to_vec_pretty(&Integrity::from((about, proof)))?;
    out.write_all(head.strip_suffix(b"]\n}").unwrap_or(&head))?;
    let mut line = Separated { out, first: true };
    for object in &proof.objects {
        line.write(&Log::from(object))?;
    }
    let hours = proof.chains.iter().flat_map(|chain| &chain.hours);
    let states: SeededMap<&str, State> = hours
        .map(|hour| (&*hour.digest, hour.found.state))
        .collect();
    let mut write = |object: &str, digest: &str| {
        let valid = states.get(digest) == Some(&State::Valid);
        let state = match valid {
            true => State::Valid,
            false => State::NotProven,
        };
        line.write(&Log {
            object,
            fault: None,
            state: state.into(),
            reason: (!valid).then_some("it is what its digest says, which is not valid itself"),
            digest: Some(digest),
        })
    };
    for matched in &proof.matched {
        write(&matched.object, &matched.digest)?;
    }
    for matching in matching {
        let matching = matching?;
        write(&matching.object, &matching.digest)?;
    }
    out.write_all(b"\n  ]\n}\n")
}

/// The elements of a list, one a line.
struct Separated<'o> {
    out: &'o mut dyn Write,
    first: bool,
}

impl Separated<'_> {
    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let comma: &[u8] = if self.first { b"\n    " } else { b",\n    " };
        self.first = false;
        self.out.write_all(comma)?;
        serde_json::to_writer(&mut *self.out, value)?;
        Ok(())
    }
}
