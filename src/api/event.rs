//! The JSON of records and their events, as the live feed and the dump of a journal show them.
//!
//! Promises: every event has a `type` and names its entity by an id that finds it (an order by its generated one, its lines
//! by their positions from 0; its own id is told as `caller_id` when it is placed); amounts are deltas, as in the journal;
//! personal data is never shown. What is *not* here: how records are read (`journal`).
//!
//! Long because it is one table: every event has its shape here.

mod order;

use serde_json::{Value, json};

use super::calendar::CalendarJson;
use super::carrier::CarrierJson;
use super::policy::PolicyJson;
use super::reading::shape;
use super::rule_set::RuleSetPut;
use super::scalar::{Day, Instant, Sequence};
use super::words::{Worded, reservation_word};
use crate::domain::archive::Archiving;
use crate::domain::carrier::ShippingTerms;
use crate::domain::carton::Carton;
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::{ChannelEvent, Limit};
use crate::domain::cycle_count::{CountedLine, CycleCountEvent};
use crate::domain::draft::{DraftEvent, DraftTerms};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{
    ChannelChanged, CycleCountChanged, DraftChanged, Event, ExceptionChanged, InboundChanged, LotsChanged,
    ReservationChanged, RuleSetChanged, SlotsChanged, StockMoved, SubscriptionChanged, TransferChanged,
    WorkloadChanged,
};
use crate::domain::exception::ExceptionEvent;
use crate::domain::ids::{ChannelIndex, NodeIndex, SkuIndex};
use crate::domain::inbound::InboundEvent;
use crate::domain::item::{Dimensions, Item};
use crate::domain::lots::{LotChange, LotUnits};
use crate::domain::payment::PaymentMark;
use crate::domain::record::Record;
use crate::domain::reservation::{Held, ReservationEvent, ReservationState};
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::slots::{SlotTerms, SlotsEvent};
use crate::domain::state::State;
use crate::domain::stock::LevelDelta;
use crate::domain::subscription::{SubscribedLine, SubscriptionEvent};
use crate::domain::time::JournalTime;
use crate::domain::transfer::TransferEvent;
use crate::domain::workload::WorkloadEvent;

shape! {
    /// Where the live feed begins.
    #[derive(Copy, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct FeedParams {
        /// Sequence of the last record seen; only what happens from now on when left out.
        #[param(inline)]
        pub after: Option<Sequence>,
    }
}

/// Names of what records know by index.
pub trait Names {
    /// A sku.
    fn sku(&self, index: SkuIndex) -> String;
    /// A node's id.
    fn node(&self, index: NodeIndex) -> String;
    /// A channel's id.
    fn channel(&self, index: ChannelIndex) -> String;
}

impl Names for Catalogue {
    fn sku(&self, index: SkuIndex) -> String {
        self.items().get(index.at()).map_or_else(|| format!("#{}", index.0), |item| item.sku.to_string())
    }

    fn node(&self, index: NodeIndex) -> String {
        self.nodes().get(index.at()).map_or_else(|| format!("#{}", index.0), |node| node.id.to_string())
    }

    fn channel(&self, index: ChannelIndex) -> String {
        self.channels().get(index.at()).map_or_else(|| format!("#{}", index.0), |channel| channel.id.to_string())
    }
}

impl Names for State {
    fn sku(&self, index: SkuIndex) -> String {
        match self.entity(&EntityKey::Item(index)) {
            Some(Entity::Item(item)) => item.sku.to_string(),
            _ => format!("#{}", index.0),
        }
    }

    fn node(&self, index: NodeIndex) -> String {
        match self.entity(&EntityKey::Node(index)) {
            Some(Entity::Node(node)) => node.id.to_string(),
            _ => format!("#{}", index.0),
        }
    }

    fn channel(&self, index: ChannelIndex) -> String {
        match self.entity(&EntityKey::Channel(index)) {
            Some(Entity::Channel(channel)) => channel.terms.id.to_string(),
            _ => format!("#{}", index.0),
        }
    }
}

/// The events of a record, each as one line of JSON that tells its record too.
pub fn lines(record: &Record, names: &impl Names) -> Vec<String> {
    let header = &record.header;
    let line = |event: &Event| {
        let mut line = self::event(event, names);
        line["seq"] = header.seq.into();
        line["time"] = json!(Instant::from(header.time));
        line["actor"] = json!(header.actor);
        line["source"] = json!(header.source);
        line["request_id"] = json!(header.request_id);
        line.to_string()
    };
    record.events.iter().map(line).collect()
}

