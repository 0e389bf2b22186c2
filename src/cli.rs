//! The command line: what can be typed, and nothing of what it does.

mod completion;
mod format;
mod given;
mod guide;
mod investigate;
mod policy;
mod privileges;
pub mod review;
mod rules;
mod schema;
mod search;
mod suggest;
mod values;
mod window;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::aws::AwsOptions;
use crate::report::output::Output;
use crate::severity::Severity;
pub use given::Given;
pub use guide::ShowGuide;
pub use investigate::{Investigate, InvestigateFormat};
pub use policy::{Bucket, KmsKey, Policy};
pub use privileges::{Init, Privileges, PrivilegesFormat};
pub use rules::{
    ExplainFormat, ExplainRule, LintRules, ListFormat, ListRules, RuleSource, Rules, TestRules,
};
pub use schema::{Described, ShowSchema};
pub use search::{EventChoice, OutcomeChoice, Search, SearchFormat};
use values::{parse_account, parse_jobs, parse_mib, parse_region, parse_role};
pub use window::parse_span;
pub use window::{Week, When};
use window::{parse_week, parse_when};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

/// From a CloudTrail bucket to a HIPAA audit report, in one command.
#[derive(Debug, Parser)]
#[command(name = "trailscan", version, styles = STYLES, max_term_width = 80, after_help = "Exit codes:\n  0  complete, nothing at or above --fail-on\n  1  complete, findings at or above --fail-on\n  2  could not start\n  3  this run is incomplete: a log was not read, a whole day has no log\n     file, the digests show a gap, or integrity was requested and not\n     proven (wins over 1); with --fail-on-unassessed also blind spots\n  4  integrity broken: a log or digest was altered, removed or added\n     (wins over all but 2)")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// They cannot be understood, or ask for help or the version.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let matches = command.try_get_matches_from_mut(&arguments);
        let matches = matches.map_err(|error| suggest::suggested(error, &command, &arguments))?;
        let cli = Self::from_arg_matches(&matches);
        let mut cli = cli.map_err(|error| error.format(&mut command))?;
        if let Command::Run(run) = &mut cli.command
            && let Some((name, matches)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            run.given = given::given(command, matches);
        }
        Ok(cli)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate rules against CloudTrail logs and write the audit report
    Run(Box<Run>),
    /// Report log coverage and which rules could be assessed, by account, Region and hour
    Coverage(Box<Coverage>),
    /// Verify CloudTrail logs against CloudTrail's signed digest files
    #[command(
        mut_arg("since", |since| since.help("Start, by the time of delivery: 7d, 24h, a date such as 2026-11-16, or RFC 3339. Dates are days of the configured time zone, else of UTC [default: everything; for S3 the last 7 days]")),
        after_help = "`run --verify` makes the same check while it reads.\nExit codes: 0 valid, 2 could not start, 3 not proven, 4 broken"
    )]
    Verify(Box<Verify>),
    /// Find events: who called what, when, from where, on which resource
    #[command(
        after_help = "Values may hold the wildcards * and ?; letter case does not count.\nExit codes: 0 all logs were read, 2 could not start, 3 some were not"
    )]
    Search(Box<Search>),
    /// Follow an attack from any of its events: who, what, when, from where, which data, what else
    #[command(
        after_help = "Give one or more of the options under Events. Values may hold the wildcards * and ?.\nExit codes: 0 all logs were read, 2 could not start, 3 some were not"
    )]
    Investigate(Box<Investigate>),
    /// Decide findings, sign and approve a run; without a command, walk through the open matters
    Review(Box<review::Review>),
    /// List, lint, test and explain the rules
    #[command(subcommand)]
    Rules(Rules),
    /// Compare what roles and users did with their IAM policies, and propose narrower ones
    Privileges(Box<Privileges>),
    /// Write a commented configuration to trailscan.toml
    Init(Init),
    /// Print the least-privilege IAM policy for reading a bucket
    Policy(Policy),
    /// Print a guide: weekly review, set-up, incidents, rules, coverage
    Guide(ShowGuide),
    /// Print the JSON Schema of an output file or of the configuration
    Schema(ShowSchema),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// `trailscan run`
#[derive(Debug, Args)]
pub struct Run {
    /// What was typed.
    #[arg(skip)]
    pub given: Vec<Given>,

