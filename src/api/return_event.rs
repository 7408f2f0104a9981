//! What happened to a return, as the live feed and the dump of a journal tell it.

use serde_json::{Value, json};

use super::event::{Names, name};
use super::scalar::Instant;
use super::tracking::ScanJson;
use super::words::Worded;
use crate::domain::event::ReturnChanged;
use crate::domain::returns::{ExchangeLine, KitPart, Part, Piece, ReturnEvent, ReturnLine};

/// One event. Lines are named by their position within the return, from 0.
pub(super) fn changed(changed: &ReturnChanged, names: &impl Names) -> Value {
    let (kind, mut facts) = match &changed.event {
        ReturnEvent::Requested { id, order, lines, exchange, terms, .. } => {
            let line = |line: &ReturnLine| {
                json!({
                    "order_line": line.id, "sku": names.sku(line.sku), "quantity": line.quantity, "reason": line.reason,
                    "condition": line.stated.map(Worded::word), "outside_policy": line.outside.map(Worded::word),
                    "value": line.value,
                })
            };
            let wanted = |line: &ExchangeLine| json!({"sku": names.sku(line.sku), "quantity": line.quantity, "unit_price": line.unit_price});
            (
                "return_requested",
                json!({
                    "caller_id": id, "order": order.to_string(), "claim": terms.is_claim,
                    "lines": lines.iter().map(line).collect::<Vec<_>>(),
                    "exchange": exchange.iter().map(wanted).collect::<Vec<_>>(),
                }),
            )
        }
        ReturnEvent::Approved { nodes, expires_at } => {
            let nodes: Vec<_> = nodes.iter().map(|node| node.map(|node| names.node(node))).collect();
            let expires_at = expires_at.map(|at| Instant::from(at.wall));
            ("return_approved", json!({"nodes": nodes, "expires_at": expires_at}))
        }
        ReturnEvent::Declined { reason } => ("return_declined", json!({"reason": reason})),
        ReturnEvent::Cancelled { reason } => ("return_cancelled", json!({"reason": reason})),
        ReturnEvent::Expired => ("return_expired", json!({})),
        ReturnEvent::Labelled { label } => (
            "return_labelled",
            json!({
                "node": label.node.map(|node| names.node(node)), "carrier": label.carrier, "service": label.service,
                "tracking_number": label.tracking_number,
            }),
        ),
        ReturnEvent::InTransit => ("return_in_transit", json!({})),
        ReturnEvent::Received { parts } => ("return_received", self::parts(parts, names)),
        ReturnEvent::Inspected { parts } => ("return_inspected", self::parts(parts, names)),
        ReturnEvent::Disposed { parts } => ("return_dispositioned", self::parts(parts, names)),
        ReturnEvent::Refunded { amount } => ("return_refunded", json!({"amount": amount})),
        ReturnEvent::Replaced { order } => ("return_exchanged", json!({"replacement": order.to_string()})),
        ReturnEvent::Credited { amount, instead } => ("return_credited", json!({"amount": amount, "instead": instead})),
        ReturnEvent::Tracked { label, scans, estimated_at } => {
            let scans: Vec<_> = scans.iter().map(ScanJson::from).collect();
            let estimated_at = estimated_at.map(Instant::from);
            ("return_tracked", json!({"label": label, "scans": scans, "estimated_at": estimated_at}))
        }
        ReturnEvent::TakenApart(apart) => {
            let part = |part: &KitPart| json!({"sku": names.sku(part.sku), "quantity": part.each});
            (
                "return_kits_taken_apart",
                json!({
                    "line": apart.line, "node": names.node(apart.node), "kits": apart.kits,
                    "condition": apart.condition.map(Worded::word),
                    "components": apart.parts.iter().map(part).collect::<Vec<_>>(),
                }),
            )
        }
        ReturnEvent::Pieces { pieces } => {
            let piece = |piece: &Piece| {
                json!({
                    "line": piece.line, "component": names.sku(piece.sku), "quantity": piece.units,
                    "node": names.node(piece.node), "condition": piece.condition.map(Worded::word),
                    "disposition": piece.disposition.map(Worded::word),
                })
            };
            ("return_components", json!({"lines": pieces.iter().map(piece).collect::<Vec<_>>()}))
        }
        ReturnEvent::Closed { reason } => ("return_closed", json!({"reason": reason})),
    };
    name(&mut facts, kind, "return", changed.key.to_string(), changed.version);
    facts
}

fn parts(parts: &[Part], names: &impl Names) -> Value {
    let part = |part: &Part| {
        json!({
            "line": part.line, "quantity": part.units, "node": names.node(part.node),
            "condition": part.condition.map(Worded::word), "disposition": part.disposition.map(Worded::word),
        })
    };
    json!({"lines": parts.iter().map(part).collect::<Vec<_>>()})
}
