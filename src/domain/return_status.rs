//! Words of returns: the state a unit is in, what becomes of it, where a return stands, and what can be done from there.
//!
//! What is *not* here: the return itself (`returns`).

use serde::{Deserialize, Serialize};

use super::stock::MovementKind;

/// The state in which a unit is, or is said to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the grades")]
pub enum Condition {
    New,
    Opened,
    Used,
    Damaged,
    Defective,
    WrongItem,
    /// It was not in the parcel.
    Missing,
}

/// What becomes of a unit that came back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Disposition {
    /// It is sold again: it goes to what is owed and to who waits, or is free.
    Restock,
    /// It is made good first.
    Refurbish,
    /// Somebody has to look at it first.
    Quarantine,
    /// It stays at the node, not to be sold.
    Damaged,
    /// It goes back to who made it.
    ReturnToVendor,
    /// It is sold off elsewhere.
    Liquidate,
    /// It is given away.
    Donate,
    /// It is destroyed.
    Destroy,
    /// It was not in the parcel.
    Missing,
    /// It never becomes stock.
    NotRestocked,
}

/// What a disposition does to the stock of the node that received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StockEffect {
    /// Given: owed, waited for, or free.
    Free,
    /// Waits for somebody.
    QualityControl,
    /// There, not to be sold.
    Damaged,
    /// It comes and leaves again.
    Leaves(MovementKind),
    /// None.
    Nothing,
}

impl Disposition {
    /// What it does to stock.
    pub fn effect(self) -> StockEffect {
        match self {
            Self::Restock => StockEffect::Free,
            Self::Refurbish | Self::Quarantine => StockEffect::QualityControl,
            Self::Damaged => StockEffect::Damaged,
            Self::ReturnToVendor => StockEffect::Leaves(MovementKind::ReturnedToVendor),
            Self::Liquidate => StockEffect::Leaves(MovementKind::Liquidated),
            Self::Donate => StockEffect::Leaves(MovementKind::Donated),
            Self::Destroy => StockEffect::Leaves(MovementKind::Destroyed),
            Self::Missing | Self::NotRestocked => StockEffect::Nothing,
        }
    }
}

/// Where a return stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the states")]
pub enum ReturnStatus {
    Requested,
    Approved,
    AwaitingGoods,
    InTransit,
    PartiallyReceived,
    Received,
    Inspected,
    Dispositioned,
    Closed,
    Declined,
    Expired,
    Cancelled,
}

/// What can be done to a return.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the steps")]
pub enum ReturnVerb {
    Approve,
    Decline,
    Cancel,
    Expire,
    Label,
    Transit,
    Receive,
    Inspect,
    Dispose,
    Refund,
    Close,
}

impl ReturnVerb {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Label => "label",
            Self::Transit => "transit",
            Self::Receive => "receive",
            Self::Inspect => "inspect",
            Self::Dispose => "dispose",
            Self::Refund => "refund",
            Self::Close => "close",
        }
    }
}

impl ReturnStatus {
    /// Every status.
    pub const ALL: [Self; 12] = [
        Self::Requested,
        Self::Approved,
        Self::AwaitingGoods,
        Self::InTransit,
        Self::PartiallyReceived,
        Self::Received,
        Self::Inspected,
        Self::Dispositioned,
        Self::Closed,
        Self::Declined,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::AwaitingGoods => "awaiting_goods",
            Self::InTransit => "in_transit",
            Self::PartiallyReceived => "partially_received",
            Self::Received => "received",
            Self::Inspected => "inspected",
            Self::Dispositioned => "dispositioned",
            Self::Closed => "closed",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// What can be done from here.
    pub fn legal(self) -> &'static [ReturnVerb] {
        use ReturnVerb::{Approve, Cancel, Close, Decline, Dispose, Expire, Inspect, Label, Receive, Refund, Transit};
        match self {
            Self::Requested => &[Approve, Decline, Cancel],
            Self::Approved | Self::AwaitingGoods => &[Label, Transit, Receive, Refund, Cancel, Expire],
            Self::InTransit => &[Label, Receive, Refund, Cancel],
            Self::PartiallyReceived => &[Label, Receive, Inspect, Dispose, Refund],
            Self::Received => &[Inspect, Dispose, Refund],
            Self::Inspected => &[Dispose, Refund],
            Self::Dispositioned => &[Refund, Close],
            Self::Closed | Self::Declined | Self::Expired | Self::Cancelled => &[],
        }
    }

    /// Whether a step can be taken from here.
    pub fn takes(self, verb: ReturnVerb) -> bool {
        self.legal().contains(&verb)
    }

    /// Whether anything more may happen.
    pub fn is_open(self) -> bool {
        !self.legal().is_empty()
    }
}
