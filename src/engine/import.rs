//! Orders of the past, taken in: one record each, no stock, straight to the archive.
//!
//! An order of the past is found by every name an order has, and its names are taken like all others. What it was worth and
//! where it came from is known; stock is not touched, since what left with it is not on hand any more. What is *not* here:
//! how such an order stands (`domain::past_order`), and the archive (`archive`).

use std::collections::{BTreeMap, BTreeSet};

use super::network::Network;
use super::place::{facts, prepare};
use super::table::{Name, Named};
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::archive::Archiving;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{ImportOrder, PastShipment, PlaceOrder};
use crate::domain::decision::LineUnits;
use crate::domain::event::{Answer, Event};
use crate::domain::ids::{NodeIndex, OrderKey};
use crate::domain::limits::{BACK_BYTES_MAX, FULFILLMENT_ORDERS_MAX, REROUTES_MAX};
use crate::domain::order::{Order, OrderType, PlacedLine};
use crate::domain::particulars::Particulars;
use crate::domain::past_order::{PastEnd, PastFacts, PastLeg};
use crate::domain::record::RecordTooLarge;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, Now, WallTime};

impl Engine {
    pub(super) fn import_order(&self, turn: &Turn<'_>, command: &ImportOrder) -> Result<Executed, Rejection> {
        for _ in 0..REROUTES_MAX {
            let (before, covered) = self.placed_before(&command.order)?;
            if let Some(executed) = before {
                return Ok(executed);
            }
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            if let Some(executed) = self.try_import(turn, &network, command, covered)? {
                return Ok(executed);
            }
        }
        Err(Rejection::Contended)
    }

    /// `None` when the archive has grown since it was asked for the names.
    fn try_import(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        command: &ImportOrder,
        covered: u64,
    ) -> Result<Option<Executed>, Rejection> {
        let asked = &command.order;
        let own_claim = asked.id.clone().map(|id| self.names.claim(Name::Order(id)));
        if let Some(Named::Order(key, fingerprint)) = own_claim.as_ref().and_then(|claim| claim.taken()) {
            return self.repeat_order(asked, key, fingerprint).map(Some);
        }
        let channel_name = Name::ChannelOrder(asked.channel.clone(), asked.channel_order_id.clone());
        let channel_claim = self.names.claim(channel_name);
        if let Some(Named::Order(key, _)) = channel_claim.taken() {
            return Err(self.duplicate(asked, key));
        }
        if self.archive_covers() != covered {
            return Ok(None);
        }
        let now = turn.clocks();
        let key = OrderKey(self.next_key());
        let order = past_order(turn, network, command, now, key)?;
        let events = vec![Event::Archiving(Archiving::Imported(Box::new(order)))];
        let sealed = turn.seal(now.journal, network.catalogue.seq, events, Some(Answer::Order(key)))?;
        if sealed.bytes() > BACK_BYTES_MAX {
            return Err(Rejection::TooLarge(RecordTooLarge { bytes: sealed.bytes(), max: BACK_BYTES_MAX }));
        }
        let mut slot = self.orders.begin(key);
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        logged.fold_imported(&mut slot);
        let order = slot.as_ref().expect("just folded").clone();
        self.note_left(&order);
        let named = Named::Order(key, asked.fingerprint);
        channel_claim.settle(named);
        if let Some(claim) = own_claim {
            claim.settle(named);
        }
        let executed = Executed::done(Reply::Order(order), logged.seq());
        logged.done();
        Ok(Some(executed))
    }
}

fn past_order(
    turn: &Turn<'_>,
    network: &Network,
    command: &ImportOrder,
    now: Now,
    key: OrderKey,
) -> Result<Order, Rejection> {
    let catalogue = &network.catalogue;
    let mut faults = out_of_place(&command.order);
    faults.extend(bad_dates(command, now.wall));
    // What was not released then may be now, and the other way round, and how it was paid is as long ago: none of these is
    // a fault of an order of the past.
    let standing = PlaceOrder { kind: OrderType::Standard, payment: None, ..command.order.clone() };
    let prepared = match prepare(network, &standing, now) {
        Ok(prepared) => Some(prepared),
        Err(Rejection::Invalid(more)) => {
            faults.extend(more);
            None
        }
        Err(other) => return Err(other),
    };
    let mut legs = Vec::new();
    if let Some(prepared) = &prepared {
        match legs_of(catalogue, &prepared.lines, command) {
            Ok(found) => legs = found,
            Err(more) => faults.extend(more),
        }
    }
    let (true, Some(prepared)) = (faults.is_empty(), prepared) else { return Err(Rejection::Invalid(faults)) };
    let facts = facts(&command.order, prepared.destinations, now, None);
    let captured = PastFacts { facts, lines: prepared.lines, actor: &turn.context.actor };
    let end = PastEnd { at: JournalTime(command.closed_at.0), legs };
    let mut order = Order::past(key, captured, &end).expect("its units were counted");
    if let Some(totals) = command.order.wishes.totals {
        order.particulars = Some(Box::new(Particulars { totals: Some(totals), ..Particulars::default() }));
    }
    Ok(order)
}

/// What an order that has ended cannot ask for.
fn out_of_place(order: &PlaceOrder) -> Vec<Fault> {
    let asked = [
        ("reservation", order.reservation.is_some()),
        ("reacquire", order.reacquire),
        ("rule_set", order.rule_set.is_some()),
        ("holds", !order.holds.is_empty()),
        ("allocation", order.wishes.deferred.is_some()),
        ("preferred_node", order.wishes.preferred_node.is_some()),
        ("arrives_by", order.wishes.arrives_by.is_some()),
        ("slot", !order.wishes.slots.is_empty()),
        ("warranty", !order.wishes.warranties.is_empty()),
    ];
    let fault = |(name, _)| Fault::new(name, "order_has_ended", "is not for an order that has ended");
    asked.into_iter().filter(|(_, is_asked)| *is_asked).map(fault).collect()
}

