//! `trailscan guide`: prints a guide, or the list of guides.

use super::{Exit, print};
use crate::cli::ShowGuide;
use crate::guide;
use crate::safe_text::TerminalText;

pub(super) fn run(arguments: &ShowGuide) -> anyhow::Result<Exit> {
    match arguments.guide {
        Some(guide) => print(&TerminalText::lines(guide.text))?,
        None => print(&TerminalText::lines(&guide::list()))?,
    }
    Ok(Exit::Done)
}
