//! Spans of time that are asked about hour after hour: sorted once, then found by bisection.

use crate::coverage::{Digest, DigestState, HOUR};
use crate::event::time::Epoch;

/// Spans that together cover some time, without overlaps and in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<(Epoch, Epoch)>);

impl Spans {
    /// The same time as these spans, in any order.
    pub(super) fn new(mut spans: Vec<(Epoch, Epoch)>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<(Epoch, Epoch)> = Vec::new();
        for (from, until) in spans {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = until.max(*end),
                _ => joined.push((from, until)),
            }
        }
        Self(joined)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Epoch, Epoch)> {
        self.0.iter().copied()
    }

    /// The spans that reach into `[from, until)`.
    pub(super) fn overlapping(
        &self,
        from: Epoch,
        until: Epoch,
    ) -> impl Iterator<Item = (Epoch, Epoch)> {
        let first = self.0.partition_point(|(_, end)| *end <= from);
        let here = self.0.get(first..).unwrap_or_default().iter().copied();
        here.take_while(move |(start, _)| *start < until)
    }

    /// How far the time is covered without a gap from a moment on: the moment itself where it is not.
    fn covered(&self, from: Epoch) -> Epoch {
        let next = self.0.partition_point(|(_, end)| *end <= from);
        match self.0.get(next) {
            Some((start, end)) if *start <= from => *end,
            _ => from,
        }
    }
}

/// The digests of an account and Region.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    /// The time that valid digests speak for.
    spoken_for: Spans,
    /// Digests that are not invalid and name files which are not there: where each begins, and the latest
    /// end of these and all before.
    missing: Vec<(Epoch, Epoch)>,
    /// The time of all digests that name files which are not there.
    lacking: Spans,
    /// How many there are, and how many of these are invalid.
    pub(super) all: u64,
    pub(super) invalid: u64,
}

impl Digests {
    pub(super) fn new<'d>(
        digests: impl IntoIterator<Item = (&'d (Epoch, Epoch), &'d Digest)>,
    ) -> Self {
        let mut own = Self::default();
        let mut spans = Vec::new();
        let mut lacking = Vec::new();
        for (&(from, until), digest) in digests {
            own.all += 1;
            if digest.missing > 0 {
                lacking.push((from, until));
            }
            if digest.state == DigestState::Invalid {
                own.invalid += 1;
                continue;
            }
            if digest.state == DigestState::Valid {
                spans.push((from, until));
            }
            if digest.missing > 0 {
                own.missing.push((from, until));
            }
        }
        own.spoken_for = Spans::new(spans);
        own.lacking = Spans::new(lacking);
        own.missing.sort_unstable();
        let mut latest = Epoch::MIN;
        for (_, until) in &mut own.missing {
            latest = latest.max(*until);
            *until = latest;
        }
        own
    }

    /// True if valid digests speak for all of `[from, until)` and no digest misses a file in it.
    pub(super) fn prove(&self, from: Epoch, until: Epoch) -> bool {
        let mut lacking = self.lacking.overlapping(from, until);
        lacking.next().is_none() && self.spoken_for.covered(from) >= until
    }

    /// Whether valid digests speak for all of `[known, until)`, a part of the hour that begins at `hour`, and
    /// whether any of those that do misses a file.
    pub(super) fn of_hour(&self, hour: Epoch, known: Epoch, until: Epoch) -> (bool, bool) {
        let covered = self.spoken_for.covered(known);
        let begun = self
            .missing
            .partition_point(|(from, _)| *from < hour + HOUR && *from <= covered);
        let last = begun.checked_sub(1).and_then(|last| self.missing.get(last));
        (covered >= until, last.is_some_and(|(_, end)| *end > hour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one pass over all digests says, as the hours were judged before.
    fn slow(
        all: &[((Epoch, Epoch), Digest)],
        hour: Epoch,
        known: Epoch,
        until: Epoch,
    ) -> [bool; 2] {
        let (mut known, mut missing) = (known, false);
        for ((from, to), digest) in all {
            let over = *from < hour + HOUR && *to > hour;
            if !over || digest.state == DigestState::Invalid || *from > known {
                continue;
            }
            if digest.state == DigestState::Valid {
                known = known.max(*to);
            }
            missing |= digest.missing > 0;
        }
        [known >= until, missing]
    }

    #[test]
    fn bisection_says_what_a_walk_over_all_digests_says() {
        let mut seed = 7_u64;
        let mut random = |below: i64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..2_000 {
            let mut all: Vec<((Epoch, Epoch), Digest)> = (0..random(9))
                .map(|_| {
                    let from = random(40) * 600;
                    let state = [
                        DigestState::Invalid,
                        DigestState::Unchecked,
                        DigestState::Valid,
                    ];
                    let digest = Digest {
                        state: state[usize::try_from(random(3)).unwrap()],
                        logs: 2,
                        missing: random(3).unsigned_abs() / 2,
                    };
                    ((from, from + (1 + random(10)) * 600), digest)
                })
                .collect();
            all.sort_unstable_by_key(|(time, _)| *time);
            all.dedup_by_key(|(time, _)| *time);
            let fast = Digests::new(all.iter().map(|(time, digest)| (time, digest)));
            let invalid = |one: &&(_, Digest)| one.1.state == DigestState::Invalid;
            let invalid = all.iter().filter(invalid).count();
            assert_eq!((fast.all, fast.invalid), (all.len() as u64, invalid as u64));
            for hour in 0..7 {
                let hour = hour * HOUR;
                let known = hour + random(4) * 600;
                let until = hour + HOUR - random(3) * 600;
                let (covered, missing) = fast.of_hour(hour, known, until);
                assert_eq!(
                    [covered, missing],
                    slow(&all, hour, known, until),
                    "{all:?} {hour}"
                );
            }
        }
    }
}
