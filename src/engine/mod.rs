//! Who holds it in memory.

use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, Context, PlaceOrder};
use crate::domain::decision::Decision;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::order::Order;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Outcome;
use crate::domain::reservation::Reservation;
use crate::domain::state::State;
use crate::domain::stock::Level;
use crate::domain::time::JournalTime;

/// All stock levels of a sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockView {
    /// The sku.
    pub sku: Text,
    /// Sum over all nodes.
    pub total: Level,
    /// Level by node id.
    pub nodes: Vec<(Text, Level)>,
    /// Sequence of the last record appended when it was read.
    pub as_of: u64,
}

/// What can be promised now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atp {
    /// Units.
    pub available: u64,
    /// Sequence of the last record appended when it was read.
    pub as_of: u64,
}

/// The engine.
pub struct Engine {}

#[allow(missing_docs, unused_variables)]
impl Engine {
    pub fn start(state: State, log: &dyn Log) -> Result<Self, Rejection> {
        Ok(Self {})
    }
    pub fn execute(&self, log: &dyn Log, context: &Context, command: Command) -> Result<Outcome, Rejection> {
        Err(Rejection::Contended)
    }
    /// Expires what is due; returns when the next reservation is due.
    pub fn expire_due(&self, log: &dyn Log) -> Option<JournalTime> {
        None
    }
    /// Reads the catalogue under its shared guard.
    pub fn catalogue<R>(&self, read: impl FnOnce(&Catalogue) -> R) -> R {
        read(&Catalogue::new(crate::domain::money::Currency::USD))
    }
    pub fn stock(&self, sku: &str) -> Result<StockView, Rejection> {
        Err(Rejection::Contended)
    }
    pub fn atp(&self, now: JournalTime, sku: &str, node: Option<&str>) -> Result<Atp, Rejection> {
        Err(Rejection::Contended)
    }
    /// By generated or caller's id. `order.seq` must be durable before it is shown.
    pub fn order(&self, id: &str) -> Result<Order, Rejection> {
        Err(Rejection::Contended)
    }
    pub fn fulfillment(&self, id: &str) -> Result<(Order, FulfillmentKey), Rejection> {
        Err(Rejection::Contended)
    }
    /// `reservation.seq` must be durable before it is shown; state as of `now` by `state_at`.
    pub fn reservation(&self, id: &str) -> Result<Reservation, Rejection> {
        Err(Rejection::Contended)
    }
    /// What would be decided for this order now; takes nothing.
    pub fn quote(&self, now: JournalTime, order: &PlaceOrder) -> Result<Decision, Rejection> {
        Err(Rejection::Contended)
    }
}
