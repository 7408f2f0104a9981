//! An order: what was captured, its lines, its fulfilment orders, and where its units are.
//!
//! No status is stored. A line's quantity is partitioned over buckets: what waits (`unallocated`, `preordered`,
//! `backordered`) and what was cancelled stands on the line; all else is read off the fulfilment orders. The sum changes
//! only by an edit; every fold checks it. What is *not* here: what can happen to it (`order_event`), the fold (`order_fold`), money (`order_money`), the story
//! (`order_story`), the status (`order_status`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, LineUnits};
use super::delivery::Way;
use super::edit::{Edit, EditState};
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};
use super::geo::Position;
use super::hold::{Hold, ReleaseAt};
use super::ids::{FulfillmentKey, NodeIndex, OrderKey, ReservationKey, SkuIndex, Text};
use super::item::Component;
use super::limits::FULFILLMENT_ORDERS_MAX;
use super::money::Currency;
pub use super::order_event::OrderEvent;
use super::order_returns::OrderReturn;
pub use super::order_status::OrderStatus;
pub use super::order_story::Told;
use super::particulars::Particulars;
use super::payment::PaymentFact;
use super::rejection::Rejection;
use super::time::{JournalTime, WallTime};
use super::words;

/// Kinds of order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum OrderType {
    /// Wanted now.
    Standard,
    /// Wanted at release.
    PreOrder,
    /// Accepted while out of stock.
    Backorder,
    /// Placed by a schedule.
    Subscription,
}

/// Personal data: opaque to everything but the edge. Key 0 means plain for now.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sealed {
    /// The key that opens it.
    pub key_id: u32,
    /// What it holds.
    #[serde(deserialize_with = "words::bytes")]
    pub bytes: Vec<u8>,
}

/// A destination: its coarse position in the clear, the rest sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Destination {
    /// Key of its group; empty for the order's own `ship_to`.
    #[serde(deserialize_with = "words::word")]
    pub group: Text,
    /// ISO 3166-1 alpha-2 country.
    #[serde(deserialize_with = "words::word")]
    pub country: Text,
    /// First characters of the postal code.
    #[serde(deserialize_with = "words::word")]
    pub postal_prefix: Text,
    /// Where it is, to a hundredth of a degree.
    pub position: Option<Position>,
    /// Whether the position was derived, not given.
    pub approximate: bool,
    /// Name, lines, city, region, postal code.
    pub personal: Sealed,
}

/// What payment was reported on capture.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// Method, a word of the channel.
    #[serde(deserialize_with = "words::word")]
    pub method: Text,
    /// Status, a word of the channel.
    #[serde(deserialize_with = "words::word")]
    pub status: Text,
}

/// What was captured. Only an edit changes it, and only where the order goes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Kind.
    pub kind: OrderType,
    /// Channel it came from.
    #[serde(deserialize_with = "words::word")]
    pub channel: Text,
    /// Its id there.
    #[serde(deserialize_with = "words::text")]
    pub channel_order_id: Text,
    /// Customer's id.
    #[serde(deserialize_with = "words::text")]
    pub customer: Text,
    /// Customer's name, mail and the like.
    pub personal: Sealed,
    /// Currency of its prices.
    pub currency: Currency,
    /// Destinations: the order's own first, then one per group.
    pub destinations: Vec<Destination>,
    /// How it is to be delivered.
    #[serde(deserialize_with = "words::word")]
    pub delivery_method: Text,
    /// Payment as reported.
    pub payment: Option<Payment>,
    /// Total as reported, minor units.
    pub total: Option<i64>,
    /// Rule set asked for.
    #[serde(deserialize_with = "words::maybe_word")]
    pub rule_set: Option<Text>,
    /// Reservation it claimed.
    pub reservation: Option<ReservationKey>,
    /// The channel's time.
    pub placed_at: WallTime,
}

/// A line as captured.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlacedLine {
    /// Its id within the order.
    #[serde(deserialize_with = "words::word")]
    pub id: Text,
    /// What.
    pub sku: SkuIndex,
    /// How many.
    pub quantity: u32,
    /// Price of one, minor units of the order's currency.
    pub unit_price: i64,
    /// Position of its destination.
    pub group: u16,
    /// Whether it is kept in cells (itself, or its components).
    pub stocked: bool,
    /// Components of one unit when it is a kit.
    pub components: Vec<Component>,
}

/// A line of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderLine {
    /// As captured; `placed.quantity` is the whole quantity, cancelled units included.
    pub placed: PlacedLine,
    /// Units nobody has been found for yet.
    pub unallocated: u32,
    /// Units waiting for a release.
    pub preordered: u32,
    /// Units waiting for stock.
    pub backordered: u32,
    /// Units cancelled.
    pub cancelled: u32,
}

impl OrderLine {
    /// Units that wait, for a release or for stock: those that stand in the queue.
    pub fn waiting(&self) -> u32 {
        self.preordered + self.backordered
    }
}

