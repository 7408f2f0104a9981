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

use std::fmt;
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

/// A machine's two clocks, as it has them.
pub trait Machine: fmt::Debug + Send + Sync {
    /// The wall clock, ms since 1970. May jump either way.
    fn wall_ms(&self) -> i64;

    /// Milliseconds since some instant. Never runs backwards, and knows nothing of the wall clock.
    fn running_ms(&self) -> i64;
}

/// Which clock a journal is opened with.
#[derive(Debug, Clone)]
pub enum ClockChoice {
    /// The machine's clock.
    System {
        /// Start even if the wall clock is more than an hour behind the journal.
        accept: bool,
    },
    /// The same rules over another machine's clocks.
    Machine {
        /// Whose clocks.
        machine: Arc<dyn Machine>,
        /// As for the machine's own.
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

/// The machine this process runs on.
#[derive(Debug)]
pub(super) struct ThisMachine {
    started: Instant,
}

impl ThisMachine {
    pub(super) fn new() -> Arc<ThisMachine> {
        Arc::new(ThisMachine { started: Instant::now() })
    }
}

impl Machine for ThisMachine {
    fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    fn running_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// A machine's clocks, anchored at start.
#[derive(Debug)]
pub(super) struct SystemClock {
    machine: Arc<dyn Machine>,
    base_ms: i64,
    started_ms: i64,
}

impl SystemClock {
    /// Anchored at the later of the wall clock and `last_ms`.
    pub(super) fn start(machine: Arc<dyn Machine>, last_ms: i64) -> SystemClock {
        let (base_ms, started_ms) = (machine.wall_ms().max(last_ms), machine.running_ms());
        SystemClock { machine, base_ms, started_ms }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let elapsed = self.machine.running_ms() - self.started_ms;
        Now { journal: JournalTime(self.base_ms.saturating_add(elapsed)), wall: WallTime(self.machine.wall_ms()) }
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

/// Its journal time runs as a machine's monotonic clock does, so that the rules of a real start can be tried by hand.
impl Machine for ManualClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::Acquire)
    }

    fn running_ms(&self) -> i64 {
        self.journal_ms.load(Ordering::Acquire)
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
        assert!(SystemClock::start(ThisMachine::new(), far_ahead).now().journal.0 >= far_ahead);
        let clock = SystemClock::start(ThisMachine::new(), 0);
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
