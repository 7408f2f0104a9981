//! Two times that are never mixed. Journal time never runs backwards and alone decides time-outs; the wall clock seen
//! beside it alone feeds cutoffs and dates. Nothing here reads a clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC on the journal's own clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct JournalTime(pub i64);

/// Milliseconds since 1970-01-01 UTC as the wall clock showed them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct WallTime(pub i64);

/// Both clocks at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The journal's clock.
    pub journal: JournalTime,
    /// The wall clock.
    pub wall: WallTime,
}

impl JournalTime {
    /// This time plus so many seconds.
    pub fn plus_s(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)))
    }
}
