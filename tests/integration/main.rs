//! All integration tests in one binary: the AWS SDK and polars are linked once. `cargo test NAME` runs
//! the tests whose path contains NAME, so `cargo test coverage::` runs one file.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and say what it skipped"
)]

// what tests share
mod chain;
mod loopback;
mod opinions;
mod product;
mod slow;

// one subject a file
mod broken;
mod buckets;
mod cli;
mod configuring;
mod contributing;
mod corpora;
mod correlations;
mod coverage;
mod detection;
mod discovery;
mod documents;
mod faults;
mod formats;
mod getting;
mod history;
mod incremental;
mod integrity;
mod investigating;
mod layout;
mod loading;
mod moto;
mod oracle;
mod partial_tally;
mod plan;
mod privileges;
mod probes;
mod properties;
mod pysigma;
mod readme;
mod reviewing;
mod rule_tools;
mod rules;
mod s3;
mod schema;
mod searching;
mod second_opinion;
mod sigmahq;
mod trails;
mod tuning;
mod twin;
mod verified_buckets;
mod wording;

// attacks that succeeded once
mod attacks;

// what page one says
mod first_page;
