//! The answer to a command: the JSON of whatever it led to.

use serde::Serialize;

use super::fulfillment::FulfillmentJson;
use super::item::ItemJson;
use super::node::NodeJson;
use super::order::OrderJson;
use super::reservation::ReservationJson;
use super::rule_set::RuleSetJson;
use super::stock::{CellJson, LevelsJson};
use crate::domain::catalogue::Catalogue;
use crate::domain::reply::Reply;
use crate::domain::time::JournalTime;

/// The JSON of a reply.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the variants are those of `Reply`")]
pub enum Answer {
    Node(NodeJson),
    Item(ItemJson),
    RuleSet(RuleSetJson),
    Levels(LevelsJson),
    Reservation(ReservationJson),
    Order(Box<OrderJson>),
    Fulfillment(Option<FulfillmentJson>),
}

impl Answer {
    /// A reply, named by the catalogue, as of `now`.
    pub fn of(reply: &Reply, catalogue: &Catalogue, now: JournalTime) -> Self {
        match reply {
            Reply::Node { node, .. } => Self::Node(node.as_ref().into()),
            Reply::Item { item, .. } => Self::Item(ItemJson::of(item, catalogue)),
            Reply::RuleSet(rule_set) => Self::RuleSet(rule_set.into()),
            Reply::Levels(levels) => {
                let levels = levels.iter().map(|(cell, level)| CellJson::of(*cell, level, catalogue)).collect();
                Self::Levels(LevelsJson { levels })
            }
            Reply::Reservation(reservation) => Self::Reservation(ReservationJson::of(reservation, catalogue, now)),
            Reply::Order(order) => Self::Order(Box::new(OrderJson::of(order, catalogue))),
            Reply::Fulfillment { order, key } => Self::Fulfillment(FulfillmentJson::of(order, key.number, catalogue)),
        }
    }
}
