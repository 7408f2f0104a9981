//! The two clocks of the journal.
//!
//! Journal time is base + monotonic elapsed, where base is the later of the last record's time and
//! the wall clock at start. It never runs backwards, whatever happens to the wall clock, and time
//! the process was down counts in it. The wall clock is read beside it, for cutoffs and dates only.
//!
//! Promises: [`Clock::now`] never panics, and its journal time never decreases. At start a wall clock
//! more than an hour behind the journal is refused unless accepted by name: a machine that woke up
//! in the past would otherwise date everything wrongly. One ahead is taken as time the process was
//! down.
//!
//! Not here: the rule that an append is never earlier than the one before, which the append holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime};

use crate::domain::time::{JournalTime, Now, WallTime};

/// A wall clock further behind the journal than this needs to be accepted.
pub const CLOCK_BEHIND_MS_MAX: i64 = 60 * 60 * 1_000;

/// Where the journal takes time from.
pub trait Clock: Send + Sync {
    /// Both clocks.
    fn now(&self) -> Now;
}

/// Which clock a journal is opened with.
#[derive(Debug, Clone)]
pub enum ClockChoice {
    /// The machine's clock.
    System {
        /// Start even if the wall clock is more than an hour behind the journal.
        accept: bool,
    },
    /// Time is set from outside: tests, and replaying what happened.
    Manual(Arc<ManualClock>),
}

impl Default for ClockChoice {
    fn default() -> ClockChoice {
        ClockChoice::System { accept: false }
    }
}

/// The machine's clock, anchored at start.
#[derive(Debug)]
pub(super) struct SystemClock {
    base_ms: i64,
    started: Instant,
}

impl SystemClock {
    /// Anchored at the later of the wall clock and `last_ms`.
    pub(super) fn start(last_ms: i64) -> SystemClock {
        SystemClock { base_ms: wall_ms().max(last_ms), started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Now { journal: JournalTime(self.base_ms.saturating_add(elapsed)), wall: WallTime(wall_ms()) }
    }
}

/// A clock that moves when it is told to.
#[derive(Debug)]
pub struct ManualClock {
    journal_ms: AtomicI64,
    wall_ms: AtomicI64,
}

impl ManualClock {
    /// Both clocks at `ms` since 1970.
    pub fn at(ms: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock { journal_ms: AtomicI64::new(ms), wall_ms: AtomicI64::new(ms) })
    }

    /// Moves both clocks forward to `ms`; a time already passed changes nothing.
    pub fn advance_to(&self, ms: i64) {
        self.journal_ms.fetch_max(ms, Ordering::AcqRel);
        self.wall_ms.fetch_max(ms, Ordering::AcqRel);
    }

    /// Moves both clocks forward by `ms`.
    pub fn advance(&self, ms: u32) {
        self.journal_ms.fetch_add(i64::from(ms), Ordering::AcqRel);
        self.wall_ms.fetch_add(i64::from(ms), Ordering::AcqRel);
    }

    /// Sets the wall clock alone, which may jump either way.
    pub fn set_wall(&self, ms: i64) {
        self.wall_ms.store(ms, Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now {
            journal: JournalTime(self.journal_ms.load(Ordering::Acquire)),
            wall: WallTime(self.wall_ms.load(Ordering::Acquire)),
        }
    }
}

/// The machine's wall clock, ms since 1970; 0 for a clock before that.
pub(super) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_time_starts_no_earlier_than_the_last_record() {
        let far_ahead = wall_ms() + 5_000_000;
        assert!(SystemClock::start(far_ahead).now().journal.0 >= far_ahead);
        let clock = SystemClock::start(0);
        let (before, after) = (clock.now(), clock.now());
        assert!(before.journal <= after.journal && before.journal.0 >= wall_ms() - 10_000);
    }

    #[test]
    fn a_manual_clock_never_runs_backwards() {
        let clock = ManualClock::at(1_000);
        clock.advance_to(900);
        clock.set_wall(500);
        clock.advance(10);
        assert_eq!(clock.now(), Now { journal: JournalTime(1_010), wall: WallTime(510) });
    }
}
