//! Values that a shell can complete although the parser takes more than those: clap's own list of
//! possible values refuses whatever is not in it.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};

use crate::rules::load;
use crate::severity::Severity;

/// Reads a value by `FromStr` and suggests `values` to shells.
#[derive(Clone)]
pub(super) struct Hinted<T> {
    values: fn() -> Vec<PossibleValue>,
    read: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Hinted<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let read = self.read;
        let parser = StringValueParser::new().try_map(move |text| read(&text));
        parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.values)().into_iter()))
    }
}

/// A level, or what else `T` reads.
pub(super) fn level<T>() -> Hinted<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Clone + Send + Sync + 'static,
{
    Hinted {
        values: || levels().collect(),
        read: |text| text.parse().map_err(|error: T::Err| error.to_string()),
    }
}

/// A level or `never`.
pub(super) fn level_or_never() -> Hinted<super::FailOn> {
    Hinted {
        values: || levels().chain([PossibleValue::new("never")]).collect(),
        ..level()
    }
}

fn levels() -> impl Iterator<Item = PossibleValue> {
    Severity::DESCENDING
        .into_iter()
        .map(|level| PossibleValue::new(level.as_str()))
}

/// The name or id of a rule, of which the names of our own are known.
pub(super) fn rule() -> Hinted<String> {
    Hinted {
        values: || load::builtin_names().map(PossibleValue::new).collect(),
        read: |text| Ok(text.to_owned()),
    }
}
