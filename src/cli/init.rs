//! The command line of `trailscan init`.

use clap::Args;
use clap::builder::ValueHint;

use super::{AwsChoice, Running, Selection};

/// `trailscan init`
#[derive(Debug, Args)]
pub struct Init {
    /// Print a configuration proposed from these policy documents to standard output instead: FILE, named
    /// after its role or user, or ROLE=FILE; also what `aws iam get-account-authorization-details` prints
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath, conflicts_with = "source")]
    pub from_policy: Vec<String>,
    /// Propose values from the logs of SOURCE: a folder, a file, `-`, or s3://BUCKET[/PREFIX]. Each line
    /// is commented with its evidence
    #[arg(id = "source", long = "from-logs", value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub from_logs: Option<String>,

    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub running: Running,
    #[command(flatten)]
    pub aws: AwsChoice,
}
