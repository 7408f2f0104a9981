//! Two workers on a list of attempts. A worker that is not heard of for long is a failure, and does not keep the test from
//! ending: that is why they are not joined.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const WORKERS: usize = 2;

/// No attempt takes as long, however slow the machine.
const HANG: Duration = Duration::from_secs(90);

/// Does attempts 0 to `count` and hands on what came out, in any order, until told to stop by `false`.
pub(super) fn work<T: Send + 'static>(
    count: usize,
    attempt: impl Fn(usize) -> T + Send + Sync + 'static,
    mut take: impl FnMut(T) -> bool,
) {
    let (attempt, next, stop) = (Arc::new(attempt), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (told, heard) = mpsc::channel();
    let crew: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (attempt, next, stop, told) = (attempt.clone(), next.clone(), stop.clone(), told.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    let at = next.fetch_add(1, Ordering::AcqRel);
                    if at >= count || told.send(attempt(at)).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(told);
    loop {
        match heard.recv_timeout(HANG) {
            Ok(outcome) => {
                if !take(outcome) {
                    stop.store(true, Ordering::Release);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("an attempt hangs"),
        }
    }
    for worker in crew {
        worker.join().expect("no worker panics");
    }
}
