//! An order: what was captured, its lines, its fulfilment orders, and the fold of its events.
//!
//! No status is stored. A line's quantity is partitioned over buckets: what waits (`unallocated`, `preordered`,
//! `backordered`) and what was cancelled stands on the line; all else is read off the fulfilment orders. The sum changes
//! only by an edit; every fold checks it. Long because the buckets, their steps and the status read off them are one
//! partition of the same units. What is *not* here: stock, which has events of its own in the same record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decision::{Assignment, Decision, LineUnits};
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep, FulfillmentVerb};
use super::geo::Position;
use super::hold::{Hold, HoldState, HoldTerms};
use super::ids::{NodeIndex, OrderKey, ReservationKey, SkuIndex, Text};
use super::item::Component;
use super::limits::FULFILLMENT_ORDERS_MAX;
use super::money::Currency;
pub use super::order_status::OrderStatus;
pub use super::order_story::Told;
use super::order_story::told;
use super::payment::{Paid, PaymentFact, PaymentMark, PaymentState};
use super::record::Header;
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};

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
    pub bytes: Vec<u8>,
}

/// A destination: its coarse position in the clear, the rest sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Destination {
    /// Key of its group; empty for the order's own `ship_to`.
    pub group: Text,
    /// ISO 3166-1 alpha-2 country.
    pub country: Text,
    /// First characters of the postal code.
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
    pub method: Text,
    /// Status, a word of the channel.
    pub status: Text,
}

/// What was captured; never changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Kind.
    pub kind: OrderType,
    /// Channel it came from.
    pub channel: Text,
    /// Its id there.
    pub channel_order_id: Text,
    /// Customer's id.
    pub customer: Text,
    /// Customer's name, mail and the like.
    pub personal: Sealed,
    /// Currency of its prices.
    pub currency: Currency,
    /// Destinations: the order's own first, then one per group.
    pub destinations: Vec<Destination>,
    /// How it is to be delivered.
    pub delivery_method: Text,
    /// Payment as reported.
    pub payment: Option<Payment>,
    /// Total as reported, minor units.
    pub total: Option<i64>,
    /// Rule set asked for.
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

