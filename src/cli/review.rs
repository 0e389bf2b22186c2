//! The command line of `trailscan review`.

use std::path::PathBuf;

use chrono::{Days, NaiveDate};
use clap::builder::ValueHint;
use clap::{Args, Subcommand, ValueEnum};

use super::ListFormat;
use crate::ledger::entry::Decision;
use crate::review::exception::{DEFAULT_DAYS, MOST_DAYS};

/// `trailscan review`
#[derive(Debug, Args)]
pub struct Review {
    #[command(flatten)]
    pub place: ReviewPlace,
    /// Your name, for decisions made in the walk through the open matters
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub by: Option<String>,
    #[command(subcommand)]
    pub command: Option<ReviewCommand>,
}

/// What is reviewed, and where decisions are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Review")]
pub struct ReviewPlace {
    /// Folder of the run that is reviewed [default: the one in report/ whose window ends last]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub run: Option<PathBuf>,
    /// Ledger: the append-only file of decisions and signatures [default: as configured, else
    /// trailscan.ledger beside the configuration or in the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub ledger: Option<PathBuf>,
    /// Configuration file [default: trailscan.toml or .trailscan.toml in the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "TRAILSCAN_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List the open matters: findings without a decision, and those of earlier weeks
    List(ListMatters),
    /// Show a finding with its evidence and everything that was decided about it
    Show {
        /// The finding's id, or its beginning
        id: String,
    },
    /// Record a decision on one or more findings
    Decide(Decide),
    /// Except a pattern of findings from review until a date, or end an exception
    Except(Except),
    /// Record the decisions that somebody filled in in findings.csv
    Import(Import),
    /// Sign the run: seal its files and record their hash
    Sign(Sign),
    /// Approve a signed period, as another person than the reviewer
    Approve(Approve),
    /// Print the review register: one row per period, for auditors
    Register {
        /// Output format
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Record that a later run of a signed period found something else
    Addendum(RecordAddendum),
    /// Check the ledger: changed, removed or re-ordered lines, missing weeks, signatures
    #[command(
        after_help = "Exit codes:\n  0  the ledger holds\n  2  could not start\n  3  the ledger holds, but something is missing: a week without a signature,\n     a signature that could not be checked, a clock that was set back, bytes\n     of a write that was cut short\n  4  broken: a line, a sealed file or a signature was changed, or the anchor\n     is not in the ledger"
    )]
    Verify(VerifyLedger),
}

/// `trailscan review list`
#[derive(Debug, Args)]
pub struct ListMatters {
    /// Also list what is decided or excepted
    #[arg(long)]
    pub all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
}

/// `--format` of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Table,
    Csv,
    Json,
}

/// `trailscan review decide`
#[derive(Debug, Args)]
pub struct Decide {
    /// The ids of findings, or their beginnings
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// What it is; `investigating` needs --owner and --due, `reopened` takes a decision back
    #[arg(long, value_enum)]
    pub disposition: Decision,
    /// Why, in words that an auditor understands years later
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reason: String,
    /// Change, incident or ticket number
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub ticket: Option<String>,
    /// Who follows it up
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub owner: Option<String>,
    /// When it is due: a date such as 2026-12-31, or 14d for a number of days from today
    #[arg(long, value_name = "DATE", value_parser = parse_due)]
    pub due: Option<Due>,
    /// Your name
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub by: String,
}

impl ValueEnum for Decision {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::TruePositive,
            Self::Benign,
            Self::Expected,
            Self::Investigating,
            Self::Reopened,
        ]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let name = match self {
            Self::TruePositive => "true-positive",
            Self::Benign => "benign",
            Self::Expected => "expected",
            Self::Investigating => "investigating",
            Self::Reopened => "reopened",
        };
        Some(clap::builder::PossibleValue::new(name))
    }
}

