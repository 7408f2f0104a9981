//! Shapes of entities that older snapshots hold, and what they are today.
//!
//! Each is frozen: golden bytes hold it for ever. What today's shape has and an old one has not is filled in as the folds
//! would have made it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::decision::Decision;
use crate::domain::edit::Edit;
use crate::domain::event::ItemPut;
use crate::domain::fulfillment::{FulfillmentLine, FulfillmentOrder, FulfillmentStatus, Shipment};
use crate::domain::hold::{Hold, ReleaseAt};
use crate::domain::ids::{InboundKey, NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::inbound::{Inbound, InboundLine};
use crate::domain::item::{Component, Dimensions, Item, ItemKind, ItemPacking};
use crate::domain::money::Money;
use crate::domain::order::{Deferral, Order, OrderFacts, OrderLine, Told};
use crate::domain::particulars::{Booking, Particulars, Totals, Warranty};
use crate::domain::payment::PaymentFact;
use crate::domain::time::{JournalTime, WallTime};

/// A fulfilment order of an order of version 1 or 2: before it said what it costs, and before windows, splits and merges.
#[derive(Serialize, Deserialize)]
struct FulfillmentOrderV2 {
    number: u16,
    node: NodeIndex,
    group: u16,
    status: FulfillmentStatus,
    before_cancelling: Option<FulfillmentStatus>,
    resources: bool,
    lines: Vec<FulfillmentLine>,
    shipment: Option<Shipment>,
    reason: Option<Text>,
}

impl FulfillmentOrderV2 {
    /// The same today; the last plan says what it costs. Nobody wrote down when it came to where it stands: not before
    /// its order was captured.
    fn today(self, decision: Option<&Decision>, received_at: JournalTime) -> FulfillmentOrder {
        let Self { number, node, group, status, before_cancelling, resources, lines, shipment, reason } = self;
        let plan = decision.into_iter().flat_map(|decision| &decision.assignments);
        let cost = plan.filter(|assignment| assignment.node == node).map(|assignment| assignment.cost).max();
        FulfillmentOrder {
            number,
            node,
            group,
            status,
            before_cancelling,
            resources,
            lines,
            shipment,
            reason,
            cost: cost.unwrap_or(0),
            ships_with: Vec::new(),
            since: received_at,
            until: None,
            split_from: None,
            merged_into: None,
            identified: Vec::new(),
        }
    }
}

/// What few orders have, of an order of version 3: before carriers told where shipments are.
#[derive(Serialize, Deserialize)]
struct ParticularsV3 {
    preferred_node: Option<NodeIndex>,
    totals: Option<Totals>,
    bookings: Vec<Booking>,
    warranties: Vec<Warranty>,
    merged_into: Option<OrderKey>,
    merged: Vec<OrderKey>,
}

impl From<ParticularsV3> for Particulars {
    fn from(old: ParticularsV3) -> Self {
        let ParticularsV3 { preferred_node, totals, bookings, warranties, merged_into, merged } = old;
        Self { preferred_node, totals, bookings, warranties, merged_into, merged, tracked: Vec::new() }
    }
}

/// An order, version 3: before carriers told where shipments are.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderV3 {
    key: OrderKey,
    facts: Arc<OrderFacts>,
    lines: Vec<OrderLine>,
    fulfillment_orders: Vec<FulfillmentOrder>,
    fenced: Vec<NodeIndex>,
    decision: Option<Arc<Decision>>,
    history: Vec<Told>,
    received_at: JournalTime,
    version: u32,
    seq: u64,
    holds: Vec<Hold>,
    payments: Vec<PaymentFact>,
    edits: Vec<Edit>,
    repriced: i64,
    split_from: Option<OrderKey>,
    deferral: Option<Deferral>,
    particulars: Option<Box<ParticularsV3>>,
    release_at: Option<ReleaseAt>,
    awaits_customer: bool,
    priority: u8,
}

impl From<OrderV3> for Order {
    fn from(old: OrderV3) -> Self {
        let OrderV3 { key, facts, lines, fulfillment_orders, fenced, decision, history, received_at, .. } = old;
        let OrderV3 { version, seq, holds, payments, edits, repriced, split_from, deferral, .. } = old;
        let OrderV3 { particulars, release_at, awaits_customer, priority, .. } = old;
        let particulars = particulars.map(|particulars| Box::new((*particulars).into()));
        Self {
            key,
            facts,
            lines,
            fulfillment_orders,
            fenced,
            decision,
            history,
            received_at,
            version,
            seq,
            holds,
            payments,
            edits,
            repriced,
            split_from,
            deferral,
            particulars,
            left_at: 0,
            release_at,
            awaits_customer,
            priority,
            returns: Vec::new(),
            ways: Vec::new(),
        }
    }
}

/// An order, version 2: before edits and windows.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderV2 {
    key: OrderKey,
    facts: Arc<OrderFacts>,
    lines: Vec<OrderLine>,
    fulfillment_orders: Vec<FulfillmentOrderV2>,
    fenced: Vec<NodeIndex>,
    decision: Option<Arc<Decision>>,
    history: Vec<Told>,
    received_at: JournalTime,
    version: u32,
    seq: u64,
    holds: Vec<Hold>,
    payments: Vec<PaymentFact>,
}

