//! Settings an operator chooses, composed of each part's own options.
//!
//! Bounds that nobody chooses stand in `domain::limits`. What is *not* here: reading a command line (`cli`) and acting on
//! settings (`app`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::limits::ARCHIVE_AFTER_MS;
use crate::domain::money::Currency;
use crate::journal::{ClockChoice, ManualClock, Options, StoreKind};

/// Where time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, even when it is more than an hour behind the journal.
    SystemAccepted,
    /// Requests carry it: for replays of what happened and for tests. Time stands still between requests.
    Replay(Arc<ManualClock>),
}

impl Clock {
    /// A clock that requests move forward, at its start.
    pub fn replay() -> Self {
        Self::Replay(ManualClock::at(0))
    }

    /// The clock that requests set, when they do.
    pub fn of_requests(&self) -> Option<Arc<ManualClock>> {
        match self {
            Self::System | Self::SystemAccepted => None,
            Self::Replay(clock) => Some(clock.clone()),
        }
    }
}

/// How a data directory is opened and run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory; made when it is not there.
    pub data: PathBuf,
    /// Currency of costs and item values. Chosen once, at the first start; must agree at later ones when given.
    pub currency: Option<Currency>,
    /// Where time comes from.
    pub clock: Clock,
    /// The program that judges a copy of the log after an unclean stop; this process judges it when `None`.
    pub verifier: Option<PathBuf>,
    /// What new generations of the log are written to.
    pub store: StoreKind,
    /// Share of the disk that stays free, in percent: below it new work is refused.
    pub disk_reserve_percent: u8,
    /// Size at which a generation of the log ends, in MiB; twice as much stays free on the disk.
    pub generation_mib: u16,
    /// Least size of the log since the last snapshot at which the next is due, in MiB.
    pub snapshot_mib: u16,
    /// How long an order rests after its end before it leaves memory for the archive, in seconds.
    pub archive_after_s: i64,
}

/// What [`Settings::generation_mib`] is when nothing is chosen.
pub const GENERATION_MIB: u16 = 256;
/// What [`Settings::snapshot_mib`] is when nothing is chosen.
pub const SNAPSHOT_MIB: u16 = 64;
/// What [`Settings::archive_after_s`] is when nothing is chosen.
pub const ARCHIVE_AFTER_S: i64 = ARCHIVE_AFTER_MS / 1_000;
/// Largest of both sizes.
pub const MIB_MAX: u16 = 1_024;

impl Settings {
    /// The settings of a data directory with nothing chosen.
    pub fn of(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            currency: None,
            clock: Clock::default(),
            verifier: None,
            store: StoreKind::default(),
            disk_reserve_percent: Options::default().free_percent_min,
            generation_mib: GENERATION_MIB,
            snapshot_mib: SNAPSHOT_MIB,
            archive_after_s: ARCHIVE_AFTER_S,
        }
    }

    /// Options of the journal.
    pub fn journal(&self) -> Options {
        let clock = match &self.clock {
            Clock::System => ClockChoice::System { accept: false },
            Clock::SystemAccepted => ClockChoice::System { accept: true },
            Clock::Replay(clock) => ClockChoice::Manual(clock.clone()),
        };
        let bytes = |mib: u16| u64::from(mib) << 20;
        Options {
            generation_bytes: bytes(self.generation_mib),
            snapshot_bytes_min: bytes(self.snapshot_mib),
            free_bytes_min: 2 * bytes(self.generation_mib),
            free_percent_min: self.disk_reserve_percent,
            store: self.store,
            clock,
            verifier: self.verifier.clone(),
            ..Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_chosen_is_what_the_journal_would_choose() {
        let (chosen, default) = (Settings::of("x").journal(), Options::default());
        let sizes = |options: &Options| (options.generation_bytes, options.snapshot_bytes_min, options.free_bytes_min);
        assert_eq!(sizes(&chosen), sizes(&default));
        let small = Settings { generation_mib: 1, snapshot_mib: 2, ..Settings::of("x") }.journal();
        assert_eq!(sizes(&small), (1 << 20, 2 << 20, 2 << 20), "two generations stay free");
    }
}