/// A record with all its events.
pub fn record(record: &Record, names: &impl Names) -> Value {
    let header = &record.header;
    let events: Vec<_> = record.events.iter().map(|event| self::event(event, names)).collect();
    json!({
        "seq": header.seq,
        "time": Instant::from(header.time),
        "wall": Instant::from(header.wall),
        "actor": header.actor,
        "source": header.source,
        "request_id": header.request_id,
        "events": events,
    })
}

/// One event.
pub fn event(event: &Event, names: &impl Names) -> Value {
    match event {
        Event::DirectoryFounded(e) => json!({"type": "directory_founded", "base_currency": e.base_currency.code()}),
        Event::NodePut(e) => {
            json!({"type": "node_put", "node": e.node.id, "kind": e.node.kind.word(), "active": e.node.active})
        }
        Event::ItemPut(e) => item_put(&e.item),
        Event::RuleSetPut(e) => json!({"type": "rule_set_put", "rule_set": e.name, "version": e.version}),
        Event::StockMoved(e) => stock_moved(e, names),
        Event::ReservationChanged(e) => reservation_changed(e, names),
        Event::OrderChanged(e) => order::changed(e, names),
        Event::KeyUsed(_) => json!({"type": "idempotency_key_used"}),
        Event::InboundChanged(e) => inbound_changed(e, names),
        Event::TransferChanged(e) => transfer_changed(e, names),
        Event::ChannelChanged(e) => channel_changed(e, names),
        Event::CartonPut(carton) => carton_put(carton, names),
        Event::RuleSetChanged(e) => rule_set_changed(e),
        Event::CycleCountChanged(e) => cycle_count_changed(e, names),
        Event::ReturnChanged(e) => super::return_event::changed(e, names),
        Event::WaveChanged(e) => super::wave_event::changed(e, names),
        Event::BinPut(e) => super::wave_event::bin_put(e, names),
        Event::PickedNoted(e) => super::wave_event::picked_noted(e, names),
        Event::CollectionChanged(e) => super::collection::told(e),
        Event::LockersChanged(e) => super::lockers::told(e, names),
        Event::DispatchChanged(e) => super::dispatch::told(e, names),
        Event::DraftChanged(e) => draft_changed(e),
        Event::OptimisationApplied(e) => super::optimisation::told(e),
        Event::OpportunityPut(e) => super::opportunity::told(e, names),
        Event::TransitNoted(e) => super::learned::transit_noted(e),
        Event::ShippingPut(terms) => shipping_put(terms),
        Event::LotsChanged(e) => lots_changed(e, names),
        Event::CountNoted(e) => json!({
            "type": "count_noted", "sku": names.sku(e.cell.sku), "node": names.node(e.cell.node), "source": e.source,
            "source_seq": e.source_seq, "observed_at": Instant::from(e.observed_at), "counted": e.counted,
            "difference": e.difference,
        }),
        Event::SubscriptionChanged(e) => subscription_changed(e, names),
        Event::Archiving(e) => archiving(e, names),
        Event::SlotsChanged(e) => slots_changed(e, names),
        Event::WorkloadChanged(e) => work_changed(e, names),
        Event::AddressFormatPut(e) => json!({"type": "address_format_put", "country": e.country}),
        Event::ExceptionChanged(e) => exception_changed(e),
        Event::PolicyPut(e) => {
            let mut facts = json!(PolicyJson::of(&e.key, &e.policy, names));
            facts["type"] = "policy_put".into();
            facts
        }
    }
}

fn item_put(item: &Item) -> Value {
    let mut facts = json!({"type": "item_put", "sku": item.sku, "kind": item.kind.word()});
    if let Some(at) = item.release_at {
        facts["release_at"] = json!(Instant::from(at));
    }
    facts
}

fn stock_moved(moved: &StockMoved, names: &impl Names) -> Value {
    json!({
        "type": "stock_moved",
        "sku": names.sku(moved.cell.sku),
        "node": names.node(moved.cell.node),
        "kind": moved.kind.word(),
        "delta": delta(&moved.delta),
    })
}

