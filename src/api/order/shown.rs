//! Orders, as they are shown: what was captured, where its units are, and its story.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::milestones::milestones;
use crate::api::decision::{DecisionJson, LineNames, OrderLines};
use crate::api::edit::EditBrief;
use crate::api::fulfillment::FulfillmentJson;
use crate::api::hold::{HoldJson, PaymentReport};
use crate::api::order_names::OrderNames;
use crate::api::personal::{Address, Person, open};
use crate::api::scalar::{
    ChannelOrderId, Country, CurrencyCode, Day, Id, Instant, Latitude, Longitude, MoneyJson, Name, Personal,
    PostalCode, Sku,
};
use crate::api::warranty::WarrantyJson;
use crate::api::words::{AllocationMode, DeliveryMethod, as_optional_word, as_word};
use crate::domain::catalogue::Catalogue;
use crate::domain::delivery::Way;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::money::Money;
use crate::domain::order::{Buckets, Destination, Order, OrderStatus, OrderType, Payment, Told};
use crate::domain::particulars::{GIVEN_UP, Totals};
use crate::domain::payment::PaymentState;

/// An order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// Kind of order.
    #[serde(serialize_with = "as_word")]
    pub r#type: OrderType,
    /// Channel it came from.
    pub channel: Id,
    /// Its id there.
    pub channel_order_id: ChannelOrderId,
    /// Who ordered.
    pub customer: CustomerJson,
    /// Where it goes.
    pub ship_to: ShipToJson,
    /// Further destinations by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = HashMap<String, ShipToJson>)]
    pub groups: BTreeMap<Text, ShipToJson>,
    /// Read off the buckets, never set.
    #[serde(serialize_with = "as_word")]
    pub status: OrderStatus,
    /// What `status` would be without its holds, while it is `on_hold`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub status_under_hold: Option<OrderStatus>,
    /// How its money stands.
    #[serde(serialize_with = "as_word")]
    pub payment_state: PaymentState,
    /// Version, from 1.
    pub version: u32,
    /// When it was captured.
    pub received_at: Instant,
    /// The channel's time.
    pub placed_at: Instant,
    /// How it reaches the customer.
    #[schema(value_type = DeliveryMethod)]
    pub delivery_method: Text,
    /// Groups that reach the customer in another way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<GroupDeliveryJson>,
    /// Reservation it claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// Rule set asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Id>,
    /// Payment as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentJson>,
    /// Totals as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<TotalsJson>,
    /// Payments as reported, the one at capture included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<PaymentReport>,
    /// Its holds, ended ones included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldJson>,
    /// The order it was split off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_from: Option<String>,
    /// The order that all of it went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// Orders that came to it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
    /// Its returns, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<String>,
    /// Its edits, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditBrief>,
    /// The node that is asked before all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_node: Option<Id>,
    /// `deferred` while its units rest.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_word")]
    pub allocation: Option<AllocationMode>,
    /// When the clock allocates it, while its units rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocate_at: Option<Instant>,
    /// When its fulfilment orders are handed to nodes, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Instant>,
    /// The day by which it is wanted there, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives_by: Option<Day>,
    /// Its priority, where it is not the usual one.
    #[serde(skip_serializing_if = "is_usual")]
    pub priority: u8,
    /// Whether units wait for the customer's word, as their node will not do it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_customer: bool,
    /// When the last window ends in which its units may come back: from then on it is closed. Of what is fulfilled, by the
    /// policies of returns of now; absent where something may come back for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Instant>,
    /// Steps a customer is shown, each with the first time it was taken.
    #[schema(value_type = HashMap<String, Instant>)]
    pub milestones: BTreeMap<&'static str, Instant>,
    /// Its lines.
    pub lines: Vec<OrderLineJson>,
    /// Its fulfilment orders.
    pub fulfillment_orders: Vec<FulfillmentJson>,
    /// The last sourcing decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionJson>,
}

