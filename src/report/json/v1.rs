//! Version 1 of our JSON files: `findings.json`, `run.json`, `coverage.json` and `integrity.json`, each as a
//! struct with the structs below it.
//!
//! Each file names its version: `"schema": "trailscan.findings/1"`. `trailscan schema NAME` prints the JSON
//! Schema that is generated from these structs, and [`schema`] returns it.
//!
//! # What may change
//!
//! - Version 1 may gain fields, and lists of words may gain words. Readers ignore fields that they do not
//!   know.
//! - A field that is removed or renamed, another type, or another meaning is version 2: new structs in a new
//!   module, next to this one.
//!
//! So these structs are apart from the values they are made of: a rename elsewhere does not compile until
//! the line here says where the field comes from. `tests/integration/schemas/` lists every field with its
//! type, and a test compares the list with the generated schemas.
//!
//! Moments are RFC 3339 texts in UTC. Values from logs are copied as they are: they were chosen by whoever
//! made the call.

mod completeness;
mod coverage;
mod findings;
mod integrity;
mod provenance;
mod rules;
mod run;
mod trails;
mod visibility;

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::event::time::{Epoch, iso};
use crate::severity;

pub use completeness::{Completeness, Days, Gap, Hours, PlaceHours, Window};
pub use coverage::{
    Coverage, CoverageDigest, CoverageHour, DigestState, HourState, ObjectCounts, PlaceCoverage,
    Problem, ProblemKind, RecordCounts, SkipReason, Skipped, Store, Stretch,
};
pub use findings::{
    CallCount, Citation, CitationClass, CitationState, Finding, Findings, MoreFindings, Sample,
};
pub use integrity::{
    Chain, ChainDigest, DigestCounts, DigestGap, DigestLogs, GapKind, Integrity, KeyUse, Log,
    LogCounts, LogFault, Proven, Undigested,
};
pub use provenance::Provenance;
pub use rules::{Assessed, Rejected, RuleOrigin, RuleState, Unconfigured};
pub use run::{IntegritySummary, RegionCounts, Run, RunCoverage};
pub use trails::{Answer, FieldSelector, Selector, Status, Trail, TrailChange};
pub use visibility::{Group, Place, View, Visibility, VisibleStretch};

/// Declares a struct of the schema: each line has a field, its type, and where its value comes from.
macro_rules! view {
    (
        $(#[$about:meta])*
        $name:ident $(<$life:lifetime>)? of $value:tt: $from:ty {
            $($(#[$field_about:meta])* $field:ident: $type:ty = $get:expr,)*
        }
    ) => {
        $(#[$about])*
        #[derive(serde::Serialize, schemars::JsonSchema)]
        pub struct $name $(<$life>)? {
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $(<$life>)? From<$from> for $name $(<$life>)? {
            fn from($value: $from) -> Self {
                Self { $($field: $get,)* }
            }
        }
    };
}

/// Declares an enum of the schema with the same variants as an enum of the program. In JSON each is a word
/// in snake case.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident of $from:ty {
            $($(#[$variant_about:meta])* $variant:ident,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_about])* $variant,)*
        }

        impl From<$from> for $name {
            fn from(word: $from) -> Self {
                type Theirs = $from;
                match word {
                    $(Theirs::$variant => Self::$variant,)*
                }
            }
        }
    };
}

use {view, words};

/// How many account-Regions `coverage.json` and `run.json` list. Real organizations have fewer; whoever
/// writes records chooses how many there are.
const MOST_PLACES: usize = 20_000;

/// How many places a group of the visibility lists. Every view lists all places, so the file would grow with
/// their product.
const MOST_GROUPED: usize = 1_000;

/// The first values of a list.
fn first<T>(all: &[T], most: usize) -> &[T] {
    all.get(..most).unwrap_or(all)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The JSON Schema (draft 2020-12) of a file that is written from `T`.
pub fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

words! {
    /// Sigma's levels.
    Severity of severity::Severity {
        Informational,
        Low,
        Medium,
        High,
        Critical,
    }
}

/// A moment: RFC 3339, UTC, whole seconds.
pub struct Time(Epoch);

impl From<Epoch> for Time {
    fn from(time: Epoch) -> Self {
        Self(time)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&iso(self.0))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A period: its beginning and its end, which is not part of it.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Period(Time, Time);

impl From<&(Epoch, Epoch)> for Period {
    fn from((from, until): &(Epoch, Epoch)) -> Self {
        Self(Time(*from), Time(*until))
    }
}

/// A list of `T`, each made from a value of the collection `C` while the list is written: they are never in
/// memory together.
pub struct List<'r, T, C: ?Sized>(&'r C, PhantomData<fn() -> T>);

impl<'r, T, C: ?Sized> List<'r, T, C> {
    /// The list of everything in the collection.
    pub const fn of(all: &'r C) -> Self {
        Self(all, PhantomData)
    }
}

impl<'r, T, C: ?Sized> Serialize for List<'r, T, C>
where
    &'r C: IntoIterator,
    T: From<<&'r C as IntoIterator>::Item> + Serialize,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.into_iter().map(T::from))
    }
}

impl<T: JsonSchema, C: ?Sized> JsonSchema for List<'_, T, C> {
    fn schema_name() -> Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Vec::<T>::schema_id()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static MADE: Cell<usize> = const { Cell::new(0) };
        static LIVE: Cell<usize> = const { Cell::new(0) };
    }

    /// A number that knows how many others are in memory.
    struct Counted(u32);

    impl From<&u32> for Counted {
        fn from(number: &u32) -> Self {
            MADE.set(MADE.get() + 1);
            LIVE.set(LIVE.get() + 1);
            assert_eq!(LIVE.get(), 1);
            Self(*number)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            LIVE.set(LIVE.get() - 1);
        }
    }

    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_u32(self.0)
        }
    }

    #[test]
    fn the_values_of_a_list_are_made_one_after_the_other() {
        let numbers: Vec<u32> = (0..200_000).collect();
        let list: List<'_, Counted, [u32]> = List::of(&numbers);
        serde_json::to_writer_pretty(std::io::sink(), &list).unwrap();
        assert_eq!((MADE.get(), LIVE.get()), (200_000, 0));
    }
}
