//! The pace of who works behind all who serve: it gives the processor back every few steps.
//!
//! A thread that is nicer than others keeps the processor nonetheless until its turn ends, which is milliseconds for
//! whoever is woken meanwhile. So it offers the processor after [`SLICE`]. Where nobody wants it that costs a system
//! call; where others kept it for long the next slice is longer, so that it gets on: a share of [`SHARE`] at least, as far
//! as the scheduler lets it.
//!
//! What is *not* here: how nice it is (`sync`).

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long it works as a rule.
const SLICE: Duration = Duration::from_micros(100);
/// How long it works at most: even then others wait no longer for it than for each other.
const SLICE_MAX: Duration = Duration::from_millis(3);
/// It works for one part of so many.
const SHARE: u32 = 10;
/// Steps between two looks at the clock: one is a fraction of a microsecond as a rule.
const STEPS: u32 = 16;

/// How far somebody is with his slice.
#[derive(Debug)]
pub(super) struct Pace {
    began: Cell<Instant>,
    slice: Cell<Duration>,
    steps: Cell<u32>,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { began: Instant::now().into(), slice: SLICE.into(), steps: 0.into() }
    }

    /// A step was done.
    #[inline]
    pub(super) fn step(&self) {
        let steps = self.steps.get() + 1;
        self.steps.set(steps % STEPS);
        if steps == STEPS {
            self.look();
        }
    }

    fn look(&self) {
        if self.began.get().elapsed() < self.slice.get() {
            return;
        }
        let offered = Instant::now();
        std::thread::yield_now();
        self.slice.set(slice_after(offered.elapsed()));
        self.began.set(Instant::now());
    }
}

/// How long it works after others did for so long.
fn slice_after(others: Duration) -> Duration {
    (others / (SHARE - 1)).clamp(SLICE, SLICE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_others_work_the_longer_is_the_next_slice_within_bounds() {
        let ms = Duration::from_millis;
        assert_eq!(slice_after(Duration::ZERO), SLICE);
        assert_eq!(slice_after(ms(9)), ms(1));
        assert_eq!(slice_after(ms(1_000)), SLICE_MAX);
    }
}
