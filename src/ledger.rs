//! `trailscan.ledger`: what people decided, signed and approved, for years.
//!
//! An append-only file of JSON Lines. Each line names its number, the time, the person and the SHA-256
//! of the line before, its line break included, so `head -n 1 trailscan.ledger | sha256sum` prints what
//! line 2 says in `prev`. The hash of the last line is the *head*: whoever keeps a head outside of the
//! file can later show that lines were cut from its end or that it was rewritten.
//!
//! - [`entry`]: what a line says, and how it is written.
//! - [`chain`]: what is wrong with the lines of a file.
//! - [`file`](mod@file): read, lock, append.
//!
//! Every version of the format is read for ever; fields may be added to a version.

pub mod chain;
pub mod entry;
pub mod file;

pub use chain::{Fault, FaultKind};
pub use entry::{Entry, Line};
pub use file::{Appender, Ledger, LedgerError};

/// What the first line names in `prev`: there is no line before it.
pub const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The version of the format that is written.
pub const VERSION: u32 = 1;
