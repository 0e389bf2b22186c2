//! trailscan: from a CloudTrail bucket to a HIPAA audit report, in one command.
//!
//! This page is the map of the source code. To use the program, read the [guides](guide) or run
//! `trailscan guide`.
//!
//! # How a run works
//!
//! ```text
//!  source            decode               event              detect             tally             report
//!  folder ┐                                                                                   ┌ terminal
//!  S3     ┼▶ Object ─▶ gunzip (capped), ─▶ Event: hot fields ─▶ compiled rules ─▶ Tally ──────▶ correlate ─▶ Report ┼ HTML, PDF
//!  stdin  ┘  bytes     Records[] one by    found in one pass,   behind an index   (in order)                      └ JSON, CSV, XLSX
//!                      one                 the rest on demand
//!    async ends here │            N workers, one object each                      │ once, in order
//! ```
//!
//! Each log object passes through the stages once. Stages do not know each other: they exchange the
//! nouns at the top of the module list. A worker turns one object into an [`ObjectScan`](tally::ObjectScan);
//! the [`Tally`](tally::Tally) accepts these in the order of the objects, whoever finishes first, so
//! a report does not depend on the number of workers. The report is a function of the final tally,
//! the rules and the configuration.
//!
//! The modules are listed in the order of the flow, and a module imports only what is listed above
//! it. `tests/integration/layout.rs` enforces this.
//!
//! # Reading order
//!
//! 1. [`event`], [`finding`] and [`coverage`]: what a record is, what a result is, and what is known
//!    about the logs that were read.
//! 2. [`pipeline`]: how objects get from [`source`] through [`decode`] and [`detect`] into [`tally`].
//! 3. [`rules`], then [`derive`](mod@derive): how a Sigma rule becomes a compiled condition, and the
//!    fields that it can use beyond those of the record.
//! 4. [`correlate`] and [`history`]: rules that count, and rules that find new behavior.
//! 5. [`trail`], [`assess`] and [`report`]: which rules could see their events, and how a report says so.
//! 6. [`digest`] and [`integrity`]: which logs are proven to be what AWS wrote.
//! 7. [`ledger`] and [`review`]: what people decided about findings, signed and approved.
//! 8. [`cli`] and [`commands`]: how arguments become a run and an exit code.
//!
//! | question | module |
//! |---|---|
//! | When is a call after hours? | [`derive::calendar`] |
//! | How are AWS's errors classified? | [`derive::outcome`] |
//! | What does an exit code mean, and which one wins? | [`guide::coverage`], `commands/verdict.rs` |
//! | How is a digest chain checked? | [`digest`], [`integrity::proof`] |
//! | How are cells of a CSV made safe? | [`safe_text::Cell`] |
//! | When is a request to S3 repeated? | `source/s3/fetch.rs`, [`aws`] |
//! | When is an hour a gap, and a run incomplete? | [`assess::hours`], [`assess::completeness`] |
//! | Which words and rows do HTML and PDF share? | [`report::document`] |
//! | When is a rule "partly assessed"? | `assess/visibility.rs`, [`trail::Timeline`] |
//! | When are two records the same event? | `tally/duplicates.rs` |
//! | Which files are written, and when? | [`report::output`] |
//! | Which fields do the JSON files have, and what may change? | [`report::json::v1`] |
//!
//! # Glossary
//!
//! CloudTrail's words are those of the
//! [CloudTrail User Guide](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html),
//! Sigma's those of the [Sigma specification](https://github.com/SigmaHQ/sigma-specification).
//!
//! | term | meaning |
//! |---|---|
//! | object | a file in a bucket or folder; a *log* if it holds records |
//! | record, event | one entry of `Records` in a log; the event is what it describes |
//! | event time, delivery time | when the call was completed; when its log was written to S3 |
//! | window | the period asked for, in event time, end not included |
//! | actor, resource | who made the calls of a finding, and what they were about |
//! | finding | one rule, one actor, one resource, one period, with count and samples |
//! | correlation | a rule over matches of other rules: a count or an order within a time span |
//! | derived field | a fact that a record implies, as a field for rules: `trailscan.outcome` |
//! | placeholder | a list in a rule that the configuration fills: `%phi_buckets%` |
//! | workload | a role or user that is a program and may work at any hour |
//! | class of events | management reads, management writes, data events of a resource type, … |
//! | selectors | a trail's settings of which classes it records |
//! | assessed, partly, not assessed | whether a rule could see its events, by account, Region and hour |
//! | blind spot | where and when a rule could not see its events |
//! | gap | hours whose logs are known to be missing |
//! | dormant | an account that is expected to have days without logs |
//! | digest | CloudTrail's signed list of log hashes, one an hour, linked to the one before |
//! | valid, broken, not proven | what digests say of a log: unchanged; altered, removed or added; unknown |
//! | tally | everything read so far, accumulated in the order of the objects |
//! | disposition | a person's decision on a finding: true positive, benign, expected, investigating |
//! | exception | findings that for a reason and a time need no decision |
//! | ledger | the append-only file of dispositions, exceptions, signatures and approvals |
//! | head | the hash of the ledger's last line |
//! | state file | first-seen history and cached results, so that a run need not read everything |
//!
//! # Example
//!
//! The built-in rules over one log file in memory:
//!
//! ```
//! use trailscan::decode::{DecodeError, Decoder};
//! use trailscan::derive::Organization;
//! use trailscan::rules::load::{self, Settings};
//!
//! let log = br#"{"Records":[{"eventVersion":"1.11","eventTime":"2026-11-19T14:00:00Z",
//!     "eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"us-east-1",
//!     "userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},
//!     "requestParameters":{"name":"audit"}}]}"#;
//!
//! let rules = load::load(&load::builtin(), &Settings::default());
//! let organization = Organization::default();
//! let mut matches = Vec::new();
//! Decoder::new(256).decode(log, &mut |_record, event| {
//!     rules.matches(event, &organization, |rule| matches.push(rules.rules[rule].name.clone()));
//! })?;
//! assert!(matches.iter().any(|rule| rule == "aws_cloudtrail_trail_stopped"));
//! # Ok::<(), DecodeError>(())
//! ```

