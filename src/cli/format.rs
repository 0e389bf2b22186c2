//! The values of `--format` of `trailscan run`.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::report::output::Output;

/// The words for the files that a user can choose; the others are always written, or never by this option.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    Output::formats().filter_map(Output::format)
}

/// Reads one of these words.
pub(super) fn parser() -> impl TypedValueParser<Value = Output> {
    PossibleValuesParser::new(words()).try_map(|word| {
        let mut formats = Output::formats();
        let chosen = formats.find(|output| output.format() == Some(&*word));
        chosen.ok_or("no file has this format")
    })
}
