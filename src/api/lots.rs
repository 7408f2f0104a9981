//! Lots and serial numbers: named by whoever brings or picks units, and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{Listed, shape};
use super::scalar::{Day, Id, LotId, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{NamedLot, Names};
use crate::domain::ids::Text;
use crate::domain::item::Tracking;
use crate::domain::limits::{LOTS_NAMED_MAX, ORDER_LINES_MAX};
use crate::domain::lots::{Found, Identified, LotView, LotsView};
use crate::domain::quantity::Quantity;

shape! {
    /// Units of one lot.
    pub struct LotQuantity {
        /// The lot.
        pub lot: LotId,
        /// How many.
        pub quantity: Quantity,
        /// The last day on which they may be used, in UTC. That of the lot, where it is known, when left out.
        pub expires_on: Option<Day>,
    }
}

impl Listed for LotQuantity {
    const MOST: usize = LOTS_NAMED_MAX;
}

impl Listed for LotId {
    const MOST: usize = LOTS_NAMED_MAX;
}

/// What a body names, as the domain takes it.
pub fn names(lots: Option<Vec<LotQuantity>>, serials: Option<Vec<LotId>>) -> Names {
    let lot = |one: LotQuantity| NamedLot {
        lot: one.lot.0,
        expires_at: one.expires_on.map(Day::end),
        units: one.quantity.units(),
    };
    let serial = |one: LotId| NamedLot { lot: one.0, expires_at: None, units: 1 };
    Names {
        lots: lots.unwrap_or_default().into_iter().map(lot).collect(),
        serials: serials.unwrap_or_default().into_iter().map(serial).collect(),
    }
}

shape! {
    /// Lots or serial numbers that were picked of a sku. Of the rest what expires first is taken.
    pub struct PickedNames {
        /// The sku.
        pub sku: Sku,
        /// Lots, where it is tracked by lot.
        pub lots: Option<Vec<LotQuantity>>,
        /// Serial numbers, where it is tracked by them.
        pub serials: Option<Vec<LotId>>,
    }
}

impl Listed for PickedNames {
    const MOST: usize = ORDER_LINES_MAX;
}

impl From<PickedNames> for (Text, Names) {
    fn from(picked: PickedNames) -> Self {
        (picked.sku.0, names(picked.lots, picked.serials))
    }
}

/// Units that were picked, by their lot or serial number.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Identified)]
pub struct IdentifiedJson {
    /// The sku.
    pub sku: Sku,
    /// Their lot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotId>,
    /// Its serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<LotId>,
    /// The last day on which they may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
    /// Units.
    pub quantity: u32,
}

impl IdentifiedJson {
    /// Units of a pick.
    pub fn of(units: &Identified, catalogue: &Catalogue) -> Self {
        let item = catalogue.item(units.sku);
        let is_serial = item.tracking == Some(Tracking::Serial);
        Self {
            sku: Sku(item.sku.clone()),
            lot: (!is_serial).then(|| LotId(units.lot.clone())),
            serial: is_serial.then(|| LotId(units.lot.clone())),
            expires_on: units.expires_at.map(Day::of),
            quantity: units.units,
        }
    }
}

/// A lot at a node, or one unit by its serial number.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Lot)]
pub struct LotJson {
    /// The lot or serial number.
    pub lot: LotId,
    /// The last day on which it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
    /// Units on hand.
    pub on_hand: u32,
    /// Of these, picked by fulfilment orders that have not left.
    pub picked: u32,
    /// Of these, in quality control because they have expired.
    pub expired: u32,
}

impl From<&LotView> for LotJson {
    fn from(lot: &LotView) -> Self {
        Self {
            lot: LotId(lot.lot.clone()),
            expires_on: lot.expires_at.map(Day::of),
            on_hand: lot.on_hand,
            picked: lot.picked,
            expired: lot.expired,
        }
    }
}

/// The lots of a sku at a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Lots)]
pub struct LotsJson {
    /// The sku.
    pub sku: Sku,
    /// The node.
    pub node: Id,
    /// `lot` or `serial`; missing when the item is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<&'static str>,
    /// Units on hand of which nobody said of which lot they are.
    pub unassigned: u64,
    /// Its lots, by name.
    pub items: Vec<LotJson>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Sequence of the last record when it was read.
    pub as_of: u64,
}

impl LotsJson {
    /// A page of the lots of a cell.
    pub fn of(sku: Text, node: Text, view: &LotsView, page: &[LotView], next: Option<u64>) -> Self {
        Self {
            sku: Sku(sku),
            node: Id(node),
            tracking: view.tracking.map(Tracking::word),
            unassigned: view.unassigned,
            items: page.iter().map(LotJson::from).collect(),
            next_cursor: next.map(|next| next.to_string()),
            as_of: view.as_of,
        }
    }
}

/// Where a serial number is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Serial)]
pub struct SerialJson {
    /// The sku.
    pub sku: Sku,
    /// The serial number.
    pub serial: LotId,
    /// At which node.
    pub node: Id,
    /// `on_hand`, `picked`, or `expired` when it lies in quality control for its age.
    pub state: &'static str,
    /// Which fulfilment order picked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment_order: Option<String>,
    /// The last day on which it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
}

impl SerialJson {
    /// A unit that was found.
    pub fn of(sku: Text, serial: Text, found: &Found, node: Text) -> Self {
        let state = match (found.picked_by, found.lot.blocked) {
            (Some(_), _) => "picked",
            (None, 0) => "on_hand",
            (None, _) => "expired",
        };
        Self {
            sku: Sku(sku),
            serial: LotId(serial),
            node: Id(node),
            state,
            fulfillment_order: found.picked_by.map(|by| by.to_string()),
            expires_on: found.lot.expires_at.map(Day::of),
        }
    }
}
