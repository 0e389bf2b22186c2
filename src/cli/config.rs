//! The command line of `trailscan config`.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, Subcommand, ValueEnum};

use super::{RuleChoice, RuleSource};

/// `trailscan config`
#[derive(Debug, Subcommand)]
pub enum Configuration {
    /// Check a configuration: exit 2 on faults, each with its line and what was expected
    Check(CheckConfig),
    /// Show each value in effect, where it comes from, and which rules each missing key disables
    Show(ShowConfig),
}

/// `trailscan config check`
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Configuration file [default: trailscan.toml or .trailscan.toml in the working directory]
    #[arg(value_hint = ValueHint::FilePath, env = "TRAILSCAN_CONFIG")]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub from: RuleSource,
}

/// `trailscan config show`
#[derive(Debug, Args)]
pub struct ShowConfig {
    /// How it is printed
    #[arg(long, value_enum, default_value_t = ConfigFormat::Text)]
    pub format: ConfigFormat,

    #[command(flatten)]
    pub choice: RuleChoice,
}

/// `--format` of `trailscan config show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    Text,
    Json,
}
