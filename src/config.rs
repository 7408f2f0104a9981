//! Settings an operator chooses, composed of each part's own options.
//!
//! Bounds that nobody chooses stand in `domain::limits`. What is *not* here: reading a command line (`cli`) and acting on
//! settings (`app`).

use std::path::PathBuf;
use std::sync::Arc;

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
}

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
        }
    }

    /// Options of the journal.
    pub fn journal(&self) -> Options {
        let clock = match &self.clock {
            Clock::System => ClockChoice::System { accept: false },
            Clock::SystemAccepted => ClockChoice::System { accept: true },
            Clock::Replay(clock) => ClockChoice::Manual(clock.clone()),
        };
        let (verifier, free_percent_min) = (self.verifier.clone(), self.disk_reserve_percent);
        Options { clock, verifier, store: self.store, free_percent_min, ..Options::default() }
    }
}
