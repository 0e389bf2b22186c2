//! What digests prove of each hour, for the coverage: an hour without logs is quiet or has a gap.

use crate::coverage::{Coverage, Digest, DigestState};
use crate::integrity::proof::{Proof, State};

/// Adds to the coverage what every digest of the proof says of its time. Backfill digests are left out:
/// what one of them names, the digest of the hour does not.
pub fn add_proven_hours(proof: &Proof, coverage: &mut Coverage) {
    for chain in proof.chains.iter().filter(|chain| !chain.backfill) {
        let region = coverage.region(&chain.account, &chain.region);
        for hour in &chain.hours {
            let state = match hour.found.state {
                State::Valid => DigestState::Valid,
                State::NotProven => DigestState::Unchecked,
                State::Broken => DigestState::Invalid,
            };
            let digest = Digest {
                state,
                logs: hour.logs.named.into(),
                missing: hour.logs.missing.into(),
            };
            region.digest((hour.start, hour.end), digest);
        }
    }
}
