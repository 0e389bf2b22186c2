//! `trailscan init --from-policy`: what policies say that the configuration asks for.

use crate::commands::Exit;

pub(super) fn run(files: &[String]) -> anyhow::Result<Exit> {
    drop(files);
    Ok(Exit::Done)
}