/// The counters that change.
fn delta(delta: &LevelDelta) -> Value {
    let LevelDelta { on_hand, shortfall, available, committed, reserved, pool, safety_stock, damaged, quality_control } =
        *delta;
    let named = [
        ("on_hand", on_hand),
        ("shortfall", shortfall),
        ("available", available),
        ("committed", committed),
        ("reserved", reserved),
        ("pool", pool),
        ("safety_stock", safety_stock),
        ("damaged", damaged),
        ("quality_control", quality_control),
    ];
    let changed = named.into_iter().filter(|(_, change)| *change != 0);
    Value::Object(changed.map(|(name, change)| (name.to_owned(), change.into())).collect())
}

fn reservation_changed(changed: &ReservationChanged, names: &impl Names) -> Value {
    let held = |lines: &[Held]| lines.iter().map(|held| self::held(held, names)).collect::<Vec<_>>();
    let (kind, mut facts) = match &changed.event {
        ReservationEvent::Held { id, owner, channel, customer, expires_at, lines, .. } => (
            "reservation_held",
            json!({
                "caller_id": id, "owner": owner, "channel": channel, "customer": customer,
                "expires_at": Instant::from(*expires_at), "lines": held(lines),
            }),
        ),
        ReservationEvent::Changed { expires_at, lines } => {
            ("reservation_changed", json!({"expires_at": Instant::from(*expires_at), "lines": held(lines)}))
        }
        ReservationEvent::Ended { state } => ("reservation_ended", ended(*state)),
        ReservationEvent::Transferred { owner } => ("reservation_transferred", json!({"owner": owner})),
    };
    name(&mut facts, kind, "reservation", changed.key.to_string(), changed.version);
    facts
}

fn inbound_changed(changed: &InboundChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        InboundEvent::Announced { id, node, supplier, eta, lines, .. } => {
            let line = |(sku, units): &(SkuIndex, u32)| json!({"sku": names.sku(*sku), "quantity": units});
            (
                "inbound_announced",
                json!({
                    "caller_id": id, "node": names.node(*node), "supplier": supplier, "eta": Instant::from(*eta),
                    "lines": lines.iter().map(line).collect::<Vec<_>>(),
                }),
            )
        }
        InboundEvent::Redated { eta } => ("inbound_redated", json!({"eta": Instant::from(*eta)})),
        InboundEvent::Received { lines } => {
            let line = |(line, units): &(u16, u32)| json!({"line": line, "quantity": units});
            ("inbound_received", json!({"lines": lines.iter().map(line).collect::<Vec<_>>()}))
        }
        InboundEvent::Ended { reason } => ("inbound_ended", json!({"reason": reason})),
        InboundEvent::Bought { node, supplier, at, eta, lines } => {
            let line = |(sku, units): &(SkuIndex, u32)| json!({"sku": names.sku(*sku), "quantity": units});
            (
                "inbound_bought",
                json!({
                    "node": names.node(*node), "supplier": supplier, "bought_at": Instant::from(*at),
                    "eta": Instant::from(*eta), "lines": lines.iter().map(line).collect::<Vec<_>>(),
                }),
            )
        }
        InboundEvent::Lowered { lines } => {
            let line = |(line, units): &(u16, u32)| json!({"line": line, "quantity": units});
            ("inbound_lowered", json!({"lines": lines.iter().map(line).collect::<Vec<_>>()}))
        }
    };
    name(&mut facts, kind, "inbound", changed.key.to_string(), changed.version);
    facts
}

/// A carrier or a calendar is told whole, a chart by its name.
fn shipping_put(terms: &ShippingTerms) -> Value {
    match terms {
        ShippingTerms::Carrier(carrier) => json!({"type": "carrier_put", "carrier": CarrierJson::of(carrier, None)}),
        ShippingTerms::Traced(carrier, template) => {
            json!({"type": "carrier_put", "carrier": CarrierJson::of(carrier, Some(template))})
        }
        ShippingTerms::Calendar(calendar) => json!({"type": "calendar_put", "calendar": CalendarJson::from(calendar)}),
        ShippingTerms::ZoneChart(chart) => json!({
            "type": "zone_chart_put", "table": chart.table, "from": chart.from.to_string(),
            "ranges": chart.chart.ranges().len(),
        }),
    }
}

