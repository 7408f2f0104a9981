//! The words of stock under every interleaving and every reordering that the memory model allows.
//!
//! loom runs the engine's own [`WordOn`] with its atomics: two or three threads with at most four operations, all
//! executions. What is required: units are conserved, and who takes units sees what was written before they were given.
//! What is *not* here: the protocol around the words (`search`).

use std::sync::atomic::Ordering::{self, Relaxed};

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use crate::engine::cell::{Atomic, Short, WordOn};

type Word = WordOn<AtomicU64>;

impl Atomic for AtomicU64 {
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    fn compare_exchange_weak(&self, seen: u64, next: u64, won: Ordering, lost: Ordering) -> Result<u64, u64> {
        // The strong one: loom does not make weak ones fail, and a spurious failure is one more turn of the loop.
        self.compare_exchange(seen, next, won, lost)
    }

    fn fetch_add(&self, units: u64, order: Ordering) -> u64 {
        self.fetch_add(units, order)
    }

    fn fetch_sub(&self, units: u64, order: Ordering) -> u64 {
        self.fetch_sub(units, order)
    }

    fn store(&self, next: u64, order: Ordering) {
        self.store(next, order);
    }
}

fn word(units: u32) -> Arc<Word> {
    let word = Word::default();
    word.give(units);
    Arc::new(word)
}

#[test]
fn two_takers_never_take_the_same_unit() {
    loom::model(|| {
        let word = word(3);
        let other = word.clone();
        let taker = thread::spawn(move || other.take(2, false).is_ok());
        let mine = word.take(2, false).is_ok();
        let theirs = taker.join().expect("a taker does not panic");
        assert!(mine ^ theirs, "three units are enough for one of two who want two");
        assert_eq!(word.both(), (1, 0));
    });
}

#[test]
fn three_takers_never_take_the_same_unit() {
    loom::model(|| {
        let word = word(2);
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let word = word.clone();
                thread::spawn(move || u32::from(word.take(1, false).is_ok()))
            })
            .collect();
        let mine = u32::from(word.take(1, false).is_ok());
        let theirs: u32 = takers.into_iter().map(|taker| taker.join().expect("a taker does not panic")).sum();
        assert_eq!((mine + theirs, word.both()), (2, (0, 0)));
    });
}

#[test]
fn a_roll_back_is_waited_for_and_found() {
    loom::model(|| {
        let word = word(1);
        let other = word.clone();
        let keeper = thread::spawn(move || {
            let marked = other.take(1, true).is_ok();
            if marked {
                other.roll_back(1);
            }
            marked
        });
        let mine = word.take(1, false);
        let marked = keeper.join().expect("a keeper does not panic");
        assert_ne!(mine, Err(Short::Refuse), "the unit is there or may come back");
        assert!(marked || mine.is_ok(), "one of two got the only unit");
        assert_eq!(word.both(), (u32::from(mine.is_err()), 0));
    });
}

#[test]
fn a_cleared_mark_is_gone_for_good() {
    loom::model(|| {
        let word = word(2);
        let other = word.clone();
        let keeper = thread::spawn(move || {
            if other.take(1, true).is_ok() {
                other.clear(1);
            }
        });
        let mine = word.take(1, true);
        assert_eq!(mine, Ok(()));
        word.roll_back(1);
        keeper.join().expect("a keeper does not panic");
        assert_eq!(word.both(), (1, 0));
    });
}

#[test]
fn who_takes_sees_what_was_written_before_the_give() {
    loom::model(|| {
        let word = word(0);
        let log = Arc::new(AtomicU64::new(0));
        let (other, record) = (word.clone(), log.clone());
        let giver = thread::spawn(move || {
            record.store(7, Relaxed);
            other.give(1);
        });
        if word.take(1, false).is_ok() {
            assert_eq!(log.load(Relaxed), 7, "the record of the give is before the take");
        }
        giver.join().expect("a giver does not panic");
        assert!(log.load(Relaxed) == 7 && word.both().1 == 0);
    });
}

#[test]
fn who_refuses_after_a_finished_give_sees_it() {
    loom::model(|| {
        let word = word(0);
        let said = Arc::new(AtomicU64::new(0));
        let (other, tell) = (word.clone(), said.clone());
        let giver = thread::spawn(move || {
            other.give(1);
            tell.store(1, Ordering::Release);
        });
        if said.load(Ordering::Acquire) == 1 {
            assert_eq!(word.take(1, false), Ok(()), "the give was finished before");
        }
        giver.join().expect("a giver does not panic");
    });
}

#[test]
fn giving_taking_and_rolling_back_conserve_units() {
    loom::model(|| {
        let word = word(1);
        let (giver, keeper) = (word.clone(), word.clone());
        let giver = thread::spawn(move || giver.give(1));
        let keeper = thread::spawn(move || {
            if keeper.take(1, true).is_ok() {
                keeper.roll_back(1);
            }
        });
        let taken = word.take_up_to(2);
        giver.join().expect("a giver does not panic");
        keeper.join().expect("a keeper does not panic");
        assert_eq!(word.both(), (2 - taken, taken));
    });
}
