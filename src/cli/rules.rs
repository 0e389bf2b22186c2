//! The command line of `trailscan rules`.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, Subcommand, ValueEnum};

use super::{RuleChoice, completion};
use crate::severity::Severity;

/// `trailscan rules`
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// List the rules in use, including those that need configuration
    List(ListRules),
    /// Check rules: exit 1 if a rule cannot be used, and warn about rules that can never match
    Lint(LintRules),
    /// Run rules against their samples: exit 1 if a rule misses a hit or matches a near miss
    Test(TestRules),
    /// Explain why a rule matches an event or does not
    Explain(ExplainRule),
    /// Propose the narrowest Sigma filter that silences benign findings and keeps the rule's samples
    #[command(
        after_help = "The filter is printed as YAML with its proof; nothing is changed. Review it, save it, and\nadd it with --rules FILE."
    )]
    Tune(TuneRule),
}

/// Where rules come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleSource {
    /// Add Sigma rules from these folders or files
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// Do not use the built-in rules
    #[arg(long)]
    pub no_builtin_rules: bool,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Table,
    Json,
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Text,
    Json,
}

/// `trailscan rules list`
#[derive(Debug, Args)]
pub struct ListRules {
    /// Only rules at or above this level
    #[arg(long, value_name = "LEVEL", value_parser = completion::level::<Severity>())]
    pub level: Option<Severity>,
    /// Only rules that cite this section or one below it: 164.312(b)
    #[arg(long, value_name = "SECTION")]
    pub citation: Option<String>,
    /// Only rules that name this service: kms
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only rules for this ATT&CK technique or one below it: T1078
    #[arg(long, value_name = "TECHNIQUE")]
    pub attack: Option<String>,
    /// Add a column that says whether an earlier run could assess each rule; RUN_JSON is its run.json
    #[arg(long, value_name = "RUN_JSON", value_hint = ValueHint::FilePath)]
    pub seen_by: Option<PathBuf>,
    /// List the catalogue of detections instead, each with its rules or the reason why it has none
    #[arg(long, conflicts_with_all = ["level", "citation", "service", "attack", "seen_by"])]
    pub catalogue: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,

    #[command(flatten)]
    pub choice: RuleChoice,
}

/// `trailscan rules lint`
#[derive(Debug, Args)]
pub struct LintRules {
    /// Folders or files to check [default: all rules in use]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Also exit 1 on warnings
    #[arg(long)]
    pub strict: bool,

    #[command(flatten)]
    pub choice: RuleChoice,
}

/// `trailscan rules test`
#[derive(Debug, Args)]
pub struct TestRules {
    /// Names or ids of rules [default: all rules in use]
    #[arg(value_name = "RULE", value_parser = completion::rule(), hide_possible_values = true)]
    pub names: Vec<String>,
    /// Folder with a RULE.jsonl for each rule [default: samples/rules beside the rules and in the working directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub samples: Option<PathBuf>,

    #[command(flatten)]
    pub from: RuleSource,
    /// Configuration file [default: trailscan.toml in the folder of the samples, then that of the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub config: Option<PathBuf>,
}

/// `trailscan rules explain`
#[derive(Debug, Args)]
pub struct ExplainRule {
    /// Name or id of the rule
    #[arg(value_parser = completion::rule(), hide_possible_values = true)]
    pub rule: String,
    /// A log file or `-`; FILE#N selects record N, counted from 0 as in the report's evidence
    #[arg(value_hint = ValueHint::FilePath)]
    pub event: String,
    /// The record with this eventID
    #[arg(long, value_name = "ID")]
    pub event_id: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,

    #[command(flatten)]
    pub choice: RuleChoice,
}

/// `trailscan rules tune`
#[derive(Debug, Args)]
pub struct TuneRule {
    /// Name or id of the rule
    #[arg(value_parser = completion::rule(), hide_possible_values = true)]
    pub rule: String,
    /// Ids of findings that are benign; they are looked up in the report
    #[arg(long, value_name = "FINDING_ID", num_args = 1.., requires = "report")]
    pub benign: Vec<String>,
    /// Folder of the report, with its findings.json
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub report: Option<PathBuf>,
    /// Log files whose records are benign
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "benign")]
    pub events: Vec<PathBuf>,
    /// Cases (.jsonl) or log files that the rule must still match, besides its samples
    #[arg(long, value_name = "SAMPLE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub keep: Vec<PathBuf>,
    /// Folder with a RULE.jsonl for each rule [default: samples/rules beside the rules and in the working directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub samples: Option<PathBuf>,

    #[command(flatten)]
    pub choice: RuleChoice,
}
