//! Orders of the past: an order's own fields, and beside them how it ended.

use super::fulfillment::{LineQuantity, named_units};
use super::reading::{At, Listed, shape};
use super::scalar::{Id, Instant, Name};
use crate::domain::command::{ImportOrder, PastShipment, PlaceOrder};
use crate::domain::fulfillment::Shipment;
use crate::domain::ids::Text;

/// Most shipments of one order.
const SHIPMENTS_MAX: usize = 1_200;

shape! {
    /// Units that reached the customer from one node.
    pub struct PastShipmentShape {
        /// From where.
        pub node: Id,
        /// Which units; when left out, all that no shipment before it has.
        pub lines: Option<Vec<LineQuantity>>,
        /// Who carried it.
        pub carrier: Option<Name>,
        /// With which service; together with `carrier`.
        pub service: Option<Name>,
        /// Its tracking number; together with `carrier`.
        pub tracking_number: Option<Name>,
        /// When it left; `delivered_at` when left out.
        pub shipped_at: Option<Instant>,
        /// When it arrived; `closed_at` when left out.
        pub delivered_at: Option<Instant>,
    }
    check = PastShipmentShape::judge;
}

impl Listed for PastShipmentShape {
    const MOST: usize = SHIPMENTS_MAX;
}

impl PastShipmentShape {
    fn judge(&self, at: &At<'_>) {
        if self.carrier.is_none() && (self.service.is_some() || self.tracking_number.is_some()) {
            at.field("carrier").fault::<()>("missing_field", "is required with `service` or `tracking_number`");
        }
    }

    fn shipment(self) -> PastShipment {
        let word = |name: Option<Name>| name.map_or_else(|| "".into(), |name| name.0);
        let (service, tracking_number) = (word(self.service), word(self.tracking_number));
        PastShipment {
            node: Text::from(self.node),
            lines: self.lines.map(named_units),
            shipment: self.carrier.map(|carrier| Shipment { carrier: carrier.0, service, tracking_number }),
            shipped_at: self.shipped_at.map(Instant::wall),
            delivered_at: self.delivered_at.map(Instant::wall),
        }
    }
}

/// The command for an order that ended.
pub fn past_order(mut order: PlaceOrder, closed_at: Instant, shipments: Option<Vec<PastShipmentShape>>) -> ImportOrder {
    let shipments = shipments.unwrap_or_default().into_iter().map(PastShipmentShape::shipment).collect();
    // An address that somebody delivered to is not judged any more.
    order.destinations.iter_mut().for_each(|to| to.parts = None);
    ImportOrder { order, closed_at: closed_at.wall(), shipments }
}