    /// A folder, a file, `-` (standard input), or s3://BUCKET[/PREFIX] [default: the buckets of your
    /// trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    #[command(flatten)]
    pub selection: Selection,

    /// Folder for report.html, findings.json, findings.csv, coverage.json and run.json, and for report.pdf
    /// and report.xlsx if --format names them; a report in it is replaced as a whole [default: report/ and the window: report/2026-W47, report/all]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Write to the folder even if its findings.csv has been edited, it holds files that trailscan did
    /// not write, or other users may write to it
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Which files to write; coverage.json and run.json are always written
    #[arg(long, value_parser = format::parser(), value_delimiter = ',', default_values = format::defaults(), help_heading = "Output")]
    pub format: Vec<Output>,
    /// Leave out findings below this level
    #[arg(
        long,
        value_name = "LEVEL",
        value_parser = completion::level::<Severity>(),
        default_value = "informational",
        help_heading = "Output"
    )]
    pub min_level: Severity,
    /// Exit 1 if any finding is at or above LEVEL; `never` turns this off
    #[arg(
        long,
        value_name = "LEVEL",
        value_parser = completion::level_or_never(),
        default_value = "high",
        help_heading = "Output"
    )]
    pub fail_on: FailOn,
    /// Exit 3 if a rule at or above LEVEL had blind spots that the configuration does not accept
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "never",
        help_heading = "Output"
    )]
    pub fail_on_unassessed: FailOn,
    /// Print no progress and no summary; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    #[command(flatten)]
    pub rule_choice: RuleChoice,

    #[command(flatten)]
    pub trails: TrailChoice,

    /// Verify every log against CloudTrail's signed digests while it is read
    #[arg(long, conflicts_with = "incremental", help_heading = "Digests")]
    pub verify: bool,
    #[command(flatten)]
    pub digests: DigestChoice,

    /// List what would be read and estimate requests, cost and time; no log file is read
    #[arg(long, help_heading = "Running")]
    pub dry_run: bool,
    /// Skip log files already processed with this state file; the report equals that of a full run
    #[arg(long, help_heading = "Running")]
    pub incremental: bool,
    /// State file: first-seen history and, with --incremental, cached results per log file [default with
    /// --incremental: trailscan.state beside the configuration, else in the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Running")]
    pub state: Option<PathBuf>,
    /// Ledger of the review: its decisions and exceptions are shown in the report [default: as configured,
    /// else trailscan.ledger beside the configuration or in the working directory, if it exists]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Review")]
    pub ledger: Option<PathBuf>,
    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// `trailscan coverage`
#[derive(Debug, Args)]
pub struct Coverage {
    /// A folder, a file, `-` (standard input), or s3://BUCKET[/PREFIX] [default: the buckets of your
    /// trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    #[command(flatten)]
    pub selection: Selection,

    /// Output format
    #[arg(long, value_enum, default_value_t = CoverageFormat::Grid, help_heading = "Output")]
    pub format: CoverageFormat,
    /// Exit 3 if a rule at or above LEVEL had blind spots that the configuration does not accept
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "never",
        help_heading = "Output"
    )]
    pub fail_on_unassessed: FailOn,
    /// Print no progress; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// With --verify: folder for integrity.json and public-keys.json [default: report/ and the window:
    /// report/2026-W47-integrity]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Write to the folder even if its findings.csv has been edited, it holds files that trailscan did
    /// not write, or other users may write to it
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// Also verify every log against CloudTrail's signed digests, and show which hours without events
    /// they prove quiet
    #[arg(long, help_heading = "Digests")]
    pub verify: bool,
    #[command(flatten)]
    pub digests: DigestChoice,

    #[command(flatten)]
    pub rule_choice: RuleChoice,

    /// State file: its first-seen history decides which rules are still learning
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Running")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub trails: TrailChoice,

    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// `--format` of `trailscan coverage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CoverageFormat {
    /// One line of hours per account and Region, then which rules could be assessed
    Grid,
    /// The content of coverage.json as `run` writes it
    Json,
}

/// What reading may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub struct Running {
    /// Worker threads [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = parse_jobs, allow_negative_numbers = true)]
    pub jobs: Option<u16>,
    /// Largest decompressed size of a log file, in MiB; AWS writes at most 50
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = parse_mib, allow_negative_numbers = true)]
    pub max_object_mib: u64,
}

