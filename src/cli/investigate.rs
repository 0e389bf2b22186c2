//! `trailscan investigate`.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, ValueEnum};

use super::{AwsChoice, EventChoice, Running, Selection};

/// `trailscan investigate`
#[derive(Debug, Args)]
pub struct Investigate {
    /// A folder, a file, or s3://BUCKET[/PREFIX] [default: the buckets of your trails]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,

    #[command(flatten)]
    pub events: EventChoice,
    /// Begin with the actors of this finding, named by its ID or the first characters of it
    #[arg(long, value_name = "ID", requires = "report", help_heading = "Events")]
    pub finding: Option<String>,
    /// The folder of the report that --finding names
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Events")]
    pub report: Option<PathBuf>,
    /// Only what happened up to TIME before and after the event with this ID: --around ID 15m. Without
    /// another choice of events, its caller is investigated
    #[arg(long, num_args = 2, value_names = ["EVENT_ID", "TIME"], help_heading = "Events")]
    pub around: Vec<String>,

    #[command(flatten)]
    pub selection: Selection,

    /// Output format
    #[arg(long, value_enum, default_value_t = InvestigateFormat::Text, help_heading = "Output")]
    pub format: InvestigateFormat,
    /// Also write investigation.json and timeline.csv to this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// With --out: also write objects.csv with the key of every S3 object. Keys may name patients
    #[arg(long, requires = "out", help_heading = "Output")]
    pub objects: bool,
    /// Write to the folder even if it holds files that trailscan did not write, or other users may write
    /// to it
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Print no progress and no notes; errors are still printed
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
    /// Configuration file, for its time zone, accounts and ePHI [default: trailscan.toml or
    /// .trailscan.toml in the working directory]
    #[arg(long, value_name = "FILE", env = "TRAILSCAN_CONFIG", value_hint = ValueHint::FilePath, help_heading = "Selection")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub running: Running,

    #[command(flatten)]
    pub aws: AwsChoice,
}

/// `--format` of `trailscan investigate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InvestigateFormat {
    /// The answer, then chain, timeline, data, changes and pivots
    Text,
    /// The content of investigation.json
    Json,
}
