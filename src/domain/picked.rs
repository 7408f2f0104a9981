//! What was picked at a node on a day in one way: sums of the tasks that ended, so that ways can be compared long after
//! their waves are forgotten.
//!
//! **Efficiency** of a way is what its tasks walked and took per unit: *metres per unit* (length of the pick lists as they
//! were planned ÷ units picked), beside what the same lists would be order by order; *units per hour* and *lines per hour*
//! (÷ the time from the start to the end of tasks); *short rate* (units not found ÷ units asked for). A day is that of UTC
//! on which the task ended.

use serde::{Deserialize, Serialize};

use super::event::PickedNoted;
use super::ids::NodeIndex;
use super::limits::PICKED_READABLE_MS;
use super::picking::PickMethod;
use super::time::{JournalTime, WallTime};
use super::wave::PickTask;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Names the sums of a day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct PickedKey {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Where.
    pub node: NodeIndex,
    /// In which way.
    pub method: PickMethod,
}

/// Sums over tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Picked {
    /// Tasks that ended.
    pub tasks: u64,
    /// Entries of their pick lists.
    pub entries: u64,
    /// Units of lines picked.
    pub units: u64,
    /// Units of lines not found.
    pub short: u64,
    /// Length of their pick lists, metres.
    pub metres: u64,
    /// Length of the same order by order, metres.
    pub alone_metres: u64,
    /// From their start to their end, milliseconds.
    pub ms: u64,
}

impl PickedKey {
    /// Of a task that ends at an instant.
    pub fn of(at: WallTime, node: NodeIndex, method: PickMethod) -> Self {
        Self { day: day_of(at), node, method }
    }
}

/// The day of an instant, UTC, in days since 1970-01-01.
pub fn day_of(at: WallTime) -> i32 {
    i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(if at.0 < 0 { i32::MIN } else { i32::MAX })
}

/// The sums of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickedDay {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// The sums.
    pub sums: Picked,
}

impl PickedDay {
    /// The first that is noted of a day.
    pub fn of(noted: &PickedNoted) -> Self {
        Self { day: noted.key.day, sums: noted.picked }
    }

    /// With what is noted besides.
    pub fn plus(&self, noted: &PickedNoted) -> Self {
        Self { day: self.day, sums: self.sums.plus(&noted.picked) }
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        now.0 - i64::from(self.day) * DAY_MS > PICKED_READABLE_MS
    }
}

impl Picked {
    /// A task that ends at an instant with so many units picked.
    pub fn of(task: &PickTask, units: u64, at: JournalTime) -> Self {
        let began = task.started_at.unwrap_or(at);
        Self {
            tasks: 1,
            entries: task.picks.len() as u64,
            units,
            short: task.picks.iter().map(|line| u64::from(line.short)).sum(),
            metres: u64::from(task.metres),
            alone_metres: u64::from(task.alone_metres),
            ms: u64::try_from(at.0 - began.0).unwrap_or(0),
        }
    }

    /// Both.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            tasks: self.tasks.saturating_add(other.tasks),
            entries: self.entries.saturating_add(other.entries),
            units: self.units.saturating_add(other.units),
            short: self.short.saturating_add(other.short),
            metres: self.metres.saturating_add(other.metres),
            alone_metres: self.alone_metres.saturating_add(other.alone_metres),
            ms: self.ms.saturating_add(other.ms),
        }
    }

    /// Metres walked for a unit; `None` when none was picked.
    pub fn metres_per_unit(&self) -> Option<f64> {
        (self.units > 0).then(|| self.metres as f64 / self.units as f64)
    }

    /// Metres order by order for a unit.
    pub fn alone_metres_per_unit(&self) -> Option<f64> {
        (self.units > 0).then(|| self.alone_metres as f64 / self.units as f64)
    }

    /// So many of something in an hour of work; `None` when no time went by.
    pub fn per_hour(&self, many: u64) -> Option<f64> {
        (self.ms > 0).then(|| many as f64 * 3_600_000.0 / self.ms as f64)
    }

    /// Part of the units asked for that were not found; `None` when none was.
    pub fn short_rate(&self) -> Option<f64> {
        let asked = self.units + self.short;
        (asked > 0).then(|| self.short as f64 / asked as f64)
    }
}
