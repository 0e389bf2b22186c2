//! trailscan: from a CloudTrail bucket to a HIPAA audit report, in one command.
//!
//! A trail object flows once, from S3 to a finding, through stages that do not know each other;
//! everything a stage learns is a value that merges; the report is a function of the merged value.
//!
//! ```text
//!  source            decode               event              detect             tally             report
//!  folder ┐                                                                                   ┌ terminal
//!  S3     ┼▶ Object ─▶ gunzip (capped), ─▶ Event: hot fields ─▶ compiled rules ─▶ Tally ──────▶ correlate ─▶ Report ┼ HTML
//!  stdin  ┘  bytes     Records[] one by    found in one pass,   behind an index   (in order)                      └ JSON, CSV
//!                      one                 the rest on demand
//!    async ends here │            N workers, one object each, no locks between    │ once, in order
//! ```
//!
//! The modules stand in the order of the flow, and a module imports only what stands above it
//! (`tests/integration/layout.rs` holds them to it).

// ---- what the data is: nouns that import nothing of the stages ----

// AWS's partitions: Regions, ARNs, host names
pub mod partition;

// how much a finding matters
pub mod severity;

// the hash that names findings, rule sets and configurations
pub mod sha256;

// hash tables that nobody can make slow by choosing their keys
pub mod seeded;

// files that a person names, read up to a size
pub mod small_file;

// texts, each kept once
pub mod names;

// text that somebody else chose, made safe for terminal, page and CSV
pub mod safe_text;

// one CloudTrail record, borrowed from the buffer it lies in
pub mod event;

// what a rule found
pub mod finding;

// a trail: what it records, and what was done to it
pub mod trail;

// what was read and what was not
pub mod coverage;

// what digests say of logs, and what that proves
pub mod integrity;

// everything a run learnt
pub mod tally;

// the Security Rule's citations, as data
pub mod hipaa;

// ---- where logs come from ----

// the only place that builds AWS clients
pub mod aws;

// folders, files, standard input, buckets; keys and trails
pub mod source;

// from bytes to records
pub mod decode;

// digests read, and the proof drawn from them
pub mod digest;

// ---- what is looked for ----

// text patterns with `*` and `?`
pub mod wildcard;

// facts that a record implies but does not say
pub mod derive;

// Sigma rules: loaded, checked, compiled, indexed
pub mod rules;

// rules against one event
pub mod detect;

// windows over hits, after the merge
pub mod correlate;

// what is new, by what was before
pub mod history;

// rules held against their own samples
pub mod trial;

// ---- what is said ----

// the report as a value, and its renderers
pub mod report;

// ---- what drives it ----

// trailscan.toml, as written and as meant
pub mod config;

// what earlier runs learnt, in one SQLite file
pub mod state;

// all threads and channels
pub mod pipeline;

// what can be typed
pub mod cli;

// one file a subcommand
pub mod commands;
