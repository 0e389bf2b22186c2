//! Attacks that once succeeded, each kept as a test: what an attacker who chooses log content, writes
//! into the log bucket, or hands over a copied folder can do.

mod duplicates;
mod forgery;
mod listing;
mod outputs;
mod records;
mod resources;
