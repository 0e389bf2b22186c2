//! What was typed, option by option, so that a report can say how to make it again. It is read out of clap's
//! own answer: an option that is added later is in it without a line of code.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

/// An argument that was typed, or came from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name without the hyphens; empty for SOURCE.
    pub option: String,
    /// Each value as it was typed; none where the option has none.
    pub values: Vec<OsString>,
}

/// The arguments of a subcommand, in the order of its help.
pub(super) fn given(command: &clap::Command, matches: &ArgMatches) -> Vec<Given> {
    let typed = |arg: &&Arg| {
        matches!(
            matches.value_source(arg.get_id().as_str()),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    };
    let argument = |arg: &Arg| {
        let raw = matches.get_raw(arg.get_id().as_str());
        let raw: Vec<OsString> = raw.into_iter().flatten().map(OsStr::to_owned).collect();
        let values = match (arg.get_action(), arg.get_value_delimiter()) {
            (ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count, _) => Vec::new(),
            (_, Some(delimiter)) => vec![raw.join(OsStr::new(delimiter.encode_utf8(&mut [0; 4])))],
            (_, None) => raw,
        };
        Given {
            option: arg.get_long().unwrap_or_default().to_owned(),
            values,
        }
    };
    command
        .get_arguments()
        .filter(typed)
        .map(argument)
        .collect()
}
