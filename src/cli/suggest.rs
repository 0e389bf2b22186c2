//! Hints for mistyped commands and arguments.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Adds a hint to an error about the arguments.
pub(super) fn suggested(
    error: clap::Error,
    cli: &clap::Command,
    arguments: &[OsString],
) -> clap::Error {
    match error.kind() {
        ErrorKind::UnknownArgument => second_source(error, cli, arguments),
        _ => similar_commands(error, cli, arguments),
    }
}

/// Adds a hint where a second SOURCE was given, most often by a path with spaces or a `*`.
fn second_source(
    mut error: clap::Error,
    cli: &clap::Command,
    arguments: &[OsString],
) -> clap::Error {
    let name = arguments.get(1);
    let command = name.and_then(|name| cli.find_subcommand(name));
    let has_source = command.is_some_and(|command| {
        let mut positionals = command.get_positionals();
        positionals.any(|argument| argument.get_id() == "source")
    });
    let is_value = matches!(
        error.get(ContextKind::InvalidArg),
        Some(ContextValue::String(typed)) if !typed.starts_with('-')
    );
    if has_source && is_value {
        let hint = "name one SOURCE; put quotes around a path that has spaces";
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![hint.into()]),
        );
    }
    error
}

/// Adds the commands that an unknown one may mean, if clap found none: for short words its measure
/// (Jaro) ignores letters that are out of place, so `rn` is not like `run`.
fn similar_commands(
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
    // the unknown word follows the known commands
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
