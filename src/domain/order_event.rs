//! What can happen to an order: each of it one event in the record of a command, which the fold (`order_fold`) applies.
//! Stored by position in the list: new ones come last.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, LineUnits};
use super::delivery::Way;
use super::edit::{EditState, EditTerms};
use super::fulfillment::FulfillmentStep;
use super::hold::{HoldState, HoldTerms, ReleaseAt};
use super::ids::{FulfillmentKey, NodeIndex, OrderKey, ReturnKey, Text};
use super::lots::Identified;
use super::order::{Allocation, CancelledPart, OrderFacts, PlacedLine};
use super::order_merge::Merged;
use super::order_returns::{Back, ReturnStep};
use super::particulars::{Booking, Registered, Totals, Warranty};
use super::payment::PaymentMark;
use super::promise::calendar::CivilDay;
use super::supply::BoughtUnits;
use super::time::WallTime;
use super::tracking::Scan;

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
    /// An edit was opened; what it needs is set aside in the same record.
    EditOpened {
        /// Its number.
        number: u16,
        /// What it is.
        terms: Arc<EditTerms>,
        /// Why its plan is as it is.
        decision: Arc<Decision>,
    },
    /// An edit ended without effect.
    EditEnded {
        /// Its number.
        number: u16,
        /// How.
        state: EditState,
        /// Why, when it was not wished for.
        reason: Option<Text>,
    },
    /// An edit was confirmed and took effect.
    Edited {
        /// Its number.
        number: u16,
        /// Units that leave their lines, and from where.
        lowered: Vec<CancelledPart>,
        /// What was allocated.
        allocations: Vec<Allocation>,
    },
    /// Fulfilment orders, of other orders too, leave in one shipment from now on.
    Consolidated {
        /// Number of the one that is this order's.
        number: u16,
        /// All of them, ascending.
        ships_with: Vec<FulfillmentKey>,
    },
    /// Units went to an order of their own.
    SplitOff {
        /// That order.
        to: OrderKey,
        /// Which, and from where.
        parts: Vec<CancelledPart>,
    },
    /// The order was split off another.
    SplitFrom {
        /// That other.
        order: OrderKey,
    },
    /// Of the units that wait, these wait for a release.
    Preordered {
        /// Which.
        units: Vec<LineUnits>,
    },
    /// Units whose release came wait for stock like all others.
    ReleaseCame {
        /// Which.
        units: Vec<LineUnits>,
    },
    /// Its units rest until they are allocated.
    Deferred {
        /// When the clock does it.
        due: Option<ReleaseAt>,
    },
    /// A plan for units that rest; nothing is taken.
    Routed {
        /// The plan, its shipments and what it leaves.
        decision: Box<Decision>,
    },
    /// There is no plan for units that rest.
    RoutingFailed {
        /// What was seen.
        decision: Box<Decision>,
    },
    /// The plan's units are gone, and no other has any.
    AllocationFailed {
        /// What was seen.
        decision: Box<Decision>,
    },
    /// A node is to be asked before all others.
    Preferred {
        /// Which.
        node: NodeIndex,
    },
    /// What its total is made of.
    Totalled {
        /// As reported.
        totals: Totals,
    },
    /// Its fulfilment orders are handed to nodes from an instant on.
    Scheduled {
        /// When.
        release: ReleaseAt,
    },
    /// Its node will not do it: its units wait until somebody has asked the customer.
    CustomerAsked,
    /// The customer takes it from elsewhere.
    CustomerAnswered,
    /// It has a priority.
    Prioritised {
        /// Which; the highest is first.
        priority: u8,
    },
    /// Units that were picked are known by their lot or serial number.
    Identified {
        /// Number of the fulfilment order.
        number: u16,
        /// Which.
        units: Vec<Identified>,
    },
    /// Lines have slots.
    Booked {
        /// Which.
        bookings: Vec<Booking>,
    },
    /// Lines are warranties.
    Warranted {
        /// Which.
        warranties: Vec<Warranty>,
    },
    /// Units of a warranty were registered to the customer.
    WarrantyRegistered {
        /// Position of the line.
        line: u16,
        /// What.
        registered: Registered,
    },
    /// All that was open of it went to another order, with its money.
    MergedInto {
        /// That other.
        order: OrderKey,
        /// Its units, and from where.
        parts: Vec<CancelledPart>,
    },
    /// All that was open of another order came to it.
    Merged {
        /// What came.
        merged: Box<Merged>,
    },
    /// The carrier told where a shipment is.
    Tracked {
        /// Number of the fulfilment order.
        number: u16,
        /// What it saw that was not known.
        scans: Vec<Scan>,
        /// When it means to deliver, when it said so.
        estimated_at: Option<WallTime>,
    },
    /// Nodes may not be asked for it, since they refused the order it was split off.
    Fenced {
        /// Which.
        nodes: Vec<NodeIndex>,
    },
    /// A supplier ships a fulfilment order himself.
    Dropshipped {
        /// Its number.
        number: u16,
        /// By when he has it ready.
        ready_at: WallTime,
    },
    /// Units were bought for it.
    Bought {
        /// Which.
        units: Vec<BoughtUnits>,
    },
    /// A return of it took a step.
    Return {
        /// Which.
        key: ReturnKey,
        /// What happened.
        step: ReturnStep,
        /// To which units.
        units: Vec<LineUnits>,
        /// What of the order is back after this.
        back: Back,
    },
    /// Groups of its lines reach its customer in ways of their own.
    Ways {
        /// Which, and how.
        ways: Vec<Way>,
    },
    /// Somebody comes for a fulfilment order, and was told by when it is ready.
    ReadyPromised {
        /// Its number.
        number: u16,
        /// By when.
        ready_by: WallTime,
    },
    /// Somebody was told by which day a shipment is there.
    DeliveryPromised {
        /// Number of the fulfilment order.
        number: u16,
        /// By which day.
        deliver_by: CivilDay,
    },
    /// Its customer wants it to be there by a day.
    ArrivalWanted {
        /// Which.
        by: CivilDay,
    },
}