fn is_usual(priority: &u8) -> bool {
    *priority == 0
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct OrderLineJson {
    /// Id within the order.
    pub id: Id,
    /// What.
    pub sku: Sku,
    /// How many were ordered, cancelled units included.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: MoneyJson,
    /// Key of its destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// The slot it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<BookingJson>,
    /// That it is a warranty, and what was registered of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warranty: Option<WarrantyJson>,
    /// When the item is released, while units of it wait for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Instant>,
    /// Where its units are; they add up to `quantity`.
    pub buckets: BucketsJson,
    /// Of what left, units asked to come back.
    #[serde(skip_serializing_if = "is_none")]
    pub return_requested: u32,
    /// Of what left, units that came back.
    #[serde(skip_serializing_if = "is_none")]
    pub return_received: u32,
    /// Of what left, units made good without coming back.
    #[serde(skip_serializing_if = "is_none")]
    pub written_off: u32,
}

fn is_none(units: &u32) -> bool {
    *units == 0
}

/// The slot that a line has.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingJson {
    /// Where it is done.
    pub node: Id,
    /// Id of the slot.
    pub id: Id,
    /// When it begins.
    pub starts_at: Instant,
    /// When it ends.
    pub ends_at: Instant,
    /// Its node refused, and its place was given back: the line may have another, anywhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl BookingJson {
    fn of(order: &Order, line: u16, catalogue: &Catalogue) -> Option<Self> {
        let booking = order.bookings().iter().find(|booking| booking.line == line)?;
        Some(Self {
            node: Id(catalogue.node(booking.node).id.clone()),
            id: Id(booking.id.clone()),
            starts_at: booking.starts_at.into(),
            ends_at: booking.ends_at.into(),
            refused: booking.slot == GIVEN_UP,
        })
    }
}

/// Where the units of a line are.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Buckets)]
#[allow(missing_docs, reason = "the names are the states of the line")]
pub struct BucketsJson {
    pub unallocated: u32,
    pub preordered: u32,
    pub backordered: u32,
    pub allocated: u32,
    pub released: u32,
    pub picked: u32,
    pub packed: u32,
    pub shipped: u32,
    pub delivered: u32,
    pub cancelled: u32,
}

impl From<Buckets> for BucketsJson {
    fn from(buckets: Buckets) -> Self {
        let Buckets { unallocated, preordered, backordered, allocated, released, .. } = buckets;
        let Buckets { picked, packed, shipped, delivered, cancelled, .. } = buckets;
        Self {
            unallocated,
            preordered,
            backordered,
            allocated,
            released,
            picked,
            packed,
            shipped,
            delivered,
            cancelled,
        }
    }
}

/// Bytes that an order with its decision takes, about.
const WRITTEN_BYTES: usize = 4 << 10;

/// Who ordered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the fields are those of `CustomerShape`")]
pub struct CustomerJson {
    pub id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal>,
}

/// Where it goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the fields are those of `ShipToShape`")]
pub struct ShipToJson {
    pub name: Personal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Personal>,
    pub line1: Personal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<Personal>,
    pub city: Personal,
    pub region: Personal,
    pub postal_code: PostalCode,
    pub country: Country,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<Latitude>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<Longitude>,
    /// Whether the position was derived, not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximate: Option<bool>,
}

/// Payment as reported.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the fields are those of `PaymentShape`")]
pub struct PaymentJson {
    pub method: Name,
    pub status: Name,
}

/// Totals as reported.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the fields are those of `TotalsShape`")]
pub struct TotalsJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<MoneyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<MoneyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<MoneyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_included: Option<bool>,
    pub total: MoneyJson,
}

impl TotalsJson {
    fn of(order: &Order, total: i64) -> Self {
        let money = |amount| MoneyJson::from(Money { amount, currency: order.facts.currency });
        let parts = order.particulars.as_ref().and_then(|particulars| particulars.totals);
        let some = |part: fn(&Totals) -> i64| parts.as_ref().map(part).filter(|amount| *amount != 0).map(money);
        Self {
            discount: some(|totals| totals.discount),
            shipping: some(|totals| totals.shipping),
            tax: some(|totals| totals.tax),
            tax_included: parts.and_then(|totals| totals.tax_included.then_some(true)),
            total: money(total),
        }
    }
}

