//! Objects on their way from the runtime that fetches them to the workers.
//!
//! To wake a thread costs more than to hand an object over: workers that wait are woken once for all
//! that come in one turn of the runtime. And what one thread has made costs the allocator least where
//! the same thread frees it: workers give back what is left.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;

/// How many are taken from the channel at once, and of how many what is left is given back at most.
const AT_ONCE: usize = 1 << 6;

/// What has come and was not taken yet, and what is left of what was.
pub(super) struct BatchQueue<T, L> {
    queued: Mutex<QueueState<T, L>>,
    more: Condvar,
}

struct QueueState<T, L> {
    objects: VecDeque<T>,
    recycled: Vec<L>,
    /// No more will come.
    ended: bool,
}

impl<T, L> Default for BatchQueue<T, L> {
    fn default() -> Self {
        Self {
            queued: Mutex::new(QueueState {
                objects: VecDeque::new(),
                recycled: Vec::new(),
                ended: false,
            }),
            more: Condvar::new(),
        }
    }
}

impl<T, L> BatchQueue<T, L> {
    /// Lays out whatever comes, until no sender is left.
    pub(super) async fn receive(&self, mut receiver: UnboundedReceiver<T>) {
        let (mut came, mut recycled) = (Vec::new(), Vec::new());
        while receiver.recv_many(&mut came, AT_ONCE).await > 0 {
            // whatever else is to be done in this turn may bring more
            tokio::task::yield_now().await;
            while let Ok(object) = receiver.try_recv() {
                came.push(object);
            }
            {
                let mut queued = self.queued();
                queued.objects.extend(came.drain(..));
                std::mem::swap(&mut queued.recycled, &mut recycled);
            }
            self.more.notify_all();
            recycled.clear();
        }
        self.queued().ended = true;
        self.more.notify_all();
    }

    /// The next object; waits for one that is on its way. Nothing after the last. What is left of
    /// another may be given back.
    pub(super) fn next(&self, recycled: Option<L>) -> Option<T> {
        let mut queued = self.queued();
        let room = AT_ONCE.saturating_sub(queued.recycled.len());
        queued.recycled.extend(recycled.into_iter().take(room));
        let waiting = |queued: &mut QueueState<T, L>| queued.objects.is_empty() && !queued.ended;
        let queued = self.more.wait_while(queued, waiting);
        let mut queued = queued.unwrap_or_else(PoisonError::into_inner);
        queued.objects.pop_front()
    }

    fn queued(&self) -> MutexGuard<'_, QueueState<T, L>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::thread;

    use tokio::sync::mpsc;

    use super::*;

    /// Counts the values that are still alive.
    type Recycled = Arc<()>;

    #[test]
    fn everything_that_comes_is_taken_once_and_workers_end_after_the_last() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        let arrivals = Arc::new(BatchQueue::<u32, Recycled>::default());
        let arriving = Arc::clone(&arrivals);
        let receiving = runtime.spawn(async move { arriving.receive(receiver).await });
        let recycled = Recycled::default();
        let take = || {
            let (mut taken, mut last) = (Vec::new(), None);
            while let Some(number) = arrivals.next(last.take()) {
                taken.push(number);
                last = Some(Arc::clone(&recycled));
            }
            taken
        };
        let taken: Vec<Vec<u32>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(take)).collect();
            for number in 0..10_000 {
                sender.send(number).unwrap();
                if number % 1_000 == 0 {
                    thread::yield_now();
                }
            }
            drop(sender);
            workers.into_iter().map(|one| one.join().unwrap()).collect()
        });
        runtime.block_on(receiving).unwrap();
        assert!(taken.iter().all(|taken| taken.is_sorted()), "in order");
        let all: BTreeSet<u32> = taken.iter().flatten().copied().collect();
        assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 10_000);
        assert_eq!(all.len(), 10_000);
        assert!(Arc::strong_count(&recycled) <= 1 + AT_ONCE);
        drop(arrivals);
        assert_eq!(Arc::strong_count(&recycled), 1);
    }
}
