//! The program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    trailscan::commands::run(trailscan::cli::Cli::parse())
}