// ---- what the data is: nouns that import nothing of the stages ----

// AWS's partitions: Regions, ARNs, host names
pub mod partition;

// how much a finding matters
pub mod severity;

// the hash that names findings, rule sets and configurations
pub mod sha256;

// hash tables that nobody can make slow by choosing their keys
pub mod seeded;

// locks of files that another process may exchange
pub mod file_lock;

// files that a person names, read up to a size
pub mod small_file;

// string interning: each text is kept once
pub mod interner;

// text that somebody else chose, made safe for terminal, page and CSV
pub mod safe_text;

// one CloudTrail record, borrowed from the buffer it lies in
pub mod event;

// counts and durations in words
pub mod words;

// what a rule found
pub mod finding;

// a trail: what it records, and what was done to it
pub mod trail;

// what was read and what was not
pub mod coverage;

// the window of a run, and its words
pub mod window;

// where a report comes from
pub mod provenance;

// what digests say about logs, and what that proves
pub mod integrity;

// everything a run has read so far
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

// IAM policy documents, and what they say of a call
pub mod policy;

// facts that a record implies, as fields for rules
pub mod derive;

// Sigma rules: loaded, checked, compiled, indexed
pub mod rules;

// rules against one event
pub mod detect;

// windows over hits, after the merge
pub mod correlate;

// rules that find new behavior
pub mod history;

// tests of rules on their samples
pub mod rule_test;

// events that somebody asks for
pub mod search;

// the chain of an attack, from any of its events
pub mod investigate;

// ---- what is said ----

// completeness, hours, visibility and rule states: decided here, worded in the report
pub mod assess;

// the record of what people decided, signed and approved
pub mod ledger;

// what the ledger's lines add up to: decisions, exceptions, open matters, signed periods
pub mod review;

// the report as a value, and its renderers
pub mod report;

// the guides of `trailscan guide`
pub mod guide;

// ---- what drives it ----

// trailscan.toml: as written, and resolved
pub mod config;

// history and cached results of earlier runs, in one SQLite file
pub mod state;

// worker threads, and the channel from async fetching to them
pub mod pipeline;

// what can be typed
pub mod cli;

// one file a subcommand
pub mod commands;
