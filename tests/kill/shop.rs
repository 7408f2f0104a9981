//! What is sold: three nodes, and for every chapter a handful of hot skus that nobody else touches.
//!
//! | Sku | Is |
//! |---|---|
//! | `cup-N`, `mug N` | received, sold and shipped; only ever gains units, so whatever is promised of it is there |
//! | `jar-N` | counted up and down while it is promised, never shipped: it may owe units |
//! | `set-N` | a kit of two cups and a mug |
//! | `bin-N` | at one node, changed only by counts of one client |
//! | `pallet-N-…` | many, received all at once: each receipt is a record of tens of KiB, and is whole or absent |

use std::thread;

use serde_json::{Value, json};

use crate::wire::{Request, Wire, encoded};

pub const NODES: [(&str, f64, f64); 3] = [("chi", 41.88, -87.63), ("nyc", 40.71, -74.0), ("reno", 39.53, -119.81)];
/// Pallets of a chapter.
const PALLETS: usize = 100;
/// Connections that put items at the same time.
const PUTTING: usize = 10;
/// Units of each component of a set.
const SET: [(usize, u32); 2] = [(CUP, 2), (MUG, 1)];

const CUP: usize = 0;
const MUG: usize = 1;
const JAR: usize = 2;

/// The skus of a chapter.
#[derive(Clone)]
pub struct Skus {
    /// Kept in cells: cups, mugs, jars.
    pub stocked: [String; 3],
    pub set: String,
    pub bin: String,
    pub pallets: Vec<String>,
}

impl Skus {
    pub fn of(chapter: u64) -> Self {
        let stocked = [format!("cup-{chapter}"), format!("mug {chapter}"), format!("jar-{chapter}")];
        let pallets = (0..PALLETS).map(|n| format!("pallet-{chapter}-{n}")).collect();
        Self { stocked, set: format!("set-{chapter}"), bin: format!("bin-{chapter}"), pallets }
    }

    pub fn jar(&self) -> &str {
        &self.stocked[JAR]
    }

    /// Skus whose units never go missing.
    pub fn sure(&self) -> [&str; 2] {
        [&self.stocked[CUP], &self.stocked[MUG]]
    }

    /// What units of a sku are in cells.
    pub fn cells_of(&self, sku: &str, units: i64) -> Vec<(String, i64)> {
        if sku != self.set {
            return vec![(sku.to_owned(), units)];
        }
        SET.iter().map(|(part, each)| (self.stocked[*part].clone(), units * i64::from(*each))).collect()
    }

    /// Puts nodes and items; the same again changes nothing.
    pub fn put(&self, wire: &mut Wire) {
        for (id, latitude, longitude) in NODES {
            let node = json!({
                "kind": "warehouse", "name": id, "latitude": latitude, "longitude": longitude, "country": "US",
                "postal_code": "60601", "time_zone": "America/Chicago", "active": true,
            });
            done(wire, format!("/v1/nodes/{id}"), node);
        }
        let item = |kind: &str| {
            json!({
                "name": "Ware", "kind": kind, "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
                "dimensions_mm": {"length": 100, "width": 80, "height": 90},
            })
        };
        let products: Vec<&String> = self.stocked.iter().chain([&self.bin]).chain(&self.pallets).collect();
        let address = wire.address();
        thread::scope(|scope| {
            for some in products.chunks(products.len().div_ceil(PUTTING)) {
                let mut wire = Wire::to(address);
                scope.spawn(move || {
                    some.iter().for_each(|sku| done(&mut wire, format!("/v1/items/{}", encoded(sku)), item("product")));
                });
            }
        });
        let mut set = item("kit");
        let parts = SET.iter().map(|(part, each)| json!({"sku": self.stocked[*part], "quantity": each}));
        set["components"] = parts.collect();
        done(wire, format!("/v1/items/{}", encoded(&self.set)), set);
    }
}

fn done(wire: &mut Wire, path: String, body: Value) {
    let answer = wire.ask(&Request::put(path, body)).expect("nobody kills the server yet");
    assert!(answer.is_done(), "{answer:?}");
}

/// The body of an order.
pub fn order(id: &str, lines: &[(String, u64)]) -> Value {
    let lines = lines.iter().map(
        |(sku, quantity)| json!({"sku": sku, "quantity": quantity, "unit_price": {"amount": 1999, "currency": "USD"}}),
    );
    json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": format!("web {id}"),
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": lines.collect::<Vec<_>>(), "delivery_method": "ship",
    })
}

/// The body of a reservation.
pub fn reservation(id: &str, ttl_s: u64, lines: &[Value]) -> Value {
    json!({"id": id, "owner": format!("cart of {id}"), "ttl_s": ttl_s, "lines": lines})
}
