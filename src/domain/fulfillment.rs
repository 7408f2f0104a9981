//! A fulfilment order: the request to one node to fulfil given quantities of given lines, and its machine.
//!
//! ```text
//! scheduled ─its window begins─► submitted
//! submitted ─accept─► accepted ─pick/short─► picking ─complete─► picked ─pack─► packed ─ship─► shipped ─deliver─► delivered
//!     │reject           │ cancel (at once)     │ cancel (asks the node: cancelling)  └ready─► ready ─hand over─► delivered
//!     ▼                 ▼                      ▼                                              └its window ends─► put_back
//!  rejected          cancelled             cancelling ─accept─► cancelled · ─refuse─► what it was
//!                                              └accept, when something was picked─► put_back ─put_back─► cancelled
//! sent to a store where its customer comes for it: shipped ─receive─► packed, at the store ─► …
//! ```
//! Before it is picked one is moved to another node, split in two, or merged with another of the same node. One that is
//! scheduled or submitted is told as `on_hold` while a hold of its order forbids to accept it. An illegal step is refused
//! with the legal ones. What is *not* here: stock (the order's own events carry it).

use serde::{Deserialize, Serialize};

use super::decision::LineUnits;
use super::hold::ReleaseAt;
use super::ids::{FulfillmentKey, NodeIndex, Text};
use super::lots::Identified;
use super::time::JournalTime;

/// Where a fulfilment order stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum FulfillmentStatus {
    /// Handed to the node, which has not answered.
    Submitted,
    /// The node will do it.
    Accepted,
    /// Being picked.
    Picking,
    /// All that is there is picked.
    Picked,
    /// In its carton.
    Packed,
    /// Waiting to be picked up.
    Ready,
    /// Left the node.
    Shipped,
    /// With the customer.
    Delivered,
    /// The node refused; its units were sourced again.
    Rejected,
    /// All of it was short, or its node was switched off before it began; its units were sourced again.
    Incomplete,
    /// The node was asked to let it go.
    Cancelling,
    /// Let go.
    Cancelled,
    /// Scheduled or submitted, and a hold forbids to accept it. Read off the holds, never stored.
    OnHold,
    /// It is handed to the node when its window begins.
    Scheduled,
    /// Let go after picking: what was picked waits to be put back.
    PutBack,
}

/// What can be done to a fulfilment order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FulfillmentVerb {
    /// The node takes it on.
    Accept,
    /// The node refuses.
    Reject,
    /// Units are picked.
    Pick,
    /// Units are not found.
    Short,
    /// It is packed.
    Pack,
    /// It waits to be picked up.
    Ready,
    /// It leaves with a carrier.
    Ship,
    /// The customer takes it at the node.
    HandOver,
    /// The carrier delivered it.
    Deliver,
    /// Somebody wants it stopped.
    Cancel,
    /// The node agrees to stop.
    CancelAccept,
    /// Its node was switched off. Nobody asks for it: the engine does it.
    Outage,
    /// The node goes on.
    CancelRefuse,
    /// What was picked is on its shelf again.
    PutBack,
    /// Another node shall do it.
    Move,
    /// Some of its units become another one.
    Split,
    /// It takes the units of another one.
    Merge,
    /// Its window begins. The clock does it.
    Submit,
    /// Nobody came for it while it was ready. The clock does it.
    Lapse,
    /// The customer is there.
    Arrive,
    /// It came to the store where its customer comes for it.
    Receive,
}

impl FulfillmentVerb {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Pick => "pick",
            Self::Short => "short",
            Self::Pack => "pack",
            Self::Ready => "ready",
            Self::Ship => "ship",
            Self::HandOver => "hand_over",
            Self::Deliver => "deliver",
            Self::Cancel => "cancel",
            Self::CancelAccept => "cancel_accept",
            Self::CancelRefuse => "cancel_refuse",
            Self::Outage => "outage",
            Self::PutBack => "put_back",
            Self::Move => "move",
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Submit => "submit",
            Self::Lapse => "lapse",
            Self::Arrive => "arrive",
            Self::Receive => "receive",
        }
    }
}

