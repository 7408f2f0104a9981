//! Seats, group commit and waiters under orders that a scheduler chooses: the whole journal on a simulated disk.
//!
//! Two kinds of order: priorities that change at few random places (PCT, which finds a bug of depth d with a known chance)
//! and plain chance. A lost wake-up shows as a deadlock, which the scheduler reports with the order that led there.
//! `ORDAIN_SCHEDULES` sets how many orders of each kind per test (default 1,500).

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::select;
use shuttle::scheduler::{PctScheduler, RandomScheduler};

use super::*;
use crate::journal::durable::block_on;
use crate::journal::sync::{scheduled, spawn};

fn under_many_schedules(body: impl Fn() + Copy + Send + Sync + 'static) {
    let count = std::env::var("ORDAIN_SCHEDULES").map_or(1_500, |n| n.parse().unwrap());
    let seed = std::env::var("ORDAIN_SEED").map_or(1, |n| n.parse().unwrap());
    scheduled(PctScheduler::new_from_seed(seed, 3, count), body);
    scheduled(RandomScheduler::new_from_seed(seed, count), body);
    let thread = std::thread::current();
    let test = thread.name().and_then(|name| name.rsplit("::").next()).unwrap_or_default();
    println!("schedules test={test} seed={seed} orders={}", 2 * count);
}

/// Several threads wait each for its own record; each is told only once its record is on the disk.
#[test]
fn every_waiter_is_woken_by_the_group_that_covers_its_record_and_not_before() {
    under_many_schedules(|| {
        let disk = Simulated::new(1);
        let (journal, _) = open(&disk).unwrap();
        let journal = Arc::new(journal);
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let (journal, disk) = (journal.clone(), disk.clone());
                spawn("waiter", move || {
                    for _ in 0..2 {
                        let seat = journal.seat(Priority::Normal).unwrap();
                        let stamp = journal.append(journal.encode(&draft(7)).unwrap());
                        let told = journal.durable_blocking(stamp.seq, stamp.seq).unwrap();
                        assert!(disk.durable_frames_reach(told.into_inner()), "told before it was on the disk");
                        drop(seat);
                    }
                })
                .unwrap()
            })
            .collect();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!((journal.durable_seq(), journal.counted().seats_used), (6, 0));
    });
}

/// An usher that comes late and goes early: whoever waits is woken, called by it or not.
#[test]
fn an_usher_leaves_nobody_waiting() {
    under_many_schedules(|| {
        let disk = Simulated::new(1);
        let (journal, _) = open(&disk).unwrap();
        let journal = Arc::new(journal);
        let ushering = spawn("usher", {
            let journal = journal.clone();
            move || {
                let four_are_durable = pin!(journal.durable(4, ()));
                block_on(select(pin!(journal.usher(|| ready(()))), four_are_durable));
            }
        });
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let journal = journal.clone();
                spawn("waiter", move || {
                    for _ in 0..2 {
                        let stamp = journal.append(journal.encode(&draft(7)).unwrap());
                        block_on(journal.durable(stamp.seq, ())).unwrap();
                    }
                })
                .unwrap()
            })
            .collect();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        ushering.unwrap().join().unwrap();
        assert_eq!(journal.durable_seq(), 6);
    });
}

/// The same while the journal closes or its disk fails: the usher ends with it, and everybody is answered.
#[test]
fn an_usher_of_a_journal_that_ends_leaves_nobody_waiting() {
    for fails in [false, true] {
        let body = move || {
            let disk = Simulated::new(1);
            let (journal, _) = open(&disk).unwrap();
            let journal = Arc::new(journal);
            if fails {
                disk.fail_sync_after(1);
            }
            let ushering = spawn("usher", {
                let journal = journal.clone();
                move || {
                    let ended = pin!(journal.durable(u64::MAX, ()));
                    block_on(select(pin!(journal.usher(|| ready(()))), ended));
                }
            });
            let waiters: Vec<_> = (0..2)
                .map(|_| {
                    let journal = journal.clone();
                    spawn("waiter", move || {
                        for _ in 0..2 {
                            let stamp = journal.append(journal.encode(&draft(7)).unwrap());
                            let _ = block_on(journal.durable(stamp.seq, ()));
                        }
                    })
                    .unwrap()
                })
                .collect();
            if !fails {
                journal.close().unwrap();
            }
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            drop(journal.close());
            ushering.unwrap().join().unwrap();
            assert_eq!(journal.is_poisoned(), fails);
        };
        under_many_schedules(body);
    }
}

/// A failing sync while others append and wait: all are answered, nobody with a yes that is not on the disk.
#[test]
fn a_failing_sync_answers_everybody_and_acknowledges_nothing_after_it() {
    under_many_schedules(|| {
        let disk = Simulated::new(1);
        let (journal, _) = open(&disk).unwrap();
        let journal = Arc::new(journal);
        disk.fail_sync_after(2);
        let acknowledged = Arc::new(AtomicU64::new(0));
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let (journal, acknowledged) = (journal.clone(), acknowledged.clone());
                spawn("waiter", move || {
                    for _ in 0..2 {
                        let Ok(_seat) = journal.seat(Priority::Normal) else { return };
                        let stamp = journal.append(journal.encode(&draft(7)).unwrap());
                        if let Ok(told) = journal.durable_blocking(stamp.seq, stamp.seq) {
                            acknowledged.fetch_max(told.into_inner(), Ordering::SeqCst);
                        }
                    }
                })
                .unwrap()
            })
            .collect();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert!(journal.is_poisoned() || journal.durable_seq() == 6);
        assert!(disk.durable_frames_reach(acknowledged.load(Ordering::SeqCst)), "told and lost");
    });
}

/// A close while others append and wait: what was appended before it is written, and everybody is answered.
#[test]
fn a_close_leaves_nobody_waiting() {
    under_many_schedules(|| {
        let disk = Simulated::new(1);
        let (journal, _) = open(&disk).unwrap();
        let journal = Arc::new(journal);
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (journal, disk) = (journal.clone(), disk.clone());
                spawn("waiter", move || {
                    for _ in 0..2 {
                        let stamp = journal.append(journal.encode(&draft(7)).unwrap());
                        let told = journal.durable_blocking(stamp.seq, ());
                        assert!(told.is_err() || disk.durable_frames_reach(stamp.seq));
                    }
                })
                .unwrap()
            })
            .collect();
        journal.close().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert!(!journal.is_poisoned());
    });
}

/// Seats are given back whatever the order, and kept ones are never taken by new work.
#[test]
fn seats_are_counted_right_under_every_order() {
    under_many_schedules(|| {
        let seats = Arc::new(seat::Seats::default());
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let seats = seats.clone();
                spawn("taker", move || {
                    // One normal seat is left: of three takers at most one has it at any time.
                    let taken = seats.take(SEATS - SEATS_KEPT - 1, Priority::Normal);
                    let kept = seats.take(SEATS - SEATS_KEPT - 1, Priority::Kept);
                    assert!(kept.is_ok(), "a kept seat is there");
                    drop((taken, kept));
                })
                .unwrap()
            })
            .collect();
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!(seats.out(), 0);
        assert!(seats.take(SEATS - SEATS_KEPT - 1, Priority::Normal).is_ok());
    });
}