/// `trailscan review except`
#[derive(Debug, Args)]
pub struct Except {
    /// The rule, by name or Sigma id
    #[arg(long, value_name = "NAME", value_parser = parse_text, required_unless_present = "revoke")]
    pub rule: Option<String>,
    /// Only findings about this actor; * and ? are wildcards
    #[arg(long, value_name = "PATTERN", value_parser = parse_text)]
    pub actor: Option<String>,
    /// Only findings about this resource; * and ? are wildcards
    #[arg(long, value_name = "PATTERN", value_parser = parse_text)]
    pub resource: Option<String>,
    /// Only findings in this account; * and ? are wildcards
    #[arg(long, value_name = "PATTERN", value_parser = parse_text)]
    pub account: Option<String>,
    /// Why nobody need act
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reason: String,
    /// Who is responsible for the activity
    #[arg(long, value_name = "NAME", value_parser = parse_text, required_unless_present = "revoke")]
    pub owner: Option<String>,
    /// Who approved the exception
    #[arg(long, value_name = "NAME", value_parser = parse_text, required_unless_present = "revoke")]
    pub approver: Option<String>,
    /// How many days it holds, from 1 to 365
    #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_DAYS, value_parser = clap::value_parser!(u64).range(1..=MOST_DAYS))]
    pub days: u64,
    /// The last day on which it holds, instead of --days
    #[arg(long, value_name = "DATE", conflicts_with = "days")]
    pub expires: Option<NaiveDate>,
    /// End this exception, such as x17
    #[arg(long, value_name = "ID", conflicts_with_all = ["rule", "actor", "resource", "account", "owner", "approver", "days", "expires"])]
    pub revoke: Option<String>,
    /// Your name
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub by: String,
}

/// `trailscan review import`
#[derive(Debug, Args)]
pub struct Import {
    /// findings.csv with the columns disposition, reason and decided_by filled in; columns ticket, owner
    /// and due (2026-12-31) are read if somebody added them
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Whose decisions they are where decided_by is empty
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub by: Option<String>,
}

/// `trailscan review sign`
#[derive(Debug, Args)]
pub struct Sign {
    /// Your name
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub reviewer: String,
    /// Your role
    #[arg(long, value_name = "ROLE", value_parser = parse_text)]
    pub role: String,
    /// What you state; it must name an incomplete run, and critical and high findings without a decision
    /// [default: that each critical and high finding has a disposition, and the others are listed]
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub statement: Option<String>,
    #[command(flatten)]
    pub key: SshKey,
}

/// `trailscan review approve`
#[derive(Debug, Args)]
pub struct Approve {
    /// Your name
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub approver: String,
    /// Your role
    #[arg(long, value_name = "ROLE", value_parser = parse_text)]
    pub role: String,
    /// What you state
    #[arg(long, value_name = "TEXT", value_parser = parse_text, default_value = "I have read the signed review of this period and approve it.")]
    pub statement: String,
    #[command(flatten)]
    pub key: SshKey,
}

/// A key to sign with.
#[derive(Debug, Args)]
pub struct SshKey {
    /// Also sign with this SSH key by `ssh-keygen -Y sign`; a public key uses the agent
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ssh_key: Option<PathBuf>,
}

/// `trailscan review addendum`
#[derive(Debug, Args)]
pub struct RecordAddendum {
    /// Why the period was looked at again
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    pub reason: String,
    /// Your name
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    pub by: String,
}

/// `trailscan review verify`
#[derive(Debug, Args)]
pub struct VerifyLedger {
    /// A head that the ledger had at some time, or a file with one: the ledger must contain it. Without an
    /// anchor nobody can see lines cut from the end, or a ledger that was written again as a whole
    #[arg(long, value_name = "HASH|FILE", value_hint = ValueHint::FilePath)]
    pub anchor: Vec<String>,
    /// Who may sign with which SSH key, in the format of `ssh-keygen -Y verify`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub allowed_signers: Option<PathBuf>,
    /// Folder with the sealed runs, one folder per period; their files are checked
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub bundles: Option<PathBuf>,
}

/// A day as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    On(NaiveDate),
    InDays(u16),
}

impl Due {
    /// The day itself.
    pub fn on(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::On(date) => date,
            Self::InDays(days) => today
                .checked_add_days(Days::new(days.into()))
                .unwrap_or(today),
        }
    }
}

/// Reads a date, or a number of days.
///
/// # Errors
/// It is neither.
pub fn parse_due(text: &str) -> Result<Due, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days
        .filter(|days| (1..=3_650).contains(days))
        .map(Due::InDays);
    let due = days.or_else(|| text.parse().ok().map(Due::On));
    due.ok_or_else(|| {
        format!("`{text}` is not a day: use 2026-12-31, or 14d for 14 days from today")
    })
}

/// The longest text that a person may type.
const MOST_TEXT: usize = 4_000;

/// Text that says something and fits a line of the ledger.
fn parse_text(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    match text.chars().count() {
        ..=MOST_TEXT => Ok(text.to_owned()),
        count => Err(format!(
            "it has {count} characters: write at most {MOST_TEXT}"
        )),
    }
}