impl FulfillmentStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Picking => "picking",
            Self::Picked => "picked",
            Self::Packed => "packed",
            Self::Ready => "ready",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Incomplete => "incomplete",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::OnHold => "on_hold",
            Self::Scheduled => "scheduled",
            Self::PutBack => "put_back",
        }
    }

    /// Every status, for lists and checks.
    pub const ALL: [Self; 15] = [
        Self::Submitted,
        Self::Accepted,
        Self::Picking,
        Self::Picked,
        Self::Packed,
        Self::Ready,
        Self::Shipped,
        Self::Delivered,
        Self::Rejected,
        Self::Incomplete,
        Self::Cancelling,
        Self::Cancelled,
        Self::OnHold,
        Self::Scheduled,
        Self::PutBack,
    ];

    /// What a caller may do now. The table of the machine.
    pub fn legal(self) -> &'static [FulfillmentVerb] {
        use FulfillmentVerb::{
            Accept, Arrive, Cancel, CancelAccept, CancelRefuse, Deliver, HandOver, Merge, Move, Pack, Pick, PutBack,
            Ready, Receive, Reject, Ship, Short, Split,
        };
        match self {
            Self::Scheduled => &[Cancel, Move, Split, Merge],
            Self::Submitted => &[Accept, Reject, Cancel, Move, Split, Merge],
            Self::OnHold => &[Reject, Cancel, Move, Split, Merge],
            Self::Accepted => &[Pick, Short, Reject, Cancel, Move, Split, Merge],
            Self::Picking => &[Pick, Short, Cancel],
            Self::Picked => &[Pack, Cancel],
            Self::Packed => &[Ship, Ready, HandOver, Cancel],
            Self::Ready => &[HandOver, Ship, Cancel, Arrive],
            Self::Shipped => &[Deliver, Receive],
            Self::Cancelling => &[CancelAccept, CancelRefuse],
            Self::PutBack => &[PutBack],
            Self::Delivered | Self::Rejected | Self::Incomplete | Self::Cancelled => &[],
        }
    }

    /// Whether it takes a step, of callers or of the engine.
    pub fn takes(self, verb: FulfillmentVerb) -> bool {
        let by_the_engine = match verb {
            FulfillmentVerb::Outage => self.is_before_picking(),
            FulfillmentVerb::Submit => self == Self::Scheduled,
            FulfillmentVerb::Lapse => self == Self::Ready,
            _ => false,
        };
        by_the_engine || self.legal().contains(&verb)
    }

    /// Whether the node has not begun.
    pub fn is_before_picking(self) -> bool {
        matches!(self, Self::Scheduled | Self::Submitted | Self::Accepted)
    }

    /// Whether its units still belong to the order's line through it.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Rejected | Self::Incomplete | Self::Cancelled | Self::PutBack)
    }

    /// Whether the node has taken it on.
    pub fn is_accepted_or_beyond(self) -> bool {
        self.is_live() && !matches!(self, Self::Scheduled | Self::Submitted | Self::OnHold)
    }
}

/// Units of one order line in a fulfilment order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FulfillmentLine {
    /// Position of the line in the order, from 0.
    pub line: u16,
    /// Units asked for, after shorts and cancels; zero when all left.
    pub quantity: u32,
    /// Of these, units picked.
    pub picked: u32,
}

/// How it left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shipment {
    /// Carrier.
    pub carrier: Text,
    /// Its service.
    pub service: Text,
    /// Tracking number.
    pub tracking_number: Text,
}

