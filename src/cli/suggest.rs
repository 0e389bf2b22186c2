//! What a mistyped command means.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Adds the commands that an unknown one may mean, if clap found none: for short words its measure
/// (Jaro) looks at no letter out of its place, so `rn` is not like `run`.
pub(super) fn suggested(
    mut error: clap::Error,
    cli: &clap::Command,
    arguments: &[OsString],
) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand
        || error.get(ContextKind::SuggestedSubcommand).is_some()
    {
        return error;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    // the unknown word stands behind the commands that are known
    let mut command = cli;
    for argument in arguments.iter().skip(1) {
        match command.find_subcommand(argument) {
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
