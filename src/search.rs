//! Events that somebody asks for: a question as a Sigma rule, and its answer as lines.
//!
//! A search is a run with a single rule that is made from the question, so all that is true of rules is
//! true of a search: wildcards, derived fields, records in every form, duplicates counted once.

mod line;
mod question;

pub use line::{COLUMNS, Line, record_line, short_principal, short_source};
pub use question::{Question, QuestionError};