/// A fulfilment order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FulfillmentOrder {
    /// Number within its order, from 1.
    pub number: u16,
    /// Who fulfils.
    pub node: NodeIndex,
    /// Which of the order's destinations.
    pub group: u16,
    /// Where it stands.
    pub status: FulfillmentStatus,
    /// What it was before it was asked to stop.
    pub before_cancelling: Option<FulfillmentStatus>,
    /// Whether its units are sourced again when the node agrees to stop.
    pub resources: bool,
    /// Its units.
    pub lines: Vec<FulfillmentLine>,
    /// How it left.
    pub shipment: Option<Shipment>,
    /// Why it was refused or stopped.
    pub reason: Option<Text>,
    /// What it costs by the plan that made it, minor units of the base currency.
    pub cost: i64,
    /// Fulfilment orders, of other orders too, that leave in one shipment with it, itself included; none when it leaves
    /// alone.
    pub ships_with: Vec<FulfillmentKey>,
    /// When it came to where it stands.
    pub since: JournalTime,
    /// When the clock takes it on from where it stands: the beginning of its window, or the end of a pickup's.
    pub until: Option<ReleaseAt>,
    /// The one it was split off.
    pub split_from: Option<u16>,
    /// The one that took its units.
    pub merged_into: Option<u16>,
    /// Units of it that were picked, by their lot or serial number.
    pub identified: Vec<Identified>,
}

impl FulfillmentOrder {
    /// Whether units of it lie at its node, or are to come to lie there; what was stopped does until it is put back.
    pub fn is_at_node(&self) -> bool {
        use FulfillmentStatus::{Cancelled, Delivered, Incomplete, PutBack, Rejected, Shipped};
        match self.status {
            PutBack => true,
            Shipped | Delivered | Rejected | Incomplete | Cancelled => false,
            _ => self.units() > 0,
        }
    }

    /// A new one, submitted.
    pub fn submitted(
        number: u16,
        node: NodeIndex,
        group: u16,
        units: &[LineUnits],
        cost: i64,
        since: JournalTime,
    ) -> Self {
        let lines = units.iter().map(|u| FulfillmentLine { line: u.line, quantity: u.quantity, picked: 0 }).collect();
        Self {
            number,
            node,
            group,
            status: FulfillmentStatus::Submitted,
            before_cancelling: None,
            resources: false,
            lines,
            shipment: None,
            reason: None,
            cost,
            ships_with: Vec::new(),
            since,
            until: None,
            split_from: None,
            merged_into: None,
            identified: Vec::new(),
        }
    }

    /// Whether it was sent to the store where its customer comes for it, and came there. Its units left once: from then on
    /// they are not their channel's any more.
    pub fn came_to_store(&self) -> bool {
        let left = matches!(self.status, FulfillmentStatus::Shipped | FulfillmentStatus::Delivered);
        self.shipment.is_some() && !left
    }

    /// Its units that are off their shelf.
    pub fn picked_units(&self) -> Vec<LineUnits> {
        let picked = self.lines.iter().filter(|l| l.picked > 0);
        picked.map(|l| LineUnits { line: l.line, quantity: l.picked }).collect()
    }

    /// Units in it.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|l| u64::from(l.quantity)).sum()
    }

    /// Units of a line in it.
    pub fn units_of(&self, line: u16) -> u32 {
        self.lines.iter().filter(|l| l.line == line).map(|l| l.quantity).sum()
    }

    /// Its units as line and quantity, empty lines left out.
    pub fn line_units(&self) -> Vec<LineUnits> {
        let full = self.lines.iter().filter(|l| l.quantity > 0);
        full.map(|l| LineUnits { line: l.line, quantity: l.quantity }).collect()
    }
}

/// Why units were not found; decides the stock effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ShortReason {
    /// Nothing is there: on hand becomes zero at that node.
    NotInStock,
    /// That many fewer are there.
    Mismatch,
    /// There, but not sellable.
    Damaged,
}

impl ShortReason {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotInStock => "not_in_stock",
            Self::Mismatch => "mismatch",
            Self::Damaged => "damaged",
        }
    }
}