/// Where the units of a line are. They add up to the line's quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the names are the states of the line")]
pub struct Buckets {
    pub unallocated: u32,
    pub preordered: u32,
    pub backordered: u32,
    pub allocated: u32,
    pub released: u32,
    pub picked: u32,
    pub packed: u32,
    pub shipped: u32,
    pub delivered: u32,
    pub cancelled: u32,
}

impl Buckets {
    /// Sum over all buckets.
    pub fn sum(&self) -> u64 {
        [
            self.unallocated,
            self.preordered,
            self.backordered,
            self.allocated,
            self.released,
            self.picked,
            self.packed,
            self.shipped,
            self.delivered,
            self.cancelled,
        ]
        .into_iter()
        .map(u64::from)
        .sum()
    }

    /// Units that are neither cancelled nor delivered.
    pub fn open(&self) -> u64 {
        self.sum() - u64::from(self.cancelled) - u64::from(self.delivered)
    }

    /// Bucket by bucket sum.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            unallocated: self.unallocated + other.unallocated,
            preordered: self.preordered + other.preordered,
            backordered: self.backordered + other.backordered,
            allocated: self.allocated + other.allocated,
            released: self.released + other.released,
            picked: self.picked + other.picked,
            packed: self.packed + other.packed,
            shipped: self.shipped + other.shipped,
            delivered: self.delivered + other.delivered,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}

/// Units given to a node in one step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Allocation {
    /// Number of the fulfilment order it makes.
    pub number: u16,
    /// Who fulfils.
    pub node: NodeIndex,
    /// Which destination.
    pub group: u16,
    /// What.
    pub lines: Vec<LineUnits>,
    /// What the plan says it costs, minor units of the base currency.
    pub cost: i64,
}

/// Where cancelled units are taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CancelFrom {
    /// Nobody had been found for them.
    Unallocated,
    /// They waited for a release.
    Preordered,
    /// They waited for stock.
    Backordered,
    /// They were in that fulfilment order.
    Fulfillment(u16),
}

/// Units cancelled from one bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CancelledPart {
    /// Position of the line.
    pub line: u16,
    /// Units.
    pub quantity: u32,
    /// From where.
    pub from: CancelFrom,
}

/// An order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its generated number.
    pub key: OrderKey,
    /// What was captured.
    pub facts: Arc<OrderFacts>,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// Its fulfilment orders; number n stands at n - 1.
    pub fulfillment_orders: Vec<FulfillmentOrder>,
    /// Nodes that may not be asked again for this order.
    pub fenced: Vec<NodeIndex>,
    /// The last sourcing decision.
    pub decision: Option<Arc<Decision>>,
    /// Its story.
    pub history: Vec<Told>,
    /// When it was captured.
    pub received_at: JournalTime,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
    /// Its holds; number n stands at n - 1.
    pub holds: Vec<Hold>,
    /// What was reported of its money, oldest first.
    pub payments: Vec<PaymentFact>,
    /// Its edits; number n stands at n - 1.
    pub edits: Vec<Edit>,
    /// What edits changed of the price of all lines, cancelled units included, minor units of its currency.
    pub repriced: i64,
    /// The order it was split off.
    pub split_from: Option<OrderKey>,
    /// How far it is, while its units rest.
    pub deferral: Option<Deferral>,
    /// What few orders have.
    pub particulars: Option<Box<Particulars>>,
    /// Sequence of the record with which it left for the archive; 0 while it has not. No file holds it: where an order is
    /// written says where it is.
    #[serde(skip)]
    pub left_at: u64,
    /// When its fulfilment orders are handed to nodes; as soon as they are made when `None`.
    pub release_at: Option<ReleaseAt>,
    /// Whether its unallocated units wait for its customer's word.
    pub awaits_customer: bool,
    /// Its priority: 0 to 9, the highest first.
    pub priority: u8,
    /// Its returns, oldest first. They lie beside the order in files, so that one without any is written as ever.
    #[serde(skip)]
    pub returns: Vec<OrderReturn>,
    /// How groups of its lines reach its customer, those that do not as the order does. They lie beside it in files too.
    #[serde(skip)]
    pub ways: Vec<Way>,
}

/// An order whose units rest: no stock is taken, no place in a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deferral {
    /// How far it is.
    pub stage: Stage,
    /// When the clock allocates it.
    pub due: Option<ReleaseAt>,
}

/// How far an order is whose units rest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Nothing is decided.
    Received,
    /// There is a plan.
    Routed,
    /// There is none.
    RoutingFailed,
    /// There was one, and its units are gone.
    AllocationFailed,
}

impl Order {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.facts.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// The fulfilment order of a number.
    pub fn fulfillment(&self, number: u16) -> Option<&FulfillmentOrder> {
        self.fulfillment_orders.get(usize::from(number).checked_sub(1)?)
    }

    /// Number of the next fulfilment order.
    pub fn next_number(&self) -> u16 {
        self.fulfillment_orders.len() as u16 + 1
    }

    /// Whether a line that waits has a right to the next units: it needs one sku and takes it from any node. Others are
    /// tried in their turn: kits, orders that nodes refused; and an order that has had all the fulfilment orders it may waits
    /// for nothing. Nor has one whose customer comes to one node.
    pub fn waits_with_right(&self, line: u16) -> bool {
        let single = self.lines[usize::from(line)].placed.components.is_empty();
        let group = self.lines[usize::from(line)].placed.group;
        single && self.fenced.is_empty() && !self.is_spent() && self.collected_at(group).is_none()
    }

