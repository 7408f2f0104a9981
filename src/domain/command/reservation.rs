//! Commands of reservations.

use super::IdempotencyKey;
use crate::domain::ids::Text;
use crate::domain::quantity::Quantity;

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveLine {
    /// The sku; a kit stands for its components.
    pub sku: Text,
    /// How many.
    pub quantity: Quantity,
    /// Where; anywhere when `None`.
    pub node: Option<Text>,
}

/// A reservation to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// A label.
    pub owner: Text,
    /// How long.
    pub ttl_s: u64,
    /// What.
    pub lines: Vec<ReserveLine>,
    /// Whether less than asked for is welcome.
    pub partial: bool,
    /// For which channel.
    pub channel: Option<Text>,
    /// For which customer.
    pub customer: Option<Text>,
}

/// One of many reservations to be made in one call: each all or nothing, each answered for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveOne {
    /// How a repeat of this one is recognised, if it is to be.
    pub key: Option<IdempotencyKey>,
    /// What.
    pub reserve: Reserve,
}

/// A change of a reservation that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeReservation {
    /// Which.
    pub reservation: Text,
    /// New life, counted from now.
    pub ttl_s: Option<u64>,
    /// All it shall hold.
    pub lines: Option<Vec<ReserveLine>>,
    /// Whose it is from now on.
    pub owner: Option<Text>,
}
