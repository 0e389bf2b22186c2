//! An incident: everything that a caller did, what came of it, and what else has a part in it.
//!
//! An investigation begins with the events that somebody asks for. It follows the credentials that these
//! calls were given, the users and keys they made and the instances they entered, and so finds the calls
//! that belong to the same chain. A call belongs to the chain if one of these holds:
//!
//! 1. it was asked for;
//! 2. its access key was issued by a call of the chain (AssumeRole, CreateAccessKey, …);
//! 3. its user was created by a call of the chain;
//! 4. its session is that of an instance on which the chain ran a command or opened a session, and it
//!    came from an address that the chain used.
//!
//! Everything else that shares an address, a key or a user agent with the chain is a pivot: it is counted
//! and named, and not part of the timeline.

mod calls;
mod chain;
mod changes;
mod pivots;
mod report;
mod text;
mod timeline;
mod touched;

use std::io;

pub use calls::{CHANGES, ISSUES, SELECTED, rules};
pub use chain::Chain;
pub use changes::{Change, Containment};
pub use pivots::{Pivot, Shares};
pub use report::{Investigation, Party, Step};
pub use text::summary;
pub use timeline::Entry;
pub use touched::Touched;

use crate::tally::{SortedRecords, UsageRow};
use calls::Call;
use report::Gathering;

/// Finds out which credentials belong to the chain, from the records that match [`rules`].
///
/// # Errors
/// A record cannot be read back.
pub fn first_pass(
    chain: &mut Chain,
    records: &SortedRecords,
    usages: &[UsageRow<'_>],
    object: &dyn Fn(u32) -> String,
) -> io::Result<()> {
    for record in records.iter() {
        let record = record?;
        chain.read(&Call::new(&record, object(record.object)), &record.rules);
    }
    chain.close(usages);
    Ok(())
}

/// Gathers the answer from the records that match [`rules`] and [`Chain::rule`]. `phi` are patterns of
/// names that hold ePHI.
///
/// # Errors
/// A record cannot be read back.
pub fn last_pass(
    chain: &Chain,
    records: &SortedRecords,
    usages: &[UsageRow<'_>],
    phi: &[String],
    object: &dyn Fn(u32) -> String,
) -> io::Result<Investigation> {
    let mut gathering = Gathering::new(chain);
    for record in records.iter() {
        let record = record?;
        gathering.add(&Call::new(&record, object(record.object)), &record.rules);
    }
    Ok(gathering.finish(usages, phi))
}
