//! `trailscan search`.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, ValueEnum};

use super::{AwsChoice, Running, Selection};

/// `trailscan search`
#[derive(Debug, Args)]
pub struct Search {
    /// A folder, a file, `-` (standard input), or s3://BUCKET[/PREFIX] [default: the buckets of your
    /// trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    #[command(flatten)]
    pub events: EventChoice,

    #[command(flatten)]
    pub selection: Selection,

    /// Output format
    #[arg(long, value_enum, default_value_t = SearchFormat::Table, help_heading = "Output")]
    pub format: SearchFormat,
    /// Show at most N events, the first in time order; 0 shows all [default: 100 in a table, else all]
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub limit: Option<usize>,
    /// Print only how many events match
    #[arg(long, conflicts_with_all = ["format", "limit"], help_heading = "Output")]
    pub count: bool,
    /// Print no progress and no notes; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// Configuration file, for its time zone and accounts [default: trailscan.toml or .trailscan.toml in
    /// the working directory]
    #[arg(long, value_name = "FILE", env = "TRAILSCAN_CONFIG", value_hint = ValueHint::FilePath, help_heading = "Selection")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// Which events. An event must fit every option that is given; of several values of one option, one.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub struct EventChoice {
    /// Calls of this principal: an ARN, or the name of a user, role or session
    #[arg(long, value_name = "ARN|NAME")]
    pub principal: Vec<String>,
    /// Calls made with this access key, and calls that issued or changed it
    #[arg(long, value_name = "ID")]
    pub access_key: Vec<String>,
    /// Calls from this address or network: 198.51.100.7, 198.51.100.0/24
    #[arg(long, value_name = "ADDRESS|CIDR", value_parser = parse_address)]
    pub ip: Vec<String>,
    /// Calls whose user agent contains this text
    #[arg(long, value_name = "TEXT")]
    pub user_agent: Vec<String>,
    /// Calls of this name: GetSecretValue, 'Delete*'
    #[arg(long, visible_alias = "event", value_name = "NAME")]
    pub event_name: Vec<String>,
    /// Calls to this service: s3, kms, signin
    #[arg(long, value_name = "SERVICE")]
    pub service: Vec<String>,
    /// Calls about a resource whose name or ARN contains this text: bucket, object key, secret, KMS key,
    /// role
    #[arg(long, value_name = "NAME|ARN")]
    pub resource: Vec<String>,
    /// Calls that ended this way
    #[arg(long, value_enum)]
    pub outcome: Vec<OutcomeChoice>,
    /// Calls with this error code: AccessDenied, '*Throttl*'
    #[arg(long, value_name = "CODE")]
    pub error_code: Vec<String>,
    /// The event with this ID
    #[arg(long, value_name = "ID")]
    pub event_id: Vec<String>,
    /// Records in which this text occurs anywhere; given several times, all must occur
    #[arg(long, value_name = "TEXT")]
    pub text: Vec<String>,
    /// A Sigma detection: 'eventName: ConsoleLogin', or search identifiers with their condition
    #[arg(long = "where", value_name = "DETECTION")]
    pub detection: Option<String>,
}

/// `--outcome`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutcomeChoice {
    Success,
    /// Refused for want of permission
    Denied,
    /// Any other error
    Failed,
}

/// `--format` of `trailscan search`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchFormat {
    /// One event a line: time, outcome, call, principal, address, target
    Table,
    /// One JSON object a line, with the facts of the event
    Jsonl,
    /// The same facts for a spreadsheet
    Csv,
    /// The records as logged, one a line, with credentials masked
    Raw,
}

fn parse_address(text: &str) -> Result<String, String> {
    let network = text.parse::<ipnet::IpNet>().is_ok();
    let address = text.parse::<std::net::IpAddr>().is_ok();
    match network || address {
        true => Ok(text.to_owned()),
        // CloudTrail names services here
        false if text.ends_with(".amazonaws.com") || text == "AWS Internal" => Ok(text.to_owned()),
        false => Err(
            "expected an address such as 198.51.100.7 or a network such as 198.51.100.0/24"
                .to_owned(),
        ),
    }
}
