//! `trailscan review`: what people decide about a stored run, and how they sign for it. No log is read.

mod bundle;
mod decide;
mod desk;
mod except;
mod list;
mod reported;
mod sign;
mod ssh;
mod verify;
mod walk;

use super::Exit;
use crate::cli::review::{Review, ReviewCommand};
pub(super) use bundle::MANIFEST;
use desk::Desk;
pub(super) use reported::{check_named, of_report};

pub(super) fn run(arguments: &Review) -> anyhow::Result<Exit> {
    let desk = Desk::new(&arguments.place)?;
    let Some(command) = &arguments.command else {
        return walk::walk(&desk, arguments.by.as_deref());
    };
    match command {
        ReviewCommand::List(arguments) => list::list(&desk, arguments),
        ReviewCommand::Show { id } => list::show(&desk, id),
        ReviewCommand::Decide(arguments) => decide::decide(&desk, arguments),
        ReviewCommand::Except(arguments) => except::except(&desk, arguments),
        ReviewCommand::Import(arguments) => decide::import(&desk, arguments),
        ReviewCommand::Sign(arguments) => sign::sign(&desk, arguments),
        ReviewCommand::Approve(arguments) => sign::approve(&desk, arguments),
        ReviewCommand::Register { format } => list::register(&desk, *format),
        ReviewCommand::Addendum(arguments) => sign::addendum(&desk, arguments),
        ReviewCommand::Verify(arguments) => verify::verify(&desk, arguments),
    }
}
