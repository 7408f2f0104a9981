//! The places of benches that run in process.

use ordain::domain::geo::Position;
use ordain::domain::node::{Node, NodeKind};

/// A warehouse that asks for nothing and is always open.
pub fn warehouse(id: &str, position: Position) -> Node {
    Node {
        id: id.into(),
        kind: NodeKind::Warehouse,
        name: "node".into(),
        position,
        country: "US".into(),
        postal_code: "00000".into(),
        time_zone: "UTC".into(),
        active: true,
        inactive_reason: None,
        handling: None,
        capacity_per_day: None,
        cutoff_min: None,
        calendar: None,
        capabilities: vec![],
    }
}
