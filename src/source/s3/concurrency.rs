//! How many requests may be under way: as many as the server bears.
//!
//! The limit grows by one with every answer until the server says "slow down" for the first time,
//! from then on by one with every full round; at every "slow down" it is halved, once a round, so
//! that a burst of refusals from one moment counts once (AIMD, as TCP does it).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where the limit begins: AWS advises many small reads at once
/// ([S3 performance](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)),
/// and at the 100 ms that S3 takes this is half of what it bears on each prefix.
const INITIAL: usize = MAX / 2;
/// At the 100 ms that S3 takes for a small object, 5,120 requests a second: it bears 5,500 on each
/// prefix (the same page). A connection is an open file, and macOS allows 256 of those.
pub(super) const MAX: usize = if cfg!(target_os = "macos") { 192 } else { 512 };
/// A server that cannot bear that many is not there at all.
const MIN: usize = 4;

/// The gate every request goes through.
#[derive(Debug)]
pub(super) struct ConcurrencyLimiter {
    turns: Arc<Semaphore>,
    limit: Mutex<Limit>,
}

#[derive(Debug)]
struct Limit {
    now: usize,
    /// Turns that are out and will not come back: the limit sank while they were taken.
    owed: usize,
    /// Good answers since the limit last grew.
    answers: usize,
    /// Counts the times the limit was halved.
    round: u64,
}

/// One request's turn.
#[derive(Debug)]
pub(super) struct Permit<'g> {
    gate: &'g ConcurrencyLimiter,
    permit: Option<OwnedSemaphorePermit>,
    round: u64,
}

impl Default for ConcurrencyLimiter {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(INITIAL)),
            limit: Mutex::new(Limit {
                now: INITIAL,
                owed: 0,
                answers: 0,
                round: 0,
            }),
        }
    }
}

impl ConcurrencyLimiter {
    /// Waits for a turn; turns are given in the order they were asked for.
    pub(super) async fn turn(&self) -> Permit<'_> {
        let permit = Arc::clone(&self.turns).acquire_owned().await;
        Permit {
            gate: self,
            permit: permit.ok(),
            round: self.limit().round,
        }
    }

    /// The limit as it stands.
    pub(super) fn now(&self) -> usize {
        self.limit().now
    }

    fn limit(&self) -> std::sync::MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The server answered.
    pub(super) fn on_success(self) {
        let mut limit = self.gate.limit();
        // a limit that nobody waits at says nothing about the server
        if limit.now >= MAX || self.gate.turns.available_permits() > 0 {
            return;
        }
        limit.answers += 1;
        if limit.round > 0 && limit.answers < limit.now {
            return;
        }
        limit.answers = 0;
        limit.now += 1;
        if limit.owed > 0 {
            limit.owed -= 1;
        } else {
            self.gate.turns.add_permits(1);
        }
    }

    /// The server asked for less.
    pub(super) fn on_throttled(self) {
        let mut limit = self.gate.limit();
        if limit.round != self.round {
            return;
        }
        let less = (limit.now / 2).max(MIN);
        let taken = limit.now - less;
        let idle = self.gate.turns.forget_permits(taken);
        limit.owed += taken - idle;
        limit.now = less;
        limit.answers = 0;
        limit.round += 1;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut limit = self.gate.limit();
        if limit.owed > 0
            && let Some(permit) = self.permit.take()
        {
            limit.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turns(gate: &ConcurrencyLimiter, count: usize) -> Vec<Permit<'_>> {
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(gate.turn().await);
        }
        turns
    }

    #[tokio::test]
    async fn the_limit_grows_while_it_is_reached_and_stops_at_the_most() {
        let gate = ConcurrencyLimiter::default();
        gate.turn().await.on_success();
        assert_eq!(gate.limit().now, INITIAL, "one at a time needs no more");
        let mut held = turns(&gate, INITIAL).await;
        for _ in 0..MAX {
            held.pop().unwrap().on_success();
            held.extend(turns(&gate, gate.turns.available_permits()).await);
        }
        assert_eq!((gate.limit().now, held.len()), (MAX, MAX));
    }

    #[tokio::test]
    async fn a_burst_of_refusals_halves_the_limit_once_and_it_comes_back_slowly() {
        let gate = ConcurrencyLimiter::default();
        let held = turns(&gate, INITIAL).await;
        for turn in held {
            turn.on_throttled();
        }
        let half = INITIAL / 2;
        assert_eq!(gate.limit().now, half);
        assert_eq!(gate.turns.available_permits(), half);
        let mut held = turns(&gate, half).await;
        for answers in 1..=half {
            assert_eq!(gate.limit().now, half, "{answers}");
            held.pop().unwrap().on_success();
            held.extend(turns(&gate, gate.turns.available_permits()).await);
        }
        assert_eq!((gate.limit().now, held.len()), (half + 1, half + 1));
        drop(held);
        for _ in 0..20 {
            gate.turn().await.on_throttled();
        }
        assert_eq!(gate.limit().now, MIN);
        assert_eq!(gate.turns.available_permits(), MIN);
    }
}
