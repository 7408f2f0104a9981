//! The JSON of what happens to orders and their fulfilment orders.
//!
//! Long because it is one table: every event has its shape here.

use serde_json::{Map, Value, json};

use super::{Names, name};
use crate::api::scalar::{Day, Instant};
use crate::api::tracking::ScanJson;
use crate::api::words::Worded;
use crate::domain::decision::{Assignment, Decision, LineUnits};
use crate::domain::delivery::Way;
use crate::domain::edit::{Edit, EditTerms, LineChange, PlannedShipment};
use crate::domain::event::OrderChanged;
use crate::domain::fulfillment::FulfillmentStep;
use crate::domain::hold::Hold;
use crate::domain::ids::{FulfillmentKey, OrderKey};
use crate::domain::lots::Identified;
use crate::domain::order::{Allocation, CancelFrom, CancelledPart, OrderEvent, OrderFacts, PlacedLine};
use crate::domain::order_merge::Merged;
use crate::domain::particulars::{Booking, GIVEN_UP, Warranty};
use crate::domain::payment::PaymentMark;
use crate::domain::supply::BoughtUnits;

/// An event of an order.
pub(super) fn changed(changed: &OrderChanged, names: &impl Names) -> Value {
    let key = changed.key;
    let (kind, mut facts) = match &changed.event {
        OrderEvent::Placed { facts, lines, allocations, backordered, .. } => {
            ("order_placed", placed(key, facts, lines, allocations, backordered, names))
        }
        OrderEvent::Sourced { allocations, backordered, .. } => (
            "order_sourced",
            json!({"allocations": allocated(key, allocations, names), "backordered": units(backordered)}),
        ),
        OrderEvent::Filled { allocations } => {
            ("order_filled", json!({"allocations": allocated(key, allocations, names)}))
        }
        OrderEvent::Cancelled { parts, reason } => {
            ("order_cancelled", json!({"parts": self::parts(key, parts), "reason": reason}))
        }
        OrderEvent::Held { number, terms } => (
            "order_held",
            json!({
                "hold": Hold::name_of(*number), "hold_type": terms.kind.word(), "reason": terms.reason,
                "release_at": terms.release_at.map(|release| Instant::from(release.wall)),
                "release_on": terms.release_on.map(PaymentMark::word),
            }),
        ),
        OrderEvent::HoldEnded { number, state, reason } => {
            ("order_hold_ended", json!({"hold": Hold::name_of(*number), "state": state.word(), "reason": reason}))
        }
        OrderEvent::PaymentReported { mark, amount } => {
            ("order_payment_reported", json!({"status": mark.word(), "amount": amount}))
        }
        OrderEvent::Identified { number, units } => {
            let one = |of: &Identified| {
                let expires_on = of.expires_at.map(Day::of);
                json!({"sku": names.sku(of.sku), "lot": of.lot, "expires_on": expires_on, "quantity": of.units})
            };
            let units: Vec<_> = units.iter().map(one).collect();
            ("order_units_identified", json!({"fulfillment_order": fulfillment(key, *number), "units": units}))
        }
        OrderEvent::Consolidated { number, ships_with } => (
            "order_consolidated",
            json!({
                "fulfillment_order": fulfillment(key, *number),
                "ships_with": ships_with.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
        ),
        OrderEvent::SplitOff { to, parts } => {
            ("order_split", json!({"to": to.to_string(), "parts": self::parts(key, parts)}))
        }
        OrderEvent::Fenced { nodes } => {
            ("order_fenced", json!({"nodes": nodes.iter().map(|node| names.node(*node)).collect::<Vec<_>>()}))
        }
        OrderEvent::Tracked { number, scans, estimated_at } => (
            "order_tracked",
            json!({
                "fulfillment_order": fulfillment(key, *number),
                "scans": scans.iter().map(ScanJson::from).collect::<Vec<_>>(),
                "estimated_at": estimated_at.map(Instant::from),
            }),
        ),
        OrderEvent::Totalled { totals } => (
            "order_totalled",
            json!({
                "discount": totals.discount, "shipping": totals.shipping, "tax": totals.tax,
                "tax_included": totals.tax_included,
            }),
        ),
        OrderEvent::Ways { ways } => {
            let one = |way: &Way| {
                let node = way.node.map(|node| names.node(node));
                json!({"group": way.group, "delivery_method": way.method, "preferred_node": node})
            };
            ("order_ways_chosen", json!({"groups": ways.iter().map(one).collect::<Vec<_>>()}))
        }
        OrderEvent::Booked { bookings } => {
            let one = |b: &Booking| {
                let refused = b.slot == GIVEN_UP;
                json!({"line": b.line, "node": names.node(b.node), "slot": b.id, "refused": refused})
            };
            ("order_booked", json!({"slots": bookings.iter().map(one).collect::<Vec<_>>()}))
        }
        OrderEvent::Warranted { warranties } => {
            let one = |w: &Warranty| json!({"line": w.line, "covers": w.covers, "months": w.months});
            ("order_warranted", json!({"warranties": warranties.iter().map(one).collect::<Vec<_>>()}))
        }
        OrderEvent::WarrantyRegistered { line, registered } => (
            "order_warranty_registered",
            json!({
                "line": line, "quantity": registered.units, "from": Instant::from(registered.from),
                "until": Instant::from(registered.until),
            }),
        ),
        OrderEvent::MergedInto { order, parts } => {
            ("order_merged_into", json!({"into": order.to_string(), "parts": self::parts(key, parts)}))
        }
        OrderEvent::Return { key: returned, step, units, .. } => (
            "order_return_changed",
            json!({"return": returned.to_string(), "step": step.word(), "units": self::units(units)}),
        ),
        OrderEvent::Merged { merged } => ("order_merged", came(key, merged, names)),
        OrderEvent::Dropshipped { number, ready_at } => (
            "order_dropshipped",
            json!({"fulfillment_order": fulfillment(key, *number), "ready_at": Instant::from(*ready_at)}),
        ),
        OrderEvent::ReadyPromised { number, ready_by } => (
            "order_ready_promised",
            json!({"fulfillment_order": fulfillment(key, *number), "ready_by": Instant::from(*ready_by)}),
        ),
        OrderEvent::DeliveryPromised { number, deliver_by } => (
            "order_delivery_promised",
            json!({"fulfillment_order": fulfillment(key, *number), "deliver_by": Day(deliver_by.date())}),
        ),
        OrderEvent::ArrivalWanted { by } => ("order_arrival_wanted", json!({"arrives_by": Day(by.date())})),
        OrderEvent::Bought { units } => {
            let one = |bought: &BoughtUnits| {
                json!({
                    "sku": names.sku(bought.sku), "quantity": bought.units, "node": names.node(bought.node),
                    "inbound": bought.document.to_string(), "eta": Instant::from(bought.eta),
                })
            };
            ("order_units_bought", json!({"units": units.iter().map(one).collect::<Vec<_>>()}))
        }
        OrderEvent::Preferred { node } => ("order_node_preferred", json!({"node": names.node(*node)})),
        OrderEvent::SplitFrom { order } => ("order_split_off", json!({"split_from": order.to_string()})),
        OrderEvent::EditOpened { number, terms, .. } => ("order_edit_opened", edit_opened(*number, terms, names)),
        OrderEvent::EditEnded { number, state, reason } => {
            ("order_edit_ended", json!({"edit": Edit::name_of(*number), "state": state.word(), "reason": reason}))
        }
        OrderEvent::Edited { number, lowered, allocations } => (
            "order_edited",
            json!({
                "edit": Edit::name_of(*number), "lowered": parts(key, lowered),
                "allocations": allocated(key, allocations, names),
            }),
        ),
        OrderEvent::Preordered { units } => ("order_preordered", json!({"units": self::units(units)})),
        OrderEvent::ReleaseCame { units } => ("order_release_came", json!({"units": self::units(units)})),
        OrderEvent::Deferred { due } => {
            ("order_deferred", json!({"allocate_at": due.map(|due| Instant::from(due.wall))}))
        }
        OrderEvent::Routed { decision } => ("order_routed", planned(decision, names)),
        OrderEvent::RoutingFailed { decision } => ("order_routing_failed", planned(decision, names)),
        OrderEvent::AllocationFailed { decision } => ("order_allocation_failed", planned(decision, names)),
        OrderEvent::Prioritised { priority } => ("order_prioritised", json!({"priority": priority})),
        OrderEvent::CustomerAsked => ("order_customer_asked", json!({})),
        OrderEvent::CustomerAnswered => ("order_customer_answered", json!({})),
        OrderEvent::Scheduled { release } => ("order_scheduled", json!({"release_at": Instant::from(release.wall)})),
        OrderEvent::Fulfillment { number, step } => {
            let (kind, mut facts) = self::step(key, step, names);
            facts.insert("fulfillment_order".into(), fulfillment(key, *number));
            (kind, Value::Object(facts))
        }
    };
    name(&mut facts, kind, "order", key.to_string(), changed.version);
    facts
}

pub(super) fn placed(
    key: OrderKey,
    facts: &OrderFacts,
    lines: &[PlacedLine],
    allocations: &[Allocation],
    backordered: &[LineUnits],
    names: &impl Names,
) -> Value {
    json!({
        "caller_id": facts.id,
        "kind": facts.kind.word(),
        "channel": facts.channel,
        "channel_order_id": facts.channel_order_id,
        "customer": facts.customer,
        "currency": facts.currency.code(),
        "placed_at": Instant::from(facts.placed_at),
        "country": facts.destinations.first().map(|destination| &destination.country),
        "reservation": facts.reservation.map(|key| key.to_string()),
        "lines": placed_lines(lines, names),
        "allocations": allocated(key, allocations, names),
        "backordered": units(backordered),
    })
}

fn placed_lines(lines: &[PlacedLine], names: &impl Names) -> Vec<Value> {
    let one = |line: &PlacedLine| json!({"id": line.id, "sku": names.sku(line.sku), "quantity": line.quantity, "unit_price": line.unit_price});
    lines.iter().map(one).collect()
}

/// An edit as it was opened; where the order goes from then on, in the clear.
fn edit_opened(number: u16, terms: &EditTerms, names: &impl Names) -> Value {
    let change = |change: &LineChange| json!({"line": change.line, "quantity": change.quantity, "unit_price": change.unit_price});
    let shipment =
        |shipment: &PlannedShipment| json!({"node": names.node(shipment.node), "lines": units(&shipment.lines)});
    json!({
        "edit": Edit::name_of(number),
        "lines": terms.lines.iter().map(change).collect::<Vec<_>>(),
        "added": placed_lines(&terms.added, names),
        "country": terms.destination.as_ref().map(|destination| &destination.country),
        "shipments": terms.shipments.iter().map(shipment).collect::<Vec<_>>(),
        "unfilled": units(&terms.unfilled),
        "difference": terms.difference,
        "reservation": terms.reservation.map(|key| key.to_string()),
        "expires_at": Instant::from(terms.expires_at),
    })
}

/// Units and the buckets they left.
fn parts(order: OrderKey, parts: &[CancelledPart]) -> Vec<Value> {
    let part = |part: &CancelledPart| json!({"line": part.line, "quantity": part.quantity, "from": cancelled_from(order, part.from)});
    parts.iter().map(part).collect()
}

/// What came to an order with another.
fn came(key: OrderKey, merged: &Merged, names: &impl Names) -> Value {
    json!({
        "from": merged.from.to_string(),
        "lines": placed_lines(&merged.lines, names),
        "allocations": allocated(key, &merged.allocations, names),
        "owed": merged.owed,
    })
}

fn allocated(key: OrderKey, allocations: &[Allocation], names: &impl Names) -> Vec<Value> {
    let one = |allocation: &Allocation| {
        json!({
            "fulfillment_order": fulfillment(key, allocation.number),
            "node": names.node(allocation.node),
            "lines": units(&allocation.lines),
        })
    };
    allocations.iter().map(one).collect()
}

/// A plan of which nothing is taken, or that there is none.
fn planned(decision: &Decision, names: &impl Names) -> Value {
    let shipment =
        |assignment: &Assignment| json!({"node": names.node(assignment.node), "lines": units(&assignment.lines)});
    json!({
        "assignments": decision.assignments.iter().map(shipment).collect::<Vec<_>>(),
        "unfilled": units(&decision.unfilled),
    })
}

/// Units by the position of their line in the order, from 0.
fn units(units: &[LineUnits]) -> Vec<Value> {
    units.iter().map(|units| json!({"line": units.line, "quantity": units.quantity})).collect()
}

fn fulfillment(order: OrderKey, number: u16) -> Value {
    FulfillmentKey { order, number }.to_string().into()
}

fn cancelled_from(order: OrderKey, from: CancelFrom) -> Value {
    match from {
        CancelFrom::Unallocated => "unallocated".into(),
        CancelFrom::Preordered => "preordered".into(),
        CancelFrom::Backordered => "backordered".into(),
        CancelFrom::Fulfillment(number) => fulfillment(order, number),
    }
}

/// The type of a step and its facts. A table.
fn step(order: OrderKey, step: &FulfillmentStep, names: &impl Names) -> (&'static str, Map<String, Value>) {
    let (kind, facts) = match step {
        FulfillmentStep::Accepted => ("fulfillment_accepted", json!({})),
        FulfillmentStep::Rejected { reason } => ("fulfillment_rejected", json!({"reason": reason})),
        FulfillmentStep::Picked { lines } => ("fulfillment_picked", json!({"lines": units(lines)})),
        FulfillmentStep::ShortPicked { lines, reason } => {
            ("fulfillment_short_picked", json!({"lines": units(lines), "reason": reason.word()}))
        }
        FulfillmentStep::Packed => ("fulfillment_packed", json!({})),
        FulfillmentStep::MadeReady => ("fulfillment_ready", json!({})),
        FulfillmentStep::Shipped { shipment } => (
            "fulfillment_shipped",
            json!({
                "carrier": shipment.carrier, "service": shipment.service,
                "tracking_number": shipment.tracking_number,
            }),
        ),
        FulfillmentStep::HandedOver => ("fulfillment_handed_over", json!({})),
        FulfillmentStep::Delivered => ("fulfillment_delivered", json!({})),
        FulfillmentStep::CancellationRequested { reason, .. } => {
            ("fulfillment_cancellation_requested", json!({"reason": reason}))
        }
        FulfillmentStep::Cancelled { reason, resourced } => {
            ("fulfillment_cancelled", json!({"reason": reason, "sourced_again": resourced}))
        }
        FulfillmentStep::CancellationRefused => ("fulfillment_cancellation_refused", json!({})),
        FulfillmentStep::NodeOutage { reason } => ("fulfillment_node_outage", json!({"reason": reason})),
        FulfillmentStep::Stopped { reason, resourced } => {
            ("fulfillment_stopped", json!({"reason": reason, "sourced_again": resourced}))
        }
        FulfillmentStep::PutBack { lines } => ("fulfillment_put_back", json!({"lines": units(lines)})),
        FulfillmentStep::MadeReadyUntil { until } => ("fulfillment_ready", json!({"until": Instant::from(until.wall)})),
        FulfillmentStep::Submitted => ("fulfillment_submitted", json!({})),
        FulfillmentStep::Moved { node, cost } => {
            ("fulfillment_moved", json!({"node": names.node(*node), "cost": cost}))
        }
        FulfillmentStep::Split { lines, into } => {
            ("fulfillment_split", json!({"lines": units(lines), "into": fulfillment(order, *into)}))
        }
        FulfillmentStep::Merged { into } => ("fulfillment_merged", json!({"into": fulfillment(order, *into)})),
        FulfillmentStep::Received { node } => ("fulfillment_received", json!({"node": names.node(*node)})),
        FulfillmentStep::ReceivedInPart { node, missing, .. } => {
            ("fulfillment_received_in_part", json!({"node": names.node(*node), "missing": units(missing)}))
        }
    };
    match facts {
        Value::Object(facts) => (kind, facts),
        _ => (kind, Map::new()),
    }
}