impl From<OrderV2> for Order {
    fn from(old: OrderV2) -> Self {
        let OrderV2 { key, facts, lines, fulfillment_orders, fenced, decision, history, .. } = old;
        let OrderV2 { received_at, version, seq, holds, payments, .. } = old;
        let today = |old: FulfillmentOrderV2| old.today(decision.as_deref(), received_at);
        let fulfillment_orders = fulfillment_orders.into_iter().map(today).collect();
        Self {
            key,
            facts,
            lines,
            fulfillment_orders,
            fenced,
            decision,
            history,
            received_at,
            version,
            seq,
            holds,
            payments,
            edits: Vec::new(),
            repriced: 0,
            split_from: None,
            deferral: None,
            particulars: None,
            left_at: 0,
            release_at: None,
            awaits_customer: false,
            priority: 0,
            returns: Vec::new(),
            ways: Vec::new(),
        }
    }
}

/// An order, version 1: before holds and payments.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderV1 {
    key: OrderKey,
    facts: Arc<OrderFacts>,
    lines: Vec<OrderLine>,
    fulfillment_orders: Vec<FulfillmentOrderV2>,
    fenced: Vec<NodeIndex>,
    decision: Option<Arc<Decision>>,
    history: Vec<Told>,
    received_at: JournalTime,
    version: u32,
    seq: u64,
}

impl From<OrderV1> for Order {
    fn from(old: OrderV1) -> Self {
        let OrderV1 { key, facts, lines, fulfillment_orders, fenced, decision, history, received_at, version, seq } =
            old;
        let (holds, payments) = (Vec::new(), Vec::new());
        let mut order = Self::from(OrderV2 {
            key,
            facts,
            lines,
            fulfillment_orders,
            fenced,
            decision,
            history,
            received_at,
            version,
            seq,
            holds,
            payments,
        });
        if let Some(placed) = order.history.first() {
            order.payments = order.paid_at_capture(&placed.actor.clone());
        }
        order
    }
}

/// An item, version 1: before release dates, tracking and facts of packing. Still written of what has none of them.
#[derive(Serialize, Deserialize)]
pub(super) struct ItemV1 {
    sku: Text,
    name: Text,
    kind: ItemKind,
    weight_g: u32,
    dimensions: Dimensions,
    value: Option<Money>,
    components: Vec<Component>,
}

impl From<ItemV1> for Item {
    fn from(old: ItemV1) -> Self {
        let ItemV1 { sku, name, kind, weight_g, dimensions, value, components } = old;
        Self {
            sku,
            name,
            kind,
            weight_g,
            dimensions,
            value,
            components,
            release_at: None,
            tracking: None,
            packing: ItemPacking::default(),
        }
    }
}

/// An item that an older program reads too; `None` when it has what version 1 has not.
pub(super) fn plain(item: &Item) -> Option<ItemV1> {
    let Item { sku, name, kind, weight_g, dimensions, value, components, release_at, tracking, packing } = item;
    (release_at.is_none() && tracking.is_none() && *packing == ItemPacking::default()).then(|| ItemV1 {
        sku: sku.clone(),
        name: name.clone(),
        kind: *kind,
        weight_g: *weight_g,
        dimensions: *dimensions,
        value: *value,
        components: components.clone(),
    })
}

/// A document of inbound supply, version 1: before any was bought. Still written of what was not.
#[derive(Serialize, Deserialize)]
pub(super) struct InboundV1 {
    key: InboundKey,
    id: Option<Text>,
    fingerprint: u64,
    node: NodeIndex,
    supplier: Option<Text>,
    eta: WallTime,
    lines: Vec<InboundLine>,
    ended: bool,
    announced_at: JournalTime,
    announced_seq: u64,
    ended_at: Option<JournalTime>,
    version: u32,
    seq: u64,
}

impl From<InboundV1> for Inbound {
    fn from(old: InboundV1) -> Self {
        let InboundV1 { key, id, fingerprint, node, supplier, eta, lines, .. } = old;
        let InboundV1 { ended, announced_at, announced_seq, ended_at, version, seq, .. } = old;
        Self {
            key,
            id,
            fingerprint,
            node,
            supplier,
            eta,
            lines,
            ended,
            announced_at,
            announced_seq,
            ended_at,
            version,
            seq,
            bought_at: None,
        }
    }
}

/// A document that an older program reads too; `None` when it was bought.
pub(super) fn announced(inbound: &Inbound) -> Option<InboundV1> {
    inbound.bought_at.is_none().then(|| InboundV1 {
        key: inbound.key,
        id: inbound.id.clone(),
        fingerprint: inbound.fingerprint,
        node: inbound.node,
        supplier: inbound.supplier.clone(),
        eta: inbound.eta,
        lines: inbound.lines.clone(),
        ended: inbound.ended,
        announced_at: inbound.announced_at,
        announced_seq: inbound.announced_seq,
        ended_at: inbound.ended_at,
        version: inbound.version,
        seq: inbound.seq,
    })
}

/// The event that puts an item, version 1.
#[derive(Serialize, Deserialize)]
pub(super) struct ItemPutV1 {
    pub(super) index: SkuIndex,
    pub(super) item: ItemV1,
}

impl From<ItemPutV1> for ItemPut {
    fn from(old: ItemPutV1) -> Self {
        Self { index: old.index, item: old.item.into() }
    }
}
