//! The program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    match trailscan::cli::Cli::from_arguments(std::env::args_os()) {
        Ok(cli) => trailscan::commands::run(cli),
        Err(error) => trailscan::commands::explain_usage(&error),
    }
}
