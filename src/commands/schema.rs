//! `trailscan schema`: prints the JSON Schema of an output file or of the configuration.

use anyhow::Context as _;

use super::{Exit, print};
use crate::cli::{Described, ShowSchema};
use crate::config;
use crate::safe_text::TerminalText;

pub(super) fn run(arguments: &ShowSchema) -> anyhow::Result<Exit> {
    let schema = match arguments.file {
        Described::Output(output) => output.schema(),
        Described::Config => Some(config::schema()),
    };
    let schema = schema.context("this file has no schema")?;
    let text = serde_json::to_string_pretty(&schema)? + "\n";
    print(&TerminalText::json(&text))?;
    Ok(Exit::Done)
}
