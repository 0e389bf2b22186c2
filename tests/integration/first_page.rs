//! What the first page says is true.

mod actors;
mod coverage;
mod digests;
mod public_reports;
mod report;
mod setup;
mod visibility;
