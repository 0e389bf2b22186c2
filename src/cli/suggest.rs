//! What a mistyped command means.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Reads the arguments of the program. Prints help or what is wrong, and ends, if they are no command.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| suggested(error).exit())
}

/// Adds the commands that an unknown one may mean, if clap found none: for short words its measure
/// (Jaro) looks at no letter out of its place, so `rn` is not like `run`.
fn suggested(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand
        || error.get(ContextKind::SuggestedSubcommand).is_some()
    {
        return error;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let cli = Cli::command();
    // the unknown word stands behind the commands that are known
    let mut command = &cli;
    for argument in std::env::args().skip(1) {
        match command.find_subcommand(&argument) {
            Some(below) => command = below,
            None => break,
        }
    }
    let names = command.get_subcommands().map(clap::Command::get_name);
    let alike = names.filter(|name| {
        let most = name.len().div_ceil(2).min(2);
        strsim::osa_distance(typed, name) <= most
    });
    let alike: Vec<String> = alike.map(str::to_owned).collect();
    if !alike.is_empty() {
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(alike),
        );
    }
    error
}