fn lots_changed(changed: &LotsChanged, names: &impl Names) -> Value {
    let own = changed.tracking.word();
    let change = |change: &LotChange| match change {
        LotChange::Arrived { node, lot, expires_at, units, blocked } => json!({
            "change": "arrived", "node": names.node(*node), own: lot, "expires_on": expires_at.map(Day::of),
            "quantity": units, "expired": blocked,
        }),
        LotChange::Gone { node, lot, units, blocked } => {
            json!({"change": "gone", "node": names.node(*node), own: lot, "quantity": units, "expired": blocked})
        }
        LotChange::Blocked { node, lot, units } => {
            json!({"change": "expired", "node": names.node(*node), own: lot, "quantity": units})
        }
        LotChange::Picked { by, node, units } => {
            let one = |of: &LotUnits| json!({own: of.lot, "quantity": of.units});
            let units: Vec<_> = units.iter().map(one).collect();
            json!({
                "change": "picked", "node": names.node(*node), "fulfillment_order": by.to_string(), "units": units,
            })
        }
        LotChange::PutBack { by } => json!({"change": "put_back", "fulfillment_order": by.to_string()}),
        LotChange::Left { by } => json!({"change": "left", "fulfillment_order": by.to_string()}),
        LotChange::GoneUnnamed { node, units } => {
            json!({"change": "gone_unnamed", "node": names.node(*node), "quantity": units})
        }
    };
    let changes: Vec<_> = changed.changes.iter().map(change).collect();
    json!({"type": "lots_changed", "sku": names.sku(changed.sku), "changes": changes})
}

fn cycle_count_changed(changed: &CycleCountChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        CycleCountEvent::Planned { id, node, skus, .. } => {
            let skus: Vec<_> = skus.iter().map(|sku| names.sku(*sku)).collect();
            ("count_planned", json!({"caller_id": id, "node": names.node(*node), "skus": skus}))
        }
        CycleCountEvent::Counted { lines } => {
            let line = |line: &CountedLine| {
                json!({
                    "line": line.line, "on_hand": line.on_hand, "difference": line.difference, "applied": line.applied,
                })
            };
            ("count_submitted", json!({"lines": lines.iter().map(line).collect::<Vec<_>>()}))
        }
        CycleCountEvent::Cancelled { reason } => ("count_cancelled", json!({"reason": reason})),
    };
    name(&mut facts, kind, "count", changed.key.to_string(), changed.version);
    facts
}

/// What a draft says may be personal: channel, customer's id and the number of its lines are told.
fn draft_changed(changed: &DraftChanged) -> Value {
    let says = |terms: &DraftTerms, expires_at: JournalTime| {
        json!({
            "channel": terms.channel, "customer": terms.customer, "lines": terms.lines,
            "expires_at": Instant::from(expires_at),
        })
    };
    let (kind, mut facts) = match &changed.event {
        DraftEvent::Begun { id, terms, expires_at, .. } => {
            let mut facts = says(terms, *expires_at);
            facts["caller_id"] = json!(id);
            ("draft_begun", facts)
        }
        DraftEvent::Changed { terms, expires_at } => ("draft_changed", says(terms, *expires_at)),
        DraftEvent::Held { reservation } => ("draft_held", json!({"reservation": reservation.to_string()})),
        DraftEvent::Placed { order } => ("draft_placed", json!({"order": order.to_string()})),
        DraftEvent::Discarded => ("draft_discarded", json!({})),
        DraftEvent::Expired => ("draft_expired", json!({})),
    };
    name(&mut facts, kind, "draft", changed.key.to_string(), changed.version);
    facts
}

fn transfer_changed(changed: &TransferChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        TransferEvent::Promised => ("transfer_promised", json!({})),
        made @ (TransferEvent::Readied { id, from, to, eta, lines, .. }
        | TransferEvent::Drafted { id, from, to, eta, lines, .. }) => {
            let line = |(sku, units): &(SkuIndex, u32)| json!({"sku": names.sku(*sku), "quantity": units});
            let is_draft = matches!(made, TransferEvent::Drafted { .. });
            (
                if is_draft { "transfer_drafted" } else { "transfer_ready" },
                json!({
                    "caller_id": id, "from": names.node(*from), "to": names.node(*to), "eta": eta.map(Instant::from),
                    "lines": lines.iter().map(line).collect::<Vec<_>>(),
                }),
            )
        }
        TransferEvent::Redated { eta } => ("transfer_redated", json!({"eta": Instant::from(*eta)})),
        TransferEvent::Dispatched => ("transfer_dispatched", json!({})),
        TransferEvent::Received { lines } => {
            let line = |(line, units): &(u16, u32)| json!({"line": line, "quantity": units});
            ("transfer_received", json!({"lines": lines.iter().map(line).collect::<Vec<_>>()}))
        }
        TransferEvent::Closed => ("transfer_closed", json!({})),
        TransferEvent::Cancelled { reason } => ("transfer_cancelled", json!({"reason": reason})),
    };
    name(&mut facts, kind, "transfer", changed.key.to_string(), changed.version);
    facts
}

