//! What is durable, and waiting for it.
//!
//! [`Durable<T>`] is the proof that a value's record is on disk. Only the journal can make one, and
//! the success reply accepts nothing else, so an answer before the flush does not compile.
//!
//! Promises: a wait ends with the group commit that covers it, or with [`OutcomeUnknown`] when the
//! journal stopped first; nothing is ever undone, so a wait that succeeded stays true. What was
//! durable before a stop is still answered as durable.
//!
//! Cost: one atomic load when it is durable already; else one small lock to leave a waker, and
//! exactly the waiters of a group are woken by it. Bounds: a waiter that goes away leaves its waker
//! behind until its sequence number is durable; seats bound how many that can be.
//!
//! Not here: who writes (`writer`). This file knows numbers and wakers only.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};

use thiserror::Error;

use super::sync::{AtomicU8, AtomicU64, Mutex, Thread, current, park};
use crate::sabotage::{Bug, planted};

/// Waiters are spread by sequence number, so that registering them does not become a queue.
const SHARDS: usize = 16;

const RUNNING: u8 = 0;
const CLOSED: u8 = 1;
const POISONED: u8 = 2;

/// The journal stopped before it could say whether the record survived. It may or may not be there
/// after a restart; the caller has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the outcome is unknown: the journal stopped before the record was known to be durable")]
pub struct OutcomeUnknown;

/// A value whose record is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable<T> {
    value: T,
    seq: u64,
}

impl<T> Durable<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The record that made it durable; 0 if it needed none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Another view of the same durable fact.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Durable<U> {
        Durable { value: change(self.value), seq: self.seq }
    }
}

impl<T> AsRef<T> for Durable<T> {
    fn as_ref(&self) -> &T {
        &self.value
    }
}

/// How far the disk is, and who waits for more.
pub(super) struct Progress {
    durable: AtomicU64,
    end: AtomicU8,
    shards: [Mutex<Vec<Waiting>>; SHARDS],
}

struct Waiting {
    seq: u64,
    waker: Waker,
}

impl Progress {
    pub(super) fn new(durable: u64) -> Progress {
        Progress {
            durable: AtomicU64::new(durable),
            end: AtomicU8::new(RUNNING),
            shards: std::array::from_fn(|_| Mutex::new(Vec::new())),
        }
    }

    /// Last durable sequence number.
    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.end.load(Ordering::Acquire) == POISONED
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.load(Ordering::Acquire) != RUNNING
    }

    /// Everything up to `seq` is durable: wakes whoever waited for that.
    pub(super) fn publish(&self, seq: u64) {
        let before = self.durable.swap(seq, Ordering::AcqRel);
        assert!(seq >= before, "what is durable never shrinks");
        self.wake(seq);
    }

    /// Nothing more will become durable.
    pub(super) fn close(&self) {
        self.finish(CLOSED);
    }

    /// Nothing more will become durable, because the disk failed.
    pub(super) fn poison(&self) {
        self.finish(POISONED);
    }

    fn finish(&self, how: u8) {
        // The first cause stands, except that poison overrules an orderly end.
        self.end.fetch_max(how, Ordering::AcqRel);
        self.wake(u64::MAX);
    }

    fn wake(&self, seq: u64) {
        for shard in &self.shards {
            // The position was stored before this lock is taken, and a waiter looks again under it:
            // either it sees the new position or its waker is already here.
            let due: Vec<Waiting> = shard.lock().extract_if(.., |waiting| waiting.seq <= seq).collect();
            for waiting in due {
                waiting.waker.wake();
            }
        }
    }

    /// Resolves once `seq` is durable.
    pub(super) fn reach(self: &Arc<Self>, seq: u64) -> Reach {
        Reach { progress: self.clone(), seq, left: None }
    }

    /// Resolves once the journal is poisoned; never after an orderly end.
    pub(super) async fn poisoned(self: Arc<Self>) {
        let _ = self.reach(u64::MAX).await;
        if !self.is_poisoned() {
            std::future::pending::<()>().await;
        }
    }

    fn look(&self, seq: u64) -> Option<Result<(), OutcomeUnknown>> {
        // The end is read first: what became durable before it must still be seen as durable.
        let ended = self.has_ended();
        if self.durable() >= seq {
            Some(Ok(()))
        } else if ended {
            Some(Err(OutcomeUnknown))
        } else {
            None
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "durable up to {}", self.durable())
    }
}

/// Waits until a sequence number is durable.
#[derive(Debug)]
pub(super) struct Reach {
    progress: Arc<Progress>,
    seq: u64,
    /// The waker left behind, so that polling twice leaves one.
    left: Option<Waker>,
}

impl Future for Reach {
    type Output = Result<(), OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.progress.look(self.seq) {
            return Poll::Ready(outcome);
        }
        let mut waiting = self.progress.shards[self.seq as usize % SHARDS].lock();
        if let Some(outcome) = self.progress.look(self.seq).filter(|_| !planted(Bug::LostWakeUp)) {
            return Poll::Ready(outcome);
        }
        if !self.left.as_ref().is_some_and(|left| left.will_wake(context.waker())) {
            let waker = context.waker().clone();
            waiting.push(Waiting { seq: self.seq, waker: waker.clone() });
            drop(waiting);
            self.left = Some(waker);
        }
        Poll::Pending
    }
}

/// Waits for `seq` and wraps `value`.
pub(super) async fn durable<T>(reach: Reach, value: T) -> Result<Durable<T>, OutcomeUnknown> {
    let seq = reach.seq;
    reach.await?;
    Ok(Durable { value, seq })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on this thread. For callers without a runtime.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        park();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_wait_ends_with_the_group_that_covers_it() {
        let progress = Arc::new(Progress::new(0));
        let waiters: Vec<_> = (1..=40u64)
            .map(|seq| {
                let progress = progress.clone();
                thread::spawn(move || block_on(durable(progress.reach(seq), seq)).unwrap().into_inner())
            })
            .collect();
        progress.publish(17);
        progress.publish(40);
        let reached: Vec<u64> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
        assert_eq!(reached, (1..=40).collect::<Vec<_>>());
        assert!(progress.shards.iter().all(|shard| shard.lock().is_empty()));
    }

    #[test]
    fn poison_answers_who_waits_and_spares_what_was_durable() {
        let progress = Arc::new(Progress::new(0));
        let waiter = {
            let progress = progress.clone();
            thread::spawn(move || block_on(progress.reach(5)))
        };
        progress.publish(4);
        progress.poison();
        assert_eq!(waiter.join().unwrap(), Err(OutcomeUnknown));
        assert_eq!(block_on(progress.reach(4)), Ok(()));
        assert_eq!(block_on(progress.reach(6)), Err(OutcomeUnknown));
        progress.close();
        assert!(progress.is_poisoned());
        block_on(progress.poisoned());
    }

    #[test]
    fn polling_twice_leaves_one_waker() {
        let progress = Arc::new(Progress::new(0));
        let mut reach = progress.reach(3);
        let waker = Waker::from(Arc::new(Unpark(current())));
        let mut context = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(Pin::new(&mut reach).poll(&mut context).is_pending());
        }
        assert_eq!(progress.shards[3].lock().len(), 1);
    }
}
