//! The command line of `trailscan schema`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::report::output::Output;

/// The name of the configuration's schema.
const CONFIG: &str = "config";

/// `trailscan schema`
#[derive(Debug, Args)]
#[command(
    after_help = "Each output file names its version in `schema`. A version may gain fields; a field is removed, renamed or changed in meaning only with a new version."
)]
pub struct ShowSchema {
    /// Which file
    #[arg(value_name = "NAME", value_parser = names())]
    pub file: Described,
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Described {
    Output(Output),
    /// trailscan.toml
    Config,
}

/// The names of the schemas, which shells complete.
fn names() -> impl TypedValueParser<Value = Described> {
    let outputs = Output::ALL
        .iter()
        .filter(|output| output.schema().is_some());
    let outputs = outputs.map(|output| PossibleValue::new(output.stem()).help(output.file()));
    let config = PossibleValue::new(CONFIG).help("trailscan.toml, for editors");
    PossibleValuesParser::new(outputs.chain([config])).try_map(|name| match &*name {
        CONFIG => Ok(Described::Config),
        name => Output::with_schema(name)
            .map(Described::Output)
            .ok_or("no file has this name"),
    })
}