fn subscription_changed(changed: &SubscriptionChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        SubscriptionEvent::Put { id, terms } => {
            let line = |line: &SubscribedLine| json!({"id": line.id, "sku": names.sku(line.sku), "quantity": line.quantity, "unit_price": line.unit_price});
            (
                "subscription_put",
                json!({
                    "caller_id": id, "customer": terms.customer, "channel": terms.channel,
                    "every": terms.every.to_string(), "next_at": Instant::from(terms.first_at),
                    "lines": terms.lines.iter().map(line).collect::<Vec<_>>(),
                }),
            )
        }
        SubscriptionEvent::Placed { number, order } => {
            ("subscription_placed", json!({"number": number, "order": order.to_string()}))
        }
        SubscriptionEvent::Failed { number, code, detail, retry_at } => (
            "subscription_failed",
            json!({"number": number, "code": code, "detail": detail, "retry_at": Instant::from(*retry_at)}),
        ),
        SubscriptionEvent::Skipped { number, reason } => {
            ("subscription_skipped", json!({"number": number, "reason": reason}))
        }
        SubscriptionEvent::Paused { reason } => ("subscription_paused", json!({"reason": reason})),
        SubscriptionEvent::Resumed { passed } => ("subscription_resumed", json!({"passed": passed})),
        SubscriptionEvent::Cancelled { reason } => ("subscription_cancelled", json!({"reason": reason})),
    };
    name(&mut facts, kind, "subscription", changed.key.to_string(), changed.version);
    facts
}

fn archiving(archiving: &Archiving, names: &impl Names) -> Value {
    let key = archiving.key();
    match archiving {
        Archiving::Left(_) => json!({"type": "order_archived", "order": key.to_string()}),
        Archiving::Back(order) => {
            json!({"type": "order_back_from_archive", "order": key.to_string(), "version": order.version})
        }
        Archiving::Imported(order) => {
            let lines: Vec<_> = order.lines.iter().map(|line| line.placed.clone()).collect();
            let mut facts = order::placed(key, &order.facts, &lines, &[], &[], names);
            facts["status"] = order.status().word().into();
            name(&mut facts, "order_imported", "order", key.to_string(), order.version);
            facts
        }
    }
}

fn rule_set_changed(changed: &RuleSetChanged) -> Value {
    let name = &changed.name;
    match &changed.event {
        RuleSetEvent::Drafted { version, terms } => {
            let mut facts = json!(RuleSetPut::of(terms));
            facts["type"] = "rule_set_drafted".into();
            facts["rule_set"] = json!(name);
            facts["version"] = json!(version);
            facts
        }
        RuleSetEvent::Activated { version } => {
            json!({"type": "rule_set_activated", "rule_set": name, "version": version})
        }
        RuleSetEvent::Planned { version, at } => json!({
            "type": "rule_set_planned", "rule_set": name, "version": version, "at": Instant::from(at.wall),
        }),
    }
}

fn carton_put(carton: &Carton, names: &impl Names) -> Value {
    let edges = |edges: Dimensions| json!({"length": edges.length, "width": edges.width, "height": edges.height});
    let nodes = carton.nodes.as_ref().map(|nodes| nodes.iter().map(|node| names.node(*node)).collect::<Vec<_>>());
    json!({
        "type": "carton_put", "carton": carton.id, "name": carton.name, "inner_mm": edges(carton.inner),
        "outer_mm": edges(carton.outer), "weight_g": carton.weight_g, "max_weight_g": carton.max_weight_g,
        "cost": carton.cost, "nodes": nodes,
    })
}

