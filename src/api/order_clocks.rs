//! What the clock does to orders: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::shape;
use super::scalar::AfterSeconds;
use super::words::{DeliveryMethod, Worded};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::order_clocks::OrderClocks;

shape! {
    /// What the clock does to orders; what is left out does not happen.
    #[derive(Copy)]
    pub struct OrderClocksPut {
        /// From capture, or from when another order was merged into it, until what can be cancelled of an order is
        /// cancelled that was never authorized or paid in full, seconds.
        pub cancel_unpaid_after_s: Option<AfterSeconds>,
        /// From when units were looked for and not found until they are cancelled, seconds. What waits for a release does not
        /// count until it comes, nor what waits for its customer's word.
        pub cancel_waiting_after_s: Option<AfterSeconds>,
        /// From dispatch, or the last its carrier told, until a shipment counts as delivered, seconds.
        pub deliver_after_s: Option<AfterSeconds>,
    }
}

impl OrderClocksPut {
    /// The command for one delivery method.
    pub fn command(self, delivery_method: DeliveryMethod) -> Command {
        let clocks = OrderClocks {
            cancel_unpaid_after_s: self.cancel_unpaid_after_s.map(|after| after.0),
            cancel_waiting_after_s: self.cancel_waiting_after_s.map(|after| after.0),
            deliver_after_s: self.deliver_after_s.map(|after| after.0),
        };
        Command::PutPolicy(PutPolicy::Clocks { delivery_method: delivery_method.word().into(), clocks })
    }
}

/// What the clock does to orders.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = OrderClocks)]
pub struct OrderClocksJson {
    /// Seconds from capture until what nobody paid for is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_unpaid_after_s: Option<u32>,
    /// Seconds until units that nobody has are cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_waiting_after_s: Option<u32>,
    /// Seconds until a shipment counts as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver_after_s: Option<u32>,
}

impl From<&OrderClocks> for OrderClocksJson {
    fn from(clocks: &OrderClocks) -> Self {
        let OrderClocks { cancel_unpaid_after_s, cancel_waiting_after_s, deliver_after_s } = *clocks;
        Self { cancel_unpaid_after_s, cancel_waiting_after_s, deliver_after_s }
    }
}
