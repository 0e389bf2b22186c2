//! The command line of `trailscan guide`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};

use crate::guide::{self, Guide};

/// `trailscan guide`
#[derive(Debug, Args)]
pub struct ShowGuide {
    /// Which guide [default: list them]
    #[arg(value_name = "NAME", value_parser = names())]
    pub guide: Option<&'static Guide>,
}

/// The names of the guides, which shells complete.
fn names() -> impl clap::builder::TypedValueParser<Value = &'static Guide> {
    let name = |guide: &Guide| PossibleValue::new(guide.name).help(guide.summary);
    PossibleValuesParser::new(guide::ALL.iter().map(name))
        .try_map(|name| guide::find(&name).ok_or("no guide has this name"))
}