/// Who asks AWS, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsChoice {
    /// Read only the logs of this trail; may be given several times [default: every trail]
    #[arg(long, value_name = "NAME|ARN", conflicts_with = "source")]
    pub trail: Vec<String>,
    /// AWS profile [default: the SDK's standard credential chain]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Assume this role with those credentials and read with it
    #[arg(long, value_name = "ARN", value_parser = parse_role)]
    pub assume_role: Option<String>,
    /// Pay for requests to Requester Pays buckets
    #[arg(long)]
    pub request_payer: bool,
    /// Use this endpoint instead of AWS's own
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

impl AwsChoice {
    /// As the clients take it.
    pub fn options(&self) -> AwsOptions {
        AwsOptions {
            profile: self.profile.clone(),
            assume_role: self.assume_role.clone(),
            request_payer: self.request_payer,
            endpoint_url: self.endpoint_url.clone(),
            region: None,
        }
    }
}

/// `trailscan verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// A folder or s3://BUCKET[/PREFIX] [default: the buckets of your trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub digests: DigestChoice,

    /// Folder for integrity.json and public-keys.json [default: report/ and the window:
    /// report/2026-W47-integrity]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Write to the folder even if its findings.csv has been edited, it holds files that trailscan did
    /// not write, or other users may write to it
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Configuration file, for its time zone [default: trailscan.toml or .trailscan.toml in the working
    /// directory]
    #[arg(long, value_name = "FILE", env = "TRAILSCAN_CONFIG", value_hint = ValueHint::FilePath, help_heading = "Selection")]
    pub config: Option<PathBuf>,
    /// Print no progress and no summary; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// Against what logs are verified.
#[derive(Debug, Args)]
#[command(next_help_heading = "Digests")]
pub struct DigestChoice {
    /// CloudTrail's public keys, as printed by `aws cloudtrail list-public-keys`, one file per Region
    /// [default: asked from CloudTrail in each Region]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub public_keys: Vec<PathBuf>,
    /// SOURCE is a copy of this bucket: digests must name it, and keys are compared from the account ID
    /// on
    #[arg(long, value_name = "BUCKET")]
    pub original_bucket: Option<String>,
}

/// What is known of the trails.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trails")]
pub struct TrailChoice {
    /// Trail settings, as printed by `aws cloudtrail describe-trails` or `get-trail`,
    /// `get-event-selectors`, `get-trail-status` and `get-insight-selectors`; may be given several times
    /// [default: asked from CloudTrail if a bucket is read]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trail_settings: Vec<PathBuf>,
}

/// Which events.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct Selection {
    /// Start, in event time: 7d, 24h, a date such as 2026-11-16, or RFC 3339. Dates are days of the
    /// configured time zone, else of UTC [default: everything; for S3 the last 7 days]
    #[arg(long, value_name = "WHEN", value_parser = parse_when)]
    pub since: Option<When>,
    /// End (exclusive), in the same forms [default: now]
    #[arg(long, value_name = "WHEN", value_parser = parse_when)]
    pub until: Option<When>,
    /// An ISO week of that time zone, Monday to Sunday: 2026-W47, or last for the week before this one
    #[arg(long, value_name = "WEEK", value_parser = parse_week, conflicts_with_all = ["since", "until"])]
    pub week: Option<Week>,
    /// Only these accounts
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = parse_account)]
    pub account: Vec<String>,
    /// Only these Regions; IAM and most sign-in events are in us-east-1
    #[arg(long, value_name = "REGION", value_delimiter = ',', value_parser = parse_region)]
    pub region: Vec<String>,
}

/// Which rules.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleChoice {
    #[command(flatten)]
    pub from: RuleSource,
    /// Configuration file [default: trailscan.toml or .trailscan.toml in the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "TRAILSCAN_CONFIG")]
    pub config: Option<PathBuf>,
}

/// `--fail-on` and `--fail-on-unassessed`: a level, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self(None));
        }
        text.parse()
            .map(|level| Self(Some(level)))
            .map_err(|_error| format!("`{text}` is not a level: use critical, high, medium, low, informational or never"))
    }
}

impl std::fmt::Display for FailOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(level) => level.fmt(f),
            None => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
