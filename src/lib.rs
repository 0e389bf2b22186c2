//! trailscan: from a CloudTrail bucket to a signed HIPAA audit report.

// what the data is: nouns that import nothing of the stages
pub mod severity;

pub mod event;

pub mod finding;

pub mod coverage;

pub mod tally;

pub mod hipaa;

// where logs come from
pub mod aws;

pub mod source;

pub mod decode;

// what is looked for
pub mod wildcard;

pub mod derive;

pub mod rules;

pub mod detect;

pub mod correlate;

// what is said
pub mod report;

// what drives it
pub mod config;

pub mod pipeline;

pub mod cli;

pub mod commands;
