//! `trailscan privileges`: what can be typed.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, ValueEnum};

use super::{AwsChoice, Running, Selection};

/// `trailscan privileges`
#[derive(Debug, Args)]
pub struct Privileges {
    /// A folder, a file, `-` (standard input), or s3://BUCKET[/PREFIX] [default: the buckets of your
    /// trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,
    /// Only these roles and users, by name or ARN [default: all that the policies name]
    #[arg(value_name = "ROLE")]
    pub roles: Vec<String>,

    /// Policy documents: FILE, named after its role or user, or ROLE=FILE; also what `aws iam
    /// get-account-authorization-details`, get-role, get-role-policy, get-user-policy and
    /// get-policy-version print [default: iam.policies of the configuration]
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath, help_heading = "Policies")]
    pub policies: Vec<String>,
    /// Only this role or user, by name or ARN; may be given several times
    #[arg(long, value_name = "ROLE", help_heading = "Policies")]
    pub role: Vec<String>,
    /// Also report each role session
    #[arg(long, help_heading = "Policies")]
    pub sessions: bool,
    /// Proposed policies also allow what was used outside the documents
    #[arg(long, help_heading = "Policies")]
    pub include_outside: bool,

    #[command(flatten)]
    pub selection: Selection,

    /// Output format
    #[arg(long, value_enum, default_value_t = PrivilegesFormat::Text, help_heading = "Output")]
    pub format: PrivilegesFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Also write the proposed policies to this folder, one file per document: ROLE.json
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub proposals: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Configuration file, for its time zone, iam.policies and principals.break_glass [default:
    /// trailscan.toml or .trailscan.toml in the working directory]
    #[arg(long, value_name = "FILE", env = "TRAILSCAN_CONFIG", value_hint = ValueHint::FilePath, help_heading = "Selection")]
    pub config: Option<PathBuf>,
    /// Print no progress; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// `--format` of `trailscan privileges`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrivilegesFormat {
    /// One section per role or user, with its proposed policy
    Text,
    Json,
}