/// A step a fulfilment order took.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FulfillmentStep {
    /// The node took it on.
    Accepted,
    /// The node refused: its units are unallocated again.
    Rejected {
        /// Why.
        reason: Text,
    },
    /// Units were picked.
    Picked {
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// Units were not found: they are unallocated again.
    ShortPicked {
        /// Which.
        lines: Vec<LineUnits>,
        /// Why.
        reason: ShortReason,
    },
    /// Packed.
    Packed,
    /// Waiting to be picked up.
    MadeReady,
    /// Left.
    Shipped {
        /// How.
        shipment: Shipment,
    },
    /// Taken by the customer at the node.
    HandedOver,
    /// Delivered.
    Delivered,
    /// The node was asked to stop.
    CancellationRequested {
        /// Why.
        reason: Text,
        /// Whether the demand stays and is sourced again when the node agrees.
        resourced: bool,
    },
    /// It was stopped; its units are cancelled, or unallocated again.
    Cancelled {
        /// Why.
        reason: Text,
        /// Whether the demand stays and is sourced again.
        resourced: bool,
    },
    /// The node goes on.
    CancellationRefused,
    /// Its node was switched off before it began: its units are unallocated again.
    NodeOutage {
        /// Why it was switched off, when somebody said so.
        reason: Option<Text>,
    },
    /// It was stopped after picking: its units are cancelled, or unallocated again; what was picked has to be put back.
    Stopped {
        /// Why.
        reason: Text,
        /// Whether the demand stays and is sourced again.
        resourced: bool,
    },
    /// What was picked is on its shelf again.
    PutBack {
        /// Which units; others that were picked are not fit to be sold.
        lines: Vec<LineUnits>,
    },
    /// Waiting to be picked up until an instant.
    MadeReadyUntil {
        /// When nobody waits any longer.
        until: ReleaseAt,
    },
    /// Its window began: it was handed to the node.
    Submitted,
    /// Another node shall do it.
    Moved {
        /// Which.
        node: NodeIndex,
        /// What that shipment costs, minor units of the base currency.
        cost: i64,
    },
    /// Some of its units became another one, at the same node and as far.
    Split {
        /// Which units.
        lines: Vec<LineUnits>,
        /// Number of the new one.
        into: u16,
    },
    /// All of its units went to another one of the same node.
    Merged {
        /// Its number.
        into: u16,
    },
    /// It came to the store where its customer comes for it, in its parcel.
    Received {
        /// Which store: from now on its node.
        node: NodeIndex,
    },
    /// The same, and some units were not in it: they are unallocated again.
    ReceivedInPart {
        /// Which store: from now on its node, unless nothing came.
        node: NodeIndex,
        /// Which units.
        missing: Vec<LineUnits>,
        /// Of these, those that are known by lot or serial number.
        gone: Vec<Identified>,
    },
}

impl FulfillmentStep {
    /// The verb that leads to it.
    pub fn verb(&self, from: FulfillmentStatus) -> FulfillmentVerb {
        match self {
            Self::Accepted => FulfillmentVerb::Accept,
            Self::Rejected { .. } => FulfillmentVerb::Reject,
            Self::Picked { .. } => FulfillmentVerb::Pick,
            Self::ShortPicked { .. } => FulfillmentVerb::Short,
            Self::Packed => FulfillmentVerb::Pack,
            Self::MadeReady => FulfillmentVerb::Ready,
            Self::Shipped { .. } => FulfillmentVerb::Ship,
            Self::HandedOver => FulfillmentVerb::HandOver,
            Self::Delivered => FulfillmentVerb::Deliver,
            Self::CancellationRequested { .. } => FulfillmentVerb::Cancel,
            Self::Cancelled { .. } if from == FulfillmentStatus::Cancelling => FulfillmentVerb::CancelAccept,
            Self::Cancelled { .. } => FulfillmentVerb::Cancel,
            Self::CancellationRefused => FulfillmentVerb::CancelRefuse,
            Self::NodeOutage { .. } => FulfillmentVerb::Outage,
            Self::Stopped { .. } if from == FulfillmentStatus::Cancelling => FulfillmentVerb::CancelAccept,
            Self::Stopped { .. } => FulfillmentVerb::Lapse,
            Self::PutBack { .. } => FulfillmentVerb::PutBack,
            Self::MadeReadyUntil { .. } => FulfillmentVerb::Ready,
            Self::Submitted => FulfillmentVerb::Submit,
            Self::Moved { .. } => FulfillmentVerb::Move,
            Self::Split { .. } => FulfillmentVerb::Split,
            Self::Merged { .. } => FulfillmentVerb::Merge,
            Self::Received { .. } | Self::ReceivedInPart { .. } => FulfillmentVerb::Receive,
        }
    }
}