    /// Whether it has had all the fulfilment orders it may: what waits can only be cancelled.
    pub fn is_spent(&self) -> bool {
        self.fulfillment_orders.len() >= FULFILLMENT_ORDERS_MAX
    }

    /// Where the units of a line are.
    pub fn buckets(&self, line: u16) -> Buckets {
        let own = &self.lines[usize::from(line)];
        let mut buckets = Buckets {
            unallocated: own.unallocated,
            preordered: own.preordered,
            backordered: own.backordered,
            cancelled: own.cancelled,
            ..Buckets::default()
        };
        for fulfillment in &self.fulfillment_orders {
            for part in fulfillment.lines.iter().filter(|part| part.line == line) {
                let status = fulfillment.before_cancelling.unwrap_or(fulfillment.status);
                match status {
                    FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted | FulfillmentStatus::OnHold => {
                        buckets.allocated += part.quantity;
                    }
                    FulfillmentStatus::Accepted | FulfillmentStatus::Picking => {
                        buckets.released += part.quantity - part.picked;
                        buckets.picked += part.picked;
                    }
                    FulfillmentStatus::Picked => buckets.picked += part.quantity,
                    FulfillmentStatus::Packed | FulfillmentStatus::Ready => buckets.packed += part.quantity,
                    FulfillmentStatus::Shipped => buckets.shipped += part.quantity,
                    FulfillmentStatus::Delivered => buckets.delivered += part.quantity,
                    FulfillmentStatus::Rejected
                    | FulfillmentStatus::Incomplete
                    | FulfillmentStatus::Cancelled
                    | FulfillmentStatus::PutBack
                    | FulfillmentStatus::Cancelling => {}
                }
            }
        }
        buckets
    }

    /// Buckets summed over all lines.
    pub fn totals(&self) -> Buckets {
        (0..self.lines.len() as u16).map(|line| self.buckets(line)).fold(Buckets::default(), |sum, b| sum.plus(&b))
    }

    /// Position of a line by its id.
    pub fn line_at(&self, id: &str) -> Option<u16> {
        self.lines.iter().position(|line| &*line.placed.id == id).map(|at| at as u16)
    }

    /// Demand on cells of so many units of a line: `(sku, units)` each.
    pub fn stock_of(&self, units: LineUnits) -> Vec<(SkuIndex, u32)> {
        self.lines[usize::from(units.line)].placed.stock(units.quantity)
    }

    /// The status of a reader, by the first rule that holds.
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self)
    }

    /// The status of one of its fulfilment orders as a reader is told.
    pub fn shown(&self, fulfillment: &FulfillmentOrder) -> FulfillmentStatus {
        match fulfillment.status {
            FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted
                if self.holds.iter().any(|hold| hold.forbids(FulfillmentVerb::Accept)) =>
            {
                FulfillmentStatus::OnHold
            }
            status => status,
        }
    }

    /// The status that a refusal tells of one of its fulfilment orders, and whose legal steps it lists: what a hold forbids
    /// is not among them.
    pub fn refusing(&self, fulfillment: &FulfillmentOrder) -> FulfillmentStatus {
        match fulfillment.status {
            FulfillmentStatus::Submitted => self.shown(fulfillment),
            status => status,
        }
    }

    /// Whether one of its fulfilment orders takes a step now, holds aside.
    pub fn takes(&self, fulfillment: &FulfillmentOrder, verb: FulfillmentVerb) -> bool {
        fulfillment.status.takes(verb) && self.leg(fulfillment).takes(verb)
    }

    /// That it does not.
    pub fn illegal(&self, fulfillment: &FulfillmentOrder, verb: FulfillmentVerb) -> Rejection {
        let id = FulfillmentKey { order: self.key, number: fulfillment.number }.to_string();
        Rejection::IllegalStep { id, status: self.refusing(fulfillment), leg: self.leg(fulfillment), verb }
    }

    /// The edit of a number.
    pub fn edit(&self, number: u16) -> Option<&Edit> {
        self.edits.get(usize::from(number).checked_sub(1)?)
    }

    /// Number of the next edit.
    pub fn next_edit(&self) -> u16 {
        self.edits.len() as u16 + 1
    }

    /// The edit whose end nobody has written yet; its time may be up.
    pub fn open_edit(&self) -> Option<&Edit> {
        self.edits.last().filter(|edit| edit.state == EditState::Open)
    }

    /// Number of the next hold.
    pub fn next_hold(&self) -> u16 {
        self.holds.len() as u16 + 1
    }
}

impl PlacedLine {
    /// Demand on cells of so many units: `(sku, units)` each; nothing for services and downloads.
    pub fn stock(&self, units: u32) -> Vec<(SkuIndex, u32)> {
        match (self.stocked, self.components.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => vec![(self.sku, units)],
            (true, false) => self.components.iter().map(|c| (c.sku, c.quantity * units)).collect(),
        }
    }
}
