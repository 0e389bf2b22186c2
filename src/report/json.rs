//! `findings.json`, `run.json`, `coverage.json` and `integrity.json`, as programs read them.
//!
//! What is in them is declared in [`v1`]; here they are written, a value at a time.

mod integrity;
pub mod v1;

use std::io::{self, Write};

use serde::Serialize;

pub use integrity::{Matching, integrity};

use super::Report;

/// Writes `findings.json`.
///
/// # Errors
/// It cannot be written.
pub fn findings(report: &Report, out: impl Write) -> io::Result<()> {
    pretty(&v1::Findings::from(report), out)
}

/// Writes `run.json`.
///
/// # Errors
/// It cannot be written.
pub fn run(report: &Report, out: impl Write) -> io::Result<()> {
    pretty(&v1::Run::from(report), out)
}

/// Writes `coverage.json`.
///
/// # Errors
/// It cannot be written.
pub fn coverage(report: &Report, out: impl Write) -> io::Result<()> {
    pretty(&v1::Coverage::from(report), out)
}

fn pretty(value: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}

/// True if the file was written by this program, by the first bytes of it.
pub fn is_ours(head: &[u8]) -> bool {
    memchr::memmem::find(head, b"\"schema\": \"trailscan.").is_some()
}
