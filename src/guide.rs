//! Guides by task and reader, as Markdown: the text that `trailscan guide` prints and that this
//! documentation shows.
//!
//! One file a guide in `src/guide/`, one line each in the table below. The integration tests run the
//! commands that need only the checkout, and parse all others.

use std::fmt::Write as _;

/// A guide.
#[derive(Debug, PartialEq, Eq)]
pub struct Guide {
    /// What to type to see it.
    pub name: &'static str,
    /// Its reader and subject, for the list of guides.
    pub summary: &'static str,
    /// Markdown, in lines of at most 80 characters except for commands, tables and output.
    pub text: &'static str,
}

macro_rules! guides {
    ($($name:ident = $file:literal, $summary:literal;)*) => {
        /// Every guide, in the order of the list.
        pub const ALL: &[Guide] = &[$(Guide {
            name: stringify!($name),
            summary: $summary,
            text: include_str!($file),
        }),*];

        $(#[doc = include_str!($file)] pub mod $name {})*
    };
}

guides! {
    officer = "guide/officer.md", "The weekly review: read, decide, sign, keep";
    engineer = "guide/engineer.md", "Set-up: trail, role, bucket, KMS, organization, schedule";
    responder = "guide/responder.md", "An incident: window, proof, actors, evidence";
    auditor = "guide/auditor.md", "Years later: check ledger and sealed reports without trailscan";
    rules = "guide/rules.md", "Write, test and explain Sigma rules";
    coverage = "guide/coverage.md", "How to read coverage and exit codes";
    integrity = "guide/integrity.md", "What digests prove, also of copies";
}

/// The guide of that name.
pub fn find(name: &str) -> Option<&'static Guide> {
    ALL.iter().find(|guide| guide.name == name)
}

/// Names and summaries, one guide a line.
pub fn list() -> String {
    let mut list = String::from("Guides, printed by `trailscan guide NAME`:\n");
    for guide in ALL {
        // writing to a String cannot fail
        let _ = writeln!(list, "  {:<10} {}", guide.name, guide.summary);
    }
    list
}
