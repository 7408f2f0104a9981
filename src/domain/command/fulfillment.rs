//! Steps of fulfilment orders.

use super::order::NamedUnits;
use super::stock::Names;
use crate::domain::fulfillment::{Shipment, ShortReason};
use crate::domain::ids::Text;
use crate::domain::time::WallTime;
use crate::domain::tracking::Scan;

/// What is to be done to a fulfilment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FulfillmentAction {
    /// Take it on.
    Accept,
    /// Refuse it.
    Reject {
        /// Why.
        reason: Text,
    },
    /// Pick units; all that are left when `None`.
    Pick {
        /// Which.
        lines: Option<Vec<NamedUnits>>,
    },
    /// Pick units and say of which lots they are, or which they are.
    PickNamed {
        /// Which; all that are left when `None`.
        lines: Option<Vec<NamedUnits>>,
        /// Lots and serial numbers by sku.
        names: Vec<(Text, Names)>,
    },
    /// Units are not there.
    Short {
        /// Which.
        lines: Vec<NamedUnits>,
        /// Why.
        reason: ShortReason,
    },
    /// Pack it.
    Pack,
    /// It waits to be picked up.
    Ready {
        /// Until when; as long as it takes when `None`.
        until: Option<WallTime>,
    },
    /// It leaves.
    Ship {
        /// How.
        shipment: Shipment,
    },
    /// The same, with a code that he hands in: the one that is named, else the one that is drawn where that was decided.
    ReadyWith {
        /// Until when; as long as was decided, else as long as it takes when `None`.
        until: Option<WallTime>,
        /// The code.
        code: Option<Text>,
        /// One that nobody can guess.
        drawn: Text,
    },
    /// The customer is there.
    Arrive {
        /// Where he stands, when he said so.
        spot: Option<Text>,
    },
    /// The customer takes it at the node.
    HandOver,
    /// The same, and he hands in a code.
    HandOverWith {
        /// The code.
        code: Text,
    },
    /// It came to the store where its customer comes for it, and some of it was not in its parcel.
    ReceiveInPart {
        /// Which units are missing.
        missing: Vec<NamedUnits>,
        /// Lots and serial numbers of these, by sku.
        names: Vec<(Text, Names)>,
    },
    /// It was delivered.
    Deliver,
    /// Stop it.
    Cancel {
        /// Why.
        reason: Text,
        /// Whether the demand stays and is sourced again elsewhere.
        resource: bool,
    },
    /// Agree to stop.
    CancelAccept,
    /// Go on.
    CancelRefuse,
    /// What was picked is on its shelf again.
    PutBack {
        /// Which units; all that were picked when `None`. Others are not fit to be sold.
        lines: Option<Vec<NamedUnits>>,
    },
    /// Another node shall do it.
    Move {
        /// Which.
        node: Text,
    },
    /// Some of its units become another one.
    Split {
        /// Which.
        lines: Vec<NamedUnits>,
    },
    /// It takes the units of another one.
    Merge {
        /// Which.
        with: Text,
    },
    /// It came to the store where its customer comes for it.
    Receive,
    /// Its carrier tells where its shipment is. A shipment that is delivered delivers it, unless a store has to receive it.
    Track {
        /// What the carrier saw.
        scans: Vec<Scan>,
        /// When it means to deliver it, when it says so.
        estimated_at: Option<WallTime>,
    },
}

/// A step of a fulfilment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfill {
    /// Which.
    pub fulfillment: Text,
    /// What.
    pub action: FulfillmentAction,
}
