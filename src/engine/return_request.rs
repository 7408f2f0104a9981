//! A return that is asked for: judged against its order, the catalogue and the policy of each of its lines.

use std::collections::BTreeSet;

use super::hold::too_many;
use super::network::Network;
use crate::domain::command::{RequestReturn, ReturnUnits, WantedInstead};
use crate::domain::decision::LineUnits;
use crate::domain::ids::ReturnKey;
use crate::domain::limits::{EXCHANGE_LINES_MAX, RETURN_LINES_MAX, RETURNS_MAX};
use crate::domain::order::Order;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::return_policy::RefundAt;
use crate::domain::returns::{ExchangeLine, ReturnEvent, ReturnLine, ReturnTerms};
use crate::domain::time::{JournalTime, Now};

const DAY_S: u64 = 24 * 60 * 60;

/// What is asked for, and whether the policy decides alone.
pub(super) struct Requested {
    /// What happened to the return.
    pub event: ReturnEvent,
    /// Whether the policy decides alone.
    pub automatic: bool,
}

/// What is asked for, of this order and in this catalogue.
pub(super) fn requested(
    network: &Network,
    order: &Order,
    command: &RequestReturn,
    now: Now,
) -> Result<Requested, Rejection> {
    let mut faults = Vec::new();
    if command.id.as_deref().is_some_and(|id| ReturnKey::parse(id).is_some()) {
        faults.push(Fault::new("id", "invalid_id", "has the form of a generated id"));
    }
    for (field, count, max) in
        [("lines", command.lines.len(), RETURN_LINES_MAX), ("exchange", command.exchange.len(), EXCHANGE_LINES_MAX)]
    {
        if count > max || (count == 0 && field == "lines") {
            let detail = format!("must have 1 to {max} entries, has {count}");
            faults.push(Fault::new(field, "list_length_out_of_range", detail));
        }
    }
    if order.returns.len() == RETURNS_MAX {
        return Err(too_many("order", "returns", RETURNS_MAX));
    }
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for (at, asked) in command.lines.iter().enumerate() {
        let field = format!("lines[{at}].line");
        match order.line_at(&asked.line) {
            None => {
                let detail = format!("order {} has no line {:?}", order.name(), &*asked.line);
                faults.push(Fault::new(field, "unknown_line", detail));
            }
            Some(line) if !seen.insert(line) => {
                faults.push(Fault::new(field, "duplicate_line", format!("{} is named twice", asked.line)));
            }
            Some(line) => found.push((line, asked)),
        }
    }
    let exchange = exchange_of(network, order, &command.exchange).map_err(|more| faults.extend(more));
    let (true, Ok(exchange)) = (faults.is_empty(), exchange) else { return Err(Rejection::Invalid(faults)) };
    for (line, asked) in &found {
        let (returnable, requested) = (order.returnable(*line), asked.quantity.units());
        if requested > returnable {
            let (order, line) = (order.name(), asked.line.to_string());
            return Err(Rejection::NotReturnable { order, line, returnable, requested });
        }
    }
    Ok(judged_by_policy(network, order, command, &found, exchange, now.journal))
}

/// The request with the terms of the policies of its lines: the latest refund, the shortest time, and only together what
/// each allows.
fn judged_by_policy(
    network: &Network,
    order: &Order,
    command: &RequestReturn,
    found: &[(u16, &ReturnUnits)],
    exchange: Vec<ExchangeLine>,
    now: JournalTime,
) -> Requested {
    let (mut automatic, mut lines) = (true, Vec::with_capacity(found.len()));
    let mut terms = ReturnTerms {
        refund_at: RefundAt::default(),
        exchange_at_once: true,
        expires_s: None,
        is_claim: command.is_claim,
    };
    for (line, asked) in found {
        let placed = &order.lines[usize::from(*line)].placed;
        let policy = network.catalogue.policies().returns(&order.facts.channel, placed.sku);
        let quantity = asked.quantity.units();
        let value = order.worth(LineUnits { line: *line, quantity });
        lines.push(ReturnLine {
            fee_bps: if command.is_claim { 0 } else { policy.fee_bps },
            stated: asked.condition,
            outside: policy.outside(order.delivered_at(*line), now, asked.condition),
            ..ReturnLine::requested(*line, placed.id.clone(), placed.sku, quantity, value, asked.reason.clone())
        });
        automatic &= policy.automatic && !command.is_claim;
        terms.refund_at = terms.refund_at.max(policy.refund_at);
        terms.exchange_at_once &= policy.exchange_at_once;
        let expires = policy.expires_days.map(|days| u64::from(days) * DAY_S);
        terms.expires_s = terms.expires_s.into_iter().chain(expires).min();
    }
    let event = ReturnEvent::Requested {
        id: command.id.clone(),
        fingerprint: command.fingerprint,
        order: order.key,
        order_name: order.name().as_str().into(),
        currency: order.facts.currency,
        terms,
        lines,
        exchange,
    };
    Requested { event, automatic }
}

/// What the customer wants instead, each with its price; all faults together.
fn exchange_of(network: &Network, order: &Order, asked: &[WantedInstead]) -> Result<Vec<ExchangeLine>, Vec<Fault>> {
    let (mut faults, mut lines) = (Vec::new(), Vec::with_capacity(asked.len()));
    let currency = order.facts.currency;
    for (at, wanted) in asked.iter().enumerate() {
        let field = |name: &str| format!("exchange[{at}].{name}");
        let Some(sku) = network.sku_index(&wanted.sku) else {
            faults.push(Fault::new(field("sku"), "unknown_sku", format!("there is no item {:?}", &*wanted.sku)));
            continue;
        };
        let own = order.lines.iter().find(|line| line.placed.sku == sku).map(|line| line.placed.unit_price);
        let value = network.catalogue.item(sku).value.filter(|value| value.currency == currency);
        let price = match wanted.unit_price {
            Some(price) if price.currency != currency => {
                let detail = format!("must be {currency}, the order's");
                faults.push(Fault::new(field("unit_price.currency"), "currency_mismatch", detail));
                continue;
            }
            Some(price) => Some(price.amount),
            None => own.or_else(|| value.map(|value| value.amount)),
        };
        match price {
            None => {
                let detail = format!("is required: neither the order nor the item says what {} costs", wanted.sku);
                faults.push(Fault::new(field("unit_price"), "missing_field", detail));
            }
            Some(unit_price) => lines.push(ExchangeLine { sku, quantity: wanted.quantity.units(), unit_price }),
        }
    }
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}
