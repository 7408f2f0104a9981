//! Seats: the bound on what is in flight.
//!
//! A seat is a permit, not a position. Who holds one may append, and appending cannot fail, so there
//! is no "stock taken but queue full" to undo. Taken seats are the permits handed out plus the
//! records appended and not yet durable. A command may append more than once under its seat (what
//! is due expires first); those records count as soon as they are appended, so the bound is held
//! against newcomers rather than against work that has begun.
//!
//! An eighth is kept for [`Priority::Kept`]: the clock, cancels, releases, confirms and ships. A
//! flood of new orders can then never make reservations immortal.
//!
//! Not here: the order of records, which only the append decides.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use thiserror::Error;

use super::sync::AtomicU64;

/// Permits plus records in flight, at most.
pub const SEATS: u64 = 16_384;

/// Seats only kept priority may take.
pub const SEATS_KEPT: u64 = SEATS / 8;

/// Who asks for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// New work.
    Normal,
    /// Work that ends or frees something and must get through a flood.
    Kept,
}

/// No seat now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Busy {
    /// Too much is in flight; come back in a moment.
    #[error("all {SEATS} seats of the journal are taken")]
    Full,
    /// The disk is nearly full; work that frees or ends something is taken for longer.
    #[error("the disk of the journal is nearly full")]
    NoRoom,
    /// The journal closed or failed; coming back to this process is of no use.
    #[error("the journal has stopped")]
    Stopped,
}

/// A permit to append. Given back on drop.
#[derive(Debug)]
pub struct Seat {
    permits: Arc<AtomicU64>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.permits.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Debug, Default)]
pub(super) struct Seats {
    permits: Arc<AtomicU64>,
}

impl Seats {
    /// Takes a permit if `in_flight` records and the permits out leave room for this priority.
    pub(super) fn take(&self, in_flight: u64, priority: Priority) -> Result<Seat, Busy> {
        let limit = match priority {
            Priority::Normal => SEATS - SEATS_KEPT,
            Priority::Kept => SEATS,
        };
        // Counted first and looked at after, so that racers can never pass the limit together.
        let seat = Seat { permits: self.permits.clone() };
        let before = self.permits.fetch_add(1, Ordering::AcqRel);
        if before + in_flight < limit { Ok(seat) } else { Err(Busy::Full) }
    }

    /// Permits that are out.
    pub(super) fn out(&self) -> u64 {
        self.permits.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_seats_survive_a_flood() {
        let seats = Seats::default();
        let mut flood = Vec::new();
        while let Ok(seat) = seats.take(100, Priority::Normal) {
            flood.push(seat);
        }
        assert_eq!(flood.len() as u64, SEATS - SEATS_KEPT - 100);
        assert_eq!(seats.out(), flood.len() as u64, "a refused permit is given back");
        let kept: Vec<Seat> = std::iter::from_fn(|| seats.take(100, Priority::Kept).ok()).collect();
        assert_eq!(kept.len() as u64, SEATS_KEPT);
        drop(flood);
        assert!(seats.take(100, Priority::Normal).is_ok());
    }

    #[test]
    fn records_in_flight_take_seats() {
        let seats = Seats::default();
        assert_eq!(seats.take(SEATS - SEATS_KEPT, Priority::Normal).err(), Some(Busy::Full));
        assert!(seats.take(SEATS - 1, Priority::Kept).is_ok());
        assert_eq!(seats.take(SEATS, Priority::Kept).err(), Some(Busy::Full));
    }
}