/// What happened to an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OrderEvent {
    /// Captured, and what was decided at once.
    Placed {
        /// What was captured.
        facts: Arc<OrderFacts>,
        /// Its lines.
        lines: Vec<PlacedLine>,
        /// What was allocated in the same record.
        allocations: Vec<Allocation>,
        /// What joined the queue of waiting demand.
        backordered: Vec<LineUnits>,
        /// Why so. Its shipments and what it leaves are `allocations` and `backordered`; it does not repeat them.
        decision: Option<Box<Decision>>,
    },
    /// Units that nobody had been found for were sourced.
    Sourced {
        /// What was allocated.
        allocations: Vec<Allocation>,
        /// What joined the queue.
        backordered: Vec<LineUnits>,
        /// Why so.
        decision: Option<Box<Decision>>,
    },
    /// Waiting units were filled.
    Filled {
        /// What was allocated.
        allocations: Vec<Allocation>,
    },
    /// Units were cancelled.
    Cancelled {
        /// Which.
        parts: Vec<CancelledPart>,
        /// Why.
        reason: Text,
    },
    /// A fulfilment order took a step.
    Fulfillment {
        /// Its number.
        number: u16,
        /// The step.
        step: FulfillmentStep,
    },
    /// A hold was put.
    Held {
        /// Its number.
        number: u16,
        /// What it is.
        terms: HoldTerms,
    },
    /// A hold ended, or forbids for good.
    HoldEnded {
        /// Its number.
        number: u16,
        /// How.
        state: HoldState,
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// A payment was reported.
    PaymentReported {
        /// What.
        mark: PaymentMark,
        /// How much, minor units of the order's currency.
        amount: i64,
    },
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

    /// Whether a line that waits has a right to the next units: it needs one sku and takes it from any node. Others let
    /// newcomers pass: kits, orders that nodes refused, and an order that has had all the fulfilment orders it may.
    pub fn waits_with_right(&self, line: u16) -> bool {
        let single = self.lines[usize::from(line)].placed.components.is_empty();
        single && self.fenced.is_empty() && !self.is_spent()
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
                    FulfillmentStatus::Submitted | FulfillmentStatus::OnHold => buckets.allocated += part.quantity,
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
            FulfillmentStatus::Submitted if self.holds.iter().any(|hold| hold.forbids(FulfillmentVerb::Accept)) => {
                FulfillmentStatus::OnHold
            }
            status => status,
        }
    }

    /// Number of the next hold.
    pub fn next_hold(&self) -> u16 {
        self.holds.len() as u16 + 1
    }

    /// What its customer owes in all, minor units of its currency.
    pub fn due(&self) -> i64 {
        self.owed_less(|line| line.cancelled)
    }

    /// What was owed at capture, less the price of some units of each line.
    fn owed_less(&self, units: fn(&OrderLine) -> u32) -> i64 {
        let price = |units: fn(&OrderLine) -> u32| -> i128 {
            self.lines.iter().map(|line| i128::from(line.placed.unit_price) * i128::from(units(line))).sum()
        };
        let whole = self.facts.total.map_or_else(|| price(|line| line.placed.quantity), i128::from);
        i64::try_from((whole - price(units)).max(0)).unwrap_or(i64::MAX)
    }

    /// The ends of holds that wait for money, where these sums cover what will be due.
    pub fn paid_off(&self, sums: &Paid, due: i64) -> Vec<OrderEvent> {
        let waits = |hold: &&Hold| {
            hold.state == HoldState::Active && hold.terms.release_on.is_some_and(|mark| sums.covers(due, mark))
        };
        let end =
            |hold: &Hold| OrderEvent::HoldEnded { number: hold.number, state: HoldState::AutoReleased, reason: None };
        self.holds.iter().filter(waits).map(end).collect()
    }

    /// The same, when units of its lines are cancelled.
    pub fn paid_off_without(&self, cancelled: impl IntoIterator<Item = LineUnits>) -> Vec<OrderEvent> {
        if self.holds.is_empty() {
            return Vec::new();
        }
        let price =
            |u: LineUnits| i128::from(self.lines[usize::from(u.line)].placed.unit_price) * i128::from(u.quantity);
        let less: i128 = cancelled.into_iter().map(price).sum();
        let due = (i128::from(self.due()) - less).clamp(0, i128::from(i64::MAX)) as i64;
        self.paid_off(&Paid::of(&self.payments), due)
    }

    /// How its money stands.
    pub fn payment_state(&self) -> PaymentState {
        Paid::of(&self.payments).state(self.due())
    }

    /// The next state of an order.
    pub fn fold(
        before: Option<Self>,
        key: OrderKey,
        version: u32,
        header: &Header,
        event: &OrderEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |order| order.version + 1);
        if version != expected {
            return Err(LawBroken(format!("order {key}: version {version} follows {}", expected - 1)));
        }
        let mut order = match (before, event) {
            (None, OrderEvent::Placed { facts, lines, .. }) => Self::captured(key, header, facts, lines),
            (Some(order), event) if !matches!(event, OrderEvent::Placed { .. }) => order,
            (before, event) => {
                return Err(LawBroken(format!("order {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        order.take(header, event)?;
        order.version = version;
        order.seq = header.seq;
        order.history.push(told(header, event));
        order.check()?;
        Ok(order)
    }

    fn captured(key: OrderKey, header: &Header, facts: &Arc<OrderFacts>, lines: &[PlacedLine]) -> Self {
        let open = |placed: &PlacedLine| OrderLine {
            placed: placed.clone(),
            unallocated: placed.quantity,
            preordered: 0,
            backordered: 0,
            cancelled: 0,
        };
        let mut order = Self {
            key,
            facts: facts.clone(),
            lines: lines.iter().map(open).collect(),
            fulfillment_orders: Vec::new(),
            fenced: Vec::new(),
            decision: None,
            history: Vec::new(),
            received_at: header.time,
            version: 0,
            seq: 0,
            holds: Vec::new(),
            payments: Vec::new(),
        };
        order.payments = order.paid_at_capture(&header.actor);
        order
    }

    /// What the payment reported at capture says of the money, where it says it in a word that is known.
    pub fn paid_at_capture(&self, actor: &Text) -> Vec<PaymentFact> {
        let mark = self.facts.payment.as_ref().and_then(|payment| PaymentMark::at_capture(&payment.status));
        let amount = self.owed_less(|_| 0);
        let fact = |mark| PaymentFact { mark, amount, at: self.received_at, actor: actor.clone() };
        mark.filter(|_| amount > 0).map(fact).into_iter().collect()
    }

    fn take(&mut self, header: &Header, event: &OrderEvent) -> Result<(), LawBroken> {
        match event {
            OrderEvent::Placed { allocations, backordered, decision, .. }
            | OrderEvent::Sourced { allocations, backordered, decision } => {
                for allocation in allocations {
                    self.allocate(allocation, |line| &mut line.unallocated)?;
                }
                for units in backordered {
                    let line = self.line_mut(units.line)?;
                    sub(&mut line.unallocated, units.quantity, "unallocated")?;
                    line.backordered += units.quantity;
                }
                if let Some(decision) = decision {
                    self.decision = Some(Arc::new(Decision {
                        assignments: allocations.iter().map(Allocation::assignment).collect(),
                        unfilled: backordered.clone(),
                        ..(**decision).clone()
                    }));
                }
            }
            OrderEvent::Filled { allocations } => {
                for allocation in allocations {
                    self.allocate(allocation, |line| &mut line.backordered)?;
                }
                self.plan_filled(allocations);
            }
            OrderEvent::Cancelled { parts, .. } => {
                for part in parts {
                    self.cancel(part)?;
                }
            }
            OrderEvent::Fulfillment { number, step } => {
                let from = self.fulfillment_mut(*number)?.status;
                let verb = step.verb(from);
                if let Some(hold) = self.holds.iter().find(|hold| hold.forbids_at(verb, header.decided_at)) {
                    let (hold, verb) = (hold.name(), verb.word());
                    return Err(LawBroken(format!("fulfilment order {number}: {hold} forbids to {verb}")));
                }
                self.step(*number, step)?;
            }
            OrderEvent::Held { number, terms } => {
                if *number != self.next_hold() {
                    return Err(LawBroken(format!("hold {number} is not the next of {}", self.key)));
                }
                self.holds.push(Hold {
                    number: *number,
                    terms: terms.clone(),
                    actor: header.actor.clone(),
                    since: header.time,
                    state: HoldState::Active,
                    ended: None,
                });
            }
            OrderEvent::HoldEnded { number, state, .. } => {
                let key = self.key;
                let active =
                    self.holds.iter_mut().find(|hold| hold.number == *number && hold.state == HoldState::Active);
                let hold = active.ok_or_else(|| LawBroken(format!("order {key} has no active hold {number}")))?;
                hold.state = *state;
                hold.ended = Some((header.time, header.actor.clone()));
            }
            OrderEvent::PaymentReported { mark, amount } => {
                let fact = PaymentFact { mark: *mark, amount: *amount, at: header.time, actor: header.actor.clone() };
                self.payments.push(fact);
                let kept = Paid::of(&self.payments).kept();
                if kept < 0 {
                    return Err(LawBroken(format!("order {}: {} more was given back than taken", self.key, -kept)));
                }
            }
        }
        Ok(())
    }

    /// The plan gains the shipments of units that waited; what waits no longer is no longer unfilled.
    fn plan_filled(&mut self, allocations: &[Allocation]) {
        let lines = &self.lines;
        let Some(decision) = self.decision.as_mut().map(Arc::make_mut) else { return };
        decision.assignments.extend(allocations.iter().map(Allocation::assignment));
        for unfilled in &mut decision.unfilled {
            unfilled.quantity = unfilled.quantity.min(lines[usize::from(unfilled.line)].backordered);
        }
        decision.unfilled.retain(|unfilled| unfilled.quantity > 0);
    }

    fn line_mut(&mut self, line: u16) -> Result<&mut OrderLine, LawBroken> {
        let key = self.key;
        self.lines.get_mut(usize::from(line)).ok_or_else(|| LawBroken(format!("order {key} has no line {line}")))
    }

    fn fulfillment_mut(&mut self, number: u16) -> Result<&mut FulfillmentOrder, LawBroken> {
        let key = self.key;
        let at = usize::from(number).wrapping_sub(1);
        self.fulfillment_orders
            .get_mut(at)
            .ok_or_else(|| LawBroken(format!("order {key} has no fulfilment order {number}")))
    }

    fn allocate(
        &mut self,
        allocation: &Allocation,
        source: impl Fn(&mut OrderLine) -> &mut u32,
    ) -> Result<(), LawBroken> {
        if allocation.number != self.next_number() {
            return Err(LawBroken(format!("fulfilment order {} is not the next of {}", allocation.number, self.key)));
        }
        for units in &allocation.lines {
            sub(source(self.line_mut(units.line)?), units.quantity, "the bucket allocated from")?;
        }
        let made = FulfillmentOrder::submitted(allocation.number, allocation.node, allocation.group, &allocation.lines);
        self.fulfillment_orders.push(made);
        Ok(())
    }

    fn cancel(&mut self, part: &CancelledPart) -> Result<(), LawBroken> {
        let line = self.line_mut(part.line)?;
        line.cancelled += part.quantity;
        match part.from {
            CancelFrom::Unallocated => sub(&mut line.unallocated, part.quantity, "unallocated"),
            CancelFrom::Preordered => sub(&mut line.preordered, part.quantity, "preordered"),
            CancelFrom::Backordered => sub(&mut line.backordered, part.quantity, "backordered"),
            CancelFrom::Fulfillment(number) => {
                let fulfillment = self.fulfillment_mut(number)?;
                remove_units(fulfillment, part.line, part.quantity)?;
                if fulfillment.units() == 0 {
                    fulfillment.status = FulfillmentStatus::Cancelled;
                }
                Ok(())
            }
        }
    }

    fn step(&mut self, number: u16, step: &FulfillmentStep) -> Result<(), LawBroken> {
        let fulfillment = self.fulfillment_mut(number)?;
        let from = fulfillment.status;
        let verb = step.verb(from);
        if !from.takes(verb) {
            return Err(LawBroken(format!("fulfilment order {number} is {}: cannot {}", from.word(), verb.word())));
        }
        match step {
            FulfillmentStep::Accepted => fulfillment.status = FulfillmentStatus::Accepted,
            FulfillmentStep::Packed => fulfillment.status = FulfillmentStatus::Packed,
            FulfillmentStep::MadeReady => fulfillment.status = FulfillmentStatus::Ready,
            FulfillmentStep::HandedOver | FulfillmentStep::Delivered => {
                fulfillment.status = FulfillmentStatus::Delivered;
            }
            FulfillmentStep::Shipped { shipment } => {
                fulfillment.status = FulfillmentStatus::Shipped;
                fulfillment.shipment = Some(shipment.clone());
            }
            FulfillmentStep::Picked { lines } => {
                for units in lines {
                    pick_units(fulfillment, *units)?;
                }
                fulfillment.status = after_picking(fulfillment);
            }
            FulfillmentStep::ShortPicked { lines, .. } => {
                for units in lines {
                    remove_units(fulfillment, units.line, units.quantity)?;
                }
                fulfillment.status = after_picking(fulfillment);
                let node = fulfillment.node;
                self.return_units(lines)?;
                self.fence(node);
            }
            FulfillmentStep::Rejected { reason } => {
                fulfillment.status = FulfillmentStatus::Rejected;
                fulfillment.reason = Some(reason.clone());
                let (units, node) = (fulfillment.line_units(), fulfillment.node);
                self.return_units(&units)?;
                self.fence(node);
            }
            FulfillmentStep::NodeOutage { reason } => {
                fulfillment.status = FulfillmentStatus::Incomplete;
                fulfillment.reason.clone_from(reason);
                let units = fulfillment.line_units();
                self.return_units(&units)?;
            }
            FulfillmentStep::CancellationRequested { reason, resourced } => {
                fulfillment.resources = *resourced;
                fulfillment.before_cancelling = Some(from);
                fulfillment.status = FulfillmentStatus::Cancelling;
                fulfillment.reason = Some(reason.clone());
            }
            FulfillmentStep::CancellationRefused => {
                fulfillment.status = fulfillment.before_cancelling.take().unwrap_or(FulfillmentStatus::Accepted);
            }
            FulfillmentStep::Cancelled { reason, resourced } => {
                fulfillment.status = FulfillmentStatus::Cancelled;
                fulfillment.before_cancelling = None;
                fulfillment.reason = Some(reason.clone());
                let (units, node) = (fulfillment.line_units(), fulfillment.node);
                if *resourced {
                    self.return_units(&units)?;
                    self.fence(node);
                } else {
                    for u in units {
                        self.line_mut(u.line)?.cancelled += u.quantity;
                    }
                }
            }
        }
        Ok(())
    }

    fn return_units(&mut self, units: &[LineUnits]) -> Result<(), LawBroken> {
        for u in units {
            self.line_mut(u.line)?.unallocated += u.quantity;
        }
        Ok(())
    }

    fn fence(&mut self, node: NodeIndex) {
        if !self.fenced.contains(&node) {
            self.fenced.push(node);
        }
    }

    /// Refuses an order whose buckets do not add up to its quantities.
    pub fn check(&self) -> Result<(), LawBroken> {
        for (at, line) in self.lines.iter().enumerate() {
            let sum = self.buckets(at as u16).sum();
            if sum != u64::from(line.placed.quantity) {
                return Err(LawBroken(format!(
                    "order {} line {}: buckets add up to {sum}, quantity is {}",
                    self.key, line.placed.id, line.placed.quantity
                )));
            }
        }
        Ok(())
    }
}

impl Allocation {
    /// The plan's shipment.
    fn assignment(&self) -> Assignment {
        Assignment { node: self.node, lines: self.lines.clone(), cost: self.cost }
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

fn sub(bucket: &mut u32, units: u32, name: &str) -> Result<(), LawBroken> {
    *bucket = bucket.checked_sub(units).ok_or_else(|| LawBroken(format!("{name} {bucket} is less than {units}")))?;
    Ok(())
}

fn pick_units(fulfillment: &mut FulfillmentOrder, units: LineUnits) -> Result<(), LawBroken> {
    let line = fulfillment.lines.iter_mut().find(|l| l.line == units.line && l.quantity - l.picked >= units.quantity);
    let line = line.ok_or_else(|| LawBroken(format!("line {} has fewer units left to pick", units.line)))?;
    line.picked += units.quantity;
    Ok(())
}

fn remove_units(fulfillment: &mut FulfillmentOrder, line: u16, units: u32) -> Result<(), LawBroken> {
    let found = fulfillment.lines.iter_mut().find(|l| l.line == line && l.quantity - l.picked >= units);
    let found = found.ok_or_else(|| LawBroken(format!("line {line} has fewer units that are not picked")))?;
    found.quantity -= units;
    Ok(())
}

fn after_picking(fulfillment: &FulfillmentOrder) -> FulfillmentStatus {
    if fulfillment.units() == 0 {
        return FulfillmentStatus::Incomplete;
    }
    let done = fulfillment.lines.iter().all(|l| l.picked == l.quantity);
    if done { FulfillmentStatus::Picked } else { FulfillmentStatus::Picking }
}
