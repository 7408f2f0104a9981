//! Words of what there is: nodes, items, slots, compartments, channels and carriers.

use super::number;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Service, ShippingTerms};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::item::{Dimensions, ItemKind, Tracking};
use crate::domain::node::{Node, NodeKind};
use crate::domain::quantity::Quantity;
use crate::domain::time::WallTime;

pub(super) fn node(id: &str, latitude: &str, longitude: &str) -> Node {
    let degrees = |word: &str| word.parse::<f64>().expect("degrees");
    Node {
        id: id.into(),
        kind: NodeKind::Warehouse,
        name: id.into(),
        position: Position::from_degrees(degrees(latitude), degrees(longitude)).expect("on the globe"),
        country: "US".into(),
        postal_code: "10001".into(),
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

pub(super) fn put_item(sku: &str, kind: ItemKind, components: Vec<(Text, Quantity)>) -> Command {
    let (sku, dimensions) = (Text::from(sku), Dimensions::default());
    let item = PutItem {
        name: sku.clone(),
        sku,
        kind,
        weight_g: 500,
        dimensions,
        value: None,
        components,
        release_at: None,
        tracking: None,
        packing: Default::default(),
    };
    Command::PutItem(Box::new(item))
}

pub(super) fn tracked(sku: &str, tracking: Tracking) -> Command {
    let Command::PutItem(item) = put_item(sku, ItemKind::Product, vec![]) else { unreachable!("it puts an item") };
    Command::PutItem(Box::new(PutItem { tracking: Some(tracking), ..*item }))
}

pub(super) fn dated(sku: &str, release_at: WallTime) -> Command {
    let Command::PutItem(item) = put_item(sku, ItemKind::Product, vec![]) else { unreachable!("it puts an item") };
    Command::PutItem(Box::new(PutItem { release_at: Some(release_at), ..*item }))
}

pub(super) fn slots(node: &str, parts: &[&str], wall: WallTime) -> PutSlots {
    const LONG_MS: i64 = 3_600_000;
    let slot = |part: &[&str]| {
        let [id, seconds, limit] = part else { panic!("an id, seconds and places, not {part:?}") };
        let starts_at = WallTime(wall.0 + number(seconds) * 1_000);
        let ends_at = WallTime(starts_at.0 + LONG_MS);
        PutSlot { id: (*id).into(), sku: None, starts_at, ends_at, limit: number(limit) as u32 }
    };
    let slots = parts.split(|word| *word == "+").filter(|part| !part.is_empty()).map(slot).collect();
    PutSlots { node: node.into(), slots }
}

pub(super) fn lockers(node: &str, parts: &[&str]) -> PutLockers {
    let size = |part: &[&str]| {
        let [id, limit] = part else { panic!("an id and compartments, not {part:?}") };
        let inner = Dimensions { length: 400, width: 300, height: 200 };
        PutLocker { id: (*id).into(), inner, limit: number(limit) as u32 }
    };
    let sizes = parts.split(|word| *word == "+").filter(|part| !part.is_empty()).map(size).collect();
    PutLockers { node: node.into(), sizes }
}

pub(super) fn patch(id: &str, active: bool) -> Command {
    let patch = NodePatch { active: Some(active), ..NodePatch::default() };
    Command::PatchNode { node: id.into(), patch: Box::new(patch) }
}

pub(super) fn channel(id: &str, nodes: &str, customer: &str, limits: &[&str]) -> PutChannel {
    let limit = |part: &[&str]| PutLimit {
        sku: part[0].into(),
        floor: number(part[1]) as u32,
        cap: (part[2] != "-").then(|| number(part[2]) as u32),
    };
    PutChannel {
        id: id.into(),
        name: id.into(),
        nodes: (nodes != "-").then(|| nodes.split('+').map(Text::from).collect()),
        customers: if customer == "-" { Vec::new() } else { vec![customer.into()] },
        limits: limits.split(|word| *word == "+").filter(|part| !part.is_empty()).map(limit).collect(),
        payment_before: PaymentBefore::default(),
        payment_methods: Vec::new(),
    }
}

pub(super) fn carrier(id: &str, days: u16) -> ShippingTerms {
    let service = Service { transit_days: vec![days; 7], ..ground() };
    let (id, name) = (Text::from(id), Text::from(id));
    ShippingTerms::Carrier(Carrier { id, name, active: true, currency: None, services: vec![service] })
}