fn channel_changed(changed: &ChannelChanged, names: &impl Names) -> Value {
    match &changed.event {
        ChannelEvent::Put(terms) => {
            let limit = |limit: &Limit| json!({"sku": names.sku(limit.sku), "floor": limit.floor, "cap": limit.cap});
            let nodes =
                terms.nodes.as_ref().map(|nodes| nodes.iter().map(|node| names.node(*node)).collect::<Vec<_>>());
            json!({
                "type": "channel_put", "channel": terms.id, "name": terms.name, "nodes": nodes,
                "customers": terms.customers.len(), "limits": terms.limits.iter().map(limit).collect::<Vec<_>>(),
                "payment_before": {
                    "release": terms.payment_before.release.map(PaymentMark::word),
                    "ship": terms.payment_before.ship.map(PaymentMark::word),
                },
                "payment_methods": terms.payment_methods,
            })
        }
        ChannelEvent::Shipped(units) => {
            let line = |(sku, units): &(SkuIndex, u32)| json!({"sku": names.sku(*sku), "quantity": units});
            let lines: Vec<_> = units.iter().map(line).collect();
            json!({"type": "channel_shipped", "channel": names.channel(changed.index), "lines": lines})
        }
    }
}

fn exception_changed(changed: &ExceptionChanged) -> Value {
    let (kind, mut facts) = match &changed.event {
        ExceptionEvent::Raised { units, order, due_at } => (
            "exception_raised",
            json!({
                "exception_type": changed.key.kind.word(), "severity": changed.key.kind.severity().word(),
                "units": units, "order": order.map(|key| key.to_string()), "due_at": Instant::from(*due_at),
            }),
        ),
        ExceptionEvent::Assigned { owner } => ("exception_assigned", json!({"owner": owner})),
        ExceptionEvent::Escalated { due_at } => ("exception_escalated", json!({"due_at": Instant::from(*due_at)})),
        ExceptionEvent::Resolved { reason } => ("exception_resolved", json!({"reason": reason})),
    };
    name(&mut facts, kind, "exception", changed.key.to_string(), changed.version);
    facts
}

/// Shipments that are work of a node on a day, or no more: the day is told as days since 1970 by its calendar.
fn work_changed(changed: &WorkloadChanged, names: &impl Names) -> Value {
    let (kind, day, shipments) = match &changed.event {
        WorkloadEvent::Taken { day, shipments } => ("work_taken", day, shipments),
        WorkloadEvent::Given { day, shipments } => ("work_given", day, shipments),
    };
    let shipments: Vec<String> = shipments.iter().map(ToString::to_string).collect();
    json!({"type": kind, "node": names.node(changed.node), "day": day, "fulfillment_orders": shipments})
}

/// The slots of a node, and places of them.
fn slots_changed(changed: &SlotsChanged, names: &impl Names) -> Value {
    let node = names.node(changed.node);
    match &changed.event {
        SlotsEvent::Put(slots) => {
            let slot = |slot: &SlotTerms| {
                json!({
                    "id": slot.id, "starts_at": Instant::from(slot.starts_at), "ends_at": Instant::from(slot.ends_at),
                    "limit": slot.limit,
                })
            };
            json!({"type": "slots_put", "node": node, "slots": slots.iter().map(slot).collect::<Vec<_>>()})
        }
        SlotsEvent::Taken { slot, places } => {
            json!({"type": "slot_taken", "node": node, "number": slot, "places": places})
        }
        SlotsEvent::Given { slot, places } => {
            json!({"type": "slot_given", "node": node, "number": slot, "places": places})
        }
    }
}

fn held(held: &Held, names: &impl Names) -> Value {
    json!({"sku": names.sku(held.sku), "node": names.node(held.node), "quantity": held.quantity})
}

fn ended(state: ReservationState) -> Value {
    match state {
        ReservationState::Claimed { order } => json!({"state": reservation_word(state), "order": order.to_string()}),
        state => json!({"state": reservation_word(state)}),
    }
}

/// Adds what every event of an entity has.
pub(super) fn name(facts: &mut Value, kind: &'static str, entity: &'static str, key: String, version: u32) {
    if let Value::Object(facts) = facts {
        facts.insert("type".into(), kind.into());
        facts.insert(entity.into(), key.into());
        facts.insert("version".into(), version.into());
    }
}