/// Dates have to follow each other, and none may lie ahead.
fn bad_dates(command: &ImportOrder, now: WallTime) -> Vec<Fault> {
    let closed_at = command.closed_at;
    let mut faults = Vec::new();
    let placed_at = match command.order.placed_at {
        Some(placed_at) => placed_at,
        None => {
            faults.push(Fault::new("placed_at", "missing_field", "is required"));
            return faults;
        }
    };
    let mut judge = |field: String, wrong: bool, detail: &str| {
        if wrong {
            faults.push(Fault::new(field, "time_out_of_order", detail));
        }
    };
    judge("closed_at".into(), closed_at > now, "must not be in the future");
    judge("closed_at".into(), closed_at < placed_at, "must not be before `placed_at`");
    for (number, leg) in command.shipments.iter().enumerate() {
        let (shipped_at, delivered_at) = dates_of(leg, closed_at);
        let at = |field: &str| format!("shipments[{number}].{field}");
        judge(at("shipped_at"), shipped_at < placed_at, "must not be before `placed_at`");
        judge(at("delivered_at"), delivered_at < shipped_at, "must not be before `shipped_at`");
        judge(at("delivered_at"), delivered_at > closed_at, "must not be after `closed_at`");
    }
    faults
}

/// When units left and arrived.
fn dates_of(leg: &PastShipment, closed_at: WallTime) -> (WallTime, WallTime) {
    let delivered_at = leg.delivered_at.unwrap_or(closed_at);
    (leg.shipped_at.unwrap_or(delivered_at), delivered_at)
}

/// What went where: one leg a destination of each shipment.
fn legs_of(catalogue: &Catalogue, lines: &[PlacedLine], command: &ImportOrder) -> Result<Vec<PastLeg>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut left: Vec<u32> = lines.iter().map(|line| line.quantity).collect();
    let mut legs = Vec::new();
    for (number, shipment) in command.shipments.iter().enumerate() {
        let at = |field: &str| format!("shipments[{number}].{field}");
        let node = catalogue.node_index(&shipment.node);
        if node.is_none() {
            let detail = format!("there is no node {:?}", shipment.node);
            faults.push(Fault::new(at("node"), "unknown_node", detail));
        }
        let units = units_of(lines, shipment, &at, &mut left, &mut faults);
        legs.extend(node.into_iter().flat_map(|node| legs_from(node, lines, &units, shipment, command.closed_at)));
    }
    if legs.len() > FULFILLMENT_ORDERS_MAX {
        let detail = format!("make at most {FULFILLMENT_ORDERS_MAX} fulfilment orders, these make {}", legs.len());
        faults.push(Fault::new("shipments", "list_length_out_of_range", detail));
    }
    if faults.is_empty() { Ok(legs) } else { Err(faults) }
}

/// Units of a shipment by line; `left` are those that no shipment had yet.
fn units_of(
    lines: &[PlacedLine],
    shipment: &PastShipment,
    at: &impl Fn(&str) -> String,
    left: &mut [u32],
    faults: &mut Vec<Fault>,
) -> BTreeMap<u16, u32> {
    let mut units = BTreeMap::new();
    match &shipment.lines {
        None => units.extend((0..).zip(left.iter().copied()).filter(|(_, open)| *open > 0)),
        Some(named) => {
            for (entry, asked) in named.iter().enumerate() {
                match lines.iter().position(|line| line.id == asked.line) {
                    Some(line) => *units.entry(line as u16).or_default() += asked.quantity.units(),
                    None => {
                        let field = at(&format!("lines[{entry}].line"));
                        faults.push(Fault::new(field, "unknown_line", format!("there is no line {:?}", asked.line)));
                    }
                }
            }
        }
    }
    for (line, quantity) in &units {
        let open = &mut left[usize::from(*line)];
        match open.checked_sub(*quantity) {
            Some(rest) => *open = rest,
            None => {
                let id = &lines[usize::from(*line)].id;
                let detail = format!("line {id:?} has {open} units that are in no shipment, this one has {quantity}");
                faults.push(Fault::new(at("lines"), "quantity_out_of_range", detail));
            }
        }
    }
    if units.is_empty() && faults.is_empty() {
        faults.push(Fault::new(at("lines"), "quantity_out_of_range", "every unit is in another shipment"));
    }
    units
}

/// One leg for each destination that these units go to.
fn legs_from(
    node: NodeIndex,
    lines: &[PlacedLine],
    units: &BTreeMap<u16, u32>,
    shipment: &PastShipment,
    closed_at: WallTime,
) -> Vec<PastLeg> {
    let (shipped_at, delivered_at) = dates_of(shipment, closed_at);
    let mut groups: BTreeMap<u16, Vec<LineUnits>> = BTreeMap::new();
    for (line, quantity) in units {
        let group = lines[usize::from(*line)].group;
        groups.entry(group).or_default().push(LineUnits { line: *line, quantity: *quantity });
    }
    let leg = |(group, lines)| PastLeg {
        node,
        group,
        lines,
        shipment: shipment.shipment.clone(),
        shipped_at: JournalTime(shipped_at.0),
        delivered_at: JournalTime(delivered_at.0),
    };
    groups.into_iter().map(leg).collect()
}
