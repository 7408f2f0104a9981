//! Samples of numbers, parcels and manifests.

use crate::domain::dispatch::{DispatchEvent, DispatchKey, ManifestKey, SsccPrefix};
use crate::domain::event::*;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey};

/// One of every event of dispatch.
pub fn dispatched() -> Vec<Event> {
    let of = |key, event| Event::DispatchChanged(Box::new(DispatchChanged { key, event }));
    let parcels = |number: u16| DispatchKey::Parcels(FulfillmentKey { order: OrderKey(80), number });
    let prefix = |extension| SsccPrefix { extension, company: "4012345".into() };
    let numbered_by = |extension| of(DispatchKey::Numbers, DispatchEvent::NumberedBy { prefix: prefix(extension) });
    let packed = |number, first| {
        let (node, carrier, weights_g) = (NodeIndex(300), "post".into(), vec![1_200, 0]);
        of(parcels(number), DispatchEvent::Packed { node, carrier, prefix: prefix(3), first, weights_g })
    };
    let manifest = ManifestKey { node: NodeIndex(300), carrier: "post".into(), day: 19_675 };
    vec![
        numbered_by(3),
        of(DispatchKey::Numbers, DispatchEvent::Drawn { count: 4 }),
        numbered_by(0),
        packed(4, 1),
        of(parcels(4), DispatchEvent::Left { manifest: manifest.clone() }),
        packed(5, 3),
        of(parcels(5), DispatchEvent::Void),
        of(DispatchKey::Manifest(manifest), DispatchEvent::Closed { shipments: 1, parcels: 2, left_behind: 0 }),
    ]
}
