//! Replies: what a command or a read answers, in domain values.

use std::sync::Arc;

use super::address::AddressFormat;
use super::carrier::ShippingTerms;
use super::carton::Carton;
use super::channel::ChannelTerms;
use super::count::Dropped;
use super::cycle_count::CycleCount;
use super::dispatch::{Dispatch, DispatchKey};
use super::draft::Draft;
use super::exception::Exception;
use super::ids::{FulfillmentKey, NodeIndex, SkuIndex};
use super::inbound::Inbound;
use super::item::Item;
use super::lockers::Lockers;
use super::node::Node;
use super::opportunity::Opportunity;
use super::optimisation::Optimisation;
use super::order::Order;
use super::picking::BinPlace;
use super::policy::{Policy, PolicyKey};
use super::redating::RedatedLine;
use super::reservation::Reservation;
use super::returns::Return;
use super::rules::book::Version;
use super::slots::Slots;
use super::stock::{CellKey, Level};
use super::subscription::Subscription;
use super::transfer::Transfer;
use super::wave::Wave;

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A node, and whether it is new.
    Node {
        /// The node.
        node: Box<Node>,
        /// Whether it was created.
        created: bool,
    },
    /// An item, and whether it is new.
    Item {
        /// The item.
        item: Box<Item>,
        /// Whether it was created.
        created: bool,
    },
    /// A version of a rule set.
    Rules(Box<Version>),
    /// Levels after a change of stock.
    Levels(Vec<(CellKey, Level)>),
    /// A count, and the level it led to.
    Counted {
        /// The cell.
        cell: CellKey,
        /// Its level.
        level: Level,
        /// By how much what is on hand changed.
        difference: i64,
        /// Why it was not taken up.
        dropped: Option<Dropped>,
    },
    /// A reservation.
    Reservation(Box<Reservation>),
    /// An order.
    Order(Arc<Order>),
    /// An order, of which one fulfilment order was meant.
    Fulfillment {
        /// The order.
        order: Arc<Order>,
        /// Which of its fulfilment orders.
        key: FulfillmentKey,
    },
    /// A document of inbound supply.
    Inbound(Box<Inbound>),
    /// A document of inbound supply, and the promises that its change has changed.
    Redated {
        /// The document.
        inbound: Box<Inbound>,
        /// How many.
        count: u32,
        /// The first of them, in the order in which they are served.
        first: Vec<RedatedLine>,
    },
    /// A transfer, and the promises that its new date has changed.
    RedatedTransfer {
        /// The transfer.
        transfer: Box<Transfer>,
        /// How many.
        count: u32,
        /// The first of them, in the order in which they are served.
        first: Vec<RedatedLine>,
    },
    /// A cycle count.
    CycleCount(Box<CycleCount>),
    /// A transfer.
    Transfer(Box<Transfer>),
    /// A return.
    Return(Box<Return>),
    /// A draft.
    Draft(Box<Draft>),
    /// A wave.
    Wave(Box<Wave>),
    /// The lockers of a node.
    Lockers(Box<Lockers>),
    /// Numbers of parcels, parcels, or a manifest.
    Dispatch(DispatchKey, Box<Dispatch>),
    /// An optimisation.
    Optimisation(Box<Optimisation>),
    /// What stock and shipments are worth to orders to come.
    Opportunity(Box<Opportunity>),
    /// Where skus lie at a node.
    Bins(NodeIndex, Vec<(SkuIndex, Option<BinPlace>)>),
    /// A subscription, and whether it is new.
    Subscription {
        /// The subscription.
        subscription: Box<Subscription>,
        /// Whether it was created.
        created: bool,
    },
    /// An exception.
    Exception(Box<Exception>),
    /// A policy.
    Policy(PolicyKey, Policy),
    /// An order, of which one hold was meant.
    Hold {
        /// The order.
        order: Arc<Order>,
        /// Number of the hold.
        number: u16,
    },
    /// An order, of which one edit was meant.
    Edit {
        /// The order.
        order: Arc<Order>,
        /// Number of the edit.
        number: u16,
    },
    /// A channel, and whether it is new.
    Channel {
        /// The channel.
        channel: Box<ChannelTerms>,
        /// Units it uses of each sku it has a limit of.
        used: Vec<u32>,
        /// Whether it was created.
        created: bool,
    },
    /// The slots of a node.
    Slots(Box<Slots>),
    /// How addresses of a country are written, and whether that is new.
    AddressFormat {
        /// The format.
        format: Box<AddressFormat>,
        /// Whether it was created.
        created: bool,
    },
    /// A carrier, a calendar or a chart of zones, and whether it is new.
    Shipping {
        /// What was put.
        terms: Box<ShippingTerms>,
        /// Whether it was created.
        created: bool,
    },
    /// A carton, and whether it is new.
    Carton {
        /// The carton.
        carton: Box<Carton>,
        /// Whether it was created.
        created: bool,
    },
}

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer.
    pub reply: Reply,
    /// The record that must be durable before the answer may be given.
    pub seq: u64,
    /// Whether the answer is that of an earlier request under the same key or id.
    pub replayed: bool,
}

/// The level of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLevel {
    /// Where.
    pub node: NodeIndex,
    /// What.
    pub level: Level,
}