impl OrderJson {
    /// The JSON of an order with its decision and the nearest losers; the decision without the steps in between.
    pub fn written(order: &Order, catalogue: &Catalogue, orders: &OrderNames<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(WRITTEN_BYTES);
        serde_json::to_writer(&mut out, &Self::in_list(order, catalogue, orders))
            .expect("text keys and finite numbers");
        if let Some(decision) = &order.decision {
            let end = out.pop();
            out.extend_from_slice(br#","decision":"#);
            DecisionJson::write_brief(&mut out, decision, &OrderLines { order, catalogue }, catalogue);
            out.extend(end);
        }
        out
    }

    /// An order without its decision.
    pub fn in_list(order: &Order, catalogue: &Catalogue, orders: &OrderNames<'_>) -> Self {
        let (facts, status) = (&order.facts, order.status());
        let names = OrderLines { order, catalogue };
        let groups = facts.destinations.iter().skip(1).map(|d| (d.group.clone(), ShipToJson::of(d)));
        Self {
            id: order.name(),
            r#type: facts.kind,
            channel: Id(facts.channel.clone()),
            channel_order_id: ChannelOrderId(facts.channel_order_id.clone()),
            customer: CustomerJson::of(order),
            ship_to: ShipToJson::of(&facts.destinations[0]),
            groups: groups.collect(),
            status,
            status_under_hold: (status == OrderStatus::OnHold).then(|| OrderStatus::under_hold(order)),
            payment_state: order.payment_state(),
            version: order.version,
            received_at: order.received_at.into(),
            placed_at: facts.placed_at.into(),
            delivery_method: facts.delivery_method.clone(),
            deliveries: order.ways.iter().map(|way| GroupDeliveryJson::of(order, way, catalogue)).collect(),
            reservation: facts.reservation.map(|key| key.to_string()),
            rule_set: facts.rule_set.clone().map(Id),
            payment: facts.payment.as_ref().map(PaymentJson::of),
            totals: facts.total.map(|total| TotalsJson::of(order, total)),
            payments: order.payments.iter().map(|fact| PaymentReport::of(fact, facts.currency)).collect(),
            holds: HoldJson::all_of(order),
            split_from: order.split_from.map(|key| orders.order(key)),
            merged_into: order.merged_into().map(|key| orders.order(key)),
            merged: order.particulars.iter().flat_map(|some| &some.merged).map(|key| orders.order(*key)).collect(),
            returns: order.returns.iter().map(|known| orders.returned(known.key)).collect(),
            edits: EditBrief::all_of(order),
            preferred_node: order.preferred_node().map(|node| Id(catalogue.node(node).id.clone())),
            allocation: order.deferral.map(|_| AllocationMode::Deferred),
            allocate_at: order.deferral.and_then(|deferral| deferral.due).map(|due| due.wall.into()),
            release_at: order.release_at.map(|release| Instant::from(release.wall)),
            arrives_by: order.arrives_by().map(Day),
            priority: order.priority,
            awaits_customer: order.awaits_customer,
            closes_at: closes_at(order, catalogue),
            milestones: milestones(order),
            lines: (0..order.lines.len() as u16).map(|at| OrderLineJson::of(order, at, &names)).collect(),
            fulfillment_orders: FulfillmentJson::all_of(order, catalogue),
            decision: None,
        }
    }
}

fn closes_at(order: &Order, catalogue: &Catalogue) -> Option<Instant> {
    let policies = catalogue.policies();
    if policies.is_empty() {
        return None;
    }
    order.closes_at(|line| policies.returns(&order.facts.channel, line.sku)).map(Instant::from)
}

/// How a group of lines reaches the customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = GroupDelivered)]
pub struct GroupDeliveryJson {
    /// Key of its destination.
    pub group: Id,
    /// How.
    #[schema(value_type = DeliveryMethod)]
    pub delivery_method: Text,
    /// Node that is asked before all others; the only one where the customer comes to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_node: Option<Id>,
}

impl GroupDeliveryJson {
    fn of(order: &Order, way: &Way, catalogue: &Catalogue) -> Self {
        Self {
            group: Id(order.facts.destinations[usize::from(way.group)].group.clone()),
            delivery_method: way.method.clone(),
            preferred_node: way.node.map(|node| Id(catalogue.node(node).id.clone())),
        }
    }
}

impl OrderLineJson {
    fn of(order: &Order, at: u16, names: &OrderLines<'_>) -> Self {
        let placed = &order.lines[usize::from(at)].placed;
        let (id, sku) = names.line(at);
        let overlay = order.overlay(at);
        let group = &order.facts.destinations[usize::from(placed.group)].group;
        Self {
            id: Id(id.clone()),
            sku: Sku(sku.clone()),
            quantity: placed.quantity,
            unit_price: MoneyJson { amount: placed.unit_price, currency: CurrencyCode(order.facts.currency) },
            group: (placed.group > 0).then(|| Id(group.clone())),
            slot: BookingJson::of(order, at, names.catalogue),
            warranty: WarrantyJson::of(order, at),
            release_at: Self::release_at(order, at, names.catalogue),
            buckets: order.buckets(at).into(),
            return_requested: overlay.requested,
            return_received: overlay.received,
            written_off: overlay.written_off,
        }
    }
}

impl OrderLineJson {
    fn release_at(order: &Order, at: u16, catalogue: &Catalogue) -> Option<Instant> {
        let line = &order.lines[usize::from(at)];
        if line.preordered > 0 { catalogue.release_of(&line.placed).map(Instant::from) } else { None }
    }
}

impl CustomerJson {
    fn of(order: &Order) -> Self {
        let person: Person = open(&order.facts.personal);
        Self {
            id: Id(order.facts.customer.clone()),
            name: person.name.map(Personal),
            email: person.email.map(Personal),
            phone: person.phone.map(Personal),
        }
    }
}

impl ShipToJson {
    /// A destination, its personal data opened.
    pub fn of(destination: &Destination) -> Self {
        let address: Address = open(&destination.personal);
        let coarse = destination.position.map(|position| (position.latitude(), position.longitude()));
        let degrees = address.degrees.or(coarse);
        Self {
            name: Personal(address.name),
            company: address.company.map(Personal),
            line1: Personal(address.line1),
            line2: address.line2.map(Personal),
            city: Personal(address.city),
            region: Personal(address.region),
            postal_code: PostalCode(address.postal_code),
            country: Country(destination.country.clone()),
            phone: address.phone.map(Personal),
            email: address.email.map(Personal),
            latitude: degrees.map(|(north, _)| Latitude(north)),
            longitude: degrees.map(|(_, east)| Longitude(east)),
            approximate: destination.approximate.then_some(true),
        }
    }
}

impl PaymentJson {
    fn of(payment: &Payment) -> Self {
        Self { method: Name(payment.method.clone()), status: Name(payment.status.clone()) }
    }
}

/// One line of an order's story.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Sequence of the record.
    pub seq: u64,
    /// When.
    pub at: Instant,
    /// What happened.
    #[schema(value_type = String)]
    pub r#type: Text,
    /// Fulfilment order it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment_order: Option<String>,
    /// Who.
    #[schema(value_type = String)]
    pub actor: Text,
    /// Why, when a reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reason: Option<Text>,
}

/// The story of an order, oldest first.
pub fn history(order: &Order) -> Vec<HistoryEntry> {
    let entry = |told: &Told| HistoryEntry {
        seq: told.seq,
        at: told.at.into(),
        r#type: told.what.clone(),
        fulfillment_order: (told.number > 0)
            .then(|| FulfillmentKey { order: order.key, number: told.number }.to_string()),
        actor: told.actor.clone(),
        reason: told.reason.clone(),
    };
    order.history.iter().map(entry).collect()
}
