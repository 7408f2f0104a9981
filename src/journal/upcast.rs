//! Shapes of entities that older snapshots hold, and what they are today.
//!
//! Each is frozen: golden bytes hold it for ever. What today's shape has and an old one has not is filled in as the folds
//! would have made it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::decision::Decision;
use crate::domain::fulfillment::FulfillmentOrder;
use crate::domain::ids::{NodeIndex, OrderKey};
use crate::domain::order::{Order, OrderFacts, OrderLine, Told};
use crate::domain::time::JournalTime;

/// An order, version 1: before holds and payments.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderV1 {
    key: OrderKey,
    facts: Arc<OrderFacts>,
    lines: Vec<OrderLine>,
    fulfillment_orders: Vec<FulfillmentOrder>,
    fenced: Vec<NodeIndex>,
    decision: Option<Arc<Decision>>,
    history: Vec<Told>,
    received_at: JournalTime,
    version: u32,
    seq: u64,
}

impl From<OrderV1> for Order {
    fn from(old: OrderV1) -> Self {
        let OrderV1 { key, facts, lines, fulfillment_orders, fenced, decision, history, received_at, version, seq } =
            old;
        let (holds, payments) = (Vec::new(), Vec::new());
        let mut order = Self {
            key,
            facts,
            lines,
            fulfillment_orders,
            fenced,
            decision,
            history,
            received_at,
            version,
            seq,
            holds,
            payments,
        };
        if let Some(placed) = order.history.first() {
            order.payments = order.paid_at_capture(&placed.actor.clone());
        }
        order
    }
}
